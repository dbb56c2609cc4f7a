/* SPDX-License-Identifier: MIT */
/*
 * One mapping holds the touched bytes of all buffers; the system gives its pages only where the
 * replay writes.
 */
#include "tools/submit/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <wwresv/device.h>

#include "drivers/mock/effect.h"
#include "tools/common/cli.h"
#include "tools/common/stop.h"
#include "tools/submit/client.h"
#include "tools/submit/commit_log.h"
#include "tools/submit/replay.h"
#include "tools/submit/run.h"

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t num)
{
	size_t i = 0;

	while (i < num && a[i] == b[i])
		i++;
	return i;
}

/* 0 or -ENOMEM. */
static int compare_buffer(const struct run *run, const struct replay *replay, uint32_t buffer,
			  struct verify_result *result)
{
	struct wwr_device_bo *bo = run->plan.buffers[buffer];
	size_t num = wwr_device_bo_touched_bytes(bo);
	const uint8_t *found = wwr_device_bo_map(bo);
	const uint8_t *expected = replay->memory + replay->offsets[buffer];
	struct verify_mismatch *mismatch;
	int ret = wwr_device_bo_fetch(bo);

	if (ret != 0)
		return ret;
	result->num_buffers++;
	if (memcmp(found, expected, num) == 0)
		return 0;
	result->num_mismatches++;
	if (result->num_reported == VERIFY_MAX_BUFFERS)
		return 0;
	mismatch = &result->reported[result->num_reported++];
	*mismatch = (struct verify_mismatch){
	    .buffer = buffer,
	    .first_byte = first_difference(found, expected, num),
	};
	return 0;
}

/* The oldest falls off. */
static void remember_job(struct verify_jobs *jobs, uint32_t max, const struct verify_job *job)
{
	uint32_t keep = jobs->num < max ? jobs->num : max - 1;

	memmove(&jobs->jobs[1], &jobs->jobs[0], keep * sizeof(*job));
	jobs->jobs[0] = *job;
	jobs->num = keep + 1;
}

static void find_buffers(const struct run *run, const struct commit_entry *entry, uint32_t client,
			 struct plan_access *accesses, struct verify_result *result)
{
	const struct plan_client *plan = &run->plan.clients[client];
	const struct plan_batch *batch =
	    &plan->workload->batches[plan->workload->batch_of_step[entry->step]];
	struct verify_job job = {
	    .commit = entry->commit,
	    .client = client,
	    .loop = commit_entry_loop(entry),
	    .step = entry->step,
	};
	uint32_t num = plan_accesses(&run->plan, plan, batch, accesses);
	uint32_t i, k;

	for (i = 0; i < result->num_reported; i++) {
		for (k = 0; k < num && accesses[k].buffer != result->reported[i].buffer; k++)
			;
		if (k == num)
			continue;
		if ((accesses[k].access & WWR_ACCESS_WRITE) != 0)
			remember_job(&result->reported[i].writers, VERIFY_MAX_WRITERS, &job);
		else
			remember_job(&result->reported[i].readers, VERIFY_MAX_READERS, &job);
	}
}

/* A second walk through all jobs, which only a failed check needs. */
static int find_jobs(const struct run *run, struct verify_result *result)
{
	const struct commit_entry *entry;
	struct plan_access *accesses;
	struct commit_order order;
	uint32_t client;

	accesses = calloc((size_t)run->plan.max_locks + 1, sizeof(*accesses));
	if (accesses == NULL || replay_begin_order(run, &order) != 0) {
		free(accesses);
		return -ENOMEM;
	}
	while ((entry = commit_order_next(&order, &client)) != NULL) {
		if (!commit_entry_is_cancelled(entry))
			find_buffers(run, entry, client, accesses, result);
	}
	replay_end_order(&order);
	free(accesses);
	return 0;
}

/* Which buffers were being written when the run was stopped.  0 or -ENOMEM. */
static int find_torn(const struct run *run, struct plan_access *accesses, bool *ret_torn)
{
	const struct commit_entry *entry;
	const struct plan_client *client;
	struct commit_order order;
	uint32_t number, num, i;

	if (replay_begin_order(run, &order) != 0)
		return -ENOMEM;
	while ((entry = commit_order_next(&order, &number)) != NULL) {
		if (!commit_entry_is_torn(entry))
			continue;
		client = &run->plan.clients[number];
		num = plan_accesses(
		    &run->plan, client,
		    &client->workload->batches[client->workload->batch_of_step[entry->step]],
		    accesses);
		for (i = 0; i < num; i++) {
			if ((accesses[i].access & WWR_ACCESS_WRITE) != 0)
				ret_torn[accesses[i].buffer] = true;
		}
	}
	replay_end_order(&order);
	return 0;
}

static int compare_buffers(const struct run *run, const struct replay *replay,
			   struct verify_result *result)
{
	struct plan_access *accesses;
	uint32_t buffer;
	bool *torn;
	int ret = -ENOMEM;

	accesses = calloc((size_t)run->plan.max_locks + 1, sizeof(*accesses));
	torn = calloc((size_t)run->plan.num_buffers + 1, sizeof(*torn));
	if (accesses != NULL && torn != NULL)
		ret = find_torn(run, accesses, torn);
	for (buffer = 0; ret == 0 && buffer < run->plan.num_buffers; buffer++) {
		if (torn[buffer])
			result->num_torn++;
		else
			ret = compare_buffer(run, replay, buffer, result);
	}
	free(accesses);
	free(torn);
	return ret;
}

int verify_run(const struct run *run, struct verify_result *ret_result)
{
	struct replay replay;
	int ret;

	*ret_result = (struct verify_result){0};
	ret = replay_run(run, &replay);
	if (ret == 0) {
		ret = compare_buffers(run, &replay, ret_result);
		replay_fini(&replay);
	}
	if (ret == -EINTR) {
		ret_result->signal = stop_signal();
		return 0;
	}
	if (ret == 0 && ret_result->num_reported > 0)
		ret = find_jobs(run, ret_result);
	if (ret != 0)
		cli_error("not enough memory to check the result");
	return ret;
}
