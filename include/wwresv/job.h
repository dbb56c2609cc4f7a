/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_JOB_H
#define WWRESV_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

/*
 * Queues and jobs of the mock GPU; see <wwresv/device.h>.
 */
struct wwr_device;
struct wwr_device_bo;
struct wwr_fence;
struct wwr_job;
struct wwr_lock_set_options;
struct wwr_queue;

/**
 * Make a queue: its jobs start in the order of their submits, each after the one before has
 * finished.  Jobs of different queues have no order but that of their dependencies.
 *
 * @param device      referenced
 * @param name        copied, shortened to 63 bytes; the timeline name of its fences
 * @param engine_mask engines that may run its jobs, at least one, all of the device
 * @param ret_queue   the caller's reference, for wwr_queue_put()
 * @retval 0          made; priority 0, preemptible
 * @retval -EINVAL    an empty mask, or a bit without an engine
 * @retval -ENOMEM    no memory
 * @retval -ECANCELED the device has a scheduler and was stopped
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_init()
 */
WWR_API WWR_MUST_CHECK int wwr_queue_create(struct wwr_device *device, const char *name,
					    uint64_t engine_mask, struct wwr_queue **ret_queue);

/**
 * Make another queue of the same client: on a device with a scheduler their hangs count together,
 * and if the client has too many the jobs of all its queues are cancelled.
 *
 * @param sibling     a queue of the client, on the device; borrowed
 * @param name        as for wwr_queue_create()
 * @param engine_mask as for wwr_queue_create()
 * @param ret_queue   the caller's reference, for wwr_queue_put()
 * @return as wwr_queue_create()
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_init() with the guilty flag of a driver's context
 */
WWR_API WWR_MUST_CHECK int wwr_queue_create_sibling(const struct wwr_queue *sibling,
						    const char *name, uint64_t engine_mask,
						    struct wwr_queue **ret_queue);

/**
 * Another reference; returns @p queue.
 *
 * @param queue somebody has a reference
 * @return @p queue
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; drivers count the references of their contexts
 */
WWR_API struct wwr_queue *wwr_queue_get(struct wwr_queue *queue);

/**
 * Give a reference back; NULL is a no-op.  Jobs in it go on.
 *
 * @param queue the reference is the callee's from now on
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_destroy(), which waits
 */
WWR_API void wwr_queue_put(struct wwr_queue *queue);

/**
 * Priority of jobs submitted from now on: higher ones run first.  With a scheduler also of those
 * that are not yet on a ring, and there are three: above 0, 0 and below; what they mean is the
 * policy's.
 *
 * @param queue    borrowed
 * @param priority any
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_set_priority()
 */
WWR_API void wwr_queue_set_priority(struct wwr_queue *queue, int priority);

/**
 * Whether jobs submitted from now on give way to ready jobs: endless ones, and those with an
 * interval.
 *
 * @param queue       borrowed
 * @param preemptible true = they do
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; a matter of the hardware and its firmware
 */
WWR_API void wwr_queue_set_preemptible(struct wwr_queue *queue, bool preemptible);

/**
 * Bond: a job of the queue that has a submit fence (wwr_job_add_submit_dependency() and its like)
 * on a job which has started on engine @p master runs on one of these engines.  For jobs submitted
 * from now on.  Of several masters all bonds count, but for those that would leave no engine.
 * With a scheduler a job has its engine once it is submitted, so that its master's counts at once;
 * of those that its bonds leave it goes to the one for which the fewest of its queue's jobs are
 * bound.  There the queue's bound jobs have a turn of their own beside its others: with both kinds
 * it may have twice the share of a queue without bonds.
 *
 * @param queue       whose jobs follow
 * @param master      index of an engine, as of wwr_device_get_engine()
 * @param engine_mask some of the queue's engines; 0 = no bond with this master
 * @retval 0       the bond of the queue with this master, instead of the one before
 * @retval -EINVAL no such engine; engines that are not the queue's
 * @retval -ENOMEM no memory; the bonds are as before
 * @par Thread safety
 * Any thread; not from a fence callback.
 * @par Kernel counterpart
 * I915_CONTEXT_ENGINES_EXT_BOND
 */
