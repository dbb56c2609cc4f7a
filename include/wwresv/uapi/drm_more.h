/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_UAPI_DRM_MORE_H
#define WWRESV_UAPI_DRM_MORE_H

#include <stdint.h>

/*
 * Of the DRM, dma-buf and sync_file ioctls, what the headers of libdrm 2.4.114 lack.  Numbers and
 * layouts are those of Linux; the names are ours, so that this header and a newer drm.h may be
 * included together.  Blocks that have grown since are here with all their members.
 */
#include <drm.h>

/* struct drm_set_client_name */
struct wwr_drm_set_client_name {
	uint64_t name_len; /**< without a 0; 0 = no name */
	uint64_t name;	   /**< address of the text: printable, no blanks, at most 63 bytes */
};

#define WWR_DRM_IOCTL_SET_CLIENT_NAME DRM_IOWR(0xd1, struct wwr_drm_set_client_name)

/* struct drm_mode_closefb */
struct wwr_drm_mode_closefb {
	uint32_t fb_id;
	uint32_t pad; /**< 0 */
};

#define WWR_DRM_IOCTL_MODE_CLOSEFB DRM_IOWR(0xd0, struct wwr_drm_mode_closefb)

#define WWR_DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP 0x15

/* struct drm_syncobj_handle with its point */
struct wwr_drm_syncobj_handle {
	uint32_t handle;
	uint32_t flags; /**< DRM_SYNCOBJ_{HANDLE_TO_FD,FD_TO_HANDLE}_FLAGS_x */
	int32_t fd;
	uint32_t pad;
	uint64_t point; /**< with WWR_DRM_SYNCOBJ_FLAGS_TIMELINE only */
};

#define WWR_DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD DRM_IOWR(0xc1, struct wwr_drm_syncobj_handle)
#define WWR_DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE DRM_IOWR(0xc2, struct wwr_drm_syncobj_handle)

/** Bit 1 of both directions; the bit for a sync_file must be there too. */
#define WWR_DRM_SYNCOBJ_FLAGS_TIMELINE (1u << 1)

/* struct drm_syncobj_wait with its deadline */
struct wwr_drm_syncobj_wait {
	uint64_t handles;
	int64_t timeout_nsec; /**< absolute CLOCK_MONOTONIC; 0 polls */
	uint32_t count_handles;
	uint32_t flags;
	uint32_t first_signaled;
	uint32_t pad;
	uint64_t deadline_nsec; /**< with WWR_DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE only */
};

/* struct drm_syncobj_timeline_wait with its deadline */
struct wwr_drm_syncobj_timeline_wait {
	uint64_t handles;
	uint64_t points;
	int64_t timeout_nsec;
	uint32_t count_handles;
	uint32_t flags;
	uint32_t first_signaled;
	uint32_t pad;
	uint64_t deadline_nsec;
};

#define WWR_DRM_IOCTL_SYNCOBJ_WAIT	    DRM_IOWR(0xc3, struct wwr_drm_syncobj_wait)
#define WWR_DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT DRM_IOWR(0xca, struct wwr_drm_syncobj_timeline_wait)

#define WWR_DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE (1u << 3)

/* struct drm_syncobj_eventfd */
struct wwr_drm_syncobj_eventfd {
	uint32_t handle;
	uint32_t flags; /**< 0 or DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE */
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};

#define WWR_DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xcf, struct wwr_drm_syncobj_eventfd)

#endif /* WWRESV_UAPI_DRM_MORE_H */
