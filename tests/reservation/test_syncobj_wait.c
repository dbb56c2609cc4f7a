/* SPDX-License-Identifier: MIT */
/* Waiting for syncobjs: all, any, for submit, available; what ends a sleep, and what does not. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/fence_chain.h>
#include <wwresv/interrupt.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define NUM_SYNCOBJS 6

#define ALL	   WWR_SYNCOBJ_WAIT_ALL
#define FOR_SUBMIT WWR_SYNCOBJ_WAIT_FOR_SUBMIT
#define AVAILABLE  WWR_SYNCOBJ_WAIT_AVAILABLE
#define DEADLINE   WWR_SYNCOBJ_WAIT_DEADLINE

static struct wwr_syncobj *syncobjs[NUM_SYNCOBJS];
static uint64_t points[NUM_SYNCOBJS];
static struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;

static void setup(void)
{
	test_alloc_install();
	for (int i = 0; i < NUM_SYNCOBJS; i++)
		cr_assert_eq(wwr_syncobj_create(0, &syncobjs[i]), 0);
}

static void teardown(void)
{
	for (int i = 0; i < NUM_SYNCOBJS; i++)
		wwr_syncobj_put(syncobjs[i]);
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_syncobj_wait, .init = setup, .fini = teardown, .timeout = 20);

static struct wwr_fence *add(unsigned int index, uint64_t point)
{
	struct wwr_fence *fence = test_fence_create(wwr_fence_context_alloc(1), 1);

	cr_assert_eq(wwr_syncobj_add_point(syncobjs[index], point, fence), 0);
	return fence;
}

static void signal_and_put(struct wwr_fence *fence)
{
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

/* Without a sleep. */
static int poll_all(unsigned int num, uint32_t flags, unsigned int *ret_first)
{
	return wwr_syncobj_wait(num, syncobjs, NULL, flags, NULL, 0, 0, ret_first);
}

static int poll_points(unsigned int num, uint32_t flags, unsigned int *ret_first)
{
	return wwr_syncobj_wait(num, syncobjs, points, flags, NULL, 0, 0, ret_first);
}

/* A thread that waits, and what it got. */
struct sleeper {
	pthread_t thread;
	unsigned int num;
	const uint64_t *points;
	uint32_t flags;
	struct wwr_interrupt_token *token;
	int64_t deadline_ns;
	int result;
	unsigned int first;
	unsigned int done; /* (a) */
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->result =
	    wwr_syncobj_wait(sleeper->num, syncobjs, sleeper->points, sleeper->flags,
			     sleeper->token, sleeper->deadline_ns, 0, &sleeper->first);
	wwr_atomic_store(&sleeper->done, 1, WWR_RELEASE);
	return NULL;
}

static void sleeper_start(struct sleeper *sleeper, unsigned int num, const uint64_t *of_points,
			  uint32_t flags)
{
	unsigned int before = test_futex_waits();

	*sleeper = (struct sleeper){.num = num,
				    .points = of_points,
				    .flags = flags,
				    .token = &token,
				    .deadline_ns = INT64_MAX,
				    .result = 1,
				    .first = 99};
	cr_assert_eq(pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper), 0);
	test_until_futex_waits(before + 1);
}

static int sleeper_result(struct sleeper *sleeper)
{
	cr_assert_eq(pthread_join(sleeper->thread, NULL), 0);
	return sleeper->result;
}

Test(reservation_syncobj_wait, flags_are_looked_at_first)
{
	for (uint32_t bit = 4; bit < 32; bit++) {
		cr_expect_eq(wwr_syncobj_wait(1, NULL, points, 1u << bit, NULL, 0, 0, NULL),
			     -EINVAL);
		cr_expect_eq(wwr_syncobj_wait(0, NULL, NULL, 1u << bit, NULL, 0, 0, NULL), -EINVAL);
	}
	cr_expect_eq(wwr_syncobj_wait(1, NULL, NULL, AVAILABLE, NULL, 0, 0, NULL), -EINVAL,
		     "only with points");
}

Test(reservation_syncobj_wait, none_to_wait_for_returns_0)
{
	unsigned int first = 99;

	cr_expect_eq(wwr_syncobj_wait(0, NULL, NULL, 0, NULL, INT64_MAX, 0, &first), 0);
	cr_expect_eq(wwr_syncobj_wait(0, NULL, NULL, ALL, NULL, 0, 0, NULL), 0);
	cr_expect_eq(first, 99);
}

