/* SPDX-License-Identifier: MIT */
/*
 * A job from armed to freed.  Invariants: what runs here cannot fail; a job is freed by whoever
 * runs its scheduler, so a runner's pointers to jobs stay good while it has given the lock back;
 * before a job is freed its callbacks are removed, which waits for those that run.
 */
#include "drivers/sched/sched_job.h"

#include "drivers/sched/sched_entity.h"
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/fence_signaling.h>

#include <errno.h>

/* With what error the last job of this entity ends at once, or 0. */
static int job_born_with(const struct wwr_sched_entity *entity)
{
	if (entity->killed)
		return -ESRCH;
	if (entity->ctx->guilty)
		return -ECANCELED;
	/* Jobs before it: they are about to end all together, and with one error. */
	return entity->sched->lost && entity->first == entity->last ? -ENODEV : 0;
}

/* Without the group's lock: a look at a chain may release fences. */
static bool job_deps_are_client_dependent(const struct wwr_sched_job *job)
{
	for (uint32_t i = 0; i < job->num_deps; i++) {
		if (wwr_fence_is_client_dependent(job->deps[i].fence))
			return true;
	}
	return false;
}

void wwr_sched_job_arm(struct wwr_sched_job *job)
{
	struct wwr_sched_entity *entity = job->entity;
	bool client = job_deps_are_client_dependent(job);
	int error;

	WWR_USAGE(job->sched == NULL, "wwr_sched_job_arm: job %p is armed", (void *)job);
	/* Relaxed: the callbacks that count it down come later, through the fences' own locks. */
	wwr_atomic_store(&job->num_unmet, job->num_deps + 1, WWR_RELAXED);
	group_lock(entity->group);
	/* The job before this one, and so on. */
	if (entity->last != NULL)
		client |= wwr_fence_is_client_dependent(&entity->last->fences->finished);
	job->state = JOB_ARMED;
	entity_append_locked(entity, job);
	job->sched = sched_get(entity->sched);
	job->sched->num_unfreed++;
	sched_fence_arm(job->fences, ++entity->seqno, job->sched->id);
	if (client) {
		wwr_fence_set_client_dependent(&job->fences->scheduled);
		wwr_fence_set_client_dependent(&job->fences->finished);
	}
	error = job_born_with(entity);
	if (error != 0)
		entity_cancel_locked(entity, error);
	group_unlock(entity->group);
}

static void job_meet_locked(struct wwr_sched_job *job)
{
	job->met = true;
	entity_update_locked(job->entity);
}

/* A fence callback: unless it is the last one, it does nothing more to the job. */
static void job_dep_signaled(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct wwr_sched_job *job = WWR_CONTAINER_OF(cb, struct wwr_sched_dep, cb)->job;

	(void)fence;
	/* Release and acquire pair among all who count down: the last one sees it all. */
	if (wwr_atomic_fetch_sub(&job->num_unmet, 1, WWR_ACQ_REL) != 1)
		return;
	group_lock(job->entity->group);
	job_meet_locked(job);
	group_unlock(job->entity->group);
}

/* How many are met already. */
static uint32_t job_await_deps(struct wwr_sched_job *job)
{
	uint32_t num_met = 0;

	for (uint32_t i = 0; i < job->num_deps; i++) {
		struct wwr_sched_dep *dep = &job->deps[i];
		struct wwr_fence *fence = dep->fence;

		dep->fence = wwr_fence_get(sched_fence_on_ring(fence, job->sched->id));
		wwr_fence_put(fence);
		if (wwr_fence_add_callback(dep->fence, &dep->cb, job_dep_signaled) != 0)
			num_met++;
	}
	return num_met;
}

/* Have the runner free it. */
static void job_queue_free_locked(struct wwr_sched_job *job)
{
	job->free_next = job->sched->to_free;
	job->sched->to_free = job;
	sched_kick_locked(job->sched);
}

/* A pushed job that has signalled already: true = nobody but the caller will free it. */
static bool job_push_signalled_locked(struct wwr_sched_job *job)
{
	struct wwr_sched *sched = job->sched;

	/* Another thread is just signalling it: the scheduler is gone, so nobody would free it. */
	while (sched->gone && job->state == JOB_DONE)
		pthread_cond_wait(&sched->cond, &sched->group->lock);
	if (job->state != JOB_SIGNALLED)
		return false;
	if (sched->gone)
		return true;
	sched->num_unfreed++;
	job_queue_free_locked(job);
	return false;
}

void wwr_sched_job_push(struct wwr_sched_job *job)
{
	struct wwr_sched_group *group;
	uint32_t num_met;
	bool orphan;

	WWR_USAGE(job->sched != NULL, "wwr_sched_job_push: job %p is not armed", (void *)job);
	/*
	 * What arming ended; and the entity may have left a scheduler whose runner was about to
	 * signal, one entity after the other, what has ended: it looks among its own and does not
	 * find this one.  Not when arming: there locks may be held that callbacks want.
	 */
	entity_drain(job->entity);
	group = job->entity->group;
	num_met = job_await_deps(job) + 1;

	group_lock(group);
	WWR_USAGE(!job->pushed, "wwr_sched_job_push: job %p was pushed before", (void *)job);
	orphan = job_push_signalled_locked(job);
	job->pushed = true;
	job->order = group->num_pushed++;
	if (job->state == JOB_ARMED)
		job->state = JOB_QUEUED;
	/* As in job_dep_signaled(). */
	if (wwr_atomic_fetch_sub(&job->num_unmet, num_met, WWR_ACQ_REL) == num_met)
		job_meet_locked(job);
	group_unlock(group);
	if (orphan)
		job_free(job);
}

