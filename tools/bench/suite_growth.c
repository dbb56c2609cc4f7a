/* SPDX-License-Identifier: MIT */
/* Suite `growth`: one thread locks and unlocks K buffers of M = 8 K; nanoseconds per lock. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <stdio.h>

#include "tools/bench/arena.h"
#include "tools/bench/compare.h"
#include "tools/bench/measure.h"
#include "tools/bench/picks.h"
#include "tools/bench/rows.h"
#include "tools/bench/timing.h"
#include "tools/common/cli.h"
#include "tools/wsim/wsim.h"

#define SLOTS_PER_LOCK 8
#define NUM_PICKED     (1u << 14) /* locks in all of the drawn jobs */
#define LOCKS	       (1u << 18) /* in one sample */
#define QUICK_LOCKS    (1u << 16)
#define REPETITIONS    15
#define MIN_JOBS       4
#define GROWTH_BASE    32 /* K that larger ones are compared with */

static const uint32_t all_sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048};
static const uint32_t quick_sizes[] = {32, 128, 2048};

static const struct locker *const lockers[] = {
    &locker_default, &locker_presorted, &locker_sorted, &locker_scan,
#ifdef WWRESV_BENCH_CPP
    &locker_boost,
#endif
};

#define NUM_LOCKERS (sizeof(lockers) / sizeof(lockers[0]))

struct growth_subject {
	const struct locker *locker;
	const struct picks *picks;
	struct arena arena;
	uint64_t num_jobs;
};

static int run_jobs(const struct growth_subject *subject, struct locker_thread *thread)
{
	const struct locker *locker = subject->locker;

	for (uint64_t job = 0; job < subject->num_jobs; job++) {
		int ret;

		thread->picks = picks_of(subject->picks, locker->presorted, job);
		ret = locker->job(thread);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int run_subject(void *arg, struct bench_sample *ret_sample)
{
	struct growth_subject *subject = arg;
	const uint64_t num_locks = subject->num_jobs * subject->arena.num_locks;
	static struct locker_thread thread;
	struct timing timing;
	int ret = 0;

	thread = (struct locker_thread){.arena = &subject->arena};
	if (subject->locker->begin != NULL)
		ret = subject->locker->begin(&thread);
	timing = timing_begin();
	if (ret == 0)
		ret = run_jobs(subject, &thread);
	timing = timing_end(timing);
	if (subject->locker->end != NULL)
		subject->locker->end(&thread);
	if (ret == 0 && arena_take_counts(&subject->arena) != num_locks) {
		cli_error("%s did not lock what it was asked for", subject->locker->name);
		ret = -EIO;
	}
	ret_sample->value = (double)timing.wall_ns / (double)num_locks;
	ret_sample->cpu_share = (double)timing.cpu_ns / (double)timing.wall_ns;
	return ret;
}

/* All lockers at one K. */
static int run_size(const struct bench_options *options, uint32_t num_locks,
		    const struct picks *picks, struct bench_rows *rows)
{
	const uint32_t num_slots = num_locks * SLOTS_PER_LOCK;
	static struct growth_subject growth[NUM_LOCKERS];
	struct bench_subject subjects[NUM_LOCKERS];
	char name[ROW_NAME_BYTES];
	const struct bench_comparison comparison = {"growth", name, "ns", NULL, false, REPETITIONS};
	unsigned int num_made = 0;
	int ret = 0;

	snprintf(name, sizeof(name), "K=%u,M=%u", num_locks, num_slots);
	for (; num_made < NUM_LOCKERS; num_made++) {
		struct growth_subject *subject = &growth[num_made];

		subject->locker = lockers[num_made];
		subject->picks = picks;
		subject->num_jobs = (options->quick ? QUICK_LOCKS : LOCKS) / num_locks;
		subjects[num_made] =
		    (struct bench_subject){subject->locker->name, run_subject, subject};
		ret = arena_create(&subject->arena, num_slots, num_locks, 0);
		if (ret != 0)
			break;
		subject->locker->init(&subject->arena);
	}
	if (ret == 0)
		ret = bench_compare(&comparison, subjects, NUM_LOCKERS, rows);
	while (num_made > 0) {
		struct growth_subject *subject = &growth[--num_made];

		subject->locker->fini(&subject->arena);
		arena_destroy(&subject->arena);
	}
	return ret;
}

/* Ours at the largest K against ours at GROWTH_BASE: does the cost of a lock grow? */
static int add_growth_row(const struct bench_rows *from, size_t first, struct bench_rows *rows)
{
	struct bench_row row = {
	    .suite = "growth", .peer = "wwresv K=32", .unit = "ns", .repetitions = REPETITIONS};

	for (size_t i = first; i < from->num; i++) {
		unsigned int num_locks;

		if (sscanf(from->rows[i].name, "K=%u", &num_locks) != 1)
			continue;
		if (num_locks == GROWTH_BASE)
			row.peer_value = from->rows[i].ours;
		row.ours = from->rows[i].ours;
		row.cpu = from->rows[i].cpu;
		snprintf(row.name, sizeof(row.name), "%s", from->rows[i].name);
	}
	row.ratio = row.peer_value > 0 ? row.ours / row.peer_value : 0;
	return bench_rows_add(rows, &row);
}

int bench_growth(const struct bench_options *options, struct bench_rows *rows)
{
	const uint32_t *sizes = options->quick ? quick_sizes : all_sizes;
	const size_t num_sizes = options->quick ? sizeof(quick_sizes) / sizeof(quick_sizes[0])
						: sizeof(all_sizes) / sizeof(all_sizes[0]);
	struct wsim_rng rng = {options->seed};
	const size_t first = rows->num;
	/* While a process has one thread the C library locks its mutexes without atomics. */
	int ret = bench_become_multi_threaded();

	for (size_t i = 0; ret == 0 && i < num_sizes; i++) {
		uint32_t num_jobs = NUM_PICKED / sizes[i];
		struct picks picks;

		if (num_jobs < MIN_JOBS)
			num_jobs = MIN_JOBS;
		ret = picks_create(&picks, num_jobs, sizes[i], sizes[i] * SLOTS_PER_LOCK, false,
				   &rng);
		if (ret != 0)
			break;
		ret = run_size(options, sizes[i], &picks, rows);
		picks_destroy(&picks);
	}
	return ret == 0 ? add_growth_row(rows, first, rows) : ret;
}
