/* SPDX-License-Identifier: MIT */
#include "tests/lockset/party.h"

#include "tests/lib/test_env.h"

#include <errno.h>
#include <stddef.h>

const char *party_kind_name(enum party_kind kind)
{
	static const char *const names[PARTY_NUM_KINDS] = {
	    "default set", "classic set", "lock_all", "loop", "context", "plain",
	};

	return names[kind];
}

static bool party_has_set(const struct party *party)
{
	return party->kind != PARTY_CTX && party->kind != PARTY_PLAIN;
}

int party_init(struct party *party, enum party_kind kind, struct wwr_class *lock_class,
	       const struct wwr_lock_set_options *options)
{
	struct wwr_lock_set_options own =
	    options != NULL ? *options : (struct wwr_lock_set_options){0};

	*party = (struct party){.kind = kind};
	own.flags = kind == PARTY_CLASSIC || kind == PARTY_LOOP ? WWR_LOCK_SET_CLASSIC : 0;
	if (party_has_set(party))
		return wwr_lock_set_init(&party->set, lock_class, &own);
	if (kind == PARTY_CTX)
		wwr_acquire_ctx_init(&party->ctx, lock_class);
	return 0;
}

void party_fini(struct party *party)
{
	if (party_has_set(party))
		wwr_lock_set_fini(&party->set);
	else if (party->kind == PARTY_CTX)
		wwr_acquire_ctx_fini(&party->ctx);
}

static void party_work(struct party *party)
{
	for (unsigned int i = 0; i < party->num_wanted && party->work != NULL; i++)
		party->work(party->wanted[i], party->arg);
}

static int acquire(struct wwr_lock_set *set, void *arg)
{
	const struct party *party = arg;

	return wwr_lock_set_lock_array(set, party->wanted, party->num_wanted);
}

static int locked(struct wwr_lock_set *set, void *arg)
{
	(void)set;
	party_work(arg);
	return 0;
}

static int run_by_hand(struct party *party)
{
	int ret = acquire(&party->set, party);

	while (ret == -EDEADLK) {
		ret = wwr_lock_set_back_off(&party->set);
		if (ret == 0)
			ret = acquire(&party->set, party);
	}
	return ret;
}

static int run_loop(struct party *party)
{
	wwr_lock_set_until_all_locked (&party->set) {
		for (unsigned int i = 0; i < party->num_wanted; i++)
			if (wwr_lock_set_lock(&party->set, party->wanted[i]) != 0)
				break;
	}
	return wwr_lock_set_status(&party->set);
}

static void note_stats(struct party *party)
{
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(&party->set, &stats);
	if (stats.losses > party->max_losses)
		party->max_losses = stats.losses;
	if (stats.restarts > party->max_restarts)
		party->max_restarts = stats.restarts;
}

static int run_set(struct party *party)
{
	int ret;

	if (party->kind == PARTY_ALL)
		ret = wwr_lock_set_lock_all(&party->set, acquire, locked, party);
	else if (party->kind == PARTY_LOOP)
		ret = run_loop(party);
	else
		ret = run_by_hand(party);
	note_stats(party);
	if (party->kind == PARTY_ALL)
		return ret;
	if (ret == 0)
		party_work(party);
	wwr_lock_set_release_all(&party->set);
	return ret;
}

static void ctx_unlock_all(struct party *party)
{
	for (unsigned int i = 0; i < party->num_wanted; i++) {
		if (wwr_mutex_is_owned_by(party->wanted[i], &party->ctx))
			wwr_mutex_unlock(party->wanted[i]);
	}
}

static int ctx_lock_all(struct party *party, struct wwr_mutex **ret_contended)
{
	for (unsigned int i = 0; i < party->num_wanted; i++) {
		int ret = wwr_mutex_lock(party->wanted[i], &party->ctx);

		*ret_contended = party->wanted[i];
		if (ret != 0 && ret != -EALREADY)
			return ret;
	}
	return 0;
}

static int run_ctx(struct party *party)
{
	struct wwr_mutex *contended;
	unsigned int restarts = 0;
	int ret = ctx_lock_all(party, &contended);

	for (; ret == -EDEADLK; restarts++) {
		ctx_unlock_all(party);
		wwr_mutex_lock_slow(contended, &party->ctx);
		ret = ctx_lock_all(party, &contended);
	}
	if (restarts > party->max_restarts)
		party->max_restarts = restarts;
	if (ret == 0)
		party_work(party);
	ctx_unlock_all(party);
	wwr_acquire_ctx_reinit(&party->ctx);
	return ret;
}

static int run_plain(const struct party *party)
{
	for (unsigned int i = 0; i < party->num_wanted; i++) {
		int ret = wwr_mutex_lock(party->wanted[i], NULL);

		if (ret != 0)
			return ret;
		if (party->work != NULL)
			party->work(party->wanted[i], party->arg);
		wwr_mutex_unlock(party->wanted[i]);
	}
	return 0;
}

int party_run(struct party *party, struct wwr_mutex *const *wanted, unsigned int num)
{
	party->wanted = wanted;
	party->num_wanted = num;
	if (party->kind == PARTY_PLAIN)
		return run_plain(party);
	return party->kind == PARTY_CTX ? run_ctx(party) : run_set(party);
}

int party_lock_first(struct party *party, struct wwr_mutex *first)
{
	return party->kind == PARTY_CTX ? wwr_mutex_lock(first, &party->ctx)
					: wwr_lock_set_lock(&party->set, first);
}

void party_choose(struct wwr_mutex **ret_wanted, unsigned int num, struct wwr_mutex *from,
		  unsigned int num_from, uint64_t *state)
{
	for (unsigned int i = 0; i < num; i++) {
		bool again;

		do {
			ret_wanted[i] = &from[test_random(state) % num_from];
			again = false;
			for (unsigned int j = 0; j < i; j++)
				again |= ret_wanted[j] == ret_wanted[i];
		} while (again);
	}
}
