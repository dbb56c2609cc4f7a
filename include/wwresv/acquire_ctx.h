/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_ACQUIRE_CTX_H
#define WWRESV_ACQUIRE_CTX_H

#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_lock_set;
struct wwr_mutex;
struct wwr_thread;

/**
 * One transaction's ticket: its place in the order of the class, and the locks it holds.
 *
 * An acquire context belongs to the thread that initialised it and must never be copied.  Its
 * stamp decides who gives way and is kept over all retries: that is why every transaction
 * commits in the end.  While a lock set has borrowed it, every call with it, and the unlock of what
 * it holds, is a usage error.
 *
 * Fields: (t) owning thread only; (h) written by the owning thread while it holds nothing and
 * waits for nothing, read by others while they keep this context from letting go of a mutex
 * (lockset/mutex_queue.c); (a) atomic.
 */
struct wwr_acquire_ctx {
	struct wwr_class *lock_class;	     /* (h) */
	struct wwr_thread *thread;	     /* (h) */
	uint64_t stamp;			     /* (h) smaller is older */
	uint32_t classic;		     /* (h) sleeps and kills by the textbook rules */
	uint32_t state;			     /* (t) enum ctx_state */
	uint32_t num_held;		     /* (t) */
	uint32_t inject_countdown;	     /* (t) 0 = no injection */
	uint32_t inject_interval;	     /* (t) */
	uint32_t injected;		     /* (t) the last -EDEADLK was an injected one */
	uint32_t wounded;		     /* (a) an older context wants a lock of ours */
	uint32_t park_word;		     /* (a) where it sleeps without a token */
	uintptr_t sleep_word;		     /* (a) the park word it sleeps on; bit 0: claimed */
	struct wwr_lock_set *set;	     /* (t) that alone may use it, or NULL */
	struct wwr_mutex *held;		     /* (t) the locks it holds, latest first */
	struct wwr_mutex *contended;	     /* (t) the lock that gave -EDEADLK */
	struct wwr_acquire_ctx *prev, *next; /* (t) the thread's contexts */
	struct wwr_class_stats counts;	     /* (t) not yet added to the class's */
};

/**
 * Begin a transaction: takes a new stamp.  Usage error: a context of this thread that has not
 * ended.
 *
 * @param ctx        caller's memory, for instance on the stack
 * @param lock_class the class of every mutex this context will lock
 * @par Thread safety
 * The calling thread owns the context from here to wwr_acquire_ctx_fini().
 * @par Kernel counterpart
 * ww_acquire_init()
 */
WWR_API void wwr_acquire_ctx_init(struct wwr_acquire_ctx *ctx, struct wwr_class *lock_class);

/**
 * Begin another transaction with the same context: takes a new stamp.
 *
 * Never for a retry after -EDEADLK: a retry keeps its stamp.  Usage error: locks held.
 *
 * @param ctx initialised, holds nothing
 * @par Thread safety
 * The owning thread.
 * @par Kernel counterpart
 * ww_acquire_fini() and ww_acquire_init()
 */
WWR_API void wwr_acquire_ctx_reinit(struct wwr_acquire_ctx *ctx);

/**
 * End the acquire phase: every lock is taken.  Later lock calls return -EINVAL, but for a mutex
 * that the context holds, which stays -EALREADY.  Usage error: done twice.
 *
 * @param ctx initialised
 * @par Thread safety
 * The owning thread.
 * @par Kernel counterpart
 * ww_acquire_done()
 */
WWR_API void wwr_acquire_ctx_done(struct wwr_acquire_ctx *ctx);

/**
 * End a transaction.  Usage error: locks held.
 *
 * @param ctx initialised, holds nothing
 * @par Thread safety
 * The owning thread.
 * @par Kernel counterpart
 * ww_acquire_fini()
 */
WWR_API void wwr_acquire_ctx_fini(struct wwr_acquire_ctx *ctx);

WWR_END_DECLS

#endif /* WWRESV_ACQUIRE_CTX_H */
