/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_MUTEX_H
#define WWRESV_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_acquire_ctx;
struct wwr_class;
struct wwr_interrupt_token;
struct wwr_waiter;

/**
 * A wound/wait mutex: a mutex that detects that waiting for it might deadlock.
 *
 * Locked with an acquire context it takes part in the class's back-off protocol; locked without
 * one (ctx NULL) it is a plain mutex.  Keep it alive until every call on it, and on a lock set
 * that remembers it as contended, has returned; after the last unlock returned it may be freed
 * at once.
 *
 * Fields: (a) atomic, (i) immutable after init, (w) wait_lock, (o) the holder only.
 */
struct WWR_CAPABILITY("mutex") wwr_mutex {
	uintptr_t owner;	       /* (a) the holder and the waiters mark, lockset/mutex.h */
	struct wwr_class *lock_class;  /* (i) */
	struct wwr_waiter *first;      /* (w) contexts by stamp, then waiters without one */
	struct wwr_waiter *last;       /* (w) */
	struct wwr_mutex *prev, *next; /* (o) the holder's locks */
	uint32_t wait_lock;	       /* (a) lockset/park.h */
	uint32_t hold_seq;	       /* (o) counts holds: tells one from the next */
	uint32_t num_holding;	       /* (w) those queued that hold locks */
};

/** Initialiser for a mutex with static storage. */
#define WWR_MUTEX_INIT(mutex_class)                                                                \
	{                                                                                          \
		0, (mutex_class), NULL, NULL, NULL, NULL, 0, 0, 0                                  \
	}

/**
 * Make a mutex ready: not locked.
 *
 * @param mutex      caller's memory
 * @param lock_class kept for the mutex's life; a context of another class gets -EINVAL
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * ww_mutex_init()
 */
WWR_API void wwr_mutex_init(struct wwr_mutex *mutex, struct wwr_class *lock_class);

/**
 * End a mutex.  Usage error: it is held or somebody waits for it.
 *
 * @param mutex initialised
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * ww_mutex_destroy()
 */
WWR_API void wwr_mutex_fini(struct wwr_mutex *mutex);

/**
 * Lock.
 *
 * Usage errors: another lock with @p ctx after -EDEADLK before everything was unlocked and the
 * contended mutex locked; blocking while the thread holds a lock of the class by other means
 * than @p ctx; a context of another thread.
 *
 * @param mutex borrowed
 * @param ctx   the transaction, or NULL for a plain lock
 * @retval 0         locked
 * @retval -EALREADY @p ctx holds it already
 * @retval -EDEADLK  back off: unlock everything of @p ctx, then wwr_mutex_lock_slow() this one.
 *                   Never returned to a context that holds nothing
 * @retval -EINVAL   the context is of another class, or done
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * ww_mutex_lock()
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_lock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
    WWR_ACQUIRES_IF(0, mutex);

/**
 * Lock, unless interrupted while asleep.
 *
 * @param mutex borrowed
 * @param ctx   the transaction, or NULL for a plain lock
 * @param token ends the sleep when interrupted; NULL = only signal handlers do
 * @retval -EINTR the token was interrupted, or a signal handler ran during the sleep
 * @retval other  as wwr_mutex_lock()
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ww_mutex_lock_interruptible()
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_lock_interruptible(struct wwr_mutex *mutex,
							struct wwr_acquire_ctx *ctx,
							struct wwr_interrupt_token *token)
    WWR_ACQUIRES_IF(0, mutex);

/**
 * Lock, unless interrupted or too late.
 *
 * @param mutex       borrowed
 * @param ctx         the transaction, or NULL for a plain lock
 * @param token       ends the sleep when interrupted; NULL = only signal handlers do
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits
 *                    for ever
 * @retval -EINTR the token was interrupted, or a signal handler ran during the sleep
 * @retval -ETIME @p deadline_ns passed first
 * @retval other  as wwr_mutex_lock()
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_lock_until(struct wwr_mutex *mutex,
						struct wwr_acquire_ctx *ctx,
						struct wwr_interrupt_token *token,
						int64_t deadline_ns) WWR_ACQUIRES_IF(0, mutex);

/**
 * Lock the mutex that gave -EDEADLK, once everything of the context is unlocked.
 *
 * Usage errors: @p ctx holds locks; @p mutex is not the one that gave -EDEADLK.
 *
 * @param mutex the contended mutex
 * @param ctx   the transaction; keeps its stamp
 * @par Thread safety
 * The context's thread.
 * @par Kernel counterpart
 * ww_mutex_lock_slow()
 */
