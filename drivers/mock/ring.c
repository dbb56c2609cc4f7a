/* SPDX-License-Identifier: MIT */
/*
 * Jobs of a device with a scheduler.  Invariant: only the thread that runs a ring gives jobs to its
 * engine, and while it resets the engine none is given; so an engine that has been reset has none.
 */
#include "drivers/mock/ring.h"

#include "drivers/mock/job.h"
#include "drivers/mock/job_fence.h"
#include "drivers/mock/queue.h"
#include "drivers/mock/run_queue.h"

#include <wwresv/alloc.h>

#include <errno.h>

/* Of a ring: two jobs, or more if some give way to others: those have to get there. */
#define RING_CREDITS 32
#define JOB_CREDITS  ((RING_CREDITS - WAY_CREDITS) / 2)
#define WAY_CREDITS  1

static struct wwr_job *to_job(struct wwr_sched_job *sched_job)
{
	return WWR_CONTAINER_OF(sched_job, struct wwr_job, sched_job);
}

static int ring_run_job(struct wwr_sched_job *sched_job, struct wwr_fence **ret_fence)
{
	struct mock_engine *engine = wwr_sched_data(wwr_sched_job_sched(sched_job));
	struct wwr_job *job = to_job(sched_job);
	struct wwr_device *device = engine->device;
	int ret = 0;

	pthread_mutex_lock(&device->lock);
	if (device->stopping)
		ret = -ECANCELED;
	else if (device->rings->lost)
		ret = -ENODEV;
	else
		run_queue_give(engine, job);
	pthread_mutex_unlock(&device->lock);
	if (ret == 0)
		*ret_fence = wwr_fence_get(&job->fences->done);
	return ret;
}

/* Nothing of the ring is on the engine afterwards.  The device's lock, given back meanwhile. */
static void ring_reset(struct mock_engine *engine)
{
	struct wwr_device *device = engine->device;

	run_queue_drop(engine);
	engine->reset = true;
	pthread_cond_signal(&engine->cond);
	while (engine->job != NULL)
		pthread_cond_wait(&device->rings->idle, &device->lock);
	engine->reset = false;
}

/*
 * A slow job that is at its end is let finish; and one that got the engine from an older one has
 * had it for a part of that one's time only.
 */
static bool ring_has_hung(const struct mock_engine *engine, const struct wwr_job *job)
{
	if (engine->job != job)
		return false;
	return job->hangs ||
	       (job->slow && !job->touching &&
		mock_now_ns() - engine->since_ns >= engine->device->rings->hang_timeout_ns / 2);
}

static enum wwr_sched_verdict ring_timed_out(struct wwr_sched_job *sched_job)
{
	struct mock_engine *engine = wwr_sched_data(wwr_sched_job_sched(sched_job));
	struct wwr_job *job = to_job(sched_job);
	struct wwr_device *device = engine->device;
	enum wwr_sched_verdict verdict = WWR_SCHED_NO_HANG;

	pthread_mutex_lock(&device->lock);
	if (device->rings->lost)
		verdict = WWR_SCHED_NODEV;
	else if (ring_has_hung(engine, job) && !device->stopping)
		verdict = WWR_SCHED_RESET;
	if (verdict != WWR_SCHED_NO_HANG)
		ring_reset(engine);
	pthread_mutex_unlock(&device->lock);
	return verdict;
}

static void ring_free_job(struct wwr_sched_job *sched_job)
{
	struct wwr_job *job = to_job(sched_job);

	job->has_sched_job = false;
	wwr_job_put(job);
}

static const struct wwr_sched_ops ring_ops = {
    .run_job = ring_run_job,
    .timed_out = ring_timed_out,
    .free_job = ring_free_job,
};

/* The first job of its queue.  The device's lock, given back meanwhile. */
static void ring_end_first(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;
	const int error = job->over_error != 0 && device->stopping ? -ECANCELED : job->over_error;

	pthread_mutex_unlock(&device->lock);
	job_finish(job, error);
	pthread_mutex_lock(&device->lock);
	job_retire_locked(job);
	if (device->stopping)
		pthread_cond_signal(&device->pushed);
	pthread_mutex_unlock(&device->lock);
	wwr_job_put(job);
	pthread_mutex_lock(&device->lock);
}

