/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of a fence.  Adding pushes onto a list without owning it, so the list of an
 * unsignalled fence begins with callbacks whose prev is not set yet.  Invariants: cb->fence is the
 * fence exactly while the callback is in its list (or in its pending list); from the first node
 * whose successor points back at it, the list is linked both ways.
 */
#include <wwresv/fence_signaling.h>

#include "lockset/park.h"
#include "lockset/thread.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/fence_thread.h"
#include "reservation/report.h"

#include <errno.h>

/* Turns before the owner of the list is left to the system: removers own it for nanoseconds. */
#ifndef FENCE_SPINS
#define FENCE_SPINS 64
#endif

/* How long to sleep for a signaller that is about to write its timestamp. */
#define FENCE_NAP_NS 50000

uintptr_t fence_wait_not_busy(struct wwr_fence *fence)
{
	uintptr_t old;

	for (int i = 0; i < FENCE_SPINS; i++) {
		/* Acquire pairs with the release in fence_release_list(): what the owner did. */
		old = wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE);
		if ((old & FENCE_BUSY) == 0)
			return old;
		wwr_atomic_pause();
	}
	for (;;) {
		uint32_t seen = park_begin(&fence->park_word);

		/* Acquire: as above. */
		old = wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE);
		if ((old & FENCE_BUSY) == 0)
			return old;
		/* Relaxed: the mark goes from word to word; the park word has its own order. */
		if ((old & FENCE_AWAITED) != 0 ||
		    wwr_atomic_cas(&fence->callbacks, &old, old | FENCE_AWAITED, WWR_RELAXED))
			(void)park_sleep(&fence->park_word, seen, PARK_FOREVER, false);
	}
}

int64_t fence_wait_timestamp(struct wwr_fence *fence)
{
	for (int i = 0;; i++) {
		uint32_t seen = park_begin(&fence->park_word);
		/* Relaxed: only the number matters. */
		int64_t timestamp_ns = wwr_atomic_load(&fence->timestamp_ns, WWR_RELAXED);

		if (timestamp_ns != FENCE_NO_TIMESTAMP)
			return timestamp_ns;
		/*
		 * No mark: the signaller looks at marks when its callbacks have returned, and
		 * they may wait for this thread.
		 */
		if (i < FENCE_SPINS)
			wwr_atomic_pause();
		else
			(void)park_sleep(&fence->park_word, seen, park_now_ns() + FENCE_NAP_NS,
					 false);
	}
}

void fence_release_list(struct wwr_fence *fence, uintptr_t callbacks)
{
	/*
	 * Release pairs with the acquire in fence_wait_not_busy() and with that of the next owner:
	 * the list, and that every callback has returned.
	 */
	uintptr_t old = wwr_atomic_exchange(&fence->callbacks, callbacks, WWR_RELEASE);

	if ((old & FENCE_AWAITED) != 0)
		park_unpark_and_wake(&fence->park_word);
}

/* Turn the list round, and link it both ways. */
static struct wwr_fence_cb *cb_list_reverse(struct wwr_fence_cb *last_added)
{
	struct wwr_fence_cb *first = NULL;

	/* One alone is a list already. */
	if (last_added->next == NULL)
		return last_added;
	while (last_added != NULL) {
		struct wwr_fence_cb *cb = last_added;

		last_added = cb->next;
		cb->next = first;
		cb->prev = NULL;
		if (first != NULL)
			first->prev = cb;
		first = cb;
	}
	return first;
}

/* Complete the back links of what was pushed since the last time; each node needs it once. */
static void cb_list_link(struct wwr_fence_cb *last_added)
{
	struct wwr_fence_cb *cb = last_added;

	while (cb != NULL && cb->next != NULL && cb->next->prev != cb) {
		cb->next->prev = cb;
		cb = cb->next;
	}
}

/* The list is linked both ways; returns its new first node. */
static struct wwr_fence_cb *cb_list_unlink(struct wwr_fence_cb *first, struct wwr_fence_cb *cb)
{
	if (cb->next != NULL)
		cb->next->prev = cb->prev;
	if (cb->prev != NULL)
		cb->prev->next = cb->next;
	else
		first = cb->next;
	cb->fence = NULL;
	return first;
}

static void fence_call_pending(struct wwr_fence *fence)
{
	while (fence->pending != NULL) {
		struct wwr_fence_cb *cb = fence->pending;

		fence->pending = cb_list_unlink(cb, cb);
		cb->func(fence, cb); /* may free cb, and take others off pending */
	}
}

static __attribute__((noinline)) void fence_call_pending_checked(struct wwr_fence *fence)
{
	struct wwr_fence_signaling section;

	wwr_fence_begin_signaling(&section, fence, NULL);
	fence_call_pending(fence);
	wwr_fence_end_signaling(&section);
}

/* Call what is pending, and give up the list. */
static void fence_run_pending(struct wwr_fence *fence)
{
	if (__builtin_expect(reservation_check_is_on(WWR_DEBUG_SECTIONS), 0))
		fence_call_pending_checked(fence);
	else
		fence_call_pending(fence);
	fence_release_list(fence, FENCE_SIGNALED);
}

static void fence_defer(struct fence_thread *self, struct wwr_fence *fence)
{
	fence->link = NULL;
	if (self->deferred_first == NULL)
		self->deferred_first = wwr_fence_get(fence);
	else
		self->deferred_last->link = wwr_fence_get(fence);
	self->deferred_last = fence;
}

