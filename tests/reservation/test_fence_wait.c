/* SPDX-License-Identifier: MIT */
/* Sleeping for a fence: signal, deadline, interrupt, and the fence or the token going away. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/interrupt.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

TestSuite(reservation_fence_wait, .timeout = 20);

#define NUM_SLEEPERS 3

static int64_t in_1_ms(void)
{
	return park_now_ns() + 1000000;
}

/* A thread that waits, and what it got. */
struct sleeper {
	pthread_t thread;
	struct wwr_fence *fence;
	struct wwr_interrupt_token *token;
	int64_t deadline_ns;
	int result;
	unsigned int done; /* (a) */
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->result =
	    wwr_fence_wait_until(sleeper->fence, sleeper->token, sleeper->deadline_ns);
	wwr_atomic_store(&sleeper->done, 1, WWR_RELEASE);
	return NULL;
}

static void sleeper_start(struct sleeper *sleeper, struct wwr_fence *fence,
			  struct wwr_interrupt_token *token)
{
	*sleeper =
	    (struct sleeper){.fence = fence, .token = token, .deadline_ns = INT64_MAX, .result = 1};
	cr_assert_eq(pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper), 0);
}

static int sleeper_result(struct sleeper *sleeper)
{
	cr_assert_eq(pthread_join(sleeper->thread, NULL), 0);
	return sleeper->result;
}

Test(reservation_fence_wait, wait_for_a_signalled_fence_returns_0_whatever_else)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);

	wwr_fence_set_error(fence, -ETIME);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, INT64_MAX), 0);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, 0), 0);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, INT64_MAX), 0);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, 0), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, poll_of_a_pending_fence_returns_etime)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(wwr_fence_wait_until(fence, NULL, 0), -ETIME);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, -5), -ETIME);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, 0), -ETIME, "a poll does not sleep");
	cr_expect_eq(test_futex_waits(), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, poll_asks_the_driver_to_signal)
{
	struct test_fence *own = test_fence_create_full(1, 1);

	cr_expect_eq(wwr_fence_wait_until(&own->fence, NULL, 0), -ETIME);
	cr_expect_eq(own->num_enabled, 1);
	wwr_fence_put(&own->fence);

	own = test_fence_create_full(1, 2);
	own->enable_result = false;
	cr_expect_eq(wwr_fence_wait_until(&own->fence, NULL, 0), 0);
	cr_expect_eq(wwr_fence_get_status(&own->fence), 1);
	wwr_fence_put(&own->fence);

	own = test_fence_create_full(1, 3);
	own->signal_when_enabled = true;
	cr_expect_eq(wwr_fence_wait_until(&own->fence, NULL, INT64_MAX), 0);
	wwr_fence_put(&own->fence);
}

Test(reservation_fence_wait, deadline_passes_returns_etime_not_before)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);
	int64_t deadline_ns = in_1_ms();

	cr_expect_eq(wwr_fence_wait_until(fence, NULL, deadline_ns), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	deadline_ns = in_1_ms();
	cr_expect_eq(wwr_fence_wait_until(fence, &token, deadline_ns), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, 1), -ETIME, "long past");

	/* Nothing of the waits is left behind. */
	cr_expect_eq(fence->callbacks, 0);
	cr_expect_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, signal_wakes_every_sleeper)
{
	struct wwr_interrupt_token tokens[NUM_SLEEPERS];
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleepers[2 * NUM_SLEEPERS];

	for (int i = 0; i < NUM_SLEEPERS; i++) {
		wwr_interrupt_token_init(&tokens[i]);
		sleeper_start(&sleepers[2 * i], fence, &tokens[i]);
		sleeper_start(&sleepers[2 * i + 1], fence, NULL);
	}
	test_until_futex_waits(2 * NUM_SLEEPERS);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	for (int i = 0; i < 2 * NUM_SLEEPERS; i++)
		cr_expect_eq(sleeper_result(&sleepers[i]), 0);
	cr_expect(test_futex_wakes() > 0);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, interrupt_ends_the_sleep)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleeper;

	sleeper_start(&sleeper, fence, &token);
	test_until_futex_waits(1);
	wwr_interrupt(&token);
	cr_expect_eq(sleeper_result(&sleeper), -EINTR);
	cr_expect_eq(fence->callbacks, 0, "the waiter took its callback back");

	/* Sticky: the next wait does not even begin to sleep. */
	cr_expect_eq(wwr_fence_wait_until(fence, &token, INT64_MAX), -EINTR);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, 1), -EINTR, "it beats the deadline");
	wwr_interrupt_token_clear(&token);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, in_1_ms()), -ETIME);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, shared_token_wakes_only_those_whose_fence_signalled)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *first = test_fence_create(1, 1);
	struct wwr_fence *second = test_fence_create(1, 2);
	struct sleeper sleepers[2];

	sleeper_start(&sleepers[0], first, &token);
	sleeper_start(&sleepers[1], second, &token);
	test_until_futex_waits(2);
	cr_assert_eq(wwr_fence_signal(first), 0);
	cr_expect_eq(sleeper_result(&sleepers[0]), 0);
	cr_expect_eq(wwr_atomic_load(&sleepers[1].done, WWR_ACQUIRE), 0);
	wwr_interrupt(&token);
	cr_expect_eq(sleeper_result(&sleepers[1]), -EINTR);
	wwr_fence_put(first);
	wwr_fence_put(second);
}

