/* SPDX-License-Identifier: MIT */
/* Arrays: signalled when all members are, asked or only looked at. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "reservation/fence_core.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/interrupt.h>

#include <errno.h>
#include <pthread.h>

TestSuite(reservation_fence_array, .timeout = 20);

#define NUM_MEMBERS 3

static struct wwr_fence *members[NUM_MEMBERS];
static struct test_fence *full_members[NUM_MEMBERS];
static struct wwr_fence *array;

static void setup_array(void)
{
	test_alloc_install();
	for (unsigned int i = 0; i < NUM_MEMBERS; i++) {
		full_members[i] = test_fence_create_full(10 + i, 1);
		members[i] = &full_members[i]->fence;
	}
	cr_assert_eq(wwr_fence_array_create(NUM_MEMBERS, members, 7, 5, &array), 0);
}

static void put_members(void)
{
	for (unsigned int i = 0; i < NUM_MEMBERS; i++)
		wwr_fence_put(members[i]);
}

static void expect_all_gone(void)
{
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

struct call {
	struct wwr_fence_cb cb;
	unsigned int num_calls;
};

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	WWR_CONTAINER_OF(cb, struct call, cb)->num_calls++;
}

Test(reservation_fence_array, create_takes_references_and_release_drops_them)
{
	setup_array();
	put_members();
	cr_expect_eq(test_fences_alive(), NUM_MEMBERS);
	cr_expect_eq(test_alloc_calls(), 1);
	cr_expect(wwr_fence_is_array(array));
	cr_expect_not(wwr_fence_is_chain(array));
	cr_expect_not(wwr_fence_is_array(members[0]));
	cr_expect_eq(array->context, 7);
	cr_expect_eq(array->seqno, 5);
	wwr_fence_put(array);
	expect_all_gone();
}

Test(reservation_fence_array, create_of_nothing_or_of_containers_returns_einval)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_fence *result = NULL;
	struct wwr_fence *with_array[2];
	struct wwr_fence *node;

	setup_array();
	cr_assert_eq(wwr_fence_chain_link(chain, NULL, members[0], 1, &node), 0);
	with_array[0] = members[0];
	with_array[1] = array;
	cr_expect_eq(wwr_fence_array_create(0, members, 1, 1, &result), -EINVAL);
	cr_expect_eq(wwr_fence_array_create(2, with_array, 1, 1, &result), -EINVAL);
	with_array[1] = node;
	cr_expect_eq(wwr_fence_array_create(2, with_array, 1, 1, &result), -EINVAL);
	cr_expect_null(result);
	wwr_fence_put(node);
	wwr_fence_put(array);
	put_members();
	cr_expect_eq(test_fences_alive(), 0);
}

static void create_with_null(void *arg)
{
	struct wwr_fence *fences[1] = {NULL};
	struct wwr_fence *result;

	(void)arg;
	(void)!wwr_fence_array_create(1, fences, 1, 1, &result);
}

Test(reservation_fence_array, create_with_null_aborts)
{
	cr_expect(test_aborts_with(create_with_null, NULL, "fence 0 is NULL"));
}

Test(reservation_fence_array, create_without_memory_returns_enomem)
{
	struct wwr_fence *result = NULL;

	setup_array();
	test_alloc_fail(1, false);
	cr_expect_eq(wwr_fence_array_create(NUM_MEMBERS, members, 1, 1, &result), -ENOMEM);
	test_alloc_fail(1, true);
	cr_expect_eq(wwr_fence_array_create(NUM_MEMBERS, members, 1, 1, &result), -ENOMEM);
	test_alloc_fail(0, false);
	cr_expect_null(result);
	wwr_fence_put(array);
	put_members();
	expect_all_gone();
}

/* Every order in which three members can signal. */
static const unsigned int orders[6][NUM_MEMBERS] = {
    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0},
};

Test(reservation_fence_array, looked_at_it_is_signalled_when_all_members_are)
{
	for (int order = 0; order < 6; order++) {
		setup_array();
		for (unsigned int i = 0; i < NUM_MEMBERS; i++) {
			cr_expect_not(wwr_fence_is_signaled(array));
			cr_expect_eq(wwr_fence_get_status(array), 0);
			cr_expect_eq(wwr_fence_timestamp(array), 0);
			cr_assert_eq(wwr_fence_signal(members[orders[order][i]]), 0);
		}
		cr_expect(wwr_fence_is_signaled(array));
		cr_expect_eq(wwr_fence_get_status(array), 1);
		cr_expect_eq(full_members[0]->num_enabled, 0, "nobody asked for the signal");
		put_members();
		wwr_fence_put(array);
		expect_all_gone();
	}
}

