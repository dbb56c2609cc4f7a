/* SPDX-License-Identifier: MIT */
#ifndef CORE_IOCTL_H
#define CORE_IOCTL_H

#include "drivers/core/core.h"

#include <drm.h>

/* One row of a table; dir is R, W or WR, as in the request's macro, seen from the client. */
#define CORE_IOCTL_W(req, type, allowed, func)                                                     \
	{                                                                                          \
		.nr = _IOC_NR(req), .flags = (allowed), .size_bytes = sizeof(type), .in = true,    \
		.handler = (func)                                                                  \
	}
#define CORE_IOCTL_R(req, type, allowed, func)                                                     \
	{                                                                                          \
		.nr = _IOC_NR(req), .flags = (allowed), .size_bytes = sizeof(type), .out = true,   \
		.handler = (func)                                                                  \
	}
#define CORE_IOCTL_WR(req, type, allowed, func)                                                    \
	{                                                                                          \
		.nr = _IOC_NR(req), .flags = (allowed), .size_bytes = sizeof(type), .in = true,    \
		.out = true, .handler = (func)                                                     \
	}
#define CORE_IOCTL_0(req, allowed, func)                                                           \
	{                                                                                          \
		.nr = _IOC_NR(req), .flags = (allowed), .handler = (func)                          \
	}

struct core_ioctl_table {
	const struct core_ioctl *ioctls;
	size_t num;
};

/* The tables of the core, each beside its handlers. */
extern const struct core_ioctl_table core_device_ioctls;
extern const struct core_ioctl_table core_gem_ioctls;
extern const struct core_ioctl_table core_mode_ioctls;
extern const struct core_ioctl_table core_syncobj_ioctls;
extern const struct core_ioctl_table core_syncobj_many_ioctls;

#endif /* CORE_IOCTL_H */
