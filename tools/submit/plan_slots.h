/* SPDX-License-Identifier: MIT */
/* Building the lists of one workload; a part of plan_build(). */
#ifndef PLAN_SLOTS_H
#define PLAN_SLOTS_H

#include "tools/submit/plan.h"

/*
 * Fill in slots and batches of a workload whose other fields up to `share` are set.  With `all`
 * every declared object has a slot, else only those that a batch names: a descriptor may declare
 * a thousand million objects.  Returns 0, -ENOMEM or -E2BIG after a message; what was allocated
 * is freed by plan_slots_fini().
 */
int plan_slots_build(struct plan_workload *workload, bool all);

/* A zeroed workload is fine. */
void plan_slots_fini(struct plan_workload *workload);

/* Do all clients of the workload share this set? */
bool plan_set_is_shared(const struct plan_workload *workload, size_t set);

#endif
