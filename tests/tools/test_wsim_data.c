/* SPDX-License-Identifier: MIT */
/* The built-in workloads, and real ones where they are on this machine. */
#include "tests/tools/test_wsim.h"

#include <stdlib.h>

TestSuite(wsim_data, .timeout = 60);

/* Least, middle and most buffers that the batches lock, own outputs not counted. */
struct spread {
	uint64_t least;
	uint64_t median;
	uint64_t most;
};

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* How much of a batch is measured, own outputs not counted. */
typedef uint64_t (*measure_fn)(const struct wsim_workload *workload, const struct wsim_step *step);

static uint64_t count_objects(const struct wsim_workload *workload, const struct wsim_step *step)
{
	uint64_t count = 0;

	cr_assert_eq(wsim_batch_num_objects(workload, step, &count), 0);
	return count;
}

/* In tenths of a MiB, rounded; only for batches without inputs by -N. */
static uint64_t count_mebibytes(const struct wsim_workload *workload, const struct wsim_step *step)
{
	struct wsim_lock *locks = NULL;
	size_t count = 0;
	uint64_t bytes = 0;

	cr_assert_eq(step->batch.num_outputs, 0);
	cr_assert_eq(wsim_batch_locks(workload, step, &locks, &count), 0);
	for (size_t i = 0; i < count - 1; i++)
		bytes += wsim_object_bytes(&workload->sets[locks[i].set], locks[i].object, 1);
	free(locks);
	return (bytes * 10 + (1 << 19)) >> 20;
}

static struct spread spread_of(const struct wsim_workload *workload, measure_fn measure)
{
	uint64_t *counts = calloc(workload->num_batches + 1, sizeof(*counts));
	size_t num_counts = 0;
	struct spread spread;

	cr_assert_not_null(counts);
	for (size_t i = 0; i < workload->num_steps; i++) {
		if (workload->steps[i].kind == WSIM_STEP_BATCH)
			counts[num_counts++] = measure(workload, &workload->steps[i]);
	}
	cr_assert_gt(num_counts, 0);
	qsort(counts, num_counts, sizeof(*counts), compare_u64);
	spread = (struct spread){counts[0], counts[num_counts / 2], counts[num_counts - 1]};
	free(counts);
	return spread;
}

static struct spread locks_of(const struct wsim_workload *workload)
{
	return spread_of(workload, count_objects);
}

static struct wsim_workload *load(const char *arg)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_assert_eq(wsim_load_argument(arg, &test_wsim_engines, &workload, &err), 0,
		     "%s:%u:%u: %s", err.file, err.line, err.column, err.expected);
	return workload;
}

Test(wsim_data, builtins_all_load_and_are_described)
{
	size_t count;
	const struct wsim_builtin *builtins = wsim_builtin_list(&count);

	cr_assert_geq(count, 6);
	for (size_t i = 0; i < count; i++) {
		struct wsim_workload *workload = load(builtins[i].name);

		cr_expect_gt(workload->num_batches, 3, "%s", builtins[i].name);
		cr_expect_gt(strlen(builtins[i].description), 20);
		cr_expect_eq(strlen(builtins[i].text), builtins[i].len);
		cr_expect_eq(wsim_builtin_find(builtins[i].name), &builtins[i]);
		cr_expect(i == 0 || strcmp(builtins[i - 1].name, builtins[i].name) < 0);
		wsim_free(workload);
	}
	cr_expect_null(wsim_builtin_find("none"));
}

Test(wsim_data, game_locks_more_than_a_hundred_buffers)
{
	struct wsim_workload *workload = load("game");

	cr_expect_geq(locks_of(workload).most, 100);
	wsim_free(workload);
}

