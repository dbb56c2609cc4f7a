/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a mutex: the queue, who gives way, and the hand-off.
 *
 * Everything here runs under the mutex's wait lock.  Invariants, true whenever it is free:
 *   - OWNER_WAITERS is set exactly while the queue is not empty;
 *   - contexts stand in the queue by stamp, oldest first;
 *   - num_holding is how many of those queued hold locks;
 *   - wound-wait: the owner is wounded if an older context that holds locks is queued;
 *   - wait-die: a queued context that holds locks and must give way has been woken to do so.
 * A foreign context is looked at only while it is queued here, or owns the mutex and its word has
 * the mark: it cannot let go, so cannot go away, before we free the wait lock.
 *
 * Orders of the owner word pair with one another here as in mutex.h, so that the word is right by
 * itself.  Between two who both have the wait lock that orders the same: tests/weak/spare names
 * those orders that no run needs for this reason.
 */
#include "lockset/mutex.h"

#include <wwresv/class.h>

#include "lockset/park.h"
#include "lockset/usage.h"

#include <errno.h>

/*
 * A first waiter that was passed over this often gets the mutex handed.  Running threads may take
 * a free mutex before one that has to wake up first, which is what makes it fast; this bounds it.
 */
#ifndef MUTEX_HANDOFF_AFTER
#define MUTEX_HANDOFF_AFTER 4
#endif

/* One queued thread; on its stack.  All fields but own_word under the wait lock. */
struct wwr_waiter {
	struct wwr_waiter *prev, *next;
	struct wwr_acquire_ctx *ctx; /* NULL = plain */
	uintptr_t holder;	     /* the owner word's value once it owns the mutex */
	uint32_t *park_word;
	uint32_t own_word;
	unsigned int passed_over; /* times another one took the mutex while this one was first */
	bool holds;		  /* the context holds locks, so it may have to give way */
	bool granted;		  /* owns the mutex and is out of the queue */
};

/* A context that is queued and younger than this one. */
static bool waiter_is_younger(const struct wwr_waiter *waiter, const struct wwr_acquire_ctx *ctx)
{
	return waiter->ctx != NULL && ctx_is_older(ctx, waiter->ctx);
}

/*
 * The first younger context in the queue, or NULL.  Looked for from both ends at once: new
 * transactions belong near the end, and those that lost before near the beginning.
 */
static struct wwr_waiter *queue_find_younger(const struct wwr_mutex *mutex,
					     const struct wwr_acquire_ctx *ctx)
{
	struct wwr_waiter *front = mutex->first;
	struct wwr_waiter *back = mutex->last;
	struct wwr_waiter *found = NULL; /* the first one in what is behind back */

	while (front != NULL) {
		if (waiter_is_younger(front, ctx))
			return front;
		if (waiter_is_younger(back, ctx))
			found = back;
		else if (back->ctx != NULL)
			return found; /* all before it are older still */
		if (front == back || front->next == back)
			return found;
		front = front->next;
		back = back->prev;
	}
	return NULL;
}

static void queue_insert(struct wwr_mutex *mutex, struct wwr_waiter *waiter)
{
	struct wwr_waiter *next = NULL;

	if (waiter->ctx != NULL)
		next = queue_find_younger(mutex, waiter->ctx);
	waiter->next = next;
	waiter->prev = next != NULL ? next->prev : mutex->last;
	if (waiter->prev != NULL)
		waiter->prev->next = waiter;
	else
		mutex->first = waiter;
	if (next != NULL)
		next->prev = waiter;
	else
		mutex->last = waiter;
	mutex->num_holding += waiter->holds;
}

static void queue_remove(struct wwr_mutex *mutex, struct wwr_waiter *waiter)
{
	if (waiter->prev != NULL)
		waiter->prev->next = waiter->next;
	else
		mutex->first = waiter->next;
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	else
		mutex->last = waiter->prev;
	mutex->num_holding -= waiter->holds;
}

/* wait-die: those younger than ctx that hold locks must look again, and die. */
static void queue_wake_younger(struct wwr_mutex *mutex, const struct wwr_acquire_ctx *ctx,
			       struct park_list *wakes)
{
	const struct wwr_waiter *waiter = mutex->first;

	/* A set of the default policy holds nothing while it sleeps: it closes no cycle. */
	if (!ctx->classic)
		return;
	for (uint32_t left = mutex->num_holding; left > 0; waiter = waiter->next) {
		if (!waiter->holds)
			continue;
		left--;
		if (ctx_is_older(ctx, waiter->ctx))
			park_list_unpark(wakes, waiter->park_word);
	}
}

/* The oldest queued context that holds locks, or NULL: mostly there is none, and nothing to walk.
 */
static const struct wwr_waiter *queue_first_holding(const struct wwr_mutex *mutex)
{
	const struct wwr_waiter *waiter = mutex->first;

	if (mutex->num_holding == 0)
		return NULL;
	while (!waiter->holds)
		waiter = waiter->next;
	return waiter;
}

