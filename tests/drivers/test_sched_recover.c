/* SPDX-License-Identifier: MIT */
/* Hangs, lost devices, killed entities: who ends how. */
#include "tests/drivers/sched_sim.h"
#include "tests/lib/test_criterion.h"

#include <errno.h>
#include <pthread.h>

TestSuite(drivers_sched_recover, .timeout = 60);

#define TIMEOUT_NS 1000

static struct sim sim;
static struct wwr_sched_entity *a, *b;

static void setup_flags(uint32_t credits, uint32_t hang_limit, unsigned int num_rings,
			uint32_t flags)
{
	const struct wwr_sched_options options = {.credit_limit = credits,
						  .hang_limit = hang_limit,
						  .timeout_ns = TIMEOUT_NS,
						  .flags = flags};

	sim_init(&sim, num_rings, &options);
	a = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	b = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
}

static void setup_with(uint32_t credits, uint32_t hang_limit, unsigned int num_rings)
{
	setup_flags(credits, hang_limit, num_rings, 0);
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

static void expect_status(struct wwr_fence **fence, int status)
{
	cr_expect_eq(wwr_fence_get_status(*fence), status, "%d, not %d",
		     wwr_fence_get_status(*fence), status);
	wwr_fence_put(*fence);
	*fence = NULL;
}

static void run_all(void)
{
	while (sim_step(&sim))
		;
}

Test(drivers_sched_recover, hanging_job_ends_with_etime_and_others_run_again)
{
	struct wwr_fence *hung, *beside, *behind;
	struct wwr_sched_stats stats;

	setup_with(3, 1, 1);
	sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &hung);
	sim_submit(sim_job(&sim, b, 2, 10), NULL, &beside);
	sim_submit(sim_job(&sim, a, 3, 10), NULL, &behind);
	run_all();
	expect_status(&hung, -ETIME);
	expect_status(&beside, 1);
	expect_status(&behind, 1);
	/* 1, 2 and 3; after the reset 2 and 3 once more. */
	cr_expect_eq(sim.num_log, 5);
	cr_expect_eq(sim.log[3], sim.log[1]);
	cr_expect_eq(sim.log[4], sim.log[2]);
	wwr_sched_get_stats(sim.rings[0].sched, &stats);
	cr_expect_eq(stats.num_hangs, 1);
	cr_expect_eq(stats.num_resets, 1);
	cr_expect_eq(stats.num_cancelled, 0);
	cr_expect_eq(stats.num_scheduled, 3);
	cr_expect_eq(stats.num_finished, 3);
	cr_expect_eq(stats.num_failed, 1);
	cr_expect_eq(stats.credits, 0);
	finish();
}

Test(drivers_sched_recover, timer_runs_for_the_oldest_job_only)
{
	struct wwr_fence *fences[4];

	setup_with(4, 0, 1);
	/* Each takes nearly as long as is allowed; the last is on the ring much longer. */
	for (int i = 0; i < 4; i++)
		sim_submit(sim_job(&sim, a, i, TIMEOUT_NS - 1), NULL, &fences[i]);
	run_all();
	for (int i = 0; i < 4; i++)
		expect_status(&fences[i], 1);
	cr_expect_eq(sim.rings[0].num_timeouts, 0);
	finish();
}

static struct sim_job *slow_job(struct wwr_sched_entity *entity, int id, int64_t duration_ns)
{
	struct sim_job *job = sim_job(&sim, entity, id, duration_ns);

	job->is_slow = true;
	return job;
}

/* On a ring that keeps the order what is behind waits for its turn. */
Test(drivers_sched_recover, those_behind_a_slow_job_are_not_asked_for)
{
	struct wwr_fence *slow, *innocent;

	setup_with(2, 0, 1);
	sim_submit(slow_job(a, 1, 3 * TIMEOUT_NS - 1), NULL, &slow);
	sim_submit(sim_job(&sim, b, 2, 10), NULL, &innocent);
	run_all();
	expect_status(&slow, 1);
	expect_status(&innocent, 1);
	cr_expect_eq(sim.rings[0].num_timeouts, 2);
	finish();
}

