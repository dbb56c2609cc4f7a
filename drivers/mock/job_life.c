/* SPDX-License-Identifier: MIT */
/*
 * From armed to finished.  Invariants: the device's list of unfinished jobs is in the order of
 * commits, each queue's list is a part of it in the same order, and fences of a queue signal in
 * that order: a job is taken out of its queue only after its fences have signalled, and the one
 * behind it becomes ready only then.
 */
#include "drivers/mock/job.h"

#include "drivers/mock/job_fence.h"
#include "drivers/mock/mock_device.h"
#include "drivers/mock/queue.h"
#include "drivers/mock/ring.h"
#include "drivers/mock/run_queue.h"
#include "lockset/wwr_atomic.h"

#include <assert.h>
#include <errno.h>

static void job_link(struct wwr_job *job)
{
	struct wwr_queue *queue = job->queue;
	struct wwr_device *device = queue->device;

	job->prev = device->last;
	if (device->last != NULL)
		device->last->next = job;
	else
		device->first = job;
	device->last = job;

	if (queue->last != NULL)
		queue->last->queue_next = job;
	else
		queue->first = job;
	queue->last = job;
}

static void job_unlink(struct wwr_job *job)
{
	struct wwr_queue *queue = job->queue;
	struct wwr_device *device = queue->device;

	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		device->first = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	else
		device->last = job->prev;

	assert(queue->first == job);
	queue->first = job->queue_next;
	if (queue->first == NULL)
		queue->last = NULL;
}

/* What the job waits for, and the job before it, may wait for what a client does later. */
static void job_mark_fences(struct wwr_job *job, bool client_starts)
{
	const struct wwr_job *before = job->queue->last;

	job->client_starts = client_starts || (before != NULL && before->client_ends);
	job->client_ends =
	    job->client_starts || job->config.duration_ns == WWR_JOB_ENDLESS; /* wwr_job_end() */
	if (job->client_starts)
		wwr_fence_set_client_dependent(&job->fences->started);
	if (job->client_ends)
		wwr_fence_set_client_dependent(&job->fences->finished);
}

static void job_arm_locked(struct wwr_job *job, bool client_starts)
{
	struct wwr_queue *queue = job->queue;
	struct wwr_device *device = queue->device;

	job->armed = true;
	job->state = WWR_JOB_WAITING;
	job->priority = queue->priority;
	job->preemptible = queue->preemptible;
	job->engine_mask = queue->engine_mask;
	if (job->num_sources != 0)
		job->bonds = queue_bonds_get(queue->bonds);
	job->submitted_ns = mock_now_ns();
	job_fence_arm(job->fences, ++queue->seqno, device->stats.num_submitted++);
	job_mark_fences(job, client_starts);
	job_link(job);
}

