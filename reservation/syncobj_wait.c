/* SPDX-License-Identifier: MIT */
/*
 * Waiting for syncobjs: first for a fence to be there, then for it to signal.  The waiter, with all
 * its entries, lives on its stack or in an array of its own.  Invariant: when it returns, no watch
 * of it is linked, and every callback was taken back or has returned; so nobody uses the waiter,
 * its token or the syncobjs for it any more.
 */
#include "reservation/syncobj.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include "lockset/park.h"
#include "lockset/thread.h"
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"
#include "reservation/fence_core.h"
#include "reservation/fence_track.h"
#include "reservation/report.h"
#include "reservation/syncobj_point.h"

#include <errno.h>
#include <inttypes.h>

/* Waits for more syncobjs than this need memory. */
#define WAIT_STACK_ENTRIES 4

struct wait_entry {
	struct syncobj_watch watch;
	struct wwr_syncobj *syncobj;
	struct wwr_fence *fence; /* a reference, once the point was seen; NULL before */
	struct wwr_fence_cb cb;
	uint32_t *park_word;
	bool has_callback;
	struct fence_waiter *waiter;
};

struct syncobj_wait {
	unsigned int num;
	struct wait_entry *entries;
	uint32_t flags;
	struct wwr_interrupt_token *token; /* NULL = sleeps on own_word */
	int64_t hint_ns;
	uint32_t own_word; /* (a) */
	struct fence_waiter waiter;
};

static void wait_entry_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	park_unpark_and_wake(WWR_CONTAINER_OF(cb, struct wait_entry, cb)->park_word);
}

const struct fence_waiter *syncobj_wait_of_cb(struct wwr_fence_cb *cb)
{
	if (cb->func != wait_entry_func)
		return NULL;
	return WWR_CONTAINER_OF(cb, struct wait_entry, cb)->waiter;
}

/* The point is in this fence, whose reference becomes the entry's. */
static void wait_entry_found(const struct syncobj_wait *wait, struct wait_entry *entry,
			     struct wwr_fence *head)
{
	entry->fence = syncobj_find_point(head, entry->watch.point);
	if ((wait->flags & WWR_SYNCOBJ_WAIT_DEADLINE) != 0)
		wwr_fence_set_deadline(entry->fence, wait->hint_ns);
}

/* 0, or -EINVAL: there is no such point, and nobody wants to wait for it. */
static int wait_entry_begin(struct syncobj_wait *wait, struct wait_entry *entry,
			    struct wwr_syncobj *syncobj, uint64_t point)
{
	const uint32_t patient = WWR_SYNCOBJ_WAIT_FOR_SUBMIT | WWR_SYNCOBJ_WAIT_AVAILABLE;
	bool watches = (wait->flags & patient) != 0;
	struct wwr_fence *head;

	entry->syncobj = syncobj;
	entry->waiter = &wait->waiter;
	entry->park_word = park_word(wait->token, &wait->own_word);
	entry->watch.point = point;
	entry->watch.park_word = entry->park_word;
	head = syncobj_get_or_watch(syncobj, point, watches ? &entry->watch : NULL);
	if (head != NULL)
		wait_entry_found(wait, entry, head);
	else if (!watches)
		return -EINVAL;
	return 0;
}

static bool wait_entry_is_done(const struct syncobj_wait *wait, struct wait_entry *entry)
{
	if (entry->fence == NULL) {
		/* Acquire pairs with the release in syncobj_tell_locked(). */
		struct wwr_fence *head = wwr_atomic_load(&entry->watch.fence, WWR_ACQUIRE);

		if (head == NULL)
			return false;
		wait_entry_found(wait, entry, head);
	}
	if ((wait->flags & WWR_SYNCOBJ_WAIT_AVAILABLE) != 0)
		return true;
	if (wwr_fence_is_signaled(entry->fence))
		return true;
	if (entry->has_callback)
		return false;
	if (wwr_fence_add_callback(entry->fence, &entry->cb, wait_entry_func) != 0)
		return true;
	entry->has_callback = true;
	return false;
}

/* Is it enough? */
static bool wait_is_done(struct syncobj_wait *wait, unsigned int *ret_first)
{
	unsigned int first = wait->num;
	unsigned int num_done = 0;

	for (unsigned int i = 0; i < wait->num; i++) {
		if (!wait_entry_is_done(wait, &wait->entries[i]))
			continue;
		num_done++;
		if (first == wait->num)
			first = i;
	}
	if ((wait->flags & WWR_SYNCOBJ_WAIT_ALL) != 0)
		return num_done == wait->num;
	if (num_done > 0)
		*ret_first = first;
	return num_done > 0;
}

/* Before a sleep: may the thread wait for all this here? */
static void wait_check(const struct syncobj_wait *wait)
{
	for (unsigned int i = 0; i < wait->num; i++) {
		const struct wait_entry *entry = &wait->entries[i];

		if (entry->fence == NULL)
			fence_signaling_check_wait(NULL);
		WWR_USAGE(entry->fence != NULL || !thread_holds_lock(thread_self()),
			  "syncobj %p has no fence yet, a client has to give it one: the thread "
			  "would wait for that and holds a mutex which that client may want",
			  (const void *)entry->syncobj);
		if (entry->fence != NULL && !wwr_fence_is_signaled(entry->fence))
			fence_check_wait(entry->fence);
	}
}

