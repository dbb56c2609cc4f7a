/* SPDX-License-Identifier: MIT */
/* Operations on reservations, and their model: the entries in the order of their places. */
#include "tests/fuzz/resv_world.h"

#include <errno.h>

#include <wwresv/fence_array.h>

#include "reservation/resv_table.h"

void resvs_begin(void)
{
	for (int i = 0; i < WORLD_RESVS; i++)
		wwr_resv_init(&world.resvs[i].resv, NULL);
}

static struct model_resv *choose_resv(void)
{
	return &world.resvs[world_choose(WORLD_RESVS)];
}

static int resv_number(const struct model_resv *resv)
{
	return (int)(resv - world.resvs);
}

static bool entry_is_pending(const struct entry *entry)
{
	return entry->node != NONE && !node_is_done(&world.nodes[entry->node]);
}

/* Nobody else has the mutex: it is there at once. */
static void toggle_lock(void)
{
	struct model_resv *resv = choose_resv();

	world_trace("resv %d: lock or unlock", resv_number(resv), 0, 0, 0);
	if (resv->locked)
		wwr_mutex_unlock(&resv->resv.mutex);
	else if (wwr_mutex_trylock(&resv->resv.mutex, NULL) != 0)
		world_fail("resv %d: is not free", resv_number(resv));
	resv->locked = !resv->locked;
	resv->num_slots = 0;
}

/* What signalled may have been dropped where room was made; nothing else. */
static void follow_drops(struct model_resv *resv)
{
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		struct entry *entry = &resv->entries[i];

		if (entry->node == NONE || resv_fence(&resv->resv, i) != NULL)
			continue;
		if (entry_is_pending(entry))
			world_fail("resv %d: pending entry %u is gone", resv_number(resv), i);
		entry->node = NONE;
	}
}

static void reserve(void)
{
	struct model_resv *resv = choose_resv();
	unsigned int seen = world.num_denied;
	unsigned int num = world_choose(7);
	int want = !resv->locked ? -EPERM : num == 0 ? -EINVAL : 0;

	world_trace("resv %d: reserve %d", resv_number(resv), (int)num, 0, 0);
	if (world_expect("reserve_fences", wwr_resv_reserve_fences(&resv->resv, num), want, seen) &&
	    want == 0 && resv->num_slots < num)
		resv->num_slots = num;
	if (resv->locked)
		follow_drops(resv);
}

static bool is_replaced(const struct entry *entry, const struct wwr_fence *fence,
			enum wwr_resv_usage usage)
{
	const struct wwr_fence *old;

	if (entry->node == NONE)
		return false;
	if (!entry_is_pending(entry))
		return true;
	old = world.nodes[entry->node].fence;
	return old->context == fence->context && entry->usage >= usage &&
	       (int64_t)(fence->seqno - old->seqno) >= 0;
}

/* 0 or -ENOSPC, and what the library then does. */
static int model_add(struct model_resv *resv, const struct node *node, enum wwr_resv_usage usage)
{
	unsigned int place = resv->num_entries;

	for (unsigned int i = 0; i < resv->num_entries; i++) {
		if (is_replaced(&resv->entries[i], node->fence, usage)) {
			resv->entries[i] = (struct entry){node_number(node), usage};
			return 0;
		}
		if (resv->entries[i].node == NONE && place == resv->num_entries)
			place = i;
	}
	if (resv->num_slots == 0)
		return -ENOSPC;
	if (place == WORLD_ENTRIES)
		world_fail("the model has no room");
	resv->num_slots--;
	resv->num_entries += place == resv->num_entries;
	resv->entries[place] = (struct entry){node_number(node), usage};
	return 0;
}

/* Entries look at their fences: only those that stay to the end are put in. */
static const struct node *choose_fence(void)
{
	const struct node *node = world_choose_node();

	return node != NULL && (node->kind == NODE_BASE || node_is_container(node)) ? node : NULL;
}

static void add(void)
{
	struct model_resv *resv = choose_resv();
	const struct node *node = choose_fence();
	unsigned int usage = world_choose(9) / 2;
	int want;

	if (node == NULL)
		return;
	world_trace("resv %d: add node %d, usage %d", resv_number(resv), node_number(node),
		    (int)usage, 0);
	if (node_is_container(node) || usage > WWR_RESV_USAGE_BOOKKEEP)
		want = -EINVAL;
	else
		want = !resv->locked ? -EPERM : model_add(resv, node, usage);
	(void)world_expect("add_fence", wwr_resv_add_fence(&resv->resv, node->fence, usage), want,
			   world.num_denied);
}

