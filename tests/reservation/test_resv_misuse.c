/* SPDX-License-Identifier: MIT */
/* What a reservation says to misuse: an error code, and in debug builds a line that names it. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "reservation/fence_core.h"

#include <wwresv/acquire_ctx.h>
#include <wwresv/sys/debug.h>
#include <wwresv/class.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct wwr_resv resv;
static struct wwr_resv other;
static struct wwr_fence *fence;

static void setup(void)
{
	test_alloc_install();
	wwr_resv_init(&resv, NULL);
	wwr_resv_init(&other, NULL);
	fence = test_fence_create(1, 1);
}

/* Nothing was added, and no reference taken or lost. */
static void finish(void)
{
	struct wwr_fence **fences;
	unsigned int num;

	cr_expect_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_BOOKKEEP, &num, &fences), 0);
	cr_expect_eq(num, 0);
	cr_expect_eq(fence->refcount, 1);
	wwr_fence_put(fence);
	wwr_resv_fini(&resv);
	wwr_resv_fini(&other);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

TestSuite(reservation_resv_misuse, .init = setup, .timeout = 20);

/* Calls it, and says what it wrote to stderr. */
static int call(int (*misuse)(void), char *ret_text, size_t size_bytes)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t length;
	int ret;

	cr_assert_not_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	ret = misuse();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	length = fread(ret_text, 1, size_bytes - 1, file);
	ret_text[length] = '\0';
	fclose(file);
	return ret;
}

static void expect_error(int (*misuse)(void), int error, const char *message)
{
	char text[512];
	int ret = call(misuse, text, sizeof(text));

	cr_expect_eq(ret, error, "%d instead of %d", ret, error);
#ifdef NDEBUG
	(void)message;
	cr_expect_str_empty(text);
#else
	cr_expect_not_null(strstr(text, message), "no \"%s\" in \"%s\"", message, text);
#endif
}

static void lock(void)
{
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
}

static void unlock(void)
{
	wwr_mutex_unlock(&resv.mutex);
}

static int reserve(void)
{
	return wwr_resv_reserve_fences(&resv, 1);
}

static int reserve_0(void)
{
	return wwr_resv_reserve_fences(&resv, 0);
}

static int add(void)
{
	return wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ);
}

static int add_null(void)
{
	return wwr_resv_add_fence(&resv, NULL, WWR_RESV_USAGE_READ);
}

static int add_usage_4(void)
{
	return wwr_resv_add_fence(&resv, fence, (enum wwr_resv_usage)4);
}

static int add_usage_below_0(void)
{
	return wwr_resv_add_fence(&resv, fence, (enum wwr_resv_usage) - 1);
}

static int replace(void)
{
	return wwr_resv_replace_fences(&resv, 1, fence, WWR_RESV_USAGE_READ);
}

static int replace_by_null(void)
{
	return wwr_resv_replace_fences(&resv, 1, NULL, WWR_RESV_USAGE_READ);
}

static int replace_usage_4(void)
{
	return wwr_resv_replace_fences(&resv, 1, fence, (enum wwr_resv_usage)4);
}

static int copy(void)
{
	return wwr_resv_copy_fences(&resv, &other);
}

Test(reservation_resv_misuse, change_without_the_lock_returns_eperm)
{
	expect_error(reserve, -EPERM, "wwr_resv_reserve_fences: reservation");
	expect_error(add, -EPERM, "is not locked by this thread");
	expect_error(replace, -EPERM, "is not locked by this thread");
	expect_error(copy, -EPERM, "wwr_resv_copy_fences: reservation");
	/* The lock of another one does not help. */
	cr_assert_eq(wwr_mutex_lock(&other.mutex, NULL), 0);
	expect_error(copy, -EPERM, "is not locked by this thread");
	wwr_mutex_unlock(&other.mutex);
	finish();
}

static void *add_in_thread(void *arg)
{
	*(int *)arg = add();
	return NULL;
}

Test(reservation_resv_misuse, change_with_another_threads_lock_returns_eperm)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, wwr_default_class());
	for (int with_ctx = 0; with_ctx < 2; with_ctx++) {
		pthread_t thread;
		int ret = 0;

		cr_assert_eq(wwr_mutex_lock(&resv.mutex, with_ctx ? &ctx : NULL), 0);
		cr_assert_eq(wwr_resv_reserve_fences(&resv, 1), 0);
		cr_assert_eq(pthread_create(&thread, NULL, add_in_thread, &ret), 0);
		pthread_join(thread, NULL);
		cr_expect_eq(ret, -EPERM);
		unlock();
	}
	wwr_acquire_ctx_fini(&ctx);
	finish();
}

