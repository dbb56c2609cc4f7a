/* SPDX-License-Identifier: MIT */
/* Who runs when: the order of entities, dependencies, credits, the three policies. */
#include "tests/drivers/sched_sim.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/lock_set.h>
#include <wwresv/syncobj.h>

#include <errno.h>

TestSuite(drivers_sched_order, .timeout = 30);

static struct sim sim;
static struct wwr_sched_entity *a, *b;

static void setup_with(unsigned int num_rings, const struct wwr_sched_options *options)
{
	sim_init(&sim, num_rings, options);
	a = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	b = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
}

static void finish(void)
{
	while (sim_step(&sim))
		;
	cr_expect_eq(sim.num_live, 0);
	wwr_sched_entity_put(a);
	wwr_sched_entity_put(b);
	sim_fini(&sim);
}

static void expect_log(unsigned int num, const int *ids)
{
	cr_assert_eq(sim.num_log, num, "%u jobs ran, not %u", sim.num_log, num);
	for (unsigned int i = 0; i < num; i++)
		cr_expect_eq(sim.log[i], ids[i], "place %u: job %d, not %d", i, sim.log[i], ids[i]);
}

#define EXPECT_LOG(...)                                                                            \
	do {                                                                                       \
		const int ids[] = {__VA_ARGS__};                                                   \
		expect_log(sizeof(ids) / sizeof(ids[0]), ids);                                     \
	} while (0)

static bool took(struct wwr_fence **fence, int status)
{
	const bool ok = wwr_fence_get_status(*fence) == status;

	wwr_fence_put(*fence);
	*fence = NULL;
	return ok;
}

Test(drivers_sched_order, fences_signal_when_given_to_the_ring_and_when_done)
{
	struct wwr_fence *scheduled, *finished;

	setup_with(1, NULL);
	sim_submit(sim_job(&sim, a, 1, 100), &scheduled, &finished);
	cr_expect(!wwr_fence_is_signaled(scheduled));
	cr_expect_eq(finished->context, scheduled->context + 1);
	cr_expect_eq(finished->seqno, 1);
	sim_run(&sim);
	cr_expect(wwr_fence_is_signaled(scheduled));
	cr_expect(!wwr_fence_is_signaled(finished));
	cr_expect(sim_step(&sim));
	cr_expect(took(&finished, 1));
	cr_expect(took(&scheduled, 1));
	finish();
}

Test(drivers_sched_order, one_entity_runs_in_order)
{
	setup_with(1, NULL);
	for (int i = 0; i < 5; i++)
		sim_submit(sim_job(&sim, a, i, 10), NULL, NULL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(0, 1, 2, 3, 4);
	finish();
}

Test(drivers_sched_order, job_with_unmet_dependency_does_not_stand_before_a_ready_one)
{
	struct sim_job *job;
	struct wwr_fence *gate = sim_gate();

	setup_with(1, NULL);
	job = sim_job(&sim, a, 1, 10);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, gate), 0);
	sim_submit(job, NULL, NULL);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, NULL);
	sim_submit(sim_job(&sim, b, 3, 10), NULL, NULL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(3);
	wwr_fence_signal(gate);
	wwr_fence_put(gate);
	while (sim_step(&sim))
		;
	EXPECT_LOG(3, 1, 2);
	finish();
}

Test(drivers_sched_order, dependency_on_the_same_ring_waits_for_scheduled_only)
{
	const struct wwr_sched_options options = {.credit_limit = 2};
	struct sim_job *job;
	struct wwr_fence *finished;

	setup_with(1, &options);
	sim_submit(sim_job(&sim, a, 1, 100), NULL, &finished);
	job = sim_job(&sim, b, 2, 100);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, finished), 0);
	sim_submit(job, NULL, NULL);
	sim_run(&sim);
	cr_expect(!wwr_fence_is_signaled(finished));
	EXPECT_LOG(1, 2);
	wwr_fence_put(finished);
	finish();
}