static void replace(void)
{
	struct model_resv *resv = choose_resv();
	const struct node *node = choose_fence();
	uint64_t context = world.context + world_choose(WORLD_CONTEXTS);
	enum wwr_resv_usage usage = world_choose(4);
	int want;

	if (node == NULL)
		return;
	world_trace("resv %d: replace context %d by node %d, usage %d", resv_number(resv),
		    (int)(context - world.context), node_number(node), (int)usage);
	want = node_is_container(node) ? -EINVAL : !resv->locked ? -EPERM : 0;
	(void)world_expect("replace_fences",
			   wwr_resv_replace_fences(&resv->resv, context, node->fence, usage), want,
			   world.num_denied);
	for (unsigned int i = 0; want == 0 && i < resv->num_entries; i++) {
		struct entry *entry = &resv->entries[i];

		if (entry->node != NONE && world.nodes[entry->node].fence->context == context)
			*entry = (struct entry){node_number(node), usage};
	}
}

/* The lowest usage of a pending fence; false = it is not there. */
static bool lowest_usage(const struct model_resv *resv, int node, enum wwr_resv_usage *ret_usage)
{
	bool found = false;

	*ret_usage = WWR_RESV_USAGE_BOOKKEEP;
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];

		if (entry->node == node && entry_is_pending(entry) && entry->usage <= *ret_usage) {
			*ret_usage = entry->usage;
			found = true;
		}
	}
	return found;
}

/* What is there after a copy: each pending fence once; where it stands is the library's choice. */
static void follow_copy(struct model_resv *resv, const struct model_resv *from)
{
	uint64_t seen = 0;
	uint64_t wanted = 0;

	for (unsigned int i = 0; i < from->num_entries; i++) {
		if (entry_is_pending(&from->entries[i]))
			wanted |= world.nodes[from->entries[i].node].waits;
	}
	resv->num_entries = resv_num_entries(&resv->resv);
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		const struct wwr_fence *fence = resv_fence(&resv->resv, i);
		struct entry *entry = &resv->entries[i];
		enum wwr_resv_usage usage;
		int base;

		*entry = (struct entry){NONE, WWR_RESV_USAGE_KERNEL};
		if (fence == NULL)
			continue;
		base = world_find_base(fence);
		if (base == NONE || (seen >> base & 1) != 0 ||
		    !lowest_usage(from, world.bases[base]->node, &usage) ||
		    resv_usage(&resv->resv, i) != usage)
			world_fail("resv %d: copied entry %u is wrong", resv_number(resv), i);
		seen |= UINT64_C(1) << base;
		*entry = (struct entry){world.bases[base]->node, usage};
	}
	if (seen != wanted)
		world_fail("resv %d: not every pending fence was copied", resv_number(resv));
}

static void copy(void)
{
	struct model_resv *resv = choose_resv();
	static struct model_resv from;
	unsigned int seen = world.num_denied;
	bool self = world_choose(8) == 7;
	int want = resv->locked ? 0 : -EPERM;
	int other = self ? resv_number(resv) : 1 - resv_number(resv);

	from = world.resvs[other];
	world_trace("resv %d: copy from %d", resv_number(resv), other, 0, 0);
	if (world_expect("copy_fences", wwr_resv_copy_fences(&resv->resv, &world.resvs[other].resv),
			 want, seen) &&
	    want == 0 && !self)
		follow_copy(resv, &from);
	if (resv->locked)
		follow_drops(resv);
}

static bool model_is_signaled(const struct model_resv *resv, unsigned int usage)
{
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		if (entry_is_pending(&resv->entries[i]) && resv->entries[i].usage <= usage)
			return false;
	}
	return true;
}

