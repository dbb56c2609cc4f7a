/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_REPORT_H
#define RESERVATION_REPORT_H

#include <stdio.h>

/*
 * Debug builds name a mistake that has an error code, or a rescue, instead of an abort.
 *
 *	RESERVATION_REPORT("reservation %p: no slot", (void *)resv);
 */
#ifdef NDEBUG
#define RESERVATION_REPORT(format, ...) ((void)0)
#else
#define RESERVATION_REPORT(format, ...) fprintf(stderr, "wwresv: " format "\n", __VA_ARGS__)
#endif

#endif /* RESERVATION_REPORT_H */
