/* SPDX-License-Identifier: MIT */
/* Must fail under MemorySanitizer and memcheck: a decision upon a byte that nobody wrote. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *volatile bytes = malloc(8);

	if (bytes == NULL)
		return 0;
	if (bytes[3] != 0)
		puts("it was not zero");
	free(bytes);
	return 0;
}
