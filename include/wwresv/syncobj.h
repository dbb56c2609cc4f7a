/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SYNCOBJ_H
#define WWRESV_SYNCOBJ_H

#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;
struct wwr_fence_chain;
struct wwr_interrupt_token;

/**
 * A place for a fence, which may be empty: what a client waits for and has signalled.
 *
 * A binary syncobj holds one fence.  A timeline syncobj holds points, each with a fence of its
 * own; a point is done when its fence and those of all points before it have signalled.  It is
 * the calls that make the difference: point 0 means the fence as a whole.
 *
 * Counted references.  Where arrays of syncobjs are taken, nothing is changed unless 0 is
 * returned.  Unknown flags are -EINVAL before any syncobj is looked at.
 */
struct wwr_syncobj;

/** wwr_syncobj_create(): born with a signalled fence. */
#define WWR_SYNCOBJ_CREATE_SIGNALED (1u << 0)
#define WWR_SYNCOBJ_CREATE_MASK	    WWR_SYNCOBJ_CREATE_SIGNALED

#define WWR_SYNCOBJ_WAIT_ALL (1u << 0) /**< for all of them, else for any */
/** A fence that is not there yet is waited for, too. */
#define WWR_SYNCOBJ_WAIT_FOR_SUBMIT (1u << 1)
/** That a fence is there is enough; only with points.  Implies WWR_SYNCOBJ_WAIT_FOR_SUBMIT. */
#define WWR_SYNCOBJ_WAIT_AVAILABLE (1u << 2)
/** Pass a deadline hint on to the fences. */
#define WWR_SYNCOBJ_WAIT_DEADLINE (1u << 3)
#define WWR_SYNCOBJ_WAIT_MASK                                                                      \
	(WWR_SYNCOBJ_WAIT_ALL | WWR_SYNCOBJ_WAIT_FOR_SUBMIT | WWR_SYNCOBJ_WAIT_AVAILABLE |         \
	 WWR_SYNCOBJ_WAIT_DEADLINE)

/** wwr_syncobj_query(): the last point that was submitted, not the last that is done. */
#define WWR_SYNCOBJ_QUERY_LAST_SUBMITTED (1u << 0)
#define WWR_SYNCOBJ_QUERY_MASK		 WWR_SYNCOBJ_QUERY_LAST_SUBMITTED

/**
 * Make a syncobj.
 *
 * @param flags       WWR_SYNCOBJ_CREATE_x
 * @param ret_syncobj the only reference, the caller's
 * @retval 0       made
 * @retval -EINVAL unknown flags
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_syncobj_create()
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_create(uint32_t flags, struct wwr_syncobj **ret_syncobj);

/**
 * Take a reference.
 *
 * @param syncobj the caller has or borrows a reference already; NULL is passed through
 * @return @p syncobj
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_syncobj_get()
 */
WWR_API struct wwr_syncobj *wwr_syncobj_get(struct wwr_syncobj *syncobj);

/**
 * Give a reference back; the last one ends the syncobj.  An eventfd that waits for a fence which
 * is not there yet is never written then.
 *
 * @param syncobj may be gone afterwards; NULL is a no-op
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * drm_syncobj_put()
 */
WWR_API void wwr_syncobj_put(struct wwr_syncobj *syncobj);

/**
 * Put a fence in, in the place of what is there.
 *
 * @param syncobj borrowed
 * @param fence   the syncobj takes a reference of its own; NULL = empty
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * drm_syncobj_replace_fence()
 */
WWR_API void wwr_syncobj_replace_fence(struct wwr_syncobj *syncobj, struct wwr_fence *fence);

/**
 * Add a point to a timeline.
 *
 * A point that is not above the last one is accepted; the timeline is unordered then: the point
 * counts as the last one, and whoever waits for that one or an earlier one may wait for all that
 * came before.
 *
 * @param syncobj borrowed
 * @param point   0 = put the fence in, as wwr_syncobj_replace_fence()
 * @param fence   the syncobj takes a reference of its own.  The points of a chain do not become
 *                points of the syncobj: it is flattened, see wwr_fence_merge()
 * @retval 0       added
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * drm_syncobj_add_point()
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_add_point(struct wwr_syncobj *syncobj, uint64_t point,
						 struct wwr_fence *fence);

/**
 * Add a point to a timeline with a node that was made before: for drivers, after the point of no
 * return.  Cannot fail.
 *
 * @param syncobj borrowed
 * @param node    from wwr_fence_chain_create(); becomes the syncobj's
 * @param point   not 0; otherwise as wwr_syncobj_add_point()
 * @param fence   the syncobj takes a reference of its own.  A chain is a usage error
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * drm_syncobj_add_point()
 */
