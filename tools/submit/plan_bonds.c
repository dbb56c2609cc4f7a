/* SPDX-License-Identifier: MIT */
/*
 * Bonds belong to the engine map before them.  All of one map count, and of several with the same
 * master the engines add up.
 */
#include "tools/submit/plan_bonds.h"

#include <wwresv/device.h>

/* Is step number i a bond that is in force for a batch? */
static bool is_bond_of(const struct wsim_workload *wsim, size_t i, const struct wsim_step *batch)
{
	const struct wsim_step *step = &wsim->steps[i];

	return step->kind == WSIM_STEP_BOND && step->ctx_index == batch->ctx_index &&
	       step->bond.map_step == batch->batch.map_step;
}

/* The last step that gives the batch a bond. */
static size_t find_last(const struct wsim_workload *wsim, size_t number)
{
	const struct wsim_step *step = &wsim->steps[number];

	if (step->batch.map_step == WSIM_NO_STEP || step->batch.num_submits == 0)
		return WSIM_NO_STEP;
	while (--number > step->batch.map_step) {
		if (is_bond_of(wsim, number, step))
			return number;
	}
	return WSIM_NO_STEP;
}

void plan_bonds_build(struct plan_workload *workload)
{
	uint32_t i;

	for (i = 0; i < workload->num_batches; i++)
		workload->batches[i].bond_step =
		    find_last(workload->wsim, workload->batches[i].step);
}

static uint64_t engine_mask(const struct plan *plan, const struct wsim_engine *engine)
{
	return wwr_device_engine_mask(plan->device, (enum wwr_engine_class)engine->class,
				      engine->instance);
}

uint64_t plan_bonds_mask(const struct plan *plan, const struct plan_workload *workload,
			 const struct plan_batch *batch, unsigned int master)
{
	const struct wsim_step *steps = workload->wsim->steps;
	uint64_t mask = 0;
	size_t i, k;

	if (batch->bond_step == WSIM_NO_STEP)
		return 0;
	for (i = steps[batch->step].batch.map_step + 1; i <= batch->bond_step; i++) {
		if (!is_bond_of(workload->wsim, i, &steps[batch->step]) ||
		    (engine_mask(plan, &steps[i].bond.master) >> master & 1) == 0)
			continue;
		for (k = 0; k < steps[i].bond.num_engines; k++)
			mask |= engine_mask(plan, &steps[i].bond.engines[k]);
	}
	return mask & workload->queues[batch->queue].engine_mask;
}
