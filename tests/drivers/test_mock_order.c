/* SPDX-License-Identifier: MIT */
/* Which jobs run when: queues, dependencies by usage, explicit fences, priorities. */
#include "tests/drivers/test_mock.h"

#include <errno.h>

TestSuite(drivers_mock_order, .timeout = 60);

/*
 * The blocker works on bo `shared` and does not end by itself; the other job is on an engine of
 * its own.  Does it have to wait?
 */
static bool has_to_wait(uint32_t blocker_access, uint32_t other_access)
{
	struct mock mock;
	struct wwr_queue *bcs, *rcs, *marker;
	struct mock_job blocker, other;
	uint32_t shared;
	bool waits;

	mock_init(&mock);
	shared = mock_bo(&mock);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	blocker = mock_endless(&mock, bcs, 1);
	mock_use(&blocker, shared, blocker_access);
	mock_run(&blocker);
	mock_wait(wwr_job_started(blocker.job), 1);

	other = mock_job(&mock, rcs, 2);
	mock_use(&other, shared, other_access);
	mock_use(&other, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&other);
	mock_marker(&mock, marker);
	waits = !mock_has_started(&other);

	mock_end(&blocker);
	mock_join(&other);
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
	return waits;
}

Test(drivers_mock_order, read_after_write_waits)
{
	cr_assert(has_to_wait(WWR_ACCESS_WRITE, WWR_ACCESS_READ));
}

Test(drivers_mock_order, write_after_read_waits)
{
	cr_assert(has_to_wait(WWR_ACCESS_READ, WWR_ACCESS_WRITE));
}

Test(drivers_mock_order, write_after_write_waits)
{
	cr_assert(has_to_wait(WWR_ACCESS_WRITE, WWR_ACCESS_WRITE));
}

Test(drivers_mock_order, read_after_read_runs_beside_it)
{
	cr_assert_not(has_to_wait(WWR_ACCESS_READ, WWR_ACCESS_READ));
}

Test(drivers_mock_order, read_and_write_counts_as_a_write)
{
	cr_expect(has_to_wait(WWR_ACCESS_READ | WWR_ACCESS_WRITE, WWR_ACCESS_READ));
	cr_expect(has_to_wait(WWR_ACCESS_READ, WWR_ACCESS_READ | WWR_ACCESS_WRITE));
}

Test(drivers_mock_order, data_after_write_waits)
{
	cr_assert(has_to_wait(WWR_ACCESS_WRITE, WWR_ACCESS_READ | WWR_ACCESS_DATA));
}

