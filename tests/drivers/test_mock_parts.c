/* SPDX-License-Identifier: MIT */
/* The mock GPU with the memory manager and with the scheduler. */
#include "drivers/mock/effect.h"
#include "tests/drivers/test_mock.h"

#include <wwresv/mm.h>
#include <wwresv/sched.h>

#include <errno.h>
#include <math.h>
#include <string.h>

TestSuite(drivers_mock_parts, .timeout = 60);

#define PAGE_BYTES 4096
#define NUM_JOBS   6

/* A card; destroyed by end(). */
struct card {
	struct wwr_device *device;
	struct wwr_queue *queue;
};

static struct card begin(const struct wwr_device_config *config)
{
	struct card card;

	cr_assert_eq(wwr_device_create(config, &card.device), 0);
	cr_assert_eq(wwr_queue_create(card.device, "card",
				      wwr_device_engine_mask(card.device, WWR_ENGINE_RCS, 1),
				      &card.queue),
		     0);
	return card;
}

static void end(struct card *card)
{
	wwr_queue_put(card->queue);
	wwr_device_destroy(card->device);
}

static struct wwr_job *submit(struct card *card, struct wwr_device_bo *bo, uint64_t seed,
			      int64_t duration_ns, struct wwr_fence *after)
{
	const struct wwr_job_config config = {.seed = seed, .duration_ns = duration_ns};
	struct wwr_job *job;

	cr_assert_eq(wwr_job_create(card->queue, &config, &job), 0);
	if (bo != NULL)
		cr_assert_eq(wwr_job_add_buffer(job, bo, WWR_ACCESS_WRITE), 0);
	if (after != NULL)
		cr_assert_eq(wwr_job_add_dependency(job, after), 0);
	cr_assert_eq(wwr_job_submit(job, NULL, 0, NULL), 0);
	return job;
}

/* There is room for one of three buffers: each job evicts what the one before had. */
Test(drivers_mock_parts, contents_survive_evictions)
{
	uint8_t wanted[3][WWR_TOUCH_BYTES] __attribute__((aligned(8)));
	struct wwr_device_config config;
	struct wwr_device_bo *bos[3];
	struct wwr_mm_stats stats;
	struct card card;

	wwr_device_config_init(&config);
	config.vram_bytes = config.gtt_bytes = PAGE_BYTES;
	card = begin(&config);
	for (uint64_t i = 0; i < 3; i++) {
		cr_assert_eq(wwr_device_bo_create(card.device, i, PAGE_BYTES, &bos[i]), 0);
		wwr_effect_init(i, wanted[i], sizeof(wanted[i]));
	}
	for (uint64_t i = 0; i < NUM_JOBS; i++) {
		const struct wwr_effect_access access = {.bytes = wanted[i % 3],
							 .num_bytes = WWR_TOUCH_BYTES,
							 .access = WWR_ACCESS_WRITE};

		wwr_job_put(submit(&card, bos[i % 3], i, 0, NULL));
		wwr_effect_write(wwr_effect_digest(i, NULL, 0, &access, 1), &access, 1);
	}
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(wwr_device_bo_fetch(bos[i]), 0);
		cr_expect_arr_eq(wwr_device_bo_map(bos[i]), wanted[i], WWR_TOUCH_BYTES);
	}
	wwr_device_get_memory(card.device, &stats);
	cr_expect_geq(stats.num_evictions, NUM_JOBS - 1);
	cr_expect_eq(stats.num_enomem, 0);
	for (int i = 0; i < 3; i++)
		wwr_device_bo_put(bos[i]);
	end(&card);
}

Test(drivers_mock_parts, buffer_that_cannot_fit_is_refused)
{
	struct wwr_device_config config;
	struct wwr_device_bo *bo, *other;
	struct wwr_job *job;
	struct card card;

	wwr_device_config_init(&config);
	config.vram_bytes = PAGE_BYTES;
	card = begin(&config);
	cr_assert_eq(wwr_device_bo_create(card.device, 0, PAGE_BYTES + 1, &bo), 0);
	cr_expect_eq(wwr_device_bo_create_sharing(card.device, 1, 1, bo, &other), -EINVAL);
	cr_assert_eq(wwr_job_create(card.queue, NULL, &job), 0);
	cr_assert_eq(wwr_job_add_buffer(job, bo, WWR_ACCESS_READ), 0);
	cr_expect_eq(wwr_job_submit(job, NULL, 0, NULL), -ENOMEM);
	wwr_job_put(job);
	wwr_device_bo_put(bo);
	end(&card);
}

