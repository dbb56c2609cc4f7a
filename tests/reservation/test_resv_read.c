/* SPDX-License-Identifier: MIT */
/* Looking at a reservation: iteration, copies, waits and tests, by usage. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "reservation/resv_cell.h"

#include <wwresv/class.h>
#include <wwresv/interrupt.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <pthread.h>

#define NUM_USAGES 4
/* More than a wait has references of at a time, and than the first cells are enough for. */
#define NUM_MANY 80

static struct wwr_resv resv;
static struct wwr_fence *fences[NUM_USAGES]; /* one of each usage, held by the reservation */

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

TestSuite(reservation_resv_read, .init = setup, .timeout = 20);

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

/* From the weakest to the strongest, so that the order of adding is not that of the usages. */
static void add_one_of_each(void)
{
	for (int usage = NUM_USAGES - 1; usage >= 0; usage--)
		fences[usage] = add_new(10 + (uint64_t)usage, (enum wwr_resv_usage)usage);
}

Test(reservation_resv_read, usage_rw_says_whom_to_wait_for)
{
	cr_expect_eq(wwr_resv_usage_rw(true), WWR_RESV_USAGE_READ);
	cr_expect_eq(wwr_resv_usage_rw(false), WWR_RESV_USAGE_WRITE);
	cr_expect_eq(WWR_RESV_USAGE_KERNEL, 0);
	cr_expect_eq(WWR_RESV_USAGE_WRITE, 1);
	cr_expect_eq(WWR_RESV_USAGE_READ, 2);
	cr_expect_eq(WWR_RESV_USAGE_BOOKKEEP, 3);
	finish();
}

/* Iterates over one usage: the fences of it and of all lower ones, each once. */
static void expect_iteration(enum wwr_resv_usage asked)
{
	bool seen[NUM_USAGES] = {false};
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	wwr_resv_iter_begin(&iter, &resv, asked);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL) {
		enum wwr_resv_usage usage = wwr_resv_iter_usage(&iter);

		cr_expect_eq(fence, fences[usage]);
		cr_expect_eq(fence->refcount, 1, "no reference is taken");
		cr_expect_not(seen[usage]);
		seen[usage] = true;
	}
	cr_expect_null(wwr_resv_iter_next(&iter), "the end stays the end");
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(seen[usage], usage <= (int)asked);
}

Test(reservation_resv_read, iterate_gives_the_usage_and_all_lower_ones)
{
	add_one_of_each();
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	for (int usage = 0; usage < NUM_USAGES; usage++)
		expect_iteration((enum wwr_resv_usage)usage);
	/* Signalled ones are shown too. */
	cr_assert_eq(wwr_fence_signal(fences[WWR_RESV_USAGE_KERNEL]), 0);
	for (int usage = 0; usage < NUM_USAGES; usage++)
		expect_iteration((enum wwr_resv_usage)usage);
	wwr_mutex_unlock(&resv.mutex);
	finish();
}

Test(reservation_resv_read, iterate_without_fences_ends_at_once)
{
	struct wwr_resv_iter iter;

	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_null(wwr_resv_iter_next(&iter));
	wwr_mutex_unlock(&resv.mutex);
	finish();
}

Test(reservation_resv_read, get_fences_takes_references_of_pending_ones)
{
	struct wwr_fence **copy;
	unsigned int num;

	add_one_of_each();
	cr_assert_eq(wwr_fence_signal(fences[WWR_RESV_USAGE_WRITE]), 0);
	cr_assert_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_READ, &num, &copy), 0);
	cr_assert_eq(num, 2);
	cr_expect_eq(copy[0], fences[WWR_RESV_USAGE_READ]);
	cr_expect_eq(copy[1], fences[WWR_RESV_USAGE_KERNEL]);
	cr_expect_eq(copy[0]->refcount, 2);
	wwr_resv_fini(&resv);
	cr_expect_eq(test_fences_alive(), 2, "the copy keeps them");
	wwr_resv_put_fences(num, copy);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

Test(reservation_resv_read, get_fences_of_none_gives_null)
{
	struct wwr_fence *dummy = NULL;
	struct wwr_fence **copy = &dummy;
	unsigned int num = 5;

	cr_expect_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_BOOKKEEP, &num, &copy), 0);
	cr_expect_eq(num, 0);
	cr_expect_null(copy);
	add_one_of_each();
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_assert_eq(wwr_fence_signal(fences[usage]), 0);
	num = 5;
	copy = &dummy;
	cr_expect_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_BOOKKEEP, &num, &copy), 0);
	cr_expect_eq(num, 0);
	cr_expect_null(copy);
	wwr_resv_put_fences(0, NULL);
	finish();
}

