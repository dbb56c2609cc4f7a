/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: whatever the text, what the parser accepts is sound and what it refuses has
 * a place in the text. The first byte says whether the text is a file.
 *
 *   clang -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined \
 *     -fno-sanitize-recover=all -Itools/wsim tests/fuzz/fuzz_wsim.c BUILD/tools/wsim/builtins.c \
 *     $(ls tools/wsim/[a-z]*.c | grep -v list) -o fuzz_wsim
 */
#include "wsim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More locks than this are not listed, to keep the fuzzer fast. */
#define MAX_LISTED 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assert() that is there in every build. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static const struct wsim_engine_counts engines = {{1, 1, 2, 1, 1}};

static bool is_kind(const struct wsim_workload *workload, size_t step, enum wsim_step_kind kind)
{
	return workload->steps[step].kind == kind;
}

static void check_map_step(const struct wsim_workload *workload, size_t number, size_t map_step)
{
	CHECK(map_step < number);
	CHECK(is_kind(workload, map_step, WSIM_STEP_ENGINE_MAP));
	CHECK(workload->steps[map_step].ctx == workload->steps[number].ctx);
}

static void check_dep(const struct wsim_workload *workload, size_t number,
		      const struct wsim_dep *dep)
{
	if (dep->kind == WSIM_DEP_OBJECTS) {
		CHECK(dep->set < workload->num_sets);
		CHECK(workload->sets[dep->set].id == dep->set_id);
		CHECK(dep->first <= dep->last);
		CHECK(dep->last < workload->sets[dep->set].num_objects);
		return;
	}
	CHECK(dep->step < number);
	CHECK(is_kind(workload, dep->step, WSIM_STEP_BATCH) ||
	      (dep->kind == WSIM_DEP_FENCE && is_kind(workload, dep->step, WSIM_STEP_SW_FENCE)));
}

static void check_locks(const struct wsim_workload *workload, const struct wsim_step *step)
{
	struct wsim_lock *locks;
	uint64_t num_objects;
	size_t count;

	CHECK(wsim_batch_num_objects(workload, step, &num_objects) == 0);
	if (num_objects > MAX_LISTED)
		return;
	CHECK(wsim_batch_locks(workload, step, &locks, &count) == 0);
	CHECK(count == num_objects + 1);
	for (size_t i = 0; i < count; i++)
		CHECK(locks[i].read || locks[i].write);
	CHECK(locks[count - 1].set == SIZE_MAX);
	CHECK(locks[count - 1].object == (size_t)(step - workload->steps));
	free(locks);
}

static void check_engines(const struct wsim_workload *workload, const struct wsim_step *step)
{
	struct wsim_engine got[8];
	size_t count = wsim_batch_engines(workload, step, &engines, got, 8);

	CHECK(count >= 1 && count <= 6);
	for (size_t i = 0; i < count; i++) {
		CHECK(got[i].instance >= 1);
		CHECK(got[i].instance <= engines.count[got[i].class]);
	}
}

static void check_batch(const struct wsim_workload *workload, size_t number)
{
	const struct wsim_step *step = &workload->steps[number];
	const struct wsim_batch *batch = &step->batch;
	size_t num_deps =
	    batch->num_outputs + batch->num_object_deps + batch->num_fences + batch->num_submits;
	uint64_t loops;

	CHECK(batch->endless == (batch->min_us == 0));
	CHECK(batch->min_us <= batch->max_us);
	CHECK(num_deps == batch->num_deps);
	for (size_t i = 0; i < batch->num_deps; i++)
		check_dep(workload, number, &batch->deps[i]);
	if (batch->map_step != WSIM_NO_STEP)
		check_map_step(workload, number, batch->map_step);
	CHECK(batch->map_step != WSIM_NO_STEP || !batch->balanced);
	CHECK(step->prev_batch == number);
	CHECK(
	    is_kind(workload, wsim_throttle_target(workload, number, 3, &loops), WSIM_STEP_BATCH));
	check_locks(workload, step);
	check_engines(workload, step);
}

