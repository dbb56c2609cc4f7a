/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_TEST_CRITERION_H
#define TESTS_LIB_TEST_CRITERION_H

/*
 * For tests under Criterion.  Only the main thread asserts: cr_assert() leaves by longjmp.
 */

#include <criterion/criterion.h>
#include <signal.h>

#include "tests/lib/test_env.h"

/** Leave the test if the real workload descriptors are not on this machine. */
#define TEST_NEED_WSIM_DIR(ret_dir)                                                                \
	do {                                                                                       \
		*(ret_dir) = test_wsim_dir();                                                      \
		if (*(ret_dir) == NULL)                                                            \
			cr_skip_test("no workload descriptors: neither in $WWR_TEST_DATA nor "     \
				     "in ../shared/data/wsim beside the checkout");                \
	} while (0)

#endif /* TESTS_LIB_TEST_CRITERION_H */
