/* SPDX-License-Identifier: MIT */
/* sync_files: when they poll readable, in which hands, and how the fence is found again. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/sync_file.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned int num_fds; /* before the test */

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
}

static void teardown(void)
{
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_sync_file, .init = setup, .fini = teardown, .timeout = 20);

static int create_fd(struct wwr_fence *fence)
{
	int fd = -1;

	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	cr_assert(fd >= 0);
	return fd;
}

static void expect_fence(int fd, struct wwr_fence *fence)
{
	struct wwr_fence *found = NULL;

	cr_expect_eq(wwr_sync_file_get_fence(fd, &found), 0);
	cr_expect_eq(found, fence);
	wwr_fence_put(found);
}

Test(reservation_sync_file, poll_sees_the_signal_and_goes_on_seeing_it)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	uint64_t count;

	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_expect_eq(test_poll_now(fd, POLLIN), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(read(fd, &count, sizeof(count)), sizeof(count));
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN, "a read takes nothing away");
	expect_fence(fd, fence);
	close(fd);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, create_from_a_signalled_fence_polls_readable)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fds[2];

	wwr_fence_set_error(fence, -ETIME);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = create_fd(fence);
		cr_expect_eq(test_poll_now(fds[i], POLLIN), POLLIN);
		expect_fence(fds[i], fence);
	}
	close(fds[0]);
	expect_fence(fds[1], fence);
	close(fds[1]);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, create_asks_the_driver_to_signal)
{
	struct test_fence *own = test_fence_create_full(1, 1);
	int fd;

	own->enable_result = false;
	fd = create_fd(&own->fence);
	cr_expect_eq(own->num_enabled, 1);
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	close(fd);
	wwr_fence_put(&own->fence);
}

Test(reservation_sync_file, select_and_epoll_see_the_signal)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	struct timeval now = {.tv_sec = 0};
	fd_set set;

	cr_assert_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0);
	cr_expect_eq(epoll_wait(epoll_fd, &event, 1, 0), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(epoll_wait(epoll_fd, &event, 1, 0), 1);
	cr_expect_eq(epoll_wait(epoll_fd, &event, 1, 0), 1, "and again");
	cr_expect_eq(event.data.fd, fd);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	cr_expect_eq(select(fd + 1, &set, NULL, NULL, &now), 1);
	cr_expect(FD_ISSET(fd, &set));
	close(epoll_fd);
	close(fd);
	wwr_fence_put(fence);
}

static void *poll_run(void *arg)
{
	struct pollfd pollfd = {.fd = *(int *)arg, .events = POLLIN};

	*(int *)arg = poll(&pollfd, 1, -1) == 1 ? pollfd.revents : 0;
	return NULL;
}

Test(reservation_sync_file, poll_that_sleeps_is_woken)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	int result = fd;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, poll_run, &result), 0);
	sched_yield();
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(result, POLLIN);
	close(fd);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, dup_is_the_same_sync_file)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	int copy = dup(fd);

	expect_fence(copy, fence);
	close(fd);
	expect_fence(copy, fence);
	cr_expect_eq(test_poll_now(copy, POLLIN), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(wwr_sync_file_collect(), 0);
	cr_expect_eq(test_poll_now(copy, POLLIN), POLLIN);
	expect_fence(copy, fence);
	close(copy);
	cr_expect_eq(wwr_sync_file_collect(), 1);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, fork_leaves_a_pollable_fd_in_the_child)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct pollfd pollfd = {.fd = fd, .events = POLLIN};

		_exit(poll(&pollfd, 1, -1) == 1 && pollfd.revents == POLLIN ? 7 : 1);
	}
	cr_assert(child > 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(fd);
	wwr_fence_put(fence);
}

static void send_fd(int socket_fd, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	char byte = 0;
	struct iovec iovec = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iovec,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(socket_fd, &message, 0), 1);
}

static int receive_fd(int socket_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	char byte;
	struct iovec iovec = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iovec,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	cr_assert_eq(recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC), 1);
	cr_assert_not_null(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

Test(reservation_sync_file, socket_passes_it_on_and_back)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = create_fd(fence);
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	send_fd(ends[0], fd);
	close(fd);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	/* It is open nowhere but in the socket now. */
	cr_expect_eq(wwr_sync_file_collect(), 0);
	fd = receive_fd(ends[1]);
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	expect_fence(fd, fence);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, get_fence_of_something_else_is_refused)
{
	struct wwr_fence *fence = NULL;
	int other = eventfd(0, EFD_CLOEXEC);
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(wwr_sync_file_get_fence(other, &fence), -EINVAL);
	cr_expect_eq(wwr_sync_file_get_fence(ends[0], &fence), -EINVAL);
	cr_expect_eq(wwr_sync_file_set_deadline(ends[0], 5), -EINVAL);
	close(other);
	close(ends[0]);
	close(ends[1]);
	cr_expect_eq(wwr_sync_file_get_fence(ends[0], &fence), -EBADF);
	cr_expect_eq(wwr_sync_file_get_fence(-1, &fence), -EBADF);
	cr_expect_null(fence);
}

