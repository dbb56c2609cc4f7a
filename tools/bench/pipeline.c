/* SPDX-License-Identifier: MIT */
#include "tools/bench/pipeline.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "lockset/park.h"
#include "tools/common/cli.h"

#define SPINS	    100	 /* before a spinning thread lets others run */
#define SLEEP_SPINS 1000 /* before the engine sleeps */
#define BATCH_JOBS  32	 /* at most, between two readings of the clock */

static void spin(unsigned int *num)
{
	if (++*num % SPINS == 0)
		sched_yield();
	else
		wwr_atomic_pause();
}

/* Runs what is there up to tail; the work is to count. */
static uint64_t run_batch(struct pipeline *pipeline, uint64_t head, uint64_t tail)
{
	int64_t now_ns;

	if (tail - head > BATCH_JOBS)
		tail = head + BATCH_JOBS;
	pipeline->num_run += tail - head;
	now_ns = park_now_ns();
	for (; head != tail; head++) {
		struct wwr_fence *job = pipeline->jobs[head % PIPELINE_JOBS];

		(void)wwr_fence_signal_at(job, now_ns);
		wwr_fence_put(job);
	}
	/* Release pairs with the acquire in pipeline_submit(): the places are free. */
	wwr_atomic_store(&pipeline->head, head, WWR_RELEASE);
	return head;
}

/* Until there is something, or the end is asked for. */
static void sleep_until_work(struct pipeline *pipeline, uint64_t head)
{
	uint32_t seen = park_begin(&pipeline->park_word);

	/* Sequentially consistent, both, as in pipeline_submit(): one of the two sees the other. */
	wwr_atomic_store(&pipeline->asleep, 1, WWR_SEQ_CST);
	if (wwr_atomic_load(&pipeline->tail, WWR_SEQ_CST) == head &&
	    !wwr_atomic_load(&pipeline->stop, WWR_SEQ_CST))
		(void)park_sleep(&pipeline->park_word, seen, PARK_FOREVER, false);
	wwr_atomic_store(&pipeline->asleep, 0, WWR_RELAXED);
}

static void *engine_main(void *arg)
{
	struct pipeline *pipeline = arg;
	uint64_t head = 0;
	unsigned int num_spins = 0;

	for (;;) {
		/* Acquire pairs with the release in pipeline_stop(): no job comes after it. */
		const bool stop = wwr_atomic_load(&pipeline->stop, WWR_ACQUIRE);
		/* Acquire pairs with the store in pipeline_submit(): the jobs. */
		const uint64_t tail = wwr_atomic_load(&pipeline->tail, WWR_ACQUIRE);

		if (tail != head) {
			head = run_batch(pipeline, head, tail);
			num_spins = 0;
		} else if (stop) {
			break;
		} else if (pipeline->may_sleep && num_spins >= SLEEP_SPINS) {
			sleep_until_work(pipeline, head);
			num_spins = 0;
		} else {
			spin(&num_spins);
		}
	}
	return NULL;
}

static void wake_if_asleep(struct pipeline *pipeline)
{
	if (wwr_atomic_load(&pipeline->asleep, WWR_SEQ_CST) != 0)
		park_unpark_and_wake(&pipeline->park_word);
}

int pipeline_start(struct pipeline *pipeline, bool may_sleep)
{
	memset(pipeline, 0, sizeof(*pipeline));
	pipeline->may_sleep = may_sleep;
	if (pthread_create(&pipeline->thread, NULL, engine_main, pipeline) != 0) {
		cli_error("the engine's thread could not be started");
		return -EAGAIN;
	}
	return 0;
}

uint64_t pipeline_stop(struct pipeline *pipeline)
{
	wwr_atomic_store(&pipeline->stop, 1, WWR_SEQ_CST);
	wake_if_asleep(pipeline);
	pthread_join(pipeline->thread, NULL);
	return pipeline->num_run;
}

void pipeline_submit(struct pipeline *pipeline, struct wwr_fence *job)
{
	/* Relaxed: only this thread changes it. */
	const uint64_t tail = wwr_atomic_load(&pipeline->tail, WWR_RELAXED);
	unsigned int num_spins = 0;

	while (tail - pipeline->head_seen == PIPELINE_JOBS) {
		pipeline->head_seen = wwr_atomic_load(&pipeline->head, WWR_ACQUIRE);
		if (tail - pipeline->head_seen == PIPELINE_JOBS)
			spin(&num_spins);
	}
	pipeline->jobs[tail % PIPELINE_JOBS] = job;
	if (!pipeline->may_sleep) {
		wwr_atomic_store(&pipeline->tail, tail + 1, WWR_RELEASE);
		return;
	}
	wwr_atomic_store(&pipeline->tail, tail + 1, WWR_SEQ_CST);
	wake_if_asleep(pipeline);
}

static void *queue_main(void *arg)
{
	struct queue *queue = arg;

	pthread_mutex_lock(&queue->mutex);
	for (;;) {
		struct queue_job *job;

		while (queue->head == queue->tail && !queue->stop)
			pthread_cond_wait(&queue->not_empty, &queue->mutex);
		if (queue->head == queue->tail)
			break;
		job = queue->jobs[queue->head++ % PIPELINE_JOBS];
		pthread_cond_signal(&queue->not_full);
		pthread_mutex_unlock(&queue->mutex);
		queue->num_run++;
		/* Release: as a fence's signal has it. */
		wwr_atomic_store(&job->done, 1, WWR_RELEASE);
		pthread_mutex_lock(&queue->mutex);
	}
	pthread_mutex_unlock(&queue->mutex);
	return NULL;
}

int queue_start(struct queue *queue)
{
	memset(queue, 0, sizeof(*queue));
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->not_empty, NULL);
	pthread_cond_init(&queue->not_full, NULL);
	if (pthread_create(&queue->thread, NULL, queue_main, queue) != 0) {
		cli_error("the queue's thread could not be started");
		return -EAGAIN;
	}
	return 0;
}

uint64_t queue_stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->stop = true;
	pthread_cond_signal(&queue->not_empty);
	pthread_mutex_unlock(&queue->mutex);
	pthread_join(queue->thread, NULL);
	return queue->num_run;
}

void queue_submit(struct queue *queue, struct queue_job *job)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->tail - queue->head == PIPELINE_JOBS)
		pthread_cond_wait(&queue->not_full, &queue->mutex);
	queue->jobs[queue->tail++ % PIPELINE_JOBS] = job;
	pthread_cond_signal(&queue->not_empty);
	pthread_mutex_unlock(&queue->mutex);
}
