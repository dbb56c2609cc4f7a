/* SPDX-License-Identifier: MIT */
/* What is refused, what a worker does, and no memory at every place where some is asked for. */
#include "tests/drivers/sched_sim.h"
#include "tests/lib/test_alloc.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <stdlib.h>

TestSuite(drivers_sched_options, .timeout = 60);

static int never_run(struct wwr_sched_job *job, struct wwr_fence **ret_fence)
{
	(void)job;
	(void)ret_fence;
	return 0;
}

static void free_job(struct wwr_sched_job *job)
{
	free(job);
}

static const struct wwr_sched_ops ops = {.run_job = never_run, .free_job = free_job};

static int create(const struct wwr_sched_options *options)
{
	struct wwr_sched_group *group;
	struct wwr_sched *sched;
	int ret;

	cr_assert_eq(wwr_sched_group_create(NULL, &group), 0);
	ret = wwr_sched_create(group, options, &sched);
	if (ret == 0)
		wwr_sched_destroy(sched);
	wwr_sched_group_put(group);
	return ret;
}

Test(drivers_sched_options, bad_scheduler_options_are_refused)
{
	const struct wwr_sched_ops no_run = {.free_job = free_job},
				   no_free = {.run_job = never_run};
	const struct wwr_sched_options good = {.ops = &ops, .credit_limit = 1};
	struct wwr_sched_options options = good;

	cr_expect_eq(create(&options), 0);
	options.ops = NULL;
	cr_expect_eq(create(&options), -EINVAL);
	options.ops = &no_run;
	cr_expect_eq(create(&options), -EINVAL);
	options.ops = &no_free;
	cr_expect_eq(create(&options), -EINVAL);
	options = good;
	options.credit_limit = 0;
	cr_expect_eq(create(&options), -EINVAL);
	options = good;
	options.timeout_ns = -1;
	cr_expect_eq(create(&options), -EINVAL);
	options.timeout_ns = 1; /* without the op */
	cr_expect_eq(create(&options), -EINVAL);
	options = good;
	options.policy = WWR_SCHED_NUM_POLICIES;
	cr_expect_eq(create(&options), -EINVAL);
	options = good;
	options.flags = ~WWR_SCHED_MASK;
	cr_expect_eq(create(&options), -EINVAL);
}

Test(drivers_sched_options, bad_entities_and_jobs_are_refused)
{
	struct sim sim, other;
	struct wwr_sched *scheds[2];
	struct wwr_sched_entity_options options = {.scheds = scheds};
	struct wwr_sched_entity *entity;
	struct wwr_sched_job job;

	sim_init(&sim, 1, NULL);
	sim_init(&other, 1, NULL);
	scheds[0] = sim.rings[0].sched;
	scheds[1] = other.rings[0].sched;
	cr_expect_eq(wwr_sched_entity_create(&options, &entity), -EINVAL);
	options.num_scheds = 2;
	cr_expect_eq(wwr_sched_entity_create(&options, &entity), -EINVAL);
	options.num_scheds = 1;
	options.priority = WWR_SCHED_NUM_PRIORITIES;
	cr_expect_eq(wwr_sched_entity_create(&options, &entity), -EINVAL);
	cr_expect_eq(wwr_sched_ctx_create(other.group, &options.ctx), 0);
	options.priority = WWR_SCHED_PRIORITY_LOW;
	cr_expect_eq(wwr_sched_entity_create(&options, &entity), -EINVAL);
	wwr_sched_ctx_put(options.ctx);
	options.ctx = NULL;
	cr_assert_eq(wwr_sched_entity_create(&options, &entity), 0);
	cr_expect_eq(wwr_sched_job_init(&job, entity, 0), -EINVAL);
	cr_expect_eq(wwr_sched_job_init(&job, entity, 2), -EINVAL);
	cr_expect_eq(wwr_sched_entity_get(entity), entity);
	wwr_sched_entity_put(entity);
	wwr_sched_entity_put(entity);
	wwr_sched_entity_put(NULL);
	sim_fini(&sim);
	sim_fini(&other);
}

Test(drivers_sched_options, fini_of_an_armed_job_aborts, .signal = SIGABRT)
{
	struct sim sim;
	struct sim_job *job;

	sim_init(&sim, 1, NULL);
	job = sim_job(&sim, sim_entity(&sim, WWR_SCHED_PRIORITY_LOW, NULL), 1, 1);
	wwr_sched_job_arm(&job->base);
	wwr_sched_job_fini(&job->base);
}

Test(drivers_sched_options, push_of_an_unarmed_job_aborts, .signal = SIGABRT)
{
	struct sim sim;

	sim_init(&sim, 1, NULL);
	wwr_sched_job_push(
	    &sim_job(&sim, sim_entity(&sim, WWR_SCHED_PRIORITY_LOW, NULL), 1, 1)->base);
}

static unsigned int num_timeouts;
static bool clock_is_late;

static int64_t late_clock(void *data)
{
	(void)data;
	return __atomic_load_n(&clock_is_late, __ATOMIC_RELAXED) ? 1000 : 0;
}

static int run_for_ever(struct wwr_sched_job *job, struct wwr_fence **ret_fence)
{
	(void)job;
	*ret_fence = sim_gate();
	return 0;
}

