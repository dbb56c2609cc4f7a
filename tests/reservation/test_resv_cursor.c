/* SPDX-License-Identifier: MIT */
/* Walks over a reservation that is not locked: references, restarts, deadlines. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "reservation/resv_cell.h"

#include <wwresv/resv.h>

#include <errno.h>

#define NUM_USAGES   4
#define MAX_RESTARTS 3

static struct wwr_resv resv;
static struct wwr_resv_cursor cursor;

static void setup(void)
{
	test_alloc_install();
	wwr_resv_init(&resv, NULL);
}

static void finish(void)
{
	wwr_resv_fini(&resv);
	cr_expect_eq(test_fences_alive(), 0);
	resv_cells_reset(true);
	cr_expect_eq(test_alloc_alive(), 0);
}

TestSuite(reservation_resv_cursor, .init = setup, .timeout = 20);

static struct wwr_fence *add_new(uint64_t context, enum wwr_resv_usage usage)
{
	struct wwr_fence *fence = test_fence_create(context, 1);

	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(&resv, fence, usage), 0);
	wwr_mutex_unlock(&resv.mutex);
	wwr_fence_put(fence);
	return fence;
}

static void reserve(unsigned int num)
{
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, num), 0);
	wwr_mutex_unlock(&resv.mutex);
}

static void expect_next(const struct wwr_fence *fence, bool restarted)
{
	cr_expect_eq(wwr_resv_cursor_next(&cursor), fence);
	cr_expect_eq(wwr_resv_cursor_is_restarted(&cursor), restarted);
}

Test(reservation_resv_cursor, walk_over_nothing_ends_at_once)
{
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_BOOKKEEP);
	expect_next(NULL, false);
	expect_next(NULL, false);
	wwr_resv_cursor_end(&cursor);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_BOOKKEEP);
	wwr_resv_cursor_end(&cursor);
	finish();
}

Test(reservation_resv_cursor, walk_shows_the_usage_and_all_lower_ones_with_a_reference)
{
	struct wwr_fence *fences[NUM_USAGES];

	for (int usage = NUM_USAGES - 1; usage >= 0; usage--)
		fences[usage] = add_new(10 + (uint64_t)usage, (enum wwr_resv_usage)usage);
	for (int asked = 0; asked < NUM_USAGES; asked++) {
		wwr_resv_cursor_begin(&cursor, &resv, (enum wwr_resv_usage)asked);
		for (int usage = asked; usage >= 0; usage--) {
			expect_next(fences[usage], false);
			cr_expect_eq(wwr_resv_cursor_usage(&cursor), usage);
			cr_expect_eq(fences[usage]->refcount, 2);
			if (usage < asked)
				cr_expect_eq(fences[usage + 1]->refcount, 1);
		}
		expect_next(NULL, false);
		cr_expect_eq(fences[0]->refcount, 1);
		wwr_resv_cursor_end(&cursor);
	}
	finish();
}

Test(reservation_resv_cursor, walk_leaves_out_what_has_signalled)
{
	struct wwr_fence *pending;

	add_new(1, WWR_RESV_USAGE_READ);
	add_new(2, WWR_RESV_USAGE_READ);
	pending = add_new(3, WWR_RESV_USAGE_READ);
	add_new(4, WWR_RESV_USAGE_READ);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	cr_assert_eq(wwr_fence_signal(wwr_resv_cursor_next(&cursor)), 0);
	cr_assert_eq(wwr_fence_signal(wwr_resv_cursor_next(&cursor)), 0);
	wwr_resv_cursor_end(&cursor);
	/* A signal is no change of the table. */
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(pending, false);
	cr_assert_eq(wwr_fence_signal(pending), 0);
	cr_expect_not_null(wwr_resv_cursor_next(&cursor));
	cr_expect_not(wwr_resv_cursor_is_restarted(&cursor));
	wwr_resv_cursor_end(&cursor);
	finish();
}

/* Whoever ends early leaves no reference behind. */
Test(reservation_resv_cursor, end_in_the_middle_drops_the_reference)
{
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);

	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(fence, false);
	cr_expect_eq(fence->refcount, 2);
	wwr_resv_cursor_end(&cursor);
	cr_expect_eq(fence->refcount, 1);
	wwr_resv_cursor_end(&cursor);
	cr_expect_eq(fence->refcount, 1);
	finish();
}

Test(reservation_resv_cursor, walk_keeps_the_fence_that_is_replaced_meanwhile)
{
	struct wwr_fence *stub = wwr_fence_stub();
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);

	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(fence, false);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_replace_fences(&resv, 1, stub, WWR_RESV_USAGE_READ), 0);
	wwr_mutex_unlock(&resv.mutex);
	cr_expect_eq(fence->refcount, 1, "the cursor's");
	cr_expect_eq(test_fences_alive(), 1);
	expect_next(NULL, true);
	cr_expect_eq(test_fences_alive(), 0);
	wwr_resv_cursor_end(&cursor);
	wwr_fence_put(stub);
	finish();
}