/* All batches lock the same shared buffers, no two of them in the same order. */
Test(wsim_data, contended_wants_the_same_buffers_in_other_orders)
{
	struct wsim_workload *workload = load("contended");
	struct spread spread = locks_of(workload);
	const struct wsim_step *steps = workload->steps;

	cr_assert_eq(workload->num_sets, 1);
	cr_expect(workload->sets[0].shared);
	cr_expect_eq(spread.least, workload->num_objects);
	cr_expect_eq(spread.most, workload->num_objects);
	for (size_t i = 0; i < workload->num_steps; i++) {
		for (size_t j = 0; j < i; j++) {
			if (steps[i].kind != WSIM_STEP_BATCH || steps[j].kind != WSIM_STEP_BATCH)
				continue;
			cr_expect_str_neq(strstr(steps[i].text, "w1-"),
					  strstr(steps[j].text, "w1-"));
		}
	}
	wsim_free(workload);
}

Test(wsim_data, video_balances_and_uses_vecs)
{
	struct wsim_workload *workload = load("video");
	bool balanced = false, vecs = false;

	for (size_t i = 0; i < workload->num_steps; i++) {
		if (workload->steps[i].kind != WSIM_STEP_BATCH)
			continue;
		balanced |= workload->steps[i].batch.balanced;
		vecs |= workload->steps[i].batch.engine.class == WSIM_VECS;
	}
	cr_expect(balanced);
	cr_expect(vecs);
	wsim_free(workload);
}

Test(wsim_data, explicit_uses_every_kind_of_fence)
{
	struct wsim_workload *workload = load("explicit");
	size_t fences = 0, submits = 0, signals = 0;

	for (size_t i = 0; i < workload->num_steps; i++) {
		const struct wsim_step *step = &workload->steps[i];

		signals += step->kind == WSIM_STEP_SIGNAL;
		if (step->kind != WSIM_STEP_BATCH)
			continue;
		fences += step->batch.num_fences;
		submits += step->batch.num_submits;
	}
	cr_expect_gt(fences, 0);
	cr_expect_gt(submits, 0);
	cr_expect_gt(signals, 0);
	wsim_free(workload);
}

static void path_in(char *path, size_t size, const char *dir, const char *name)
{
	cr_assert_lt((size_t)snprintf(path, size, "%s/%s", dir, name), size);
}

static void load_and_free(const char *path, unsigned int number)
{
	(void)number;
	wsim_free(load(path));
}

Test(wsim_data, real_descriptors_all_load)
{
	const char *dir;

	TEST_NEED_WSIM_DIR(&dir);
	cr_expect_geq(test_wsim_for_each(dir, load_and_free), 12);
}

Test(wsim_data, carchasepart_has_the_known_numbers)
{
	struct wsim_workload *workload;
	struct spread spread;
	const char *dir;
	char path[1024];

	TEST_NEED_WSIM_DIR(&dir);
	path_in(path, sizeof(path), dir, "carchasepart.wsim");
	workload = load(path);
	spread = locks_of(workload);
	cr_expect_str_eq(workload->name, "carchasepart");
	cr_expect_eq(workload->num_batches, 101);
	cr_expect_eq(workload->num_objects, 842);
	cr_expect_eq(workload->min_bytes, 779272192);
	cr_expect_eq(workload->max_bytes, 779272192);
	cr_expect_eq(workload->num_contexts, 2);
	cr_expect_eq(spread.least, 9);
	cr_expect_eq(spread.median, 26);
	cr_expect_eq(spread.most, 155);
	spread = spread_of(workload, count_mebibytes);
	cr_expect_eq(spread.least, 89);
	cr_expect_eq(spread.median, 362);
	cr_expect_eq(spread.most, 3319);
	for (size_t i = 0; i < workload->num_steps; i++)
		cr_expect(workload->steps[i].kind != WSIM_STEP_BATCH ||
			  workload->steps[i].batch.engine.class == WSIM_RCS);
	for (size_t i = 0; i < workload->num_sets; i++)
		cr_expect_not(workload->sets[i].shared);
	wsim_free(workload);
}
