/* SPDX-License-Identifier: MIT */
/*
 * Walking over what fences are made of, and making one fence of many.  A merge counts what is
 * pending, takes memory for an array of so many, and fills it: fences only signal and points are
 * only collected meanwhile, so it can only need less.
 */
#include <wwresv/fence_merge.h>

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "reservation/fence_container.h"

#include <assert.h>
#include <errno.h>

void wwr_fence_unwrap_begin(struct wwr_fence_unwrap *iter, struct wwr_fence *fence)
{
	iter->node = wwr_fence_get(fence);
	iter->index = 0;
}

struct wwr_fence *wwr_fence_unwrap_next(struct wwr_fence_unwrap *iter)
{
	while (iter->node != NULL) {
		struct wwr_fence *contained = wwr_fence_chain_contained(iter->node);
		unsigned int index = iter->index++;

		if (!fence_is_array(contained)) {
			if (index == 0)
				return contained;
		} else if (index < fence_to_array(contained)->num_members) {
			return fence_to_array(contained)->members[index].fence;
		}
		iter->node = wwr_fence_chain_walk(iter->node);
		iter->index = 0;
	}
	return NULL;
}

void wwr_fence_unwrap_end(struct wwr_fence_unwrap *iter)
{
	wwr_fence_put(iter->node);
	iter->node = NULL;
}

static size_t merge_count(unsigned int num, struct wwr_fence *const *fences)
{
	struct wwr_fence_unwrap iter;
	size_t num_pending = 0;

	for (unsigned int i = 0; i < num; i++) {
		const struct wwr_fence *fence;

		wwr_fence_unwrap_begin(&iter, fences[i]);
		while ((fence = wwr_fence_unwrap_next(&iter)) != NULL)
			num_pending += !wwr_fence_is_signaled(fence);
	}
	return num_pending;
}

/* The error that a merge before this one has kept. */
static void merge_add_left_out(struct fence_array *array, struct wwr_fence *contained)
{
	const struct fence_result *merged;

	if (!fence_is_array(contained))
		return;
	merged = &fence_to_array(contained)->merged;
	fence_result_add_error(&array->merged, merged->error, merged->error_ns);
}

/* Take what is pending, and remember what has signalled. */
static void merge_add(struct fence_array *array, size_t room, struct wwr_fence *fence)
{
	struct wwr_fence_unwrap iter;

	if (fence != NULL && wwr_fence_is_signaled(fence))
		fence_result_add_time(&array->merged, wwr_fence_timestamp(fence));
	wwr_fence_unwrap_begin(&iter, fence);
	while ((fence = wwr_fence_unwrap_next(&iter)) != NULL) {
		merge_add_left_out(array, wwr_fence_chain_contained(iter.node));
		if (wwr_fence_is_signaled(fence)) {
			fence_result_add(&array->merged, fence);
			continue;
		}
		assert(array->num_members < room);
		(void)room;
		array->members[array->num_members++].fence = wwr_fence_get(fence);
	}
}

/* By context; in one context the latest comes first. */
static bool merge_is_before(const struct wwr_fence *a, const struct wwr_fence *b)
{
	if (a->context != b->context)
		return a->context < b->context;
	return wwr_fence_is_later(a, b);
}

static void merge_swap(struct fence_array *array, size_t a, size_t b)
{
	struct wwr_fence *fence = array->members[a].fence;

	array->members[a].fence = array->members[b].fence;
	array->members[b].fence = fence;
}

/* In a heap of num members, that comes last which stands first: let i sink to its place. */
static void merge_sink(struct fence_array *array, size_t i, size_t num)
{
	const struct fence_array_member *members = array->members;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= num)
			break;
		if (child + 1 < num &&
		    merge_is_before(members[child].fence, members[child + 1].fence))
			child++;
		if (!merge_is_before(members[i].fence, members[child].fence))
			break;
		merge_swap(array, i, child);
		i = child;
	}
}

/* Heapsort: no recursion, and qsort() may take memory behind the allocator's back. */
static void merge_sort(struct fence_array *array)
{
	size_t num = array->num_members;

	for (size_t i = num / 2; i-- > 0;)
		merge_sink(array, i, num);
	while (num > 1) {
		merge_swap(array, 0, --num);
		merge_sink(array, 0, num);
	}
}

/* The first of each context stays. */
static void merge_deduplicate(struct fence_array *array)
{
	struct fence_array_member *members = array->members;
	uint32_t num_kept = 0;

	for (uint32_t i = 0; i < array->num_members; i++) {
		struct wwr_fence *fence = members[i].fence;

		if (num_kept > 0 && members[num_kept - 1].fence->context == fence->context)
			wwr_fence_put(fence);
		else
			members[num_kept++].fence = fence;
	}
	array->num_members = num_kept;
}

/* What is left decides.  Consumes the array. */
static int merge_finish(struct fence_array *array, struct wwr_fence **ret_fence)
{
	struct wwr_fence *fence;

	if (array->num_members > 1 || (array->num_members == 1 && array->merged.error != 0)) {
		fence_array_init(array, wwr_fence_context_alloc(1), 1);
		*ret_fence = &array->base;
		return 0;
	}
	if (array->num_members == 1)
		fence = array->members[0].fence;
	else
		fence = wwr_fence_stub_create(array->merged.timestamp_ns, array->merged.error);
	wwr_free(array);
	if (fence == NULL)
		return -ENOMEM;
	*ret_fence = fence;
	return 0;
}

int wwr_fence_merge(unsigned int num, struct wwr_fence *const *fences, struct wwr_fence **ret_fence)
{
	size_t room = merge_count(num, fences);
	struct fence_array *array = fence_array_alloc(room);
	bool any = false;

	if (array == NULL)
		return -ENOMEM;
	array->merged = (struct fence_result)FENCE_RESULT_INIT;
	for (unsigned int i = 0; i < num; i++) {
		any = any || fences[i] != NULL;
		merge_add(array, room, fences[i]);
	}
	if (!any)
		array->merged.timestamp_ns = park_now_ns();
	merge_sort(array);
	merge_deduplicate(array);
	return merge_finish(array, ret_fence);
}
