/* SPDX-License-Identifier: MIT */
/* Sleeping for one of several fences. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/interrupt.h>

#include <errno.h>
#include <pthread.h>

TestSuite(reservation_fence_any, .timeout = 20);

#define NUM_FENCES 4
#define NO_INDEX   99u

static struct wwr_fence *fences[NUM_FENCES];
static struct test_fence *full_fences[NUM_FENCES];

static void create_fences(void)
{
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		full_fences[i] = test_fence_create_full(1, i + 1);
		fences[i] = &full_fences[i]->fence;
	}
}

static void put_fences(void)
{
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(fences[i]);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

static int64_t in_1_ms(void)
{
	return park_now_ns() + 1000000;
}

Test(reservation_fence_any, no_fence_returns_einval)
{
	unsigned int index = NO_INDEX;

	cr_expect_eq(wwr_fence_wait_any(0, NULL, NULL, INT64_MAX, &index), -EINVAL);
	cr_expect_eq(wwr_fence_wait_any(0, fences, NULL, 0, &index), -EINVAL);
	cr_expect_eq(index, NO_INDEX);
}

Test(reservation_fence_any, signalled_one_returns_the_first_without_memory)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	unsigned int index = NO_INDEX;

	test_alloc_install();
	create_fences();
	cr_assert_eq(wwr_fence_signal(fences[3]), 0);
	wwr_fence_set_error(fences[1], -ETIME);
	cr_assert_eq(wwr_fence_signal(fences[1]), 0);
	test_alloc_fail(1, true);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, &token, INT64_MAX, &index), 0);
	cr_expect_eq(index, 1);
	index = NO_INDEX;
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, 0, &index), 0);
	cr_expect_eq(index, 1);
	cr_expect_eq(test_alloc_calls(), 0);
	cr_expect_eq(full_fences[0]->num_enabled, 0, "nothing is left to ask for");
	put_fences();
}

Test(reservation_fence_any, poll_asks_each_driver_and_returns_etime)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	unsigned int index = NO_INDEX;

	test_alloc_install();
	create_fences();
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, &token, 0, &index), -ETIME);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, -3, &index), -ETIME);
	cr_expect_eq(index, NO_INDEX);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		cr_expect_eq(full_fences[i]->num_enabled, 1);
	cr_expect_eq(test_alloc_calls(), 0);
	put_fences();

	create_fences();
	full_fences[2]->enable_result = false;
	full_fences[3]->signal_when_enabled = true;
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, 0, &index), 0);
	cr_expect_eq(index, 2);
	put_fences();
}

Test(reservation_fence_any, driver_that_is_done_when_asked_returns_its_index)
{
	for (unsigned int done = 0; done < NUM_FENCES; done++) {
		unsigned int index = NO_INDEX;

		test_alloc_install();
		create_fences();
		full_fences[done]->enable_result = false;
		cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, INT64_MAX, &index), 0);
		cr_expect_eq(index, done);
		for (unsigned int i = 0; i < NUM_FENCES; i++)
			cr_expect_eq(fences[i]->callbacks & ~(uintptr_t)1, 0, "nothing stays");
		put_fences();
	}
}

Test(reservation_fence_any, callbacks_of_all_are_one_allocation)
{
	unsigned int index = NO_INDEX;

	test_alloc_install();
	create_fences();
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, in_1_ms(), &index), -ETIME);
	cr_expect_eq(test_alloc_calls(), 1);
	test_alloc_fail(1, false);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, INT64_MAX, &index), -ENOMEM);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, 1, &index), -ETIME);
	test_alloc_fail(1, true);
	cr_expect_eq(wwr_fence_wait_any(1, fences, NULL, INT64_MAX, &index), -ENOMEM);
	test_alloc_fail(0, false);
	cr_expect_eq(index, NO_INDEX);
	put_fences();
}

Test(reservation_fence_any, deadline_passes_returns_etime_not_before)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	unsigned int index = NO_INDEX;
	int64_t deadline_ns = in_1_ms();

	create_fences();
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, NULL, deadline_ns, &index), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	deadline_ns = in_1_ms();
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, &token, deadline_ns, &index), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_any(NUM_FENCES, fences, &token, 1, &index), -EINTR,
		     "it beats the deadline");
	cr_expect_eq(index, NO_INDEX);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		cr_expect_eq(fences[i]->callbacks, 0, "the callbacks were taken back");
	put_fences();
}

struct sleeper {
	pthread_t thread;
	struct wwr_interrupt_token *token;
	unsigned int index;
	int result;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->result =
	    wwr_fence_wait_any(NUM_FENCES, fences, sleeper->token, INT64_MAX, &sleeper->index);
	return NULL;
}

static void sleeper_start(struct sleeper *sleeper, struct wwr_interrupt_token *token)
{
	*sleeper = (struct sleeper){.token = token, .index = NO_INDEX, .result = 1};
	cr_assert_eq(pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper), 0);
}

Test(reservation_fence_any, signal_ends_the_sleep_with_its_index)
{
	for (unsigned int i = 0; i < 2 * NUM_FENCES; i++) {
		struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
		unsigned int slept = test_futex_waits();
		struct sleeper sleeper;

		test_alloc_install();
		create_fences();
		sleeper_start(&sleeper, i % 2 != 0 ? &token : NULL);
		test_until_futex_waits(slept + 1);
		cr_assert_eq(wwr_fence_signal(fences[i / 2]), 0);
		cr_assert_eq(pthread_join(sleeper.thread, NULL), 0);
		cr_expect_eq(sleeper.result, 0);
		cr_expect_eq(sleeper.index, i / 2);
		put_fences();
	}
}

Test(reservation_fence_any, interrupt_ends_the_sleep)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct sleeper sleeper;

	create_fences();
	sleeper_start(&sleeper, &token);
	test_until_futex_waits(1);
	wwr_interrupt(&token);
	cr_assert_eq(pthread_join(sleeper.thread, NULL), 0);
	cr_expect_eq(sleeper.result, -EINTR);
	cr_expect_eq(sleeper.index, NO_INDEX);
	put_fences();
}

/* The fence that ends the wait may be gone as soon as the callback has returned. */
Test(reservation_fence_any, release_of_an_unsignalled_one_ends_the_sleep)
{
	struct sleeper sleeper;

	create_fences();
	sleeper_start(&sleeper, NULL);
	test_until_futex_waits(1);
	wwr_fence_put(fences[1]);
	fences[1] = NULL;
	cr_assert_eq(pthread_join(sleeper.thread, NULL), 0);
	cr_expect_eq(sleeper.result, 0);
	cr_expect_eq(sleeper.index, 1);
	put_fences();
}

