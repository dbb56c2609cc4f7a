/* SPDX-License-Identifier: MIT */
/*
 * Everybody at once: sets of both policies with own and borrowed contexts, plain context users and
 * plain lockers, with interrupts, deadlines and retry limits that cut them short, trylocks, and
 * members given back early.  What a mutex protects is plain memory.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/lockset.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define NUM_WORKERS 8
#define NUM_MUTEXES 12
#define NUM_WANTED  5
#define NUM_RUNS    3000
#define PATIENCE_S  1000

/* Deadlines lie up to this far ahead: many pass, many do not. */
#define DEADLINE_NS 200000

struct cell {
	struct wwr_mutex mutex;
	unsigned long count; /* under mutex, plain */
};

struct worker {
	pthread_t thread;
	struct wwr_interrupt_token token;
	uint64_t random;
	unsigned long num_counted;
	unsigned long num_committed;
	unsigned long num_cut_short; /* by an interrupt, a deadline or the retry limit */
	int wrong;		     /* a result that no call may give */
};

static struct wwr_class lock_class;
static struct cell cells[NUM_MUTEXES];
static struct worker workers[NUM_WORKERS];
static uint32_t num_working; /* (a) */

static unsigned int pick(struct worker *worker, unsigned int num)
{
	return (unsigned int)(test_random(&worker->random) % num);
}

static struct wwr_mutex *pick_mutex(struct worker *worker)
{
	return &cells[pick(worker, NUM_MUTEXES)].mutex;
}

static int64_t pick_deadline(struct worker *worker)
{
	if (pick(worker, 2) == 0)
		return INT64_MAX;
	return park_now_ns() + 1 + (int64_t)pick(worker, DEADLINE_NS);
}

static int count(struct wwr_mutex *mutex, void *arg)
{
	struct worker *worker = arg;
	struct cell *cell = WWR_CONTAINER_OF(mutex, struct cell, mutex);
	unsigned long seen = cell->count;

	wwr_mutex_assert_held(mutex);
	if (pick(worker, NUM_MUTEXES) == 0)
		sched_yield();
	cell->count = seen + 1;
	worker->num_counted++;
	return 0;
}

/* How an attempt ended: 0, or an error that cuts it short, or one that must not be. */
static void note_result(struct worker *worker, int result)
{
	if (result == 0)
		worker->num_committed++;
	else if (result == -EINTR || result == -ETIME || result == -EAGAIN)
		worker->num_cut_short++;
	else
		worker->wrong = result;
}

/* Plain locks: by themselves, or with trylock one more. */
static int run_plain(struct worker *worker)
{
	struct wwr_mutex *first = pick_mutex(worker), *more = pick_mutex(worker);
	int ret;

	if (pick(worker, 2) == 0)
		ret = wwr_mutex_lock_interruptible(first, NULL, &worker->token);
	else
		ret = wwr_mutex_lock_until(first, NULL, NULL, pick_deadline(worker));
	if (ret != 0)
		return ret;
	(void)count(first, worker);
	if (wwr_mutex_trylock(more, NULL) == 0) {
		(void)count(more, worker);
		wwr_mutex_unlock(more);
	}
	wwr_mutex_unlock(first);
	return 0;
}

static void unlock_all(struct wwr_mutex *const *wanted, const struct wwr_acquire_ctx *ctx)
{
	for (unsigned int i = 0; i < NUM_WANTED; i++) {
		if (wwr_mutex_is_owned_by(wanted[i], ctx))
			wwr_mutex_unlock(wanted[i]);
	}
}

static int lock_some(struct worker *worker, struct wwr_mutex *const *wanted,
		     struct wwr_acquire_ctx *ctx, struct wwr_mutex **ret_contended)
{
	for (unsigned int i = 0; i < NUM_WANTED; i++) {
		int ret;

		if (pick(worker, 8) == 0)
			ret = wwr_mutex_trylock(wanted[i], ctx);
		else
			ret = wwr_mutex_lock_until(wanted[i], ctx, &worker->token,
						   pick_deadline(worker));
		*ret_contended = wanted[i];
		if (ret != 0 && ret != -EALREADY && ret != -EBUSY)
			return ret;
		/* Some are given back at once. */
		if (ret == 0 && pick(worker, 8) == 0)
			wwr_mutex_unlock(wanted[i]);
	}
	return 0;
}

