/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_CONTAINER_H
#define RESERVATION_FENCE_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>

#include "reservation/fence_core.h"

/*
 * Fences made of others.  A container holds a reference of each.  It asks them for their signal
 * when somebody asks for its own (the enable_signaling op), and has a reference of itself from then
 * until the last of its callbacks was called, when it signals.  Before that, whether it is over can
 * be found out by looking, see fence_container_poll(): so who has seen all members signalled finds
 * the container signalled, even while the callbacks are on their way.
 */

/* What a container is going to be, by what it is made of. */
struct fence_result {
	int error;	      /* of whatever failed first */
	int64_t error_ns;     /* when that was */
	int64_t timestamp_ns; /* the latest */
};

#define FENCE_RESULT_INIT                                                                          \
	{                                                                                          \
		0, INT64_MAX, 0                                                                    \
	}

static inline void fence_result_add_error(struct fence_result *result, int error, int64_t error_ns)
{
	if (error == 0 || (result->error != 0 && error_ns >= result->error_ns))
		return;
	result->error = error;
	result->error_ns = error_ns;
}

static inline void fence_result_add_time(struct fence_result *result, int64_t timestamp_ns)
{
	if (timestamp_ns > result->timestamp_ns)
		result->timestamp_ns = timestamp_ns;
}

/* A fence that has signalled. */
static inline void fence_result_add(struct fence_result *result, const struct wwr_fence *fence)
{
	int status = wwr_fence_get_status(fence);
	int64_t timestamp_ns = wwr_fence_timestamp(fence);

	fence_result_add_error(result, status < 0 ? status : 0, timestamp_ns);
	fence_result_add_time(result, timestamp_ns);
}

struct fence_array;

struct fence_array_member {
	struct wwr_fence_cb cb;
	struct wwr_fence *fence; /* (i) a reference, not a container */
	struct fence_array *array;
};

/* Fields: (i) immutable once published, (a) atomic. */
struct fence_array {
	struct wwr_fence base;
	struct fence_result merged; /* (i) of fences that were left out; an error or none */
	uint32_t num_members;	    /* (i) */
	uint32_t num_awaited;	    /* (a) callbacks to come, and one while they are added */
	uint32_t num_seen;	    /* (a) so many from the first on were seen signalled; a hint */
	struct fence_array_member members[];
};

static inline bool fence_is_chain(const struct wwr_fence *fence)
{
	/* Relaxed: set before the fence was published. */
	return (wwr_atomic_load(&fence->flags, WWR_RELAXED) & FENCE_CHAIN) != 0;
}

static inline bool fence_is_array(const struct wwr_fence *fence)
{
	return fence_is_container(fence) && !fence_is_chain(fence);
}

/* The fence is known to be an array. */
static inline struct fence_array *fence_to_array(struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct fence_array, base);
}

/* An array without members yet, and room for so many; NULL: no memory. */
struct fence_array *fence_array_alloc(size_t num_members);

/* All members have been put in. */
void fence_array_init(struct fence_array *array, uint64_t context, uint64_t seqno);

/* Fields: (i) immutable once linked, (l) under lock, (a) atomic. */
struct wwr_fence_chain {
	struct wwr_fence base;
	struct wwr_fence *fence;  /* (i) a reference */
	uint64_t prev_seqno;	  /* (i) it stands for the points after this one, up to its own */
	struct wwr_fence *prev;	  /* (l) a reference; NULL = all before have signalled */
	int64_t collected_ns;	  /* (l) the latest timestamp of what was collected */
	struct wwr_fence *failed; /* (l) a reference: the latest collected node that has failed */
	uint32_t lock;		  /* a wait lock; nothing is called under it */
	uint32_t num_awaited;	  /* (a) as in an array */
	struct wwr_fence_cb fence_cb;
	struct wwr_fence_cb prev_cb;
};

/* The fence is known to be a node of a timeline. */
static inline struct wwr_fence_chain *fence_to_chain(struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct wwr_fence_chain, base);
}

/* Has all it is made of signalled?  Then what is it; *ret_result is written. */
bool fence_array_poll(struct fence_array *array, struct fence_result *ret_result);
bool fence_chain_poll(struct wwr_fence_chain *chain, struct fence_result *ret_result);

/* The container that a callback belongs to, or NULL. */
struct wwr_fence *fence_array_of_cb(struct wwr_fence_cb *cb);
struct wwr_fence *fence_chain_of_cb(struct wwr_fence_cb *cb);

static inline struct wwr_fence *fence_container_of_cb(struct wwr_fence_cb *cb)
{
	struct wwr_fence *array = fence_array_of_cb(cb);

	return array != NULL ? array : fence_chain_of_cb(cb);
}

/* The callbacks were called: signal the container, and drop its reference of itself. */
void fence_container_finish(struct wwr_fence *fence, const struct fence_result *result);

#endif /* RESERVATION_FENCE_CONTAINER_H */