/* The next one is not that behind the one asked for, and the hang is found all the same. */
Test(drivers_sched_recover, jobs_that_end_while_others_are_asked_for)
{
	struct wwr_fence *slow[2], *hung;
	int64_t begin_ns;

	setup_flags(3, 0, 1, WWR_SCHED_PREEMPTS);
	begin_ns = sim.now_ns;
	sim.rings[0].end_in_timeout = 2;
	for (int i = 0; i < 2; i++)
		sim_submit(slow_job(a, i, 2 * TIMEOUT_NS), NULL, &slow[i]);
	sim_submit(sim_job(&sim, a, 2, SIM_HANGS), NULL, &hung);
	run_all();
	for (int i = 0; i < 2; i++)
		expect_status(&slow[i], 1);
	expect_status(&hung, -ETIME);
	cr_expect_eq(sim.rings[0].num_timeouts, 2);
	cr_expect_eq(sim.now_ns - begin_ns, TIMEOUT_NS, "with the first timeout");
	finish();
}

/* The ring preempts: the oldest is not the one that has it. */
Test(drivers_sched_recover, those_behind_a_slow_job_are_asked_for_on_a_ring_that_preempts)
{
	struct wwr_fence *slow, *hung, *behind;

	setup_flags(3, 1, 1, WWR_SCHED_PREEMPTS);
	sim_submit(slow_job(a, 1, 2 * TIMEOUT_NS), NULL, &slow);
	sim_submit(sim_job(&sim, b, 2, SIM_HANGS), NULL, &hung);
	sim_submit(slow_job(a, 3, 10), NULL, &behind);
	run_all();
	expect_status(&hung, -ETIME);
	expect_status(&slow, 1);
	expect_status(&behind, 1);
	/* The first two; then both of those that ran again. */
	cr_expect_eq(sim.rings[0].num_timeouts, 4, "%u", sim.rings[0].num_timeouts);
	finish();
}

Test(drivers_sched_recover, guilty_context_is_cancelled_once_the_limit_is_exceeded)
{
	struct wwr_fence *hung[3], *good[3], *other;
	struct wwr_sched_ctx *ctx;
	struct wwr_sched_entity *c;

	setup_with(1, 2, 1);
	cr_assert_eq(wwr_sched_ctx_create(sim.group, &ctx), 0);
	c = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, ctx);
	for (int i = 0; i < 3; i++) {
		sim_submit(sim_job(&sim, c, i, SIM_HANGS), NULL, &hung[i]);
		sim_submit(sim_job(&sim, c, 10 + i, 10), NULL, &good[i]);
	}
	sim_submit(sim_job(&sim, b, 20, 10), NULL, &other);
	run_all();
	for (int i = 0; i < 3; i++) {
		expect_status(&hung[i], -ETIME);
		expect_status(&good[i], i < 2 ? 1 : -ECANCELED);
	}
	expect_status(&other, 1);
	cr_expect(wwr_sched_ctx_is_guilty(ctx));
	cr_expect_eq(wwr_sched_ctx_num_hangs(ctx), 3);
	cr_expect_eq(wwr_sched_entity_ctx(c), ctx);
	cr_expect_eq(wwr_sched_ctx_num_hangs(wwr_sched_entity_ctx(b)), 0, "one of its own");
	/* And all later ones, of whatever entity. */
	wwr_sched_entity_put(c);
	c = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, ctx);
	sim_submit(sim_job(&sim, c, 30, 10), NULL, &other);
	expect_status(&other, -ECANCELED);
	wwr_sched_entity_put(c);
	wwr_sched_ctx_put(ctx);
	finish();
}

Test(drivers_sched_recover, guilt_reaches_running_and_waiting_jobs_on_all_rings)
{
	struct wwr_fence *gate = sim_gate(), *hung, *running, *waiting, *innocent;
	struct wwr_sched_ctx *ctx;
	struct wwr_sched_entity *c, *d;
	struct sim_job *job;

	setup_with(3, 0, 1);
	cr_assert_eq(wwr_sched_ctx_create(sim.group, &ctx), 0);
	c = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, ctx);
	d = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, ctx);
	sim_submit(sim_job(&sim, c, 1, SIM_HANGS), NULL, &hung);
	sim_run(&sim);
	sim_submit(sim_job(&sim, d, 2, 10), NULL, &running);
	sim_submit(sim_job(&sim, a, 3, 10), NULL, &innocent);
	sim_run(&sim);
	job = sim_job(&sim, d, 4, 10);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, gate), 0);
	sim_submit(job, NULL, &waiting);
	run_all();
	expect_status(&hung, -ETIME);
	expect_status(&running, -ECANCELED);
	expect_status(&waiting, -ECANCELED);
	expect_status(&innocent, 1);
	wwr_fence_signal(gate);
	wwr_fence_put(gate);
	wwr_sched_entity_put(c);
	wwr_sched_entity_put(d);
	wwr_sched_ctx_put(ctx);
	finish();
}