/* The mutex has a new owner, by whatever path: those queued must not close a cycle with it. */
static void queue_check_new_owner(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
				  struct park_list *wakes)
{
	const struct wwr_waiter *waiter;

	if (ctx == NULL)
		return;
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE) {
		queue_wake_younger(mutex, ctx, wakes);
		return;
	}
	/* Not the first waiter: older ones that hold nothing may stand before it. */
	waiter = queue_first_holding(mutex);
	/* The owner is this thread, or one that was just granted the mutex. */
	if (waiter != NULL && ctx_is_older(waiter->ctx, ctx))
		wwr_atomic_store(&ctx->wounded, 1, WWR_SEQ_CST);
}

/* Is it free?  Then own it.  waiter is the queued taker, or NULL for one that is not queued. */
static bool mutex_take(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx,
		       struct wwr_waiter *waiter, struct park_list *wakes)
{
	uintptr_t owner = 0;
	uintptr_t mark;

	if (waiter != NULL && waiter->granted)
		return true;
	if (waiter == mutex->first && waiter == mutex->last)
		mark = 0; /* nobody else is queued */
	else
		mark = OWNER_WAITERS;
	do {
		/* As mutex_try_fast(); free with the mark changes only under the wait lock. */
		if (wwr_atomic_cas(&mutex->owner, &owner, holder | mark, WWR_ACQ_REL))
			break;
	} while (owner_holder(owner) == 0);
	if (owner_holder(owner) != 0)
		return false;

	if (mutex->first != NULL && mutex->first != waiter)
		mutex->first->passed_over++;
	if (waiter != NULL) {
		queue_remove(mutex, waiter);
		waiter->granted = true;
	}
	queue_check_new_owner(mutex, ctx, wakes);
	return true;
}

bool mutex_try_marked(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx)
{
	struct park_list wakes = {0};
	bool taken;

	wait_lock_ranked(&mutex->wait_lock, RANK_MUTEX);
	taken = mutex_take(mutex, holder, ctx, NULL, &wakes);
	wait_unlock(&mutex->wait_lock);
	park_list_wake(&wakes);
	return taken;
}

/* wait-die: an older one in classic mode owns the mutex or is queued ahead. */
static bool waiter_dies(const struct wwr_mutex *mutex, const struct wwr_waiter *waiter)
{
	/* Acquire pairs with the release of the owner's exchange: its stamp and mode. */
	const struct wwr_acquire_ctx *owner =
	    owner_ctx(wwr_atomic_load(&mutex->owner, WWR_ACQUIRE));

	if (owner != NULL && owner->classic && ctx_is_older(owner, waiter->ctx))
		return true;
	for (const struct wwr_waiter *ahead = waiter->prev; ahead != NULL; ahead = ahead->prev) {
		if (ahead->ctx != NULL && ahead->ctx->classic)
			return true;
	}
	return false;
}

static bool waiter_must_give_way(const struct wwr_mutex *mutex, const struct wwr_waiter *waiter)
{
	if (!waiter->holds)
		return false;
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE)
		return waiter_dies(mutex, waiter);
	/* Sequentially consistent: pairs with ctx_wound_and_wake(), see ctx_publish_sleep(). */
	return wwr_atomic_load(&waiter->ctx->wounded, WWR_SEQ_CST) != 0;
}

/* Into the queue, and what that means for those who are younger. */
static void waiter_enter(struct wwr_mutex *mutex, struct wwr_waiter *waiter,
			 struct park_list *wakes)
{
	struct wwr_acquire_ctx *owner;

	queue_insert(mutex, waiter);
	/*
	 * Acquire pairs with the release of the owner's exchange: its stamp and mode.  Release
	 * orders nothing of ours; from here on the owner lets go only under the wait lock.
	 */
	owner = owner_ctx(wwr_atomic_fetch_or(&mutex->owner, OWNER_WAITERS, WWR_ACQUIRE));

	if (waiter->ctx == NULL)
		return;
	if (waiter->holds)
		ctx_publish_sleep(waiter->ctx, waiter->park_word);
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE)
		queue_wake_younger(mutex, waiter->ctx, wakes);
	else if (waiter->holds && owner != NULL && ctx_is_older(waiter->ctx, owner))
		ctx_wound_and_wake(owner, wakes);
}

/* Out of the queue without the mutex: somebody owns it, so its unlock looks after the others. */
static void waiter_leave(struct wwr_mutex *mutex, struct wwr_waiter *waiter)
{
	queue_remove(mutex, waiter);
	/* Release pairs with mutex_release_fast(): we are done looking at the owner's context. */
	if (mutex->first == NULL)
		(void)wwr_atomic_fetch_and(&mutex->owner, ~OWNER_WAITERS, WWR_RELEASE);
}

/*
 * One round under the wait lock: 0 the mutex is ours, -EAGAIN sleep, or why the wait ends.  Having
 * the mutex beats the interrupt, and the interrupt beats giving way.
 */
