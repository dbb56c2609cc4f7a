/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_DEVICE_H
#define WWRESV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/job.h>
#include <wwresv/macros.h>
#include <wwresv/sched.h>

WWR_BEGIN_DECLS

/*
 * The mock GPU.
 *
 *	device   engines, each a thread; the order of commits
 *	bo       a buffer with memory behind it
 *	queue    an ordered stream of jobs: one client, context and engine (or balanced map)
 *	job      one batch: the buffers it reads and writes, what it waits for, how long it runs
 *
 * A job goes one way: wwr_job_create(), its buffers and dependencies, wwr_job_submit(); then it
 * runs once everything it waits for has happened, and its two fences signal.
 *
 * Devices, queues, jobs and buffers are counted references: each holds what it needs, so they
 * may be given back in any order.
 */
struct wwr_bo;
struct wwr_class;
struct wwr_device;
struct wwr_device_bo;
struct wwr_mm_stats;
struct wwr_mutex;

/** Kinds of engine, by the names of the uapi. */
enum wwr_engine_class {
	WWR_ENGINE_RCS,	 /**< render */
	WWR_ENGINE_BCS,	 /**< copy */
	WWR_ENGINE_VCS,	 /**< video */
	WWR_ENGINE_VECS, /**< video enhancement */
	WWR_ENGINE_CCS,	 /**< compute */
	WWR_NUM_ENGINE_CLASSES,
};

/** Engines a device may have, all classes together: one bit each in an engine mask. */
#define WWR_MAX_ENGINES 64

/** Dependencies that a device leaves out on purpose, to prove that a check would find it. */
#define WWR_BREAK_READ	 (1u << 0) /**< a read does not wait for writers */
#define WWR_BREAK_WRITE	 (1u << 1) /**< a write does not wait for readers and writers */
#define WWR_BREAK_DATA	 (1u << 2) /**< WWR_ACCESS_DATA reads do not wait for writers */
#define WWR_BREAK_SUBMIT (1u << 3) /**< a job does not wait for another one's start */
#define WWR_BREAK_MASK	 (WWR_BREAK_READ | WWR_BREAK_WRITE | WWR_BREAK_DATA | WWR_BREAK_SUBMIT)

/** What a device is like; wwr_device_config_init() fills in the defaults. */
struct wwr_device_config {
	uint32_t num_engines[WWR_NUM_ENGINE_CLASSES]; /**< RCS 1, BCS 1, VCS 2, VECS 1, CCS 1 */
	bool touch_full;     /**< jobs touch all of a buffer, else its first WWR_TOUCH_BYTES */
	double time_scale;   /**< durations are multiplied by it; 0 = no waiting; default 1 */
	uint32_t break_deps; /**< WWR_BREAK_x */
	struct wwr_class *lock_class; /**< of every buffer; NULL = wwr_default_class() */
	/**
	 * The size of VRAM, where all buffers of a job are while it runs, and of what they are
	 * evicted to before system memory; whole pages.  0 = buffers stay where they are; then
	 * there is no GTT either.
	 */
	uint64_t vram_bytes, gtt_bytes;
	/**
	 * Jobs go through the scheduler: a ring for each engine, an entity for each queue.  Without
	 * it engines take what is ready, by priority.  The fields below need it.
	 */
	bool use_sched;
	enum wwr_sched_policy policy; /**< FAIR is the default */
	int64_t hang_timeout_ns;      /**< as wwr_sched_options.timeout_ns; needed for faults */
	uint32_t hang_limit;	      /**< of a client; UINT32_MAX = none is ever guilty */
	uint64_t hang_every;	      /**< every so many jobs one never ends; 0 = none */
	/**
	 * Every so many jobs one takes slow_factor times its duration; 0 = none.  If it is on its
	 * engine when the scheduler asks after the timeout, and has been for half of that without
	 * giving way, it is taken for a job that hangs.  One that hangs is not slow besides, nor is
	 * an endless one.
	 */
	uint64_t slow_every;
	double slow_factor;  /**< at least 1; default 10 */
	uint64_t lose_after; /**< the device is lost after so many jobs; 0 = never */
};

/** How much of a buffer a job touches unless wwr_device_config.touch_full is set. */
#define WWR_TOUCH_BYTES 256

/**
 * Fill in the defaults.
 *
 * @param config written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_device_config_init(struct wwr_device_config *config);

/**
 * Make a device and start its engines.
 *
 * @param config     copied; NULL = the defaults; its lock class must outlive all buffers
 * @param ret_device the caller's, for wwr_device_destroy()
 * @retval 0       ready
 * @retval -EINVAL no engine, more than WWR_MAX_ENGINES, a negative or infinite time scale,
 *                 unknown bits, faults without a scheduler and, but for slow jobs, a timeout, a
 *                 slow factor below 1, GTT without VRAM, more than INT64_MAX bytes
 * @retval -ENOMEM no memory
 * @retval -EAGAIN no thread for an engine
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_dev_alloc(), drm_sched_init()
 */
