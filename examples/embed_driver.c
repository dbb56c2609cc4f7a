/* SPDX-License-Identifier: MIT */
/*
 * A complete small driver of its own on libwwresv: buffers, a submit call that locks all buffers
 * of a job as one set, an engine thread that runs jobs once what they wait for has signalled.
 *
 * Two clients submit jobs that add one buffer to another, in opposite directions.  The buffers'
 * bytes are plain memory: only the fences in their reservations keep the jobs apart.
 */
#include <wwresv/wwresv.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define NUM_ENGINES 2
#define NUM_JOBS    500
#define MAX_DEPS    8
#define NUM_BUFFERS 2
#define FOREVER	    INT64_MAX
#define START_VALUE 1u

/* A buffer is what the library knows of it, and its memory. */
struct buffer {
	struct wwr_bo bo;
	uint32_t value;
};

/* A job is its fence, what it works on, and what it must wait for. */
struct job {
	struct wwr_fence finished;
	struct buffer *from, *to;
	struct wwr_fence *deps[MAX_DEPS];
	unsigned int num_deps;
	unsigned int place; /* in the order of commits */
	struct job *next;
};

/* An engine runs its jobs in the order in which it got them. */
struct engine {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct job *first, *last; /* under mutex */
	bool stop;		  /* under mutex */
	uint64_t context, seqno;  /* of its fences; seqno under both buffers' locks */
};

static struct wwr_class buffer_class = WWR_CLASS_INIT("buffer", WWR_WAIT_DIE);
static struct engine engines[NUM_ENGINES];
static struct buffer buffers[NUM_BUFFERS];
static unsigned int num_commits; /* under both buffers' locks */
static bool log_to_first[NUM_ENGINES * NUM_JOBS];

static const char *driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "embed";
}

static const char *timeline_name(const struct wwr_fence *fence)
{
	return fence->context == engines[0].context ? "engine0" : "engine1";
}

static void release_job(struct wwr_fence *fence)
{
	free(WWR_CONTAINER_OF(fence, struct job, finished));
}

static const struct wwr_fence_ops fence_ops = {
    .driver_name = driver_name, .timeline_name = timeline_name, .release = release_job};

/* The buffers have static storage: nothing to give back. */
static void release_buffer(struct wwr_bo *bo)
{
	(void)bo;
}

static const struct wwr_bo_ops bo_ops = {.release = release_buffer};

static int lock_buffers(struct wwr_lock_set *set, void *arg)
{
	const struct job *job = arg;
	int ret = wwr_lock_set_lock(set, wwr_bo_mutex(&job->from->bo));

	return ret != 0 ? ret : wwr_lock_set_lock(set, wwr_bo_mutex(&job->to->bo));
}

/* What the job must wait for on one buffer: those who write it; if it writes, readers too. */
static int collect_deps(struct job *job, struct wwr_resv *resv, bool write)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	wwr_mutex_assert_held(&resv->mutex);
	wwr_resv_iter_begin(&iter, resv, wwr_resv_usage_rw(write));
	while ((fence = wwr_resv_iter_next(&iter)) != NULL) {
		if (wwr_fence_is_signaled(fence))
			continue;
		if (job->num_deps == MAX_DEPS)
			return -1;
		job->deps[job->num_deps++] = wwr_fence_get(fence);
	}
	return 0;
}

static void push_job(struct engine *engine, struct job *job)
{
	wwr_fence_get(&job->finished); /* for the engine */
	pthread_mutex_lock(&engine->mutex);
	if (engine->first == NULL)
		engine->first = job;
	else
		engine->last->next = job;
	engine->last = job;
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&engine->mutex);
}

/* There is room, so this cannot fail. */
static void publish(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	wwr_mutex_assert_held(&resv->mutex);
	if (wwr_resv_add_fence(resv, fence, usage) != 0)
		abort();
}

/* With every lock held: first all that can fail, then the point of no return. */
static int commit_job(struct wwr_lock_set *set, void *arg)
{
	struct job *job = arg;
	struct wwr_resv *from = job->from->bo.resv;
	struct wwr_resv *to = job->to->bo.resv;
	struct engine *engine = &engines[job->to == &buffers[0] ? 0 : 1];
	int ret;

	(void)set;
	wwr_mutex_assert_held(&from->mutex);
	wwr_mutex_assert_held(&to->mutex);
	ret = wwr_resv_reserve_fences(from, 1);
	if (ret == 0)
		ret = wwr_resv_reserve_fences(to, 1);
	if (ret == 0)
		ret = collect_deps(job, from, false);
	if (ret == 0)
		ret = collect_deps(job, to, true);
	if (ret != 0)
		return ret;

	job->place = num_commits++;
	log_to_first[job->place] = job->to == &buffers[0];
	wwr_fence_init(&job->finished, &fence_ops, engine->context, ++engine->seqno);
	publish(from, &job->finished, WWR_RESV_USAGE_READ);
	publish(to, &job->finished, WWR_RESV_USAGE_WRITE);
	push_job(engine, job);
	return 0;
}

