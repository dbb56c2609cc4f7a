/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs: what is in them, and who gets to know.  Invariants: a linked watch's point was in no
 * fence that this syncobj had since the watch was linked; what may fail comes before the lock is
 * taken; no reference is dropped and no chain walked with it held.
 */
#include "reservation/syncobj.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/fence_chain.h>
#include "lockset/park.h"
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"
#include "reservation/syncobj_point.h"

#include <assert.h>
#include <errno.h>

/* A fence of its own, so that its time is that of the signal. */
static struct wwr_fence *signaled_fence(void)
{
	return wwr_fence_stub_create(park_now_ns(), 0);
}

int wwr_syncobj_create(uint32_t flags, struct wwr_syncobj **ret_syncobj)
{
	struct wwr_syncobj *syncobj;

	if ((flags & ~WWR_SYNCOBJ_CREATE_MASK) != 0)
		return -EINVAL;
	syncobj = wwr_alloc(sizeof(*syncobj));
	if (syncobj == NULL)
		return -ENOMEM;
	syncobj->refcount = 1;
	if ((flags & WWR_SYNCOBJ_CREATE_SIGNALED) != 0) {
		syncobj->fence = signaled_fence();
		if (syncobj->fence == NULL) {
			wwr_free(syncobj);
			return -ENOMEM;
		}
	}
	*ret_syncobj = syncobj;
	return 0;
}

struct wwr_syncobj *wwr_syncobj_get(struct wwr_syncobj *syncobj)
{
	uint32_t old;

	if (syncobj == NULL)
		return NULL;
	/* Relaxed: the caller's own reference orders what it needs. */
	old = wwr_atomic_fetch_add(&syncobj->refcount, 1, WWR_RELAXED);
	WWR_USAGE(old != 0, "wwr_syncobj_get: syncobj %p was released", (void *)syncobj);
	return syncobj;
}

void wwr_syncobj_put(struct wwr_syncobj *syncobj)
{
	uint32_t old;

	if (syncobj == NULL)
		return;
	/* Release and acquire pair with each other: all use of it before its end. */
	old = wwr_atomic_fetch_sub(&syncobj->refcount, 1, WWR_ACQ_REL);
	WWR_USAGE(old != 0, "wwr_syncobj_put: syncobj %p was released before", (void *)syncobj);
	if (old != 1)
		return;
	while (syncobj->watches != NULL) {
		struct syncobj_watch *watch = syncobj->watches;

		/* Those who sleep have a reference. */
		syncobj->watches = watch->next;
		syncobj_eventfd_cancel(watch);
	}
	wwr_fence_put(syncobj->fence);
	wwr_free(syncobj);
}

static void watch_link_locked(struct wwr_syncobj *syncobj, struct syncobj_watch *watch)
{
	watch->prev = NULL;
	watch->next = syncobj->watches;
	if (watch->next != NULL)
		watch->next->prev = watch;
	syncobj->watches = watch;
	watch->linked = true;
}

static void watch_unlink_locked(struct wwr_syncobj *syncobj, struct syncobj_watch *watch)
{
	if (watch->next != NULL)
		watch->next->prev = watch->prev;
	if (watch->prev != NULL)
		watch->prev->next = watch->next;
	else
		syncobj->watches = watch->next;
	watch->linked = false;
}

struct wwr_fence *syncobj_get_or_watch(struct wwr_syncobj *syncobj, uint64_t point,
				       struct syncobj_watch *watch)
{
	struct wwr_fence *fence = NULL;

	wait_lock_ranked(&syncobj->lock, RANK_SYNCOBJ);
	if (syncobj_has_point(syncobj->fence, point))
		fence = wwr_fence_get(syncobj->fence);
	else if (watch != NULL)
		watch_link_locked(syncobj, watch);
	wait_unlock(&syncobj->lock);
	return fence;
}

void syncobj_unwatch(struct wwr_syncobj *syncobj, struct syncobj_watch *watch)
{
	wait_lock_ranked(&syncobj->lock, RANK_SYNCOBJ);
	if (watch->linked)
		watch_unlink_locked(syncobj, watch);
	wait_unlock(&syncobj->lock);
}

/* What is left to do when the lock is not held any more. */
struct syncobj_news {
	struct park_list wakes;
	struct syncobj_watch *eventfds; /* by next */
};

/* There is a new fence: give it to those who want a point that it has. */
static void syncobj_tell_locked(struct wwr_syncobj *syncobj, struct syncobj_news *news)
{
	struct syncobj_watch *next;

	for (struct syncobj_watch *watch = syncobj->watches; watch != NULL; watch = next) {
		uint32_t *park_word = watch->park_word;
		struct wwr_fence *fence;

		next = watch->next;
		if (!syncobj_has_point(syncobj->fence, watch->point))
			continue;
		watch_unlink_locked(syncobj, watch);
		fence = wwr_fence_get(syncobj->fence);
		if (park_word == NULL) {
			watch->next = news->eventfds;
			news->eventfds = watch;
		}
		/* Release pairs with the acquire in wait_entry_is_done(). */
		wwr_atomic_store(&watch->fence, fence, WWR_RELEASE);
		/* The waiter stays, with its word, until it had this lock once more. */
		if (park_word != NULL)
			park_list_unpark(&news->wakes, park_word);
	}
}

static void syncobj_tell(struct syncobj_news *news)
{
	park_list_wake(&news->wakes);
	while (news->eventfds != NULL) {
		struct syncobj_watch *watch = news->eventfds;

		news->eventfds = watch->next;
		/* Relaxed: this thread wrote it. */
		syncobj_eventfd_found(watch, wwr_atomic_load(&watch->fence, WWR_RELAXED));
	}
}