WWR_API WWR_MUST_CHECK int wwr_device_create(const struct wwr_device_config *config,
					     struct wwr_device **ret_device);

/**
 * Stop a device: no job starts any more, every unfinished one ends with -ECANCELED and without
 * effect on memory (but for one that is just writing it: wwr_job_info.torn), and the engines'
 * threads are joined.  Waits for no fence; waits for threads that are inside of wwr_job_submit()
 * past the point of no return.
 *
 * @param device later submits to it return -ECANCELED, with a scheduler new queues, too; stopping
 *               again is a no-op
 * @par Thread safety
 * One thread at a time; not from a fence callback, not with a buffer locked.  Other threads may
 * go on using the device.
 * @par Kernel counterpart
 * drm_dev_unplug(), drm_sched_fini()
 */
WWR_API void wwr_device_stop(struct wwr_device *device);

/**
 * Stop a device and give it back.  Its memory goes with the last queue, job and fence of it.
 * Usage error: it has VRAM, and there are buffers left.
 *
 * @param device NULL is a no-op
 * @par Thread safety
 * As wwr_device_stop().
 * @par Kernel counterpart
 * drm_dev_put()
 */
WWR_API void wwr_device_destroy(struct wwr_device *device);

/**
 * Engines of a class, or one of them, as a mask.
 *
 * @param device       borrowed
 * @param engine_class which kind
 * @param instance     from 1; 0 = all of the class
 * @return a mask with one bit an engine, bit i = engine i; 0 = there is none
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API uint64_t wwr_device_engine_mask(const struct wwr_device *device,
					enum wwr_engine_class engine_class, uint32_t instance);

/** What an engine has done; see wwr_device_get_engine(). */
struct wwr_engine_info {
	char name[16];			    /**< "rcs0", "vcs1": counted from 0 */
	enum wwr_engine_class engine_class; /**< its kind */
	uint32_t instance;		    /**< from 1, as in workload descriptors */
	bool busy;			    /**< runs a job just now */
	uint64_t num_jobs;		    /**< jobs it finished */
	uint64_t busy_ns;		    /**< time it spent on jobs */
};

/**
 * How many engines the device has.
 *
 * @param device borrowed
 * @return at least 1; never changes
 * @par Thread safety
 * Any thread, also after wwr_device_stop().
 * @par Kernel counterpart
 * none; drivers tell it by a query ioctl
 */
WWR_API unsigned int wwr_device_num_engines(const struct wwr_device *device);

/**
 * Look at an engine.
 *
 * @param device   borrowed
 * @param index    below wwr_device_num_engines(); a usage error otherwise
 * @param ret_info written; the time of a running job is counted up to now
 * @par Thread safety
 * Any thread, also after wwr_device_stop().
 * @par Kernel counterpart
 * fdinfo drm-engine-<name>
 */
WWR_API void wwr_device_get_engine(struct wwr_device *device, unsigned int index,
				   struct wwr_engine_info *ret_info);

/** What a device has done; see wwr_device_get_stats(). */
struct wwr_device_stats {
	uint64_t num_submitted; /**< jobs committed: the next commit number */
	uint64_t num_finished;	/**< of these, the ones that ended, those with an error too */
	uint64_t num_failed;	/**< of these, the ones that ended with an error */
	uint64_t num_slow;	/**< jobs that started and are slow on purpose */
};

/**
 * How many jobs there were so far.
 *
 * @param device    borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread, also after wwr_device_stop().
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_device_get_stats(struct wwr_device *device, struct wwr_device_stats *ret_stats);

/**
 * Make a buffer.  Its memory is taken from the system where it is touched, not before.  The
 * part that jobs touch begins as a function of @p number: wwr_effect_init() of drivers/mock.
 *
 * @param device     gives the lock class and says how much jobs touch; need not outlive it
 * @param number     the caller's name for it, also the seed of its content
 * @param size_bytes at least 1
 * @param ret_bo     the caller's reference, for wwr_device_bo_put()
 * @retval 0       made
 * @retval -EINVAL size 0
 * @retval -ENOMEM no memory, or no address space
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_shmem_create()
 */
WWR_API WWR_MUST_CHECK int wwr_device_bo_create(struct wwr_device *device, uint64_t number,
						uint64_t size_bytes, struct wwr_device_bo **ret_bo);

/**
 * Make a buffer that shares its reservation, and so its lock and its fences, with another one:
 * the buffers of one address space, for instance.  A job that uses several of them waits for each
 * of them as it must for the one that it does most to.
 *
 * @param device     as wwr_device_bo_create(); its lock class is that of @p other's device; has no
 *                   VRAM
 * @param number     as wwr_device_bo_create()
 * @param size_bytes as wwr_device_bo_create()
 * @param other      whose reservation is kept alive for the new buffer; NULL = one of its own
 * @param ret_bo     the caller's reference, for wwr_device_bo_put()
 * @retval -EINVAL @p other is given and the device has VRAM
 * @retval other   as wwr_device_bo_create()
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gpuvm_resv_obj()
 */