static int run_ctx(struct worker *worker)
{
	struct wwr_mutex *wanted[NUM_WANTED], *contended;
	struct wwr_acquire_ctx ctx;
	int ret;

	for (unsigned int i = 0; i < NUM_WANTED; i++)
		wanted[i] = pick_mutex(worker);
	wwr_acquire_ctx_init(&ctx, &lock_class);
	ret = lock_some(worker, wanted, &ctx, &contended);
	while (ret == -EDEADLK) {
		unlock_all(wanted, &ctx);
		ret = wwr_mutex_lock_slow_until(contended, &ctx, &worker->token,
						pick_deadline(worker));
		if (ret == 0)
			ret = lock_some(worker, wanted, &ctx, &contended);
	}
	for (unsigned int i = 0; ret == 0 && i < NUM_WANTED; i++) {
		if (wwr_mutex_is_owned_by(wanted[i], &ctx))
			(void)count(wanted[i], worker);
	}
	unlock_all(wanted, &ctx);
	wwr_acquire_ctx_fini(&ctx);
	return ret;
}

/* Sets: what they want, some twice maybe. */
struct wish {
	struct worker *worker;
	struct wwr_mutex *wanted[NUM_WANTED];
};

static int acquire(struct wwr_lock_set *set, void *arg)
{
	const struct wish *wish = arg;

	for (unsigned int i = 0; i < NUM_WANTED; i++) {
		struct wwr_mutex *mutex = wish->wanted[i];
		int ret = pick(wish->worker, 8) == 0 ? wwr_lock_set_trylock(set, mutex)
						     : wwr_lock_set_lock(set, mutex);

		if (ret != 0 && ret != -EBUSY)
			return ret;
		if (ret == 0 && pick(wish->worker, 8) == 0)
			wwr_lock_set_unlock(set, mutex);
	}
	return 0;
}

static int locked(struct wwr_lock_set *set, void *arg)
{
	const struct wish *wish = arg;

	for (unsigned int i = 0; i < NUM_WANTED; i++) {
		int ret = wwr_lock_set_with_locked(set, wish->wanted[i], count, wish->worker);

		/* Not asked for, found busy, or given back. */
		if (ret != 0 && (ret != -EINVAL || wwr_lock_set_holds(set, wish->wanted[i])))
			return -EPROTO;
		/* A done set gives back too. */
		if (ret == 0 && pick(wish->worker, 4) == 0)
			wwr_lock_set_unlock(set, wish->wanted[i]);
	}
	return 0;
}

static int run_loop(struct wwr_lock_set *set, struct wish *wish)
{
	int ret;

	wwr_lock_set_until_all_locked (set)
		(void)!acquire(set, wish);
	ret = wwr_lock_set_status(set);
	if (ret == 0)
		ret = locked(set, wish);
	wwr_lock_set_release_all(set);
	return ret;
}

static int run_by_hand(struct wwr_lock_set *set, struct wish *wish)
{
	int ret = acquire(set, wish);

	while (ret == -EDEADLK) {
		ret = wwr_lock_set_back_off(set);
		if (ret == 0)
			ret = acquire(set, wish);
	}
	if (ret == 0)
		ret = locked(set, wish);
	wwr_lock_set_release_all(set);
	return ret;
}

static int run_transaction(struct wwr_lock_set *set, struct worker *worker)
{
	struct wish wish = {.worker = worker};

	for (unsigned int i = 0; i < NUM_WANTED; i++)
		wish.wanted[i] = pick_mutex(worker);
	switch (pick(worker, 3)) {
	case 0:
		return wwr_lock_set_lock_all(set, acquire, locked, &wish);
	case 1:
		return run_loop(set, &wish);
	default:
		return run_by_hand(set, &wish);
	}
}

