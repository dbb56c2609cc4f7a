/* SPDX-License-Identifier: MIT */
/* Software timelines: when their fences signal, in which order, and how they end. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"

#include <wwresv/interrupt.h>
#include <wwresv/sync_timeline.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define MAX_CALLS 8

static struct wwr_sync_timeline *timeline;

static void setup(void)
{
	test_alloc_install();
	cr_assert_eq(wwr_sync_timeline_create("line", &timeline), 0);
}

static void teardown(void)
{
	wwr_sync_timeline_destroy(timeline);
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
}

TestSuite(reservation_sync_timeline, .init = setup, .fini = teardown, .timeout = 20);

static struct wwr_fence *create_fence(uint64_t value)
{
	struct wwr_fence *fence = NULL;

	cr_assert_eq(wwr_sync_timeline_create_fence(timeline, value, NULL, &fence), 0);
	return fence;
}

/* Callbacks that write down the order they were called in. */
struct call {
	struct wwr_fence_cb cb;
	struct wwr_fence *fence;
	uint32_t inc; /* moves the timeline on from inside the callback */
};

static uint64_t called[MAX_CALLS];
static unsigned int num_called;

static void call_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct call *call = WWR_CONTAINER_OF(cb, struct call, cb);

	if (num_called < MAX_CALLS)
		called[num_called++] = fence->seqno;
	if (call->inc != 0)
		wwr_sync_timeline_inc(timeline, call->inc);
}

static void call_create(struct call *call, uint64_t value, uint32_t inc)
{
	call->fence = create_fence(value);
	call->inc = inc;
	cr_assert_eq(wwr_fence_add_callback(call->fence, &call->cb, call_func), 0);
}

Test(reservation_sync_timeline, create_fence_at_or_below_the_value_is_born_signalled)
{
	static const uint64_t reached[] = {0, 1, 5};

	wwr_sync_timeline_inc(timeline, 5);
	cr_expect_eq(wwr_sync_timeline_value(timeline), 5);
	for (unsigned int i = 0; i < 3; i++) {
		struct wwr_fence *fence = create_fence(reached[i]);

		cr_expect_eq(wwr_fence_get_status(fence), 1);
		wwr_fence_put(fence);
	}
	{
		struct wwr_fence *fence = create_fence(6);

		cr_expect_eq(wwr_fence_get_status(fence), 0);
		wwr_fence_put(fence);
	}
}

Test(reservation_sync_timeline, inc_signals_what_it_reaches_and_no_more)
{
	struct wwr_fence *first = create_fence(3);
	struct wwr_fence *second = create_fence(4);

	wwr_sync_timeline_inc(timeline, 2);
	cr_expect_eq(wwr_fence_get_status(first), 0);
	wwr_sync_timeline_inc(timeline, 1);
	cr_expect_eq(wwr_fence_get_status(first), 1);
	cr_expect_eq(wwr_fence_get_status(second), 0);
	wwr_sync_timeline_inc(timeline, UINT32_MAX);
	cr_expect_eq(wwr_sync_timeline_value(timeline), 3 + (uint64_t)UINT32_MAX);
	cr_expect_eq(wwr_fence_get_status(second), 1);
	wwr_sync_timeline_inc(timeline, 0);
	cr_expect_eq(wwr_sync_timeline_value(timeline), 3 + (uint64_t)UINT32_MAX);
	wwr_fence_put(first);
	wwr_fence_put(second);
}

Test(reservation_sync_timeline, inc_signals_in_the_order_of_the_values)
{
	static const uint64_t values[] = {5, 1, 9, 3, 3, 7};
	static const uint64_t sorted[] = {1, 3, 3, 5, 7, 9};
	struct call calls[6];

	for (unsigned int i = 0; i < 6; i++)
		call_create(&calls[i], values[i], 0);
	wwr_sync_timeline_inc(timeline, 4);
	cr_expect_eq(num_called, 3);
	wwr_sync_timeline_inc(timeline, 100);
	cr_assert_eq(num_called, 6);
	cr_expect_arr_eq(called, sorted, sizeof(sorted));
	for (unsigned int i = 0; i < 6; i++)
		wwr_fence_put(calls[i].fence);
}

Test(reservation_sync_timeline, inc_from_a_callback_keeps_the_order)
{
	static const uint64_t sorted[] = {1, 2, 3, 50};
	struct call calls[4];

	call_create(&calls[0], 1, 49);
	call_create(&calls[1], 2, 0);
	call_create(&calls[2], 3, 0);
	call_create(&calls[3], 50, 0);
	wwr_sync_timeline_inc(timeline, 1);
	cr_expect_eq(wwr_sync_timeline_value(timeline), 50);
	cr_assert_eq(num_called, 4);
	cr_expect_arr_eq(called, sorted, sizeof(sorted));
	for (unsigned int i = 0; i < 4; i++)
		wwr_fence_put(calls[i].fence);
}

