/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_LOCK_SET_H
#define WWRESV_LOCK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/acquire_ctx.h>
#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_class;
struct wwr_interrupt_token;
struct wwr_mutex;

/** Classic wound-wait or wait-die rules from the start, instead of the default policy. */
#define WWR_LOCK_SET_CLASSIC (1u << 0)
#define WWR_LOCK_SET_MASK    WWR_LOCK_SET_CLASSIC

/** Losses of one transaction after which a set of the default policy goes over to classic rules. */
#define WWR_LOCK_SET_MAX_LOSSES 8

/** How a set behaves; a zeroed structure is the default.  They hold for every sleep of the set. */
struct wwr_lock_set_options {
	uint32_t flags;			   /**< WWR_LOCK_SET_x */
	uint32_t retry_limit;		   /**< back-offs of one transaction, without injected
					    * ones; 0 = no limit */
	int64_t deadline_ns;		   /**< absolute CLOCK_MONOTONIC time; 0 = none */
	struct wwr_interrupt_token *token; /**< ends sleeps with -EINTR; NULL = nothing does */
};

/** What a set has done; see wwr_lock_set_get_stats(). */
struct wwr_lock_set_stats {
	uint64_t num_locks;    /**< locks acquired, over the set's life */
	uint64_t num_backoffs; /**< -EDEADLK met, over the set's life */
	uint64_t wait_ns;      /**< time asleep, over the set's life */
	uint32_t retries;      /**< attempts after the first one, this transaction */
	uint32_t losses;       /**< contentions lost under the default policy, this transaction */
	uint32_t restarts;     /**< back-offs under classic rules, this transaction */
	uint32_t injected;     /**< of the retries, those after an injected back-off */
	bool classic;	       /**< classic rules are in force */
	const struct wwr_mutex *last_contended; /**< met last in this transaction, or NULL */
};

/**
 * A set of mutexes locked together.
 *
 * Lock what you need, in any order; on -EDEADLK everything is released, the contended lock is
 * waited for with the old ticket, and your algorithm runs again.  wwr_lock_set_lock_all() does
 * that with two callbacks, wwr_lock_set_until_all_locked() as a loop.
 *
 * Under the default policy a set that holds a lock never sleeps: it spins briefly and then backs
 * off, whoever is older.  After WWR_LOCK_SET_MAX_LOSSES losses in one transaction it goes over
 * to classic rules, still with its old stamp, until it commits.
 *
 * A transaction begins with the first lock and commits at wwr_lock_set_release_all() with no
 * contended lock remembered; the next lock begins a new one, with a new stamp.  Giving back every
 * member by itself ends no transaction.
 *
 * Belongs to the thread that initialised it: a call from another one is a usage error, but for
 * wwr_lock_set_status() and wwr_lock_set_get_stats(), which only read.  All fields: (t) that
 * thread only.
 */
struct wwr_lock_set {
	struct wwr_acquire_ctx *ctx; /* own_ctx or a borrowed one */
	struct wwr_acquire_ctx own_ctx;
	struct wwr_lock_set_options options;
	struct wwr_lock_set_stats stats;
	struct wwr_mutex *kept; /* locked by back_off, not yet asked for in this attempt */
	bool fresh;		/* the context has a stamp that no transaction has used */
	int status;		/* first error of this attempt, but for -EBUSY of trylock */
	int (*wait)(struct wwr_lock_set *set, void *arg); /* to be called with nothing held */
	void *wait_arg;
	uint32_t phase; /* enum set_phase */
};

/**
 * Make a set with a context of its own.
 *
 * @param set        caller's memory
 * @param lock_class the class of every mutex of the set
 * @param options    copied; NULL = the defaults
 * @retval 0       ready
 * @retval -EINVAL unknown flags or a negative deadline
 * @par Thread safety
 * The calling thread owns the set from here to wwr_lock_set_fini().
 * @par Kernel counterpart
 * drm_exec_init()
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_init(struct wwr_lock_set *set, struct wwr_class *lock_class,
					     const struct wwr_lock_set_options *options);

/**
 * Make a set that borrows a context.  Until wwr_lock_set_fini() the context is the set's: calls
 * with it are usage errors.  Usage error: a context that has ended, of another thread, or that
 * another set has.
 *
 * @param set     caller's memory
 * @param ctx     initialised, of this thread; outlives the set
 * @param options copied; NULL = the defaults
 * @retval 0       ready
 * @retval -EINVAL the context holds locks or is done; unknown flags or a negative deadline
 * @par Thread safety
 * The context's thread.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_init_with_ctx(struct wwr_lock_set *set,
						      struct wwr_acquire_ctx *ctx,
						      const struct wwr_lock_set_options *options);

/**
 * Release what is held and end the set.  Usage error: inside wwr_lock_set_lock_all().
 *
 * @param set initialised
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_fini()
 */
