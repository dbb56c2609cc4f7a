/* SPDX-License-Identifier: MIT */
/* Timelines of 100,000 points, with NDEBUG of a million where that is said, on a thread with a
 * small stack: one that grows with the depth shows with a tenth as well, and in short runs does.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/small_stack.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <stdlib.h>

static unsigned int depth;

/* One test of signalling, one of waiting, two of releases; checks make all this slow. */
static void go_for_a_million(void)
{
#ifdef NDEBUG
	depth = 1000000;
#endif
}

/* The detector looks at each fence, of a million: its own test shows what it does. */
static void setup(void)
{
	depth = getenv("WWR_TEST_SHORT") == NULL ? 100000 : 10000;
	wwr_debug_set_checks(wwr_debug_get_checks() & ~(unsigned int)WWR_DEBUG_FENCES);
}

TestSuite(reservation_fence_deep, .init = setup, .timeout = 300);

static struct wwr_fence *leaves; /* one a point, with a reference each that is kept */
static struct wwr_fence *head;
static struct wwr_fence *merged;
static unsigned int num_bad;
static unsigned int num_calls;

static const char *leaf_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "leaf";
}

static void leaf_release(struct wwr_fence *fence)
{
	(void)fence;
}

static const struct wwr_fence_ops leaf_ops = {
    .driver_name = leaf_name,
    .timeline_name = leaf_name,
    .release = leaf_release,
};

static void add_point(struct wwr_fence *fence, uint64_t seqno)
{
	struct wwr_fence *node = NULL;

	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), head, fence, seqno, &node), 0);
	wwr_fence_put(head);
	head = node;
}

static void create_chain(void)
{
	test_alloc_install();
	leaves = calloc(depth, sizeof(leaves[0]));
	cr_assert_not_null(leaves);
	for (unsigned int i = 0; i < depth; i++) {
		wwr_fence_init(&leaves[i], &leaf_ops, depth - i, 1);
		add_point(&leaves[i], i + 1);
	}
}

static void finish(void)
{
	cr_expect_eq(num_bad, 0);
	cr_expect_eq(test_alloc_alive(), 0);
	for (unsigned int i = 0; i < depth; i++)
		cr_assert_eq(leaves[i].refcount, 1);
	free(leaves);
}

static void put_head(void)
{
	wwr_fence_put(head);
	head = NULL;
}

static void poll_head(void)
{
	num_bad += wwr_fence_wait_until(head, NULL, 0) != -ETIME;
}

static void expect_head_signalled(void)
{
	num_bad += !wwr_fence_is_signaled(head);
}

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	num_bad += !wwr_fence_is_signaled(fence);
	num_calls++;
	(void)cb;
}

static void add_callback_to_head(void)
{
	static struct wwr_fence_cb cb;

	num_bad += wwr_fence_add_callback(head, &cb, count_call) != 0;
}

static void signal_oldest_first(void)
{
	for (unsigned int i = 0; i < depth; i++)
		num_bad += wwr_fence_signal_at(&leaves[i], i) != 0;
}

static void signal_newest_first(void)
{
	for (unsigned int i = depth; i-- > 0;)
		num_bad += wwr_fence_signal_at(&leaves[i], i) != 0;
}

static void signal_all_but_the_oldest(void)
{
	for (unsigned int i = depth; --i > 0;)
		num_bad += wwr_fence_signal_at(&leaves[i], i) != 0;
}

static void signal_the_oldest(void)
{
	num_bad += wwr_fence_signal_at(&leaves[0], depth) != 0;
}

Test(reservation_fence_deep, release_of_a_long_chain_needs_no_stack)
{
	create_chain();
	on_small_stack(put_head);
	finish();
}

Test(reservation_fence_deep, release_of_a_signalled_chain_needs_no_stack)
{
	go_for_a_million();
	create_chain();
	signal_newest_first();
	on_small_stack(put_head);
	finish();
}

Test(reservation_fence_deep, looking_at_a_signalled_chain_collects_all_of_it)
{
	create_chain();
	on_small_stack(signal_newest_first);
	cr_expect_eq(test_alloc_alive(), depth);
	on_small_stack(expect_head_signalled);
	cr_expect_eq(test_alloc_alive(), 1);
	cr_expect_eq(wwr_fence_timestamp(head), depth - 1);
	on_small_stack(put_head);
	finish();
}

static void fail_newest_first(void)
{
	for (unsigned int i = depth; i-- > 0;) {
		wwr_fence_set_error(&leaves[i], -1 - (int)(i % 4095));
		num_bad += wwr_fence_signal_at(&leaves[i], i) != 0;
	}
}