static void on_usr1(int number)
{
	(void)number;
}

/* Hits the sleeper with signals; whether the first ones come too early does not matter. */
static void kill_until_done(struct sleeper *sleeper)
{
	while (wwr_atomic_load(&sleeper->done, WWR_ACQUIRE) == 0) {
		(void)pthread_kill(sleeper->thread, SIGUSR1);
		sched_yield();
	}
}

Test(reservation_fence_wait, signal_handler_ends_a_sleep_with_a_token)
{
	const struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleeper;

	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	sleeper_start(&sleeper, fence, &token);
	kill_until_done(&sleeper);
	cr_expect_eq(sleeper_result(&sleeper), -EINTR);
	wwr_fence_put(fence);
}

Test(reservation_fence_wait, signal_handler_does_not_end_a_sleep_without_token)
{
	const struct sigaction action = {.sa_handler = on_usr1};
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleeper;

	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	sleeper_start(&sleeper, fence, NULL);
	test_until_futex_waits(1);
	/* Each wake-up makes it sleep again. */
	for (unsigned int i = 2; i < 5; i++) {
		while (test_futex_waits() < i) {
			(void)pthread_kill(sleeper.thread, SIGUSR1);
			sched_yield();
		}
	}
	cr_expect_eq(wwr_atomic_load(&sleeper.done, WWR_ACQUIRE), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(sleeper_result(&sleeper), 0);
	wwr_fence_put(fence);
}

/* The waiter relies on a reference that goes away: it must neither hang nor touch the fence. */
Test(reservation_fence_wait, release_of_an_unsignalled_fence_wakes_its_waiters)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleepers[2];

	sleeper_start(&sleepers[0], fence, NULL);
	sleeper_start(&sleepers[1], fence, &token);
	test_until_futex_waits(2);
	wwr_fence_put(fence);
	cr_expect_eq(sleeper_result(&sleepers[0]), 0);
	cr_expect_eq(sleeper_result(&sleepers[1]), 0);
	cr_expect_eq(test_fences_alive(), 0);
}

struct late_signal {
	struct wwr_fence_cb cb;
	struct wwr_interrupt_token *token;
	unsigned int futex_waits;
};

/* Interrupts the sleeper, whose callback comes next, and goes on when it waits for that. */
static void interrupt_first(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct late_signal *late = WWR_CONTAINER_OF(cb, struct late_signal, cb);

	(void)fence;
	wwr_interrupt(late->token);
	test_until_futex_waits(late->futex_waits + 1);
}

/* The interrupt finds a fence that is signalled already, with the waiter's callback to come. */
Test(reservation_fence_wait, interrupt_during_the_signal_returns_0)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct late_signal late = {.token = &token};
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct sleeper sleeper;

	cr_assert_eq(wwr_fence_add_callback(fence, &late.cb, interrupt_first), 0);
	sleeper_start(&sleeper, fence, &token);
	test_until_futex_waits(1);
	late.futex_waits = 1;
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(sleeper_result(&sleeper), 0);
	/* The interrupt, and the end of the signal; nobody slept on what the callback changed. */
	cr_expect_eq(test_futex_wakes(), 2);
	wwr_fence_put(fence);
}
