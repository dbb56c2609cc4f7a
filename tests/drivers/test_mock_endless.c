/* SPDX-License-Identifier: MIT */
/* Jobs without an end of their own, and durations. */
#include "tests/drivers/test_mock.h"

#define LONG_NS INT64_C(3600000000000)

TestSuite(drivers_mock_endless, .timeout = 60);

static struct mock mock;
static struct wwr_queue *first, *second;

static void setup(void)
{
	mock_init(&mock);
	first = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	second = mock_queue(&mock, WWR_ENGINE_RCS, 1);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(first);
	wwr_queue_put(second);
	mock_fini(&mock);
}

static struct mock_job start_endless(struct wwr_queue *queue, uint64_t label)
{
	struct mock_job job = mock_endless(&mock, queue, label);

	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&job);
	return job;
}

Test(drivers_mock_endless, end_lets_it_finish_and_write)
{
	struct mock_job job;

	setup();
	job = start_endless(first, 1);
	mock_wait(wwr_job_started(job.job), 1);
	cr_expect_not(mock_has_finished(&job));
	cr_expect_eq(mock_mismatches(&mock), 1, "it must not have written yet");
	mock_end(&job);
	finish();
}

Test(drivers_mock_endless, end_twice_is_once)
{
	struct mock_job job;

	setup();
	job = start_endless(first, 1);
	wwr_job_end(job.job);
	mock_wait(wwr_job_finished(job.job), 1);
	mock_end(&job);
	finish();
}

Test(drivers_mock_endless, end_before_the_start_is_remembered)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job job;

	setup();
	job = mock_endless(&mock, first, 1);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	wwr_job_end(job.job);
	cr_expect_not(mock_has_finished(&job));
	mock_gate_open(gate);
	mock_join(&job);
	finish();
}

Test(drivers_mock_endless, end_cuts_a_long_job_short)
{
	const struct wwr_job_config config = {.duration_ns = LONG_NS};
	struct mock_job job = {.mock = &mock};

	setup();
	cr_assert_eq(wwr_job_create(first, &config, &job.job), 0);
	mock_run(&job);
	mock_wait(wwr_job_started(job.job), 1);
	mock_end(&job);
	finish();
}

Test(drivers_mock_endless, endless_gives_way_and_goes_on)
{
	struct mock_job job;
	struct wwr_job_info info;

	setup();
	job = start_endless(first, 1);
	mock_wait(wwr_job_started(job.job), 1);
	mock_marker(&mock, second);
	mock_marker(&mock, second);
	wwr_job_get_info(job.job, &info);
	cr_expect(info.state == WWR_JOB_PREEMPTED || info.state == WWR_JOB_RUNNING);
	cr_expect(info.endless);
	cr_expect(info.preemptible);
	cr_expect_not(mock_has_finished(&job));
	mock_end(&job);
	finish();
}

Test(drivers_mock_endless, endless_with_the_higher_priority_gives_way_too)
{
	struct mock_job job;

	setup();
	wwr_queue_set_priority(first, 100);
	job = start_endless(first, 1);
	mock_wait(wwr_job_started(job.job), 1);
	mock_marker(&mock, second);
	mock_end(&job);
	finish();
}

Test(drivers_mock_endless, endless_that_cannot_be_preempted_keeps_its_engine)
{
	struct wwr_queue *bcs;
	struct mock_job job, other;

	setup();
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	wwr_queue_set_preemptible(first, false);
	job = start_endless(first, 1);
	mock_wait(wwr_job_started(job.job), 1);
	other = mock_job(&mock, second, 2);
	mock_run(&other);
	/* Somebody else gets by: so there was time, but no way. */
	mock_marker(&mock, bcs);
	cr_expect_eq(mock_state(&other), WWR_JOB_READY);
	cr_expect_eq(mock_state(&job), WWR_JOB_RUNNING);
	mock_end(&job);
	mock_join(&other);
	wwr_queue_put(bcs);
	finish();
}