Test(reservation_syncobj_wait, no_fence_is_refused_unless_for_submit)
{
	struct wwr_fence *fence = add(0, 0);

	cr_expect_eq(poll_all(2, 0, NULL), -EINVAL);
	cr_expect_eq(poll_all(2, ALL, NULL), -EINVAL);
	cr_expect_eq(poll_all(2, FOR_SUBMIT, NULL), -ETIME);
	signal_and_put(fence);
	cr_expect_eq(poll_all(2, 0, NULL), -EINVAL, "whatever the others say");
	cr_expect_eq(poll_all(2, FOR_SUBMIT, NULL), 0);
	points[0] = 1;
	cr_expect_eq(poll_points(1, 0, NULL), -EINVAL, "there are no points");
	cr_expect_eq(poll_points(1, FOR_SUBMIT, NULL), -ETIME);
}

Test(reservation_syncobj_wait, any_gives_the_index_of_the_first_that_is_done)
{
	struct wwr_fence *fences[NUM_SYNCOBJS];
	unsigned int first = 99;

	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		fences[i] = add(i, 0);
	cr_expect_eq(poll_all(NUM_SYNCOBJS, 0, &first), -ETIME);
	cr_expect_eq(first, 99);
	signal_and_put(fences[4]);
	cr_expect_eq(poll_all(NUM_SYNCOBJS, 0, &first), 0);
	cr_expect_eq(first, 4);
	signal_and_put(fences[2]);
	cr_expect_eq(poll_all(NUM_SYNCOBJS, 0, &first), 0);
	cr_expect_eq(first, 2);
	first = 99;
	cr_expect_eq(poll_all(NUM_SYNCOBJS, ALL, &first), -ETIME);
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++) {
		if (i != 2 && i != 4)
			signal_and_put(fences[i]);
	}
	cr_expect_eq(poll_all(NUM_SYNCOBJS, ALL, &first), 0);
	cr_expect_eq(first, 99, "not when all are waited for");
	cr_expect_eq(test_futex_waits(), 0);
}

Test(reservation_syncobj_wait, failed_fence_is_done)
{
	struct wwr_fence *fence = add(0, 0);

	wwr_fence_set_error(fence, -ECANCELED);
	signal_and_put(fence);
	cr_expect_eq(poll_all(1, ALL, NULL), 0);
}

Test(reservation_syncobj_wait, available_is_enough_when_asked_for)
{
	struct wwr_fence *fence = add(0, 5);
	unsigned int first = 99;

	points[0] = 6;
	points[1] = 1;
	cr_expect_eq(poll_points(1, AVAILABLE, NULL), -ETIME);
	points[0] = 5;
	cr_expect_eq(poll_points(1, AVAILABLE, &first), 0);
	cr_expect_eq(first, 0);
	cr_expect_eq(poll_points(2, AVAILABLE | ALL, NULL), -ETIME);
	cr_expect_eq(poll_points(1, 0, NULL), -ETIME);
	signal_and_put(fence);
}

Test(reservation_syncobj_wait, point_is_done_with_all_before_it)
{
	struct wwr_fence *first = add(0, 1);
	struct wwr_fence *second = add(0, 2);

	points[0] = 2;
	signal_and_put(second);
	cr_expect_eq(poll_points(1, 0, NULL), -ETIME);
	signal_and_put(first);
	cr_expect_eq(poll_points(1, 0, NULL), 0);
	points[0] = 1;
	cr_expect_eq(poll_points(1, 0, NULL), 0);
}

Test(reservation_syncobj_wait, deadline_hint_reaches_the_fences)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	wwr_syncobj_replace_fence(syncobjs[0], &own->fence);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, NULL, 0, NULL, 0, 777, NULL), -ETIME);
	cr_expect_eq(own->num_deadlines, 0);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, NULL, DEADLINE, NULL, 0, 777, NULL), -ETIME);
	cr_expect_eq(own->deadline_ns, 777);
	cr_expect_eq(own->num_enabled, 1, "a poll asks for the signal, too");
	signal_and_put(&own->fence);
}

