/* SPDX-License-Identifier: MIT */
/* A driver that goes away, and fences that have signalled from the first. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

TestSuite(reservation_fence_ops, .timeout = 20);

/* A driver whose ops stay inside until they are let go. */
static unsigned int num_inside; /* (a) */
static unsigned int let_go;	/* (a) */
static unsigned int num_left;	/* (a) */

static void stay_inside(void)
{
	(void)wwr_atomic_fetch_add(&num_inside, 1, WWR_ACQ_REL);
	while (wwr_atomic_load(&let_go, WWR_ACQUIRE) == 0)
		sched_yield();
	(void)wwr_atomic_fetch_add(&num_left, 1, WWR_ACQ_REL);
}

static const char *quick_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "quick";
}

static const char *slow_name(const struct wwr_fence *fence)
{
	(void)fence;
	stay_inside();
	return "slow";
}

static bool slow_enable(struct wwr_fence *fence)
{
	(void)fence;
	stay_inside();
	return true;
}

static void slow_deadline(struct wwr_fence *fence, int64_t deadline_ns)
{
	(void)fence;
	(void)deadline_ns;
	stay_inside();
}

static const struct wwr_fence_ops slow_ops = {
    .driver_name = quick_name,
    .timeline_name = slow_name,
    .enable_signaling = slow_enable,
    .set_deadline = slow_deadline,
};

static struct wwr_fence *create(const struct wwr_fence_ops *ops)
{
	struct wwr_fence *fence = wwr_alloc(sizeof(*fence));

	cr_assert_not_null(fence);
	wwr_fence_init(fence, ops, 1, 1);
	return fence;
}

static void *call_describe(void *fence)
{
	char text[64];

	(void)wwr_fence_describe(fence, text, sizeof(text));
	return NULL;
}

static void *call_enable(void *fence)
{
	(void)!wwr_fence_wait_until(fence, NULL, 0);
	return NULL;
}

static void *call_deadline(void *fence)
{
	wwr_fence_set_deadline(fence, 1);
	return NULL;
}

static void *call_synchronize(void *num_left_then)
{
	wwr_fence_synchronize();
	*(unsigned int *)num_left_then = wwr_atomic_load(&num_left, WWR_ACQUIRE);
	return NULL;
}

Test(reservation_fence_ops, synchronize_waits_for_those_inside_an_op)
{
	void *(*const calls[])(void *) = {call_describe, call_enable, call_deadline};
	struct wwr_fence *fence = create(&slow_ops);
	unsigned int num_left_then = 0;
	pthread_t synchronizer;
	pthread_t callers[3];

	for (int i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&callers[i], NULL, calls[i], fence), 0);
	while (wwr_atomic_load(&num_inside, WWR_ACQUIRE) < 3)
		sched_yield();
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_assert_eq(pthread_create(&synchronizer, NULL, call_synchronize, &num_left_then), 0);
	test_until_futex_waits(1);
	wwr_atomic_store(&let_go, 1, WWR_RELEASE);
	cr_assert_eq(pthread_join(synchronizer, NULL), 0);
	cr_expect_eq(num_left_then, 3);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(pthread_join(callers[i], NULL), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_ops, synchronize_with_nobody_inside_makes_no_system_call)
{
	struct wwr_fence_ops ops = slow_ops;
	struct wwr_fence *fence;

	let_go = 1;
	fence = create(&ops);
	wwr_fence_set_deadline(fence, 1);
	cr_expect_eq(num_left, 1);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_synchronize();
	wwr_fence_synchronize();
	cr_expect_eq(test_futex_waits() + test_futex_wakes(), 0);
	ops = (struct wwr_fence_ops){0}; /* the driver is gone */
	call_describe(fence);
	call_enable(fence);
	call_deadline(fence);
	wwr_fence_put(fence);
	cr_expect_eq(num_left, 1);
}

static void deadline_synchronizes(struct wwr_fence *fence, int64_t deadline_ns)
{
	(void)fence;
	(void)deadline_ns;
	wwr_fence_synchronize();
}

static void callback_synchronizes(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	wwr_fence_synchronize();
}

static const struct wwr_fence_ops misusing_ops = {
    .driver_name = quick_name,
    .timeline_name = quick_name,
    .set_deadline = deadline_synchronizes,
};

static void synchronize_in_an_op(void *fence)
{
	wwr_fence_set_deadline(fence, 1);
}

static void synchronize_in_a_callback(void *fence)
{
	struct wwr_fence_cb cb;

	(void)!wwr_fence_add_callback(fence, &cb, callback_synchronizes);
	(void)wwr_fence_signal(fence);
}

Test(reservation_fence_ops, synchronize_from_an_op_or_a_callback_aborts)
{
	struct wwr_fence *fence = create(&misusing_ops);

	cr_expect(test_aborts_with(synchronize_in_an_op, fence, "from an op or a callback"));
	cr_expect(test_aborts_with(synchronize_in_a_callback, fence, "from an op or a callback"));
	wwr_fence_put(fence);
}

Test(reservation_fence_ops, stub_create_has_its_own_time_and_error)
{
	struct wwr_fence *done;
	struct wwr_fence *failed;
	char text[64];

	test_alloc_install();
	done = wwr_fence_stub_create(0, 0);
	failed = wwr_fence_stub_create(77, -ECANCELED);
	cr_assert(done != NULL && failed != NULL);
	cr_expect_eq(wwr_fence_get_status(done), 1);
	cr_expect_eq(wwr_fence_timestamp(done), 0);
	cr_expect_eq(wwr_fence_get_status(failed), -ECANCELED);
	cr_expect_eq(wwr_fence_timestamp(failed), 77);
	cr_expect_eq(wwr_fence_signal(done), -EINVAL);
	cr_expect_eq(wwr_fence_wait_until(done, NULL, INT64_MAX), 0);
	(void)wwr_fence_describe(done, text, sizeof(text));
	cr_expect_str_eq(text, "stub stub 0:0 done");
	wwr_fence_put(wwr_fence_get(done));
	wwr_fence_put(done);
	wwr_fence_put(failed);
	cr_expect_eq(test_alloc_alive(), 0);
	test_alloc_fail(1, false);
	cr_expect_null(wwr_fence_stub_create(1, 0));
}

static void stub_at_negative_time(void *arg)
{
	(void)arg;
	(void)wwr_fence_stub_create(-1, 0);
}

static void stub_with_positive_error(void *arg)
{
	(void)arg;
	(void)wwr_fence_stub_create(1, 1);
}

static void stub_with_huge_error(void *arg)
{
	(void)arg;
	(void)wwr_fence_stub_create(1, -4096);
}

Test(reservation_fence_ops, misuse_of_stub_create_aborts)
{
	cr_expect(test_aborts_with(stub_at_negative_time, NULL, "is no time"));
	cr_expect(test_aborts_with(stub_with_positive_error, NULL, "not an error"));
	cr_expect(test_aborts_with(stub_with_huge_error, NULL, "not an error"));
}
