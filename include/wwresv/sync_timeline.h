/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SYNC_TIMELINE_H
#define WWRESV_SYNC_TIMELINE_H

#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/** Bytes of a name in this and in <wwresv/sync_file.h>, with the terminator. */
#define WWR_SYNC_NAME_BYTES 32

/**
 * A timeline that software moves: a counter, and fences that signal when it reaches their value.
 *
 * Values are compared as wwr_fence_is_later() does it: a is at or below b if the signed 64-bit
 * difference a - b is not positive.
 */
struct wwr_sync_timeline;

/**
 * Make a timeline; its value is 0.
 *
 * @param name         copied, cut to WWR_SYNC_NAME_BYTES; what its fences give as timeline_name
 * @param ret_timeline the caller's, for wwr_sync_timeline_destroy()
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * open() of sw_sync
 */
WWR_API WWR_MUST_CHECK int wwr_sync_timeline_create(const char *name,
						    struct wwr_sync_timeline **ret_timeline);

/**
 * End a timeline: every fence of it that is pending gets the error -ENOENT and signals.
 *
 * Its fences live on for as long as somebody has references of them.
 *
 * @param timeline NULL is a no-op
 * @par Thread safety
 * No other call for this timeline may be running or follow; not from a callback that
 * wwr_sync_timeline_inc() calls.
 * @par Kernel counterpart
 * close() of sw_sync
 */
WWR_API void wwr_sync_timeline_destroy(struct wwr_sync_timeline *timeline);

/**
 * Make a fence that signals when the timeline reaches a value.
 *
 * The timeline keeps a reference until then.  Such a fence depends on what the program does
 * later: never wait for one with a reservation locked.
 *
 * @param timeline  borrowed
 * @param value     at or below the current one: the fence is born signalled
 * @param name      copied, cut to WWR_SYNC_NAME_BYTES; of the sync_files made of this fence;
 *                  NULL = they get a name as those of all other fences
 * @param ret_fence the caller's reference
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * SW_SYNC_IOC_CREATE_FENCE, but it gives a fence instead of a sync_file
 */
WWR_API WWR_MUST_CHECK int wwr_sync_timeline_create_fence(struct wwr_sync_timeline *timeline,
							  uint64_t value, const char *name,
							  struct wwr_fence **ret_fence);

/**
 * Move the timeline on, and signal the fences that it reaches, in the order of their values.
 *
 * Calls that meet share the work: one of the threads signals what the others reached, so that
 * the order holds, and these others may return before it has done so.
 *
 * @param timeline borrowed
 * @param num      added to its value
 * @par Thread safety
 * Any thread, callbacks of fences too.
 * @par Kernel counterpart
 * SW_SYNC_IOC_INC
 */
WWR_API void wwr_sync_timeline_inc(struct wwr_sync_timeline *timeline, uint32_t num);

/**
 * How far has the timeline got?
 *
 * @param timeline borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; the timeline's line in debugfs
 */
WWR_API uint64_t wwr_sync_timeline_value(struct wwr_sync_timeline *timeline);

/**
 * The earliest time by which somebody wants a fence of a timeline signalled.
 *
 * @param fence           borrowed
 * @param ret_deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds
 * @retval 0       there is a wish
 * @retval -EINVAL @p fence is not of a timeline of this kind
 * @retval -ENOENT nobody has said when it is wanted
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * SW_SYNC_GET_DEADLINE
 */
WWR_API WWR_MUST_CHECK int wwr_sync_timeline_get_deadline(const struct wwr_fence *fence,
							  int64_t *ret_deadline_ns);

WWR_END_DECLS

#endif /* WWRESV_SYNC_TIMELINE_H */
