/* SPDX-License-Identifier: MIT */
/* Signalling sections and what they forbid; fences that wait for a client. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"

#include <wwresv/acquire_ctx.h>
#include <wwresv/alloc.h>
#include <wwresv/class.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>
#include <wwresv/fence_signaling.h>
#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>
#include <wwresv/resv.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/syncobj.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <stdio.h>

static char last_report[512];
static unsigned int num_reports;

static void keep_report(const char *text, void *data)
{
	num_reports++;
	snprintf(last_report, sizeof(last_report), "%s", text);
	*(unsigned int *)data += 1;
	/* A report may do what it must not be caught at. */
	wwr_free(wwr_alloc(1));
}

static unsigned int num_data;
static struct wwr_class lock_class = WWR_CLASS_INIT("signaling", WWR_WOUND_WAIT);
static struct wwr_mutex mutexes[3];
static struct wwr_fence *fence;

static void setup(void)
{
	wwr_debug_set_report_func(keep_report, &num_data);
	wwr_debug_set_checks(WWR_DEBUG_SECTIONS);
	for (int i = 0; i < 3; i++)
		wwr_mutex_init(&mutexes[i], &lock_class);
	fence = test_fence_create(7, 3);
}

static void teardown(void)
{
	wwr_debug_set_report_func(NULL, NULL);
	wwr_fence_put(fence);
}

TestSuite(reservation_fence_signaling, .init = setup, .fini = teardown, .timeout = 20);

/* So many reports since the last time; the last one has all of this in it. */
static void expect_reports(unsigned int num, const char *where, const char *what)
{
	cr_expect_eq(num_reports, num, "%u reports, the last one: %s", num_reports, last_report);
	cr_expect_eq(num_data, num);
	if (num > 0 && num_reports > 0) {
		cr_expect(strstr(last_report, where) != NULL, "%s", last_report);
		cr_expect(strstr(last_report, what) != NULL, "%s", last_report);
	}
	num_reports = 0;
	num_data = 0;
}

static void lock_and_unlock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	cr_assert_eq(wwr_mutex_lock(mutex, ctx), 0);
	wwr_mutex_unlock(mutex);
}

Test(reservation_fence_signaling, lock_inside_is_reported_once_and_done)
{
	struct wwr_fence_signaling section;
	struct wwr_acquire_ctx ctx;

	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(0, "", "");
	wwr_fence_begin_signaling(&section, fence, "retire");
	lock_and_unlock(&mutexes[0], NULL);
	lock_and_unlock(&mutexes[1], NULL);
	expect_reports(1, "signalling section \"retire\" of fence", "locks mutex");
	cr_expect(strstr(last_report, "(test line 7:3 pending)") != NULL, "%s", last_report);
	wwr_fence_end_signaling(&section);
	lock_and_unlock(&mutexes[0], NULL);

	wwr_acquire_ctx_init(&ctx, &lock_class);
	cr_assert_eq(wwr_mutex_lock(&mutexes[0], &ctx), 0);
	wwr_fence_begin_signaling(&section, NULL, "submit");
	cr_assert_eq(wwr_mutex_lock(&mutexes[1], &ctx), 0);
	expect_reports(1, "signalling section \"submit\"", "locks mutex");
	cr_expect(strstr(last_report, "fence") == NULL, "%s", last_report);
	wwr_mutex_unlock(&mutexes[1]);
	wwr_mutex_unlock(&mutexes[0]);
	wwr_fence_end_signaling(&section);
	wwr_acquire_ctx_fini(&ctx);
	expect_reports(0, "", "");
}

Test(reservation_fence_signaling, lock_of_a_set_inside_is_reported)
{
	struct wwr_fence_signaling section;
	struct wwr_lock_set set;

	cr_assert_eq(wwr_lock_set_init(&set, &lock_class, NULL), 0);
	cr_assert_eq(wwr_lock_set_lock(&set, &mutexes[0]), 0);
	wwr_fence_begin_signaling(&section, fence, "run");
	cr_expect_eq(wwr_lock_set_lock(&set, &mutexes[0]), 0, "it has that one already");
	expect_reports(0, "", "");
	cr_assert_eq(wwr_lock_set_lock(&set, &mutexes[2]), 0);
	expect_reports(1, "\"run\"", "locks mutex");
	wwr_fence_end_signaling(&section);
	wwr_lock_set_fini(&set);
}

Test(reservation_fence_signaling, trylock_inside_is_no_violation)
{
	struct wwr_fence_signaling section;

	wwr_fence_begin_signaling(&section, fence, "retire");
	cr_assert_eq(wwr_mutex_trylock(&mutexes[0], NULL), 0);
	wwr_mutex_unlock(&mutexes[0]);
	wwr_fence_end_signaling(&section);
	expect_reports(0, "", "");
}

