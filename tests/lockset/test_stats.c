/* SPDX-License-Identifier: MIT */
/* Classes, and what classes and sets count. */
#include "tests/lockset/stage.h"

#include "lockset/thread.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static struct wwr_lock_set set;

static struct wwr_class_stats class_stats(struct wwr_class *lock_class)
{
	struct wwr_class_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	wwr_class_get_stats(lock_class, &stats);
	return stats;
}

static struct wwr_lock_set_stats set_stats(void)
{
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(&set, &stats);
	return stats;
}

BOTH_TEST(lockset_class, init_keeps_name_and_algorithm_and_starts_from_nothing)
{
	static const struct wwr_class_stats none;
	struct wwr_class lock_class;
	struct wwr_class_stats stats;

	wwr_class_init(&lock_class, "some name", main_class.algorithm);
	cr_assert_str_eq(lock_class.name, "some name");
	cr_assert_eq(lock_class.algorithm, main_class.algorithm);
	cr_assert_eq(lock_class.stamp, 0);
	stats = class_stats(&lock_class);
	cr_assert_eq(memcmp(&stats, &none, sizeof(none)), 0);
	wwr_class_fini(&lock_class);
}

WOUND_WAIT_TEST(lockset_class, default_class_is_wait_die)
{
	cr_assert_eq(wwr_default_class()->algorithm, WWR_WAIT_DIE);
	cr_assert_eq(wwr_default_class(), wwr_default_class());
	cr_assert_not_null(wwr_default_class()->name);
}

BOTH_TEST(lockset_class, locks_of_every_kind_are_counted)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_trylock(B, &ctx));
	must(wwr_mutex_trylock(C, NULL));
	must(wwr_mutex_lock(D, NULL));
	/* None of these takes a lock. */
	cr_assert_eq(wwr_mutex_lock(A, &ctx), -EALREADY);
	cr_assert_eq(wwr_mutex_trylock(C, &ctx), -EBUSY);
	for (int i = 0; i < 4; i++)
		wwr_mutex_unlock(&mutex[i]);
	wwr_acquire_ctx_fini(&ctx);
	cr_assert_eq(class_stats(&main_class).num_locks, 4);
	cr_assert_eq(class_stats(&main_class).num_contended, 0);
	cr_assert_eq(class_stats(&main_class).num_backoffs, 0);
	cr_assert_eq(class_stats(&main_class).wait_ns, 0);
	cr_assert_eq(class_stats(&other_class).num_locks, 0);
}

BOTH_TEST(lockset_class, counts_of_a_transaction_are_added_at_its_end)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_reinit(&ctx);
	cr_assert_eq(class_stats(&main_class).num_locks, 1);
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
	cr_assert_eq(class_stats(&main_class).num_locks, 2);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_release_all(&set);
	cr_assert_eq(class_stats(&main_class).num_locks, 3);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_class, locks_that_were_waited_for_are_counted_with_their_time)
{
	actors_init_ctx(1, OLDER);
	must(actor_call(HOLDER, do_lock_plain, A));
	actor_block(OLDER, do_lock, A);
	actor_block(PLAIN, do_lock_plain, A);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_end(OLDER));
	must(actor_call(OLDER, do_unlock, A));
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
	must(actor_call(OLDER, do_ctx_reinit, NULL));
	cr_assert_eq(class_stats(&main_class).num_locks, 3);
	cr_assert_eq(class_stats(&main_class).num_contended, 2);
	cr_assert_gt(class_stats(&main_class).wait_ns, 0);
}

/* A wait that gave up has cost its time all the same. */
BOTH_TEST(lockset_class, time_of_waits_that_failed_is_counted)
{
	struct wwr_acquire_ctx ctx;
	uint64_t waited_ns;

	/* This thread counts for the class by now. */
	must(wwr_mutex_lock(A, NULL));
	wwr_mutex_unlock(A);
	must(actor_call(HOLDER, do_lock_plain, A));
	wwr_acquire_ctx_init(&ctx, &main_class);
	cr_assert_eq(wwr_mutex_lock_until(A, &ctx, NULL, from_now_ns(SOON_NS)), -ETIME);
	wwr_acquire_ctx_fini(&ctx);
	waited_ns = class_stats(&main_class).wait_ns;
	cr_assert_gt(waited_ns, 0);
	cr_assert_eq(wwr_mutex_lock_until(A, NULL, NULL, from_now_ns(SOON_NS)), -ETIME);
	cr_assert_gt(class_stats(&main_class).wait_ns, waited_ns);
	cr_assert_eq(class_stats(&main_class).num_contended, 0);
	must(actor_call(HOLDER, do_unlock, A));
}

