/* SPDX-License-Identifier: MIT */
/*
 * Contended lock sets: what is remembered, what back_off does, when a set gives way and when it
 * goes over to classic rules.
 */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_lock_set set;
static const struct wwr_lock_set_options classic = {.flags = WWR_LOCK_SET_CLASSIC};

static struct wwr_lock_set_stats get_stats(const struct wwr_lock_set *of_set)
{
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(of_set, &stats);
	return stats;
}

/* The set holds A and loses B, which HOLDER has. */
static void lose_b(const struct wwr_lock_set_options *options)
{
	must(wwr_lock_set_init(&set, &main_class, options));
	must(wwr_lock_set_lock(&set, A));
	must(actor_call(HOLDER, do_lock_plain, B));
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
}

static void back_off_to_free_b(void)
{
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(wwr_lock_set_back_off(&set), 0);
}

/* With A held: lose B, get it, lose A, get it, and so on; the last one lost is not backed off to.
 */
static struct wwr_mutex *lose_times(struct actor *self, unsigned int times)
{
	struct wwr_mutex *have = A, *want = B;

	must(actor_call(self, do_set_lock, A));
	for (;;) {
		struct wwr_mutex *swapped = have;

		must(actor_call(HOLDER, do_lock_plain, want));
		assert_returns(actor_call(self, do_set_lock, want), -EDEADLK);
		if (--times == 0)
			return want;
		must(actor_call(HOLDER, do_unlock, want));
		assert_returns(actor_call(self, do_set_back_off, NULL), 0);
		have = want;
		want = swapped;
	}
}

