/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SCHED_JOB_H
#define WWRESV_SCHED_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>
#include <wwresv/macros.h>
#include <wwresv/resv.h>

WWR_BEGIN_DECLS

struct wwr_sched;
struct wwr_sched_dep;
struct wwr_sched_entity;
struct wwr_sched_fence;
struct wwr_syncobj;

/**
 * A job, embedded in the driver's.
 *
 * Fields: (i) immutable after init, (u) the submitting thread until armed, then immutable, (a)
 * atomic, (g) the group's lock, (r) who runs the scheduler.
 */
struct wwr_sched_job {
	struct wwr_sched_entity *entity; /* (i) referenced */
	struct wwr_sched_fence *fences;	 /* (i) */
	struct wwr_sched *sched;	 /* (u) referenced */
	uint32_t credits;		 /* (i) */
	uint32_t num_deps, max_deps;	 /* (u) */
	uint32_t num_unmet;		 /* (a) dependencies, and one until pushed */
	struct wwr_sched_dep *deps;	 /* (u) */
	uint32_t state;			 /* (g) enum job_state */
	int32_t error;			 /* (g) */
	bool pushed;			 /* (g) */
	bool met;			 /* (g) num_unmet is 0 */
	bool attached;			 /* (g) hw_cb is in place */
	bool rerun;			 /* (g) to be given to the ring again */
	bool is_scheduled;		 /* (r) the fence was signalled */
	uint64_t order;			 /* (g) of pushes in the group */
	int64_t start_ns, charged;	 /* (g) */
	int64_t timestamp_ns;		 /* (g) when the hardware had finished; 0 = unknown */
	struct wwr_fence *hw;		 /* (r) referenced */
	struct wwr_fence_cb hw_cb;
	struct wwr_sched_job *entity_next; /* (g) the one behind it in its entity */
	struct wwr_sched_job *prev, *next; /* (g) that run on the ring */
	struct wwr_sched_job *free_next;   /* (g) that are to be freed */
};

/**
 * Make a job ready to be filled.
 *
 * @param job     the driver's memory, until wwr_sched_job_fini() or the op free_job
 * @param entity  referenced
 * @param credits what it costs on a ring
 * @retval 0       ready
 * @retval -EINVAL no credits, or more than the limit of a scheduler of the entity
 * @retval -ENOMEM no memory; the job need not be ended
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * drm_sched_job_init()
 */
WWR_API WWR_MUST_CHECK int wwr_sched_job_init(struct wwr_sched_job *job,
					      struct wwr_sched_entity *entity, uint32_t credits);

/**
 * End a job that was not armed.  Usage error: it was.
 *
 * @param job initialised
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * drm_sched_job_cleanup()
 */
WWR_API void wwr_sched_job_fini(struct wwr_sched_job *job);

/**
 * Have the job wait for a fence.  Of each context only the latest fence is kept; signalled ones
 * are left out.  Of a job that was given to the same ring only the scheduled fence is waited for:
 * rings run in order.  The error of a dependency does not matter.
 *
 * @param job   not armed
 * @param fence borrowed: the job takes a reference of its own, if it does not fail
 * @retval 0       added, or not needed
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * The submitting thread.
 * @par Kernel counterpart
 * drm_sched_job_add_dependency(), which takes the caller's reference, even when it fails
 */
WWR_API WWR_MUST_CHECK int wwr_sched_job_add_dependency(struct wwr_sched_job *job,
							struct wwr_fence *fence);

/**
 * Have the job wait for the fences of a reservation.
 *
 * @param job   not armed
 * @param resv  locked
 * @param usage for fences of this usage and of all lower ones
 * @retval 0       added
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * The submitting thread, which holds the lock.
 * @par Kernel counterpart
 * drm_sched_job_add_resv_dependencies(), drm_sched_job_add_implicit_dependencies()
 */
WWR_API WWR_MUST_CHECK int wwr_sched_job_add_resv_dependencies(struct wwr_sched_job *job,
							       struct wwr_resv *resv,
							       enum wwr_resv_usage usage)
    WWR_REQUIRES(resv->mutex);

/**
 * Have the job wait for a point of a syncobj.
 *
 * @param job     not armed
 * @param syncobj borrowed
 * @param point   0 = the fence as a whole
 * @retval 0       added
 * @retval -EINVAL there is no fence, or none for this point; the job is as before
 * @retval -ENOMEM no memory; the job is as before
 * @par Thread safety
 * The submitting thread.
 * @par Kernel counterpart
 * drm_sched_job_add_syncobj_dependency()
 */
WWR_API WWR_MUST_CHECK int wwr_sched_job_add_syncobj_dependency(struct wwr_sched_job *job,
								struct wwr_syncobj *syncobj,
								uint64_t point);

/**
 * The point of no return: the job gets its place in the entity, its scheduler and live fences.
 * wwr_sched_job_push() must follow.  Usage error: armed before.
 *
 * Jobs that share buffers must be armed with the buffers locked, so that their order in the
 * entities is that of the reservations.  Signals nothing: callbacks may want locks that are held.
 *
 * @param job initialised
 * @par Thread safety
 * The submitting thread.
 * @par Kernel counterpart
 * drm_sched_job_arm()
 */
WWR_API void wwr_sched_job_arm(struct wwr_sched_job *job);

/**
 * Give an armed job away: it runs once its dependencies are met.  May signal fences of jobs of its
 * entity that have ended, its own too.  Usage error: not armed, or pushed before.
 *
 * @param job freed by the op, maybe before this returns
 * @par Thread safety
 * The submitting thread; not from a fence callback.
 * @par Kernel counterpart
 * drm_sched_entity_push_job()
 */
WWR_API void wwr_sched_job_push(struct wwr_sched_job *job);

/**
 * The fence that signals when the job was given to a ring, or has ended without.
 *
 * @param job armed
 * @return borrowed from the job
 * @par Thread safety
 * Who knows that the job lives: the submitting thread until the push, and ops.
 * @par Kernel counterpart
 * drm_sched_fence.scheduled
 */
WWR_API struct wwr_fence *wwr_sched_job_scheduled(struct wwr_sched_job *job);

/**
 * The fence that signals when the job has ended: 0, the ring's error, -ETIME (it hung), -ECANCELED
 * (its context is guilty, or the scheduler ended), -ENODEV (the device is lost, or no scheduler is
 * left) or -ESRCH (its entity was killed).
 *
 * @param job armed
 * @return borrowed from the job
 * @par Thread safety
 * As wwr_sched_job_scheduled().
 * @par Kernel counterpart
 * drm_sched_fence.finished
 */
WWR_API struct wwr_fence *wwr_sched_job_finished(struct wwr_sched_job *job);

/**
 * The scheduler of an armed job.
 *
 * @param job armed
 * @return borrowed
 * @par Thread safety
 * As wwr_sched_job_scheduled().
 * @par Kernel counterpart
 * drm_sched_job.sched
 */
WWR_API struct wwr_sched *wwr_sched_job_sched(const struct wwr_sched_job *job);

WWR_END_DECLS

#endif /* WWRESV_SCHED_JOB_H */