WWR_API void wwr_syncobj_add_node(struct wwr_syncobj *syncobj, struct wwr_fence_chain *node,
				  uint64_t point, struct wwr_fence *fence);

/**
 * The fence of a point, or of the whole.
 *
 * @param syncobj     borrowed
 * @param point       0 = the fence as a whole
 * @param flags       0, or WWR_SYNCOBJ_WAIT_FOR_SUBMIT: sleep until it is there
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns of the sleep: absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls,
 *                    INT64_MAX waits for ever
 * @param ret_fence   a reference; signals when the point is done
 * @retval 0       found
 * @retval -EINVAL unknown flags; or there is no fence, or none for this point, and
 *                 WWR_SYNCOBJ_WAIT_FOR_SUBMIT was not given
 * @retval -ETIME  @p deadline_ns passed first
 * @retval -EINTR  the token was interrupted, or a signal handler ran during a sleep with a token
 * @par Thread safety
 * Any thread; with the flag never from a fence callback.
 * @par Kernel counterpart
 * drm_syncobj_find_fence(), which sleeps for 5 s at most
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_find_fence(struct wwr_syncobj *syncobj, uint64_t point,
						  uint32_t flags, struct wwr_interrupt_token *token,
						  int64_t deadline_ns,
						  struct wwr_fence **ret_fence);

/**
 * Empty syncobjs.  Who waits for a fence that was there goes on waiting for it; who waits for one
 * to be submitted goes on, too.
 *
 * @param num      of @p syncobjs
 * @param syncobjs borrowed
 * @retval 0       done
 * @retval -EINVAL @p num is 0
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_RESET
 */
WWR_API int wwr_syncobj_reset(unsigned int num, struct wwr_syncobj *const *syncobjs);