BOTH_TEST(lockset_policy, set_that_holds_nothing_sleeps)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDER, do_set_init, NULL));
	actor_block(OLDER, do_set_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

BOTH_TEST(lockset_policy, default_set_that_holds_does_not_sleep_for_a_younger_owner)
{
	must(actor_call(OLDER, do_set_init, NULL));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	must(actor_call(OLDER, do_set_lock, A));
	assert_returns(actor_call(OLDER, do_set_lock, B), -EDEADLK);
	cr_assert_eq(actor_num_sleeps(OLDER), 0);
}

BOTH_TEST(lockset_policy, default_set_that_holds_does_not_sleep_for_a_plain_owner)
{
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	must(actor_call(OLDER, do_set_lock, A));
	assert_returns(actor_call(OLDER, do_set_lock, B), -EDEADLK);
	cr_assert_eq(actor_num_sleeps(OLDER), 0);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_policy, classic_set_that_holds_sleeps_for_a_younger_owner)
{
	without_injection();
	must(actor_call(OLDER, do_set_init, (void *)&classic));
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	must(actor_call(OLDER, do_set_lock, A));
	actor_block(OLDER, do_set_lock, B);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

BOTH_TEST(lockset_policy, every_lock_of_a_lost_attempt_returns_edeadlk)
{
	struct wwr_mutex *const wanted[] = {C, D};

	lose_b(NULL);
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
	assert_returns(wwr_lock_set_lock(&set, C), -EDEADLK);
	assert_returns(wwr_lock_set_lock(&set, A), -EDEADLK);
	assert_returns(wwr_lock_set_trylock(&set, C), -EDEADLK);
	assert_returns(wwr_lock_set_lock_array(&set, wanted, 2), -EDEADLK);
	assert_returns(wwr_lock_set_lock(&set, &other_mutex), -EDEADLK);
	cr_assert_not(wwr_mutex_is_locked(C));
	assert_returns(wwr_lock_set_status(&set), -EDEADLK);
	/* Nothing is released before the set backs off. */
	cr_assert(wwr_lock_set_holds(&set, A));
	cr_assert_eq(get_stats(&set).losses, 1);
	cr_assert_eq(get_stats(&set).num_backoffs, 1);
	cr_assert_eq(get_stats(&set).last_contended, B);
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_policy, back_off_releases_all_and_keeps_the_contended_lock)
{
	without_injection();
	lose_b(NULL);
	back_off_to_free_b();
	cr_assert(wwr_lock_set_holds(&set, B));
	cr_assert_not(wwr_mutex_is_locked(A));
	assert_returns(wwr_lock_set_status(&set), 0);
	/* A new attempt. */
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	cr_assert_eq(get_stats(&set).retries, 1);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_policy, back_off_sleeps_with_nothing_held_until_the_contended_lock_is_free)
{
	must(actor_call(OLDER, do_set_init, NULL));
	(void)lose_times(OLDER, 1);
	actor_block(OLDER, do_set_back_off, NULL);
	cr_assert_not(wwr_mutex_is_locked(A));
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(actor_end(OLDER), 0);
	cr_assert(wwr_mutex_is_owned_by(B, OLDER->set.ctx));
}

BOTH_TEST(lockset_policy, stamp_is_kept_over_every_back_off)
{
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(HOLDER, do_unlock, lose_times(OLDER, WWR_LOCK_SET_MAX_LOSSES)));
	must(actor_call(OLDER, do_set_back_off, NULL));
	cr_assert_eq(OLDER->set.ctx->stamp, 1);
	cr_assert_eq(main_class.stamp, 1);
}

/* What back_off keeps is a member like any other. */
BOTH_TEST(lockset_policy, kept_lock_may_be_unlocked)
{
	lose_b(NULL);
	back_off_to_free_b();
	wwr_lock_set_unlock(&set, B);
	cr_assert_not(wwr_mutex_is_locked(B));
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_policy, fini_gives_up_the_contended_lock)
{
	lose_b(NULL);
	wwr_lock_set_fini(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
	must(actor_call(HOLDER, do_unlock, B));
	cr_assert_eq(B->owner, 0);
}

BOTH_TEST(lockset_policy, release_all_gives_up_the_attempt_but_not_the_stamp)
{
	without_injection();
	lose_b(NULL);
	wwr_lock_set_release_all(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
	assert_returns(wwr_lock_set_status(&set), 0);
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	cr_assert_eq(set.ctx->stamp, 1);
	cr_assert_eq(get_stats(&set).losses, 1);
	/* Committed: the next one is younger and has lost nothing. */
	wwr_lock_set_release_all(&set);
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	cr_assert_eq(set.ctx->stamp, 2);
	cr_assert_eq(get_stats(&set).losses, 0);
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_policy, seven_losses_leave_the_default_policy)
{
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(HOLDER, do_unlock, lose_times(OLDER, WWR_LOCK_SET_MAX_LOSSES - 1)));
	must(actor_call(OLDER, do_set_back_off, NULL));
	cr_assert_eq(get_stats(&OLDER->set).losses, WWR_LOCK_SET_MAX_LOSSES - 1);
	cr_assert_not(get_stats(&OLDER->set).classic);
	/* With B held, it still does not sleep for A. */
	must(actor_call(HOLDER, do_lock_plain, A));
	assert_returns(actor_call(OLDER, do_set_lock, A), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, A));
}

BOTH_TEST(lockset_policy, eighth_loss_goes_classic_with_nothing_held_and_before_it_sleeps)
{
	struct wwr_mutex *lost;

	must(actor_call(OLDER, do_set_init, NULL));
	lost = lose_times(OLDER, WWR_LOCK_SET_MAX_LOSSES);
	cr_assert_eq(get_stats(&OLDER->set).losses, WWR_LOCK_SET_MAX_LOSSES);
	/* Not while it holds anything. */
	cr_assert_not(get_stats(&OLDER->set).classic);
	cr_assert_eq(OLDER->set.ctx->classic, 0);
	actor_block(OLDER, do_set_back_off, NULL);
	cr_assert_eq(OLDER->set.ctx->num_held, 0);
	cr_assert_eq(OLDER->set.ctx->classic, 1);
	must(actor_call(HOLDER, do_unlock, lost));
	assert_returns(actor_end(OLDER), 0);
	cr_assert(get_stats(&OLDER->set).classic);
	cr_assert_eq(OLDER->set.ctx->stamp, 1);
}

/* How others see it: asleep in that back_off it makes younger holders die. */
WAIT_DIE_TEST(lockset_policy, set_gone_classic_kills_before_it_sleeps)
{
	struct wwr_mutex *lost;

	must(actor_call(OLDER, do_set_init, NULL));
	lost = lose_times(OLDER, WWR_LOCK_SET_MAX_LOSSES);
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, C));
	actor_block(YOUNGER, do_lock, lost);
	actor_block(OLDER, do_set_back_off, NULL);
	assert_returns(actor_end(YOUNGER), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, lost));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_policy, set_one_loss_before_that_kills_nobody)
{
	struct wwr_mutex *lost;

	without_injection();
	must(actor_call(OLDER, do_set_init, NULL));
	lost = lose_times(OLDER, WWR_LOCK_SET_MAX_LOSSES - 1);
	actors_init_ctx(1, YOUNGER);
	must(actor_call(YOUNGER, do_lock, C));
	actor_block(YOUNGER, do_lock, lost);
	actor_block(OLDER, do_set_back_off, NULL);
	must(actor_call(HOLDER, do_unlock, lost));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
	cr_assert_eq(actor_num_sleeps(YOUNGER), 1);
}

