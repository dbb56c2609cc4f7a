/* SPDX-License-Identifier: MIT */
/*
 * Rules that go across objects: what a failed point leaves behind, and where a thread must not wait
 * for a client.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reports.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"

#include <wwresv/fence_merge.h>
#include <wwresv/fence_signaling.h>
#include <wwresv/mutex.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <unistd.h>

static struct wwr_syncobj *syncobj;
static struct wwr_sync_timeline *timeline;
static struct wwr_fence *fence; /* the timeline's */
static struct wwr_mutex mutex;

static void setup(void)
{
	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	cr_assert_eq(wwr_sync_timeline_create("client", &timeline), 0);
	cr_assert_eq(wwr_sync_timeline_create_fence(timeline, 1, NULL, &fence), 0);
	wwr_mutex_init(&mutex, wwr_default_class());
}

static void teardown(void)
{
	wwr_syncobj_put(syncobj);
	wwr_fence_put(fence);
	wwr_sync_timeline_destroy(timeline);
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_syncobj_rules, .init = setup, .fini = teardown, .timeout = 20);

/* 0 pending, 1 done, an error. */
static int status_of(struct wwr_syncobj *of, uint64_t point)
{
	struct wwr_fence *found = NULL;
	int status;

	cr_assert_eq(wwr_syncobj_find_fence(of, point, 0, NULL, 0, &found), 0);
	status = wwr_fence_get_status(found);
	wwr_fence_put(found);
	return status;
}

/* Points 2 (fails), 4 and 6, all done, and walked over. */
static void make_failed_point(void)
{
	struct wwr_fence *fences[3];
	uint64_t done = 0;

	for (unsigned int i = 0; i < 3; i++) {
		fences[i] = test_fence_create(wwr_fence_context_alloc(1), 1);
		cr_assert_eq(wwr_syncobj_add_point(syncobj, 2 * i + 2, fences[i]), 0);
	}
	wwr_fence_set_error(fences[0], -ECANCELED);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(wwr_fence_signal(fences[i]), 0);
		wwr_fence_put(fences[i]);
	}
	cr_assert_eq(wwr_syncobj_query(1, &syncobj, 0, &done), 0);
	cr_expect_eq(done, 6, "a failed point is done");
}

Test(reservation_syncobj_rules, failed_point_keeps_its_error_when_later_ones_are_done)
{
	make_failed_point();
	cr_expect_eq(status_of(syncobj, 1), -ECANCELED, "the point that stands for it");
	cr_expect_eq(status_of(syncobj, 2), -ECANCELED);
	for (uint64_t point = 3; point <= 6; point++)
		cr_expect_eq(status_of(syncobj, point), 1, "%u", (unsigned int)point);
	cr_expect_eq(status_of(syncobj, 0), 1, "the whole is the latest point");
}

Test(reservation_syncobj_rules, wait_for_a_failed_point_is_over)
{
	const uint64_t point = 2;

	make_failed_point();
	cr_expect_eq(wwr_syncobj_wait(1, &syncobj, &point, 0, NULL, INT64_MAX, 0, NULL), 0);
}

Test(reservation_syncobj_rules, transfer_and_export_of_a_failed_point_keep_its_error)
{
	struct wwr_sync_file_info info;
	struct wwr_syncobj *other = NULL;
	int fd = -1;

	make_failed_point();
	cr_assert_eq(wwr_syncobj_create(0, &other), 0);
	cr_expect_eq(wwr_syncobj_transfer(other, 7, syncobj, 2, 0, NULL, 0), 0);
	cr_expect_eq(status_of(other, 7), -ECANCELED);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 1, 0, NULL, 0), 0);
	cr_expect_eq(status_of(other, 0), -ECANCELED);
	cr_assert_eq(wwr_syncobj_export_sync_file(syncobj, 2, &fd), 0);
	cr_assert_eq(wwr_sync_file_get_info(fd, 0, NULL, &info), 0);
	cr_expect_eq(info.status, -ECANCELED);
	cr_assert_eq(wwr_syncobj_import_sync_file(other, 9, fd), 0);
	cr_expect_eq(status_of(other, 9), -ECANCELED);
	close(fd);
	wwr_syncobj_put(other);
}

Test(reservation_syncobj_rules, points_of_software_timelines_depend_on_a_client)
{
	struct wwr_fence *reached = NULL;
	struct wwr_fence *found = NULL;
	struct wwr_fence *plain = test_fence_create(3, 3);
	struct wwr_fence *merged = NULL;
	struct wwr_fence *both[2] = {plain, fence};

	cr_expect(wwr_fence_is_client_dependent(fence));
	cr_assert_eq(wwr_sync_timeline_create_fence(timeline, 0, NULL, &reached), 0);
	cr_expect_not(wwr_fence_is_client_dependent(reached));
	cr_assert_eq(wwr_fence_merge(2, both, &merged), 0);
	cr_expect(wwr_fence_is_client_dependent(merged));
	/* On its way through syncobjs. */
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 3, merged), 0);
	cr_assert_eq(wwr_syncobj_find_fence(syncobj, 2, 0, NULL, 0, &found), 0);
	cr_expect(wwr_fence_is_client_dependent(found));
	wwr_sync_timeline_inc(timeline, 1);
	cr_expect_not(wwr_fence_is_client_dependent(found));
	cr_expect_not(wwr_fence_is_signaled(found));
	cr_assert_eq(wwr_fence_signal(plain), 0);
	wwr_fence_put(plain);
	wwr_fence_put(reached);
	wwr_fence_put(found);
	wwr_fence_put(merged);
}

