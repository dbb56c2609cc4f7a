/* SPDX-License-Identifier: MIT */
/* What client_submit.c, which has the calls, and client_via.c, which has the ioctls, share. */
#ifndef CLIENT_SUBMIT_H
#define CLIENT_SUBMIT_H

#include <stdint.h>

struct client;
struct plan_batch;
struct window_job;
struct wsim_batch;
struct wwr_submit_result;

/* A batch of one loop on its way. */
struct submission {
	struct client *client;
	uint32_t loop;
	uint32_t step;
	const struct wsim_batch *wsim;
	const struct plan_batch *plan;
	struct window_job *place;
};

/* Count a job that was submitted, or gave up with this error. */
void submission_count(const struct submission *submission, int error,
		      const struct wwr_submit_result *result);

/* Submit through the driver.  0 or -errno: what the job failed with is none. */
int submission_via(const struct submission *submission);

/* q.N through the driver. */
int submission_wait_depth_via(const struct submission *submission);

#endif
