/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_TRACE_H
#define RESERVATION_FENCE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include <wwresv/fence.h>

/* What waits for a fence, through which containers.  More than these are only counted. */
#define TRACE_MAX_ENTRIES   32
#define TRACE_MAX_CALLBACKS 32

/* The fence itself, or a container that waits for an entry. */
struct trace_entry {
	struct wwr_fence *fence; /* a reference; of a timeline the newest node that waits */
	unsigned int part;	 /* the entry that it waits for; of the fence itself 0 */
};

/* A callback that belongs to no container. */
struct trace_callback {
	unsigned int entry;
	uint64_t seqno; /* of the fence that has it: a node of the entry's timeline */
	wwr_fence_func func;
	int tid; /* of the thread that waits; 0 = it is no thread's, or that is not known */
	int64_t since_ns;
};

struct fence_trace {
	unsigned int num_entries;
	unsigned int num_callbacks;
	unsigned int num_more; /* callbacks for which there was no room */
	struct trace_entry entries[TRACE_MAX_ENTRIES];
	struct trace_callback callbacks[TRACE_MAX_CALLBACKS];
};

/* The caller has a reference, and is in no callback and no op of a fence. */
void fence_trace_begin(struct fence_trace *ret_trace, struct wwr_fence *fence);
void fence_trace_end(struct fence_trace *trace);

#define TRACE_PATH_BYTES 256

/* " through array 4:1 through timeline 5:9": how a callback comes to be one for the fence. */
void fence_trace_describe_path(const struct fence_trace *trace,
			       const struct trace_callback *callback, char *ret_text,
			       size_t size_bytes);

#endif /* RESERVATION_FENCE_TRACE_H */
