/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_MM_TXN_H
#define WWRESV_MM_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>
#include <wwresv/mm.h>

WWR_BEGIN_DECLS

struct wwr_fence;
struct wwr_lock_set;

/** Busy buffers of which a transaction waits for the first that is not. */
#define WWR_MM_MAX_WAITS 16

/** So often a transaction waits for busy buffers; then others stop until it has its own. */
#define WWR_MM_PATIENCE 4

/**
 * One job's transaction on a memory manager.
 *
 * Fields: (t) the thread that runs it, (m) the manager's lock.
 */
struct wwr_mm_txn {
	struct wwr_mm *mm;	  /* (t) */
	struct wwr_lock_set *set; /* (t) lock the buffers with it */
	int (*acquire)(struct wwr_mm_txn *txn, void *arg);
	int (*locked)(struct wwr_mm_txn *txn, void *arg);
	void *arg;
	uint64_t attempt;		       /* (t) a number that no other attempt has */
	struct wwr_mm_bo *wants;	       /* (t) asked for in this attempt, by txn_next */
	struct wwr_mm_group *contended, *kept; /* (t) referenced: of this attempt, of the last */
	struct wwr_fence *waits[WWR_MM_MAX_WAITS]; /* (t) referenced */
	unsigned int num_waits;			   /* (t) */
	unsigned int num_busy;			   /* (t) attempts that ended with a busy buffer */
	bool claims;				   /* (t) it is in the manager's list of claims */
	struct wwr_fence *gate;	 /* (m) signals when its claim is over; referenced */
	struct wwr_mm_txn *next; /* (m) the claim behind it */
};

/** A buffer, and the domains that it may be in, the best first. */
struct wwr_mm_want {
	struct wwr_mm_bo *bo;
	uint32_t num_domains;
	enum wwr_mm_domain domains[WWR_MM_NUM_DOMAINS];
};

/**
 * Run one transaction: lock buffers, have each moved where it has to be, and go on with all locked.
 *
 * As wwr_lock_set_lock_all(), but between locking and @p locked @p acquire calls
 * wwr_mm_validate().  Where that meets a lock that somebody has, or a buffer that is in use and
 * would have to be moved, the whole set is released, that is waited for with nothing held, and
 * @p acquire runs again with the old stamp.
 *
 * @param mm      of all buffers
 * @param set     initialised, holds nothing; its deadline, token and retry limit hold for waits
 * @param acquire locks all buffers with txn->set, then validates them; returns the first error
 * @param locked  runs once, with all locks held
 * @param arg     passed to both
 * @retval -ENOMEM from wwr_mm_validate()
 * @retval other   as wwr_lock_set_lock_all()
 * Nothing is held afterwards, whatever the result.
 * @par Thread safety
 * The set's thread; not from a fence callback.
 * @par Kernel counterpart
 * drm_exec_until_all_locked() with ttm_bo_validate() inside
 */
WWR_API WWR_MUST_CHECK int wwr_mm_lock_all(struct wwr_mm *mm, struct wwr_lock_set *set,
					   int (*acquire)(struct wwr_mm_txn *txn, void *arg),
					   int (*locked)(struct wwr_mm_txn *txn, void *arg),
					   void *arg);

/**
 * Have buffers moved where they have to be, all of a job in one call.
 *
 * One that is in one of its domains already stays; otherwise it goes to the best one with room,
 * and if none has any, to the best one where room can be made: by evicting what was used longest
 * ago, and of that first what is idle.  Locks what is evicted with the same set.  The move is a job
 * whose fence is in the reservation, of usage KERNEL; the job that uses the buffer must wait for
 * that.
 *
 * @param txn   inside its acquire
 * @param num   of @p wants
 * @param wants borrowed; the buffers are locked with the transaction's set
 * @retval 0        all are where they have to be, or will be
 * @retval -EDEADLK return from acquire
 * @retval -EINVAL  no domain, or an unknown one
 * @retval -EBUSY   one is pinned elsewhere; or as wwr_lock_set_lock()
 * @retval -ENOMEM  they do not fit, even alone beside what is pinned; or one that has to be in one
 *                  piece does not fit between them; or no memory for the bookkeeping, or for a job
 * @retval other    as wwr_lock_set_lock(), or from create_move
 * @par Thread safety
 * The transaction's thread.
 * @par Kernel counterpart
 * ttm_bo_validate()
 */
WWR_API WWR_MUST_CHECK int wwr_mm_validate(struct wwr_mm_txn *txn, unsigned int num,
					   const struct wwr_mm_want *wants);

/**
 * Keep a buffer where it is until it is unpinned as often.  Usage error: not locked by this thread,
 * or NOWHERE.
 *
 * @param bo locked, in place by wwr_mm_validate()
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * ttm_bo_pin()
 */
WWR_API void wwr_mm_bo_pin(struct wwr_mm_bo *bo) WWR_REQUIRES(bo->base.resv->mutex);

/**
 * Take a pin back.  Usage error: not locked by this thread, or not pinned.
 *
 * @param bo locked
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * ttm_bo_unpin()
 */
WWR_API void wwr_mm_bo_unpin(struct wwr_mm_bo *bo) WWR_REQUIRES(bo->base.resv->mutex);

WWR_END_DECLS

#endif /* WWRESV_MM_TXN_H */