Test(reservation_resv_read, get_fences_without_memory_returns_enomem)
{
	for (int sticky = 0; sticky < 2; sticky++) {
		struct wwr_fence *dummy = NULL;
		struct wwr_fence **copy = &dummy;
		unsigned int num = 5;

		setup();
		add_one_of_each();
		test_alloc_fail(1, sticky);
		cr_expect_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_READ, &num, &copy), -ENOMEM);
		test_alloc_fail(0, false);
		cr_expect_eq(num, 5, "outputs are not touched");
		cr_expect_eq(copy, &dummy);
		for (int usage = 0; usage < NUM_USAGES; usage++)
			cr_expect_eq(fences[usage]->refcount, 1);
		finish();
	}
}

/* Signalling upwards: a usage is done when it and all lower ones are. */
Test(reservation_resv_read, test_signaled_looks_at_the_usage_and_all_lower_ones)
{
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect(wwr_resv_test_signaled(&resv, (enum wwr_resv_usage)usage), "empty");
	add_one_of_each();
	for (int done = 0; done < NUM_USAGES; done++) {
		for (int usage = 0; usage < NUM_USAGES; usage++)
			cr_expect_eq(wwr_resv_test_signaled(&resv, (enum wwr_resv_usage)usage),
				     usage < done);
		cr_assert_eq(wwr_fence_signal(fences[done]), 0);
	}
	cr_expect(wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP));
	finish();
}

Test(reservation_resv_read, wait_waits_for_the_usage_and_all_lower_ones)
{
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(
		    wwr_resv_wait_until(&resv, (enum wwr_resv_usage)usage, NULL, INT64_MAX), 0);
	add_one_of_each();
	for (int done = 0; done < NUM_USAGES; done++) {
		for (int usage = 0; usage < NUM_USAGES; usage++)
			cr_expect_eq(
			    wwr_resv_wait_until(&resv, (enum wwr_resv_usage)usage, NULL, 0),
			    usage < done ? 0 : -ETIME);
		cr_assert_eq(wwr_fence_signal(fences[done]), 0);
	}
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(fences[usage]->refcount, 1);
	finish();
}

Test(reservation_resv_read, readers_need_no_lock_and_may_hold_it)
{
	struct wwr_fence **copy;
	unsigned int num;

	add_one_of_each();
	for (int locked = 0; locked < 2; locked++) {
		if (locked)
			cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
		cr_expect_not(wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP));
		cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, 0), -ETIME);
		cr_expect_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_READ, &num, &copy), 0);
		wwr_resv_put_fences(num, copy);
	}
	wwr_mutex_unlock(&resv.mutex);
	finish();
}

Test(reservation_resv_read, wait_ends_by_deadline_and_interrupt)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	int64_t deadline_ns = park_now_ns() + 1000000;

	add_one_of_each();
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, deadline_ns), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, &token, INT64_MAX), -EINTR);
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(fences[usage]->refcount, 1);
	finish();
}

static void add_many(void)
{
	for (uint64_t i = 0; i < NUM_MANY; i++)
		add_new(1000 + i, WWR_RESV_USAGE_READ);
}

static void signal_all(void)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL)
		(void)wwr_fence_signal(fence);
	wwr_mutex_unlock(&resv.mutex);
}

Test(reservation_resv_read, wait_for_many_fences)
{
	struct wwr_fence **copy;
	unsigned int num;

	add_many();
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, 0), -ETIME);
	cr_assert_eq(wwr_resv_get_fences(&resv, WWR_RESV_USAGE_READ, &num, &copy), 0);
	cr_expect_eq(num, NUM_MANY);
	wwr_resv_put_fences(num, copy);
	signal_all();
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, INT64_MAX), 0);
	finish();
}

Test(reservation_resv_read, wait_for_many_needs_no_memory)
{
	unsigned int num_calls;

	add_many();
	num_calls = test_alloc_calls();
	test_alloc_fail(1, true);
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, 0), -ETIME);
	signal_all();
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, INT64_MAX), 0);
	test_alloc_fail(0, false);
	cr_expect_eq(test_alloc_calls(), num_calls);
	finish();
}