WWR_API void wwr_lock_set_fini(struct wwr_lock_set *set);

/**
 * Lock one more mutex.  Allocates nothing.
 *
 * @param set   initialised
 * @param mutex kept alive by the caller until the set has released it or forgotten it as the
 *              contended one
 * @retval 0        the set holds it, maybe since before
 * @retval -EDEADLK contended: return to the set (from the acquire callback, to the top of the
 *                  loop, or to wwr_lock_set_back_off()); so does every lock of this attempt
 * @retval -EINVAL  the mutex is of another class, or the set is done
 * @retval -EBUSY   the calling thread holds this mutex, or another of the class, outside this
 *                  set and would have to block
 * @retval -EINTR   the token was interrupted, or a signal handler ran during a sleep with a token
 * @retval -ETIME   the deadline passed
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_lock_obj()
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_lock(struct wwr_lock_set *set, struct wwr_mutex *mutex);

/**
 * Lock one more mutex if it is free.
 *
 * @param set   initialised
 * @param mutex as for wwr_lock_set_lock()
 * @retval 0        the set holds it, maybe since before
 * @retval -EBUSY   somebody else holds it
 * @retval -EDEADLK a contended lock is remembered
 * @retval -EINVAL  the mutex is of another class, or the set is done
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * ww_mutex_trylock()
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_trylock(struct wwr_lock_set *set, struct wwr_mutex *mutex);

/**
 * Lock an array of mutexes.  One may stand in it several times.
 *
 * @param set     initialised
 * @param mutexes borrowed
 * @param num     number of them
 * @retval 0     all are held
 * @retval other the first error of wwr_lock_set_lock(); what was locked stays locked
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_prepare_array()
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_lock_array(struct wwr_lock_set *set,
						   struct wwr_mutex *const *mutexes, size_t num);

/**
 * After -EDEADLK: release everything, sleep until the contended lock is ours with the original
 * stamp, keep it, and begin a new attempt.  Usage error: no contended lock is remembered.
 *
 * @param set initialised
 * @retval 0       the set holds the contended lock and nothing else
 * @retval -EAGAIN this was the back-off after the last one that the retry limit allows; never
 *                 after an injected one
 * @retval -EBUSY  the thread holds a lock of the class outside this set
 * @retval -EINTR  as wwr_lock_set_lock()
 * @retval -ETIME  as wwr_lock_set_lock()
 * @retval other   from the function given to wwr_lock_set_wait_unlocked()
 * After an error everything is released and the contended lock still remembered.
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * ww_mutex_lock_slow()
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_back_off(struct wwr_lock_set *set);

/**
 * Have everything released, a function called with nothing held, and a new attempt begun with the
 * old stamp: for what must not be waited for with a lock, for instance a fence.  From here on the
 * attempt is like one that met a contended lock: return to the set, which calls @p wait in
 * wwr_lock_set_back_off(), and counts a retry but no loss.
 *
 * @param set  initialised
 * @param wait returns 0 to go on, or the error that ends the transaction.  It keeps to the set's
 *             deadline and token, and must not lock with the set
 * @param arg  passed to @p wait
 * @retval -EDEADLK always.  If a contended lock is remembered already, that one is waited for, and
 *                  @p wait is not called
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int
wwr_lock_set_wait_unlocked(struct wwr_lock_set *set,
			   int (*wait)(struct wwr_lock_set *set, void *arg), void *arg);

/**
 * Give one mutex back before the end; one step, whatever the size of the set.  The transaction
 * goes on, with its stamp and, once done, done, even when this was the last member.
 * Usage error: the set does not hold it.
 *
 * @param set   initialised
 * @param mutex a member
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_unlock_obj()
 */
WWR_API void wwr_lock_set_unlock(struct wwr_lock_set *set, struct wwr_mutex *mutex);

/**
 * End the acquire phase: later locks return -EINVAL, but for members, which stay 0, and also once
 * every member was given back.  wwr_lock_set_release_all() ends that, and so does a new
 * wwr_lock_set_lock_all() or loop.  Usage error: done twice, a contended lock remembered.
 *
 * @param set initialised
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * ww_acquire_done()
 */
WWR_API void wwr_lock_set_done(struct wwr_lock_set *set);

/**
 * Release everything and forget a contended lock.  With none remembered the transaction has
 * committed, and the next lock begins a new one; else the stamp is kept.
 *
 * Usage error: inside wwr_lock_set_lock_all(), whose transaction it would end, with its stamp;
 * there wwr_lock_set_unlock() gives members back.  Inside wwr_lock_set_until_all_locked() it is the
 * way to give up: the body must then leave with `break` or `return`.
 *
 * @param set initialised
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_unlock_all()
 */
