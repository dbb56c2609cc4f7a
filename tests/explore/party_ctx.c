/* SPDX-License-Identifier: MIT */
/* Parties that lock by hand: with an acquire context, and without one. */
#include "tests/explore/world.h"

#include <errno.h>

/* A token lives as long as a wait that uses it, not longer. */
static int lock_with_short_token(struct wwr_mutex *lock, struct wwr_acquire_ctx *ctx)
{
	struct wwr_interrupt_token *token = ex_new(EX_TOKEN, ex_self(), sizeof(*token));
	int ret;

	wwr_interrupt_token_init(token);
	ret = wwr_mutex_lock_interruptible(lock, ctx, token);
	ex_delete(token);
	return ret;
}

static int lock(struct party *party, unsigned int mutex, struct wwr_acquire_ctx *ctx)
{
	struct wwr_mutex *lock = &world.mutexes[mutex]->mutex;

	if (world_has(WORLD_TRY) && ex_choose(2) == 0) {
		int ret = wwr_mutex_trylock(lock, ctx);

		if (ret != -EBUSY)
			return ret;
	}
	if (world_has(WORLD_SHORT_TOKENS))
		return lock_with_short_token(lock, ctx);
	if (party->deadline_ns != 0)
		return wwr_mutex_lock_until(lock, ctx, party->token, party->deadline_ns);
	if (party->token != NULL || world_has(WORLD_SIGNALS))
		return wwr_mutex_lock_interruptible(lock, ctx, party->token);
	return wwr_mutex_lock(lock, ctx);
}

static int lock_slow(struct party *party, unsigned int mutex)
{
	struct wwr_mutex *lock = &world.mutexes[mutex]->mutex;

	if (party->deadline_ns != 0)
		return wwr_mutex_lock_slow_until(lock, party->ctx, party->token,
						 party->deadline_ns);
	if (party->token != NULL || world_has(WORLD_SIGNALS))
		return wwr_mutex_lock_slow_interruptible(lock, party->ctx, party->token);
	wwr_mutex_lock_slow(lock, party->ctx);
	return 0;
}

/* Unlock one that the party has. */
static void unlock(struct party *party, unsigned int mutex, bool wants_no_more)
{
	struct world_mutex *object = world.mutexes[mutex];
	/* Without sets each counts itself out inside: who comes later may free it. */
	bool early = wants_no_more && (world.config->kinds & KINDS_SETS) == 0;
	bool last = early && --object->refs == 0;

	party_exit(party, mutex);
	wwr_mutex_unlock(&object->mutex);
	if (early)
		party_unlocked(mutex, last);
	else if (wants_no_more)
		party_unlocked(mutex, --object->refs == 0);
}

static void unlock_all(struct party *party, bool wants_no_more)
{
	unsigned int num = world.config->num_mutexes;
	unsigned int first = ex_choose(num);

	for (unsigned int i = 0; i < num; i++) {
		unsigned int mutex = (first + i) % num;

		if ((party->inside & (1u << mutex)) != 0)
			unlock(party, mutex, wants_no_more);
	}
}

static void unlock_some(struct party *party)
{
	unsigned int mutex = ex_choose(world.config->num_mutexes);

	if ((party->inside & (1u << mutex)) != 0 && ex_choose(2) == 0)
		unlock(party, mutex, false);
}

/* 0, or an error with *ret_mutex the one that gave it. */
static int lock_wanted(struct party *party, bool unlocks, unsigned int *ret_mutex)
{
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		unsigned int mutex = party_nth(party, i);
		int ret;

		if ((party->wanted & (1u << mutex)) == 0)
			continue;
		ret = lock(party, mutex, party->ctx);
		if (ret == -EALREADY)
			EX_CHECK((party->inside & (1u << mutex)) != 0,
				 "T%u got -EALREADY for mutex %c, which it does not hold",
				 party->index + 1, 'A' + mutex);
		if (ret != 0 && ret != -EALREADY) {
			*ret_mutex = mutex;
			return ret;
		}
		party_enter(party, mutex);
		if (unlocks)
			unlock_some(party);
	}
	return 0;
}

static int attempt(struct party *party, unsigned int *ret_mutex)
{
	int ret = lock_wanted(party, world_has(WORLD_MID_UNLOCK), ret_mutex);

	if (ret == 0 && world_has(WORLD_MID_UNLOCK))
		ret = lock_wanted(party, false, ret_mutex);
	return ret;
}

static int transaction(struct party *party)
{
	unsigned int restarts = 0;
	unsigned int contended = 0;
	int ret;

	for (;;) {
		if (world_has(WORLD_ANY_ORDER))
			party->first = ex_choose(world.config->num_mutexes);
		ret = attempt(party, &contended);
		if (ret != -EDEADLK)
			break;
		EX_CHECK(party->inside != 0, "C4: T%u holds nothing and got -EDEADLK",
			 party->index + 1);
		restarts += !party->ctx->injected;
		unlock_all(party, false);
		ret = lock_slow(party, contended);
		if (ret != 0)
			return ret;
		party_enter(party, contended);
	}
	if (ret != 0) {
		unlock_all(party, true);
		return ret;
	}
	party_check_restarts(party, restarts);
	return 0;
}

static void commit(struct party *party)
{
	wwr_acquire_ctx_done(party->ctx);
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		if ((party->wanted & (1u << i)) != 0)
			party_work(party, i);
	}
	unlock_all(party, true);
}

static void check_nothing_left(const struct party *party)
{
	EX_CHECK(party->ctx->num_held == 0, "T%u still holds %u locks", party->index + 1,
		 party->ctx->num_held);
	EX_CHECK(party->ctx->wounded == 0, "C10: T%u holds nothing and is marked as wounded",
		 party->index + 1);
	EX_CHECK(party->ctx->sleep_word == 0, "I5: T%u is awake and counts as asleep",
		 party->index + 1);
}

void party_run_ctx(struct party *party)
{
	unsigned int rounds = world.config->rounds;
	int ret;

	party->ctx = ex_new(EX_CTX, party->index, sizeof(*party->ctx));
	wwr_acquire_ctx_init(party->ctx, &ex_class);
	party->stamp = party->ctx->stamp;
	for (;;) {
		ret = transaction(party);
		if (ret == 0)
			commit(party);
		check_nothing_left(party);
		party_end(party, ret);
		if (ret != 0 || rounds-- <= 1)
			break;
		wwr_acquire_ctx_reinit(party->ctx);
	}
	wwr_acquire_ctx_fini(party->ctx);
	ex_delete(party->ctx);
}

/* Of one mutex at a time: a thread must hold no other while it blocks. */
static int run_plain_once(struct party *party)
{
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		unsigned int mutex = party_nth(party, i);
		int ret;

		if ((party->wanted & (1u << mutex)) == 0)
			continue;
		ret = lock(party, mutex, NULL);
		if (ret != 0)
			return ret;
		party_enter(party, mutex);
		party_work(party, mutex);
		unlock(party, mutex, true);
	}
	return 0;
}

void party_run_plain(struct party *party)
{
	unsigned int rounds = world.config->rounds;

	do {
		party_end(party, run_plain_once(party));
	} while (rounds-- > 1 && party->gave_up == 0);
}