WWR_API WWR_MUST_CHECK int wwr_queue_set_bond(struct wwr_queue *queue, unsigned int master,
					      uint64_t engine_mask);

/**
 * Time its jobs had on rings; 0 without a scheduler.
 *
 * @param queue borrowed
 * @return in nanoseconds
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * fdinfo drm-engine-<name>
 */
WWR_API uint64_t wwr_queue_busy_ns(struct wwr_queue *queue);

/**
 * Time that an engine, by its index as of wwr_device_get_engine(), has spent on jobs of the queue,
 * but for one that it runs now; of none that there is 0.
 *
 * @param queue  borrowed
 * @param engine its index
 * @return in nanoseconds
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * fdinfo drm-engine-<name>
 */
WWR_API uint64_t wwr_queue_engine_ns(struct wwr_queue *queue, unsigned int engine);

/** Duration of a job that runs until wwr_job_end(). */
#define WWR_JOB_ENDLESS INT64_MAX

/** What a job is like; a zeroed structure is a job that ends at once. */
struct wwr_job_config {
	int64_t duration_ns;  /**< before the time scale; WWR_JOB_ENDLESS */
	int64_t interval_ns;  /**< before the time scale; each time it has had its engine for so
			       * long it gives way to a ready job of a higher priority, and goes
			       * on later for the time that it has left; 0 = it never does */
	uint64_t seed;	      /**< of its effect on memory */
	uint64_t label;	      /**< the caller's name for it, for reports */
	uint32_t num_buffers; /**< room to make at once; it grows as needed */
	bool explicit_sync;   /**< waits for its buffers' fences of usage KERNEL only, and its own
			       * is there with usage BOOKKEEP: nobody waits for it by them */
};

/**
 * Make a job that is not yet submitted.
 *
 * @param queue   referenced
 * @param config  copied; NULL = a zeroed structure
 * @param ret_job the caller's reference, for wwr_job_put()
 * @retval 0       made
 * @retval -EINVAL a negative duration or interval
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread; until wwr_job_submit() returned one thread at a time uses the job.
 * @par Kernel counterpart
 * drm_sched_job_init()
 */
WWR_API WWR_MUST_CHECK int wwr_job_create(struct wwr_queue *queue,
					  const struct wwr_job_config *config,
					  struct wwr_job **ret_job);

/**
 * Another reference; returns @p job.
 *
 * @param job somebody has a reference
 * @return @p job
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; drivers count the references of their jobs
 */
WWR_API struct wwr_job *wwr_job_get(struct wwr_job *job);

/**
 * Give a reference back; NULL is a no-op.  A submitted job goes on.  Not with a buffer of it
 * locked.
 *
 * @param job the reference is the callee's from now on
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_job_cleanup()
 */
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

/**
 * Explicit in-fence, as a sync_file: the job starts after it has signalled.
 *
 * @param job not submitted
 * @param fd  a sync_file, see <wwresv/sync_file.h>; may be closed afterwards
 * @retval 0     added
 * @retval other as wwr_sync_file_get_fence() and wwr_job_add_dependency(); the job is as before
 * @par Thread safety
 * One thread at a time; never from a fence callback.
 * @par Kernel counterpart
 * I915_EXEC_FENCE_IN
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_in_fence(struct wwr_job *job, int fd);

/**
 * Submit fence, as a sync_file: the job starts after the job has started whose out-fence it is;
 * see wwr_job_add_submit_dependency().  If it is made of several fences that holds for each; those
 * that are no job's are waited for.
 *
 * @param job not submitted
 * @param fd  a sync_file; may be closed afterwards
 * @retval 0     added
 * @retval other as wwr_sync_file_get_fence() and wwr_job_add_submit_dependency(); the job is as
 *               before
 * @par Thread safety
 * One thread at a time; never from a fence callback.
 * @par Kernel counterpart
 * I915_EXEC_FENCE_SUBMIT
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_submit_fence(struct wwr_job *job, int fd);

/**
 * Submit fence, as a fence: as wwr_job_add_submit_fence() of a sync_file with it.
 *
 * @param job   not submitted
 * @param fence borrowed
 * @retval 0       added
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * One thread at a time; never from a fence callback.
 * @par Kernel counterpart
 * I915_EXEC_FENCE_SUBMIT
 */
