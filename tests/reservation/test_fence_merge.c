/* SPDX-License-Identifier: MIT */
/* Walking over what fences are made of, and merging them. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>

#include <errno.h>

TestSuite(reservation_fence_merge, .timeout = 60);

#define NUM_FENCES 8

static struct wwr_fence *fences[NUM_FENCES];

/* Contexts 100, 101, ... from the last to the first, so that order matters. */
static void setup_fences(void)
{
	test_alloc_install();
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		fences[i] = test_fence_create(100 + NUM_FENCES - i, 1);
}

static void finish(void)
{
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(fences[i]);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

static struct wwr_fence *array_of(unsigned int num, struct wwr_fence *const *list)
{
	struct wwr_fence *array = NULL;

	cr_assert_eq(wwr_fence_array_create(num, list, 1, 1, &array), 0);
	return array;
}

/* Drops the reference to prev. */
static struct wwr_fence *link_point(struct wwr_fence *prev, struct wwr_fence *fence, uint64_t seqno)
{
	struct wwr_fence *node = NULL;

	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), prev, fence, seqno, &node), 0);
	wwr_fence_put(prev);
	return node;
}

static struct wwr_fence *merge(unsigned int num, struct wwr_fence *const *list)
{
	struct wwr_fence *merged = NULL;

	cr_assert_eq(wwr_fence_merge(num, list, &merged), 0);
	return merged;
}

/* The fence is made of exactly these, in this order. */
static void expect_made_of(struct wwr_fence *fence, unsigned int num,
			   struct wwr_fence *const *expected)
{
	struct wwr_fence_unwrap iter;
	struct wwr_fence *part;
	unsigned int i = 0;

	wwr_fence_unwrap_begin(&iter, fence);
	while ((part = wwr_fence_unwrap_next(&iter)) != NULL) {
		if (i < num)
			cr_expect_eq(part, expected[i], "number %u", i);
		i++;
	}
	cr_expect_eq(i, num);
	wwr_fence_unwrap_end(&iter);
}

static void signal_with_error(struct wwr_fence *fence, int error, int64_t timestamp_ns)
{
	if (error != 0)
		wwr_fence_set_error(fence, error);
	cr_assert_eq(wwr_fence_signal_at(fence, timestamp_ns), 0);
}

Test(reservation_fence_merge, unwrap_shows_leaves_of_chains_of_arrays)
{
	struct wwr_fence *expected[5];
	struct wwr_fence *chain;
	struct wwr_fence *array;

	setup_fences();
	array = array_of(3, fences + 4);
	chain = link_point(NULL, fences[1], 1);
	chain = link_point(chain, array, 2);
	chain = link_point(chain, fences[0], 3);
	expected[0] = fences[0];
	expected[1] = fences[4];
	expected[2] = fences[5];
	expected[3] = fences[6];
	expected[4] = fences[1];
	expect_made_of(chain, 5, expected);
	expect_made_of(array, 3, fences + 4);
	expect_made_of(fences[2], 1, &fences[2]);
	expect_made_of(NULL, 0, NULL);

	/* Signalled members and the newest point stay to be seen, points before it do not. */
	signal_with_error(fences[0], 0, 1);
	signal_with_error(fences[5], 0, 1);
	signal_with_error(fences[1], 0, 1);
	expect_made_of(chain, 4, expected);
	signal_with_error(fences[4], 0, 1);
	signal_with_error(fences[6], 0, 1);
	expect_made_of(chain, 1, expected);
	wwr_fence_put(chain);
	wwr_fence_put(array);
	finish();
}

Test(reservation_fence_merge, unwrap_may_end_early)
{
	struct wwr_fence_unwrap iter;
	struct wwr_fence *chain;

	setup_fences();
	chain = link_point(link_point(NULL, fences[0], 1), fences[1], 2);
	wwr_fence_unwrap_begin(&iter, chain);
	cr_expect_eq(wwr_fence_unwrap_next(&iter), fences[1]);
	wwr_fence_put(chain);
	cr_expect_eq(wwr_fence_unwrap_next(&iter), fences[0], "the walk keeps what it needs");
	wwr_fence_unwrap_end(&iter);
	wwr_fence_unwrap_end(&iter);
	finish();
}

