/* SPDX-License-Identifier: MIT */
/*
 * Everything that may meet on one fence, meeting: threads add, remove, wait, signal and put, round
 * after round, each with a reference of its own.  What a callback or a signaller writes is plain
 * memory, so that ThreadSanitizer sees a missing order, and what anybody missed shows at the end.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define NUM_THREADS 6
#define NUM_CBS	    4
#define NUM_ROUNDS  20000
#define NUM_RESVS   20
#define NUM_FENCES  500 /* of one thread and reservation */

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "stress";
}

struct stress_fence {
	struct wwr_fence fence;
	unsigned int num_enabled;	   /* (a) relaxed: a count */
	unsigned int results[NUM_THREADS]; /* plain: what each signaller's work gave */
};

static unsigned int num_released; /* (a) relaxed: read when the threads are gone */

static void release_op(struct wwr_fence *fence)
{
	(void)wwr_atomic_fetch_add(&num_released, 1, WWR_RELAXED);
	free(WWR_CONTAINER_OF(fence, struct stress_fence, fence));
}

static unsigned int num_enabled; /* (a) relaxed, the same */
static unsigned int num_enabled_twice;

static bool enable_op(struct wwr_fence *fence)
{
	struct stress_fence *own = WWR_CONTAINER_OF(fence, struct stress_fence, fence);

	(void)wwr_atomic_fetch_add(&num_enabled, 1, WWR_RELAXED);
	if (wwr_atomic_fetch_add(&own->num_enabled, 1, WWR_RELAXED) > 0)
		(void)wwr_atomic_fetch_add(&num_enabled_twice, 1, WWR_RELAXED);
	/* Some turn out to be done when they are asked for. */
	return fence->seqno % 8 != 0;
}

static const struct wwr_fence_ops stress_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .enable_signaling = enable_op,
    .release = release_op,
};

static struct wwr_fence *fence_create(uint64_t context, uint64_t seqno)
{
	struct stress_fence *own = calloc(1, sizeof(*own));

	if (own == NULL)
		abort();
	wwr_fence_init(&own->fence, &stress_ops, context, seqno);
	return &own->fence;
}

/* A callback, and whether it did what it should. */
struct call {
	struct wwr_fence_cb cb;
	unsigned int num_calls; /* plain: adding and removing must order it */
	unsigned int num_finished;
};

struct worker {
	pthread_t thread;
	unsigned int index;
	unsigned int round;
	uint64_t random;
	struct call calls[NUM_CBS];
	unsigned int num_errors; /* rules found broken */
	unsigned int num_signals, num_removed, num_called, num_late, num_waits, num_given_up;
};

static struct wwr_fence *shared_fence; /* of this round; plain, ordered by the barrier */
static struct wwr_interrupt_token shared_token;
static pthread_barrier_t barrier;
static unsigned int num_rounds;

static void call_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct call *call = WWR_CONTAINER_OF(cb, struct call, cb);

	call->num_calls += wwr_fence_get_status(fence) != 0;
	call->num_finished++;
}

static unsigned int pick(struct worker *worker, unsigned int num)
{
	return (unsigned int)(test_random(&worker->random) % num);
}

static void expect(struct worker *worker, bool ok)
{
	worker->num_errors += !ok;
}

/* After a fence was seen signalled everything about it is there, and what the work wrote. */
static void expect_signalled(struct worker *worker, struct wwr_fence *fence)
{
	struct stress_fence *own = WWR_CONTAINER_OF(fence, struct stress_fence, fence);
	int64_t timestamp_ns = wwr_fence_timestamp(fence);

	/* Half of the signallers give their number for a time. */
	if (timestamp_ns <= NUM_THREADS)
		expect(worker, own->results[timestamp_ns - 1] == worker->round + 1);
	expect(worker, wwr_fence_is_signaled(fence));
	expect(worker, wwr_fence_get_status(fence) == (fence->seqno % 3 == 0 ? -ETIME : 1));
	expect(worker, timestamp_ns > 0);
}

/* Add, and take half of them back at once or later. */
static void add_and_remove(struct worker *worker, struct wwr_fence *fence)
{
	bool added[NUM_CBS];

	for (int i = 0; i < NUM_CBS; i++) {
		worker->calls[i] = (struct call){.num_calls = 0};
		added[i] = wwr_fence_add_callback(fence, &worker->calls[i].cb, call_func) == 0;
		worker->num_late += !added[i];
		if (!added[i])
			expect_signalled(worker, fence);
	}
	if (pick(worker, 2))
		sched_yield();
	for (int i = 0; i < NUM_CBS; i++) {
		struct call *call = &worker->calls[(i * 3) % NUM_CBS];
		bool was_added = added[(i * 3) % NUM_CBS];
		bool removed = wwr_fence_remove_callback(fence, &call->cb);

		/* Not called and not to be; or called, and back. */
		expect(worker, call->num_calls == (was_added && !removed));
		expect(worker, call->num_finished == call->num_calls);
		expect(worker, was_added || !removed);
		worker->num_removed += removed;
		worker->num_called += call->num_calls;
	}
}

