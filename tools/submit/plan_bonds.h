/* SPDX-License-Identifier: MIT */
#ifndef PLAN_BONDS_H
#define PLAN_BONDS_H

#include "tools/submit/plan.h"

/* Find the bonds of each batch. */
void plan_bonds_build(struct plan_workload *workload);

/*
 * Where the bonds that are in force for a batch want it with one that runs on engine master; 0 =
 * anywhere.
 */
uint64_t plan_bonds_mask(const struct plan *plan, const struct plan_workload *workload,
			 const struct plan_batch *batch, unsigned int master);

#endif
