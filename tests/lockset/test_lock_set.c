/* SPDX-License-Identifier: MIT */
/* The calls on a lock set, one by one, where nothing is contended. */
#include "tests/lockset/stage.h"

#include <wwresv/alloc.h>

#include <errno.h>

static struct wwr_lock_set set;
static struct wwr_acquire_ctx ctx;

static void open_set(void)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
}

BOTH_TEST(lockset_set, init_holds_nothing)
{
	open_set();
	cr_assert_not(wwr_lock_set_holds(&set, A));
	assert_returns(wwr_lock_set_status(&set), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, init_with_wrong_options_returns_einval)
{
	struct wwr_lock_set_options options = {.flags = WWR_LOCK_SET_MASK << 1};

	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_lock_set_init(&set, &main_class, &options), -EINVAL);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, &options), -EINVAL);
	options = (struct wwr_lock_set_options){.flags = WWR_LOCK_SET_CLASSIC | 1u << 31};
	assert_returns(wwr_lock_set_init(&set, &main_class, &options), -EINVAL);
	options = (struct wwr_lock_set_options){.deadline_ns = -1};
	assert_returns(wwr_lock_set_init(&set, &main_class, &options), -EINVAL);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, &options), -EINVAL);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, init_with_every_option_returns_0)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_lock_set_options options = {
	    .flags = WWR_LOCK_SET_CLASSIC,
	    .retry_limit = 3,
	    .deadline_ns = INT64_MAX,
	    .token = &token,
	};

	assert_returns(wwr_lock_set_init(&set, &main_class, &options), 0);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lent_context_is_its_owners_again_after_fini)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < 2; i++) {
		must(wwr_lock_set_init_with_ctx(&set, &ctx, NULL));
		must(wwr_lock_set_lock(&set, A));
		wwr_lock_set_fini(&set);
		must(wwr_mutex_lock(A, &ctx));
		wwr_mutex_unlock(A);
		wwr_acquire_ctx_reinit(&ctx);
	}
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, init_with_ctx_borrows_it)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, NULL), 0);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	cr_assert(wwr_mutex_is_owned_by(A, &ctx));
	wwr_lock_set_fini(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
	/* It is the caller's again, and not ended. */
	wwr_acquire_ctx_reinit(&ctx);
	assert_returns(wwr_mutex_lock(B, &ctx), 0);
	wwr_mutex_unlock(B);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, first_transaction_has_the_borrowed_stamp)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_lock_set_init_with_ctx(&set, &ctx, NULL));
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(ctx.stamp, 1);
	wwr_lock_set_release_all(&set);
	must(wwr_lock_set_lock(&set, A));
	cr_assert_eq(ctx.stamp, 2);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, init_with_ctx_that_holds_returns_einval)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	must(wwr_mutex_lock(A, &ctx));
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, NULL), -EINVAL);
	wwr_mutex_unlock(A);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, NULL), 0);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, init_with_ctx_that_is_done_returns_einval)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_done(&ctx);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, NULL), -EINVAL);
	wwr_acquire_ctx_reinit(&ctx);
	assert_returns(wwr_lock_set_init_with_ctx(&set, &ctx, NULL), 0);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, borrowed_context_that_must_back_off_does_so_through_the_set)
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	lose_b_holding_a(&ctx);
	wwr_mutex_unlock(A);
	must(wwr_lock_set_init_with_ctx(&set, &ctx, NULL));
	assert_returns(wwr_lock_set_lock(&set, A), -EDEADLK);
	assert_returns(wwr_lock_set_back_off(&set), 0);
	cr_assert(wwr_lock_set_holds(&set, B));
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
	wwr_acquire_ctx_fini(&ctx);
}