void wwr_syncobj_replace_fence(struct wwr_syncobj *syncobj, struct wwr_fence *fence)
{
	struct syncobj_news news = {.eventfds = NULL};
	struct wwr_fence *old;

	wait_lock_ranked(&syncobj->lock, RANK_SYNCOBJ);
	old = syncobj->fence;
	syncobj->fence = wwr_fence_get(fence);
	if (fence != old)
		syncobj_tell_locked(syncobj, &news);
	wait_unlock(&syncobj->lock);
	syncobj_tell(&news);
	wwr_fence_put(old);
}

/* The node becomes the syncobj's; fence is borrowed, and no chain. */
static void syncobj_add_node(struct wwr_syncobj *syncobj, struct wwr_fence_chain *node,
			     uint64_t point, struct wwr_fence *fence)
{
	struct syncobj_news news = {.eventfds = NULL};
	struct wwr_fence *head;
	struct wwr_fence *old;
	int ret;

	wait_lock_ranked(&syncobj->lock, RANK_SYNCOBJ);
	old = syncobj->fence;
	ret = wwr_fence_chain_link(node, old, fence, point, &syncobj->fence);
	assert(ret == 0);
	(void)ret;
	head = wwr_fence_get(syncobj->fence);
	syncobj_tell_locked(syncobj, &news);
	wait_unlock(&syncobj->lock);
	syncobj_tell(&news);
	wwr_fence_put(old);
	syncobj_collect_points(head);
}

int wwr_syncobj_add_point(struct wwr_syncobj *syncobj, uint64_t point, struct wwr_fence *fence)
{
	struct wwr_fence_chain *node = NULL;
	struct wwr_fence *flat;
	int ret;

	WWR_USAGE(fence != NULL, "wwr_syncobj_add_point: syncobj %p: no fence", (void *)syncobj);
	ret = syncobj_flatten(fence, &flat);
	if (ret != 0)
		return ret;
	if (point == 0) {
		wwr_syncobj_replace_fence(syncobj, flat);
		goto out_put_flat;
	}
	node = wwr_fence_chain_create();
	if (node == NULL) {
		ret = -ENOMEM;
		goto out_put_flat;
	}
	syncobj_add_node(syncobj, node, point, flat);

out_put_flat:
	wwr_fence_put(flat);
	return ret;
}

void wwr_syncobj_add_node(struct wwr_syncobj *syncobj, struct wwr_fence_chain *node, uint64_t point,
			  struct wwr_fence *fence)
{
	WWR_USAGE(point != 0, "wwr_syncobj_add_node: syncobj %p: point 0", (void *)syncobj);
	WWR_USAGE(!wwr_fence_is_chain(fence), "wwr_syncobj_add_node: syncobj %p: a chain",
		  (void *)syncobj);
	syncobj_add_node(syncobj, node, point, fence);
}

int wwr_syncobj_reset(unsigned int num, struct wwr_syncobj *const *syncobjs)
{
	if (num == 0)
		return -EINVAL;
	for (unsigned int i = 0; i < num; i++)
		wwr_syncobj_replace_fence(syncobjs[i], NULL);
	return 0;
}

int wwr_syncobj_signal(unsigned int num, struct wwr_syncobj *const *syncobjs)
{
	struct wwr_fence *fence;

	if (num == 0)
		return -EINVAL;
	fence = signaled_fence();
	if (fence == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < num; i++)
		wwr_syncobj_replace_fence(syncobjs[i], fence);
	wwr_fence_put(fence);
	return 0;
}

static void free_nodes(unsigned int num, struct wwr_fence_chain **nodes)
{
	for (unsigned int i = 0; i < num; i++)
		wwr_fence_chain_destroy(nodes[i]);
	wwr_free(nodes);
}

static int alloc_nodes(unsigned int num, struct wwr_fence_chain ***ret_nodes)
{
	struct wwr_fence_chain **nodes = wwr_alloc_array(num, sizeof(nodes[0]));

	if (nodes == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < num; i++) {
		nodes[i] = wwr_fence_chain_create();
		if (nodes[i] == NULL) {
			free_nodes(i, nodes);
			return -ENOMEM;
		}
	}
	*ret_nodes = nodes;
	return 0;
}

int wwr_syncobj_timeline_signal(unsigned int num, struct wwr_syncobj *const *syncobjs,
				const uint64_t *points)
{
	struct wwr_fence_chain **nodes;
	struct wwr_fence *fence;
	int ret;

	if (num == 0)
		return -EINVAL;
	ret = alloc_nodes(num, &nodes);
	if (ret != 0)
		return ret;
	fence = signaled_fence();
	if (fence == NULL) {
		free_nodes(num, nodes);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < num; i++)
		syncobj_add_node(syncobjs[i], nodes[i], points[i], fence);
	wwr_fence_put(fence);
	wwr_free(nodes);
	return 0;
}

int wwr_syncobj_query(unsigned int num, struct wwr_syncobj *const *syncobjs, uint32_t flags,
		      uint64_t *ret_points)
{
	if ((flags & ~WWR_SYNCOBJ_QUERY_MASK) != 0 || num == 0)
		return -EINVAL;
	for (unsigned int i = 0; i < num; i++) {
		struct wwr_fence *head = syncobj_get_or_watch(syncobjs[i], 0, NULL);

		ret_points[i] = (flags & WWR_SYNCOBJ_QUERY_LAST_SUBMITTED) != 0
				    ? syncobj_last_submitted(head)
				    : syncobj_last_done(head);
		wwr_fence_put(head);
	}
	return 0;
}