Test(reservation_syncobj_wait, sleeps_for_the_signal)
{
	struct wwr_fence *fences[2];
	struct sleeper sleeper;

	for (unsigned int i = 0; i < 2; i++)
		fences[i] = add(i, 0);
	sleeper_start(&sleeper, 2, NULL, 0);
	signal_and_put(fences[1]);
	cr_expect_eq(sleeper_result(&sleeper), 0);
	cr_expect_eq(sleeper.first, 1);

	fences[1] = add(1, 0);
	sleeper_start(&sleeper, 2, NULL, ALL);
	signal_and_put(fences[1]);
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	signal_and_put(fences[0]);
	cr_expect_eq(sleeper_result(&sleeper), 0);
}

Test(reservation_syncobj_wait, sleeps_without_a_token)
{
	struct wwr_fence *fence = add(0, 0);
	struct sleeper sleeper = {.num = 1, .deadline_ns = INT64_MAX, .result = 1};

	cr_assert_eq(pthread_create(&sleeper.thread, NULL, sleeper_run, &sleeper), 0);
	test_until_futex_waits(1);
	signal_and_put(fence);
	cr_expect_eq(sleeper_result(&sleeper), 0);
}

Test(reservation_syncobj_wait, sleeps_for_the_submit_and_then_for_the_signal)
{
	struct sleeper sleeper;
	struct wwr_fence *fence;
	unsigned int waits;

	points[0] = 3;
	sleeper_start(&sleeper, 1, points, FOR_SUBMIT);
	waits = test_futex_waits();
	fence = add(0, 2);
	signal_and_put(fence);
	cr_expect_eq(test_futex_waits(), waits, "point 2 is not for this one");
	fence = add(0, 4);
	test_until_futex_waits(waits + 1);
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	signal_and_put(fence);
	cr_expect_eq(sleeper_result(&sleeper), 0);
}

Test(reservation_syncobj_wait, available_ends_with_the_submit)
{
	struct sleeper sleeper;
	struct wwr_fence *fence;

	points[0] = 3;
	sleeper_start(&sleeper, 1, points, AVAILABLE);
	fence = add(0, 3);
	cr_expect_eq(sleeper_result(&sleeper), 0);
	signal_and_put(fence);
}

Test(reservation_syncobj_wait, reset_does_not_change_the_fence_that_was_seen)
{
	struct wwr_fence *fence = add(0, 0);
	struct sleeper sleeper;

	sleeper_start(&sleeper, 1, NULL, 0);
	cr_assert_eq(wwr_syncobj_reset(1, syncobjs), 0);
	cr_assert_eq(wwr_syncobj_signal(1, syncobjs), 0);
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	signal_and_put(fence);
	cr_expect_eq(sleeper_result(&sleeper), 0);
}

Test(reservation_syncobj_wait, reset_during_a_wait_for_submit_changes_nothing)
{
	struct sleeper sleeper;
	struct wwr_fence *fence;

	sleeper_start(&sleeper, 1, NULL, FOR_SUBMIT);
	cr_assert_eq(wwr_syncobj_reset(1, syncobjs), 0);
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	fence = add(0, 0);
	/* Seen, though it may be gone before the waiter has run at all. */
	cr_assert_eq(wwr_syncobj_reset(1, syncobjs), 0);
	cr_assert_eq(wwr_syncobj_signal(1, syncobjs), 0);
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	signal_and_put(fence);
	cr_expect_eq(sleeper_result(&sleeper), 0);
}

Test(reservation_syncobj_wait, poll_beats_the_interrupt)
{
	wwr_interrupt(&token);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, NULL, FOR_SUBMIT, &token, 0, 0, NULL), -ETIME);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, NULL, FOR_SUBMIT, &token, -1, 0, NULL), -ETIME);
	cr_assert_eq(wwr_syncobj_signal(1, syncobjs), 0);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, NULL, 0, &token, INT64_MAX, 0, NULL), 0);
	cr_expect_eq(test_futex_waits(), 0);
}