/*
 * The scheduler is done with a job.  The jobs of an entity end in their order; those of a queue may
 * have several entities, and what is cancelled ends before what runs.
 */
static void ring_finish(struct wwr_job *job, int error)
{
	struct wwr_queue *queue = wwr_queue_get(job->queue);
	struct wwr_device *device = queue->device;

	pthread_mutex_lock(&device->lock);
	job->over = true;
	job->over_error = error;
	/* Whoever is at it goes on with this one. */
	if (!queue->ending) {
		queue->ending = true;
		while (queue->first != NULL && queue->first->over)
			ring_end_first(queue->first);
		queue->ending = false;
	}
	pthread_mutex_unlock(&device->lock);
	wwr_queue_put(queue);
}

static void ring_job_signaled(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	const int status = wwr_fence_get_status(fence);

	ring_finish(WWR_CONTAINER_OF(cb, struct wwr_job, sched_cb), status < 0 ? status : 0);
}

/* The entity of its queue, or of the engine that its bonds choose. */
static struct wwr_sched_entity *ring_entity(struct wwr_job *job)
{
	struct wwr_queue *queue = job->queue;
	struct wwr_device *device = queue->device;
	struct queue_bonds *bonds;
	uint64_t mask;

	job->bound = -1;
	if (job->num_sources == 0)
		return queue->entity;
	pthread_mutex_lock(&device->lock);
	bonds = queue_bonds_get(queue->bonds);
	pthread_mutex_unlock(&device->lock);
	mask = job_bonded_mask(job, bonds);
	queue_bonds_put(bonds);
	if (mask != queue->engine_mask)
		job->bound = mock_rings_choose(queue, mask);
	return job->bound >= 0 ? queue->bound[job->bound] : queue->entity;
}

int ring_job_prepare(struct wwr_job *job)
{
	int ret;

	/* A submit that failed has left one, and much may be different now. */
	if (job->has_sched_job)
		wwr_sched_job_fini(&job->sched_job);
	job->has_sched_job = false;
	ret = wwr_sched_job_init(&job->sched_job, ring_entity(job),
				 job_gives_way(job) ? WAY_CREDITS : JOB_CREDITS);
	if (ret != 0)
		return ret;
	job->has_sched_job = true;
	for (uint32_t i = 0; i < job->num_deps && ret == 0; i++)
		ret = wwr_sched_job_add_dependency(&job->sched_job, job->deps[i].fence);
	return ret;
}

int ring_job_follow(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;
	struct wwr_fence *finished = NULL;
	const struct wwr_job *before;
	int ret;

	pthread_mutex_lock(&device->lock);
	before = job->queue->last;
	if (before != NULL && (job_gives_way(before) || before->bound != job->bound))
		finished = wwr_fence_get(&before->fences->finished);
	pthread_mutex_unlock(&device->lock);
	if (finished == NULL)
		return 0;
	ret = wwr_sched_job_add_dependency(&job->sched_job, finished);
	wwr_fence_put(finished);
	return ret;
}

void ring_job_push(struct wwr_job *job)
{
	struct wwr_fence *finished = wwr_sched_job_finished(&job->sched_job);

	if (wwr_fence_add_callback(finished, &job->sched_cb, ring_job_signaled) != 0) {
		const int status = wwr_fence_get_status(finished);

		ring_finish(job, status < 0 ? status : 0);
	}
	wwr_sched_job_push(&job->sched_job);
}

void ring_job_done(struct wwr_job *job)
{
	(void)wwr_fence_signal(&job->fences->done);
}

static int rings_create_all(struct mock_rings *rings, struct wwr_device *device,
			    const struct wwr_device_config *config)
{
	struct wwr_sched_group *group;
	int ret;

	ret = wwr_sched_group_create(NULL, &group);
	if (ret != 0)
		return ret;
	for (unsigned int i = 0; i < device->num_engines && ret == 0; i++) {
		const struct wwr_sched_options options = {
		    .ops = &ring_ops,
		    .name = device->engines[i].name,
		    .policy = config->policy,
		    .credit_limit = RING_CREDITS,
		    .hang_limit = config->hang_limit,
		    .flags = WWR_SCHED_PREEMPTS,
		    .timeout_ns = config->hang_timeout_ns,
		    .final_stats = &rings->final_stats[i],
		    .data = &device->engines[i],
		};

		ret = wwr_sched_create(group, &options, &rings->rings[i]);
	}
	wwr_sched_group_put(group);
	return ret;
}

