/* SPDX-License-Identifier: MIT */
/*
 * Values are packed with "o", which takes the reference and fails when it is NULL; so an
 * allocation that fails anywhere makes the whole NULL and leaks nothing.
 */
#include "wsim_list.h"

#include "error.h"

#include <jansson.h>
#include <string.h>

static json_t *engine_json(const struct wsim_engine *engine)
{
	char name[40];

	wsim_engine_format(engine, name, sizeof(name));
	return json_string(name);
}

static json_t *engines_json(const struct wsim_engine *engines, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < count; i++) {
		if (json_array_append_new(array, engine_json(&engines[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *dep_json(const struct wsim_dep *dep)
{
	switch (dep->kind) {
	case WSIM_DEP_OUTPUT:
		return json_pack("{s:s, s:I}", "kind", "output", "step", (json_int_t)dep->step);
	case WSIM_DEP_FENCE:
		return json_pack("{s:s, s:I}", "kind", "fence", "step", (json_int_t)dep->step);
	case WSIM_DEP_SUBMIT:
		return json_pack("{s:s, s:I}", "kind", "submit", "step", (json_int_t)dep->step);
	default:
		return json_pack("{s:s, s:I, s:I, s:I}", "kind", dep->write ? "write" : "read",
				 "set", (json_int_t)dep->set_id, "first", (json_int_t)dep->first,
				 "last", (json_int_t)dep->last);
	}
}

static json_t *deps_json(const struct wsim_batch *batch)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < batch->num_deps; i++) {
		if (json_array_append_new(array, dep_json(&batch->deps[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* A step number, or null. */
static json_t *step_number_json(size_t step)
{
	return step == WSIM_NO_STEP ? json_null() : json_integer((json_int_t)step);
}

static json_t *batch_json(const struct wsim_step *step)
{
	const struct wsim_batch *batch = &step->batch;

	return json_pack("{s:I, s:o, s:o, s:b, s:b, s:I, s:I, s:o, s:b}", "ctx",
			 (json_int_t)step->ctx, "engine", engine_json(&batch->engine), "map",
			 step_number_json(batch->map_step), "balanced", batch->balanced, "endless",
			 batch->endless, "min_us", (json_int_t)batch->min_us, "max_us",
			 (json_int_t)batch->max_us, "dependencies", deps_json(batch), "wait",
			 batch->wait);
}

static json_t *context_step_json(const struct wsim_step *step)
{
	json_int_t ctx = step->ctx;

	switch (step->kind) {
	case WSIM_STEP_ENGINE_MAP:
		return json_pack("{s:I, s:o}", "ctx", ctx, "engines",
				 engines_json(step->map.engines, step->map.num_engines));
	case WSIM_STEP_LOAD_BALANCE:
		return json_pack("{s:I, s:I}", "ctx", ctx, "map", (json_int_t)step->map_step);
	case WSIM_STEP_BOND:
		return json_pack("{s:I, s:o, s:o}", "ctx", ctx, "engines",
				 engines_json(step->bond.engines, step->bond.num_engines), "master",
				 engine_json(&step->bond.master));
	case WSIM_STEP_PREEMPTION:
		return json_pack("{s:I, s:I}", "ctx", ctx, "us", (json_int_t)step->us);
	default:
		return json_pack("{s:I, s:I}", "ctx", ctx, "value", (json_int_t)step->value);
	}
}

/* What is particular to the kind of the step. */
static json_t *details_json(const struct wsim_workload *workload, const struct wsim_step *step)
{
	switch (step->kind) {
	case WSIM_STEP_BATCH:
		return batch_json(step);
	case WSIM_STEP_DELAY:
	case WSIM_STEP_PERIOD:
		return json_pack("{s:I}", "us", (json_int_t)step->us);
	case WSIM_STEP_SYNC:
	case WSIM_STEP_SIGNAL:
	case WSIM_STEP_TERMINATE:
		return json_pack("{s:I}", "target", (json_int_t)step->target);
	case WSIM_STEP_THROTTLE:
	case WSIM_STEP_QUEUE_DEPTH:
		return json_pack("{s:I}", "count", (json_int_t)step->count);
	case WSIM_STEP_SW_FENCE:
		return json_object();
	case WSIM_STEP_WORKING_SET:
		return json_pack("{s:I}", "set", (json_int_t)workload->sets[step->set].id);
	default:
		return context_step_json(step);
	}
}

static json_t *step_json(const struct wsim_workload *workload, size_t number)
{
	const struct wsim_step *step = &workload->steps[number];
	json_t *common = json_pack("{s:I, s:I, s:I, s:s, s:s}", "step", (json_int_t)number, "line",
				   (json_int_t)step->line, "column", (json_int_t)step->column,
				   "kind", wsim_step_kind_name(step->kind), "text", step->text);
	json_t *details = details_json(workload, step);

	if (common == NULL || details == NULL || json_object_update(common, details) != 0) {
		json_decref(common);
		common = NULL;
	}
	json_decref(details);
	return common;
}

static json_t *set_json(const struct wsim_set *set)
{
	return json_pack("{s:I, s:b, s:I, s:I, s:I}", "id", (json_int_t)set->id, "shared",
			 set->shared, "objects", (json_int_t)set->num_objects, "min_bytes",
			 (json_int_t)set->min_bytes, "max_bytes", (json_int_t)set->max_bytes);
}

static json_t *steps_json(const struct wsim_workload *workload)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < workload->num_steps; i++) {
		if (json_array_append_new(array, step_json(workload, i)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *sets_json(const struct wsim_workload *workload)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < workload->num_sets; i++) {
		if (json_array_append_new(array, set_json(&workload->sets[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Steps are ASCII, so only names need it. */
struct json_t *wsim_name_json(const char *name)
{
	char quoted[256];
	json_t *string = json_string(name);

	if (string != NULL)
		return string;
	wsim_error_quote(quoted, sizeof(quoted), (struct wsim_span){name, strlen(name)});
	return json_string(quoted);
}

struct json_t *wsim_list_json(const struct wsim_workload *workload)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
			 wsim_name_json(workload->name), "source", wsim_name_json(workload->source),
			 "batches", (json_int_t)workload->num_batches, "objects",
			 (json_int_t)workload->num_objects, "min_bytes",
			 (json_int_t)workload->min_bytes, "max_bytes",
			 (json_int_t)workload->max_bytes, "sets", sets_json(workload), "steps",
			 steps_json(workload));
}
