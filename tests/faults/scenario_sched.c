/* SPDX-License-Identifier: MIT */
/* The scheduler and the memory manager by themselves: what the mock GPU reaches by chance only. */
#include "tests/faults/scenario.h"

#include "drivers/mm/mm_core.h"
#include "drivers/mock/memory.h"
#include "drivers/mock/mock_device.h"

#include <errno.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/lock_set.h>
#include <wwresv/mm_txn.h>
#include <wwresv/sched.h>

#define NUM_DEPS 6 /* more than a job has room for at first */

struct bench {
	struct wwr_sched_group *group;
	struct wwr_sched *sched;
	struct wwr_sched_ctx *ctx;
	struct wwr_sched_entity *entity;
	struct wwr_sched_job job;
	struct wwr_fence gates[NUM_DEPS];
	unsigned int num_freed;
};

static int bench_run_job(struct wwr_sched_job *job, struct wwr_fence **ret_fence)
{
	(void)job;
	(void)ret_fence;
	return 0;
}

static void bench_free_job(struct wwr_sched_job *job)
{
	WWR_CONTAINER_OF(job, struct bench, job)->num_freed++;
}

static const struct wwr_sched_ops bench_ops = {.run_job = bench_run_job,
					       .free_job = bench_free_job};

static const char *gate_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "gate";
}

/* On the stack. */
static void gate_release(struct wwr_fence *fence)
{
	(void)fence;
}

static const struct wwr_fence_ops gate_ops = {
    .driver_name = gate_name, .timeline_name = gate_name, .release = gate_release};

static int bench_make(struct bench *bench)
{
	const struct wwr_sched_options options = {.ops = &bench_ops, .credit_limit = 1};
	struct wwr_sched_entity_options entity = {.scheds = &bench->sched, .num_scheds = 1};
	int ret;

	FAULT_TRY(&ret, wwr_sched_group_create(NULL, &bench->group), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sched_create(bench->group, &options, &bench->sched), -ENOMEM,
			  -EAGAIN);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sched_ctx_create(bench->group, &bench->ctx), -ENOMEM);
	entity.ctx = bench->ctx;
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sched_entity_create(&entity, &bench->entity), -ENOMEM);
	return ret;
}

static void bench_submit(struct bench *bench)
{
	int ret;

	FAULT_TRY(&ret, wwr_sched_job_init(&bench->job, bench->entity, 1), -ENOMEM);
	if (ret != 0)
		return;
	for (int i = 0; i < NUM_DEPS && ret == 0; i++)
		FAULT_TRY(&ret, wwr_sched_job_add_dependency(&bench->job, &bench->gates[i]),
			  -ENOMEM);
	if (ret != 0) {
		wwr_sched_job_fini(&bench->job);
		return;
	}
	wwr_sched_job_arm(&bench->job);
	wwr_sched_job_push(&bench->job);
}

static void run_sched(void)
{
	struct bench bench = {NULL};

	for (int i = 0; i < NUM_DEPS; i++)
		wwr_fence_init(&bench.gates[i], &gate_ops, wwr_fence_context_alloc(1), 1);
	if (bench_make(&bench) == 0)
		bench_submit(&bench);
	for (int i = 0; i < NUM_DEPS; i++)
		(void)wwr_fence_signal(&bench.gates[i]);
	wwr_sched_destroy(bench.sched);
	FAULT_CHECK(bench.job.sched == NULL || bench.num_freed == 1);
	wwr_sched_entity_put(bench.entity);
	wwr_sched_ctx_put(bench.ctx);
	wwr_sched_group_put(bench.group);
	for (int i = 0; i < NUM_DEPS; i++)
		wwr_fence_put(&bench.gates[i]);
}

/* Busy again and again, so that the transaction makes others stop. */
struct claim {
	struct wwr_fence ended;
	unsigned int num_attempts;
};

static int claim_acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct claim *claim = arg;

	if (claim->num_attempts++ > WWR_MM_PATIENCE)
		return 0;
	mm_txn_add_wait(txn, wwr_fence_get(&claim->ended));
	return mm_txn_wait_busy(txn);
}

static int claim_locked(struct wwr_mm_txn *txn, void *arg)
{
	(void)txn;
	(void)arg;
	return 0;
}

static void use_manager(struct wwr_mm *mm)
{
	struct claim claim = {.num_attempts = 0};
	struct wwr_mm_group *group = NULL;
	struct wwr_lock_set set;
	int ret;

	FAULT_TRY(&ret, wwr_mm_group_create(mm, wwr_default_class(), &group), -ENOMEM);
	wwr_mm_group_put(group);
	wwr_fence_init(&claim.ended, &gate_ops, wwr_fence_context_alloc(1), 1);
	(void)wwr_fence_signal(&claim.ended);
	FAULT_TRY(&ret, wwr_lock_set_init(&set, wwr_default_class(), NULL), -ENOMEM);
	/* A claim that there is no memory for is none. */
	FAULT_TRY(&ret, wwr_mm_lock_all(mm, &set, claim_acquire, claim_locked, &claim), -ENOMEM);
	FAULT_CHECK(ret == 0 && claim.num_attempts > WWR_MM_PATIENCE);
	wwr_lock_set_fini(&set);
	wwr_fence_put(&claim.ended);
}

static void run_manager(void)
{
	struct wwr_device *device = NULL;
	struct wwr_device_config config;
	int ret;

	wwr_device_config_init(&config);
	config.vram_bytes = 4096;
	FAULT_TRY(&ret, wwr_device_create(&config, &device), -ENOMEM, -EAGAIN);
	if (ret == 0)
		use_manager(device->memory->mm);
	wwr_device_destroy(device);
}

static const struct scenario sched = {"sched", run_sched, NULL};
static const struct scenario manager = {"mm", run_manager, NULL};

const struct scenario *const sched_scenarios[] = {&sched, &manager, NULL};