static void signal_now(struct worker *worker, struct wwr_fence *fence)
{
	struct stress_fence *own = WWR_CONTAINER_OF(fence, struct stress_fence, fence);
	int ret;

	own->results[worker->index] = worker->round + 1;
	for (unsigned int i = pick(worker, 40); i > 0; i--)
		wwr_atomic_pause();
	ret = pick(worker, 2) ? wwr_fence_signal(fence)
			      : wwr_fence_signal_at(fence, worker->index + 1);
	expect(worker, ret == 0 || ret == -EINVAL);
	worker->num_signals += ret == 0;
	expect_signalled(worker, fence);
}

static void wait_somehow(struct worker *worker, struct wwr_fence *fence)
{
	static const int64_t patience_ns[] = {-1, 0, 1000, 100000};
	int64_t patience = patience_ns[pick(worker, 4)];
	/* Gone as soon as the wait returns, and then nobody may touch it. */
	struct wwr_interrupt_token *own_token = calloc(1, sizeof(*own_token));
	struct wwr_interrupt_token *tokens[] = {NULL, own_token, &shared_token};
	struct wwr_interrupt_token *token = tokens[pick(worker, 3)];
	int64_t deadline_ns = patience < 0    ? INT64_MAX
			      : patience == 0 ? 0
					      : park_now_ns() + patience;
	int ret = wwr_fence_wait_until(fence, token, deadline_ns);

	free(own_token);
	if (ret == 0)
		expect_signalled(worker, fence);
	else
		expect(worker, (ret == -ETIME && deadline_ns != INT64_MAX) ||
				   (ret == -EINTR && token == &shared_token));
	worker->num_waits += ret == 0;
	worker->num_given_up += ret != 0;
}

/* One thread a round signals in any case, so that nobody waits for ever. */
static void play_round(struct worker *worker, struct wwr_fence *fence, bool signals)
{
	if (signals) {
		if (pick(worker, 4) == 0)
			add_and_remove(worker, fence);
		if (pick(worker, 8) == 0)
			wwr_interrupt(&shared_token);
		signal_now(worker, fence);
		return;
	}
	switch (pick(worker, 8)) {
	case 0:
		signal_now(worker, fence);
		break;
	case 1:
	case 2:
	case 3:
		wait_somehow(worker, fence);
		break;
	case 4:
		expect(worker, wwr_fence_describe(fence, NULL, 0) > 0);
		expect(worker, wwr_fence_timestamp(fence) >= 0);
		break;
	case 5:
		/* Nothing but this question orders what the signaller wrote. */
		while (!wwr_fence_is_signaled(fence))
			sched_yield();
		expect_signalled(worker, fence);
		break;
	default:
		add_and_remove(worker, fence);
		break;
	}
}

