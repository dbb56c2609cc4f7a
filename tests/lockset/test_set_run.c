/* SPDX-License-Identifier: MIT */
/* The two ways to run a transaction: lock_all with its callbacks, and the loop. */
#include "tests/lockset/stage.h"

#include <errno.h>

static struct wwr_lock_set set;

/* What a transaction of these tests does, and what was seen of it. */
struct script {
	struct wwr_mutex *wanted[2][4]; /* by the first attempt and by later ones */
	bool hides_errors;		/* acquire returns 0 whatever the locks say */
	int acquire_result;		/* returned if not 0 */
	int locked_result;
	unsigned int num_acquires, num_lockeds;
	uint64_t stamps[8];  /* of the attempts */
	bool a_held, b_held; /* in locked */
	bool done;
};

/* HOLDER has B and gives it back when asked to: as soon as the set has lost it. */
static void holder_takes_b(void)
{
	must(actor_call(HOLDER, do_lock_plain, B));
}

static void holder_gives_b(void)
{
	if (wwr_debug_mutex_holder(B) != 0 && wwr_debug_mutex_holder(B) == HOLDER->tid)
		must(actor_call(HOLDER, do_unlock, B));
}

static int acquire(struct wwr_lock_set *locks, void *arg)
{
	struct script *script = arg;
	struct wwr_mutex *const *wanted = script->wanted[script->num_acquires > 0];
	int ret = 0;

	script->stamps[script->num_acquires++] = locks->ctx->stamp;
	for (int i = 0; i < 4 && wanted[i] != NULL && ret == 0; i++)
		ret = wwr_lock_set_lock(locks, wanted[i]);
	if (ret == -EDEADLK)
		holder_gives_b();
	if (script->acquire_result != 0)
		return script->acquire_result;
	return script->hides_errors ? 0 : ret;
}

static int locked(struct wwr_lock_set *locks, void *arg)
{
	struct script *script = arg;

	script->num_lockeds++;
	script->a_held = wwr_lock_set_holds(locks, A);
	script->b_held = wwr_lock_set_holds(locks, B);
	script->done =
	    wwr_lock_set_lock(locks, D) == -EINVAL && wwr_lock_set_trylock(locks, D) == -EINVAL;
	return script->locked_result;
}

static int run(struct script *script)
{
	int ret = wwr_lock_set_lock_all(&set, acquire, locked, script);

	cr_assert_eq(set.ctx->num_held, 0);
	cr_assert_null(set.ctx->held);
	cr_assert_not(wwr_mutex_is_locked(A));
	return ret;
}

static void open_set(const struct wwr_lock_set_options *options)
{
	must(wwr_lock_set_init(&set, &main_class, options));
}

