/* SPDX-License-Identifier: MIT */
/* Must fail under LeakSanitizer; Criterion alone lets it pass. */
#include <stdlib.h>

#include "tests/lib/test_criterion.h"

static void *volatile hidden;

Test(canary, leak_lets_criterion_pass)
{
	hidden = malloc(77);
	hidden = NULL;
}