BOTH_TEST(lockset_class, back_offs_and_fall_backs_are_counted)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	for (int i = 0; i < WWR_LOCK_SET_MAX_LOSSES; i++) {
		must(wwr_lock_set_lock(&set, A));
		cr_assert_eq(wwr_lock_set_lock(&set, B), -EDEADLK);
		cr_assert_eq(wwr_lock_set_lock(&set, B), -EDEADLK);
		wwr_lock_set_release_all(&set);
	}
	wwr_lock_set_fini(&set);
	cr_assert_eq(class_stats(&main_class).num_backoffs, WWR_LOCK_SET_MAX_LOSSES);
	cr_assert_eq(class_stats(&main_class).num_fallbacks, 1);
	cr_assert_eq(class_stats(&main_class).num_injected, 0);
	must(actor_call(HOLDER, do_unlock, B));
}

static int do_lock_many(struct actor *self, void *arg)
{
	(void)self;
	for (int i = 0; i < 1000; i++) {
		must(wwr_mutex_lock(arg, NULL));
		wwr_mutex_unlock(arg);
	}
	return 0;
}

static void *lock_many_and_exit(void *arg)
{
	return (void *)(intptr_t)do_lock_many(NULL, arg);
}

BOTH_TEST(lockset_class, counts_of_all_threads_add_up_also_of_those_that_are_gone)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		actor_begin(&actor[i], do_lock_many, A);
	for (int i = 0; i < 4; i++)
		must(pthread_create(&threads[i], NULL, lock_many_and_exit, A));
	for (int i = 0; i < 4; i++)
		must(actor_end(&actor[i]));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(class_stats(&main_class).num_locks, 8000);
}

/* More classes than a thread has counters for. */
BOTH_TEST(lockset_class, counts_of_many_classes_in_one_thread_are_exact)
{
	struct wwr_class classes[11];
	struct wwr_mutex mutexes[11];

	for (int i = 0; i < 11; i++) {
		wwr_class_init(&classes[i], "one of many", main_class.algorithm);
		wwr_mutex_init(&mutexes[i], &classes[i]);
	}
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 11; i++) {
			for (int j = 0; j <= i; j++) {
				must(wwr_mutex_lock(&mutexes[i], NULL));
				wwr_mutex_unlock(&mutexes[i]);
			}
		}
	}
	for (int i = 0; i < 11; i++)
		cr_assert_eq(class_stats(&classes[i]).num_locks, 20 * (uint64_t)(i + 1));
	for (int i = 0; i < 11; i++)
		wwr_class_fini(&classes[i]);
}

BOTH_TEST(lockset_class, counts_of_contexts_of_many_classes_are_exact)
{
	struct wwr_class classes[7];

	for (int i = 0; i < 7; i++)
		wwr_class_init(&classes[i], "one of many", main_class.algorithm);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 7; i++) {
			struct wwr_acquire_ctx ctx;
			struct wwr_mutex own;

			wwr_mutex_init(&own, &classes[i]);
			wwr_acquire_ctx_init(&ctx, &classes[i]);
			must(wwr_mutex_lock(&own, &ctx));
			wwr_mutex_unlock(&own);
			wwr_acquire_ctx_fini(&ctx);
		}
	}
	for (int i = 0; i < 7; i++) {
		cr_assert_eq(class_stats(&classes[i]).num_locks, 5);
		wwr_class_fini(&classes[i]);
	}
}

BOTH_TEST(lockset_class, fini_makes_threads_forget_so_that_the_memory_may_be_used_again)
{
	static struct wwr_class lock_class;
	struct wwr_mutex own;

	for (int i = 0; i < 3; i++) {
		wwr_class_init(&lock_class, "again", main_class.algorithm);
		wwr_mutex_init(&own, &lock_class);
		cr_assert_eq(class_stats(&lock_class).num_locks, 0);
		must(wwr_mutex_lock(&own, NULL));
		wwr_mutex_unlock(&own);
		must(actor_call(PLAIN, do_lock_plain, &own));
		must(actor_call(PLAIN, do_unlock, &own));
		cr_assert_eq(class_stats(&lock_class).num_locks, 2);
		wwr_class_fini(&lock_class);
	}
}

/*
 * On the hot path statistics touch no memory that threads share: of the class a transaction changes
 * the stamp, which has a cache line of its own, and what a thread counts is in lines of its own.
 */
