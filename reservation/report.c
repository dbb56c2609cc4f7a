/* SPDX-License-Identifier: MIT */
#include "reservation/report.h"

#include <stdarg.h>
#include <stdio.h>

/* Longer reports are cut off. */
#define REPORT_BYTES 1024

#if defined(NDEBUG)
uint32_t reservation_checks;
#elif defined(WWR_EXPLORE)
/* Each of its steps would be one more to explore. */
uint32_t reservation_checks = WWR_DEBUG_MISTAKES | WWR_DEBUG_SECTIONS;
#else
uint32_t reservation_checks = WWR_DEBUG_MISTAKES | WWR_DEBUG_SECTIONS | WWR_DEBUG_FENCES;
#endif

static wwr_debug_report_func report_func; /* changed while there is one thread */
static void *report_data;

void wwr_debug_set_checks(unsigned int checks)
{
	/* Relaxed: a switch orders nothing. */
	wwr_atomic_store(&reservation_checks, checks & WWR_DEBUG_CHECK_MASK, WWR_RELAXED);
}

unsigned int wwr_debug_get_checks(void)
{
	/* Relaxed: as above. */
	return wwr_atomic_load(&reservation_checks, WWR_RELAXED);
}

void wwr_debug_set_report_func(wwr_debug_report_func func, void *data)
{
	report_func = func;
	report_data = data;
}

void reservation_report(const char *format, ...)
{
	char text[REPORT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (report_func != NULL)
		report_func(text, report_data);
	else
		fprintf(stderr, "wwresv: %s\n", text);
}
