/* SPDX-License-Identifier: MIT */
/* Must fail under AddressSanitizer and memcheck: reads one byte past the end. */
#include <stdlib.h>

int main(void)
{
	/* Volatile, so that UndefinedBehaviorSanitizer does not know how large the object is. */
	char *volatile bytes = calloc(1, 8);
	volatile size_t past = 8;
	volatile char byte;

	if (bytes == NULL)
		return 0;
	byte = bytes[past];
	free(bytes);
	return byte - byte;
}
