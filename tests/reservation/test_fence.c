/* SPDX-License-Identifier: MIT */
/* Fences: life, state, signal, order, names. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/alloc.h>
#include "lockset/park.h"
#include "reservation/fence_core.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

TestSuite(reservation_fence, .timeout = 20);

Test(reservation_fence, init_leaves_it_unsignalled)
{
	struct wwr_fence *fence = test_fence_create(7, 3);

	cr_expect_not(wwr_fence_is_signaled(fence));
	cr_expect_eq(wwr_fence_get_status(fence), 0);
	cr_expect_eq(wwr_fence_timestamp(fence), 0);
	cr_expect_eq(fence->context, 7);
	cr_expect_eq(fence->seqno, 3);
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_fence, signal_once_is_done)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(wwr_fence_signal(fence), 0);
	cr_expect(wwr_fence_is_signaled(fence));
	cr_expect_eq(wwr_fence_get_status(fence), 1);
	wwr_fence_put(fence);
}

Test(reservation_fence, signal_twice_returns_einval_and_changes_nothing)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_assert_eq(wwr_fence_signal_at(fence, 42), 0);
	cr_expect_eq(wwr_fence_signal_at(fence, 43), -EINVAL);
	cr_expect_eq(wwr_fence_signal(fence), -EINVAL);
	cr_expect_eq(wwr_fence_timestamp(fence), 42);
	wwr_fence_put(fence);
}

Test(reservation_fence, signal_reads_the_clock_in_between)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int64_t before_ns = park_now_ns();
	int64_t timestamp_ns;

	cr_assert_eq(wwr_fence_signal(fence), 0);
	timestamp_ns = wwr_fence_timestamp(fence);
	cr_expect(timestamp_ns >= before_ns);
	cr_expect(timestamp_ns <= park_now_ns());
	wwr_fence_put(fence);
}

Test(reservation_fence, signal_at_time_zero_is_a_time)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(wwr_fence_signal_at(fence, 0), 0);
	cr_expect_eq(wwr_fence_timestamp(fence), 0);
	cr_expect(wwr_fence_is_signaled(fence));
	wwr_fence_put(fence);
}

Test(reservation_fence, error_before_signal_is_the_status)
{
	static const int errors[] = {-ENODATA, -ECANCELED, -ETIME, -1, -4095};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct wwr_fence *fence = test_fence_create(1, i);

		wwr_fence_set_error(fence, errors[i]);
		cr_expect_eq(wwr_fence_get_status(fence), 0, "pending until signalled");
		cr_assert_eq(wwr_fence_signal(fence), 0);
		cr_expect_eq(wwr_fence_get_status(fence), errors[i]);
		wwr_fence_put(fence);
	}
}

static void set_error(struct wwr_fence *fence, int error)
{
	wwr_fence_set_error(fence, error);
}

static void set_error_0(void *fence)
{
	set_error(fence, 0);
}

static void set_error_1(void *fence)
{
	set_error(fence, 1);
}

static void set_error_4096(void *fence)
{
	set_error(fence, -4096);
}

static void set_error_etime(void *fence)
{
	set_error(fence, -ETIME);
}

static void signal_at_negative(void *fence)
{
	(void)wwr_fence_signal_at(fence, -1);
}

Test(reservation_fence, misuse_of_error_and_time_aborts)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect(test_aborts_with(set_error_0, fence, "not an error from -4095 to -1"));
	cr_expect(test_aborts_with(set_error_1, fence, "not an error from -4095 to -1"));
	cr_expect(test_aborts_with(set_error_4096, fence, "not an error from -4095 to -1"));
	cr_expect(test_aborts_with(signal_at_negative, fence, "is no time"));
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect(test_aborts_with(set_error_etime, fence, "has signalled already"));
	wwr_fence_put(fence);
}

Test(reservation_fence, put_of_the_last_reference_releases)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(wwr_fence_get(fence), fence);
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 1);
	wwr_fence_put(fence);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_null(wwr_fence_get(NULL));
	wwr_fence_put(NULL);
}

static const struct wwr_fence_ops bare_ops = {
    .driver_name = NULL,
    .timeline_name = NULL,
};

static void init_without_names(void *fence)
{
	wwr_fence_init(fence, &bare_ops, 1, 1);
}

static void init_without_timeline_name(void *fence)
{
	struct wwr_fence_ops ops = test_fence_ops;

	ops.timeline_name = NULL;
	wwr_fence_init(fence, &ops, 1, 1);
}

static void init_without_ops(void *fence)
{
	wwr_fence_init(fence, NULL, 1, 1);
}

Test(reservation_fence, init_without_names_aborts)
{
	struct wwr_fence fence;

	cr_expect(test_aborts_with(init_without_names, &fence, "no driver_name"));
	cr_expect(test_aborts_with(init_without_ops, &fence, "no driver_name"));
	cr_expect(test_aborts_with(init_without_timeline_name, &fence, "or no timeline_name op"));
}

static void keep_memory(struct wwr_fence *fence)
{
	(void)fence;
}

static const char *a_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "embedded";
}

static const struct wwr_fence_ops embedded_ops = {
    .driver_name = a_name,
    .timeline_name = a_name,
    .release = keep_memory,
};

static void get_released(void *fence)
{
	(void)wwr_fence_get(fence);
}

static void put_released(void *fence)
{
	wwr_fence_put(fence);
}

Test(reservation_fence, use_of_a_released_fence_aborts)
{
	struct wwr_fence fence;

	wwr_fence_init(&fence, &embedded_ops, 1, 1);
	wwr_fence_put(&fence);
	cr_expect(test_aborts_with(get_released, &fence, "wwr_fence_get"));
	cr_expect(test_aborts_with(put_released, &fence, "released before"));
}

static const struct wwr_fence_ops no_release_ops = {
    .driver_name = a_name,
    .timeline_name = a_name,
};

Test(reservation_fence, put_without_release_op_gives_memory_to_the_allocator)
{
	struct wwr_fence *fence;

	test_alloc_install();
	for (int signalled = 0; signalled < 2; signalled++) {
		fence = wwr_alloc(sizeof(*fence));
		cr_assert_not_null(fence);
		wwr_fence_init(fence, &no_release_ops, 1, 1);
		if (signalled)
			cr_assert_eq(wwr_fence_signal(fence), 0);
		wwr_fence_put(fence);
		cr_expect_eq(test_alloc_alive(), 0);
	}
}

Test(reservation_fence, signal_forgets_ops_without_release)
{
	char text[64];
	struct wwr_fence_ops ops = no_release_ops;
	struct wwr_fence *fence;

	fence = wwr_alloc(sizeof(*fence));
	cr_assert_not_null(fence);
	wwr_fence_init(fence, &ops, 5, 6);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect_str_eq(text, "embedded embedded 5:6 pending");
	cr_assert_eq(wwr_fence_signal(fence), 0);
	ops = (struct wwr_fence_ops){0}; /* the driver goes away */
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect_str_eq(text, "detached signaled 5:6 done");
	wwr_fence_set_deadline(fence, 1);
	wwr_fence_put(fence);
}

