/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SYNC_FILE_H
#define WWRESV_SYNC_FILE_H

#include <stdint.h>

#include <wwresv/macros.h>
#include <wwresv/sync_timeline.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/*
 * A sync_file: a fence as a file descriptor, which poll, select and epoll find readable as soon as
 * the fence has signalled, and from then on.
 *
 * It is an eventfd: close() ends it, dup() and fork() copy it, a socket passes it on.  This process
 * finds the fence again whatever number the descriptor has; another process, a child too, can
 * only poll it.  Nobody but the library may write to it; a read gives a number without a meaning.
 *
 * As long as the fence is pending the library has a descriptor and a reference of its own; closing
 * the sync_file earlier does not change that.
 */

/**
 * Make a sync_file of a fence.
 *
 * Asks the driver to signal the fence, since the library cannot see when somebody polls.
 *
 * @param fence  borrowed; the sync_file takes a reference of its own
 * @param ret_fd the caller's, for close(); it is closed at exec
 * @retval 0           made
 * @retval -EMFILE     no descriptor is free; three are needed for a moment
 * @retval -ENFILE     the system has no more files
 * @retval -ENOMEM     no memory
 * @retval -ENOSPC     the user has too many files watched by epoll
 * @retval -EOPNOTSUPP /proc is missing, or does not number eventfds (Linux before 5.2)
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * sync_file_create()
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_create(struct wwr_fence *fence, int *ret_fd);

/** A sync_file without a fence yet: everything about it that may fail has been done. */
struct wwr_sync_file_slot;

/**
 * Make all of a sync_file but its fence: for drivers, before the point of no return.
 *
 * @param ret_slot the caller's, for wwr_sync_file_install() or wwr_sync_file_cancel()
 * @param ret_fd   the caller's, for close(); until the fence is in, it is no sync_file to anybody,
 *                 and not ready
 * @retval 0     made
 * @retval other as wwr_sync_file_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * get_unused_fd_flags()
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_reserve(struct wwr_sync_file_slot **ret_slot, int *ret_fd);

/**
 * Put the fence in: from now on the descriptor is a sync_file.  Cannot fail.
 *
 * @param slot  gone afterwards
 * @param fence borrowed; the sync_file takes a reference of its own
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * sync_file_create(), fd_install()
 */
WWR_API void wwr_sync_file_install(struct wwr_sync_file_slot *slot, struct wwr_fence *fence);

/**
 * Give back what was reserved.  The descriptor is still to be closed.
 *
 * @param slot gone afterwards; NULL is a no-op
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * put_unused_fd()
 */
WWR_API void wwr_sync_file_cancel(struct wwr_sync_file_slot *slot);

/**
 * The fence of a sync_file.
 *
 * @param fd        borrowed
 * @param ret_fence a reference
 * @retval 0           found
 * @retval -EBADF      @p fd is not open
 * @retval -EINVAL     @p fd is not a sync_file of this process
 * @retval -EMFILE     no descriptor is free; one is needed for a moment
 * @retval -ENFILE     the system has no more files
 * @retval -ENOMEM     the system has no memory
 * @retval -EOPNOTSUPP /proc is missing
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * sync_file_get_fence()
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_get_fence(int fd, struct wwr_fence **ret_fence);

/**
 * Make a sync_file of two: it signals when both have.
 *
 * Of each timeline the later fence stays; a failed one leaves its error; see wwr_fence_merge().
 *
 * @param name   of the new one, copied; shorter than WWR_SYNC_NAME_BYTES
 * @param fd     borrowed
 * @param fd2    borrowed; may be @p fd
 * @param ret_fd the caller's, for close(); it is closed at exec
 * @retval 0       made
 * @retval -EINVAL @p name is too long, or @p fd is not a sync_file
 * @retval -EBADF  @p fd is not open
 * @retval -ENOENT @p fd2 is not open, or not a sync_file
 * @retval other   as wwr_sync_file_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * SYNC_IOC_MERGE
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_merge(const char *name, int fd, int fd2, int *ret_fd);

/** What a sync_file is. */
struct wwr_sync_file_info {
	char name[WWR_SYNC_NAME_BYTES]; /**< its own; else "driver-timeline<context>-<seqno>" */
	int32_t status;			/**< 0 pending, 1 done, negative: the error */
	uint32_t num_fences;		/**< that it is made of */
};

/** What a fence of a sync_file is. */
struct wwr_sync_fence_info {
	char obj_name[WWR_SYNC_NAME_BYTES];    /**< of its timeline */
	char driver_name[WWR_SYNC_NAME_BYTES]; /**< of its driver */
	int32_t status;			       /**< 0 pending, 1 done, negative: the error */
	uint32_t flags;			       /**< 0 */
	uint64_t timestamp_ns;		       /**< when it signalled; 0 pending */
};

/**
 * Look at a sync_file and the fences that it is made of.
 *
 * @param fd         borrowed
 * @param max_fences room in @p ret_fences; 0 = only say how many there are
 * @param ret_fences the first num_fences entries are written
 * @param ret_info   written
 * @retval 0       done
 * @retval -EINVAL @p max_fences is too small, and not 0; or @p fd is not a sync_file
 * @retval other   as wwr_sync_file_get_fence()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * SYNC_IOC_FILE_INFO
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_get_info(int fd, uint32_t max_fences,
						  struct wwr_sync_fence_info *ret_fences,
						  struct wwr_sync_file_info *ret_info);

/**
 * Say by when the fence of a sync_file is wanted; see wwr_fence_set_deadline().
 *
 * @param fd          borrowed
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds
 * @retval 0     passed on
 * @retval other as wwr_sync_file_get_fence()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * SYNC_IOC_SET_DEADLINE
 */
WWR_API WWR_MUST_CHECK int wwr_sync_file_set_deadline(int fd, int64_t deadline_ns);

/**
 * Give back what belongs to sync_files that have signalled and are closed everywhere.
 *
 * The library does so by itself now and then, when sync_files are made; nobody needs to call this.
 *
 * @return how many there were
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * none; close()
 */
WWR_API unsigned int wwr_sync_file_collect(void);

WWR_END_DECLS

#endif /* WWRESV_SYNC_FILE_H */
