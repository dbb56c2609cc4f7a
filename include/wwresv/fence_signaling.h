/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_SIGNALING_H
#define WWRESV_FENCE_SIGNALING_H

#include <stdbool.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/**
 * A stretch of code on the way to a signal: a signalling section.  Fields: private, the calling
 * thread only.
 */
struct wwr_fence_signaling {
	struct wwr_fence_signaling *outer;
	const struct wwr_fence *fence;
	const char *name; /* NULL = the callbacks of the fence */
	bool checked;	  /* violations are looked for */
	bool reported;	  /* one was found: the next ones are its consequences */
};

/**
 * From here on somebody may be waiting for what this thread does: until wwr_fence_end_signaling()
 * it must not lock a mutex, wait for a fence, or allocate, since others do these things, and wait
 * for this thread meanwhile.
 *
 * Sections nest.  The functions that a signal calls are one, too.  A violation changes nothing but
 * is reported, once a section, where WWR_DEBUG_SECTIONS of <wwresv/sys/debug.h> is on, as it is in
 * debug builds.
 *
 * @param section caller's memory until the end of the section
 * @param fence   borrowed until then, for the report; NULL = no particular one
 * @param name    borrowed until then, for the report: what is being done
 * @par Thread safety
 * Any thread; the section is the thread's.
 * @par Kernel counterpart
 * dma_fence_begin_signalling()
 */
WWR_API void wwr_fence_begin_signaling(struct wwr_fence_signaling *section,
				       const struct wwr_fence *fence, const char *name);

/**
 * Leave a signalling section.  Usage error: it is not the innermost one of the thread.
 *
 * @param section begun
 * @par Thread safety
 * The thread that began it.
 * @par Kernel counterpart
 * dma_fence_end_signalling()
 */
WWR_API void wwr_fence_end_signaling(struct wwr_fence_signaling *section);

WWR_END_DECLS

#endif /* WWRESV_FENCE_SIGNALING_H */
