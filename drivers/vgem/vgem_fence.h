/* SPDX-License-Identifier: MIT */
#ifndef VGEM_VGEM_FENCE_H
#define VGEM_VGEM_FENCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>

/*
 * Fences that expire, and the thread that sees to it.  All have the same time to live, so the list
 * is in the order of expiry.
 *
 * Fields: (l) under lock, (i) immutable.
 */
struct vgem_clock {
	pthread_mutex_t lock;
	pthread_cond_t changed;		 /* on CLOCK_MONOTONIC: the thread sleeps there */
	bool stopping;			 /* (l) */
	int64_t timeout_ns;		 /* (i) */
	struct vgem_fence *first, *last; /* (l) a reference each */
	pthread_t thread;		 /* (i) */
};

/* Fields: (l) under the clock's lock, (i) immutable. */
struct vgem_fence {
	struct wwr_fence base;
	struct vgem_fence *prev, *next; /* (l) */
	bool linked;			/* (l) */
	int64_t expires_ns;		/* (i) */
};

/* -EAGAIN: no thread. */
int vgem_clock_start(struct vgem_clock *clock, int64_t timeout_ns);

/* Every fence was signalled or has expired, or does so now. */
void vgem_clock_stop(struct vgem_clock *clock);

/* A fence that is not running yet: for vgem_fence_start() or wwr_fence_put().  NULL: no memory. */
struct vgem_fence *vgem_fence_create(uint64_t context, uint64_t seqno);

/* From now on it expires. */
void vgem_fence_start(struct vgem_clock *clock, struct vgem_fence *fence);

/* Signal it, or, if it has expired, -ETIMEDOUT. */
int vgem_fence_signal(struct vgem_clock *clock, struct vgem_fence *fence);

#endif /* VGEM_VGEM_FENCE_H */