/* The finished fence keeps the scheduled one. */
Test(drivers_sched_order, dependency_on_a_job_that_is_freed_meanwhile)
{
	struct sim_job *job;
	struct wwr_fence *finished;

	setup_with(1, NULL);
	sim_submit(sim_job(&sim, a, 1, 100), NULL, &finished);
	job = sim_job(&sim, b, 2, 100);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, finished), 0);
	wwr_sched_job_arm(&job->base);
	cr_expect(sim_step(&sim));
	cr_expect_eq(sim.num_live, 1);
	wwr_fence_put(finished);
	wwr_sched_job_push(&job->base);
	finish();
	EXPECT_LOG(1, 2);
}

Test(drivers_sched_order, dependency_on_another_ring_waits_for_finished)
{
	const struct wwr_sched_options options = {.credit_limit = 2};
	struct sim_job *first, *second;
	struct wwr_fence *finished;

	setup_with(2, &options);
	first = sim_job(&sim, a, 1, 100);
	sim_submit(first, NULL, &finished);
	second = sim_job(&sim, b, 2, 100);
	cr_assert_eq(wwr_sched_job_add_dependency(&second->base, finished), 0);
	wwr_sched_job_arm(&second->base);
	cr_assert_neq(wwr_sched_job_sched(&first->base), wwr_sched_job_sched(&second->base));
	wwr_sched_job_push(&second->base);
	sim_run(&sim);
	EXPECT_LOG(1);
	cr_expect(sim_step(&sim));
	EXPECT_LOG(1, 2);
	wwr_fence_put(finished);
	finish();
}

Test(drivers_sched_order, dependencies_of_one_context_are_one)
{
	struct wwr_fence *fences[3];
	struct sim_job *job;

	setup_with(2, NULL);
	for (int i = 0; i < 3; i++)
		sim_submit(sim_job(&sim, a, i, 10), NULL, &fences[i]);
	job = sim_job(&sim, b, 9, 10);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, fences[1]), 0);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, fences[2]), 0);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, fences[0]), 0);
	cr_expect_eq(job->base.num_deps, 1);
	sim_submit(job, NULL, NULL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(0, 1, 2, 9);
	for (int i = 0; i < 3; i++)
		wwr_fence_put(fences[i]);
	finish();
}

Test(drivers_sched_order, own_jobs_and_signalled_fences_are_no_dependencies)
{
	struct wwr_fence *finished, *stub = wwr_fence_stub();
	struct sim_job *job;

	setup_with(1, NULL);
	sim_submit(sim_job(&sim, a, 1, 10), NULL, &finished);
	job = sim_job(&sim, a, 2, 10);
	cr_expect_eq(wwr_sched_job_add_dependency(&job->base, finished), 0);
	cr_expect_eq(wwr_sched_job_add_dependency(&job->base, stub), 0);
	cr_expect_eq(job->base.num_deps, 0);
	wwr_fence_put(stub);
	wwr_fence_put(finished);
	sim_submit(job, NULL, NULL);
	finish();
}

static void add_resv_deps(struct sim_job *job, struct wwr_resv *resv, enum wwr_resv_usage usage)
{
	cr_assert_eq(wwr_mutex_lock(&resv->mutex, NULL), 0);
	cr_assert_eq(wwr_sched_job_add_resv_dependencies(&job->base, resv, usage), 0);
	wwr_mutex_unlock(&resv->mutex);
}