WWR_API WWR_MUST_CHECK int wwr_job_add_submit_fence_of(struct wwr_job *job,
						       struct wwr_fence *fence);

/**
 * The out-fence of a job, as a sync_file: it signals when the job has finished.
 *
 * @param job    submitted; also one that has finished
 * @param ret_fd the caller's, for close()
 * @retval 0     made
 * @retval other as wwr_sync_file_create()
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * I915_EXEC_FENCE_OUT
 */
WWR_API WWR_MUST_CHECK int wwr_job_create_out_fence(struct wwr_job *job, int *ret_fd);

/** What a submit was like. */
struct wwr_submit_result {
	uint64_t commit;       /**< place in the device's order of commits, dense from 0 */
	uint32_t num_buffers;  /**< distinct buffers locked */
	uint32_t retries;      /**< attempts to lock them after the first one */
	uint32_t num_backoffs; /**< back-offs, one more than retries if the last attempt failed */
	uint32_t losses;       /**< of these, the contentions lost under the default policy */
	uint32_t restarts;     /**< of these, the back-offs under classic rules */
	uint64_t num_locks;    /**< locks acquired, in all attempts */
	uint64_t wait_ns;      /**< time asleep for locks */
	uint64_t reserve_ns;   /**< from the call until everything was locked, or had failed */
	struct wwr_device_bo *contended; /**< met last, borrowed from the job; NULL = none */
};

/**
 * Submit: lock all buffers as one set, make room for fences, collect what to wait for from each
 * reservation, take the next number of the order of commits, publish the job's fence in each
 * reservation, unlock, and give the job to the engines.
 *
 * A read waits for the fences of usage WRITE and KERNEL, a write for those of usage READ, too; with
 * explicit_sync both wait for those of usage KERNEL only.
 *
 * @param job        not submitted; a usage error otherwise
 * @param options    of the lock set; NULL = the defaults
 * @param hold_ns    keep the locks so much longer, asleep, or until the options' token is
 * interrupted; 0 = do not
 * @param ret_result written whatever the result, but for the commit number; NULL = not wanted
 * @retval 0          submitted: both fences will signal, whatever happens
 * @retval -EAGAIN    the options' retry limit was reached
 * @retval -EINTR     the options' token was interrupted, or a signal handler ran during a sleep
 * @retval -ETIME     the options' deadline passed
 * @retval -EBUSY     the thread holds a lock of the class
 * @retval -EINVAL    bad options, or a buffer of another class
 * @retval -ENOMEM    no memory; or its buffers do not fit into VRAM together
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

/**
 * The fence that signals when a submitted job starts.  Borrowed; lives as long as the job.  Marked
 * (see wwr_fence_set_client_dependent()) if what the job waits for was when it was submitted.
 *
 * @param job submitted
 * @return borrowed from the job
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_fence.scheduled
 */
WWR_API struct wwr_fence *wwr_job_started(struct wwr_job *job);

/**
 * The fence that signals when a submitted job has finished: 0, -ECANCELED (the device was stopped
 * first, or its client is guilty), -ETIME (it hung) or -ENODEV (the device is lost).  Borrowed;
 * lives as long as the job.  Jobs of one queue share its context.  Marked as the started one is,
 * and that of an endless job: somebody has to call wwr_job_end().
 *
 * @param job submitted
 * @return borrowed from the job
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_fence.finished
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
	bool preemptible;	  /**< gives way while endless, or if it has an interval */
	bool touching;		  /**< reads or writes its buffers just now */
	bool torn;		  /**< stopped in the middle: has written some of its bytes */
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

/** Which job a fence belongs to; see wwr_job_fence_info(). */
struct wwr_job_fence_info {
	uint64_t label;			 /**< of the job */
	uint64_t commit;		 /**< of the job */
	bool finished;			 /**< its finished fence, else its started fence */
	const struct wwr_device *device; /**< whose it is; borrowed from the fence */
	int engine; /**< by its index, on which it ran last; of the started fence, on which it
		     * started; -1: none, or this fence has not signalled */
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

#endif /* WWRESV_JOB_H */
