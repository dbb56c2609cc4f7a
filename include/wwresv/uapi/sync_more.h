/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_UAPI_SYNC_MORE_H
#define WWRESV_UAPI_SYNC_MORE_H

#include <stdint.h>

/*
 * Ioctls on sync_files and on sw_sync that Debian's linux/sync_file.h lacks.  Numbers and layouts
 * are those of Linux; the names are ours, so that this header and a newer one may be included
 * together.  sw_sync has no header in Linux.
 */
#include <sys/ioctl.h>

/** struct sync_set_deadline */
struct wwr_sync_set_deadline {
	uint64_t deadline_ns; /**< absolute CLOCK_MONOTONIC */
	uint64_t pad;	      /**< 0 */
};

#define WWR_SYNC_IOC_SET_DEADLINE _IOW('>', 5, struct wwr_sync_set_deadline)

/** struct sw_sync_create_fence_data */
struct wwr_sw_sync_create_fence {
	uint32_t value; /**< at or below the timeline's: the fence is born signalled */
	char name[32];	/**< of the sync_file; "" = none */
	int32_t fence;	/**< returned: the sync_file */
};

/** struct sw_sync_get_deadline */
struct wwr_sw_sync_get_deadline {
	uint64_t deadline_ns; /**< 0; returned: absolute CLOCK_MONOTONIC */
	uint32_t pad;	      /**< 0 */
	int32_t fence_fd;     /**< a sync_file of one fence of sw_sync */
};

#define WWR_SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct wwr_sw_sync_create_fence)
#define WWR_SW_SYNC_IOC_INC	     _IOW('W', 1, uint32_t)
#define WWR_SW_SYNC_IOC_GET_DEADLINE _IOWR('W', 2, struct wwr_sw_sync_get_deadline)

#endif /* WWRESV_UAPI_SYNC_MORE_H */