static void run_job(struct job *job)
{
	for (unsigned int i = 0; i < job->num_deps; i++) {
		(void)!wwr_fence_wait_until(job->deps[i], NULL, FOREVER);
		wwr_fence_put(job->deps[i]);
	}
	job->to->value = job->to->value * 3 + job->from->value + job->place;
	wwr_fence_signal(&job->finished);
	wwr_fence_put(&job->finished);
}

static void *run_engine(void *arg)
{
	struct engine *engine = arg;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&engine->mutex);
		while (engine->first == NULL && !engine->stop)
			pthread_cond_wait(&engine->wake, &engine->mutex);
		job = engine->first;
		if (job != NULL)
			engine->first = job->next;
		pthread_mutex_unlock(&engine->mutex);
		if (job == NULL)
			return NULL;
		run_job(job);
	}
}

/* One client: all its jobs add one buffer to the other. */
static void *run_client(void *arg)
{
	struct buffer *to = arg;
	struct buffer *from = to == &buffers[0] ? &buffers[1] : &buffers[0];
	struct wwr_lock_set set;
	intptr_t ret = wwr_lock_set_init(&set, &buffer_class, NULL);

	if (ret != 0)
		return (void *)ret;
	for (int i = 0; i < NUM_JOBS && ret == 0; i++) {
		struct job *job = calloc(1, sizeof(*job));

		if (job == NULL) {
			ret = -1;
			break;
		}
		job->from = from;
		job->to = to;
		ret = wwr_lock_set_lock_all(&set, lock_buffers, commit_job, job);
		/* A job that was not committed has no fence to go with. */
		if (ret == 0)
			wwr_fence_put(&job->finished);
		else
			free(job);
	}
	wwr_lock_set_fini(&set);
	return (void *)ret;
}

static int start(void)
{
	for (int i = 0; i < NUM_BUFFERS; i++) {
		wwr_bo_init(&buffers[i].bo, &bo_ops, sizeof(buffers[i].value), &buffer_class, NULL);
		buffers[i].value = START_VALUE;
	}
	for (int i = 0; i < NUM_ENGINES; i++) {
		pthread_mutex_init(&engines[i].mutex, NULL);
		pthread_cond_init(&engines[i].wake, NULL);
		engines[i].context = wwr_fence_context_alloc(1);
		if (pthread_create(&engines[i].thread, NULL, run_engine, &engines[i]) != 0)
			return -1;
	}
	return 0;
}

static void stop_engines(void)
{
	for (int i = 0; i < NUM_ENGINES; i++) {
		pthread_mutex_lock(&engines[i].mutex);
		engines[i].stop = true;
		pthread_cond_signal(&engines[i].wake);
		pthread_mutex_unlock(&engines[i].mutex);
		pthread_join(engines[i].thread, NULL);
	}
}

/* The same jobs one after the other, in the order of their commits. */
static bool check_result(void)
{
	uint32_t values[NUM_BUFFERS] = {START_VALUE, START_VALUE};

	for (unsigned int place = 0; place < num_commits; place++) {
		int to = log_to_first[place] ? 0 : 1;

		values[to] = values[to] * 3 + values[1 - to] + place;
	}
	printf("%u jobs: %08x %08x, expected %08x %08x\n", num_commits, buffers[0].value,
	       buffers[1].value, values[0], values[1]);
	return buffers[0].value == values[0] && buffers[1].value == values[1];
}

int main(void)
{
	pthread_t client;
	void *result, *other_result;

	if (start() != 0 || pthread_create(&client, NULL, run_client, &buffers[0]) != 0)
		return EXIT_FAILURE;
	result = run_client(&buffers[1]);
	pthread_join(client, &other_result);
	stop_engines();
	for (int i = 0; i < NUM_BUFFERS; i++)
		wwr_bo_put(&buffers[i].bo);
	return result == NULL && other_result == NULL && check_result() ? EXIT_SUCCESS
									: EXIT_FAILURE;
}
