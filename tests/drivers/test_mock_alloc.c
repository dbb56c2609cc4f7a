/* SPDX-License-Identifier: MIT */
/* No memory, at every place where some is asked for: once, and from then on. */
#include "tests/drivers/test_mock.h"
#include "tests/lib/test_alloc.h"

#include <wwresv/alloc.h>
#include <wwresv/bo.h>

#include <errno.h>

TestSuite(drivers_mock_alloc, .timeout = 120);

#define NUM_BOS 6

/* One small program: everything that may ask for memory. */
struct program {
	struct wwr_device *device;
	struct wwr_queue *queues[3];
	struct wwr_device_bo *bos[NUM_BOS];
	struct wwr_fence *gate;
	struct wwr_job *blocker;
	struct wwr_job *reader;
	struct wwr_job *job;
	unsigned int num_visited;
};

static int program_make(struct program *program)
{
	int ret = wwr_device_create(NULL, &program->device);

	for (unsigned int i = 0; ret == 0 && i < 3; i++)
		ret = wwr_queue_create(program->device, "q", UINT64_C(1) << i, &program->queues[i]);
	for (unsigned int i = 0; ret == 0 && i < 3; i++)
		ret = wwr_queue_set_bond(program->queues[2], i, UINT64_C(1) << 2);
	for (unsigned int i = 0; ret == 0 && i < NUM_BOS; i++)
		ret = wwr_device_bo_create(program->device, i, 100, &program->bos[i]);
	return ret;
}

/* On a queue of its own, using all buffers. */
static int program_submit(struct program *program, unsigned int queue, uint32_t access,
			  struct wwr_job **ret_job)
{
	const struct wwr_job_config config = {.duration_ns = WWR_JOB_ENDLESS, .seed = queue};
	struct wwr_job *job;
	int ret = wwr_job_create(program->queues[queue], &config, &job);

	if (ret != 0)
		return ret;
	ret = wwr_job_add_dependency(job, program->gate);
	for (unsigned int i = 0; ret == 0 && i < NUM_BOS; i++)
		ret = wwr_job_add_buffer(job, program->bos[i], access);
	if (ret == 0)
		ret = wwr_job_submit(job, NULL, 0, NULL);
	if (ret != 0) {
		wwr_job_put(job);
		return ret;
	}
	wwr_job_end(job);
	*ret_job = job;
	return 0;
}

static bool visit(const struct wwr_job_info *info, void *arg)
{
	struct program *program = arg;

	program->num_visited += info->state != WWR_JOB_NEW;
	return true;
}

static int program_last_job(struct program *program)
{
	int ret = wwr_job_create(program->queues[2], NULL, &program->job);

	for (unsigned int i = 0; ret == 0 && i < NUM_BOS; i++)
		ret = wwr_job_add_buffer(program->job, program->bos[i], WWR_ACCESS_WRITE);
	for (unsigned int i = 0; ret == 0 && i < 6; i++)
		ret = wwr_job_add_submit_dependency(program->job, program->blocker);
	if (ret == 0)
		ret = wwr_job_submit(program->job, NULL, 0, NULL);
	return ret;
}

static int program_run(struct program *program)
{
	int ret = program_make(program);

	if (ret == 0)
		ret = program_submit(program, 0, WWR_ACCESS_READ, &program->blocker);
	if (ret == 0)
		ret = program_submit(program, 1, WWR_ACCESS_READ, &program->reader);
	if (ret == 0)
		ret = program_last_job(program);
	if (ret == 0)
		ret = wwr_device_for_each_job(program->device, visit, program);
	return ret;
}

/* What was submitted must end well, whatever failed afterwards. */
static void program_end(struct program *program, unsigned int num_submitted)
{
	struct wwr_device_stats stats;

	mock_gate_open(program->gate);
	if (program->device != NULL) {
		wwr_device_get_stats(program->device, &stats);
		cr_expect_eq(stats.num_submitted, num_submitted);
	}
	if (program->blocker != NULL)
		mock_wait(wwr_job_finished(program->blocker), 1);
	if (program->reader != NULL)
		mock_wait(wwr_job_finished(program->reader), 1);
	if (num_submitted == 3)
		mock_wait(wwr_job_finished(program->job), 1);
	wwr_job_put(program->blocker);
	wwr_job_put(program->reader);
	wwr_job_put(program->job);
	for (unsigned int i = 0; i < 3; i++)
		wwr_queue_put(program->queues[i]);
	wwr_device_destroy(program->device);
	for (unsigned int i = 0; i < NUM_BOS; i++) {
		if (program->bos[i] != NULL && num_submitted == 0)
			cr_expect(wwr_resv_test_signaled(wwr_device_bo_base(program->bos[i])->resv,
							 WWR_RESV_USAGE_BOOKKEEP));
		wwr_device_bo_put(program->bos[i]);
	}
}

static bool is_submitted(struct wwr_job *job)
{
	struct wwr_job_info info;

	if (job == NULL)
		return false;
	wwr_job_get_info(job, &info);
	return info.state != WWR_JOB_NEW;
}

/* The program with the n-th allocation failing; false = it never got so far. */
static bool run_failing(unsigned int nth, bool sticky)
{
	struct program program = {.gate = mock_gate()};
	const unsigned int num_failures = test_alloc_failures();
	bool failed;
	int ret;

	test_alloc_fail(nth, sticky);
	ret = program_run(&program);
	failed = test_alloc_failures() > num_failures;
	cr_expect_eq(ret, failed ? -ENOMEM : 0, "allocation %u: %d", nth, ret);
	program_end(&program,
		    (unsigned int)(is_submitted(program.blocker) + is_submitted(program.reader) +
				   is_submitted(program.job)));
	cr_expect_eq(test_alloc_alive(), 0, "allocation %u: %u live", nth, test_alloc_alive());
	return failed;
}

static void run_all(bool sticky)
{
	unsigned int nth = 1;

	test_alloc_install();
	while (run_failing(nth, sticky))
		nth++;
	wwr_set_allocator(NULL);
	/*
	 * Device, 3 queues, 3 bonds, 6 buffers, 3 jobs of 4 or more pieces each, fence tables, the
	 * visit.
	 */
	cr_expect_geq(nth, 1 + 3 + 3 + 6 + 12 + NUM_BOS + 2, "only %u places", nth);
}

Test(drivers_mock_alloc, one_failure_anywhere_is_reported_and_leaves_nothing)
{
	run_all(false);
}

Test(drivers_mock_alloc, no_memory_from_anywhere_on_is_reported_and_leaves_nothing)
{
	run_all(true);
}
