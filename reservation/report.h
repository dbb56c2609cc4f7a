/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_REPORT_H
#define RESERVATION_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"

/* (a) bits of enum wwr_debug_check */
extern uint32_t reservation_checks;

static inline bool reservation_check_is_on(uint32_t check)
{
	/* Relaxed: a switch orders nothing. */
	return (wwr_atomic_load(&reservation_checks, WWR_RELAXED) & check) != 0;
}

/* One line, without a newline and the library's name, to wherever reports go. */
void reservation_report(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/*
 * Names a mistake that has an error code, or a rescue, instead of an abort; in debug builds and on
 * request.
 *
 *	RESERVATION_REPORT("reservation %p: no slot", (void *)resv);
 */
#define RESERVATION_REPORT(...)                                                                    \
	do {                                                                                       \
		if (reservation_check_is_on(WWR_DEBUG_MISTAKES))                                   \
			reservation_report(__VA_ARGS__);                                           \
	} while (0)

#endif /* RESERVATION_REPORT_H */
