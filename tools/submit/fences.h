/* SPDX-License-Identifier: MIT */
/*
 * The explicit fences of one client, as its own steps make and use them: each is a sync_file.
 *
 * Software fences (`f`) are points of a timeline that the client moves on (`a`, the end of a loop);
 * batches that a later step names have an out-fence.  A descriptor is closed after the last step
 * that names it, so a client has few at a time.  Belongs to the client's thread.
 */
#ifndef FENCES_H
#define FENCES_H

#include <stddef.h>
#include <stdint.h>

#include "tools/wsim/wsim.h"

struct plan_client;
struct plan_workload;
struct wwr_job;
struct wwr_sync_timeline;

struct fences {
	const struct plan_workload *workload;
	uint32_t client;
	struct wwr_sync_timeline *timeline;
	uint64_t last_value; /* of the timeline's fences so far */
	uint64_t *values;    /* by step: of this loop's software fence */
	int *fds;	     /* by step: this loop's sync_file, or -1 */
};

/* 0 or -ENOMEM; fences_fini() in any case. */
int fences_init(struct fences *fences, const struct plan_client *client);
/* Signals what is left; a zeroed structure is fine. */
void fences_fini(struct fences *fences);

/* An `f` step.  0, or -errno of wwr_sync_file_create(). */
int fences_add(struct fences *fences, uint32_t step);

/* An `a` step: signal all software fences up to that step's. */
void fences_reach(struct fences *fences, size_t step);

/* The end of a loop, or of the client: signal all software fences, close all sync_files. */
void fences_end_loop(struct fences *fences);

/* Have a job wait for the `f-N` and `s-N` of its batch.  0 or -errno. */
int fences_add_to_job(const struct fences *fences, const struct wsim_batch *batch,
		      struct wwr_job *job);

/* The job was submitted: make its out-fence, if any step names it.  0 or -errno. */
int fences_take_from_job(struct fences *fences, uint32_t step, struct wwr_job *job);

/* The batch is done with: close what no later step names. */
void fences_close_used(struct fences *fences, const struct wsim_batch *batch, uint32_t step);

#endif
