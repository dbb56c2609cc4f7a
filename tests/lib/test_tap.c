/* SPDX-License-Identifier: MIT */
#include "tests/lib/test_tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int num_planned;
static unsigned int num_given;
static unsigned int num_failed;

/* Flushed line by line: what was proven before a crash stays in the log. */
static void tap_line(const char *before, const char *format, va_list args)
{
	fputs(before, stdout);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
}

void tap_plan(unsigned int num_results)
{
	num_planned = num_results;
	printf("1..%u\n", num_results);
	fflush(stdout);
}

bool tap_ok(bool ok, const char *format, ...)
{
	char before[32];
	va_list args;

	snprintf(before, sizeof(before), "%s %u - ", ok ? "ok" : "not ok", ++num_given);
	if (!ok)
		num_failed++;
	va_start(args, format);
	tap_line(before, format, args);
	va_end(args);
	return ok;
}

void tap_skip(const char *format, ...)
{
	char before[32];
	va_list args;

	snprintf(before, sizeof(before), "ok %u # SKIP ", ++num_given);
	va_start(args, format);
	tap_line(before, format, args);
	va_end(args);
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_line("# ", format, args);
	va_end(args);
}

int tap_exit(void)
{
	if (num_given != num_planned)
		printf("Bail out! %u results of %u planned\n", num_given, num_planned);
	fflush(stdout);
	return num_failed == 0 && num_given == num_planned ? 0 : 1;
}
