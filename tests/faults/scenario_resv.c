/* SPDX-License-Identifier: MIT */
/* Reservations: slots, copies, and readers without the lock. */
#include "tests/faults/scenario.h"

#include <errno.h>

#include <wwresv/fence.h>
#include <wwresv/resv.h>

#include "tests/faults/scenario_fence.h"

/* So many that each list has to grow, and cells for their signals, too. */
#define NUM_FENCES 70

struct reserved {
	struct wwr_resv resv, other;
	struct wwr_fence *fences[NUM_FENCES];
	pthread_barrier_t barrier;
};

/* Each fence is added after its own reservation of a slot. */
static int add_all(struct reserved *reserved)
{
	int ret = 0;

	FAULT_CHECK(wwr_mutex_lock(&reserved->resv.mutex, NULL) == 0);
	for (unsigned int i = 0; ret == 0 && i < NUM_FENCES; i++) {
		FAULT_TRY(&ret, wwr_resv_reserve_fences(&reserved->resv, 1), -ENOMEM);
		if (ret == 0)
			FAULT_CHECK(wwr_resv_add_fence(&reserved->resv, reserved->fences[i],
						       WWR_RESV_USAGE_WRITE) == 0);
	}
	wwr_mutex_unlock(&reserved->resv.mutex);
	return ret;
}

static void copy_out(struct reserved *reserved)
{
	struct wwr_fence **fences = NULL;
	struct wwr_fence *single = NULL;
	unsigned int num = 0;
	int ret;

	FAULT_TRY(&ret, wwr_resv_get_fences(&reserved->resv, WWR_RESV_USAGE_READ, &num, &fences),
		  -ENOMEM);
	FAULT_CHECK(ret != 0 || num == NUM_FENCES);
	wwr_resv_put_fences(num, fences);
	FAULT_TRY(&ret, wwr_resv_get_singleton(&reserved->resv, WWR_RESV_USAGE_READ, &single),
		  -ENOMEM);
	FAULT_CHECK(ret != 0 || !wwr_fence_is_signaled(single));
	wwr_fence_put(single);

	FAULT_CHECK(wwr_mutex_lock(&reserved->other.mutex, NULL) == 0);
	FAULT_TRY(&ret, wwr_resv_copy_fences(&reserved->other, &reserved->resv), -ENOMEM);
	wwr_mutex_unlock(&reserved->other.mutex);
	FAULT_CHECK(ret != 0 || !wwr_resv_test_signaled(&reserved->other, WWR_RESV_USAGE_WRITE));
}

static unsigned int walk(struct wwr_resv *resv)
{
	struct wwr_resv_cursor cursor;
	unsigned int num = 0;

	wwr_resv_cursor_begin(&cursor, resv, WWR_RESV_USAGE_WRITE);
	while (wwr_resv_cursor_next(&cursor) != NULL)
		num = wwr_resv_cursor_is_restarted(&cursor) ? 1 : num + 1;
	wwr_resv_cursor_end(&cursor);
	return num;
}

static void wait_for_all(void *arg)
{
	struct reserved *reserved = arg;

	(void)pthread_barrier_wait(&reserved->barrier);
	FAULT_CHECK(wwr_resv_wait_until(&reserved->resv, WWR_RESV_USAGE_READ, NULL, INT64_MAX) ==
		    0);
}

static void signal_all(struct reserved *reserved, bool are_added)
{
	struct scenario_thread thread;

	scenario_start(&thread, wait_for_all, reserved);
	(void)pthread_barrier_wait(&reserved->barrier);
	if (are_added)
		scenario_wait_for_call(FAULT_FUTEX_WAIT, 0);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		FAULT_CHECK(wwr_fence_signal(reserved->fences[i]) == 0);
	scenario_join(&thread);
	FAULT_CHECK(wwr_resv_test_signaled(&reserved->resv, WWR_RESV_USAGE_BOOKKEEP));
}

static void run_resv(void)
{
	struct reserved reserved;
	int ret;

	wwr_resv_init(&reserved.resv, NULL);
	wwr_resv_init(&reserved.other, NULL);
	pthread_barrier_init(&reserved.barrier, NULL, 2);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		reserved.fences[i] = scenario_fence();

	ret = add_all(&reserved);
	if (ret == 0) {
		FAULT_CHECK(!wwr_resv_test_signaled(&reserved.resv, WWR_RESV_USAGE_READ));
		FAULT_CHECK(walk(&reserved.resv) == NUM_FENCES);
		copy_out(&reserved);
	}
	signal_all(&reserved, ret == 0);

	wwr_resv_fini(&reserved.resv);
	wwr_resv_fini(&reserved.other);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(reserved.fences[i]);
	pthread_barrier_destroy(&reserved.barrier);
}

/* What is added beyond the slots is refused, or added all the same, but not lost silently. */
static void run_replace(void)
{
	struct wwr_fence *fence = scenario_fence();
	struct wwr_resv resv;
	int ret;

	wwr_resv_init(&resv, NULL);
	FAULT_CHECK(wwr_mutex_lock(&resv.mutex, NULL) == 0);
	FAULT_TRY(&ret, wwr_resv_reserve_fences(&resv, 5), -ENOMEM);
	if (ret == 0) {
		FAULT_CHECK(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ) == 0);
		FAULT_CHECK(wwr_resv_replace_fences(&resv, fence->context, fence,
						    WWR_RESV_USAGE_BOOKKEEP) == 0);
	}
	wwr_mutex_unlock(&resv.mutex);
	FAULT_CHECK(wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_READ));
	FAULT_CHECK(ret != 0 || !wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP));
	scenario_fence_done(fence);
	wwr_resv_fini(&resv);
}

static const struct scenario resv = {"resv", run_resv, NULL};
static const struct scenario replace = {"resv-replace", run_replace, NULL};

const struct scenario *const resv_scenarios[] = {&resv, &replace, NULL};
