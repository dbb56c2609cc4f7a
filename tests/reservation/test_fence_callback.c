/* SPDX-License-Identifier: MIT */
/* Callbacks of a fence: called once or taken back, and what they may do meanwhile. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

TestSuite(reservation_fence_callback, .timeout = 20);

#define NUM_CALLS 8

/* A callback that notes when it was called. */
struct call {
	struct wwr_fence_cb cb;
	unsigned int num_calls;
	unsigned int turn;		/* 1 = called first */
	int status;			/* of the fence, as the callback saw it */
	struct call *victim;		/* taken back by the callback */
	struct wwr_fence *victim_fence; /* where, if not the same fence */
	bool victim_removed;
	struct wwr_fence *to_put;
	int add_result;
	int signal_result;
	struct wwr_fence *to_signal;
};

static struct call calls[NUM_CALLS];
static unsigned int next_turn = 1;

static void on_signal(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct call *call = WWR_CONTAINER_OF(cb, struct call, cb);

	call->num_calls++;
	call->turn = next_turn++;
	call->status = wwr_fence_get_status(fence);
	if (call->victim != NULL)
		call->victim_removed = wwr_fence_remove_callback(fence, &call->victim->cb);
	if (call->to_signal != NULL)
		call->signal_result = wwr_fence_signal(call->to_signal);
	wwr_fence_put(call->to_put);
}

static struct wwr_fence *create_with_calls(unsigned int num)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	for (unsigned int i = 0; i < num; i++)
		cr_assert_eq(wwr_fence_add_callback(fence, &calls[i].cb, on_signal), 0);
	return fence;
}

