/* SPDX-License-Identifier: MIT */
/* The end of a scheduler, an entity or both with a job in each state. */
#include "tests/drivers/sched_sim.h"
#include "tests/lib/test_criterion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(drivers_sched_teardown, .timeout = 60);

/* How far the job has come. */
enum stage {
	STAGE_NEW,
	STAGE_ARMED,
	STAGE_WAITING, /* pushed, a dependency is not met */
	STAGE_BLOCKED, /* pushed behind a waiting job of its entity */
	STAGE_READY,
	STAGE_RUNNING,
	STAGE_SIGNALLED, /* ended, but nobody ran the scheduler since */
	STAGE_FREED,
	NUM_STAGES,
};

static const char *const stage_names[NUM_STAGES] = {"new",   "armed",	"waiting",   "blocked",
						    "ready", "running", "signalled", "freed"};

/* What ends. */
enum end {
	END_SCHED,
	END_KILL,	/* the entity is killed, then the scheduler destroyed */
	END_PUT,	/* the entity's last other reference is given back first */
	END_SCHED_KILL, /* killed afterwards */
	NUM_ENDS,
};

struct world {
	struct sim sim;
	struct wwr_sched_entity *entity;
	struct wwr_fence *gate, *scheduled, *finished;
	struct sim_job *job;
};

/* A job that waits for the gate. */
static void submit_waiting(struct world *world, struct wwr_fence **ret_finished)
{
	struct sim_job *job = sim_job(&world->sim, world->entity, 0, 10);

	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, world->gate), 0);
	sim_submit(job, NULL, ret_finished);
}

static void take_fences(struct world *world)
{
	world->scheduled = wwr_fence_get(wwr_sched_job_scheduled(&world->job->base));
	world->finished = wwr_fence_get(wwr_sched_job_finished(&world->job->base));
}

