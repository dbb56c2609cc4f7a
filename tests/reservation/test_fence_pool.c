/* SPDX-License-Identifier: MIT */
/* Pools: what is used again, by whom, and what is given back. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_pool.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUM_FENCES 300
#define MAX_FREE   100

struct object {
	struct wwr_fence fence;
	uint64_t data[9];
};

static struct wwr_fence *fences[NUM_FENCES];
static unsigned int num_released;

static const char *a_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "pooled";
}

static const struct wwr_fence_ops plain_ops = {
    .driver_name = a_name,
    .timeline_name = a_name,
};

static void count_release(struct wwr_fence *fence)
{
	num_released += wwr_fence_is_signaled(fence);
}

static const struct wwr_fence_ops release_ops = {
    .driver_name = a_name,
    .timeline_name = a_name,
    .release = count_release,
};

TestSuite(reservation_fence_pool, .init = test_alloc_install, .timeout = 60);

static struct wwr_fence_pool *create_pool(const struct wwr_fence_ops *ops, size_t size_bytes)
{
	const struct wwr_fence_pool_options options = {
	    .ops = ops, .size_bytes = size_bytes, .max_free = MAX_FREE};
	struct wwr_fence_pool *pool = wwr_fence_pool_create(&options);

	cr_assert_not_null(pool);
	return pool;
}

static void alloc_fences(struct wwr_fence_pool *pool, unsigned int num)
{
	for (unsigned int i = 0; i < num; i++) {
		fences[i] = wwr_fence_pool_alloc(pool, 3, i);
		cr_assert_not_null(fences[i]);
	}
}

static void put_fences(unsigned int num)
{
	for (unsigned int i = 0; i < num; i++)
		wwr_fence_put(fences[i]);
}

static void destroy_pool(struct wwr_fence_pool *pool)
{
	wwr_fence_pool_destroy(pool);
	cr_expect_eq(test_alloc_alive(), 0);
}

Test(reservation_fence_pool, alloc_makes_a_fence)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);
	struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 5, 6);
	char text[64];

	cr_assert_not_null(fence);
	cr_expect_eq(wwr_fence_get_status(fence), 0);
	cr_expect_eq(fence->context, 5);
	cr_expect_eq(fence->seqno, 6);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect_str_eq(text, "pooled pooled 5:6 pending");
	cr_assert_eq(wwr_fence_signal(fence), 0);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect_str_eq(text, "detached signaled 5:6 done");
	wwr_fence_put(fence);
	destroy_pool(pool);
	wwr_fence_pool_destroy(NULL);
}

struct call {
	struct wwr_fence_cb cb;
	unsigned int num_calls;
};

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	WWR_CONTAINER_OF(cb, struct call, cb)->num_calls++;
}

Test(reservation_fence_pool, hot_path_takes_no_memory_and_makes_no_system_call)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);
	struct call call = {.num_calls = 0};
	unsigned int num_allocs;

	wwr_fence_put(wwr_fence_pool_alloc(pool, 1, 1));
	num_allocs = test_alloc_calls();
	for (unsigned int i = 0; i < 1000; i++) {
		struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, i);

		cr_assert_eq(wwr_fence_add_callback(fence, &call.cb, count_call), 0);
		cr_assert_eq(wwr_fence_signal_at(fence, i), 0);
		wwr_fence_put(fence);
	}
	cr_expect_eq(call.num_calls, 1000);
	cr_expect_eq(test_alloc_calls(), num_allocs);
	cr_expect_eq(test_futex_waits() + test_futex_wakes(), 0);
	destroy_pool(pool);
}

Test(reservation_fence_pool, object_is_zero_when_new_and_kept_when_used_again)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, sizeof(struct object));
	struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, 1);
	struct object *object = WWR_CONTAINER_OF(fence, struct object, fence);

	for (int i = 0; i < 9; i++) {
		cr_expect_eq(object->data[i], 0);
		object->data[i] = i + 1;
	}
	cr_expect_eq((uintptr_t)object % 16, 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
	fence = wwr_fence_pool_alloc(pool, 1, 2);
	cr_expect_eq(fence, &object->fence);
	cr_expect_not(wwr_fence_is_signaled(fence));
	for (int i = 0; i < 9; i++)
		cr_expect_eq(object->data[i], (uint64_t)(i + 1));
	wwr_fence_put(fence);
	destroy_pool(pool);
}

Test(reservation_fence_pool, release_op_cleans_up_and_the_memory_goes_back)
{
	struct wwr_fence_pool *pool = create_pool(&release_ops, sizeof(struct object));

	alloc_fences(pool, 3);
	for (unsigned int i = 0; i < 3; i++)
		cr_assert_eq(wwr_fence_signal(fences[i]), 0);
	put_fences(3);
	cr_expect_eq(num_released, 3);
	cr_expect_eq(test_alloc_alive(), 4, "kept by the pool");
	destroy_pool(pool);
}

Test(reservation_fence_pool, released_unsignalled_it_wakes_who_waits_and_goes_back)
{
	struct wwr_fence_pool *pool = create_pool(&release_ops, 0);
	struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, 1);
	struct call call = {.num_calls = 0};

	cr_assert_eq(wwr_fence_add_callback(fence, &call.cb, count_call), 0);
	wwr_fence_put(fence);
	cr_expect_eq(call.num_calls, 1);
	cr_expect_eq(num_released, 1);
	destroy_pool(pool);
}

Test(reservation_fence_pool, unused_memory_is_bounded)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);

	for (int round = 0; round < 3; round++) {
		alloc_fences(pool, NUM_FENCES);
		cr_expect(test_alloc_alive() >= NUM_FENCES + 1);
		put_fences(NUM_FENCES);
		cr_expect(test_alloc_alive() <= MAX_FREE + WWR_FENCE_POOL_CACHE + 1);
	}
	destroy_pool(pool);
}

Test(reservation_fence_pool, trim_gives_memory_back)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);

	cr_expect_eq(wwr_fence_pool_trim(pool, 0), 0, "nothing is there");
	alloc_fences(pool, 80);
	put_fences(80);
	cr_expect_eq(test_alloc_alive(), 81);
	cr_expect_eq(wwr_fence_pool_trim(pool, 50), 30);
	cr_expect_eq(test_alloc_alive(), 51);
	alloc_fences(pool, 10);
	cr_expect_eq(wwr_fence_pool_trim(pool, 0), 40, "those in use stay");
	put_fences(10);
	destroy_pool(pool);
}

Test(reservation_fence_pool, reserved_objects_are_there_when_memory_runs_out)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);

	cr_expect_eq(wwr_fence_pool_reserve(pool, MAX_FREE + 1), -EINVAL);
	cr_expect_eq(wwr_fence_pool_reserve(pool, 0), 0);
	cr_expect_eq(wwr_fence_pool_reserve(pool, MAX_FREE), 0);
	cr_expect_eq(test_alloc_alive(), MAX_FREE + 1);
	test_alloc_fail(1, true);
	cr_expect_eq(wwr_fence_pool_reserve(pool, MAX_FREE), 0, "nothing is missing");
	alloc_fences(pool, MAX_FREE);
	cr_expect_null(wwr_fence_pool_alloc(pool, 1, 1));
	cr_expect_eq(wwr_fence_pool_reserve(pool, 1), -ENOMEM);
	test_alloc_fail(4, false);
	cr_expect_eq(wwr_fence_pool_reserve(pool, 10), -ENOMEM);
	cr_expect_eq(test_alloc_alive(), MAX_FREE + 1 + 3, "those made so far stay");
	put_fences(MAX_FREE);
	destroy_pool(pool);
}

Test(reservation_fence_pool, without_memory_returns_null)
{
	const struct wwr_fence_pool_options options = {.ops = &plain_ops};
	struct wwr_fence_pool *pool;

	test_alloc_fail(1, false);
	cr_expect_null(wwr_fence_pool_create(&options));
	pool = create_pool(&plain_ops, 0);
	test_alloc_fail(1, false);
	cr_expect_null(wwr_fence_pool_alloc(pool, 1, 1));
	alloc_fences(pool, 1);
	put_fences(1);
	destroy_pool(pool);
}

static void create_without_ops(void *arg)
{
	const struct wwr_fence_pool_options options = {.ops = NULL};

	(void)arg;
	(void)wwr_fence_pool_create(&options);
}

static void create_without_names(void *arg)
{
	const struct wwr_fence_ops ops = {.release = count_release};
	const struct wwr_fence_pool_options options = {.ops = &ops};

	(void)arg;
	(void)wwr_fence_pool_create(&options);
}

static void create_without_timeline_name(void *arg)
{
	struct wwr_fence_ops ops = test_fence_ops;
	const struct wwr_fence_pool_options options = {.ops = &ops};

	(void)arg;
	ops.timeline_name = NULL;
	(void)wwr_fence_pool_create(&options);
}

static void create_too_small(void *arg)
{
	const struct wwr_fence_pool_options options = {.ops = &plain_ops,
						       .size_bytes = sizeof(struct wwr_fence) - 1};

	(void)arg;
	(void)wwr_fence_pool_create(&options);
}

static void create_too_big(void *arg)
{
	const struct wwr_fence_pool_options options = {.ops = &plain_ops, .size_bytes = SIZE_MAX};

	(void)arg;
	(void)wwr_fence_pool_create(&options);
}

static void destroy_with_a_fence_alive(void *arg)
{
	const struct wwr_fence_pool_options options = {.ops = &plain_ops};
	struct wwr_fence_pool *pool = wwr_fence_pool_create(&options);

	(void)arg;
	(void)wwr_fence_pool_alloc(pool, 1, 1);
	wwr_fence_pool_destroy(pool);
}

Test(reservation_fence_pool, misuse_aborts)
{
	cr_expect(test_aborts_with(create_without_ops, NULL, "no driver_name"));
	cr_expect(test_aborts_with(create_without_names, NULL, "no driver_name"));
	cr_expect(test_aborts_with(create_without_timeline_name, NULL, "no timeline_name"));
	cr_expect(test_aborts_with(create_too_small, NULL, "no room for a fence"));
	cr_expect(test_aborts_with(create_too_big, NULL, "no room for a fence"));
	cr_expect(test_aborts_with(destroy_with_a_fence_alive, NULL, "1 fences of pool"));
}

Test(reservation_fence_pool, more_pools_than_a_thread_has_caches)
{
	enum {
		NUM_POOLS = 7
	};
	struct wwr_fence_pool *pools[NUM_POOLS];
	unsigned int num_allocs;

	for (int i = 0; i < NUM_POOLS; i++)
		pools[i] = create_pool(&plain_ops, sizeof(struct wwr_fence) + 16 * (size_t)i);
	for (int round = 0; round < 3; round++) {
		num_allocs = test_alloc_calls();
		for (int i = 0; i < NUM_POOLS; i++) {
			alloc_fences(pools[i], 20);
			put_fences(20);
		}
	}
	cr_expect_eq(test_alloc_calls(), num_allocs, "the last round found what it needs");
	for (int i = 0; i < NUM_POOLS; i++)
		wwr_fence_pool_destroy(pools[i]);
	cr_expect_eq(test_alloc_alive(), 0);
}

static void *put_all_fences(void *arg)
{
	(void)arg;
	put_fences(NUM_FENCES);
	return NULL;
}

Test(reservation_fence_pool, thread_that_exits_gives_its_own_back)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);
	unsigned int num_allocs;
	pthread_t thread;

	alloc_fences(pool, NUM_FENCES);
	cr_assert_eq(pthread_create(&thread, NULL, put_all_fences, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	num_allocs = test_alloc_calls();
	cr_expect_eq(test_alloc_alive(), MAX_FREE + 1, "as many as the list may hold");
	alloc_fences(pool, MAX_FREE);
	cr_expect_eq(test_alloc_calls(), num_allocs);
	put_fences(MAX_FREE);
	destroy_pool(pool);
}

struct idler {
	struct wwr_fence_pool *pool;
	unsigned int ready; /* (a) */
	unsigned int leave; /* (a) */
};

