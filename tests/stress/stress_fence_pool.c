/* SPDX-License-Identifier: MIT */
/*
 * Fences of pools on their way from thread to thread: some make them, others signal them, and
 * whoever comes last releases.  What an object carries is plain memory, so that one which is used
 * again too early shows as a wrong value and as a race.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/fence_pool.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define NUM_MAKERS     3
#define NUM_SIGNALLERS 3
#define NUM_POOLS      6 /* more than a thread has caches */
#define NUM_FENCES     60000
#define QUEUE_LENGTH   256
#define MAX_FREE       100

struct object {
	struct wwr_fence fence;
	struct wwr_fence_cb cb;
	uint64_t value;	     /* plain: the maker's word to the signaller */
	unsigned int result; /* plain: the signaller's word to the callback */
};

static struct wwr_fence_pool *pools[NUM_POOLS];
static struct object *queue[QUEUE_LENGTH];
static unsigned int queue_first;
static unsigned int queue_num;
static unsigned int num_makers; /* under queue_mutex: those who are not done */
static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;

static unsigned int num_errors; /* (a) relaxed, all counts: read when the threads are gone */
static unsigned int num_called;
static unsigned int num_alive;
static unsigned int num_allocs;

static void *count_alloc(size_t size_bytes, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_add(&num_alive, 1, WWR_RELAXED);
	(void)wwr_atomic_fetch_add(&num_allocs, 1, WWR_RELAXED);
	return calloc(1, size_bytes);
}

static void count_free(void *ptr, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_sub(&num_alive, 1, WWR_RELAXED);
	free(ptr);
}

static void expect(bool ok)
{
	if (!ok)
		(void)wwr_atomic_fetch_add(&num_errors, 1, WWR_RELAXED);
}

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "stress";
}

static const struct wwr_fence_ops ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
};

static bool queue_push(struct object *object)
{
	bool room;

	pthread_mutex_lock(&queue_mutex);
	room = queue_num < QUEUE_LENGTH;
	if (room)
		queue[(queue_first + queue_num++) % QUEUE_LENGTH] = object;
	pthread_mutex_unlock(&queue_mutex);
	return room;
}

static struct object *queue_pop(bool *ret_over)
{
	struct object *object = NULL;

	pthread_mutex_lock(&queue_mutex);
	if (queue_num > 0) {
		object = queue[queue_first];
		queue_first = (queue_first + 1) % QUEUE_LENGTH;
		queue_num--;
	}
	*ret_over = object == NULL && num_makers == 0;
	pthread_mutex_unlock(&queue_mutex);
	return object;
}

static void call_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct object *object = WWR_CONTAINER_OF(cb, struct object, cb);

	expect(fence == &object->fence && object->result == (unsigned int)fence->seqno);
	(void)wwr_atomic_fetch_add(&num_called, 1, WWR_RELAXED);
	wwr_fence_put(fence); /* the maker's */
}

static void *make(void *arg)
{
	uint64_t random = test_seed() + (uintptr_t)arg;

	for (unsigned int i = 0; i < test_rounds(NUM_FENCES) / NUM_MAKERS; i++) {
		struct wwr_fence_pool *pool = pools[test_random(&random) % NUM_POOLS];
		struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, i);
		struct object *object = WWR_CONTAINER_OF(fence, struct object, fence);

		if (fence == NULL)
			abort();
		object->value = i;
		(void)wwr_fence_get(fence);
		expect(wwr_fence_add_callback(fence, &object->cb, call_func) == 0);
		while (!queue_push(object))
			sched_yield();
	}
	pthread_mutex_lock(&queue_mutex);
	num_makers--;
	pthread_mutex_unlock(&queue_mutex);
	return NULL;
}

static void *signal_all(void *arg)
{
	bool over = false;

	(void)arg;
	while (!over) {
		struct object *object = queue_pop(&over);

		if (object == NULL) {
			sched_yield();
			continue;
		}
		expect(object->value == object->fence.seqno);
		object->result = (unsigned int)object->value;
		expect(wwr_fence_signal_at(&object->fence, 1) == 0);
		wwr_fence_put(&object->fence);
	}
	return NULL;
}

static void *trim_all(void *arg)
{
	bool over = false;

	(void)arg;
	while (!over) {
		for (int i = 0; i < NUM_POOLS; i++)
			(void)wwr_fence_pool_trim(pools[i], MAX_FREE / 2);
		expect(wwr_fence_pool_reserve(pools[0], MAX_FREE / 4) == 0);
		sched_yield();
		pthread_mutex_lock(&queue_mutex);
		over = num_makers == 0;
		pthread_mutex_unlock(&queue_mutex);
	}
	return NULL;
}

int main(void)
{
	static const struct wwr_allocator counting = {count_alloc, count_free, NULL};
	const struct wwr_fence_pool_options options = {
	    .ops = &ops, .size_bytes = sizeof(struct object), .max_free = MAX_FREE};
	pthread_t threads[NUM_MAKERS + NUM_SIGNALLERS + 1];
	unsigned int num = 0;
	unsigned int num_kept;
	unsigned int num_made;

	wwr_set_allocator(&counting);
	tap_plan(4);
	tap_note("WWR_TEST_SEED=%#llx", (unsigned long long)test_seed());
	for (int i = 0; i < NUM_POOLS; i++)
		pools[i] = wwr_fence_pool_create(&options);
	num_makers = NUM_MAKERS;
	for (uintptr_t i = 0; i < NUM_MAKERS; i++)
		pthread_create(&threads[num++], NULL, make, (void *)i);
	for (int i = 0; i < NUM_SIGNALLERS; i++)
		pthread_create(&threads[num++], NULL, signal_all, NULL);
	pthread_create(&threads[num++], NULL, trim_all, NULL);
	while (num > 0)
		pthread_join(threads[--num], NULL);
	num_made = test_rounds(NUM_FENCES) / NUM_MAKERS * NUM_MAKERS;
	num_kept = num_alive;
	for (int i = 0; i < NUM_POOLS; i++)
		wwr_fence_pool_destroy(pools[i]);
	tap_note("%u fences, %u allocations", num_made, num_allocs);
	tap_ok(num_errors == 0 && num_called == num_made, "each of %u fences signalled in its turn",
	       num_made);
	/* All the threads are gone, and have given theirs to the lists. */
	tap_ok(num_kept <= NUM_POOLS * (MAX_FREE + 1), "what is unused is bounded (%u)", num_kept);
	tap_ok(num_allocs < num_made, "objects are used again");
	tap_ok(num_alive == 0, "no leak");
	return tap_exit();
}
