/* SPDX-License-Identifier: MIT */
/*
 * Fences: life, state and signal.  Invariants: FENCE_SIGNALED never goes away again; error is
 * written before it and timestamp_ns by the thread that set it; a fence whose reference count is 0
 * has no callbacks.  fence_core.h explains the state word.
 */
#include <wwresv/fence.h>

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_container.h"
#include "reservation/fence_core.h"
#include "reservation/fence_pool.h"
#include "reservation/fence_thread.h"
#include "reservation/fence_track.h"
#include "reservation/report.h"
#include "reservation/resv_cell.h"

#include <errno.h>
#include <inttypes.h>

uint64_t wwr_fence_context_alloc(unsigned int num)
{
	static uint64_t next_context = 1;

	WWR_USAGE(num > 0, "wwr_fence_context_alloc: 0 contexts asked for");
	/* Relaxed: the numbers need only be unique. */
	return wwr_atomic_fetch_add(&next_context, num, WWR_RELAXED);
}

void wwr_fence_init(struct wwr_fence *fence, const struct wwr_fence_ops *ops, uint64_t context,
		    uint64_t seqno)
{
	WWR_USAGE(ops != NULL && ops->driver_name != NULL && ops->timeline_name != NULL,
		  "wwr_fence_init: fence %p has no driver_name or no timeline_name op",
		  (void *)fence);
	fence_init(fence, ops, context, seqno);
	fence_track_begin(fence, __builtin_return_address(0));
}

struct wwr_fence *wwr_fence_get(struct wwr_fence *fence)
{
	uint32_t old;

	if (fence == NULL)
		return NULL;
	/* Relaxed: the caller's own reference orders what it needs. */
	old = wwr_atomic_fetch_add(&fence->refcount, 1, WWR_RELAXED);
	WWR_USAGE(old != 0, "wwr_fence_get: fence %p was released", (void *)fence);
	return fence;
}

/* True = it was the last reference. */
static bool fence_drop(struct wwr_fence *fence)
{
	uint32_t old;

	/*
	 * The only holder need not race with anybody: nobody has a reference to take another one
	 * from, but for the detector.  Acquire pairs with the release of those who dropped theirs.
	 */
	if (wwr_atomic_load(&fence->refcount, WWR_ACQUIRE) == 1 && !fence_is_tracked(fence)) {
		wwr_atomic_store(&fence->refcount, 0, WWR_RELAXED);
		return true;
	}
	/*
	 * Release and acquire pair with each other: what any holder did to the fence comes before
	 * its release.
	 */
	old = wwr_atomic_fetch_sub(&fence->refcount, 1, WWR_ACQ_REL);
	WWR_USAGE(old != 0, "wwr_fence_put: fence %p was released before", (void *)fence);
	return old == 1;
}

/* The last reference is gone and somebody waits, on a reference that was not his. */
static void fence_abandon(struct wwr_fence *fence)
{
	char creator[TRACK_TEXT_BYTES];
	char text[FENCE_TEXT_BYTES];

	(void)wwr_fence_describe(fence, text, sizeof(text));
	fence_track_describe_creator(fence, creator, sizeof(creator));
	RESERVATION_REPORT("fence %p (%s) is released unsignalled while somebody waits for it: "
			   "signalled with -EDEADLK%s",
			   (void *)fence, text, creator);
	wwr_fence_set_error(fence, -EDEADLK);
	(void)wwr_fence_signal(fence);
}

/* Give the memory back. */
static void fence_free(struct wwr_fence *fence, const struct wwr_fence_ops *ops)
{
	/* Relaxed: nobody else has the fence. */
	bool pooled = (wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_POOLED) != 0;

	if (ops->release != NULL)
		ops->release(fence);
	if (pooled)
		fence_pool_put(fence);
	else if (ops->release == NULL)
		wwr_free(fence);
}

/* A release may drop last references of other fences, whose releases do so, too. */
static __attribute__((noinline)) void fence_release(struct wwr_fence *fence,
						    const struct wwr_fence_ops *ops)
{
	struct fence_thread *self = fence_thread_self();

	if (self->num_releasing >= FENCE_MAX_DEPTH) {
		fence->link = self->releases;
		self->releases = fence;
		return;
	}
	self->num_releasing++;
	fence_free(fence, ops);
	while (self->num_releasing == 1 && self->releases != NULL) {
		fence = self->releases;
		self->releases = fence->link;
		/* Relaxed: nobody else has the fence. */
		fence_free(fence, wwr_atomic_load(&fence->ops, WWR_RELAXED));
	}
	self->num_releasing--;
}

void wwr_fence_put(struct wwr_fence *fence)
{
	const struct wwr_fence_ops *ops;

	if (fence == NULL || !fence_drop(fence))
		return;
	/* Relaxed: nobody else has the fence. */
	if (fence_first_cb(wwr_atomic_load(&fence->callbacks, WWR_RELAXED)) != NULL) {
		/* Callbacks may take references, and even keep them. */
		wwr_atomic_store(&fence->refcount, 1, WWR_RELAXED);
		fence_abandon(fence);
		if (!fence_drop(fence))
			return;
	}
	fence_track_end(fence, true);
	if (wwr_atomic_load(&fence->cell, WWR_RELAXED) != NULL)
		resv_cell_put(wwr_atomic_load(&fence->cell, WWR_RELAXED));
	ops = wwr_atomic_load(&fence->ops, WWR_RELAXED);
	if (ops->release != NULL)
		fence_release(fence, ops);
	else
		fence_free(fence, ops);
}

