/* SPDX-License-Identifier: MIT */
/*
 * Invariant: each ready job has an engine that was woken for it, as far as there are idle ones or
 * such as run jobs that give way to it.  Who is woken may take another job instead; who takes a job
 * wakes engines for what is left, so no engine sleeps beside a job that it may run.
 */
#include "drivers/mock/run_queue.h"

#include "drivers/mock/job.h"
#include "drivers/mock/queue.h"

/* Behind all jobs of the same and of higher priority; on a ring behind all. */
static void run_queue_insert(struct wwr_job *job)
{
	struct wwr_job **link = &job->queue->device->first_ready;

	while (*link != NULL &&
	       (job->queue->device->rings != NULL || (*link)->priority >= job->priority))
		link = &(*link)->ready_next;
	job->ready_next = *link;
	*link = job;
}

/* Before all jobs of the same priority; on a ring before all. */
static void run_queue_insert_first(struct wwr_job *job)
{
	struct wwr_job **link = &job->queue->device->first_ready;

	while (*link != NULL && job->queue->device->rings == NULL &&
	       (*link)->priority > job->priority)
		link = &(*link)->ready_next;
	job->ready_next = *link;
	*link = job;
}

/* A ring has one engine. */
static uint64_t job_engine_mask(const struct wwr_job *job)
{
	return job->queue->device->rings != NULL ? UINT64_C(1) << job->engine : job->engine_mask;
}

static bool engine_may_run(const struct mock_engine *engine, const struct wwr_job *job)
{
	return (job_engine_mask(job) >> engine->index & 1) != 0;
}

/* May it pass jobs that give way to it?  On a ring jobs of a queue keep their order. */
static bool may_pass(const struct wwr_job *job)
{
	const struct wwr_job *before = job->queue->device->first_ready;

	if (job_is_parked(job))
		return false;
	if (job->queue->device->rings == NULL)
		return true;
	while (before != job && before->queue != job->queue)
		before = before->ready_next;
	return before == job;
}

/* The link that points to the first job that may pass one of this priority, or NULL. */
static struct wwr_job **run_queue_above(const struct mock_engine *engine, int priority)
{
	for (struct wwr_job **link = &engine->device->first_ready; *link != NULL;
	     link = &(*link)->ready_next) {
		if ((*link)->priority > priority && engine_may_run(engine, *link) &&
		    may_pass(*link))
			return link;
	}
	return NULL;
}

/* Has the engine a parked job, running or not? */
static bool run_queue_has_parked(const struct mock_engine *engine)
{
	const struct wwr_job *job = engine->device->first_ready;

	if (engine->job != NULL && job_is_parked(engine->job))
		return true;
	while (job != NULL && !(engine_may_run(engine, job) && job_is_parked(job)))
		job = job->ready_next;
	return job != NULL;
}

/*
 * The link that points to the first job for the engine, a parked one only if there is no other; or
 * NULL.
 */
static struct wwr_job **run_queue_first(const struct mock_engine *engine)
{
	const bool passes = engine->device->rings != NULL && run_queue_has_parked(engine);
	struct wwr_job **parked = NULL;

	for (struct wwr_job **link = &engine->device->first_ready; *link != NULL;
	     link = &(*link)->ready_next) {
		if (!engine_may_run(engine, *link))
			continue;
		if (job_is_parked(*link) && parked == NULL)
			parked = link;
		else if (!job_is_parked(*link) && (!passes || may_pass(*link)))
			return link;
	}
	return parked;
}

/* The link that points to the job which the engine should take, or NULL. */
static struct wwr_job **run_queue_best(const struct mock_engine *engine)
{
	struct wwr_job **first = run_queue_first(engine);
	struct wwr_job **above;

	/* On a ring what gave way stands before the job that it gave way to. */
	if (first == NULL || (*first)->left_ns == 0)
		return first;
	above = run_queue_above(engine, (*first)->priority);
	return above != NULL ? above : first;
}

void run_queue_try_ready(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;

	if (!job->met || job->queue->first != job || device->stopping)
		return;
	job->state = WWR_JOB_READY;
	job->ready_ns = mock_now_ns();
	run_queue_insert(job);
	run_queue_kick(device);
}

