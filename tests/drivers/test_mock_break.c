/* SPDX-License-Identifier: MIT */
/* A dependency that is left out on purpose gives other bytes than the replay: the check can fail.
 */
#include "tests/drivers/test_mock.h"

TestSuite(drivers_mock_break, .timeout = 60);

/*
 * The first job is on BCS and waits for a gate; the second one is on RCS.  If the second does not
 * wait for the first it runs now; else the gate is opened first.  Returns the mismatches.
 */
static size_t run_pair(uint32_t break_deps, uint32_t first_access, uint32_t second_access,
		       bool second_runs_first)
{
	struct wwr_fence *gate = mock_gate();
	struct mock mock;
	struct wwr_queue *bcs, *rcs, *marker;
	struct mock_job first, second;
	uint32_t shared;
	size_t num;

	mock_init_broken(&mock, break_deps);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	shared = mock_bo(&mock);

	first = mock_job(&mock, bcs, 1);
	mock_use(&first, shared, first_access);
	mock_use(&first, mock_bo(&mock), WWR_ACCESS_WRITE);
	cr_assert_eq(wwr_job_add_dependency(first.job, gate), 0);
	mock_run(&first);
	second = mock_job(&mock, rcs, 2);
	mock_use(&second, shared, second_access);
	mock_use(&second, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&second);
	mock_marker(&mock, marker);
	cr_expect_eq(mock_has_started(&second), second_runs_first);

	mock_gate_open(gate);
	mock_join(&first);
	mock_join(&second);
	num = mock_mismatches(&mock);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
	return num;
}

#define DATA (WWR_ACCESS_READ | WWR_ACCESS_DATA)

Test(drivers_mock_break, whole_device_has_no_mismatch)
{
	cr_expect_eq(run_pair(0, WWR_ACCESS_WRITE, WWR_ACCESS_READ, false), 0);
	cr_expect_eq(run_pair(0, WWR_ACCESS_WRITE, DATA, false), 0);
	cr_expect_eq(run_pair(0, WWR_ACCESS_READ, WWR_ACCESS_WRITE, false), 0);
	cr_expect_eq(run_pair(0, WWR_ACCESS_WRITE, WWR_ACCESS_WRITE, false), 0);
	cr_expect_eq(run_pair(0, WWR_ACCESS_READ, WWR_ACCESS_READ, true), 0);
}

Test(drivers_mock_break, broken_read_has_mismatches)
{
	cr_expect_gt(run_pair(WWR_BREAK_READ, WWR_ACCESS_WRITE, WWR_ACCESS_READ, true), 0);
}

Test(drivers_mock_break, broken_read_leaves_writes_and_data_whole)
{
	cr_expect_eq(run_pair(WWR_BREAK_READ, WWR_ACCESS_WRITE, DATA, false), 0);
	cr_expect_eq(run_pair(WWR_BREAK_READ, WWR_ACCESS_READ, WWR_ACCESS_WRITE, false), 0);
	cr_expect_eq(run_pair(WWR_BREAK_READ, WWR_ACCESS_WRITE, WWR_ACCESS_WRITE, false), 0);
}

Test(drivers_mock_break, broken_write_has_mismatches)
{
	cr_expect_gt(run_pair(WWR_BREAK_WRITE, WWR_ACCESS_READ, WWR_ACCESS_WRITE, true), 0);
	cr_expect_gt(run_pair(WWR_BREAK_WRITE, WWR_ACCESS_WRITE, WWR_ACCESS_WRITE, true), 0);
}

Test(drivers_mock_break, broken_write_leaves_reads_whole)
{
	cr_expect_eq(run_pair(WWR_BREAK_WRITE, WWR_ACCESS_WRITE, WWR_ACCESS_READ, false), 0);
	cr_expect_eq(run_pair(WWR_BREAK_WRITE, WWR_ACCESS_WRITE, DATA, false), 0);
	cr_expect_eq(
	    run_pair(WWR_BREAK_WRITE, WWR_ACCESS_WRITE, WWR_ACCESS_READ | WWR_ACCESS_WRITE, false),
	    0);
}

Test(drivers_mock_break, broken_data_has_mismatches)
{
	cr_expect_gt(run_pair(WWR_BREAK_DATA, WWR_ACCESS_WRITE, DATA, true), 0);
}

Test(drivers_mock_break, broken_data_leaves_reads_and_writes_whole)
{
	cr_expect_eq(run_pair(WWR_BREAK_DATA, WWR_ACCESS_WRITE, WWR_ACCESS_READ, false), 0);
	cr_expect_eq(run_pair(WWR_BREAK_DATA, WWR_ACCESS_WRITE, WWR_ACCESS_WRITE, false), 0);
}

/* The second job waits for the start of the first one, which a gate holds back. */
static size_t run_submit_pair(uint32_t break_deps)
{
	struct wwr_fence *gate = mock_gate();
	struct mock mock;
	struct wwr_queue *bcs, *rcs, *marker;
	struct mock_job first, second;
	size_t num;

	mock_init_broken(&mock, break_deps);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	first = mock_job(&mock, bcs, 1);
	cr_assert_eq(wwr_job_add_dependency(first.job, gate), 0);
	mock_run(&first);
	second = mock_job(&mock, rcs, 2);
	mock_use(&second, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_after_start(&second, &first);
	mock_run(&second);
	mock_marker(&mock, marker);
	mock_gate_open(gate);
	mock_join(&first);
	mock_join(&second);
	num = mock_mismatches(&mock);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
	return num;
}

Test(drivers_mock_break, broken_submit_has_mismatches)
{
	cr_expect_eq(run_submit_pair(0), 0);
	cr_expect_eq(run_submit_pair(WWR_BREAK_READ | WWR_BREAK_WRITE | WWR_BREAK_DATA), 0);
	cr_expect_gt(run_submit_pair(WWR_BREAK_SUBMIT), 0);
}

/* A write that overtakes a reader which runs already is seen, too. */
Test(drivers_mock_break, broken_write_during_a_read_has_mismatches)
{
	struct mock mock;
	struct wwr_queue *bcs, *rcs, *marker;
	struct mock_job reader, writer;
	uint32_t shared;

	mock_init_broken(&mock, WWR_BREAK_WRITE);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	shared = mock_bo(&mock);
	reader = mock_endless(&mock, bcs, 1);
	mock_use(&reader, shared, WWR_ACCESS_READ);
	mock_use(&reader, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&reader);
	/* It can give way only after it has looked at its buffers. */
	mock_wait(wwr_job_started(reader.job), 1);
	mock_marker(&mock, marker);
	writer = mock_job(&mock, rcs, 2);
	mock_use(&writer, shared, WWR_ACCESS_WRITE);
	mock_run(&writer);
	mock_join(&writer);
	mock_end(&reader);
	cr_expect_gt(mock_mismatches(&mock), 0);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
}
