/* SPDX-License-Identifier: MIT */
#ifndef CORE_IOCTL_FD_H
#define CORE_IOCTL_FD_H

#include "drivers/core/core.h"

/*
 * The ioctls of descriptors that are no DRM device.  Of call they use transport, data and token;
 * file may be NULL.  A request must match in number, direction and size, as in the kernel; all
 * others are -ENOTTY.  fd is one of this process, borrowed.
 */

/*
 * On a dma-buf.  -ENOTTY: also if fd is none; -EBADF: it is not open.
 *
 * SYNC             -EFAULT; -EINVAL flags; -EINTR
 * SET_NAME         -EFAULT; -EINVAL more than 31 bytes
 * EXPORT_SYNC_FILE -EFAULT; -EINVAL flags; -ENOMEM, -EMFILE, -ENFILE
 * IMPORT_SYNC_FILE -EFAULT; -EINVAL flags, or no sync_file; -ENOMEM
 */
int core_dma_buf_ioctl(struct core_call *call, int fd, unsigned long request, uint64_t arg);

/*
 * On a sync_file.  -ENOTTY: also if fd is none; -EBADF: it is not open.
 *
 * MERGE        -EFAULT; -EINVAL flags or pad; -ENOENT no second sync_file; -ENOMEM, -EMFILE,
 * -ENFILE FILE_INFO    -EFAULT; -EINVAL flags, pad, or less room than fences; -ENOMEM SET_DEADLINE
 * -EFAULT; -EINVAL pad
 */
int core_sync_file_ioctl(struct core_call *call, int fd, unsigned long request, uint64_t arg);

/* An open file of sw_sync: a timeline of 32 bits that its client moves. */
struct core_sw_sync;

/* name of the timeline: the kernel takes that of the program.  -ENOMEM. */
int core_sw_sync_open(const char *name, struct core_sw_sync **ret_sync);
struct core_sw_sync *core_sw_sync_get(struct core_sw_sync *sync);

/* The last one closes it: pending fences signal with -ENOENT. */
void core_sw_sync_put(struct core_sw_sync *sync);

/*
 * On sw_sync.
 *
 * CREATE_FENCE -EFAULT; -ENOMEM, -EMFILE, -ENFILE
 * INC          -EFAULT
 * GET_DEADLINE -EFAULT; -EINVAL deadline or pad not 0, no sync_file, or not one of sw_sync;
 *              -ENOENT nobody has asked for one
 */
int core_sw_sync_ioctl(struct core_call *call, struct core_sw_sync *sync, unsigned long request,
		       uint64_t arg);

#endif /* CORE_IOCTL_FD_H */
