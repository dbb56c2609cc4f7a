/* SPDX-License-Identifier: MIT */
/*
 * What it is all for: jobs that lock their buffers as one set, wait for the fences they find, use
 * the buffers, and signal.  No job may use a buffer while another one writes it.
 */
#include "tests/explore/explore.h"

#include <wwresv/fence.h>
#include <wwresv/lock_set.h>
#include <wwresv/resv.h>

#include <errno.h>

#define MAX_JOBS    4
#define MAX_BUFFERS 2
#define MAX_DEPS    (MAX_JOBS * MAX_BUFFERS)

struct job_config {
	enum wwr_algorithm algorithm;
	unsigned int num_jobs;
	unsigned int num_buffers;
};

struct buffer {
	struct wwr_resv resv;
	unsigned int num_readers; /* jobs that use it now */
	unsigned int num_writers;
};

struct job {
	unsigned int index;
	bool writes[MAX_BUFFERS];
	struct wwr_fence *fence;
	struct wwr_fence *deps[MAX_DEPS];
	unsigned int num_deps;
};

static struct {
	const struct job_config *config;
	struct buffer *buffers[MAX_BUFFERS];
	struct job jobs[MAX_JOBS];
} scene;

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "explore";
}

static void release_op(struct wwr_fence *fence)
{
	ex_delete(fence);
}

static const struct wwr_fence_ops fence_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static int acquire(struct wwr_lock_set *set, void *arg)
{
	const struct job *job = arg;
	int ret;

	for (unsigned int i = 0; i < scene.config->num_buffers; i++) {
		struct buffer *buffer = scene.buffers[(job->index + i) % scene.config->num_buffers];

		ret = wwr_lock_set_lock(set, &buffer->resv.mutex);
		if (ret != 0)
			return ret;
		ret = wwr_resv_reserve_fences(&buffer->resv, 1);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int collect(struct wwr_lock_set *set, void *arg)
{
	struct job *job = arg;
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;
	int ret;

	(void)set;
	for (unsigned int i = 0; i < scene.config->num_buffers; i++) {
		struct wwr_resv *resv = &scene.buffers[i]->resv;
		bool writes = job->writes[i];

		wwr_resv_iter_begin(&iter, resv, wwr_resv_usage_rw(writes));
		while ((fence = wwr_resv_iter_next(&iter)) != NULL)
			job->deps[job->num_deps++] = wwr_fence_get(fence);
		ret = wwr_resv_add_fence(resv, job->fence,
					 writes ? WWR_RESV_USAGE_WRITE : WWR_RESV_USAGE_READ);
		EX_CHECK(ret == 0, "add after reserve: %d", ret);
	}
	return 0;
}

static void use(struct job *job)
{
	for (unsigned int i = 0; i < scene.config->num_buffers; i++) {
		struct buffer *buffer = scene.buffers[i];

		EX_CHECK(buffer->num_writers == 0 && (!job->writes[i] || buffer->num_readers == 0),
			 "job %u uses buffer %c while another one does", job->index + 1, 'A' + i);
		buffer->num_writers += job->writes[i];
		buffer->num_readers += !job->writes[i];
		ex_point("uses");
	}
	for (unsigned int i = 0; i < scene.config->num_buffers; i++) {
		scene.buffers[i]->num_writers -= job->writes[i];
		scene.buffers[i]->num_readers -= !job->writes[i];
	}
}

static void job_main(void *arg)
{
	struct job *job = arg;
	struct wwr_lock_set *set = ex_new(EX_SET, job->index, sizeof(*set));

	job->fence = ex_new(EX_FENCE, job->index, sizeof(*job->fence));
	wwr_fence_init(job->fence, &fence_ops, job->index + 1, 1);
	EX_CHECK(wwr_lock_set_init(set, &ex_class, NULL) == 0, "init failed");
	EX_CHECK(wwr_lock_set_lock_all(set, acquire, collect, job) == 0, "lock_all failed");
	wwr_lock_set_fini(set);
	ex_delete(set);
	for (unsigned int i = 0; i < job->num_deps; i++) {
		EX_CHECK(wwr_fence_wait_until(job->deps[i], NULL, INT64_MAX) == 0, "wait failed");
		wwr_fence_put(job->deps[i]);
	}
	use(job);
	EX_CHECK(wwr_fence_signal(job->fence) == 0, "signal failed");
	wwr_fence_put(job->fence);
}

static void setup(const struct ex_scenario *scenario)
{
	const struct job_config *config = scenario->config;

	scene.config = config;
	ex_max_losses = 1;
	ex_handoff_after = 1;
	ex_spins = 1;
	wwr_class_init(&ex_class, "explore", config->algorithm);
	for (unsigned int i = 0; i < config->num_buffers; i++) {
		scene.buffers[i] = ex_new(EX_RESV, i, sizeof(*scene.buffers[i]));
		wwr_resv_init(&scene.buffers[i]->resv, &ex_class);
		scene.buffers[i]->num_readers = 0;
		scene.buffers[i]->num_writers = 0;
	}
	for (unsigned int i = 0; i < config->num_jobs; i++) {
		scene.jobs[i] = (struct job){.index = i};
		for (unsigned int j = 0; j < config->num_buffers; j++)
			scene.jobs[i].writes[j] = ex_choose(2) != 0;
		(void)ex_spawn("job", job_main, &scene.jobs[i]);
	}
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	for (unsigned int i = 0; i < scene.config->num_buffers; i++) {
		EX_CHECK(scene.buffers[i]->resv.mutex.owner == 0, "buffer %c is left locked",
			 'A' + i);
		wwr_resv_fini(&scene.buffers[i]->resv);
		ex_delete(scene.buffers[i]);
	}
}

#define SCENARIO(id, text, ...)                                                                    \
	static const struct job_config id##_config = {__VA_ARGS__};                                \
	static const struct ex_scenario id = {#id, text, setup, check, &id##_config}

SCENARIO(job_ww, "wound-wait: jobs reserve, wait, use and signal", WWR_WOUND_WAIT, 3, 2);
SCENARIO(job_wd, "wait-die: jobs reserve, wait, use and signal", WWR_WAIT_DIE, 3, 2);

const struct ex_scenario *const ex_job_scenarios[] = {&job_ww, &job_wd, NULL};
