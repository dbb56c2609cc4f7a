/* SPDX-License-Identifier: MIT */
/* Syncobjs: what is in them, points of timelines, transfer, sync_files and eventfds. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"
#include "lockset/park.h"
#include <wwresv/fence_chain.h>
#include <wwresv/interrupt.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static unsigned int num_fds; /* before the test */
static struct wwr_syncobj *syncobj;

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
}

static void teardown(void)
{
	wwr_syncobj_put(syncobj);
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_syncobj, .init = setup, .fini = teardown, .timeout = 20);

static struct wwr_syncobj *create(uint32_t flags)
{
	struct wwr_syncobj *other = NULL;

	cr_assert_eq(wwr_syncobj_create(flags, &other), 0);
	return other;
}

/* 0 pending, 1 done, an error; -EBADF = nothing to be found. */
static int status_of(struct wwr_syncobj *of, uint64_t point)
{
	struct wwr_fence *fence = NULL;
	int status;

	if (wwr_syncobj_find_fence(of, point, 0, NULL, 0, &fence) != 0)
		return -EBADF;
	status = wwr_fence_get_status(fence);
	wwr_fence_put(fence);
	return status;
}

static uint64_t query(uint32_t flags)
{
	uint64_t point = 12345;

	cr_assert_eq(wwr_syncobj_query(1, &syncobj, flags, &point), 0);
	return point;
}

static void expect_points(uint64_t done, uint64_t submitted)
{
	cr_expect_eq(query(0), done, "%llu", (unsigned long long)query(0));
	cr_expect_eq(query(WWR_SYNCOBJ_QUERY_LAST_SUBMITTED), submitted);
}

/* A pending fence, which the caller has a reference of, at a point. */
static struct wwr_fence *add_point(uint64_t point)
{
	struct wwr_fence *fence = test_fence_create(wwr_fence_context_alloc(1), 1);

	cr_assert_eq(wwr_syncobj_add_point(syncobj, point, fence), 0);
	return fence;
}

static void signal_and_put(struct wwr_fence *fence, int error)
{
	if (error != 0)
		wwr_fence_set_error(fence, error);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

static void timeline_signal(uint64_t point)
{
	cr_assert_eq(wwr_syncobj_timeline_signal(1, &syncobj, &point), 0);
}

Test(reservation_syncobj, create_refuses_unknown_flags)
{
	struct wwr_syncobj *other = NULL;

	for (uint32_t bit = 1; bit < 32; bit++)
		cr_expect_eq(wwr_syncobj_create(1u << bit, &other), -EINVAL);
	cr_expect_null(other);
}

Test(reservation_syncobj, create_makes_it_empty_or_signalled)
{
	struct wwr_syncobj *other = create(WWR_SYNCOBJ_CREATE_SIGNALED);

	cr_expect_eq(status_of(syncobj, 0), -EBADF);
	cr_expect_eq(status_of(other, 0), 1);
	wwr_syncobj_put(other);
}

Test(reservation_syncobj, get_and_put_count)
{
	cr_expect_eq(wwr_syncobj_get(syncobj), syncobj);
	wwr_syncobj_put(syncobj);
	cr_expect_eq(status_of(syncobj, 0), -EBADF);
	cr_expect_null(wwr_syncobj_get(NULL));
	wwr_syncobj_put(NULL);
}

Test(reservation_syncobj, put_is_really_free)
{
	unsigned int alive = test_alloc_alive();
	struct wwr_syncobj *other = create(0);
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_assert_eq(wwr_syncobj_add_point(other, 1, fence), 0);
	wwr_fence_put(fence);
	wwr_syncobj_put(other);
	cr_expect_eq(test_alloc_alive(), alive);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_syncobj, arrays_of_none_are_refused)
{
	uint64_t point = 7;

	cr_expect_eq(wwr_syncobj_reset(0, NULL), -EINVAL);
	cr_expect_eq(wwr_syncobj_signal(0, NULL), -EINVAL);
	cr_expect_eq(wwr_syncobj_timeline_signal(0, NULL, NULL), -EINVAL);
	cr_expect_eq(wwr_syncobj_query(0, NULL, 0, NULL), -EINVAL);
	for (uint32_t bit = 1; bit < 32; bit++)
		cr_expect_eq(wwr_syncobj_query(1, &syncobj, 1u << bit, &point), -EINVAL);
	cr_expect_eq(point, 7);
}

Test(reservation_syncobj, signal_and_reset_take_all_of_an_array)
{
	struct wwr_syncobj *all[] = {syncobj, create(0), syncobj};

	cr_expect_eq(wwr_syncobj_signal(3, all), 0);
	cr_expect_eq(status_of(all[0], 0), 1);
	cr_expect_eq(status_of(all[1], 0), 1);
	cr_expect_eq(wwr_syncobj_reset(3, all), 0);
	cr_expect_eq(status_of(all[0], 0), -EBADF);
	cr_expect_eq(status_of(all[1], 0), -EBADF);
	wwr_syncobj_put(all[1]);
}

Test(reservation_syncobj, signal_has_its_own_time)
{
	int64_t before_ns = park_now_ns();
	struct wwr_fence *fence;

	cr_assert_eq(wwr_syncobj_signal(1, &syncobj), 0);
	cr_assert_eq(wwr_syncobj_find_fence(syncobj, 0, 0, NULL, 0, &fence), 0);
	cr_expect(wwr_fence_timestamp(fence) >= before_ns);
	cr_expect(wwr_fence_timestamp(fence) <= park_now_ns());
	wwr_fence_put(fence);
}

Test(reservation_syncobj, find_fence_gives_what_was_put_in)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_fence *found = NULL;

	cr_expect_eq(wwr_syncobj_find_fence(syncobj, 0, 0, NULL, 0, &found), -EINVAL);
	wwr_syncobj_replace_fence(syncobj, fence);
	cr_expect_eq(wwr_syncobj_find_fence(syncobj, 0, 0, NULL, 0, &found), 0);
	cr_expect_eq(found, fence);
	wwr_fence_put(found);
	found = NULL;
	cr_expect_eq(wwr_syncobj_find_fence(syncobj, 1, 0, NULL, 0, &found), -EINVAL, "no points");
	for (uint32_t bit = 0; bit < 32; bit++) {
		if (1u << bit != WWR_SYNCOBJ_WAIT_FOR_SUBMIT)
			cr_expect_eq(wwr_syncobj_find_fence(syncobj, 0, 1u << bit, NULL, 0, &found),
				     -EINVAL);
	}
	cr_expect_null(found);
	wwr_syncobj_replace_fence(syncobj, fence);
	wwr_syncobj_replace_fence(syncobj, NULL);
	cr_expect_eq(status_of(syncobj, 0), -EBADF);
	wwr_fence_put(fence);
}

