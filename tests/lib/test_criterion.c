/* SPDX-License-Identifier: MIT */
/*
 * Stands before Criterion's own function of that name, so that LeakSanitizer does not look at what
 * that one takes: version 2.4 keeps its copy of $CRITERION_OUTPUTS for ever.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>

#include "tests/lib/test_env.h"

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
