/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a reservation, and the same on a list that follows the rules in the plainest
 * way.  The one thing that the list does not foresee is when the table grows; it then checks that
 * only signalled fences went, and goes on from what it sees.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/resv.h>

#include <errno.h>
#include <stdio.h>

TestSuite(reservation_resv_model, .timeout = 60);

#define NUM_CONTEXTS  5
#define NUM_SEQNOS    8
#define MAX_ENTRIES   4096
#define NUM_STEPS     20000
#define MAX_TO_FOLLOW 64

/* A reference of the model's own: the reservation may release what the model still looks at. */
struct entry {
	struct wwr_fence *fence;
	enum wwr_resv_usage usage;
};

static struct wwr_resv resv;
static struct entry model[MAX_ENTRIES];
static unsigned int num_model;
static unsigned int num_slots;
static uint64_t state;
static unsigned int num_appended, num_replaced, num_refused, num_dropped, num_enomem;

static unsigned int pick(unsigned int num)
{
	return (unsigned int)(test_random(&state) % num);
}

static bool model_replaces(const struct entry *old, const struct wwr_fence *fence,
			   enum wwr_resv_usage usage)
{
	if (wwr_fence_get_status(old->fence) != 0)
		return true;
	if (old->fence == fence)
		return old->usage >= usage;
	return old->fence->context == fence->context && old->usage >= usage &&
	       old->fence->seqno < fence->seqno;
}

static void model_set(struct entry *entry, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	struct wwr_fence *old = entry->fence;

	*entry = (struct entry){wwr_fence_get(fence), usage};
	wwr_fence_put(old);
}

/* What wwr_resv_add_fence() is to return, and to do. */
static int model_add(struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	for (unsigned int i = 0; i < num_model; i++) {
		if (!model_replaces(&model[i], fence, usage))
			continue;
		model_set(&model[i], fence, usage);
		num_replaced++;
		return 0;
	}
	if (num_slots == 0) {
		num_refused++;
		return -ENOSPC;
	}
	num_slots--;
	num_appended++;
	cr_assert(num_model < MAX_ENTRIES);
	model[num_model] = (struct entry){NULL, usage};
	model_set(&model[num_model++], fence, usage);
	return 0;
}

static void model_replace(uint64_t context, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	for (unsigned int i = 0; i < num_model; i++) {
		if (model[i].fence->context == context)
			model_set(&model[i], fence, usage);
	}
}

/* The reservation shows exactly the model's entries, in the same order. */
static void expect_same(unsigned int step)
{
	struct wwr_resv_iter iter;

	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	for (unsigned int i = 0; i < num_model; i++) {
		cr_assert_eq(wwr_resv_iter_next(&iter), model[i].fence, "step %u, entry %u", step,
			     i);
		cr_assert_eq(wwr_resv_iter_usage(&iter), model[i].usage, "step %u, entry %u", step,
			     i);
	}
	cr_assert_null(wwr_resv_iter_next(&iter), "step %u: more than the model's", step);
}

/* After a reserve: what is missing had signalled, and the rest keeps its order. */
static void follow_drops(unsigned int step)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;
	unsigned int kept = 0;

	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	fence = wwr_resv_iter_next(&iter);
	for (unsigned int i = 0; i < num_model; i++) {
		if (fence == model[i].fence && wwr_resv_iter_usage(&iter) == model[i].usage) {
			model[kept++] = model[i];
			fence = wwr_resv_iter_next(&iter);
			continue;
		}
		cr_assert_eq(wwr_fence_get_status(model[i].fence), 1,
			     "step %u: a pending fence was dropped", step);
		wwr_fence_put(model[i].fence);
		num_dropped++;
	}
	num_model = kept;
	cr_assert_null(fence, "step %u: more than the model's", step);
}

