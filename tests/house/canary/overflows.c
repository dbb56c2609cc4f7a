/* SPDX-License-Identifier: MIT */
/* Must fail under UndefinedBehaviorSanitizer: a signed overflow. */
#include <limits.h>

int main(void)
{
	volatile int big = INT_MAX;

	big = big + 1;
	return 0;
}
