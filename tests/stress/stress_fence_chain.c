/* SPDX-License-Identifier: MIT */
/*
 * One timeline, many threads: one adds points, others signal them out of order, and the rest walk,
 * look for points, wait, add callbacks and merge, which collects nodes under each other's feet.
 * The work of a point is plain memory, so that a point which counts as reached too early shows as a
 * wrong value and as a race.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>
#include <wwresv/interrupt.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define NUM_POINTS     4096
#define NUM_ROUNDS     2
#define NUM_SIGNALLERS 2
#define NUM_READERS    4
#define MAX_MERGES     64 /* a round: each leaves a callback with every pending point */
#define WINDOW	       64 /* so many points may be pending beside the oldest one */

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "stress";
}

static void release_op(struct wwr_fence *fence)
{
	(void)fence;
}

static const struct wwr_fence_ops point_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

/* The i-th point has the number i + 1. */
struct point {
	struct wwr_fence fence;
	struct wwr_fence second; /* some points have two */
	unsigned int result;	 /* plain: what its work gave */
};

static struct point points[NUM_POINTS];
static unsigned int num_submitted;	      /* (a) */
static unsigned int num_done[NUM_SIGNALLERS]; /* (a) each signals every other point */
static unsigned int num_looks;		      /* (a) of all readers */
static unsigned int num_round_merges;	      /* (a) begun in this round */
static unsigned int window;		      /* of this round */

static pthread_mutex_t head_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct wwr_fence *head; /* under head_mutex: the newest point, a reference */

static unsigned int num_errors; /* (a) relaxed, all counts: read when the threads are gone */
static unsigned int num_found, num_reached, num_waits, num_called, num_merges;
static unsigned int num_alive; /* allocations */

static void count(unsigned int *counter)
{
	(void)wwr_atomic_fetch_add(counter, 1, WWR_RELAXED);
}

static void expect(bool ok)
{
	if (!ok)
		count(&num_errors);
}

static void *count_alloc(size_t size_bytes, void *data)
{
	(void)data;
	count(&num_alive);
	return calloc(1, size_bytes);
}

static void count_free(void *ptr, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_sub(&num_alive, 1, WWR_RELAXED);
	free(ptr);
}

static struct wwr_fence *get_head(void)
{
	struct wwr_fence *fence;

	pthread_mutex_lock(&head_mutex);
	fence = wwr_fence_get(head);
	pthread_mutex_unlock(&head_mutex);
	return fence;
}

static void set_head(struct wwr_fence *fence)
{
	struct wwr_fence *old;

	pthread_mutex_lock(&head_mutex);
	old = head;
	head = fence;
	pthread_mutex_unlock(&head_mutex);
	wwr_fence_put(old);
}

static unsigned int num_signalled(void)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < NUM_SIGNALLERS; i++)
		sum += wwr_atomic_load(&num_done[i], WWR_ACQUIRE);
	return sum;
}

static void submit(unsigned int i)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct point *point = &points[i];
	struct wwr_fence *both[] = {&point->fence, &point->second};
	struct wwr_fence *fence = NULL;
	struct wwr_fence *node = NULL;

	point->result = 0;
	/* They signal out of order, so each has a context of its own. */
	wwr_fence_init(&point->fence, &point_ops, 10 + i, 1);
	wwr_fence_init(&point->second, &point_ops, 10 + NUM_POINTS + i, 1);
	if (i % 3 != 0)
		fence = wwr_fence_get(&point->fence);
	else if (wwr_fence_array_create(2, both, 3, i, &fence) != 0)
		abort();
	/* Only this thread changes it. */
	if (wwr_fence_chain_link(chain, head, fence, i + 1, &node) != 0)
		abort();
	wwr_fence_put(fence);
	set_head(node);
	wwr_atomic_store(&num_submitted, i + 1, WWR_RELEASE);
}

static void *submit_all(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		while (i - num_signalled() > window)
			sched_yield();
		submit(i);
	}
	return NULL;
}

static void signal_point(unsigned int i)
{
	points[i].result = i + 1;
	expect(wwr_fence_signal_at(&points[i].second, i) == 0);
	expect(wwr_fence_signal_at(&points[i].fence, i) == 0);
	wwr_fence_put(&points[i].second);
	wwr_fence_put(&points[i].fence);
}

/* Let the readers look at what is there. */
static void await_a_look(void)
{
	unsigned int before = wwr_atomic_load(&num_looks, WWR_RELAXED);

	while (wwr_atomic_load(&num_looks, WWR_RELAXED) == before)
		sched_yield();
}

/* Signals its share in blocks of random order, from time to time newest first. */
static void *signal_all(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	uint64_t random = test_seed() + index;
	unsigned int next = index;

	while (next < NUM_POINTS) {
		unsigned int submitted = wwr_atomic_load(&num_submitted, WWR_ACQUIRE);
		unsigned int end = next;
		unsigned int most = 1 + (unsigned int)(test_random(&random) % 16);

		while (end < submitted && (end - next) / NUM_SIGNALLERS < most)
			end += NUM_SIGNALLERS;
		if (end == next)
			sched_yield();
		await_a_look();
		for (unsigned int i = end; i > next; i -= NUM_SIGNALLERS) {
			signal_point(i - NUM_SIGNALLERS);
			(void)wwr_atomic_fetch_add(&num_done[index], 1, WWR_RELEASE);
		}
		next = end;
	}
	return NULL;
}

/* All points up to this number have been reached. */
static void expect_reached(uint64_t number, uint64_t *random)
{
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t lower = i == 0 ? number : 1 + test_random(random) % number;

		expect(points[lower - 1].result == lower);
	}
	count(&num_reached);
}

