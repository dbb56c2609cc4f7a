/* SPDX-License-Identifier: MIT */
#include "tools/submit/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>

#include "tools/common/cli.h"
#include "tools/submit/plan_bonds.h"
#include "tools/submit/plan_buffers.h"
#include "tools/submit/plan_fences.h"
#include "tools/submit/plan_slots.h"
#include "tools/wsim/wsim_list.h"

/* Up to so many, objects that no batch names exist too: "every buffer" is compared. */
#define MAX_DECLARED_OBJECTS (1u << 18)

/* "vcs" and "vcs" again are told apart as "vcs" and "vcs#2"; fit for JSON. */
static char *unique_name(const struct plan *plan, const struct wsim_workload *wsim, size_t index)
{
	unsigned int count = 1;
	json_t *shown;
	char *name;
	size_t i;

	for (i = 0; i < index; i++)
		count += strcmp(plan->workloads[i].wsim->name, wsim->name) == 0;
	shown = wsim_name_json(wsim->name);
	if (shown == NULL)
		return NULL;
	if (count == 1)
		name = strdup(json_string_value(shown));
	else if (asprintf(&name, "%s#%u", json_string_value(shown), count) < 0)
		name = NULL;
	json_decref(shown);
	return name;
}

static uint64_t batch_engine_mask(const struct plan *plan, const struct wsim_workload *wsim,
				  const struct wsim_step *step,
				  const struct wsim_engine_counts *counts)
{
	struct wsim_engine engines[WWR_MAX_ENGINES];
	uint64_t mask = 0;
	size_t num, i;

	num = wsim_batch_engines(wsim, step, counts, engines, WWR_MAX_ENGINES);
	for (i = 0; i < num && i < WWR_MAX_ENGINES; i++)
		mask |= wwr_device_engine_mask(
		    plan->device, (enum wwr_engine_class)engines[i].class, engines[i].instance);
	return mask;
}

static void name_engines(const struct plan *plan, struct plan_queue *queue)
{
	struct wwr_engine_info info;
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < wwr_device_num_engines(plan->device); i++) {
		if ((queue->engine_mask >> i & 1) == 0 || len >= sizeof(queue->engines))
			continue;
		wwr_device_get_engine(plan->device, i, &info);
		len += (size_t)snprintf(queue->engines + len, sizeof(queue->engines) - len, "%s%s",
					len > 0 ? "|" : "", info.name);
	}
}

static void assign_queue(const struct plan *plan, struct plan_workload *workload,
			 struct plan_batch *batch, const struct wsim_engine_counts *counts)
{
	const struct wsim_step *step = &workload->wsim->steps[batch->step];
	uint64_t mask = batch_engine_mask(plan, workload->wsim, step, counts);
	struct plan_queue *queue;
	uint32_t i;

	for (i = 0; i < workload->num_queues; i++) {
		queue = &workload->queues[i];
		if (queue->ctx_index == step->ctx_index && queue->engine_mask == mask)
			break;
	}
	batch->queue = i;
	if (i < workload->num_queues)
		return;
	queue = &workload->queues[workload->num_queues++];
	*queue = (struct plan_queue){
	    .ctx = step->ctx, .ctx_index = step->ctx_index, .engine_mask = mask};
	name_engines(plan, queue);
}

static int build_queues(const struct plan *plan, struct plan_workload *workload,
			const struct wsim_engine_counts *counts)
{
	uint32_t i;

	workload->queues = calloc(workload->num_batches + 1, sizeof(*workload->queues));
	if (workload->queues == NULL)
		return -ENOMEM;
	for (i = 0; i < workload->num_batches; i++)
		assign_queue(plan, workload, &workload->batches[i], counts);
	return 0;
}

static bool declared_fit(struct wsim_workload *const *workloads, size_t num_workloads,
			 const struct submit_options *options)
{
	uint64_t sum = 0, copies = options->share ? 1 : options->num_clients;
	size_t i;

	for (i = 0; i < num_workloads; i++) {
		if (workloads[i]->num_objects > MAX_DECLARED_OBJECTS)
			return false;
		sum += workloads[i]->num_objects * copies;
	}
	return sum <= MAX_DECLARED_OBJECTS;
}

