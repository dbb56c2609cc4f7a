/* SPDX-License-Identifier: MIT */
/* Waits that an algorithm asks for: with nothing held, and with the old stamp afterwards. */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_lock_set set;

struct script {
	unsigned int num_waits_wanted; /* by so many attempts */
	int wait_result;
	bool meets_b; /* also meets a lock that somebody else has, before it asks for the wait */
	unsigned int num_attempts, num_waits, num_lockeds;
	uint64_t stamps[8];
	bool held_in_wait; /* something was */
	int later_lock;	   /* what a lock returned once the wait was asked for */
};

static int wait_for_it(struct wwr_lock_set *locks, void *arg)
{
	struct script *script = arg;

	script->num_waits++;
	script->held_in_wait |= locks->ctx->num_held != 0 || wwr_mutex_is_locked(A);
	return script->wait_result;
}

static int attempt(struct wwr_lock_set *locks, struct script *script)
{
	int ret;

	script->stamps[script->num_attempts++] = locks->ctx->stamp;
	ret = wwr_lock_set_lock(locks, A);
	if (ret == 0 && script->meets_b && script->num_attempts == 1) {
		must(actor_call(HOLDER, do_lock_plain, B));
		assert_returns(wwr_lock_set_lock(locks, B), -EDEADLK);
		must(actor_call(HOLDER, do_unlock, B));
	}
	if (ret != 0 || script->num_waits_wanted < script->num_attempts)
		return ret;
	ret = wwr_lock_set_wait_unlocked(locks, wait_for_it, script);
	script->later_lock = wwr_lock_set_lock(locks, C);
	assert_returns(wwr_lock_set_trylock(locks, C), -EDEADLK);
	return ret;
}

static int acquire(struct wwr_lock_set *locks, void *arg)
{
	return attempt(locks, arg);
}

static int locked(struct wwr_lock_set *locks, void *arg)
{
	struct script *script = arg;

	script->num_lockeds++;
	return wwr_lock_set_holds(locks, A) ? 0 : -EIO;
}

static void open_set(const struct wwr_lock_set_options *options)
{
	must(wwr_lock_set_init(&set, &main_class, options));
}

BOTH_TEST(lockset_set_wait, wait_is_called_with_nothing_held_and_the_stamp_is_kept)
{
	struct script script = {.num_waits_wanted = 2};
	struct wwr_lock_set_stats stats;

	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire, locked, &script), 0);
	cr_assert_eq(script.num_attempts, 3);
	cr_assert_eq(script.num_waits, 2);
	cr_assert_eq(script.num_lockeds, 1);
	cr_assert_not(script.held_in_wait);
	assert_returns(script.later_lock, -EDEADLK);
	cr_assert_eq(script.stamps[0], script.stamps[1]);
	cr_assert_eq(script.stamps[0], script.stamps[2]);
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.retries, 2);
	cr_assert_eq(stats.losses, 0);
	cr_assert_eq(stats.num_backoffs, 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, error_of_the_wait_ends_the_transaction)
{
	struct script script = {.num_waits_wanted = 1, .wait_result = -ETIME};

	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire, locked, &script), -ETIME);
	cr_assert_eq(script.num_attempts, 1);
	cr_assert_eq(script.num_lockeds, 0);
	cr_assert_not(wwr_mutex_is_locked(A));
	/* And the next one begins anew. */
	script = (struct script){0};
	assert_returns(wwr_lock_set_lock_all(&set, acquire, locked, &script), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, contended_lock_goes_before_the_wait)
{
	struct script script = {.num_waits_wanted = 1, .meets_b = true};

	without_injection();
	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire, locked, &script), 0);
	cr_assert_eq(script.num_attempts, 2);
	cr_assert_eq(script.num_waits, 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, retry_limit_counts_waits_too)
{
	const struct wwr_lock_set_options options = {.retry_limit = 2};
	struct script script = {.num_waits_wanted = 5};

	open_set(&options);
	assert_returns(wwr_lock_set_lock_all(&set, acquire, locked, &script), -EAGAIN);
	cr_assert_eq(script.num_waits, 2);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, loop_form_waits_too)
{
	struct script script = {.num_waits_wanted = 1};

	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		(void)!attempt(&set, &script);
	}
	assert_returns(wwr_lock_set_status(&set), 0);
	cr_assert_eq(script.num_attempts, 2);
	cr_assert_eq(script.num_waits, 1);
	cr_assert(wwr_lock_set_holds(&set, A));
	wwr_lock_set_release_all(&set);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, loop_form_ends_with_the_error_of_the_wait)
{
	struct script script = {.num_waits_wanted = 1, .wait_result = -EINTR};

	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		(void)!attempt(&set, &script);
	}
	assert_returns(wwr_lock_set_status(&set), -EINTR);
	cr_assert_not(wwr_mutex_is_locked(A));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, release_all_forgets_the_wait_and_keeps_the_stamp)
{
	struct script script = {.num_waits_wanted = 1};
	uint64_t stamp;

	open_set(NULL);
	assert_returns(attempt(&set, &script), -EDEADLK);
	stamp = set.ctx->stamp;
	wwr_lock_set_release_all(&set);
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	cr_assert_eq(set.ctx->stamp, stamp);
	cr_assert_eq(script.num_waits, 0);
	wwr_lock_set_release_all(&set);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set_wait, wait_after_an_error_keeps_that_error)
{
	struct script script = {.wait_result = 0};

	open_set(NULL);
	wwr_lock_set_until_all_locked (&set) {
		assert_returns(wwr_lock_set_lock(&set, &other_mutex), -EINVAL);
		assert_returns(wwr_lock_set_wait_unlocked(&set, wait_for_it, &script), -EDEADLK);
	}
	assert_returns(wwr_lock_set_status(&set), -EINVAL);
	cr_assert_eq(script.num_waits, 0);
	wwr_lock_set_fini(&set);
}