Test(reservation_syncobj_wait, deadline_passes_returns_etime_not_before)
{
	static const uint32_t flags[] = {0, FOR_SUBMIT};
	struct wwr_fence *fence = add(0, 0);

	for (unsigned int i = 0; i < 2; i++) {
		int64_t deadline_ns = park_now_ns() + 1000000;

		cr_expect_eq(
		    wwr_syncobj_wait(1, &syncobjs[i], NULL, flags[i], NULL, deadline_ns, 0, NULL),
		    -ETIME);
		cr_expect(park_now_ns() >= deadline_ns);
		deadline_ns = park_now_ns() + 1000000;
		cr_expect_eq(
		    wwr_syncobj_wait(1, &syncobjs[i], NULL, flags[i], &token, deadline_ns, 0, NULL),
		    -ETIME);
		cr_expect(park_now_ns() >= deadline_ns);
	}
	cr_expect_eq(fence->callbacks, 0, "nothing of the waits is left behind");
	signal_and_put(fence);
}

Test(reservation_syncobj_wait, interrupt_ends_every_sleep)
{
	struct wwr_fence *fence = add(0, 1);
	struct sleeper sleeper;

	points[0] = 1;
	sleeper_start(&sleeper, 1, points, 0);
	wwr_interrupt(&token);
	cr_expect_eq(sleeper_result(&sleeper), -EINTR);
	wwr_interrupt_token_clear(&token);

	points[0] = 2;
	sleeper_start(&sleeper, 1, points, FOR_SUBMIT);
	wwr_interrupt(&token);
	cr_expect_eq(sleeper_result(&sleeper), -EINTR);
	cr_expect_eq(sleeper.first, 99);
	cr_expect_eq(wwr_syncobj_wait(1, syncobjs, points, FOR_SUBMIT, &token, 1, 0, NULL), -EINTR,
		     "sticky");
	signal_and_put(fence);
}

static void on_usr1(int number)
{
	(void)number;
}

Test(reservation_syncobj_wait, signal_handler_ends_a_sleep_with_a_token)
{
	const struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
	struct sleeper sleeper;

	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	sleeper_start(&sleeper, 1, NULL, FOR_SUBMIT);
	while (wwr_atomic_load(&sleeper.done, WWR_ACQUIRE) == 0) {
		(void)pthread_kill(sleeper.thread, SIGUSR1);
		sched_yield();
	}
	cr_expect_eq(sleeper_result(&sleeper), -EINTR);
}

Test(reservation_syncobj_wait, same_syncobj_twice)
{
	struct wwr_syncobj *twice[] = {syncobjs[0], syncobjs[0]};
	const uint64_t both[] = {1, 2};
	struct wwr_fence *fence = add(0, 1);
	unsigned int first = 99;

	cr_expect_eq(wwr_syncobj_wait(2, twice, both, FOR_SUBMIT, NULL, 0, 0, &first), -ETIME);
	signal_and_put(fence);
	cr_expect_eq(wwr_syncobj_wait(2, twice, both, FOR_SUBMIT, NULL, 0, 0, &first), 0);
	cr_expect_eq(first, 0);
	cr_expect_eq(wwr_syncobj_wait(2, twice, both, FOR_SUBMIT | ALL, NULL, 0, 0, NULL), -ETIME);
}

static void *find_run(void *arg)
{
	struct wwr_fence *fence = NULL;

	*(int *)arg = wwr_syncobj_find_fence(syncobjs[0], 2, FOR_SUBMIT, &token, INT64_MAX, &fence);
	wwr_fence_put(fence);
	return fence;
}

Test(reservation_syncobj_wait, find_fence_sleeps_for_the_submit_only)
{
	struct wwr_fence *fence;
	pthread_t thread;
	void *found = NULL;
	int result = 1;

	cr_assert_eq(pthread_create(&thread, NULL, find_run, &result), 0);
	test_until_futex_waits(1);
	fence = add(0, 2);
	cr_assert_eq(pthread_join(thread, &found), 0);
	cr_expect_eq(result, 0);
	cr_expect_not_null(found);
	signal_and_put(fence);

	cr_assert_eq(wwr_syncobj_reset(1, syncobjs), 0);
	wwr_interrupt(&token);
	cr_assert_eq(pthread_create(&thread, NULL, find_run, &result), 0);
	cr_assert_eq(pthread_join(thread, &found), 0);
	cr_expect_eq(result, -EINTR);
	cr_expect_null(found);
}

Test(reservation_syncobj_wait, no_memory_is_needed_for_a_few)
{
	test_alloc_fail(1, true);
	cr_expect_eq(poll_all(4, FOR_SUBMIT, NULL), -ETIME);
	cr_expect_eq(poll_all(5, FOR_SUBMIT, NULL), -ENOMEM);
	test_alloc_fail(0, false);
}
