/* SPDX-License-Identifier: MIT */
/*
 * A sync_file is one descriptor of the client's until it is closed, and one of the library's until
 * its fence has signalled.  So a client needs at most
 *
 *	what its steps have open at a time
 *	+ one for each software fence of a loop, since all are signalled at its end
 *	+ one for each out-fence of a loop, times the loops in flight.
 */
#include "tools/submit/plan_fences.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tools/common/cli.h"

/* What the program has open without any fence. */
#define OTHER_FDS 64
/* Making a sync_file takes so many for a moment. */
#define FDS_AT_WORK 3
/* The system has to search its tables: more loops in flight are not worth more. */
#define WANTED_FDS 16384
/* Two loops overlap, whatever it takes. */
#define MIN_ROWS 2

static void note_use(struct plan_workload *workload, const struct wsim_dep *dep, size_t step)
{
	if (dep->kind == WSIM_DEP_FENCE || dep->kind == WSIM_DEP_SUBMIT)
		workload->last_use[dep->step] = (uint32_t)step;
}

static void note_uses(struct plan_workload *workload)
{
	const struct wsim_step *steps = workload->wsim->steps;
	size_t step, i;

	for (step = 0; step < workload->wsim->num_steps; step++) {
		workload->last_use[step] = PLAN_NO_USE;
		for (i = 0; steps[step].kind == WSIM_STEP_BATCH && i < steps[step].batch.num_deps;
		     i++)
			note_use(workload, &steps[step].batch.deps[i], step);
	}
}

/* How many fences have this step as their last use. */
static uint32_t count_ends(const struct plan_workload *workload, const struct wsim_batch *batch,
			   size_t step)
{
	uint32_t num = 0;
	size_t i, k;

	for (i = 0; i < batch->num_deps; i++) {
		if ((batch->deps[i].kind != WSIM_DEP_FENCE &&
		     batch->deps[i].kind != WSIM_DEP_SUBMIT) ||
		    workload->last_use[batch->deps[i].step] != step)
			continue;
		/* Named twice in the list: one descriptor. */
		for (k = 0; k < i; k++) {
			if (batch->deps[k].kind != WSIM_DEP_OUTPUT &&
			    batch->deps[k].kind != WSIM_DEP_OBJECTS &&
			    batch->deps[k].step == batch->deps[i].step)
				break;
		}
		num += k == i;
	}
	return num;
}

static void count_fences(struct plan_workload *workload)
{
	const struct wsim_step *step;
	uint32_t num_open = 0;
	size_t i;

	for (i = 0; i < workload->wsim->num_steps; i++) {
		step = &workload->wsim->steps[i];
		if (step->kind == WSIM_STEP_SW_FENCE)
			workload->num_sw_fences++;
		else if (step->kind == WSIM_STEP_BATCH && workload->last_use[i] != PLAN_NO_USE)
			workload->num_out_fences++;
		if (workload->last_use[i] != PLAN_NO_USE)
			num_open++;
		if (num_open > workload->max_open_fences)
			workload->max_open_fences = num_open;
		if (step->kind == WSIM_STEP_BATCH)
			num_open -= count_ends(workload, &step->batch, i);
	}
}

int plan_fences_build(struct plan_workload *workload)
{
	workload->last_use = calloc(workload->wsim->num_steps + 1, sizeof(*workload->last_use));
	if (workload->last_use == NULL)
		return -ENOMEM;
	note_uses(workload);
	count_fences(workload);
	return 0;
}

static bool has_fences(const struct plan_workload *workload)
{
	return workload->num_sw_fences > 0 || workload->num_out_fences > 0;
}

/* What all clients need with so many loops in flight; 0 = there are no explicit fences. */
static uint64_t needed_fds(const struct plan *plan, uint32_t clients_each, uint32_t num_rows)
{
	const struct plan_workload *workload;
	uint64_t num = 0;
	uint32_t i;

	for (i = 0; i < plan->num_workloads; i++) {
		workload = &plan->workloads[i];
		if (!has_fences(workload))
			continue;
		num += (uint64_t)clients_each *
		       (workload->max_open_fences + workload->num_sw_fences + FDS_AT_WORK +
			(uint64_t)num_rows * workload->num_out_fences);
	}
	return num == 0 ? 0 : num + OTHER_FDS;
}

/* The limit of this process, raised to what is wanted as far as the system lets us. */
static uint64_t raise_limit(uint64_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = limit;

		raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return raised.rlim_cur;
	}
	return limit.rlim_cur;
}

int plan_fences_limit(struct plan *plan, uint32_t clients_each, uint32_t num_loops)
{
	uint32_t num_rows = num_loops < MIN_ROWS ? num_loops : MIN_ROWS;
	uint64_t least = needed_fds(plan, clients_each, num_rows);
	uint64_t limit;
	uint32_t i;

	if (least == 0)
		return 0;
	limit = raise_limit(least > WANTED_FDS ? least : WANTED_FDS);
	if (least > limit) {
		cli_error("the explicit fences of %" PRIu32 " clients need %" PRIu64
			  " file descriptors, and the limit is %" PRIu64
			  " (ulimit -n): raise it, or use fewer clients",
			  plan->num_clients, least, limit);
		return -EMFILE;
	}
	if (limit > WANTED_FDS && least <= WANTED_FDS)
		limit = WANTED_FDS;
	while (num_rows < num_loops && num_rows < PLAN_MAX_ROWS &&
	       needed_fds(plan, clients_each, num_rows + 1) <= limit)
		num_rows++;
	for (i = 0; i < plan->num_workloads; i++) {
		if (plan->workloads[i].num_out_fences > 0)
			plan->workloads[i].max_rows = num_rows;
	}
	return 0;
}