Test(reservation_fence_array, asked_for_it_signals_when_all_members_have)
{
	for (int order = 0; order < 6; order++) {
		struct call call = {.num_calls = 0};

		setup_array();
		cr_assert_eq(wwr_fence_add_callback(array, &call.cb, count_call), 0);
		for (unsigned int i = 0; i < NUM_MEMBERS; i++) {
			cr_expect_eq(full_members[i]->num_enabled, 1);
			cr_expect_eq(call.num_calls, 0);
			cr_expect_not(wwr_fence_is_signaled(array));
			cr_assert_eq(wwr_fence_signal(members[orders[order][i]]), 0);
		}
		cr_expect_eq(call.num_calls, 1);
		cr_expect_eq(wwr_fence_get_status(array), 1);
		put_members();
		wwr_fence_put(array);
		expect_all_gone();
	}
}

Test(reservation_fence_array, some_members_signalled_before_it_is_asked)
{
	for (unsigned int mask = 0; mask < 1u << NUM_MEMBERS; mask++) {
		struct call call = {.num_calls = 0};
		int ret;

		setup_array();
		for (unsigned int i = 0; i < NUM_MEMBERS; i++) {
			/* Half of them by the driver's word when it is asked. */
			if ((mask & (1u << i)) == 0)
				continue;
			if (i % 2 == 0)
				cr_assert_eq(wwr_fence_signal(members[i]), 0);
			else
				full_members[i]->enable_result = false;
		}
		ret = wwr_fence_add_callback(array, &call.cb, count_call);
		cr_expect_eq(ret, mask == (1u << NUM_MEMBERS) - 1 ? -ENOENT : 0);
		cr_expect_eq(wwr_fence_is_signaled(array), ret != 0);
		for (unsigned int i = 0; i < NUM_MEMBERS; i++)
			(void)wwr_fence_signal(members[i]);
		cr_expect_eq(call.num_calls, ret == 0);
		cr_expect_eq(wwr_fence_get_status(array), 1);
		put_members();
		wwr_fence_put(array);
		expect_all_gone();
	}
}

Test(reservation_fence_array, error_is_that_of_the_first_in_time)
{
	for (int asked = 0; asked < 2; asked++) {
		struct call call;

		setup_array();
		if (asked)
			cr_assert_eq(wwr_fence_add_callback(array, &call.cb, count_call), 0);
		wwr_fence_set_error(members[0], -ETIME);
		wwr_fence_set_error(members[2], -ECANCELED);
		cr_assert_eq(wwr_fence_signal_at(members[2], 10), 0);
		cr_expect_eq(wwr_fence_get_status(array), 0);
		cr_assert_eq(wwr_fence_signal_at(members[0], 20), 0);
		cr_assert_eq(wwr_fence_signal_at(members[1], 15), 0);
		cr_expect_eq(wwr_fence_get_status(array), -ECANCELED);
		cr_expect_eq(wwr_fence_timestamp(array), 20, "the latest");
		put_members();
		wwr_fence_put(array);
		expect_all_gone();
	}
}

Test(reservation_fence_array, error_of_equal_times_is_that_of_the_first_in_the_array)
{
	setup_array();
	wwr_fence_set_error(members[1], -ENODATA);
	wwr_fence_set_error(members[2], -ECANCELED);
	for (unsigned int i = NUM_MEMBERS; i-- > 0;)
		cr_assert_eq(wwr_fence_signal_at(members[i], 0), 0);
	cr_expect_eq(wwr_fence_get_status(array), -ENODATA);
	cr_expect_eq(wwr_fence_timestamp(array), 0);
	put_members();
	wwr_fence_put(array);
	expect_all_gone();
}

Test(reservation_fence_array, asked_for_it_lives_until_it_signals)
{
	struct call call = {.num_calls = 0};

	setup_array();
	cr_assert_eq(wwr_fence_add_callback(array, &call.cb, count_call), 0);
	wwr_fence_put(array);
	for (unsigned int i = 0; i < NUM_MEMBERS; i++) {
		cr_expect_eq(test_alloc_alive(), 1);
		cr_assert_eq(wwr_fence_signal(members[i]), 0);
		wwr_fence_put(members[i]);
	}
	cr_expect_eq(call.num_calls, 1);
	expect_all_gone();
}

Test(reservation_fence_array, not_asked_for_it_does_not_keep_itself)
{
	setup_array();
	wwr_fence_put(array);
	cr_expect_eq(test_alloc_alive(), 0);
	for (unsigned int i = 0; i < NUM_MEMBERS; i++)
		cr_expect_eq(members[i]->callbacks, 0);
	put_members();
	expect_all_gone();
}

