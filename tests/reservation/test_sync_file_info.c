/* SPDX-License-Identifier: MIT */
/* What a sync_file says of itself, and merging two. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/fence_chain.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NUM_TIMELINES 3

static unsigned int num_fds;
static struct wwr_sync_timeline *timelines[NUM_TIMELINES];

static void setup(void)
{
	static const char *const names[NUM_TIMELINES] = {"zero", "one", "two"};

	test_alloc_install();
	num_fds = test_num_fds();
	for (int i = 0; i < NUM_TIMELINES; i++)
		cr_assert_eq(wwr_sync_timeline_create(names[i], &timelines[i]), 0);
}

static void teardown(void)
{
	for (int i = 0; i < NUM_TIMELINES; i++)
		wwr_sync_timeline_destroy(timelines[i]);
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_sync_file_info, .init = setup, .fini = teardown, .timeout = 20);

static int create_fd(int timeline, uint64_t value, const char *name)
{
	struct wwr_fence *fence = NULL;
	int fd = -1;

	cr_assert_eq(wwr_sync_timeline_create_fence(timelines[timeline], value, name, &fence), 0);
	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	wwr_fence_put(fence);
	return fd;
}

static int merge_fds(int fd, int fd2)
{
	int merged = -1;

	cr_assert_eq(wwr_sync_file_merge("merged", fd, fd2, &merged), 0);
	return merged;
}

static struct wwr_sync_file_info info_of(int fd)
{
	struct wwr_sync_file_info info = {.num_fences = 99};

	cr_assert_eq(wwr_sync_file_get_info(fd, 0, NULL, &info), 0);
	return info;
}

Test(reservation_sync_file_info, info_of_one_fence)
{
	struct wwr_sync_fence_info fences[2];
	struct wwr_sync_file_info info;
	int fd = create_fd(1, 4, "mine");

	memset(fences, 0x55, sizeof(fences));
	cr_expect_eq(wwr_sync_file_get_info(fd, 2, fences, &info), 0);
	cr_expect_str_eq(info.name, "mine");
	cr_expect_eq(info.status, 0);
	cr_expect_eq(info.num_fences, 1);
	cr_expect_str_eq(fences[0].obj_name, "one");
	cr_expect_str_eq(fences[0].driver_name, "sw_sync");
	cr_expect_eq(fences[0].status, 0);
	cr_expect_eq(fences[0].flags, 0);
	cr_expect_eq(fences[0].timestamp_ns, 0);
	cr_expect_eq(fences[1].flags, 0x55555555, "no more than there are");

	wwr_sync_timeline_inc(timelines[1], 4);
	cr_expect_eq(wwr_sync_file_get_info(fd, 1, fences, &info), 0);
	cr_expect_eq(info.status, 1);
	cr_expect_eq(fences[0].status, 1);
	cr_expect(fences[0].timestamp_ns > 0);
	close(fd);
}

Test(reservation_sync_file_info, name_is_made_from_the_fence)
{
	struct wwr_fence *fence = test_fence_create(77, 5);
	int fd;

	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	cr_expect_str_eq(info_of(fd).name, "test-line77-5");
	close(fd);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

Test(reservation_sync_file_info, info_counts_when_there_is_no_room)
{
	struct wwr_sync_fence_info fences[3];
	struct wwr_sync_file_info info = {.num_fences = 99};
	int fds[NUM_TIMELINES];
	int two;
	int all;

	for (int i = 0; i < NUM_TIMELINES; i++)
		fds[i] = create_fd(i, 1, NULL);
	two = merge_fds(fds[0], fds[1]);
	all = merge_fds(two, fds[2]);
	cr_expect_eq(info_of(all).num_fences, 3);
	cr_expect_eq(wwr_sync_file_get_info(all, 1, fences, &info), -EINVAL);
	cr_expect_eq(wwr_sync_file_get_info(all, 2, fences, &info), -EINVAL);
	cr_expect_eq(info.num_fences, 99, "nothing was written");
	cr_expect_eq(wwr_sync_file_get_info(all, 3, fences, &info), 0);
	cr_expect_eq(info.num_fences, 3);
	cr_expect_str_eq(info.name, "merged");
	cr_expect_str_eq(fences[0].obj_name, "zero");
	cr_expect_str_eq(fences[1].obj_name, "one");
	cr_expect_str_eq(fences[2].obj_name, "two");
	for (int i = 0; i < NUM_TIMELINES; i++)
		close(fds[i]);
	close(two);
	close(all);
}

Test(reservation_sync_file_info, info_of_something_else_is_refused)
{
	struct wwr_sync_file_info info;
	int other = eventfd(0, EFD_CLOEXEC);

	cr_expect_eq(wwr_sync_file_get_info(other, 0, NULL, &info), -EINVAL);
	close(other);
	cr_expect_eq(wwr_sync_file_get_info(other, 0, NULL, &info), -EBADF);
}

Test(reservation_sync_file_info, info_of_a_chain_shows_what_is_in_it)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_sync_fence_info fences[2];
	struct wwr_sync_file_info info;
	struct wwr_fence *members[2];
	struct wwr_fence *node;
	struct wwr_fence *head;
	int fd;

	for (int i = 0; i < 2; i++)
		cr_assert_eq(wwr_sync_timeline_create_fence(timelines[i], 1, NULL, &members[i]), 0);
	cr_assert_eq(wwr_fence_chain_link(chain, NULL, members[0], 1, &node), 0);
	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), node, members[1], 2, &head), 0);
	cr_assert_eq(wwr_sync_file_create(head, &fd), 0);
	cr_expect_eq(wwr_sync_file_get_info(fd, 2, fences, &info), 0);
	cr_expect_eq(info.num_fences, 2);
	cr_expect_str_eq(fences[0].obj_name, "one");
	cr_expect_str_eq(fences[1].obj_name, "zero");
	for (int i = 0; i < 2; i++) {
		wwr_sync_timeline_inc(timelines[i], 1);
		wwr_fence_put(members[i]);
	}
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	wwr_fence_put(node);
	wwr_fence_put(head);
	close(fd);
}

Test(reservation_sync_file_info, merge_signals_when_both_have)
{
	int fds[2] = {create_fd(0, 1, NULL), create_fd(1, 1, NULL)};
	int merged = merge_fds(fds[0], fds[1]);

	close(fds[0]);
	close(fds[1]);
	wwr_sync_timeline_inc(timelines[1], 1);
	cr_expect_eq(test_poll_now(merged, POLLIN), 0);
	cr_expect_eq(info_of(merged).status, 0);
	wwr_sync_timeline_inc(timelines[0], 1);
	cr_expect_eq(test_poll_now(merged, POLLIN), POLLIN);
	cr_expect_eq(info_of(merged).status, 1);
	close(merged);
}

Test(reservation_sync_file_info, merge_keeps_the_later_fence_of_a_timeline)
{
	int fds[2] = {create_fd(0, 5, NULL), create_fd(0, 3, NULL)};
	int merged = merge_fds(fds[0], fds[1]);
	int same = merge_fds(fds[1], fds[1]);

	cr_expect_eq(info_of(merged).num_fences, 1);
	cr_expect_eq(info_of(same).num_fences, 1);
	wwr_sync_timeline_inc(timelines[0], 3);
	cr_expect_eq(test_poll_now(same, POLLIN), POLLIN);
	cr_expect_eq(test_poll_now(merged, POLLIN), 0);
	wwr_sync_timeline_inc(timelines[0], 2);
	cr_expect_eq(test_poll_now(merged, POLLIN), POLLIN);
	close(fds[0]);
	close(fds[1]);
	close(merged);
	close(same);
}

Test(reservation_sync_file_info, merge_of_signalled_fences_is_signalled)
{
	int fds[2] = {create_fd(0, 0, NULL), create_fd(1, 0, NULL)};
	int merged = merge_fds(fds[0], fds[1]);

	cr_expect_eq(test_poll_now(merged, POLLIN), POLLIN);
	cr_expect_eq(info_of(merged).status, 1);
	cr_expect_eq(info_of(merged).num_fences, 1);
	close(fds[0]);
	close(fds[1]);
	close(merged);
}

Test(reservation_sync_file_info, merge_keeps_errors)
{
	struct wwr_fence *failed = test_fence_create(wwr_fence_context_alloc(1), 1);
	int pending_fd = create_fd(1, 1, NULL);
	int failed_fd;
	int merged;

	wwr_fence_set_error(failed, -ETIME);
	cr_assert_eq(wwr_fence_signal(failed), 0);
	cr_assert_eq(wwr_sync_file_create(failed, &failed_fd), 0);
	cr_expect_eq(info_of(failed_fd).status, -ETIME);
	merged = merge_fds(failed_fd, pending_fd);
	cr_expect_eq(info_of(merged).status, 0);
	wwr_sync_timeline_inc(timelines[1], 1);
	cr_expect_eq(info_of(merged).status, -ETIME);
	close(merged);
	merged = merge_fds(failed_fd, failed_fd);
	cr_expect_eq(info_of(merged).status, -ETIME);
	close(merged);
	close(failed_fd);
	close(pending_fd);
	wwr_fence_put(failed);
}

Test(reservation_sync_file_info, merge_checks_names_and_fds)
{
	static const char name_31[] = "0123456789012345678901234567890";
	static const char name_32[] = "01234567890123456789012345678901";
	int fd = create_fd(0, 1, NULL);
	int other = eventfd(0, EFD_CLOEXEC);
	int merged = -1;

	cr_expect_eq(wwr_sync_file_merge(name_32, fd, fd, &merged), -EINVAL);
	cr_expect_eq(wwr_sync_file_merge("x", other, fd, &merged), -EINVAL);
	cr_expect_eq(wwr_sync_file_merge("x", fd, other, &merged), -ENOENT);
	cr_expect_eq(wwr_sync_file_merge("x", -1, fd, &merged), -EBADF);
	cr_expect_eq(wwr_sync_file_merge("x", fd, -1, &merged), -ENOENT);
	cr_expect_eq(merged, -1);
	cr_expect_eq(wwr_sync_file_merge(name_31, fd, fd, &merged), 0);
	cr_expect_str_eq(info_of(merged).name, name_31);
	close(merged);
	close(other);
	close(fd);
}

Test(reservation_sync_file_info, merge_without_memory_or_descriptors)
{
	int fds[2] = {create_fd(0, 1, NULL), create_fd(1, 1, NULL)};
	unsigned int alive = test_alloc_alive();
	unsigned int fds_before = test_num_fds();
	int merged = -1;
	int ret = -1;

	for (int sticky = 0; sticky < 2; sticky++) {
		ret = -1;
		for (unsigned int nth = 1; ret != 0; nth++) {
			test_alloc_fail(nth, sticky);
			ret = wwr_sync_file_merge("x", fds[0], fds[1], &merged);
			test_alloc_fail(0, false);
			cr_assert(ret == 0 ? nth > 1 : ret == -ENOMEM);
			cr_expect(ret == 0 || test_alloc_alive() == alive);
		}
		close(merged);
		merged = -1;
		wwr_sync_timeline_inc(timelines[0], 1);
		wwr_sync_timeline_inc(timelines[1], 1);
		cr_expect_eq(wwr_sync_file_collect(), 1);
		close(fds[0]);
		close(fds[1]);
		cr_expect_eq(wwr_sync_file_collect(), 2);
		for (int i = 0; i < 2; i++)
			fds[i] = create_fd(i, wwr_sync_timeline_value(timelines[i]) + 1, NULL);
	}
	for (unsigned int room = 0; room < 2; room++) {
		rlim_t before = test_leave_fds(room);

		ret = wwr_sync_file_merge("x", fds[0], fds[1], &merged);
		test_set_fd_limit(before);
		cr_expect_eq(ret, -EMFILE);
		cr_expect_eq(test_alloc_alive(), alive);
		cr_expect_eq(test_num_fds(), fds_before);
	}
	cr_expect_eq(merged, -1);
	close(fds[0]);
	close(fds[1]);
}
