/* SPDX-License-Identifier: MIT */
/*
 * SUBMIT with a retry limit, and what is counted at a buffer's lock: every back-off, so none may be
 * injected here.
 */
#include "tests/drivers/test_wwrmock.h"

#include <wwresv/bo.h>
#include <wwresv/mutex.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

TestSuite(drivers_wwrmock_retry, .init = wm_setup, .fini = wm_teardown, .timeout = 60);

/* Who has the lock of a buffer until he is told. */
struct holder {
	struct core_gem *gem;
	pthread_t thread;
	pthread_barrier_t barrier;
	int ret;
};

static void *holder_main(void *arg)
{
	struct holder *holder = arg;
	const int ret = wwr_mutex_lock(wwr_bo_mutex(holder->gem->bo), NULL);

	holder->ret = ret;
	pthread_barrier_wait(&holder->barrier);
	if (ret != 0)
		return NULL;
	pthread_barrier_wait(&holder->barrier);
	wwr_mutex_unlock(wwr_bo_mutex(holder->gem->bo));
	return NULL;
}

static void hold(struct holder *holder, uint32_t handle)
{
	holder->gem = core_gem_find(wm_file, handle);
	cr_assert_not_null(holder->gem);
	pthread_barrier_init(&holder->barrier, NULL, 2);
	cr_assert_eq(pthread_create(&holder->thread, NULL, holder_main, holder), 0);
	pthread_barrier_wait(&holder->barrier);
	cr_assert_eq(holder->ret, 0);
}

static void let_go(struct holder *holder)
{
	pthread_barrier_wait(&holder->barrier);
	pthread_join(holder->thread, NULL);
	pthread_barrier_destroy(&holder->barrier);
	core_gem_put(holder->gem);
}

static void *submit_main(void *block)
{
	return (void *)(intptr_t)wm_do(wm_file, WWR_IOCTL_SUBMIT, block);
}

/* It loses buffer 1, waits for it, and then loses buffer 2: one time more than it may. */
Test(drivers_wwrmock_retry, retry_limit_is_told_from_other_failures_and_counted)
{
	struct wwr_drm_submit_bo bos[3];
	struct wwr_drm_submit block = wm_block(bos, NULL, NULL);
	struct wwr_drm_submit_stats stats = {0};
	struct wwr_drm_bo_info info;
	struct holder holders[2];
	struct wwr_debug_wait wait;
	pthread_t thread;
	void *ret;

	for (int i = 0; i < 3; i++)
		bos[i] = (struct wwr_drm_submit_bo){wm_make_buffer(wm_file), WWR_DRM_BO_WRITE};
	block.num_bos = 3;
	block.retry_limit = 1;
	block.stats = (uintptr_t)&stats;
	block.stats_bytes = sizeof(stats);
	hold(&holders[0], bos[1].handle);
	hold(&holders[1], bos[2].handle);
	cr_assert_eq(pthread_create(&thread, NULL, submit_main, &block), 0);
	while (wwr_debug_get_waits(&wait, 1) == 0)
		(void)sched_yield();
	let_go(&holders[0]);
	pthread_join(thread, &ret);
	cr_expect_eq((intptr_t)ret, -EDEADLK);
	cr_expect_eq(stats.retries, 1);
	cr_expect_eq(stats.num_backoffs, 2);
	cr_expect_eq(stats.contended, bos[2].handle);
	/* Buffer 0 at first; then the one it waited for, and buffer 0 again. */
	cr_expect_eq(stats.num_locks, 3);
	cr_expect_gt(stats.wait_ns, 0);
	cr_expect_eq(block.commit, 0);
	info = (struct wwr_drm_bo_info){.handle = bos[1].handle};
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), 0);
	cr_expect_eq(info.num_backoffs, 1);
	cr_expect_eq(info.wait_ns, stats.wait_ns);
	info = (struct wwr_drm_bo_info){.handle = bos[0].handle};
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), 0);
	cr_expect_eq(info.num_backoffs, 0);
	cr_expect_eq(info.wait_ns, 0);
	let_go(&holders[1]);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0);
	cr_expect_eq(block.commit, 0, "the one that gave up has no number");
	cr_expect_eq(wm_wait(wm_file, bos[0].handle, WWR_DRM_WAIT_WRITE, INT64_MAX), 0);
}
