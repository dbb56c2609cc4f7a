/* SPDX-License-Identifier: MIT */
/*
 * What happens when jobs do not end by themselves: timeouts, lost devices, the end of a scheduler.
 * Nothing here waits for a fence.  A runner first takes the jobs away from their hardware fences;
 * from then on nobody but the runner ends them.
 */
#include "drivers/sched/sched_core.h"
#include "drivers/sched/sched_entity.h"
#include "drivers/sched/sched_job.h"

#include <wwresv/fence_signaling.h>

#include <errno.h>

static struct wwr_sched_job *sched_first_attached(const struct wwr_sched *sched)
{
	struct wwr_sched_job *job = sched->running;

	while (job != NULL && !job->attached)
		job = job->next;
	return job;
}

void sched_detach_running(struct wwr_sched *sched, bool cancel)
{
	void (*const cancel_job)(struct wwr_sched_job * job) =
	    cancel ? sched->options.ops->cancel_job : NULL;
	struct wwr_sched_job *job;

	while ((job = sched_first_attached(sched)) != NULL) {
		job->attached = false;
		group_unlock(sched->group);
		if (cancel_job != NULL)
			cancel_job(job);
		/* Else the callback has run, and the job is not on the ring any more. */
		if (wwr_fence_remove_callback(job->hw, &job->hw_cb)) {
			wwr_fence_put(job->hw);
			job->hw = NULL;
		}
		group_lock(sched->group);
	}
}

/* Signal what the entities of a scheduler have to signal. */
static void sched_drain_entities(struct wwr_sched *sched)
{
	struct wwr_sched_entity *entity = sched->entities;

	while (entity != NULL) {
		if (!entity_wants_drain(entity)) {
			entity = entity->sched_next;
			continue;
		}
		wwr_sched_entity_get(entity);
		group_unlock(sched->group);
		entity_drain(entity);
		wwr_sched_entity_put(entity);
		group_lock(sched->group);
		entity = sched->entities;
	}
}

static void ctx_drain_entities(struct wwr_sched_ctx *ctx)
{
	struct wwr_sched_entity *entity = ctx->entities;

	while (entity != NULL) {
		if (!entity_wants_drain(entity)) {
			entity = entity->ctx_next;
			continue;
		}
		wwr_sched_entity_get(entity);
		group_unlock(ctx->group);
		entity_drain(entity);
		wwr_sched_entity_put(entity);
		group_lock(ctx->group);
		entity = ctx->entities;
	}
}

void sched_end_jobs(struct wwr_sched *sched, int error)
{
	while (sched->running != NULL)
		job_complete_locked(sched->running, error);
	for (struct wwr_sched_entity *entity = sched->entities; entity != NULL;
	     entity = entity->sched_next)
		entity_cancel_locked(entity, error);
	sched_drain_entities(sched);
}

/* One more hang: what else has this context to answer for? */
static void sched_blame(const struct wwr_sched *sched, struct wwr_sched_ctx *ctx)
{
	if (++ctx->num_hangs <= sched->options.hang_limit)
		return;
	ctx->guilty = true;
	for (struct wwr_sched_entity *entity = ctx->entities; entity != NULL;
	     entity = entity->ctx_next)
		entity_cancel_locked(entity, -ECANCELED);
}

/* The ring is empty now.  What ran there runs again, but for the guilty. */
static void sched_reset(struct wwr_sched *sched, struct wwr_sched_job *culprit)
{
	struct wwr_sched_ctx *ctx = ctx_get(culprit->entity->ctx);
	struct wwr_sched_job *job, *next;

	sched->stats.num_resets++;
	sched_detach_running(sched, false);
	/* It may have ended in the last moment. */
	if (culprit->state == JOB_RUNNING) {
		job_complete_locked(culprit, -ETIME);
		sched_blame(sched, ctx);
	}
	for (job = sched->running; job != NULL; job = next) {
		next = job->next;
		if (job->entity->ctx->guilty)
			job_complete_locked(job, -ECANCELED);
		else
			job->rerun = true;
	}
	sched->oldest_since_ns = group_now_ns(sched->group);
	sched_drain_entities(sched);
	ctx_drain_entities(ctx);
	group_unlock(sched->group);
	wwr_sched_ctx_put(ctx);
	group_lock(sched->group);
}

static enum wwr_sched_verdict sched_ask(struct wwr_sched_job *job)
{
	struct wwr_fence_signaling section;
	enum wwr_sched_verdict verdict;

	wwr_fence_begin_signaling(&section, &job->fences->finished, "timed_out");
	verdict = job->sched->options.ops->timed_out(job);
	wwr_fence_end_signaling(&section);
	return verdict;
}

/*
 * The first job that the driver says more of than that it is slow, or NULL.  Not only the oldest is
 * asked for on a ring that preempts: what hangs may have got there before it.
 */
static struct wwr_sched_job *sched_ask_all(struct wwr_sched *sched,
					   enum wwr_sched_verdict *ret_verdict)
{
	const bool preempts = (sched->options.flags & WWR_SCHED_PREEMPTS) != 0;
	struct wwr_sched_job *job = sched->running;

	while (job != NULL) {
		group_unlock(sched->group);
		*ret_verdict = sched_ask(job);
		group_lock(sched->group);
		if (*ret_verdict != WWR_SCHED_NO_HANG)
			return job;
		if (!preempts)
			return NULL;
		/*
		 * One that has ended meanwhile is not on the list: begin anew, with one job less.
		 * None comes, since that is this thread's to do.
		 */
		job = job->state == JOB_RUNNING ? job->next : sched->running;
	}
	return NULL;
}

void sched_check_timeout(struct wwr_sched *sched)
{
	const bool faulted = sched->faulted && sched->options.timeout_ns != 0;
	struct wwr_sched_job *oldest = sched->running;
	enum wwr_sched_verdict verdict;
	struct wwr_sched_job *culprit;

	sched->faulted = false;
	if (oldest == NULL ||
	    (!faulted && group_now_ns(sched->group) < sched_deadline_locked(sched)))
		return;
	culprit = sched_ask_all(sched, &verdict);
	if (culprit == NULL) {
		if (sched->running == oldest)
			sched->oldest_since_ns = group_now_ns(sched->group);
	} else if (verdict == WWR_SCHED_RESET) {
		sched_reset(sched, culprit);
	} else {
		sched->lost = true;
		sched_detach_running(sched, false);
		sched_end_jobs(sched, -ENODEV);
	}
}
