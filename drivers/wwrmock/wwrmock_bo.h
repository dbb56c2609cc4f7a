/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_BO_H
#define WWRMOCK_WWRMOCK_BO_H

#include "drivers/core/core.h"

struct core_gem;
struct wwr_device_bo;

/*
 * What jobs of the mock GPU know of a buffer, with a reference; made when it is first wanted.  As
 * long as the caller has the gem there is one over its reservation.  -ENOMEM.
 */
int wwrmock_gem_get_bo(struct core_gem *gem, struct wwr_device_bo **ret_bo);

/* For core_driver. */
void wwrmock_gem_fini(struct core_gem *gem);

int wwrmock_ioctl_bo_create(struct core_call *call, void *arg);
int wwrmock_ioctl_bo_map(struct core_call *call, void *arg);
int wwrmock_ioctl_bo_info(struct core_call *call, void *arg);
int wwrmock_ioctl_bo_wait(struct core_call *call, void *arg);

#endif /* WWRMOCK_WWRMOCK_BO_H */