Test(reservation_fence_callback, signal_calls_each_once_in_order_of_adding)
{
	struct wwr_fence *fence = create_with_calls(NUM_CALLS);

	for (unsigned int i = 0; i < NUM_CALLS; i++)
		cr_expect_eq(calls[i].num_calls, 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(wwr_fence_signal(fence), -EINVAL);
	for (unsigned int i = 0; i < NUM_CALLS; i++) {
		cr_expect_eq(calls[i].num_calls, 1);
		cr_expect_eq(calls[i].turn, i + 1);
		cr_expect_eq(calls[i].status, 1);
	}
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, add_after_signal_returns_enoent_and_never_calls)
{
	struct wwr_fence *fence = create_with_calls(0);

	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(wwr_fence_add_callback(fence, &calls[0].cb, on_signal), -ENOENT);
	cr_expect_not(wwr_fence_remove_callback(fence, &calls[0].cb));
	wwr_fence_put(fence);
	cr_expect_eq(calls[0].num_calls, 0);
}

Test(reservation_fence_callback, remove_before_signal_returns_true_and_is_not_called)
{
	/* Each place in the list, and the two orders in which back links are completed. */
	for (unsigned int gone = 0; gone < NUM_CALLS; gone++) {
		unsigned int other = (gone + 3) % NUM_CALLS;
		struct wwr_fence *fence = create_with_calls(NUM_CALLS);

		cr_expect(wwr_fence_remove_callback(fence, &calls[gone].cb));
		cr_expect_not(wwr_fence_remove_callback(fence, &calls[gone].cb), "only once");
		cr_expect(wwr_fence_remove_callback(fence, &calls[other].cb));
		cr_assert_eq(wwr_fence_signal(fence), 0);
		for (unsigned int i = 0; i < NUM_CALLS; i++) {
			cr_expect_eq(calls[i].num_calls, i != gone && i != other);
			calls[i].num_calls = 0;
		}
		wwr_fence_put(fence);
	}
}

Test(reservation_fence_callback, remove_then_add_again_is_called_last)
{
	struct wwr_fence *fence = create_with_calls(3);

	cr_expect(wwr_fence_remove_callback(fence, &calls[0].cb));
	cr_expect(wwr_fence_remove_callback(fence, &calls[2].cb));
	cr_expect_eq(wwr_fence_add_callback(fence, &calls[2].cb, on_signal), 0);
	cr_expect_eq(wwr_fence_add_callback(fence, &calls[0].cb, on_signal), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(calls[1].turn, 1);
	cr_expect_eq(calls[2].turn, 2);
	cr_expect_eq(calls[0].turn, 3);
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, remove_of_all_leaves_a_fence_to_release)
{
	struct wwr_fence *fence = create_with_calls(2);

	cr_expect(wwr_fence_remove_callback(fence, &calls[1].cb));
	cr_expect(wwr_fence_remove_callback(fence, &calls[0].cb));
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(calls[0].num_calls + calls[1].num_calls, 0);
}

Test(reservation_fence_callback, remove_after_signal_or_without_add_returns_false)
{
	struct wwr_fence *fence = create_with_calls(1);

	cr_expect_not(wwr_fence_remove_callback(fence, &calls[5].cb), "never added");
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_not(wwr_fence_remove_callback(fence, &calls[0].cb));
	wwr_fence_put(fence);
}

static void remove_from_other_fence(void *cb)
{
	struct wwr_fence *other = test_fence_create(2, 1);

	(void)wwr_fence_remove_callback(other, cb);
}

static void add_without_function(void *fence)
{
	(void)!wwr_fence_add_callback(fence, &calls[0].cb, NULL);
}

Test(reservation_fence_callback, misuse_aborts)
{
	struct wwr_fence *fence = create_with_calls(1);

	cr_expect(test_aborts_with(remove_from_other_fence, &calls[0].cb, "was added to fence"));
	cr_expect(test_aborts_with(add_without_function, fence, "no function"));
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, callback_may_remove_those_that_come_later)
{
	struct wwr_fence *fence = create_with_calls(4);

	calls[0].victim = &calls[2];
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect(calls[0].victim_removed);
	cr_expect_eq(calls[2].num_calls, 0);
	cr_expect_eq(calls[1].turn, 2);
	cr_expect_eq(calls[3].turn, 3);
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, callback_removing_itself_or_earlier_gets_false)
{
	struct wwr_fence *fence = create_with_calls(3);

	calls[1].victim = &calls[1];
	calls[2].victim = &calls[0];
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_not(calls[1].victim_removed);
	cr_expect_not(calls[2].victim_removed);
	cr_expect_eq(calls[0].num_calls + calls[1].num_calls + calls[2].num_calls, 3);
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, callback_may_signal_another_fence_and_put_it)
{
	struct wwr_fence *fence = create_with_calls(2);
	struct wwr_fence *next = test_fence_create(1, 2);

	cr_assert_eq(wwr_fence_add_callback(next, &calls[7].cb, on_signal), 0);
	calls[0].to_signal = next;
	calls[0].to_put = next;
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(calls[0].signal_result, 0);
	cr_expect_eq(calls[7].turn, 2);
	cr_expect_eq(calls[1].turn, 3);
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 0);
}

static void try_everything(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct call *call = WWR_CONTAINER_OF(cb, struct call, cb);

	call->signal_result = wwr_fence_signal(fence);
	call->add_result = wwr_fence_add_callback(fence, &calls[7].cb, on_signal);
	call->status = wwr_fence_timestamp(fence) == 77 && wwr_fence_is_signaled(fence);
}

Test(reservation_fence_callback, callback_sees_its_fence_signalled)
{
	struct wwr_fence *fence = create_with_calls(0);

	cr_assert_eq(wwr_fence_add_callback(fence, &calls[0].cb, try_everything), 0);
	cr_assert_eq(wwr_fence_signal_at(fence, 77), 0);
	cr_expect_eq(calls[0].signal_result, -EINVAL);
	cr_expect_eq(calls[0].add_result, -ENOENT);
	cr_expect_eq(calls[0].status, 1);
	wwr_fence_put(fence);
}

static void free_cb(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	free(cb);
}

Test(reservation_fence_callback, callback_may_free_itself)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	for (int i = 0; i < 3; i++) {
		struct wwr_fence_cb *cb = malloc(sizeof(*cb));

		cr_assert_not_null(cb);
		cr_assert_eq(wwr_fence_add_callback(fence, cb, free_cb), 0);
	}
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_callback, release_unsignalled_calls_with_edeadlk)
{
	struct wwr_fence *fence = create_with_calls(2);

	wwr_fence_put(fence);
	cr_expect_eq(calls[0].status, -EDEADLK);
	cr_expect_eq(calls[1].status, -EDEADLK);
	cr_expect_eq(test_fences_alive(), 0);
}

static struct wwr_fence *kept;

static void keep_fence(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)cb;
	kept = wwr_fence_get(fence);
}

