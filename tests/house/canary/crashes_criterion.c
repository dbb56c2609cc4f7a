/* SPDX-License-Identifier: MIT */
/* Must fail in every lane that runs Criterion: the test's process ends by a signal. */
#include <stdlib.h>

#include "tests/lib/test_criterion.h"

Test(canary, abort_unexpected_fails)
{
	abort();
}