Test(drivers_mock_parts, every_second_job_hangs)
{
	struct wwr_device_config config;
	struct wwr_job *jobs[NUM_JOBS];
	struct wwr_sched_stats stats;
	struct card card;

	wwr_device_config_init(&config);
	config.use_sched = true;
	config.hang_every = 2;
	config.hang_limit = UINT32_MAX;
	config.hang_timeout_ns = 1000000;
	card = begin(&config);
	for (int i = 0; i < NUM_JOBS; i++)
		jobs[i] = submit(&card, NULL, 0, 1000, NULL);
	for (int i = 0; i < NUM_JOBS; i++) {
		mock_wait(wwr_job_finished(jobs[i]), i % 2 == 0 ? 1 : -ETIME);
		wwr_job_put(jobs[i]);
	}
	wwr_device_get_recovery(card.device, &stats);
	cr_expect_eq(stats.num_hangs, NUM_JOBS / 2);
	cr_expect_eq(stats.num_resets, NUM_JOBS / 2);
	cr_expect_gt(wwr_queue_busy_ns(card.queue), 0);
	end(&card);
}

/* One runs, one is on the ring behind it, one is queued, and one waits for a fence. */
Test(drivers_mock_parts, stop_ends_jobs_in_every_state)
{
	struct wwr_device_config config;
	struct wwr_fence *gate = mock_gate();
	struct wwr_job *jobs[NUM_JOBS];
	struct card card;

	wwr_device_config_init(&config);
	config.use_sched = true;
	card = begin(&config);
	wwr_queue_set_preemptible(card.queue, false);
	jobs[0] = submit(&card, NULL, 0, WWR_JOB_ENDLESS, NULL);
	for (int i = 1; i < NUM_JOBS; i++)
		jobs[i] = submit(&card, NULL, 0, 0, i >= 4 ? gate : NULL);
	mock_wait(wwr_job_started(jobs[0]), 1);
	wwr_device_stop(card.device);
	for (int i = 0; i < NUM_JOBS; i++) {
		mock_wait(wwr_job_finished(jobs[i]), -ECANCELED);
		wwr_job_put(jobs[i]);
	}
	mock_gate_open(gate);
	end(&card);
}

Test(drivers_mock_parts, wrong_options_are_refused)
{
	struct wwr_device_config config;
	struct wwr_device *device;

	wwr_device_config_init(&config);
	config.gtt_bytes = PAGE_BYTES;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	wwr_device_config_init(&config);
	config.hang_every = 1;
	config.hang_timeout_ns = 1;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	config.use_sched = true;
	config.hang_timeout_ns = 0;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	wwr_device_config_init(&config);
	config.slow_every = 1;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	config.use_sched = true;
	config.slow_factor = 0.9;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	config.slow_factor = NAN;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
	config.slow_factor = INFINITY;
	cr_expect_eq(wwr_device_create(&config, &device), -EINVAL);
}

/* Every second one takes ten times as long, but for the endless one; that is counted. */
Test(drivers_mock_parts, slow_jobs_take_longer)
{
	const int64_t duration_ns = 1000000;
	struct wwr_device_config config;
	struct wwr_device_stats stats;
	struct wwr_job *jobs[4];
	struct card card;

	wwr_device_config_init(&config);
	config.use_sched = true;
	config.slow_every = 2;
	card = begin(&config);
	for (int i = 0; i < 4; i++)
		jobs[i] = submit(&card, NULL, 0, i == 3 ? WWR_JOB_ENDLESS : duration_ns, NULL);
	wwr_job_end(jobs[3]);
	for (int i = 0; i < 4; i++) {
		struct wwr_job_info info;

		mock_wait(wwr_job_finished(jobs[i]), 1);
		wwr_job_get_info(jobs[i], &info);
		if (i == 1)
			cr_expect_geq(info.finished_ns - info.started_ns, 10 * duration_ns);
		wwr_job_put(jobs[i]);
	}
	wwr_device_get_stats(card.device, &stats);
	cr_expect_eq(stats.num_slow, 1);
	end(&card);
}
