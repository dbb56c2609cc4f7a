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
 * Stands before Criterion's own function of that name, so that LeakSanitizer does not look at what
 * that one takes: version 2.4 keeps its copy of $CRITERION_OUTPUTS for ever.
 */
__attribute__((visibility("default"))) int criterion_handle_args(int argc, char **argv,
								 bool handle_unknown)
{
	int (*next)(int, char **, bool);
	int go_on;

	*(void **)&next = dlsym(RTLD_NEXT, "criterion_handle_args");
	if (next == NULL)
		abort();
	test_leaks_ignore(true);
	go_on = next(argc, argv, handle_unknown);
	test_leaks_ignore(false);
	return go_on;
}
