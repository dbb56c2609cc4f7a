/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_STARVE_H
#define TESTS_RESERVATION_STARVE_H

#include <stddef.h>

#include "reservation/resv_cell.h"
#include "tests/reservation/reservation_fixture.h"

/**
 * Take every signal cell that there is and let each allocation fail; needs test_alloc_install().
 *
 * @return for test_feed()
 */
static inline struct wwr_resv_cell *test_starve(void)
{
	struct wwr_resv_cell *hostages = NULL;
	struct wwr_resv_cell *cell;

	test_alloc_fail(1, true);
	while ((cell = resv_cell_get()) != NULL) {
		cell->next = hostages;
		hostages = cell;
	}
	return hostages;
}

/** There is memory again. */
static inline void test_feed(struct wwr_resv_cell *hostages)
{
	test_alloc_fail(0, false);
	while (hostages != NULL) {
		struct wwr_resv_cell *cell = hostages;

		hostages = cell->next;
		resv_cell_put(cell);
	}
}

#endif /* TESTS_RESERVATION_STARVE_H */