struct late_signal {
	struct wwr_fence_cb cb;
	struct wwr_interrupt_token *token;
};

/* Interrupts the sleeper, whose callback comes next, and goes on when it waits for that. */
static void interrupt_before(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	wwr_interrupt(WWR_CONTAINER_OF(cb, struct late_signal, cb)->token);
	test_until_futex_waits(2);
}

Test(reservation_fence_any, interrupt_during_the_signal_returns_0)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct late_signal late = {.token = &token};
	struct sleeper sleeper;

	create_fences();
	cr_assert_eq(wwr_fence_add_callback(fences[2], &late.cb, interrupt_before), 0);
	sleeper_start(&sleeper, &token);
	test_until_futex_waits(1);
	cr_assert_eq(wwr_fence_signal(fences[2]), 0);
	cr_assert_eq(pthread_join(sleeper.thread, NULL), 0);
	cr_expect_eq(sleeper.result, 0);
	cr_expect_eq(sleeper.index, 2);
	put_fences();
}

Test(reservation_fence_any, same_fence_twice_is_waited_for_once)
{
	struct wwr_fence *twice[2];
	unsigned int index = NO_INDEX;

	create_fences();
	twice[0] = fences[0];
	twice[1] = fences[0];
	cr_expect_eq(wwr_fence_wait_any(2, twice, NULL, in_1_ms(), &index), -ETIME);
	cr_assert_eq(wwr_fence_signal(fences[0]), 0);
	cr_expect_eq(wwr_fence_wait_any(2, twice, NULL, INT64_MAX, &index), 0);
	cr_expect_eq(index, 0);
	put_fences();
}