static void *keep_some(void *arg)
{
	struct idler *idler = arg;

	wwr_fence_put(wwr_fence_pool_alloc(idler->pool, 1, 1));
	wwr_atomic_store(&idler->ready, 1, WWR_RELEASE);
	while (wwr_atomic_load(&idler->leave, WWR_ACQUIRE) == 0)
		sched_yield();
	return NULL;
}

Test(reservation_fence_pool, destroy_takes_what_living_threads_keep)
{
	struct idler idler = {.pool = create_pool(&plain_ops, 0)};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, keep_some, &idler), 0);
	while (wwr_atomic_load(&idler.ready, WWR_ACQUIRE) == 0)
		sched_yield();
	destroy_pool(idler.pool);
	wwr_atomic_store(&idler.leave, 1, WWR_RELEASE);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

static pthread_key_t late_key;

static void put_late(void *fence)
{
	wwr_fence_put(fence);
}

static void *exit_with_a_fence(void *pool)
{
	/* The destructor of the later key runs after the pool's. */
	wwr_fence_put(wwr_fence_pool_alloc(pool, 1, 1));
	(void)pthread_key_create(&late_key, put_late);
	(void)pthread_setspecific(late_key, wwr_fence_pool_alloc(pool, 1, 2));
	return NULL;
}

