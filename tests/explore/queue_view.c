/* SPDX-License-Identifier: MIT */
/*
 * The queue of a mutex, seen from outside: the real source is included here, so that its private
 * structure can be looked at.  The numbers are those of docs/locking.md.
 */
#include "lockset/mutex_queue.c"

#include "tests/explore/run.h"

#include <stdio.h>

static const char *check_order(const struct wwr_mutex *mutex)
{
	const struct wwr_acquire_ctx *before = NULL;
	const struct wwr_waiter *prev = NULL;

	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL;
	     waiter = waiter->next) {
		if (waiter->prev != prev)
			return "Q1: the queue's links are wrong";
		if (waiter->ctx != NULL && before != NULL && !ctx_is_older(before, waiter->ctx))
			return "Q1: the contexts in the queue are not in the order of their stamps";
		if (waiter->granted)
			return "Q4: a waiter that was granted the mutex is still queued";
		if (waiter->passed_over > ex_handoff_after)
			return "Q4: a first waiter was passed over more often than allowed";
		if (waiter->ctx != NULL)
			before = waiter->ctx;
		prev = waiter;
	}
	return mutex->last == prev ? NULL : "Q1: the queue's end is wrong";
}

static const char *check_wounds(const struct wwr_mutex *mutex, const struct wwr_acquire_ctx *owner)
{
	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL;
	     waiter = waiter->next) {
		if (waiter->holds && owner != NULL && ctx_is_older(waiter->ctx, owner) &&
		    !owner->wounded)
			return "W1, W3: an older context that holds is queued and the owner is not "
			       "wounded";
	}
	return NULL;
}

/*
 * Who must die was woken: the word that it may go to sleep on has changed since it looked.  A
 * token's word may be another one's bed, too.
 */
static const char *check_deaths(const struct wwr_mutex *mutex)
{
	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL;
	     waiter = waiter->next) {
		if (waiter->holds && waiter->park_word == &waiter->ctx->park_word &&
		    (*waiter->park_word & PARK_SLEEPING) != 0 && waiter_dies(mutex, waiter))
			return "D3, D4, D5: a waiter must die and has not been woken";
	}
	return NULL;
}

const char *ex_queue_check(const struct wwr_mutex *mutex)
{
	uintptr_t owner = mutex->owner;
	const char *wrong;

	if (mutex->wait_lock != 0)
		return NULL;
	if (((owner & OWNER_WAITERS) != 0) != (mutex->first != NULL))
		return "L4: the waiters mark and the queue differ while the wait lock is free";
	if (mutex->first == NULL)
		return NULL;
	wrong = check_order(mutex);
	if (wrong != NULL)
		return wrong;
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE)
		return check_deaths(mutex);
	return check_wounds(mutex, owner_ctx(owner));
}

bool ex_queue_has(const struct wwr_mutex *mutex, unsigned int fiber)
{
	uintptr_t holder = owner_of_thread(&ex_threads[fiber]);

	/* Before the mark is set it only stands there. */
	if ((mutex->owner & OWNER_WAITERS) == 0)
		return false;
	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL;
	     waiter = waiter->next) {
		if (waiter->holder == holder)
			return true;
	}
	return false;
}

void ex_queue_print(const struct wwr_mutex *mutex, const char *name)
{
	char who[64] = "nobody";

	if (owner_holder(mutex->owner) != 0)
		ex_memory_name((void *)(mutex->owner & ~OWNER_MASK_FLAGS), who, sizeof(who));
	printf("  %s: held by %s%s%s", name, who,
	       (mutex->owner & OWNER_WAITERS) != 0 ? ", has the waiters mark" : "",
	       mutex->wait_lock != 0 ? ", the wait lock is taken" : "");
	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL;
	     waiter = waiter->next) {
		ex_memory_name((void *)(waiter->holder & ~OWNER_MASK_FLAGS), who, sizeof(who));
		printf("%s%s", waiter == mutex->first ? "; queued: " : ", ", who);
		if (waiter->ctx != NULL)
			printf(" (stamp %llu%s%s%s)", (unsigned long long)waiter->ctx->stamp,
			       waiter->ctx->classic ? ", classic" : "",
			       waiter->holds ? ", holds" : "",
			       waiter->ctx->wounded ? ", wounded" : "");
	}
	putchar('\n');
}