BOTH_TEST(lockset_lock_all, runs_acquire_and_locked_once_and_returns_its_result)
{
	struct script script = {.wanted = {{A, B}}, .locked_result = 42};

	without_injection();
	open_set(NULL);
	assert_returns(run(&script), 42);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_eq(script.num_lockeds, 1);
	cr_assert(script.a_held && script.b_held && script.done);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, nothing_wanted_runs_locked_with_nothing)
{
	struct script script = {.locked_result = 7};

	open_set(NULL);
	assert_returns(run(&script), 7);
	cr_assert(script.done);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, contended_lock_runs_acquire_again_with_the_old_stamp)
{
	struct script script = {.wanted = {{A, B}, {A, B}}};
	struct wwr_lock_set_stats stats;

	without_injection();
	holder_takes_b();
	open_set(NULL);
	assert_returns(run(&script), 0);
	cr_assert_eq(script.num_acquires, 2);
	cr_assert_eq(script.num_lockeds, 1);
	cr_assert(script.a_held && script.b_held && script.done);
	cr_assert_eq(script.stamps[0], script.stamps[1]);
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.retries, 1);
	cr_assert_eq(stats.num_backoffs, 1);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, acquire_that_hides_the_contended_lock_runs_again)
{
	struct script script = {.wanted = {{A, B}, {A, B}}, .hides_errors = true};

	without_injection();
	holder_takes_b();
	open_set(NULL);
	assert_returns(run(&script), 0);
	cr_assert_eq(script.num_acquires, 2);
	cr_assert(script.a_held && script.b_held);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, contended_lock_not_asked_for_again_is_released_before_locked)
{
	struct script script = {.wanted = {{A, B}, {A}}};

	without_injection();
	holder_takes_b();
	open_set(NULL);
	assert_returns(run(&script), 0);
	cr_assert_eq(script.num_acquires, 2);
	cr_assert(script.a_held);
	cr_assert_not(script.b_held);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, edeadlk_of_acquire_with_nothing_contended_is_returned)
{
	struct script script = {.wanted = {{A}}, .acquire_result = -EDEADLK};

	open_set(NULL);
	assert_returns(run(&script), -EDEADLK);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_eq(script.num_lockeds, 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, other_error_of_acquire_is_returned)
{
	struct script script = {.wanted = {{A}}, .acquire_result = -EIO};

	open_set(NULL);
	assert_returns(run(&script), -EIO);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_eq(script.num_lockeds, 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, other_error_of_acquire_beats_a_contended_lock)
{
	struct script script = {.wanted = {{A, B}}, .acquire_result = -EIO};

	holder_takes_b();
	open_set(NULL);
	assert_returns(run(&script), -EIO);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_not(wwr_mutex_is_locked(B));
	/* And is forgotten with the transaction. */
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, error_of_a_lock_ends_the_transaction)
{
	struct script script = {.wanted = {{A, &other_mutex}}};

	open_set(NULL);
	assert_returns(run(&script), -EINVAL);
	cr_assert_eq(script.num_lockeds, 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, edeadlk_of_locked_is_returned_as_it_is)
{
	struct script script = {.wanted = {{A, B}}, .locked_result = -EDEADLK};

	without_injection();
	open_set(NULL);
	assert_returns(run(&script), -EDEADLK);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_eq(script.num_lockeds, 1);
	wwr_lock_set_fini(&set);
}

static int lock_in_locked(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	assert_returns(wwr_lock_set_lock(locks, A), 0);
	assert_returns(wwr_lock_set_trylock(locks, A), 0);
	assert_returns(wwr_lock_set_lock(locks, C), -EINVAL);
	assert_returns(wwr_lock_set_lock(locks, B), -EINVAL);
	assert_returns(wwr_lock_set_lock(locks, &other_mutex), -EINVAL);
	cr_assert_not(wwr_mutex_is_locked(C));
	wwr_lock_set_unlock(locks, A);
	assert_returns(wwr_lock_set_lock(locks, A), -EINVAL);
	return 0;
}

BOTH_TEST(lockset_lock_all, lock_in_locked_is_0_for_members_and_einval_for_others)
{
	struct script script = {.wanted = {{A}}};

	holder_takes_b();
	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire, lock_in_locked, &script), 0);
	wwr_lock_set_fini(&set);
	holder_gives_b();
}

/* Never gives B back. */
static int acquire_a_and_b(struct wwr_lock_set *locks, void *arg)
{
	struct wwr_mutex *const wanted[] = {A, B};

	++*(unsigned int *)arg;
	return wwr_lock_set_lock_array(locks, wanted, 2);
}

static int run_a_and_b(const struct wwr_lock_set_options *options)
{
	unsigned int num_acquires = 0;
	int ret;

	open_set(options);
	ret = wwr_lock_set_lock_all(&set, acquire_a_and_b, locked, &num_acquires);
	cr_assert_eq(num_acquires, 1);
	cr_assert_not(wwr_mutex_is_locked(A));
	wwr_lock_set_fini(&set);
	return ret;
}

BOTH_TEST(lockset_lock_all, error_of_the_back_off_is_returned)
{
	struct wwr_lock_set_options options = {.deadline_ns = from_now_ns(SOON_NS)};

	holder_takes_b();
	assert_returns(run_a_and_b(&options), -ETIME);
	holder_gives_b();
}

static int do_run_a_and_b(struct actor *self, void *arg)
{
	return wwr_lock_set_lock_all(&self->set, acquire_a_and_b, locked, arg);
}

BOTH_TEST(lockset_lock_all, interrupt_of_the_back_off_is_returned)
{
	struct wwr_lock_set_options options = {.token = &OLDER->token};
	unsigned int num_acquires = 0;

	holder_takes_b();
	must(actor_call(OLDER, do_set_init, &options));
	actor_block(OLDER, do_run_a_and_b, &num_acquires);
	wwr_interrupt(&OLDER->token);
	assert_returns(actor_end(OLDER), -EINTR);
	cr_assert_eq(num_acquires, 1);
	cr_assert_not(wwr_mutex_is_locked(A));
	holder_gives_b();
}

/* B is given back and taken again before each attempt. */
static int acquire_and_lose(struct wwr_lock_set *locks, void *arg)
{
	unsigned int *num_acquires = arg;
	struct wwr_mutex *have = *num_acquires % 2 == 0 ? A : B;
	struct wwr_mutex *want = *num_acquires % 2 == 0 ? B : A;
	int ret = wwr_lock_set_lock(locks, have);

	++*num_acquires;
	if (ret != 0)
		return ret;
	must(actor_call(HOLDER, do_lock_plain, want));
	ret = wwr_lock_set_lock(locks, want);
	must(actor_call(HOLDER, do_unlock, want));
	return ret;
}

BOTH_TEST(lockset_lock_all, retry_limit_returns_eagain)
{
	static const struct wwr_lock_set_options options = {.retry_limit = 3};
	unsigned int num_acquires = 0;

	open_set(&options);
	assert_returns(wwr_lock_set_lock_all(&set, acquire_and_lose, locked, &num_acquires),
		       -EAGAIN);
	cr_assert_eq(num_acquires, 4);
	cr_assert_not(wwr_mutex_is_locked(A) || wwr_mutex_is_locked(B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, each_run_of_a_set_is_a_transaction_of_its_own)
{
	open_set(NULL);
	for (uint64_t i = 1; i <= 4; i++) {
		struct script script = {.wanted = {{A, B}}, .locked_result = (int)i};

		assert_returns(run(&script), (int)i);
		cr_assert_eq(script.stamps[0], i);
	}
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(set.ctx->stamp, 5);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, run_after_an_attempt_given_up_keeps_its_stamp)
{
	struct script script = {.wanted = {{A, B}, {A, B}}};

	holder_takes_b();
	open_set(NULL);
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, B), -EDEADLK);
	wwr_lock_set_release_all(&set);
	assert_returns(run(&script), 0);
	cr_assert_eq(script.stamps[0], 1);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, borrowed_context_runs_transactions)
{
	struct script script = {.wanted = {{A, B}, {A, B}}};
	struct wwr_acquire_ctx ctx;

	without_injection();
	holder_takes_b();
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_lock_set_init_with_ctx(&set, &ctx, NULL));
	assert_returns(run(&script), 0);
	cr_assert_eq(script.num_acquires, 2);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

static int acquire_gives_back(struct wwr_lock_set *locks, void *arg)
{
	int ret = acquire(locks, arg);

	wwr_lock_set_unlock(locks, A);
	wwr_lock_set_unlock(locks, B);
	return ret != 0 ? ret : wwr_lock_set_lock(locks, C);
}

/* Giving back every member is no end: the transaction goes on, with its stamp. */
BOTH_TEST(lockset_lock_all, acquire_that_gives_back_all_members_keeps_the_stamp)
{
	struct script script = {.wanted = {{A, B}}};

	without_injection();
	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire_gives_back, locked, &script), 0);
	cr_assert_eq(script.num_acquires, 1);
	cr_assert_not(script.a_held || script.b_held);
	cr_assert_eq(set.ctx->stamp, script.stamps[0]);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_lock_all, follows_a_set_that_is_done_and_has_given_back_all)
{
	struct script script = {.wanted = {{A, B}}};

	without_injection();
	open_set(NULL);
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_done(&set);
	wwr_lock_set_unlock(&set, A);
	assert_returns(run(&script), 0);
	cr_assert(script.a_held && script.b_held && script.done);
	cr_assert_eq(script.stamps[0], 2);
	wwr_lock_set_fini(&set);
}

static int acquire_backs_off_itself(struct wwr_lock_set *locks, void *arg)
{
	int ret = acquire(locks, arg);

	if (ret != -EDEADLK)
		return ret;
	must(wwr_lock_set_back_off(locks));
	return acquire(locks, arg);
}

BOTH_TEST(lockset_lock_all, acquire_may_back_off_itself)
{
	struct script script = {.wanted = {{A, B}, {A, B}}};

	without_injection();
	holder_takes_b();
	open_set(NULL);
	assert_returns(wwr_lock_set_lock_all(&set, acquire_backs_off_itself, locked, &script), 0);
	cr_assert_eq(script.num_acquires, 2);
	cr_assert(script.a_held && script.b_held);
	wwr_lock_set_fini(&set);
}