Test(reservation_syncobj, points_are_done_in_their_order)
{
	struct wwr_fence *fences[3];

	expect_points(0, 0);
	for (uint64_t i = 0; i < 3; i++)
		fences[i] = add_point(10 * (i + 1));
	expect_points(0, 30);
	cr_expect_eq(status_of(syncobj, 31), -EBADF);
	signal_and_put(fences[1], 0);
	expect_points(0, 30);
	cr_expect_eq(status_of(syncobj, 20), 0, "10 is not done");
	signal_and_put(fences[0], 0);
	expect_points(20, 30);
	cr_expect_eq(status_of(syncobj, 5), 1);
	cr_expect_eq(status_of(syncobj, 20), 1);
	cr_expect_eq(status_of(syncobj, 25), 0);
	cr_expect_eq(status_of(syncobj, 0), 0);
	signal_and_put(fences[2], 0);
	expect_points(30, 30);
	cr_expect_eq(status_of(syncobj, 0), 1);
}

Test(reservation_syncobj, timeline_signal_adds_done_points)
{
	struct wwr_fence *fence;

	timeline_signal(5);
	expect_points(5, 5);
	fence = add_point(6);
	timeline_signal(8);
	expect_points(5, 8);
	signal_and_put(fence, 0);
	expect_points(8, 8);
	cr_assert_eq(wwr_syncobj_reset(1, &syncobj), 0);
	expect_points(0, 0);
}

Test(reservation_syncobj, query_of_a_binary_one_is_0)
{
	cr_assert_eq(wwr_syncobj_signal(1, &syncobj), 0);
	expect_points(0, 0);
	timeline_signal(4);
	expect_points(4, 4);
}

Test(reservation_syncobj, point_not_above_the_last_is_accepted_and_comes_after_it)
{
	struct wwr_fence *first = add_point(10);
	struct wwr_fence *second = add_point(10);

	timeline_signal(3);
	expect_points(0, 10);
	cr_expect_eq(status_of(syncobj, 3), 0, "too late rather than too early");
	signal_and_put(first, 0);
	cr_expect_eq(status_of(syncobj, 10), 0);
	signal_and_put(second, 0);
	cr_expect_eq(status_of(syncobj, 10), 1);
	timeline_signal(11);
	expect_points(11, 11);
}

