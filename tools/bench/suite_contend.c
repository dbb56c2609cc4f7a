/* SPDX-License-Identifier: MIT */
/* Suite `contend`: jobs a second, and the 99th percentile of a job's time, beside every peer. */
#include "tools/bench/bench.h"

#include <stdlib.h>

#include "tools/bench/arena.h"
#include "tools/bench/cells.h"
#include "tools/bench/contend.h"
#include "tools/bench/timing.h"

#define SAMPLE_NS   (100 * 1000 * CLOCK_NS_PER_US)
#define QUICK_NS    (40 * 1000 * CLOCK_NS_PER_US)
#define REPETITIONS 9

static const struct locker *const lockers[] = {
    &locker_default, &locker_sorted,  &locker_presorted,  &locker_naive,
    &locker_global,  &locker_scan,    &locker_wound_wait, &locker_wait_die,
#ifdef WWRESV_BENCH_CPP
    &locker_boost,   &locker_stdlock,
#endif
};

int bench_contend(const struct bench_options *options, struct bench_rows *rows)
{
	const struct contend_plan plan = {
	    .suite = "contend",
	    .lockers = lockers,
	    .num_lockers = sizeof(lockers) / sizeof(lockers[0]),
	    .sample_ns = options->quick ? QUICK_NS : SAMPLE_NS,
	    .repetitions = REPETITIONS,
	};
	struct bench_cell *cells;
	size_t num_cells;
	int ret = bench_cells_create(options, &cells, &num_cells);

	for (size_t i = 0; ret == 0 && i < num_cells; i++)
		ret = contend_run(&plan, &cells[i], options->seed, rows);
	free(cells);
	return ret;
}