static void go_classic(struct actor *self)
{
	must(actor_call(self, do_set_init, NULL));
	must(actor_call(HOLDER, do_unlock, lose_times(self, WWR_LOCK_SET_MAX_LOSSES)));
	must(actor_call(self, do_set_back_off, NULL));
}

BOTH_TEST(lockset_policy, set_gone_classic_sleeps_while_it_holds)
{
	without_injection();
	go_classic(OLDER);
	must(actor_call(HOLDER, do_lock_plain, C));
	actor_block(OLDER, do_set_lock, C);
	must(actor_call(HOLDER, do_unlock, C));
	assert_returns(actor_end(OLDER), 0);
}

WAIT_DIE_TEST(lockset_policy, set_gone_classic_stays_so_until_it_commits)
{
	actors_init_ctx(1, OLDEST);
	go_classic(OLDER);
	/* Neither a back-off under classic rules ... */
	must(actor_call(OLDEST, do_lock, C));
	assert_returns(actor_call(OLDER, do_set_lock, C), -EDEADLK);
	must(actor_call(OLDEST, do_unlock, C));
	must(actor_call(OLDER, do_set_back_off, NULL));
	cr_assert(get_stats(&OLDER->set).classic);
	cr_assert_eq(get_stats(&OLDER->set).restarts, 1);
	cr_assert_eq(get_stats(&OLDER->set).losses, WWR_LOCK_SET_MAX_LOSSES);
	/* ... nor an attempt given up ends it ... */
	must(actor_call(OLDEST, do_lock, D));
	assert_returns(actor_call(OLDER, do_set_lock, D), -EDEADLK);
	must(actor_call(OLDER, do_set_release_all, NULL));
	must(actor_call(OLDER, do_set_lock, A));
	cr_assert(get_stats(&OLDER->set).classic);
	/* ... but a commit does. */
	must(actor_call(OLDER, do_set_release_all, NULL));
	must(actor_call(OLDER, do_set_lock, A));
	cr_assert_not(get_stats(&OLDER->set).classic);
	cr_assert_eq(OLDER->set.ctx->classic, 0);
	cr_assert_eq(get_stats(&OLDER->set).losses, 0);
	cr_assert_eq(get_stats(&OLDER->set).retries, 0);
}

BOTH_TEST(lockset_policy, set_that_gives_up_each_attempt_goes_classic_too)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	for (int i = 0; i < WWR_LOCK_SET_MAX_LOSSES; i++) {
		must(wwr_lock_set_lock(&set, A));
		cr_assert_not(get_stats(&set).classic);
		assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
		wwr_lock_set_release_all(&set);
	}
	cr_assert(get_stats(&set).classic);
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

WAIT_DIE_TEST(lockset_policy, classic_set_counts_restarts_and_no_losses)
{
	actors_init_ctx(1, OLDEST);
	must(actor_call(OLDEST, do_lock, B));
	must(wwr_lock_set_init(&set, &main_class, &classic));
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
	cr_assert(get_stats(&set).classic);
	cr_assert_eq(get_stats(&set).restarts, 1);
	cr_assert_eq(get_stats(&set).losses, 0);
	wwr_lock_set_fini(&set);
}

/* Back-offs up to the limit; one more is refused with nothing held. */
BOTH_TEST(lockset_policy, retry_limit_ends_the_transaction_with_eagain)
{
	static const struct wwr_lock_set_options options = {.retry_limit = 3};

	must(actor_call(OLDER, do_set_init, (void *)&options));
	must(actor_call(HOLDER, do_unlock, lose_times(OLDER, 4)));
	assert_returns(actor_call(OLDER, do_set_back_off, NULL), -EAGAIN);
	cr_assert_eq(OLDER->set.ctx->num_held, 0);
	cr_assert_eq(get_stats(&OLDER->set).retries, 3);
	assert_returns(wwr_lock_set_status(&OLDER->set), -EAGAIN);
	/* The contended lock is still known, and the limit still reached. */
	assert_returns(actor_call(OLDER, do_set_lock, A), -EDEADLK);
	assert_returns(actor_call(OLDER, do_set_back_off, NULL), -EAGAIN);
	/* The next transaction may retry again. */
	must(actor_call(OLDER, do_set_release_all, NULL));
	must(actor_call(OLDER, do_set_lock, A));
	must(actor_call(OLDER, do_set_release_all, NULL));
	must(actor_call(HOLDER, do_unlock, lose_times(OLDER, 1)));
	assert_returns(actor_call(OLDER, do_set_back_off, NULL), 0);
}