Test(reservation_syncobj, many_points_do_not_pile_up)
{
	unsigned int alive = test_alloc_alive();

	for (uint64_t i = 1; i <= 5000; i++)
		signal_and_put(add_point(i), 0);
	expect_points(5000, 5000);
	cr_expect(test_alloc_alive() < alive + 50, "%u", test_alloc_alive());
	cr_expect(test_fences_alive() < 50, "%u", test_fences_alive());
}

Test(reservation_syncobj, transfer_from_and_to_points_and_wholes)
{
	struct wwr_syncobj *other = create(0);
	struct wwr_fence *fence;

	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 0, 0, NULL, 0), -EINVAL);
	fence = add_point(4);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 5, 0, NULL, 0), -EINVAL);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 4, 1u << 0, NULL, 0), -EINVAL);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 4, 0, NULL, 0), 0);
	cr_expect_eq(status_of(other, 0), 0);
	cr_expect_eq(status_of(other, 1), -EBADF, "no timeline");
	cr_expect_eq(wwr_syncobj_transfer(other, 9, syncobj, 4, 0, NULL, 0), 0);
	cr_expect_eq(wwr_syncobj_transfer(other, 10, other, 9, 0, NULL, 0), 0);
	cr_expect_eq(status_of(other, 9), 0);
	cr_expect_eq(status_of(other, 10), 0);
	cr_expect_eq(status_of(other, 11), -EBADF);
	signal_and_put(fence, 0);
	cr_expect_eq(status_of(other, 10), 1);
	wwr_syncobj_put(other);
}

Test(reservation_syncobj, transfer_for_submit_has_a_deadline)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wwr_syncobj *other = create(0);
	const uint32_t flags = WWR_SYNCOBJ_WAIT_FOR_SUBMIT;

	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 0, flags, &token, 0), -ETIME);
	cr_expect_eq(
	    wwr_syncobj_transfer(other, 0, syncobj, 1, flags, &token, park_now_ns() + 1000),
	    -ETIME);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 0, flags, &token, INT64_MAX), -EINTR);
	timeline_signal(1);
	cr_expect_eq(wwr_syncobj_transfer(other, 0, syncobj, 1, flags, &token, INT64_MAX), 0);
	cr_expect_eq(status_of(other, 0), 1);
	wwr_syncobj_put(other);
}

/* By every way from place to place. */
Test(reservation_syncobj, failed_fence_keeps_its_error)
{
	struct wwr_syncobj *other = create(0);
	int fd;

	signal_and_put(add_point(1), -ETIME);
	cr_expect_eq(status_of(syncobj, 1), -ETIME);
	for (uint64_t point = 0; point < 2; point++) {
		cr_expect_eq(wwr_syncobj_transfer(other, point, syncobj, 1, 0, NULL, 0), 0);
		cr_expect_eq(status_of(other, point), -ETIME);
		cr_assert_eq(wwr_syncobj_export_sync_file(syncobj, 1, &fd), 0);
		cr_assert_eq(wwr_syncobj_reset(1, &other), 0);
		cr_expect_eq(wwr_syncobj_import_sync_file(other, point, fd), 0);
		cr_expect_eq(status_of(other, point), -ETIME);
		close(fd);
	}
	wwr_syncobj_put(other);
}

Test(reservation_syncobj, export_gives_a_sync_file_of_the_point)
{
	struct wwr_fence *fence;
	int fd = -1;

	cr_expect_eq(wwr_syncobj_export_sync_file(syncobj, 0, &fd), -EINVAL, "no fence yet");
	fence = add_point(3);
	cr_expect_eq(wwr_syncobj_export_sync_file(syncobj, 4, &fd), -EINVAL, "no such point");
	cr_expect_eq(fd, -1);
	cr_assert_eq(wwr_syncobj_export_sync_file(syncobj, 3, &fd), 0);
	/* It has the fence, not the place. */
	cr_assert_eq(wwr_syncobj_reset(1, &syncobj), 0);
	cr_expect_eq(test_poll_now(fd, POLLIN), 0);
	signal_and_put(fence, 0);
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	close(fd);
}

Test(reservation_syncobj, import_puts_the_fence_of_a_sync_file_in)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int other = eventfd(0, EFD_CLOEXEC);
	int fd;

	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	cr_expect_eq(wwr_syncobj_import_sync_file(syncobj, 0, other), -EINVAL);
	close(other);
	cr_expect_eq(wwr_syncobj_import_sync_file(syncobj, 0, other), -EBADF);
	cr_expect_eq(status_of(syncobj, 0), -EBADF);
	cr_expect_eq(wwr_syncobj_import_sync_file(syncobj, 7, fd), 0);
	expect_points(0, 7);
	cr_expect_eq(wwr_syncobj_import_sync_file(syncobj, 0, fd), 0);
	expect_points(0, 0);
	cr_expect_eq(status_of(syncobj, 0), 0);
	signal_and_put(fence, 0);
	cr_expect_eq(status_of(syncobj, 0), 1);
	close(fd);
}

