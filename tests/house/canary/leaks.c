/* SPDX-License-Identifier: MIT */
/* Must fail under LeakSanitizer and memcheck. */
#include <stdlib.h>

static void *volatile hidden;

int main(void)
{
	hidden = malloc(77);
	hidden = NULL;
	return 0;
}