Test(drivers_sched_recover, slow_job_gets_its_time_again)
{
	struct wwr_fence *slow;

	setup_with(1, 0, 1);
	sim.rings[0].verdict = WWR_SCHED_NO_HANG;
	sim_submit(sim_job(&sim, a, 1, 3 * TIMEOUT_NS + 1), NULL, &slow);
	run_all();
	expect_status(&slow, 1);
	cr_expect_eq(sim.rings[0].num_timeouts, 3);
	cr_expect_eq(sim.num_log, 1);
	finish();
}

/* Long before the timeout; one that comes when nothing is on the ring is for nothing. */
Test(drivers_sched_recover, fault_is_a_timeout_at_once)
{
	struct wwr_fence *hung;

	setup_with(1, 1, 1);
	wwr_sched_fault(sim.rings[0].sched);
	sim_run(&sim);
	cr_expect_eq(sim.rings[0].num_timeouts, 0);
	sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &hung);
	sim_run(&sim);
	cr_expect_eq(sim.rings[0].num_timeouts, 0);
	wwr_sched_fault(sim.rings[0].sched);
	sim_run(&sim);
	cr_expect_eq(sim.rings[0].num_timeouts, 1);
	expect_status(&hung, -ETIME);
	finish();
}

Test(drivers_sched_recover, job_that_ends_while_the_driver_looks_is_not_guilty)
{
	struct wwr_fence *late, *other;

	setup_with(2, 0, 1);
	sim.rings[0].end_in_timeout = 1;
	sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &late);
	sim_submit(sim_job(&sim, b, 2, 10), NULL, &other);
	run_all();
	expect_status(&late, 1);
	expect_status(&other, 1);
	finish();
}

Test(drivers_sched_recover, lost_device_ends_everything_with_enodev)
{
	struct wwr_fence *fences[4], *later;
	struct sim_job *job;
	struct wwr_fence *gate = sim_gate();

	setup_with(2, 0, 1);
	sim.rings[0].verdict = WWR_SCHED_NODEV;
	sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &fences[0]);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, &fences[1]);
	sim_submit(sim_job(&sim, a, 3, 10), NULL, &fences[2]);
	job = sim_job(&sim, b, 4, 10);
	cr_assert_eq(wwr_sched_job_add_dependency(&job->base, gate), 0);
	sim_submit(job, NULL, &fences[3]);
	run_all();
	for (int i = 0; i < 4; i++)
		expect_status(&fences[i], -ENODEV);
	sim_submit(sim_job(&sim, a, 5, 10), NULL, &later);
	expect_status(&later, -ENODEV);
	wwr_fence_signal(gate);
	wwr_fence_put(gate);
	finish();
}

Test(drivers_sched_recover, entity_leaves_a_lost_ring)
{
	struct wwr_fence *lost, *later;

	setup_with(1, 0, 2);
	sim.rings[0].verdict = sim.rings[1].verdict = WWR_SCHED_NODEV;
	sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &lost);
	run_all();
	expect_status(&lost, -ENODEV);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, &later);
	run_all();
	expect_status(&later, 1);
	finish();
}

/* Of the two that end together, the first one to signal has the other entity go on elsewhere. */
struct mover {
	struct wwr_fence_cb cb;
	struct sim_job *next;
	struct mover *other;
	struct wwr_fence *finished; /* of next, once submitted */
};

static void mover_go(struct mover *mover)
{
	struct sim_job *next = mover->next;

	mover->next = NULL;
	if (next != NULL)
		sim_submit(next, NULL, &mover->finished);
}

static void mover_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct mover *mover = WWR_CONTAINER_OF(cb, struct mover, cb);

	(void)fence;
	if (mover->other->next != NULL)
		mover_go(mover);
}

