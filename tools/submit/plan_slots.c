/* SPDX-License-Identifier: MIT */
/*
 * Invariant: slots are sorted by slot_compare(): shared objects, private objects, outputs.
 */
#include "tools/submit/plan_slots.h"

#include <errno.h>
#include <stdlib.h>

#include <wwresv/device.h>

#include "tools/common/cli.h"

struct slot_list {
	const struct plan_workload *workload;
	struct plan_slot *slots;
	size_t num, max;
};

bool plan_set_is_shared(const struct plan_workload *workload, size_t set)
{
	return workload->share || workload->wsim->sets[set].shared;
}

static unsigned int slot_rank(const struct plan_workload *workload, const struct plan_slot *slot)
{
	if (slot->set == PLAN_OUTPUT)
		return 2;
	return plan_set_is_shared(workload, slot->set) ? 0 : 1;
}

static int slot_compare(const void *a_ptr, const void *b_ptr, void *workload)
{
	const struct plan_slot *a = a_ptr, *b = b_ptr;
	unsigned int a_rank = slot_rank(workload, a), b_rank = slot_rank(workload, b);

	if (a_rank != b_rank)
		return a_rank < b_rank ? -1 : 1;
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return (a->object > b->object) - (a->object < b->object);
}

static int slot_list_add(struct slot_list *list, size_t set, uint64_t object)
{
	struct plan_slot *grown;
	size_t max;

	if (list->num == list->max) {
		max = list->max == 0 ? 64 : 2 * list->max;
		grown = reallocarray(list->slots, max, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		list->slots = grown;
		list->max = max;
	}
	list->slots[list->num++] = (struct plan_slot){.set = set, .object = object};
	return 0;
}

static int add_declared(struct slot_list *list)
{
	const struct wsim_workload *wsim = list->workload->wsim;
	uint64_t object;
	size_t set;
	int ret = 0;

	for (set = 0; set < wsim->num_sets && ret == 0; set++) {
		for (object = 0; object < wsim->sets[set].num_objects && ret == 0; object++)
			ret = slot_list_add(list, set, object);
	}
	return ret;
}

/* The objects that batches name, maybe several times; and every batch's output. */
static int add_named(struct slot_list *list, struct wsim_lock *const *locks)
{
	const struct plan_workload *workload = list->workload;
	const struct wsim_lock *lock;
	uint32_t i, k;
	int ret = 0;

	for (i = 0; i < workload->num_batches && ret == 0; i++) {
		for (k = 0; k < workload->batches[i].num_locks && ret == 0; k++) {
			lock = &locks[i][k];
			ret = slot_list_add(list, lock->set == SIZE_MAX ? PLAN_OUTPUT : lock->set,
					    lock->object);
		}
	}
	return ret;
}

static size_t drop_duplicates(struct slot_list *list)
{
	size_t kept = 0, i;

	for (i = 0; i < list->num; i++) {
		if (kept == 0 || slot_compare(&list->slots[kept - 1], &list->slots[i],
					      (void *)list->workload) != 0)
			list->slots[kept++] = list->slots[i];
	}
	return kept;
}

static int build_slots(struct plan_workload *workload, struct wsim_lock *const *locks, bool all)
{
	struct slot_list list = {.workload = workload};
	int ret;

	ret = all ? add_declared(&list) : 0;
	if (ret == 0)
		ret = add_named(&list, locks);
	workload->slots = list.slots; /* freed by plan_slots_fini() in any case */
	if (ret != 0)
		return ret;
	if (list.num > 0)
		qsort_r(list.slots, list.num, sizeof(*list.slots), slot_compare, workload);
	list.num = drop_duplicates(&list);
	if (list.num > PLAN_MAX_BUFFERS) {
		cli_error("%s: expected at most %u buffers, found %zu", workload->wsim->source,
			  PLAN_MAX_BUFFERS, list.num);
		return -E2BIG;
	}
	workload->num_slots = (uint32_t)list.num;
	while (workload->num_shared < workload->num_slots &&
	       slot_rank(workload, &workload->slots[workload->num_shared]) == 0)
		workload->num_shared++;
	return 0;
}

static uint32_t find_slot(const struct plan_workload *workload, const struct wsim_lock *lock)
{
	struct plan_slot key = {
	    .set = lock->set == SIZE_MAX ? PLAN_OUTPUT : lock->set,
	    .object = lock->object,
	};
	uint32_t low = 0, high = workload->num_slots, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (slot_compare(&workload->slots[middle], &key, (void *)workload) <= 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t lock_access(const struct wsim_lock *lock, size_t step)
{
	uint32_t access = 0;

	if (lock->read)
		access |= WWR_ACCESS_READ;
	if (lock->write)
		access |= WWR_ACCESS_WRITE;
	/* Reading another batch's output is what --break-dep data drops. */
	if (lock->set == SIZE_MAX && lock->object != step)
		access |= WWR_ACCESS_READ | WWR_ACCESS_DATA;
	return access;
}

static int build_batch(const struct plan_workload *workload, struct plan_batch *batch,
		       const struct wsim_lock *locks)
{
	uint32_t i;

	batch->locks = calloc(batch->num_locks, sizeof(*batch->locks));
	if (batch->locks == NULL)
		return -ENOMEM;
	for (i = 0; i < batch->num_locks; i++) {
		batch->locks[i].slot = find_slot(workload, &locks[i]);
		batch->locks[i].access = lock_access(&locks[i], batch->step);
	}
	return 0;
}

/* Number the batches and list what they lock, in the words of the descriptor. */
static int list_batches(struct plan_workload *workload, struct wsim_lock **locks)
{
	const struct wsim_workload *wsim = workload->wsim;
	size_t step, num_locks;
	uint32_t num = 0;
	int ret;

	for (step = 0; step < wsim->num_steps; step++) {
		if (wsim->steps[step].kind != WSIM_STEP_BATCH)
			continue;
		workload->batch_of_step[step] = num;
		workload->batches[num].step = step;
		workload->num_batches = num + 1;
		ret = wsim_batch_locks(wsim, &wsim->steps[step], &locks[num], &num_locks);
		if (ret == -E2BIG)
			cli_error(
			    "%s:%u:%u: step %zu '%s': expected at most %zu buffers in a batch",
			    wsim->source, wsim->steps[step].line, wsim->steps[step].column, step,
			    wsim->steps[step].text, WSIM_MAX_LOCKS);
		if (ret != 0)
			return ret;
		workload->batches[num++].num_locks = (uint32_t)num_locks;
	}
	return 0;
}

static int build_lists(struct plan_workload *workload, struct wsim_lock **locks, bool all)
{
	uint32_t i;
	int ret;

	ret = list_batches(workload, locks);
	if (ret == 0)
		ret = build_slots(workload, locks, all);
	for (i = 0; i < workload->num_batches && ret == 0; i++)
		ret = build_batch(workload, &workload->batches[i], locks[i]);
	return ret;
}

int plan_slots_build(struct plan_workload *workload, bool all)
{
	const struct wsim_workload *wsim = workload->wsim;
	struct wsim_lock **locks;
	uint32_t i;
	int ret = -ENOMEM;

	locks = calloc(wsim->num_batches + 1, sizeof(*locks));
	workload->batches = calloc(wsim->num_batches + 1, sizeof(*workload->batches));
	workload->batch_of_step = calloc(wsim->num_steps + 1, sizeof(*workload->batch_of_step));
	if (locks != NULL && workload->batches != NULL && workload->batch_of_step != NULL)
		ret = build_lists(workload, locks, all);
	for (i = 0; locks != NULL && i < wsim->num_batches; i++)
		free(locks[i]);
	free(locks);
	return ret;
}

void plan_slots_fini(struct plan_workload *workload)
{
	uint32_t i;

	for (i = 0; i < workload->num_batches; i++)
		free(workload->batches[i].locks);
	free(workload->batches);
	free(workload->batch_of_step);
	free(workload->slots);
}
