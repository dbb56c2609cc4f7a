/* SPDX-License-Identifier: MIT */
/* What a runner asks about a parsed workload. */
#include "alloc.h"
#include "idmap.h"
#include "wsim.h"

#include <errno.h>
#include <stdlib.h>

#define OUTPUT SIZE_MAX /* as wsim_lock.set */

/* A run of buffers of one set, both ends included. */
struct run {
	size_t set;
	uint64_t first;
	uint64_t last;
};

size_t wsim_throttle_target(const struct wsim_workload *workload, size_t step, uint32_t count,
			    uint64_t *ret_loops)
{
	size_t num_steps = workload->num_steps, target;
	uint64_t loops = 0;

	if (count == 0)
		return WSIM_NO_STEP;
	if (count <= step) {
		target = step - count;
	} else {
		loops = 1 + (count - step - 1) / num_steps;
		target = num_steps - 1 - (count - step - 1) % num_steps;
	}
	target = workload->steps[target].prev_batch;
	if (target == WSIM_NO_STEP) {
		loops++;
		target = workload->steps[num_steps - 1].prev_batch;
	}
	if (target != WSIM_NO_STEP)
		*ret_loops = loops;
	return target;
}

static bool dep_run(const struct wsim_dep *dep, struct run *ret_run)
{
	if (dep->kind == WSIM_DEP_OUTPUT)
		*ret_run = (struct run){OUTPUT, dep->step, dep->step};
	else if (dep->kind == WSIM_DEP_OBJECTS)
		*ret_run = (struct run){dep->set, dep->first, dep->last};
	else
		return false;
	return true;
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *left = a, *right = b;

	if (left->set != right->set)
		return left->set < right->set ? -1 : 1;
	return left->first < right->first ? -1 : left->first > right->first;
}

/* Sum of the lengths of sorted runs, what they share counted once. */
static uint64_t count_distinct(const struct run *runs, size_t num_runs)
{
	uint64_t count = 0, next = 0;

	for (size_t i = 0; i < num_runs; i++) {
		if (i == 0 || runs[i].set != runs[i - 1].set || runs[i].first > next)
			next = runs[i].first;
		if (runs[i].last >= next) {
			count += runs[i].last - next + 1;
			next = runs[i].last + 1;
		}
	}
	return count;
}

int wsim_batch_num_objects(const struct wsim_workload *workload, const struct wsim_step *step,
			   uint64_t *ret_count)
{
	const struct wsim_batch *batch = &step->batch;
	struct run *runs = wsim_calloc(batch->num_deps, sizeof(*runs));
	size_t num_runs = 0;

	(void)workload;
	if (runs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < batch->num_deps; i++)
		num_runs += dep_run(&batch->deps[i], &runs[num_runs]);
	qsort(runs, num_runs, sizeof(*runs), compare_runs);
	*ret_count = count_distinct(runs, num_runs);
	free(runs);
	return 0;
}

struct lock_list {
	struct wsim_lock *locks;
	size_t count;
	struct wsim_idmap index; /* buffer -> index in locks */
};

/* Objects of a set have 32 bits and set numbers 20, so that the key is unique. */
static uint64_t lock_key(size_t set, uint64_t object)
{
	return (uint64_t)(set + 1) << 32 | object;
}

static int add_lock(struct lock_list *list, size_t set, uint64_t object, bool write)
{
	size_t index = wsim_idmap_find(&list->index, lock_key(set, object));

	if (index == SIZE_MAX) {
		if (wsim_idmap_add(&list->index, lock_key(set, object), list->count) != 0)
			return -ENOMEM;
		index = list->count++;
		list->locks[index] = (struct wsim_lock){.set = set, .object = object};
	}
	list->locks[index].read |= !write;
	list->locks[index].write |= write;
	return 0;
}

static int add_locks(struct lock_list *list, const struct wsim_batch *batch)
{
	for (size_t i = 0; i < batch->num_deps; i++) {
		struct run run;

		if (!dep_run(&batch->deps[i], &run))
			continue;
		for (uint64_t object = run.first; object <= run.last; object++) {
			if (add_lock(list, run.set, object, batch->deps[i].write) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int wsim_batch_locks(const struct wsim_workload *workload, const struct wsim_step *step,
		     struct wsim_lock **ret_locks, size_t *ret_count)
{
	struct lock_list list = {0};
	uint64_t num_objects;
	int ret = wsim_batch_num_objects(workload, step, &num_objects);

	if (ret != 0)
		return ret;
	if (num_objects >= WSIM_MAX_LOCKS)
		return -E2BIG;
	list.locks = wsim_calloc(num_objects + 1, sizeof(*list.locks));
	if (list.locks == NULL)
		return -ENOMEM;
	ret = add_locks(&list, &step->batch);
	if (ret == 0)
		ret = add_lock(&list, OUTPUT, (size_t)(step - workload->steps), true);
	wsim_idmap_fini(&list.index);
	if (ret != 0) {
		free(list.locks);
		return ret;
	}
	*ret_locks = list.locks;
	*ret_count = list.count;
	return 0;
}

/* The group that object belongs to; object < set->num_objects. */
static const struct wsim_group *find_group(const struct wsim_set *set, uint64_t object)
{
	size_t low = 0, high = set->num_groups;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (set->groups[middle].first <= object)
			low = middle;
		else
			high = middle;
	}
	return &set->groups[low];
}

uint64_t wsim_object_bytes(const struct wsim_set *set, uint64_t object, uint64_t seed)
{
	const struct wsim_group *group = find_group(set, object);
	struct wsim_rng rng = {seed};

	if (group->min_bytes == group->max_bytes)
		return group->min_bytes;
	/* Each object has a stream of its own, so that the order of the calls does not matter. */
	rng.state = wsim_rng_next(&rng) ^ set->id;
	rng.state = wsim_rng_next(&rng) ^ object;
	return wsim_rng_range(&rng, group->min_bytes, group->max_bytes);
}
