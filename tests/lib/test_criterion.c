/* SPDX-License-Identifier: MIT */
/* What every program of Criterion's needs beside its tests. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/internal/ordered-set.h>
#include <dlfcn.h>
#include <stdlib.h>

#include "tests/lib/test_env.h"

/* A test of more rounds may take longer before it counts as hanging. */
static void allow_more(struct criterion_test_extra_data *data)
{
	if (data != NULL)
		data->timeout *= 10;
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
	if (getenv("WWR_TEST_LONG") == NULL)
		return;
	FOREACH_SET (struct criterion_suite_set *suite, set->suites) {
		allow_more(suite->suite.data);
		FOREACH_SET (struct criterion_test *test, suite->tests)
			allow_more(test->data);
	}
}

/*
 * A process that Criterion starts for one test begins with the first main() that Criterion's
 * library sees, in the way in which that was linked: this one or its own.
 */
static int worker_main(int argc, char **argv)
{
	int (*next)(int, char **);

	*(void **)&next = dlsym(RTLD_NEXT, "main");
	if (next == NULL)
		abort();
	return next(argc, argv);
}

/*
 * In the place of Criterion's own, so that LeakSanitizer does not look at what that takes when it
 * reads its options: version 2.4 keeps its copy of $CRITERION_OUTPUTS for ever.
 */
__attribute__((visibility("default"))) int main(int argc, char **argv)
{
	struct criterion_test_set *tests;
	bool ok = true;
	int go_on;

	if (getenv("BXFI_MAP") != NULL)
		return worker_main(argc, argv);
	tests = criterion_initialize();
	test_leaks_ignore(true);
	go_on = criterion_handle_args(argc, argv, true);
	test_leaks_ignore(false);
	if (go_on)
		ok = criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return ok ? 0 : 1;
}
