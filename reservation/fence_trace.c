/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a fence, found by its callbacks.  Invariant: a container whose callback is in the
 * list of a fence has a reference of itself until that was called; so as long as this thread owns
 * the list, it can take another one.  For the same reason a waiting thread's record is there.
 */
#include "reservation/fence_trace.h"

#include "reservation/fence_container.h"
#include "reservation/fence_core.h"
#include "reservation/fence_track.h"

#include <inttypes.h>
#include <stdio.h>

/* A timeline may be longer; then what waits for the rest of it is not shown. */
#define TRACE_MAX_NODES (1u << 21)

static void trace_add_callback(struct fence_trace *trace, unsigned int entry, uint64_t seqno,
			       struct wwr_fence_cb *cb)
{
	const struct fence_waiter *waiter = fence_wait_of_cb(cb);
	struct trace_callback *callback = &trace->callbacks[trace->num_callbacks];

	if (waiter == NULL)
		waiter = syncobj_wait_of_cb(cb);
	if (trace->num_callbacks == TRACE_MAX_CALLBACKS) {
		trace->num_more++;
		return;
	}
	*callback = (struct trace_callback){.entry = entry, .seqno = seqno, .func = cb->func};
	if (waiter != NULL && waiter->tid != 0) {
		callback->tid = waiter->tid;
		callback->since_ns = waiter->since_ns;
	}
	trace->num_callbacks++;
}

static void trace_add_entry(struct fence_trace *trace, unsigned int part, struct wwr_fence *fence)
{
	for (unsigned int i = 0; i < trace->num_entries; i++) {
		if (trace->entries[i].fence == fence)
			return;
	}
	if (trace->num_entries == TRACE_MAX_ENTRIES) {
		trace->num_more++;
		return;
	}
	trace->entries[trace->num_entries++] =
	    (struct trace_entry){.fence = wwr_fence_get(fence), .part = part};
}

/* Note the callbacks of an entry's fence.  A later node of the same timeline: a reference. */
static struct wwr_fence *trace_callbacks(struct fence_trace *trace, unsigned int entry)
{
	struct wwr_fence *fence = trace->entries[entry].fence;
	struct wwr_fence *later = NULL;
	uintptr_t word;

	if (!fence_own_list(fence, &word))
		return NULL;
	for (struct wwr_fence_cb *cb = fence_first_cb(word); cb != NULL; cb = cb->next) {
		struct wwr_fence *container = fence_container_of_cb(cb);

		if (container == NULL)
			trace_add_callback(trace, entry, fence->seqno, cb);
		else if (later == NULL && fence_is_chain(fence) && fence_is_chain(container) &&
			 container->context == fence->context)
			later = wwr_fence_get(container);
		else
			trace_add_entry(trace, entry, container);
	}
	fence_release_list(fence, (uintptr_t)fence_first_cb(word));
	return later;
}

void fence_trace_begin(struct fence_trace *ret_trace, struct wwr_fence *fence)
{
	unsigned int num_nodes = 0;

	ret_trace->num_entries = 0;
	ret_trace->num_callbacks = 0;
	ret_trace->num_more = 0;
	trace_add_entry(ret_trace, 0, fence);
	for (unsigned int i = 0; i < ret_trace->num_entries; i++) {
		struct wwr_fence *later;

		while (num_nodes++ < TRACE_MAX_NODES &&
		       (later = trace_callbacks(ret_trace, i)) != NULL) {
			wwr_fence_put(ret_trace->entries[i].fence);
			ret_trace->entries[i].fence = later;
		}
	}
}

void fence_trace_end(struct fence_trace *trace)
{
	for (unsigned int i = 0; i < trace->num_entries; i++)
		wwr_fence_put(trace->entries[i].fence);
}

void fence_trace_describe_path(const struct fence_trace *trace,
			       const struct trace_callback *callback, char *ret_text,
			       size_t size_bytes)
{
	uint64_t seqno = callback->seqno;
	size_t length = 0;

	ret_text[0] = '\0';
	for (unsigned int i = callback->entry; i > 0; i = trace->entries[i].part) {
		const struct wwr_fence *fence = trace->entries[i].fence;

		if (i != callback->entry)
			seqno = fence->seqno;
		length += (size_t)snprintf(
		    ret_text + length, size_bytes - length, " through %s %" PRIu64 ":%" PRIu64,
		    fence_is_chain(fence) ? "timeline" : "array", fence->context, seqno);
		if (length >= size_bytes)
			return;
	}
}
