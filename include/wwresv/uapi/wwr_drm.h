/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_UAPI_WWR_DRM_H
#define WWRESV_UAPI_WWR_DRM_H

#include <stdint.h>

#include <drm.h>

/*
 * The ioctls of the mock GPU, driver name "wwrmock".  They are for render nodes and for the card,
 * and come beside those that every DRM device has: GEM_CLOSE ends a handle, PRIME shares a buffer,
 * the 12 SYNCOBJ ioctls make what a submit waits for and signals.
 *
 * How this interface grows
 *
 *	- A block may get members at its end, which mean what happened before when they are 0.  A
 *	  shorter block than the device knows is read as if zeros followed; of a longer one the
 *	  rest is not looked at.
 *	- An element of an array may get members at its end: the block says how far one element is
 *	  from the next (its stride).  A stride below the size that the device knows is -EINVAL,
 *	  a larger one is fine as long as what the device does not know is 0, else -E2BIG.
 *	- Flags that the device does not know are -EINVAL, and so are pads that are not 0: ask
 *	  WWR_DRM_PARAM_ABI before using what is newer than 1.
 *
 * What any of them may return
 *
 *	0		done
 *	-EINVAL		unknown flags, a pad or a returned member that is not 0, a number out of
 *			its range: looked at before any object is
 *	-EFAULT		a bad address
 *	-ENOENT		a handle that this file does not have
 *	-ENOMEM		no memory; -EMFILE, -ENFILE: no descriptor
 *	-ENODEV		the file was opened before a fork(), by the parent
 *
 * After an error everything is as before; but a handle that could not be written to the block
 * (-EFAULT) stays until the file is closed.  What else an ioctl returns stands with it, and what is
 * special about one of these.
 *
 * Times are in nanoseconds; absolute ones are of CLOCK_MONOTONIC.
 */

/** This interface; see WWR_DRM_PARAM_ABI. */
#define WWR_DRM_ABI 4

/* -- What the device is like ------------------------------------------------------------------ */

/** Kinds of engine. */
#define WWR_DRM_ENGINE_RENDER	     0
#define WWR_DRM_ENGINE_COPY	     1
#define WWR_DRM_ENGINE_VIDEO	     2
#define WWR_DRM_ENGINE_VIDEO_ENHANCE 3
#define WWR_DRM_ENGINE_COMPUTE	     4

/** An engine: its kind, and which of them, from 1.  0 = whichever of the kind is free. */
#define WWR_DRM_ENGINE(kind, instance) ((uint32_t)(kind) | (uint32_t)(instance) << 16)

/** The interface of the device: WWR_DRM_ABI, or more.  Index 0. */
#define WWR_DRM_PARAM_ABI 0
/** How many engines there are of the kind that is the index. */
#define WWR_DRM_PARAM_NUM_ENGINES 1
/** The bits of the engine that is the index, WWR_DRM_ENGINE(); 0 = there is none. */
#define WWR_DRM_PARAM_ENGINE_MASK 2
/** The domains that buffers may be in, WWR_DRM_DOMAIN_x.  Index 0. */
#define WWR_DRM_PARAM_DOMAINS 3
/** The most entries of wwr_drm_submit.bos.  Index 0. */
#define WWR_DRM_PARAM_MAX_BOS 4
/** The most entries of wwr_drm_submit.in_syncs, and of out_syncs.  Index 0. */
#define WWR_DRM_PARAM_MAX_SYNCS 5
/** The longest wwr_drm_submit.duration_ns.  Index 0. */
#define WWR_DRM_PARAM_MAX_DURATION_NS 6
/** How many bytes at the beginning of a buffer jobs touch; UINT64_MAX = all.  Index 0. */
#define WWR_DRM_PARAM_TOUCH_BYTES 7
/** How many jobs of this file may be pending.  Index 0. */
#define WWR_DRM_PARAM_MAX_JOBS 8
/** How many jobs the engine finished whose bit is 1 << index; ABI 2. */
#define WWR_DRM_PARAM_ENGINE_JOBS 9
/** How many nanoseconds it spent on jobs, of any file; the one that runs up to now; ABI 2. */
#define WWR_DRM_PARAM_ENGINE_BUSY_NS 10

/**
 * Ask for a number.
 *
 * -EINVAL: an unknown parameter; an index that is not 0 where it has to be; with NUM_ENGINES an
 * unknown kind of engine, with ENGINE_JOBS and ENGINE_BUSY_NS an engine that there is not.
 */
struct wwr_drm_get_param {
	uint32_t param; /**< in: WWR_DRM_PARAM_x */
	uint32_t index; /**< in: of what; see the parameter */
	uint64_t value; /**< out */
};

