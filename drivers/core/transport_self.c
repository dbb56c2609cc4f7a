/* SPDX-License-Identifier: MIT */
#include "drivers/core/transport_self.h"

#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Our process, in a page that a child finds empty however it was forked; getpid() is a system call
 * that each copy would make.  NULL: the system has no such pages.
 */
static int *known_pid; /* atomic, what it points to */
static pthread_once_t known_pid_once = PTHREAD_ONCE_INIT;

static void known_pid_make(void)
{
	size_t size_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page =
	    mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return;
	if (madvise(page, size_bytes, MADV_WIPEONFORK) == 0)
		known_pid = page;
	else
		(void)munmap(page, size_bytes);
}

static int self_pid(void)
{
	int pid;

	pthread_once(&known_pid_once, known_pid_make);
	if (known_pid == NULL)
		return getpid();
	/* Relaxed, both: each thread would write the same. */
	pid = wwr_atomic_load(known_pid, WWR_RELAXED);
	if (pid == 0) {
		pid = getpid();
		wwr_atomic_store(known_pid, pid, WWR_RELAXED);
	}
	return pid;
}

/* Of this thread, once it has asked; where that cannot be told, an empty one. */
static _Thread_local struct {
	bool known;
	uintptr_t base, end;
} stack;

static void stack_ask(void)
{
	pthread_attr_t attr;
	void *base;
	size_t size_bytes;

	stack.known = true;
	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &base, &size_bytes) == 0) {
		stack.base = (uintptr_t)base;
		stack.end = stack.base + size_bytes;
	}
	(void)pthread_attr_destroy(&attr);
}

/*
 * Is all of it in frames of our callers?  Those can be read and written, so the system need not be
 * asked, and most arguments are there.  On a stack of another kind, of a fiber or a signal handler,
 * where the frames end is not known.
 */
static bool is_in_frames(uint64_t address, size_t size_bytes)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (!stack.known)
		stack_ask();
	return here >= stack.base && address >= here && address < stack.end &&
	       size_bytes <= stack.end - address;
}

/* What a copy by the system says: done, a bad address, or that it may not be asked. */
static int copy_result(ssize_t got, size_t size_bytes)
{
	if (got == (ssize_t)size_bytes)
		return 0;
	return got < 0 && (errno == EPERM || errno == ENOSYS) ? -EPERM : -EFAULT;
}

static int self_copy_in(void *data, void *dst, uint64_t src, size_t size_bytes)
{
	struct iovec to = {dst, size_bytes};
	struct iovec from = {(void *)(uintptr_t)src, size_bytes};
	int ret;

	(void)data;
	if (size_bytes == 0)
		return 0;
	if (is_in_frames(src, size_bytes)) {
		memcpy(dst, from.iov_base, size_bytes);
		return 0;
	}
	ret = copy_result(process_vm_readv(self_pid(), &to, 1, &from, 1, 0), size_bytes);
	if (ret == -EPERM) {
		memcpy(dst, from.iov_base, size_bytes);
		ret = 0;
	}
	return ret;
}

static int self_copy_out(void *data, uint64_t dst, const void *src, size_t size_bytes)
{
	struct iovec from = {(void *)(uintptr_t)src, size_bytes};
	struct iovec to = {(void *)(uintptr_t)dst, size_bytes};
	int ret;

	(void)data;
	if (size_bytes == 0)
		return 0;
	if (is_in_frames(dst, size_bytes)) {
		memcpy(to.iov_base, src, size_bytes);
		return 0;
	}
	ret = copy_result(process_vm_writev(self_pid(), &from, 1, &to, 1, 0), size_bytes);
	if (ret == -EPERM) {
		memcpy(to.iov_base, src, size_bytes);
		ret = 0;
	}
	return ret;
}

/* Whether it is open, and of which kind, is asked of the system where it is used. */
static int self_fd_in(void *data, int client_fd)
{
	(void)data;
	return client_fd < 0 ? -EBADF : client_fd;
}

static void self_fd_release(void *data, int fd)
{
	(void)data;
	(void)fd;
}

/* It was open all the time, so this is where nothing can fail any more but the flag. */
static int self_fd_out(void *data, int fd, bool cloexec)
{
	(void)data;
	if (fcntl(fd, F_SETFD, cloexec ? FD_CLOEXEC : 0) == 0)
		return fd;
	close(fd);
	return -EBADF;
}

static void self_fd_undo(void *data, int client_fd)
{
	(void)data;
	close(client_fd);
}

const struct core_transport core_transport_self = {
    .copy_in = self_copy_in,
    .copy_out = self_copy_out,
    .fd_in = self_fd_in,
    .fd_release = self_fd_release,
    .fd_out = self_fd_out,
    .fd_undo = self_fd_undo,
};
