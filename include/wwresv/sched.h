/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SCHED_H
#define WWRESV_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>
#include <wwresv/sched_job.h>

WWR_BEGIN_DECLS

/*
 * A job scheduler for drivers.
 *
 *	group    schedulers that entities may move among: usually those of one device
 *	sched    one ring: runs jobs in an order of its own, up to a limit of credits at a time
 *	ctx      a client: its hangs are counted together
 *	entity   an ordered queue of jobs, with a priority
 *	job      embedded in a job of the driver; has two fences, scheduled and finished
 *
 * A job goes one way: init, dependencies, arm, push.  Arming cannot fail, and an armed job always
 * signals both fences, whatever becomes of its entity, scheduler and device.
 *
 * A scheduler has a worker thread, or none (WWR_SCHED_NO_THREAD): then the driver calls
 * wwr_sched_run(), for instance from a loop that it has anyway.
 *
 * Groups, contexts and entities are counted references.  Functions that take no lock set may be
 * called with reservations locked, but for the ones that say otherwise.
 */
struct wwr_sched;
struct wwr_sched_ctx;
struct wwr_sched_entity;
struct wwr_fence;
struct wwr_sched_group;

/** Priorities, the highest first: with the fair policy each has twice the share of the next. */
enum wwr_sched_priority {
	WWR_SCHED_PRIORITY_KERNEL,
	WWR_SCHED_PRIORITY_HIGH,
	WWR_SCHED_PRIORITY_NORMAL,
	WWR_SCHED_PRIORITY_LOW,
	WWR_SCHED_NUM_PRIORITIES,
};

/** Which of the entities with a ready job goes next. */
enum wwr_sched_policy {
	/** The one that had the least time on the ring, for its priority. */
	WWR_SCHED_FAIR,
	/** Of the highest priority, the one whose job was pushed first. */
	WWR_SCHED_FIFO,
	/** Of the highest priority, each in its turn. */
	WWR_SCHED_ROUND_ROBIN,
	WWR_SCHED_NUM_POLICIES,
};

/** What a driver says about a job that did not end in time. */
enum wwr_sched_verdict {
	/**
	 * It hangs, and the driver has reset the ring: nothing that ran there goes on.  The job
	 * ends with -ETIME; the others that ran are run again, in the same order.
	 */
	WWR_SCHED_RESET,
	/** It is only slow, or waits for its turn: it gets the same time once more. */
	WWR_SCHED_NO_HANG,
	/** The device is lost: all jobs of this scheduler end with -ENODEV, now and later. */
	WWR_SCHED_NODEV,
};

/**
 * What a driver does for a scheduler.  None is called any more once wwr_sched_destroy() has
 * returned, but for free_job for a job that is pushed later.
 */
struct wwr_sched_ops {
	/**
	 * Give a job to the ring.  In a signalling section: it must not lock a reservation, wait
	 * for a fence, or allocate.  Called again for the same job after a reset.  The ring
	 * executes jobs in the order of these calls.
	 *
	 * @param job       its dependencies are met
	 * @param ret_fence a reference; signals when the ring has finished the job, and its error
	 *                  becomes the job's.  Left NULL = it has finished already
	 * @return 0, or an error with which the job ends
	 */
	int (*run_job)(struct wwr_sched_job *job, struct wwr_fence **ret_fence);

	/**
	 * The oldest job on the ring was there for longer than the timeout; with
	 * WWR_SCHED_PREEMPTS also one behind it, which may have come just now.  In a signalling
	 * section; must not wait for a fence.  Required if there is a timeout.
	 */
	enum wwr_sched_verdict (*timed_out)(struct wwr_sched_job *job);

	/**
	 * The scheduler is being destroyed, and this job is on the ring: take it away from there.
	 * When this returns the job touches nothing any more.  NULL = the driver did so before.
	 */
	void (*cancel_job)(struct wwr_sched_job *job);

	/**
	 * Nobody needs the job any more: give the memory back.  Never from a fence callback: from
	 * wwr_sched_run() or the worker, wwr_sched_destroy(), or wwr_sched_job_push().
	 */
	void (*free_job)(struct wwr_sched_job *job);

	/**
	 * There may be something to do for wwr_sched_run().  Called with a lock held and in
	 * fence callbacks, so it only tells somebody.  NULL = nobody wants to know.
	 */
	void (*wake)(struct wwr_sched *sched);
};

/** How a group is; a zeroed structure is the default. */
struct wwr_sched_group_options {
	/**
	 * What time it is for timeouts and shares, in nanoseconds; called with a lock held.  NULL
	 * = CLOCK_MONOTONIC.  A clock of one's own tells no worker when a timeout is over:
	 * wwr_sched_kick() does.
	 */
	int64_t (*now_ns)(void *data);
	void *data; /**< passed to it */
};

