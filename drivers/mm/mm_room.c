/* SPDX-License-Identifier: MIT */
/*
 * Who has to make room.  What the transaction's own set has locked is no victim.  Of the others
 * those that were used longest ago go first, but idle ones before busy ones; when all are busy, the
 * transaction waits for any of them with nothing held.  Only when there is no other is one of its
 * own moved: first what shares a reservation with a buffer of the set and is not asked for itself,
 * then a buffer of the set to another domain that it may be in.
 */
#include "drivers/mm/mm_core.h"

#include <wwresv/fence.h>
#include <wwresv/lock_set.h>

#include <errno.h>
#include <sched.h>

#define MAX_CANDIDATES 16

/* A part of a domain's list, in its order. */
struct candidates {
	uint64_t serial;			     /* of the last one looked at */
	struct wwr_mm_group *groups[MAX_CANDIDATES]; /* referenced */
	unsigned int num;
	bool last_is_idle; /* so there was no need to look further */
	bool is_end;	   /* there are no more */
	bool has_arriving; /* others have taken room that they are not in yet */
	bool had_busy;	   /* one of all those that were looked at could not be evicted then */
};

/* Locked by the algorithm, and not only because an earlier attempt met it. */
static bool txn_owns(const struct wwr_mm_txn *txn, const struct wwr_mutex *mutex)
{
	return wwr_lock_set_holds(txn->set, mutex) && txn->set->kept != mutex;
}

/* The next ones that might be evicted, up to one that is idle.  The manager's lock. */
static void candidates_collect(struct candidates *candidates, const struct wwr_mm_txn *txn,
			       enum wwr_mm_domain domain)
{
	struct wwr_mm_lru *head = &txn->mm->domains[domain].lru, *lru, *next;

	candidates->num = 0;
	candidates->last_is_idle = false;
	for (lru = head->next; lru != head; lru = next) {
		struct wwr_mm_group *group = mm_lru_group(lru, domain);

		next = lru->next;
		if (lru->serial <= candidates->serial)
			continue;
		candidates->serial = lru->serial;
		if (group->num_pins != 0 || txn_owns(txn, mm_group_mutex(group)))
			continue;
		if (!mm_group_try_get(group)) {
			/* Its room is there already; so the caller must try again. */
			mm_bo_forget_locked(group->owner);
			candidates->serial = 0;
			break;
		}
		candidates->groups[candidates->num++] = group;
		candidates->last_is_idle =
		    wwr_resv_test_signaled(group->resv, WWR_RESV_USAGE_BOOKKEEP);
		if (candidates->last_is_idle || candidates->num == MAX_CANDIDATES)
			break;
	}
	candidates->is_end = lru == head;
	candidates->has_arriving = txn->mm->domains[domain].num_arriving != 0;
}

/*
 * Evict one if that is possible now; takes the reference over.  0 = there is more room, or may be;
 * -EAGAIN = not now, -ENOSPC = not at all; or why acquire has to return.
 */
static int txn_evict(struct wwr_mm_txn *txn, struct wwr_mm_group *group, enum wwr_mm_domain domain)
{
	int ret = wwr_lock_set_lock(txn->set, mm_group_mutex(group));

	if (ret == -EDEADLK && txn->contended == NULL) {
		/* The set will sleep on it. */
		txn->contended = group;
		return ret;
	}
	if (ret == 0) {
		ret = mm_group_evict(group, domain);
		wwr_lock_set_unlock(txn->set, mm_group_mutex(group));
	}
	mm_group_unref(group);
	return ret;
}

/* As txn_evict(), or find out what the group waits for. */
static int txn_try_candidate(struct wwr_mm_txn *txn, struct wwr_mm_group *group,
			     enum wwr_mm_domain domain)
{
	struct wwr_fence *fence;

