/* SPDX-License-Identifier: MIT */
/*
 * The one-thread rule: while a thread holds a lock of a class it may block on a mutex of that class
 * only through the one context that holds them all, and not at all with a plain lock among them.
 *
 * HOLDER has B, which is what the thread would block on.
 */
#include "tests/lockset/stage.h"

#include <wwresv/sys/debug.h>

#include <errno.h>

#define RULE "would block while it holds a lock of class main"

static struct wwr_acquire_ctx ctx;
static struct wwr_acquire_ctx second;
static struct wwr_lock_set set;

static void holder_takes_b(void)
{
	must(actor_call(HOLDER, do_lock_plain, B));
}

static void holder_gives_b(void)
{
	must(actor_call(HOLDER, do_unlock, B));
}

/* The calling thread holds A in one of three ways. */
static void hold_a_plain(void)
{
	holder_takes_b();
	must(wwr_mutex_lock(A, NULL));
}

static void hold_a_by_ctx(void)
{
	holder_takes_b();
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
}

static void hold_a_by_set(void)
{
	holder_takes_b();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
}

MISUSE_TEST(lockset_one_thread, plain_lock_while_a_plain_lock_is_held_aborts, RULE)
{
	hold_a_plain();
	(void)!wwr_mutex_lock(B, NULL);
}

MISUSE_TEST(lockset_one_thread, plain_lock_while_a_context_holds_aborts, RULE)
{
	hold_a_by_ctx();
	(void)!wwr_mutex_lock(B, NULL);
}

MISUSE_TEST(lockset_one_thread, plain_lock_inside_a_set_aborts, RULE)
{
	hold_a_by_set();
	(void)!wwr_mutex_lock(B, NULL);
}

MISUSE_TEST(lockset_one_thread, plain_lock_of_the_own_plain_lock_aborts, RULE)
{
	hold_a_plain();
	(void)!wwr_mutex_lock(A, NULL);
}

MISUSE_TEST(lockset_one_thread, plain_lock_interruptible_aborts, RULE)
{
	hold_a_plain();
	(void)!wwr_mutex_lock_interruptible(B, NULL, NULL);
}

MISUSE_TEST(lockset_one_thread, plain_lock_with_a_deadline_aborts, RULE)
{
	hold_a_plain();
	(void)!wwr_mutex_lock_until(B, NULL, NULL, from_now_ns(SOON_NS));
}

MISUSE_TEST(lockset_one_thread, first_lock_of_a_context_while_a_plain_lock_is_held_aborts, RULE)
{
	hold_a_plain();
	wwr_acquire_ctx_init(&ctx, &main_class);
	(void)!wwr_mutex_lock(B, &ctx);
}

MISUSE_TEST(lockset_one_thread, first_lock_of_a_second_context_aborts, RULE)
{
	hold_a_by_ctx();
	wwr_acquire_ctx_init(&second, &main_class);
	(void)!wwr_mutex_lock(B, &second);
}

MISUSE_TEST(lockset_one_thread, first_lock_of_a_context_inside_a_set_aborts, RULE)
{
	hold_a_by_set();
	wwr_acquire_ctx_init(&ctx, &main_class);
	(void)!wwr_mutex_lock(B, &ctx);
}

MISUSE_TEST(lockset_one_thread, second_context_that_wants_the_first_ones_lock_aborts, RULE)
{
	hold_a_by_ctx();
	wwr_acquire_ctx_init(&second, &main_class);
	(void)!wwr_mutex_lock(A, &second);
}

MISUSE_TEST(lockset_one_thread, lock_of_a_context_that_holds_with_a_plain_lock_besides_aborts, RULE)
{
	hold_a_by_ctx();
	must(wwr_mutex_trylock(C, NULL));
	(void)!wwr_mutex_lock(B, &ctx);
}

MISUSE_TEST(lockset_one_thread, lock_of_one_of_two_contexts_that_hold_aborts, RULE)
{
	hold_a_by_ctx();
	wwr_acquire_ctx_init(&second, &main_class);
	must(wwr_mutex_trylock(C, &second));
	(void)!wwr_mutex_lock(B, &ctx);
}