static int waiter_check(struct wwr_mutex *mutex, struct wwr_waiter *waiter, int slept,
			const struct mutex_wait *wait, struct park_list *wakes)
{
	if (mutex_take(mutex, waiter->holder, waiter->ctx, waiter, wakes))
		return 0;
	if (slept == -EINTR || (wait->token != NULL && wwr_interrupt_token_is_set(wait->token)))
		return -EINTR;
	if (slept == -ETIME || wait->deadline_ns <= 0)
		return -ETIME;
	if (waiter_must_give_way(mutex, waiter))
		return ctx_set_contended(waiter->ctx, mutex, false);
	return -EAGAIN;
}

/* Queue, then check and sleep in turns.  The wait lock is held on entry and exit. */
static int waiter_run(struct wwr_mutex *mutex, struct wwr_waiter *waiter,
		      const struct mutex_wait *wait)
{
	struct park_list wakes = {0};
	int slept = 0;
	int ret;

	waiter_enter(mutex, waiter, &wakes);
	for (;;) {
		uint32_t seen = park_begin(waiter->park_word);

		ret = waiter_check(mutex, waiter, slept, wait, &wakes);
		if (ret != -EAGAIN)
			break;
		wait_unlock(&mutex->wait_lock);
		park_list_wake(&wakes);
		slept = park_sleep(waiter->park_word, seen, wait->deadline_ns, wait->interruptible);
		wait_lock_ranked(&mutex->wait_lock, RANK_MUTEX);
	}
	if (ret != 0)
		waiter_leave(mutex, waiter);
	wait_unlock(&mutex->wait_lock);
	park_list_wake(&wakes);
	return ret;
}

int mutex_wait_queued(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx,
		      const struct mutex_wait *wait)
{
	struct wwr_thread *self = thread_self();
	struct wwr_waiter waiter = {.ctx = ctx, .holder = holder};
	int64_t start_ns = park_now_ns();
	uint64_t waited_ns;
	int ret;

	waiter.holds = ctx != NULL && ctx->num_held > 0;
	waiter.park_word = park_word(wait->token, ctx != NULL ? &ctx->park_word : &waiter.own_word);
	/* Relaxed: for reports only, a number. */
	wwr_atomic_store(&self->waiting_since_ns, start_ns, WWR_RELAXED);
	/* Release pairs with the load in thread_begin_look(): the mutex as it was made. */
	wwr_atomic_store(&self->waiting, mutex, WWR_RELEASE);

	wait_lock_ranked(&mutex->wait_lock, RANK_MUTEX);
	ret = waiter_run(mutex, &waiter, wait);

	thread_end_waiting(self);
	if (waiter.holds)
		ctx_withdraw_sleep(ctx);
	waited_ns = (uint64_t)(park_now_ns() - start_ns);
	if (ctx != NULL)
		ctx->counts.wait_ns += waited_ns;
	else
		thread_add_stats_slow(self, mutex->lock_class,
				      &(struct wwr_class_stats){.wait_ns = waited_ns});
	return ret;
}

/* Give the mutex to the first waiter: it is never free in between. */
static void mutex_hand_off(struct wwr_mutex *mutex, struct park_list *wakes)
{
	struct wwr_waiter *first = mutex->first;
	struct wwr_acquire_ctx *ctx = first->ctx;

	queue_remove(mutex, first);
	/* Release pairs with the acquire of those who look at the new owner. */
	wwr_atomic_store(&mutex->owner, first->holder | (mutex->first != NULL ? OWNER_WAITERS : 0),
			 WWR_RELEASE);
	queue_check_new_owner(mutex, ctx, wakes);
	first->granted = true;
	/* It is there until we free the wait lock, which it takes to see the grant. */
	park_list_unpark(wakes, first->park_word);
}

void mutex_release_marked(struct wwr_mutex *mutex, uintptr_t holder)
{
	struct park_list wakes = {0};

	for (;;) {
		/* Relaxed: if it is ours, we wrote it.  One that was made anew while held is not.
		 */
		WWR_USAGE(owner_holder(wwr_atomic_load(&mutex->owner, WWR_RELAXED)) == holder,
			  "mutex %p is to be unlocked by who does not hold it", (void *)mutex);
		wait_lock_ranked(&mutex->wait_lock, RANK_MUTEX);
		if (mutex->first != NULL)
			break;
		/* The last waiter left and took the mark along; nobody else can set it now. */
		(void)wwr_atomic_fetch_and(&mutex->owner, ~OWNER_WAITERS, WWR_RELAXED);
		wait_unlock(&mutex->wait_lock);
		/* Last touch: whoever takes the mutex now may free it. */
		if (mutex_release_fast(mutex, holder))
			return;
	}
	if (mutex->first->passed_over >= MUTEX_HANDOFF_AFTER) {
		mutex_hand_off(mutex, &wakes);
	} else {
		/* Release pairs with the acquire in mutex_take(). */
		wwr_atomic_store(&mutex->owner, OWNER_WAITERS, WWR_RELEASE);
		park_list_unpark(&wakes, mutex->first->park_word);
	}
	/* Last touch: the next owner takes the wait lock first. */
	wait_unlock(&mutex->wait_lock);
	park_list_wake(&wakes);
}
