/* SPDX-License-Identifier: MIT */
/* Devices: what they are made of, and their end in every state of a job. */
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

TestSuite(drivers_mock_device, .timeout = 60);

static int create_with(void (*change)(struct wwr_device_config *config))
{
	struct wwr_device_config config;
	struct wwr_device *device;
	int ret;

	wwr_device_config_init(&config);
	change(&config);
	ret = wwr_device_create(&config, &device);
	if (ret == 0)
		wwr_device_destroy(device);
	return ret;
}

static void no_engine(struct wwr_device_config *config)
{
	memset(config->num_engines, 0, sizeof(config->num_engines));
}

static void all_engines(struct wwr_device_config *config)
{
	no_engine(config);
	config->num_engines[WWR_ENGINE_CCS] = WWR_MAX_ENGINES;
}

static void too_many_engines(struct wwr_device_config *config)
{
	all_engines(config);
	config->num_engines[WWR_ENGINE_RCS] = 1;
}

static void overflowing_engines(struct wwr_device_config *config)
{
	no_engine(config);
	config->num_engines[WWR_ENGINE_RCS] = UINT32_MAX;
	config->num_engines[WWR_ENGINE_BCS] = 2;
}

static void negative_scale(struct wwr_device_config *config)
{
	config->time_scale = -0.5;
}

static void infinite_scale(struct wwr_device_config *config)
{
	config->time_scale = INFINITY;
}

static void nan_scale(struct wwr_device_config *config)
{
	config->time_scale = NAN;
}

static void unknown_break(struct wwr_device_config *config)
{
	config->break_deps = 1u << 4;
}

Test(drivers_mock_device, create_with_a_bad_configuration_fails)
{
	cr_expect_eq(create_with(no_engine), -EINVAL);
	cr_expect_eq(create_with(too_many_engines), -EINVAL);
	cr_expect_eq(create_with(overflowing_engines), -EINVAL);
	cr_expect_eq(create_with(negative_scale), -EINVAL);
	cr_expect_eq(create_with(infinite_scale), -EINVAL);
	cr_expect_eq(create_with(nan_scale), -EINVAL);
	cr_expect_eq(create_with(unknown_break), -EINVAL);
	cr_expect_eq(create_with(all_engines), 0);
}

Test(drivers_mock_device, create_by_default_has_the_default_engines)
{
	static const char *const names[] = {"rcs0", "bcs0", "vcs0", "vcs1", "vecs0", "ccs0"};
	struct wwr_device *device;
	struct wwr_engine_info info;

	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	cr_assert_eq(wwr_device_num_engines(device), 6);
	for (unsigned int i = 0; i < 6; i++) {
		wwr_device_get_engine(device, i, &info);
		cr_expect_str_eq(info.name, names[i]);
		cr_expect_eq(info.num_jobs, 0);
		cr_expect_eq(info.busy_ns, 0);
		cr_expect_not(info.busy);
		cr_expect(wwr_device_engine_mask(device, info.engine_class, info.instance) ==
			  UINT64_C(1) << i);
	}
	wwr_device_destroy(device);
	wwr_device_destroy(NULL);
}

Test(drivers_mock_device, engine_mask_of_a_class_is_all_of_it)
{
	struct wwr_device *device;

	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	cr_expect_eq(wwr_device_engine_mask(device, WWR_ENGINE_VCS, 0), 0xc);
	cr_expect_eq(wwr_device_engine_mask(device, WWR_ENGINE_VCS, 2), 0x8);
	cr_expect_eq(wwr_device_engine_mask(device, WWR_ENGINE_VCS, 3), 0);
	wwr_device_destroy(device);
}

Test(drivers_mock_device, get_engine_beyond_the_last_aborts, .signal = SIGABRT)
{
	struct wwr_device *device;
	struct wwr_engine_info info;

	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	wwr_device_get_engine(device, 6, &info);
}

