/* SPDX-License-Identifier: MIT */
/* Must fail in every lane that runs Criterion: one test of two. */
#include "tests/lib/test_criterion.h"

Test(canary, assert_true_passes)
{
	cr_assert(1);
}

Test(canary, assert_false_fails)
{
	cr_assert(0, "on purpose");
}
