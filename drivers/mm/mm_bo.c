/* SPDX-License-Identifier: MIT */
/*
 * Buffers and groups.  Invariants: a group is in a domain's list exactly if a buffer of it is in
 * the domain; a buffer whose last reference is gone may still be there, and is forgotten by its
 * release or by who finds it first.
 */
#include "drivers/mm/mm_core.h"

#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

#include <errno.h>

static void lru_remove(struct wwr_mm_lru *lru)
{
	lru->prev->next = lru->next;
	lru->next->prev = lru->prev;
}

/* The head counts. */
static void lru_append(struct wwr_mm_lru *head, struct wwr_mm_lru *lru)
{
	lru->serial = ++head->serial;
	lru->prev = head->prev;
	lru->next = head;
	lru->prev->next = lru;
	head->prev = lru;
}

void mm_bo_enter_locked(struct wwr_mm_bo *bo)
{
	struct mm_domain *domain = &bo->mm->domains[bo->place.domain];
	struct wwr_mm_lru *lru = &bo->group->lru[bo->place.domain];

	if (lru->num_bos++ != 0)
		lru_remove(lru);
	lru_append(&domain->lru, lru);
	domain->usage.num_bos++;
}

void mm_bo_leave_locked(struct wwr_mm_bo *bo)
{
	struct wwr_mm_lru *lru;

	if (bo->place.domain == WWR_MM_NOWHERE)
		return;
	lru = &bo->group->lru[bo->place.domain];
	if (--lru->num_bos == 0)
		lru_remove(lru);
	bo->mm->domains[bo->place.domain].usage.num_bos--;
}

void mm_bo_touch_locked(struct wwr_mm_bo *bo)
{
	struct wwr_mm_lru *lru = &bo->group->lru[bo->place.domain];

	lru_remove(lru);
	lru_append(&bo->mm->domains[bo->place.domain].lru, lru);
}

void mm_bo_forget_locked(struct wwr_mm_bo *bo)
{
	mm_bo_leave_locked(bo);
	mm_place_drop_locked(bo->mm, &bo->place, bo->size_bytes);
}

static void group_init(struct wwr_mm_group *group, struct wwr_mm *mm, struct wwr_resv *resv,
		       struct wwr_mm_bo *owner)
{
	*group = (struct wwr_mm_group){.refcount = 1, .mm = mm, .resv = resv, .owner = owner};
}

int wwr_mm_group_create(struct wwr_mm *mm, struct wwr_class *lock_class,
			struct wwr_mm_group **ret_group)
{
	struct wwr_mm_group *group = wwr_alloc(sizeof(*group) + sizeof(struct wwr_resv));
	struct wwr_resv *resv;

	if (group == NULL)
		return -ENOMEM;
	resv = (struct wwr_resv *)(group + 1);
	wwr_resv_init(resv, lock_class);
	group_init(group, mm, resv, NULL);
	*ret_group = group;
	return 0;
}

