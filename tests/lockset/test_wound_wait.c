/* SPDX-License-Identifier: MIT */
/*
 * Wound-wait: an older one that holds locks wounds the owner of what it wants, and a wounded one
 * gives way when it blocks.  HOLDER has D, which is what others block on.
 */
#include "tests/lockset/stage.h"

#include <errno.h>

static void holder_takes_d(void)
{
	must(actor_call(HOLDER, do_lock_plain, D));
}

static void holder_gives_d(void)
{
	must(actor_call(HOLDER, do_unlock, D));
}

/* It does not give way: it sleeps for D, and gets it. */
static void assert_not_wounded(struct actor *self)
{
	actor_block(self, do_lock, D);
	holder_gives_d();
	assert_returns(actor_end(self), 0);
}

/* It gives way as soon as it would block. */
static void assert_wounded(struct actor *self)
{
	assert_returns(actor_call(self, do_lock, D), -EDEADLK);
	holder_gives_d();
}

WOUND_WAIT_TEST(lockset_wound_wait, older_holder_wounds_the_younger_owner)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	assert_wounded(YOUNGER);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, older_one_that_holds_nothing_wounds_nobody)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(OLDER, do_lock, A);
	assert_not_wounded(YOUNGER);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, younger_holder_wounds_nobody_and_waits)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	assert_not_wounded(OLDER);
	must(actor_call(OLDER, do_unlock_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, wounded_sleeper_is_woken_and_gives_way)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(YOUNGER, do_lock, D);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	holder_gives_d();
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

/* The sleeper may be asleep on a token; the wound finds it there. */
WOUND_WAIT_TEST(lockset_wound_wait, wounded_sleeper_with_a_token_is_woken)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(YOUNGER, do_lock_interruptible, D);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	holder_gives_d();
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, wounded_sleeper_that_gets_its_mutex_does_not_give_way)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(YOUNGER, do_lock, D);
	actor_hold_back(YOUNGER);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	holder_gives_d();
	actor_let_go(YOUNGER);
	assert_returns(actor_end(YOUNGER), 0);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, wounded_one_takes_free_mutexes_and_commits)
{
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_call(YOUNGER, do_lock, C), 0);
	assert_returns(actor_call(YOUNGER, do_lock, A), -EALREADY);
	assert_returns(actor_call(YOUNGER, do_trylock, D), 0);
	must(actor_call(YOUNGER, do_ctx_done, NULL));
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

/* The first-lock exemption: nobody who holds nothing gives way. */
WOUND_WAIT_TEST(lockset_wound_wait, wound_is_forgotten_once_nothing_is_held)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	must(actor_call(YOUNGER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	/* Neither with nothing held ... */
	actor_block(YOUNGER, do_lock, D);
	holder_gives_d();
	assert_returns(actor_end(YOUNGER), 0);
	/* ... nor with new locks. */
	must(actor_call(HOLDER, do_lock_plain, C));
	actor_block(YOUNGER, do_lock, C);
	must(actor_call(HOLDER, do_unlock, C));
	assert_returns(actor_end(YOUNGER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, wound_lasts_while_anything_is_held)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, C));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	must(actor_call(YOUNGER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	assert_wounded(YOUNGER);
}

WOUND_WAIT_TEST(lockset_wound_wait, retry_after_a_wound_may_wait_again)
{
	holder_takes_d();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	assert_returns(actor_call(YOUNGER, do_lock, D), -EDEADLK);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
	actor_block(YOUNGER, do_lock_slow, D);
	holder_gives_d();
	must(actor_end(YOUNGER));
	/* Holding D, it waits for the older one's lock and is not told to give way. */
	actor_block(YOUNGER, do_lock, A);
	must(actor_call(OLDER, do_unlock_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, plain_owner_is_nobody_to_wound)
{
	actors_init_ctx(1, OLDER);
	must(actor_call(PLAIN, do_lock_plain, A));
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	must(actor_call(PLAIN, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, classic_set_that_holds_wounds_the_owner)
{
	struct wwr_lock_set_options classic = {.flags = WWR_LOCK_SET_CLASSIC};

	holder_takes_d();
	must(actor_call(OLDER, do_set_init, &classic));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_set_lock, B));
	actor_block(OLDER, do_set_lock, A);
	assert_wounded(YOUNGER);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

/*
 * A new owner, by any path, is wounded by any older waiter that holds.  The main thread holds A
 * first; OLDER, with B, waits for it and is held back, so that another one can take it.
 */
static void older_waits_for_a(void)
{
	holder_takes_d();
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(3, OLDEST, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	actor_hold_back(OLDER);
}

static void younger_lets_older_have_a(void)
{
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	actor_let_go(OLDER);
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_that_barges_is_wounded)
{
	older_waits_for_a();
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_lock, A));
	assert_wounded(YOUNGER);
	younger_lets_older_have_a();
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_by_trylock_is_wounded)
{
	older_waits_for_a();
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_trylock, A));
	assert_wounded(YOUNGER);
	younger_lets_older_have_a();
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_that_waited_behind_is_wounded)
{
	older_waits_for_a();
	actor_block(YOUNGER, do_lock_interruptible, A);
	wwr_mutex_unlock(A);
	/* Woken by the interrupt it finds A free. */
	wwr_interrupt(&YOUNGER->token);
	must(actor_end(YOUNGER));
	assert_wounded(YOUNGER);
	younger_lets_older_have_a();
}

/* Not only the first waiter counts: an older one that holds nothing stands before it. */
WOUND_WAIT_TEST(lockset_wound_wait, new_owner_is_wounded_by_a_waiter_that_is_not_first)
{
	older_waits_for_a();
	actor_block(OLDEST, do_lock, A);
	actor_hold_back(OLDEST);
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_lock, A));
	assert_wounded(YOUNGER);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	actor_let_go(OLDEST);
	must(actor_end(OLDEST));
	must(actor_call(OLDEST, do_unlock, A));
	actor_let_go(OLDER);
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_is_wounded_behind_a_plain_waiter)
{
	holder_takes_d();
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_lock, A));
	assert_wounded(YOUNGER);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	actor_let_go(PLAIN);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_is_not_wounded_by_waiters_that_hold_nothing)
{
	holder_takes_d();
	must(wwr_mutex_lock(A, NULL));
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(OLDER, do_lock, A);
	actor_hold_back(OLDER);
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_lock, A));
	assert_not_wounded(YOUNGER);
	younger_lets_older_have_a();
}

WOUND_WAIT_TEST(lockset_wound_wait, new_owner_older_than_all_waiters_is_not_wounded)
{
	older_waits_for_a();
	wwr_mutex_unlock(A);
	must(actor_call(OLDEST, do_lock, A));
	assert_not_wounded(OLDEST);
	must(actor_call(OLDEST, do_unlock_all, NULL));
	actor_let_go(OLDER);
	assert_returns(actor_end(OLDER), 0);
}

/* The owner changes under a sleeping older waiter: no sleep on a new owner that is not wounded. */
WOUND_WAIT_TEST(lockset_wound_wait, each_new_owner_is_wounded_anew)
{
	older_waits_for_a();
	actors_init_ctx(1, YOUNGEST);
	wwr_mutex_unlock(A);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(YOUNGER, do_unlock, A));
	must(actor_call(YOUNGEST, do_lock, A));
	assert_returns(actor_call(YOUNGEST, do_lock, D), -EDEADLK);
	must(actor_call(YOUNGEST, do_unlock_all, NULL));
	must(actor_call(YOUNGER, do_lock, A));
	assert_wounded(YOUNGER);
	younger_lets_older_have_a();
}