static int job_arm_device(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;
	bool client_starts = false;
	int ret = -ECANCELED;

	for (uint32_t i = 0; i < job->num_deps && !client_starts; i++)
		client_starts = wwr_fence_is_client_dependent(job->deps[i].fence);
	/* Relaxed: the callbacks that count it down come later, through the fences' own locks. */
	wwr_atomic_store(&job->num_unmet, job->num_deps + 1, WWR_RELAXED);
	pthread_mutex_lock(&device->lock);
	if (!device->stopping) {
		wwr_job_get(job);
		job_arm_locked(job, client_starts);
		ret = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return ret;
}

/* Is it one of every so many? */
static bool is_chosen(const struct wwr_job *job, uint64_t every)
{
	return every != 0 && (job->fences->commit + 1) % every == 0;
}

/* The engines' list has it already, and a scheduler has a reference, too. */
static void job_arm_ring(struct wwr_job *job)
{
	const struct mock_rings *rings = job->queue->device->rings;

	job->hangs = is_chosen(job, rings->hang_every);
	job->slow = is_chosen(job, rings->slow_every) && !job->hangs &&
		    job->config.duration_ns != WWR_JOB_ENDLESS;
	wwr_job_get(job);
	wwr_sched_job_arm(&job->sched_job);
	job->fences->ring = ring_of_job(job);
}

int job_arm(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;
	int ret;

	if (device->rings == NULL)
		return job_arm_device(job);
	pthread_mutex_lock(&device->rings->order);
	ret = ring_job_follow(job);
	if (ret == 0)
		ret = job_arm_device(job);
	if (ret == 0)
		job_arm_ring(job);
	pthread_mutex_unlock(&device->rings->order);
	return ret;
}

/* The engine of a job that another one starts with, or -1. */
static int source_engine(const struct wwr_job *job, const struct job_fence *source)
{
	if (source->queue->device != job->queue->device)
		return -1;
	if (job->queue->device->rings != NULL)
		return source->ring;
	/* It may not have started if the device breaks this kind of dependency. */
	return wwr_fence_is_signaled(&source->started) ? source->start_engine : -1;
}

uint64_t job_bonded_mask(const struct wwr_job *job, const struct queue_bonds *bonds)
{
	uint64_t mask = job->queue->engine_mask;

	for (uint32_t i = 0; i < job->num_sources && bonds != NULL; i++) {
		const int engine = source_engine(job, job->sources[i]);
		const uint64_t bond = engine >= 0 ? bonds->masks[engine] : 0;

		/* Somewhere it has to run. */
		if ((mask & bond) != 0)
			mask &= bond;
	}
	return mask;
}

static void job_meet(struct wwr_job *job, uint32_t num)
{
	struct wwr_device *device = job->queue->device;
	uint64_t engine_mask;

	/*
	 * Release and acquire pair among all who count down: the last one, and so the engine, sees
	 * what came before every fence.
	 */
	if (wwr_atomic_fetch_sub(&job->num_unmet, num, WWR_ACQ_REL) != num)
		return;
	engine_mask = job_bonded_mask(job, job->bonds);
	pthread_mutex_lock(&device->lock);
	job->engine_mask = engine_mask;
	job->met = true;
	if (job->queue->first != job)
		job->state = WWR_JOB_BLOCKED;
	run_queue_try_ready(job);
	pthread_mutex_unlock(&device->lock);
}

/* A fence callback: the last thing that it does to the job may be its last chance to. */
static void job_dep_signaled(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	job_meet(WWR_CONTAINER_OF(cb, struct job_dep, cb)->job, 1);
}

void job_push(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;
	uint32_t num_met = 1;

	if (device->rings != NULL) {
		ring_job_push(job);
		return;
	}
	for (uint32_t i = 0; i < job->num_deps; i++) {
		if (wwr_fence_add_callback(job->deps[i].fence, &job->deps[i].cb,
					   job_dep_signaled) != 0)
			num_met++;
	}
	job_meet(job, num_met);

	pthread_mutex_lock(&device->lock);
	job->pushed = true;
	if (device->stopping)
		pthread_cond_signal(&device->pushed);
	pthread_mutex_unlock(&device->lock);
}

void job_finish(struct wwr_job *job, int error)
{
	struct wwr_device *device = job->queue->device;
	const int64_t now = mock_now_ns();
	bool started, is_last;

	pthread_mutex_lock(&device->lock);
	started = job->started;
	job->state = WWR_JOB_FINISHED;
	job->touching = false;
	job->finished_ns = now;
	job->fences->engine = job->engine;
	device->stats.num_finished++;
	if (error != 0)
		device->stats.num_failed++;
	/* Who sees the fence sees it counted; of a ring the engine did that before. */
	else if (device->rings == NULL)
		device->engines[job->engine].num_jobs++;
	is_last = device->rings != NULL && device->stats.num_finished == device->rings->lose_after;
	if (is_last)
		device->rings->lost = true;
	pthread_mutex_unlock(&device->lock);
	if (is_last)
		mock_rings_fault(device);

	if (!started) {
		/* Who waits for its start goes on, and may look. */
		job->fences->start_token = wwr_effect_start_token(job->config.seed);
		wwr_fence_set_error(&job->fences->started, error);
		(void)wwr_fence_signal_at(&job->fences->started, now);
	}
	if (error != 0)
		wwr_fence_set_error(&job->fences->finished, error);
	/* Of one that hung nobody has. */
	if (device->rings != NULL)
		(void)wwr_fence_signal(&job->fences->done);
	(void)wwr_fence_signal_at(&job->fences->finished, now);
}

void job_retire_locked(struct wwr_job *job)
{
	struct wwr_queue *queue = job->queue;

	job_unlink(job);
	if (queue->first != NULL && queue->device->rings == NULL)
		run_queue_try_ready(queue->first);
}

void job_cancel(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;

	/* Afterwards no callback runs, nor will one: nobody else knows the job but its users. */
	for (uint32_t i = 0; i < job->num_deps; i++)
		(void)wwr_fence_remove_callback(job->deps[i].fence, &job->deps[i].cb);
	job_finish(job, -ECANCELED);

	pthread_mutex_lock(&device->lock);
	job_retire_locked(job);
	pthread_mutex_unlock(&device->lock);
	wwr_job_put(job);
}