void wwr_fence_set_error(struct wwr_fence *fence, int error)
{
	WWR_USAGE(error < 0 && error >= -FENCE_MAX_ERROR,
		  "wwr_fence_set_error: fence %p: %d is not an error from -4095 to -1",
		  (void *)fence, error);
	WWR_USAGE(!wwr_fence_is_signaled(fence),
		  "wwr_fence_set_error: fence %p has signalled already", (void *)fence);
	/* Relaxed: the signal publishes it. */
	wwr_atomic_store(&fence->error, error, WWR_RELAXED);
}

/* Set the signalled mark and own the list, if there is one; false = somebody else did. */
static bool fence_claim(struct wwr_fence *fence, struct wwr_fence_cb **ret_last_added)
{
	/* Acquire pairs with the other signaller's exchange: its result is ours to see. */
	uintptr_t old = wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE);

	for (;;) {
		if ((old & FENCE_SIGNALED) != 0)
			return false;
		if ((old & FENCE_BUSY) != 0) {
			old = fence_wait_not_busy(fence);
			continue;
		}
		/*
		 * Acquire pairs with the release in wwr_fence_add_callback(): the callbacks'
		 * fields. Release pairs with the acquire in wwr_fence_is_signaled(): the work was
		 * done.  Sequentially consistent: see fence_mark_cell().
		 */
		*ret_last_added = fence_first_cb(old);
		if (wwr_atomic_cas(&fence->callbacks, &old,
				   *ret_last_added != NULL ? FENCE_SIGNALED | FENCE_BUSY
							   : FENCE_SIGNALED,
				   WWR_SEQ_CST))
			return true;
	}
}

/* Tell those who look at reservations without touching their fences. */
static void fence_mark_cell(struct wwr_fence *fence)
{
	/*
	 * Sequentially consistent, as the claim before it and as resv_word_make(), which sets the
	 * cell and then looks for the claim: one of the two sees the other.
	 */
	struct wwr_resv_cell *cell = wwr_atomic_load(&fence->cell, WWR_SEQ_CST);

	if (cell != NULL)
		resv_cell_signal(cell);
}

int wwr_fence_signal_at(struct wwr_fence *fence, int64_t timestamp_ns)
{
	struct wwr_fence_cb *last_added;

	WWR_USAGE(timestamp_ns >= 0, "wwr_fence_signal_at: fence %p: %" PRId64 " is no time",
		  (void *)fence, timestamp_ns);
	if (!fence_claim(fence, &last_added))
		return -EINVAL;
	fence_mark_cell(fence);
	fence_track_end(fence, false);

	/* Relaxed: only the number matters, and who comes before it waits for it. */
	wwr_atomic_store(&fence->timestamp_ns, timestamp_ns, WWR_RELAXED);
	/* Relaxed: the new table is constant. */
	if (wwr_atomic_load(&fence->ops, WWR_RELAXED)->release == NULL)
		wwr_atomic_store(&fence->ops, &fence_detached_ops, WWR_RELAXED);
	if (last_added != NULL)
		fence_run_callbacks(fence, last_added);
	return 0;
}

int wwr_fence_signal(struct wwr_fence *fence)
{
	/* Spares the clock reading; and without a race nothing else is needed. */
	if (wwr_fence_is_signaled(fence))
		return -EINVAL;
	return wwr_fence_signal_at(fence, park_now_ns());
}

/* Has it signalled?  If it is a container that is not marked, *ret_result is what it is. */
static bool fence_poll(const struct wwr_fence *fence, struct fence_result *ret_result,
		       bool *ret_marked)
{
	/* Acquire pairs with the release in fence_claim(): what the work wrote is seen. */
	*ret_marked = (wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE) & FENCE_SIGNALED) != 0;
	if (*ret_marked)
		return true;
	/* A mark that is set by looking changes nothing for anybody. */
	return fence_is_container(fence) &&
	       fence_container_poll((struct wwr_fence *)fence, ret_result);
}

bool wwr_fence_is_signaled(const struct wwr_fence *fence)
{
	struct fence_result result;
	bool marked;

	return fence_poll(fence, &result, &marked);
}

int wwr_fence_get_status(const struct wwr_fence *fence)
{
	struct fence_result result;
	bool marked;
	int error;

	if (!fence_poll(fence, &result, &marked))
		return 0;
	/* Relaxed: written before the signal. */
	error = marked ? wwr_atomic_load(&fence->error, WWR_RELAXED) : result.error;
	return error != 0 ? error : 1;
}

int64_t wwr_fence_timestamp(const struct wwr_fence *fence)
{
	struct fence_result result;
	int64_t timestamp_ns;
	bool marked;

	if (!fence_poll(fence, &result, &marked))
		return 0;
	if (!marked)
		return result.timestamp_ns;
	/* Relaxed: only the number matters. */
	timestamp_ns = wwr_atomic_load(&fence->timestamp_ns, WWR_RELAXED);
	if (timestamp_ns != FENCE_NO_TIMESTAMP)
		return timestamp_ns;
	/* The signaller is just about to write it; the fence only looks constant to the caller. */
	return fence_wait_timestamp((struct wwr_fence *)fence);
}
