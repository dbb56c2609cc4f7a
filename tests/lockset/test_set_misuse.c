/* SPDX-License-Identifier: MIT */
/* What a program must not do with a lock set: each stops in every build, with the rule named. */
#include "tests/lockset/stage.h"

#include <errno.h>

/* Not on the stack: see test_misuse.c. */
static struct wwr_lock_set set;

static void begin(void)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
}

static void begin_contended(void)
{
	begin();
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_lock(&set, B) != -EDEADLK);
}

static int acquire_none(struct wwr_lock_set *locks, void *arg)
{
	(void)locks;
	(void)arg;
	return 0;
}

static int run_another(struct wwr_lock_set *locks, void *arg)
{
	return wwr_lock_set_lock_all(locks, acquire_none, acquire_none, arg);
}

static int loop_once_more(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	wwr_lock_set_until_all_locked (locks) {
	}
	return 0;
}

static int end_phase(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	wwr_lock_set_done(locks);
	return 0;
}

static int release_early(struct wwr_lock_set *locks, void *arg)
{
	int ret = wwr_lock_set_lock(locks, A);

	(void)arg;
	wwr_lock_set_release_all(locks);
	return ret;
}

static int fini_early(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	wwr_lock_set_fini(locks);
	return 0;
}

static int lock_c(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	return wwr_lock_set_lock(locks, C);
}

MISUSE_TEST(lockset_set_misuse, back_off_with_nothing_contended_aborts, "has no contended lock")
{
	begin();
	(void)!wwr_lock_set_back_off(&set);
}

MISUSE_TEST(lockset_set_misuse, back_off_twice_aborts, "has no contended lock")
{
	begin_contended();
	must(actor_call(HOLDER, do_unlock, B));
	must(wwr_lock_set_back_off(&set));
	(void)!wwr_lock_set_back_off(&set);
}

MISUSE_TEST(lockset_set_misuse, back_off_after_release_all_aborts, "has no contended lock")
{
	begin_contended();
	wwr_lock_set_release_all(&set);
	(void)!wwr_lock_set_back_off(&set);
}

MISUSE_TEST(lockset_set_misuse, unlock_of_a_free_mutex_aborts, "wwr_lock_set_unlock: set")
{
	begin();
	wwr_lock_set_unlock(&set, B);
}

MISUSE_TEST(lockset_set_misuse, unlock_twice_aborts, "does not hold mutex")
{
	begin();
	wwr_lock_set_unlock(&set, A);
	wwr_lock_set_unlock(&set, A);
}

MISUSE_TEST(lockset_set_misuse, unlock_of_the_contended_mutex_aborts, "does not hold mutex")
{
	begin_contended();
	wwr_lock_set_unlock(&set, B);
}

MISUSE_TEST(lockset_set_misuse, unlock_of_a_lock_outside_the_set_aborts, "does not hold mutex")
{
	begin();
	must(wwr_mutex_trylock(C, NULL));
	wwr_lock_set_unlock(&set, C);
}

MISUSE_TEST(lockset_set_misuse, unlock_of_a_member_without_the_set_aborts,
	    "is a member of lock set")
{
	begin();
	wwr_mutex_unlock(A);
}

/* What back_off kept is a member, too. */
MISUSE_TEST(lockset_set_misuse, unlock_of_the_kept_lock_aborts, "is a member of lock set")
{
	begin_contended();
	must(actor_call(HOLDER, do_unlock, B));
	must(wwr_lock_set_back_off(&set));
	wwr_mutex_unlock(B);
}

MISUSE_TEST(lockset_set_misuse, mutex_made_anew_while_held_aborts,
	    "is to be unlocked by who does not hold it")
{
	begin();
	wwr_mutex_init(A, &main_class);
	wwr_lock_set_fini(&set);
}

static struct wwr_acquire_ctx lent;

static void lend(void)
{
	wwr_acquire_ctx_init(&lent, &main_class);
	must(wwr_lock_set_init_with_ctx(&set, &lent, NULL));
}

MISUSE_TEST(lockset_set_misuse, lock_with_a_lent_context_aborts, "wwr_mutex_lock: acquire context")
{
	lend();
	(void)!wwr_mutex_lock(A, &lent);
}

MISUSE_TEST(lockset_set_misuse, lock_until_with_a_lent_context_aborts, "is lent to lock set")
{
	lend();
	(void)!wwr_mutex_lock_until(A, &lent, NULL, INT64_MAX);
}

MISUSE_TEST(lockset_set_misuse, trylock_with_a_lent_context_aborts, "is lent to lock set")
{
	lend();
	(void)!wwr_mutex_trylock(A, &lent);
}

MISUSE_TEST(lockset_set_misuse, lock_slow_with_a_lent_context_aborts,
	    "wwr_mutex_lock_slow: acquire context")
{
	lend();
	must(wwr_lock_set_lock(&set, A));
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_lock(&set, B) != -EDEADLK);
	wwr_mutex_lock_slow(B, &lent);
}