Test(reservation_sync_timeline, fence_that_nobody_holds_is_given_back_when_reached)
{
	unsigned int alive = test_alloc_alive();

	wwr_fence_put(create_fence(1));
	cr_expect_eq(test_alloc_alive(), alive + 1);
	wwr_sync_timeline_inc(timeline, 1);
	cr_expect_eq(test_alloc_alive(), alive);
}

Test(reservation_sync_timeline, destroy_ends_pending_fences_with_enoent)
{
	struct wwr_fence *done = create_fence(1);
	struct wwr_fence *pending[2];
	char text[128];

	pending[0] = create_fence(2);
	pending[1] = create_fence(UINT64_C(1) << 62);
	wwr_sync_timeline_inc(timeline, 1);
	wwr_sync_timeline_destroy(timeline);
	timeline = NULL;
	cr_expect_eq(wwr_fence_get_status(done), 1);
	for (unsigned int i = 0; i < 2; i++) {
		cr_expect_eq(wwr_fence_get_status(pending[i]), -ENOENT);
		cr_expect(wwr_fence_describe(pending[i], text, sizeof(text)) > 0);
		cr_expect(strncmp(text, "sw_sync line ", 13) == 0, "%s", text);
		wwr_fence_put(pending[i]);
	}
	wwr_fence_put(done);
	wwr_sync_timeline_destroy(NULL);
}

Test(reservation_sync_timeline, name_is_cut_to_its_room)
{
	struct wwr_sync_timeline *own;
	struct wwr_fence *fence;
	char text[128];

	cr_assert_eq(wwr_sync_timeline_create("0123456789012345678901234567890123456789", &own), 0);
	cr_assert_eq(wwr_sync_timeline_create_fence(own, 1, "x", &fence), 0);
	cr_expect(wwr_fence_describe(fence, text, sizeof(text)) > 0);
	cr_expect(strncmp(text, "sw_sync 0123456789012345678901234567890 ", 40) == 0, "%s", text);
	wwr_fence_put(fence);
	wwr_sync_timeline_destroy(own);
}

Test(reservation_sync_timeline, get_deadline_gives_the_earliest_wish)
{
	struct wwr_fence *other = test_fence_create(1, 1);
	struct wwr_fence *fence = create_fence(1);
	int64_t deadline_ns = -7;

	cr_expect_eq(wwr_sync_timeline_get_deadline(other, &deadline_ns), -EINVAL);
	cr_expect_eq(wwr_sync_timeline_get_deadline(fence, &deadline_ns), -ENOENT);
	cr_expect_eq(deadline_ns, -7);
	wwr_fence_set_deadline(fence, 2000);
	wwr_fence_set_deadline(fence, 1000);
	wwr_fence_set_deadline(fence, 3000);
	cr_expect_eq(wwr_sync_timeline_get_deadline(fence, &deadline_ns), 0);
	cr_expect_eq(deadline_ns, 1000);
	wwr_fence_put(other);
	wwr_fence_put(fence);
}

Test(reservation_sync_timeline, wait_is_interrupted_and_timed_out)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = create_fence(1);

	cr_expect_eq(wwr_fence_wait_until(fence, NULL, 0), -ETIME);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, park_now_ns() + 1000), -ETIME);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, INT64_MAX), -EINTR);
	wwr_fence_put(fence);
}

Test(reservation_sync_timeline, create_without_memory_returns_enomem)
{
	struct wwr_sync_timeline *no_timeline = NULL;
	struct wwr_fence *no_fence = NULL;

	for (int sticky = 0; sticky < 2; sticky++) {
		test_alloc_fail(1, sticky);
		cr_expect_eq(wwr_sync_timeline_create("x", &no_timeline), -ENOMEM);
		test_alloc_fail(1, sticky);
		cr_expect_eq(wwr_sync_timeline_create_fence(timeline, 1, NULL, &no_fence), -ENOMEM);
		test_alloc_fail(0, false);
	}
	cr_expect_null(no_timeline);
	cr_expect_null(no_fence);
}

static void *inc_run(void *arg)
{
	for (int i = 0; i < 1000; i++)
		wwr_sync_timeline_inc(timeline, 1);
	return arg;
}

Test(reservation_sync_timeline, inc_by_two_threads_signals_everything)
{
	struct wwr_fence *fence = create_fence(2000);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, inc_run, NULL), 0);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, INT64_MAX), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	cr_expect_eq(wwr_sync_timeline_value(timeline), 2000);
	wwr_fence_put(fence);
}