/* Each is looked for in what the one before has collected. */
static void find_failed_points(void)
{
	for (unsigned int i = 0; i < 16; i++) {
		struct wwr_fence *node = NULL;
		unsigned int index = depth - 1 - i;

		num_bad += wwr_fence_chain_find_seqno(head, index + 1, &node) != 0;
		num_bad += node == NULL || wwr_fence_get_status(node) != -1 - (int)(index % 4095);
		wwr_fence_put(node);
	}
}

Test(reservation_fence_deep, looking_at_a_failed_chain_collects_all_but_the_latest)
{
	create_chain();
	on_small_stack(fail_newest_first);
	cr_expect_eq(test_alloc_alive(), depth);
	on_small_stack(expect_head_signalled);
	cr_expect_eq(test_alloc_alive(), 1 + 16);
	on_small_stack(find_failed_points);
	cr_expect_eq(test_alloc_alive(), 1 + 16);
	on_small_stack(put_head);
	finish();
}

Test(reservation_fence_deep, chain_that_was_asked_for_signals_oldest_first)
{
	go_for_a_million();
	create_chain();
	on_small_stack(poll_head);
	on_small_stack(add_callback_to_head);
	on_small_stack(signal_oldest_first);
	cr_expect_eq(num_calls, 1);
	cr_expect_eq(test_alloc_alive(), 1);
	on_small_stack(put_head);
	finish();
}

/* The last signal sets off that of every point. */
Test(reservation_fence_deep, chain_that_was_asked_for_signals_newest_first)
{
	create_chain();
	on_small_stack(add_callback_to_head);
	on_small_stack(put_head);
	signal_all_but_the_oldest();
	cr_expect_eq(num_calls, 0);
	on_small_stack(signal_the_oldest);
	cr_expect_eq(num_calls, 1);
	finish();
}

static void wait_for_head(void)
{
	num_bad += wwr_fence_wait_until(head, NULL, INT64_MAX) != 0;
}

Test(reservation_fence_deep, wait_for_a_long_chain_needs_no_stack)
{
	void (*func)(void) = wait_for_head;
	pthread_t waiter;

	go_for_a_million();
	create_chain();
	waiter = small_stack_start(&func);
	test_until_futex_waits(1);
	on_small_stack(signal_newest_first);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	on_small_stack(put_head);
	finish();
}

static void set_head_deadline(void)
{
	wwr_fence_set_deadline(head, 1000);
}

static void merge_head(void)
{
	num_bad += wwr_fence_merge(1, &head, &merged) != 0;
}

static void put_merged(void)
{
	wwr_fence_put(merged);
}

static void expect_merged_signalled(void)
{
	num_bad += wwr_fence_wait_until(merged, NULL, INT64_MAX) != 0;
	num_bad += wwr_fence_get_status(merged) != 1;
	num_bad += wwr_fence_timestamp(merged) != depth - 1;
}

Test(reservation_fence_deep, deadline_and_merge_of_a_long_chain_need_no_stack)
{
	struct wwr_fence_unwrap iter;
	uint64_t last_context = 0;
	unsigned int num = 0;
	struct wwr_fence *part;

	create_chain();
	on_small_stack(set_head_deadline);
	cr_expect_eq(leaves[0].deadline_ns, 1000);
	cr_expect_eq(leaves[depth - 1].deadline_ns, 1000);
	on_small_stack(merge_head);
	on_small_stack(put_head);
	wwr_fence_unwrap_begin(&iter, merged);
	while ((part = wwr_fence_unwrap_next(&iter)) != NULL) {
		num_bad += part->context <= last_context;
		last_context = part->context;
		num++;
	}
	cr_expect_eq(num, depth);
	on_small_stack(signal_oldest_first);
	on_small_stack(expect_merged_signalled);
	on_small_stack(put_merged);
	finish();
}

/* Arrays at each point, and before the first one. */
Test(reservation_fence_deep, chain_of_arrays_needs_no_stack)
{
	go_for_a_million();
	test_alloc_install();
	leaves = calloc(depth, sizeof(leaves[0]));
	cr_assert_not_null(leaves);
	for (unsigned int i = 0; i < depth; i++)
		wwr_fence_init(&leaves[i], &leaf_ops, depth - i, 1);
	for (unsigned int i = 0; i < depth; i += 4) {
		struct wwr_fence *members[4] = {&leaves[i], &leaves[i + 1], &leaves[i + 2],
						&leaves[i + 3]};
		struct wwr_fence *array = NULL;

		cr_assert_eq(wwr_fence_array_create(4, members, 1, i, &array), 0);
		if (i > 0) {
			add_point(array, i);
			wwr_fence_put(array);
		} else {
			head = array;
		}
	}
	on_small_stack(poll_head);
	on_small_stack(add_callback_to_head);
	on_small_stack(signal_newest_first);
	cr_expect_eq(num_calls, 1);
	on_small_stack(expect_head_signalled);
	on_small_stack(put_head);
	finish();
}