/**
 * Make a group.
 *
 * @param options   copied; NULL = the defaults
 * @param ret_group the caller's reference
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API WWR_MUST_CHECK int wwr_sched_group_create(const struct wwr_sched_group_options *options,
						  struct wwr_sched_group **ret_group);

/**
 * Give a reference back.  Its schedulers and contexts have references of their own.
 *
 * @param group NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_sched_group_put(struct wwr_sched_group *group);

/** The driver calls wwr_sched_run(); there is no worker thread. */
#define WWR_SCHED_NO_THREAD (1u << 0)
/**
 * Jobs may pass others on the ring.  If the oldest one is only slow, timed_out is called for those
 * behind it, too, one after the other until it says something else: one of them may have got there
 * before, and hang.  How long that one had is the driver's to know.
 */
#define WWR_SCHED_PREEMPTS (1u << 1)
#define WWR_SCHED_MASK	   (WWR_SCHED_NO_THREAD | WWR_SCHED_PREEMPTS)

/** What a scheduler has done; see wwr_sched_get_stats(). */
struct wwr_sched_stats {
	uint64_t num_scheduled; /**< jobs given to the ring, each counted once */
	uint64_t num_finished;	/**< jobs that ended, in whatever way */
	uint64_t num_failed;	/**< of these, the ones with an error */
	uint64_t num_hangs;	/**< jobs that ended with -ETIME */
	uint64_t num_resets;	/**< verdicts WWR_SCHED_RESET */
	uint64_t num_cancelled; /**< jobs that ended with -ECANCELED */
	uint64_t busy_ns;	/**< time of finished jobs on the ring */
	uint32_t num_jobs;	/**< armed and not yet finished */
	uint32_t credits;	/**< of the jobs on the ring now */
};

/** How a scheduler is; ops and a credit limit are required. */
struct wwr_sched_options {
	const struct wwr_sched_ops *ops; /**< outlives the scheduler */
	const char *name;		 /**< copied, shortened to 31 bytes; NULL = "ring" */
	enum wwr_sched_policy policy;	 /**< FAIR is the default */
	uint32_t credit_limit; /**< credits of the jobs on the ring, at most; at least 1 */
	uint32_t hang_limit; /**< a context with more hangs than this is guilty; 0 = at the first */
	uint32_t flags;	     /**< WWR_SCHED_x */
	int64_t timeout_ns;  /**< for the oldest job on the ring; 0 = none */
	/** Written at the end of wwr_sched_destroy(), until when it is there; NULL = not wanted. */
	struct wwr_sched_stats *final_stats;
	void *data; /**< for wwr_sched_data() */
};

/**
 * Make a scheduler.
 *
 * @param group     referenced
 * @param options   copied
 * @param ret_sched the caller's, for wwr_sched_destroy()
 * @retval 0       made
 * @retval -EINVAL an op is missing, no credits, a negative timeout, unknown policy or flags
 * @retval -ENOMEM no memory
 * @retval -EAGAIN no thread
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_init()
 */
WWR_API WWR_MUST_CHECK int wwr_sched_create(struct wwr_sched_group *group,
					    const struct wwr_sched_options *options,
					    struct wwr_sched **ret_sched);

/**
 * End a scheduler, in whatever state it is: its jobs end with -ECANCELED, running ones too, and
 * are freed.  Waits for no fence; waits for its worker, and for threads that are just calling
 * callbacks of its jobs' fences.  Fences and entities live on; entities go on with the other
 * schedulers that they may use.
 *
 * @param sched NULL is a no-op
 * @par Thread safety
 * Not while another thread runs it; not from an op or a fence callback; no reservation locked.
 * @par Kernel counterpart
 * drm_sched_fini()
 */
WWR_API void wwr_sched_destroy(struct wwr_sched *sched);

/**
 * Do what there is to do: look for a timeout, give ready jobs to the ring, free finished jobs.
 * Where there is a worker, it does this.
 *
 * @param sched borrowed
 * @return when to call it again unless something happens before, on the group's clock; INT64_MAX =
 *         there is nothing to wait for
 * @par Thread safety
 * Any thread; a second one returns at once and the first goes on for it.  Not from a fence
 * callback, not with a reservation locked.
 * @par Kernel counterpart
 * drm_sched_run_job_work(), drm_sched_free_job_work(), drm_sched_job_timedout()
 */
WWR_API int64_t wwr_sched_run(struct wwr_sched *sched);

/**
 * Have the worker look again, for instance because the group's own clock has moved.
 *
 * @param sched borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_wakeup()
 */
WWR_API void wwr_sched_kick(struct wwr_sched *sched);

/**
 * Tell that the hardware has failed: what the timeout would do is done now, by who runs the
 * scheduler.  Nothing is done if no job is on the ring, or there is no timeout.
 *
 * @param sched borrowed
 * @par Thread safety
 * Any thread, also from a fence callback.
 * @par Kernel counterpart
 * drm_sched_fault()
 */
WWR_API void wwr_sched_fault(struct wwr_sched *sched);

