/* SPDX-License-Identifier: MIT */
/* Timelines: links, what signals when, and what is collected. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/interrupt.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

TestSuite(reservation_fence_chain, .timeout = 20);

#define NUM_POINTS 4

static struct test_fence *full_fences[NUM_POINTS];
static struct wwr_fence *fences[NUM_POINTS];
static struct wwr_fence *nodes[NUM_POINTS];

static struct wwr_fence *link_point(struct wwr_fence *prev, struct wwr_fence *fence, uint64_t seqno)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_fence *node = NULL;

	cr_assert_not_null(chain);
	cr_assert_eq(wwr_fence_chain_link(chain, prev, fence, seqno, &node), 0);
	return node;
}

/* Points 1 to NUM_POINTS. */
static void setup_chain(void)
{
	test_alloc_install();
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		full_fences[i] = test_fence_create_full(20 + i, 1);
		fences[i] = &full_fences[i]->fence;
		nodes[i] = link_point(i > 0 ? nodes[i - 1] : NULL, fences[i], i + 1);
	}
}

static void put_all(struct wwr_fence **list)
{
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		wwr_fence_put(list[i]);
		list[i] = NULL;
	}
}

static void put_nodes_but_the_last(void)
{
	for (unsigned int i = 0; i < NUM_POINTS - 1; i++) {
		wwr_fence_put(nodes[i]);
		nodes[i] = NULL;
	}
}

static void expect_all_gone(void)
{
	put_all(nodes);
	put_all(fences);
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

Test(reservation_fence_chain, link_with_a_later_number_keeps_the_context)
{
	setup_chain();
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		cr_expect(wwr_fence_is_chain(nodes[i]));
		cr_expect_not(wwr_fence_is_array(nodes[i]));
		cr_expect_eq(nodes[i]->context, nodes[0]->context);
		cr_expect_eq(nodes[i]->seqno, i + 1);
		cr_expect_eq(wwr_fence_chain_contained(nodes[i]), fences[i]);
	}
	cr_expect_not(wwr_fence_is_chain(fences[0]));
	cr_expect_eq(wwr_fence_chain_contained(fences[0]), fences[0]);
	expect_all_gone();
}

Test(reservation_fence_chain, link_with_an_earlier_number_starts_a_new_context)
{
	struct wwr_fence *same;
	struct wwr_fence *earlier;

	setup_chain();
	same = link_point(nodes[3], fences[0], 4);
	earlier = link_point(nodes[3], fences[0], 2);
	cr_expect_neq(same->context, nodes[3]->context);
	cr_expect_neq(earlier->context, nodes[3]->context);
	cr_expect_neq(earlier->context, same->context);
	cr_expect_eq(same->seqno, 4);
	cr_expect_eq(earlier->seqno, 4, "never below what comes before");
	wwr_fence_put(same);
	wwr_fence_put(earlier);
	expect_all_gone();
}

Test(reservation_fence_chain, link_to_a_plain_fence_starts_a_new_context)
{
	struct wwr_fence *node;

	setup_chain();
	node = link_point(fences[0], fences[1], 9);
	cr_expect_neq(node->context, fences[0]->context);
	cr_expect_eq(node->seqno, 9);
	wwr_fence_put(node);
	expect_all_gone();
}

Test(reservation_fence_chain, link_of_a_chain_returns_einval_and_leaves_the_node)
{
	struct wwr_fence_chain *chain;
	struct wwr_fence *node = NULL;

	setup_chain();
	chain = wwr_fence_chain_create();
	cr_expect_eq(wwr_fence_chain_link(chain, nodes[0], nodes[1], 9, &node), -EINVAL);
	cr_expect_null(node);
	cr_expect_eq(wwr_fence_chain_link(chain, nodes[0], fences[1], 9, &node), 0);
	wwr_fence_put(node);
	expect_all_gone();
}

static void link_nothing(void *chain)
{
	struct wwr_fence *node;

	(void)!wwr_fence_chain_link(chain, NULL, NULL, 1, &node);
}

