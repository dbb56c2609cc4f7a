/* SPDX-License-Identifier: MIT */
/* Names, seeds and labels: pure functions of a plan's numbers. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "tools/submit/plan.h"

#define LABEL_LOOP_BITS 30
#define LABEL_STEP_BITS 20

static_assert(PLAN_MAX_LOOPS < 1u << LABEL_LOOP_BITS, "loops fit a label");
/* A step is at least one character and a separator. */
static_assert(WSIM_MAX_TEXT / 2 <= 1u << LABEL_STEP_BITS, "steps fit a label");
static_assert(PLAN_MAX_CLIENTS <= 1u << (64 - LABEL_LOOP_BITS - LABEL_STEP_BITS),
	      "clients fit a label");

uint64_t plan_label(uint32_t client, uint32_t step, uint32_t loop)
{
	return (uint64_t)client << (LABEL_LOOP_BITS + LABEL_STEP_BITS) |
	       (uint64_t)step << LABEL_LOOP_BITS | loop;
}

uint32_t plan_label_client(uint64_t label)
{
	return (uint32_t)(label >> (LABEL_LOOP_BITS + LABEL_STEP_BITS));
}

uint32_t plan_label_step(uint64_t label)
{
	return (uint32_t)(label >> LABEL_LOOP_BITS) & ((1u << LABEL_STEP_BITS) - 1);
}

uint32_t plan_label_loop(uint64_t label)
{
	return (uint32_t)label & ((1u << LABEL_LOOP_BITS) - 1);
}

static uint64_t mix(uint64_t seed, uint64_t number)
{
	struct wsim_rng rng = {.state = seed};
	struct wsim_rng mixed = {.state = wsim_rng_next(&rng) ^ number};

	return wsim_rng_next(&mixed);
}

uint64_t plan_job_seed(const struct plan *plan, uint32_t client, uint32_t step, uint32_t loop)
{
	return mix(plan->seed, plan_label(client, step, loop));
}

/* The loop number of no job, so that this is the seed of no job either. */
uint64_t plan_client_seed(const struct plan *plan, uint32_t client)
{
	return mix(plan->seed, plan_label(client, 0, PLAN_MAX_LOOPS));
}

/* The client that a buffer is private to, or NULL. */
static const struct plan_client *find_owner(const struct plan *plan, uint32_t buffer)
{
	const struct plan_client *client;
	uint32_t i;

	for (i = 0; i < plan->num_clients; i++) {
		client = &plan->clients[i];
		if (buffer >= client->private_base &&
		    buffer - client->private_base <
			client->workload->num_slots - client->workload->num_shared)
			return client;
	}
	return NULL;
}

static const struct plan_workload *find_workload(const struct plan *plan, uint32_t buffer)
{
	const struct plan_workload *workload = plan->workloads;
	uint32_t i;

	for (i = 0; i < plan->num_workloads; i++) {
		if (plan->workloads[i].shared_base <= buffer)
			workload = &plan->workloads[i];
	}
	return workload;
}

int plan_buffer_name(const struct plan *plan, uint32_t buffer, char *buf, size_t size)
{
	const struct plan_workload *workload = find_workload(plan, buffer);
	const struct plan_client *owner = find_owner(plan, buffer);
	const struct plan_slot *slot;
	char client[16] = "";

	if (owner == NULL) {
		slot = &workload->slots[buffer - workload->shared_base];
	} else {
		slot = &workload->slots[workload->num_shared + buffer - owner->private_base];
		snprintf(client, sizeof(client), "c%" PRIu32 "/", owner->number);
	}
	if (slot->set == PLAN_OUTPUT)
		return snprintf(buf, size, "%s/%sout[%" PRIu64 "]", workload->name, client,
				slot->object);
	return snprintf(buf, size, "%s/%sw%" PRIu32 "[%" PRIu64 "]", workload->name, client,
			workload->wsim->sets[slot->set].id, slot->object);
}
