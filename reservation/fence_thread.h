/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_THREAD_H
#define RESERVATION_FENCE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>

#include "lockset/thread.h"

/*
 * What the fences keep of a thread.  Callbacks that signal run other callbacks, and releases that
 * drop references other releases; within FENCE_MAX_DEPTH of them the next ones are put off until
 * the outermost is over, so that however long a row of them gets, the stack is not.
 *
 * All fields belong to the thread.
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
} __attribute__((may_alias));

#define FENCE_MAX_DEPTH 8

_Static_assert(sizeof(struct fence_thread) <= sizeof(((struct wwr_thread *)0)->upper),
	       "a thread's record has room for what fences keep there");

static inline struct fence_thread *fence_thread_self(void)
{
	return (struct fence_thread *)thread_self()->upper;
}

#endif /* RESERVATION_FENCE_THREAD_H */
