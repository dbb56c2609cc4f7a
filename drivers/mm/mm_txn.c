/* SPDX-License-Identifier: MIT */
/*
 * Transactions: attempts, waits between them, and the claims of those who waited too often.
 *
 * Invariants: a group that the set may still hold, or sleep on, though the algorithm does not know
 * it, has a reference: contended is that of this attempt, kept of the one before; the first claim
 * of the list is the only one whose transaction gets beyond the beginning of wwr_mm_validate().
 */
#include "drivers/mm/mm_core.h"

#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/lock_set.h>

#include <errno.h>

#define ALL_DOMAINS ((1u << WWR_MM_NUM_DOMAINS) - 1)

static const char *gate_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wwresv-mm";
}

static const char *gate_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "claim";
}

static const struct wwr_fence_ops gate_ops = {.driver_name = gate_driver_name,
					      .timeline_name = gate_timeline_name};

/* Stand in the line of those who make others stop.  Without memory it goes on without. */
static void txn_claim(struct wwr_mm_txn *txn)
{
	struct wwr_mm *mm = txn->mm;
	struct wwr_fence *gate;

	if (txn->claims || txn->num_busy < WWR_MM_PATIENCE)
		return;
	gate = wwr_alloc(sizeof(*gate));
	if (gate == NULL)
		return;
	wwr_fence_init(gate, &gate_ops, wwr_fence_context_alloc(1), 1);
	txn->claims = true;
	mm_lock(mm);
	txn->gate = gate;
	txn->next = NULL;
	*mm->last_claim = txn;
	mm->last_claim = &txn->next;
	mm->stats.num_claims++;
	mm_unlock(mm);
}

/* Others may go on; a later claim has to be waited for anew. */
static void txn_unclaim(struct wwr_mm_txn *txn)
{
	struct wwr_mm *mm = txn->mm;
	struct wwr_mm_txn **link = &mm->claims;

	if (!txn->claims)
		return;
	txn->claims = false;
	txn->num_busy = 0;
	mm_lock(mm);
	while (*link != txn)
		link = &(*link)->next;
	*link = txn->next;
	if (mm->last_claim == &txn->next)
		mm->last_claim = link;
	mm_unlock(mm);
	(void)wwr_fence_signal(txn->gate);
	wwr_fence_put(txn->gate);
}

void mm_txn_drop_waits(struct wwr_mm_txn *txn)
{
	while (txn->num_waits != 0)
		wwr_fence_put(txn->waits[--txn->num_waits]);
}

/* One that depends on a client gives way to one that does not. */
void mm_txn_add_wait(struct wwr_mm_txn *txn, struct wwr_fence *fence)
{
	if (txn->num_waits < WWR_MM_MAX_WAITS) {
		txn->waits[txn->num_waits++] = fence;
		return;
	}
	for (unsigned int i = 0; i < WWR_MM_MAX_WAITS; i++) {
		if (wwr_fence_is_client_dependent(txn->waits[i])) {
			wwr_fence_put(txn->waits[i]);
			txn->waits[i] = fence;
			return;
		}
	}
	wwr_fence_put(fence);
}

static bool txn_waits_for_clients(const struct wwr_mm_txn *txn)
{
	for (unsigned int i = 0; i < txn->num_waits; i++) {
		if (!wwr_fence_is_client_dependent(txn->waits[i]))
			return false;
	}
	return true;
}

/* For the set: nothing is held now. */
static int txn_wait(struct wwr_lock_set *set, void *arg)
{
	struct wwr_mm_txn *txn = arg;
	const int64_t deadline_ns =
	    set->options.deadline_ns != 0 ? set->options.deadline_ns : INT64_MAX;
	unsigned int index;
	int ret;

	/* The client may have to submit something first. */
	if (txn_waits_for_clients(txn))
		txn_unclaim(txn);
	ret =
	    wwr_fence_wait_any(txn->num_waits, txn->waits, set->options.token, deadline_ns, &index);
	if (ret == -ENOMEM)
		ret = wwr_fence_wait_until(txn->waits[0], set->options.token, deadline_ns);
	mm_txn_drop_waits(txn);
	return ret;
}

int mm_txn_wait_busy(struct wwr_mm_txn *txn)
{
	txn->num_busy++;
	mm_lock(txn->mm);
	txn->mm->stats.num_waits++;
	mm_unlock(txn->mm);
	return wwr_lock_set_wait_unlocked(txn->set, txn_wait, txn);
}

/* Somebody waited too often, and it is his turn: a reference; NULL = nobody, or this one. */
static struct wwr_fence *txn_find_gate_locked(const struct wwr_mm_txn *txn)
{
	const struct wwr_mm_txn *first = txn->mm->claims;

	return first != NULL && first != txn ? wwr_fence_get(first->gate) : NULL;
}

static int txn_acquire(struct wwr_lock_set *set, void *arg)
{
	struct wwr_mm_txn *txn = arg;

	(void)set;
	/* The set holds nothing now but what it met last. */
	mm_group_unref(txn->kept);
	txn->kept = txn->contended;
	txn->contended = NULL;
	txn->wants = NULL;
	mm_txn_drop_waits(txn);
	txn_claim(txn);
	/* Relaxed: only different numbers are asked for. */
	txn->attempt = wwr_atomic_fetch_add(&txn->mm->num_attempts, 1, WWR_RELAXED) + 1;
	return txn->acquire(txn, txn->arg);
}

static int txn_locked(struct wwr_lock_set *set, void *arg)
{
	struct wwr_mm_txn *txn = arg;

	(void)set;
	return txn->locked(txn, txn->arg);
}