Test(reservation_fence_merge, merge_of_nothing_is_signalled_now)
{
	struct wwr_fence *nothing[2] = {NULL, NULL};
	int64_t before_ns = park_now_ns();
	struct wwr_fence *merged;

	setup_fences();
	for (unsigned int num = 0; num <= 2; num++) {
		merged = merge(num, nothing);
		cr_expect_eq(wwr_fence_get_status(merged), 1);
		cr_expect(wwr_fence_timestamp(merged) >= before_ns);
		cr_expect(wwr_fence_timestamp(merged) <= park_now_ns());
		wwr_fence_put(merged);
	}
	finish();
}

Test(reservation_fence_merge, merge_of_signalled_has_the_latest_time)
{
	struct wwr_fence *merged;
	struct wwr_fence *again;
	struct wwr_fence *chain;

	setup_fences();
	signal_with_error(fences[0], 0, 30);
	signal_with_error(fences[1], 0, 50);
	signal_with_error(fences[2], 0, 40);
	merged = merge(3, fences);
	cr_expect_eq(wwr_fence_get_status(merged), 1);
	cr_expect_eq(wwr_fence_timestamp(merged), 50);
	again = merge(1, &merged);
	cr_expect_eq(wwr_fence_timestamp(again), 50);
	wwr_fence_put(merged);
	wwr_fence_put(again);

	/* The latest point of the timeline was collected. */
	chain = link_point(link_point(NULL, fences[1], 1), fences[0], 2);
	cr_expect_null(wwr_fence_chain_walk(wwr_fence_get(chain)));
	merged = merge(1, &chain);
	cr_expect_eq(wwr_fence_timestamp(merged), 50);
	wwr_fence_put(merged);
	wwr_fence_put(chain);
	finish();
}

Test(reservation_fence_merge, merge_that_leaves_one_is_that_fence)
{
	struct wwr_fence *list[3];
	struct wwr_fence *merged;

	setup_fences();
	merged = merge(1, fences);
	cr_expect_eq(merged, fences[0]);
	wwr_fence_put(merged);
	signal_with_error(fences[0], 0, 5);
	signal_with_error(fences[2], 0, 5);
	merged = merge(3, fences);
	cr_expect_eq(merged, fences[1]);
	wwr_fence_put(merged);
	list[0] = link_point(NULL, fences[1], 1);
	list[1] = NULL;
	list[2] = array_of(3, fences);
	merged = merge(3, list);
	cr_expect_eq(merged, fences[1], "three times the same, twice inside containers");
	wwr_fence_put(merged);
	wwr_fence_put(list[0]);
	wwr_fence_put(list[2]);
	finish();
}

Test(reservation_fence_merge, merge_keeps_the_latest_of_each_context_in_their_order)
{
	struct wwr_fence *list[] = {
	    test_fence_create(3, 5),
	    test_fence_create(1, 7),
	    test_fence_create(3, 6),
	    test_fence_create(2, 1),
	    test_fence_create(1, UINT64_C(1) << 40),
	    test_fence_create(3, 4),
	};
	struct wwr_fence *expected[] = {list[4], list[3], list[2]};
	struct wwr_fence *merged;

	setup_fences();
	merged = merge(6, list);
	cr_expect(wwr_fence_is_array(merged));
	expect_made_of(merged, 3, expected);
	wwr_fence_put(merged);
	for (unsigned int i = 0; i < 6; i++)
		wwr_fence_put(list[i]);
	finish();
}

