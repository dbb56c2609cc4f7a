/* SPDX-License-Identifier: MIT */
/* What a device tells about its jobs, for a report about a stall. */
#include "tests/drivers/test_mock.h"

#include <string.h>

TestSuite(drivers_mock_report, .timeout = 60);

struct seen {
	unsigned int num;
	unsigned int limit; /* stop after so many; 0 = never */
	struct wwr_job_info infos[8];
	struct wwr_job_fence_info first_pending[8];
	bool first_is_job[8];
	const struct wwr_fence *first[8];
};

static bool look(const struct wwr_job_info *info, void *arg)
{
	struct seen *seen = arg;
	const unsigned int i = seen->num++;

	seen->infos[i] = *info;
	if (info->num_pending > 0) {
		seen->first[i] = info->pending[0];
		seen->first_is_job[i] =
		    wwr_job_fence_info(info->pending[0], &seen->first_pending[i]);
	}
	return seen->num != seen->limit;
}

struct scene {
	struct mock mock;
	struct wwr_queue *rcs, *bcs;
	struct wwr_fence *gate;
	struct mock_job running, behind, gated, reader;
};

/* 1 runs; 2 is behind it; 3 waits for the gate; 4 for 1 and for the gate. */
static void scene_init(struct scene *scene)
{
	struct mock *mock = &scene->mock;

	mock_init(mock);
	scene->gate = mock_gate();
	scene->rcs = mock_queue(mock, WWR_ENGINE_RCS, 1);
	scene->bcs = mock_queue(mock, WWR_ENGINE_BCS, 1);
	scene->running = mock_endless(mock, scene->rcs, 1);
	mock_use(&scene->running, mock_bo(mock), WWR_ACCESS_WRITE);
	mock_run(&scene->running);
	mock_wait(wwr_job_started(scene->running.job), 1);
	scene->behind = mock_job(mock, scene->rcs, 2);
	mock_run(&scene->behind);
	scene->gated = mock_job(mock, scene->bcs, 3);
	cr_assert_eq(wwr_job_add_dependency(scene->gated.job, scene->gate), 0);
	mock_run(&scene->gated);
	scene->reader = mock_job(mock, scene->bcs, 4);
	mock_use(&scene->reader, 0, WWR_ACCESS_READ);
	mock_run(&scene->reader);
}

static void scene_fini(struct scene *scene)
{
	mock_gate_open(scene->gate);
	mock_end(&scene->running);
	mock_join(&scene->behind);
	mock_join(&scene->gated);
	mock_join(&scene->reader);
	wwr_queue_put(scene->rcs);
	wwr_queue_put(scene->bcs);
	mock_fini(&scene->mock);
}

Test(drivers_mock_report, for_each_job_tells_who_waits_for_what)
{
	static const enum wwr_job_state states[4] = {WWR_JOB_RUNNING, WWR_JOB_BLOCKED,
						     WWR_JOB_WAITING, WWR_JOB_WAITING};
	static struct seen seen;
	struct scene scene;

	scene_init(&scene);
	cr_assert_eq(wwr_device_for_each_job(scene.mock.device, look, &seen), 0);
	cr_assert_eq(seen.num, 4);
	for (unsigned int i = 0; i < 4; i++) {
		cr_expect_eq(seen.infos[i].label, i + 1);
		cr_expect_eq(seen.infos[i].commit, i);
		cr_expect_eq(seen.infos[i].state, states[i], "job %u", i + 1);
		cr_expect_gt(seen.infos[i].submitted_ns, 0);
		cr_expect_eq(seen.infos[i].finished_ns, 0);
		cr_expect_eq(seen.infos[i].engine, i == 0 ? 0 : -1);
		cr_expect_eq(seen.infos[i].endless, i == 0);
	}
	cr_expect_not(seen.infos[0].has_before);
	cr_expect(seen.infos[1].has_before);
	cr_expect_eq(seen.infos[1].before_label, 1);
	cr_expect_eq(seen.infos[1].num_pending, 0);

	cr_expect_not(seen.infos[2].has_before);
	cr_expect_eq(seen.infos[2].num_pending, 1);
	cr_expect_eq(seen.first[2], scene.gate);
	cr_expect_not(seen.first_is_job[2]);

	cr_expect_eq(seen.infos[3].before_label, 3);
	cr_expect_eq(seen.infos[3].num_pending, 1);
	cr_expect(seen.first_is_job[3]);
	cr_expect_eq(seen.first_pending[3].label, 1);
	cr_expect_eq(seen.first_pending[3].commit, 0);
	cr_expect(seen.first_pending[3].finished);
	scene_fini(&scene);
}

Test(drivers_mock_report, for_each_job_ends_when_told)
{
	static struct seen seen = {.limit = 2};
	struct scene scene;

	scene_init(&scene);
	cr_assert_eq(wwr_device_for_each_job(scene.mock.device, look, &seen), 0);
	cr_expect_eq(seen.num, 2);
	scene_fini(&scene);
}

