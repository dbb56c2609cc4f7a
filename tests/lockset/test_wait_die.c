/* SPDX-License-Identifier: MIT */
/*
 * Wait-die: one that holds locks gives way to an older classic one that owns what it wants or waits
 * for it too.  A set of the default policy kills nobody.
 */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_lock_set_options classic = {.flags = WWR_LOCK_SET_CLASSIC};

WAIT_DIE_TEST(lockset_wait_die, younger_holder_dies_at_once_for_an_older_owner)
{
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	cr_assert_eq(actor_num_sleeps(YOUNGER), 0);
	/* It lost nothing by that. */
	cr_assert(wwr_mutex_is_owned_by(B, &YOUNGER->ctx));
}

WAIT_DIE_TEST(lockset_wait_die, younger_one_that_holds_nothing_waits)
{
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(OLDER, do_unlock, A));
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, older_holder_waits_for_a_younger_owner)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	/* The owner is not disturbed: it may wait for a plain lock. */
	must(actor_call(HOLDER, do_lock_plain, D));
	actor_block(YOUNGER, do_lock, D);
	must(actor_call(HOLDER, do_unlock, D));
	assert_returns(actor_end(YOUNGER), 0);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, holder_waits_for_a_plain_owner)
{
	without_injection();
	actors_init_ctx(1, YOUNGER);
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, dead_one_waits_with_nothing_held_and_gets_it)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	must(actor_call(YOUNGER, do_unlock, B));
	actor_block(YOUNGER, do_lock_slow, A);
	must(actor_call(OLDER, do_unlock, A));
	must(actor_end(YOUNGER));
	assert_returns(actor_call(YOUNGER, do_lock, B), 0);
}

WAIT_DIE_TEST(lockset_wait_die, younger_holder_dies_for_an_older_one_queued_ahead)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(OLDER, do_lock, A);
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, older_holder_does_not_die_for_a_younger_one_in_the_queue)
{
	without_injection();
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_unlock_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, new_older_waiter_makes_queued_younger_holder_die)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, new_older_waiter_reaches_a_sleeper_with_a_token)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock_interruptible, A);
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, new_older_waiter_reaches_behind_a_plain_one)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(PLAIN, do_lock_plain, A);
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, new_waiter_lets_younger_ones_that_hold_nothing_wait)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_end(OLDER));
	must(actor_call(OLDER, do_unlock, A));
	assert_returns(actor_end(YOUNGER), 0);
	cr_assert_eq(actor_num_sleeps(YOUNGER), 1);
}

WAIT_DIE_TEST(lockset_wait_die, new_younger_waiter_lets_an_older_holder_wait)
{
	without_injection();
	must(actor_call(HOLDER, do_lock_plain, A));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	cr_assert_eq(actor_num_sleeps(OLDER), 1);
	must(actor_call(OLDER, do_unlock_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
}

/*
 * A new owner, by any path, makes every younger waiter that holds die, also behind a plain one.
 * The main thread has A; PLAIN is first in the queue and held back, YOUNGER waits with B.
 */
static void younger_waits_for_a_behind_plain(void)
{
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	actor_block(YOUNGER, do_lock, A);
}

static void plain_takes_a(void)
{
	actor_let_go(PLAIN);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
}

WAIT_DIE_TEST(lockset_wait_die, new_older_owner_that_barges_makes_younger_holders_die)
{
	younger_waits_for_a_behind_plain();
	wwr_mutex_unlock(A);
	must(actor_call(OLDER, do_lock, A));
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(OLDER, do_unlock, A));
	plain_takes_a();
}

WAIT_DIE_TEST(lockset_wait_die, new_older_owner_by_trylock_makes_younger_holders_die)
{
	younger_waits_for_a_behind_plain();
	wwr_mutex_unlock(A);
	must(actor_call(OLDER, do_trylock, A));
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(OLDER, do_unlock, A));
	plain_takes_a();
}

