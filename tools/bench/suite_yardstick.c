/* SPDX-License-Identifier: MIT */
/*
 * Suite `yardstick`: sets of 800 out of 100,000 mutexes, as the kernel's ww_mutex was tried when it
 * was new; jobs a second and the retries of 100,000 jobs, under each algorithm and policy.
 */
#include "tools/bench/bench.h"

#include "tools/bench/arena.h"
#include "tools/bench/cells.h"
#include "tools/bench/contend.h"
#include "tools/bench/timing.h"

#define SAMPLE_NS   (1000 * 1000 * CLOCK_NS_PER_US)
#define QUICK_NS    (40 * 1000 * CLOCK_NS_PER_US)
#define REPETITIONS 9

static const struct bench_cell cells[] = {
    {4, 800, 100000, 0, false},
    {16, 800, 100000, 0, false},
};

static const struct locker *const lockers[] = {
    &locker_default,
    &locker_default_wait_die,
    &locker_wound_wait,
    &locker_wait_die,
};

int bench_yardstick(const struct bench_options *options, struct bench_rows *rows)
{
	const struct contend_plan plan = {
	    .suite = "yardstick",
	    .lockers = lockers,
	    .num_lockers = sizeof(lockers) / sizeof(lockers[0]),
	    .tells_retries = true,
	    .sample_ns = options->quick ? QUICK_NS : SAMPLE_NS,
	    .repetitions = REPETITIONS,
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(cells) / sizeof(cells[0]); i++)
		ret = contend_run(&plan, &cells[i], options->seed, rows);
	return ret;
}
