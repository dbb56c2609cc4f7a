/* SPDX-License-Identifier: MIT */
/* The functions that copy, close and receive descriptors. */
#include "drivers/shim/epoll.h"
#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"
#include "drivers/shim/report.h"
#include "drivers/shim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number ends; to be called before it does, since somebody else may get it at once. */
static enum fd_kind forget(int fd)
{
	enum fd_kind kind = fd_kind(fd);

	if (kind == FD_PLAIN)
		return kind;
	fd_set_kind(fd, FD_PLAIN);
	epoll_forget(fd);
	return kind;
}

static void collect(enum fd_kind kind)
{
	int error = errno;

	if (kind == FD_FILE) {
		world_begin_call();
		open_files_collect();
		world_end_call();
	}
	errno = error;
}

SHIM_API int close(int fd)
{
	enum fd_kind kind = fd_kind(fd);
	int ret;

	if (kind == FD_OWN) {
		errno = EBADF;
		return -1;
	}
	(void)forget(fd);
	ret = real()->close(fd);
	collect(kind);
	return ret;
}

/* The library's own ones stay open: to the program they are not there. */
static int close_between(unsigned int first, unsigned int last, int flags)
{
	unsigned int begin = first;
	int ret = 0;

	for (unsigned int fd = first; fd <= last && fd < (unsigned int)FD_NUM_KINDS; fd++) {
		enum fd_kind kind = fd_kind((int)fd);

		if (kind != FD_OWN) {
			if ((flags & CLOSE_RANGE_CLOEXEC) == 0)
				(void)forget((int)fd);
			continue;
		}
		if (fd > begin)
			ret |= real()->close_range(begin, fd - 1, flags);
		begin = fd + 1;
	}
	if (begin <= last)
		ret |= real()->close_range(begin, last, flags);
	return ret;
}

SHIM_API int close_range(unsigned int first, unsigned int last, int flags)
{
	int ret;

	if (!fd_is_any() || first > last)
		return real()->close_range(first, last, flags);
	ret = close_between(first, last, flags);
	collect(FD_FILE);
	return ret;
}

SHIM_API void closefrom(int first)
{
	(void)close_range(first < 0 ? 0 : (unsigned int)first, UINT_MAX, 0);
}

SHIM_API int dup(int fd)
{
	int ret = real()->dup(fd);

	if (ret >= 0)
		fd_copy_kind(fd, ret);
	return ret;
}

/* A copy under a number that may be in use: what it was before. */
static bool may_replace(int fd, int to, enum fd_kind *ret_kind)
{
	*ret_kind = fd_kind(to);
	if (*ret_kind == FD_OWN) {
		errno = EBUSY;
		return false;
	}
	return fd != to && fcntl(fd, F_GETFD) >= 0;
}

static void replaced(int fd, int to, enum fd_kind kind, int ret)
{
	if (ret < 0)
		return;
	epoll_forget(to);
	fd_copy_kind(fd, to);
	collect(kind);
}

SHIM_API int dup2(int fd, int to)
{
	enum fd_kind kind;
	int ret;

	if (!fd_is_any())
		return real()->dup2(fd, to);
	if (!may_replace(fd, to, &kind))
		return kind == FD_OWN ? -1 : real()->dup2(fd, to);
	ret = real()->dup2(fd, to);
	replaced(fd, to, kind, ret);
	return ret;
}

SHIM_API int dup3(int fd, int to, int flags)
{
	enum fd_kind kind;
	int ret;

	if (!fd_is_any())
		return real()->dup3(fd, to, flags);
	if (!may_replace(fd, to, &kind))
		return kind == FD_OWN ? -1 : real()->dup3(fd, to, flags);
	ret = real()->dup3(fd, to, flags);
	replaced(fd, to, kind, ret);
	return ret;
}

static int do_fcntl(int fd, int command, void *arg)
{
	int ret = real()->fcntl(fd, command, arg);

	if (ret < 0 || !fd_is_any())
		return ret;
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		fd_copy_kind(fd, ret);
	else if (command == F_GETFL && fd_kind(fd) == FD_FILE)
		ret = (ret & ~O_ACCMODE) | O_RDWR;
	return ret;
}

SHIM_API int fcntl(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return do_fcntl(fd, command, arg);
}

SHIM_API int fcntl64(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return do_fcntl(fd, command, arg);
}

static void learn_message(struct msghdr *message)
{
	struct cmsghdr *part;

	if (message->msg_controllen == 0)
		return;
	for (part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		size_t bytes = part->cmsg_len - CMSG_LEN(0);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(int) <= bytes; i += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i, sizeof(fd));
			(void)fd_learn(fd);
		}
	}
}

SHIM_API ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t ret = real()->recvmsg(fd, message, flags);

	if (ret >= 0 && fd_is_any())
		learn_message(message);
	return ret;
}

SHIM_API int recvmmsg(int fd, struct mmsghdr *messages, unsigned int num, int flags,
		      struct timespec *timeout)
{
	int ret = real()->recvmmsg(fd, messages, num, flags, timeout);

	if (fd_is_any()) {
		for (int i = 0; i < ret; i++)
			learn_message(&messages[i].msg_hdr);
	}
	return ret;
}

/* These do not run destructors. */
SHIM_API void _exit(int status)
{
	report_write();
	real()->_exit(status);
	__builtin_unreachable();
}

SHIM_API void _Exit(int status)
{
	_exit(status);
}
