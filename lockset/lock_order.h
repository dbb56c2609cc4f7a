/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_LOCK_ORDER_H
#define LOCKSET_LOCK_ORDER_H

#include <stdint.h>

/*
 * The order of the library's wait locks: a thread takes one only if its rank is larger than those
 * of all that it holds, and sleeps for something else with none, but for RANK_SYNCHRONIZE.  Debug
 * builds check that at each step.  docs/locking.md says who takes what inside what.
 */
enum lock_rank {
	RANK_SYNCHRONIZE,  /* one waits for drivers' ops at a time; the only one to sleep under */
	RANK_SYNC_FILES,   /* the registry of sync_files */
	RANK_MEMORY,	   /* a registry of memfds: dma-bufs, files of syncobjs */
	RANK_SYNCOBJ,	   /* a syncobj: its fence, who wants to know */
	RANK_TIMELINE,	   /* a software timeline: its value, its pending fences */
	RANK_TABLE,	   /* the entries of a reservation, against readers that take references */
	RANK_CHAIN,	   /* what comes before a node of a timeline */
	RANK_CELL_CHUNKS,  /* signal cells: one thread makes more */
	RANK_CELL_POOL,	   /* signal cells that are free */
	RANK_FENCE_CACHES, /* threads that keep fences of pools, and the pools */
	RANK_FENCE_POOL,   /* unused fences of a pool */
	RANK_TRACK_ROW,	   /* records of pending fences */
	RANK_THREADS,	   /* the registry of threads */
	RANK_MUTEX,	   /* the queue of a mutex */
	LOCK_NUM_RANKS,
};

/* Each once. */
#define LOCK_ORDER_DEPTH LOCK_NUM_RANKS

#ifdef NDEBUG
struct lock_order {
	char unused;
};

static inline void lock_order_enter(const uint32_t *lock, enum lock_rank rank)
{
	(void)lock;
	(void)rank;
}

static inline void lock_order_leave(const uint32_t *lock)
{
	(void)lock;
}

static inline void lock_order_check_sleep(void)
{
}
#else
/* Of a thread: what it holds, outermost first. */
struct lock_order {
	uint32_t num;
	struct {
		const uint32_t *lock;
		enum lock_rank rank;
	} held[LOCK_ORDER_DEPTH];
};

/* About to take a lock, to give one back, to sleep.  Abort naming both locks. */
void lock_order_enter(const uint32_t *lock, enum lock_rank rank);
void lock_order_leave(const uint32_t *lock);
void lock_order_check_sleep(void);
#endif

#endif /* LOCKSET_LOCK_ORDER_H */