/* Under wait-die a set gone classic goes on losing to an older context. */
WAIT_DIE_TEST(lockset_policy, retry_limit_of_0_is_none)
{
	struct wwr_mutex *have = A, *want = B;

	actors_init_ctx(1, OLDEST);
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(OLDER, do_set_lock, A));
	for (unsigned int retry = 1; retry <= 50; retry++) {
		struct wwr_mutex *swapped = have;

		must(actor_call(OLDEST, do_lock, want));
		assert_returns(actor_call(OLDER, do_set_lock, want), -EDEADLK);
		must(actor_call(OLDEST, do_unlock, want));
		assert_returns(actor_call(OLDER, do_set_back_off, NULL), 0);
		cr_assert_eq(get_stats(&OLDER->set).retries, retry);
		have = want;
		want = swapped;
	}
	cr_assert_eq(get_stats(&OLDER->set).losses, WWR_LOCK_SET_MAX_LOSSES);
	cr_assert_eq(get_stats(&OLDER->set).restarts, 50 - WWR_LOCK_SET_MAX_LOSSES);
	cr_assert_eq(OLDER->set.ctx->stamp, 2);
}

BOTH_TEST(lockset_policy, borrowed_context_goes_by_the_sets_policy_and_is_classic_again_after)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &main_class);
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_init_with_ctx(&set, &ctx, NULL));
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
	wwr_lock_set_fini(&set);
	cr_assert_eq(ctx.classic, 1);
	/* A plain context that holds waits for a plain lock. */
	wwr_acquire_ctx_reinit(&ctx);
	must(wwr_mutex_lock(A, &ctx));
	assert_returns(wwr_mutex_lock_until(B, &ctx, NULL, from_now_ns(SOON_NS)), -ETIME);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&ctx);
	must(actor_call(HOLDER, do_unlock, B));
}

/* A borrowed context that got -EDEADLK before: the set's first attempt is lost already. */
static void borrow_contended(struct wwr_acquire_ctx *ctx)
{
	wwr_acquire_ctx_init(ctx, &main_class);
	lose_b_holding_a(ctx);
	wwr_mutex_unlock(A);
	must(wwr_lock_set_init_with_ctx(&set, ctx, NULL));
}

BOTH_TEST(lockset_policy, back_off_with_a_borrowed_need_goes_by_the_sets_policy)
{
	struct wwr_acquire_ctx ctx;

	borrow_contended(&ctx);
	assert_returns(wwr_lock_set_back_off(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, B));
	cr_assert_eq(ctx.classic, 0);
	cr_assert_eq(get_stats(&set).retries, 1);
	/* The same transaction goes on. */
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	cr_assert_eq(ctx.stamp, 2);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_policy, release_all_gives_up_a_borrowed_need)
{
	struct wwr_acquire_ctx ctx;

	borrow_contended(&ctx);
	wwr_lock_set_release_all(&set);
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	cr_assert_eq(ctx.stamp, 2);
	cr_assert_eq(ctx.classic, 0);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_policy, loop_with_a_borrowed_need_backs_off_first)
{
	struct wwr_acquire_ctx ctx;
	unsigned int num_bodies = 0;

	borrow_contended(&ctx);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		if (wwr_lock_set_lock(&set, A) != 0)
			continue;
		must(wwr_lock_set_lock(&set, B));
	}
	cr_assert_eq(num_bodies, 2);
	assert_returns(wwr_lock_set_status(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_policy, fini_gives_up_a_borrowed_need)
{
	struct wwr_acquire_ctx ctx;

	borrow_contended(&ctx);
	wwr_lock_set_fini(&set);
	/* It is the caller's again, without a need. */
	assert_returns(wwr_mutex_lock(C, &ctx), 0);
	wwr_mutex_unlock(C);
	wwr_acquire_ctx_fini(&ctx);
}
