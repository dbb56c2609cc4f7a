/* SPDX-License-Identifier: MIT */
#include "tools/submit/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <wwresv/device.h>

#include "drivers/mock/effect.h"
#include "tools/common/progress.h"
#include "tools/common/stop.h"
#include "tools/submit/client.h"
#include "tools/submit/run.h"

#define ALIGN_BYTES 8

/* Scratch of a walk. */
struct walk {
	const struct run *run;
	const struct replay *replay;
	struct plan_access *accesses;
	struct wwr_effect_access *effects;
	uint64_t *tokens;
	uint32_t **committed; /* by client and batch: 1 + the last loop that was submitted */
};

int replay_begin_order(const struct run *run, struct commit_order *order)
{
	const struct commit_log **logs;
	uint32_t i;
	int ret;

	logs = calloc(run->num_clients, sizeof(const struct commit_log *));
	if (logs == NULL)
		return -ENOMEM;
	for (i = 0; i < run->num_clients; i++)
		logs[i] = &run->clients[i]->log;
	ret = commit_order_begin(order, logs, run->num_clients);
	if (ret != 0)
		free(logs);
	return ret;
}

void replay_end_order(struct commit_order *order)
{
	free((void *)order->logs);
	commit_order_end(order);
}

/* The start tokens that a job read, in the order of its submit fences. */
static size_t list_tokens(const struct walk *walk, const struct plan_client *client, uint32_t step,
			  uint32_t loop)
{
	const struct plan_workload *workload = client->workload;
	const struct wsim_batch *batch = &workload->wsim->steps[step].batch;
	const struct wsim_dep *dep;
	size_t num = 0, i;
	uint32_t other;

	for (i = 0; i < batch->num_deps; i++) {
		dep = &batch->deps[i];
		if (dep->kind != WSIM_DEP_SUBMIT)
			continue;
		other = workload->batch_of_step[dep->step];
		/* One that gave up before has left no token. */
		if (walk->committed[client->number][other] == loop + 1)
			walk->tokens[num++] = wwr_effect_start_token(plan_job_seed(
			    &walk->run->plan, client->number, (uint32_t)dep->step, loop));
	}
	return num;
}

static void do_job(const struct walk *walk, const struct plan_client *client,
		   const struct plan_batch *batch, uint32_t loop)
{
	const struct plan *plan = &walk->run->plan;
	uint32_t step = (uint32_t)batch->step;
	uint64_t seed = plan_job_seed(plan, client->number, step, loop);
	uint32_t num = plan_accesses(plan, client, batch, walk->accesses);
	size_t num_tokens = list_tokens(walk, client, step, loop);
	uint64_t digest;
	uint32_t i;

	for (i = 0; i < num; i++) {
		walk->effects[i].bytes =
		    walk->replay->memory + walk->replay->offsets[walk->accesses[i].buffer];
		walk->effects[i].num_bytes =
		    wwr_device_bo_touched_bytes(plan->buffers[walk->accesses[i].buffer]);
		walk->effects[i].access = walk->accesses[i].access;
	}
	digest = wwr_effect_digest(seed, walk->tokens, num_tokens, walk->effects, num);
	wwr_effect_write(digest, walk->effects, num);
}

/* 0 or -EINTR. */
static int walk_jobs(const struct walk *walk, struct commit_order *order)
{
	const struct commit_entry *entry;
	const struct plan_client *client;
	struct progress progress;
	uint32_t number, batch;

	progress_init(&progress);
	while (stop_signal() == walk->run->signal &&
	       (entry = commit_order_next(order, &number)) != NULL) {
		progress_update(&progress, entry->commit, walk->run->total_jobs, "jobs",
				"checking the result");
		client = &walk->run->plan.clients[number];
		batch = client->workload->batch_of_step[entry->step];
		walk->committed[number][batch] = commit_entry_loop(entry) + 1;
		if (!commit_entry_is_cancelled(entry))
			do_job(walk, client, &client->workload->batches[batch],
			       commit_entry_loop(entry));
	}
	progress_clear(&progress);
	return stop_signal() == walk->run->signal ? 0 : -EINTR;
}

