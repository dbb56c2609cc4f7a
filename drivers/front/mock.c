/* SPDX-License-Identifier: MIT */
/* The device of driver wwrmock: what every device has, without ioctls of its own. */
#include "drivers/front/devices.h"

static const struct core_driver mock_driver = {
    .name = "wwrmock",
    .desc = "Mock GPU of wwresv",
    .date = "20261127",
    .major = 1,
    .minor = 0,
    .patchlevel = 0,
    .unique = "wwrmock",
};

int front_mock_create(uint32_t caps, const struct core_quota *quota,
		      struct core_device **ret_device)
{
	return core_device_create(&mock_driver, NULL, caps, quota, ret_device);
}