Test(drivers_mock_device, queue_with_a_bad_mask_fails)
{
	struct mock mock;
	struct wwr_queue *queue;

	mock_init(&mock);
	cr_expect_eq(wwr_queue_create(mock.device, "q", 0, &queue), -EINVAL);
	cr_expect_eq(wwr_queue_create(mock.device, "q", 1u << 6, &queue), -EINVAL);
	mock_fini(&mock);
}

/* A job of each kind that may be there when the device is stopped. */
enum {
	IDLE_GATE,
	BEHIND,
	READY,
	RUNNING,
	STUBBORN,
	PREEMPTED,
	NUM_KINDS
};

struct crowd {
	struct mock mock;
	struct wwr_fence *gate;
	struct wwr_queue *queues[NUM_KINDS];
	struct mock_job jobs[NUM_KINDS];
};

static void crowd_add(struct crowd *crowd, int kind, struct wwr_queue *queue, bool endless)
{
	struct mock_job *job = &crowd->jobs[kind];

	crowd->queues[kind] = queue;
	*job = endless ? mock_endless(&crowd->mock, queue, (uint64_t)kind)
		       : mock_job(&crowd->mock, queue, (uint64_t)kind);
	job->note.done = false;
	mock_use(job, mock_bo(&crowd->mock), WWR_ACCESS_WRITE);
	if (kind == IDLE_GATE)
		cr_assert_eq(wwr_job_add_dependency(job->job, crowd->gate), 0);
	mock_run(job);
}

/*
 * BCS: preempted by the one that stays. VCS0: running.  RCS: waiting for the gate, one behind it,
 * and one that is ready but finds its engine (VECS) taken.
 */
static void crowd_init(struct crowd *crowd)
{
	struct mock *mock = &crowd->mock;
	struct wwr_queue *vecs, *bcs;

	mock_init(mock);
	crowd->gate = mock_gate();
	crowd_add(crowd, IDLE_GATE, mock_queue(mock, WWR_ENGINE_RCS, 1), false);
	crowd_add(crowd, BEHIND, wwr_queue_get(crowd->queues[IDLE_GATE]), false);
	crowd_add(crowd, RUNNING, mock_queue(mock, WWR_ENGINE_VCS, 1), true);

	bcs = mock_queue(mock, WWR_ENGINE_BCS, 1);
	crowd_add(crowd, PREEMPTED, bcs, true);
	mock_wait(wwr_job_started(crowd->jobs[PREEMPTED].job), 1);
	vecs = mock_queue(mock, WWR_ENGINE_BCS, 1);
	wwr_queue_set_preemptible(vecs, false);
	crowd_add(crowd, STUBBORN, vecs, true);
	mock_wait(wwr_job_started(crowd->jobs[STUBBORN].job), 1);
	crowd_add(crowd, READY, mock_queue(mock, WWR_ENGINE_BCS, 1), false);
	mock_wait(wwr_job_started(crowd->jobs[RUNNING].job), 1);
}

static void crowd_fini(struct crowd *crowd)
{
	for (int i = 0; i < NUM_KINDS; i++) {
		wwr_job_put(crowd->jobs[i].job);
		wwr_queue_put(crowd->queues[i]);
	}
	mock_gate_open(crowd->gate);
	mock_fini(&crowd->mock);
}

Test(drivers_mock_device, stop_ends_jobs_in_every_state)
{
	static const enum wwr_job_state states[NUM_KINDS] = {WWR_JOB_WAITING, WWR_JOB_BLOCKED,
							     WWR_JOB_READY,   WWR_JOB_RUNNING,
							     WWR_JOB_RUNNING, WWR_JOB_PREEMPTED};
	struct wwr_device_stats stats;
	struct crowd crowd;

	crowd_init(&crowd);
	for (int i = 0; i < NUM_KINDS; i++)
		cr_expect_eq(mock_state(&crowd.jobs[i]), states[i], "job %d is not as wanted", i);
	wwr_device_stop(crowd.mock.device);
	for (int i = 0; i < NUM_KINDS; i++) {
		cr_expect_eq(wwr_fence_get_status(wwr_job_finished(crowd.jobs[i].job)), -ECANCELED);
		cr_expect(mock_has_started(&crowd.jobs[i]));
		cr_expect_eq(mock_state(&crowd.jobs[i]), WWR_JOB_FINISHED);
	}
	wwr_device_get_stats(crowd.mock.device, &stats);
	cr_expect_eq(stats.num_submitted, NUM_KINDS);
	cr_expect_eq(stats.num_finished, NUM_KINDS);
	cr_expect_eq(stats.num_failed, NUM_KINDS);
	cr_expect_eq(mock_mismatches(&crowd.mock), 0, "a cancelled job wrote");
	wwr_device_stop(crowd.mock.device);
	crowd_fini(&crowd);
}