	if (mm_resv_is_idle(txn->mm, group->resv, &fence))
		return txn_evict(txn, group, domain);
	mm_txn_add_wait(txn, fence);
	mm_group_unref(group);
	return -EAGAIN;
}

static bool stays(int ret)
{
	return ret == -ENOSPC || ret == -EAGAIN;
}

/* Until one is evicted: 0; -EAGAIN = none can be now, -ENOSPC = none at all; or as txn_evict(). */
static int txn_try_candidates(struct wwr_mm_txn *txn, struct candidates *candidates,
			      enum wwr_mm_domain domain)
{
	unsigned int num = candidates->num;
	int ret = -ENOSPC;

	if (candidates->last_is_idle)
		ret = txn_evict(txn, candidates->groups[--num], domain);
	for (unsigned int i = 0; i < num; i++) {
		int result;

		if (!stays(ret)) {
			mm_group_unref(candidates->groups[i]);
			continue;
		}
		result = txn_try_candidate(txn, candidates->groups[i], domain);
		if (result != -ENOSPC)
			ret = result;
	}
	return ret;
}

/* Asked for in this attempt; locked. */
static bool txn_wants(const struct wwr_mm_txn *txn, const struct wwr_mm_bo *bo)
{
	return bo->attempt == txn->attempt;
}

/* May a buffer whose lock the set has go from this domain to that one? */
static bool bo_may_go(const struct wwr_mm_txn *txn, const struct wwr_mm_bo *bo,
		      enum wwr_mm_domain from, int to)
{
	if (bo->place.domain != from || bo->num_pins != 0)
		return false;
	/* One that has to leave anyway may go anywhere for a while. */
	return !txn_wants(txn, bo) || (bo->wanted & 1u << from) == 0 ||
	       (bo->wanted & 1u << to) != 0;
}

/* Move it further down, if it may: 0, -ENOSPC, or why acquire has to return. */
static int txn_displace_one(struct wwr_mm_txn *txn, struct wwr_mm_bo *bo, enum wwr_mm_domain domain)
{
	int ret = -ENOSPC;

	for (int to = (int)domain + 1; to < WWR_MM_NUM_DOMAINS && ret == -ENOSPC; to++) {
		if (bo_may_go(txn, bo, domain, to))
			ret = mm_move_to(txn, bo, (enum wwr_mm_domain)to, true);
	}
	return ret;
}

/* As txn_displace_one(), with one that nobody asked for but whose reservation the set has. */
static int txn_displace_unwanted(struct wwr_mm_txn *txn, struct wwr_mm_group *group,
				 enum wwr_mm_domain domain)
{
	struct wwr_mm_bo *const list = mm_group_list(group, domain, NULL);
	int ret = -ENOSPC;

	for (struct wwr_mm_bo *bo = list; bo != NULL && ret == -ENOSPC; bo = bo->move_next) {
		if (!txn_wants(txn, bo))
			ret = txn_displace_one(txn, bo, domain);
	}
	mm_group_list_put(list);
	return ret;
}

/* Move one of the set's own buffers further down: 0, -ENOSPC, or why acquire has to return. */
static int txn_displace(struct wwr_mm_txn *txn, const struct wwr_mm_bo *for_bo,
			enum wwr_mm_domain domain)
{
	int ret = -ENOSPC;

	for (struct wwr_mm_bo *bo = txn->wants; bo != NULL && ret == -ENOSPC; bo = bo->txn_next)
		ret = txn_displace_unwanted(txn, bo->group, domain);
	for (struct wwr_mm_bo *bo = txn->wants; bo != NULL && ret == -ENOSPC; bo = bo->txn_next) {
		if (bo != for_bo)
			ret = txn_displace_one(txn, bo, domain);
	}
	return ret;
}

/* Whoever has taken room enters it soon, and can be evicted then. */
static void txn_yield(struct wwr_mm_txn *txn)
{
	mm_lock(txn->mm);
	txn->mm->stats.num_yields++;
	mm_unlock(txn->mm);
	sched_yield();
}