/**
 * Put a signalled fence into syncobjs.
 *
 * @param num      of @p syncobjs
 * @param syncobjs borrowed
 * @retval 0       done
 * @retval -EINVAL @p num is 0
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_SIGNAL
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_signal(unsigned int num,
					      struct wwr_syncobj *const *syncobjs);

/**
 * Add a signalled point to timelines.
 *
 * @param num      of @p syncobjs
 * @param syncobjs borrowed
 * @param points   one for each; one that is not above the last makes the timeline unordered
 * @retval 0       done
 * @retval -EINVAL @p num is 0
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_timeline_signal(unsigned int num,
						       struct wwr_syncobj *const *syncobjs,
						       const uint64_t *points);

/**
 * How far have timelines got?
 *
 * @param num        of @p syncobjs
 * @param syncobjs   borrowed
 * @param flags      WWR_SYNCOBJ_QUERY_x
 * @param ret_points one for each: the last point that is done, or that was submitted; 0 = none, or
 *                   no timeline
 * @retval 0       done
 * @retval -EINVAL @p num is 0, or unknown flags
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_QUERY
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_query(unsigned int num, struct wwr_syncobj *const *syncobjs,
					     uint32_t flags, uint64_t *ret_points);

/**
 * Wait for the fences of syncobjs.
 *
 * Each is waited for by the fence that is seen first in it, even if it is reset meanwhile.
 *
 * @param num          of @p syncobjs; 0 = return 0 at once
 * @param syncobjs     borrowed; the same one may stand there twice
 * @param points       one for each; NULL = point 0 of all
 * @param flags        WWR_SYNCOBJ_WAIT_x
 * @param token        ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns  absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits for
 *                     ever
 * @param hint_ns      with WWR_SYNCOBJ_WAIT_DEADLINE: see wwr_fence_set_deadline()
 * @param ret_first    index of the first one that is done; without WWR_SYNCOBJ_WAIT_ALL only.
 *                     May be NULL
 * @retval 0       all, or any, are done, maybe with an error
 * @retval -EINVAL unknown flags, WWR_SYNCOBJ_WAIT_AVAILABLE without points; or one has no fence, or
 *                 none for its point, and it was not asked to wait for that
 * @retval -ENOMEM no memory
 * @retval -ETIME  @p deadline_ns passed first
 * @retval -EINTR  the token was interrupted, or a signal handler ran during a sleep with a token
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_WAIT, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_wait(unsigned int num, struct wwr_syncobj *const *syncobjs,
					    const uint64_t *points, uint32_t flags,
					    struct wwr_interrupt_token *token, int64_t deadline_ns,
					    int64_t hint_ns, unsigned int *ret_first);

/**
 * Put the fence of a point into another syncobj, or at a point of it.  A failed fence stays one.
 *
 * @param dst         borrowed
 * @param dst_point   0 = in the place of what is there
 * @param src         borrowed; may be @p dst
 * @param src_point   0 = the fence as a whole
 * @param flags       0, or WWR_SYNCOBJ_WAIT_FOR_SUBMIT: sleep until the fence is there
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns of the sleep, as in wwr_syncobj_find_fence()
 * @retval 0       done
 * @retval -ENOMEM no memory
 * @retval other   as wwr_syncobj_find_fence()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_TRANSFER, which sleeps for 5 s at most
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_transfer(struct wwr_syncobj *dst, uint64_t dst_point,
						struct wwr_syncobj *src, uint64_t src_point,
						uint32_t flags, struct wwr_interrupt_token *token,
						int64_t deadline_ns);

/**
 * Make a sync_file of the fence of a point.
 *
 * @param syncobj borrowed
 * @param point   0 = the fence as a whole
 * @param ret_fd  the caller's, for close()
 * @retval 0       made
 * @retval -EINVAL there is no fence, or none for this point
 * @retval other   as wwr_sync_file_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD with EXPORT_SYNC_FILE
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_export_sync_file(struct wwr_syncobj *syncobj, uint64_t point,
							int *ret_fd);

/**
 * Put the fence of a sync_file in, or at a point.  A failed fence stays one.
 *
 * @param syncobj borrowed
 * @param point   0 = in the place of what is there
 * @param fd      borrowed
 * @retval 0       done
 * @retval -EINVAL @p fd is not a sync_file
 * @retval -ENOMEM no memory
 * @retval other   as wwr_sync_file_get_fence()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE with IMPORT_SYNC_FILE
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_import_sync_file(struct wwr_syncobj *syncobj, uint64_t point,
							int fd);

/**
 * Have 1 added to an eventfd, once, when a point is done.
 *
 * @param syncobj  borrowed; may end before
 * @param point    0 = the fence as a whole; either may be not there yet
 * @param event_fd borrowed; the library keeps a descriptor of its own until then
 * @param flags    0, or WWR_SYNCOBJ_WAIT_AVAILABLE: when the fence is there
 * @retval 0           it will be, or is already
 * @retval -EBADF      @p event_fd is not open
 * @retval -EINVAL     unknown flags, or @p event_fd is not an eventfd
 * @retval -ENOMEM     no memory
 * @retval -EMFILE     no descriptor is free; two are needed for a moment
 * @retval -ENFILE     the system has no more files
 * @retval -EOPNOTSUPP /proc is missing
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_EVENTFD
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_add_eventfd(struct wwr_syncobj *syncobj, uint64_t point,
						   int event_fd, uint32_t flags);

/**
 * A syncobj as a file descriptor, for another part of the program or, by a socket, for another
 * reader of it in this process.
 *
 * It is a memfd without content: close(), dup(), fork() and sockets work as they do there, and this
 * process finds the syncobj again whatever number the descriptor has.  The library holds a
 * descriptor of its own until all others are closed.
 *
 * @param syncobj the descriptor keeps a reference
 * @param ret_fd  the caller's, for close(); it is closed at exec
 * @retval 0           made
 * @retval -ENOMEM     no memory
 * @retval -EMFILE     no descriptor is free; three are needed for a moment
 * @retval -ENFILE     the system has no more files
 * @retval -EOPNOTSUPP /proc is missing
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD without flags
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_export_fd(struct wwr_syncobj *syncobj, int *ret_fd);

/**
 * The syncobj of a descriptor.
 *
 * @param fd          borrowed
 * @param ret_syncobj a reference
 * @retval 0       found
 * @retval -EBADF  @p fd is not open
 * @retval -EINVAL @p fd is not a syncobj of this process
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE without flags
 */
WWR_API WWR_MUST_CHECK int wwr_syncobj_import_fd(int fd, struct wwr_syncobj **ret_syncobj);

/**
 * Give back what belongs to descriptors of syncobjs that are closed everywhere.
 *
 * The library does so by itself now and then, when descriptors are made; nobody needs to call this.
 *
 * @return how many there were
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * none; close()
 */
WWR_API unsigned int wwr_syncobj_collect(void);

WWR_END_DECLS

#endif /* WWRESV_SYNCOBJ_H */
