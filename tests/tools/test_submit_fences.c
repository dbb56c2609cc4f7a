/* SPDX-License-Identifier: MIT */
/* Software timelines, and waiting for any of several fences. */
#include <errno.h>
#include <pthread.h>

#include <wwresv/fence.h>
#include <wwresv/interrupt.h>

#include "tests/lib/test_criterion.h"
#include "tools/submit/timeline.h"
#include "tools/submit/wait_any.h"

TestSuite(submit_fences, .timeout = 60);

#define NUM_FENCES 4

static struct timeline timeline;
static struct wwr_fence *fences[NUM_FENCES];
static struct wwr_interrupt_token token;

static void setup(void)
{
	timeline_init(&timeline, 3);
	wwr_interrupt_token_init(&token);
	for (uint32_t i = 0; i < NUM_FENCES; i++)
		cr_assert_eq(timeline_add(&timeline, i, &fences[i]), 0);
}

static void teardown(void)
{
	timeline_fini(&timeline);
	for (uint32_t i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(fences[i]);
}

static unsigned int num_signaled(void)
{
	unsigned int num = 0;

	for (uint32_t i = 0; i < NUM_FENCES; i++)
		num += wwr_fence_is_signaled(fences[i]);
	return num;
}

Test(submit_fences, reach_of_a_point_signals_all_up_to_it)
{
	setup();
	cr_expect_eq(num_signaled(), 0);
	timeline_reach(&timeline, fences[1]);
	cr_expect(wwr_fence_is_signaled(fences[0]));
	cr_expect(wwr_fence_is_signaled(fences[1]));
	cr_expect(!wwr_fence_is_signaled(fences[2]));
	teardown();
	TEST_ASSERT_NO_LEAK();
}

Test(submit_fences, reach_of_a_point_that_is_past_changes_nothing)
{
	setup();
	timeline_reach(&timeline, fences[1]);
	timeline_reach(&timeline, fences[0]);
	cr_expect_eq(num_signaled(), 2);
	teardown();
}

Test(submit_fences, reach_of_the_end_signals_all_and_later_fences_are_new)
{
	struct wwr_fence *late;

	setup();
	timeline_reach_end(&timeline);
	cr_expect_eq(num_signaled(), NUM_FENCES);
	cr_assert_eq(timeline_add(&timeline, 9, &late), 0);
	cr_expect(!wwr_fence_is_signaled(late));
	cr_expect(wwr_fence_is_later(late, fences[NUM_FENCES - 1]));
	teardown();
	wwr_fence_put(late);
	TEST_ASSERT_NO_LEAK();
}

Test(submit_fences, fini_signals_what_is_left)
{
	setup();
	timeline_fini(&timeline);
	cr_expect_eq(num_signaled(), NUM_FENCES);
	teardown();
}

Test(submit_fences, description_names_step_and_client)
{
	char text[160];

	setup();
	wwr_fence_describe(fences[2], text, sizeof(text));
	cr_expect(strstr(text, "fence of step 2 of client 3") != NULL, "%s", text);
	teardown();
}

Test(submit_fences, wait_any_of_nothing_returns_at_once)
{
	cr_expect_eq(wait_any(NULL, 0, &token), 0);
}

Test(submit_fences, wait_any_with_a_signalled_fence_returns_at_once)
{
	setup();
	timeline_reach(&timeline, fences[0]);
	for (size_t i = 0; i < NUM_FENCES; i++) {
		struct wwr_fence *rotated[NUM_FENCES];

		for (size_t k = 0; k < NUM_FENCES; k++)
			rotated[k] = fences[(i + k) % NUM_FENCES];
		cr_expect_eq(wait_any(rotated, NUM_FENCES, &token), 0);
	}
	teardown();
	TEST_ASSERT_NO_LEAK();
}

static void *reach_first(void *arg)
{
	(void)arg;
	timeline_reach(&timeline, fences[0]);
	return NULL;
}

Test(submit_fences, wait_any_ends_when_another_thread_signals_one)
{
	struct wwr_fence *reversed[NUM_FENCES];
	pthread_t thread;

	setup();
	for (size_t i = 0; i < NUM_FENCES; i++)
		reversed[i] = fences[NUM_FENCES - 1 - i];
	cr_assert_eq(pthread_create(&thread, NULL, reach_first, NULL), 0);
	cr_expect_eq(wait_any(reversed, NUM_FENCES, &token), 0);
	cr_expect(wwr_fence_is_signaled(fences[0]));
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(num_signaled(), 1);
	teardown();
	TEST_ASSERT_NO_LEAK();
}

static void *interrupt(void *arg)
{
	wwr_interrupt(arg);
	return NULL;
}

Test(submit_fences, wait_any_ends_when_interrupted)
{
	pthread_t thread;

	setup();
	cr_assert_eq(pthread_create(&thread, NULL, interrupt, &token), 0);
	cr_expect_eq(wait_any(fences, NUM_FENCES, &token), -EINTR);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(num_signaled(), 0);
	teardown();
	TEST_ASSERT_NO_LEAK();
}