static void check_set(const struct wsim_set *set)
{
	uint64_t objects = 0, max_bytes = 0;

	for (size_t i = 0; i < set->num_groups; i++) {
		const struct wsim_group *group = &set->groups[i];
		uint64_t bytes = wsim_object_bytes(set, group->first, 1);

		CHECK(group->first == objects);
		CHECK(group->count >= 1);
		CHECK(group->min_bytes >= 1 && group->min_bytes <= group->max_bytes);
		CHECK(bytes >= group->min_bytes && bytes <= group->max_bytes);
		objects += group->count;
		max_bytes += group->count * group->max_bytes;
	}
	CHECK(objects == set->num_objects);
	CHECK(max_bytes == set->max_bytes);
}

static void check_step(const struct wsim_workload *workload, size_t number)
{
	const struct wsim_step *step = &workload->steps[number];

	CHECK(step->line >= 1 && step->column >= 1);
	CHECK(step->text[0] != '\0' && step->text[0] != '#');
	switch (step->kind) {
	case WSIM_STEP_BATCH:
		check_batch(workload, number);
		break;
	case WSIM_STEP_SYNC:
	case WSIM_STEP_TERMINATE:
		CHECK(step->target < number && is_kind(workload, step->target, WSIM_STEP_BATCH));
		CHECK(step->kind == WSIM_STEP_SYNC || workload->steps[step->target].batch.endless);
		break;
	case WSIM_STEP_SIGNAL:
		CHECK(step->target < number);
		CHECK(is_kind(workload, step->target, WSIM_STEP_SW_FENCE));
		break;
	case WSIM_STEP_LOAD_BALANCE:
		check_map_step(workload, number, step->map_step);
		break;
	case WSIM_STEP_BOND:
		check_map_step(workload, number, step->bond.map_step);
		CHECK(step->bond.num_engines >= 1);
		break;
	case WSIM_STEP_WORKING_SET:
		CHECK(workload->sets[step->set].step == number);
		check_set(&workload->sets[step->set]);
		break;
	default:
		break;
	}
}

/* The steps alone, a line each, are the same workload again. */
static void check_again(const struct wsim_workload *workload)
{
	struct wsim_workload *again;
	struct wsim_error err;
	size_t size = 1;
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < workload->num_steps; i++)
		size += strlen(workload->steps[i].text) + 1;
	text = malloc(size);
	CHECK(text != NULL);
	for (size_t i = 0; i < workload->num_steps; i++)
		len += (size_t)sprintf(text + len, "%s\n", workload->steps[i].text);
	CHECK(wsim_parse("again", text, len, true, &engines, &again, &err) == 0);
	CHECK(again->num_steps == workload->num_steps);
	CHECK(again->num_batches == workload->num_batches);
	CHECK(again->num_objects == workload->num_objects);
	CHECK(again->min_bytes == workload->min_bytes);
	for (size_t i = 0; i < again->num_steps; i++)
		CHECK(strcmp(again->steps[i].text, workload->steps[i].text) == 0);
	wsim_free(again);
	free(text);
}

static void check_workload(const struct wsim_workload *workload)
{
	uint64_t max_bytes = 0;

	CHECK(workload->num_steps >= 1);
	CHECK(workload->max_bytes < WSIM_MAX_BYTES);
	for (size_t i = 0; i < workload->num_steps; i++)
		check_step(workload, i);
	for (size_t i = 0; i < workload->num_sets; i++)
		max_bytes += workload->sets[i].max_bytes;
	CHECK(max_bytes == workload->max_bytes);
	check_again(workload);
}

static void check_error(const struct wsim_error *err, const char *text, size_t len)
{
	size_t pos = 0;

	CHECK(strncmp(err->expected, "expected ", 9) == 0);
	CHECK(err->caret <= strlen(err->text));
	if (err->line == 0)
		return;
	for (uint32_t line = 1; line < err->line; line++) {
		while (pos < len && text[pos] != '\n')
			pos++;
		CHECK(pos < len);
		pos++;
	}
	CHECK(err->column >= 1 && err->column - 1 <= len - pos);
	CHECK(memchr(text + pos, '\n', err->column - 1) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;
	const char *text = (const char *)data + 1;
	bool from_file;

	if (size == 0)
		return 0;
	from_file = (data[0] & 1) != 0;
	if (wsim_parse("f", text, size - 1, from_file, &engines, &workload, &err) != 0) {
		check_error(&err, text, size - 1);
		return 0;
	}
	check_workload(workload);
	wsim_free(workload);
	CHECK(wsim_parse("f", text, size - 1, from_file, NULL, &workload, &err) == 0);
	wsim_free(workload);
	return 0;
}
