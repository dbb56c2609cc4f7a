/* SPDX-License-Identifier: MIT */
/* A party with a lock set: in all three ways to use one. */
#include "tests/explore/world.h"

#include <errno.h>

/* After the first contended lock all of the attempt are, but those held. */
static void check_contended(struct party *party, unsigned int mutex)
{
	unsigned int other = (mutex + 1) % world.config->num_mutexes;

	if (world.mutexes[other] == NULL)
		return;
	EX_CHECK(wwr_lock_set_lock(party->set, &world.mutexes[other]->mutex) == -EDEADLK,
		 "S5: T%u locks mutex %c while another one is contended", party->index + 1,
		 'A' + other);
}

static int lock_one(struct party *party, unsigned int mutex)
{
	struct wwr_mutex *lock = &world.mutexes[mutex]->mutex;
	bool classic = party->set->ctx->classic != 0;
	bool holds = party->set->ctx->num_held != 0;
	int ret = -EBUSY;

	if (world_has(WORLD_TRY) && ex_choose(2) == 0)
		ret = wwr_lock_set_trylock(party->set, lock);
	EX_CHECK(ret == 0 || ret == -EBUSY, "C7: T%u got %d from trylock", party->index + 1, ret);
	if (ret == -EBUSY)
		ret = wwr_lock_set_lock(party->set, lock);
	EX_CHECK(!holds || classic == (party->set->ctx->classic != 0),
		 "S3: T%u changes its mode while it holds locks", party->index + 1);
	if (ret == 0)
		party_enter(party, mutex);
	else
		party_exit_all(party);
	if (ret == -EDEADLK) {
		party->losses += !classic && !party->set->ctx->injected;
		check_contended(party, mutex);
	}
	return ret;
}

/* Give one of several back; it is locked again later. */
static void unlock_some(struct party *party)
{
	unsigned int mutex = ex_choose(world.config->num_mutexes);

	if ((party->inside & (1u << mutex)) == 0 || ex_choose(2) == 0)
		return;
	party_exit(party, mutex);
	wwr_lock_set_unlock(party->set, &world.mutexes[mutex]->mutex);
}

static int lock_wanted(struct party *party, bool unlocks)
{
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		unsigned int mutex = party_nth(party, i);
		int ret;

		if ((party->wanted & (1u << mutex)) == 0)
			continue;
		ret = lock_one(party, mutex);
		if (ret != 0)
			return ret;
		if (unlocks)
			unlock_some(party);
	}
	return 0;
}

static int acquire(struct wwr_lock_set *set, void *arg)
{
	struct party *party = arg;
	int ret;

	(void)set;
	if (world_has(WORLD_ANY_ORDER)) {
		party->first = ex_choose(world.config->num_mutexes);
		if (world_has(WORLD_SOME))
			party->wanted = 1 + ex_choose((1u << world.config->num_mutexes) - 1);
	}
	ret = lock_wanted(party, world_has(WORLD_MID_UNLOCK));
	if (ret == 0 && world_has(WORLD_MID_UNLOCK))
		ret = lock_wanted(party, false);
	return ret;
}

static int work(struct party *party, bool kept_is_gone)
{
	struct wwr_lock_set_stats stats;

	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		bool wanted = (party->wanted & (1u << i)) != 0;
		bool holds = false;

		/* The others may be gone. */
		if (wanted || !world_has(WORLD_FREE_MUTEX))
			holds = wwr_lock_set_holds(party->set, &world.mutexes[i]->mutex);
		if (wanted) {
			EX_CHECK(holds, "T%u commits and its set lacks mutex %c", party->index + 1,
				 'A' + i);
			party_work(party, i);
		} else if (kept_is_gone) {
			EX_CHECK(!holds, "S6: T%u still holds mutex %c, which it did not ask for",
				 party->index + 1, 'A' + i);
		}
	}
	wwr_lock_set_get_stats(party->set, &stats);
	EX_CHECK(world.config->retry_limit == 0 ||
		     stats.retries - stats.injected <= world.config->retry_limit,
		 "S9: T%u retried %u times, more than its limit", party->index + 1, stats.retries);
	party_check_losses(party, &stats);
	party->losses = 0;
	party_exit_all(party);
	return 0;
}

static int locked(struct wwr_lock_set *set, void *arg)
{
	(void)set;
	return work(arg, true);
}

