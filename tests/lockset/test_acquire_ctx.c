/* SPDX-License-Identifier: MIT */
/* Acquire contexts: stamps, the phases of a transaction, and what ends it. */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_acquire_ctx ctx;

BOTH_TEST(lockset_ctx, init_takes_the_next_stamp_of_the_class)
{
	struct wwr_acquire_ctx second, other;

	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_init(&other, &other_class);
	wwr_acquire_ctx_init(&second, &main_class);
	cr_assert_eq(ctx.stamp, 1);
	cr_assert_eq(second.stamp, 2);
	cr_assert_eq(other.stamp, 1);
	cr_assert_eq(main_class.stamp, 2);
	wwr_acquire_ctx_fini(&second);
	wwr_acquire_ctx_fini(&other);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_ctx, reinit_takes_a_new_stamp)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_reinit(&ctx);
	cr_assert_eq(ctx.stamp, 2);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_ctx, retry_after_edeadlk_keeps_the_stamp)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < 3; i++) {
		uint64_t stamp;

		lose_b_holding_a(&ctx);
		stamp = ctx.stamp;
		wwr_mutex_unlock(A);
		wwr_mutex_lock_slow(B, &ctx);
		must(wwr_mutex_lock(A, &ctx));
		cr_assert_eq(ctx.stamp, stamp);
		cr_assert_eq(main_class.stamp, stamp);
		wwr_mutex_unlock(A);
		wwr_mutex_unlock(B);
	}
	wwr_acquire_ctx_fini(&ctx);
}

/* A younger holder dies for an older owner, so a retry that kept its stamp wins. */
WAIT_DIE_TEST(lockset_ctx, a_retry_is_still_older_than_those_that_came_meanwhile)
{
	without_injection();
	actors_init_ctx(2, OLDEST, OLDER);
	must(actor_call(OLDEST, do_lock, B));
	must(actor_call(OLDER, do_lock, A));
	assert_returns(actor_call(OLDER, do_lock, B), -EDEADLK);
	actors_init_ctx(1, YOUNGER);
	must(actor_call(OLDER, do_unlock, A));
	must(actor_call(OLDEST, do_unlock, B));
	must(actor_call(OLDER, do_lock_slow, B));
	must(actor_call(YOUNGER, do_lock, A));
	assert_returns(actor_call(YOUNGER, do_lock, B), -EDEADLK);
	actor_block(OLDER, do_lock, A);
	must(actor_call(YOUNGER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

/* Stamps may wrap around: the order is that of the signed difference. */
WAIT_DIE_TEST(lockset_ctx, order_survives_the_wrap_around_of_stamps_wait_die)
{
	without_injection();
	main_class.stamp = UINT64_MAX - 1;
	actors_init_ctx(2, OLDER, YOUNGER);
	cr_assert_eq(OLDER->ctx.stamp, UINT64_MAX);
	cr_assert_eq(YOUNGER->ctx.stamp, 0);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	actor_block(OLDER, do_lock, B);
	must(actor_call(YOUNGER, do_unlock, B));
	assert_returns(actor_end(OLDER), 0);
}

WOUND_WAIT_TEST(lockset_ctx, order_survives_the_wrap_around_of_stamps_wound_wait)
{
	without_injection();
	main_class.stamp = UINT64_MAX - 1;
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(OLDER, do_lock, B);
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
	must(actor_call(YOUNGER, do_unlock, B));
	assert_returns(actor_end(OLDER), 0);
}

/* The middle of the range, where an unsigned compare and a signed one of stamps differ. */
WAIT_DIE_TEST(lockset_ctx, order_survives_the_middle_of_the_range_of_stamps)
{
	main_class.stamp = (uint64_t)INT64_MAX - 1;
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	assert_returns(actor_call(YOUNGER, do_lock, A), -EDEADLK);
}

BOTH_TEST(lockset_ctx, waiters_stand_in_order_across_the_wrap_around)
{
	main_class.stamp = UINT64_MAX - 1;
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(HOLDER, do_lock_plain, A));
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_unlock, A));
	assert_returns(actor_end(YOUNGER), 0);
}

BOTH_TEST(lockset_ctx, done_keeps_what_is_held_and_lets_it_go)
{
	without_injection();
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	must(wwr_mutex_lock(B, &ctx));
	wwr_acquire_ctx_done(&ctx);
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	cr_assert(wwr_mutex_is_owned_by(B, &ctx));
	wwr_mutex_unlock(A);
	assert_returns(wwr_mutex_lock(A, &ctx), -EINVAL);
	wwr_mutex_unlock(B);
	assert_returns(wwr_mutex_lock(B, &ctx), -EINVAL);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_ctx, reinit_after_done_locks_again)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_done(&ctx);
	wwr_acquire_ctx_reinit(&ctx);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_done(&ctx);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_ctx, reinit_gives_up_the_contended_lock)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_reinit(&ctx);
	assert_returns(wwr_mutex_lock(C, &ctx), 0);
	wwr_mutex_unlock(C);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_ctx, fini_gives_up_the_contended_lock)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
	cr_assert_not(wwr_mutex_is_locked(B));
}

BOTH_TEST(lockset_ctx, init_after_fini_makes_a_new_context_in_the_same_memory)
{
	for (int i = 0; i < 3; i++) {
		wwr_acquire_ctx_init(&ctx, &main_class);
		assert_returns(wwr_mutex_lock(A, &ctx), 0);
		wwr_mutex_unlock(A);
		wwr_acquire_ctx_fini(&ctx);
	}
}

BOTH_TEST(lockset_ctx, several_contexts_of_a_thread_end_in_any_order)
{
	static const int order[] = {1, 3, 0, 2};
	struct wwr_acquire_ctx contexts[4];

	for (int i = 0; i < 4; i++)
		wwr_acquire_ctx_init(&contexts[i], &main_class);
	for (int i = 0; i < 4; i++)
		must(wwr_mutex_lock(&mutex[i], &contexts[i]));
	for (int i = 0; i < 4; i++) {
		wwr_mutex_unlock(&mutex[order[i]]);
		wwr_acquire_ctx_fini(&contexts[order[i]]);
	}
	must(wwr_mutex_lock(A, NULL));
	wwr_mutex_unlock(A);
}

BOTH_TEST(lockset_ctx, contexts_of_two_classes_do_not_disturb_each_other)
{
	struct wwr_acquire_ctx other;

	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_init(&other, &other_class);
	assert_returns(wwr_mutex_lock(A, &ctx), 0);
	assert_returns(wwr_mutex_lock(&other_mutex, &other), 0);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(&other_mutex);
	wwr_acquire_ctx_fini(&ctx);
	wwr_acquire_ctx_fini(&other);
}
