/* SPDX-License-Identifier: MIT */
/* wwr_lock_set_until_all_locked(): when the body runs, and the ways out of it. */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_lock_set set;

static void open_set(const struct wwr_lock_set_options *options)
{
	must(wwr_lock_set_init(&set, &main_class, options));
}

static void holder_takes_b(void)
{
	must(actor_call(HOLDER, do_lock_plain, B));
}

/* Lock, and have HOLDER give B back once it was lost. */
static int lock_or_get_freed(struct wwr_mutex *wanted)
{
	int ret = wwr_lock_set_lock(&set, wanted);

	if (ret == -EDEADLK && wwr_debug_mutex_holder(B) == HOLDER->tid)
		must(actor_call(HOLDER, do_unlock, B));
	return ret;
}

static void assert_nothing_held(void)
{
	cr_assert_eq(set.ctx->num_held, 0);
	cr_assert_not(wwr_mutex_is_locked(A));
	cr_assert_not(wwr_lock_set_holds(&set, B));
}

BOTH_TEST(lockset_loop, body_runs_once_when_nothing_is_contended)
{
	unsigned int num_bodies = 0;

	without_injection();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		must(wwr_lock_set_lock(&set, A));
		must(wwr_lock_set_lock(&set, B));
	}
	cr_assert_eq(num_bodies, 1);
	assert_returns(wwr_lock_set_status(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B));
	/* The set is done. */
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_lock(&set, C), -EINVAL);
	wwr_lock_set_release_all(&set);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, empty_body_ends_done_with_nothing)
{
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
	}
	assert_returns(wwr_lock_set_status(&set), 0);
	assert_returns(wwr_lock_set_lock(&set, A), -EINVAL);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, continue_gives_the_attempt_back_and_the_body_runs_again)
{
	unsigned int num_bodies = 0, num_ends = 0;
	uint64_t stamp = 0;

	without_injection();
	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		if (stamp == 0)
			stamp = set.ctx->stamp;
		if (lock_or_get_freed(A) != 0)
			continue;
		if (lock_or_get_freed(B) != 0)
			continue;
		num_ends++;
	}
	cr_assert_eq(num_bodies, 2);
	cr_assert_eq(num_ends, 1);
	cr_assert_eq(set.ctx->stamp, stamp);
	assert_returns(wwr_lock_set_status(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&set);
}

/* The body need not look at the results: the set does. */
BOTH_TEST(lockset_loop, body_that_ignores_the_contended_lock_runs_again)
{
	unsigned int num_bodies = 0;

	without_injection();
	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		(void)!lock_or_get_freed(A);
		(void)!lock_or_get_freed(B);
		(void)!lock_or_get_freed(C);
	}
	cr_assert_eq(num_bodies, 2);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B) &&
		  wwr_lock_set_holds(&set, C));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, contended_lock_not_asked_for_again_is_released)
{
	unsigned int num_bodies = 0;

	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		if (lock_or_get_freed(A) != 0)
			continue;
		if (num_bodies++ == 0 && lock_or_get_freed(B) != 0)
			continue;
	}
	cr_assert_eq(num_bodies, 2);
	cr_assert(wwr_lock_set_holds(&set, A));
	cr_assert_not(wwr_mutex_is_locked(B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, other_error_ends_the_loop_with_nothing_held)
{
	unsigned int num_bodies = 0;

	without_injection();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		must(wwr_lock_set_lock(&set, A));
		(void)!wwr_lock_set_lock(&set, &other_mutex);
		must(wwr_lock_set_lock(&set, C));
	}
	cr_assert_eq(num_bodies, 1);
	assert_returns(wwr_lock_set_status(&set), -EINVAL);
	assert_nothing_held();
	cr_assert_not(wwr_mutex_is_locked(C));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, error_before_a_contended_lock_ends_the_loop)
{
	unsigned int num_bodies = 0;

	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		must(wwr_lock_set_lock(&set, A));
		(void)!wwr_lock_set_lock(&set, &other_mutex);
		(void)!lock_or_get_freed(B);
	}
	cr_assert_eq(num_bodies, 1);
	assert_returns(wwr_lock_set_status(&set), -EINVAL);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, trylock_of_a_held_mutex_does_not_end_the_loop)
{
	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		assert_returns(wwr_lock_set_trylock(&set, B), -EBUSY);
	}
	assert_returns(wwr_lock_set_status(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, A));
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_loop, error_of_the_back_off_ends_the_loop_with_nothing_held)
{
	struct wwr_lock_set_options options = {.deadline_ns = from_now_ns(SOON_NS)};
	unsigned int num_bodies = 0;

	holder_takes_b();
	open_set(&options);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		(void)!wwr_lock_set_lock(&set, A);
		(void)!wwr_lock_set_lock(&set, B);
	}
	cr_assert_eq(num_bodies, 1);
	assert_returns(wwr_lock_set_status(&set), -ETIME);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

