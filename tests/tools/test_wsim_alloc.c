/* SPDX-License-Identifier: MIT */
/* Every allocation fails once, and then from there on: -ENOMEM and no leak, whatever it was for. */
#include "tests/tools/test_wsim.h"
#include "alloc.h"
#include "wsim_list.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

TestSuite(wsim_alloc, .timeout = 60);

static unsigned int calls;
static unsigned int fail_from;
static unsigned int fail_count;
static long balance; /* of jansson: blocks that are alive */

static bool must_fail(void)
{
	unsigned int call = calls++;

	return call >= fail_from && call - fail_from < fail_count;
}

static void *failing_realloc(void *ptr, size_t size)
{
	return must_fail() ? NULL : realloc(ptr, size);
}

static void *failing_malloc(size_t size)
{
	void *ptr = must_fail() ? NULL : malloc(size);

	balance += ptr != NULL;
	return ptr;
}

static void counting_free(void *ptr)
{
	balance -= ptr != NULL;
	free(ptr);
}

static const char everything[] =
    "w.1.4n4k/2n1k-8k,W.2.1m,M.1.VCS|RCS,B.1,b.1.VCS1.RCS,f,1.VCS.5.r1-0-3/w2-0/f-1.0,"
    "2.RCS.*.-1/s-1.0,T.-1,a.-4,s.-4,P.3.1,X.4.0,5.BCS.1.0.0,6.BCS.1.0.0,7.BCS.1.0.0,"
    "8.BCS.1.0.0,9.BCS.1.0.0,10.BCS.1.0.0,w.3.1,w.4.1,w.5.1,w.6.1,w.7.1,w.8.1,w.9.1,w.10.1";

/* Fail count calls from the n-th on, for each n until none fails. */
static void parse_with_failures(unsigned int count)
{
	struct wsim_workload *workload = NULL;
	int ret = -ENOMEM;

	for (unsigned int n = 0; ret != 0; n++) {
		struct wsim_error err;

		calls = 0;
		fail_from = n;
		fail_count = count;
		wsim_realloc_hook = failing_realloc;
		ret = wsim_parse("x", everything, strlen(everything), false, &test_wsim_engines,
				 &workload, &err);
		wsim_realloc_hook = NULL;
		cr_assert(ret == 0 || ret == -ENOMEM, "call %u: %d", n, ret);
		cr_assert_eq(ret == 0, calls <= n, "call %u failed unseen", n);
		cr_assert_eq(ret != 0, workload == NULL);
		cr_assert(ret == 0 || strcmp(err.expected, "out of memory") == 0);
	}
	wsim_free(workload);
}

Test(wsim_alloc, parse_with_one_failure_returns_enomem)
{
	parse_with_failures(1);
}

Test(wsim_alloc, parse_with_lasting_failures_returns_enomem)
{
	parse_with_failures(UINT_MAX);
}

Test(wsim_alloc, locks_with_one_failure_return_enomem)
{
	struct wsim_workload *workload = test_wsim_parse(everything);
	struct wsim_lock *locks = NULL;
	size_t count;
	int ret = -ENOMEM;

	for (unsigned int n = 0; ret != 0; n++) {
		calls = 0;
		fail_from = n;
		fail_count = 1;
		wsim_realloc_hook = failing_realloc;
		ret = wsim_batch_locks(workload, &workload->steps[6], &locks, &count);
		wsim_realloc_hook = NULL;
		cr_assert(ret == 0 || ret == -ENOMEM);
		cr_assert_eq(ret == 0, calls <= n);
	}
	free(locks);
	wsim_free(workload);
}

Test(wsim_alloc, loading_without_memory_returns_enomem)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	calls = 0;
	fail_from = 0;
	fail_count = UINT_MAX;
	wsim_realloc_hook = failing_realloc;
	cr_expect_eq(wsim_load_argument("/dev/null", NULL, &workload, &err), -ENOMEM);
	wsim_realloc_hook = NULL;
	cr_expect_str_eq(err.expected, "out of memory");
}

/* Whole or NULL; a name has a second way, which makes it whole after all. */
Test(wsim_alloc, json_with_one_failure_is_whole_or_null)
{
	struct wsim_workload *workload = test_wsim_parse(everything);
	bool done = false;
	json_t *whole;

	json_set_alloc_funcs(failing_malloc, counting_free);
	fail_count = 0;
	whole = wsim_list_json(workload);
	cr_assert_not_null(whole);
	for (unsigned int n = 0; !done; n++) {
		long before = balance;
		json_t *json;

		calls = 0;
		fail_from = n;
		fail_count = 1;
		json = wsim_list_json(workload);
		done = calls <= n;
		fail_count = 0;
		cr_assert(json == NULL ? !done : json_equal(json, whole), "call %u", n);
		json_decref(json);
		cr_assert_eq(balance, before, "call %u leaks %ld", n, balance - before);
	}
	json_decref(whole);
	wsim_free(workload);
}
