/* SPDX-License-Identifier: MIT */
#include "lockset/usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void wwr_usage_error(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("wwresv: usage error: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, " (%s:%d)\n", file, line);
	va_end(args);
	abort();
}
