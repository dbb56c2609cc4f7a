/* SPDX-License-Identifier: MIT */
/* Bonds: onto which engines a job goes that starts with another one. */
#include "tests/drivers/test_mock.h"

#include <errno.h>

#define NUM_VCS 4

TestSuite(drivers_mock_bond, .timeout = 60);

static struct mock mock;
static struct wwr_queue *any, *masters[NUM_VCS];
static unsigned int first_vcs;

static uint64_t vcs(unsigned int i)
{
	return UINT64_C(1) << (first_vcs + i);
}

/* hang_every: of a device with a scheduler; 0 = no job hangs. */
static void begin_with(bool use_sched, uint64_t hang_every)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.num_engines[WWR_ENGINE_VCS] = NUM_VCS;
	config.use_sched = use_sched;
	config.hang_every = hang_every;
	config.hang_limit = 0;
	config.hang_timeout_ns = hang_every != 0 ? 1000000 : 0;
	mock = (struct mock){0};
	cr_assert_eq(wwr_device_create(&config, &mock.device), 0);
	first_vcs =
	    (unsigned int)__builtin_ctzll(wwr_device_engine_mask(mock.device, WWR_ENGINE_VCS, 1));
	any = mock_queue(&mock, WWR_ENGINE_VCS, 0);
	for (uint32_t i = 0; i < NUM_VCS; i++)
		masters[i] = mock_queue(&mock, WWR_ENGINE_VCS, i + 1);
}

static void begin(bool use_sched)
{
	begin_with(use_sched, 0);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(any);
	for (int i = 0; i < NUM_VCS; i++)
		wwr_queue_put(masters[i]);
	mock_fini(&mock);
}

/* An endless job on this engine, not yet submitted. */
static struct mock_job make_master(unsigned int i)
{
	struct mock_job job = mock_endless(&mock, masters[i], 100 + i);

	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	return job;
}

static struct mock_job start_master(unsigned int i)
{
	struct mock_job job = make_master(i);

	mock_run(&job);
	mock_wait(wwr_job_started(job.job), 1);
	return job;
}

/* Which VCS ran a job to its end; gives it back. */
static unsigned int join_engine(struct mock_job *job)
{
	struct wwr_job_info info;

	mock_wait(wwr_job_finished(job->job), 1);
	wwr_job_get_info(job->job, &info);
	mock_join(job);
	return (unsigned int)info.engine - first_vcs;
}

/* The engine of a job of the queue that starts with these. */
static unsigned int engine_beside(const struct mock_job *others, unsigned int num)
{
	struct mock_job job = mock_job(&mock, any, 1);

	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	for (unsigned int i = 0; i < num; i++)
		mock_after_start(&job, &others[i]);
	mock_run(&job);
	return join_engine(&job);
}

/* The idle ones come first, so none of these engines would be taken but for the bond. */
Test(drivers_mock_bond, job_follows_its_master)
{
	begin(false);
	for (unsigned int i = 0; i < NUM_VCS; i++)
		cr_assert_eq(wwr_queue_set_bond(any, first_vcs + i, vcs(NUM_VCS - 1 - i)), 0);
	for (unsigned int i = 0; i < NUM_VCS; i++) {
		struct mock_job master = start_master(i);

		cr_expect_eq(engine_beside(&master, 1), NUM_VCS - 1 - i);
		mock_end(&master);
	}
	finish();
}

/* What is known when it is submitted is not where its master runs. */
Test(drivers_mock_bond, job_is_bound_when_its_master_starts)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job master, job;

	begin(false);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs + 1, vcs(3)), 0);
	master = make_master(1);
	cr_assert_eq(wwr_job_add_dependency(master.job, gate), 0);
	mock_run(&master);
	job = mock_job(&mock, any, 1);
	mock_after_start(&job, &master);
	mock_run(&job);
	mock_gate_open(gate);
	cr_expect_eq(join_engine(&job), 3);
	mock_end(&master);
	finish();
}

/* It has to wait for the engine though others are idle. */
Test(drivers_mock_bond, job_waits_for_the_engine_of_its_bond)
{
	struct mock_job master, blocker, job;

	begin(false);
	wwr_queue_set_preemptible(masters[3], false);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	master = start_master(0);
	blocker = start_master(3);
	job = mock_job(&mock, any, 1);
	mock_after_start(&job, &master);
	mock_run(&job);
	mock_marker(&mock, masters[1]);
	mock_marker(&mock, masters[2]);
	cr_expect_eq(mock_state(&job), WWR_JOB_READY);
	mock_end(&blocker);
	cr_expect_eq(join_engine(&job), 3);
	mock_end(&master);
	finish();
}

