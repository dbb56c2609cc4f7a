/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_DEVICE_H
#define WWRESV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>

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
struct wwr_fence;
struct wwr_job;
struct wwr_lock_set_options;
struct wwr_mutex;
struct wwr_queue;

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
 *                 unknown bits
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
 * effect on memory, and the engines' threads are joined.  Waits for no fence; waits for threads
 * that are inside of wwr_job_submit() past the point of no return.
 *
 * @param device later submits to it return -ECANCELED; stopping again is a no-op
 * @par Thread safety
 * One thread at a time; not from a fence callback, not with a buffer locked.  Other threads may
 * go on using the device.
 * @par Kernel counterpart
 * drm_dev_unplug(), drm_sched_fini()
 */
WWR_API void wwr_device_stop(struct wwr_device *device);

/**
 * Stop a device and give it back.  Its memory goes with the last queue, job and fence of it.
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

/** How many engines the device has. */
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
};

/** How many jobs there were so far.  Any thread, also after wwr_device_stop(). */
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

/** Another reference; returns @p bo. */
WWR_API struct wwr_device_bo *wwr_device_bo_get(struct wwr_device_bo *bo);

/** Give a reference back; NULL is a no-op.  Not with the buffer locked. */
WWR_API void wwr_device_bo_put(struct wwr_device_bo *bo);

/** The buffer object inside: its size, its reservation and so its mutex. */
WWR_API struct wwr_bo *wwr_device_bo_base(struct wwr_device_bo *bo);

/** The buffer whose mutex this is: for wwr_lock_set_stats.last_contended and wwr_debug_wait. */
WWR_API struct wwr_device_bo *wwr_device_bo_from_mutex(const struct wwr_mutex *mutex);

/** The number given at creation. */
WWR_API uint64_t wwr_device_bo_number(const struct wwr_device_bo *bo);

/** The memory; plain accesses, ordered by the reservation's fences alone. */
WWR_API uint8_t *wwr_device_bo_map(struct wwr_device_bo *bo);

/** How many bytes at the beginning jobs touch. */
WWR_API size_t wwr_device_bo_touched_bytes(const struct wwr_device_bo *bo);

/** How often and how long submits waited for a buffer's lock. */
struct wwr_device_bo_stats {
	uint64_t num_backoffs; /**< back-offs because somebody else held it */
	uint64_t wait_ns;      /**< time asleep for it, with or without a back-off */
};

/** What submits met on a buffer so far.  Any thread. */
WWR_API void wwr_device_bo_get_stats(const struct wwr_device_bo *bo,
				     struct wwr_device_bo_stats *ret_stats);

/**
 * Make a queue: its jobs start in the order of their submits, each after the one before has
 * finished.  Jobs of different queues have no order but that of their dependencies.
 *
 * @param device      referenced
 * @param name        copied, shortened to 63 bytes; the timeline name of its fences
 * @param engine_mask engines that may run its jobs, at least one, all of the device
 * @param ret_queue   the caller's reference, for wwr_queue_put()
 * @retval 0       made; priority 0, preemptible
 * @retval -EINVAL an empty mask, or a bit without an engine
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_init()
 */
WWR_API WWR_MUST_CHECK int wwr_queue_create(struct wwr_device *device, const char *name,
					    uint64_t engine_mask, struct wwr_queue **ret_queue);

/** Another reference; returns @p queue. */
WWR_API struct wwr_queue *wwr_queue_get(struct wwr_queue *queue);

/** Give a reference back; NULL is a no-op.  Jobs in it go on. */
WWR_API void wwr_queue_put(struct wwr_queue *queue);

/** Priority of jobs submitted from now on: higher ones run first.  Any thread. */
WWR_API void wwr_queue_set_priority(struct wwr_queue *queue, int priority);

/** Whether endless jobs submitted from now on give way to ready jobs.  Any thread. */
WWR_API void wwr_queue_set_preemptible(struct wwr_queue *queue, bool preemptible);

/** Duration of a job that runs until wwr_job_end(). */
#define WWR_JOB_ENDLESS INT64_MAX

/** What a job is like; a zeroed structure is a job that ends at once. */
struct wwr_job_config {
	int64_t duration_ns;  /**< before the time scale; WWR_JOB_ENDLESS */
	uint64_t seed;	      /**< of its effect on memory */
	uint64_t label;	      /**< the caller's name for it, for reports */
	uint32_t num_buffers; /**< room to make at once; it grows as needed */
};