WWR_API void wwr_mutex_lock_slow(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
    WWR_ACQUIRES(mutex);

/**
 * wwr_mutex_lock_slow(), unless interrupted while asleep.
 *
 * @param mutex the contended mutex
 * @param ctx   the transaction; keeps its stamp
 * @param token ends the sleep when interrupted; NULL = only signal handlers do
 * @retval 0      locked
 * @retval -EINTR the token was interrupted, or a signal handler ran during the sleep; the
 *                mutex stays the contended one
 * @par Thread safety
 * The context's thread.
 * @par Kernel counterpart
 * ww_mutex_lock_slow_interruptible()
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_lock_slow_interruptible(struct wwr_mutex *mutex,
							     struct wwr_acquire_ctx *ctx,
							     struct wwr_interrupt_token *token)
    WWR_ACQUIRES_IF(0, mutex);

/**
 * wwr_mutex_lock_slow(), unless interrupted or too late.
 *
 * @param mutex       the contended mutex
 * @param ctx         the transaction; keeps its stamp
 * @param token       ends the sleep when interrupted; NULL = only signal handlers do
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits
 *                    for ever
 * @retval 0      locked
 * @retval -EINTR the token was interrupted, or a signal handler ran during the sleep
 * @retval -ETIME @p deadline_ns passed first
 * @par Thread safety
 * The context's thread.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_lock_slow_until(struct wwr_mutex *mutex,
						     struct wwr_acquire_ctx *ctx,
						     struct wwr_interrupt_token *token,
						     int64_t deadline_ns) WWR_ACQUIRES_IF(0, mutex);

/**
 * Lock if it is free.  Never blocks and has no part in the back-off protocol.
 *
 * @param mutex borrowed
 * @param ctx   the transaction, or NULL for a plain lock
 * @retval 0         locked
 * @retval -EALREADY @p ctx holds it already; with NULL: the calling thread does, by a plain lock
 * @retval -EBUSY    anybody else holds it, another context of the calling thread included
 * @retval -EINVAL   the context is of another class, or done
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ww_mutex_trylock()
 */
WWR_API WWR_MUST_CHECK int wwr_mutex_trylock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
    WWR_ACQUIRES_IF(0, mutex);

/**
 * Unlock.  Usage error: the calling thread does not hold it, or a lock set does.
 *
 * @param mutex may be freed by another thread that locks and unlocks it after this
 * @par Thread safety
 * The thread that locked it.
 * @par Kernel counterpart
 * ww_mutex_unlock()
 */
WWR_API void wwr_mutex_unlock(struct wwr_mutex *mutex) WWR_RELEASES(mutex);

/**
 * Is it locked by anybody?  A hint: it may have changed before this returns.
 *
 * @param mutex borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * ww_mutex_is_locked()
 */
WWR_API bool wwr_mutex_is_locked(const struct wwr_mutex *mutex);

/**
 * Does this transaction hold it?  One compare, whatever the number of locks.
 *
 * @param mutex borrowed
 * @param ctx   not NULL
 * @par Thread safety
 * The answer is firm on the context's thread.
 * @par Kernel counterpart
 * none; compares lock->ctx
 */
WWR_API bool wwr_mutex_is_owned_by(const struct wwr_mutex *mutex,
				   const struct wwr_acquire_ctx *ctx);

/**
 * Usage error, in every build, unless the calling thread holds the mutex, through any of its
 * contexts or none.
 *
 * @param mutex borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * lockdep_assert_held()
 */
WWR_API void wwr_mutex_assert_held(const struct wwr_mutex *mutex) WWR_ASSERTS_HELD(mutex);

WWR_END_DECLS

#endif /* WWRESV_MUTEX_H */