static void begin(struct world *world, enum stage stage)
{
	const struct wwr_sched_options options = {.credit_limit = 1, .timeout_ns = 1000000};

	sim_init(&world->sim, 1, &options);
	world->entity = sim_entity(&world->sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	world->gate = sim_gate();
	world->scheduled = world->finished = NULL;
	if (stage == STAGE_BLOCKED)
		submit_waiting(world, NULL);
	world->job = sim_job(&world->sim, world->entity, 1, 10);
	if (stage == STAGE_WAITING)
		cr_assert_eq(wwr_sched_job_add_dependency(&world->job->base, world->gate), 0);
	if (stage >= STAGE_ARMED) {
		wwr_sched_job_arm(&world->job->base);
		take_fences(world);
	}
	if (stage > STAGE_ARMED)
		wwr_sched_job_push(&world->job->base);
	if (stage == STAGE_WAITING || stage >= STAGE_RUNNING)
		sim_run(&world->sim);
	if (stage >= STAGE_SIGNALLED) {
		wwr_fence_signal(world->sim.rings[0].first->hw);
		wwr_fence_put(world->sim.rings[0].first->hw);
		world->sim.rings[0].first = NULL;
	}
	if (stage >= STAGE_FREED)
		sim_run(&world->sim);
}

static void end_it(struct world *world, enum end end)
{
	if (end == END_KILL)
		wwr_sched_entity_kill(world->entity);
	if (end == END_PUT) {
		wwr_sched_entity_put(world->entity);
		world->entity = NULL;
	}
	sim_destroy_ring(&world->sim, 0);
	if (end == END_SCHED_KILL)
		wwr_sched_entity_kill(world->entity);
}

static int expected_status(enum stage stage, enum end end)
{
	if (stage >= STAGE_SIGNALLED)
		return 1;
	return end == END_KILL && stage < STAGE_RUNNING ? -ESRCH : -ECANCELED;
}

/* What the job's owner does with what has not been given away yet. */
static void go_on(struct world *world, enum stage stage, enum end end)
{
	if (stage == STAGE_ARMED) {
		cr_expect(wwr_fence_is_signaled(world->finished), "armed, not signalled");
		wwr_sched_job_push(&world->job->base);
	} else if (stage == STAGE_NEW && end == END_SCHED) {
		/* Too late: it ends with the push, since callbacks may want locks that are held. */
		wwr_sched_job_arm(&world->job->base);
		take_fences(world);
		cr_expect_eq(wwr_fence_get_status(world->finished), 0);
		wwr_sched_job_push(&world->job->base);
		cr_expect_eq(wwr_fence_get_status(world->finished), -ENODEV);
	} else if (stage == STAGE_NEW) {
		wwr_sched_job_fini(&world->job->base);
		world->sim.num_live--;
		free(world->job);
	}
}

static void run_case(enum stage stage, enum end end)
{
	struct world world;
	char text[128];

	begin(&world, stage);
	end_it(&world, end);
	go_on(&world, stage, end);
	cr_expect_eq(world.sim.num_live, 0, "stage %s, end %d: %u jobs left", stage_names[stage],
		     (int)end, world.sim.num_live);
	if (stage != STAGE_NEW) {
		const int status = wwr_fence_get_status(world.finished);

		cr_expect_eq(status, expected_status(stage, end), "stage %s, end %d: status %d",
			     stage_names[stage], (int)end, status);
		cr_expect(wwr_fence_is_signaled(world.scheduled));
	}
	wwr_sched_entity_put(world.entity);
	sim_fini(&world.sim);

	/* The fences live on, and still know what they are. */
	if (stage != STAGE_NEW) {
		(void)wwr_fence_describe(world.finished, text, sizeof(text));
		cr_expect(strstr(text, "wwresv-sched client") != NULL, "%s", text);
		(void)wwr_fence_describe(world.scheduled, text, sizeof(text));
		cr_expect(strstr(text, "wwresv-sched client") != NULL, "%s", text);
	}
	wwr_fence_put(world.scheduled);
	wwr_fence_put(world.finished);
	wwr_fence_signal(world.gate);
	wwr_fence_put(world.gate);
}

Test(drivers_sched_teardown, every_stage_with_every_end)
{
	for (int stage = 0; stage < NUM_STAGES; stage++) {
		for (int end = 0; end < NUM_ENDS; end++)
			run_case((enum stage)stage, (enum end)end);
	}
}

/* A job that is armed and not pushed while another of its client hangs, and how it ends. */
static void expect_armed_beside_hang(enum wwr_sched_verdict verdict, int status)
{
	const struct wwr_sched_options options = {.credit_limit = 2, .timeout_ns = 1000};
	struct wwr_sched_entity *beside;
	struct world world = {0};

	sim_init(&world.sim, 1, &options);
	world.sim.rings[0].verdict = verdict;
	world.entity = sim_entity(&world.sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	beside =
	    sim_entity(&world.sim, WWR_SCHED_PRIORITY_NORMAL, wwr_sched_entity_ctx(world.entity));
	sim_submit(sim_job(&world.sim, beside, 2, SIM_HANGS), NULL, NULL);
	world.job = sim_job(&world.sim, world.entity, 1, 10);
	wwr_sched_job_arm(&world.job->base);
	take_fences(&world);
	while (sim_step(&world.sim))
		;
	cr_expect_eq(wwr_fence_get_status(world.finished), status);
	cr_expect_eq(world.sim.num_live, 1, "freed before it was pushed");
	wwr_sched_job_push(&world.job->base);
	sim_run(&world.sim);
	cr_expect_eq(world.sim.num_live, 0);
	wwr_sched_entity_put(beside);
	wwr_sched_entity_put(world.entity);
	sim_fini(&world.sim);
	wwr_fence_put(world.scheduled);
	wwr_fence_put(world.finished);
}

Test(drivers_sched_teardown, armed_job_of_a_guilty_client_and_of_a_lost_device)
{
	expect_armed_beside_hang(WWR_SCHED_RESET, -ECANCELED);
	expect_armed_beside_hang(WWR_SCHED_NODEV, -ENODEV);
}

/* What the last look at a scheduler cannot tell. */
Test(drivers_sched_teardown, final_stats_count_what_the_end_cancels)
{
	struct wwr_sched_stats stats = {0};
	const struct wwr_sched_options options = {.credit_limit = 1, .final_stats = &stats};
	struct wwr_sched_entity *entity;
	struct sim sim;

	sim_init(&sim, 1, &options);
	entity = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	for (int i = 0; i < 3; i++)
		sim_submit(sim_job(&sim, entity, i, i == 0 ? 10 : SIM_HANGS), NULL, NULL);
	while (sim_step(&sim))
		;
	sim_destroy_ring(&sim, 0);
	cr_expect_eq(stats.num_finished, 3);
	cr_expect_eq(stats.num_failed, 2);
	cr_expect_eq(stats.num_cancelled, 2);
	cr_expect_eq(stats.num_jobs, 0);
	wwr_sched_entity_put(entity);
	sim_fini(&sim);
}

Test(drivers_sched_teardown, running_jobs_are_taken_from_the_ring)
{
	struct world world;

	begin(&world, STAGE_RUNNING);
	sim_destroy_ring(&world.sim, 0);
	cr_expect_eq(world.sim.rings[0].num_cancelled, 1);
	wwr_fence_put(world.scheduled);
	wwr_fence_put(world.finished);
	wwr_fence_put(world.gate);
	wwr_sched_entity_put(world.entity);
	sim_fini(&world.sim);
}

/* The jobs behind it in the entity must not signal before it. */
Test(drivers_sched_teardown, killed_entity_with_an_armed_job_signals_at_once)
{
	struct world world;
	struct wwr_fence *behind;

	begin(&world, STAGE_ARMED);
	sim_submit(sim_job(&world.sim, world.entity, 2, 10), NULL, &behind);
	sim_run(&world.sim);
	cr_expect_eq(world.sim.num_log, 0);
	wwr_sched_entity_kill(world.entity);
	cr_expect_eq(wwr_fence_get_status(world.finished), -ESRCH);
	cr_expect_eq(wwr_fence_get_status(behind), -ESRCH);
	wwr_sched_job_push(&world.job->base);
	sim_run(&world.sim);
	cr_expect_eq(world.sim.num_live, 0);
	wwr_fence_put(behind);
	wwr_fence_put(world.scheduled);
	wwr_fence_put(world.finished);
	wwr_fence_put(world.gate);
	wwr_sched_entity_put(world.entity);
	sim_fini(&world.sim);
}

/* Who submits while the ring ends does not decide how the jobs before end. */
Test(drivers_sched_teardown, job_that_comes_in_the_middle_of_the_end)
{
	struct world world;
	struct wwr_fence *behind, *late;

	begin(&world, STAGE_RUNNING);
	submit_waiting(&world, &behind);
	world.sim.rings[0].late = sim_job(&world.sim, world.entity, 2, 10);
	sim_destroy_ring(&world.sim, 0);
	late = world.sim.rings[0].late_finished;
	cr_expect_eq(world.sim.num_live, 0);
	cr_expect_eq(wwr_fence_get_status(world.finished), -ECANCELED);
	cr_expect_eq(wwr_fence_get_status(behind), -ECANCELED);
	cr_expect_eq(wwr_fence_get_status(late), -ECANCELED);
	wwr_fence_put(late);
	wwr_fence_put(behind);
	wwr_fence_put(world.scheduled);
	wwr_fence_put(world.finished);
	wwr_fence_put(world.gate);
	wwr_sched_entity_put(world.entity);
	sim_fini(&world.sim);
}

Test(drivers_sched_teardown, entity_goes_on_with_the_other_ring)
{
	struct sim sim;
	struct wwr_sched_entity *entity;
	struct wwr_fence *finished;

	sim_init(&sim, 2, NULL);
	entity = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	sim_destroy_ring(&sim, 0);
	sim_submit(sim_job(&sim, entity, 1, 10), NULL, &finished);
	while (sim_step(&sim))
		;
	cr_expect_eq(wwr_fence_get_status(finished), 1);
	wwr_fence_put(finished);
	wwr_sched_entity_put(entity);
	sim_fini(&sim);
}