WWR_API WWR_MUST_CHECK int wwr_device_bo_create_sharing(struct wwr_device *device, uint64_t number,
							uint64_t size_bytes,
							struct wwr_device_bo *other,
							struct wwr_device_bo **ret_bo);

/**
 * Make a buffer over one that another driver made: its memory and its reservation, so that jobs of
 * this device and users of that buffer wait for each other.  What is in the memory stays.
 *
 * There must be one at a time over a reservation, as far as jobs name them together.
 *
 * @param device    as wwr_device_bo_create(); its lock class is that of @p over
 * @param number    as wwr_device_bo_create(), but the content does not follow from it
 * @param over      referenced
 * @param memory_fd the memfd with its memory, borrowed; nobody may make it smaller
 * @param ret_bo    the caller's reference, for wwr_device_bo_put()
 * @retval 0       made
 * @retval -EINVAL size 0, or too large for a file
 * @retval -ENOMEM no memory, no address space, or @p memory_fd cannot be mapped
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_prime_import()
 */
WWR_API WWR_MUST_CHECK int wwr_device_bo_create_over(struct wwr_device *device, uint64_t number,
						     struct wwr_bo *over, int memory_fd,
						     struct wwr_device_bo **ret_bo);

/**
 * Another reference; returns @p bo.
 *
 * @param bo somebody has a reference
 * @return @p bo
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_object_get()
 */
WWR_API struct wwr_device_bo *wwr_device_bo_get(struct wwr_device_bo *bo);

/**
 * Give a reference back; NULL is a no-op.  Not with the buffer locked.
 *
 * @param bo the reference is the callee's from now on
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_object_put()
 */
WWR_API void wwr_device_bo_put(struct wwr_device_bo *bo);

/**
 * The buffer object inside: its size, its reservation and so its mutex.
 *
 * @param bo borrowed
 * @return lives as long as @p bo
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_shmem_object.base
 */
WWR_API struct wwr_bo *wwr_device_bo_base(struct wwr_device_bo *bo);

/**
 * The buffer whose mutex this is, of several that share it the first one: for
 * wwr_lock_set_stats.last_contended and wwr_debug_wait.  Not for buffers over another driver's.
 *
 * @param mutex of a buffer that lives
 * @return borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * container_of()
 */
WWR_API struct wwr_device_bo *wwr_device_bo_from_mutex(const struct wwr_mutex *mutex);

/**
 * The number given at creation.
 *
 * @param bo borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API uint64_t wwr_device_bo_number(const struct wwr_device_bo *bo);

/**
 * The memory; plain accesses, ordered by the reservation's fences alone.  With VRAM it is where the
 * buffer is in system memory; see wwr_device_bo_fetch().
 *
 * @param bo borrowed
 * @return lives as long as @p bo
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_vmap()
 */
WWR_API uint8_t *wwr_device_bo_map(struct wwr_device_bo *bo);

/**
 * Have what jobs left in a buffer where wwr_device_bo_map() points to, wherever it is; a no-op
 * without VRAM.
 *
 * @param bo nobody uses it any more: nobody submits
 * @retval 0       copied
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Not while another thread submits.  Waits for what was submitted.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_device_bo_fetch(struct wwr_device_bo *bo);

/**
 * What the memory manager has done; zeroes without VRAM.
 *
 * @param device    borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_device_get_memory(struct wwr_device *device, struct wwr_mm_stats *ret_stats);

/**
 * What the schedulers of all engines did, together; zeroes without.
 *
 * @param device    borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_device_get_recovery(struct wwr_device *device, struct wwr_sched_stats *ret_stats);

/**
 * How many bytes at the beginning jobs touch.
 *
 * @param bo borrowed
 * @return in bytes, at most its size
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API size_t wwr_device_bo_touched_bytes(const struct wwr_device_bo *bo);

/** How often and how long submits waited for a buffer's lock. */
struct wwr_device_bo_stats {
	uint64_t num_backoffs; /**< back-offs because somebody else held it */
	uint64_t wait_ns;      /**< time asleep for it, with or without a back-off */
};

/**
 * What submits met on a buffer so far.
 *
 * @param bo        borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_device_bo_get_stats(const struct wwr_device_bo *bo,
				     struct wwr_device_bo_stats *ret_stats);

/**
 * Visit the unfinished jobs, in the order of commits.
 *
 * @param device borrowed
 * @param fn     called without any lock, from this thread; false ends the visit
 * @param arg    passed to @p fn
 * @retval 0       visited
 * @retval -ENOMEM no memory for a snapshot
 * @par Thread safety
 * Any thread; not from a fence callback.  Jobs may go on meanwhile.
 * @par Kernel counterpart
 * intel_engine_dump()
 */
WWR_API WWR_MUST_CHECK int
wwr_device_for_each_job(struct wwr_device *device,
			bool (*fn)(const struct wwr_job_info *info, void *arg), void *arg);

WWR_END_DECLS

#endif /* WWRESV_DEVICE_H */