static int run_loop(struct party *party)
{
	int ret;

	wwr_lock_set_until_all_locked (party->set) {
		(void)acquire(party->set, party);
	}
	ret = wwr_lock_set_status(party->set);
	if (ret == 0) {
		(void)work(party, true);
		wwr_lock_set_release_all(party->set);
	}
	return ret;
}

/*
 * Once it gives up an attempt instead of backing off; the stamp must last.  Not where restarts are
 * counted: who does not wait for the contended lock may meet it held again and again.
 */
static int run_by_hand(struct party *party)
{
	bool may_release = world.config->max_restarts == 0 && ex_choose(2) == 0;
	uint64_t stamp = 0;

	for (;;) {
		int ret = acquire(party->set, party);

		EX_CHECK(stamp == 0 || stamp == party->set->ctx->stamp,
			 "C5: T%u has a new stamp after a retry", party->index + 1);
		stamp = party->set->ctx->stamp;
		if (ret == 0) {
			(void)work(party, false);
			wwr_lock_set_release_all(party->set);
			return 0;
		}
		if (ret == -EDEADLK && may_release) {
			may_release = false;
			wwr_lock_set_release_all(party->set);
			continue;
		}
		if (ret == -EDEADLK)
			ret = wwr_lock_set_back_off(party->set);
		if (ret != 0) {
			wwr_lock_set_release_all(party->set);
			return ret;
		}
	}
}

/* Before the next transaction: did it give up because it lost, and nothing else? */
static void check_gave_up(const struct party *party, int ret)
{
	struct wwr_lock_set_stats stats;

	if (ret != -EAGAIN)
		return;
	wwr_lock_set_get_stats(party->set, &stats);
	EX_CHECK(stats.losses + stats.restarts > world.config->retry_limit,
		 "S8: T%u gave up for its retry limit and has lost %u times only", party->index + 1,
		 stats.losses + stats.restarts);
}

static int run_once(struct party *party)
{
	switch (ex_choose(3)) {
	case 0:
		return run_by_hand(party);
	case 1:
		return run_loop(party);
	default:
		return wwr_lock_set_lock_all(party->set, acquire, locked, party);
	}
}

static void check_nothing_left(const struct party *party)
{
	const struct wwr_acquire_ctx *ctx = party->set->ctx;

	EX_CHECK(ctx->num_held == 0 && ctx->held == NULL, "S10: T%u still holds %u locks",
		 party->index + 1, ctx->num_held);
	EX_CHECK(ctx->wounded == 0, "C10: T%u holds nothing and is marked as wounded",
		 party->index + 1);
	EX_CHECK(ctx->sleep_word == 0, "I5: T%u is awake and counts as asleep", party->index + 1);
	EX_CHECK(ctx->contended == NULL, "T%u is done and has a contended lock", party->index + 1);
}

static void init_set(struct party *party)
{
	const struct wwr_lock_set_options options = {
	    .flags = party->kind == PARTY_CLASSIC ? WWR_LOCK_SET_CLASSIC : 0,
	    .retry_limit = world.config->retry_limit,
	    .deadline_ns = party->deadline_ns,
	    .token = party->token,
	};
	int ret;

	party->set = ex_new(EX_SET, party->index, sizeof(*party->set));
	if (ex_choose(4) == 0) {
		party->ctx = ex_new(EX_CTX, party->index, sizeof(*party->ctx));
		wwr_acquire_ctx_init(party->ctx, &ex_class);
		ret = wwr_lock_set_init_with_ctx(party->set, party->ctx, &options);
	} else {
		ret = wwr_lock_set_init(party->set, &ex_class, &options);
	}
	EX_CHECK(ret == 0, "a lock set's init failed: %d", ret);
	party->stamp = party->set->ctx->stamp;
}

static void fini_set(struct party *party)
{
	wwr_lock_set_fini(party->set);
	ex_delete(party->set);
	if (party->ctx != NULL) {
		wwr_acquire_ctx_fini(party->ctx);
		ex_delete(party->ctx);
	}
}

void party_run_set(struct party *party)
{
	unsigned int rounds = world.config->rounds;

	init_set(party);
	do {
		int ret = run_once(party);

		check_gave_up(party, ret);
		party_end(party, ret);
		check_nothing_left(party);
	} while (rounds-- > 1 && party->gave_up == 0);
	fini_set(party);
	if (!world_has(WORLD_FREE_MUTEX))
		return;
	/* The caller of a set keeps its mutexes until the set has returned. */
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		if ((party->wanted & (1u << i)) != 0)
			party_unlocked(i, --world.mutexes[i]->refs == 0);
	}
}
