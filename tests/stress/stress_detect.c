/* SPDX-License-Identifier: MIT */
/*
 * Reports and wait-for graphs, one after the other, while threads lock and free mutexes, and make,
 * wait for, signal and release fences, alone and in arrays and timelines.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/mutex.h>
#include <wwresv/sys/debug.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NUM_PAIRS  3
#define NUM_ROUNDS 3000
#define NUM_LEAVES 3

struct shared_mutex {
	struct wwr_mutex mutex;
	uint32_t num_users; /* (a) */
};

/* What the two threads of a pair hand to each other. */
struct pair {
	pthread_barrier_t barrier;
	struct shared_mutex *shared;
	struct wwr_fence *leaves[NUM_LEAVES];
	struct wwr_fence *whole; /* of the leaves */
};

static struct wwr_class lock_class = WWR_CLASS_INIT("detect", WWR_WOUND_WAIT);
static uint32_t is_over;	 /* (a) */
static unsigned int num_errors;	 /* (a) relaxed, all counts */
static unsigned int num_alive;	 /* (a) */
static unsigned int num_bytes;	 /* (a) */
static unsigned int num_reports; /* (a) */
static unsigned int num_waits;	 /* (a) edges that were seen */

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

static void release_op(struct wwr_fence *fence)
{
	(void)wwr_atomic_fetch_sub(&num_alive, 1, WWR_RELAXED);
	free(fence);
}

static const struct wwr_fence_ops ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static struct wwr_fence *make_leaf(uint64_t context)
{
	struct wwr_fence *fence = calloc(1, sizeof(*fence));

	if (fence == NULL)
		abort();
	(void)wwr_atomic_fetch_add(&num_alive, 1, WWR_RELAXED);
	wwr_fence_init(fence, &ops, context, 1);
	return fence;
}

/* An array of two, behind a third. */
static struct wwr_fence *make_whole(struct wwr_fence *const *leaves)
{
	struct wwr_fence *array = NULL, *first = NULL, *second = NULL;

	if (wwr_fence_array_create(2, leaves, 1, 1, &array) != 0 ||
	    wwr_fence_chain_link(wwr_fence_chain_create(), NULL, leaves[2], 1, &first) != 0 ||
	    wwr_fence_chain_link(wwr_fence_chain_create(), first, array, 2, &second) != 0)
		abort();
	wwr_fence_put(array);
	wwr_fence_put(first);
	return second;
}

static void use_mutex(struct shared_mutex *shared)
{
	if (wwr_mutex_lock(&shared->mutex, NULL) != 0)
		abort();
	sched_yield();
	wwr_mutex_unlock(&shared->mutex);
	/* Release and acquire pair with each other: the last one frees. */
	if (wwr_atomic_fetch_sub(&shared->num_users, 1, WWR_ACQ_REL) == 1) {
		wwr_mutex_fini(&shared->mutex);
		memset(shared, 0xff, sizeof(*shared));
		free(shared);
	}
}

static void *wait_for_all(void *arg)
{
	struct pair *pair = arg;

	for (unsigned int i = 0; i < test_rounds(NUM_ROUNDS); i++) {
		struct wwr_fence *fence;

		pair->shared = calloc(1, sizeof(*pair->shared));
		if (pair->shared == NULL)
			abort();
		wwr_mutex_init(&pair->shared->mutex, &lock_class);
		pair->shared->num_users = 2;
		for (unsigned int j = 0; j < NUM_LEAVES; j++)
			pair->leaves[j] = make_leaf(10 + j);
		pair->whole = make_whole(pair->leaves);
		fence = wwr_fence_get(i % 2 == 0 ? pair->whole : pair->leaves[i % NUM_LEAVES]);
		pthread_barrier_wait(&pair->barrier);
		expect(wwr_fence_wait_until(fence, NULL, INT64_MAX) == 0);
		wwr_fence_put(fence);
		use_mutex(pair->shared);
		pthread_barrier_wait(&pair->barrier);
	}
	return NULL;
}