Test(reservation_fence_pool, fence_released_by_a_later_destructor_goes_to_the_list)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, exit_with_a_fence, pool), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(test_alloc_alive(), 2);
	destroy_pool(pool);
}

Test(reservation_fence_pool, child_of_a_fork_uses_and_destroys_it)
{
	struct idler idler = {.pool = create_pool(&plain_ops, 0)};
	pthread_t thread;
	int status;
	pid_t child;

	alloc_fences(idler.pool, 2);
	cr_assert_eq(pthread_create(&thread, NULL, keep_some, &idler), 0);
	while (wwr_atomic_load(&idler.ready, WWR_ACQUIRE) == 0)
		sched_yield();
	child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		pthread_t other;
		bool ok;

		put_fences(2);
		wwr_fence_put(wwr_fence_pool_alloc(idler.pool, 1, 1));
		idler.leave = 1;
		ok = pthread_create(&other, NULL, keep_some, &idler) == 0 &&
		     pthread_join(other, NULL) == 0;
		wwr_fence_pool_destroy(idler.pool);
		_exit(ok ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	wwr_atomic_store(&idler.leave, 1, WWR_RELEASE);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	put_fences(2);
	destroy_pool(idler.pool);
}

Test(reservation_fence_pool, members_of_an_array_go_back_with_it)
{
	struct wwr_fence_pool *pool = create_pool(&plain_ops, 0);
	struct wwr_fence *array;

	alloc_fences(pool, 10);
	cr_assert_eq(wwr_fence_array_create(10, fences, 1, 1, &array), 0);
	for (unsigned int i = 0; i < 10; i++)
		cr_assert_eq(wwr_fence_signal(fences[i]), 0);
	put_fences(10);
	wwr_fence_put(array);
	destroy_pool(pool);
}