int mock_rings_create(struct wwr_device *device, const struct wwr_device_config *config)
{
	struct mock_rings *rings;

	rings = wwr_alloc(sizeof(*rings) + device->num_engines * sizeof(rings->rings[0]));
	if (rings == NULL)
		return -ENOMEM;
	pthread_mutex_init(&rings->order, NULL);
	pthread_cond_init(&rings->idle, NULL);
	rings->hang_timeout_ns = config->hang_timeout_ns;
	rings->hang_every = config->hang_every;
	rings->slow_every = config->slow_every;
	rings->slow_factor = config->slow_factor;
	rings->lose_after = config->lose_after;
	rings->num_rings = device->num_engines;
	device->rings = rings;
	return rings_create_all(rings, device, config);
}

void mock_rings_stop(struct wwr_device *device)
{
	struct mock_rings *rings = device->rings;

	pthread_mutex_lock(&rings->order);
	rings->stopped = true;
	for (unsigned int i = 0; i < rings->num_rings; i++) {
		if (rings->rings[i] != NULL)
			wwr_sched_get_stats(rings->rings[i], &device->engines[i].sched_stats);
	}
	pthread_mutex_unlock(&rings->order);
	/* Nobody looks at them any more but for entities, which have references. */
	for (unsigned int i = 0; i < rings->num_rings; i++)
		wwr_sched_destroy(rings->rings[i]);
	/* Of those armed but not yet pushed, who pushes them sees to the end. */
	pthread_mutex_lock(&device->lock);
	while (device->first != NULL)
		pthread_cond_wait(&device->pushed, &device->lock);
	pthread_mutex_unlock(&device->lock);
	pthread_mutex_lock(&rings->order);
	for (unsigned int i = 0; i < rings->num_rings; i++) {
		if (rings->rings[i] != NULL)
			device->engines[i].sched_stats = rings->final_stats[i];
	}
	pthread_mutex_unlock(&rings->order);
}

void mock_rings_fault(struct wwr_device *device)
{
	struct mock_rings *rings = device->rings;

	pthread_mutex_lock(&rings->order);
	for (unsigned int i = 0; i < rings->num_rings && !rings->stopped; i++)
		wwr_sched_fault(rings->rings[i]);
	pthread_mutex_unlock(&rings->order);
}

void mock_rings_destroy(struct mock_rings *rings)
{
	if (rings == NULL)
		return;
	pthread_cond_destroy(&rings->idle);
	pthread_mutex_destroy(&rings->order);
	wwr_free(rings);
}

int ring_of_job(const struct wwr_job *job)
{
	const struct mock_engine *engine = wwr_sched_data(wwr_sched_job_sched(&job->sched_job));

	return (int)engine->index;
}

void wwr_device_get_recovery(struct wwr_device *device, struct wwr_sched_stats *ret_stats)
{
	struct mock_rings *rings = device->rings;

	*ret_stats = (struct wwr_sched_stats){0};
	if (rings == NULL)
		return;
	pthread_mutex_lock(&rings->order);
	for (unsigned int i = 0; i < rings->num_rings; i++) {
		struct wwr_sched_stats stats = device->engines[i].sched_stats;

		if (!rings->stopped)
			wwr_sched_get_stats(rings->rings[i], &stats);
		ret_stats->num_scheduled += stats.num_scheduled;
		ret_stats->num_finished += stats.num_finished;
		ret_stats->num_failed += stats.num_failed;
		ret_stats->num_hangs += stats.num_hangs;
		ret_stats->num_resets += stats.num_resets;
		ret_stats->num_cancelled += stats.num_cancelled;
		ret_stats->busy_ns += stats.busy_ns;
	}
	pthread_mutex_unlock(&rings->order);
}
