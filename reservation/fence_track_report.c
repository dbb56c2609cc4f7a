/* SPDX-License-Identifier: MIT */
/*
 * What is said of a fence that does not signal: who made it, who waits for it and through which
 * containers, and whose callbacks it has.
 */
#include "reservation/fence_track.h"

#include <wwresv/fence_merge.h>

#include "lockset/park.h"
#include "reservation/fence_trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000

/* Of what a wait waits for. */
#define REPORT_MAX_PARTS 4

static int64_t wait_timeout_ns = 10 * (int64_t)NS_PER_S; /* (a) */

void wwr_debug_set_fence_timeout(int64_t timeout_ns)
{
	/* Relaxed: a switch orders nothing. */
	wwr_atomic_store(&wait_timeout_ns, timeout_ns, WWR_RELAXED);
}

static double seconds_since(int64_t then_ns)
{
	return (double)(park_now_ns() - then_ns) / NS_PER_S;
}

void fence_track_describe_code(const void *address, char *ret_text, size_t size_bytes)
{
	const char *file;
	Dl_info info;

	if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
		snprintf(ret_text, size_bytes, "%p", address);
		return;
	}
	file = strrchr(info.dli_fname, '/');
	file = file != NULL ? file + 1 : info.dli_fname;
	/* Long names are cut, so that the place in the file is there. */
	if (info.dli_sname != NULL)
		snprintf(ret_text, size_bytes, "%.60s+%#zx (%.60s+%#zx)", info.dli_sname,
			 (size_t)((const char *)address - (const char *)info.dli_saddr), file,
			 (size_t)((const char *)address - (const char *)info.dli_fbase));
	else
		snprintf(ret_text, size_bytes, "%.60s+%#zx", file,
			 (size_t)((const char *)address - (const char *)info.dli_fbase));
}

void fence_track_describe_creator(const struct wwr_fence *fence, char *ret_text, size_t size_bytes)
{
	struct fence_track_info info;
	char code[TRACK_TEXT_BYTES - 48];

	ret_text[0] = '\0';
	if (!fence_is_tracked(fence) || !fence_track_find(fence, &info))
		return;
	fence_track_describe_code(info.creator, code, sizeof(code));
	snprintf(ret_text, size_bytes, ", made by thread %d in %s", info.creator_tid, code);
}

static void report_callback(const struct fence_trace *trace, const struct trace_callback *callback)
{
	const void *fence = trace->entries[0].fence;
	char path[TRACE_PATH_BYTES];
	char code[TRACK_TEXT_BYTES];

	fence_trace_describe_path(trace, callback, path, sizeof(path));
	if (callback->tid != 0) {
		reservation_report("fence %p: thread %d has waited %.3f s for it%s", fence,
				   callback->tid, seconds_since(callback->since_ns), path);
		return;
	}
	fence_track_describe_code((const void *)(uintptr_t)callback->func, code, sizeof(code));
	reservation_report("fence %p: callback %s waits for it%s", fence, code, path);
}

/*
 * Words for a fence of which the caller has a reference.  One that nobody but its maker has may be
 * half made: then its ops are not called.
 */
static void describe_safely(struct wwr_fence *fence, char *ret_text, size_t size_bytes)
{
	/* Relaxed, all: what was handed on stays so, and the row's lock was taken since. */
	if (wwr_atomic_load(&fence->refcount, WWR_RELAXED) > 2 ||
	    wwr_atomic_load(&fence->cell, WWR_RELAXED) != NULL ||
	    wwr_atomic_load(&fence->callbacks, WWR_RELAXED) != 0)
		(void)wwr_fence_describe(fence, ret_text, size_bytes);
	else
		snprintf(ret_text, size_bytes, "%" PRIu64 ":%" PRIu64 ", still its maker's",
			 fence->context, fence->seqno);
}

static void report_fence(struct wwr_fence *fence)
{
	struct fence_track_info info;
	char creator[TRACK_TEXT_BYTES];
	char text[FENCE_TEXT_BYTES];
	struct fence_trace trace;
	char age[32] = "";

	if (fence_track_find(fence, &info))
		snprintf(age, sizeof(age), " for %.3f s", seconds_since(info.created_ns));
	fence_track_describe_creator(fence, creator, sizeof(creator));
	describe_safely(fence, text, sizeof(text));
	reservation_report("fence %p (%s) has not signalled%s%s", (void *)fence, text, age,
			   creator);
	fence_trace_begin(&trace, fence);
	for (unsigned int i = 0; i < trace.num_callbacks; i++)
		report_callback(&trace, &trace.callbacks[i]);
	if (trace.num_more > 0)
		reservation_report("fence %p: %u more wait for it", (void *)fence, trace.num_more);
	fence_trace_end(&trace);
}

void fence_waiter_begin_tracked(struct fence_waiter *waiter)
{
	/* Relaxed: as above. */
	int64_t timeout_ns = wwr_atomic_load(&wait_timeout_ns, WWR_RELAXED);

	waiter->tid = gettid();
	waiter->since_ns = park_now_ns();
	if (timeout_ns > 0 && timeout_ns < INT64_MAX - waiter->since_ns)
		waiter->report_ns = waiter->since_ns + timeout_ns;
}

int fence_waiter_sleep(struct fence_waiter *waiter, uint32_t *word, uint32_t seen,
		       int64_t deadline_ns, bool interruptible, bool *is_due)
{
	int slept;

	if (waiter->report_ns >= deadline_ns)
		return park_sleep(word, seen, deadline_ns, interruptible);
	slept = park_sleep(word, seen, waiter->report_ns, interruptible);
	if (slept != -ETIME)
		return slept;
	waiter->report_ns = INT64_MAX;
	*is_due = true;
	return 0;
}

/* The pending fences that it is made of, or it itself. */
static void report_parts(struct wwr_fence *fence)
{
	struct wwr_fence_unwrap iter;
	struct wwr_fence *part;
	unsigned int num = 0;

	wwr_fence_unwrap_begin(&iter, fence);
	while (num < REPORT_MAX_PARTS && (part = wwr_fence_unwrap_next(&iter)) != NULL) {
		if (wwr_fence_is_signaled(part))
			continue;
		report_fence(part);
		num++;
	}
	wwr_fence_unwrap_end(&iter);
}

void fence_waiter_report(const struct fence_waiter *waiter, struct wwr_fence *fence)
{
	char text[FENCE_TEXT_BYTES];

	(void)wwr_fence_describe(fence, text, sizeof(text));
	reservation_report("thread %d has waited %.3f s for fence %p (%s)", waiter->tid,
			   seconds_since(waiter->since_ns), (void *)fence, text);
	report_parts(fence);
}

size_t wwr_debug_report_fences(int64_t min_age_ns)
{
	struct wwr_fence *fences[TRACK_ROW_RECORDS];
	int64_t before_ns = park_now_ns() - min_age_ns;
	size_t num_reported = 0;

	for (unsigned int row = 0; row < TRACK_NUM_ROWS; row++) {
		unsigned int num = fence_track_collect(row, before_ns, fences);

		for (unsigned int i = 0; i < num; i++) {
			report_fence(fences[i]);
			wwr_fence_put(fences[i]);
		}
		num_reported += num;
	}
	if (fence_track_num_missed() > 0)
		reservation_report("%u fences are not known: there were too many at a time",
				   fence_track_num_missed());
	return num_reported;
}