void fence_run_callbacks(struct wwr_fence *fence, struct wwr_fence_cb *last_added)
{
	struct fence_thread *self = fence_thread_self();

	/* Relaxed: only this thread finds itself there. */
	wwr_atomic_store(&fence->runner, (uintptr_t)thread_self(), WWR_RELAXED);
	fence->pending = cb_list_reverse(last_added);
	if (self->num_running >= FENCE_MAX_DEPTH) {
		fence_defer(self, fence);
		return;
	}
	self->num_running++;
	fence_run_pending(fence);
	while (self->num_running == 1 && self->deferred_first != NULL) {
		fence = self->deferred_first;
		self->deferred_first = fence->link;
		fence_run_pending(fence);
		wwr_fence_put(fence);
	}
	self->num_running--;
}

bool fence_claim_enable(struct wwr_fence *fence)
{
	/* Relaxed, all: the flag has no other meaning than who calls the op. */
	if ((wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_ENABLED) != 0 ||
	    (wwr_atomic_fetch_or(&fence->flags, FENCE_ENABLED, WWR_RELAXED) & FENCE_ENABLED) != 0)
		return false;
	return true;
}

bool fence_enable(struct wwr_fence *fence)
{
	const struct wwr_fence_ops *ops;
	bool pending;

	if (!fence_claim_enable(fence))
		return true;
	ops = fence_enter_op(fence);
	pending = ops->enable_signaling == NULL || ops->enable_signaling(fence);
	fence_leave_op();
	if (!pending)
		(void)wwr_fence_signal(fence);
	return pending;
}

/* Put it on the list; false = signalled. */
static bool fence_push(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	/* Acquire pairs with the signal's release, for callers that find it has signalled. */
	uintptr_t old = wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE);

	for (;;) {
		if ((old & FENCE_SIGNALED) != 0)
			return false;
		if ((old & FENCE_BUSY) != 0) {
			old = fence_wait_not_busy(fence);
			continue;
		}
		cb->next = fence_first_cb(old);
		/* Release pairs with the acquire of the list's next owner: the callback's fields.
		 */
		if (wwr_atomic_cas(&fence->callbacks, &old, (uintptr_t)cb, WWR_ACQ_REL))
			return true;
	}
}

bool fence_push_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb, wwr_fence_func func)
{
	cb->prev = NULL;
	cb->fence = fence;
	cb->func = func;
	if (fence_push(fence, cb))
		return true;
	cb->fence = NULL;
	return false;
}

int wwr_fence_add_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb, wwr_fence_func func)
{
	WWR_USAGE(func != NULL, "wwr_fence_add_callback: fence %p: no function", (void *)fence);
	cb->fence = NULL;
	/* Relaxed: who enabled it makes no difference.  A container that is not marked is asked. */
	if ((wwr_atomic_load(&fence->flags, WWR_RELAXED) & (FENCE_ENABLED | FENCE_CONTAINER)) !=
		FENCE_ENABLED &&
	    (wwr_fence_is_signaled(fence) || !fence_enable(fence)))
		return -ENOENT;
	return fence_push_callback(fence, cb, func) ? 0 : -ENOENT;
}

bool fence_own_list(struct wwr_fence *fence, uintptr_t *ret_word)
{
	/* Acquire pairs with fence_release_list(): what the callbacks did. */
	uintptr_t old = wwr_atomic_load(&fence->callbacks, WWR_ACQUIRE);

	for (;;) {
		if ((old & FENCE_SIGNALED) != 0)
			break;
		if ((old & FENCE_BUSY) != 0) {
			old = fence_wait_not_busy(fence);
			continue;
		}
		/* Acquire pairs with the release in fence_push() and fence_release_list(). */
		if (wwr_atomic_cas(&fence->callbacks, &old, old | FENCE_BUSY, WWR_ACQUIRE))
			break;
	}
	*ret_word = old;
	return (old & FENCE_SIGNALED) == 0;
}

/* Take a callback off a list that this thread owns; false = it is not there. */
static bool fence_unlink(struct wwr_fence *fence, struct wwr_fence_cb **first,
			 struct wwr_fence_cb *cb)
{
	if (cb->fence == NULL)
		return false;
	WWR_USAGE(cb->fence == fence,
		  "wwr_fence_remove_callback: callback %p was added to fence %p, not to %p",
		  (void *)cb, (void *)cb->fence, (void *)fence);
	*first = cb_list_unlink(*first, cb);
	return true;
}

bool wwr_fence_remove_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct wwr_fence_cb *first;
	uintptr_t word;
	bool removed;

	if (fence_own_list(fence, &word)) {
		first = fence_first_cb(word);
		cb_list_link(first);
		removed = fence_unlink(fence, &first, cb);
		fence_release_list(fence, (uintptr_t)first);
		return removed;
	}
	if ((word & FENCE_BUSY) == 0)
		return false;
	/* Relaxed: equal only if this thread wrote it, and is inside a callback just now. */
	if (wwr_atomic_load(&fence->runner, WWR_RELAXED) == (uintptr_t)thread_self())
		return fence_unlink(fence, &fence->pending, cb);
	(void)fence_wait_not_busy(fence);
	return false;
}