/* The pending fences as a list, and as one fence. */
static void get_fences(void)
{
	struct model_resv *resv = choose_resv();
	enum wwr_resv_usage usage = world_choose(4);
	unsigned int seen = world.num_denied;
	struct wwr_fence **fences = NULL;
	struct wwr_fence *single = NULL;
	unsigned int num = 0;
	unsigned int found = 0;

	world_trace("resv %d: get the fences of usage %d", resv_number(resv), (int)usage, 0, 0);
	if (!world_expect("get_fences", wwr_resv_get_fences(&resv->resv, usage, &num, &fences), 0,
			  seen))
		return;
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];

		if (!entry_is_pending(entry) || entry->usage > usage)
			continue;
		if (found >= num || fences[found] != world.nodes[entry->node].fence)
			world_fail("resv %d: fence %u of the list is wrong", resv_number(resv),
				   found);
		found++;
	}
	if (found != num)
		world_fail("resv %d: %u fences instead of %u", resv_number(resv), num, found);
	if (world_expect("get_singleton", wwr_resv_get_singleton(&resv->resv, usage, &single), 0,
			 seen) &&
	    (num == 0	? single != NULL
	     : num == 1 ? single != fences[0]
			: !wwr_fence_is_array(single) || wwr_fence_is_signaled(single)))
		world_fail("resv %d: the fences as one are wrong", resv_number(resv));
	wwr_fence_put(single);
	wwr_resv_put_fences(num, fences);
}

static void poll_resv(void)
{
	struct model_resv *resv = choose_resv();
	enum wwr_resv_usage usage = world_choose(4);

	world_trace("resv %d: poll usage %d", resv_number(resv), (int)usage, 0, 0);
	(void)world_expect("wait_until", wwr_resv_wait_until(&resv->resv, usage, NULL, 0),
			   model_is_signaled(resv, usage) ? 0 : -ETIME, world.num_denied);
}

/* A walk without the lock shows what is pending. */
static void walk(void)
{
	struct model_resv *resv = choose_resv();
	enum wwr_resv_usage usage = world_choose(4);
	struct wwr_resv_cursor cursor;

	world_trace("resv %d: walk usage %d", resv_number(resv), (int)usage, 0, 0);
	wwr_resv_cursor_begin(&cursor, &resv->resv, usage);
	for (unsigned int i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];

		if (!entry_is_pending(entry) || entry->usage > usage)
			continue;
		if (wwr_resv_cursor_next(&cursor) != world.nodes[entry->node].fence ||
		    wwr_resv_cursor_usage(&cursor) != entry->usage)
			world_fail("resv %d: the walk misses entry %u", resv_number(resv), i);
	}
	if (wwr_resv_cursor_next(&cursor) != NULL)
		world_fail("resv %d: the walk shows more", resv_number(resv));
	wwr_resv_cursor_end(&cursor);
}

static void end_resv(struct model_resv *resv)
{
	if (resv->locked)
		wwr_mutex_unlock(&resv->resv.mutex);
	wwr_resv_fini(&resv->resv);
	resv->locked = false;
	resv->num_slots = 0;
	resv->num_entries = 0;
}

static void begin_afresh(void)
{
	struct model_resv *resv = choose_resv();

	if (world_choose(4) != 3)
		return;
	world_trace("resv %d: afresh", resv_number(resv), 0, 0, 0);
	end_resv(resv);
	wwr_resv_init(&resv->resv, NULL);
}

void resvs_end(void)
{
	for (int i = 0; i < WORLD_RESVS; i++)
		end_resv(&world.resvs[i]);
}

static void compare_resv(struct model_resv *resv)
{
	for (unsigned int usage = 0; usage < 4; usage++) {
		if (wwr_resv_test_signaled(&resv->resv, usage) != model_is_signaled(resv, usage))
			world_fail("resv %d: usage %u: signalled: not %d", resv_number(resv), usage,
				   model_is_signaled(resv, usage));
	}
	if (resv_num_entries(&resv->resv) < resv->num_entries)
		world_fail("resv %d: has fewer entries", resv_number(resv));
	for (unsigned int i = 0; i < resv_num_entries(&resv->resv); i++) {
		const struct wwr_fence *fence = resv_fence(&resv->resv, i);
		const struct entry *entry = &resv->entries[i];
		bool empty = i >= resv->num_entries || entry->node == NONE;

		if (fence != (empty ? NULL : world.nodes[entry->node].fence) ||
		    (!empty && resv_usage(&resv->resv, i) != entry->usage))
			world_fail("resv %d: entry %u is another", resv_number(resv), i);
	}
}

void world_compare_resvs(void)
{
	for (int i = 0; i < WORLD_RESVS; i++)
		compare_resv(&world.resvs[i]);
}

void (*const resv_ops[])(void) = {
    toggle_lock, toggle_lock, reserve, reserve,	  reserve, add,	       add,  add,	   add,
    add,	 add,	      replace, poll_resv, walk,	   get_fences, copy, begin_afresh,
};
const unsigned int num_resv_ops = sizeof(resv_ops) / sizeof(resv_ops[0]);
