/* SPDX-License-Identifier: MIT */
/*
 * Calls of a driver's ops, and waiting for their end.  A thread inside an op stands in one of the
 * counters.  Invariants: it has read the fence's table after it entered; wwr_fence_synchronize()
 * has changed each counter after the signals it cares for and found it empty, so who enters it
 * later finds those fences detached.  Two rows of counters take turns, so that threads which come
 * and go all the time do not hold it up.
 */
#include <wwresv/fence.h>

#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/fence_thread.h"

#include <inttypes.h>
#include <stdio.h>

#ifndef OPS_NUM_COUNTERS
#define OPS_NUM_COUNTERS 8
#endif
#define OPS_AWAITED (1u << 31) /* wake sync_word when the counter gets empty */

/* Threads inside ops: (a).  A cache line each, so that threads seldom meet there. */
static struct {
	uint32_t num[2];
} WWR_CACHE_ALIGNED counters[OPS_NUM_COUNTERS];

static uint32_t current_row; /* (a) its lowest bit says which counters to enter */
static uint32_t sync_word;   /* (a) a park word: where wwr_fence_synchronize() sleeps */
static uint32_t sync_lock;   /* a wait lock: one at a time */

static uint32_t *ops_counter(const struct fence_thread *self)
{
	/* Records of threads lie at like places of their stacks: the upper bits differ. */
	uintptr_t bits = (uintptr_t)self >> 6;

	bits ^= bits >> 6 ^ bits >> 14;
	return &counters[bits % OPS_NUM_COUNTERS].num[self->ops_row];
}

const struct wwr_fence_ops *fence_enter_op(struct wwr_fence *fence)
{
	struct fence_thread *self = fence_thread_self();

	if (self->num_ops++ == 0) {
		/* Relaxed: an old row is right, too. */
		self->ops_row = wwr_atomic_load(&current_row, WWR_RELAXED) & 1;
		/* Acquire pairs with the release in ops_wait_row(): which fences are detached. */
		(void)wwr_atomic_fetch_add(ops_counter(self), 1, WWR_ACQUIRE);
	}
	/* Relaxed: ordered by the counter. */
	return wwr_atomic_load(&fence->ops, WWR_RELAXED);
}

void fence_leave_op(void)
{
	struct fence_thread *self = fence_thread_self();

	if (--self->num_ops > 0)
		return;
	/* Release pairs with the acquire in ops_wait_row(): the op has returned. */
	if (wwr_atomic_fetch_sub(ops_counter(self), 1, WWR_RELEASE) == (OPS_AWAITED | 1))
		park_unpark_and_wake(&sync_word);
}

static void ops_wait_counter(uint32_t *counter)
{
	for (;;) {
		uint32_t seen = park_begin(&sync_word);

		/* Release and acquire pair with who enters later and who left before. */
		if ((wwr_atomic_fetch_or(counter, OPS_AWAITED, WWR_ACQ_REL) & ~OPS_AWAITED) == 0)
			break;
		(void)park_sleep(&sync_word, seen, PARK_FOREVER, false);
	}
	/* Relaxed: only a hint to wake us. */
	(void)wwr_atomic_fetch_and(counter, ~OPS_AWAITED, WWR_RELAXED);
}

void wwr_fence_synchronize(void)
{
	const struct fence_thread *self = fence_thread_self();

	WWR_USAGE(self->num_ops == 0 && self->num_running == 0,
		  "wwr_fence_synchronize: called from an op or a callback of a fence");
	wait_lock_ranked(&sync_lock, RANK_SYNCHRONIZE);
	for (int pass = 0; pass < 2; pass++) {
		/* Relaxed: the counters make the order. */
		uint32_t row = wwr_atomic_fetch_add(&current_row, 1, WWR_RELAXED) & 1;

		for (int i = 0; i < OPS_NUM_COUNTERS; i++)
			ops_wait_counter(&counters[i].num[row]);
	}
	wait_unlock(&sync_lock);
}

void wwr_fence_set_deadline(struct wwr_fence *fence, int64_t deadline_ns)
{
	const struct wwr_fence_ops *ops;
	/* Relaxed throughout: a hint orders nothing. */
	int64_t earliest_ns = wwr_atomic_load(&fence->deadline_ns, WWR_RELAXED);

	do {
		if (deadline_ns >= earliest_ns)
			return;
	} while (!wwr_atomic_cas(&fence->deadline_ns, &earliest_ns, deadline_ns, WWR_RELAXED));
	if (wwr_fence_is_signaled(fence))
		return;
	ops = fence_enter_op(fence);
	if (ops->set_deadline != NULL)
		ops->set_deadline(fence, deadline_ns);
	fence_leave_op();
}

bool wwr_fence_is_later(const struct wwr_fence *a, const struct wwr_fence *b)
{
	WWR_USAGE(a->context == b->context,
		  "wwr_fence_is_later: fences %p and %p are of different contexts", (const void *)a,
		  (const void *)b);
	return (int64_t)(a->seqno - b->seqno) > 0;
}

int wwr_fence_describe(const struct wwr_fence *fence, char *ret_text, size_t size_bytes)
{
	int status = wwr_fence_get_status(fence);
	const struct wwr_fence_ops *ops;
	char status_text[32];
	int length;

	if (status < 0)
		snprintf(status_text, sizeof(status_text), "error %d", status);
	else
		snprintf(status_text, sizeof(status_text), "%s", status == 0 ? "pending" : "done");
	/* Entering changes nothing of the fence. */
	ops = fence_enter_op((struct wwr_fence *)fence);
	length = snprintf(ret_text, size_bytes, "%s %s %" PRIu64 ":%" PRIu64 " %s",
			  ops->driver_name(fence), ops->timeline_name(fence), fence->context,
			  fence->seqno, status_text);
	fence_leave_op();
	return length;
}
