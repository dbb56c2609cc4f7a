/* SPDX-License-Identifier: MIT */
/* Copies of a reservation's fences: into another one, as one fence, as text. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/starve.h"

#include "reservation/resv_table.h"

#include <wwresv/fence_array.h>
#include <wwresv/lock_set.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUM_USAGES 4

static struct wwr_resv from;
static struct wwr_resv to;
static struct wwr_fence *fences[NUM_USAGES]; /* one of each usage, held by from */

static void setup(void)
{
	test_alloc_install();
	wwr_resv_init(&from, NULL);
	wwr_resv_init(&to, NULL);
}

static void finish(void)
{
	wwr_resv_fini(&from);
	wwr_resv_fini(&to);
	cr_expect_eq(test_fences_alive(), 0);
	resv_cells_reset(true);
	cr_expect_eq(test_alloc_alive(), 0);
}

TestSuite(reservation_resv_copy, .init = setup, .timeout = 20);

static void lock(struct wwr_resv *resv)
{
	cr_assert_eq(wwr_mutex_lock(&resv->mutex, NULL), 0);
}

static void unlock(struct wwr_resv *resv)
{
	wwr_mutex_unlock(&resv->mutex);
}

static struct wwr_fence *add_new(struct wwr_resv *resv, uint64_t context, enum wwr_resv_usage usage)
{
	struct wwr_fence *fence = test_fence_create(context, 1);

	lock(resv);
	cr_assert_eq(wwr_resv_reserve_fences(resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(resv, fence, usage), 0);
	unlock(resv);
	wwr_fence_put(fence);
	return fence;
}

static void add_one_of_each(void)
{
	for (int usage = NUM_USAGES - 1; usage >= 0; usage--)
		fences[usage] = add_new(&from, 10 + (uint64_t)usage, (enum wwr_resv_usage)usage);
}

/* What is in a reservation under its lock, in order: "2:READ" is context 2 as READ. */
static void expect_content(struct wwr_resv *resv, const char *content)
{
	static const char names[] = "KWRB";
	char text[256] = "";
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	lock(resv);
	wwr_resv_iter_begin(&iter, resv, WWR_RESV_USAGE_BOOKKEEP);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length, "%u:%c ",
			 (unsigned int)fence->context, names[wwr_resv_iter_usage(&iter)]);
	}
	unlock(resv);
	cr_expect_str_eq(text, content);
}

Test(reservation_resv_copy, copy_puts_pending_fences_with_their_usages_in_the_place_of_all)
{
	add_one_of_each();
	add_new(&to, 1, WWR_RESV_USAGE_READ);
	cr_assert_eq(wwr_fence_signal(fences[WWR_RESV_USAGE_READ]), 0);
	lock(&to);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	unlock(&to);
	expect_content(&to, "13:B 11:W 10:K ");
	expect_content(&from, "13:B 12:R 11:W 10:K ");
	cr_expect_eq(test_fences_alive(), 4, "what was there before is released");
	cr_expect_eq(fences[WWR_RESV_USAGE_WRITE]->refcount, 2);
	/* The copies signal with the originals. */
	cr_expect_not(wwr_resv_test_signaled(&to, WWR_RESV_USAGE_KERNEL));
	cr_assert_eq(wwr_fence_signal(fences[WWR_RESV_USAGE_KERNEL]), 0);
	cr_expect(wwr_resv_test_signaled(&to, WWR_RESV_USAGE_KERNEL));
	cr_expect_not(wwr_resv_test_signaled(&to, WWR_RESV_USAGE_WRITE));
	finish();
}

Test(reservation_resv_copy, copy_of_nothing_leaves_nothing)
{
	lock(&to);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	unlock(&to);
	expect_content(&to, "");
	for (uint64_t i = 0; i < 9; i++)
		add_new(&to, 1 + i, WWR_RESV_USAGE_READ);
	lock(&to);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	unlock(&to);
	expect_content(&to, "");
	cr_expect_eq(test_fences_alive(), 0);
	add_new(&to, 1, WWR_RESV_USAGE_READ);
	expect_content(&to, "1:R ");
	finish();
}

