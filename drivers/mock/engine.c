/* SPDX-License-Identifier: MIT */
/*
 * An engine's thread.  Invariant: an engine runs only jobs that wait for nothing; the memory of a
 * job's buffers is touched without a lock, ordered by the fences alone.
 */
#include "drivers/mock/job.h"
#include "drivers/mock/job_fence.h"
#include "drivers/mock/mock_device.h"
#include "drivers/mock/queue.h"
#include "drivers/mock/ring.h"
#include "drivers/mock/run_queue.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000

/* How a job leaves its engine. */
enum engine_outcome {
	ENGINE_DONE,  /* it has run long enough */
	ENGINE_YIELD, /* it gives way and goes on later */
	ENGINE_STOP,  /* the device is being stopped: it has no effect */
};

int64_t mock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* When a job that starts now has run long enough. */
static int64_t engine_job_end_ns(const struct mock_engine *engine, const struct wwr_job *job)
{
	double scaled_ns;

	if (job->config.duration_ns == WWR_JOB_ENDLESS || job->hangs)
		return INT64_MAX;
	scaled_ns = (double)job->config.duration_ns * engine->device->time_scale;
	if (job->slow)
		scaled_ns *= engine->device->rings->slow_factor;
	if (scaled_ns >= (double)(INT64_MAX / 2))
		return INT64_MAX;
	return scaled_ns == 0 ? 0 : job->started_ns + (int64_t)scaled_ns;
}

/* After how long on an engine a job may give way, and again; 0 = never, or at any time. */
static int64_t engine_job_interval_ns(const struct mock_engine *engine, const struct wwr_job *job)
{
	double scaled_ns;

	if (job->config.duration_ns == WWR_JOB_ENDLESS || job->config.interval_ns == 0)
		return 0;
	scaled_ns = (double)job->config.interval_ns * engine->device->time_scale;
	if (scaled_ns >= (double)(INT64_MAX / 2))
		return INT64_MAX;
	return scaled_ns < 1 ? 1 : (int64_t)scaled_ns;
}

/* The job is the engine's from now on; true = for the first time. */
static bool engine_take(struct mock_engine *engine, struct wwr_job *job)
{
	const bool first = !job->started;

	engine->job = job;
	engine->yield = false;
	engine->yield_ns = 0;
	engine->since_ns = mock_now_ns();
	job->engine = (int)engine->index;
	job->state = WWR_JOB_RUNNING;
	if (first) {
		job->started = true;
		job->started_ns = engine->since_ns;
		job->end_ns = engine_job_end_ns(engine, job);
		job->interval_ns = engine_job_interval_ns(engine, job);
		engine->device->stats.num_slow += job->slow;
	} else if (job->left_ns != 0) {
		job->end_ns = engine->since_ns + job->left_ns;
		job->left_ns = 0;
	}
	run_queue_kick(engine->device);
	return first;
}

static void engine_leave(struct mock_engine *engine)
{
	const uint64_t spent_ns = (uint64_t)(mock_now_ns() - engine->since_ns);

	engine->busy_ns += spent_ns;
	engine->job->queue->busy_ns[engine->index] += spent_ns;
	engine->job = NULL;
	if (engine->device->rings != NULL)
		pthread_cond_broadcast(&engine->device->rings->idle);
}

/* What a job does first: let those run that wait for its start, and look at its buffers. */
static void engine_begin_job(const struct mock_engine *engine, struct wwr_job *job)
{
	job->fences->start_engine = (int)engine->index;
	job->fences->start_token = wwr_effect_start_token(job->config.seed);
	(void)wwr_fence_signal(&job->fences->started);

	for (uint32_t i = 0; i < job->num_sources; i++)
		job->start_tokens[i] = job->sources[i]->start_token;
	job->digest = effect_begin(job->config.seed, job->start_tokens, job->num_sources);
	/* If that is stopped the job will be, too. */
	(void)effect_look(&job->digest, job->accesses, job->num_buffers,
			  &job->queue->device->stop_effects);
}

/* Sleep until something changes or the time has come. */
static void engine_sleep(struct mock_engine *engine, int64_t deadline_ns)
{
	const struct timespec deadline = {
	    .tv_sec = deadline_ns / NS_PER_S,
	    .tv_nsec = deadline_ns % NS_PER_S,
	};

	if (deadline_ns == INT64_MAX)
		pthread_cond_wait(&engine->cond, &engine->device->lock);
	else
		(void)pthread_cond_timedwait(&engine->cond, &engine->device->lock, &deadline);
}

/* The next multiple of the interval since the job has the engine. */
static int64_t engine_interval_end_ns(const struct mock_engine *engine, int64_t now_ns)
{
	const int64_t interval_ns = engine->job->interval_ns;

	if (interval_ns > INT64_MAX - now_ns)
		return INT64_MAX;
	return engine->since_ns + ((now_ns - engine->since_ns) / interval_ns + 1) * interval_ns;
}

/*
 * Was the engine asked for, is it still wanted, and may it be had?  If not, *deadline_ns is no
 * later than the time when it may.
 */
