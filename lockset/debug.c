/* SPDX-License-Identifier: MIT */
#include <wwresv/sys/debug.h>

#include "lockset/mutex.h"
#include "lockset/park.h"
#include "lockset/thread.h"

int wwr_debug_mutex_holder(struct wwr_mutex *mutex)
{
	const struct wwr_acquire_ctx *ctx;
	const struct wwr_thread *thread;
	uintptr_t owner;
	int tid = 0;

	wait_lock_ranked(&mutex->wait_lock, RANK_MUTEX);
	/* The mark keeps a holder from letting go; acquire as in the queue: its context. */
	owner = wwr_atomic_fetch_or(&mutex->owner, OWNER_WAITERS, WWR_ACQUIRE);
	if (owner_holder(owner) != 0) {
		ctx = owner_ctx(owner);
		thread = ctx != NULL ? ctx->thread
				     : (const struct wwr_thread *)(owner & ~OWNER_MASK_FLAGS);
		tid = thread->tid;
	}
	/* Release pairs with mutex_release_fast(): we are done looking. */
	if (mutex->first == NULL)
		(void)wwr_atomic_fetch_and(&mutex->owner, ~OWNER_WAITERS, WWR_RELEASE);
	wait_unlock(&mutex->wait_lock);
	return tid;
}

struct wait_list {
	struct wwr_debug_wait *waits;
	size_t room;
	size_t num;
};

static void add_wait(struct wwr_thread *thread, void *arg)
{
	struct wait_list *list = arg;
	const struct wwr_mutex *mutex = thread_begin_look(thread);

	if (mutex != NULL && list->num++ < list->room) {
		struct wwr_debug_wait *wait = &list->waits[list->num - 1];

		wait->tid = thread->tid;
		wait->mutex = mutex;
		wait->lock_class = mutex->lock_class;
		wait->holder_tid = wwr_debug_mutex_holder((struct wwr_mutex *)mutex);
		/* Relaxed: a number, of a wait that may be just over. */
		wait->since_ns = (uint64_t)wwr_atomic_load(&thread->waiting_since_ns, WWR_RELAXED);
	}
	thread_end_look(thread);
}

size_t wwr_debug_get_waits(struct wwr_debug_wait *waits, size_t num)
{
	struct wait_list list = {waits, num, 0};

	thread_for_each(add_wait, &list);
	return list.num;
}
