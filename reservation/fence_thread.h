/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_THREAD_H
#define RESERVATION_FENCE_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include <wwresv/fence.h>

#include "lockset/thread.h"

struct fence_cell;

struct fence_cell_list {
	struct fence_cell *first;
	size_t num;
};

/* Unused fences of one pool, fence_pool.h. */
struct fence_cache {
	struct wwr_fence_pool *pool; /* (a) NULL = free; see fence_cache.c */
	struct fence_cell_list cells;
};

/* Pools that a thread may use by turns without touching anything shared. */
#define FENCE_NUM_CACHES 4

enum fence_cache_state {
	FENCE_CACHES_NONE,
	FENCE_CACHES_OPEN,   /* the thread is in the registry */
	FENCE_CACHES_CLOSED, /* it exits */
};

/*
 * What the fences keep of a thread.  Callbacks that signal run other callbacks, and releases that
 * drop references other releases; within FENCE_MAX_DEPTH of them the next ones are put off until
 * the outermost is over, so that however long a row of them gets, the stack is not.
 *
 * All fields belong to the thread, but where it says otherwise.
 */
struct fence_thread {
	uint32_t num_running;		  /* fences whose callbacks run, one inside the other */
	uint32_t num_releasing;		  /* release ops, one inside the other */
	struct wwr_fence *deferred_first; /* signalled too deep: a reference each, linked by link */
	struct wwr_fence *deferred_last;
	struct wwr_fence *releases;	     /* to be released, linked by link */
	uint32_t num_ops;		     /* driver ops that it is inside of, fence_ops.c */
	uint32_t ops_row;		     /* the row of counters where it stands for them */
	struct wwr_fence_signaling *section; /* the innermost one */
	struct fence_cache caches[FENCE_NUM_CACHES];
	uint32_t next_cache; /* the one that makes room for another pool */
	enum fence_cache_state cache_state;
	struct fence_thread *prev, *next; /* threads with caches: under the lock in fence_cache.c */
} __attribute__((may_alias));

#define FENCE_MAX_DEPTH 8

_Static_assert(sizeof(struct fence_thread) <= sizeof(((struct wwr_thread *)0)->upper),
	       "a thread's record has room for what fences keep there");

static inline struct fence_thread *fence_thread_self(void)
{
	return (struct fence_thread *)thread_self()->upper;
}

#endif /* RESERVATION_FENCE_THREAD_H */
