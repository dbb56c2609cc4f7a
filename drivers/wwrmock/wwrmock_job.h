/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_JOB_H
#define WWRMOCK_WWRMOCK_JOB_H

#include "drivers/core/core.h"

/* What may be done to a job after its submit. */
int wwrmock_ioctl_job_end(struct core_call *call, void *arg);
int wwrmock_ioctl_job_info(struct core_call *call, void *arg);

#endif /* WWRMOCK_WWRMOCK_JOB_H */