/* The first one that is idle mostly takes it; but engine 3 may, if the others are late to begin. */
static bool is_free(const struct mock_job *others, unsigned int num)
{
	for (int i = 0; i < 100; i++) {
		if (engine_beside(others, num) != 3)
			return true;
	}
	return false;
}

Test(drivers_mock_bond, other_masters_and_other_jobs_are_free)
{
	struct mock_job others[2];

	begin(false);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs + 1, vcs(3)), 0);
	/* It starts with another engine, or with none. */
	others[0] = start_master(2);
	cr_expect(is_free(others, 1));
	cr_expect(is_free(others, 0));
	mock_end(&others[0]);
	/* Waiting for the end of a job is no bond. */
	others[1] = start_master(1);
	others[0] = mock_job(&mock, any, 1);
	cr_assert_eq(wwr_job_add_dependency(others[0].job, wwr_job_finished(others[1].job)), 0);
	mock_run(&others[0]);
	mock_end(&others[1]);
	cr_expect_neq(join_engine(&others[0]), 3);
	finish();
}

static void expect_all_masters_to_count(bool use_sched)
{
	struct mock_job others[3];

	begin(use_sched);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(1) | vcs(3)), 0);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs + 1, vcs(2) | vcs(3)), 0);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs + 3, vcs(0)), 0);
	others[0] = start_master(0);
	others[1] = start_master(1);
	others[2] = start_master(3);
	/* Not the idle one. */
	cr_expect_eq(engine_beside(others, 2), 3);
	/* The bond with the second one would leave nothing. */
	cr_expect_geq(engine_beside(&others[1], 2), 2);
	for (int i = 0; i < 3; i++)
		mock_end(&others[i]);
	finish();
}

Test(drivers_mock_bond, bonds_with_several_masters_all_count)
{
	expect_all_masters_to_count(false);
}

/* Bonds are those of the submit; later ones take the place of earlier ones. */
Test(drivers_mock_bond, bond_counts_for_jobs_submitted_from_then_on)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job master, busy, job;
	unsigned int engine;

	begin(false);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	master = start_master(0);
	job = mock_job(&mock, any, 1);
	mock_after_start(&job, &master);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(2)), 0);
	mock_gate_open(gate);
	cr_expect_eq(join_engine(&job), 3);
	cr_expect_eq(engine_beside(&master, 1), 2);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, 0), 0);
	/* What is on the engine of the bond would give way to a job that is bound to it. */
	busy = start_master(2);
	engine = engine_beside(&master, 1);
	cr_expect(engine == 1 || engine == 3, "engine %u is none of the idle ones", engine);
	mock_end(&busy);
	mock_end(&master);
	finish();
}

Test(drivers_mock_bond, bad_bonds_are_refused)
{
	const uint64_t rcs = 1;

	begin(false);
	cr_expect_eq(wwr_queue_set_bond(any, first_vcs + NUM_VCS + 2, vcs(0)), -EINVAL);
	cr_expect_eq(wwr_queue_set_bond(any, WWR_MAX_ENGINES, 0), -EINVAL);
	cr_expect_eq(wwr_queue_set_bond(any, 0, rcs), -EINVAL);
	cr_expect_eq(wwr_queue_set_bond(any, 0, vcs(0) | rcs), -EINVAL);
	cr_expect_eq(wwr_queue_set_bond(masters[0], 0, vcs(1)), -EINVAL);
	cr_expect_eq(wwr_queue_set_bond(masters[0], 0, vcs(0)), 0);
	finish();
}

/* A master that was cancelled before its start has no engine. */
Test(drivers_mock_bond, job_of_a_cancelled_master_ends_with_it)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job master, job;

	begin(false);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	master = make_master(0);
	master.note.done = false;
	cr_assert_eq(wwr_job_add_dependency(master.job, gate), 0);
	mock_run(&master);
	job = mock_job(&mock, any, 1);
	job.note.done = false;
	mock_after_start(&job, &master);
	mock_run(&job);
	wwr_device_stop(mock.device);
	mock_wait(wwr_job_finished(master.job), -ECANCELED);
	mock_wait(wwr_job_finished(job.job), -ECANCELED);
	wwr_job_put(master.job);
	wwr_job_put(job.job);
	mock_gate_open(gate);
	finish();
}

