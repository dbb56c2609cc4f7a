/* SPDX-License-Identifier: MIT */
/*
 * Reservation objects under their lock: slots and fences.  Invariants: a hold's promised slots are
 * free entries of the table, so that adding within the promise cannot fail; table and entries
 * change only with the mutex and table_lock held; no reference is dropped under table_lock, since
 * that may run a driver's code.
 */
#include <wwresv/resv.h>

#include <wwresv/alloc.h>
#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/report.h"
#include "reservation/resv_table.h"

#include <wwresv/class.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

/* Room in a first table: most buffers are used by few engines. */
#define RESV_MIN_FENCES 4

void wwr_resv_init(struct wwr_resv *resv, struct wwr_class *lock_class)
{
	wwr_mutex_init(&resv->mutex, lock_class != NULL ? lock_class : wwr_default_class());
	resv->table = NULL;
	resv->table_lock = 0;
	resv->num_slots = 0;
	resv->slots_hold = 0;
}

void wwr_resv_fini(struct wwr_resv *resv)
{
	wwr_mutex_fini(&resv->mutex);
	for (uint32_t i = 0; i < resv_num_fences(resv); i++)
		wwr_fence_put(resv_entry_fence(resv->table->entries[i]));
	wwr_free(resv->table);
	resv->table = NULL;
}

/* How many fences may still be appended in this hold of the lock. */
static uint32_t resv_num_slots(const struct wwr_resv *resv)
{
	return resv->slots_hold == resv->mutex.hold_seq ? resv->num_slots : 0;
}

static struct wwr_resv_table *resv_table_alloc(uint64_t max_fences)
{
	const size_t room = SIZE_MAX - sizeof(struct wwr_resv_table);
	struct wwr_resv_table *table;

	if (max_fences > UINT32_MAX || max_fences > room / sizeof(table->entries[0]))
		return NULL;
	table = wwr_alloc(sizeof(*table) + (size_t)max_fences * sizeof(table->entries[0]));
	if (table != NULL)
		table->max_fences = (uint32_t)max_fences;
	return table;
}

/*
 * A new table's size: as big as the old one if that leaves half of it free, or else twice as big,
 * so that tables do not grow for fences that have signalled, and grow seldom.
 */
static uint64_t resv_table_size(const struct wwr_resv *resv, uint32_t num_slots)
{
	uint64_t old = resv->table != NULL ? resv->table->max_fences : 0;
	uint64_t need = num_slots;
	uint64_t size;

	for (uint32_t i = 0; i < resv_num_fences(resv); i++)
		need += !wwr_fence_is_signaled(resv_entry_fence(resv->table->entries[i]));
	size = need <= old / 2 ? old : old * 2;
	if (size < RESV_MIN_FENCES)
		size = RESV_MIN_FENCES;
	return size < need ? need : size;
}

/* Move fences to an empty table that is not smaller; those that have signalled go to its end. */
static void resv_table_fill(struct wwr_resv_table *table, const struct wwr_resv *resv)
{
	uint32_t end = table->max_fences;

	for (uint32_t i = 0; i < resv_num_fences(resv); i++) {
		uintptr_t entry = resv->table->entries[i];

		if (wwr_fence_is_signaled(resv_entry_fence(entry)))
			table->entries[--end] = entry;
		else
			table->entries[table->num_fences++] = entry;
	}
}

/* A new table with room for so many more fences, without the signalled ones. */
static int resv_grow(struct wwr_resv *resv, uint32_t num_slots)
{
	struct wwr_resv_table *old = resv->table;
	struct wwr_resv_table *table = resv_table_alloc(resv_table_size(resv, num_slots));
	uint32_t num_dropped;

	if (table == NULL)
		return -ENOMEM;
	resv_table_fill(table, resv);
	num_dropped = resv_num_fences(resv) - table->num_fences;
	wait_lock(&resv->table_lock);
	resv->table = table;
	wait_unlock(&resv->table_lock);

	for (uint32_t i = 0; i < num_dropped; i++)
		wwr_fence_put(resv_entry_fence(table->entries[table->max_fences - 1 - i]));
	wwr_free(old);
	return 0;
}

