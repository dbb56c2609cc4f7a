/* SPDX-License-Identifier: MIT */
#ifndef PLAN_BONDS_H
#define PLAN_BONDS_H

#include "tools/submit/plan.h"

struct wwr_queue;

/* Find the bonds of each batch. */
void plan_bonds_build(struct plan_workload *workload);

/*
 * Give a batch's queue of a client the bonds that are in force for the batch, and no others.  0 or
 * -ENOMEM.
 */
int plan_bonds_apply(const struct plan *plan, const struct plan_workload *workload,
		     const struct plan_batch *batch, struct wwr_queue *queue);

#endif
