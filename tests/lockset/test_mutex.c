/* SPDX-License-Identifier: MIT */
/* Every call on a mutex, its results and their precedence, where nobody has to wait long. */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_acquire_ctx ctx;

BOTH_TEST(lockset_mutex, init_makes_a_mutex_that_nobody_holds)
{
	cr_assert_not(wwr_mutex_is_locked(A));
	cr_assert_eq(A->lock_class, &main_class);
	cr_assert_eq(wwr_debug_mutex_holder(A), 0);
}

WOUND_WAIT_TEST(lockset_mutex, static_initialisers_make_usable_objects)
{
	static struct wwr_class lock_class = WWR_CLASS_INIT("static", WWR_WAIT_DIE);
	static struct wwr_mutex static_mutex = WWR_MUTEX_INIT(&lock_class);

	wwr_acquire_ctx_init(&ctx, &lock_class);
	assert_returns(wwr_mutex_lock(&static_mutex, &ctx), 0);
	wwr_mutex_unlock(&static_mutex);
	wwr_acquire_ctx_fini(&ctx);
	wwr_mutex_fini(&static_mutex);
}

BOTH_TEST(lockset_mutex, lock_of_a_free_mutex_returns_0_and_holds)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	cr_assert(wwr_mutex_is_locked(A));
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	wwr_mutex_assert_held(A);
	wwr_mutex_unlock(A);
	cr_assert_not(wwr_mutex_is_locked(A));
	cr_assert_not(wwr_mutex_is_owned_by(A, &ctx));
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, every_form_of_lock_takes_a_free_mutex)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;

	without_injection();
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_mutex_lock_interruptible(A, &ctx, NULL), 0);
	assert_returns(wwr_mutex_lock_until(B, &ctx, &token, INT64_MAX), 0);
	assert_returns(wwr_mutex_trylock(C, &ctx), 0);
	cr_assert(wwr_mutex_is_owned_by(A, &ctx) && wwr_mutex_is_owned_by(B, &ctx) &&
		  wwr_mutex_is_owned_by(C, &ctx));
	wwr_mutex_unlock(B);
	wwr_mutex_unlock(C);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, every_form_of_lock_without_a_context_makes_a_plain_lock)
{
	assert_returns(wwr_mutex_lock(A, NULL), 0);
	assert_returns(wwr_mutex_lock_interruptible(B, NULL, NULL), 0);
	assert_returns(wwr_mutex_lock_until(C, NULL, NULL, 0), 0);
	assert_returns(wwr_mutex_trylock(D, NULL), 0);
	for (int i = 0; i < 4; i++) {
		cr_assert(wwr_mutex_is_locked(&mutex[i]));
		wwr_mutex_assert_held(&mutex[i]);
		wwr_mutex_unlock(&mutex[i]);
	}
}

/* All forms on a mutex that the context holds. */
static void assert_own_is_ealready(struct wwr_mutex *own)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;

	wwr_interrupt(&token);
	assert_returns(wwr_mutex_lock(own, &ctx), -EALREADY);
	assert_returns(wwr_mutex_lock_interruptible(own, &ctx, &token), -EALREADY);
	assert_returns(wwr_mutex_lock_until(own, &ctx, &token, 0), -EALREADY);
	assert_returns(wwr_mutex_trylock(own, &ctx), -EALREADY);
	cr_assert(wwr_mutex_is_owned_by(own, &ctx));
}

BOTH_TEST(lockset_mutex, lock_of_an_own_mutex_returns_ealready_before_all_else)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	assert_own_is_ealready(A);
	/* One unlock is enough: it was taken once. */
	wwr_mutex_unlock(A);
	cr_assert_not(wwr_mutex_is_locked(A));
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, lock_of_an_own_mutex_when_done_returns_ealready)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	wwr_acquire_ctx_done(&ctx);
	assert_own_is_ealready(A);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, lock_of_an_own_mutex_after_edeadlk_returns_ealready)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	assert_own_is_ealready(A);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
}

/* All forms, with this context; nothing changes. */
static void assert_einval(struct wwr_mutex *wanted)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	bool was_locked = wwr_mutex_is_locked(wanted);

	wwr_interrupt(&token);
	assert_returns(wwr_mutex_lock(wanted, &ctx), -EINVAL);
	assert_returns(wwr_mutex_lock_interruptible(wanted, &ctx, &token), -EINVAL);
	assert_returns(wwr_mutex_lock_until(wanted, &ctx, &token, 0), -EINVAL);
	assert_returns(wwr_mutex_trylock(wanted, &ctx), -EINVAL);
	cr_assert_eq(wwr_mutex_is_locked(wanted), was_locked);
	cr_assert_not(wwr_mutex_is_owned_by(wanted, &ctx));
}