int wwr_resv_reserve_fences(struct wwr_resv *resv, unsigned int num_fences)
{
	uint32_t num_slots;
	uint32_t num_free;
	int ret;

	wwr_mutex_assert_held(&resv->mutex);
	if (num_fences == 0)
		return -EINVAL;

	num_slots = resv_num_slots(resv);
	if (num_slots < num_fences)
		num_slots = num_fences;
	num_free = resv->table != NULL ? resv->table->max_fences - resv->table->num_fences : 0;
	if (num_free < num_slots) {
		ret = resv_grow(resv, num_slots);
		if (ret != 0)
			return ret;
	}
	resv->num_slots = num_slots;
	resv->slots_hold = resv->mutex.hold_seq;
	return 0;
}

/* 0, or -EINVAL for what no reservation can hold. */
static int resv_check_fence(const struct wwr_resv *resv, const struct wwr_fence *fence,
			    enum wwr_resv_usage usage)
{
	WWR_USAGE(fence != NULL, "reservation %p: the fence to add is NULL", (const void *)resv);
	if ((unsigned int)usage > WWR_RESV_USAGE_BOOKKEEP || fence_is_container(fence))
		return -EINVAL;
	return 0;
}

/* Has the old entry nothing to say that the new one does not say as well? */
static bool resv_entry_is_replaced(uintptr_t old_entry, const struct wwr_fence *fence,
				   enum wwr_resv_usage usage)
{
	const struct wwr_fence *old = resv_entry_fence(old_entry);

	if (old->context == fence->context && resv_entry_usage(old_entry) >= usage &&
	    (old == fence || wwr_fence_is_later(fence, old)))
		return true;
	return wwr_fence_is_signaled(old);
}

static void resv_set_entry(struct wwr_resv *resv, uint32_t index, uintptr_t entry)
{
	uintptr_t old = resv->table->entries[index];

	wait_lock(&resv->table_lock);
	resv->table->entries[index] = entry;
	wait_unlock(&resv->table_lock);
	wwr_fence_put(resv_entry_fence(old));
}

static void resv_append_entry(struct wwr_resv *resv, uintptr_t entry)
{
	struct wwr_resv_table *table = resv->table;

	assert(table != NULL && table->num_fences < table->max_fences);
	wait_lock(&resv->table_lock);
	table->entries[table->num_fences++] = entry;
	wait_unlock(&resv->table_lock);
	resv->num_slots--;
}

int wwr_resv_add_fence(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	int ret;

	wwr_mutex_assert_held(&resv->mutex);
	ret = resv_check_fence(resv, fence, usage);
	if (ret != 0)
		return ret;

	for (uint32_t i = 0; i < resv_num_fences(resv); i++) {
		if (resv_entry_is_replaced(resv->table->entries[i], fence, usage)) {
			resv_set_entry(resv, i, resv_entry(wwr_fence_get(fence), usage));
			return 0;
		}
	}
	if (resv_num_slots(resv) == 0) {
		RESERVATION_REPORT("reservation %p: fence %p (%" PRIu64 ":%" PRIu64
				   ") is added without a slot: nothing was reserved since the lock "
				   "was taken, or it is used up",
				   (void *)resv, (void *)fence, fence->context, fence->seqno);
		return -ENOSPC;
	}
	resv_append_entry(resv, resv_entry(wwr_fence_get(fence), usage));
	return 0;
}

int wwr_resv_replace_fences(struct wwr_resv *resv, uint64_t context, struct wwr_fence *fence,
			    enum wwr_resv_usage usage)
{
	int ret;

	wwr_mutex_assert_held(&resv->mutex);
	ret = resv_check_fence(resv, fence, usage);
	if (ret != 0)
		return ret;

	for (uint32_t i = 0; i < resv_num_fences(resv); i++) {
		if (resv_entry_fence(resv->table->entries[i])->context == context)
			resv_set_entry(resv, i, resv_entry(wwr_fence_get(fence), usage));
	}
	return 0;
}
