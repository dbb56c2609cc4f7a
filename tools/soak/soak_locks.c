/* SPDX-License-Identifier: MIT */
/*
 * A round of threads that lock the same mutexes in every way there is: sets of both policies,
 * plain contexts, no context at all; with deadlines, interrupts, retry limits, injection, members
 * given back early, and transactions on a second class inside those on the first.
 */
#include "tools/soak/soak.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wwresv/lockset.h>
#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/stop.h"
#include "tools/wsim/wsim.h"

#define NUM_CLASSES   2 /* the second one is locked inside the first, never the other way round */
#define MAX_THREADS   16
#define MAX_MUTEXES   64
#define MAX_LOCKS     16
#define ROUND_NS      (CLOCK_NS_PER_S / 4)
#define DISTURB_NS    (200 * CLOCK_NS_PER_US)
#define MAX_DELAY_NS  (200 * CLOCK_NS_PER_US)
#define MAX_RETRIES   6
#define MAX_INJECTION 64

enum soaker_kind {
	SOAK_DEFAULT_SET,
	SOAK_CLASSIC_SET,
	SOAK_CTX,
	SOAK_PLAIN,
	NUM_SOAK_KINDS
};

/* What a mutex protects: plain memory. */
struct soak_slot {
	struct wwr_mutex mutex;
	uint32_t inside; /* threads between enter and leave: 0 or 1 */
	uint64_t count;
};

struct soak_round {
	uint64_t seed;
	struct wwr_class classes[NUM_CLASSES];
	struct soak_slot slots[NUM_CLASSES][MAX_MUTEXES];
	uint32_t num_mutexes, num_locks, num_threads;
	uint32_t stop; /* (a) */
};

/* One thread; all fields are its own until it is joined. */
struct soaker {
	pthread_t thread;
	struct soak_round *round;
	enum soaker_kind kind;
	struct wsim_rng rng;
	struct wwr_interrupt_token token;
	uint32_t picks[NUM_CLASSES][MAX_LOCKS]; /* slots that the transaction wants */
	uint64_t entered, locked, transactions, given_up, broken;
	uint32_t max_losses, max_restarts;
	int error; /* a result that no call may give */
};

static bool one_in(struct soaker *soaker, uint64_t num)
{
	return wsim_rng_range(&soaker->rng, 1, num) == 1;
}

static struct soak_slot *pick(const struct soaker *soaker, unsigned int class_index, uint32_t i)
{
	return &soaker->round->slots[class_index][soaker->picks[class_index][i]];
}

static void draw_picks(struct soaker *soaker, unsigned int class_index)
{
	for (uint32_t i = 0; i < soaker->round->num_locks; i++)
		soaker->picks[class_index][i] =
		    (uint32_t)wsim_rng_range(&soaker->rng, 0, soaker->round->num_mutexes - 1);
}

/* With the slot's mutex held. */
static void use_slot(struct soaker *soaker, struct soak_slot *slot)
{
	if (slot->inside++ != 0)
		soaker->broken++;
	slot->count++;
	soaker->entered++;
	if (slot->inside-- != 1)
		soaker->broken++;
}

/* Results by which a transaction may end before it has everything. */
static bool may_give_up(int ret)
{
	return ret == -EINTR || ret == -ETIME || ret == -EAGAIN;
}

/* What a callback needs to know. */
struct soak_transaction {
	struct soaker *soaker;
	unsigned int class_index;
};

