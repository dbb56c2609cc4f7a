/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_UAPI_VGEM_H
#define WWRESV_UAPI_VGEM_H

#include <stdint.h>

/* The ioctls of the vgem device; numbers and layouts are those of Linux. */
#include <drm.h>

#define WWR_VGEM_FENCE_WRITE (1u << 0) /**< a writer's fence, else a reader's */

/* struct drm_vgem_fence_attach */
struct wwr_vgem_fence_attach {
	uint32_t handle;    /**< of the buffer */
	uint32_t flags;	    /**< WWR_VGEM_FENCE_WRITE or 0 */
	uint32_t out_fence; /**< returned: its number in this file */
	uint32_t pad;
};

/* struct drm_vgem_fence_signal */
struct wwr_vgem_fence_signal {
	uint32_t fence;
	uint32_t flags; /**< 0 */
};

#define WWR_IOCTL_VGEM_FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 0x1, struct wwr_vgem_fence_attach)
#define WWR_IOCTL_VGEM_FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 0x2, struct wwr_vgem_fence_signal)

#endif /* WWRESV_UAPI_VGEM_H */