Test(drivers_sched_order, reservation_gives_dependencies_by_usage)
{
	struct wwr_fence *kernel = sim_gate(), *read = sim_gate();
	struct wwr_resv resv;
	struct sim_job *job;

	setup_with(1, NULL);
	wwr_resv_init(&resv, NULL);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, 2), 0);
	cr_assert_eq(wwr_resv_add_fence(&resv, kernel, WWR_RESV_USAGE_KERNEL), 0);
	cr_assert_eq(wwr_resv_add_fence(&resv, read, WWR_RESV_USAGE_READ), 0);
	wwr_mutex_unlock(&resv.mutex);

	job = sim_job(&sim, a, 1, 10);
	add_resv_deps(job, &resv, WWR_RESV_USAGE_WRITE);
	cr_expect_eq(job->base.num_deps, 1);
	add_resv_deps(job, &resv, WWR_RESV_USAGE_READ);
	cr_expect_eq(job->base.num_deps, 2);
	sim_submit(job, NULL, NULL);
	wwr_fence_signal(kernel);
	sim_run(&sim);
	cr_expect_eq(sim.num_log, 0);
	wwr_fence_signal(read);
	sim_run(&sim);
	cr_expect_eq(sim.num_log, 1);
	wwr_fence_put(kernel);
	wwr_fence_put(read);
	wwr_resv_fini(&resv);
	finish();
}

Test(drivers_sched_order, syncobj_gives_a_dependency_or_an_error)
{
	struct wwr_fence *gate = sim_gate();
	struct wwr_syncobj *syncobj;
	struct sim_job *job;

	setup_with(1, NULL);
	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	job = sim_job(&sim, a, 1, 10);
	cr_expect_eq(wwr_sched_job_add_syncobj_dependency(&job->base, syncobj, 0), -EINVAL);
	wwr_syncobj_replace_fence(syncobj, gate);
	cr_expect_eq(wwr_sched_job_add_syncobj_dependency(&job->base, syncobj, 1), -EINVAL,
		     "no point of a timeline");
	cr_expect_eq(wwr_sched_job_add_syncobj_dependency(&job->base, syncobj, 0), 0);
	sim_submit(job, NULL, NULL);
	sim_run(&sim);
	cr_expect_eq(sim.num_log, 0);
	wwr_fence_signal(gate);
	sim_run(&sim);
	cr_expect_eq(sim.num_log, 1);
	wwr_fence_put(gate);
	wwr_syncobj_put(syncobj);
	finish();
}

Test(drivers_sched_order, job_behind_a_clients_fence_is_marked)
{
	struct wwr_fence *gate = sim_gate(), *first, *second, *other;
	struct sim_job *job;

	setup_with(1, NULL);
	wwr_fence_set_client_dependent(gate);
	job = sim_job(&sim, a, 1, 10);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, gate), 0);
	sim_submit(job, NULL, &first);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, &second);
	sim_submit(sim_job(&sim, b, 3, 10), NULL, &other);
	cr_expect(wwr_fence_is_client_dependent(first));
	cr_expect(wwr_fence_is_client_dependent(second));
	cr_expect(!wwr_fence_is_client_dependent(other));
	wwr_fence_signal(gate);
	wwr_fence_put(gate);
	wwr_fence_put(first);
	wwr_fence_put(second);
	wwr_fence_put(other);
	finish();
}

Test(drivers_sched_order, credits_limit_what_is_on_the_ring)
{
	const struct wwr_sched_options options = {.credit_limit = 5};
	struct wwr_sched_stats stats;

	setup_with(1, &options);
	for (int i = 0; i < 6; i++) {
		struct sim_job *job = sim_job(&sim, i % 2 == 0 ? a : b, i, 10);

		wwr_sched_job_fini(&job->base);
		cr_assert_eq(wwr_sched_job_init(&job->base, i % 2 == 0 ? a : b, 2), 0);
		sim_submit(job, NULL, NULL);
	}
	for (int i = 0; i < 3; i++) {
		sim_run(&sim);
		wwr_sched_get_stats(sim.rings[0].sched, &stats);
		cr_expect_leq(stats.credits, 5);
		cr_expect_geq(stats.credits, i < 3 ? 4 : 0);
		cr_expect(sim_step(&sim));
	}
	finish();
}