static void *play(void *arg)
{
	struct worker *worker = arg;

	for (worker->round = 0; worker->round < num_rounds; worker->round++) {
		unsigned int round = worker->round;
		bool first = round % NUM_THREADS == worker->index;
		bool last = round % NUM_THREADS == (worker->index + 1) % NUM_THREADS;

		if (first) {
			wwr_interrupt_token_clear(&shared_token);
			shared_fence = fence_create(1, round);
			if (round % 3 == 0)
				wwr_fence_set_error(shared_fence, -ETIME);
			for (int i = 1; i < NUM_THREADS; i++)
				(void)wwr_fence_get(shared_fence);
		}
		pthread_barrier_wait(&barrier);
		play_round(worker, shared_fence, last);
		wwr_fence_put(shared_fence);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static struct worker workers[NUM_THREADS];

static void run(void *(*body)(void *arg), unsigned int salt)
{
	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		workers[i] = (struct worker){.index = i, .random = test_seed() + i + salt * 1000};
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < NUM_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static struct worker sum_up(void)
{
	struct worker sum = {.index = 0};

	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		sum.num_errors += workers[i].num_errors;
		sum.num_signals += workers[i].num_signals;
		sum.num_removed += workers[i].num_removed;
		sum.num_called += workers[i].num_called;
		sum.num_late += workers[i].num_late;
		sum.num_waits += workers[i].num_waits;
		sum.num_given_up += workers[i].num_given_up;
	}
	return sum;
}

static void test_one_fence_many_threads(void)
{
	struct worker sum;

	num_rounds = test_rounds(NUM_ROUNDS);
	wwr_interrupt_token_init(&shared_token);
	pthread_barrier_init(&barrier, NULL, NUM_THREADS);
	run(play, 0);
	pthread_barrier_destroy(&barrier);
	sum = sum_up();
	tap_note("%u signals, callbacks: %u called, %u taken back, %u late; waits: %u, given up %u",
		 sum.num_signals, sum.num_called, sum.num_removed, sum.num_late, sum.num_waits,
		 sum.num_given_up);
	tap_ok(sum.num_errors == 0, "no rule broken in %u rounds", num_rounds);
	tap_ok(num_released == num_rounds, "every fence released once (%u)", num_released);
	tap_ok(num_enabled > 0 && num_enabled_twice == 0, "enabled at most once each (%u)",
	       num_enabled);
	tap_ok(sum.num_called > 0 && sum.num_removed > 0 && sum.num_late > 0 && sum.num_waits > 0 &&
		   sum.num_given_up > 0,
	       "came by everything");
}

/* The second part: threads that use a reservation, and threads that only look at it. */
static struct wwr_resv resv;
static unsigned int num_users; /* (a) threads that still add */

static void use_resv(struct worker *worker)
{
	struct wwr_fence *previous = NULL;

	for (unsigned int i = 0; i < test_rounds(NUM_FENCES); i++) {
		struct wwr_fence *fence = fence_create(10 + worker->index + i % 3, i);
		enum wwr_resv_usage usage = (enum wwr_resv_usage)pick(worker, 4);

		if (i % 3 == 0)
			wwr_fence_set_error(fence, -ETIME);
		expect(worker, wwr_mutex_lock(&resv.mutex, NULL) == 0);
		expect(worker, wwr_resv_reserve_fences(&resv, 1 + pick(worker, i / 8 + 1)) == 0);
		expect(worker, wwr_resv_add_fence(&resv, fence, usage) == 0);
		wwr_mutex_unlock(&resv.mutex);
		/* One fence of each user is always pending. */
		if (previous != NULL)
			(void)wwr_fence_signal(previous);
		wwr_fence_put(previous);
		previous = fence;
	}
	(void)wwr_fence_signal(previous);
	wwr_fence_put(previous);
	(void)wwr_atomic_fetch_sub(&num_users, 1, WWR_RELEASE);
}

static void look_at_resv(struct worker *worker)
{
	struct wwr_fence **fences;
	unsigned int num;

	while (wwr_atomic_load(&num_users, WWR_ACQUIRE) > 0) {
		enum wwr_resv_usage usage = (enum wwr_resv_usage)pick(worker, 4);
		int ret;

		worker->num_called += wwr_resv_test_signaled(&resv, usage);
		ret = wwr_resv_wait_until(&resv, usage, NULL, park_now_ns() + 20000);
		expect(worker, ret == 0 || ret == -ETIME);
		worker->num_waits += ret == 0;
		ret = wwr_resv_get_fences(&resv, usage, &num, &fences);
		expect(worker, ret == 0 && (num == 0) == (fences == NULL));
		for (unsigned int i = 0; i < num; i++)
			expect(worker, wwr_fence_get_status(fences[i]) <= 1);
		wwr_resv_put_fences(num, fences);
	}
}

static void *play_resv(void *arg)
{
	struct worker *worker = arg;

	if (worker->index % 2 == 0)
		use_resv(worker);
	else
		look_at_resv(worker);
	return NULL;
}

/* New reservations again and again: their tables grow only while they are young. */
static void test_one_reservation_many_threads(void)
{
	unsigned int num_users_all = (NUM_THREADS + 1) / 2;
	unsigned int num_errors = 0;
	unsigned int num_pending = 0;

	num_released = 0;
	for (unsigned int i = 0; i < NUM_RESVS; i++) {
		num_users = num_users_all;
		wwr_resv_init(&resv, NULL);
		run(play_resv, i + 1);
		num_errors += sum_up().num_errors;
		num_pending += !wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP);
		wwr_resv_fini(&resv);
	}
	tap_ok(num_errors == 0, "users and readers of one reservation");
	tap_ok(num_pending == 0, "nothing is left pending");
	tap_ok(num_released == NUM_RESVS * num_users_all * test_rounds(NUM_FENCES),
	       "every fence released once (%u)", num_released);
	tap_ok(test_leak_check() == 0, "no leak");
}

int main(void)
{
	tap_plan(8);
	tap_note("WWR_TEST_SEED=%#llx", (unsigned long long)test_seed());
	test_one_fence_many_threads();
	test_one_reservation_many_threads();
	return tap_exit();
}
