/* SPDX-License-Identifier: MIT */
/*
 * Invariant: each ready job has an engine that was woken for it, as far as there are idle ones or
 * such as run parked jobs.  Who is woken may take another job instead; who takes a job wakes
 * engines for what is left, so no engine sleeps beside a job that it may run.
 */
#include "drivers/mock/run_queue.h"

#include "drivers/mock/job.h"
#include "drivers/mock/queue.h"

/* Behind all jobs of the same and of higher priority. */
static void run_queue_insert(struct wwr_job *job)
{
	struct wwr_job **link = &job->queue->device->first_ready;

	while (*link != NULL &&
	       (job->queue->device->rings != NULL || (*link)->priority >= job->priority))
		link = &(*link)->ready_next;
	job->ready_next = *link;
	*link = job;
}

/* A ring has one engine. */
static uint64_t job_engine_mask(const struct wwr_job *job)
{
	return job->queue->device->rings != NULL ? UINT64_C(1) << job->engine
						 : job->queue->engine_mask;
}

static bool engine_may_run(const struct mock_engine *engine, const struct wwr_job *job)
{
	return (job_engine_mask(job) >> engine->index & 1) != 0;
}

/* The link that points to the job which the engine should take, or NULL. */
static struct wwr_job **run_queue_best(const struct mock_engine *engine)
{
	struct wwr_job **parked = NULL;

	for (struct wwr_job **link = &engine->device->first_ready; *link != NULL;
	     link = &(*link)->ready_next) {
		if (!engine_may_run(engine, *link))
			continue;
		if (!job_is_parked(*link))
			return link;
		if (parked == NULL)
			parked = link;
	}
	return parked;
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
	run_queue_insert(job);
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
	struct wwr_job **link = run_queue_best(engine);

	return link != NULL && !job_is_parked(*link);
}

/* Engines that could be woken for a job: the idle ones, and those with a parked job. */
static void run_queue_available(const struct wwr_device *device, uint64_t *ret_idle,
				uint64_t *ret_parked)
{
	*ret_idle = 0;
	*ret_parked = 0;
	for (unsigned int i = 0; i < device->num_engines; i++) {
		const struct mock_engine *engine = &device->engines[i];

		if (engine->idle)
			*ret_idle |= UINT64_C(1) << i;
		else if (engine->job != NULL && job_is_parked(engine->job))
			*ret_parked |= UINT64_C(1) << i;
	}
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
	uint64_t idle, parked;

	run_queue_available(device, &idle, &parked);
	for (struct wwr_job *job = device->first_ready; job != NULL && (idle | parked) != 0;
	     job = job->ready_next) {
		const uint64_t mask = job_engine_mask(job);

		if ((idle & mask) != 0)
			run_queue_wake(device, &idle, mask);
		else if ((parked & mask) != 0 && !job_is_parked(job))
			run_queue_wake(device, &parked, mask);
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
