/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_TRACK_H
#define RESERVATION_FENCE_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reservation/fence_core.h"
#include "reservation/report.h"

/*
 * The detector of fences that do not signal: with WWR_DEBUG_FENCES on there is a record of each
 * pending fence that is not a container, in a table of fixed size, so that nothing is allocated.
 * Who waits for a fence, and through which containers, is found from its callbacks.
 *
 * While it is off a fence costs one look at the switch when it is made and before each sleep for
 * it, and one at its own flags when it signals and when it is released.
 */

/* Fences whose address falls into the same row, beyond this number, are not recorded. */
#define TRACK_ROW_RECORDS 16

#ifndef TRACK_NUM_ROWS
#define TRACK_NUM_ROWS 1024
#endif

/* What is known of a fence. */
struct fence_track_info {
	const void *creator; /* an address in the code that made it */
	int creator_tid;
	int64_t created_ns;
};

void fence_track_add(struct wwr_fence *fence, const void *creator);
void fence_track_remove(struct wwr_fence *fence, bool released);

/* A fence was made: remember it if that is wanted. */
static inline void fence_track_begin(struct wwr_fence *fence, const void *creator)
{
	if (__builtin_expect(reservation_check_is_on(WWR_DEBUG_FENCES), 0))
		fence_track_add(fence, creator);
}

static inline bool fence_is_tracked(const struct wwr_fence *fence)
{
	/* Relaxed: set before the fence was published. */
	return __builtin_expect((wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_TRACKED) != 0,
				0);
}

/* It has signalled, or its last reference is gone. */
static inline void fence_track_end(struct wwr_fence *fence, bool released)
{
	if (fence_is_tracked(fence))
		fence_track_remove(fence, released);
}

/* What is known of a fence; false = nothing. */
bool fence_track_find(const struct wwr_fence *fence, struct fence_track_info *ret_info);

/*
 * References of the fences of one row that were made before a time and are pending; returns how
 * many.
 */
unsigned int fence_track_collect(unsigned int row, int64_t before_ns,
				 struct wwr_fence *ret_fences[TRACK_ROW_RECORDS]);

/* Fences for which there was no room in the table, so far. */
unsigned int fence_track_num_missed(void);

/* ", made by thread T in FUNCTION", or nothing if that is not known. */
#define TRACK_TEXT_BYTES 256
void fence_track_describe_creator(const struct wwr_fence *fence, char *ret_text, size_t size_bytes);

/* "FUNCTION+0x12 (FILE+0x3456)", as far as it is known. */
void fence_track_describe_code(const void *address, char *ret_text, size_t size_bytes);

/* A thread's sleep for fences; its callbacks lead to it.  Written before they are added. */
struct fence_waiter {
	int tid; /* 0 = not known: the detector was off */
	int64_t since_ns;
	int64_t report_ns; /* when to report it */
};

void fence_waiter_begin_tracked(struct fence_waiter *waiter);

static inline void fence_waiter_begin(struct fence_waiter *waiter)
{
	waiter->tid = 0;
	waiter->report_ns = INT64_MAX;
	if (__builtin_expect(reservation_check_is_on(WWR_DEBUG_FENCES), 0))
		fence_waiter_begin_tracked(waiter);
}

/* As park_sleep(); *is_due is set, once, if it was time to report the wait. */
int fence_waiter_sleep(struct fence_waiter *waiter, uint32_t *word, uint32_t seen,
		       int64_t deadline_ns, bool interruptible, bool *is_due);

/* It is that time; the fence is one that the wait is for. */
void fence_waiter_report(const struct fence_waiter *waiter, struct wwr_fence *fence);

/* What a callback belongs to, each or NULL.  The fence's list is the caller's. */
const struct fence_waiter *fence_wait_of_cb(struct wwr_fence_cb *cb);
const struct fence_waiter *syncobj_wait_of_cb(struct wwr_fence_cb *cb);

#endif /* RESERVATION_FENCE_TRACK_H */
