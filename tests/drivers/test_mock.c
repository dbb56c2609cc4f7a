/* SPDX-License-Identifier: MIT */
#include "tests/drivers/test_mock.h"

#include <stdlib.h>
#include <time.h>

#define FAR_NS INT64_C(20000000000)

void mock_init_broken(struct mock *mock, uint32_t break_deps)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.break_deps = break_deps;
	*mock = (struct mock){0};
	cr_assert_eq(wwr_device_create(&config, &mock->device), 0);
}

void mock_init(struct mock *mock)
{
	mock_init_broken(mock, 0);
}

size_t mock_mismatches(struct mock *mock)
{
	struct wwr_device_stats stats;

	wwr_device_get_stats(mock->device, &stats);
	return replay_mismatches(mock->bos, mock->num_bos, mock->jobs, stats.num_submitted);
}

void mock_fini(struct mock *mock)
{
	wwr_device_destroy(mock->device);
	for (uint32_t i = 0; i < mock->num_bos; i++)
		wwr_device_bo_put(mock->bos[i]);
}

uint32_t mock_bo(struct mock *mock)
{
	const uint32_t i = mock->num_bos++;

	cr_assert_eq(wwr_device_bo_create(mock->device, 100 + i, 4096, &mock->bos[i]), 0);
	return i;
}

struct wwr_queue *mock_queue(struct mock *mock, enum wwr_engine_class engine_class,
			     uint32_t instance)
{
	const uint64_t mask = wwr_device_engine_mask(mock->device, engine_class, instance);
	struct wwr_queue *queue;

	cr_assert_eq(wwr_queue_create(mock->device, "test", mask, &queue), 0);
	return queue;
}

static struct mock_job job_with_duration(struct mock *mock, struct wwr_queue *queue, uint64_t label,
					 int64_t duration_ns)
{
	const struct wwr_job_config config = {
	    .duration_ns = duration_ns, .seed = label, .label = label};
	struct mock_job job = {.mock = mock, .note = {.seed = label, .done = true}};

	cr_assert_eq(wwr_job_create(queue, &config, &job.job), 0);
	return job;
}

struct mock_job mock_job(struct mock *mock, struct wwr_queue *queue, uint64_t label)
{
	return job_with_duration(mock, queue, label, 0);
}

struct mock_job mock_endless(struct mock *mock, struct wwr_queue *queue, uint64_t label)
{
	return job_with_duration(mock, queue, label, WWR_JOB_ENDLESS);
}

void mock_use(struct mock_job *job, uint32_t bo, uint32_t access)
{
	cr_assert_eq(wwr_job_add_buffer(job->job, job->mock->bos[bo], access), 0);
	replay_use(&job->note, bo, access);
}

void mock_after_start(struct mock_job *job, const struct mock_job *other)
{
	cr_assert_eq(wwr_job_add_submit_dependency(job->job, other->job), 0);
	job->note.source_seeds[job->note.num_sources++] = other->note.seed;
}

void mock_run(struct mock_job *job)
{
	cr_assert_eq(wwr_job_submit(job->job, NULL, 0, &job->result), 0);
	job->mock->jobs[job->result.commit] = job->note;
}

void mock_marker(struct mock *mock, struct wwr_queue *queue)
{
	struct mock_job job = mock_job(mock, queue, 9999);

	mock_run(&job);
	mock_join(&job);
}

void mock_wait(struct wwr_fence *fence, int status)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	cr_assert_eq(wwr_fence_wait_until(fence, NULL, now.tv_sec * 1000000000 + FAR_NS), 0);
	cr_assert_eq(wwr_fence_get_status(fence), status);
}

bool mock_has_started(const struct mock_job *job)
{
	return wwr_fence_is_signaled(wwr_job_started(job->job));
}

bool mock_has_finished(const struct mock_job *job)
{
	return wwr_fence_is_signaled(wwr_job_finished(job->job));
}

void mock_join(struct mock_job *job)
{
	mock_wait(wwr_job_finished(job->job), 1);
	wwr_job_put(job->job);
	job->job = NULL;
}

void mock_end(struct mock_job *job)
{
	wwr_job_end(job->job);
	mock_join(job);
}

enum wwr_job_state mock_state(const struct mock_job *job)
{
	struct wwr_job_info info;

	wwr_job_get_info(job->job, &info);
	return info.state;
}

static const char *gate_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "gate";
}

static void gate_release(struct wwr_fence *fence)
{
	free(fence);
}

struct wwr_fence *mock_gate(void)
{
	static const struct wwr_fence_ops ops = {
	    .driver_name = gate_name, .timeline_name = gate_name, .release = gate_release};
	struct wwr_fence *gate = calloc(1, sizeof(*gate));

	cr_assert_not_null(gate);
	wwr_fence_init(gate, &ops, wwr_fence_context_alloc(1), 1);
	return gate;
}

void mock_gate_open(struct wwr_fence *gate)
{
	cr_assert_eq(wwr_fence_signal(gate), 0);
	wwr_fence_put(gate);
}