static void *wait_for_readers(void *arg)
{
	int *result = arg;

	*result = wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, INT64_MAX);
	return NULL;
}

/* What is added while somebody waits is not waited for, else a busy buffer is never idle. */
Test(reservation_resv_read, wait_is_not_prolonged_by_later_fences)
{
	struct wwr_fence *first = add_new(1, WWR_RESV_USAGE_READ);
	struct wwr_fence *later;
	pthread_t waiter;
	int result = 1;

	cr_assert_eq(pthread_create(&waiter, NULL, wait_for_readers, &result), 0);
	test_until_futex_waits(1);
	later = add_new(2, WWR_RESV_USAGE_READ);
	cr_assert_eq(wwr_fence_signal(first), 0);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	cr_expect_eq(result, 0);
	cr_expect_not(wwr_fence_is_signaled(later));
	finish();
}

/* The waiter has references of its own: the reservation may forget the fence meanwhile. */
Test(reservation_resv_read, wait_survives_that_its_fence_is_replaced)
{
	struct wwr_fence *first = wwr_fence_get(add_new(1, WWR_RESV_USAGE_READ));
	struct wwr_fence *stub = wwr_fence_stub();
	pthread_t waiter;
	int result = 1;

	cr_assert_eq(pthread_create(&waiter, NULL, wait_for_readers, &result), 0);
	test_until_futex_waits(1);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_replace_fences(&resv, 1, stub, WWR_RESV_USAGE_READ), 0);
	wwr_mutex_unlock(&resv.mutex);
	cr_expect(wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP));
	cr_assert_eq(wwr_fence_signal(first), 0);
	wwr_fence_put(first);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	cr_expect_eq(result, 0);
	wwr_fence_put(stub);
	finish();
}

static struct wwr_interrupt_token sleeper_token;

static void *wait_with_token(void *arg)
{
	int *result = arg;

	*result = wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, &sleeper_token, INT64_MAX);
	return NULL;
}

/* Asleep for the first fence, and for one that it had to look for anew. */
Test(reservation_resv_read, wait_is_interrupted_while_it_sleeps)
{
	struct wwr_fence *many[NUM_MANY];
	int result = 1;

	for (int i = 0; i < NUM_MANY; i++)
		many[i] = add_new(1000 + (uint64_t)i, WWR_RESV_USAGE_READ);
	for (unsigned int num_sleeps = 1; num_sleeps <= 2; num_sleeps++) {
		unsigned int num_waits = test_futex_waits();
		pthread_t waiter;

		wwr_interrupt_token_init(&sleeper_token);
		cr_assert_eq(pthread_create(&waiter, NULL, wait_with_token, &result), 0);
		test_until_futex_waits(num_waits + 1);
		/* The first one last: then the waiter sleeps for none of the others. */
		for (int i = NUM_MANY / 2; i >= 0 && num_sleeps == 2; i--)
			(void)wwr_fence_signal(many[i]);
		test_until_futex_waits(num_waits + num_sleeps);
		wwr_interrupt(&sleeper_token);
		cr_assert_eq(pthread_join(waiter, NULL), 0);
		cr_expect_eq(result, -EINTR);
		for (int i = NUM_MANY / 2 + 1; i < NUM_MANY; i++)
			cr_expect_eq(many[i]->refcount, 1);
	}
	finish();
}

/* Beyond the first ones a wait looks again; but not behind what was there at its beginning. */
Test(reservation_resv_read, wait_for_many_does_not_wait_for_what_is_added_behind)
{
	struct wwr_fence *many[NUM_MANY];
	struct wwr_fence *last;
	pthread_t waiter;
	int result = 1;

	for (int i = 0; i < NUM_MANY; i++)
		many[i] = add_new(1000 + (uint64_t)i, WWR_RESV_USAGE_READ);
	cr_assert_eq(pthread_create(&waiter, NULL, wait_for_readers, &result), 0);
	test_until_futex_waits(1);
	last = add_new(2, WWR_RESV_USAGE_READ);
	for (int i = NUM_MANY - 1; i >= 0; i--)
		(void)wwr_fence_signal(many[i]);
	cr_assert_eq(pthread_join(waiter, NULL), 0);
	cr_expect_eq(result, 0);
	cr_expect_not(wwr_fence_is_signaled(last));
	finish();
}