Test(reservation_fence_signaling, allocation_inside_is_reported)
{
	struct wwr_fence_signaling section;
	void *memory;

	wwr_fence_begin_signaling(&section, fence, "retire");
	memory = wwr_alloc(16);
	cr_expect_not_null(memory);
	expect_reports(1, "\"retire\"", "allocates memory");
	wwr_free(memory);
	wwr_fence_end_signaling(&section);
	memory = wwr_alloc(16);
	wwr_free(memory);
	expect_reports(0, "", "");
}

Test(reservation_fence_signaling, wait_inside_is_reported)
{
	struct wwr_fence *other = test_fence_create(8, 4);
	struct wwr_fence_signaling section;
	unsigned int index;

	wwr_fence_begin_signaling(&section, fence, "retire");
	cr_expect_eq(wwr_fence_wait_until(other, NULL, 0), -ETIME, "a poll is no wait");
	expect_reports(0, "", "");
	cr_expect_eq(wwr_fence_wait_until(other, NULL, 1), -ETIME);
	expect_reports(1, "\"retire\"", "waits for the signal of fence");
	cr_expect(strstr(last_report, "(test line 8:4 pending)") != NULL, "%s", last_report);
	wwr_fence_end_signaling(&section);

	wwr_fence_begin_signaling(&section, fence, "again");
	cr_expect_eq(wwr_fence_wait_any(1, &other, NULL, 1, &index), -ETIME);
	expect_reports(1, "\"again\"", "waits for the signal of fence");
	wwr_fence_end_signaling(&section);

	cr_assert_eq(wwr_fence_signal(other), 0);
	wwr_fence_begin_signaling(&section, fence, "retire");
	cr_expect_eq(wwr_fence_wait_until(other, NULL, INT64_MAX), 0, "nothing to wait for");
	expect_reports(0, "", "");
	wwr_fence_end_signaling(&section);
	wwr_fence_put(other);
}

Test(reservation_fence_signaling, sections_nest)
{
	struct wwr_fence_signaling outer;
	struct wwr_fence_signaling inner;

	wwr_fence_begin_signaling(&outer, fence, "outer");
	wwr_fence_begin_signaling(&inner, fence, "inner");
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(1, "\"inner\"", "locks mutex");
	wwr_fence_end_signaling(&inner);
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(1, "\"outer\"", "locks mutex");
	wwr_fence_end_signaling(&outer);
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(0, "", "");
}

static void end_in_the_wrong_order(void *arg)
{
	struct wwr_fence_signaling outer;
	struct wwr_fence_signaling inner;

	(void)arg;
	wwr_fence_begin_signaling(&outer, NULL, "outer");
	wwr_fence_begin_signaling(&inner, NULL, "inner");
	wwr_fence_end_signaling(&outer);
}

Test(reservation_fence_signaling, end_of_another_than_the_innermost_aborts)
{
	cr_expect(test_aborts_with(end_in_the_wrong_order, NULL, "not the innermost one"));
}

static void lock_in_a_callback(struct wwr_fence *signalled, struct wwr_fence_cb *cb)
{
	(void)signalled;
	(void)cb;
	lock_and_unlock(&mutexes[0], NULL);
}

Test(reservation_fence_signaling, callbacks_are_a_section)
{
	struct wwr_fence_signaling section;
	struct wwr_fence_cb cb;

	cr_assert_eq(wwr_fence_add_callback(fence, &cb, lock_in_a_callback), 0);
	wwr_fence_begin_signaling(&section, NULL, "signal");
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_end_signaling(&section);
	expect_reports(1, "a callback of fence", "locks mutex");
	cr_expect(strstr(last_report, "(test line 7:3 done)") != NULL, "%s", last_report);
}

Test(reservation_fence_signaling, nothing_is_looked_for_when_the_check_is_off)
{
	struct wwr_fence_signaling section;
	struct wwr_fence_signaling inner;
	struct wwr_fence_cb cb;

	cr_expect_eq(wwr_debug_get_checks(), (unsigned int)WWR_DEBUG_SECTIONS);
	wwr_debug_set_checks(0);
	cr_expect_eq(wwr_debug_get_checks(), 0);
	cr_assert_eq(wwr_fence_add_callback(fence, &cb, lock_in_a_callback), 0);
	wwr_fence_begin_signaling(&section, fence, "retire");
	lock_and_unlock(&mutexes[0], NULL);
	wwr_free(wwr_alloc(1));
	cr_assert_eq(wwr_fence_signal(fence), 0);
	/* Switched on in between: what began before stays as it is. */
	wwr_debug_set_checks(~0u);
	cr_expect_eq(wwr_debug_get_checks(), (unsigned int)WWR_DEBUG_CHECK_MASK);
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(0, "", "");
	wwr_fence_begin_signaling(&inner, fence, "inner");
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(1, "\"inner\"", "locks mutex");
	wwr_debug_set_checks(0);
	lock_and_unlock(&mutexes[0], NULL);
	wwr_fence_end_signaling(&inner);
	wwr_fence_end_signaling(&section);
}

