/* SPDX-License-Identifier: MIT */
/*
 * Reservation objects under their lock: slots and fences.  Invariant: a hold's promised slots are
 * empty entries of the table, with as many spare cells, so that adding within the promise cannot
 * fail.
 */
#include <wwresv/resv.h>

#include <wwresv/class.h>

#include "lockset/mutex.h"
#include "reservation/fence_core.h"
#include "reservation/report.h"
#include "reservation/resv_table.h"

#include <errno.h>
#include <inttypes.h>

void wwr_resv_init(struct wwr_resv *resv, struct wwr_class *lock_class)
{
	wwr_mutex_init(&resv->mutex, lock_class != NULL ? lock_class : wwr_default_class());
	resv->table = NULL;
	resv->cells = NULL;
	resv->num_cells = 0;
	resv->num_fences = 0;
	resv->num_changes = 0;
	resv->idle = 0;
	resv->table_lock = 0;
	resv->num_slots = 0;
	resv->slots_hold = 0;
}

void wwr_resv_fini(struct wwr_resv *resv)
{
	wwr_mutex_fini(&resv->mutex);
	resv_table_fini(resv);
}

int resv_check_held(const struct wwr_resv *resv, const char *function)
{
	if (mutex_is_held_here(&resv->mutex))
		return 0;
	RESERVATION_REPORT("%s: reservation %p is not locked by this thread", function,
			   (const void *)resv);
	(void)function;
	return -EPERM;
}

int wwr_resv_reserve_fences(struct wwr_resv *resv, unsigned int num_fences)
{
	uint32_t num_slots;
	int ret;

	ret = resv_check_held(resv, __func__);
	if (ret != 0)
		return ret;
	if (num_fences == 0) {
		RESERVATION_REPORT("%s: reservation %p: 0 slots asked for", __func__, (void *)resv);
		return -EINVAL;
	}

	num_slots = resv_num_slots(resv);
	if (num_slots < num_fences)
		num_slots = num_fences;
	ret = resv_make_room(resv, num_slots);
	if (ret == 0)
		ret = resv_make_cells(resv, num_slots);
	if (ret != 0)
		return ret;
	resv->num_slots = num_slots;
	resv->slots_hold = resv->mutex.hold_seq;
	return 0;
}

/* 0, or why no such fence can be added. */
static int resv_check_fence(const struct wwr_resv *resv, const struct wwr_fence *fence,
			    enum wwr_resv_usage usage, const char *function)
{
	const char *mistake = NULL;

	if (fence == NULL)
		mistake = "there is no fence";
	else if ((unsigned int)usage > WWR_RESV_USAGE_BOOKKEEP)
		mistake = "there is no such usage";
	else if (fence_is_container(fence))
		mistake = "the fence is made of other fences, which must be added instead";
	if (mistake == NULL)
		return resv_check_held(resv, function);
	RESERVATION_REPORT("%s: reservation %p, fence %p, usage %d: %s", function,
			   (const void *)resv, (const void *)fence, (int)usage, mistake);
	(void)function;
	return -EINVAL;
}

/* Has the old fence nothing to say that the new one does not say as well? */
static bool resv_is_replaced(const struct wwr_fence *old, enum wwr_resv_usage old_usage,
			     const struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	if (old->context == fence->context && old_usage >= usage &&
	    (old == fence || wwr_fence_is_later(fence, old)))
		return true;
	return wwr_fence_is_signaled(old);
}

static void resv_put_in(struct wwr_resv *resv, uint32_t index, struct wwr_fence *fence,
			enum wwr_resv_usage usage)
{
	uint64_t word = resv_word_make(resv, fence, usage);

	resv_change_entry(resv, index, wwr_fence_get(fence), word);
}

/* True: the entry whose place the fence takes; else the first one that is empty, or the next. */
static bool resv_find_place(const struct wwr_resv *resv, const struct wwr_fence *fence,
			    enum wwr_resv_usage usage, uint32_t *ret_index)
{
	uint32_t num_entries = resv_num_entries(resv);
	uint32_t first_free = num_entries;

	for (uint32_t i = 0; i < num_entries; i++) {
		const struct wwr_fence *old = resv_fence(resv, i);

		if (old == NULL) {
			if (first_free == num_entries)
				first_free = i;
		} else if (resv_is_replaced(old, resv_usage(resv, i), fence, usage)) {
			*ret_index = i;
			return true;
		}
	}
	*ret_index = first_free;
	return false;
}

int wwr_resv_add_fence(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	uint32_t index;
	int ret;

	ret = resv_check_fence(resv, fence, usage, __func__);
	if (ret != 0)
		return ret;

	if (!resv_find_place(resv, fence, usage, &index)) {
		if (resv_num_slots(resv) == 0) {
			RESERVATION_REPORT("%s: reservation %p: no slot for fence %p (%" PRIu64
					   ":%" PRIu64 "): nothing was reserved since the lock was "
					   "taken, or it is used up",
					   __func__, (void *)resv, (void *)fence, fence->context,
					   fence->seqno);
			return -ENOSPC;
		}
		resv->num_slots--;
	}
	resv_put_in(resv, index, fence, usage);
	return 0;
}

int wwr_resv_replace_fences(struct wwr_resv *resv, uint64_t context, struct wwr_fence *fence,
			    enum wwr_resv_usage usage)
{
	int ret;

	ret = resv_check_fence(resv, fence, usage, __func__);
	if (ret != 0)
		return ret;

	for (uint32_t i = 0; i < resv_num_entries(resv); i++) {
		const struct wwr_fence *old = resv_fence(resv, i);

		if (old != NULL && old->context == context)
			resv_put_in(resv, i, fence, usage);
	}
	return 0;
}