/* -- Buffers ---------------------------------------------------------------------------------- */

/** Where a buffer may be. */
#define WWR_DRM_DOMAIN_VRAM   (1u << 0)
#define WWR_DRM_DOMAIN_GTT    (1u << 1)
#define WWR_DRM_DOMAIN_SYSTEM (1u << 2)

/**
 * Make a buffer, filled with zeros.
 *
 * Its memory is taken from the system where it is touched, not before.  It goes with the last
 * handle, dma-buf, mapping and job that uses it.
 *
 * -EINVAL: size 0 or too large for a file; no domain, or an unknown one.
 * -ENOSPC: as many buffers or bytes as this file may have.
 */
struct wwr_drm_bo_create {
	uint64_t size;	 /**< in: bytes; out: rounded up to pages */
	uint32_t domain; /**< in: WWR_DRM_DOMAIN_x, one or more: a wish */
	uint32_t flags;	 /**< in: 0 */
	uint32_t handle; /**< in: 0; out: for GEM_CLOSE */
	uint32_t pad;	 /**< in: 0 */
};

/**
 * Where to mmap() the device's descriptor to see the buffer; MAP_DUMB says the same.
 *
 * The offset is good as long as the handle; a mapping stays after it.
 *
 * -ENOENT: no such buffer.
 */
struct wwr_drm_bo_map {
	uint32_t handle; /**< in */
	uint32_t flags;	 /**< in: 0 */
	uint64_t offset; /**< in: 0; out */
};

/** wwr_drm_bo_info.flags: the memory was made by another device, or was imported as a dma-buf. */
#define WWR_DRM_BO_IMPORTED (1u << 0)

/**
 * Look at a buffer; also at one that was imported or made as a dumb buffer.
 *
 * -ENOENT: no such buffer.
 */
struct wwr_drm_bo_info {
	uint32_t handle;       /**< in */
	uint32_t flags;	       /**< in: 0; out: WWR_DRM_BO_x */
	uint64_t size;	       /**< in: 0; out: bytes */
	uint32_t domain;       /**< in: 0; out: as wished for; WWR_DRM_DOMAIN_GTT if nobody did */
	uint32_t pad;	       /**< in: 0 */
	uint64_t num_backoffs; /**< in: 0; out: submits that gave up their locks for it; ABI 3 */
	uint64_t wait_ns;      /**< in: 0; out: time that submits slept for its lock; ABI 3 */
};

/** Wait as a writer has to, for readers too; without it for writers only. */
#define WWR_DRM_WAIT_WRITE (1u << 0)
/** Wait for everything that uses the buffer, jobs with explicit sync too. */
#define WWR_DRM_WAIT_ALL (1u << 1)
/** Tell the jobs that are waited for by when they are wanted: wwr_drm_bo_wait.deadline_ns. */
#define WWR_DRM_WAIT_DEADLINE (1u << 2)
#define WWR_DRM_WAIT_FLAGS    (WWR_DRM_WAIT_WRITE | WWR_DRM_WAIT_ALL | WWR_DRM_WAIT_DEADLINE)

/**
 * Wait until a buffer is idle: until what uses it now has finished, with or without an error.
 * What is submitted later is not waited for.
 *
 * -ETIME: timeout_ns passed first.
 * -EINTR: a signal handler ran.
 * -EINVAL: also a deadline without the flag.
 * -ENOENT: no such buffer.
 */
struct wwr_drm_bo_wait {
	uint32_t handle;      /**< in */
	uint32_t flags;	      /**< in: WWR_DRM_WAIT_x */
	int64_t timeout_ns;   /**< in: absolute; 0 or less polls; INT64_MAX waits for ever */
	uint64_t deadline_ns; /**< in: absolute, a wish; 0 without WWR_DRM_WAIT_DEADLINE */
};

/* -- Queues ----------------------------------------------------------------------------------- */

/** Priorities are from -WWR_DRM_MAX_PRIORITY to WWR_DRM_MAX_PRIORITY; 0 is the usual one. */
#define WWR_DRM_MAX_PRIORITY 1023

/**
 * Make a queue: its jobs start in the order of their submits, each after the one before has
 * finished.  Jobs of different queues have no order but that of their buffers and syncs.
 *
 * -EINVAL: no engine, or one that the device does not have; a priority out of range.
 * -ENOSPC: as many queues as this file may have.
 */