Test(drivers_sched_order, costly_job_is_not_passed_over)
{
	const struct wwr_sched_options options = {.credit_limit = 3, .policy = WWR_SCHED_FIFO};
	struct sim_job *job;

	setup_with(1, &options);
	sim_submit(sim_job(&sim, a, 1, 10), NULL, NULL);
	job = sim_job(&sim, b, 2, 10);
	wwr_sched_job_fini(&job->base);
	cr_assert_eq(wwr_sched_job_init(&job->base, b, 3), 0);
	sim_submit(job, NULL, NULL);
	sim_submit(sim_job(&sim, a, 3, 10), NULL, NULL);
	sim_run(&sim);
	EXPECT_LOG(1);
	cr_expect(sim_step(&sim));
	EXPECT_LOG(1, 2);
	cr_expect(sim_step(&sim));
	EXPECT_LOG(1, 2, 3);
	finish();
}

Test(drivers_sched_order, fifo_runs_in_the_order_of_pushes)
{
	const struct wwr_sched_options options = {.credit_limit = 1, .policy = WWR_SCHED_FIFO};

	setup_with(1, &options);
	sim_submit(sim_job(&sim, a, 1, 10), NULL, NULL);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, NULL);
	sim_submit(sim_job(&sim, b, 3, 10), NULL, NULL);
	sim_submit(sim_job(&sim, a, 4, 10), NULL, NULL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(1, 2, 3, 4);
	finish();
}

Test(drivers_sched_order, round_robin_takes_turns)
{
	const struct wwr_sched_options options = {.credit_limit = 1,
						  .policy = WWR_SCHED_ROUND_ROBIN};

	setup_with(1, &options);
	for (int i = 0; i < 3; i++)
		sim_submit(sim_job(&sim, a, i, 10), NULL, NULL);
	for (int i = 10; i < 13; i++)
		sim_submit(sim_job(&sim, b, i, 10), NULL, NULL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(0, 10, 1, 11, 2, 12);
	finish();
}

static void expect_priority_first(enum wwr_sched_policy policy)
{
	const struct wwr_sched_options options = {.credit_limit = 1, .policy = policy};

	setup_with(1, &options);
	wwr_sched_entity_set_priority(a, WWR_SCHED_PRIORITY_LOW);
	for (int i = 0; i < 3; i++)
		sim_submit(sim_job(&sim, a, i, 10), NULL, NULL);
	for (int i = 10; i < 13; i++)
		sim_submit(sim_job(&sim, b, i, 10), NULL, NULL);
	sim_run(&sim);
	/* Also while it stands in the line. */
	wwr_sched_entity_set_priority(b, WWR_SCHED_PRIORITY_KERNEL);
	while (sim_step(&sim))
		;
	EXPECT_LOG(10, 11, 12, 0, 1, 2);
	finish();
}

Test(drivers_sched_order, higher_priority_goes_first_with_fifo)
{
	expect_priority_first(WWR_SCHED_FIFO);
}

Test(drivers_sched_order, higher_priority_goes_first_with_round_robin)
{
	expect_priority_first(WWR_SCHED_ROUND_ROBIN);
}

Test(drivers_sched_order, errors_of_the_ring_become_the_jobs)
{
	struct wwr_fence *hw, *run, *once, *after;
	struct sim_job *job;

	setup_with(1, NULL);
	job = sim_job(&sim, a, 1, 10);
	job->hw_error = -EIO;
	sim_submit(job, NULL, &hw);
	job = sim_job(&sim, a, 2, 10);
	job->run_error = -ENOSPC;
	sim_submit(job, NULL, &run);
	job = sim_job(&sim, a, 3, 10);
	job->at_once = true;
	sim_submit(job, NULL, &once);
	sim_submit(sim_job(&sim, a, 4, 10), NULL, &after);
	while (sim_step(&sim))
		;
	cr_expect(took(&hw, -EIO));
	cr_expect(took(&run, -ENOSPC));
	cr_expect(took(&once, 1));
	cr_expect(took(&after, 1));
	finish();
}