static int run_set(struct worker *worker)
{
	const struct wwr_lock_set_options options = {
	    .flags = pick(worker, 2) == 0 ? WWR_LOCK_SET_CLASSIC : 0,
	    .retry_limit = pick(worker, 4),
	    .deadline_ns = pick_deadline(worker),
	    .token = pick(worker, 2) == 0 ? &worker->token : NULL,
	};
	bool borrows = pick(worker, 2) == 0;
	struct wwr_acquire_ctx ctx;
	struct wwr_lock_set set;
	int ret;

	if (borrows) {
		wwr_acquire_ctx_init(&ctx, &lock_class);
		ret = wwr_lock_set_init_with_ctx(&set, &ctx, &options);
	} else {
		ret = wwr_lock_set_init(&set, &lock_class, &options);
	}
	if (ret != 0)
		return ret;
	/* Cut short or not, the set goes on to the next one. */
	for (unsigned int i = 0; i < 2 && worker->wrong == 0; i++)
		note_result(worker, run_transaction(&set, worker));
	wwr_lock_set_fini(&set);
	if (borrows)
		wwr_acquire_ctx_fini(&ctx);
	return 0;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	unsigned int num_runs = test_rounds(NUM_RUNS);

	for (unsigned int run = 0; run < num_runs && worker->wrong == 0; run++) {
		wwr_interrupt_token_clear(&worker->token);
		switch (pick(worker, 4)) {
		case 0:
			note_result(worker, run_plain(worker));
			break;
		case 1:
			note_result(worker, run_ctx(worker));
			break;
		default:
			worker->wrong |= run_set(worker);
			break;
		}
	}
	/* Release pairs with the acquire in interrupt_until_done(). */
	(void)wwr_atomic_fetch_sub(&num_working, 1, WWR_RELEASE);
	return NULL;
}

/* Besides, look at who waits for whom: that must not disturb anybody. */
static void interrupt_until_done(uint64_t random)
{
	while (wwr_atomic_load(&num_working, WWR_ACQUIRE) != 0) {
		struct wwr_debug_wait waits[NUM_WORKERS];

		wwr_interrupt(&workers[test_random(&random) % NUM_WORKERS].token);
		(void)wwr_debug_get_waits(waits, NUM_WORKERS);
		for (int i = 0; i < 20; i++)
			sched_yield();
	}
}

static void prepare(enum wwr_algorithm algorithm, bool inject)
{
	wwr_class_init(&lock_class, "mixed", algorithm);
	wwr_class_set_injection(&lock_class, inject ? 10 : 0, test_seed());
	for (unsigned int i = 0; i < NUM_MUTEXES; i++) {
		wwr_mutex_init(&cells[i].mutex, &lock_class);
		cells[i].count = 0;
	}
	for (unsigned int i = 0; i < NUM_WORKERS; i++)
		workers[i] = (struct worker){.random = test_seed() + i};
	num_working = NUM_WORKERS;
}

static void run(enum wwr_algorithm algorithm, bool inject)
{
	unsigned long num_counted = 0, num_seen = 0, num_committed = 0, num_cut_short = 0;
	int wrong = 0;

	prepare(algorithm, inject);
	for (unsigned int i = 0; i < NUM_WORKERS; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	interrupt_until_done(test_seed());
	for (unsigned int i = 0; i < NUM_WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		num_counted += workers[i].num_counted;
		num_committed += workers[i].num_committed;
		num_cut_short += workers[i].num_cut_short;
		wrong |= workers[i].wrong;
	}
	for (unsigned int i = 0; i < NUM_MUTEXES; i++) {
		num_seen += cells[i].count;
		/* Stops the program if anybody left it locked or marked. */
		wwr_mutex_fini(&cells[i].mutex);
	}
	wwr_class_fini(&lock_class);
	tap_ok(wrong == 0 && num_seen == num_counted && num_committed > 0,
	       "%s%s: result %d, counted %lu of %lu, %lu committed, %lu cut short",
	       algorithm == WWR_WOUND_WAIT ? "wound-wait" : "wait-die", inject ? ", injection" : "",
	       wrong, num_seen, num_counted, num_committed, num_cut_short);
}

int main(void)
{
	(void)test_seed();
	alarm(PATIENCE_S);
	tap_plan(4);
	for (int i = 0; i < 4; i++)
		run(i % 2 == 0 ? WWR_WOUND_WAIT : WWR_WAIT_DIE, i >= 2);
	return tap_exit();
}