Test(reservation_fence_merge, merge_signals_when_all_have)
{
	struct wwr_fence *merged;

	setup_fences();
	merged = merge(NUM_FENCES, fences);
	cr_expect_eq(wwr_fence_wait_until(merged, NULL, 0), -ETIME);
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		cr_expect_not(wwr_fence_is_signaled(merged));
		signal_with_error(fences[i], 0, i);
	}
	cr_expect_eq(wwr_fence_get_status(merged), 1);
	cr_expect_eq(wwr_fence_timestamp(merged), NUM_FENCES - 1);
	wwr_fence_put(merged);
	finish();
}

Test(reservation_fence_merge, error_survives_where_nothing_is_left)
{
	struct wwr_fence *merged;

	setup_fences();
	signal_with_error(fences[0], 0, 10);
	signal_with_error(fences[1], -ETIME, 30);
	signal_with_error(fences[2], -ECANCELED, 20);
	merged = merge(3, fences);
	cr_expect_eq(wwr_fence_get_status(merged), -ECANCELED, "the first in time");
	cr_expect_eq(wwr_fence_timestamp(merged), 30);
	wwr_fence_put(merged);
	finish();
}

Test(reservation_fence_merge, error_survives_beside_one_that_is_left)
{
	struct wwr_fence *merged;
	struct wwr_fence *again;
	struct wwr_fence *list[2];

	setup_fences();
	signal_with_error(fences[0], -EIO, 10);
	merged = merge(2, fences);
	expect_made_of(merged, 1, &fences[1]);
	cr_expect_eq(wwr_fence_get_status(merged), 0);

	/* Also through another merge, alone and in a chain. */
	list[0] = merged;
	list[1] = fences[2];
	again = merge(2, list);
	wwr_fence_put(merged);
	list[0] = link_point(NULL, again, 1);
	wwr_fence_put(again);
	merged = merge(1, list);
	wwr_fence_put(list[0]);
	signal_with_error(fences[1], -ETIME, 15);
	cr_expect_eq(wwr_fence_get_status(merged), 0);
	signal_with_error(fences[2], 0, 25);
	cr_expect_eq(wwr_fence_get_status(merged), -EIO);
	cr_expect_eq(wwr_fence_timestamp(merged), 25);
	wwr_fence_put(merged);
	finish();
}

Test(reservation_fence_merge, error_of_an_earlier_fence_of_a_context_survives)
{
	struct wwr_fence *list[2];
	struct wwr_fence *merged;

	setup_fences();
	list[0] = test_fence_create(5, 1);
	list[1] = test_fence_create(5, 2);
	signal_with_error(list[0], -ETIME, 10);
	merged = merge(2, list);
	expect_made_of(merged, 1, &list[1]);
	signal_with_error(list[1], 0, 20);
	cr_expect_eq(wwr_fence_get_status(merged), -ETIME);
	wwr_fence_put(merged);
	wwr_fence_put(list[0]);
	wwr_fence_put(list[1]);
	finish();
}

Test(reservation_fence_merge, without_memory_returns_enomem_and_keeps_nothing)
{
	struct wwr_fence *merged = NULL;
	unsigned int num_calls;

	setup_fences();
	for (unsigned int pending = 0; pending <= 2; pending++) {
		num_calls = test_alloc_calls();
		wwr_fence_put(merge(NUM_FENCES - pending, fences));
		num_calls = test_alloc_calls() - num_calls;
		for (unsigned int nth = 1; nth <= 2 * num_calls; nth++) {
			merged = NULL;
			test_alloc_fail((nth + 1) / 2, nth % 2 == 0);
			cr_expect_eq(wwr_fence_merge(NUM_FENCES - pending, fences, &merged),
				     -ENOMEM);
			test_alloc_fail(0, false);
			cr_expect_null(merged);
			cr_expect_eq(test_alloc_alive(), 0);
		}
		/* Pending ones at the end of the list: none left, then one, then two. */
		for (unsigned int i = 0; pending == 0 && i < NUM_FENCES - 2; i++)
			signal_with_error(fences[i], 0, i);
	}
	finish();
}