Test(drivers_mock_endless, two_endless_jobs_on_one_engine_both_start_and_end)
{
	struct mock_job a, b;

	setup();
	a = start_endless(first, 1);
	b = start_endless(second, 2);
	mock_wait(wwr_job_started(a.job), 1);
	mock_wait(wwr_job_started(b.job), 1);
	/* The first gave way, and ends though the second is still there. */
	mock_end(&a);
	cr_expect_not(mock_has_finished(&b));
	mock_end(&b);
	finish();
}

Test(drivers_mock_endless, preempted_job_goes_on_where_there_is_room)
{
	struct wwr_queue *any, *same;
	struct mock_job job, blocker;
	struct wwr_job_info info;
	struct wwr_engine_info engine;

	setup();
	any = mock_queue(&mock, WWR_ENGINE_VCS, 0);
	job = start_endless(any, 1);
	mock_wait(wwr_job_started(job.job), 1);
	wwr_job_get_info(job.job, &info);
	/* Take its engine for good: it goes on with the other one. */
	wwr_device_get_engine(mock.device, (unsigned int)info.engine, &engine);
	same = mock_queue(&mock, WWR_ENGINE_VCS, engine.instance);
	wwr_queue_set_preemptible(same, false);
	blocker = start_endless(same, 2);
	mock_wait(wwr_job_started(blocker.job), 1);
	while (mock_state(&job) != WWR_JOB_RUNNING)
		;
	mock_end(&job);
	mock_end(&blocker);
	wwr_queue_put(any);
	wwr_queue_put(same);
	finish();
}

Test(drivers_mock_endless, duration_is_waited_for)
{
	const struct wwr_job_config config = {.duration_ns = 2000000};
	struct mock_job job = {.mock = &mock};
	struct wwr_job_info info;
	struct wwr_engine_info engine;

	setup();
	cr_assert_eq(wwr_job_create(first, &config, &job.job), 0);
	mock_run(&job);
	mock_wait(wwr_job_finished(job.job), 1);
	wwr_job_get_info(job.job, &info);
	cr_expect_geq(info.finished_ns - info.started_ns, config.duration_ns);
	mock_marker(&mock, first);
	wwr_device_get_engine(mock.device, 0, &engine);
	cr_expect_geq(engine.busy_ns, (uint64_t)config.duration_ns);
	mock_join(&job);
	finish();
}

Test(drivers_mock_endless, time_scale_0_waits_for_no_duration_but_for_an_end)
{
	const struct wwr_job_config config = {.duration_ns = LONG_NS};
	struct wwr_device_config device_config;
	struct wwr_device *device;
	struct wwr_queue *queue;
	struct wwr_job *jobs[2];

	wwr_device_config_init(&device_config);
	device_config.time_scale = 0;
	cr_assert_eq(wwr_device_create(&device_config, &device), 0);
	cr_assert_eq(wwr_queue_create(device, "q", 1, &queue), 0);
	cr_assert_eq(wwr_job_create(queue, &config, &jobs[0]), 0);
	cr_assert_eq(wwr_job_submit(jobs[0], NULL, 0, NULL), 0);
	mock_wait(wwr_job_finished(jobs[0]), 1);

	cr_assert_eq(wwr_job_create(queue, &(struct wwr_job_config){.duration_ns = WWR_JOB_ENDLESS},
				    &jobs[1]),
		     0);
	cr_assert_eq(wwr_job_submit(jobs[1], NULL, 0, NULL), 0);
	mock_wait(wwr_job_started(jobs[1]), 1);
	cr_expect_not(wwr_fence_is_signaled(wwr_job_finished(jobs[1])));
	wwr_job_end(jobs[1]);
	mock_wait(wwr_job_finished(jobs[1]), 1);
	wwr_job_put(jobs[0]);
	wwr_job_put(jobs[1]);
	wwr_queue_put(queue);
	wwr_device_destroy(device);
}