Test(reservation_sync_file, eventfd_with_the_id_of_a_closed_one_is_no_sync_file)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_fence *found = NULL;
	int fds[8];

	cr_assert_eq(wwr_fence_signal(fence), 0);
	close(create_fd(fence));
	/* The system gives the lowest free numbers: one of these has that of the closed one. */
	for (int i = 0; i < 8; i++) {
		fds[i] = eventfd(1, EFD_CLOEXEC);
		cr_expect_eq(wwr_sync_file_get_fence(fds[i], &found), -EINVAL);
	}
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	cr_expect_null(found);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, close_before_the_signal_gives_everything_back_at_the_signal)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	close(create_fd(fence));
	cr_expect_eq(wwr_sync_file_collect(), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(wwr_sync_file_collect(), 1);
	cr_expect_eq(test_num_fds(), num_fds);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, closed_ones_do_not_pile_up)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_fence *pending = test_fence_create(1, 2);
	int fds[300];

	cr_assert_eq(wwr_fence_signal(fence), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 300; i++)
			fds[i] = create_fd(i % 8 == 0 ? pending : fence);
		for (int i = 0; i < 300; i++) {
			if (i % 8 != 0)
				expect_fence(fds[i], fence);
			close(fds[i]);
		}
	}
	cr_expect(test_alloc_alive() < 500, "%u", test_alloc_alive());
	cr_assert_eq(wwr_fence_signal(pending), 0);
	wwr_fence_put(fence);
	wwr_fence_put(pending);
}

Test(reservation_sync_file, set_deadline_reaches_the_fence)
{
	struct test_fence *own = test_fence_create_full(1, 1);
	int fd = create_fd(&own->fence);

	cr_expect_eq(wwr_sync_file_set_deadline(fd, 1234), 0);
	cr_expect_eq(own->deadline_ns, 1234);
	close(fd);
	cr_assert_eq(wwr_fence_signal(&own->fence), 0);
	wwr_fence_put(&own->fence);
}

Test(reservation_sync_file, create_without_memory_returns_enomem)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int fd = -1;

	for (int sticky = 0; sticky < 2; sticky++) {
		test_alloc_fail(1, sticky);
		cr_expect_eq(wwr_sync_file_create(fence, &fd), -ENOMEM);
		test_alloc_fail(0, false);
	}
	cr_expect_eq(fd, -1);
	cr_expect_eq(test_num_fds(), num_fds);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, create_without_descriptors_returns_emfile)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int ret = -EMFILE;
	int fd = -1;

	/* One for epoll, two to keep, one to look at the first of these. */
	for (unsigned int room = 0; ret != 0; room++) {
		rlim_t before = test_leave_fds(room);

		ret = wwr_sync_file_create(fence, &fd);
		test_set_fd_limit(before);
		cr_assert(ret == 0 ? room == 3 : ret == -EMFILE, "%d with room for %u", ret, room);
		if (ret != 0) {
			cr_expect_eq(fd, -1);
			cr_expect_eq(test_num_fds(), num_fds);
			cr_expect_eq(test_alloc_alive(), 0);
		}
	}
	close(fd);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, look_without_descriptors_fails_and_loses_nothing)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_fence *found = NULL;
	int fd = create_fd(fence);
	rlim_t before;

	cr_assert_eq(wwr_fence_signal(fence), 0);
	before = test_leave_fds(0);
	cr_expect_eq(wwr_sync_file_get_fence(fd, &found), -EMFILE);
	cr_expect_eq(wwr_sync_file_set_deadline(fd, 1), -EMFILE);
	cr_expect_eq(wwr_sync_file_collect(), 0, "what cannot be seen is not closed");
	test_set_fd_limit(before);
	cr_expect_null(found);
	expect_fence(fd, fence);
	close(fd);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, slot_is_no_sync_file_until_it_has_a_fence)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_sync_file_slot *slot;
	struct wwr_fence *found;
	int fd = -1;

	cr_assert_eq(wwr_sync_file_reserve(&slot, &fd), 0);
	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_expect_eq(wwr_sync_file_get_fence(fd, &found), -EINVAL);
	cr_expect_eq(test_poll_now(fd, POLLIN), 0);
	wwr_sync_file_install(slot, fence);
	expect_fence(fd, fence);
	cr_expect_eq(test_poll_now(fd, POLLIN), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(test_poll_now(fd, POLLIN), POLLIN);
	close(fd);
	wwr_fence_put(fence);
}

Test(reservation_sync_file, slot_can_be_closed_or_cancelled)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_sync_file_slot *slot;
	struct wwr_fence *found;
	int fd = -1;

	/* Somebody guessed the number, and closed it before the fence was in. */
	cr_assert_eq(wwr_sync_file_reserve(&slot, &fd), 0);
	close(fd);
	wwr_sync_file_install(slot, fence);
	cr_assert_eq(wwr_fence_signal(fence), 0);

	cr_assert_eq(wwr_sync_file_reserve(&slot, &fd), 0);
	wwr_sync_file_cancel(slot);
	cr_expect_eq(wwr_sync_file_get_fence(fd, &found), -EINVAL);
	close(fd);
	wwr_sync_file_cancel(NULL);
	wwr_fence_put(fence);
}
