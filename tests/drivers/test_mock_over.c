/* SPDX-License-Identifier: MIT */
/* Buffers over those of another driver: memory and fences are the same; and explicit sync. */
#include "drivers/mock/effect.h"
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(drivers_mock_over, .timeout = 60);

#define SIZE_BYTES 8192

static struct mock mock;
static struct wwr_queue *rcs, *rcs_marker, *bcs;
static struct wwr_bo *over;
static struct wwr_device_bo *bo;
static uint8_t *client; /* its view of the memory */
static int fd;

static void setup(void)
{
	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	rcs_marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	cr_assert_eq(wwr_dma_buf_create(SIZE_BYTES, NULL, &fd), 0);
	client = mmap(NULL, SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(client, MAP_FAILED);
	cr_assert_eq(wwr_dma_buf_get_bo(fd, &over), 0);
	cr_assert_eq(wwr_device_bo_create_over(mock.device, 7, over, fd, &bo), 0);
}

static void finish(void)
{
	wwr_queue_put(rcs);
	wwr_queue_put(rcs_marker);
	wwr_queue_put(bcs);
	wwr_device_bo_put(bo);
	wwr_bo_put(over);
	munmap(client, SIZE_BYTES);
	close(fd);
	(void)wwr_dma_buf_collect();
	mock_fini(&mock);
}

static struct wwr_job *submit(struct wwr_queue *queue, uint32_t access, bool explicit_sync)
{
	struct wwr_job_config config = {.seed = 5, .explicit_sync = explicit_sync};
	struct wwr_submit_result result;
	struct wwr_job *job;

	cr_assert_eq(wwr_job_create(queue, &config, &job), 0);
	cr_assert_eq(wwr_job_add_buffer(job, bo, access), 0);
	cr_assert_eq(wwr_job_submit(job, NULL, 0, &result), 0);
	cr_expect_eq(result.num_buffers, 1);
	return job;
}

static void add_fence(struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	cr_assert_eq(wwr_mutex_lock(&over->resv->mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(over->resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(over->resv, fence, usage), 0);
	wwr_mutex_unlock(&over->resv->mutex);
}

Test(drivers_mock_over, jobs_write_the_other_drivers_memory)
{
	uint8_t expected[SIZE_BYTES];
	struct wwr_effect_access access = {expected, WWR_TOUCH_BYTES,
					   WWR_ACCESS_READ | WWR_ACCESS_WRITE};
	struct wwr_job *job;

	setup();
	for (size_t i = 0; i < SIZE_BYTES; i++)
		client[i] = expected[i] = (uint8_t)i;
	cr_expect_eq(wwr_device_bo_base(bo)->resv, over->resv);
	cr_expect_eq(wwr_device_bo_touched_bytes(bo), WWR_TOUCH_BYTES);
	job = submit(rcs, WWR_ACCESS_READ | WWR_ACCESS_WRITE, false);
	/* The other driver sees the fence. */
	cr_assert_eq(wwr_resv_wait_until(over->resv, WWR_RESV_USAGE_WRITE, NULL, INT64_MAX), 0);
	wwr_effect_write(wwr_effect_digest(5, NULL, 0, &access, 1), &access, 1);
	cr_expect_eq(memcmp(client, expected, SIZE_BYTES), 0);
	mock_wait(wwr_job_finished(job), 1);
	wwr_job_put(job);
	finish();
}

Test(drivers_mock_over, jobs_wait_for_the_other_drivers_fences)
{
	struct wwr_fence *gate = mock_gate();
	struct wwr_job *job, *explicit_job;

	setup();
	add_fence(gate, WWR_RESV_USAGE_WRITE);
	job = submit(rcs, WWR_ACCESS_READ, false);
	mock_marker(&mock, rcs_marker);
	cr_expect_not(wwr_fence_is_signaled(wwr_job_started(job)));
	/* With explicit sync nobody waits for anybody, in both directions. */
	explicit_job = submit(bcs, WWR_ACCESS_WRITE, true);
	mock_wait(wwr_job_finished(explicit_job), 1);
	mock_gate_open(gate);
	mock_wait(wwr_job_finished(job), 1);
	wwr_job_put(job);
	wwr_job_put(explicit_job);
	finish();
}

Test(drivers_mock_over, explicit_jobs_wait_for_the_kernel_only_and_are_bookkept)
{
	struct wwr_fence *move = mock_gate();
	struct wwr_job *job;

	setup();
	add_fence(move, WWR_RESV_USAGE_KERNEL);
	job = submit(rcs, WWR_ACCESS_WRITE, true);
	mock_marker(&mock, rcs_marker);
	cr_expect_not(wwr_fence_is_signaled(wwr_job_started(job)));
	mock_gate_open(move);
	/* It may run or not: nobody who reads or writes waits for it. */
	cr_expect(wwr_resv_test_signaled(over->resv, WWR_RESV_USAGE_READ));
	mock_wait(wwr_job_finished(job), 1);
	wwr_job_put(job);
	finish();
}

Test(drivers_mock_over, creation_checks_size_and_memory)
{
	struct wwr_bo empty = {.size_bytes = 0};
	struct wwr_device_bo *other;

	setup();
	cr_expect_eq(wwr_device_bo_create_over(mock.device, 1, &empty, fd, &other), -EINVAL);
	empty.size_bytes = UINT64_MAX;
	cr_expect_eq(wwr_device_bo_create_over(mock.device, 1, &empty, fd, &other), -EINVAL);
	cr_expect_eq(wwr_device_bo_create_over(mock.device, 1, over, -1, &other), -ENOMEM);
	finish();
}