Test(drivers_mock_bond, fence_tells_where_a_job_started)
{
	struct wwr_fence *gate = mock_gate();
	struct wwr_job_fence_info info;
	struct mock_job job;

	begin(false);
	job = make_master(2);
	cr_assert_eq(wwr_job_add_dependency(job.job, gate), 0);
	mock_run(&job);
	cr_assert(wwr_job_fence_info(wwr_job_started(job.job), &info));
	cr_expect_eq(info.engine, -1);
	mock_gate_open(gate);
	mock_wait(wwr_job_started(job.job), 1);
	cr_assert(wwr_job_fence_info(wwr_job_started(job.job), &info));
	cr_expect_eq(info.engine, (int)first_vcs + 2);
	cr_assert(wwr_job_fence_info(wwr_job_finished(job.job), &info));
	cr_expect_eq(info.engine, -1);
	mock_end(&job);
	finish();
}

/* With a scheduler an engine is chosen when a job is submitted; its master's is known then. */
Test(drivers_mock_bond, scheduler_has_jobs_follow_their_masters)
{
	begin(true);
	for (unsigned int i = 0; i < NUM_VCS; i++)
		cr_assert_eq(wwr_queue_set_bond(any, first_vcs + i, vcs(NUM_VCS - 1 - i)), 0);
	for (int turn = 0; turn < 2; turn++) {
		for (unsigned int i = 0; i < NUM_VCS; i++) {
			struct mock_job master = start_master(i);

			cr_expect_eq(engine_beside(&master, 1), NUM_VCS - 1 - i);
			mock_end(&master);
		}
	}
	/* Without a master, and without a bond. */
	cr_expect_lt(engine_beside(NULL, 0), NUM_VCS);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs + 1, 0), 0);
	finish();
}

Test(drivers_mock_bond, scheduler_combines_the_bonds_with_several_masters)
{
	expect_all_masters_to_count(true);
}

/* The jobs of a queue: its own engine, a bond's, its own again; each waits for the one before. */
Test(drivers_mock_bond, scheduler_keeps_the_order_of_a_queue)
{
	struct wwr_fence *gate = mock_gate();
	struct mock_job master, jobs[3];

	begin(true);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	master = start_master(0);
	for (int i = 0; i < 3; i++)
		jobs[i] = mock_job(&mock, any, (uint64_t)i + 1);
	cr_assert_eq(wwr_job_add_dependency(jobs[0].job, gate), 0);
	mock_after_start(&jobs[1], &master);
	for (int i = 0; i < 3; i++)
		mock_run(&jobs[i]);
	mock_marker(&mock, masters[3]);
	for (int i = 0; i < 3; i++)
		cr_expect(!mock_has_started(&jobs[i]));
	mock_gate_open(gate);
	cr_expect_lt(join_engine(&jobs[0]), NUM_VCS);
	cr_expect_eq(join_engine(&jobs[1]), 3);
	cr_expect_lt(join_engine(&jobs[2]), NUM_VCS);
	mock_end(&master);
	finish();
}

/* The context is guilty: what waits is cancelled at once, and signals in its turn all the same. */
Test(drivers_mock_bond, cancelled_job_signals_behind_the_bound_one_that_runs)
{
	struct mock_job master, bound, behind, hung;
	struct wwr_queue *sibling;

	begin_with(true, 4);
	cr_assert_eq(wwr_queue_create_sibling(any, "sibling", vcs(1), &sibling), 0);
	cr_assert_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	master = start_master(0);
	bound = mock_endless(&mock, any, 1);
	mock_after_start(&bound, &master);
	mock_run(&bound);
	mock_wait(wwr_job_started(bound.job), 1);
	behind = mock_job(&mock, any, 2);
	hung = mock_job(&mock, sibling, 3);
	behind.note.done = hung.note.done = false;
	mock_run(&behind);
	mock_run(&hung);
	mock_wait(wwr_job_finished(hung.job), -ETIME);
	cr_expect(!mock_has_finished(&bound));
	cr_expect(!mock_has_finished(&behind));
	mock_end(&bound);
	mock_wait(wwr_job_finished(behind.job), -ECANCELED);
	wwr_job_put(behind.job);
	wwr_job_put(hung.job);
	wwr_queue_put(sibling);
	mock_end(&master);
	finish();
}

/* Nothing runs there any more; what is submitted is refused, and bonds change nothing. */
Test(drivers_mock_bond, scheduler_that_was_stopped_takes_bonds)
{
	struct mock_job master, job;
	struct wwr_submit_result result;

	begin(true);
	master = start_master(0);
	job = mock_job(&mock, any, 1);
	mock_after_start(&job, &master);
	wwr_job_end(master.job);
	mock_wait(wwr_job_finished(master.job), 1);
	wwr_device_stop(mock.device);
	cr_expect_eq(wwr_queue_set_bond(any, first_vcs, vcs(3)), 0);
	cr_expect_eq(wwr_job_submit(job.job, NULL, 0, &result), -ECANCELED);
	wwr_job_put(job.job);
	wwr_job_put(master.job);
	finish();
}