Test(drivers_mock_report, for_each_job_without_jobs_visits_none)
{
	static struct seen seen;
	struct mock mock;

	mock_init(&mock);
	cr_assert_eq(wwr_device_for_each_job(mock.device, look, &seen), 0);
	cr_expect_eq(seen.num, 0);
	mock_fini(&mock);
}

Test(drivers_mock_report, fence_info_tells_started_from_finished)
{
	struct wwr_job_fence_info info;
	struct scene scene;

	scene_init(&scene);
	cr_assert(wwr_job_fence_info(wwr_job_started(scene.gated.job), &info));
	cr_expect_eq(info.label, 3);
	cr_expect_eq(info.commit, 2);
	cr_expect_not(info.finished);
	cr_assert(wwr_job_fence_info(wwr_job_finished(scene.gated.job), &info));
	cr_expect(info.finished);
	cr_expect_eq(info.device, scene.mock.device);
	cr_expect_eq(info.engine, -1, "it has not finished");
	cr_expect_not(wwr_job_fence_info(scene.gate, &info));
	scene_fini(&scene);
}

Test(drivers_mock_report, info_of_a_finished_job_is_complete)
{
	struct mock mock;
	struct wwr_queue *vcs;
	struct mock_job job;
	struct wwr_job_info info;

	mock_init(&mock);
	vcs = mock_queue(&mock, WWR_ENGINE_VCS, 2);
	job = mock_job(&mock, vcs, 7);
	wwr_job_get_info(job.job, &info);
	cr_expect_eq(info.state, WWR_JOB_NEW);
	cr_expect_eq(info.submitted_ns, 0);
	mock_run(&job);
	mock_wait(wwr_job_finished(job.job), 1);
	wwr_job_get_info(job.job, &info);
	cr_expect_eq(info.state, WWR_JOB_FINISHED);
	cr_expect_eq(info.engine, 3);
	cr_expect_str_eq(info.queue_name, "test");
	cr_expect_leq(info.submitted_ns, info.ready_ns);
	cr_expect_leq(info.ready_ns, info.started_ns);
	cr_expect_leq(info.started_ns, info.finished_ns);
	cr_expect_eq(wwr_fence_timestamp(wwr_job_finished(job.job)), info.finished_ns);
	cr_expect_null(info.pending);
	cr_expect_not(info.has_before);
	wwr_job_put(wwr_job_get(job.job));
	mock_join(&job);
	wwr_queue_put(vcs);
	mock_fini(&mock);
}

Test(drivers_mock_report, engines_count_their_jobs)
{
	struct mock mock;
	struct wwr_queue *vcs;
	struct mock_job job;
	struct wwr_engine_info info;
	struct wwr_device_stats stats;

	mock_init(&mock);
	vcs = mock_queue(&mock, WWR_ENGINE_VCS, 2);
	job = mock_endless(&mock, vcs, 7);
	mock_run(&job);
	mock_wait(wwr_job_started(job.job), 1);
	wwr_device_get_engine(mock.device, 3, &info);
	cr_expect(info.busy);
	cr_expect_eq(info.num_jobs, 0);
	mock_end(&job);
	mock_marker(&mock, vcs);
	mock_marker(&mock, vcs);
	wwr_device_stop(mock.device);
	wwr_device_get_engine(mock.device, 3, &info);
	cr_expect_not(info.busy);
	cr_expect_eq(info.num_jobs, 3);
	cr_expect_gt(info.busy_ns, 0);
	wwr_device_get_engine(mock.device, 2, &info);
	cr_expect_eq(info.num_jobs, 0);
	wwr_device_get_stats(mock.device, &stats);
	cr_expect_eq(stats.num_submitted, 3);
	cr_expect_eq(stats.num_finished, 3);
	cr_expect_eq(stats.num_failed, 0);
	wwr_queue_put(vcs);
	mock_fini(&mock);
}

Test(drivers_mock_report, long_queue_name_is_shortened)
{
	struct mock mock;
	struct wwr_queue *queue;
	struct mock_job job;
	struct wwr_job_info info;
	char name[100];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	mock_init(&mock);
	cr_assert_eq(wwr_queue_create(mock.device, name, 1, &queue), 0);
	job = mock_job(&mock, queue, 1);
	wwr_job_get_info(job.job, &info);
	cr_expect_eq(strlen(info.queue_name), 63);
	wwr_job_put(job.job);
	wwr_queue_put(queue);
	mock_fini(&mock);
}

/* Whoever waited for a job finds it counted. */
Test(drivers_mock_report, finished_job_is_counted_by_its_engine)
{
	struct wwr_engine_info engine;
	struct wwr_queue *rcs;
	struct mock mock;

	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	for (uint64_t i = 1; i <= 60; i++) {
		mock_marker(&mock, rcs);
		wwr_device_get_engine(mock.device, 0, &engine);
		cr_expect_eq(engine.num_jobs, i);
	}
	wwr_queue_put(rcs);
	mock_fini(&mock);
}
