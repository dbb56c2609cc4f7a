/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_SYNCOBJ_POINT_H
#define RESERVATION_SYNCOBJ_POINT_H

#include <stdbool.h>
#include <stdint.h>

struct wwr_fence;

/*
 * Points of the fence in a syncobj: the head of a chain, or a fence that has no points.  All but
 * syncobj_has_point() may walk the chain and drop references: never under a syncobj's lock.
 */

/* Can the point be waited for?  NULL is allowed; point 0 is the fence as a whole. */
bool syncobj_has_point(const struct wwr_fence *head, uint64_t point);

/*
 * The fence that signals when the point is done, a reference for that of the head, which has the
 * point.
 */
struct wwr_fence *syncobj_find_point(struct wwr_fence *head, uint64_t point);

/* 0 = no point, or no timeline. */
uint64_t syncobj_last_submitted(const struct wwr_fence *head);
uint64_t syncobj_last_done(struct wwr_fence *head);

/* Let go of points that are done, not far behind the head; drops the reference. */
void syncobj_collect_points(struct wwr_fence *head);

/*
 * A fence that may be put in as a point or as a whole: the same one, or what a chain consists of,
 * which would bring points of its own.  A reference; 0 or -ENOMEM.
 */
int syncobj_flatten(struct wwr_fence *fence, struct wwr_fence **ret_fence);

#endif /* RESERVATION_SYNCOBJ_POINT_H */