static int set_acquire(struct wwr_lock_set *set, void *arg)
{
	const struct soak_transaction *transaction = arg;
	struct soaker *soaker = transaction->soaker;

	for (uint32_t i = 0; i < soaker->round->num_locks; i++) {
		struct wwr_mutex *mutex = &pick(soaker, transaction->class_index, i)->mutex;
		int ret = one_in(soaker, 8) ? wwr_lock_set_trylock(set, mutex) : -EBUSY;

		if (ret == -EBUSY)
			ret = wwr_lock_set_lock(set, mutex);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int run_set(struct soaker *soaker, unsigned int class_index);

static int set_locked(struct wwr_lock_set *set, void *arg)
{
	const struct soak_transaction *transaction = arg;
	struct soaker *soaker = transaction->soaker;

	for (uint32_t i = 0; i < soaker->round->num_locks; i++) {
		struct soak_slot *slot = pick(soaker, transaction->class_index, i);

		if (!wwr_lock_set_holds(set, &slot->mutex))
			continue; /* given back already */
		use_slot(soaker, slot);
		if (one_in(soaker, 16))
			wwr_lock_set_unlock(set, &slot->mutex);
	}
	if (transaction->class_index + 1 < NUM_CLASSES && one_in(soaker, 4))
		return run_set(soaker, transaction->class_index + 1);
	return 0;
}

static void draw_options(struct soaker *soaker, struct wwr_lock_set_options *ret_options)
{
	memset(ret_options, 0, sizeof(*ret_options));
	if (soaker->kind == SOAK_CLASSIC_SET)
		ret_options->flags = WWR_LOCK_SET_CLASSIC;
	if (one_in(soaker, 2))
		ret_options->token = &soaker->token;
	if (one_in(soaker, 4))
		ret_options->deadline_ns =
		    clock_now_ns() +
		    (int64_t)wsim_rng_range(&soaker->rng, 0, (uint64_t)MAX_DELAY_NS);
	if (one_in(soaker, 4))
		ret_options->retry_limit = (uint32_t)wsim_rng_range(&soaker->rng, 1, MAX_RETRIES);
}

/* One transaction with a set; 0 also when it was given up. */
static int run_set(struct soaker *soaker, unsigned int class_index)
{
	struct soak_transaction transaction = {soaker, class_index};
	struct wwr_lock_set_options options;
	struct wwr_lock_set_stats stats;
	struct wwr_lock_set set;
	int ret;

	draw_picks(soaker, class_index);
	draw_options(soaker, &options);
	ret = wwr_lock_set_init(&set, &soaker->round->classes[class_index], &options);
	if (ret != 0)
		return ret;
	ret = wwr_lock_set_lock_all(&set, set_acquire, set_locked, &transaction);
	wwr_lock_set_get_stats(&set, &stats);
	wwr_lock_set_fini(&set);

	soaker->locked += stats.num_locks;
	if (stats.losses > soaker->max_losses)
		soaker->max_losses = stats.losses;
	if (stats.restarts > soaker->max_restarts)
		soaker->max_restarts = stats.restarts;
	if (ret == 0)
		soaker->transactions++;
	else if (may_give_up(ret))
		soaker->given_up++;
	return may_give_up(ret) ? 0 : ret;
}

/* Clang cannot follow a set that is known only at run time. */
static void unlock_picks(struct soaker *soaker, struct wwr_acquire_ctx *ctx) WWR_NO_ANALYSIS
{
	for (uint32_t i = 0; i < soaker->round->num_locks; i++) {
		struct wwr_mutex *mutex = &pick(soaker, 0, i)->mutex;

		if (wwr_mutex_is_owned_by(mutex, ctx))
			wwr_mutex_unlock(mutex);
	}
}

/* One attempt at everything; *contended is held already, or NULL. */
static int ctx_attempt(struct soaker *soaker, struct wwr_acquire_ctx *ctx,
		       struct wwr_mutex **ret_contended) WWR_NO_ANALYSIS
{
	for (uint32_t i = 0; i < soaker->round->num_locks; i++) {
		struct wwr_mutex *mutex = &pick(soaker, 0, i)->mutex;
		int ret = wwr_mutex_lock_interruptible(mutex, ctx, &soaker->token);

		soaker->locked += ret == 0;
		if (ret == 0 || ret == -EALREADY)
			continue;
		*ret_contended = mutex;
		return ret;
	}
	return 0;
}

/* One transaction with a plain context, as drivers write them by hand. */
static int run_ctx(struct soaker *soaker) WWR_NO_ANALYSIS
{
	struct wwr_acquire_ctx ctx;
	struct wwr_mutex *contended = NULL;
	int ret;

	draw_picks(soaker, 0);
	wwr_acquire_ctx_init(&ctx, &soaker->round->classes[0]);
	while ((ret = ctx_attempt(soaker, &ctx, &contended)) == -EDEADLK) {
		soaker->max_restarts++;
		unlock_picks(soaker, &ctx);
		wwr_mutex_lock_slow(contended, &ctx);
		soaker->locked++;
	}
	if (ret == 0) {
		wwr_acquire_ctx_done(&ctx);
		for (uint32_t i = 0; i < soaker->round->num_locks; i++)
			use_slot(soaker, pick(soaker, 0, i));
		soaker->transactions++;
	}
	unlock_picks(soaker, &ctx);
	wwr_acquire_ctx_fini(&ctx);
	if (ret != -EINTR)
		return ret;
	soaker->given_up++;
	return 0;
}

static int run_plain(struct soaker *soaker)
{
	struct soak_slot *slot;
	int ret;

	draw_picks(soaker, 0);
	slot = pick(soaker, 0, 0);
	ret =
	    wwr_mutex_lock_until(&slot->mutex, NULL, &soaker->token, clock_now_ns() + MAX_DELAY_NS);
	if (ret != 0) {
		soaker->given_up += may_give_up(ret);
		return may_give_up(ret) ? 0 : ret;
	}
	soaker->locked++;
	use_slot(soaker, slot);
	soaker->transactions++;
	wwr_mutex_unlock(&slot->mutex);
	return 0;
}

static void *soaker_main(void *arg)
{
	struct soaker *soaker = arg;

	/* Relaxed: nothing but the end depends on it. */
	while (soaker->error == 0 && !wwr_atomic_load(&soaker->round->stop, WWR_RELAXED)) {
		if (wwr_interrupt_token_is_set(&soaker->token))
			wwr_interrupt_token_clear(&soaker->token);
		if (soaker->kind == SOAK_CTX)
			soaker->error = run_ctx(soaker);
		else if (soaker->kind == SOAK_PLAIN)
			soaker->error = run_plain(soaker);
		else
			soaker->error = run_set(soaker, 0);
	}
	return NULL;
}

static void round_init(struct soak_round *round, uint64_t seed, struct wsim_rng *rng)
{
	round->seed = seed;
	round->num_threads = (uint32_t)wsim_rng_range(rng, 2, MAX_THREADS);
	round->num_mutexes = (uint32_t)wsim_rng_range(rng, 2, MAX_MUTEXES);
	round->num_locks = (uint32_t)wsim_rng_range(rng, 1, MAX_LOCKS);
	for (unsigned int c = 0; c < NUM_CLASSES; c++) {
		wwr_class_init(&round->classes[c], c == 0 ? "outer" : "inner",
			       wsim_rng_range(rng, 0, 1) == 0 ? WWR_WOUND_WAIT : WWR_WAIT_DIE);
		if (wsim_rng_range(rng, 0, 1) == 0)
			wwr_class_set_injection(&round->classes[c],
						(uint32_t)wsim_rng_range(rng, 1, MAX_INJECTION),
						seed);
		for (uint32_t i = 0; i < round->num_mutexes; i++)
			wwr_mutex_init(&round->slots[c][i].mutex, &round->classes[c]);
	}
}

/* Interrupt somebody every now and then until the round is over. */
static void disturb(struct soaker *soakers, uint32_t num, struct wsim_rng *rng)
{
	const int64_t end_ns = clock_now_ns() + ROUND_NS;
	const struct timespec pause = {.tv_nsec = DISTURB_NS};

	while (clock_now_ns() < end_ns) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		wwr_interrupt(&soakers[wsim_rng_range(rng, 0, num - 1)].token);
	}
}

/* Start as many as there is room for; returns how many. */
static uint32_t start_soakers(struct soak_round *round, struct soaker *soakers,
			      struct wsim_rng *rng)
{
	for (uint32_t i = 0; i < round->num_threads; i++) {
		soakers[i].round = round;
		soakers[i].kind = (enum soaker_kind)wsim_rng_range(rng, 0, NUM_SOAK_KINDS - 1);
		soakers[i].rng.state = wsim_rng_next(rng);
		wwr_interrupt_token_init(&soakers[i].token);
		if (pthread_create(&soakers[i].thread, NULL, soaker_main, &soakers[i]) != 0)
			return i;
	}
	return round->num_threads;
}

static void check_soaker(const struct soaker *soaker, struct soak_totals *totals)
{
	const uint64_t seed = soaker->round->seed;

	if (soaker->error != 0)
		soak_violation(totals, seed, "a thread got '%s', which its calls may not give",
			       strerror(-soaker->error));
	if (soaker->broken != 0)
		soak_violation(totals, seed, "%" PRIu64 " times two threads held one mutex",
			       soaker->broken);
	if (soaker->max_losses > WWR_LOCK_SET_MAX_LOSSES)
		soak_violation(totals, seed, "a set lost %" PRIu32 " times and stayed default",
			       soaker->max_losses);
	totals->num_transactions += soaker->transactions;
	totals->num_given_up += soaker->given_up;
	if (soaker->max_losses > totals->max_losses)
		totals->max_losses = soaker->max_losses;
	/* A plain context's count is a sum, not that of one transaction. */
	if (soaker->kind != SOAK_CTX && soaker->max_restarts > totals->max_restarts)
		totals->max_restarts = soaker->max_restarts;
}

/* Everything is free again, and the counts agree. */
static void check_round(struct soak_round *round, const struct soaker *soakers,
			struct soak_totals *totals)
{
	uint64_t entered = 0, counted = 0, locked = 0, class_locks = 0;
	struct wwr_class_stats stats;

	for (uint32_t i = 0; i < round->num_threads; i++) {
		entered += soakers[i].entered;
		locked += soakers[i].locked;
		check_soaker(&soakers[i], totals);
	}
	for (unsigned int c = 0; c < NUM_CLASSES; c++) {
		for (uint32_t i = 0; i < round->num_mutexes; i++) {
			counted += round->slots[c][i].count;
			if (wwr_mutex_is_locked(&round->slots[c][i].mutex))
				soak_violation(totals, round->seed,
					       "mutex %" PRIu32 " of class %u is still held", i, c);
			else
				wwr_mutex_fini(&round->slots[c][i].mutex);
		}
		wwr_class_get_stats(&round->classes[c], &stats);
		class_locks += stats.num_locks;
		totals->num_backoffs += stats.num_backoffs;
		totals->num_injected += stats.num_injected;
		totals->num_fallbacks += stats.num_fallbacks;
		wwr_class_fini(&round->classes[c]);
	}
	if (counted != entered)
		soak_violation(totals, round->seed,
			       "%" PRIu64 " updates under locks, %" PRIu64 " of them lost", entered,
			       entered - counted);
	if (class_locks != locked)
		soak_violation(totals, round->seed,
			       "the classes counted %" PRIu64 " locks, the threads %" PRIu64,
			       class_locks, locked);
}

int soak_lock_round(uint64_t seed, struct soak_totals *totals)
{
	struct soaker *soakers = calloc(MAX_THREADS, sizeof(*soakers));
	struct soak_round *round = calloc(1, sizeof(*round));
	struct wsim_rng rng = {seed};
	uint32_t num_started;

	if (soakers == NULL || round == NULL) {
		free(soakers);
		free(round);
		cli_error("not enough memory");
		return -ENOMEM;
	}
	round_init(round, seed, &rng);
	/* Signals are for the main thread. */
	stop_block(true);
	num_started = start_soakers(round, soakers, &rng);
	stop_block(false);
	if (num_started > 0)
		disturb(soakers, num_started, &rng);
	/* Relaxed: joining the threads orders the rest. */
	wwr_atomic_store(&round->stop, 1, WWR_RELAXED);
	for (uint32_t i = 0; i < num_started; i++)
		pthread_join(soakers[i].thread, NULL);

	totals->num_lock_rounds++;
	check_round(round, soakers, totals);
	if (num_started < round->num_threads)
		cli_error("could start only %" PRIu32 " of %" PRIu32 " threads", num_started,
			  round->num_threads);
	free(soakers);
	free(round);
	return num_started == 0 ? -EAGAIN : 0;
}
