/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_DMA_BUF_CARRIER_H
#define RESERVATION_DMA_BUF_CARRIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <wwresv/macros.h>

/*
 * The memfds under dma-bufs, told apart by their inodes.  The library opens each file a second
 * time for itself: so the inode stays as long as it wants, and the system can say whether anybody
 * else has the file open or mapped for writing.
 */

/* Which file it is. */
struct memory_id {
	dev_t dev;
	ino_t ino;
};

/*
 * A new file of so many zeros, which no one can make smaller or larger.  Exported, as the next one,
 * for the drivers' library; in no public header.
 */
WWR_API int wwr_memory_create(uint64_t size_bytes, int *ret_fd);

/* Open the same file once more, on its own, O_RDWR or O_RDONLY; -EOPNOTSUPP without /proc. */
WWR_API int wwr_memory_reopen(int fd, int access, int *ret_fd);

/* -EBADF; -EINVAL for what is no file in memory. */
int memory_identify(int fd, struct memory_id *ret_id, uint64_t *ret_size_bytes);

/* Nobody but this descriptor, from wwr_memory_reopen(), can write to the file. */
bool memory_is_alone(int fd);

#endif /* RESERVATION_DMA_BUF_CARRIER_H */