Test(reservation_fence_chain, node_without_memory_or_use)
{
	struct wwr_fence_chain *chain;

	test_alloc_install();
	test_alloc_fail(1, false);
	cr_expect_null(wwr_fence_chain_create());
	chain = wwr_fence_chain_create();
	cr_assert_not_null(chain);
	cr_expect(test_aborts_with(link_nothing, chain, "no fence for point 1"));
	wwr_fence_chain_destroy(chain);
	wwr_fence_chain_destroy(NULL);
	cr_expect_eq(test_alloc_alive(), 0);
}

/* The permutations of four things, by number. */
static void permutation(unsigned int number, unsigned int *ret_order)
{
	unsigned int left[NUM_POINTS];

	for (unsigned int i = 0; i < NUM_POINTS; i++)
		left[i] = i;
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		unsigned int num_left = NUM_POINTS - i;
		unsigned int choice = number % num_left;

		number /= num_left;
		ret_order[i] = left[choice];
		left[choice] = left[num_left - 1];
	}
}

/* A point is reached when it and all before it have signalled. */
static unsigned int reached_by(unsigned int mask)
{
	unsigned int num = 0;

	while ((mask & (1u << num)) != 0)
		num++;
	return num;
}

static void expect_reached(unsigned int num, unsigned int looked_at)
{
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		/* Looking collects: every other node is not looked at before the end. */
		if ((looked_at & (1u << i)) == 0)
			continue;
		cr_expect_eq(wwr_fence_is_signaled(nodes[i]), i < num);
		cr_expect_eq(wwr_fence_get_status(nodes[i]), i < num);
	}
}

Test(reservation_fence_chain, signals_when_every_node_up_to_it_has)
{
	for (unsigned int number = 0; number < 24; number++) {
		for (unsigned int asked = 0; asked < 1u << NUM_POINTS; asked++) {
			struct call calls[NUM_POINTS] = {{.num_calls = 0}};
			unsigned int order[NUM_POINTS];
			unsigned int mask = 0;

			permutation(number, order);
			setup_chain();
			for (unsigned int i = 0; i < NUM_POINTS; i++) {
				if ((asked & (1u << i)) != 0)
					cr_assert_eq(wwr_fence_add_callback(nodes[i], &calls[i].cb,
									    count_call),
						     0);
			}
			for (unsigned int i = 0; i < NUM_POINTS; i++) {
				cr_assert_eq(wwr_fence_signal(fences[order[i]]), 0);
				mask |= 1u << order[i];
				expect_reached(reached_by(mask), number);
				for (unsigned int j = 0; j < NUM_POINTS; j++)
					cr_expect_eq(calls[j].num_calls,
						     j < reached_by(mask) &&
							 (asked & (1u << j)) != 0);
			}
			expect_reached(NUM_POINTS, ~0u);
			expect_all_gone();
		}
	}
}

Test(reservation_fence_chain, asked_after_some_have_signalled)
{
	for (unsigned int mask = 0; mask < 1u << NUM_POINTS; mask++) {
		struct call call = {.num_calls = 0};
		int ret;

		setup_chain();
		put_nodes_but_the_last();
		for (unsigned int i = 0; i < NUM_POINTS; i++) {
			if ((mask & (1u << i)) == 0)
				continue;
			if (i % 2 == 0)
				cr_assert_eq(wwr_fence_signal(fences[i]), 0);
			else
				full_fences[i]->enable_result = false;
		}
		ret = wwr_fence_add_callback(nodes[3], &call.cb, count_call);
		cr_expect_eq(ret, mask == (1u << NUM_POINTS) - 1 ? -ENOENT : 0);
		for (unsigned int i = NUM_POINTS; i-- > 0;) {
			bool pending = !wwr_fence_is_signaled(nodes[3]);

			cr_expect_eq(call.num_calls, ret == 0 && !pending);
			(void)wwr_fence_signal(fences[i]);
		}
		cr_expect_eq(call.num_calls, ret == 0);
		expect_all_gone();
	}
}