static bool engine_should_yield(struct mock_engine *engine, int64_t *deadline_ns)
{
	const struct wwr_job *job = engine->job;

	if (!engine->yield || (!job_is_parked(job) && !job_has_intervals(job)))
		return false;
	if (job_has_intervals(job)) {
		const int64_t now_ns = mock_now_ns();

		if (engine->yield_ns == 0)
			engine->yield_ns = engine_interval_end_ns(engine, now_ns);
		if (now_ns < engine->yield_ns) {
			if (engine->yield_ns < *deadline_ns)
				*deadline_ns = engine->yield_ns;
			return false;
		}
	}
	engine->yield = false;
	engine->yield_ns = 0;
	return run_queue_wants(engine);
}

/* It goes on later, with the time that it has left. */
static void engine_park(struct mock_engine *engine, struct wwr_job *job)
{
	const int64_t now_ns = mock_now_ns();

	if (job->end_ns != INT64_MAX)
		job->left_ns = job->end_ns > now_ns ? job->end_ns - now_ns : 1;
	engine_leave(engine);
	run_queue_park(job);
}

static bool engine_goes_on(const struct mock_engine *engine, const struct wwr_job *job)
{
	/* A device that is lost ends no job. */
	if (engine->reset || job->hangs ||
	    (engine->device->rings != NULL && engine->device->rings->lost))
		return true;
	return !job->ended && (job->end_ns == INT64_MAX || mock_now_ns() < job->end_ns);
}

static enum engine_outcome engine_wait(struct mock_engine *engine, const struct wwr_job *job)
{
	while (engine_goes_on(engine, job)) {
		int64_t deadline_ns = job->end_ns;

		if (engine->device->stopping || engine->reset)
			return ENGINE_STOP;
		if (engine->device->rings != NULL && engine->device->rings->lost)
			deadline_ns = INT64_MAX;
		if (engine_should_yield(engine, &deadline_ns))
			return ENGINE_YIELD;
		engine_sleep(engine, deadline_ns);
	}
	return ENGINE_DONE;
}

/* The scheduler sees to the rest.  Comes back with the device's lock. */
static void engine_complete_ring(struct mock_engine *engine, struct wwr_job *job)
{
	struct wwr_device *device = engine->device;

	pthread_mutex_lock(&device->lock);
	job->touching = false;
	engine->num_jobs++;
	pthread_mutex_unlock(&device->lock);
	/* It is kept by a reference: it may be given back before this has returned. */
	wwr_job_get(job);
	ring_job_done(job);
	pthread_mutex_lock(&device->lock);
	engine_leave(engine);
	pthread_mutex_unlock(&device->lock);
	wwr_job_put(job);
	pthread_mutex_lock(&device->lock);
}

/* With the device's lock, which it gives back while the job works. */
static void engine_complete(struct mock_engine *engine, struct wwr_job *job)
{
	struct wwr_device *device = engine->device;
	bool looked, written;

	job->touching = true;
	pthread_mutex_unlock(&device->lock);
	looked = effect_look(&job->digest, job->accesses, job->num_buffers, &device->stop_effects);
	written = looked && effect_rewrite(job->digest, job->accesses, job->num_buffers,
					   &device->stop_effects);
	if (!written) {
		pthread_mutex_lock(&device->lock);
		job->touching = false;
		job->torn = looked;
		engine_leave(engine);
		return;
	}
	if (device->rings != NULL) {
		engine_complete_ring(engine, job);
		return;
	}
	job_finish(job, 0);

	pthread_mutex_lock(&device->lock);
	engine_leave(engine);
	job_retire_locked(job);
	pthread_mutex_unlock(&device->lock);
	wwr_job_put(job);
	pthread_mutex_lock(&device->lock);
}

/* With the device's lock, which it gives back for a while. */
static void engine_run(struct mock_engine *engine, struct wwr_job *job)
{
	struct wwr_device *device = engine->device;

	if (engine_take(engine, job)) {
		job->touching = true;
		pthread_mutex_unlock(&device->lock);
		engine_begin_job(engine, job);
		pthread_mutex_lock(&device->lock);
		job->touching = false;
	}
	switch (engine_wait(engine, job)) {
	case ENGINE_DONE:
		engine_complete(engine, job);
		break;
	case ENGINE_YIELD:
		engine_park(engine, job);
		break;
	case ENGINE_STOP:
		engine_leave(engine);
		break;
	}
}

static void *engine_main(void *arg)
{
	struct mock_engine *engine = arg;
	struct wwr_device *device = engine->device;

	pthread_mutex_lock(&device->lock);
	while (!device->stopping) {
		struct wwr_job *job = run_queue_take(engine);

		engine->idle = job == NULL;
		if (job != NULL)
			engine_run(engine, job);
		else
			engine_sleep(engine, INT64_MAX);
	}
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

int engine_start(struct mock_engine *engine)
{
	char name[16];

	if (pthread_create(&engine->thread, NULL, engine_main, engine) != 0)
		return -EAGAIN;
	snprintf(name, sizeof(name), "wwr-%.11s", engine->name);
	(void)pthread_setname_np(engine->thread, name);
	return 0;
}
