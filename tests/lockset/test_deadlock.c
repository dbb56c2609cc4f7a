/* SPDX-License-Identifier: MIT */
/*
 * Everything that would deadlock with plain mutexes comes to an end here: the same mutex twice, two
 * in opposite order, cycles of many, and mixed populations in which nobody starves.
 */
#include "tests/lockset/party.h"
#include "tests/lockset/stage.h"

#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_PARTIES 16

/* One of a cycle, or of a population. */
struct player {
	struct party party;
	struct wwr_mutex *wanted[2];
	enum party_kind kind;
	uint64_t random;
	unsigned int num_runs; /* transactions to do; 0 = until all victims are done */
	unsigned int num_done;
};

static struct player players[MAX_PARTIES];

static int do_player_init(struct actor *self, void *arg)
{
	struct player *player = arg;

	(void)self;
	return party_init(&player->party, player->kind, &main_class, NULL);
}

static int do_player_fini(struct actor *self, void *arg)
{
	struct player *player = arg;

	(void)self;
	party_fini(&player->party);
	return 0;
}

static int do_lock_first(struct actor *self, void *arg)
{
	struct player *player = arg;

	(void)self;
	return party_lock_first(&player->party, player->wanted[0]);
}

static int do_run(struct actor *self, void *arg)
{
	struct player *player = arg;

	(void)self;
	return party_run(&player->party, player->wanted, 2);
}

/* Each holds its own mutex; then each wants its neighbour's. */
static void run_cycle(unsigned int num)
{
	for (unsigned int i = 0; i < num; i++) {
		players[i].wanted[0] = &mutex[i];
		players[i].wanted[1] = &mutex[(i + 1) % num];
		must(actor_call(&actor[i], do_player_init, &players[i]));
	}
	for (unsigned int i = 0; i < num; i++)
		must(actor_call(&actor[i], do_lock_first, &players[i]));
	for (unsigned int i = 0; i < num; i++)
		actor_begin(&actor[i], do_run, &players[i]);
	for (unsigned int i = 0; i < num; i++)
		assert_returns(actor_end(&actor[i]), 0);
	for (unsigned int i = 0; i < num; i++) {
		cr_assert_leq(players[i].party.max_losses, WWR_LOCK_SET_MAX_LOSSES);
		must(actor_call(&actor[i], do_player_fini, &players[i]));
		cr_assert_not(wwr_mutex_is_locked(&mutex[i]));
	}
}

static void run_cycles_of(enum party_kind kind)
{
	for (unsigned int num = 1; num <= MAX_PARTIES; num++) {
		for (unsigned int i = 0; i < num; i++)
			players[i].kind = kind;
		run_cycle(num);
	}
}

BOTH_TEST(lockset_deadlock, cycles_of_1_to_16_default_sets_commit)
{
	run_cycles_of(PARTY_DEFAULT);
}

BOTH_TEST(lockset_deadlock, cycles_of_1_to_16_classic_sets_commit)
{
	run_cycles_of(PARTY_CLASSIC);
}

BOTH_TEST(lockset_deadlock, cycles_of_1_to_16_contexts_commit)
{
	run_cycles_of(PARTY_CTX);
}

BOTH_TEST(lockset_deadlock, cycles_of_2_to_16_of_all_kinds_commit)
{
	static const enum party_kind kinds[] = {PARTY_CTX, PARTY_DEFAULT, PARTY_CLASSIC};

	for (unsigned int shift = 0; shift < 3; shift++) {
		for (unsigned int num = 2; num <= MAX_PARTIES; num++) {
			for (unsigned int i = 0; i < num; i++)
				players[i].kind = kinds[(i + shift) % 3];
			run_cycle(num);
		}
	}
}

/* Two in opposite order: every pair of kinds, either being the older. */
BOTH_TEST(lockset_deadlock, abba_of_every_pair_of_kinds_commits)
{
	static const enum party_kind kinds[] = {PARTY_CTX, PARTY_DEFAULT, PARTY_CLASSIC};

	for (int i = 0; i < 9; i++) {
		players[0].kind = kinds[i / 3];
		players[1].kind = kinds[i % 3];
		run_cycle(2);
	}
}

WOUND_WAIT_TEST(lockset_deadlock, oldest_of_a_classic_cycle_never_restarts)
{
	for (unsigned int num = 2; num <= MAX_PARTIES; num++) {
		for (unsigned int i = 0; i < num; i++)
			players[i].kind = i % 2 == 0 ? PARTY_CLASSIC : PARTY_CTX;
		run_cycle(num);
		cr_assert_eq(players[0].party.max_restarts, 0, "in a cycle of %u", num);
	}
}

WAIT_DIE_TEST(lockset_deadlock, oldest_of_a_classic_cycle_never_dies)
{
	for (unsigned int num = 2; num <= MAX_PARTIES; num++) {
		for (unsigned int i = 0; i < num; i++)
			players[i].kind = i % 2 == 0 ? PARTY_CLASSIC : PARTY_CTX;
		run_cycle(num);
		cr_assert_eq(players[0].party.max_restarts, 0, "in a cycle of %u", num);
	}
}