WAIT_DIE_TEST(lockset_wait_die, new_younger_owner_lets_older_holders_wait)
{
	without_injection();
	younger_waits_for_a_behind_plain();
	actors_init_ctx(1, YOUNGEST);
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGEST, do_lock, A));
	must(actor_call(YOUNGEST, do_unlock, A));
	plain_takes_a();
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, new_plain_owner_lets_holders_wait)
{
	without_injection();
	younger_waits_for_a_behind_plain();
	wwr_mutex_unlock(A);
	plain_takes_a();
	assert_returns(actor_end(YOUNGER), 0);
}

/* The check is made anew after each wake-up: the owner is another one by then. */
WAIT_DIE_TEST(lockset_wait_die, woken_holder_dies_for_the_new_older_owner)
{
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_hold_back(YOUNGER);
	wwr_mutex_unlock(A);
	must(actor_call(OLDER, do_lock, A));
	actor_let_go(YOUNGER);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
}

WAIT_DIE_TEST(lockset_wait_die, hand_off_to_a_holder_is_taken)
{
	without_injection();
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_hold_back(YOUNGER);
	for (int i = 0; i < 4; i++) {
		wwr_mutex_unlock(A);
		must(wwr_mutex_trylock(A, NULL));
	}
	wwr_mutex_unlock(A);
	actor_let_go(YOUNGER);
	assert_returns(actor_end(YOUNGER), 0);
}

/* A set of the default policy kills nobody, whether it owns, is queued, comes or takes. */
WAIT_DIE_TEST(lockset_wait_die, holder_waits_for_an_older_default_owner)
{
	without_injection();
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(OLDER, do_set_lock, A));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_wait_die, holder_waits_behind_an_older_default_waiter)
{
	without_injection();
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDER, do_set_init, NULL));
	actors_init_ctx(1, YOUNGER);
	actor_block(OLDER, do_set_lock, A);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
	/* Not even woken to look. */
	cr_assert_eq(actor_num_sleeps(YOUNGER), 1);
}

WAIT_DIE_TEST(lockset_wait_die, new_default_waiter_lets_younger_holders_wait)
{
	without_injection();
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDER, do_set_init, NULL));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_set_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
	cr_assert_eq(actor_num_sleeps(YOUNGER), 1);
}

WAIT_DIE_TEST(lockset_wait_die, new_default_owner_lets_younger_holders_wait)
{
	without_injection();
	must(actor_call(OLDEST, do_set_init, NULL));
	younger_waits_for_a_behind_plain();
	wwr_mutex_unlock(A);
	must(actor_call(OLDEST, do_set_lock, A));
	must(actor_call(OLDEST, do_set_release_all, NULL));
	plain_takes_a();
	assert_returns(actor_end(YOUNGER), 0);
}

/* A classic set does kill. */
WAIT_DIE_TEST(lockset_wait_die, holder_dies_for_an_older_classic_set)
{
	must(actor_call(OLDER, do_set_init, &classic));
	must(actor_call(OLDER, do_set_lock, A));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	must(actor_call(OLDER, do_set_release_all, NULL));
}

WAIT_DIE_TEST(lockset_wait_die, holder_dies_behind_an_older_classic_waiter)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDER, do_set_init, &classic));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_set_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
}

/* And one that stands behind a default one is still seen. */
WAIT_DIE_TEST(lockset_wait_die, holder_dies_for_a_classic_waiter_among_default_ones)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDEST, do_set_init, NULL));
	must(actor_call(OLDER, do_set_init, &classic));
	must(actor_call(YOUNGER, do_set_init, NULL));
	actors_init_ctx(1, YOUNGEST);
	actor_block(OLDEST, do_set_lock, A);
	actor_block(OLDER, do_set_lock, A);
	actor_block(YOUNGER, do_set_lock, A);
	must(actor_call(YOUNGEST, do_lock, B));
	assert_returns(actor_call(YOUNGEST, do_lock, A), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDEST), 0);
	must(actor_call(OLDEST, do_set_release_all, NULL));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
	must(actor_call(YOUNGER, do_set_release_all, NULL));
}
