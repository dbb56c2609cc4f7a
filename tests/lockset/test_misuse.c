/* SPDX-License-Identifier: MIT */
/* What a program must not do: each stops in every build, with the rule named. */
#include "tests/lockset/stage.h"

#include <errno.h>
#include <string.h>

/* On the stack they would be gone before the destructor of a thread that ends looks at them. */
static struct wwr_acquire_ctx ctx;
static struct wwr_acquire_ctx second;

static void begin(void)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
}

/* Like the must() before it: -EDEADLK for B, with A held. */
static void begin_contended(void)
{
	begin();
	lose_b_holding_a(&ctx);
}

MISUSE_TEST(lockset_misuse, fini_of_a_context_with_locks_held_aborts,
	    "wwr_acquire_ctx_fini: context")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	wwr_acquire_ctx_fini(&ctx);
}

MISUSE_TEST(lockset_misuse, fini_after_done_with_locks_held_aborts, "still holds 2 locks")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_trylock(B, &ctx));
	wwr_acquire_ctx_done(&ctx);
	wwr_acquire_ctx_fini(&ctx);
}

MISUSE_TEST(lockset_misuse, reinit_with_locks_held_aborts, "wwr_acquire_ctx_reinit: context")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	wwr_acquire_ctx_reinit(&ctx);
}

MISUSE_TEST(lockset_misuse, reinit_after_edeadlk_with_locks_held_aborts, "still holds 1 locks")
{
	begin_contended();
	wwr_acquire_ctx_reinit(&ctx);
}

MISUSE_TEST(lockset_misuse, init_of_a_live_context_aborts, "has not ended")
{
	struct wwr_acquire_ctx other;

	begin();
	wwr_acquire_ctx_init(&other, &main_class);
	wwr_acquire_ctx_init(&ctx, &main_class);
}

MISUSE_TEST(lockset_misuse, done_twice_aborts, "is done already")
{
	begin();
	wwr_acquire_ctx_done(&ctx);
	wwr_acquire_ctx_done(&ctx);
}

MISUSE_TEST(lockset_misuse, fini_twice_aborts, "is no live acquire context")
{
	begin();
	wwr_acquire_ctx_fini(&ctx);
	wwr_acquire_ctx_fini(&ctx);
}

MISUSE_TEST(lockset_misuse, lock_with_an_ended_context_aborts, "is no live acquire context")
{
	begin();
	wwr_acquire_ctx_fini(&ctx);
	(void)!wwr_mutex_lock(A, &ctx);
}

MISUSE_TEST(lockset_misuse, trylock_with_a_context_never_initialised_aborts,
	    "is no live acquire context")
{
	memset(&ctx, 0, sizeof(ctx));
	(void)!wwr_mutex_trylock(A, &ctx);
}

MISUSE_TEST(lockset_misuse, unlock_of_a_free_mutex_aborts, "is not held by this thread")
{
	wwr_mutex_unlock(A);
}

MISUSE_TEST(lockset_misuse, unlock_twice_aborts, "is not held by this thread")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(A);
}

MISUSE_TEST(lockset_misuse, unlock_twice_of_a_plain_lock_aborts, "is not held by this thread")
{
	must(wwr_mutex_lock(A, NULL));
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(A);
}

MISUSE_TEST(lockset_misuse, unlock_of_anothers_plain_lock_aborts, "is held by another thread")
{
	must(actor_call(HOLDER, do_lock_plain, A));
	wwr_mutex_unlock(A);
}

MISUSE_TEST(lockset_misuse, unlock_of_anothers_lock_aborts, "is not held by this thread")
{
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock, A));
	wwr_mutex_unlock(A);
}

MISUSE_TEST(lockset_misuse, unlock_from_another_thread_aborts, "is not held by this thread")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	(void)actor_call(OLDER, do_unlock, A);
}

MISUSE_TEST(lockset_misuse, unlock_by_a_waiter_aborts, "is held by another thread")
{
	must(wwr_mutex_lock(A, NULL));
	actor_block(PLAIN, do_lock_plain, A);
	(void)actor_call(PLAIN_2, do_unlock, A);
}

MISUSE_TEST(lockset_misuse, fini_of_a_held_mutex_aborts, "is held or awaited")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_fini(A);
}

MISUSE_TEST(lockset_misuse, fini_of_a_mutex_with_a_plain_lock_aborts, "is held or awaited")
{
	must(actor_call(HOLDER, do_lock_plain, A));
	wwr_mutex_fini(A);
}

MISUSE_TEST(lockset_misuse, fini_of_an_awaited_mutex_aborts, "is held or awaited")
{
	must(wwr_mutex_lock(A, NULL));
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	/* Nobody holds it now, but there is one in its queue. */
	wwr_mutex_unlock(A);
	wwr_mutex_fini(A);
}

static int do_use_ctx(struct actor *self, void *arg)
{
	(void)self;
	return wwr_mutex_lock(arg, &ctx);
}

static int do_use_ctx_try(struct actor *self, void *arg)
{
	(void)self;
	return wwr_mutex_trylock(arg, &ctx);
}

static int do_use_ctx_slow(struct actor *self, void *arg)
{
	(void)self;
	wwr_mutex_lock_slow(arg, &ctx);
	return 0;
}

static int do_end_ctx(struct actor *self, void *arg)
{
	void (*end)(struct wwr_acquire_ctx *) = *(void (**)(struct wwr_acquire_ctx *))arg;

	(void)self;
	end(&ctx);
	return 0;
}

static void end_elsewhere(void (*end)(struct wwr_acquire_ctx *))
{
	begin();
	(void)actor_call(OLDER, do_end_ctx, &end);
}