Test(reservation_resv_misuse, reserve_0_returns_einval)
{
	lock();
	expect_error(reserve_0, -EINVAL, "0 slots asked for");
	unlock();
	finish();
}

Test(reservation_resv_misuse, reserve_more_than_can_be_returns_enomem)
{
	struct wwr_resv own;
	unsigned int before;

	wwr_resv_init(&own, NULL);
	cr_assert_eq(wwr_mutex_lock(&own.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&own, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(&own, fence, WWR_RESV_USAGE_READ), 0);
	before = test_alloc_calls();
	cr_expect_eq(wwr_resv_reserve_fences(&own, UINT_MAX), -ENOMEM);
	cr_expect_eq(test_alloc_calls(), before, "it does not even ask");
	wwr_mutex_unlock(&own.mutex);
	cr_expect_not(wwr_resv_test_signaled(&own, WWR_RESV_USAGE_READ));
	wwr_resv_fini(&own);
	finish();
}

/* Zero slots, no lock, no slot, and a fence that somebody waits for. */
Test(reservation_resv_misuse, without_checks_errors_are_not_reported)
{
	const unsigned int checks = wwr_debug_get_checks();
	char text[512];

	wwr_debug_set_checks(0);
	cr_expect_eq(call(add, text, sizeof(text)), -EPERM);
	cr_expect_str_empty(text);
	lock();
	cr_expect_eq(call(reserve_0, text, sizeof(text)), -EINVAL);
	cr_expect_str_empty(text);
	cr_expect_eq(call(add_null, text, sizeof(text)), -EINVAL);
	cr_expect_str_empty(text);
	cr_expect_eq(call(add, text, sizeof(text)), -ENOSPC);
	cr_expect_str_empty(text);
	unlock();
	wwr_debug_set_checks(checks);
	finish();
}

Test(reservation_resv_misuse, add_without_a_slot_returns_enospc)
{
	lock();
	expect_error(add, -ENOSPC, "no slot for fence");
	cr_assert_eq(reserve(), 0);
	unlock();
	lock();
	expect_error(add, -ENOSPC, "nothing was reserved since the lock was taken");
	unlock();
	finish();
}

Test(reservation_resv_misuse, add_of_an_impossible_fence_returns_einval)
{
	lock();
	cr_assert_eq(reserve(), 0);
	expect_error(add_null, -EINVAL, "there is no fence");
	expect_error(add_usage_4, -EINVAL, "usage 4: there is no such usage");
	expect_error(add_usage_below_0, -EINVAL, "usage -1: there is no such usage");
	expect_error(replace_by_null, -EINVAL, "there is no fence");
	expect_error(replace_usage_4, -EINVAL, "there is no such usage");
	fence->flags |= FENCE_CONTAINER;
	expect_error(add, -EINVAL, "made of other fences");
	expect_error(replace, -EINVAL, "wwr_resv_replace_fences: reservation");
	fence->flags &= ~FENCE_CONTAINER;
	unlock();
	finish();
}

/* Readers take a usage that there is not for the one that everything belongs to. */
Test(reservation_resv_misuse, read_of_an_impossible_usage_looks_at_everything)
{
	static const enum wwr_resv_usage usages[] = {(enum wwr_resv_usage)4,
						     (enum wwr_resv_usage) - 1};

	lock();
	cr_assert_eq(reserve(), 0);
	cr_assert_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_BOOKKEEP), 0);
	unlock();
	for (int i = 0; i < 2; i++) {
		cr_expect_not(wwr_resv_test_signaled(&resv, usages[i]));
		cr_expect_eq(wwr_resv_wait_until(&resv, usages[i], NULL, 0), -ETIME);
	}
	(void)wwr_fence_signal(fence);
	wwr_resv_fini(&resv);
	wwr_resv_init(&resv, NULL);
	finish();
}

static void iterate_unlocked(void *arg)
{
	struct wwr_resv_iter iter;

	wwr_resv_iter_begin(&iter, arg, WWR_RESV_USAGE_READ);
}

static void iterate_after_unlock(void *arg)
{
	struct wwr_resv_iter iter;

	(void)arg;
	lock();
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_READ);
	unlock();
	(void)wwr_resv_iter_next(&iter);
}

static void fini_locked(void *arg)
{
	lock();
	wwr_resv_fini(arg);
}

/* These cannot return an error, and to go on would be wrong: no fence to wait for, it would seem.
 */
Test(reservation_resv_misuse, misuse_that_cannot_return_an_error_aborts)
{
	cr_expect(test_aborts_with(iterate_unlocked, &resv, "must be held here"));
	cr_expect(test_aborts_with(iterate_after_unlock, &resv, "must be held here"));
	cr_expect(test_aborts_with(fini_locked, &resv, "is held or awaited"));
	finish();
}
