/* SPDX-License-Identifier: MIT */
/*
 * What a device cannot do, or not more of: for a run with the capability SYNCOBJ_TIMELINE off, one
 * device vgem, and at most 3 buffers, 2 syncobjs and 64 KiB a file.
 */
#include "tests/shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <xf86drm.h>

int main(void)
{
	int fd = client_open("vgem", true);
	struct client_buffer buffers[3];
	struct client_buffer more;
	uint32_t handles[3];
	uint64_t value = 7, point = 1;
	bool ok = true;

	tap_plan(9);
	tap_ok(open("/dev/dri/card1", O_RDWR) < 0 && errno == ENOENT, "there is one device");
	tap_ok(drmGetCap(fd, DRM_CAP_SYNCOBJ_TIMELINE, &value) == 0 && value == 0, "no timelines");
	tap_ok(drmGetCap(fd, DRM_CAP_SYNCOBJ, &value) == 0 && value == 1, "but syncobjs");
	tap_ok(drmSyncobjCreate(fd, 0, &handles[0]) == 0, "the first of them");
	tap_ok(drmSyncobjTimelineSignal(fd, &handles[0], &point, 1) != 0 && errno == EOPNOTSUPP,
	       "which has no points");
	tap_ok(drmSyncobjCreate(fd, 0, &handles[1]) == 0 &&
		   drmSyncobjCreate(fd, 0, &handles[2]) != 0 && errno == ENOSPC,
	       "not more than two");
	for (int i = 0; i < 3; i++)
		ok = ok && client_buffer_create(fd, &buffers[i]);
	tap_ok(ok && !client_buffer_create(fd, &more) && errno == ENOSPC, "nor than 3 buffers");
	client_buffer_destroy(&buffers[0]);
	tap_ok(client_buffer_create(fd, &buffers[0]), "one that goes makes room");
	client_buffer_destroy(&buffers[0]);
	tap_ok(drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB,
			&(struct drm_mode_create_dumb){.width = 128, .height = 128, .bpp = 32}) !=
		       0 &&
		   errno == ENOSPC,
	       "nor than the bytes");
	return tap_exit();
}
