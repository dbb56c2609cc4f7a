/* SPDX-License-Identifier: MIT */
#ifndef WWRMOCK_WWRMOCK_SYNC_H
#define WWRMOCK_WWRMOCK_SYNC_H

#include "drivers/core/core.h"

struct wwr_drm_submit_sync;
struct wwr_fence;
struct wwr_fence_chain;
struct wwr_job;
struct wwr_sync_file_slot;
struct wwr_syncobj;

/* An array of syncobjs of a submit.  {0} is one without entries. */
struct wwrmock_syncs {
	struct wwr_drm_submit_sync *entries; /* the client's, copied in and checked */
	uint32_t num;
	struct wwr_syncobj **syncobjs;	/* NULL, or a reference each */
	struct wwr_fence_chain **nodes; /* of an array that is signalled: for those with a point */
};

/* Copy the array in and look at what needs no object.  -EINVAL, -E2BIG, -EFAULT, -ENOMEM. */
int wwrmock_syncs_copy(struct core_call *call, uint64_t src, uint32_t num, uint32_t stride_bytes,
		       uint32_t known_flags, struct wwrmock_syncs *syncs);

/* 0, or -EOPNOTSUPP: the device has none of these. */
int wwrmock_syncs_check_caps(struct core_call *call, const struct wwrmock_syncs *syncs);

/* The job waits for them.  -ENOENT; -EINVAL: no fence, or not the point; -ENOMEM. */
int wwrmock_syncs_wait(struct core_call *call, struct wwrmock_syncs *syncs, struct wwr_job *job);

/* Everything that signalling them needs.  -ENOENT, -ENOMEM. */
int wwrmock_syncs_prepare(struct core_call *call, struct wwrmock_syncs *syncs);

/* They get the fence, in their order.  Prepared; once. */
void wwrmock_syncs_signal(struct wwrmock_syncs *syncs, struct wwr_fence *fence);

/* Whatever of it there is goes. */
void wwrmock_syncs_fini(struct wwrmock_syncs *syncs);

/* The sync_file that a submit gives.  {NULL, -1} is none. */
struct wwrmock_out_fd {
	struct wwr_sync_file_slot *slot;
	int fd; /* the client's number */
};

/* The client has the descriptor, without a fence yet.  -EMFILE, -ENFILE, -ENOMEM. */
int wwrmock_out_fd_reserve(struct core_call *call, struct wwrmock_out_fd *out);

void wwrmock_out_fd_install(struct wwrmock_out_fd *out, struct wwr_fence *fence);

/* It never was, unless it was installed. */
void wwrmock_out_fd_cancel(struct core_call *call, struct wwrmock_out_fd *out);

#endif /* WWRMOCK_WWRMOCK_SYNC_H */