Test(reservation_fence, describe_names_state_and_returns_full_length)
{
	struct wwr_fence *fence = test_fence_create(12, UINT64_MAX);
	const char *pending = "test line 12:18446744073709551615 pending";
	char text[80];

	cr_expect_eq(wwr_fence_describe(fence, text, sizeof(text)), (int)strlen(pending));
	cr_expect_str_eq(text, pending);
	cr_expect_eq(wwr_fence_describe(fence, text, 5), (int)strlen(pending));
	cr_expect_str_eq(text, "test");
	cr_expect_eq(wwr_fence_describe(fence, NULL, 0), (int)strlen(pending));
	wwr_fence_set_error(fence, -ECANCELED);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect_str_eq(text, "test line 12:18446744073709551615 error -125");
	wwr_fence_put(fence);
}

static void alloc_no_context(void *arg)
{
	(void)arg;
	(void)wwr_fence_context_alloc(0);
}

Test(reservation_fence, context_alloc_gives_disjoint_ranges)
{
	uint64_t first = wwr_fence_context_alloc(3);
	uint64_t second = wwr_fence_context_alloc(1);

	cr_expect_neq(first, 0);
	cr_expect_eq(second, first + 3);
	cr_expect_eq(wwr_fence_context_alloc(2), second + 1);
	cr_expect(test_aborts_with(alloc_no_context, NULL, "0 contexts"));
}

static bool is_later(uint64_t seqno_a, uint64_t seqno_b)
{
	struct wwr_fence a, b;

	wwr_fence_init(&a, &embedded_ops, 1, seqno_a);
	wwr_fence_init(&b, &embedded_ops, 1, seqno_b);
	return wwr_fence_is_later(&a, &b);
}

Test(reservation_fence, is_later_compares_64_bits_and_wraps)
{
	cr_expect(is_later(2, 1));
	cr_expect_not(is_later(1, 2));
	cr_expect_not(is_later(1, 1));
	cr_expect(is_later(UINT64_C(1) << 33, 1), "not cut to 32 bits");
	cr_expect(is_later((UINT64_C(1) << 32) + 1, UINT64_C(1) << 32));
	cr_expect(is_later(0, UINT64_MAX), "wraps around");
	cr_expect_not(is_later(UINT64_MAX, 0));
}