static void *signal_all(void *arg)
{
	struct pair *pair = arg;

	for (unsigned int i = 0; i < test_rounds(NUM_ROUNDS); i++) {
		pthread_barrier_wait(&pair->barrier);
		for (unsigned int j = 0; j < NUM_LEAVES; j++) {
			struct wwr_fence *leaf = pair->leaves[(i + j) % NUM_LEAVES];

			sched_yield();
			expect(wwr_fence_signal(leaf) == 0);
			wwr_fence_put(leaf);
		}
		wwr_fence_put(pair->whole);
		use_mutex(pair->shared);
		pthread_barrier_wait(&pair->barrier);
	}
	return NULL;
}

static void count_report(const char *text, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_add(&num_reports, 1, WWR_RELAXED);
	if (strstr(text, "has waited") != NULL)
		(void)wwr_atomic_fetch_add(&num_waits, 1, WWR_RELAXED);
}

static void count_text(const char *text, size_t length, void *data)
{
	(void)data;
	expect(strlen(text) == length);
	(void)wwr_atomic_fetch_add(&num_bytes, (unsigned int)length, WWR_RELAXED);
}

static void *look(void *arg)
{
	unsigned int i = 0;

	/* Relaxed: the last turn may be one more. */
	while (wwr_atomic_load(&is_over, WWR_RELAXED) == 0) {
		expect(
		    wwr_debug_write_graph(i++ % 2 == 0 ? WWR_DEBUG_GRAPH_TEXT : WWR_DEBUG_GRAPH_DOT,
					  count_text, NULL) >= 0);
		(void)wwr_debug_report_fences(0);
		sched_yield();
	}
	return arg;
}

static void *wait_for_one(void *arg)
{
	expect(wwr_fence_wait_until(arg, NULL, INT64_MAX) == 0);
	return NULL;
}

/* The looker may have met nobody who waits: here is one, until he is seen. */
static void be_seen(void)
{
	struct wwr_fence *fence = make_leaf(20);
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_one, fence) != 0)
		abort();
	/* Relaxed: counts. */
	while (wwr_atomic_load(&num_bytes, WWR_RELAXED) == 0 ||
	       wwr_atomic_load(&num_reports, WWR_RELAXED) == 0 ||
	       wwr_atomic_load(&num_waits, WWR_RELAXED) == 0)
		sched_yield();
	expect(wwr_fence_signal(fence) == 0);
	pthread_join(thread, NULL);
	wwr_fence_put(fence);
}

int main(void)
{
	static struct pair pairs[NUM_PAIRS];
	pthread_t threads[NUM_PAIRS * 2 + 1];

	tap_plan(3);
	wwr_debug_set_checks(WWR_DEBUG_MISTAKES | WWR_DEBUG_FENCES | WWR_DEBUG_RELEASES);
	wwr_debug_set_report_func(count_report, NULL);
	wwr_debug_set_fence_timeout(100000);
	for (int i = 0; i < NUM_PAIRS; i++) {
		pthread_barrier_init(&pairs[i].barrier, NULL, 2);
		if (pthread_create(&threads[2 * i], NULL, wait_for_all, &pairs[i]) != 0 ||
		    pthread_create(&threads[2 * i + 1], NULL, signal_all, &pairs[i]) != 0)
			abort();
	}
	if (pthread_create(&threads[NUM_PAIRS * 2], NULL, look, NULL) != 0)
		abort();
	for (int i = 0; i < NUM_PAIRS * 2; i++)
		pthread_join(threads[i], NULL);
	be_seen();
	wwr_atomic_store(&is_over, 1, WWR_RELAXED);
	pthread_join(threads[NUM_PAIRS * 2], NULL);
	tap_ok(num_errors == 0, "%u calls with another result", num_errors);
	tap_ok(num_alive == 0, "%u fences are left", num_alive);
	tap_ok(num_bytes > 0 && num_reports > 0 && num_waits > 0,
	       "%u bytes of graphs, %u reports, %u of waits", num_bytes, num_reports, num_waits);
	return tap_exit();
}
