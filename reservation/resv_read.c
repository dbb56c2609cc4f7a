/* SPDX-License-Identifier: MIT */
/*
 * Looking at a reservation's fences: with its mutex held, or without any lock of the caller's.
 * Readers of the second kind hold table_lock for as long as it takes to look or to take
 * references, never while they sleep, allocate, or drop a reference.
 */
#include <wwresv/resv.h>

#include <wwresv/alloc.h>
#include "lockset/park.h"
#include "reservation/resv_table.h"

#include <errno.h>

/* A wait for more fences than this needs memory for its copy of the list. */
#define RESV_STACK_FENCES 16

void wwr_resv_iter_begin(struct wwr_resv_iter *iter, struct wwr_resv *resv,
			 enum wwr_resv_usage usage)
{
	wwr_mutex_assert_held(&resv->mutex);
	iter->resv = resv;
	iter->usage = usage;
	iter->fence_usage = usage;
	iter->index = 0;
}

struct wwr_fence *wwr_resv_iter_next(struct wwr_resv_iter *iter)
{
	const struct wwr_resv *resv = iter->resv;

	wwr_mutex_assert_held(&resv->mutex);
	while (iter->index < resv_num_fences(resv)) {
		uintptr_t entry = resv->table->entries[iter->index++];

		if (resv_entry_usage(entry) > iter->usage)
			continue;
		iter->fence_usage = resv_entry_usage(entry);
		return resv_entry_fence(entry);
	}
	return NULL;
}

/* Is the entry of a usage asked for, and not signalled? */
static bool resv_entry_is_pending(uintptr_t entry, enum wwr_resv_usage usage)
{
	return resv_entry_usage(entry) <= usage && !wwr_fence_is_signaled(resv_entry_fence(entry));
}

/*
 * Take references of the pending fences, as many as there is room for.  Returns the room that is
 * enough for all: if that is more than max_fences, nothing was taken.
 */
static uint32_t resv_copy(struct wwr_resv *resv, enum wwr_resv_usage usage, uint32_t max_fences,
			  struct wwr_fence **ret_fences, uint32_t *ret_num)
{
	uint32_t num_fences;
	uint32_t num = 0;

	wait_lock(&resv->table_lock);
	num_fences = resv_num_fences(resv);
	if (num_fences <= max_fences) {
		for (uint32_t i = 0; i < num_fences; i++) {
			uintptr_t entry = resv->table->entries[i];

			if (resv_entry_is_pending(entry, usage))
				ret_fences[num++] = wwr_fence_get(resv_entry_fence(entry));
		}
		*ret_num = num;
	}
	wait_unlock(&resv->table_lock);
	return num_fences;
}

/* As resv_copy(), but into an array of its own; NULL if there are none. */
static int resv_copy_alloc(struct wwr_resv *resv, enum wwr_resv_usage usage, uint32_t *ret_num,
			   struct wwr_fence ***ret_fences)
{
	struct wwr_fence **fences = NULL;
	uint32_t max_fences = 0;
	uint32_t num = 0;

	for (;;) {
		uint32_t need = resv_copy(resv, usage, max_fences, fences, &num);

		if (need <= max_fences)
			break;
		/* It may grow between the turns; doubling bounds how often that matters. */
		max_fences = need <= max_fences * (uint64_t)2 ? max_fences * 2 : need;
		wwr_free(fences);
		fences = wwr_alloc_array(max_fences, sizeof(fences[0]));
		if (fences == NULL)
			return -ENOMEM;
	}
	if (num == 0) {
		wwr_free(fences);
		fences = NULL;
	}
	*ret_num = num;
	*ret_fences = fences;
	return 0;
}

int wwr_resv_get_fences(struct wwr_resv *resv, enum wwr_resv_usage usage, unsigned int *ret_num,
			struct wwr_fence ***ret_fences)
{
	return resv_copy_alloc(resv, usage, ret_num, ret_fences);
}

static void put_all(uint32_t num, struct wwr_fence **fences)
{
	for (uint32_t i = 0; i < num; i++)
		wwr_fence_put(fences[i]);
}

void wwr_resv_put_fences(unsigned int num, struct wwr_fence **fences)
{
	if (fences == NULL)
		return;
	put_all(num, fences);
	wwr_free(fences);
}

static int wait_all_until(uint32_t num, struct wwr_fence **fences,
			  struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	for (uint32_t i = 0; i < num; i++) {
		int ret = wwr_fence_wait_until(fences[i], token, deadline_ns);

		if (ret != 0)
			return ret;
	}
	return 0;
}

int wwr_resv_wait_until(struct wwr_resv *resv, enum wwr_resv_usage usage,
			struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	struct wwr_fence *on_stack[RESV_STACK_FENCES];
	struct wwr_fence **fences;
	uint32_t num = 0;
	int ret;

	if (resv_copy(resv, usage, RESV_STACK_FENCES, on_stack, &num) <= RESV_STACK_FENCES) {
		ret = wait_all_until(num, on_stack, token, deadline_ns);
		put_all(num, on_stack);
		return ret;
	}
	ret = resv_copy_alloc(resv, usage, &num, &fences);
	if (ret != 0)
		return ret;
	ret = wait_all_until(num, fences, token, deadline_ns);
	wwr_resv_put_fences(num, fences);
	return ret;
}

bool wwr_resv_test_signaled(struct wwr_resv *resv, enum wwr_resv_usage usage)
{
	bool signaled = true;

	wait_lock(&resv->table_lock);
	for (uint32_t i = 0; signaled && i < resv_num_fences(resv); i++)
		signaled = !resv_entry_is_pending(resv->table->entries[i], usage);
	wait_unlock(&resv->table_lock);
	return signaled;
}