WWR_API void wwr_lock_set_release_all(struct wwr_lock_set *set);

/**
 * Run one transaction.
 *
 * Runs @p acquire, which locks what it needs.  On -EDEADLK everything is released, the contended
 * lock is waited for, and @p acquire runs again.  When it returns 0 the set is done, and
 * @p locked runs with every lock held; then all are released.  A contended lock that the last
 * @p acquire did not ask for again is released before @p locked.  Usage errors: called while the
 * set holds locks or runs another transaction; wwr_lock_set_release_all() or wwr_lock_set_fini()
 * from one of the two.
 *
 * @param set     initialised, holds nothing
 * @param acquire may run many times; returns 0, or the error of a lock call, or its own
 * @param locked  runs once, with all locks held
 * @param arg     passed to both
 * @retval -EDEADLK from @p acquire though no lock was contended; or what @p locked returned
 * @retval -EAGAIN  the retry limit was reached
 * @retval -EBUSY   as wwr_lock_set_lock()
 * @retval -EINTR   as wwr_lock_set_lock()
 * @retval -ETIME   as wwr_lock_set_lock()
 * @retval other    the error of @p acquire, or the result of @p locked
 * Nothing is held afterwards, whatever the result.
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * none; LockSet::lock_all() of the Rust patches
 */
WWR_API WWR_MUST_CHECK int
wwr_lock_set_lock_all(struct wwr_lock_set *set, int (*acquire)(struct wwr_lock_set *set, void *arg),
		      int (*locked)(struct wwr_lock_set *set, void *arg), void *arg);

/**
 * Run the body until everything it asks for is locked; examples/lock_set.c shows it.
 *
 * The body runs again only when a lock was contended; any other error ends the loop, and
 * wwr_lock_set_status() tells which.  `continue` gives the attempt back to the set.  When the loop
 * has ended by itself with status 0 the set is done and holds what the last body locked and did not
 * give back by wwr_lock_set_unlock(), be it nothing; with an error nothing is held.
 *
 * `break` and `return` leave the loop at once with the locks still held and the set not done;
 * wwr_lock_set_release_all(), just before or any time after, or wwr_lock_set_fini() releases them.
 * Usage error: a body that released all so and then came to its end or to `continue`.
 *
 * The next loop may begin when nothing is held.
 */
#define wwr_lock_set_until_all_locked(set)                                                         \
	for (wwr_lock_set_loop_begin(set); wwr_lock_set_loop_next(set);)

/**
 * Begins wwr_lock_set_until_all_locked(); usage errors as at the call of wwr_lock_set_lock_all().
 *
 * @param set initialised
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_until_all_locked()
 */
WWR_API void wwr_lock_set_loop_begin(struct wwr_lock_set *set);

/**
 * One step of wwr_lock_set_until_all_locked(); true = run the body.
 *
 * @param set its loop has begun
 * @return true = run the body
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * drm_exec_cleanup()
 */
WWR_API bool wwr_lock_set_loop_next(struct wwr_lock_set *set);

/**
 * How the last attempt went.
 *
 * @param set initialised
 * @retval 0     no lock call of the attempt failed
 * @retval other the first error of the attempt, or of the back-off that ended the loop; a
 *               trylock that found its mutex held does not count
 * @par Thread safety
 * The set's thread, or any other while that one makes no call on the set.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_lock_set_status(const struct wwr_lock_set *set);

/**
 * Does the set hold it?  One compare, whatever the size of the set.
 *
 * @param set   initialised
 * @param mutex borrowed
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * none
 */
WWR_API bool wwr_lock_set_holds(const struct wwr_lock_set *set, const struct wwr_mutex *mutex);

/**
 * Run a function on what a member protects; WWR_CONTAINER_OF() gets from the mutex to it.
 *
 * @param set   initialised
 * @param mutex a member
 * @param fn    runs with the mutex held
 * @param arg   passed to @p fn
 * @retval -EINVAL the set does not hold @p mutex; @p fn did not run
 * @retval other   the result of @p fn
 * @par Thread safety
 * The set's thread.
 * @par Kernel counterpart
 * none; LockSet::with_locked() of the Rust patches
 */
WWR_API int wwr_lock_set_with_locked(struct wwr_lock_set *set, struct wwr_mutex *mutex,
				     int (*fn)(struct wwr_mutex *mutex, void *arg), void *arg);

/**
 * What the set has done so far.
 *
 * @param set       initialised
 * @param ret_stats written
 * @par Thread safety
 * The set's thread, or any other while that one makes no call on the set.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_lock_set_get_stats(const struct wwr_lock_set *set,
				    struct wwr_lock_set_stats *ret_stats);

WWR_END_DECLS

#endif /* WWRESV_LOCK_SET_H */
