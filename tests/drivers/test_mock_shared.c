/* SPDX-License-Identifier: MIT */
/* Buffers that share one reservation: to locks and fences they are one. */
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>
#include <wwresv/resv.h>

TestSuite(drivers_mock_shared, .timeout = 60);

static struct mock mock;
static struct wwr_queue *rcs, *bcs, *rcs_marker;

/* Buffers 0 to 2 share a reservation, 3 has one of its own. */
static void setup(void)
{
	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs_marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	(void)mock_bo(&mock);
	for (uint32_t i = 1; i < 3; i++) {
		/* Of one another: all end up with the first one's. */
		cr_assert_eq(wwr_device_bo_create_sharing(mock.device, 100 + i, 4096,
							  mock.bos[i - 1], &mock.bos[i]),
			     0);
	}
	mock.num_bos = 3;
	(void)mock_bo(&mock);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(rcs);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs_marker);
	mock_fini(&mock);
}

static struct wwr_resv *resv(uint32_t bo)
{
	return wwr_device_bo_base(mock.bos[bo])->resv;
}

static unsigned int num_fences(uint32_t bo, enum wwr_resv_usage usage)
{
	struct wwr_resv_iter iter;
	unsigned int num = 0;

	cr_assert_eq(wwr_mutex_lock(&resv(bo)->mutex, NULL), 0);
	wwr_resv_iter_begin(&iter, resv(bo), usage);
	while (wwr_resv_iter_next(&iter) != NULL)
		num++;
	wwr_mutex_unlock(&resv(bo)->mutex);
	return num;
}

Test(drivers_mock_shared, buffers_have_one_lock_and_memory_of_their_own)
{
	setup();
	for (uint32_t i = 0; i < 3; i++) {
		cr_expect_eq(resv(i), resv(0));
		cr_expect_eq(wwr_device_bo_from_mutex(&resv(i)->mutex), mock.bos[0]);
	}
	cr_expect_neq(resv(3), resv(0));
	cr_expect_neq(wwr_device_bo_map(mock.bos[0]), wwr_device_bo_map(mock.bos[1]));
	finish();
}

/* The reader is named first and last: its usage must not be what is published. */
Test(drivers_mock_shared, job_that_writes_one_of_several_publishes_a_write)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job job;

	setup();
	job = mock_job(&mock, rcs, 1);
	mock_use(&job, 0, WWR_ACCESS_READ);
	mock_use(&job, 3, WWR_ACCESS_READ);
	mock_use(&job, 1, WWR_ACCESS_READ | WWR_ACCESS_WRITE);
	mock_use(&job, 2, WWR_ACCESS_READ);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	cr_expect_eq(job.result.num_buffers, 4);
	cr_expect_eq(num_fences(0, WWR_RESV_USAGE_WRITE), 1);
	cr_expect_eq(num_fences(0, WWR_RESV_USAGE_BOOKKEEP), 1);
	cr_expect_eq(num_fences(3, WWR_RESV_USAGE_WRITE), 0);
	cr_expect_eq(num_fences(3, WWR_RESV_USAGE_READ), 1);
	mock_gate_open(gate);
	mock_join(&job);
	finish();
}

/* The first job uses one buffer of the reservation, the second one two others. */
static void expect_order(uint32_t first_access, uint32_t second_access, uint32_t third_access,
			 bool waits)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job first, second;

	setup();
	first = mock_job(&mock, bcs, 1);
	mock_use(&first, 0, first_access);
	cr_assert_eq(wwr_job_add_dependency(first.job, gate), 0);
	mock_run(&first);
	second = mock_job(&mock, rcs, 2);
	mock_use(&second, 1, second_access);
	mock_use(&second, 2, third_access);
	mock_run(&second);
	mock_marker(&mock, rcs_marker);
	cr_expect_eq(mock_has_started(&second), !waits);
	mock_gate_open(gate);
	mock_join(&first);
	mock_join(&second);
	finish();
}

Test(drivers_mock_shared, job_waits_for_what_uses_another_buffer_of_the_reservation)
{
	expect_order(WWR_ACCESS_READ, WWR_ACCESS_READ, WWR_ACCESS_READ, false);
	expect_order(WWR_ACCESS_WRITE, WWR_ACCESS_READ, WWR_ACCESS_READ, true);
	expect_order(WWR_ACCESS_READ, WWR_ACCESS_READ, WWR_ACCESS_WRITE, true);
	expect_order(WWR_ACCESS_READ, WWR_ACCESS_WRITE, WWR_ACCESS_READ, true);
}

Test(drivers_mock_shared, many_jobs_on_a_shared_reservation_match_the_replay)
{
	struct mock_job jobs[30];

	setup();
	for (uint32_t i = 0; i < 30; i++) {
		jobs[i] = mock_job(&mock, i % 2 == 0 ? rcs : bcs, i);
		for (uint32_t k = 0; k < 4; k++)
			mock_use(&jobs[i], (i + k) % 4,
				 (i >> k & 1) != 0 ? WWR_ACCESS_WRITE : WWR_ACCESS_READ);
		mock_run(&jobs[i]);
	}
	for (uint32_t i = 0; i < 30; i++)
		mock_join(&jobs[i]);
	finish();
}

Test(drivers_mock_shared, reservation_lives_as_long_as_any_buffer_of_it)
{
	setup();
	wwr_device_bo_put(mock.bos[0]);
	cr_assert_eq(wwr_mutex_lock(&resv(2)->mutex, NULL), 0);
	wwr_mutex_unlock(&resv(2)->mutex);
	for (uint32_t i = 0; i < 3; i++)
		mock.bos[i] = mock.bos[i + 1];
	mock.num_bos = 3;
	finish();
}
