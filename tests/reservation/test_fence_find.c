/* SPDX-License-Identifier: MIT */
/* Finding points of timelines: in order and out of order, with gaps, reached and not submitted. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/fence_chain.h>

#include <errno.h>
#include <stdlib.h>

TestSuite(reservation_fence_find, .timeout = 60);

#define NUM_POINTS 4096u

static struct wwr_fence *fences[NUM_POINTS];
static struct wwr_fence *head; /* the only reference to a node that a test keeps */
static unsigned int num_points;

static void add_point(uint64_t seqno)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_fence *node = NULL;

	cr_assert_not_null(chain);
	fences[num_points] = test_fence_create(1000 + num_points, 1);
	cr_assert_eq(wwr_fence_chain_link(chain, head, fences[num_points], seqno, &node), 0);
	wwr_fence_put(head);
	head = node;
	num_points++;
}

/* Points step, 2 * step, ... */
static void add_points(unsigned int num, uint64_t step)
{
	test_alloc_install();
	for (unsigned int i = 0; i < num; i++)
		add_point((i + 1) * step);
}

static void finish(void)
{
	wwr_fence_put(head);
	for (unsigned int i = 0; i < num_points; i++)
		wwr_fence_put(fences[i]);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

/* Looks for a point; expects a node with this number, 0 = none: reached. */
static void expect_found(uint64_t seqno, uint64_t expected)
{
	struct wwr_fence *node = NULL;

	cr_assert_eq(wwr_fence_chain_find_seqno(head, seqno, &node), 0);
	cr_expect_eq(node != NULL ? node->seqno : 0, expected, "point %llu: %llu instead of %llu",
		     (unsigned long long)seqno,
		     (unsigned long long)(node != NULL ? node->seqno : 0),
		     (unsigned long long)expected);
	wwr_fence_put(node);
}

static void expect_not_submitted(uint64_t seqno)
{
	struct wwr_fence *node = NULL;

	cr_expect_eq(wwr_fence_chain_find_seqno(head, seqno, &node), -EINVAL);
	cr_expect_null(node);
}

Test(reservation_fence_find, point_0_is_the_fence_itself)
{
	struct wwr_fence *found = NULL;

	add_points(2, 1);
	expect_found(0, 2);
	cr_assert_eq(wwr_fence_chain_find_seqno(fences[0], 0, &found), 0);
	cr_expect_eq(found, fences[0]);
	wwr_fence_put(found);
	cr_assert_eq(wwr_fence_chain_find_seqno(NULL, 0, &found), 0);
	cr_expect_null(found);
	(void)wwr_fence_signal(fences[0]);
	(void)wwr_fence_signal(fences[1]);
	expect_found(0, 2);
	finish();
}

Test(reservation_fence_find, not_submitted_returns_einval)
{
	struct wwr_fence *found = NULL;

	add_points(3, 1);
	expect_not_submitted(4);
	expect_not_submitted(UINT64_MAX);
	cr_expect_eq(wwr_fence_chain_find_seqno(NULL, 1, &found), -EINVAL);
	cr_expect_eq(wwr_fence_chain_find_seqno(fences[0], 1, &found), -EINVAL, "not a chain");
	cr_expect_null(found);
	finish();
}

Test(reservation_fence_find, each_of_4096_pending_points_is_itself)
{
	add_points(NUM_POINTS, 1);
	for (unsigned int i = 1; i <= NUM_POINTS; i += 37)
		expect_found(i, i);
	expect_found(NUM_POINTS, NUM_POINTS);
	finish();
}

Test(reservation_fence_find, point_in_a_gap_is_the_next_one)
{
	add_points(64, 10);
	for (uint64_t point = 1; point <= 640; point++)
		expect_found(point, (point + 9) / 10 * 10);
	expect_not_submitted(641);
	finish();
}

Test(reservation_fence_find, reached_point_is_none)
{
	add_points(4, 1);
	(void)wwr_fence_signal(fences[0]);
	expect_found(1, 0);
	(void)wwr_fence_signal(fences[1]);
	expect_found(1, 0);
	expect_found(2, 0);
	expect_found(3, 3);
	(void)wwr_fence_signal(fences[2]);
	(void)wwr_fence_signal(fences[3]);
	for (uint64_t point = 1; point <= 4; point++)
		expect_found(point, 0);
	finish();
}

Test(reservation_fence_find, failed_newest_point_is_found)
{
	add_points(2, 1);
	wwr_fence_set_error(fences[1], -ETIME);
	(void)wwr_fence_signal(fences[0]);
	(void)wwr_fence_signal(fences[1]);
	expect_found(1, 0);
	expect_found(2, 2);
	cr_expect_eq(wwr_fence_get_status(head), -ETIME);
	finish();
}

/* Point 2 is done, but not what comes before: that is what has to be waited for. */
Test(reservation_fence_find, signalled_out_of_order_is_what_is_before)
{
	add_points(3, 1);
	(void)wwr_fence_signal(fences[1]);
	expect_found(2, 1);
	expect_found(3, 3);
	cr_expect_eq(test_alloc_alive(), 2, "point 2 is collected");
	(void)wwr_fence_signal(fences[2]);
	expect_found(3, 3);
	expect_found(2, 1);
	(void)wwr_fence_signal(fences[0]);
	expect_found(3, 0);
	finish();
}

Test(reservation_fence_find, unordered_timeline_waits_for_everything)
{
	add_points(3, 5);
	add_point(7); /* below 15: from here on it is unordered */
	cr_expect_eq(head->seqno, 15);
	for (uint64_t point = 1; point <= 15; point++)
		expect_found(point, 15);
	expect_not_submitted(16);
	add_point(20);
	expect_found(20, 20);
	expect_found(16, 20);
	expect_found(15, 15);
	expect_found(1, 15);
	/* The unordered one is done: whatever is before it is what is left. */
	(void)wwr_fence_signal(fences[3]);
	expect_found(15, 15);
	expect_found(3, 15);
	(void)wwr_fence_signal(fences[2]);
	expect_found(3, 10);
	finish();
}

Test(reservation_fence_find, signalled_in_any_order_is_never_too_early)
{
	uint64_t random = test_seed();
	bool done[64] = {false};

	add_points(64, 3);
	for (unsigned int left = 64; left > 0; left--) {
		unsigned int choice = (unsigned int)(test_random(&random) % 64);
		uint64_t point = 1 + test_random(&random) % 192;
		unsigned int index = (unsigned int)((point + 2) / 3) - 1;
		int newest = (int)index;
		struct wwr_fence *node = NULL;

		while (done[choice])
			choice = (choice + 1) % 64;
		(void)wwr_fence_signal(fences[choice]);
		done[choice] = true;
		cr_assert_eq(wwr_fence_chain_find_seqno(head, point, &node), 0);
		/* The newest pending one up to the point; the head stays where it is. */
		while (newest >= 0 && done[newest])
			newest--;
		if (newest < 0)
			cr_expect_null(node);
		else if (index == 63)
			cr_expect_eq(node, head);
		else
			cr_expect_eq(node != NULL ? node->seqno : 0, (uint64_t)(newest + 1) * 3);
		wwr_fence_put(node);
	}
	finish();
}

static void fail(unsigned int index, int error)
{
	wwr_fence_set_error(fences[index], error);
	(void)wwr_fence_signal(fences[index]);
}

/* The status of what is found for a point: 1 = reached, nothing is found. */
static int found_status(uint64_t seqno)
{
	struct wwr_fence *node = NULL;
	int status = 1;

	cr_assert_eq(wwr_fence_chain_find_seqno(head, seqno, &node), 0);
	if (node != NULL)
		status = wwr_fence_get_status(node);
	wwr_fence_put(node);
	return status;
}

Test(reservation_fence_find, failed_point_is_found_when_it_was_collected)
{
	add_points(5, 10);
	for (unsigned int i = 0; i < 5; i++) {
		if (i == 1 || i == 3)
			fail(i, i == 1 ? -ETIME : -ECANCELED);
		else
			(void)wwr_fence_signal(fences[i]);
	}
	wwr_fence_put(wwr_fence_chain_walk(wwr_fence_get(head)));
	cr_expect_eq(test_alloc_alive(), 3, "the newest one and those that failed are left");
	for (uint64_t point = 1; point <= 50; point++) {
		int expected = point > 10 && point <= 20   ? -ETIME
			       : point > 30 && point <= 40 ? -ECANCELED
							   : 1;

		cr_expect_eq(found_status(point), expected, "point %u", (unsigned int)point);
	}
	finish();
}

Test(reservation_fence_find, failed_point_waits_for_what_is_before_it)
{
	add_points(4, 1);
	fail(2, -ETIME);
	expect_found(3, 3);
	cr_expect_eq(found_status(3), 0);
	expect_found(4, 4);
	(void)wwr_fence_signal(fences[3]);
	(void)wwr_fence_signal(fences[0]);
	cr_expect_eq(found_status(3), 0, "point 2 is pending");
	expect_found(2, 2);
	(void)wwr_fence_signal(fences[1]);
	cr_expect_eq(found_status(3), -ETIME);
	for (uint64_t point = 1; point <= 4; point++) {
		if (point != 3)
			expect_found(point, 0);
	}
	finish();
}

Test(reservation_fence_find, later_heads_remember_failed_points_and_keep_nothing_else)
{
	add_points(2, 1);
	fail(1, -ETIME);
	for (unsigned int i = 2; i < 100; i++) {
		add_point(i + 1);
		(void)wwr_fence_signal(fences[i]);
		cr_expect_eq(found_status(i + 1), 0, "point 1 is pending");
	}
	cr_expect_leq(test_alloc_alive(), 3, "the newest, the failed and the pending one");
	(void)wwr_fence_signal(fences[0]);
	add_point(101);
	(void)wwr_fence_signal(fences[100]);
	cr_expect_eq(found_status(50), 1);
	cr_expect_eq(found_status(2), -ETIME);
	cr_expect_eq(test_alloc_alive(), 2);
	finish();
}

#define NUM_FAILED 4000u /* there are errors for so many */

/* As failed_points_are_forgotten..., with the fences signalled in this order. */
static void fail_all(bool newest_first)
{
	for (unsigned int i = 0; i < NUM_FAILED; i++) {
		unsigned int index = newest_first ? NUM_FAILED - 1 - i : i;

		fail(index, -1 - (int)index);
		if (i % 61 == 0)
			wwr_fence_put(wwr_fence_chain_walk(wwr_fence_get(head)));
	}
	for (uint64_t point = NUM_FAILED - 16; point <= NUM_FAILED; point++)
		cr_expect_eq(found_status(point), -(int)point);
	/* The next ones collect, too. */
	for (unsigned int i = 0; i < 20; i++) {
		wwr_fence_put(fences[0]);
		num_points = 0;
		add_point(NUM_FAILED + 1 + i);
		(void)wwr_fence_signal(fences[0]);
		cr_expect_eq(found_status(NUM_FAILED), -(int)NUM_FAILED);
	}
	num_points = NUM_FAILED;
	cr_expect_leq(test_alloc_alive(), 17, "%u nodes", test_alloc_alive());
	cr_expect_eq(found_status(NUM_FAILED - 15), -((int)NUM_FAILED - 15));
	finish();
}

Test(reservation_fence_find, failed_points_are_forgotten_when_there_are_too_many)
{
	add_points(NUM_FAILED, 1);
	fail_all(false);
}

Test(reservation_fence_find, failed_points_that_signal_backwards_do_not_pile_up)
{
	add_points(NUM_FAILED, 1);
	fail_all(true);
}

Test(reservation_fence_find, errors_in_any_order_are_those_of_their_points)
{
	uint64_t random = test_seed();
	bool done[64] = {false};
	int errors[64] = {0};

	add_points(64, 3);
	for (unsigned int left = 64; left > 0; left--) {
		unsigned int choice = (unsigned int)(test_random(&random) % 64);
		bool pending = false;

		while (done[choice])
			choice = (choice + 1) % 64;
		done[choice] = true;
		/* No more than are remembered. */
		if (choice % 5 == 0) {
			errors[choice] = -1 - (int)choice;
			fail(choice, errors[choice]);
		} else {
			(void)wwr_fence_signal(fences[choice]);
		}
		for (unsigned int i = 0; i < 64; i++) {
			uint64_t point = i * 3 + 1 + test_random(&random) % 3;

			pending = pending || !done[i];
			cr_expect_eq(found_status(point), pending	   ? 0
							  : errors[i] != 0 ? errors[i]
									   : 1);
		}
	}
	finish();
}