Test(drivers_mock_order, jobs_of_a_queue_run_one_after_the_other)
{
	struct mock mock;
	struct wwr_queue *vcs, *marker;
	struct mock_job first, second;

	mock_init(&mock);
	vcs = mock_queue(&mock, WWR_ENGINE_VCS, 0);
	marker = mock_queue(&mock, WWR_ENGINE_VCS, 0);
	first = mock_endless(&mock, vcs, 1);
	mock_run(&first);
	mock_wait(wwr_job_started(first.job), 1);
	second = mock_job(&mock, vcs, 2);
	mock_run(&second);
	cr_expect_eq(mock_state(&second), WWR_JOB_BLOCKED);

	mock_marker(&mock, marker);
	cr_expect_not(mock_has_started(&second));
	mock_end(&first);
	mock_join(&second);
	wwr_queue_put(vcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
}

Test(drivers_mock_order, jobs_of_two_queues_share_a_class)
{
	struct mock mock;
	struct wwr_queue *queues[2];
	struct mock_job jobs[2];
	struct wwr_job_info infos[2];

	mock_init(&mock);
	for (int i = 0; i < 2; i++) {
		queues[i] = mock_queue(&mock, WWR_ENGINE_VCS, 0);
		jobs[i] = mock_endless(&mock, queues[i], 1);
		mock_run(&jobs[i]);
		mock_wait(wwr_job_started(jobs[i].job), 1);
		wwr_job_get_info(jobs[i].job, &infos[i]);
	}
	cr_expect_eq(mock_state(&jobs[0]), WWR_JOB_RUNNING);
	cr_expect_eq(mock_state(&jobs[1]), WWR_JOB_RUNNING);
	cr_expect_neq(infos[0].engine, infos[1].engine);
	for (int i = 0; i < 2; i++) {
		mock_end(&jobs[i]);
		wwr_queue_put(queues[i]);
	}
	mock_fini(&mock);
}

Test(drivers_mock_order, in_fence_holds_a_job_back)
{
	struct mock mock;
	struct wwr_queue *rcs, *marker;
	struct wwr_fence *gate = mock_gate();
	struct mock_job job;

	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	job = mock_job(&mock, rcs, 1);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	cr_expect_eq(mock_state(&job), WWR_JOB_WAITING);
	mock_marker(&mock, marker);
	cr_expect_not(mock_has_started(&job));

	mock_gate_open(gate);
	mock_join(&job);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
}

Test(drivers_mock_order, in_fence_with_an_error_lets_the_job_run)
{
	struct mock mock;
	struct wwr_queue *rcs;
	struct wwr_fence *gate = mock_gate();
	struct mock_job job;

	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	job = mock_job(&mock, rcs, 1);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	wwr_fence_set_error(gate, -EIO);
	mock_gate_open(gate);
	mock_join(&job);
	wwr_queue_put(rcs);
	mock_fini(&mock);
}

Test(drivers_mock_order, submit_fence_waits_for_the_start_alone)
{
	struct mock mock;
	struct wwr_queue *bcs, *rcs, *marker;
	struct wwr_fence *gate = mock_gate();
	struct mock_job first, second;

	mock_init(&mock);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	first = mock_endless(&mock, bcs, 1);
	cr_assert_eq(wwr_job_add_dependency(first.job, gate), 0);
	mock_run(&first);
	second = mock_job(&mock, rcs, 2);
	mock_use(&second, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_after_start(&second, &first);
	mock_run(&second);
	mock_marker(&mock, marker);
	cr_expect_not(mock_has_started(&second));

	mock_gate_open(gate);
	mock_join(&second);
	cr_expect_not(mock_has_finished(&first));
	mock_end(&first);
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs);
	wwr_queue_put(marker);
	mock_fini(&mock);
}

Test(drivers_mock_order, waiting_job_with_a_high_priority_never_occupies_an_engine)
{
	struct mock mock;
	struct wwr_queue *high, *low;
	struct wwr_fence *gate = mock_gate();
	struct mock_job waiting;

	mock_init(&mock);
	high = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	low = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	wwr_queue_set_priority(high, 100);
	waiting = mock_job(&mock, high, 1);
	cr_assert_eq(wwr_job_add_dependency(waiting.job, gate), 0);
	mock_run(&waiting);
	mock_marker(&mock, low);
	cr_expect_not(mock_has_started(&waiting));
	mock_gate_open(gate);
	mock_join(&waiting);
	wwr_queue_put(high);
	wwr_queue_put(low);
	mock_fini(&mock);
}

Test(drivers_mock_order, ready_jobs_run_by_priority_and_then_by_readiness)
{
	static const int priorities[4] = {0, 5, 0, 5};
	static const int order[4] = {1, 3, 0, 2};
	struct mock mock;
	struct wwr_queue *first, *queues[4];
	struct mock_job blocker, jobs[4];
	struct wwr_job_info infos[4];

	mock_init(&mock);
	first = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	wwr_queue_set_preemptible(first, false);
	blocker = mock_endless(&mock, first, 9);
	mock_run(&blocker);
	mock_wait(wwr_job_started(blocker.job), 1);
	for (int i = 0; i < 4; i++) {
		queues[i] = mock_queue(&mock, WWR_ENGINE_RCS, 1);
		wwr_queue_set_priority(queues[i], priorities[i]);
		jobs[i] = mock_job(&mock, queues[i], (uint64_t)i);
		mock_run(&jobs[i]);
		cr_expect_eq(mock_state(&jobs[i]), WWR_JOB_READY);
	}
	mock_end(&blocker);
	for (int i = 0; i < 4; i++) {
		mock_wait(wwr_job_finished(jobs[i].job), 1);
		wwr_job_get_info(jobs[i].job, &infos[i]);
		cr_expect_eq(infos[i].priority, priorities[i]);
	}
	for (int i = 1; i < 4; i++)
		cr_expect_leq(infos[order[i - 1]].finished_ns, infos[order[i]].started_ns,
			      "job %d ran before job %d", order[i], order[i - 1]);
	for (int i = 0; i < 4; i++) {
		wwr_job_put(jobs[i].job);
		wwr_queue_put(queues[i]);
	}
	wwr_queue_put(first);
	mock_fini(&mock);
}

Test(drivers_mock_order, later_priority_leaves_submitted_jobs_alone)
{
	struct mock mock;
	struct wwr_queue *rcs;
	struct mock_job job;
	struct wwr_job_info info;

	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	wwr_queue_set_priority(rcs, -3);
	job = mock_job(&mock, rcs, 1);
	mock_run(&job);
	wwr_queue_set_priority(rcs, 7);
	wwr_job_get_info(job.job, &info);
	cr_expect_eq(info.priority, -3);
	mock_join(&job);
	wwr_queue_put(rcs);
	mock_fini(&mock);
}
