/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_FILE_H
#define WWRMOCK_WWRMOCK_FILE_H

#include "drivers/core/core.h"

#include <wwresv/device.h>

/* What the core's device has as driver_data.  Fields: (i) immutable. */
struct wwrmock_device {
	struct wwr_device *gpu; /* (i) */
	bool touch_full;	/* (i) */
};

/* A file's own queue of an engine, for jobs that name none. */
struct wwrmock_own_queue {
	struct wwrmock_own_queue *next;
	uint32_t engine; /* WWR_DRM_ENGINE() */
	struct wwr_queue *queue;
};

/* A job of the file. */
struct wwrmock_pending {
	struct wwr_fence *fence; /* that it has finished; a reference */
	struct wwr_job *job;	 /* a reference, if it is endless and was not ended */
};

/*
 * What an open file has as driver_data.  Fields: (l) under lock.
 *
 * Invariant: pending has every job of this file that has not finished, and others until somebody
 * looks; num_pending + num_begun <= max_pending.
 */
struct wwrmock_file {
	struct handle_table queues; /* a reference each */
	pthread_mutex_t lock;
	struct wwrmock_own_queue *own_queues; /* (l) */
	struct wwrmock_pending *pending;      /* (l) */
	uint32_t num_pending, max_pending;    /* (l) */
	uint32_t num_begun;		      /* (l) jobs between begin and end */
};

/* For core_driver. */
int wwrmock_file_open(struct core_file *file);
void wwrmock_file_close(struct core_file *file);

/*
 * The queue of a handle, or the file's own one of an engine if that is 0; a reference.  -ENOENT;
 * -EINVAL: no such engine, or an engine and a handle; -ENOMEM.
 */
int wwrmock_file_get_queue(struct core_file *file, uint32_t handle, uint32_t engine,
			   struct wwr_queue **ret_queue);

/* The engines that WWR_DRM_ENGINE() means; 0 = there is none. */
uint64_t wwrmock_engine_mask(const struct core_device *device, uint32_t engine);

/* Room for one more pending job, for wwrmock_file_end_job().  -ENOSPC: too many; -ENOMEM. */
int wwrmock_file_begin_job(struct core_file *file);

/*
 * The job, borrowed, or NULL: it was not submitted.  An endless one ends with the file, at the
 * latest.
 */
void wwrmock_file_end_job(struct core_file *file, struct wwr_job *job, bool endless);

int wwrmock_ioctl_queue_create(struct core_call *call, void *arg);
int wwrmock_ioctl_queue_destroy(struct core_call *call, void *arg);
int wwrmock_ioctl_queue_set(struct core_call *call, void *arg);
int wwrmock_ioctl_queue_bond(struct core_call *call, void *arg);

#endif /* WWRMOCK_WWRMOCK_FILE_H */