/* A random heap of fences, arrays and chains, against a plain list. */
#define NUM_LEAVES 24
#define NUM_INPUTS 6

static struct wwr_fence *leaves[NUM_LEAVES];
static bool used[NUM_LEAVES];
static uint64_t random_state;

static unsigned int pick(unsigned int num)
{
	return (unsigned int)(test_random(&random_state) % num);
}

static struct wwr_fence *random_plain(void)
{
	unsigned int i = pick(NUM_LEAVES);

	used[i] = true;
	return leaves[i];
}

/* A plain fence or an array; a reference. */
static struct wwr_fence *random_flat(void)
{
	struct wwr_fence *list[4];
	unsigned int num = 1 + pick(4);

	if (pick(2) == 0)
		return wwr_fence_get(random_plain());
	for (unsigned int i = 0; i < num; i++)
		list[i] = random_plain();
	return array_of(num, list);
}

/* The oldest point of a chain is pending, so that nothing is collected and errors are known. */
static struct wwr_fence *random_input(void)
{
	struct wwr_fence *fence = random_flat();
	struct wwr_fence *chain;

	if (pick(2) == 0)
		return fence;
	chain = link_point(NULL, fence, 1 + pick(9));
	wwr_fence_put(fence);
	for (unsigned int i = pick(4); i > 0; i--) {
		fence = random_flat();
		chain = link_point(chain, fence, 1 + pick(9));
		wwr_fence_put(fence);
	}
	return chain;
}

static void expect_latest_of_each_context(struct wwr_fence *merged)
{
	struct wwr_fence *expected[NUM_LEAVES];
	unsigned int num = 0;

	/* Leaves stand by context, and in it by number. */
	for (unsigned int i = 0; i < NUM_LEAVES; i++) {
		if (!used[i] || wwr_fence_is_signaled(leaves[i]))
			continue;
		if (num > 0 && expected[num - 1]->context == leaves[i]->context)
			num--;
		expected[num++] = leaves[i];
	}
	if (num > 0)
		expect_made_of(merged, num, expected);
	else
		cr_expect(wwr_fence_is_signaled(merged));
}

Test(reservation_fence_merge, random_containers_agree_with_a_plain_list)
{
	random_state = test_seed();
	test_alloc_install();
	for (unsigned int round = 0; round < test_rounds(300); round++) {
		struct wwr_fence *inputs[NUM_INPUTS];
		unsigned int num_inputs = 1 + pick(NUM_INPUTS);
		unsigned int ready = pick(4);
		struct wwr_fence *merged;

		for (unsigned int i = 0; i < NUM_LEAVES; i++) {
			leaves[i] = test_fence_create(1 + i / 4, 1 + i % 4);
			used[i] = false;
		}
		for (unsigned int i = 0; i < num_inputs; i++)
			inputs[i] = random_input();
		for (unsigned int i = 0; i < NUM_LEAVES; i++) {
			if (pick(4) < ready)
				signal_with_error(leaves[i], 0, i);
		}
		merged = merge(num_inputs, inputs);
		expect_latest_of_each_context(merged);
		for (unsigned int i = 0; i < num_inputs; i++)
			wwr_fence_put(inputs[i]);
		cr_expect_eq(wwr_fence_wait_until(merged, NULL, 0),
			     wwr_fence_is_signaled(merged) ? 0 : -ETIME);
		for (unsigned int i = 0; i < NUM_LEAVES; i++)
			(void)wwr_fence_signal_at(leaves[i], i);
		cr_expect_eq(wwr_fence_get_status(merged), 1);
		wwr_fence_put(merged);
		for (unsigned int i = 0; i < NUM_LEAVES; i++)
			wwr_fence_put(leaves[i]);
		cr_assert_eq(test_fences_alive() + test_alloc_alive(), 0);
	}
}