static int do_lock_plain_and_unlock(struct actor *self, void *arg)
{
	int ret = do_lock_plain(self, arg);

	return ret != 0 ? ret : do_unlock(self, arg);
}

/* Plain lockers in the way of an ABBA: first in both queues. */
BOTH_TEST(lockset_deadlock, abba_with_a_plain_locker_in_between_commits)
{
	players[0].kind = PARTY_CTX;
	players[1].kind = PARTY_CLASSIC;
	for (int i = 0; i < 2; i++) {
		players[i].wanted[0] = &mutex[i];
		players[i].wanted[1] = &mutex[1 - i];
		must(actor_call(&actor[i], do_player_init, &players[i]));
		must(actor_call(&actor[i], do_lock_first, &players[i]));
	}
	actor_block(PLAIN, do_lock_plain_and_unlock, A);
	actor_block(PLAIN_2, do_lock_plain_and_unlock, B);
	for (int i = 0; i < 2; i++)
		actor_begin(&actor[i], do_run, &players[i]);
	assert_returns(actor_end(PLAIN), 0);
	assert_returns(actor_end(PLAIN_2), 0);
	for (int i = 0; i < 2; i++) {
		assert_returns(actor_end(&actor[i]), 0);
		must(actor_call(&actor[i], do_player_fini, &players[i]));
	}
}

/*
 * Populations: each kind in turn is the victim, which does some transactions while all others
 * loop as fast as they can.  A victim that starves never ends.
 */
#define NUM_MUTEXES 4
#define NUM_PLAYERS 10
#define NUM_RUNS    200

static uint32_t victims_done; /* (a) */
static unsigned int counters[NUM_MUTEXES];

static void count(struct wwr_mutex *member, void *arg)
{
	(void)arg;
	counters[member - mutex]++;
}

static int do_play(struct actor *self, void *arg)
{
	struct player *player = arg;
	int ret = 0;

	(void)self;
	player->num_done = 0;
	player->party.work = count;
	while (ret == 0) {
		struct wwr_mutex *wanted[3];

		if (player->num_runs != 0 && player->num_done == player->num_runs)
			break;
		if (player->num_runs == 0 && wwr_atomic_load(&victims_done, WWR_RELAXED) != 0)
			break;
		party_choose(wanted, 3, mutex, NUM_MUTEXES, &player->random);
		ret = party_run(&player->party, wanted, 3);
		player->num_done += ret == 0;
	}
	return ret;
}

static void play(enum party_kind victim)
{
	unsigned int num_counted = 0, num_locked = 0;

	wwr_atomic_store(&victims_done, 0, WWR_RELAXED);
	for (unsigned int i = 0; i < NUM_PLAYERS; i++) {
		struct player *player = &players[i];

		player->kind = (enum party_kind)(i % PARTY_NUM_KINDS);
		player->num_runs = player->kind == victim ? NUM_RUNS : 0;
		player->random = test_seed() + i;
		must(actor_call(&actor[i], do_player_init, player));
	}
	for (unsigned int i = 0; i < NUM_PLAYERS; i++)
		actor_begin(&actor[i], do_play, &players[i]);
	for (unsigned int i = 0; i < NUM_PLAYERS; i++) {
		if (players[i].kind == victim)
			assert_returns(actor_end(&actor[i]), 0);
	}
	wwr_atomic_store(&victims_done, 1, WWR_RELAXED);
	for (unsigned int i = 0; i < NUM_PLAYERS; i++) {
		if (players[i].kind != victim)
			assert_returns(actor_end(&actor[i]), 0);
		num_locked += 3 * players[i].num_done;
		cr_assert_leq(players[i].party.max_losses, WWR_LOCK_SET_MAX_LOSSES);
		must(actor_call(&actor[i], do_player_fini, &players[i]));
	}
	for (unsigned int i = 0; i < NUM_MUTEXES; i++)
		num_counted += counters[i];
	cr_assert_eq(num_counted, num_locked, "two at once in %s", party_kind_name(victim));
	for (unsigned int i = 0; i < NUM_MUTEXES; i++)
		counters[i] = 0;
}

BOTH_TEST(lockset_deadlock, nobody_starves_in_a_mixed_population)
{
	for (int victim = 0; victim < PARTY_NUM_KINDS; victim++)
		play((enum party_kind)victim);
}

BOTH_TEST(lockset_deadlock, nobody_starves_in_a_mixed_population_with_injection)
{
	wwr_class_set_injection(&main_class, 5, test_seed());
	for (int victim = 0; victim < PARTY_NUM_KINDS; victim++)
		play((enum party_kind)victim);
}

/* Whoever runs this with injection gets it, in every class. */
WOUND_WAIT_TEST(lockset_deadlock, environment_decides_about_injection)
{
	const char *wanted = getenv("WWR_TEST_INJECT");
	uint32_t interval = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 0) : 0;

	cr_assert_eq(main_class.inject_interval, interval);
	cr_assert_eq(other_class.inject_interval, interval);
	cr_assert_eq(wwr_default_class()->inject_interval, interval);
}
