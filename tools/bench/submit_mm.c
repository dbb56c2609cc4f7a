/* SPDX-License-Identifier: MIT */
/*
 * What the memory manager costs a submission when there is room for everything: the same jobs on
 * two devices, one of which has VRAM.  Only the submits are timed, not the jobs.
 */
#include "tools/bench/submit_mm.h"

#include <errno.h>
#include <string.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>

#include "tools/bench/compare.h"
#include "tools/bench/timing.h"
#include "tools/common/cli.h"

#define JOBS	     20000
#define QUICK_JOBS   5000
#define REPETITIONS  9
#define NUM_BUFFERS  64
#define JOB_BUFFERS  8
#define BUFFER_BYTES 65536
#define STRIDE	     7 /* from the first buffer of a job to that of the next one */

struct mm_bench {
	uint64_t num_jobs;
	struct wwr_device *device;
	struct wwr_queue *queue;
	struct wwr_device_bo *bos[NUM_BUFFERS];
};

static int submit_one(struct mm_bench *bench, uint64_t number, struct wwr_job **ret_job)
{
	const struct wwr_job_config config = {.seed = number, .num_buffers = JOB_BUFFERS};
	struct wwr_job *job;
	int ret = wwr_job_create(bench->queue, &config, &job);

	if (ret != 0)
		return ret;
	for (uint64_t i = 0; i < JOB_BUFFERS && ret == 0; i++)
		ret = wwr_job_add_buffer(job, bench->bos[(number * STRIDE + i) % NUM_BUFFERS],
					 WWR_ACCESS_WRITE);
	if (ret == 0)
		ret = wwr_job_submit(job, NULL, 0, NULL);
	if (ret != 0) {
		wwr_job_put(job);
		return ret;
	}
	*ret_job = job;
	return 0;
}

static int run(void *arg, struct bench_sample *ret_sample)
{
	struct mm_bench *bench = arg;
	struct timing_machine machine;
	struct wwr_job *last = NULL;
	int64_t wall_ns;
	int ret = 0;

	timing_machine_begin(&machine);
	wall_ns = clock_now_ns();
	for (uint64_t i = 0; i < bench->num_jobs && ret == 0; i++) {
		wwr_job_put(last);
		last = NULL;
		ret = submit_one(bench, i, &last);
	}
	wall_ns = clock_now_ns() - wall_ns;
	ret_sample->cpu_share = timing_machine_share(&machine);
	ret_sample->value = (double)bench->num_jobs * (double)CLOCK_NS_PER_S / (double)wall_ns;
	if (ret == 0)
		ret = wwr_fence_wait_until(wwr_job_finished(last), NULL, INT64_MAX);
	wwr_job_put(last);
	return ret;
}

static int init(struct mm_bench *bench, const struct bench_options *options, uint64_t vram_bytes)
{
	struct wwr_device_config config;
	int ret;

	bench->num_jobs = options->quick ? QUICK_JOBS : JOBS;
	wwr_device_config_init(&config);
	config.vram_bytes = vram_bytes;
	ret = wwr_device_create(&config, &bench->device);
	if (ret != 0)
		return ret;
	ret = wwr_queue_create(bench->device, "bench",
			       wwr_device_engine_mask(bench->device, WWR_ENGINE_RCS, 1),
			       &bench->queue);
	for (int i = 0; i < NUM_BUFFERS && ret == 0; i++)
		ret =
		    wwr_device_bo_create(bench->device, (uint64_t)i, BUFFER_BYTES, &bench->bos[i]);
	return ret;
}

static void fini(struct mm_bench *bench)
{
	if (bench->device != NULL)
		wwr_device_stop(bench->device);
	wwr_queue_put(bench->queue);
	for (int i = 0; i < NUM_BUFFERS; i++)
		wwr_device_bo_put(bench->bos[i]);
	wwr_device_destroy(bench->device);
}

int bench_submit_mm(const struct bench_options *options, struct bench_rows *rows)
{
	static const struct bench_comparison comparison = {"submit", "mm_buffers_8", "jobs/s",
							   NULL,     true,	     REPETITIONS};
	struct mm_bench with = {0}, without = {0};
	const struct bench_subject subjects[] = {
	    {"wwresv", run, &with},
	    {"without_mm", run, &without},
	};
	int ret;

	ret = init(&with, options, 2 * (uint64_t)NUM_BUFFERS * BUFFER_BYTES);
	if (ret == 0)
		ret = init(&without, options, 0);
	if (ret == 0)
		ret = bench_compare(&comparison, subjects, 2, rows);
	else
		cli_error("cannot start the mock GPU: %s", strerror(-ret));
	fini(&with);
	fini(&without);
	return ret;
}