Test(reservation_fence_chain, error_is_that_of_its_own_point)
{
	for (int asked = 0; asked < 2; asked++) {
		struct call call;

		setup_chain();
		if (asked)
			cr_assert_eq(wwr_fence_add_callback(nodes[3], &call.cb, count_call), 0);
		wwr_fence_set_error(fences[1], -ECANCELED);
		cr_assert_eq(wwr_fence_signal_at(fences[3], 1), 0);
		cr_assert_eq(wwr_fence_signal_at(fences[0], 40), 0);
		cr_assert_eq(wwr_fence_signal_at(fences[1], 20), 0);
		cr_assert_eq(wwr_fence_signal_at(fences[2], 30), 0);
		cr_expect_eq(wwr_fence_get_status(nodes[3]), 1);
		cr_expect_eq(wwr_fence_get_status(nodes[1]), -ECANCELED);
		cr_expect_eq(wwr_fence_timestamp(nodes[3]), 40, "the latest of all up to it");
		cr_expect_eq(wwr_fence_timestamp(nodes[1]), 40);
		expect_all_gone();
	}
}

Test(reservation_fence_chain, walk_goes_back_and_collects_what_has_signalled)
{
	struct wwr_fence *node;
	unsigned int i = NUM_POINTS;

	setup_chain();
	for (node = wwr_fence_get(nodes[3]); node != NULL; node = wwr_fence_chain_walk(node))
		cr_expect_eq(node, nodes[--i]);
	cr_expect_eq(i, 0);
	put_nodes_but_the_last();
	cr_expect_eq(test_alloc_alive(), NUM_POINTS);

	/* Point 2 goes at once, point 4 itself stays. */
	cr_assert_eq(wwr_fence_signal(fences[1]), 0);
	cr_assert_eq(wwr_fence_signal(fences[3]), 0);
	cr_expect_eq(test_alloc_alive(), NUM_POINTS, "not before somebody walks there");
	node = wwr_fence_chain_walk(wwr_fence_chain_walk(wwr_fence_get(nodes[3])));
	cr_expect_eq(node->seqno, 1);
	cr_expect_eq(test_alloc_alive(), NUM_POINTS - 1);
	wwr_fence_put(node);
	cr_assert_eq(wwr_fence_signal(fences[2]), 0);
	cr_assert_eq(wwr_fence_signal(fences[0]), 0);
	cr_expect_null(wwr_fence_chain_walk(wwr_fence_get(nodes[3])));
	cr_expect_eq(test_alloc_alive(), 1);
	expect_all_gone();
}

Test(reservation_fence_chain, walk_of_no_chain_drops_the_reference)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_null(wwr_fence_chain_walk(fence));
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_null(wwr_fence_chain_walk(NULL));
}

Test(reservation_fence_chain, plain_fence_before_the_first_point_counts)
{
	for (int asked = 0; asked < 2; asked++) {
		struct call call = {.num_calls = 0};
		struct wwr_fence *node;

		setup_chain();
		node = link_point(fences[0], fences[1], 5);
		if (asked)
			cr_assert_eq(wwr_fence_add_callback(node, &call.cb, count_call), 0);
		cr_assert_eq(wwr_fence_signal_at(fences[1], 7), 0);
		cr_expect_not(wwr_fence_is_signaled(node));
		cr_assert_eq(wwr_fence_signal_at(fences[0], 8), 0);
		cr_expect(wwr_fence_is_signaled(node));
		cr_expect_eq(wwr_fence_timestamp(node), 8);
		cr_expect_eq(call.num_calls, asked);
		wwr_fence_put(node);
		expect_all_gone();
	}
}

