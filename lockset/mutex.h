/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_MUTEX_H
#define LOCKSET_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/mutex.h>

#include "lockset/acquire_ctx.h"
#include "lockset/thread.h"
#include "lockset/wwr_atomic.h"

/*
 * The owner word says who holds the mutex and whether anybody is queued:
 *
 *   bits 3..63     the holder: an acquire context, or a thread for a plain lock; 0 = free
 *   OWNER_PLAIN    the holder is a thread
 *   OWNER_WAITERS  set while the queue is not empty (and, for moments under the wait lock, while
 *                  it is).  Free with this bit is taken only under the wait lock, and a holder
 *                  whose word has it lets go only under the wait lock.
 *
 * Since holder and mark are one word, a new holder always sees the mark or the waiter the holder.
 */
#define OWNER_WAITERS	 ((uintptr_t)1)
#define OWNER_PLAIN	 ((uintptr_t)2)
#define OWNER_MASK_FLAGS (OWNER_WAITERS | OWNER_PLAIN)

/* How long, and in which way, a lock call may wait. */
struct mutex_wait {
	struct wwr_interrupt_token *token; /* or NULL */
	int64_t deadline_ns;		   /* PARK_FOREVER = none */
	bool interruptible;		   /* signal handlers end the sleep, a token's too */
	bool from_set;			   /* what breaks the one-thread rule is -EBUSY */
};

/* No end but the lock. */
extern const struct mutex_wait mutex_wait_forever;

static inline uintptr_t owner_of_ctx(const struct wwr_acquire_ctx *ctx)
{
	return (uintptr_t)ctx;
}

static inline uintptr_t owner_of_thread(const struct wwr_thread *self)
{
	return (uintptr_t)self | OWNER_PLAIN;
}

/* The holder's part of an owner word; 0 = free. */
static inline uintptr_t owner_holder(uintptr_t owner)
{
	return owner & ~OWNER_WAITERS;
}

/* The acquire context that holds it, or NULL. */
static inline struct wwr_acquire_ctx *owner_ctx(uintptr_t owner)
{
	return (owner & OWNER_PLAIN) != 0 ? NULL : (struct wwr_acquire_ctx *)owner_holder(owner);
}

/* Relaxed: only the holder's own question has a firm answer, and the holder wrote the word. */
static inline bool mutex_is_held_by(const struct wwr_mutex *mutex, uintptr_t holder)
{
	return owner_holder(wwr_atomic_load(&mutex->owner, WWR_RELAXED)) == holder;
}

/* Take a mutex that is free and has no waiters. */
static inline bool mutex_try_fast(struct wwr_mutex *mutex, uintptr_t holder)
{
	uintptr_t expected = 0;

	/* Relaxed: an exchange that is bound to fail would cost as much as one that does not. */
	if (wwr_atomic_load(&mutex->owner, WWR_RELAXED) != 0)
		return false;
	/*
	 * Acquire pairs with the release in mutex_release_fast(): what the last holder wrote.
	 * Release pairs with the acquire of a waiter that sets the mark: it may look at the
	 * context's stamp and mode.
	 */
	return wwr_atomic_cas(&mutex->owner, &expected, holder, WWR_ACQ_REL);
}

/* Let go of a mutex that has no waiters. */
static inline bool mutex_release_fast(struct wwr_mutex *mutex, uintptr_t holder)
{
	/*
	 * Release pairs with the acquire in mutex_try_fast() and mutex_take(): the data.  Acquire
	 * pairs with the release in waiter_leave(): who left is done looking at the context.
	 */
	return wwr_atomic_cas(&mutex->owner, &holder, 0, WWR_ACQ_REL);
}

/* The holder's list of what it holds. */
static inline void mutex_link(struct wwr_mutex *mutex, struct wwr_mutex **head)
{
	mutex->hold_seq++;
	mutex->prev = NULL;
	mutex->next = *head;
	if (*head != NULL)
		(*head)->prev = mutex;
	*head = mutex;
}

static inline void mutex_unlink(struct wwr_mutex *mutex, struct wwr_mutex **head)
{
	if (mutex->prev != NULL)
		mutex->prev->next = mutex->next;
	else
		*head = mutex->next;
	if (mutex->next != NULL)
		mutex->next->prev = mutex->prev;
}

/* The lock just taken is lost again; returns -EDEADLK. */
int mutex_inject(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx);

/* The context owns the mutex now: its books.  0, or -EDEADLK by injection. */
static inline int mutex_acquired(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	mutex_link(mutex, &ctx->held);
	ctx->num_held++;
	ctx->counts.num_locks++;
	if (__builtin_expect(ctx->inject_countdown != 0, 0) && ctx->num_held > 1 && ctx_inject(ctx))
		return mutex_inject(mutex, ctx);
	return 0;
}

/* Every lock call with a context but the uncontended ones: contended, misused, plain errors. */
int mutex_lock_ctx_slow(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			const struct mutex_wait *wait);

/* The uncontended lock call with nothing wrong: then mutex_acquired() is next. */
static inline bool mutex_lock_ctx_fast(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	return __builtin_expect(ctx->state == CTX_LIVE && ctx->lock_class == mutex->lock_class &&
				    ctx->thread == thread_self() &&
				    thread_self()->num_sections == 0 &&
				    mutex_try_fast(mutex, owner_of_ctx(ctx)),
				1);
}

static inline int mutex_lock_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
				 const struct mutex_wait *wait)
{
	if (mutex_lock_ctx_fast(mutex, ctx))
		return mutex_acquired(mutex, ctx);
	return mutex_lock_ctx_slow(mutex, ctx, wait);
}

/* wwr_mutex_trylock() with a context. */
int mutex_trylock_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx);

/* Wait for the contended mutex with nothing held: 0, -EINTR, -ETIME, -EBUSY (from a set). */
int mutex_lock_contended(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			 const struct mutex_wait *wait);

/* Does the calling thread hold it, plainly or through a context of its own? */
bool mutex_is_held_here(const struct wwr_mutex *mutex);

/* Unlock a mutex that the context is known to hold. */
void mutex_unlock_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx);

/* Unlock whatever the context holds, at least one mutex. */
void mutex_unlock_all(struct wwr_acquire_ctx *ctx);

/* The queue, mutex_queue.c.  Wait until the holder owns the mutex; see there for the results. */
int mutex_wait_queued(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx,
		      const struct mutex_wait *wait);

/* Take a free mutex that has waiters; never sleeps but for the wait lock. */
bool mutex_try_marked(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx);

/* Let go of a mutex that has, or had just now, waiters. */
void mutex_release_marked(struct wwr_mutex *mutex, uintptr_t holder);

#endif /* LOCKSET_MUTEX_H */
