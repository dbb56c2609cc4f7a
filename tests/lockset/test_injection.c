/* SPDX-License-Identifier: MIT */
/* Injected -EDEADLK: every back-off path without contention. */
#include "tests/lockset/stage.h"

#include <errno.h>
#include <string.h>

static struct wwr_acquire_ctx ctx;
static struct wwr_lock_set set;

BOTH_TEST(lockset_injection, lost_lock_is_dropped_and_contended)
{
	wwr_class_set_injection(&main_class, 1, 0);
	wwr_acquire_ctx_init(&ctx, &main_class);
	/* Never the first one: a context that holds nothing never gets -EDEADLK. */
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	assert_returns(wwr_mutex_lock(B, &ctx), -EDEADLK);
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	cr_assert_not(wwr_mutex_is_locked(B));
	wwr_mutex_unlock(A);
	wwr_mutex_lock_slow(B, &ctx);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_injection, reaches_a_lock_that_was_waited_for)
{
	wwr_class_set_injection(&main_class, 1, 0);
	actors_init_ctx(1, OLDER);
	must(actor_call(HOLDER, do_lock_plain, B));
	must(actor_call(OLDER, do_lock, A));
	actor_block(OLDER, do_lock, B);
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(actor_end(OLDER), -EDEADLK);
	cr_assert_not(wwr_mutex_is_locked(B));
}

BOTH_TEST(lockset_injection, works_without_locks_other_than_the_first)
{
	wwr_class_set_injection(&main_class, 1, 0);
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < 100; i++) {
		assert_returns(wwr_mutex_lock(A, &ctx), 0);
		wwr_mutex_unlock(A);
	}
	wwr_acquire_ctx_fini(&ctx);
}

/* trylock and a plain lock have no part in the back-off protocol. */
BOTH_TEST(lockset_injection, spares_trylock_and_plain_locks)
{
	wwr_class_set_injection(&main_class, 1, 0);
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	for (int i = 1; i < 10; i++)
		assert_returns(wwr_mutex_trylock(&mutex[i], &ctx), 0);
	for (int i = 0; i < 10; i++)
		wwr_mutex_unlock(&mutex[i]);
	wwr_acquire_ctx_fini(&ctx);
	for (int i = 0; i < 10; i++)
		assert_returns(wwr_mutex_lock(&mutex[i], NULL), 0);
	for (int i = 0; i < 10; i++)
		wwr_mutex_unlock(&mutex[i]);
}

BOTH_TEST(lockset_injection, contexts_obey_the_setting_at_their_begin)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_class_set_injection(&main_class, 1, 0);
	must(wwr_mutex_lock(A, &ctx));
	assert_returns(wwr_mutex_lock(B, &ctx), 0);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_reinit(&ctx);
	must(wwr_mutex_lock(A, &ctx));
	assert_returns(wwr_mutex_lock(B, &ctx), -EDEADLK);
	wwr_mutex_unlock(A);
	wwr_class_set_injection(&main_class, 0, 0);
	wwr_acquire_ctx_reinit(&ctx);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		assert_returns(wwr_mutex_lock(&mutex[i], &ctx), 0);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		wwr_mutex_unlock(&mutex[i]);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_injection, setting_is_the_classs_own)
{
	wwr_class_set_injection(&other_class, 1, 0);
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		assert_returns(wwr_mutex_lock(&mutex[i], &ctx), 0);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		wwr_mutex_unlock(&mutex[i]);
	wwr_acquire_ctx_fini(&ctx);
}

/*
 * One transaction that holds A and takes B over and over: after how many locks of B each -EDEADLK
 * came.
 */
static void record_injections(unsigned int *gaps, unsigned int num)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	for (unsigned int i = 0; i < num; i++) {
		gaps[i] = 1;
		while (wwr_lock_set_lock(&set, B) == 0) {
			gaps[i]++;
			wwr_lock_set_unlock(&set, B);
		}
		must(wwr_lock_set_back_off(&set));
		wwr_lock_set_unlock(&set, B);
		must(wwr_lock_set_lock(&set, A));
	}
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_injection, interval_grows_so_that_it_comes_to_an_end)
{
	unsigned int gaps[6];

	wwr_class_set_injection(&main_class, 1, 0);
	record_injections(gaps, 6);
	cr_assert_eq(gaps[0], 1);
	for (int i = 1; i < 6; i++)
		cr_assert_gt(gaps[i], gaps[i - 1], "injection %d after %u locks, then %u", i,
			     gaps[i - 1], gaps[i]);
}

#define NUM_GAPS 16

/* The first injection of each of some transactions of a fresh class. */
static void record_first_injections(unsigned int *gaps, uint64_t seed)
{
	main_class.stamp = 0;
	wwr_class_set_injection(&main_class, 1000, seed);
	for (int i = 0; i < NUM_GAPS; i++)
		record_injections(&gaps[i], 1);
}