struct wwr_drm_queue_create {
	uint64_t engines; /**< in: which may run its jobs; see WWR_DRM_PARAM_ENGINE_MASK */
	int32_t priority; /**< in: ready jobs with a higher one run first */
	uint32_t flags;	  /**< in: 0 */
	uint32_t handle;  /**< in: 0; out: for wwr_drm_submit.queue; never 0 */
	uint32_t pad;	  /**< in: 0 */
};

/**
 * End a queue.  Its jobs go on.
 *
 * -ENOENT: no such queue; the file's own ones have no handle and stay.
 */
struct wwr_drm_queue_destroy {
	uint32_t handle; /**< in */
	uint32_t pad;	 /**< in: 0 */
};

/** As wwr_drm_queue_create.priority. */
#define WWR_DRM_QUEUE_PRIORITY 0
/**
 * 1: endless jobs, and those with an interval, give way to others that are ready, as they do at
 * first; 0: they do not.
 */
#define WWR_DRM_QUEUE_PREEMPTIBLE 1

/**
 * Change a queue, for jobs that are submitted from now on; ABI 3.
 *
 * -EINVAL: an unknown property; a value out of its range.
 * -ENOENT: no such queue.
 */
struct wwr_drm_queue_set {
	uint32_t handle;   /**< in */
	uint32_t property; /**< in: WWR_DRM_QUEUE_x */
	int64_t value;	   /**< in */
};

/**
 * Bond a queue: a job of it that starts with the start of another one (WWR_DRM_SYNC_START,
 * WWR_DRM_SUBMIT_FENCE_FD_START) which has started on the engine master runs on one of these
 * engines.  For jobs that are submitted from now on.  Of several such starts all bonds count, but
 * for those that would leave no engine; ABI 4.
 *
 * -EINVAL: the device has no such engine; engines that are not the queue's.
 * -ENOENT: no such queue.
 * -ENOMEM: no memory for the bond, or for what a scheduler needs for its engines.  The bonds are as
 * before.
 */
struct wwr_drm_queue_bond {
	uint32_t handle;  /**< in: the queue */
	uint32_t master;  /**< in: the engine whose bit is 1 << master */
	uint64_t engines; /**< in: some of the queue's; 0 = no bond with this master any more */
	uint32_t flags;	  /**< in: 0 */
	uint32_t pad;	  /**< in: 0 */
};

/* -- Jobs ------------------------------------------------------------------------------------- */

/** What a job does with a buffer: one of them, or both. */
#define WWR_DRM_BO_READ	     (1u << 0)
#define WWR_DRM_BO_WRITE     (1u << 1)
#define WWR_DRM_BO_USE_FLAGS (WWR_DRM_BO_READ | WWR_DRM_BO_WRITE)

/** A buffer of a job.  Named twice it counts once, in its first place, with both uses. */
struct wwr_drm_submit_bo {
	uint32_t handle; /**< in */
	uint32_t flags;	 /**< in: WWR_DRM_BO_x */
};

/**
 * Of in_syncs: not the end of the jobs whose fence it is, but their start, as with
 * WWR_DRM_SUBMIT_FENCE_FD_START; ABI 3.
 */
#define WWR_DRM_SYNC_START (1u << 0)
#define WWR_DRM_SYNC_FLAGS WWR_DRM_SYNC_START

/** A syncobj of a job. */
struct wwr_drm_submit_sync {
	uint32_t handle; /**< in */
	uint32_t flags;	 /**< in: of in_syncs WWR_DRM_SYNC_x, of out_syncs 0 */
	uint64_t point;	 /**< in: of a timeline; 0 = the fence as a whole */
};

/** The job starts after the sync_file wwr_drm_submit.in_fd. */
#define WWR_DRM_SUBMIT_FENCE_FD_IN (1u << 0)
/** wwr_drm_submit.out_fd becomes a sync_file that signals when the job has finished. */
#define WWR_DRM_SUBMIT_FENCE_FD_OUT (1u << 1)
/**
 * Explicit sync: the job does not wait for what uses its buffers, and who uses them later does not
 * wait for it.  Only in_syncs and in_fd hold it back, and its queue.
 */
#define WWR_DRM_SUBMIT_EXPLICIT_SYNC (1u << 2)
/**
 * With FENCE_FD_IN: the job starts as soon as the jobs whose out_fd it is have started, not
 * finished, and what it writes depends on their seeds, too.  A fence of something else must have
 * signalled.
 */
#define WWR_DRM_SUBMIT_FENCE_FD_START (1u << 3)
/**
 * The job runs until JOB_END ends it, or the file is closed; duration_ns is 0.  While it runs it
 * gives way to others that are ready, see WWR_DRM_QUEUE_PREEMPTIBLE; ABI 3.
 */