static size_t max_submit_deps(const struct plan *plan)
{
	const struct wsim_workload *wsim;
	size_t max = 0, step;
	uint32_t i;

	for (i = 0; i < plan->num_workloads; i++) {
		wsim = plan->workloads[i].wsim;
		for (step = 0; step < wsim->num_steps; step++) {
			if (wsim->steps[step].kind == WSIM_STEP_BATCH &&
			    wsim->steps[step].batch.num_submits > max)
				max = wsim->steps[step].batch.num_submits;
		}
	}
	return max;
}

static void walk_fini(struct walk *walk)
{
	uint32_t i;

	for (i = 0; walk->committed != NULL && i < walk->run->num_clients; i++)
		free(walk->committed[i]);
	free(walk->committed);
	free(walk->accesses);
	free(walk->effects);
	free(walk->tokens);
}

static int walk_init(struct walk *walk, const struct run *run, const struct replay *replay)
{
	size_t max_locks = (size_t)run->plan.max_locks + 1;
	uint32_t i;

	*walk = (struct walk){.run = run, .replay = replay};
	walk->accesses = calloc(max_locks, sizeof(*walk->accesses));
	walk->effects = calloc(max_locks, sizeof(*walk->effects));
	walk->tokens = calloc(max_submit_deps(&run->plan) + 1, sizeof(*walk->tokens));
	walk->committed = calloc(run->num_clients, sizeof(uint32_t *));
	if (walk->accesses == NULL || walk->effects == NULL || walk->tokens == NULL ||
	    walk->committed == NULL)
		return -ENOMEM;
	for (i = 0; i < run->num_clients; i++) {
		walk->committed[i] =
		    calloc((size_t)run->clients[i]->window.num_batches + 1, sizeof(uint32_t));
		if (walk->committed[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int map_memory(const struct run *run, struct replay *replay)
{
	const struct plan *plan = &run->plan;
	size_t size = 0;
	uint32_t i;

	replay->offsets = calloc((size_t)plan->num_buffers + 1, sizeof(*replay->offsets));
	if (replay->offsets == NULL)
		return -ENOMEM;
	for (i = 0; i < plan->num_buffers; i++) {
		replay->offsets[i] = size;
		size += (wwr_device_bo_touched_bytes(plan->buffers[i]) + ALIGN_BYTES - 1) /
			ALIGN_BYTES * ALIGN_BYTES;
	}
	if (size == 0)
		return 0;
	replay->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (replay->memory == MAP_FAILED) {
		replay->memory = NULL;
		return -ENOMEM;
	}
	replay->size_bytes = size;
	for (i = 0; i < plan->num_buffers; i++)
		wwr_effect_init(i, replay->memory + replay->offsets[i],
				wwr_device_bo_touched_bytes(plan->buffers[i]));
	return 0;
}

static int replay_all(const struct run *run, const struct replay *replay)
{
	struct commit_order order;
	struct walk walk;
	int ret;

	ret = walk_init(&walk, run, replay);
	if (ret == 0)
		ret = replay_begin_order(run, &order);
	if (ret == 0) {
		ret = walk_jobs(&walk, &order);
		replay_end_order(&order);
	}
	walk_fini(&walk);
	return ret;
}

int replay_run(const struct run *run, struct replay *ret_replay)
{
	struct replay replay = {0};
	int ret;

	ret = map_memory(run, &replay);
	if (ret == 0)
		ret = replay_all(run, &replay);
	if (ret != 0) {
		replay_fini(&replay);
		return ret;
	}
	*ret_replay = replay;
	return 0;
}

void replay_fini(struct replay *replay)
{
	if (replay->memory != NULL)
		munmap(replay->memory, replay->size_bytes);
	free(replay->offsets);
	*replay = (struct replay){0};
}