/**
 * Make a job that is not yet submitted.
 *
 * @param queue   referenced
 * @param config  copied; NULL = a zeroed structure
 * @param ret_job the caller's reference, for wwr_job_put()
 * @retval 0       made
 * @retval -EINVAL a negative duration
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread; until wwr_job_submit() returned one thread at a time uses the job.
 * @par Kernel counterpart
 * drm_sched_job_init()
 */
WWR_API WWR_MUST_CHECK int wwr_job_create(struct wwr_queue *queue,
					  const struct wwr_job_config *config,
					  struct wwr_job **ret_job);

/** Another reference; returns @p job. */
WWR_API struct wwr_job *wwr_job_get(struct wwr_job *job);

/** Give a reference back; NULL is a no-op.  A submitted job goes on. */
WWR_API void wwr_job_put(struct wwr_job *job);

/** How a job uses a buffer. */
#define WWR_ACCESS_READ	 (1u << 0)
#define WWR_ACCESS_WRITE (1u << 1)
#define WWR_ACCESS_DATA	 (1u << 2) /**< with READ: WWR_BREAK_DATA counts, not WWR_BREAK_READ */
#define WWR_ACCESS_MASK	 (WWR_ACCESS_READ | WWR_ACCESS_WRITE | WWR_ACCESS_DATA)

/**
 * Name a buffer that the job uses.  Buffers are locked, and touched, in the order of these
 * calls.  A buffer named again keeps its first place and has both accesses.
 *
 * @param job    not submitted
 * @param bo     referenced for as long as the job lives
 * @param access WWR_ACCESS_READ, WWR_ACCESS_WRITE or both, and WWR_ACCESS_DATA
 * @retval 0       added
 * @retval -EINVAL neither READ nor WRITE; unknown bits; DATA without READ
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * One thread at a time.
 * @par Kernel counterpart
 * an entry of drm_i915_gem_exec_object2
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_buffer(struct wwr_job *job, struct wwr_device_bo *bo,
					      uint32_t access);

/**
 * Explicit in-fence: the job starts after @p fence has signalled, with or without an error.
 *
 * @param job   not submitted
 * @param fence referenced; stays the caller's too
 * @retval 0       added
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * One thread at a time.
 * @par Kernel counterpart
 * drm_sched_job_add_dependency(), which takes the caller's reference
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_dependency(struct wwr_job *job, struct wwr_fence *fence);

/**
 * Submit fence: the job starts after @p other has started.
 *
 * @p job reads something that @p other writes when it starts, so that a broken submit
 * dependency has an effect: wwr_effect_start_token() of drivers/mock.
 *
 * @param job   not submitted
 * @param other submitted
 * @retval 0       added
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * One thread at a time.
 * @par Kernel counterpart
 * I915_EXEC_FENCE_SUBMIT
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_submit_dependency(struct wwr_job *job,
							 struct wwr_job *other);

/** What a submit was like. */
struct wwr_submit_result {
	uint64_t commit;       /**< place in the device's order of commits, dense from 0 */
	uint32_t num_buffers;  /**< distinct buffers locked */
	uint32_t retries;      /**< attempts to lock them after the first one */
	uint32_t num_backoffs; /**< back-offs, one more than retries if the last attempt failed */
	uint32_t losses;       /**< of these, the contentions lost under the default policy */
	uint32_t restarts;     /**< of these, the back-offs under classic rules */
	uint64_t wait_ns;      /**< time asleep for locks */
	uint64_t reserve_ns;   /**< from the call until everything was locked, or had failed */
	struct wwr_device_bo *contended; /**< met last, borrowed from the job; NULL = none */
};