/* The context got -EDEADLK for B, holds nothing, and B is taken meanwhile. */
static void back_off_to_b(void)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	holder_takes_b();
}

MISUSE_TEST(lockset_one_thread, lock_slow_while_a_plain_lock_is_held_aborts, RULE)
{
	back_off_to_b();
	must(wwr_mutex_lock(C, NULL));
	wwr_mutex_lock_slow(B, &ctx);
}

MISUSE_TEST(lockset_one_thread, lock_slow_while_another_context_holds_aborts, RULE)
{
	back_off_to_b();
	wwr_acquire_ctx_init(&second, &main_class);
	must(wwr_mutex_lock(C, &second));
	(void)!wwr_mutex_lock_slow_until(B, &ctx, NULL, from_now_ns(SOON_NS));
}

MISUSE_TEST(lockset_one_thread, lock_slow_inside_a_set_aborts, RULE)
{
	back_off_to_b();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, C));
	(void)!wwr_mutex_lock_slow_interruptible(B, &ctx, NULL);
}

BOTH_TEST(lockset_one_thread, set_lock_while_a_plain_lock_is_held_returns_ebusy)
{
	hold_a_plain();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	assert_returns(wwr_lock_set_lock(&set, B), -EBUSY);
	assert_returns(wwr_lock_set_lock(&set, A), -EBUSY);
	assert_returns(wwr_lock_set_status(&set), -EBUSY);
	/* What does not block is free, and no contended lock is remembered. */
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	assert_returns(wwr_lock_set_trylock(&set, B), -EBUSY);
	assert_returns(wwr_lock_set_trylock(&set, D), 0);
	assert_returns(wwr_lock_set_lock(&set, B), -EBUSY);
	cr_assert(wwr_lock_set_holds(&set, C));
	wwr_mutex_unlock(A);
	wwr_lock_set_fini(&set);
	holder_gives_b();
}

BOTH_TEST(lockset_one_thread, set_lock_while_a_context_holds_returns_ebusy)
{
	hold_a_by_ctx();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	assert_returns(wwr_lock_set_lock(&set, B), -EBUSY);
	assert_returns(wwr_lock_set_lock(&set, A), -EBUSY);
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	wwr_lock_set_fini(&set);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
	holder_gives_b();
}

BOTH_TEST(lockset_one_thread, set_lock_inside_another_set_returns_ebusy)
{
	struct wwr_lock_set inner;

	hold_a_by_set();
	must(wwr_lock_set_init(&inner, &main_class, NULL));
	assert_returns(wwr_lock_set_lock(&inner, B), -EBUSY);
	assert_returns(wwr_lock_set_lock(&inner, A), -EBUSY);
	assert_returns(wwr_lock_set_lock(&inner, C), 0);
	/* Now the outer one may not block either. */
	assert_returns(wwr_lock_set_lock(&set, B), -EBUSY);
	wwr_lock_set_fini(&inner);
	wwr_lock_set_fini(&set);
	holder_gives_b();
}

static int acquire_b(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	return wwr_lock_set_lock(locks, B);
}

static int fail_locked(struct wwr_lock_set *locks, void *arg)
{
	(void)locks;
	(void)arg;
	return -EIO;
}

BOTH_TEST(lockset_one_thread, lock_all_while_a_plain_lock_is_held_returns_ebusy)
{
	hold_a_plain();
	must(wwr_lock_set_init(&set, &main_class, NULL));
	assert_returns(wwr_lock_set_lock_all(&set, acquire_b, fail_locked, NULL), -EBUSY);
	wwr_mutex_unlock(A);
	holder_gives_b();
	assert_returns(wwr_lock_set_lock_all(&set, acquire_b, fail_locked, NULL), -EIO);
	wwr_lock_set_fini(&set);
}

/* A set that holds A has lost B, which HOLDER has. */
static void set_loses_b(void)
{
	hold_a_by_set();
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
}

