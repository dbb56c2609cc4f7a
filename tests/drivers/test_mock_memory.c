/* SPDX-License-Identifier: MIT */
/* The mock GPU with a VRAM that holds two of three buffers: moves change no content. */
#include "tests/drivers/test_mock.h"

#include <wwresv/alloc.h>
#include <wwresv/device.h>
#include <wwresv/job.h>
#include <wwresv/mm.h>

#include <errno.h>
#include <string.h>

TestSuite(drivers_mock_memory, .timeout = 60);

#define PAGE_BYTES 4096
#define NUM_BOS	   3
#define NUM_JOBS   24

static struct wwr_device *device;
static struct wwr_queue *queue;
static struct wwr_device_bo *bos[NUM_BOS];

static void begin(uint64_t vram_bytes, uint64_t gtt_bytes)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.vram_bytes = vram_bytes;
	config.gtt_bytes = gtt_bytes;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
	cr_assert_eq(wwr_queue_create(device, "test",
				      wwr_device_engine_mask(device, WWR_ENGINE_RCS, 1), &queue),
		     0);
	for (uint64_t i = 0; i < NUM_BOS; i++)
		cr_assert_eq(wwr_device_bo_create(device, i, PAGE_BYTES, &bos[i]), 0);
}

static void end(void)
{
	wwr_queue_put(queue);
	wwr_device_stop(device);
	for (int i = 0; i < NUM_BOS; i++)
		wwr_device_bo_put(bos[i]);
	wwr_device_destroy(device);
}

/* A job that writes the first ones, from `first` on; waits for it.  Its result, or the error. */
static int run(uint64_t seed, unsigned int first, unsigned int num)
{
	const struct wwr_job_config config = {.seed = seed, .label = seed, .num_buffers = num};
	struct wwr_submit_result result;
	struct wwr_job *job;
	int ret;

	cr_assert_eq(wwr_job_create(queue, &config, &job), 0);
	for (unsigned int i = 0; i < num; i++)
		cr_assert_eq(wwr_job_add_buffer(job, bos[(first + i) % NUM_BOS],
						WWR_ACCESS_READ | WWR_ACCESS_WRITE),
			     0);
	ret = wwr_job_submit(job, NULL, 0, &result);
	if (ret == 0)
		ret = wwr_fence_wait_until(wwr_job_finished(job), NULL, INT64_MAX);
	wwr_job_put(job);
	return ret;
}

static void run_all(uint8_t (*ret_bytes)[WWR_TOUCH_BYTES])
{
	for (unsigned int i = 0; i < NUM_JOBS; i++)
		cr_assert_eq(run(100 + i, i, 1 + i % 2), 0, "job %u", i);
	for (int i = 0; i < NUM_BOS; i++) {
		cr_assert_eq(wwr_device_bo_fetch(bos[i]), 0);
		memcpy(ret_bytes[i], wwr_device_bo_map(bos[i]), WWR_TOUCH_BYTES);
	}
}

Test(drivers_mock_memory, contents_survive_every_move)
{
	static uint8_t wanted[NUM_BOS][WWR_TOUCH_BYTES], got[NUM_BOS][WWR_TOUCH_BYTES];
	struct wwr_mm_stats stats;

	begin(0, 0);
	run_all(wanted);
	wwr_device_get_memory(device, &stats);
	cr_expect_eq(stats.num_moves + stats.num_evictions, 0);
	end();
	for (uint64_t gtt_pages = 0; gtt_pages < 2; gtt_pages++) {
		begin(UINT64_C(2) * PAGE_BYTES, gtt_pages * PAGE_BYTES);
		run_all(got);
		wwr_device_get_memory(device, &stats);
		cr_expect_gt(stats.num_evictions, 0);
		cr_expect_geq(stats.moved_bytes, stats.num_evictions * PAGE_BYTES);
		end();
		for (int i = 0; i < NUM_BOS; i++)
			cr_expect_arr_eq(got[i], wanted[i], WWR_TOUCH_BYTES, "buffer %d", i);
	}
}

Test(drivers_mock_memory, job_that_never_fits_returns_enomem_and_others_go_on)
{
	struct wwr_mm_stats stats;

	begin(UINT64_C(2) * PAGE_BYTES, 0);
	cr_expect_eq(run(1, 0, 3), -ENOMEM);
	cr_expect_eq(run(2, 0, 2), 0);
	wwr_device_get_memory(device, &stats);
	cr_expect_eq(stats.num_enomem, 1);
	end();
}

Test(drivers_mock_memory, gtt_without_vram_is_refused)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.gtt_bytes = PAGE_BYTES;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
}