Test(reservation_fence_chain, array_at_a_point_and_before_the_first_one)
{
	for (int asked = 0; asked < 2; asked++) {
		struct call call = {.num_calls = 0};
		struct wwr_fence *arrays[2];
		struct wwr_fence *node;

		setup_chain();
		cr_assert_eq(wwr_fence_array_create(2, fences, 1, 1, &arrays[0]), 0);
		cr_assert_eq(wwr_fence_array_create(2, fences + 2, 1, 2, &arrays[1]), 0);
		node = link_point(arrays[0], arrays[1], 5);
		wwr_fence_put(arrays[0]);
		wwr_fence_put(arrays[1]);
		if (asked)
			cr_assert_eq(wwr_fence_add_callback(node, &call.cb, count_call), 0);
		wwr_fence_set_error(fences[2], -ETIME);
		for (unsigned int i = 0; i < NUM_POINTS; i++) {
			cr_expect_eq(full_fences[i]->num_enabled, asked);
			cr_expect_not(wwr_fence_is_signaled(node));
			cr_assert_eq(wwr_fence_signal_at(fences[i], 10 - i), 0);
		}
		cr_expect_eq(wwr_fence_get_status(node), -ETIME);
		cr_expect_eq(wwr_fence_timestamp(node), 10);
		cr_expect_eq(call.num_calls, asked);
		wwr_fence_put(node);
		expect_all_gone();
	}
}

Test(reservation_fence_chain, asked_for_it_lives_until_it_signals)
{
	struct call call = {.num_calls = 0};

	setup_chain();
	cr_assert_eq(wwr_fence_add_callback(nodes[3], &call.cb, count_call), 0);
	put_all(nodes);
	cr_expect_eq(test_alloc_alive(), NUM_POINTS);
	for (unsigned int i = 0; i < NUM_POINTS; i++) {
		cr_assert_eq(wwr_fence_signal(fences[i]), 0);
		/* The next one goes past it when it signals itself. */
		cr_expect_eq(test_alloc_alive(), i < NUM_POINTS - 1 ? NUM_POINTS - i : 0);
	}
	cr_expect_eq(call.num_calls, 1);
	expect_all_gone();
}

Test(reservation_fence_chain, not_asked_for_it_does_not_keep_itself)
{
	setup_chain();
	put_all(nodes);
	cr_expect_eq(test_alloc_alive(), 0);
	for (unsigned int i = 0; i < NUM_POINTS; i++)
		cr_expect_eq(fences[i]->callbacks, 0);
	expect_all_gone();
}

Test(reservation_fence_chain, deadline_goes_to_every_point)
{
	setup_chain();
	cr_assert_eq(wwr_fence_signal(fences[1]), 0);
	wwr_fence_set_deadline(nodes[2], 100);
	cr_expect_eq(full_fences[0]->deadline_ns, 100);
	cr_expect_eq(full_fences[1]->num_deadlines, 0, "signalled");
	cr_expect_eq(full_fences[2]->deadline_ns, 100);
	cr_expect_eq(full_fences[3]->num_deadlines, 0, "comes later");
	expect_all_gone();
}

Test(reservation_fence_chain, describe_names_it)
{
	char expected[64];
	char text[64];

	setup_chain();
	snprintf(expected, sizeof(expected), "wwresv chain %llu:2 pending",
		 (unsigned long long)nodes[1]->context);
	(void)wwr_fence_describe(nodes[1], text, sizeof(text));
	cr_expect_str_eq(text, expected);
	expect_all_gone();
}

static void *wait_for_the_last(void *result)
{
	*(int *)result = wwr_fence_wait_until(nodes[3], NULL, INT64_MAX);
	return NULL;
}

Test(reservation_fence_chain, wait_ends_by_signal_deadline_or_interrupt)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	pthread_t waiter;
	int result = 1;

	setup_chain();
	cr_expect_eq(wwr_fence_wait_until(nodes[2], NULL, 0), -ETIME);
	cr_expect_eq(full_fences[0]->num_enabled, 1, "a poll asks for the signal, too");
	cr_expect_eq(wwr_fence_wait_until(nodes[2], NULL, park_now_ns() + 1000000), -ETIME);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_fence_wait_until(nodes[2], &token, INT64_MAX), -EINTR);
	cr_assert_eq(pthread_create(&waiter, NULL, wait_for_the_last, &result), 0);
	test_until_futex_waits(2);
	for (unsigned int i = NUM_POINTS; i-- > 0;)
		cr_assert_eq(wwr_fence_signal(fences[i]), 0);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	cr_expect_eq(result, 0);
	expect_all_gone();
}