static int64_t soon(void)
{
	return park_now_ns() + 1000000;
}

static void wait_for_timeline(void *arg)
{
	(void)arg;
	if (wwr_mutex_lock(&mutex, NULL) == 0)
		(void)!wwr_fence_wait_until(fence, NULL, soon());
}

static void wait_for_syncobj(void *arg)
{
	(void)arg;
	if (wwr_syncobj_add_point(syncobj, 1, fence) == 0 && wwr_mutex_lock(&mutex, NULL) == 0)
		(void)!wwr_syncobj_wait(1, &syncobj, NULL, 0, NULL, soon(), 0, NULL);
}

static void wait_for_submit(void *flags)
{
	const uint64_t point = 5;

	if (wwr_mutex_lock(&mutex, NULL) == 0)
		(void)!wwr_syncobj_wait(1, &syncobj, &point, *(const uint32_t *)flags, NULL, soon(),
					0, NULL);
}

static void find_for_submit(void *arg)
{
	struct wwr_fence *found;

	(void)arg;
	if (wwr_mutex_lock(&mutex, NULL) == 0)
		(void)!wwr_syncobj_find_fence(syncobj, 5, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL, soon(),
					      &found);
}

static void transfer_for_submit(void *arg)
{
	(void)arg;
	if (wwr_mutex_lock(&mutex, NULL) == 0)
		(void)!wwr_syncobj_transfer(syncobj, 9, syncobj, 5, WWR_SYNCOBJ_WAIT_FOR_SUBMIT,
					    NULL, soon());
}

Test(reservation_syncobj_rules, wait_for_a_client_with_a_lock_held_aborts)
{
	static const char depends[] = " depends on a client's later action";
	static const char submit[] = "has no fence yet, a client has to give it one";
	uint32_t flags = WWR_SYNCOBJ_WAIT_FOR_SUBMIT;

	cr_expect(test_aborts_with(wait_for_timeline, NULL, depends));
	cr_expect(test_aborts_with(wait_for_syncobj, NULL, depends));
	cr_expect(test_aborts_with(wait_for_submit, &flags, submit));
	flags = WWR_SYNCOBJ_WAIT_AVAILABLE;
	cr_expect(test_aborts_with(wait_for_submit, &flags, submit));
	cr_expect(test_aborts_with(find_for_submit, NULL, submit));
	cr_expect(test_aborts_with(transfer_for_submit, NULL, submit));
}

Test(reservation_syncobj_rules, wait_with_a_lock_held_for_others_or_without_sleep_is_fine)
{
	struct wwr_fence *plain = test_fence_create(3, 3);
	const uint64_t point = 5;

	cr_assert_eq(wwr_mutex_lock(&mutex, NULL), 0);
	/* Polls. */
	cr_expect_eq(
	    wwr_syncobj_wait(1, &syncobj, &point, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL, 0, 0, NULL),
	    -ETIME);
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 1, fence), 0);
	cr_expect_eq(wwr_syncobj_wait(1, &syncobj, NULL, 0, NULL, 0, 0, NULL), -ETIME);
	/* No client's. */
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 0, plain), 0);
	cr_expect_eq(wwr_syncobj_wait(1, &syncobj, NULL, 0, NULL, 1, 0, NULL), -ETIME);
	/* Done. */
	wwr_sync_timeline_inc(timeline, 1);
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 0, fence), 0);
	cr_expect_eq(wwr_syncobj_wait(1, &syncobj, NULL, 0, NULL, INT64_MAX, 0, NULL), 0);
	wwr_mutex_unlock(&mutex);
	cr_assert_eq(wwr_fence_signal(plain), 0);
	wwr_fence_put(plain);
}

Test(reservation_syncobj_rules, wait_in_a_signalling_section_is_reported)
{
	struct wwr_fence_signaling section;
	const uint64_t point = 5;

	wwr_debug_set_report_func(reports_keep, NULL);
	wwr_debug_set_checks(WWR_DEBUG_SECTIONS);
	wwr_fence_begin_signaling(&section, NULL, "retire");
	cr_expect_eq(
	    wwr_syncobj_wait(1, &syncobj, &point, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL, 1, 0, NULL),
	    -ETIME);
	wwr_fence_end_signaling(&section);
	cr_expect_eq(reports_count("section \"retire\" waits for the signal"), 1);
	wwr_fence_begin_signaling(&section, NULL, "retire");
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 0, fence), 0);
	cr_expect_eq(wwr_syncobj_wait(1, &syncobj, NULL, 0, NULL, 1, 0, NULL), -ETIME);
	wwr_fence_end_signaling(&section);
	cr_expect_eq(reports_count("section \"retire\" waits for the signal of fence"), 1);
	wwr_debug_set_report_func(NULL, NULL);
}