void job_complete_locked(struct wwr_sched_job *job, int error)
{
	struct wwr_sched *sched = job->sched;
	const int64_t now = group_now_ns(sched->group);
	const int64_t begin =
	    job->start_ns > sched->last_end_ns ? job->start_ns : sched->last_end_ns;

	if (job->prev != NULL) {
		job->prev->next = job->next;
	} else {
		sched->running = job->next;
		sched->oldest_since_ns = now;
	}
	if (job->next != NULL)
		job->next->prev = job->prev;
	else
		sched->last_running = job->prev;

	sched->last_end_ns = now;
	sched->stats.credits -= job->credits;
	sched->stats.busy_ns += (uint64_t)(now - begin);
	job->entity->stats.busy_ns += (uint64_t)(now - begin);
	policy_correct(job->entity, job, now - begin);
	job->state = JOB_DONE;
	job->error = error;
	entity_collect_locked(job->entity);
	sched_kick_locked(sched);
}

/* 0 or the error of a fence that has signalled. */
static int fence_error(const struct wwr_fence *fence)
{
	const int status = wwr_fence_get_status(fence);

	return status < 0 ? status : 0;
}

static void job_hw_signaled(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct wwr_sched_job *job = WWR_CONTAINER_OF(cb, struct wwr_sched_job, hw_cb);
	struct wwr_sched_entity *entity = job->entity;

	group_lock(entity->group);
	job->timestamp_ns = wwr_fence_timestamp(fence);
	job_complete_locked(job, fence_error(fence));
	group_unlock(entity->group);
	/* The job is not freed before this callback has returned, and has a reference. */
	entity_drain(entity);
}

/* Without the lock.  True = the callback sees to the rest; else *ret_error is how it ended. */
static bool job_start(struct wwr_sched_job *job, int *ret_error)
{
	struct wwr_fence_signaling section;
	struct wwr_fence *hw = NULL;

	wwr_fence_begin_signaling(&section, &job->fences->finished, "run_job");
	*ret_error = job->sched->options.ops->run_job(job, &hw);
	if (!job->is_scheduled) {
		job->is_scheduled = true;
		(void)wwr_fence_signal(&job->fences->scheduled);
	}
	wwr_fence_end_signaling(&section);
	job->hw = hw;
	if (*ret_error != 0 || hw == NULL)
		return false;
	if (wwr_fence_add_callback(hw, &job->hw_cb, job_hw_signaled) == 0)
		return true;
	job->timestamp_ns = wwr_fence_timestamp(hw);
	*ret_error = fence_error(hw);
	return false;
}

void job_execute(struct wwr_sched_job *job)
{
	struct wwr_sched_group *group = job->sched->group;
	int error;

	/* Whether it will be is only asked by this thread, and once the call below is over. */
	job->attached = true;
	group_unlock(group);
	if (job_start(job, &error)) {
		group_lock(group);
		return;
	}
	group_lock(group);
	job_complete_locked(job, error);
	group_unlock(group);
	entity_drain(job->entity);
	group_lock(group);
}

static void job_signal_one(struct wwr_fence *fence, int error, int64_t timestamp_ns)
{
	if (error != 0)
		wwr_fence_set_error(fence, error);
	if (timestamp_ns != 0)
		(void)wwr_fence_signal_at(fence, timestamp_ns);
	else
		(void)wwr_fence_signal(fence);
}

void job_signal(struct wwr_sched_job *job)
{
	if (!job->is_scheduled) {
		job->is_scheduled = true;
		job_signal_one(&job->fences->scheduled, job->error, 0);
	}
	job_signal_one(&job->fences->finished, job->error, job->timestamp_ns);
}

void job_signalled_locked(struct wwr_sched_job *job)
{
	struct wwr_sched *sched = job->sched;

	job->state = JOB_SIGNALLED;
	if (job->pushed) {
		job_queue_free_locked(job);
		return;
	}
	sched->num_unfreed--;
	pthread_cond_broadcast(&sched->cond);
}

void job_free(struct wwr_sched_job *job)
{
	struct wwr_sched_entity *entity = job->entity;
	struct wwr_sched *sched = job->sched;

	job_drop_deps(job);
	if (job->hw != NULL) {
		(void)wwr_fence_remove_callback(job->hw, &job->hw_cb);
		wwr_fence_put(job->hw);
	}
	/* The second put may free both. */
	wwr_fence_put(&job->fences->scheduled);
	wwr_fence_put(&job->fences->finished);
	sched->options.ops->free_job(job);
	wwr_sched_entity_put(entity);
	sched_put(sched);
}
