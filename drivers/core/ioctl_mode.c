/* SPDX-License-Identifier: MIT */
/*
 * Ioctls of displays, which none of the devices has: they are known, and not supported.  As in the
 * kernel that is said after it was seen who asks, and where the block is.
 */
#include "drivers/core/ioctl.h"

#include <wwresv/uapi/drm_more.h>

#include <drm_mode.h>

#include <errno.h>

static int ioctl_no_display(struct core_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return -EOPNOTSUPP;
}

/* They never did anything. */
static int ioctl_nothing(struct core_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return 0;
}

#define ANY(name, type)	   CORE_IOCTL_WR(DRM_IOCTL_##name, type, 0, ioctl_no_display)
#define MASTER(name, type) CORE_IOCTL_WR(DRM_IOCTL_##name, type, CORE_MASTER, ioctl_no_display)

static const struct core_ioctl mode_rows[] = {
    ANY(WAIT_VBLANK, union drm_wait_vblank),
    ANY(CRTC_GET_SEQUENCE, struct drm_crtc_get_sequence),
    ANY(CRTC_QUEUE_SEQUENCE, struct drm_crtc_queue_sequence),
    ANY(MODE_GETRESOURCES, struct drm_mode_card_res),
    ANY(MODE_GETCRTC, struct drm_mode_crtc),
    MASTER(MODE_SETCRTC, struct drm_mode_crtc),
    MASTER(MODE_CURSOR, struct drm_mode_cursor),
    ANY(MODE_GETGAMMA, struct drm_mode_crtc_lut),
    MASTER(MODE_SETGAMMA, struct drm_mode_crtc_lut),
    ANY(MODE_GETENCODER, struct drm_mode_get_encoder),
    ANY(MODE_GETCONNECTOR, struct drm_mode_get_connector),
    CORE_IOCTL_WR(DRM_IOCTL_MODE_ATTACHMODE, struct drm_mode_mode_cmd, CORE_MASTER, ioctl_nothing),
    CORE_IOCTL_WR(DRM_IOCTL_MODE_DETACHMODE, struct drm_mode_mode_cmd, CORE_MASTER, ioctl_nothing),
    ANY(MODE_GETPROPERTY, struct drm_mode_get_property),
    MASTER(MODE_SETPROPERTY, struct drm_mode_connector_set_property),
    ANY(MODE_GETPROPBLOB, struct drm_mode_get_blob),
    ANY(MODE_GETFB, struct drm_mode_fb_cmd),
    ANY(MODE_ADDFB, struct drm_mode_fb_cmd),
    ANY(MODE_RMFB, unsigned int),
    MASTER(MODE_PAGE_FLIP, struct drm_mode_crtc_page_flip),
    MASTER(MODE_DIRTYFB, struct drm_mode_fb_dirty_cmd),
    ANY(MODE_GETPLANERESOURCES, struct drm_mode_get_plane_res),
    ANY(MODE_GETPLANE, struct drm_mode_get_plane),
    MASTER(MODE_SETPLANE, struct drm_mode_set_plane),
    ANY(MODE_ADDFB2, struct drm_mode_fb_cmd2),
    ANY(MODE_OBJ_GETPROPERTIES, struct drm_mode_obj_get_properties),
    MASTER(MODE_OBJ_SETPROPERTY, struct drm_mode_obj_set_property),
    MASTER(MODE_CURSOR2, struct drm_mode_cursor2),
    MASTER(MODE_ATOMIC, struct drm_mode_atomic),
    ANY(MODE_CREATEPROPBLOB, struct drm_mode_create_blob),
    ANY(MODE_DESTROYPROPBLOB, struct drm_mode_destroy_blob),
    MASTER(MODE_CREATE_LEASE, struct drm_mode_create_lease),
    MASTER(MODE_LIST_LESSEES, struct drm_mode_list_lessees),
    MASTER(MODE_GET_LEASE, struct drm_mode_get_lease),
    MASTER(MODE_REVOKE_LEASE, struct drm_mode_revoke_lease),
    ANY(MODE_GETFB2, struct drm_mode_fb_cmd2),
    CORE_IOCTL_WR(WWR_DRM_IOCTL_MODE_CLOSEFB, struct wwr_drm_mode_closefb, 0, ioctl_no_display),
};
const struct core_ioctl_table core_mode_ioctls = {mode_rows,
						  sizeof(mode_rows) / sizeof(mode_rows[0])};
