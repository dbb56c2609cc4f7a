/* SPDX-License-Identifier: MIT */
/* The mock GPU: a device, buffers and queues, and jobs from two threads. */
#include "tests/faults/scenario.h"

#include "reservation/dma_buf_carrier.h"

#include <errno.h>
#include <unistd.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/fence.h>

#define NUM_QUEUES 2
#define NUM_BOS	   6
#define NUM_JOBS   3 /* of each thread */
#define NUM_WANTS  17

struct gpu {
	struct wwr_device *device;
	struct wwr_queue *queues[NUM_QUEUES];
	struct wwr_device_bo *bos[NUM_BOS];
	struct wwr_job *jobs[NUM_QUEUES][NUM_JOBS];
	int rets[NUM_QUEUES];
};

/* One client: a queue and a thread of its own. */
struct client {
	struct gpu *gpu;
	unsigned int number;
};

static int gpu_make(struct gpu *gpu)
{
	struct wwr_device_config config;
	int ret;

	wwr_device_config_init(&config);
	config.time_scale = 0;
	FAULT_TRY(&ret, wwr_device_create(&config, &gpu->device), -ENOMEM, -EAGAIN);
	for (unsigned int i = 0; ret == 0 && i < NUM_QUEUES; i++)
		FAULT_TRY(&ret,
			  wwr_queue_create(gpu->device, "q", UINT64_C(1) << i, &gpu->queues[i]),
			  -ENOMEM);
	/* With bonds it has before, and without. */
	for (unsigned int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, wwr_queue_set_bond(gpu->queues[0], i, 1), -ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < NUM_BOS; i++)
		FAULT_TRY(&ret,
			  wwr_device_bo_create(gpu->device, i, i == 0 ? UINT64_C(1) << 32 : 100,
					       &gpu->bos[i]),
			  -ENOMEM);
	return ret;
}

static int submit(struct gpu *gpu, unsigned int client, unsigned int number)
{
	const struct wwr_job_config config = {.seed = number, .label = number};
	const uint64_t hold_ns = number == 0 ? 1000 : 0;
	struct wwr_job **job = &gpu->jobs[client][number];
	int ret;

	FAULT_TRY(&ret, wwr_job_create(gpu->queues[client], &config, job), -ENOMEM);
	if (ret == 0 && number > 0)
		FAULT_TRY(&ret, wwr_job_add_submit_dependency(*job, gpu->jobs[client][number - 1]),
			  -ENOMEM);
	if (ret == 0 && number > 0)
		FAULT_TRY(
		    &ret,
		    wwr_job_add_dependency(*job, wwr_job_finished(gpu->jobs[client][number - 1])),
		    -ENOMEM);
	/* The two lock in opposite orders. */
	for (unsigned int i = 0; ret == 0 && i < NUM_BOS; i++)
		FAULT_TRY(&ret,
			  wwr_job_add_buffer(*job, gpu->bos[client == 0 ? i : NUM_BOS - 1 - i],
					     i == 0 ? WWR_ACCESS_WRITE : WWR_ACCESS_READ),
			  -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_job_submit(*job, NULL, hold_ns, NULL), -ENOMEM);
	return ret;
}

static void client_run(void *arg)
{
	const struct client *client = arg;
	struct gpu *gpu = client->gpu;
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < NUM_JOBS; i++)
		ret = submit(gpu, client->number, i);
	gpu->rets[client->number] = ret;
}

static bool visit(const struct wwr_job_info *info, void *arg)
{
	(void)arg;
	FAULT_CHECK(info->state != WWR_JOB_NEW);
	return true;
}

/* What was submitted ends well, whatever failed afterwards. */
static void wait_for_jobs(struct gpu *gpu)
{
	struct wwr_device_stats stats;
	uint64_t num_submitted = 0;

	for (unsigned int i = 0; i < NUM_QUEUES * NUM_JOBS; i++) {
		struct wwr_job *job = gpu->jobs[i / NUM_JOBS][i % NUM_JOBS];
		struct wwr_job_info info = {.state = WWR_JOB_NEW};

		if (job != NULL)
			wwr_job_get_info(job, &info);
		if (info.state == WWR_JOB_NEW)
			continue;
		num_submitted++;
		FAULT_CHECK(wwr_fence_wait_until(wwr_job_finished(job), NULL, INT64_MAX) == 0);
		FAULT_CHECK(wwr_fence_get_status(wwr_job_finished(job)) == 1);
	}
	wwr_device_get_stats(gpu->device, &stats);
	FAULT_CHECK(stats.num_submitted == num_submitted);
	FAULT_CHECK(stats.num_failed == 0);
	FAULT_CHECK(num_submitted == NUM_QUEUES * NUM_JOBS || gpu->rets[0] != 0 ||
		    gpu->rets[1] != 0);
	for (unsigned int i = 0; i < NUM_BOS; i++)
		FAULT_CHECK(wwr_resv_test_signaled(wwr_device_bo_base(gpu->bos[i])->resv,
						   WWR_RESV_USAGE_BOOKKEEP));
}

static void gpu_run(struct gpu *gpu)
{
	struct client clients[NUM_QUEUES] = {{gpu, 0}, {gpu, 1}};
	struct scenario_thread thread;
	int ret;

	scenario_start(&thread, client_run, &clients[1]);
	client_run(&clients[0]);
	scenario_join(&thread);
	FAULT_TRY(&ret, wwr_device_for_each_job(gpu->device, visit, NULL), -ENOMEM);
	wait_for_jobs(gpu);
}

