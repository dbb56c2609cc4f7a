/* SPDX-License-Identifier: MIT */
/* Explicit fences and the file descriptors that they need; a part of plan_build(). */
#ifndef PLAN_FENCES_H
#define PLAN_FENCES_H

#include "tools/submit/plan.h"

/* Fill in the last uses and counts of explicit fences.  0 or -ENOMEM; freed by plan_fini(). */
int plan_fences_build(struct plan_workload *workload);

/*
 * See that there are enough file descriptors for the fences of all clients, raise the soft limit
 * if that helps, and bound the loops in flight of each client by them.  0, or -EMFILE after a
 * message.
 */
int plan_fences_limit(struct plan *plan, uint32_t clients_each, uint32_t num_loops);

#endif