static enum wwr_sched_verdict count_timeout(struct wwr_sched_job *job)
{
	(void)job;
	num_timeouts++;
	return WWR_SCHED_RESET;
}

/* A worker on a clock of one's own looks when it is kicked. */
Test(drivers_sched_options, kicked_worker_sees_that_the_clock_has_moved)
{
	static const struct wwr_sched_ops late_ops = {
	    .run_job = run_for_ever, .timed_out = count_timeout, .free_job = free_job};
	const struct wwr_sched_group_options group_options = {.now_ns = late_clock};
	const struct wwr_sched_options options = {
	    .ops = &late_ops, .credit_limit = 1, .timeout_ns = 1000, .data = &num_timeouts};
	struct wwr_sched_entity_options entity_options = {.num_scheds = 1};
	struct wwr_sched_group *group;
	struct wwr_sched *sched;
	struct wwr_sched_entity *entity;
	struct wwr_sched_job *job = calloc(1, sizeof(*job));
	struct wwr_fence *scheduled, *finished;

	cr_assert_not_null(job);
	cr_assert_eq(wwr_sched_group_create(&group_options, &group), 0);
	cr_assert_eq(wwr_sched_create(group, &options, &sched), 0);
	cr_expect_eq(wwr_sched_data(sched), &num_timeouts);
	entity_options.scheds = &sched;
	cr_assert_eq(wwr_sched_entity_create(&entity_options, &entity), 0);
	cr_assert_eq(wwr_sched_job_init(job, entity, 1), 0);
	wwr_sched_job_arm(job);
	scheduled = wwr_fence_get(wwr_sched_job_scheduled(job));
	finished = wwr_fence_get(wwr_sched_job_finished(job));
	wwr_sched_job_push(job);
	cr_assert_eq(wwr_fence_wait_until(scheduled, NULL, INT64_MAX), 0);
	cr_expect(!wwr_fence_is_signaled(finished));
	__atomic_store_n(&clock_is_late, true, __ATOMIC_RELAXED);
	wwr_sched_kick(sched);
	cr_assert_eq(wwr_fence_wait_until(finished, NULL, INT64_MAX), 0);
	cr_expect_eq(wwr_fence_get_status(finished), -ETIME);
	wwr_sched_destroy(sched);
	cr_expect_eq(num_timeouts, 1);
	wwr_fence_put(scheduled);
	wwr_fence_put(finished);
	wwr_sched_entity_put(entity);
	wwr_sched_group_put(group);
}

struct program {
	struct wwr_sched_group *group;
	struct wwr_sched *sched;
	struct wwr_sched_entity *entity;
	struct wwr_fence *gates[6];
	struct wwr_sched_job *job;
	bool has_job;
};

static int program_make(struct program *program)
{
	const struct wwr_sched_options options = {
	    .ops = &ops, .credit_limit = 1, .flags = WWR_SCHED_NO_THREAD};
	struct wwr_sched_entity_options entity_options = {.scheds = &program->sched,
							  .num_scheds = 1};
	int ret = wwr_sched_group_create(NULL, &program->group);

	if (ret == 0)
		ret = wwr_sched_create(program->group, &options, &program->sched);
	if (ret == 0)
		ret = wwr_sched_entity_create(&entity_options, &program->entity);
	if (ret == 0)
		ret = wwr_sched_job_init(program->job, program->entity, 1);
	program->has_job = ret == 0;
	return ret;
}

static int program_submit(struct program *program)
{
	for (int i = 0; i < 6; i++) {
		const uint32_t num_deps = program->job->num_deps;
		const int ret = wwr_sched_job_add_dependency(program->job, program->gates[i]);

		if (ret != 0) {
			cr_expect_eq(program->job->num_deps, num_deps);
			cr_expect_eq(wwr_fence_get_status(program->gates[i]), 0);
			return ret;
		}
	}
	wwr_sched_job_arm(program->job);
	wwr_sched_job_push(program->job);
	program->has_job = false;
	program->job = NULL;
	(void)wwr_sched_run(program->sched);
	return 0;
}

static int program_run(void)
{
	struct program program = {.job = calloc(1, sizeof(struct wwr_sched_job))};
	int ret;

	for (int i = 0; i < 6; i++)
		program.gates[i] = sim_gate();
	ret = program_make(&program);
	if (ret == 0)
		ret = program_submit(&program);
	for (int i = 0; i < 6; i++) {
		wwr_fence_signal(program.gates[i]);
		wwr_fence_put(program.gates[i]);
	}
	if (program.has_job)
		wwr_sched_job_fini(program.job);
	free(program.job);
	wwr_sched_entity_put(program.entity);
	wwr_sched_destroy(program.sched);
	wwr_sched_group_put(program.group);
	return ret;
}

Test(drivers_sched_options, no_memory_at_any_place_is_an_error_and_no_leak)
{
	unsigned int num;

	test_alloc_install();
	cr_assert_eq(program_run(), 0);
	num = test_alloc_calls();
	cr_assert_gt(num, 5);
	for (unsigned int i = 1; i <= num; i++) {
		test_alloc_fail(i, false);
		cr_expect_eq(program_run(), -ENOMEM, "allocation %u", i);
		cr_expect_eq(test_alloc_alive(), 0, "allocation %u: %u are left", i,
			     test_alloc_alive());
	}
	wwr_set_allocator(NULL);
}
