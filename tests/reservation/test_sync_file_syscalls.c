/* SPDX-License-Identifier: MIT */
/*
 * Every system call under sync_files, eventfds of syncobjs and dma-bufs fails once, and then with
 * all after it: the caller gets its error, and nothing is left behind.  The linker sends the
 * library's calls here; meson.build has the list.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/dma_buf.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned int fail_countdown; /* 0 = no call fails */
static bool fail_sticky;
static bool has_failed;

/* True = this one fails. */
static bool fails(void)
{
	if (fail_countdown == 0 || --fail_countdown > 0)
		return false;
	fail_countdown = fail_sticky;
	has_failed = true;
	errno = EIO;
	return true;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
ssize_t __real_read(int fd, void *data, size_t size_bytes);
ssize_t __wrap_read(int fd, void *data, size_t size_bytes);
ssize_t __real_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes);
int __real_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __real_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);
int __real_ftruncate64(int fd, off_t size_bytes);
int __wrap_ftruncate64(int fd, off_t size_bytes);

/* The libraries never create files, so there is no mode. */
int __wrap_open64(const char *path, int flags, ...)
{
	return fails() ? -1 : __real_open64(path, flags);
}

int __wrap_fcntl64(int fd, int command, ...)
{
	va_list list;
	long arg;

	va_start(list, command);
	arg = va_arg(list, long);
	va_end(list);
	return fails() ? -1 : __real_fcntl64(fd, command, arg);
}

ssize_t __wrap_read(int fd, void *data, size_t size_bytes)
{
	return fails() ? -1 : __real_read(fd, data, size_bytes);
}

/* What these are where the compiler looks at sizes and modes (_FORTIFY_SOURCE). */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}

ssize_t __wrap___read_chk(int fd, void *data, size_t size_bytes, size_t room_bytes);
ssize_t __wrap___read_chk(int fd, void *data, size_t size_bytes, size_t room_bytes)
{
	if (size_bytes > room_bytes)
		abort();
	return __wrap_read(fd, data, size_bytes);
}

ssize_t __wrap_write(int fd, const void *data, size_t size_bytes)
{
	return fails() ? -1 : __real_write(fd, data, size_bytes);
}

int __wrap_eventfd(unsigned int count, int flags)
{
	return fails() ? -1 : __real_eventfd(count, flags);
}

int __wrap_epoll_create1(int flags)
{
	return fails() ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	return fails() ? -1 : __real_epoll_ctl(epoll_fd, op, fd, event);
}

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	return fails() ? -1 : __real_memfd_create(name, flags);
}

int __wrap_ftruncate64(int fd, off_t size_bytes)
{
	return fails() ? -1 : __real_ftruncate64(fd, size_bytes);
}

static unsigned int num_fds;
static struct wwr_fence *fence;
static struct wwr_syncobj *syncobj;
static int event_fd;

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
	fence = test_fence_create(1, 1);
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
}

static void teardown(void)
{
	(void)wwr_fence_signal(fence);
	wwr_fence_put(fence);
	wwr_syncobj_put(syncobj);
	close(event_fd);
	(void)wwr_sync_file_collect();
	(void)wwr_dma_buf_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_syscalls, .init = setup, .fini = teardown, .timeout = 20);

/* Returns how many system calls the last turn made, in which none failed. */
static unsigned int expect_eio_at_each(int (*call)(void))
{
	unsigned int nth = 0;

	for (int sticky = 1; sticky >= 0; sticky--) {
		for (nth = 1;; nth++) {
			unsigned int fds = test_num_fds();
			unsigned int alive = test_alloc_alive();
			int ret;

			has_failed = false;
			fail_sticky = sticky;
			fail_countdown = nth;
			ret = call();
			fail_countdown = 0;
			if (!has_failed) {
				cr_expect_eq(ret, 0);
				break;
			}
			cr_expect_eq(ret, -EIO, "%d at call %u", ret, nth);
			cr_expect_eq(test_num_fds(), fds, "at call %u", nth);
			cr_expect_eq(test_alloc_alive(), alive, "at call %u", nth);
			cr_assert(nth < 100);
		}
	}
	return nth - 1;
}

static int do_create(void)
{
	int fd = -1;
	int ret = wwr_sync_file_create(fence, &fd);

	cr_expect(ret == 0 || fd == -1);
	if (ret == 0)
		close(fd);
	return ret;
}

static int sync_fd;

static int do_get_fence(void)
{
	struct wwr_fence *found = NULL;
	int ret = wwr_sync_file_get_fence(sync_fd, &found);

	cr_expect_eq(found, ret == 0 ? fence : NULL);
	wwr_fence_put(found);
	return ret;
}

static int do_merge(void)
{
	int fd;
	int ret = wwr_sync_file_merge("x", sync_fd, sync_fd, &fd);

	if (ret == 0)
		close(fd);
	return ret;
}

static int do_get_info(void)
{
	struct wwr_sync_file_info info;

	return wwr_sync_file_get_info(sync_fd, 0, NULL, &info);
}

static int do_add_eventfd(void)
{
	return wwr_syncobj_add_eventfd(syncobj, 0, event_fd, 0);
}

static int do_create_dma_buf(void)
{
	int fd = -1;
	int ret = wwr_dma_buf_create(1, NULL, &fd);

	cr_expect(ret == 0 || fd == -1);
	fail_countdown = 0;
	if (ret == 0) {
		close(fd);
		cr_expect_eq(wwr_dma_buf_collect(), 1);
	}
	return ret;
}

Test(reservation_syscalls, create_sync_file)
{
	cr_expect_geq(expect_eio_at_each(do_create), 7);
}

Test(reservation_syscalls, look_at_sync_file)
{
	cr_assert_eq(wwr_sync_file_create(fence, &sync_fd), 0);
	cr_expect_geq(expect_eio_at_each(do_get_fence), 3);
	cr_expect_geq(expect_eio_at_each(do_get_info), 3);
	cr_expect_geq(expect_eio_at_each(do_merge), 12);
	close(sync_fd);
}

Test(reservation_syscalls, add_eventfd)
{
	cr_expect_geq(expect_eio_at_each(do_add_eventfd), 4);
}

Test(reservation_syscalls, create_dma_buf)
{
	cr_expect_geq(expect_eio_at_each(do_create_dma_buf), 6);
}

Test(reservation_syscalls, collect_that_cannot_look_collects_nothing)
{
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_expect_eq(do_create(), 0);
	for (unsigned int nth = 1; nth <= 2; nth++) {
		fail_countdown = nth;
		cr_expect_eq(wwr_sync_file_collect(), 0);
	}
	fail_countdown = 0;
	cr_expect_eq(wwr_sync_file_collect(), 1);

	cr_expect_eq(wwr_dma_buf_create(1, NULL, &sync_fd), 0);
	close(sync_fd);
	for (unsigned int nth = 1; nth <= 2; nth++) {
		fail_countdown = nth;
		cr_expect_eq(wwr_dma_buf_collect(), 0);
	}
	fail_countdown = 0;
	cr_expect_eq(wwr_dma_buf_collect(), 1);
}

Test(reservation_syscalls, write_that_fails_does_not_stop_a_signal)
{
	cr_assert_eq(wwr_sync_file_create(fence, &sync_fd), 0);
	wwr_syncobj_replace_fence(syncobj, fence);
	cr_expect_eq(do_add_eventfd(), 0);
	fail_sticky = true;
	fail_countdown = 1;
	cr_expect_eq(wwr_fence_signal(fence), 0);
	fail_countdown = 0;
	cr_expect(has_failed);
	close(sync_fd);
}
