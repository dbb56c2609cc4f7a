/* SPDX-License-Identifier: MIT */
/* What dma-bufs ask of the system. */
#include "reservation/dma_buf_carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_PATH_BYTES 32

int wwr_memory_create(uint64_t size_bytes, int *ret_fd)
{
	int fd = memfd_create("wwresv-dma-buf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size_bytes) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		*ret_fd = fd;
		return 0;
	}
	ret = errno == EFBIG ? -EINVAL : -errno;
	close(fd);
	return ret;
}

int wwr_memory_reopen(int fd, int access, int *ret_fd)
{
	char path[MEMORY_PATH_BYTES];
	int new_fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	new_fd = open(path, access | O_CLOEXEC);
	if (new_fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	*ret_fd = new_fd;
	return 0;
}

int memory_identify(int fd, struct memory_id *ret_id, uint64_t *ret_size_bytes)
{
	struct stat status = {0}; /* MemorySanitizer does not know glibc's fstat() */

	if (fstat(fd, &status) != 0)
		return -errno;
	/* Only files in memory have seals. */
	if (fcntl(fd, F_GET_SEALS) < 0)
		return -errno;
	ret_id->dev = status.st_dev;
	ret_id->ino = status.st_ino;
	*ret_size_bytes = (uint64_t)status.st_size;
	return 0;
}

bool memory_is_alone(int fd)
{
	/*
	 * A lease for writing is given only to the one who has the file open; descriptors that
	 * are in a socket count, and so do mappings.  Whoever opens the file meanwhile, by way of
	 * /proc, sends a signal: one that nobody minds.
	 */
	if (fcntl(fd, F_SETSIG, SIGURG) != 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		return false;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}