int wwr_mm_lock_all(struct wwr_mm *mm, struct wwr_lock_set *set,
		    int (*acquire)(struct wwr_mm_txn *txn, void *arg),
		    int (*locked)(struct wwr_mm_txn *txn, void *arg), void *arg)
{
	struct wwr_mm_txn txn = {
	    .mm = mm, .set = set, .acquire = acquire, .locked = locked, .arg = arg};
	const int ret = wwr_lock_set_lock_all(set, txn_acquire, txn_locked, &txn);

	txn_unclaim(&txn);
	mm_txn_drop_waits(&txn);
	mm_group_unref(txn.contended);
	mm_group_unref(txn.kept);
	return ret;
}

static int want_mask(const struct wwr_mm_want *want, uint32_t *ret_mask)
{
	uint32_t mask = 0;

	if (want->num_domains == 0 || want->num_domains > WWR_MM_NUM_DOMAINS)
		return -EINVAL;
	for (uint32_t i = 0; i < want->num_domains; i++) {
		if ((unsigned int)want->domains[i] >= WWR_MM_NUM_DOMAINS)
			return -EINVAL;
		mask |= 1u << want->domains[i];
	}
	*ret_mask = mask;
	return 0;
}

static int txn_note_wants(struct wwr_mm_txn *txn, unsigned int num, const struct wwr_mm_want *wants)
{
	for (unsigned int i = 0; i < num; i++) {
		struct wwr_mm_bo *bo = wants[i].bo;
		uint32_t mask;
		const int ret = want_mask(&wants[i], &mask);

		if (ret != 0)
			return ret;
		WWR_USAGE(wwr_lock_set_holds(txn->set, &bo->base.resv->mutex),
			  "wwr_mm_validate: buffer %p is not locked with the transaction's set",
			  (void *)bo);
		bo->wanted = mask;
		if (bo->attempt == txn->attempt)
			continue;
		bo->attempt = txn->attempt;
		bo->txn_next = txn->wants;
		txn->wants = bo;
	}
	return 0;
}

/* So much may be there beside what is pinned; UINT64_MAX = any number of bytes. */
static uint64_t mm_room_locked(const struct wwr_mm *mm, uint32_t domains)
{
	uint64_t room = 0;

	for (int i = 0; i < WWR_MM_NUM_DOMAINS; i++) {
		const struct wwr_mm_usage *usage = &mm->domains[i].usage;

		if ((domains & 1u << i) == 0)
			continue;
		if (usage->size_bytes > INT64_MAX)
			return UINT64_MAX;
		room += usage->size_bytes - usage->pinned_bytes;
	}
	return room;
}

/* What has to be in some domains fits there, whichever domains one looks at. */
static bool txn_can_fit(const struct wwr_mm_txn *txn)
{
	struct wwr_mm *mm = txn->mm;
	bool fits = true;

	mm_lock(mm);
	for (uint32_t domains = 1; domains <= ALL_DOMAINS; domains++) {
		uint64_t needed = 0;

		for (const struct wwr_mm_bo *bo = txn->wants; bo != NULL; bo = bo->txn_next) {
			if ((bo->wanted & ~domains) == 0 && bo->num_pins == 0)
				needed += bo->size_bytes;
		}
		fits &= needed <= mm_room_locked(mm, domains);
	}
	mm_unlock(mm);
	return fits;
}

/* The mask has no bit for NOWHERE. */
static bool want_is_met(const struct wwr_mm_want *want)
{
	return (want->bo->wanted & 1u << want->bo->place.domain) != 0;
}

/*
 * They were used just now.  0 = all are where they have to be, -EAGAIN = not all, or the set has to
 * wait for somebody's claim.
 */
static int txn_touch_all(struct wwr_mm_txn *txn, unsigned int num, const struct wwr_mm_want *wants)
{
	struct wwr_fence *gate;
	int ret = 0;

	mm_lock(txn->mm);
	gate = txn_find_gate_locked(txn);
	for (unsigned int i = 0; i < num && gate == NULL; i++) {
		if (want_is_met(&wants[i]))
			mm_bo_touch_locked(wants[i].bo);
		else
			ret = -EAGAIN;
	}
	mm_unlock(txn->mm);
	if (gate == NULL)
		return ret;
	mm_txn_add_wait(txn, gate);
	return wwr_lock_set_wait_unlocked(txn->set, txn_wait, txn);
}

static int txn_settle(struct wwr_mm_txn *txn, const struct wwr_mm_want *want)
{
	int ret = -ENOSPC;

	if (want_is_met(want))
		return 0;
	if (want->bo->num_pins != 0)
		return -EBUSY;
	/* First where nobody has to go. */
	for (uint32_t i = 0; i < want->num_domains && ret == -ENOSPC; i++)
		ret = mm_move_to(txn, want->bo, want->domains[i], false);
	for (uint32_t i = 0; i < want->num_domains && ret == -ENOSPC; i++)
		ret = mm_move_to(txn, want->bo, want->domains[i], true);
	return ret;
}

static int txn_settle_all(struct wwr_mm_txn *txn, unsigned int num, const struct wwr_mm_want *wants)
{
	int ret = txn_touch_all(txn, num, wants);

	if (ret != -EAGAIN)
		return ret;
	if (!txn_can_fit(txn))
		return -ENOSPC;
	for (unsigned int i = 0; i < num; i++) {
		ret = txn_settle(txn, &wants[i]);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int wwr_mm_validate(struct wwr_mm_txn *txn, unsigned int num, const struct wwr_mm_want *wants)
{
	int ret = txn_note_wants(txn, num, wants);

	if (ret == 0)
		ret = txn_settle_all(txn, num, wants);
	if (ret != -ENOSPC)
		return ret;
	mm_lock(txn->mm);
	txn->mm->stats.num_enomem++;
	mm_unlock(txn->mm);
	return -ENOMEM;
}
