/* SPDX-License-Identifier: MIT */
/* Must fail under AddressSanitizer and memcheck: reads one byte past the end. */
#include <stdlib.h>

int main(void)
{
	volatile char *bytes = calloc(1, 8);
	volatile size_t past = 8;
	char byte;

	if (bytes == NULL)
		return 0;
	byte = bytes[past];
	free((void *)bytes);
	return byte - byte;
}