BOTH_TEST(lockset_injection, seed_repeats_a_run_and_another_seed_does_not)
{
	unsigned int first[NUM_GAPS], again[NUM_GAPS], other[NUM_GAPS];

	record_first_injections(first, 7);
	record_first_injections(again, 7);
	record_first_injections(other, 8);
	cr_assert_arr_eq(first, again, sizeof(first));
	cr_assert_neq(memcmp(first, other, sizeof(first)), 0);
	for (int i = 0; i < NUM_GAPS; i++)
		cr_assert(first[i] >= 1 && first[i] <= 1000, "after %u locks", first[i]);
	/* It is not always the same one either. */
	cr_assert_neq(memcmp(first, first + 1, sizeof(first) - sizeof(first[0])), 0);
}

BOTH_TEST(lockset_injection, injected_back_offs_are_no_losses)
{
	static const unsigned int num = WWR_LOCK_SET_MAX_LOSSES + 1;
	struct wwr_lock_set_stats stats;
	struct wwr_class_stats class_stats;

	wwr_class_set_injection(&main_class, 1, 0);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	for (unsigned int i = 0; i < num; i++) {
		while (wwr_lock_set_lock(&set, B) == 0)
			wwr_lock_set_unlock(&set, B);
		must(wwr_lock_set_back_off(&set));
		wwr_lock_set_unlock(&set, B);
		must(wwr_lock_set_lock(&set, A));
	}
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.retries, num);
	cr_assert_eq(stats.num_backoffs, num);
	cr_assert_eq(stats.losses, 0);
	cr_assert_eq(stats.restarts, 0);
	cr_assert_not(stats.classic);
	wwr_lock_set_fini(&set);
	wwr_class_get_stats(&main_class, &class_stats);
	cr_assert_eq(class_stats.num_injected, num);
	cr_assert_eq(class_stats.num_fallbacks, 0);
}

/* B is lost by injection, then got: nothing else is held after. */
static void be_injected(void)
{
	while (wwr_lock_set_lock(&set, B) == 0)
		wwr_lock_set_unlock(&set, B);
	must(wwr_lock_set_back_off(&set));
	wwr_lock_set_unlock(&set, B);
	must(wwr_lock_set_lock(&set, A));
}

/* The limit is one of contention; what is injected comes to an end by itself. */
BOTH_TEST(lockset_injection, injected_back_offs_do_not_count_towards_the_retry_limit)
{
	static const struct wwr_lock_set_options options = {.retry_limit = 1};
	struct wwr_lock_set_stats stats;

	wwr_class_set_injection(&main_class, 1, 0);
	must(wwr_lock_set_init(&set, &main_class, &options));
	must(wwr_lock_set_lock(&set, A));
	be_injected();
	be_injected();
	/* One real one is allowed. */
	must(actor_call(HOLDER, do_lock_plain, C));
	assert_returns(wwr_lock_set_lock(&set, C), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, C));
	assert_returns(wwr_lock_set_back_off(&set), 0);
	wwr_lock_set_unlock(&set, C);
	must(wwr_lock_set_lock(&set, A));
	be_injected();
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.retries, 4);
	cr_assert_eq(stats.injected, 3);
	cr_assert_eq(stats.losses, 1);
	must(actor_call(HOLDER, do_lock_plain, C));
	assert_returns(wwr_lock_set_lock(&set, C), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, C));
	assert_returns(wwr_lock_set_back_off(&set), -EAGAIN);
	/* The next transaction counts anew. */
	wwr_lock_set_release_all(&set);
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_release_all(&set);
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.injected, 0);
	wwr_lock_set_fini(&set);
}

static int acquire_all(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++) {
		int ret = wwr_lock_set_lock(locks, &mutex[i]);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int all_held(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++) {
		if (!wwr_lock_set_holds(locks, &mutex[i]))
			return -ENOENT;
	}
	return 0;
}

/* Every transaction commits, whatever the interval. */
BOTH_TEST(lockset_injection, every_set_commits_under_any_interval)
{
	struct wwr_class_stats stats;

	must(wwr_lock_set_init(&set, &main_class, NULL));
	for (uint32_t interval = 1; interval <= 64; interval++) {
		wwr_class_set_injection(&main_class, interval, interval);
		for (int i = 0; i < 10; i++)
			assert_returns(wwr_lock_set_lock_all(&set, acquire_all, all_held, NULL), 0);
	}
	wwr_lock_set_fini(&set);
	wwr_class_get_stats(&main_class, &stats);
	cr_assert_gt(stats.num_injected, 0);
	cr_assert_eq(stats.num_injected, stats.num_backoffs);
}

BOTH_TEST(lockset_injection, every_loop_commits)
{
	unsigned int num_bodies = 0;

	wwr_class_set_injection(&main_class, 1, 0);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	for (int i = 0; i < 10; i++) {
		wwr_lock_set_until_all_locked (&set) {
			num_bodies++;
			(void)!acquire_all(&set, NULL);
		}
		assert_returns(all_held(&set, NULL), 0);
		wwr_lock_set_release_all(&set);
	}
	cr_assert_gt(num_bodies, 10);
	wwr_lock_set_fini(&set);
}