MISUSE_TEST(lockset_set_misuse, reinit_of_a_lent_context_aborts, "is lent to lock set")
{
	lend();
	wwr_acquire_ctx_reinit(&lent);
}

MISUSE_TEST(lockset_set_misuse, done_of_a_lent_context_aborts, "is lent to lock set")
{
	lend();
	wwr_acquire_ctx_done(&lent);
}

MISUSE_TEST(lockset_set_misuse, fini_of_a_lent_context_aborts, "is lent to lock set")
{
	lend();
	wwr_acquire_ctx_fini(&lent);
}

MISUSE_TEST(lockset_set_misuse, second_set_with_a_lent_context_aborts, "is lent to lock set")
{
	static struct wwr_lock_set second;

	lend();
	(void)!wwr_lock_set_init_with_ctx(&second, &lent, NULL);
}

MISUSE_TEST(lockset_set_misuse, done_twice_aborts, "is done already")
{
	begin();
	wwr_lock_set_done(&set);
	wwr_lock_set_done(&set);
}

MISUSE_TEST(lockset_set_misuse, done_in_locked_aborts, "is done already")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, acquire_none, end_phase, NULL);
}

MISUSE_TEST(lockset_set_misuse, done_with_a_contended_lock_aborts,
	    "has a contended lock to back off to")
{
	begin_contended();
	wwr_lock_set_done(&set);
}

MISUSE_TEST(lockset_set_misuse, lock_all_with_locks_held_aborts, "wwr_lock_set_lock_all: set")
{
	begin();
	(void)!wwr_lock_set_lock_all(&set, acquire_none, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, loop_with_locks_held_aborts, "holds locks already")
{
	begin();
	(void)loop_once_more(&set, NULL);
}

MISUSE_TEST(lockset_set_misuse, loop_after_a_loop_without_release_all_aborts, "holds locks already")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	wwr_lock_set_until_all_locked (&set)
		must(wwr_lock_set_lock(&set, A));
	(void)loop_once_more(&set, NULL);
}

MISUSE_TEST(lockset_set_misuse, lock_all_with_a_contended_lock_aborts,
	    "has a contended lock to back off to")
{
	begin_contended();
	wwr_lock_set_unlock(&set, A);
	(void)!wwr_lock_set_lock_all(&set, acquire_none, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, lock_all_in_acquire_aborts, "runs another transaction")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, run_another, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, lock_all_in_locked_aborts, "runs another transaction")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, lock_c, run_another, NULL);
}

MISUSE_TEST(lockset_set_misuse, loop_in_acquire_aborts, "wwr_lock_set_until_all_locked: set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, loop_once_more, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, loop_in_a_loop_aborts, "runs another transaction")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	wwr_lock_set_until_all_locked (&set)
		(void)loop_once_more(&set, NULL);
}

/* It would end the transaction, and what acquire locks next would have a new stamp. */
MISUSE_TEST(lockset_set_misuse, release_all_in_acquire_aborts, "wwr_lock_set_release_all: set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, release_early, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, release_all_in_locked_aborts,
	    "is inside wwr_lock_set_lock_all, which releases everything itself")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, acquire_none, release_early, NULL);
}

static int give_up(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	must(wwr_lock_set_lock(locks, A));
	must(wwr_lock_set_lock(locks, B) != -EDEADLK);
	wwr_lock_set_release_all(locks);
	return -EDEADLK;
}

MISUSE_TEST(lockset_set_misuse, release_all_of_a_contended_lock_in_acquire_aborts,
	    "wwr_lock_set_release_all: set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	(void)!wwr_lock_set_lock_all(&set, give_up, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, fini_in_acquire_aborts, "wwr_lock_set_fini: set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, fini_early, acquire_none, NULL);
}

MISUSE_TEST(lockset_set_misuse, fini_in_locked_aborts, "wwr_lock_set_fini: set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)!wwr_lock_set_lock_all(&set, acquire_none, fini_early, NULL);
}

/* 0 would say that everything is held. */
MISUSE_TEST(lockset_set_misuse, loop_that_goes_on_after_release_all_aborts,
	    "wwr_lock_set_until_all_locked: the body released all of set")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	wwr_lock_set_until_all_locked (&set)
		(void)release_early(&set, NULL);
}

MISUSE_TEST(lockset_set_misuse, loop_that_locks_on_after_release_all_aborts,
	    "did not leave the loop")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	wwr_lock_set_until_all_locked (&set) {
		(void)release_early(&set, NULL);
		(void)lock_c(&set, NULL);
	}
}

MISUSE_TEST(lockset_set_misuse, loop_that_goes_on_after_giving_up_aborts, "did not leave the loop")
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	wwr_lock_set_until_all_locked (&set)
		(void)give_up(&set, NULL);
}

static void *init_and_exit(void *arg)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	return arg;
}

MISUSE_TEST(lockset_set_misuse, thread_exit_with_a_live_set_aborts,
	    "exits with a live acquire context")
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, init_and_exit, NULL));
	pthread_join(thread, NULL);
}
