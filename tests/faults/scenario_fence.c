/* SPDX-License-Identifier: MIT */
/* Fences, what is made of them, and the ways to wait for them. */
#include "tests/faults/scenario.h"

#include <errno.h>

#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>
#include <wwresv/fence_pool.h>
#include <wwresv/sync_timeline.h>

#include "tests/faults/scenario_fence.h"

/* More than a thread keeps unused. */
#define NUM_POOLED (WWR_FENCE_POOL_CACHE + 6)

static const char *name(const struct wwr_fence *fence)
{
	(void)fence;
	return "faults";
}

const struct wwr_fence_ops scenario_fence_ops = {
    .driver_name = name,
    .timeline_name = name,
};

struct wwr_fence *scenario_fence(void)
{
	struct wwr_fence *fence = __real_wwr_alloc(sizeof(*fence));

	wwr_fence_init(fence, &scenario_fence_ops, wwr_fence_context_alloc(1), 1);
	return fence;
}

void scenario_fence_done(struct wwr_fence *fence)
{
	if (fence != NULL && !wwr_fence_is_signaled(fence))
		(void)wwr_fence_signal(fence);
	wwr_fence_put(fence);
}

struct waiter {
	struct wwr_fence *fences[3];
	pthread_barrier_t barrier;
};

static void wait_for_all(void *arg)
{
	struct waiter *waiter = arg;
	unsigned int index;
	int ret;

	(void)pthread_barrier_wait(&waiter->barrier);
	FAULT_TRY(&ret, wwr_fence_wait_any(3, waiter->fences, NULL, INT64_MAX, &index), -ENOMEM);
	FAULT_CHECK(ret != 0 || wwr_fence_is_signaled(waiter->fences[index]));
	for (int i = 0; i < 3; i++)
		FAULT_CHECK(wwr_fence_wait_until(waiter->fences[i], NULL, INT64_MAX) == 0);
}

static void run_wait(void)
{
	struct scenario_thread thread;
	struct waiter waiter;
	struct wwr_fence *stub = NULL;
	int ret;

	for (int i = 0; i < 3; i++)
		waiter.fences[i] = scenario_fence();
	pthread_barrier_init(&waiter.barrier, NULL, 2);
	scenario_start(&thread, wait_for_all, &waiter);
	(void)pthread_barrier_wait(&waiter.barrier);
	scenario_wait_for_call(FAULT_FUTEX_WAIT, 0);
	for (int i = 0; i < 3; i++)
		FAULT_CHECK(wwr_fence_signal(waiter.fences[i]) == 0);
	scenario_join(&thread);
	for (int i = 0; i < 3; i++)
		wwr_fence_put(waiter.fences[i]);
	pthread_barrier_destroy(&waiter.barrier);

	FAULT_TRY(&ret, (stub = wwr_fence_stub_create(1, -EIO)) != NULL ? 0 : -ENOMEM, -ENOMEM);
	FAULT_CHECK(ret != 0 || wwr_fence_get_status(stub) == -EIO);
	wwr_fence_put(stub);
}

static int link_point(struct wwr_fence *prev, struct wwr_fence *own, uint64_t seqno,
		      struct wwr_fence **ret_fence)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();

	if (chain == NULL)
		return -ENOMEM;
	FAULT_CHECK(wwr_fence_chain_link(chain, prev, own, seqno, ret_fence) == 0);
	return 0;
}

static void run_containers(void)
{
	struct wwr_fence *own[3], *array = NULL, *point = NULL, *next = NULL, *merged = NULL;
	struct wwr_fence *done = wwr_fence_stub();
	int ret;

	for (int i = 0; i < 3; i++)
		own[i] = scenario_fence();
	FAULT_TRY(&ret, wwr_fence_array_create(2, own, wwr_fence_context_alloc(1), 1, &array),
		  -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, link_point(NULL, array, 1, &point), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, link_point(point, own[2], 2, &next), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_fence_merge(2, (struct wwr_fence *[]){next, done}, &merged),
			  -ENOMEM);
	if (ret == 0)
		FAULT_CHECK(wwr_fence_wait_until(merged, NULL, 0) == -ETIME);
	for (int i = 0; i < 3; i++)
		scenario_fence_done(own[i]);
	if (merged != NULL) {
		FAULT_CHECK(wwr_fence_wait_until(merged, NULL, INT64_MAX) == 0);
		FAULT_CHECK(wwr_fence_is_signaled(next));
	}
	wwr_fence_put(merged);
	wwr_fence_put(next);
	wwr_fence_put(point);
	wwr_fence_put(array);
	wwr_fence_put(done);

	merged = NULL;
	FAULT_TRY(&ret, wwr_fence_merge(0, NULL, &merged), -ENOMEM);
	wwr_fence_put(merged);
}

static void use_pool(struct wwr_fence_pool *pool)
{
	struct wwr_fence *fences[NUM_POOLED] = {NULL};
	uint64_t context = wwr_fence_context_alloc(1);
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < NUM_POOLED; i++)
		FAULT_TRY(&ret,
			  (fences[i] = wwr_fence_pool_alloc(pool, context, i)) != NULL ? 0
										       : -ENOMEM,
			  -ENOMEM);
	for (unsigned int i = 0; i < NUM_POOLED; i++)
		scenario_fence_done(fences[i]);
}

static void use_pool_in_thread(void *arg)
{
	use_pool(arg);
}

static void run_pool(void)
{
	const struct wwr_fence_pool_options options = {.ops = &scenario_fence_ops};
	struct scenario_thread thread;
	struct wwr_fence_pool *pool = NULL;
	int ret;

	FAULT_TRY(&ret, (pool = wwr_fence_pool_create(&options)) != NULL ? 0 : -ENOMEM, -ENOMEM);
	if (pool == NULL)
		return;
	FAULT_TRY(&ret, wwr_fence_pool_reserve(pool, 3), -ENOMEM);
	scenario_start(&thread, use_pool_in_thread, pool);
	use_pool(pool);
	scenario_join(&thread);
	(void)wwr_fence_pool_trim(pool, 2);
	use_pool(pool);
	wwr_fence_pool_destroy(pool);
}

static void run_timeline(void)
{
	struct wwr_sync_timeline *timeline = NULL;
	struct wwr_fence *fences[2] = {NULL, NULL};
	int ret;

	FAULT_TRY(&ret, wwr_sync_timeline_create("faults", &timeline), -ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret,
			  wwr_sync_timeline_create_fence(timeline, i + 1, "point", &fences[i]),
			  -ENOMEM);
	if (timeline != NULL)
		wwr_sync_timeline_inc(timeline, 1);
	if (ret == 0) {
		FAULT_CHECK(wwr_fence_get_status(fences[0]) == 1);
		FAULT_CHECK(wwr_fence_get_status(fences[1]) == 0);
	}
	if (timeline != NULL)
		wwr_sync_timeline_destroy(timeline);
	FAULT_CHECK(ret != 0 || wwr_fence_get_status(fences[1]) == -ENOENT);
	wwr_fence_put(fences[0]);
	wwr_fence_put(fences[1]);
}

static const struct scenario wait = {"fence-wait", run_wait, NULL};
static const struct scenario containers = {"fence-containers", run_containers, NULL};
static const struct scenario pool = {"fence-pool", run_pool, NULL};
static const struct scenario timeline = {"sync-timeline", run_timeline, NULL};

const struct scenario *const fence_scenarios[] = {&wait, &containers, &pool, &timeline, NULL};