BOTH_TEST(lockset_class, locking_changes_nothing_of_the_class_but_the_stamp)
{
	struct wwr_class before;
	uint64_t stamp;

	without_injection();
	/* The thread has counters for the class from its first transaction on. */
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_release_all(&set);
	stamp = main_class.stamp;
	memcpy(&before, &main_class, sizeof(before));
	for (int i = 0; i < 10; i++) {
		must(wwr_lock_set_lock(&set, A));
		must(wwr_lock_set_lock(&set, B));
		wwr_lock_set_release_all(&set);
		must(wwr_mutex_lock(C, NULL));
		must(wwr_mutex_trylock(D, NULL));
		wwr_mutex_unlock(C);
		wwr_mutex_unlock(D);
	}
	cr_assert_eq(main_class.stamp, stamp + 10);
	before.stamp = main_class.stamp;
	cr_assert_arr_eq(&before, &main_class, sizeof(before));
	wwr_lock_set_fini(&set);
	cr_assert_eq(class_stats(&main_class).num_locks, 41);
}

static int do_get_record(struct actor *self, void *arg)
{
	(void)self;
	*(const struct wwr_thread **)arg = thread_self();
	return 0;
}

BOTH_TEST(lockset_class, what_threads_write_often_shares_no_cache_line)
{
	const struct wwr_thread *records[3];

	cr_assert_eq(offsetof(struct wwr_class, stamp) % WWR_CACHE_LINE, 0);
	cr_assert_eq(sizeof(struct wwr_class) % WWR_CACHE_LINE, 0);
	cr_assert_eq(sizeof(struct wwr_thread) % WWR_CACHE_LINE, 0);
	for (int i = 0; i < 3; i++) {
		(void)actor_call(&actor[i], do_get_record, &records[i]);
		cr_assert_eq((uintptr_t)records[i] % WWR_CACHE_LINE, 0);
		for (int j = 0; j < i; j++)
			cr_assert_neq(records[i], records[j]);
	}
}

BOTH_TEST(lockset_set_stats, count_over_the_sets_life_and_over_its_transaction)
{
	without_injection();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_lock(&set, A));
	must(wwr_lock_set_trylock(&set, C));
	cr_assert_eq(set_stats().num_locks, 2);
	cr_assert_null(set_stats().last_contended);
	cr_assert_eq(wwr_lock_set_lock(&set, B), -EDEADLK);
	cr_assert_eq(set_stats().last_contended, B);
	must(actor_call(HOLDER, do_unlock, B));
	must(wwr_lock_set_back_off(&set));
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(set_stats().num_locks, 4);
	cr_assert_eq(set_stats().num_backoffs, 1);
	cr_assert_eq(set_stats().retries, 1);
	cr_assert_eq(set_stats().losses, 1);
	cr_assert_eq(set_stats().restarts, 0);
	wwr_lock_set_release_all(&set);
	/* Of the transaction that has ended, until the next one begins. */
	cr_assert_eq(set_stats().num_locks, 4);
	cr_assert_eq(set_stats().retries, 1);
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(set_stats().num_locks, 5);
	cr_assert_eq(set_stats().num_backoffs, 1);
	cr_assert_eq(set_stats().retries, 0);
	cr_assert_eq(set_stats().losses, 0);
	cr_assert_null(set_stats().last_contended);
	wwr_lock_set_fini(&set);
	cr_assert_eq(class_stats(&main_class).num_locks, 6);
	cr_assert_eq(class_stats(&main_class).num_backoffs, 1);
}

BOTH_TEST(lockset_set_stats, time_of_waits_is_counted_over_the_sets_life)
{
	struct wwr_lock_set_options options = {.deadline_ns = from_now_ns(SOON_NS)};
	uint64_t waited_ns;

	/* This thread counts for the class by now. */
	must(wwr_mutex_lock(A, NULL));
	wwr_mutex_unlock(A);
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_init(&set, &main_class, &options));
	cr_assert_eq(wwr_lock_set_lock(&set, B), -ETIME);
	waited_ns = set_stats().wait_ns;
	cr_assert_gt(waited_ns, 0);
	/* A transaction without a lock, ended; and the next one. */
	wwr_lock_set_release_all(&set);
	cr_assert_eq(set_stats().wait_ns, waited_ns);
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(set_stats().wait_ns, waited_ns);
	wwr_lock_set_fini(&set);
	cr_assert_eq(class_stats(&main_class).wait_ns, waited_ns);
	must(actor_call(HOLDER, do_unlock, B));
}