/* The outer section is checked, the inner one is not. */
Test(reservation_fence_signaling, violation_belongs_to_the_innermost_checked_section)
{
	struct wwr_fence_signaling outer;
	struct wwr_fence_signaling inner;

	wwr_fence_begin_signaling(&outer, NULL, "outer");
	wwr_debug_set_checks(0);
	wwr_fence_begin_signaling(&inner, NULL, "inner");
	lock_and_unlock(&mutexes[0], NULL);
	expect_reports(1, "\"outer\"", "locks mutex");
	wwr_fence_end_signaling(&inner);
	wwr_fence_end_signaling(&outer);
}

Test(reservation_fence_signaling, containers_signal_without_a_violation)
{
	struct wwr_fence *members[2] = {fence, test_fence_create(8, 1)};
	struct wwr_fence_signaling section;
	struct wwr_fence *array;
	struct wwr_fence *node;

	cr_assert_eq(wwr_fence_array_create(2, members, 1, 1, &array), 0);
	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), members[1], array, 1, &node),
		     0);
	cr_expect_eq(wwr_fence_wait_until(node, NULL, 0), -ETIME);
	wwr_fence_put(array);
	wwr_fence_begin_signaling(&section, fence, "signal");
	cr_assert_eq(wwr_fence_signal(members[1]), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(members[1]);
	cr_expect(wwr_fence_is_signaled(node));
	wwr_fence_put(node);
	wwr_fence_end_signaling(&section);
	expect_reports(0, "", "");
}

static struct wwr_fence *create_dependent(uint64_t seqno)
{
	struct wwr_fence *dependent = test_fence_create(9, seqno);

	wwr_fence_set_client_dependent(dependent);
	return dependent;
}

Test(reservation_fence_signaling, client_mark_ends_with_the_signal)
{
	struct wwr_fence *dependent = create_dependent(1);

	cr_expect(wwr_fence_is_client_dependent(dependent));
	cr_expect_not(wwr_fence_is_client_dependent(fence));
	cr_assert_eq(wwr_fence_signal(dependent), 0);
	cr_expect_not(wwr_fence_is_client_dependent(dependent));
	wwr_fence_put(dependent);
}

Test(reservation_fence_signaling, containers_inherit_the_client_mark_while_it_holds)
{
	struct wwr_fence *members[2] = {fence, create_dependent(1)};
	struct wwr_fence *array;
	struct wwr_fence *first;
	struct wwr_fence *node;
	struct wwr_fence *merged;

	cr_assert_eq(wwr_fence_array_create(2, members, 1, 1, &array), 0);
	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), NULL, array, 1, &first), 0);
	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), first, fence, 2, &node), 0);
	cr_assert_eq(wwr_fence_merge(1, &node, &merged), 0);
	cr_expect(wwr_fence_is_client_dependent(array));
	cr_expect(wwr_fence_is_client_dependent(first));
	cr_expect(wwr_fence_is_client_dependent(node));
	cr_expect(wwr_fence_is_client_dependent(merged));
	wwr_fence_put(merged);
	cr_assert_eq(wwr_fence_array_create(1, members, 1, 1, &merged), 0);
	cr_expect_not(wwr_fence_is_client_dependent(merged));

	cr_assert_eq(wwr_fence_signal(members[1]), 0);
	cr_expect_not(wwr_fence_is_client_dependent(array));
	cr_expect_not(wwr_fence_is_client_dependent(first));
	cr_expect_not(wwr_fence_is_client_dependent(node));
	cr_expect_not(wwr_fence_is_signaled(node));
	wwr_fence_put(members[1]);
	wwr_fence_put(merged);
	wwr_fence_put(array);
	wwr_fence_put(first);
	wwr_fence_put(node);
}

/* What a client may want is held in one of two ways. */
static void wait_with_a_plain_lock(void *dependent)
{
	if (wwr_mutex_lock(&mutexes[0], NULL) == 0)
		(void)!wwr_fence_wait_until(dependent, NULL, park_now_ns() + 1000000);
}