static int build_workloads(struct plan *plan, struct wsim_workload *const *workloads,
			   const struct submit_options *options)
{
	bool all = declared_fit(workloads, plan->num_workloads, options);
	struct plan_workload *workload;
	uint32_t i, k;
	int ret;

	for (i = 0; i < plan->num_workloads; i++) {
		workload = &plan->workloads[i];
		workload->wsim = workloads[i];
		workload->share = options->share;
		workload->max_rows = PLAN_MAX_ROWS;
		workload->name = unique_name(plan, workloads[i], i);
		if (workload->name == NULL)
			return -ENOMEM;
		ret = plan_slots_build(workload, all);
		if (ret == 0)
			ret = build_queues(plan, workload, &options->engines);
		if (ret == 0)
			ret = plan_fences_build(workload);
		if (ret != 0)
			return ret;
		plan_bonds_build(workload);
		for (k = 0; k < workload->num_batches; k++) {
			if (workload->batches[k].num_locks > plan->max_locks)
				plan->max_locks = workload->batches[k].num_locks;
		}
	}
	return 0;
}

static int plan_fill(struct plan *plan, struct wsim_workload *const *workloads,
		     const struct submit_options *options)
{
	int ret;

	plan->workloads = calloc(plan->num_workloads, sizeof(*plan->workloads));
	plan->clients = calloc(plan->num_clients, sizeof(*plan->clients));
	ret = plan->workloads == NULL || plan->clients == NULL
		  ? -ENOMEM
		  : build_workloads(plan, workloads, options);
	if (ret == -ENOMEM)
		cli_error("not enough memory for the workloads of %" PRIu32 " clients",
			  plan->num_clients);
	if (ret == 0)
		ret = plan_fences_limit(plan, options->num_clients, options->repeat);
	if (ret == 0)
		ret = plan_buffers_number(plan, options->num_clients);
	if (ret == 0)
		ret = plan_buffers_fit(plan, options->num_clients, options->touch_full);
	if (ret == 0)
		ret = plan_buffers_create(plan, options->num_clients);
	return ret;
}

int plan_build(struct wwr_device *device, struct wsim_workload *const *workloads,
	       size_t num_workloads, const struct submit_options *options, struct plan *ret_plan)
{
	struct plan plan = {
	    .device = device,
	    .seed = options->seed,
	    .sort = options->sort,
	    .whole_pages = options->via_libdrm,
	};
	uint64_t num_clients = (uint64_t)num_workloads * options->num_clients;
	int ret;

	if (num_clients > PLAN_MAX_CLIENTS) {
		cli_error("--clients: expected at most %u clients of all workloads together, "
			  "found %" PRIu64,
			  PLAN_MAX_CLIENTS, num_clients);
		return -E2BIG;
	}
	plan.num_workloads = (uint32_t)num_workloads;
	plan.num_clients = (uint32_t)num_clients;
	ret = plan_fill(&plan, workloads, options);
	if (ret != 0) {
		plan_fini(&plan);
		return ret;
	}
	*ret_plan = plan;
	return 0;
}

void plan_fini(struct plan *plan)
{
	uint32_t i;

	for (i = 0; plan->buffers != NULL && i < plan->num_buffers; i++)
		wwr_device_bo_put(plan->buffers[i]);
	for (i = 0; plan->workloads != NULL && i < plan->num_workloads; i++) {
		plan_slots_fini(&plan->workloads[i]);
		free(plan->workloads[i].queues);
		free(plan->workloads[i].last_use);
		free(plan->workloads[i].name);
	}
	free(plan->buffers);
	free(plan->workloads);
	free(plan->clients);
	memset(plan, 0, sizeof(*plan));
}

uint32_t plan_buffer(const struct plan_client *client, uint32_t slot)
{
	const struct plan_workload *workload = client->workload;

	if (slot < workload->num_shared)
		return workload->shared_base + slot;
	return client->private_base + (slot - workload->num_shared);
}

static int compare_addresses(const void *a_ptr, const void *b_ptr, void *plan_ptr)
{
	const struct plan_access *a = a_ptr, *b = b_ptr;
	const struct plan *plan = plan_ptr;
	uintptr_t a_mutex = (uintptr_t)wwr_bo_mutex(wwr_device_bo_base(plan->buffers[a->buffer]));
	uintptr_t b_mutex = (uintptr_t)wwr_bo_mutex(wwr_device_bo_base(plan->buffers[b->buffer]));

	return (a_mutex > b_mutex) - (a_mutex < b_mutex);
}

uint32_t plan_accesses(const struct plan *plan, const struct plan_client *client,
		       const struct plan_batch *batch, struct plan_access *ret_accesses)
{
	uint32_t i;

	for (i = 0; i < batch->num_locks; i++) {
		ret_accesses[i].buffer = plan_buffer(client, batch->locks[i].slot);
		ret_accesses[i].access = batch->locks[i].access;
	}
	if (plan->sort)
		qsort_r(ret_accesses, batch->num_locks, sizeof(*ret_accesses), compare_addresses,
			(void *)plan);
	return batch->num_locks;
}