struct call {
	struct wwr_fence_cb cb;
	uint64_t number;
	uint64_t random;
};

/* It and the node may go now. */
static void call_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct call *call = WWR_CONTAINER_OF(cb, struct call, cb);

	expect(wwr_fence_get_status(fence) == 1);
	expect_reached(call->number, &call->random);
	count(&num_called);
	free(call);
	wwr_fence_put(fence);
}

static void add_callback(struct wwr_fence *node, uint64_t number, uint64_t random)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		abort();
	call->number = number;
	call->random = random;
	if (wwr_fence_add_callback(wwr_fence_get(node), &call->cb, call_func) == 0)
		return;
	expect_reached(number, &call->random);
	free(call);
	wwr_fence_put(node);
}

static void find_point(struct wwr_fence *newest, uint64_t *random)
{
	uint64_t number = 1 + test_random(random) % newest->seqno;
	struct wwr_fence *node = NULL;

	expect(wwr_fence_chain_find_seqno(newest, number, &node) == 0);
	if (node == NULL) {
		expect_reached(number, random);
		return;
	}
	count(&num_found);
	if (test_random(random) % 4 == 0) {
		add_callback(node, number, *random);
	} else {
		int ret = wwr_fence_wait_until(node, NULL, park_now_ns() + 20000);

		expect(ret == 0 || ret == -ETIME);
		count(&num_waits);
		if (ret == 0)
			expect_reached(number, random);
	}
	wwr_fence_put(node);
}

static void walk(struct wwr_fence *newest)
{
	uint64_t number = newest->seqno + 1;
	struct wwr_fence *node;

	for (node = wwr_fence_get(newest); node != NULL; node = wwr_fence_chain_walk(node)) {
		expect(node->seqno < number);
		number = node->seqno;
	}
}

static void merge(struct wwr_fence *newest, uint64_t *random)
{
	struct wwr_fence *merged = NULL;

	expect(wwr_fence_merge(1, &newest, &merged) == 0);
	if (wwr_fence_wait_until(merged, NULL, park_now_ns() + 20000) == 0)
		expect_reached(newest->seqno, random);
	wwr_fence_put(merged);
	count(&num_merges);
}

static void look_once(uint64_t *random)
{
	struct wwr_fence *newest = get_head();

	count(&num_looks);
	if (newest == NULL) {
		sched_yield();
		return;
	}
	switch (test_random(random) % 32) {
	case 0:
		walk(newest);
		break;
	case 1:
		if (wwr_atomic_fetch_add(&num_round_merges, 1, WWR_RELAXED) < MAX_MERGES)
			merge(newest, random);
		break;
	case 2:
		wwr_fence_set_deadline(newest, INT64_MAX - (int64_t)newest->seqno);
		break;
	case 3:
	case 4:
	case 5:
		if (wwr_fence_is_signaled(newest))
			expect_reached(newest->seqno, random);
		break;
	default:
		find_point(newest, random);
		break;
	}
	wwr_fence_put(newest);
}

static void *look_on(void *arg)
{
	uint64_t random = test_seed() + 100 + (uintptr_t)arg;

	while (num_signalled() < NUM_POINTS)
		look_once(&random);
	return NULL;
}

static void play_round(unsigned int round)
{
	pthread_t threads[1 + NUM_SIGNALLERS + NUM_READERS];
	unsigned int num = 0;

	/* At last all are submitted before the first one is signalled. */
	window = round % 2 == 0 ? WINDOW : NUM_POINTS;
	num_submitted = 0;
	num_round_merges = 0;
	for (unsigned int i = 0; i < NUM_SIGNALLERS; i++)
		num_done[i] = 0;
	pthread_create(&threads[num++], NULL, submit_all, NULL);
	for (uintptr_t i = 0; i < NUM_SIGNALLERS; i++)
		pthread_create(&threads[num++], NULL, signal_all, (void *)i);
	for (uintptr_t i = 0; i < NUM_READERS; i++)
		pthread_create(&threads[num++], NULL, look_on, (void *)i);
	while (num > 0)
		pthread_join(threads[--num], NULL);
}

int main(void)
{
	static const struct wwr_allocator counting = {count_alloc, count_free, NULL};
	unsigned int num_rounds = test_rounds(NUM_ROUNDS);
	unsigned int num_uncollected = 0;
	unsigned int num_kept = 0;

	wwr_set_allocator(&counting);
	tap_plan(4);
	tap_note("WWR_TEST_SEED=%#llx", (unsigned long long)test_seed());
	for (unsigned int round = 0; round < num_rounds; round++) {
		play_round(round);
		expect(wwr_fence_get_status(head) == 1);
		expect(wwr_fence_timestamp(head) == NUM_POINTS - 1);
		/* The newest node, and its array if it has one. */
		num_uncollected += num_alive > 2;
		set_head(NULL);
		num_kept += num_alive;
	}
	tap_note("points: %u found pending, %u reached; %u waits, %u callbacks, %u merges",
		 num_found, num_reached, num_waits, num_called, num_merges);
	tap_ok(num_errors == 0, "no rule broken in %u rounds of %u points", num_rounds, NUM_POINTS);
	tap_ok(num_uncollected == 0, "only the newest node is left when all have signalled");
	tap_ok(num_kept == 0, "every node was freed");
	tap_ok(num_found > 0 && num_reached > 0 && num_waits > 0 && num_called > 0 &&
		   num_merges > 0,
	       "came by everything");
	return tap_exit();
}
