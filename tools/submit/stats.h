/* SPDX-License-Identifier: MIT */
/* What a client counts; added up over all clients at the end. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

#include "tools/common/histogram.h"

/* Jobs with more retries are counted with these. */
#define STATS_MAX_RETRIES 1023

struct stats {
	uint64_t num_submitted; /* jobs, those that gave up too */
	uint64_t num_committed; /* sets locked in full */
	uint64_t num_completed;
	uint64_t num_failed;
	uint64_t num_asked;	/* of these, the ones that an option asked for */
	uint64_t num_cancelled; /* committed, but ended by the end of the run */
	uint64_t num_backoffs;
	uint64_t num_missed_periods;
	uint32_t max_retries;
	uint32_t max_losses;
	uint32_t max_restarts;
	uint32_t max_locks;	     /* last index of sizes */
	uint64_t *sizes;	     /* committed sets by number of buffers */
	uint64_t *retries;	     /* jobs by retries, STATS_MAX_RETRIES + 1 entries */
	struct histogram latency_ns; /* of committed sets: until everything was locked */
};

/* 0 or -ENOMEM.  max_locks is the size of the largest set. */
int stats_init(struct stats *stats, uint32_t max_locks);
/* A zeroed structure is fine. */
void stats_fini(struct stats *stats);

/* Both made with the same max_locks. */
void stats_add(struct stats *sum, const struct stats *stats);

void stats_count_retries(struct stats *stats, uint32_t retries);

/* Number of buffers that `fraction` of all sets do not exceed, by nearest rank. */
uint32_t stats_size_quantile(const struct stats *stats, double fraction);

#endif
