/* SPDX-License-Identifier: MIT */
/*
 * read(), write() and lseek().  What is under a sync_file or a dma-buf could be read and written,
 * and must not: the count of the one is what says that its fence has signalled.
 */
#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

/* Built without _FORTIFY_SOURCE, so these have no declarations. */
SHIM_API ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);

static bool has_bytes(int fd)
{
	enum fd_kind kind;

	if (!fd_is_any())
		return true;
	kind = fd_kind(fd);
	if (kind != FD_DMA_BUF && kind != FD_SYNC_FILE)
		return true;
	errno = EINVAL;
	return false;
}

SHIM_API ssize_t read(int fd, void *buffer, size_t size)
{
	return has_bytes(fd) ? real()->read(fd, buffer, size) : -1;
}

SHIM_API ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return read(fd, buffer, size);
}

SHIM_API ssize_t readv(int fd, const struct iovec *parts, int num)
{
	return has_bytes(fd) ? real()->readv(fd, parts, num) : -1;
}

SHIM_API ssize_t write(int fd, const void *buffer, size_t size)
{
	return has_bytes(fd) ? real()->write(fd, buffer, size) : -1;
}

SHIM_API ssize_t writev(int fd, const struct iovec *parts, int num)
{
	return has_bytes(fd) ? real()->writev(fd, parts, num) : -1;
}

/* Only to learn the size, and back. */
static off_t seek_buf(int fd, off_t offset, int whence)
{
	if (offset == 0 && (whence == SEEK_SET || whence == SEEK_END))
		return real()->lseek(fd, 0, whence);
	errno = EINVAL;
	return -1;
}

/* A device has no place in it, but does not mind being asked. */
static off_t do_lseek(int fd, off_t offset, int whence)
{
	struct open_ref ref;
	off_t ret;

	if (fd_is_any() && fd_kind(fd) == FD_DMA_BUF)
		return seek_buf(fd, offset, whence);
	ret = real()->lseek(fd, offset, whence);
	if (ret >= 0 || errno != ESPIPE || !fd_is_any())
		return ret;
	if (!open_file_find(fd, &ref)) {
		errno = ESPIPE;
		return -1;
	}
	open_ref_put(&ref);
	return 0;
}

SHIM_API off_t lseek(int fd, off_t offset, int whence)
{
	return do_lseek(fd, offset, whence);
}

SHIM_API off64_t lseek64(int fd, off64_t offset, int whence)
{
	return do_lseek(fd, offset, whence);
}