BOTH_TEST(lockset_set, lock_holds_and_locks_again_for_nothing)
{
	struct wwr_lock_set_stats stats;

	without_injection();
	open_set();
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_trylock(&set, A), 0);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B));
	wwr_lock_set_get_stats(&set, &stats);
	cr_assert_eq(stats.num_locks, 2);
	/* Taken once, so one unlock is enough. */
	wwr_lock_set_unlock(&set, A);
	cr_assert_not(wwr_mutex_is_locked(A));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lock_of_another_class_returns_einval)
{
	open_set();
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, &other_mutex), -EINVAL);
	assert_returns(wwr_lock_set_trylock(&set, &other_mutex), -EINVAL);
	cr_assert_not(wwr_mutex_is_locked(&other_mutex));
	cr_assert(wwr_lock_set_holds(&set, A));
	assert_returns(wwr_lock_set_status(&set), -EINVAL);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lock_after_done_returns_einval_but_0_for_members)
{
	open_set();
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_done(&set);
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	assert_returns(wwr_lock_set_trylock(&set, A), 0);
	assert_returns(wwr_lock_set_lock(&set, B), -EINVAL);
	assert_returns(wwr_lock_set_trylock(&set, B), -EINVAL);
	cr_assert_not(wwr_mutex_is_locked(B));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, release_all_after_done_begins_anew)
{
	open_set();
	for (int i = 0; i < 3; i++) {
		must(wwr_lock_set_lock(&set, A));
		wwr_lock_set_done(&set);
		wwr_lock_set_release_all(&set);
		cr_assert_not(wwr_mutex_is_locked(A));
	}
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, done_of_an_empty_set_holds_until_release_all)
{
	open_set();
	for (int i = 0; i < 3; i++) {
		wwr_lock_set_done(&set);
		assert_returns(wwr_lock_set_lock(&set, A), -EINVAL);
		wwr_lock_set_release_all(&set);
	}
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, trylock_of_a_mutex_held_by_anyone_else_returns_ebusy)
{
	struct wwr_lock_set inner;

	open_set();
	must(wwr_lock_set_init(&inner, &main_class, NULL));
	must(actor_call(HOLDER, do_lock_plain, A));
	must(wwr_mutex_trylock(B, NULL));
	must(wwr_lock_set_trylock(&inner, C));
	assert_returns(wwr_lock_set_trylock(&set, A), -EBUSY);
	assert_returns(wwr_lock_set_trylock(&set, B), -EBUSY);
	assert_returns(wwr_lock_set_trylock(&set, C), -EBUSY);
	/* That is no failure of the attempt, and nothing is remembered as contended. */
	assert_returns(wwr_lock_set_status(&set), 0);
	assert_returns(wwr_lock_set_lock(&set, D), 0);
	wwr_lock_set_fini(&inner);
	wwr_lock_set_fini(&set);
	wwr_mutex_unlock(B);
	must(actor_call(HOLDER, do_unlock, A));
}

BOTH_TEST(lockset_set, trylock_takes_a_free_mutex)
{
	open_set();
	assert_returns(wwr_lock_set_trylock(&set, A), 0);
	cr_assert(wwr_lock_set_holds(&set, A));
	assert_returns(wwr_lock_set_lock(&set, A), 0);
	wwr_lock_set_fini(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
}

BOTH_TEST(lockset_set, unlock_gives_one_member_back)
{
	without_injection();
	open_set();
	for (int i = 0; i < 4; i++)
		must(wwr_lock_set_lock(&set, &mutex[i]));
	wwr_lock_set_unlock(&set, B);
	cr_assert_not(wwr_lock_set_holds(&set, B));
	cr_assert_not(wwr_mutex_is_locked(B));
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, C) &&
		  wwr_lock_set_holds(&set, D));
	must(actor_call(PLAIN, do_lock_plain, B));
	must(actor_call(PLAIN, do_unlock, B));
	/* It may be asked for again, in the same transaction. */
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	cr_assert_eq(main_class.stamp, 1);
	wwr_lock_set_unlock(&set, D);
	wwr_lock_set_unlock(&set, A);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, unlock_after_done_gives_back)
{
	without_injection();
	open_set();
	must(wwr_lock_set_lock(&set, A));
	must(wwr_lock_set_lock(&set, B));
	wwr_lock_set_done(&set);
	wwr_lock_set_unlock(&set, A);
	cr_assert_not(wwr_mutex_is_locked(A));
	assert_returns(wwr_lock_set_lock(&set, A), -EINVAL);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lock_array_locks_all_and_tolerates_duplicates)
{
	struct wwr_mutex *const wanted[] = {C, A, C, B, A, C};

	without_injection();
	open_set();
	assert_returns(wwr_lock_set_lock_array(&set, wanted, 6), 0);
	cr_assert(wwr_lock_set_holds(&set, A) && wwr_lock_set_holds(&set, B) &&
		  wwr_lock_set_holds(&set, C));
	cr_assert_not(wwr_lock_set_holds(&set, D));
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lock_array_of_none_returns_0)
{
	open_set();
	assert_returns(wwr_lock_set_lock_array(&set, NULL, 0), 0);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, lock_array_returns_the_first_error_and_keeps_the_rest)
{
	struct wwr_mutex *const wanted[] = {A, &other_mutex, B};

	open_set();
	assert_returns(wwr_lock_set_lock_array(&set, wanted, 3), -EINVAL);
	cr_assert(wwr_lock_set_holds(&set, A));
	wwr_lock_set_fini(&set);
}