static void step_reserve(unsigned int step)
{
	unsigned int num = pick(12) + 1;
	int ret;

	test_alloc_fail(pick(4) == 0, false);
	ret = wwr_resv_reserve_fences(&resv, num);
	test_alloc_fail(0, false);
	if (ret == -ENOMEM) {
		num_enomem++;
		return;
	}
	cr_assert_eq(ret, 0);
	if (num_slots < num)
		num_slots = num;
	follow_drops(step);
}

/* Every fence that was ever made, so that old ones come back too. */
static struct wwr_fence *known[MAX_TO_FOLLOW];

static struct wwr_fence *pick_fence(void)
{
	unsigned int place = pick(MAX_TO_FOLLOW);

	if (known[place] == NULL || pick(3) == 0) {
		wwr_fence_put(known[place]);
		known[place] = test_fence_create(1 + pick(NUM_CONTEXTS), pick(NUM_SEQNOS));
	}
	return known[place];
}

/* Small tables grow often, and so drop what has signalled. */
static void start_afresh(void)
{
	wwr_resv_fini(&resv);
	wwr_resv_init(&resv, NULL);
	for (unsigned int i = 0; i < num_model; i++)
		wwr_fence_put(model[i].fence);
	num_model = 0;
}

static void one_step(unsigned int step)
{
	struct wwr_fence *fence = pick_fence();
	enum wwr_resv_usage usage = (enum wwr_resv_usage)pick(4);
	unsigned int what = pick(100);

	if (what < 60) {
		int expected = model_add(fence, usage);

		cr_assert_eq(wwr_resv_add_fence(&resv, fence, usage), expected, "step %u", step);
	} else if (what < 75) {
		step_reserve(step);
	} else if (what < 90) {
		(void)wwr_fence_signal(fence);
	} else if (what < 92) {
		uint64_t context = 1 + pick(NUM_CONTEXTS);

		model_replace(context, fence, usage);
		cr_assert_eq(wwr_resv_replace_fences(&resv, context, fence, usage), 0);
	} else {
		wwr_mutex_unlock(&resv.mutex);
		if (what == 99)
			start_afresh();
		cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
		num_slots = 0;
	}
}

/* The reservation's own view of what is pending agrees with the list. */
static void expect_pending(unsigned int step)
{
	enum wwr_resv_usage usage = (enum wwr_resv_usage)pick(4);
	struct wwr_fence **copy;
	unsigned int num_pending = 0;
	unsigned int num;

	for (unsigned int i = 0; i < num_model; i++)
		num_pending += model[i].usage <= usage && wwr_fence_get_status(model[i].fence) == 0;
	cr_assert_eq(wwr_resv_test_signaled(&resv, usage), num_pending == 0, "step %u", step);
	cr_assert_eq(wwr_resv_wait_until(&resv, usage, NULL, 0), num_pending == 0 ? 0 : -ETIME,
		     "step %u", step);
	cr_assert_eq(wwr_resv_get_fences(&resv, usage, &num, &copy), 0);
	cr_assert_eq(num, num_pending, "step %u", step);
	wwr_resv_put_fences(num, copy);
}

Test(reservation_resv_model, random_operations_follow_the_model)
{
	unsigned int num_steps = test_rounds(NUM_STEPS);

	state = test_seed();
	/* Every refusal is reported: thousands of lines that nobody reads. */
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	test_alloc_install();
	wwr_resv_init(&resv, NULL);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	for (unsigned int step = 0; step < num_steps; step++) {
		one_step(step);
		expect_same(step);
		expect_pending(step);
	}
	wwr_mutex_unlock(&resv.mutex);
	start_afresh();
	for (unsigned int i = 0; i < MAX_TO_FOLLOW; i++)
		wwr_fence_put(known[i]);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);

	/* The walk came by everything that it is to check. */
	cr_expect(num_appended > 0 && num_replaced > 0 && num_refused > 0 && num_dropped > 0 &&
		      num_enomem > 0,
		  "%u appended, %u replaced, %u refused, %u dropped, %u without memory",
		  num_appended, num_replaced, num_refused, num_dropped, num_enomem);
	TEST_ASSERT_NO_LEAK();
}