Test(reservation_resv_copy, copy_of_more_than_there_is_room_for_makes_room)
{
	for (uint64_t i = 0; i < 100; i++)
		add_new(&from, 1 + i, WWR_RESV_USAGE_READ);
	add_new(&to, 1000, WWR_RESV_USAGE_READ);
	lock(&to);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	cr_expect_eq(to.num_fences, 100);
	unlock(&to);
	finish();
}

Test(reservation_resv_copy, copy_from_itself_changes_nothing)
{
	add_one_of_each();
	lock(&from);
	cr_expect_eq(wwr_resv_copy_fences(&from, &from), 0);
	unlock(&from);
	expect_content(&from, "13:B 12:R 11:W 10:K ");
	finish();
}

/* Adds a fence that may be there already; a second usage of it must be the higher one. */
static void add_as(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	lock(resv);
	cr_assert_eq(wwr_resv_reserve_fences(resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(resv, fence, usage), 0);
	unlock(resv);
}

/* A reader that has passed its place would not find it in another one. */
Test(reservation_resv_copy, copy_leaves_a_fence_that_is_there_already_in_its_place)
{
	struct wwr_fence *both[2];

	for (uint64_t i = 0; i < 2; i++)
		both[i] = test_fence_create(1 + i, 1);
	add_new(&to, 20, WWR_RESV_USAGE_READ);
	add_as(&to, both[1], WWR_RESV_USAGE_READ);
	add_as(&to, both[0], WWR_RESV_USAGE_WRITE);
	add_as(&to, both[0], WWR_RESV_USAGE_READ);
	add_as(&to, both[1], WWR_RESV_USAGE_BOOKKEEP);
	expect_content(&to, "20:R 2:R 1:W 1:R 2:B ");
	add_as(&from, both[0], WWR_RESV_USAGE_KERNEL);
	add_new(&from, 30, WWR_RESV_USAGE_READ);
	add_as(&from, both[1], WWR_RESV_USAGE_READ);
	add_as(&from, both[1], WWR_RESV_USAGE_BOOKKEEP);
	expect_content(&from, "1:K 30:R 2:R 2:B ");
	lock(&to);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	cr_expect_eq(resv_fence(&to, 1), both[1]);
	cr_expect_eq(resv_fence(&to, 2), both[0]);
	cr_expect_eq(to.num_fences, 3);
	unlock(&to);
	expect_content(&to, "30:R 2:R 1:K ");
	cr_expect_eq(both[0]->refcount, 3);
	cr_expect_eq(both[1]->refcount, 4);
	for (int i = 0; i < 2; i++)
		wwr_fence_put(both[i]);
	finish();
}

static int lock_both(struct wwr_lock_set *set, void *arg)
{
	int ret = wwr_lock_set_lock(set, &from.mutex);

	(void)arg;
	return ret == 0 ? wwr_lock_set_lock(set, &to.mutex) : ret;
}

static int copy_both_ways(struct wwr_lock_set *set, void *arg)
{
	(void)set;
	(void)arg;
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	cr_expect_eq(wwr_resv_copy_fences(&from, &to), 0);
	return 0;
}

/* Both ways round, in one transaction: the source may be locked, too. */
Test(reservation_resv_copy, copy_under_both_locks)
{
	struct wwr_lock_set set;

	add_one_of_each();
	cr_assert_eq(wwr_lock_set_init(&set, wwr_default_class(), NULL), 0);
	cr_expect_eq(wwr_lock_set_lock_all(&set, lock_both, copy_both_ways, NULL), 0);
	wwr_lock_set_fini(&set);
	expect_content(&to, "13:B 12:R 11:W 10:K ");
	expect_content(&from, "13:B 12:R 11:W 10:K ");
	finish();
}

Test(reservation_resv_copy, copy_keeps_the_slots_reserved_before)
{
	add_one_of_each();
	lock(&to);
	cr_assert_eq(wwr_resv_reserve_fences(&to, 3), 0);
	cr_expect_eq(wwr_resv_copy_fences(&to, &from), 0);
	for (uint64_t i = 0; i < 4; i++) {
		struct wwr_fence *fence = test_fence_create(100 + i, 1);

		cr_expect_eq(wwr_resv_add_fence(&to, fence, WWR_RESV_USAGE_READ),
			     i < 3 ? 0 : -ENOSPC);
		wwr_fence_put(fence);
	}
	unlock(&to);
	expect_content(&to, "13:B 12:R 11:W 10:K 100:R 101:R 102:R ");
	finish();
}

static int copy_to(void)
{
	int ret;

	lock(&to);
	ret = wwr_resv_copy_fences(&to, &from);
	unlock(&to);
	if (ret != 0)
		expect_content(&to, "1:R ");
	return ret;
}

static int get_all(void)
{
	struct wwr_fence **copies;
	unsigned int num;
	int ret = wwr_resv_get_fences(&from, WWR_RESV_USAGE_BOOKKEEP, &num, &copies);

	if (ret == 0)
		wwr_resv_put_fences(num, copies);
	return ret;
}

static int get_one(void)
{
	struct wwr_fence *untouched = &(struct wwr_fence){.seqno = 1};
	struct wwr_fence *single = untouched;
	int ret = wwr_resv_get_singleton(&from, WWR_RESV_USAGE_BOOKKEEP, &single);

	if (ret != 0)
		cr_expect_eq(single, untouched);
	else
		wwr_fence_put(single);
	return ret;
}

static int reserve_many(void)
{
	int ret;

	lock(&to);
	ret = wwr_resv_reserve_fences(&to, 100);
	unlock(&to);
	return ret;
}

/* Fails at each allocation in turn, once or from there on; returns how many there were. */
static unsigned int fail_each(int (*call)(void), bool sticky)
{
	unsigned int nth = 0;
	int ret;

	do {
		unsigned int num_alive = test_alloc_alive();

		test_alloc_fail(++nth, sticky);
		ret = call();
		test_alloc_fail(0, false);
		cr_assert(ret == 0 || ret == -ENOMEM);
		/* What a failed reserve has got so far is kept for the next one. */
		if (ret != 0 && call != reserve_many)
			cr_expect_eq(test_alloc_alive(), num_alive, "allocation %u", nth);
	} while (ret != 0);
	return nth - 1;
}

Test(reservation_resv_copy, every_allocation_that_fails_is_enomem_and_changes_nothing)
{
	for (int sticky = 0; sticky < 2; sticky++) {
		struct wwr_resv_cell *hostages;

		setup();
		add_one_of_each();
		add_new(&from, 20, WWR_RESV_USAGE_READ);
		add_new(&to, 1, WWR_RESV_USAGE_READ);
		cr_expect_eq(fail_each(get_all, sticky), 1);
		cr_expect_geq(fail_each(get_one, sticky), 2, "a list, and an array");
		/* The references and words, and a larger table. */
		cr_expect_eq(fail_each(copy_to, sticky), 3);
		expect_content(&to, "13:B 12:R 11:W 10:K 20:R ");
		hostages = test_starve();
		test_alloc_fail(0, false);
		cr_expect_geq(fail_each(reserve_many, sticky), 2, "a table, and cells");
		test_feed(hostages);
		finish();
	}
}

Test(reservation_resv_copy, get_singleton_of_nothing_is_null)
{
	struct wwr_fence *single = wwr_fence_stub();
	struct wwr_fence *stub = single;

	cr_expect_eq(wwr_resv_get_singleton(&from, WWR_RESV_USAGE_BOOKKEEP, &single), 0);
	cr_expect_null(single);
	(void)wwr_fence_signal(add_new(&from, 1, WWR_RESV_USAGE_READ));
	single = stub;
	cr_expect_eq(wwr_resv_get_singleton(&from, WWR_RESV_USAGE_BOOKKEEP, &single), 0);
	cr_expect_null(single);
	wwr_fence_put(stub);
	finish();
}

Test(reservation_resv_copy, get_singleton_of_one_is_that_fence)
{
	struct wwr_fence *single;

	add_one_of_each();
	cr_expect_eq(wwr_resv_get_singleton(&from, WWR_RESV_USAGE_KERNEL, &single), 0);
	cr_expect_eq(single, fences[WWR_RESV_USAGE_KERNEL]);
	cr_expect_eq(single->refcount, 2);
	wwr_fence_put(single);
	finish();
}

Test(reservation_resv_copy, get_singleton_of_several_signals_with_the_last)
{
	struct wwr_fence *single;

	add_one_of_each();
	cr_expect_eq(wwr_resv_get_singleton(&from, WWR_RESV_USAGE_READ, &single), 0);
	cr_expect(wwr_fence_is_array(single));
	cr_expect_eq(fences[WWR_RESV_USAGE_READ]->refcount, 2);
	cr_expect_eq(fences[WWR_RESV_USAGE_BOOKKEEP]->refcount, 1);
	for (int usage = WWR_RESV_USAGE_KERNEL; usage <= WWR_RESV_USAGE_READ; usage++) {
		cr_expect_not(wwr_fence_is_signaled(single));
		cr_assert_eq(wwr_fence_signal(fences[usage]), 0);
	}
	cr_expect(wwr_fence_is_signaled(single));
	wwr_fence_put(single);
	finish();
}

static const char *const usage_names[NUM_USAGES] = {"kernel", "write", "read", "bookkeep"};

static int describe(char *ret_text, size_t size_bytes)
{
	return wwr_resv_describe(&from, ret_text, size_bytes);
}

Test(reservation_resv_copy, describe_prints_each_fence_with_its_usage)
{
	char expected[512] = "";
	char text[512];

	add_one_of_each();
	cr_assert_eq(wwr_fence_signal(fences[WWR_RESV_USAGE_READ]), 0);
	for (int usage = NUM_USAGES - 1; usage >= 0; usage--) {
		size_t length = strlen(expected);

		snprintf(expected + length, sizeof(expected) - length, "%s test line %d:1 %s\n",
			 usage_names[usage], 10 + usage,
			 usage == WWR_RESV_USAGE_READ ? "done" : "pending");
	}
	cr_expect_eq(describe(text, sizeof(text)), (int)strlen(expected));
	cr_expect_str_eq(text, expected);
	for (int usage = 0; usage < NUM_USAGES; usage++)
		cr_expect_eq(fences[usage]->refcount, 1);
	finish();
}

Test(reservation_resv_copy, describe_of_nothing_is_an_empty_line)
{
	char text[4] = "abc";

	cr_expect_eq(describe(text, sizeof(text)), 0);
	cr_expect_str_eq(text, "");
	finish();
}

/* As snprintf(): the whole length, and as much text as there is room for. */
Test(reservation_resv_copy, describe_without_room_returns_the_whole_length)
{
	char whole[512];
	char text[512];
	int length;

	add_one_of_each();
	length = describe(whole, sizeof(whole));
	cr_assert(length > 100 && length < (int)sizeof(whole));
	cr_expect_eq(describe(NULL, 0), length);
	for (size_t room = 1; room < sizeof(text); room++) {
		size_t shown = room <= (size_t)length ? room - 1 : (size_t)length;

		memset(text, '#', sizeof(text));
		cr_assert_eq(describe(text, room), length);
		cr_assert_eq(strlen(text), shown, "%zu bytes of room", room);
		cr_assert_eq(memcmp(text, whole, shown), 0);
		cr_assert(shown + 1 == sizeof(text) || text[shown + 1] == '#');
	}
	finish();
}