/* Nobody can be evicted now. */
static int txn_room_end(struct wwr_mm_txn *txn, const struct wwr_mm_bo *bo,
			enum wwr_mm_domain domain, struct candidates *candidates)
{
	const bool had_busy = candidates->had_busy;
	int ret;

	candidates->serial = 0;
	candidates->had_busy = false;
	if (txn->num_waits != 0)
		return mm_txn_wait_busy(txn);
	/* It was busy, and then there was nothing to wait for. */
	if (had_busy)
		return -EAGAIN;
	if (candidates->has_arriving) {
		txn_yield(txn);
		return -EAGAIN;
	}
	ret = txn_displace(txn, bo, domain);
	return ret == 0 ? -EAGAIN : ret;
}

/* One look at the domain: -EAGAIN = look again. */
static int txn_room_step(struct wwr_mm_txn *txn, struct wwr_mm_bo *bo, enum wwr_mm_domain domain,
			 struct candidates *candidates)
{
	struct wwr_mm *mm = txn->mm;
	int ret;

	mm_lock(mm);
	ret = mm_place_take_locked(bo, domain);
	if (ret == -ENOSPC)
		candidates_collect(candidates, txn, domain);
	mm_unlock(mm);
	if (ret != -ENOSPC)
		return ret;

	ret = txn_try_candidates(txn, candidates, domain);
	if (ret == 0) {
		candidates->serial = 0;
		return -EAGAIN;
	}
	if (!stays(ret))
		return ret;
	candidates->had_busy |= ret == -EAGAIN;
	return candidates->is_end ? txn_room_end(txn, bo, domain, candidates) : -EAGAIN;
}

static int mm_make_room(struct wwr_mm_txn *txn, struct wwr_mm_bo *bo, enum wwr_mm_domain domain)
{
	struct candidates candidates = {0};
	int ret;

	do {
		ret = txn_room_step(txn, bo, domain, &candidates);
		/* Whoever was busy before something was evicted is looked at anew. */
		if (ret == 0 || (ret == -EAGAIN && candidates.serial == 0))
			mm_txn_drop_waits(txn);
	} while (ret == -EAGAIN);
	return ret;
}

/* 0, or -EDEADLK: it is busy, and must not be moved before that is over. */
static int txn_await_client(struct wwr_mm_txn *txn, const struct wwr_mm_bo *bo)
{
	struct wwr_fence *fence;

	if (mm_resv_is_idle(txn->mm, bo->base.resv, &fence))
		return 0;
	/* All later moves would stand behind this one, and with them the client that it waits for.
	 */
	if (wwr_fence_is_client_dependent(fence)) {
		mm_txn_add_wait(txn, fence);
		return mm_txn_wait_busy(txn);
	}
	wwr_fence_put(fence);
	return 0;
}

static int mm_take_room(struct wwr_mm *mm, struct wwr_mm_bo *bo, enum wwr_mm_domain domain)
{
	int ret;

	mm_lock(mm);
	ret = mm_place_take_locked(bo, domain);
	mm_unlock(mm);
	return ret;
}

int mm_move_to(struct wwr_mm_txn *txn, struct wwr_mm_bo *bo, enum wwr_mm_domain domain, bool evict)
{
	int ret;

	wwr_mutex_assert_held(&bo->base.resv->mutex);
	ret = txn_await_client(txn, bo);
	if (ret == 0)
		ret = evict ? mm_make_room(txn, bo, domain) : mm_take_room(txn->mm, bo, domain);
	if (ret != 0)
		return ret;
	ret = wwr_resv_reserve_fences(bo->base.resv, MM_MOVE_FENCES);
	if (ret != 0) {
		mm_move_abort(bo);
		return ret;
	}
	ret = mm_move_prepare(bo);
	if (ret == 0)
		mm_move_commit(bo);
	return ret;
}