MISUSE_TEST(lockset_misuse, lock_with_a_context_of_another_thread_aborts,
	    "belongs to another thread")
{
	begin();
	(void)actor_call(OLDER, do_use_ctx, A);
}

MISUSE_TEST(lockset_misuse, trylock_with_a_context_of_another_thread_aborts,
	    "belongs to another thread")
{
	begin();
	(void)actor_call(OLDER, do_use_ctx_try, A);
}

MISUSE_TEST(lockset_misuse, lock_slow_with_a_context_of_another_thread_aborts,
	    "belongs to another thread")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)actor_call(OLDER, do_use_ctx_slow, B);
}

MISUSE_TEST(lockset_misuse, reinit_from_another_thread_aborts, "belongs to another thread")
{
	end_elsewhere(wwr_acquire_ctx_reinit);
}

MISUSE_TEST(lockset_misuse, done_from_another_thread_aborts, "belongs to another thread")
{
	end_elsewhere(wwr_acquire_ctx_done);
}

MISUSE_TEST(lockset_misuse, fini_from_another_thread_aborts, "belongs to another thread")
{
	end_elsewhere(wwr_acquire_ctx_fini);
}

/* Copies are undefined; this one is noticed because what it holds is not its own. */
MISUSE_TEST(lockset_misuse, copied_context_locks_its_originals_mutex_and_aborts,
	    "would block while it holds a lock")
{
	begin();
	must(wwr_mutex_lock(A, &ctx));
	second = ctx;
	(void)!wwr_mutex_lock(A, &second);
}

MISUSE_TEST(lockset_misuse, lock_of_a_free_mutex_after_edeadlk_aborts,
	    "got -EDEADLK and locks on before it unlocked everything")
{
	begin_contended();
	(void)!wwr_mutex_lock(C, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_of_the_contended_mutex_with_locks_held_aborts,
	    "got -EDEADLK and locks on before it unlocked everything")
{
	begin_contended();
	(void)!wwr_mutex_lock(B, &ctx);
}

MISUSE_TEST(lockset_misuse, trylock_after_edeadlk_with_locks_held_aborts,
	    "got -EDEADLK and locks on before it unlocked everything")
{
	begin_contended();
	(void)!wwr_mutex_trylock(C, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_until_after_edeadlk_with_locks_held_aborts,
	    "got -EDEADLK and locks on before it unlocked everything")
{
	begin_contended();
	(void)!wwr_mutex_lock_until(C, &ctx, NULL, 0);
}

MISUSE_TEST(lockset_misuse, lock_of_another_mutex_before_the_contended_one_aborts,
	    "and must lock that first")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)!wwr_mutex_lock(A, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_interruptible_of_another_mutex_first_aborts,
	    "and must lock that first")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)!wwr_mutex_lock_interruptible(C, &ctx, NULL);
}

MISUSE_TEST(lockset_misuse, trylock_of_another_mutex_before_the_contended_one_aborts,
	    "and must lock that first")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)!wwr_mutex_trylock(C, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_slow_of_another_mutex_aborts, "is not the one that gave context")
{
	begin_contended();
	wwr_mutex_unlock(A);
	wwr_mutex_lock_slow(C, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_slow_interruptible_of_another_mutex_aborts,
	    "is not the one that gave context")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)!wwr_mutex_lock_slow_interruptible(C, &ctx, NULL);
}

MISUSE_TEST(lockset_misuse, lock_slow_until_of_another_mutex_aborts,
	    "is not the one that gave context")
{
	begin_contended();
	wwr_mutex_unlock(A);
	(void)!wwr_mutex_lock_slow_until(C, &ctx, NULL, 0);
}

MISUSE_TEST(lockset_misuse, lock_slow_with_locks_held_aborts, "lock_slow: context")
{
	begin_contended();
	wwr_mutex_lock_slow(B, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_slow_without_edeadlk_aborts, "is not the one that gave context")
{
	begin();
	wwr_mutex_lock_slow(B, &ctx);
}

MISUSE_TEST(lockset_misuse, lock_slow_twice_aborts, "is not the one that gave context")
{
	begin_contended();
	wwr_mutex_unlock(A);
	wwr_mutex_lock_slow(B, &ctx);
	wwr_mutex_lock_slow(B, &ctx);
}

MISUSE_TEST(lockset_misuse, assert_held_of_a_free_mutex_aborts, "must be held here and is not")
{
	wwr_mutex_assert_held(A);
}

MISUSE_TEST(lockset_misuse, assert_held_of_anothers_lock_aborts, "must be held here and is not")
{
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock, A));
	wwr_mutex_assert_held(A);
}

MISUSE_TEST(lockset_misuse, assert_held_of_anothers_plain_lock_aborts,
	    "must be held here and is not")
{
	must(actor_call(HOLDER, do_lock_plain, A));
	wwr_mutex_assert_held(A);
}

/* A thread that ends; its records go with it. */
static void *lock_plain_and_exit(void *arg)
{
	must(wwr_mutex_lock(arg, NULL));
	return NULL;
}

static void *init_and_exit(void *arg)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	return arg;
}

static void *lock_and_exit(void *arg)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(arg, &ctx));
	return NULL;
}

static void run_thread(void *(*fn)(void *))
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, fn, A));
	pthread_join(thread, NULL);
}

MISUSE_TEST(lockset_misuse, thread_exit_with_a_plain_lock_aborts, "exits and still holds mutex")
{
	run_thread(lock_plain_and_exit);
}

MISUSE_TEST(lockset_misuse, thread_exit_with_a_live_context_aborts,
	    "exits with a live acquire context")
{
	run_thread(init_and_exit);
}

MISUSE_TEST(lockset_misuse, thread_exit_with_a_lock_aborts, "exits with a live acquire context")
{
	run_thread(lock_and_exit);
}