static void compare_contexts(void *fences)
{
	struct wwr_fence *two = fences;

	(void)wwr_fence_is_later(&two[0], &two[1]);
}

Test(reservation_fence, is_later_across_contexts_aborts)
{
	struct wwr_fence fences[2];

	wwr_fence_init(&fences[0], &embedded_ops, 1, 1);
	wwr_fence_init(&fences[1], &embedded_ops, 2, 1);
	cr_expect(test_aborts_with(compare_contexts, fences, "different contexts"));
}

Test(reservation_fence, stub_is_one_signalled_fence)
{
	int64_t before_ns = park_now_ns();
	struct wwr_fence *stub = wwr_fence_stub();
	int64_t after_ns = park_now_ns();

	cr_expect_eq(wwr_fence_get_status(stub), 1);
	cr_expect(wwr_fence_timestamp(stub) >= before_ns);
	cr_expect(wwr_fence_timestamp(stub) <= after_ns);
	cr_expect_eq(wwr_fence_signal(stub), -EINVAL);
	cr_expect_eq(wwr_fence_stub(), stub);
	wwr_fence_put(stub);
	wwr_fence_put(stub);
	cr_expect_eq(wwr_fence_stub(), stub, "it outlives its users");
	wwr_fence_put(stub);
}

static void put_stub_too_often(void *arg)
{
	struct wwr_fence *stub = wwr_fence_stub();

	(void)arg;
	wwr_fence_put(stub);
	wwr_fence_put(stub);
}

Test(reservation_fence, stub_put_too_often_aborts)
{
	cr_expect(test_aborts_with(put_stub_too_often, NULL, "more references of the stub"));
}

Test(reservation_fence, set_deadline_passes_on_the_earliest)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	wwr_fence_set_deadline(&own->fence, 100);
	wwr_fence_set_deadline(&own->fence, 200);
	cr_expect_eq(own->num_deadlines, 1);
	cr_expect_eq(own->deadline_ns, 100);
	wwr_fence_set_deadline(&own->fence, 50);
	cr_expect_eq(own->num_deadlines, 2);
	cr_expect_eq(own->deadline_ns, 50);
	cr_assert_eq(wwr_fence_signal(&own->fence), 0);
	wwr_fence_set_deadline(&own->fence, 10);
	cr_expect_eq(own->num_deadlines, 2, "a signalled fence needs no deadline");
	wwr_fence_put(&own->fence);
}

Test(reservation_fence, set_deadline_without_op_is_ignored)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	wwr_fence_set_deadline(fence, 1);
	cr_expect_not(wwr_fence_is_signaled(fence));
	wwr_fence_put(fence);
}

static void *read_timestamp(void *fence)
{
	return (void *)(intptr_t)wwr_fence_timestamp(fence);
}

/* The signaller stands between its mark and its timestamp until the reader sleeps. */
Test(reservation_fence, timestamp_waits_for_a_signaller_under_way)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	pthread_t reader;
	void *result;

	wwr_atomic_store(&fence->callbacks, FENCE_SIGNALED | FENCE_BUSY, WWR_RELEASE);
	cr_assert_eq(pthread_create(&reader, NULL, read_timestamp, fence), 0);
	test_until_futex_waits(1);
	wwr_atomic_store(&fence->timestamp_ns, 1234, WWR_RELAXED);
	fence_release_list(fence, FENCE_SIGNALED);
	cr_assert_eq(pthread_join(reader, &result), 0);
	cr_expect_eq((intptr_t)result, 1234);
	wwr_fence_put(fence);
}

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

Test(reservation_fence, signal_with_nobody_asleep_makes_no_system_call)
{
	struct wwr_fence fence;
	struct wwr_fence_cb cb;

	test_alloc_install();
	for (uint64_t seqno = 0; seqno < 100; seqno++) {
		wwr_fence_init(&fence, &embedded_ops, 1, seqno);
		cr_assert_eq(wwr_fence_add_callback(&fence, &cb, count_call), 0);
		cr_assert_eq(seqno % 2 ? wwr_fence_signal(&fence) : wwr_fence_signal_at(&fence, 1),
			     0);
		wwr_fence_put(&fence);
	}
	cr_expect_eq(test_futex_waits(), 0);
	cr_expect_eq(test_futex_wakes(), 0);
	cr_expect_eq(test_alloc_calls(), 0, "and pooled fences no allocation");
}
