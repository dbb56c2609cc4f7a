/* SPDX-License-Identifier: MIT */
/*
 * Arrays of fences.  Invariant: once its signal was asked for, an array holds a reference of itself
 * until num_awaited is 0, that is until the callback of each member was called.
 */
#include <wwresv/fence_array.h>

#include <wwresv/alloc.h>

#include "lockset/usage.h"
#include "reservation/fence_container.h"

#include <assert.h>
#include <errno.h>

static const char *array_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wwresv";
}

static const char *array_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "array";
}

bool fence_array_poll(struct fence_array *array, struct fence_result *ret_result)
{
	/* Relaxed, both: whoever relies on a member asks it again. */
	uint32_t num_seen = wwr_atomic_load(&array->num_seen, WWR_RELAXED);

	while (num_seen < array->num_members &&
	       wwr_fence_is_signaled(array->members[num_seen].fence))
		num_seen++;
	wwr_atomic_store(&array->num_seen, num_seen, WWR_RELAXED);
	if (num_seen < array->num_members)
		return false;

	*ret_result = array->merged;
	for (uint32_t i = 0; i < array->num_members; i++)
		fence_result_add(ret_result, array->members[i].fence);
	return true;
}

/* A callback was called, or will not be; or all have been added. */
static void array_arrive(struct fence_array *array)
{
	struct fence_result result;
	bool over;

	/* Release and acquire pair with each other: what each member's work wrote. */
	if (wwr_atomic_fetch_sub(&array->num_awaited, 1, WWR_ACQ_REL) > 1)
		return;
	over = fence_array_poll(array, &result);
	assert(over);
	(void)over;
	fence_container_finish(&array->base, &result);
}

static void array_member_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	array_arrive(WWR_CONTAINER_OF(cb, struct fence_array_member, cb)->array);
}

struct wwr_fence *fence_array_of_cb(struct wwr_fence_cb *cb)
{
	if (cb->func != array_member_func)
		return NULL;
	return &WWR_CONTAINER_OF(cb, struct fence_array_member, cb)->array->base;
}

static bool array_enable_signaling(struct wwr_fence *fence)
{
	struct fence_array *array = fence_to_array(fence);

	(void)wwr_fence_get(fence);
	/* Relaxed: whoever counts down got the number with its callback. */
	wwr_atomic_store(&array->num_awaited, array->num_members + 1, WWR_RELAXED);
	for (uint32_t i = 0; i < array->num_members; i++) {
		struct fence_array_member *member = &array->members[i];

		if (wwr_fence_add_callback(member->fence, &member->cb, array_member_func) != 0)
			array_arrive(array);
	}
	array_arrive(array);
	return true; /* it has signalled by itself, or will */
}

static void array_set_deadline(struct wwr_fence *fence, int64_t deadline_ns)
{
	struct fence_array *array = fence_to_array(fence);

	for (uint32_t i = 0; i < array->num_members; i++)
		wwr_fence_set_deadline(array->members[i].fence, deadline_ns);
}

static void array_release(struct wwr_fence *fence)
{
	struct fence_array *array = fence_to_array(fence);

	for (uint32_t i = 0; i < array->num_members; i++)
		wwr_fence_put(array->members[i].fence);
	wwr_free(array);
}

static const struct wwr_fence_ops array_ops = {
    .driver_name = array_driver_name,
    .timeline_name = array_timeline_name,
    .enable_signaling = array_enable_signaling,
    .release = array_release,
    .set_deadline = array_set_deadline,
};

struct fence_array *fence_array_alloc(size_t num_members)
{
	struct fence_array *array;
	size_t size_bytes;

	if (num_members >= UINT32_MAX ||
	    __builtin_mul_overflow(num_members, sizeof(array->members[0]), &size_bytes) ||
	    __builtin_add_overflow(size_bytes, sizeof(*array), &size_bytes))
		return NULL;
	return wwr_alloc(size_bytes);
}

void fence_array_init(struct fence_array *array, uint64_t context, uint64_t seqno)
{
	fence_init(&array->base, &array_ops, context, seqno);
	array->base.flags |= FENCE_CONTAINER;
	for (uint32_t i = 0; i < array->num_members; i++) {
		array->members[i].array = array;
		if (fence_is_client_marked(array->members[i].fence))
			wwr_fence_set_client_dependent(&array->base);
	}
}

int wwr_fence_array_create(unsigned int num, struct wwr_fence *const *fences, uint64_t context,
			   uint64_t seqno, struct wwr_fence **ret_fence)
{
	struct fence_array *array;

	if (num == 0)
		return -EINVAL;
	for (unsigned int i = 0; i < num; i++) {
		WWR_USAGE(fences[i] != NULL, "wwr_fence_array_create: fence %u is NULL", i);
		if (fence_is_container(fences[i]))
			return -EINVAL;
	}
	array = fence_array_alloc(num);
	if (array == NULL)
		return -ENOMEM;
	array->merged = (struct fence_result)FENCE_RESULT_INIT;
	array->num_members = num;
	for (unsigned int i = 0; i < num; i++)
		array->members[i].fence = wwr_fence_get(fences[i]);
	fence_array_init(array, context, seqno);
	*ret_fence = &array->base;
	return 0;
}

bool wwr_fence_is_array(const struct wwr_fence *fence)
{
	return fence_is_array(fence);
}