/**
 * The data given at creation.
 *
 * @param sched borrowed
 * @return as given
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; a driver has container_of()
 */
WWR_API void *wwr_sched_data(const struct wwr_sched *sched);

/**
 * How much a scheduler has done.
 *
 * @param sched     borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_sched_get_stats(struct wwr_sched *sched, struct wwr_sched_stats *ret_stats);

/**
 * Make a context: the entities of one client, whose hangs count together.
 *
 * @param group   referenced
 * @param ret_ctx the caller's reference
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * a driver's context; drm_sched_entity.guilty
 */
WWR_API WWR_MUST_CHECK int wwr_sched_ctx_create(struct wwr_sched_group *group,
						struct wwr_sched_ctx **ret_ctx);

/**
 * Give a reference back; NULL is a no-op.  Its entities have references of their own.
 *
 * @param ctx the reference is the callee's from now on
 * @par Thread safety
 * Any thread, also from a fence callback.
 * @par Kernel counterpart
 * none; a driver counts the references of its contexts
 */
WWR_API void wwr_sched_ctx_put(struct wwr_sched_ctx *ctx);

/**
 * How often a job of this context hung.
 *
 * @param ctx borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_job.karma
 */
WWR_API uint32_t wwr_sched_ctx_num_hangs(struct wwr_sched_ctx *ctx);

/**
 * Has it more hangs than a scheduler allows: do all its jobs end with -ECANCELED?
 *
 * @param ctx borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity.guilty
 */
WWR_API bool wwr_sched_ctx_is_guilty(struct wwr_sched_ctx *ctx);

/** How an entity is. */
struct wwr_sched_entity_options {
	const char *name;		  /**< copied, shortened to 31 bytes; NULL = "entity" */
	enum wwr_sched_priority priority; /**< to begin with */
	struct wwr_sched *const *scheds;  /**< it may use; all of one group */
	unsigned int num_scheds;	  /**< at least 1 */
	struct wwr_sched_ctx *ctx;	  /**< NULL = one of its own */
};

/**
 * Make an entity.  Its jobs are given to a ring in the order in which they were armed, and finish
 * in that order.  It moves to the scheduler with the least to do whenever none of its jobs is
 * unfinished.
 *
 * @param options    copied
 * @param ret_entity the caller's reference
 * @retval 0       made
 * @retval -EINVAL no scheduler, or of several groups; unknown priority
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_init()
 */
WWR_API WWR_MUST_CHECK int wwr_sched_entity_create(const struct wwr_sched_entity_options *options,
						   struct wwr_sched_entity **ret_entity);

/**
 * Another reference; returns @p entity.
 *
 * @param entity somebody has a reference
 * @return @p entity
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; its driver counts for it
 */
WWR_API struct wwr_sched_entity *wwr_sched_entity_get(struct wwr_sched_entity *entity);

/**
 * Give a reference back; NULL is a no-op.  Jobs in it go on.
 *
 * @param entity the reference is the callee's from now on
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_destroy(), which waits
 */
WWR_API void wwr_sched_entity_put(struct wwr_sched_entity *entity);

/**
 * The context whose hangs are its own, borrowed from it.
 *
 * @param entity borrowed
 * @return borrowed from the entity
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity.guilty
 */
WWR_API struct wwr_sched_ctx *wwr_sched_entity_ctx(const struct wwr_sched_entity *entity);

/**
 * End an entity, for instance because its client is gone: jobs that are not yet on a ring end with
 * -ESRCH, after those that are there; so do all later ones.  Waits for nothing.
 *
 * @param entity borrowed
 * @par Thread safety
 * Any thread; not from a fence callback.
 * @par Kernel counterpart
 * drm_sched_entity_fini() after a kill
 */
WWR_API void wwr_sched_entity_kill(struct wwr_sched_entity *entity);

/**
 * Change the priority, also of the jobs that are not yet on a ring.  Usage error: unknown priority.
 *
 * @param entity   borrowed
 * @param priority the new one
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_sched_entity_set_priority()
 */
WWR_API void wwr_sched_entity_set_priority(struct wwr_sched_entity *entity,
					   enum wwr_sched_priority priority);

/** What an entity's jobs did; see wwr_sched_entity_get_stats(). */
struct wwr_sched_entity_stats {
	uint64_t num_finished; /**< jobs that ended, in whatever way */
	uint64_t num_failed;   /**< of these, the ones with an error */
	uint64_t num_moves;    /**< to another scheduler */
	uint64_t busy_ns;      /**< time on rings */
	uint32_t num_jobs;     /**< armed and not yet finished */
};

/**
 * How much an entity has done.
 *
 * @param entity    borrowed
 * @param ret_stats written
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_sched_entity_get_stats(struct wwr_sched_entity *entity,
					struct wwr_sched_entity_stats *ret_stats);

WWR_END_DECLS

#endif /* WWRESV_SCHED_H */