Test(reservation_fence_callback, release_unsignalled_survives_a_new_reference)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_assert_eq(wwr_fence_add_callback(fence, &calls[0].cb, keep_fence), 0);
	wwr_fence_put(fence);
	cr_expect_eq(kept, fence);
	cr_expect_eq(test_fences_alive(), 1);
	cr_expect_eq(wwr_fence_get_status(fence), -EDEADLK);
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_fence_callback, enable_signaling_is_called_once_for_the_first)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	cr_expect_not(wwr_fence_is_signaled(&own->fence));
	cr_expect_eq(own->num_enabled, 0);
	cr_expect_eq(wwr_fence_add_callback(&own->fence, &calls[0].cb, on_signal), 0);
	cr_expect_eq(own->num_enabled, 1);
	cr_expect_eq(wwr_fence_add_callback(&own->fence, &calls[1].cb, on_signal), 0);
	cr_expect_eq(wwr_fence_wait_until(&own->fence, NULL, 0), -ETIME);
	cr_expect_eq(own->num_enabled, 1);
	cr_assert_eq(wwr_fence_signal(&own->fence), 0);
	wwr_fence_put(&own->fence);
}

Test(reservation_fence_callback, enable_signaling_false_signals_now)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	own->enable_result = false;
	cr_expect_eq(wwr_fence_add_callback(&own->fence, &calls[0].cb, on_signal), -ENOENT);
	cr_expect_eq(wwr_fence_get_status(&own->fence), 1);
	cr_expect_eq(calls[0].num_calls, 0);
	cr_expect_eq(wwr_fence_signal(&own->fence), -EINVAL);
	wwr_fence_put(&own->fence);
}

Test(reservation_fence_callback, enable_signaling_may_signal_by_itself)
{
	for (int result = 0; result < 2; result++) {
		struct test_fence *own = test_fence_create_full(1, 1);

		own->signal_when_enabled = true;
		own->enable_result = result;
		cr_expect_eq(wwr_fence_add_callback(&own->fence, &calls[0].cb, on_signal), -ENOENT);
		cr_expect_eq(calls[0].num_calls, 0);
		cr_expect_eq(wwr_fence_get_status(&own->fence), 1);
		wwr_fence_put(&own->fence);
	}
}

Test(reservation_fence_callback, enable_signaling_is_not_called_after_signal)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	cr_assert_eq(wwr_fence_signal(&own->fence), 0);
	cr_expect_eq(wwr_fence_add_callback(&own->fence, &calls[0].cb, on_signal), -ENOENT);
	cr_expect_eq(wwr_fence_wait_until(&own->fence, NULL, INT64_MAX), 0);
	cr_expect_eq(own->num_enabled, 0);
	wwr_fence_put(&own->fence);
}

/* A callback that returns only once the remover sleeps, or has come back too early. */
struct slow_call {
	struct wwr_fence_cb cb;
	struct wwr_fence *fence;
	unsigned int entered;  /* (a) */
	unsigned int returned; /* (a) the remover is back */
	bool finished;
	bool removed;
	bool finished_when_removed;
};

static void slow_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct slow_call *call = WWR_CONTAINER_OF(cb, struct slow_call, cb);

	(void)fence;
	wwr_atomic_store(&call->entered, 1, WWR_RELEASE);
	while (test_futex_waits() == 0 && wwr_atomic_load(&call->returned, WWR_ACQUIRE) == 0)
		sched_yield();
	call->finished = true;
}

static void *remove_slow(void *arg)
{
	struct slow_call *call = arg;

	while (wwr_atomic_load(&call->entered, WWR_ACQUIRE) == 0)
		sched_yield();
	call->removed = wwr_fence_remove_callback(call->fence, &call->cb);
	call->finished_when_removed = call->finished;
	wwr_atomic_store(&call->returned, 1, WWR_RELEASE);
	return NULL;
}

Test(reservation_fence_callback, remove_while_running_waits_for_its_end)
{
	struct slow_call call = {.fence = test_fence_create(1, 1)};
	pthread_t remover;

	cr_assert_eq(wwr_fence_add_callback(call.fence, &call.cb, slow_func), 0);
	cr_assert_eq(pthread_create(&remover, NULL, remove_slow, &call), 0);
	cr_assert_eq(wwr_fence_signal(call.fence), 0);
	cr_assert_eq(pthread_join(remover, NULL), 0);
	cr_expect_not(call.removed);
	cr_expect(call.finished_when_removed);
	wwr_fence_put(call.fence);
}