Test(drivers_mock_device, destroy_with_jobs_in_every_state_leaks_nothing)
{
	struct crowd crowd;

	crowd_init(&crowd);
	wwr_device_destroy(crowd.mock.device);
	crowd.mock.device = NULL;
	crowd_fini(&crowd);
}

Test(drivers_mock_device, destroy_leaves_queues_jobs_and_fences_alive)
{
	struct mock mock;
	struct wwr_queue *queue;
	struct mock_job job;
	struct wwr_fence *fence;
	struct wwr_job_info info;
	char text[128];

	mock_init(&mock);
	queue = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	job = mock_job(&mock, queue, 5);
	mock_run(&job);
	mock_wait(wwr_job_finished(job.job), 1);
	wwr_device_destroy(mock.device);
	mock.device = NULL;

	wwr_job_get_info(job.job, &info);
	cr_expect_eq(info.state, WWR_JOB_FINISHED);
	wwr_queue_set_priority(queue, 3);
	fence = wwr_fence_get(wwr_job_finished(job.job));
	wwr_queue_put(queue);
	wwr_job_put(job.job);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	cr_expect(strstr(text, "wwresv-mock test") != NULL, "%s", text);
	wwr_fence_put(fence);
	mock_fini(&mock);
}

Test(drivers_mock_device, submit_after_stop_publishes_nothing)
{
	struct mock mock;
	struct wwr_queue *queue;
	struct mock_job job;

	mock_init(&mock);
	queue = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	job = mock_job(&mock, queue, 5);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	wwr_device_stop(mock.device);
	cr_expect_eq(wwr_job_submit(job.job, NULL, 0, &job.result), -ECANCELED);
	cr_expect_eq(mock_state(&job), WWR_JOB_NEW);
	cr_expect(
	    wwr_resv_test_signaled(wwr_device_bo_base(mock.bos[0])->resv, WWR_RESV_USAGE_BOOKKEEP));
	wwr_job_put(job.job);
	wwr_queue_put(queue);
	mock_fini(&mock);
}

struct submitter {
	struct wwr_job *job;
	int ret;
};

static void *submit_and_hold(void *arg)
{
	struct submitter *submitter = arg;

	submitter->ret = wwr_job_submit(submitter->job, NULL, 20000000, NULL);
	return NULL;
}

Test(drivers_mock_device, stop_waits_for_a_submit_past_the_point_of_no_return)
{
	struct mock mock;
	struct wwr_fence *gate = mock_gate();
	struct wwr_device_stats stats;
	struct wwr_queue *queue;
	struct mock_job job;
	struct submitter submitter;
	pthread_t thread;

	mock_init(&mock);
	queue = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	job = mock_job(&mock, queue, 5);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	submitter.job = job.job;
	cr_assert_eq(pthread_create(&thread, NULL, submit_and_hold, &submitter), 0);
	do
		wwr_device_get_stats(mock.device, &stats);
	while (stats.num_submitted == 0);
	wwr_device_stop(mock.device);
	cr_expect_eq(wwr_fence_get_status(wwr_job_finished(job.job)), -ECANCELED);
	pthread_join(thread, NULL);
	cr_expect_eq(submitter.ret, 0);
	/* If the fence knew the job still, this would be its end. */
	wwr_job_put(job.job);
	mock_gate_open(gate);
	wwr_queue_put(queue);
	mock_fini(&mock);
}
