/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_SYNCOBJ_H
#define RESERVATION_SYNCOBJ_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/syncobj.h>

struct park_list;
struct wwr_fence;

/*
 * Somebody who wants a point that was not there when he looked.  Whoever puts a fence in that has
 * the point takes the watch off the list and gives it a reference of the fence, under the lock: so
 * nothing that happens to the syncobj later changes what was seen first.
 *
 * Fields: (l) the syncobj's lock, (i) immutable while linked, (a) atomic.
 */
struct syncobj_watch {
	struct syncobj_watch *prev, *next; /* (l) */
	bool linked;			   /* (l) */
	uint64_t point;			   /* (i) */
	struct wwr_fence *fence;	   /* (a) a reference; set once, last of all */
	uint32_t *park_word;		   /* (i) where the waiter sleeps; NULL = of an eventfd */
};

/* Fields: (l) under lock, (a) atomic. */
struct wwr_syncobj {
	uint32_t refcount;	       /* (a) */
	uint32_t lock;		       /* a wait lock, lockset/park.h */
	struct wwr_fence *fence;       /* (l) a reference, or NULL */
	struct syncobj_watch *watches; /* (l) */
};

/*
 * A reference of the fence that has the point now, or NULL: then the watch is linked, unless it is
 * NULL itself.
 */
struct wwr_fence *syncobj_get_or_watch(struct wwr_syncobj *syncobj, uint64_t point,
				       struct syncobj_watch *watch);

/* Nobody gives the watch a fence any more. */
void syncobj_unwatch(struct wwr_syncobj *syncobj, struct syncobj_watch *watch);

/* The watch of an eventfd has got its fence, which becomes the callee's. */
void syncobj_eventfd_found(struct syncobj_watch *watch, struct wwr_fence *head);

/* The syncobj ends, and the watch of an eventfd is still there. */
void syncobj_eventfd_cancel(struct syncobj_watch *watch);

#endif /* RESERVATION_SYNCOBJ_H */