Test(drivers_sched_recover, entity_that_moves_while_its_ring_ends_signals_what_has_ended)
{
	struct wwr_sched_entity *far;
	struct wwr_fence *first, *second, *gate = sim_gate();
	struct mover movers[2] = {{.other = &movers[1]}, {.other = &movers[0]}};
	struct sim_job *job;

	setup_with(2, 0, 2);
	far = sim_entity(&sim, WWR_SCHED_PRIORITY_NORMAL, NULL);
	/* The other two go where this one is not. */
	for (int i = 0; i < 4; i++) {
		job = sim_job(&sim, far, i, 10);
		cr_assert_eq(wwr_sched_job_add_dependency(&job->base, gate), 0);
		sim_submit(job, NULL, NULL);
	}
	sim.rings[0].verdict = sim.rings[1].verdict = WWR_SCHED_NODEV;
	sim_submit(sim_job(&sim, a, 10, SIM_HANGS), NULL, &first);
	sim_submit(sim_job(&sim, b, 11, SIM_HANGS), NULL, &second);
	movers[0].next = sim_job(&sim, b, 12, 10);
	movers[1].next = sim_job(&sim, a, 13, 10);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(wwr_sched_job_add_dependency(&movers[i].next->base, gate), 0);
	cr_assert_eq(wwr_fence_add_callback(first, &movers[0].cb, mover_func), 0);
	cr_assert_eq(wwr_fence_add_callback(second, &movers[1].cb, mover_func), 0);
	run_all();
	expect_status(&first, -ENODEV);
	expect_status(&second, -ENODEV);
	(void)wwr_fence_signal(gate);
	for (int i = 0; i < 2; i++)
		mover_go(&movers[i]);
	run_all();
	for (int i = 0; i < 2; i++)
		expect_status(&movers[i].finished, 1);
	wwr_fence_put(gate);
	wwr_sched_entity_put(far);
	finish();
}

Test(drivers_sched_recover, killed_entity_ends_with_esrch_behind_what_runs)
{
	struct wwr_fence *running, *pending, *scheduled, *later, *other;

	setup_with(1, 0, 1);
	sim_submit(sim_job(&sim, a, 1, 10), NULL, &running);
	sim_run(&sim);
	sim_submit(sim_job(&sim, a, 2, 10), &scheduled, &pending);
	sim_submit(sim_job(&sim, b, 3, 10), NULL, &other);
	wwr_sched_entity_kill(a);
	/* Fences of one context signal in order. */
	cr_expect(!wwr_fence_is_signaled(running));
	cr_expect(!wwr_fence_is_signaled(pending));
	run_all();
	expect_status(&running, 1);
	expect_status(&pending, -ESRCH);
	expect_status(&scheduled, -ESRCH);
	expect_status(&other, 1);
	sim_submit(sim_job(&sim, a, 4, 10), NULL, &later);
	expect_status(&later, -ESRCH);
	wwr_sched_entity_kill(a);
	finish();
}

static void *kill_again(void *arg)
{
	wwr_sched_entity_kill(arg);
	return NULL;
}

/* The first job is not yet finished: another thread must not finish the second. */
static void while_signalling(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	pthread_t thread;

	(void)fence;
	(void)cb;
	if (pthread_create(&thread, NULL, kill_again, a) == 0)
		pthread_join(thread, NULL);
}

static struct wwr_fence *first_finished;
static bool in_order;

static void see_order(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	in_order = wwr_fence_is_signaled(first_finished);
}

Test(drivers_sched_recover, two_threads_signal_for_one_entity_in_order)
{
	struct wwr_fence *scheduled, *second;
	struct wwr_fence_cb kill_cb, order_cb;

	setup_with(1, 0, 1);
	sim_submit(sim_job(&sim, a, 1, 10), &scheduled, &first_finished);
	sim_submit(sim_job(&sim, a, 2, 10), NULL, &second);
	cr_assert_eq(wwr_fence_add_callback(scheduled, &kill_cb, while_signalling), 0);
	cr_assert_eq(wwr_fence_add_callback(second, &order_cb, see_order), 0);
	wwr_sched_entity_kill(a);
	cr_expect(in_order);
	expect_status(&first_finished, -ESRCH);
	expect_status(&second, -ESRCH);
	wwr_fence_put(scheduled);
	finish();
}

/* As many hangs as one likes leave nothing behind, and nobody is stuck. */
Test(drivers_sched_recover, ten_thousand_hangs_in_a_row)
{
	const unsigned int num = test_rounds(10000);
	struct wwr_sched_stats stats;

	setup_with(2, UINT32_MAX, 1);
	for (unsigned int i = 0; i < num; i++) {
		struct wwr_fence *hung, *other;

		sim_submit(sim_job(&sim, a, 1, SIM_HANGS), NULL, &hung);
		sim_submit(sim_job(&sim, b, 2, 10), NULL, &other);
		run_all();
		expect_status(&hung, -ETIME);
		expect_status(&other, 1);
		cr_assert_eq(sim.num_live, 0);
	}
	wwr_sched_get_stats(sim.rings[0].sched, &stats);
	cr_expect_eq(stats.num_hangs, num);
	cr_expect_eq(stats.num_jobs, 0);
	finish();
}
