/* SPDX-License-Identifier: MIT */
/*
 * Software timelines.  Invariants: pending holds, with a reference each, exactly the fences whose
 * value was not reached when they were made and that no thread has taken off to signal, lowest
 * value first; at most one thread signals at a time, so that the values' order is the order of
 * the signals; nobody signals or drops a reference with the lock held.
 */
#include <wwresv/sync_timeline.h>

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include "lockset/park.h"
#include "lockset/wwr_atomic.h"
#include "reservation/sync_timeline.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct sync_timeline_fence;

/* Fields: (l) under lock, (a) atomic, (i) immutable after create. */
struct wwr_sync_timeline {
	uint32_t lock;				  /* a wait lock, lockset/park.h */
	uint32_t refcount;			  /* (a) the owner's, and one of each fence */
	uint64_t context;			  /* (i) of its fences */
	uint64_t value;				  /* (l) */
	bool signaling;				  /* (l) a thread is in timeline_signal() */
	struct sync_timeline_fence *first, *last; /* (l) pending, lowest value first */
	char name[WWR_SYNC_NAME_BYTES];		  /* (i) */
};

/* Fields: (l) under the timeline's lock, (i) immutable after create. */
struct sync_timeline_fence {
	struct wwr_fence fence;
	struct wwr_sync_timeline *timeline;	 /* (i) a reference */
	struct sync_timeline_fence *prev, *next; /* (l) while pending */
	char name[WWR_SYNC_NAME_BYTES];		 /* (i) "" = none */
};

void sync_name_copy(char *ret_name, size_t size_bytes, const char *name)
{
	size_t length = strnlen(name, size_bytes - 1);

	memcpy(ret_name, name, length);
	ret_name[length] = '\0';
}

static struct sync_timeline_fence *to_own(struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct sync_timeline_fence, fence);
}

static const struct sync_timeline_fence *to_own_const(const struct wwr_fence *fence)
{
	return (const struct sync_timeline_fence *)((const char *)fence -
						    offsetof(struct sync_timeline_fence, fence));
}

static void timeline_put(struct wwr_sync_timeline *timeline)
{
	/* Release and acquire pair with each other: all use comes before the end. */
	if (wwr_atomic_fetch_sub(&timeline->refcount, 1, WWR_ACQ_REL) == 1)
		wwr_free(timeline);
}

static const char *fence_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "sw_sync";
}

static const char *fence_timeline_name(const struct wwr_fence *fence)
{
	return to_own_const(fence)->timeline->name;
}

static void fence_release(struct wwr_fence *fence)
{
	timeline_put(to_own(fence)->timeline);
	wwr_free(to_own(fence));
}

/* A release of their own: so the ops of these fences stay what they are when they signal. */
static const struct wwr_fence_ops sync_timeline_ops = {
    .driver_name = fence_driver_name,
    .timeline_name = fence_timeline_name,
    .release = fence_release,
};

static bool fence_is_own(const struct wwr_fence *fence)
{
	/* Relaxed: never changes for a fence that has a release op. */
	return wwr_atomic_load(&fence->ops, WWR_RELAXED) == &sync_timeline_ops;
}

const char *sync_timeline_fence_name(const struct wwr_fence *fence)
{
	if (!fence_is_own(fence) || to_own_const(fence)->name[0] == '\0')
		return NULL;
	return to_own_const(fence)->name;
}

int wwr_sync_timeline_create(const char *name, struct wwr_sync_timeline **ret_timeline)
{
	struct wwr_sync_timeline *timeline = wwr_alloc(sizeof(*timeline));

	if (timeline == NULL)
		return -ENOMEM;
	timeline->refcount = 1;
	timeline->context = wwr_fence_context_alloc(1);
	sync_name_copy(timeline->name, sizeof(timeline->name), name);
	*ret_timeline = timeline;
	return 0;
}

static bool timeline_reached(const struct wwr_sync_timeline *timeline, uint64_t value)
{
	return (int64_t)(value - timeline->value) <= 0;
}