void wwr_mm_group_put(struct wwr_mm_group *group)
{
	/* Release and acquire pair among all who put: the last one sees what the others did. */
	if (group == NULL || wwr_atomic_fetch_sub(&group->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	wwr_resv_fini(group->resv);
	wwr_free(group);
}

/* Unless the last reference is gone. */
static bool refcount_try_get(uint32_t *refcount)
{
	/* Relaxed, here and below: the manager's lock keeps the memory there meanwhile. */
	uint32_t value = wwr_atomic_load(refcount, WWR_RELAXED);

	while (value != 0) {
		if (wwr_atomic_cas(refcount, &value, value + 1, WWR_RELAXED))
			return true;
	}
	return false;
}

bool mm_bo_try_get(struct wwr_mm_bo *bo)
{
	return refcount_try_get(&bo->base.refcount);
}

bool mm_group_try_get(struct wwr_mm_group *group)
{
	return group->owner != NULL ? mm_bo_try_get(group->owner)
				    : refcount_try_get(&group->refcount);
}

void mm_group_unref(struct wwr_mm_group *group)
{
	if (group != NULL && group->owner != NULL)
		wwr_bo_put(&group->owner->base);
	else
		wwr_mm_group_put(group);
}

void wwr_mm_bo_init(struct wwr_mm_bo *bo, struct wwr_mm *mm, const struct wwr_bo_ops *ops,
		    uint64_t size_bytes, uint32_t flags, struct wwr_class *lock_class,
		    struct wwr_mm_group *group)
{
	const uint64_t page_mask = mm->options.page_bytes - 1;

	WWR_USAGE(size_bytes != 0 && size_bytes <= UINT64_MAX - page_mask,
		  "wwr_mm_bo_init: buffer %p of %llu bytes", (void *)bo,
		  (unsigned long long)size_bytes);
	WWR_USAGE((flags & ~WWR_MM_BO_MASK) == 0, "wwr_mm_bo_init: unknown flags %#x", flags);
	*bo = (struct wwr_mm_bo){.mm = mm,
				 .flags = flags,
				 .size_bytes = (size_bytes + page_mask) & ~page_mask,
				 .place = {.domain = WWR_MM_NOWHERE},
				 .next_place = {.domain = WWR_MM_NOWHERE}};
	wwr_bo_init(&bo->base, ops, size_bytes, lock_class, group != NULL ? group->resv : NULL);
	if (group != NULL) {
		/* Relaxed: the caller's reference keeps it from going to zero. */
		wwr_atomic_fetch_add(&group->refcount, 1, WWR_RELAXED);
		bo->group = group;
	} else {
		group_init(&bo->own_group, mm, bo->base.resv, bo);
		bo->group = &bo->own_group;
	}

	mm_lock(mm);
	mm->num_bos++;
	bo->group_next = bo->group->bos;
	if (bo->group_next != NULL)
		bo->group_next->group_prev = bo;
	bo->group->bos = bo;
	mm_unlock(mm);
}

void wwr_mm_bo_fini(struct wwr_mm_bo *bo)
{
	struct wwr_mm *mm = bo->mm;

	WWR_USAGE(bo->num_pins == 0, "wwr_mm_bo_fini: buffer %p is pinned", (void *)bo);
	mm_lock(mm);
	mm_bo_forget_locked(bo);
	if (bo->group_prev != NULL)
		bo->group_prev->group_next = bo->group_next;
	else
		bo->group->bos = bo->group_next;
	if (bo->group_next != NULL)
		bo->group_next->group_prev = bo->group_prev;
	mm->num_bos--;
	mm_unlock(mm);
	if (bo->group->owner == NULL)
		wwr_mm_group_put(bo->group);
}

const struct wwr_mm_place *wwr_mm_bo_place(const struct wwr_mm_bo *bo)
{
	return &bo->place;
}

void wwr_mm_bo_pin(struct wwr_mm_bo *bo)
{
	wwr_mutex_assert_held(&bo->base.resv->mutex);
	WWR_USAGE(bo->place.domain != WWR_MM_NOWHERE, "wwr_mm_bo_pin: buffer %p is nowhere",
		  (void *)bo);
	mm_lock(bo->mm);
	bo->group->num_pins++;
	if (bo->num_pins++ == 0)
		bo->mm->domains[bo->place.domain].usage.pinned_bytes += bo->size_bytes;
	mm_unlock(bo->mm);
}

void wwr_mm_bo_unpin(struct wwr_mm_bo *bo)
{
	wwr_mutex_assert_held(&bo->base.resv->mutex);
	WWR_USAGE(bo->num_pins != 0, "wwr_mm_bo_unpin: buffer %p is not pinned", (void *)bo);
	mm_lock(bo->mm);
	bo->group->num_pins--;
	if (--bo->num_pins == 0)
		bo->mm->domains[bo->place.domain].usage.pinned_bytes -= bo->size_bytes;
	mm_unlock(bo->mm);
}
