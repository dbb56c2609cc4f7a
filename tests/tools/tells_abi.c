/* SPDX-License-Identifier: MIT */
/*
 * Preloaded behind the library of the devices: drmIoctl() that tells the interface which TELLS_ABI
 * in the environment says, or none if that is no number.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <wwresv/uapi/wwr_drm.h>

__attribute__((visibility("default"))) int drmIoctl(int fd, unsigned long request, void *arg);

int drmIoctl(int fd, unsigned long request, void *arg)
{
	struct wwr_drm_get_param *get = arg;
	const char *abi = getenv("TELLS_ABI");
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));
	if (request != WWR_IOCTL_GET_PARAM || get->param != WWR_DRM_PARAM_ABI || abi == NULL)
		return ret;
	get->value = strtoull(abi, NULL, 10);
	if (get->value != 0)
		return ret;
	errno = EINVAL;
	return -1;
}
