/* SPDX-License-Identifier: MIT */
/*
 * The queue of a mutex, seen from outside: the real source is included here, so that its private
 * structure can be looked at.  The numbers are those of docs/locking.md.
 */
#include "lockset/mutex.h"
#include "lockset/park.h"

static int view_set_contended(struct wwr_acquire_ctx *ctx, struct wwr_mutex *mutex, bool injected);
static void view_wound_and_wake(struct wwr_acquire_ctx *ctx, struct park_list *wakes);

/* Where a queued context decides to give way, or makes another one do so. */
#define ctx_set_contended  view_set_contended
#define ctx_wound_and_wake view_wound_and_wake
#include "lockset/mutex_queue.c"
#undef ctx_set_contended
#undef ctx_wound_and_wake

#include "tests/explore/run.h"

#include <stdio.h>

/* Begin and end looking at things: no steps, and nothing is out of bounds. */
static struct ex_fiber *begin_look(void)
{
	struct ex_fiber *self = ex.current;

	ex.current = NULL;
	return self;
}

static void end_look(struct ex_fiber *self)
{
	ex.current = self;
}

/* D1, D2, D6, in words of its own. */
static bool must_die(const struct wwr_mutex *mutex, const struct wwr_waiter *waiter)
{
	const struct wwr_acquire_ctx *owner = owner_ctx(mutex->owner);

	if (!waiter->holds)
		return false;
	if (owner != NULL && owner->classic && (int64_t)(waiter->ctx->stamp - owner->stamp) > 0)
		return true;
	for (const struct wwr_waiter *other = mutex->first; other != waiter; other = other->next) {
		if (other->ctx != NULL && other->ctx->classic)
			return true;
	}
	return false;
}

static const struct wwr_waiter *find_waiter(const struct wwr_mutex *mutex,
					    const struct wwr_acquire_ctx *ctx)
{
	const struct wwr_waiter *waiter = mutex->first;

	while (waiter != NULL && waiter->ctx != ctx)
		waiter = waiter->next;
	return waiter;
}

static const char *check_gives_way(const struct wwr_mutex *mutex, const struct wwr_acquire_ctx *ctx)
{
	const struct wwr_waiter *waiter = find_waiter(mutex, ctx);

	if (waiter == NULL)
		return "a context gives way and is not queued";
	if (ctx->num_held == 0)
		return "C4: a context that holds nothing gives way";
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE && !must_die(mutex, waiter))
		return "D1, D2, D6: a context dies though no older classic one is in its way";
	if (mutex->lock_class->algorithm == WWR_WOUND_WAIT && !ctx->wounded)
		return "W4: a context gives way and is not wounded";
	return NULL;
}

static int view_set_contended(struct wwr_acquire_ctx *ctx, struct wwr_mutex *mutex, bool injected)
{
	struct ex_fiber *self = begin_look();
	const char *wrong = check_gives_way(mutex, ctx);

	end_look(self);
	EX_CHECK(wrong == NULL, "%s", wrong);
	return ctx_set_contended(ctx, mutex, injected);
}

/* Who wounds runs, and has just queued for a mutex that ctx owns. */
static void view_wound_and_wake(struct wwr_acquire_ctx *ctx, struct park_list *wakes)
{
	struct ex_fiber *self = begin_look();
	const struct wwr_mutex *mutex = ex_threads[ex_number(self)].waiting;
	const struct wwr_waiter *waiter = mutex->first;

	while (waiter != NULL && (!waiter->holds || !ctx_is_older(waiter->ctx, ctx)))
		waiter = waiter->next;
	end_look(self);
	EX_CHECK(waiter != NULL, "W1, W5: an owner is wounded and no older one that holds waits");
	ctx_wound_and_wake(ctx, wakes);
}

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

/* What spares a new owner the walk over the queue. */
static const char *check_num_holding(const struct wwr_mutex *mutex)
{
	uint32_t num = 0;

	for (const struct wwr_waiter *waiter = mutex->first; waiter != NULL; waiter = waiter->next)
		num += waiter->holds;
	return num == mutex->num_holding
		   ? NULL
		   : "W3, D4: the count of queued contexts that hold is wrong";
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
		    (*waiter->park_word & PARK_SLEEPING) != 0 && must_die(mutex, waiter))
			return "D1-D5: a waiter must die and sleeps";
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
	wrong = check_num_holding(mutex);
	if (mutex->first == NULL || wrong != NULL)
		return wrong;
	wrong = check_order(mutex);
	if (wrong != NULL)
		return wrong;
	if (mutex->lock_class->algorithm == WWR_WAIT_DIE)
		return check_deaths(mutex);
	return check_wounds(mutex, owner_ctx(owner));
}

bool ex_queue_has(const struct wwr_mutex *mutex, unsigned int fiber)
{
	struct ex_fiber *self = begin_look();
	const struct wwr_waiter *waiter = mutex->first;
	/* Before the mark is set a waiter only stands there. */
	bool is_marked = (mutex->owner & OWNER_WAITERS) != 0;

	while (waiter != NULL && waiter->holder != owner_of_thread(&ex_threads[fiber]))
		waiter = waiter->next;
	end_look(self);
	return waiter != NULL && is_marked;
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
