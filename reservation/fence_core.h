/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_CORE_H
#define RESERVATION_FENCE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>

#include "lockset/wwr_atomic.h"

/*
 * The word wwr_fence.callbacks is the fence's state and the list of its callbacks:
 *
 *   bits 3..63      not signalled: the callback added last, the others behind it; else 0
 *   FENCE_SIGNALED  set once, never cleared
 *   FENCE_BUSY      one thread owns the list: a remover, or the signaller, if there are callbacks,
 *                   until every one has returned.  Only the owner changes bits 3..63 then; nobody
 * else sets SIGNALED FENCE_AWAITED   somebody may be asleep on park_word until BUSY is clear; only
 * with BUSY
 *
 * Adding is one exchange of the word; the signal is one that takes the whole list, and if that is
 * not empty one that gives up BUSY.
 */
#define FENCE_SIGNALED ((uintptr_t)1)
#define FENCE_BUSY     ((uintptr_t)2)
#define FENCE_AWAITED  ((uintptr_t)4)
#define FENCE_CB_MASK  (~(uintptr_t)7)

/* Values of wwr_fence.flags. */
#define FENCE_ENABLED	(1u << 0) /* enable_signaling was called, is being called, or is none */
#define FENCE_CONTAINER (1u << 1) /* made of other fences; set before it is published */
#define FENCE_CHAIN	(1u << 2) /* a container that is a node of a timeline, not an array */
#define FENCE_CLIENT	(1u << 3) /* a client has to do something first; set before publication */
#define FENCE_POOLED	(1u << 4) /* the memory is a pool's; set before publication */
#define FENCE_TRACKED	(1u << 5) /* has or had a record, fence_track.h; set before publication */

#define FENCE_MAX_ERROR 4095

/* Longer descriptions are cut off in reports. */
#define FENCE_TEXT_BYTES 160

/* timestamp_ns of a fence whose signaller has not got that far. */
#define FENCE_NO_TIMESTAMP INT64_MIN

static inline struct wwr_fence_cb *fence_first_cb(uintptr_t callbacks)
{
	return (struct wwr_fence_cb *)(callbacks & FENCE_CB_MASK);
}

static inline bool fence_is_container(const struct wwr_fence *fence)
{
	/* Relaxed: set before the fence was published. */
	return (wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_CONTAINER) != 0;
}

/* As wwr_fence_init(), for fences that the library makes. */
static inline void fence_init(struct wwr_fence *fence, const struct wwr_fence_ops *ops,
			      uint64_t context, uint64_t seqno)
{
	/* Plain stores: whoever publishes the fence publishes them. */
	fence->ops = ops;
	fence->context = context;
	fence->seqno = seqno;
	fence->callbacks = 0;
	fence->timestamp_ns = FENCE_NO_TIMESTAMP;
	fence->deadline_ns = INT64_MAX;
	fence->error = 0;
	fence->refcount = 1;
	/* Nobody to tell that the signal is wanted. */
	fence->flags = ops->enable_signaling == NULL ? FENCE_ENABLED : 0;
	fence->park_word = 0;
	fence->runner = 0;
	fence->pending = NULL;
	fence->link = NULL;
	fence->cell = NULL;
}

/* What a fence without release has left of its driver once it has signalled. */
extern const struct wwr_fence_ops fence_detached_ops;

/* Around each call of an op, but for release: the table to use, and the end of its use. */
const struct wwr_fence_ops *fence_enter_op(struct wwr_fence *fence);
void fence_leave_op(void);

/* Wait until nobody owns the list; returns the word. */
uintptr_t fence_wait_not_busy(struct wwr_fence *fence);

/* Own the list of a fence that has not signalled; false = it has, and *ret_word says how far. */
bool fence_own_list(struct wwr_fence *fence, uintptr_t *ret_word);

/* Give up the ownership of the list: callbacks is the word's new value. */
void fence_release_list(struct wwr_fence *fence, uintptr_t callbacks);

/*
 * The signaller owns the list: call them all, the one added first first, and give up the list.
 * Too deep inside other callbacks that comes later, and this takes a reference for so long.
 */
void fence_run_callbacks(struct wwr_fence *fence, struct wwr_fence_cb *last_added);

/* Wait for the signaller to write the timestamp; not for its callbacks. */
int64_t fence_wait_timestamp(struct wwr_fence *fence);

/* As wwr_fence_add_callback(), but nobody is told that the signal is wanted; false = signalled. */
bool fence_push_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb, wwr_fence_func func);

/* True = nobody has asked for the signal before, and it is left to the caller to do so. */
bool fence_claim_enable(struct wwr_fence *fence);

/*
 * Before a sleep: may the thread wait for this fence here?  Not inside a signalling section, and
 * not with a mutex if the fence depends on a client.
 */
void fence_check_wait(const struct wwr_fence *fence);

/* Report a wait inside a signalling section. */
void fence_signaling_check_wait(const struct wwr_fence *fence);

/* Does it depend on a client, or did something that it is made of when that was put in? */
static inline bool fence_is_client_marked(const struct wwr_fence *fence)
{
	/* Relaxed: set before the fence was published. */
	return (wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_CLIENT) != 0;
}

struct fence_result;

/*
 * A container that is not marked yet: has everything it is made of signalled?  Then *ret_result is
 * what it is.  Calls no callback.
 */
bool fence_container_poll(struct wwr_fence *fence, struct fence_result *ret_result);

/* Tell the driver, once, that somebody wants the signal; false = the fence is signalled now. */
bool fence_enable(struct wwr_fence *fence);

#endif /* RESERVATION_FENCE_CORE_H */
