/* SPDX-License-Identifier: MIT */
/*
 * Software fences of one client: points on a timeline that its own later steps reach.
 *
 * A timeline only moves forward: reaching a point signals all fences up to it, in order, as
 * fences of one context have to.  Belongs to the client's thread; the fences may be looked at
 * and waited for anywhere.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdint.h>

struct timeline_fence;
struct wwr_fence;

struct timeline {
	uint32_t client; /* for the names of fences */
	uint64_t context;
	uint64_t last_seqno;
	struct timeline_fence *first, *last; /* not signalled, in order, a reference each */
};

void timeline_init(struct timeline *timeline, uint32_t client);

/* Signals what is left. */
void timeline_fini(struct timeline *timeline);

/* The fence of the next point.  0 or -ENOMEM; the caller gets a reference of its own. */
int timeline_add(struct timeline *timeline, uint32_t step, struct wwr_fence **ret_fence);

/* Signal all fences up to this one, which is of this timeline. */
void timeline_reach(struct timeline *timeline, const struct wwr_fence *fence);

/* Signal all fences. */
void timeline_reach_end(struct timeline *timeline);

#endif
