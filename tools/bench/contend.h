/* SPDX-License-Identifier: MIT */
/*
 * T threads, each job locks K of M buffers and works for W nanoseconds with them, in several ways
 * by turns.  Each buffer counts its jobs in plain memory, so a missing exclusion shows as a missing
 * count.
 */
#ifndef CONTEND_H
#define CONTEND_H

#include <stdbool.h>
#include <stdint.h>

struct bench_cell;
struct bench_rows;
struct locker;

struct contend_plan {
	const char *suite;
	const struct locker *const *lockers; /* ours first */
	unsigned int num_lockers;
	bool tells_retries; /* of 100,000 jobs, not the 99th percentile of a job's time */
	int64_t sample_ns;
	unsigned int repetitions;
};

/* Adds the rows of one cell.  0, or -errno after a message. */
int contend_run(const struct contend_plan *plan, const struct bench_cell *cell, uint64_t seed,
		struct bench_rows *rows);

#endif
