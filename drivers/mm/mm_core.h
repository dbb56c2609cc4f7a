/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MM_MM_CORE_H
#define DRIVERS_MM_MM_CORE_H

#include "drivers/mm/range.h"

#include <wwresv/mm_txn.h>

#include <pthread.h>

/* Fields here and below: (a) atomic, (i) immutable once created, (m) the manager's lock. */
struct mm_domain {
	struct wwr_mm_usage usage; /* (m) */
	struct mm_ranges ranges;   /* (m) unused for SYSTEM */
	struct wwr_mm_lru lru;	   /* (m) head: the group used longest ago is the next */
	/*
	 * (m) Places taken for buffers that are not in them yet: they are in no list, and those who
	 * took them soon enter, or give them back, and wait for nobody in between.
	 */
	unsigned int num_arriving;
	/*
	 * (m) Of the last job that moves something out of here, or NULL.  Moves happen in order,
	 * so it is the one to wait for before space that was given back is used.
	 */
	struct wwr_fence *last_out;
};

/*
 * The lock is taken with reservations locked, never the other way, and nothing that may call the
 * driver, or release a fence or a buffer, is done with it held.
 */
struct wwr_mm {
	struct wwr_mm_options options;	 /* (i) */
	struct wwr_sched_entity *entity; /* (i) of all moves */
	pthread_mutex_t lock;
	struct mm_domain domains[WWR_MM_NUM_DOMAINS];
	uint64_t move_context;			 /* (i) of the moves' fences */
	struct wwr_mm_txn *claims, **last_claim; /* (m) the first one makes others stop */
	uint64_t num_attempts;			 /* (a) of all transactions */
	struct wwr_mm_stats stats;		 /* (m) */
	uint32_t num_bos;			 /* (m) */
};

static inline void mm_lock(struct wwr_mm *mm)
{
	pthread_mutex_lock(&mm->lock);
}

static inline void mm_unlock(struct wwr_mm *mm)
{
	pthread_mutex_unlock(&mm->lock);
}

/* The reservation's mutex. */
static inline struct wwr_mutex *mm_group_mutex(const struct wwr_mm_group *group)
{
	return &group->resv->mutex;
}

/* A reference of the buffer, or of the group and so of its reservation; false = it is dying. */
bool mm_bo_try_get(struct wwr_mm_bo *bo);
bool mm_group_try_get(struct wwr_mm_group *group);

/* Give it back; NULL is a no-op.  Not with the reservation locked. */
void mm_group_unref(struct wwr_mm_group *group);

/* Where it is will not be used any more: as if it had been released.  The manager's lock. */
void mm_bo_forget_locked(struct wwr_mm_bo *bo);

/*
 * Find room for bo->next_place: 0, -ENOSPC, or -ENOMEM for the bookkeeping.  What was taken is
 * entered by mm_move_commit(), or given back by mm_move_abort().  The manager's lock.
 */
int mm_place_take_locked(struct wwr_mm_bo *bo, enum wwr_mm_domain domain);

/* Give room back; afterwards it is NOWHERE.  The manager's lock. */
void mm_place_drop_locked(struct wwr_mm *mm, struct wwr_mm_place *place, uint64_t size_bytes);

/* The buffer is in a place from now on, and its group was used just now.  The manager's lock. */
void mm_bo_enter_locked(struct wwr_mm_bo *bo);
void mm_bo_leave_locked(struct wwr_mm_bo *bo);

/* Its group was used just now.  The manager's lock. */
void mm_bo_touch_locked(struct wwr_mm_bo *bo);

static inline struct wwr_mm_group *mm_lru_group(struct wwr_mm_lru *lru, enum wwr_mm_domain domain)
{
	return WWR_CONTAINER_OF(lru - domain, struct wwr_mm_group, lru);
}

/*
 * A move in two halves, with the reservation locked.  First all that can fail, with next_place
 * taken: 0, or an error with next_place given back.
 */
int mm_move_prepare(struct wwr_mm_bo *bo);
void mm_move_abort(struct wwr_mm_bo *bo);
void mm_move_commit(struct wwr_mm_bo *bo);

/* Fences that a move adds to a reservation, at most. */
#define MM_MOVE_FENCES 1

/*
 * Does nobody use what the reservation protects, but for moves?  Else a reference of a fence that
 * has to signal first, of one that depends on a client if there is one.  Need not be locked, but
 * then it is only a hint.
 */
bool mm_resv_is_idle(struct wwr_mm *mm, struct wwr_resv *resv, struct wwr_fence **ret_fence);

/*
 * The buffers of a locked group that are in a domain, each with a reference, by move_next;
 * ret_num may be NULL.  To give them back the caller has a reference of the group of his own, or of
 * a buffer of it: none of theirs is the last one of the reservation.
 */
struct wwr_mm_bo *mm_group_list(struct wwr_mm_group *group, enum wwr_mm_domain domain,
				unsigned int *ret_num);
void mm_group_list_put(struct wwr_mm_bo *list);

/* Evict a locked group from a domain: 0, -EAGAIN = not now, -ENOSPC or another error. */
int mm_group_evict(struct wwr_mm_group *group, enum wwr_mm_domain domain);

/* Wait for one fence more; takes the reference over. */
void mm_txn_add_wait(struct wwr_mm_txn *txn, struct wwr_fence *fence);
void mm_txn_drop_waits(struct wwr_mm_txn *txn);

/*
 * Move a buffer to a domain where there is room, or where it can be made: as wwr_mm_validate(), but
 * -ENOSPC if there is none.
 */
int mm_move_to(struct wwr_mm_txn *txn, struct wwr_mm_bo *bo, enum wwr_mm_domain domain, bool evict);

/* A buffer is busy: have the whole set released and txn->waits waited for.  Returns -EDEADLK. */
int mm_txn_wait_busy(struct wwr_mm_txn *txn);

#endif /* DRIVERS_MM_MM_CORE_H */