#define WWR_DRM_SUBMIT_ENDLESS (1u << 4)
#define WWR_DRM_SUBMIT_FLAGS                                                                       \
	(WWR_DRM_SUBMIT_FENCE_FD_IN | WWR_DRM_SUBMIT_FENCE_FD_OUT | WWR_DRM_SUBMIT_EXPLICIT_SYNC | \
	 WWR_DRM_SUBMIT_FENCE_FD_START | WWR_DRM_SUBMIT_ENDLESS)

/** Limits of a submit; see WWR_DRM_PARAM_x for those of a device. */
#define WWR_DRM_MAX_BOS		16384
#define WWR_DRM_MAX_SYNCS	1024
#define WWR_DRM_MAX_DURATION_NS UINT64_C(60000000000)

/** What a submit met on its way to the locks of its buffers; ABI 2. */
struct wwr_drm_submit_stats {
	uint32_t retries;      /**< out: attempts to lock all buffers after the first one */
	uint32_t num_backoffs; /**< out: times it gave up the locks that it had */
	uint32_t losses;       /**< out: of these, the ones that it lost to another submit */
	uint32_t restarts;     /**< out: of these, the ones under the rules of ww_mutex */
	uint64_t wait_ns;      /**< out: time asleep for locks */
	uint64_t reserve_ns;   /**< out: until everything was locked */
	uint32_t contended;    /**< out: handle of the buffer it waited for last; 0 = none */
	uint32_t pad;	       /**< out: 0 */
	uint64_t num_locks;    /**< out: locks that it got, in all attempts; ABI 4 */
};

/** The size of it before ABI 4: the other one that a client may give. */
#define WWR_DRM_SUBMIT_STATS_MIN_BYTES 40

/**
 * Submit a job.  It waits for its in-fences and, without explicit sync, for what uses its buffers:
 * to read one, for those who write it; to write one, for all.  Then it runs for duration_ns, and
 * at its end rewrites the first bytes of each buffer that it writes, as a function of its seed and
 * of the bytes of all its buffers.
 *
 * All buffers are locked together, so that of two submits one comes wholly before the other;
 * commit says in which order.
 *
 * stats_bytes is WWR_DRM_SUBMIT_STATS_MIN_BYTES, sizeof(struct wwr_drm_submit_stats) or more; or 0
 * without an address.  So many bytes are written, but no more than the device knows.  After a
 * failure the contents of stats mean nothing, but for -EDEADLK.
 *
 * Addresses and strides of arrays without entries are not looked at.
 *
 * The out-fences are there as soon as the call returns.  A failure leaves nothing behind: no
 * point, no descriptor, no fence, whatever it was.  (If the block's memory becomes unwritable
 * while the call runs, it is -EFAULT and the job runs.)
 *
 * -EINVAL: also a sync without a fence, or without the point, that the job should wait for; in_fd
 * is not a sync_file; FENCE_FD_START without FENCE_FD_IN; there is no such engine, or one is
 * given beside a queue; more buffers, syncs or time than the limits above; an endless job with a
 * duration or an interval; a stats_bytes that is none of these.
 * -ENOENT: no such queue, buffer or syncobj.
 * -EBADF: in_fd is not open.
 * -E2BIG: an array's elements have members that the device does not know, and they are not 0.
 * -EOPNOTSUPP: the device has no syncobjs, or no timelines, and they were asked for; a sync_file,
 * and /proc is missing.
 * -ENOSPC: as many jobs of this file are pending as may be: wait for one; with FENCE_FD_OUT also
 * as many files watched by epoll as the user may have.
 * -EINTR: a signal handler ran during the sleep for a buffer's lock.
 * -EDEADLK: it would have had to try more than retry_limit times again; not -EAGAIN, for which
 * drmIoctl() calls again.
 */
struct wwr_drm_submit {
	uint32_t flags;	  /**< in: WWR_DRM_SUBMIT_x */
	uint32_t queue;	  /**< in: from QUEUE_CREATE; 0 = the file's own one of the engine */
	uint32_t engine;  /**< in: WWR_DRM_ENGINE() if queue is 0, else 0 */
	uint32_t num_bos; /**< in: entries of bos */
	uint64_t bos;	  /**< in: address of struct wwr_drm_submit_bo */

	uint32_t bo_stride;	/**< in: bytes from one entry of bos to the next */
	uint32_t sync_stride;	/**< in: bytes from one entry of the next two to the next */
	uint32_t num_in_syncs;	/**< in: entries of in_syncs */
	uint32_t num_out_syncs; /**< in: entries of out_syncs */
	uint64_t in_syncs;	/**< in: address of struct wwr_drm_submit_sync: waits for them */
	uint64_t out_syncs;	/**< in: the same: gives them its fence, in this order */