BOTH_TEST(lockset_mutex, lock_with_a_context_of_another_class_returns_einval)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_einval(&other_mutex);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	assert_einval(&other_mutex);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, lock_with_another_class_of_a_held_mutex_returns_einval)
{
	must(actor_call(HOLDER, do_lock_plain, &other_mutex));
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_einval(&other_mutex);
	wwr_acquire_ctx_fini(&ctx);
	must(actor_call(HOLDER, do_unlock, &other_mutex));
}

BOTH_TEST(lockset_mutex, lock_when_done_returns_einval)
{
	must(actor_call(HOLDER, do_lock_plain, B));
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_done(&ctx);
	assert_einval(A);
	assert_einval(B);
	wwr_acquire_ctx_fini(&ctx);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_mutex, trylock_of_a_held_mutex_returns_ebusy)
{
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(PLAIN, do_lock_plain, B));
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_mutex_trylock(A, &ctx), -EBUSY);
	assert_returns(wwr_mutex_trylock(B, &ctx), -EBUSY);
	assert_returns(wwr_mutex_trylock(A, NULL), -EBUSY);
	assert_returns(wwr_mutex_trylock(B, NULL), -EBUSY);
	wwr_acquire_ctx_fini(&ctx);
	must(actor_call(PLAIN, do_unlock, B));
}

BOTH_TEST(lockset_mutex, trylock_of_what_the_same_thread_holds_otherwise_returns_ebusy)
{
	struct wwr_acquire_ctx second;

	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_init(&second, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_trylock(B, NULL));
	assert_returns(wwr_mutex_trylock(A, &second), -EBUSY);
	assert_returns(wwr_mutex_trylock(A, NULL), -EBUSY);
	assert_returns(wwr_mutex_trylock(B, &ctx), -EBUSY);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&second);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, trylock_of_an_own_lock_returns_ealready)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_trylock(B, NULL));
	assert_returns(wwr_mutex_trylock(A, &ctx), -EALREADY);
	assert_returns(wwr_mutex_trylock(B, NULL), -EALREADY);
	/* Whoever waits for it. */
	actor_block(PLAIN, do_lock_plain, B);
	assert_returns(wwr_mutex_trylock(B, NULL), -EALREADY);
	assert_returns(actor_call(HOLDER, do_trylock_plain, B), -EBUSY);
	wwr_mutex_unlock(A);
	/* It was locked once. */
	wwr_mutex_unlock(B);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, B));
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, trylock_of_an_awaited_mutex_returns_ebusy_at_once)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	actor_block(PLAIN, do_lock_plain, A);
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_mutex_trylock(A, &ctx), -EBUSY);
	assert_returns(wwr_mutex_trylock(A, NULL), -EBUSY);
	wwr_acquire_ctx_fini(&ctx);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
}

BOTH_TEST(lockset_mutex, trylock_takes_a_free_mutex_before_its_waiters)
{
	must(wwr_mutex_lock(A, NULL));
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	wwr_mutex_unlock(A);
	assert_returns(wwr_mutex_trylock(A, NULL), 0);
	actor_let_go(PLAIN);
	wwr_mutex_unlock(A);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
}

WOUND_WAIT_TEST(lockset_mutex, trylock_wounds_nobody)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	must(actor_call(OLDER, do_lock, B));
	assert_returns(actor_call(OLDER, do_trylock, A), -EBUSY);
	/* A wounded one would give way here. */
	actor_block(YOUNGER, do_lock, B);
	must(actor_call(OLDER, do_unlock, B));
	assert_returns(actor_end(YOUNGER), 0);
}

WAIT_DIE_TEST(lockset_mutex, trylock_against_an_older_owner_does_not_die)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_trylock, A), -EBUSY);
	/* It need not back off. */
	assert_returns(actor_call(YOUNGER, do_lock, C), 0);
}

