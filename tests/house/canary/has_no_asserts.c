/* SPDX-License-Identifier: MIT */
/* Must fail in the release lane: there assert() is compiled out. */
#include <stdio.h>

int main(void)
{
#if defined(NDEBUG) && defined(__OPTIMIZE__)
	puts("optimized, and assert() is compiled out");
	return 1;
#else
	return 0;
#endif
}
