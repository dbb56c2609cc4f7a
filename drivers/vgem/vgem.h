/* SPDX-License-Identifier: MIT */
#ifndef VGEM_VGEM_H
#define VGEM_VGEM_H

#include "drivers/core/core.h"

/*
 * A device without a GPU: buffers, and fences that the client signals itself.  A fence that it
 * forgets expires: it signals with -ETIMEDOUT.
 */

/* How long a fence has until it expires. */
#define VGEM_FENCE_TIMEOUT_NS INT64_C(10000000000)

/*
 * The caller's reference is for core_device_put().  timeout_ns as above, or less in tests.
 * -ENOMEM, -EAGAIN (no thread).
 */
int vgem_device_create(uint32_t caps, const struct core_quota *quota, int64_t timeout_ns,
		       struct core_device **ret_device);

#endif /* VGEM_VGEM_H */
