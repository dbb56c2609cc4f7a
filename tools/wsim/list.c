/* SPDX-License-Identifier: MIT */
#include "wsim_list.h"

#include <inttypes.h>

static void print_engine(const struct wsim_engine *engine, FILE *out)
{
	char name[40];

	wsim_engine_format(engine, name, sizeof(name));
	fputs(name, out);
}

static void print_engines(const struct wsim_engine *engines, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? "" : " ", out);
		print_engine(&engines[i], out);
	}
}

static void print_duration(const struct wsim_batch *batch, FILE *out)
{
	if (batch->endless)
		fputs("until ended", out);
	else if (batch->min_us == batch->max_us)
		fprintf(out, "%" PRIu32 " us", batch->min_us);
	else
		fprintf(out, "%" PRIu32 " to %" PRIu32 " us", batch->min_us, batch->max_us);
}

static void print_range(const struct wsim_dep *dep, FILE *out)
{
	fprintf(out, "%s set %" PRIu32 ":%" PRIu32, dep->write ? "writes" : "reads", dep->set_id,
		dep->first);
	if (dep->last != dep->first)
		fprintf(out, "-%" PRIu32, dep->last);
}

static void print_dep(const struct wsim_dep *dep, FILE *out)
{
	switch (dep->kind) {
	case WSIM_DEP_OUTPUT:
		fprintf(out, "reads output of step %zu", dep->step);
		break;
	case WSIM_DEP_OBJECTS:
		print_range(dep, out);
		break;
	case WSIM_DEP_FENCE:
		fprintf(out, "after fence of step %zu", dep->step);
		break;
	case WSIM_DEP_SUBMIT:
		fprintf(out, "after start of step %zu", dep->step);
		break;
	}
}

static void print_batch(const struct wsim_step *step, FILE *out)
{
	const struct wsim_batch *batch = &step->batch;

	fprintf(out, "ctx %" PRIu32 " on ", step->ctx);
	print_engine(&batch->engine, out);
	if (batch->map_step != WSIM_NO_STEP)
		fprintf(out, ", map of step %zu%s", batch->map_step,
			batch->balanced ? " balanced" : "");
	fputs(", ", out);
	print_duration(batch, out);
	for (size_t i = 0; i < batch->num_deps; i++) {
		fputs("; ", out);
		print_dep(&batch->deps[i], out);
	}
	if (batch->wait)
		fputs("; then waits", out);
}

static void print_bytes(uint64_t min, uint64_t max, FILE *out)
{
	fprintf(out, "%" PRIu64, min);
	if (max != min)
		fprintf(out, " to %" PRIu64, max);
	fputs(" bytes", out);
}

static void print_set(const struct wsim_set *set, FILE *out)
{
	fprintf(out, "%s set %" PRIu32 ", %" PRIu64 " objects, ",
		set->shared ? "shared" : "private", set->id, set->num_objects);
	print_bytes(set->min_bytes, set->max_bytes, out);
}

static void print_context_step(const struct wsim_step *step, FILE *out)
{
	fprintf(out, "ctx %" PRIu32, step->ctx);
	switch (step->kind) {
	case WSIM_STEP_ENGINE_MAP:
		fputs(": ", out);
		print_engines(step->map.engines, step->map.num_engines, out);
		break;
	case WSIM_STEP_LOAD_BALANCE:
		fprintf(out, ": over the map of step %zu", step->map_step);
		break;
	case WSIM_STEP_BOND:
		fputs(": onto ", out);
		print_engines(step->bond.engines, step->bond.num_engines, out);
		fputs(" after ", out);
		print_engine(&step->bond.master, out);
		break;
	case WSIM_STEP_PREEMPTION:
		fprintf(out, ": %" PRIu32 " us%s", step->us, step->us == 0 ? " (never)" : "");
		break;
	default:
		fprintf(out, ": %" PRId64, step->value);
		break;
	}
}

static void print_meaning(const struct wsim_workload *workload, const struct wsim_step *step,
			  FILE *out)
{
	switch (step->kind) {
	case WSIM_STEP_BATCH:
		print_batch(step, out);
		break;
	case WSIM_STEP_DELAY:
	case WSIM_STEP_PERIOD:
		fprintf(out, "%" PRIu32 " us", step->us);
		break;
	case WSIM_STEP_SYNC:
	case WSIM_STEP_SIGNAL:
	case WSIM_STEP_TERMINATE:
		fprintf(out, "step %zu", step->target);
		break;
	case WSIM_STEP_THROTTLE:
	case WSIM_STEP_QUEUE_DEPTH:
		fprintf(out, "%" PRIu32 "%s", step->count, step->count == 0 ? " (off)" : "");
		break;
	case WSIM_STEP_SW_FENCE:
		fputs("new", out);
		break;
	case WSIM_STEP_WORKING_SET:
		print_set(&workload->sets[step->set], out);
		break;
	default:
		print_context_step(step, out);
		break;
	}
}

void wsim_list_print(const struct wsim_workload *workload, FILE *out)
{
	fprintf(out, "%s: %zu steps, %zu batches, %" PRIu64 " objects, ", workload->name,
		workload->num_steps, workload->num_batches, workload->num_objects);
	print_bytes(workload->min_bytes, workload->max_bytes, out);
	fprintf(out, "\n%5s %5s  %-14s  what\n", "step", "line", "kind");
	for (size_t i = 0; i < workload->num_steps; i++) {
		const struct wsim_step *step = &workload->steps[i];

		fprintf(out, "%5zu %5" PRIu32 "  %-14s  ", i, step->line,
			wsim_step_kind_name(step->kind));
		print_meaning(workload, step, out);
		fprintf(out, "  [%s]\n", step->text);
	}
}
