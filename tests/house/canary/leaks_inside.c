/* SPDX-License-Identifier: MIT */
/* Must fail under memcheck: all that is left of the memory is a pointer into its middle. */
#include <stdlib.h>

static char *volatile inside;

int main(void)
{
	char *start = malloc(77);

	if (start != NULL)
		inside = start + 8;
	return 0;
}
