/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_TEST_SYNC_FILE_FDS_H
#define TESTS_RESERVATION_TEST_SYNC_FILE_FDS_H

/*
 * What tests of descriptors share: counting them, running out of them, polling them.
 */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

/** Descriptors that are open, but for the one that looks. */
static inline unsigned int test_num_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int num = 0;

	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);
	return num - 3; /* ".", ".." and the folder itself */
}

/**
 * Leave room for so many more descriptors.
 *
 * @return the limit before, for test_set_fd_limit()
 */
static inline rlim_t test_leave_fds(unsigned int num)
{
	struct rlimit limit;
	rlim_t before;
	int fd = 0;

	/* Numbers are taken by what the test's surroundings left open, with gaps. */
	for (; num > 0 || fcntl(fd, F_GETFD) >= 0; fd++)
		num -= fcntl(fd, F_GETFD) < 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)fd;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
	return before;
}

static inline void test_set_fd_limit(rlim_t num)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
	limit.rlim_cur = num;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
}

/** What poll() says at once: its events, 0 = nothing. */
static inline int test_poll_now(int fd, short events)
{
	struct pollfd pollfd = {.fd = fd, .events = events};

	return poll(&pollfd, 1, 0) == 1 ? pollfd.revents : 0;
}

#endif /* TESTS_RESERVATION_TEST_SYNC_FILE_FDS_H */