/**
 * Submit: lock all buffers as one set, make room for fences, collect what to wait for from each
 * reservation, take the next number of the order of commits, publish the job's fence in each
 * reservation, unlock, and give the job to the engines.
 *
 * A read waits for the fences of usage WRITE, a write for those of usage READ and WRITE.
 *
 * @param job        not submitted; a usage error otherwise
 * @param options    of the lock set; NULL = the defaults
 * @param hold_ns    keep the locks so much longer, asleep; 0 = do not
 * @param ret_result written whatever the result, but for the commit number; NULL = not wanted
 * @retval 0          submitted: both fences will signal, whatever happens
 * @retval -EAGAIN    the options' retry limit was reached
 * @retval -EINTR     the options' token was interrupted, or a signal handler ran during a sleep
 * @retval -ETIME     the options' deadline passed
 * @retval -EBUSY     the thread holds a lock of the class
 * @retval -EINVAL    bad options, or a buffer of another class
 * @retval -ENOMEM    no memory
 * @retval -ECANCELED the device was stopped
 * After an error nothing was published; the job may be submitted again or put.
 * @par Thread safety
 * Any thread; not with a buffer locked, not from a fence callback.
 * @par Kernel counterpart
 * an execbuffer ioctl; drm_sched_job_arm(), drm_sched_entity_push_job()
 */
WWR_API WWR_MUST_CHECK int wwr_job_submit(struct wwr_job *job,
					  const struct wwr_lock_set_options *options,
					  uint64_t hold_ns, struct wwr_submit_result *ret_result);

/**
 * End an endless job: it finishes as soon as an engine sees it.  Cuts short any other job, too.
 *
 * @param job submitted; a finished one is left alone
 * @par Thread safety
 * Any thread; not from a fence callback.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_job_end(struct wwr_job *job);

/** The fence that signals when a submitted job starts.  Borrowed; lives as long as the job. */
WWR_API struct wwr_fence *wwr_job_started(struct wwr_job *job);

/**
 * The fence that signals when a submitted job has finished: 0, or -ECANCELED when the device was
 * stopped first.  Borrowed; lives as long as the job.  Jobs of one queue share its context.
 */
WWR_API struct wwr_fence *wwr_job_finished(struct wwr_job *job);

/** Where a job is. */
enum wwr_job_state {
	WWR_JOB_NEW,	   /**< not submitted */
	WWR_JOB_WAITING,   /**< for fences: see wwr_job_info.pending */
	WWR_JOB_BLOCKED,   /**< waits for nothing but the job before it in its queue */
	WWR_JOB_READY,	   /**< may run, no engine has taken it */
	WWR_JOB_RUNNING,   /**< on wwr_job_info.engine */
	WWR_JOB_PREEMPTED, /**< gave way to another job, goes on later */
	WWR_JOB_FINISHED,  /**< both fences are signalled, or about to be */
};

/** What is known about a job; pointers are good during the callback that gets it. */
struct wwr_job_info {
	uint64_t label;		  /**< as configured */
	uint64_t commit;	  /**< place in the order of commits */
	enum wwr_job_state state; /**< where it is */
	int engine;		  /**< runs or ran there last; -1 = nowhere yet */
	int priority;		  /**< of its queue when it was submitted */
	bool endless;		  /**< and not ended yet */
	bool preemptible;	  /**< gives way while endless */
	bool has_before;	  /**< an unfinished job stands before it in its queue */
	uint64_t before_label;	  /**< the first such job of the queue */
	const char *queue_name;	  /**< its queue */
	int64_t submitted_ns;	  /**< CLOCK_MONOTONIC, 0 = not yet; so the next three */
	int64_t ready_ns;
	int64_t started_ns;
	int64_t finished_ns;
	unsigned int num_pending;		/**< fences it still waits for */
	const struct wwr_fence *const *pending; /**< NULL from wwr_job_get_info() */
};

/**
 * Look at a job.
 *
 * @param job      borrowed
 * @param ret_info written, but for the pending fences
 * @par Thread safety
 * Any thread; not from a fence callback.  All fields of a finished job are final.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_job_get_info(struct wwr_job *job, struct wwr_job_info *ret_info);

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

/** Which job a fence belongs to; see wwr_job_fence_info(). */
struct wwr_job_fence_info {
	uint64_t label;	 /**< of the job */
	uint64_t commit; /**< of the job */
	bool finished;	 /**< its finished fence, else its started fence */
};

/**
 * Which job does a fence belong to?
 *
 * @param fence    any fence, held by the caller
 * @param ret_info written if it is a job's
 * @return true if it is the fence of a job of a mock GPU
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * to_drm_sched_fence()
 */
WWR_API bool wwr_job_fence_info(const struct wwr_fence *fence, struct wwr_job_fence_info *ret_info);

WWR_END_DECLS

#endif /* WWRESV_DEVICE_H */