struct account {
	int padding;
	struct wwr_mutex mutex;
	int balance;
};

static int add_to_balance(struct wwr_mutex *member, void *arg)
{
	WWR_CONTAINER_OF(member, struct account, mutex)->balance += *(int *)arg;
	return 17;
}

BOTH_TEST(lockset_set, with_locked_runs_on_the_object_and_returns_its_result)
{
	struct account account = {.balance = 5};
	int amount = 3;

	wwr_mutex_init(&account.mutex, &main_class);
	open_set();
	must(wwr_lock_set_lock(&set, &account.mutex));
	assert_returns(wwr_lock_set_with_locked(&set, &account.mutex, add_to_balance, &amount), 17);
	cr_assert_eq(account.balance, 8);
	wwr_lock_set_fini(&set);
	wwr_mutex_fini(&account.mutex);
}

static int run_never(struct wwr_mutex *member, void *arg)
{
	(void)member;
	*(bool *)arg = true;
	return 0;
}

BOTH_TEST(lockset_set, with_locked_unless_this_set_holds_returns_einval)
{
	struct wwr_lock_set inner;
	bool ran = false;

	open_set();
	must(wwr_lock_set_init(&inner, &main_class, NULL));
	must(wwr_lock_set_lock(&inner, B));
	must(wwr_mutex_trylock(C, NULL));
	must(actor_call(HOLDER, do_lock_plain, D));
	for (int i = 0; i < 4; i++)
		assert_returns(wwr_lock_set_with_locked(&set, &mutex[i], run_never, &ran), -EINVAL);
	must(wwr_lock_set_trylock(&set, A));
	wwr_lock_set_unlock(&set, A);
	assert_returns(wwr_lock_set_with_locked(&set, A, run_never, &ran), -EINVAL);
	cr_assert_not(ran);
	wwr_lock_set_fini(&inner);
	wwr_lock_set_fini(&set);
	wwr_mutex_unlock(C);
	must(actor_call(HOLDER, do_unlock, D));
}

BOTH_TEST(lockset_set, release_all_frees_every_member)
{
	without_injection();
	open_set();
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		must(wwr_lock_set_lock(&set, &mutex[i]));
	wwr_lock_set_release_all(&set);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		cr_assert_not(wwr_mutex_is_locked(&mutex[i]));
	wwr_lock_set_release_all(&set);
	wwr_lock_set_fini(&set);
}

BOTH_TEST(lockset_set, fini_releases_what_is_held)
{
	open_set();
	must(wwr_lock_set_lock(&set, A));
	must(wwr_lock_set_trylock(&set, B));
	wwr_lock_set_done(&set);
	wwr_lock_set_fini(&set);
	cr_assert_not(wwr_mutex_is_locked(A));
	cr_assert_not(wwr_mutex_is_locked(B));
}

BOTH_TEST(lockset_set, each_transaction_of_a_set_takes_a_new_stamp)
{
	without_injection();
	open_set();
	for (uint64_t i = 1; i <= 5; i++) {
		must(wwr_lock_set_lock(&set, A));
		must(wwr_lock_set_lock(&set, B));
		cr_assert_eq(set.ctx->stamp, i);
		wwr_lock_set_release_all(&set);
	}
	wwr_lock_set_fini(&set);
	cr_assert_eq(main_class.stamp, 5);
}

/* No lock call of any kind allocates, so none can fail for want of memory. */
static unsigned int num_allocations;

static void *refuse_alloc(size_t size_bytes, void *data)
{
	(void)size_bytes;
	(void)data;
	num_allocations++;
	return NULL;
}

static void refuse_free(void *ptr, void *data)
{
	(void)ptr;
	(void)data;
}

BOTH_TEST(lockset_set, nothing_allocates)
{
	static const struct wwr_allocator refusing = {refuse_alloc, refuse_free, NULL};

	without_injection();
	wwr_set_allocator(&refusing);
	open_set();
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		assert_returns(wwr_lock_set_lock(&set, &mutex[i]), 0);
	wwr_lock_set_release_all(&set);
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(HOLDER, do_lock_plain, B));
	must(actor_call(OLDER, do_set_lock, A));
	assert_returns(actor_call(OLDER, do_set_lock, B), -EDEADLK);
	actor_block(OLDER, do_set_back_off, NULL);
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(actor_end(OLDER), 0);
	wwr_lock_set_fini(&set);
	cr_assert_eq(num_allocations, 0);
	wwr_set_allocator(NULL);
}