/* Told to back off, and then interrupted: the sleep for B does not begin. */
BOTH_TEST(lockset_loop, interrupt_in_the_back_off_ends_the_loop)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_lock_set_options options = {.token = &token};
	unsigned int num_bodies = 0;

	holder_takes_b();
	open_set(&options);
	wwr_lock_set_until_all_locked (&set) {
		num_bodies++;
		must(wwr_lock_set_lock(&set, A));
		assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
		wwr_interrupt(&token);
	}
	cr_assert_eq(num_bodies, 1);
	assert_returns(wwr_lock_set_status(&set), -EINTR);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_loop, interrupt_ends_the_loop)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_lock_set_options options = {.token = &token};

	holder_takes_b();
	open_set(&options);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		wwr_interrupt(&token);
		(void)!wwr_lock_set_lock(&set, B);
	}
	assert_returns(wwr_lock_set_status(&set), -EINTR);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_loop, retry_limit_ends_the_loop)
{
	static const struct wwr_lock_set_options options = {.retry_limit = 2};
	unsigned int num_bodies = 0;

	open_set(&options);
	wwr_lock_set_until_all_locked (&set) {
		struct wwr_mutex *have = num_bodies % 2 == 0 ? A : B;
		struct wwr_mutex *want = num_bodies % 2 == 0 ? B : A;

		num_bodies++;
		must(wwr_lock_set_lock(&set, have));
		must(actor_call(HOLDER, do_lock_plain, want));
		(void)!wwr_lock_set_lock(&set, want);
		must(actor_call(HOLDER, do_unlock, want));
	}
	cr_assert_eq(num_bodies, 3);
	assert_returns(wwr_lock_set_status(&set), -EAGAIN);
	assert_nothing_held();
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, break_leaves_the_locks_held_until_release_all)
{
	without_injection();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		break;
	}
	cr_assert(wwr_lock_set_holds(&set, A));
	/* It left before the end: the set is not done. */
	assert_returns(wwr_lock_set_lock(&set, C), 0);
	wwr_lock_set_release_all(&set);
	assert_nothing_held();
	/* The set is as good as new. */
	wwr_lock_set_until_all_locked (&set)
		must(wwr_lock_set_lock(&set, B));
	cr_assert(wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, break_after_a_contended_lock_keeps_the_stamp_for_the_next_loop)
{
	uint64_t stamp = 0;

	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		stamp = set.ctx->stamp;
		must(wwr_lock_set_lock(&set, A));
		if (lock_or_get_freed(B) != 0)
			break;
	}
	assert_returns(wwr_lock_set_status(&set), -EDEADLK);
	cr_assert(wwr_lock_set_holds(&set, A));
	wwr_lock_set_release_all(&set);
	assert_nothing_held();
	wwr_lock_set_until_all_locked (&set)
		must(wwr_lock_set_lock(&set, B));
	cr_assert_eq(set.ctx->stamp, stamp);
	wwr_lock_set_fini(&set);
}

static int return_from_the_body(void)
{
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		return 5;
	}
	return 0;
}

BOTH_TEST(lockset_loop, return_leaves_the_locks_held_until_fini)
{
	open_set(NULL);
	assert_returns(return_from_the_body(), 5);
	cr_assert(wwr_lock_set_holds(&set, A));
	wwr_lock_set_fini(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
}

BOTH_TEST(lockset_loop, release_all_and_break_end_the_transaction)
{
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		wwr_lock_set_release_all(&set);
		break;
	}
	assert_nothing_held();
	/* The next lock begins a new one. */
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	cr_assert_eq(set.ctx->stamp, 2);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, release_all_after_a_contended_lock_and_break_keep_the_stamp)
{
	holder_takes_b();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		if (lock_or_get_freed(B) == -EDEADLK) {
			wwr_lock_set_release_all(&set);
			break;
		}
	}
	assert_nothing_held();
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	cr_assert_eq(set.ctx->stamp, 1);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, body_that_gives_back_each_member_ends_done_with_nothing)
{
	without_injection();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		must(wwr_lock_set_lock(&set, B));
		wwr_lock_set_unlock(&set, A);
		wwr_lock_set_unlock(&set, B);
	}
	assert_returns(wwr_lock_set_status(&set), 0);
	assert_nothing_held();
	assert_returns(wwr_lock_set_lock(&set, A), -EINVAL);
	wwr_lock_set_release_all(&set);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, members_given_back_after_the_loop_leave_the_set_done)
{
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set)
		must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_unlock(&set, A);
	/* Only release_all, or a new run, ends what is done. */
	assert_returns(wwr_lock_set_lock(&set, A), -EINVAL);
	wwr_lock_set_until_all_locked (&set)
		must(wwr_lock_set_lock(&set, B));
	cr_assert(wwr_lock_set_holds(&set, B));
	cr_assert_eq(set.ctx->stamp, 2);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, loops_that_lock_nothing_follow_each_other)
{
	open_set(NULL);
	for (uint64_t i = 1; i <= 3; i++) {
		wwr_lock_set_until_all_locked (&set) {
		}
		assert_returns(wwr_lock_set_status(&set), 0);
		cr_assert_eq(set.ctx->stamp, i);
	}
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, unlock_in_the_body_gives_one_back)
{
	without_injection();
	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		must(wwr_lock_set_lock(&set, B));
		wwr_lock_set_unlock(&set, A);
	}
	cr_assert_not(wwr_mutex_is_locked(A));
	cr_assert(wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, a_set_loops_as_often_as_it_likes)
{
	without_injection();
	open_set(NULL);
	for (uint64_t i = 1; i <= 4; i++) {
		wwr_lock_set_until_all_locked (&set) {
			must(wwr_lock_set_lock(&set, A));
			must(wwr_lock_set_lock(&set, B));
		}
		cr_assert_eq(set.ctx->stamp, i);
		wwr_lock_set_release_all(&set);
	}
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_loop, two_sets_of_two_classes_nest)
{
	struct wwr_lock_set inner;

	without_injection();
	open_set(NULL);
	must(wwr_lock_set_init(&inner, &other_class, NULL));
	wwr_lock_set_until_all_locked (&set) {
		must(wwr_lock_set_lock(&set, A));
		wwr_lock_set_until_all_locked (&inner)
			must(wwr_lock_set_lock(&inner, &other_mutex));
		cr_assert(wwr_lock_set_holds(&inner, &other_mutex));
		wwr_lock_set_release_all(&inner);
		must(wwr_lock_set_lock(&set, B));
	}
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B));
	wwr_lock_set_fini(&inner);
	wwr_lock_set_fini(&set);
}