static void gpu_end(struct gpu *gpu)
{
	for (unsigned int i = 0; i < NUM_QUEUES * NUM_JOBS; i++)
		wwr_job_put(gpu->jobs[i / NUM_JOBS][i % NUM_JOBS]);
	for (unsigned int i = 0; i < NUM_QUEUES; i++)
		wwr_queue_put(gpu->queues[i]);
	for (unsigned int i = 0; i < NUM_BOS; i++)
		wwr_device_bo_put(gpu->bos[i]);
	wwr_device_destroy(gpu->device);
}

static void run_mock(void)
{
	struct gpu gpu = {NULL};

	if (gpu_make(&gpu) == 0)
		gpu_run(&gpu);
	gpu_end(&gpu);
}

/* Jobs that wait for a fence are there to be listed, and are cancelled by the end. */
static void run_stop(void)
{
	static const struct wwr_job_config config = {.duration_ns = WWR_JOB_ENDLESS};
	struct gpu gpu = {NULL};
	int ret = gpu_make(&gpu);

	if (ret == 0)
		FAULT_TRY(&ret, wwr_job_create(gpu.queues[0], &config, &gpu.jobs[0][0]), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_job_submit(gpu.jobs[0][0], NULL, 0, NULL), -ENOMEM);
	if (ret == 0)
		ret = submit(&gpu, 0, 1);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_device_for_each_job(gpu.device, visit, NULL), -ENOMEM);
	if (gpu.device != NULL)
		wwr_device_stop(gpu.device);
	if (ret == 0)
		FAULT_CHECK(wwr_fence_get_status(wwr_job_finished(gpu.jobs[0][1])) == -ECANCELED);
	gpu_end(&gpu);
}

static void over_release(struct wwr_bo *bo)
{
	(void)bo;
}

/* A buffer over one of another driver. */
static void run_over(void)
{
	static const struct wwr_bo_ops ops = {.release = over_release};
	struct wwr_device *device = NULL;
	struct wwr_device_bo *bo = NULL;
	struct wwr_bo over;
	int fd = -1;
	int ret;

	wwr_bo_init(&over, &ops, 4096, NULL, NULL);
	FAULT_TRY(&ret, wwr_memory_create(4096, &fd), -ENOMEM, -EMFILE, -ENFILE, -EINVAL, -EBADF);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_device_create(NULL, &device), -ENOMEM, -EAGAIN);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_device_bo_create_over(device, 1, &over, fd, &bo), -ENOMEM);
	if (fd >= 0)
		close(fd);
	wwr_device_bo_put(bo);
	wwr_bo_put(&over);
	wwr_device_destroy(device);
}

/* The scheduler between jobs and engines, and VRAM for two of three buffers. */
static int memory_make(struct gpu *gpu)
{
	struct wwr_device_config config;
	int ret;

	wwr_device_config_init(&config);
	config.time_scale = 0;
	config.use_sched = true;
	config.vram_bytes = UINT64_C(2) * 4096;
	FAULT_TRY(&ret, wwr_device_create(&config, &gpu->device), -ENOMEM, -EAGAIN);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_queue_create(gpu->device, "q", 1, &gpu->queues[0]), -ENOMEM);
	for (unsigned int i = 0; ret == 0 && i < 3; i++)
		FAULT_TRY(&ret, wwr_device_bo_create(gpu->device, i, 4096, &gpu->bos[i]), -ENOMEM);
	return ret;
}

static int memory_submit(struct gpu *gpu, unsigned int number)
{
	const struct wwr_job_config config = {.seed = number, .label = number};
	struct wwr_job **job = &gpu->jobs[0][number];
	int ret;

	FAULT_TRY(&ret, wwr_job_create(gpu->queues[0], &config, job), -ENOMEM);
	/* Two of them, so often that the list of what they want is none of a few. */
	for (unsigned int i = 0; ret == 0 && i < NUM_WANTS; i++)
		FAULT_TRY(
		    &ret,
		    wwr_job_add_buffer(*job, gpu->bos[(number + i % 2) % 3], WWR_ACCESS_WRITE),
		    -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_job_submit(*job, NULL, 0, NULL), -ENOMEM);
	if (ret == 0)
		FAULT_CHECK(wwr_fence_wait_until(wwr_job_finished(*job), NULL, INT64_MAX) == 0 &&
			    wwr_fence_get_status(wwr_job_finished(*job)) == 1);
	return ret;
}

static void run_memory(void)
{
	struct gpu gpu = {NULL};
	int ret = memory_make(&gpu);

	for (unsigned int i = 0; ret == 0 && i < NUM_JOBS; i++)
		ret = memory_submit(&gpu, i);
	for (unsigned int i = 0; ret == 0 && i < 3; i++)
		FAULT_TRY(&ret, wwr_device_bo_fetch(gpu.bos[i]), -ENOMEM);
	if (gpu.device != NULL)
		wwr_device_stop(gpu.device);
	gpu_end(&gpu);
}

static const struct scenario mock = {"mock", run_mock, NULL};
static const struct scenario stop = {"mock-stop", run_stop, NULL};

static const struct scenario over = {"mock-over", run_over, NULL};
static const struct scenario memory = {"mock-memory", run_memory, NULL};

const struct scenario *const mock_scenarios[] = {&mock, &stop, &over, &memory, NULL};
