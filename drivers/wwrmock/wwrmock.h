/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_H
#define WWRMOCK_WWRMOCK_H

#include "drivers/core/core.h"

struct wwr_device_config;

/*
 * The mock GPU as a device with files: <wwresv/uapi/wwr_drm.h>.  Its buffers are the core's, its
 * jobs those of <wwresv/device.h>.
 */

/*
 * The caller's reference is for core_device_put(); the last one stops the mock GPU, whose pending
 * jobs end with -ECANCELED.  config NULL = the defaults; its lock class must be the default one,
 * which is that of the core's buffers.  quota NULL = the defaults.
 * -EINVAL (config), -ENOMEM, -EAGAIN (no thread).
 */
int wwrmock_device_create(uint32_t caps, const struct core_quota *quota,
			  const struct wwr_device_config *config, struct core_device **ret_device);

#endif /* WWRMOCK_WWRMOCK_H */
