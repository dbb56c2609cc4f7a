/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_SUBMIT_H
#define WWRMOCK_WWRMOCK_SUBMIT_H

#include "drivers/wwrmock/wwrmock_sync.h"

struct core_gem;
struct wwr_drm_submit;
struct wwr_drm_submit_bo;
struct wwr_job;

/* One call of SUBMIT: on its thread's stack. */
struct wwrmock_submit {
	struct core_call *call;
	struct wwr_drm_submit *block;
	struct wwr_job *job;
	struct wwr_drm_submit_bo *bos; /* the client's, copied in */
	struct core_gem **gems;	       /* a reference each, until the job is in */
	uint32_t num_gems;
	struct wwrmock_syncs in, out;
	struct wwrmock_out_fd out_fd;
};

int wwrmock_ioctl_submit(struct core_call *call, void *arg);

#endif /* WWRMOCK_WWRMOCK_SUBMIT_H */