static struct wwr_fence *looked_at;
static int status_in_callback;

static void look_at_array(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	status_in_callback = wwr_fence_get_status(looked_at);
}

/* Whoever sees the last member signalled sees the array so, before its own callback was called. */
Test(reservation_fence_array, seen_signalled_before_the_callback_of_its_last_member)
{
	for (int asked = 0; asked < 2; asked++) {
		struct wwr_fence_cb early;
		struct call call = {.num_calls = 0};

		setup_array();
		looked_at = array;
		status_in_callback = 0;
		cr_assert_eq(wwr_fence_add_callback(members[2], &early, look_at_array), 0);
		if (asked)
			cr_assert_eq(wwr_fence_add_callback(array, &call.cb, count_call), 0);
		else
			cr_expect_eq(wwr_fence_wait_until(array, NULL, 0), -ETIME);
		wwr_fence_set_error(members[1], -ETIME);
		for (unsigned int i = 0; i < NUM_MEMBERS; i++)
			cr_assert_eq(wwr_fence_signal(members[i]), 0);
		cr_expect_eq(status_in_callback, -ETIME);
		cr_expect_eq(wwr_fence_get_status(array), -ETIME);
		cr_expect_eq(call.num_calls, asked);
		put_members();
		wwr_fence_put(array);
		expect_all_gone();
	}
}

Test(reservation_fence_array, deadline_goes_to_every_member)
{
	setup_array();
	wwr_fence_set_deadline(members[1], 50);
	wwr_fence_set_deadline(array, 100);
	wwr_fence_set_deadline(array, 200);
	cr_expect_eq(full_members[0]->deadline_ns, 100);
	cr_expect_eq(full_members[1]->deadline_ns, 50);
	cr_expect_eq(full_members[2]->deadline_ns, 100);
	cr_expect_eq(full_members[0]->num_deadlines, 1);
	cr_expect_eq(full_members[1]->num_deadlines, 1);
	put_members();
	wwr_fence_put(array);
	expect_all_gone();
}

Test(reservation_fence_array, describe_names_it)
{
	char text[64];

	setup_array();
	(void)wwr_fence_describe(array, text, sizeof(text));
	cr_expect_str_eq(text, "wwresv array 7:5 pending");
	put_members();
	wwr_fence_put(array);
}

Test(reservation_fence_array, same_member_twice_counts_twice)
{
	struct wwr_fence *twice[2];
	struct call call = {.num_calls = 0};
	struct wwr_fence *both;

	setup_array();
	twice[0] = members[0];
	twice[1] = members[0];
	cr_assert_eq(wwr_fence_array_create(2, twice, 1, 1, &both), 0);
	cr_assert_eq(wwr_fence_add_callback(both, &call.cb, count_call), 0);
	cr_assert_eq(wwr_fence_signal(members[0]), 0);
	cr_expect_eq(call.num_calls, 1);
	wwr_fence_put(both);
	wwr_fence_put(array);
	put_members();
	expect_all_gone();
}

Test(reservation_fence_array, wait_ends_by_deadline_or_interrupt)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;

	setup_array();
	cr_expect_eq(wwr_fence_wait_until(array, NULL, 0), -ETIME);
	cr_expect_eq(full_members[1]->num_enabled, 1, "a poll asks for the signal, too");
	cr_expect_eq(wwr_fence_wait_until(array, NULL, park_now_ns() + 1000000), -ETIME);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_until(array, &token, INT64_MAX), -EINTR);
	for (unsigned int i = 0; i < NUM_MEMBERS; i++)
		cr_assert_eq(wwr_fence_signal(members[i]), 0);
	cr_expect_eq(wwr_fence_wait_until(array, &token, INT64_MAX), 0);
	put_members();
	wwr_fence_put(array);
	expect_all_gone();
}

static void *wait_for_array(void *result)
{
	*(int *)result = wwr_fence_wait_until(array, NULL, INT64_MAX);
	return NULL;
}

Test(reservation_fence_array, wait_ends_by_the_last_member)
{
	pthread_t waiter;
	int result = 1;

	setup_array();
	cr_assert_eq(pthread_create(&waiter, NULL, wait_for_array, &result), 0);
	test_until_futex_waits(1);
	for (unsigned int i = 0; i < NUM_MEMBERS; i++)
		cr_assert_eq(wwr_fence_signal(members[i]), 0);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	cr_expect_eq(result, 0);
	put_members();
	wwr_fence_put(array);
	expect_all_gone();
}