/* Behind the last one that is not above it: most fences are made in order. */
static void timeline_insert(struct wwr_sync_timeline *timeline, struct sync_timeline_fence *own)
{
	struct sync_timeline_fence *prev = timeline->last;

	while (prev != NULL && (int64_t)(prev->fence.seqno - own->fence.seqno) > 0)
		prev = prev->prev;
	own->prev = prev;
	own->next = prev != NULL ? prev->next : timeline->first;
	if (own->next != NULL)
		own->next->prev = own;
	else
		timeline->last = own;
	if (prev != NULL)
		prev->next = own;
	else
		timeline->first = own;
}

/* The next pending fence whose value is reached, with the list's reference; NULL = no more. */
static struct sync_timeline_fence *timeline_take(struct wwr_sync_timeline *timeline)
{
	struct sync_timeline_fence *own = timeline->first;

	if (own == NULL || !timeline_reached(timeline, own->fence.seqno))
		return NULL;
	timeline->first = own->next;
	if (own->next != NULL)
		own->next->prev = NULL;
	else
		timeline->last = NULL;
	return own;
}

int wwr_sync_timeline_create_fence(struct wwr_sync_timeline *timeline, uint64_t value,
				   const char *name, struct wwr_fence **ret_fence)
{
	struct sync_timeline_fence *own = wwr_alloc(sizeof(*own));
	bool reached;

	if (own == NULL)
		return -ENOMEM;
	wwr_fence_init(&own->fence, &sync_timeline_ops, timeline->context, value);
	/* Who moves the timeline on is a client. */
	wwr_fence_set_client_dependent(&own->fence);
	own->timeline = timeline;
	/* Relaxed: the caller's use of the timeline orders what is needed. */
	(void)wwr_atomic_fetch_add(&timeline->refcount, 1, WWR_RELAXED);
	if (name != NULL)
		sync_name_copy(own->name, sizeof(own->name), name);

	wait_lock(&timeline->lock);
	reached = timeline_reached(timeline, value);
	if (!reached) {
		(void)wwr_fence_get(&own->fence);
		timeline_insert(timeline, own);
	}
	wait_unlock(&timeline->lock);
	if (reached)
		(void)wwr_fence_signal(&own->fence);
	*ret_fence = &own->fence;
	return 0;
}

/* Signal what is reached, unless another thread is at it: that one goes on until nothing is. */
static void timeline_signal(struct wwr_sync_timeline *timeline, int error)
{
	struct sync_timeline_fence *own;

	wait_lock(&timeline->lock);
	if (timeline->signaling) {
		wait_unlock(&timeline->lock);
		return;
	}
	timeline->signaling = true;
	while ((own = timeline_take(timeline)) != NULL) {
		wait_unlock(&timeline->lock);
		if (error != 0)
			wwr_fence_set_error(&own->fence, error);
		(void)wwr_fence_signal(&own->fence);
		wwr_fence_put(&own->fence);
		wait_lock(&timeline->lock);
	}
	timeline->signaling = false;
	wait_unlock(&timeline->lock);
}

void wwr_sync_timeline_inc(struct wwr_sync_timeline *timeline, uint32_t num)
{
	wait_lock(&timeline->lock);
	timeline->value += num;
	wait_unlock(&timeline->lock);
	timeline_signal(timeline, 0);
}

uint64_t wwr_sync_timeline_value(struct wwr_sync_timeline *timeline)
{
	uint64_t value;

	wait_lock(&timeline->lock);
	value = timeline->value;
	wait_unlock(&timeline->lock);
	return value;
}

void wwr_sync_timeline_destroy(struct wwr_sync_timeline *timeline)
{
	if (timeline == NULL)
		return;
	/* The list ends with the highest value: reaching that one ends them all. */
	wait_lock(&timeline->lock);
	if (timeline->last != NULL)
		timeline->value = timeline->last->fence.seqno;
	wait_unlock(&timeline->lock);
	timeline_signal(timeline, -ENOENT);
	timeline_put(timeline);
}

int wwr_sync_timeline_get_deadline(const struct wwr_fence *fence, int64_t *ret_deadline_ns)
{
	int64_t deadline_ns;

	if (!fence_is_own(fence))
		return -EINVAL;
	/* Relaxed: only the number matters. */
	deadline_ns = wwr_atomic_load(&fence->deadline_ns, WWR_RELAXED);
	if (deadline_ns == INT64_MAX)
		return -ENOENT;
	*ret_deadline_ns = deadline_ns;
	return 0;
}