static void wait_with_a_ctx(void *dependent)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &lock_class);
	if (wwr_mutex_lock(&mutexes[0], &ctx) == 0)
		(void)!wwr_fence_wait_until(dependent, NULL, park_now_ns() + 1000000);
}

static void wait_any_with_a_lock(void *dependent)
{
	struct wwr_fence *fences[2] = {fence, dependent};
	unsigned int index;

	if (wwr_mutex_lock(&mutexes[0], NULL) == 0)
		(void)!wwr_fence_wait_any(2, fences, NULL, park_now_ns() + 1000000, &index);
}

static void wait_for_reservation_with_its_lock(void *dependent)
{
	struct wwr_resv resv;

	wwr_resv_init(&resv, NULL);
	if (wwr_mutex_lock(&resv.mutex, NULL) != 0 || wwr_resv_reserve_fences(&resv, 1) != 0 ||
	    wwr_resv_add_fence(&resv, dependent, WWR_RESV_USAGE_WRITE) != 0)
		return;
	(void)!wwr_resv_wait_until(&resv, WWR_RESV_USAGE_WRITE, NULL, park_now_ns() + 1000000);
}

static void wait_for_syncobj_with_a_lock(void *dependent)
{
	struct wwr_syncobj *syncobj;

	if (wwr_syncobj_create(0, &syncobj) != 0 || wwr_mutex_lock(&mutexes[0], NULL) != 0)
		return;
	if (dependent != NULL)
		wwr_syncobj_replace_fence(syncobj, dependent);
	(void)!wwr_syncobj_wait(1, &syncobj, NULL, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL,
				park_now_ns() + 1000000, INT64_MAX, NULL);
}

Test(reservation_fence_signaling, wait_for_a_client_with_a_lock_held_aborts)
{
	static void (*const misuses[])(void *) = {
	    wait_with_a_plain_lock,
	    wait_with_a_ctx,
	    wait_any_with_a_lock,
	    wait_for_reservation_with_its_lock,
	};
	struct wwr_fence *dependent = create_dependent(1);
	struct wwr_fence *array;

	for (int i = 0; i < 4; i++)
		cr_expect(test_aborts_with(misuses[i], dependent, "(9:1) depends on a client's"));
	cr_assert_eq(wwr_fence_array_create(1, &dependent, 5, 6, &array), 0);
	cr_expect(test_aborts_with(wait_with_a_ctx, array, "(5:6) depends on a client's"));
	cr_expect(test_aborts_with(wait_for_syncobj_with_a_lock, array, "(5:6) depends on a"));
	cr_expect(test_aborts_with(wait_for_syncobj_with_a_lock, NULL, "has no fence yet"));
	wwr_fence_put(array);
	wwr_fence_put(dependent);
}

Test(reservation_fence_signaling, software_fence_is_marked_until_its_value_is_reached)
{
	struct wwr_sync_timeline *timeline;
	struct wwr_fence *point;

	cr_assert_eq(wwr_sync_timeline_create("client", &timeline), 0);
	cr_assert_eq(wwr_sync_timeline_create_fence(timeline, 1, NULL, &point), 0);
	cr_expect(wwr_fence_is_client_dependent(point));
	cr_expect(test_aborts_with(wait_with_a_ctx, point, "depends on a client's"));
	cr_expect(test_aborts_with(wait_for_reservation_with_its_lock, point, "depends on a"));
	wwr_sync_timeline_inc(timeline, 1);
	cr_expect_not(wwr_fence_is_client_dependent(point));
	wwr_fence_put(point);
	wwr_sync_timeline_destroy(timeline);
}

Test(reservation_fence_signaling, wait_for_a_client_without_a_lock_or_without_sleep_is_fine)
{
	struct wwr_fence *dependent = create_dependent(1);
	struct wwr_acquire_ctx ctx;

	/* A context that holds nothing is no lock. */
	wwr_acquire_ctx_init(&ctx, &lock_class);
	cr_expect_eq(wwr_fence_wait_until(dependent, NULL, 1), -ETIME);
	cr_assert_eq(wwr_mutex_lock(&mutexes[0], &ctx), 0);
	cr_expect_eq(wwr_fence_wait_until(dependent, NULL, 0), -ETIME);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, 1), -ETIME, "this one is no client's");
	cr_assert_eq(wwr_fence_signal(dependent), 0);
	cr_expect_eq(wwr_fence_wait_until(dependent, NULL, INT64_MAX), 0);
	wwr_mutex_unlock(&mutexes[0]);
	wwr_acquire_ctx_fini(&ctx);
	wwr_fence_put(dependent);
}