static void wait_report(const struct syncobj_wait *wait)
{
	for (unsigned int i = 0; i < wait->num; i++) {
		const struct wait_entry *entry = &wait->entries[i];

		if (entry->fence != NULL)
			fence_waiter_report(&wait->waiter, entry->fence);
		else
			reservation_report("thread %d waits for point %" PRIu64
					   " of syncobj %p, which nobody has submitted",
					   wait->waiter.tid, entry->watch.point,
					   (void *)entry->syncobj);
	}
}

static int wait_sleep(struct syncobj_wait *wait, int64_t deadline_ns, unsigned int *ret_first)
{
	uint32_t *word = park_word(wait->token, &wait->own_word);
	int slept = 0;

	for (;;) {
		uint32_t seen = park_begin(word);
		bool is_due = false;

		if (wait_is_done(wait, ret_first))
			return 0;
		if (deadline_ns <= 0)
			return -ETIME;
		if (wait->token != NULL && wwr_interrupt_token_is_set(wait->token))
			return -EINTR;
		if (slept != 0)
			return slept;
		wait_check(wait);
		slept = fence_waiter_sleep(&wait->waiter, word, seen, deadline_ns,
					   wait->token != NULL, &is_due);
		if (is_due)
			wait_report(wait);
	}
}

static void wait_entry_end(struct wait_entry *entry)
{
	syncobj_unwatch(entry->syncobj, &entry->watch);
	if (entry->has_callback)
		(void)wwr_fence_remove_callback(entry->fence, &entry->cb);
	/* Given at the last moment, and not looked at.  Relaxed: unwatching ordered it. */
	if (entry->fence == NULL)
		entry->fence = wwr_atomic_load(&entry->watch.fence, WWR_RELAXED);
	wwr_fence_put(entry->fence);
}

static int wait_run(struct syncobj_wait *wait, struct wwr_syncobj *const *syncobjs,
		    const uint64_t *points, int64_t deadline_ns, unsigned int *ret_first)
{
	unsigned int num_begun = 0;
	int ret = 0;

	fence_waiter_begin(&wait->waiter);
	while (ret == 0 && num_begun < wait->num) {
		ret = wait_entry_begin(wait, &wait->entries[num_begun], syncobjs[num_begun],
				       points != NULL ? points[num_begun] : 0);
		num_begun++;
	}
	if (ret == 0)
		ret = wait_sleep(wait, deadline_ns, ret_first);
	return ret;
}

static void wait_end(struct syncobj_wait *wait)
{
	for (unsigned int i = 0; i < wait->num; i++) {
		/* Not begun: an entry before it gave an error. */
		if (wait->entries[i].syncobj != NULL)
			wait_entry_end(&wait->entries[i]);
	}
}

int wwr_syncobj_wait(unsigned int num, struct wwr_syncobj *const *syncobjs, const uint64_t *points,
		     uint32_t flags, struct wwr_interrupt_token *token, int64_t deadline_ns,
		     int64_t hint_ns, unsigned int *ret_first)
{
	struct wait_entry on_stack[WAIT_STACK_ENTRIES] = {{.syncobj = NULL}};
	struct syncobj_wait wait = {
	    .num = num, .entries = on_stack, .flags = flags, .token = token, .hint_ns = hint_ns};
	unsigned int first = 0;
	int ret;

	if ((flags & ~WWR_SYNCOBJ_WAIT_MASK) != 0 ||
	    (points == NULL && (flags & WWR_SYNCOBJ_WAIT_AVAILABLE) != 0))
		return -EINVAL;
	if (num == 0)
		return 0;
	if (num > WAIT_STACK_ENTRIES) {
		wait.entries = wwr_alloc_array(num, sizeof(wait.entries[0]));
		if (wait.entries == NULL)
			return -ENOMEM;
	}
	ret = wait_run(&wait, syncobjs, points, deadline_ns, &first);
	wait_end(&wait);
	if (num > WAIT_STACK_ENTRIES)
		wwr_free(wait.entries);
	if (ret == 0 && ret_first != NULL && (flags & WWR_SYNCOBJ_WAIT_ALL) == 0)
		*ret_first = first;
	return ret;
}

int wwr_syncobj_find_fence(struct wwr_syncobj *syncobj, uint64_t point, uint32_t flags,
			   struct wwr_interrupt_token *token, int64_t deadline_ns,
			   struct wwr_fence **ret_fence)
{
	struct wait_entry entry = {.syncobj = NULL};
	struct syncobj_wait wait = {
	    .num = 1, .entries = &entry, .flags = WWR_SYNCOBJ_WAIT_AVAILABLE, .token = token};
	struct wwr_fence *head;
	unsigned int first;
	int ret;

	if ((flags & ~WWR_SYNCOBJ_WAIT_FOR_SUBMIT) != 0)
		return -EINVAL;
	head = syncobj_get_or_watch(syncobj, point, NULL);
	if (head != NULL) {
		*ret_fence = syncobj_find_point(head, point);
		return 0;
	}
	if (flags == 0)
		return -EINVAL;
	ret = wait_run(&wait, &syncobj, &point, deadline_ns, &first);
	if (ret == 0)
		*ret_fence = wwr_fence_get(entry.fence);
	wait_end(&wait);
	return ret;
}