BOTH_TEST(lockset_mutex, trylock_after_edeadlk_takes_the_contended_mutex)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	assert_returns(wwr_mutex_trylock(B, &ctx), 0);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, lock_after_edeadlk_takes_the_contended_mutex)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	assert_returns(wwr_mutex_lock(B, &ctx), 0);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, every_form_of_lock_slow_takes_the_contended_mutex)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int form = 0; form < 3; form++) {
		lose_b_holding_a(&ctx);
		wwr_mutex_unlock(A);
		if (form == 0)
			wwr_mutex_lock_slow(B, &ctx);
		else if (form == 1)
			assert_returns(wwr_mutex_lock_slow_interruptible(B, &ctx, NULL), 0);
		else
			assert_returns(wwr_mutex_lock_slow_until(B, &ctx, NULL, INT64_MAX), 0);
		cr_assert(wwr_mutex_is_owned_by(B, &ctx));
		assert_returns(wwr_mutex_lock(A, &ctx), 0);
		wwr_mutex_unlock(A);
		wwr_mutex_unlock(B);
	}
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, lock_slow_sleeps_until_the_contended_mutex_is_free)
{
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lose_b_holding_a, NULL));
	must(actor_call(OLDER, do_unlock, A));
	must(actor_call(HOLDER, do_lock_plain, B));
	actor_block(OLDER, do_lock_slow, B);
	must(actor_call(HOLDER, do_unlock, B));
	must(actor_end(OLDER));
	cr_assert(wwr_mutex_is_owned_by(B, &OLDER->ctx));
}

BOTH_TEST(lockset_mutex, is_owned_by_tells_this_context_from_all_others)
{
	struct wwr_acquire_ctx second;

	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_init(&second, &main_class);
	actors_init_ctx(1, OLDER);
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_trylock(B, NULL));
	must(actor_call(OLDER, do_lock, C));
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	cr_assert_not(wwr_mutex_is_owned_by(A, &second));
	cr_assert_not(wwr_mutex_is_owned_by(B, &ctx));
	cr_assert_not(wwr_mutex_is_owned_by(C, &ctx));
	cr_assert(wwr_mutex_is_locked(C));
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&second);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, is_owned_by_is_true_while_others_wait)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	actor_block(PLAIN, do_lock_plain, A);
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	wwr_mutex_assert_held(A);
	wwr_mutex_unlock(A);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, a_plain_lock_is_a_mutex_for_other_plain_lockers)
{
	must(actor_call(PLAIN, do_lock_plain, A));
	actor_block(PLAIN_2, do_lock_plain, A);
	must(actor_call(PLAIN, do_unlock, A));
	assert_returns(actor_end(PLAIN_2), 0);
	cr_assert_eq(wwr_debug_mutex_holder(A), PLAIN_2->tid);
	must(actor_call(PLAIN_2, do_unlock, A));
}

BOTH_TEST(lockset_mutex, unlock_of_locks_in_any_order_frees_them)
{
	without_injection();
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < 5; i++)
		must(wwr_mutex_lock(&mutex[i], &ctx));
	for (int i = 0; i < 5; i++) {
		static const int order[] = {2, 0, 4, 1, 3};

		wwr_mutex_unlock(&mutex[order[i]]);
		cr_assert_not(wwr_mutex_is_locked(&mutex[order[i]]));
	}
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_mutex, debug_names_a_holder_with_a_context)
{
	struct wwr_debug_wait waits[2];

	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	actor_block(YOUNGER, do_lock, A);
	actor_block(PLAIN, do_lock_plain, A);
	cr_assert_eq(wwr_debug_get_waits(waits, 2), 2);
	cr_assert_eq(waits[0].tid + waits[1].tid, YOUNGER->tid + PLAIN->tid);
	cr_assert_eq(waits[0].holder_tid, OLDER->tid);
	cr_assert_eq(waits[1].holder_tid, OLDER->tid);
	cr_assert_gt(waits[0].since_ns, 0);
	cr_assert_leq(waits[0].since_ns, (uint64_t)from_now_ns(0));
	must(actor_call(OLDER, do_unlock, A));
	must(actor_end(YOUNGER));
	must(actor_call(YOUNGER, do_unlock, A));
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
}

WOUND_WAIT_TEST(lockset_mutex, debug_names_the_holder_and_the_waiter)
{
	struct wwr_debug_wait wait = {0};

	must(actor_call(HOLDER, do_lock_plain, A));
	cr_assert_eq(wwr_debug_get_waits(&wait, 1), 0);
	actor_block(PLAIN, do_lock_plain, A);
	cr_assert_eq(wwr_debug_get_waits(&wait, 1), 1);
	cr_assert_eq(wait.tid, PLAIN->tid);
	cr_assert_eq(wait.mutex, A);
	cr_assert_eq(wait.holder_tid, HOLDER->tid);
	cr_assert_eq(wwr_debug_get_waits(NULL, 0), 1);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_end(PLAIN));
	cr_assert_eq(wwr_debug_get_waits(&wait, 1), 0);
	must(actor_call(PLAIN, do_unlock, A));
}