Test(reservation_resv_cursor, walk_begins_anew_when_a_fence_was_added)
{
	struct wwr_fence *fences[3];

	fences[0] = add_new(1, WWR_RESV_USAGE_READ);
	fences[1] = add_new(2, WWR_RESV_USAGE_READ);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(fences[0], false);
	fences[2] = add_new(3, WWR_RESV_USAGE_READ);
	expect_next(fences[0], true);
	expect_next(fences[1], false);
	expect_next(fences[2], false);
	expect_next(NULL, false);
	wwr_resv_cursor_end(&cursor);
	finish();
}

/* Also one that was at its end; who asks again sees what came. */
Test(reservation_resv_cursor, walk_begins_anew_at_its_end)
{
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);

	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(fence, false);
	add_new(2, WWR_RESV_USAGE_BOOKKEEP);
	expect_next(fence, true);
	expect_next(NULL, false);
	add_new(3, WWR_RESV_USAGE_BOOKKEEP);
	expect_next(fence, true);
	wwr_resv_cursor_end(&cursor);
	finish();
}

/* A larger table with the same fences, and dropping signalled ones: all stay where they are. */
Test(reservation_resv_cursor, walk_goes_on_in_a_larger_table)
{
	struct wwr_fence *fences[3];

	for (uint64_t i = 0; i < 3; i++)
		fences[i] = add_new(1 + i, WWR_RESV_USAGE_READ);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	expect_next(fences[0], false);
	reserve(100);
	expect_next(fences[1], false);
	reserve(1000);
	expect_next(fences[2], false);
	wwr_resv_cursor_end(&cursor);
	finish();
}

/* Under churn that never ends the walk ends all the same, and has shown who stayed. */
Test(reservation_resv_cursor, walk_begins_anew_a_few_times_at_most)
{
	unsigned int num_restarts = 0;
	unsigned int num_staying = 0;
	unsigned int num = 0;
	struct wwr_fence *staying[5];
	struct wwr_fence *fence;

	for (uint64_t i = 0; i < 5; i++)
		staying[i] = add_new(1 + i, WWR_RESV_USAGE_READ);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	while ((fence = wwr_resv_cursor_next(&cursor)) != NULL) {
		if (wwr_resv_cursor_is_restarted(&cursor)) {
			num_restarts++;
			num_staying = 0;
		}
		for (int i = 0; i < 5; i++)
			num_staying += fence == staying[i];
		add_new(100 + num, WWR_RESV_USAGE_READ);
		cr_assert_lt(num++, 100, "the walk does not end");
	}
	cr_expect_eq(num_restarts, MAX_RESTARTS);
	cr_expect_eq(num_staying, 5);
	wwr_resv_cursor_end(&cursor);
	finish();
}

/* Two places before the walk's become free and are taken again: nothing there is shown twice. */
Test(reservation_resv_cursor, walk_without_restarts_left_shows_what_is_ahead)
{
	struct wwr_fence *fences[4];

	for (uint64_t i = 0; i < 4; i++)
		fences[i] = add_new(1 + i, WWR_RESV_USAGE_READ);
	wwr_resv_cursor_begin(&cursor, &resv, WWR_RESV_USAGE_READ);
	for (unsigned int i = 0; i <= MAX_RESTARTS; i++) {
		expect_next(fences[0], i > 0);
		add_new(100 + i, WWR_RESV_USAGE_BOOKKEEP);
	}
	expect_next(fences[1], false);
	cr_assert_eq(wwr_fence_signal(fences[0]), 0);
	add_new(200, WWR_RESV_USAGE_READ);
	expect_next(fences[2], false);
	expect_next(fences[3], false);
	expect_next(NULL, false);
	wwr_resv_cursor_end(&cursor);
	finish();
}

static struct test_fence *add_full(uint64_t context, enum wwr_resv_usage usage)
{
	struct test_fence *own = test_fence_create_full(context, 1);

	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(&resv, &own->fence, usage), 0);
	wwr_mutex_unlock(&resv.mutex);
	wwr_fence_put(&own->fence);
	return own;
}

Test(reservation_resv_cursor, set_deadline_tells_each_pending_fence_of_the_usage)
{
	struct test_fence *fences[NUM_USAGES];

	for (int usage = 0; usage < NUM_USAGES; usage++)
		fences[usage] = add_full(10 + (uint64_t)usage, (enum wwr_resv_usage)usage);
	wwr_resv_set_deadline(&resv, WWR_RESV_USAGE_WRITE, 1000);
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(fences[usage]->deadline_ns, usage <= 1 ? 1000 : 0);
	cr_assert_eq(wwr_fence_signal(&fences[0]->fence), 0);
	wwr_resv_set_deadline(&resv, WWR_RESV_USAGE_BOOKKEEP, 500);
	/* A later wish is none. */
	wwr_resv_set_deadline(&resv, WWR_RESV_USAGE_BOOKKEEP, 700);
	cr_expect_eq(fences[0]->deadline_ns, 1000);
	for (int usage = 1; usage < NUM_USAGES; usage++)
		cr_expect_eq(fences[usage]->deadline_ns, 500);
	finish();
}