BOTH_TEST(lockset_one_thread, back_off_while_a_plain_lock_is_held_returns_ebusy)
{
	set_loses_b();
	must(wwr_mutex_trylock(C, NULL));
	assert_returns(wwr_lock_set_back_off(&set), -EBUSY);
	/* All is released, the contended lock still known. */
	cr_assert_not(wwr_mutex_is_locked(A));
	assert_returns(wwr_lock_set_lock(&set, A), -EDEADLK);
	wwr_mutex_unlock(C);
	holder_gives_b();
	assert_returns(wwr_lock_set_back_off(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_one_thread, back_off_while_a_context_holds_returns_ebusy)
{
	set_loses_b();
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_trylock(C, &ctx));
	assert_returns(wwr_lock_set_back_off(&set), -EBUSY);
	wwr_mutex_unlock(C);
	wwr_acquire_ctx_fini(&ctx);
	wwr_lock_set_fini(&set);
	holder_gives_b();
}

BOTH_TEST(lockset_one_thread, back_off_to_a_mutex_the_thread_holds_otherwise_returns_ebusy)
{
	set_loses_b();
	holder_gives_b();
	must(wwr_mutex_trylock(B, NULL));
	assert_returns(wwr_lock_set_back_off(&set), -EBUSY);
	wwr_mutex_unlock(B);
	assert_returns(wwr_lock_set_back_off(&set), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_one_thread, what_does_not_block_is_free)
{
	hold_a_plain();
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_init(&second, &main_class);
	assert_returns(wwr_mutex_lock(C, &ctx), 0);
	assert_returns(wwr_mutex_lock(D, &second), 0);
	assert_returns(wwr_mutex_lock(&mutex[4], NULL), 0);
	assert_returns(wwr_mutex_trylock(B, NULL), -EBUSY);
	assert_returns(wwr_mutex_trylock(B, &ctx), -EBUSY);
	assert_returns(wwr_mutex_trylock(B, &second), -EBUSY);
	for (int i = 0; i < 5; i++) {
		if (i != 1)
			wwr_mutex_unlock(&mutex[i]);
	}
	wwr_acquire_ctx_fini(&second);
	wwr_acquire_ctx_fini(&ctx);
	holder_gives_b();
}

/* All locks of the class through one context: it may block. */
BOTH_TEST(lockset_one_thread, the_context_that_holds_all_may_block)
{
	/* Each step is told, so none may be lost by chance. */
	wwr_class_set_injection(&main_class, 0, 0);
	holder_takes_b();
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock, A));
	actor_block(OLDER, do_lock, B);
	holder_gives_b();
	assert_returns(actor_end(OLDER), 0);
}

BOTH_TEST(lockset_one_thread, locks_of_another_class_do_not_count)
{
	holder_takes_b();
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock_plain, &other_mutex));
	actor_block(OLDER, do_lock, B);
	holder_gives_b();
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_unlock, &other_mutex));
}

BOTH_TEST(lockset_one_thread, contexts_of_another_class_do_not_count)
{
	wwr_acquire_ctx_init(&ctx, &other_class);
	must(wwr_mutex_lock(&other_mutex, &ctx));
	holder_takes_b();
	wwr_acquire_ctx_init(&second, &main_class);
	must(wwr_mutex_lock(A, &second));
	/* It may block, and would until its deadline. */
	assert_returns(wwr_mutex_lock_until(B, &second, NULL, 0), -ETIME);
	wwr_mutex_unlock(A);
	assert_returns(wwr_mutex_lock_until(B, NULL, NULL, 0), -ETIME);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&second);
	wwr_mutex_unlock(&other_mutex);
	wwr_acquire_ctx_fini(&ctx);
	holder_gives_b();
}

BOTH_TEST(lockset_one_thread, a_second_context_that_holds_nothing_does_not_count)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_init(&second, &main_class);
	holder_takes_b();
	/* It may block, and would until its deadline. */
	assert_returns(wwr_mutex_lock_until(B, &second, NULL, 0), -ETIME);
	assert_returns(wwr_mutex_lock_until(B, NULL, NULL, 0), -ETIME);
	wwr_acquire_ctx_fini(&second);
	wwr_acquire_ctx_fini(&ctx);
	holder_gives_b();
}