void run_queue_give(struct mock_engine *engine, struct wwr_job *job)
{
	job->engine = (int)engine->index;
	job->state = WWR_JOB_READY;
	job->ready_ns = mock_now_ns();
	run_queue_insert(job);
	run_queue_kick(engine->device);
}

void run_queue_drop(struct mock_engine *engine)
{
	struct wwr_job **link = &engine->device->first_ready;

	while (*link != NULL) {
		struct wwr_job *job = *link;

		if ((unsigned int)job->engine == engine->index) {
			*link = job->ready_next;
			job->ready_next = NULL;
			job->state = WWR_JOB_WAITING;
		} else {
			link = &job->ready_next;
		}
	}
}

void run_queue_park(struct wwr_job *job)
{
	job->state = WWR_JOB_PREEMPTED;
	if (job_is_parked(job))
		run_queue_insert(job);
	else
		run_queue_insert_first(job);
}

struct wwr_job *run_queue_take(struct mock_engine *engine)
{
	struct wwr_job **link = run_queue_best(engine);
	struct wwr_job *job;

	if (link == NULL)
		return NULL;
	job = *link;
	*link = job->ready_next;
	job->ready_next = NULL;
	return job;
}

bool run_queue_wants(const struct mock_engine *engine)
{
	struct wwr_job **link;

	if (!job_is_parked(engine->job))
		return run_queue_above(engine, engine->job->priority) != NULL;
	link = run_queue_best(engine);
	return link != NULL && !job_is_parked(*link);
}

/* Engines that could be woken for a job. */
struct available {
	uint64_t idle;
	uint64_t parked; /* run a job that gives way to any other */
	uint64_t timed;	 /* run one that gives way to a higher priority, in time */
};

static struct available run_queue_available(const struct wwr_device *device)
{
	struct available available = {0};

	for (unsigned int i = 0; i < device->num_engines; i++) {
		const struct mock_engine *engine = &device->engines[i];

		if (engine->idle)
			available.idle |= UINT64_C(1) << i;
		else if (engine->job != NULL && job_is_parked(engine->job))
			available.parked |= UINT64_C(1) << i;
		else if (engine->job != NULL && job_has_intervals(engine->job))
			available.timed |= UINT64_C(1) << i;
	}
	return available;
}

/* Of a set of engines that run jobs the one with the lowest priority below this one; or 0. */
static uint64_t run_queue_lowest(const struct wwr_device *device, uint64_t engines, int priority)
{
	uint64_t lowest = 0;

	for (; engines != 0; engines &= engines - 1) {
		const struct wwr_job *job = device->engines[__builtin_ctzll(engines)].job;

		if (job->priority >= priority)
			continue;
		priority = job->priority;
		lowest = engines & -engines;
	}
	return lowest;
}

/* Wake the first engine of a set and take it out. */
static void run_queue_wake(struct wwr_device *device, uint64_t *engines, uint64_t mask)
{
	const unsigned int i = (unsigned int)__builtin_ctzll(*engines & mask);
	struct mock_engine *engine = &device->engines[i];

	*engines &= ~(UINT64_C(1) << i);
	engine->yield = !engine->idle;
	pthread_cond_signal(&engine->cond);
}

void run_queue_kick(struct wwr_device *device)
{
	struct available available = run_queue_available(device);

	for (struct wwr_job *job = device->first_ready;
	     job != NULL && (available.idle | available.parked | available.timed) != 0;
	     job = job->ready_next) {
		const uint64_t mask = job_engine_mask(job);
		uint64_t lowest;

		if ((available.idle & mask) != 0) {
			run_queue_wake(device, &available.idle, mask);
			continue;
		}
		if (job_is_parked(job))
			continue;
		if ((available.parked & mask) != 0) {
			run_queue_wake(device, &available.parked, mask);
			continue;
		}
		lowest = run_queue_lowest(device, available.timed & mask, job->priority);
		if (lowest != 0)
			run_queue_wake(device, &available.timed, lowest);
	}
}

void run_queue_job_ended(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;

	if (job->state == WWR_JOB_RUNNING)
		pthread_cond_signal(&device->engines[job->engine].cond);
	else if (job->state == WWR_JOB_PREEMPTED)
		run_queue_kick(device);
}