Test(reservation_syncobj, chain_that_is_put_in_brings_no_points)
{
	struct wwr_syncobj *other = create(0);
	struct wwr_fence *chain;
	struct wwr_fence *fence = add_point(100);

	cr_assert_eq(wwr_syncobj_find_fence(syncobj, 100, 0, NULL, 0, &chain), 0);
	cr_expect(wwr_fence_is_chain(chain));
	cr_expect_eq(wwr_syncobj_add_point(other, 0, chain), 0);
	cr_expect_eq(status_of(other, 1), -EBADF);
	cr_expect_eq(wwr_syncobj_add_point(other, 2, chain), 0);
	cr_expect_eq(status_of(other, 3), -EBADF);
	cr_expect_eq(status_of(other, 2), 0);
	wwr_fence_put(chain);
	signal_and_put(fence, -ENODATA);
	cr_expect_eq(status_of(other, 2), -ENODATA);
	wwr_syncobj_put(other);
}

/* What was added to an eventfd; 0 = nothing. */
static uint64_t take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

Test(reservation_syncobj, eventfd_is_told_once)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct wwr_fence *fence;

	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 2, fd, 0), 0);
	fence = add_point(1);
	signal_and_put(fence, 0);
	cr_expect_eq(take(fd), 0);
	fence = add_point(3);
	cr_expect_eq(take(fd), 0);
	cr_assert_eq(wwr_syncobj_reset(1, &syncobj), 0);
	signal_and_put(fence, 0);
	cr_expect_eq(take(fd), 1, "the fence it first saw");
	timeline_signal(4);
	cr_expect_eq(take(fd), 0, "once");

	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 4, fd, 0), 0);
	cr_expect_eq(take(fd), 1, "done already");
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, fd, 0), 0);
	cr_expect_eq(take(fd), 1);
	close(fd);
}

Test(reservation_syncobj, eventfd_is_told_that_a_fence_is_available)
{
	const uint32_t flags = WWR_SYNCOBJ_WAIT_AVAILABLE;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct wwr_fence *fence;

	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 2, fd, flags), 0);
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 9, fd, flags), 0);
	cr_expect_eq(take(fd), 0);
	fence = add_point(2);
	cr_expect_eq(take(fd), 1);
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 1, fd, flags), 0);
	cr_expect_eq(take(fd), 1);
	signal_and_put(fence, 0);
	cr_expect_eq(take(fd), 0);
	close(fd);
}

Test(reservation_syncobj, eventfd_of_a_syncobj_that_ends)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_syncobj *other = create(0);

	cr_assert_eq(wwr_syncobj_add_point(other, 1, fence), 0);
	cr_expect_eq(wwr_syncobj_add_eventfd(other, 1, fd, 0), 0);
	cr_expect_eq(wwr_syncobj_add_eventfd(other, 2, fd, 0), 0);
	wwr_syncobj_put(other);
	cr_expect_eq(take(fd), 0);
	signal_and_put(fence, 0);
	cr_expect_eq(take(fd), 1, "the fence was there, the other point never");
	close(fd);
}

Test(reservation_syncobj, full_eventfd_does_not_block_the_signal)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	cr_assert_eq(write(fd, &most, sizeof(most)), sizeof(most));
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, fd, 0), 0);
	cr_assert_eq(wwr_syncobj_signal(1, &syncobj), 0);
	cr_expect_eq(take(fd), most);
	close(fd);
}

Test(reservation_syncobj, eventfd_refuses_other_fds_and_flags)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct wwr_fence *fence = test_fence_create(1, 1);
	int ends[2], file;

	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, ends[0], 0), -EINVAL);
	cr_assert_eq(wwr_sync_file_create(fence, &file), 0);
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, file, 0), -EINVAL);
	close(file);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
	for (uint32_t bit = 0; bit < 32; bit++) {
		if (1u << bit != WWR_SYNCOBJ_WAIT_AVAILABLE)
			cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, fd, 1u << bit), -EINVAL);
	}
	close(ends[0]);
	close(ends[1]);
	close(fd);
	cr_expect_eq(wwr_syncobj_add_eventfd(syncobj, 0, fd, 0), -EBADF);
}

Test(reservation_syncobj, node_made_before_becomes_a_point)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_fence_chain *node = wwr_fence_chain_create();

	cr_assert_not_null(node);
	wwr_syncobj_add_node(syncobj, node, 3, fence);
	expect_points(0, 3);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	expect_points(3, 3);
	wwr_fence_put(fence);
}
