/* SPDX-License-Identifier: MIT */
/*
 * What the runner of a scheduler does: the worker, or who calls wwr_sched_run().  There is one at a
 * time; others ask it to look again.
 */
#include "drivers/sched/sched_core.h"
#include "drivers/sched/sched_entity.h"
#include "drivers/sched/sched_job.h"

void sched_kick_locked(struct wwr_sched *sched)
{
	sched->kicked = true;
	if (sched->in_run)
		return;
	pthread_cond_broadcast(&sched->cond);
	if (sched->options.ops->wake != NULL && !sched->stopping)
		sched->options.ops->wake(sched);
}

/* The next job that may run, on the ring's list from now on; NULL = none. */
static struct wwr_sched_job *sched_take(struct wwr_sched *sched)
{
	struct sched_heap_node *node = sched_heap_first(&sched->ready);
	struct wwr_sched_entity *entity;
	struct wwr_sched_job *job;

	if (node == NULL || sched->lost)
		return NULL;
	entity = WWR_CONTAINER_OF(node, struct wwr_sched_entity, node);
	job = entity->pending;
	/* It is its turn: smaller ones behind it wait, or it might never get that many. */
	if (job->credits > sched->options.credit_limit - sched->stats.credits)
		return NULL;

	policy_charge(entity, job);
	entity_advance_locked(entity);
	job->state = JOB_RUNNING;
	job->start_ns = group_now_ns(sched->group);
	job->prev = sched->last_running;
	if (job->prev != NULL) {
		job->prev->next = job;
	} else {
		sched->running = job;
		sched->oldest_since_ns = job->start_ns;
	}
	sched->last_running = job;
	sched->stats.credits += job->credits;
	sched->stats.num_scheduled++;
	return job;
}

/* The first job that has to be given to the ring again after a reset, or NULL. */
static struct wwr_sched_job *sched_take_again(struct wwr_sched *sched)
{
	struct wwr_sched_job *job = sched->lost ? NULL : sched->running;

	while (job != NULL && !job->rerun)
		job = job->next;
	if (job != NULL) {
		job->rerun = false;
		job->start_ns = group_now_ns(sched->group);
	}
	return job;
}

void sched_free_jobs(struct wwr_sched *sched)
{
	struct wwr_sched_job *job;

	while ((job = sched->to_free) != NULL) {
		sched->to_free = job->free_next;
		group_unlock(sched->group);
		job_free(job);
		group_lock(sched->group);
		sched->num_unfreed--;
	}
}

void sched_run_locked(struct wwr_sched *sched)
{
	struct wwr_sched_job *job;

	sched->in_run = true;
	do {
		sched->kicked = false;
		sched_check_timeout(sched);
		while ((job = sched_take_again(sched)) != NULL)
			job_execute(job);
		while ((job = sched_take(sched)) != NULL)
			job_execute(job);
		sched_free_jobs(sched);
	} while (sched->kicked && !sched->stopping);
	sched->in_run = false;
}

int64_t sched_deadline_locked(const struct wwr_sched *sched)
{
	if (sched->running == NULL || sched->options.timeout_ns == 0 ||
	    sched->oldest_since_ns > INT64_MAX - sched->options.timeout_ns)
		return INT64_MAX;
	return sched->oldest_since_ns + sched->options.timeout_ns;
}

int64_t wwr_sched_run(struct wwr_sched *sched)
{
	int64_t deadline_ns;

	group_lock(sched->group);
	if (sched->in_run)
		sched->kicked = true;
	else
		sched_run_locked(sched);
	deadline_ns = sched_deadline_locked(sched);
	group_unlock(sched->group);
	return deadline_ns;
}

void wwr_sched_kick(struct wwr_sched *sched)
{
	group_lock(sched->group);
	sched_kick_locked(sched);
	group_unlock(sched->group);
}

void wwr_sched_fault(struct wwr_sched *sched)
{
	group_lock(sched->group);
	sched->faulted = true;
	sched_kick_locked(sched);
	group_unlock(sched->group);
}

void wwr_sched_get_stats(struct wwr_sched *sched, struct wwr_sched_stats *ret_stats)
{
	group_lock(sched->group);
	*ret_stats = sched->stats;
	group_unlock(sched->group);
}
