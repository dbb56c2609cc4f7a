/* SPDX-License-Identifier: MIT */
/*
 * What a client committed, in its own order: 16 bytes a job, enough to do it all again.
 */
#ifndef COMMIT_LOG_H
#define COMMIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Had no effect on memory. */
#define COMMIT_CANCELLED (1u << 31)
/* And cancelled, but while it wrote: what is in its buffers is neither old nor new. */
#define COMMIT_TORN (1u << 30)

struct commit_entry {
	uint64_t commit; /* place in the order of commits */
	uint32_t step;
	uint32_t loop_and_flags; /* COMMIT_x */
};

/* A zeroed structure is an empty log.  Belongs to one thread at a time. */
struct commit_log {
	struct commit_entry *entries; /* commit numbers rise */
	size_t num, max;
};

/* Make room for one more, before the job is submitted.  0 or -ENOMEM. */
int commit_log_reserve(struct commit_log *log);

/* Returns the entry's index.  There is room. */
size_t commit_log_add(struct commit_log *log, uint64_t commit, uint32_t step, uint32_t loop);

static inline uint32_t commit_entry_loop(const struct commit_entry *entry)
{
	return entry->loop_and_flags & ~(COMMIT_CANCELLED | COMMIT_TORN);
}

static inline bool commit_entry_is_torn(const struct commit_entry *entry)
{
	return (entry->loop_and_flags & COMMIT_TORN) != 0;
}

static inline bool commit_entry_is_cancelled(const struct commit_entry *entry)
{
	return (entry->loop_and_flags & COMMIT_CANCELLED) != 0;
}

void commit_log_fini(struct commit_log *log);

/* All logs of a run, in the order of commits. */
struct commit_order {
	const struct commit_log *const *logs;
	size_t *next;	/* by log */
	uint32_t *heap; /* logs that have more, the one with the smallest commit first */
	uint32_t num_heap;
};

/* 0 or -ENOMEM; the logs stay the caller's. */
int commit_order_begin(struct commit_order *order, const struct commit_log *const *logs,
		       uint32_t num_logs);

/* The next entry and whose it is; NULL at the end. */
const struct commit_entry *commit_order_next(struct commit_order *order, uint32_t *ret_log);

void commit_order_end(struct commit_order *order);

#endif