	uint64_t duration_ns; /**< in: how long it runs */
	uint64_t seed;	      /**< in: of what it writes */
	uint64_t label;	      /**< in: the client's name for it, for reports */

	int32_t in_fd;	 /**< in: a sync_file, with WWR_DRM_SUBMIT_FENCE_FD_IN; else 0 */
	int32_t out_fd;	 /**< in: 0; out: closed at exec, with WWR_DRM_SUBMIT_FENCE_FD_OUT */
	uint64_t commit; /**< in: 0; out: its place in the order of the device's jobs, from 0 */

	uint64_t stats; /**< in: address of struct wwr_drm_submit_stats; 0 = not wanted; ABI 2 */
	uint32_t
	    stats_bytes; /**< in: its size as the client knows it, or 0; the rest is left alone */
	uint32_t retry_limit; /**< in: fail rather than try again more often; 0 = none; ABI 3 */

	/**
	 * in: each time it has had its engine for so long it gives way to a ready job of a higher
	 * priority, see WWR_DRM_QUEUE_PREEMPTIBLE, and goes on later for the time that it has
	 * left; 0 = it never does; ABI 4
	 */
	uint64_t interval_ns;
};

/**
 * End an endless job as soon as an engine sees it, or before it has begun; ABI 3.
 *
 * -ENOENT: this file has no endless job of that number that runs or waits, or it was ended.
 */
struct wwr_drm_job_end {
	uint64_t commit; /**< in: what SUBMIT returned */
	uint32_t flags;	 /**< in: 0 */
	uint32_t pad;	 /**< in: 0 */
};

/**
 * Look at the job whose fence a syncobj has as a whole, not at a point; ABI 3.
 *
 * -EINVAL: the syncobj has no fence, or not one of a job of this device.
 * -ENOENT: no such syncobj.
 * -EOPNOTSUPP: the device has no syncobjs.
 */
struct wwr_drm_job_info {
	uint32_t syncobj; /**< in */
	uint32_t flags;	  /**< in: 0 */
	int32_t status;	  /**< in: 0; out: 1 finished, 0 not yet, below 0 the error it ended with */
	uint32_t engine;  /**< in: 0; out: WWR_DRM_ENGINE() it ran on; 0 = none, or not finished */
	uint64_t commit;  /**< in: 0; out: as SUBMIT returned */
	uint64_t label;	  /**< in: 0; out: as SUBMIT was told */
};

/* -- Numbers ---------------------------------------------------------------------------------- */

#define WWR_IOCTL_GET_PARAM	DRM_IOWR(DRM_COMMAND_BASE + 0x0, struct wwr_drm_get_param)
#define WWR_IOCTL_BO_CREATE	DRM_IOWR(DRM_COMMAND_BASE + 0x1, struct wwr_drm_bo_create)
#define WWR_IOCTL_BO_MAP	DRM_IOWR(DRM_COMMAND_BASE + 0x2, struct wwr_drm_bo_map)
#define WWR_IOCTL_BO_INFO	DRM_IOWR(DRM_COMMAND_BASE + 0x3, struct wwr_drm_bo_info)
#define WWR_IOCTL_BO_WAIT	DRM_IOW(DRM_COMMAND_BASE + 0x4, struct wwr_drm_bo_wait)
#define WWR_IOCTL_QUEUE_CREATE	DRM_IOWR(DRM_COMMAND_BASE + 0x5, struct wwr_drm_queue_create)
#define WWR_IOCTL_QUEUE_DESTROY DRM_IOW(DRM_COMMAND_BASE + 0x6, struct wwr_drm_queue_destroy)
#define WWR_IOCTL_SUBMIT	DRM_IOWR(DRM_COMMAND_BASE + 0x7, struct wwr_drm_submit)
#define WWR_IOCTL_QUEUE_SET	DRM_IOW(DRM_COMMAND_BASE + 0x8, struct wwr_drm_queue_set)
#define WWR_IOCTL_JOB_END	DRM_IOW(DRM_COMMAND_BASE + 0x9, struct wwr_drm_job_end)
#define WWR_IOCTL_JOB_INFO	DRM_IOWR(DRM_COMMAND_BASE + 0xa, struct wwr_drm_job_info)
#define WWR_IOCTL_QUEUE_BOND	DRM_IOW(DRM_COMMAND_BASE + 0xb, struct wwr_drm_queue_bond)

#endif /* WWRESV_UAPI_WWR_DRM_H */
