/* SPDX-License-Identifier: MIT */
/* Operations on syncobjs, and their model: a list of points. */
#include "tests/fuzz/resv_world.h"

#include <errno.h>

#include <wwresv/fence_chain.h>

#define MAX_POINT   12
#define MAX_WAITS   3
#define ALL_SIGNALS 0 /* waits for nothing */

void syncobjs_begin(void)
{
	for (int i = 0; i < WORLD_SYNCOBJS; i++) {
		if (wwr_syncobj_create(0, &world.syncobjs[i].syncobj) != 0)
			world_fail("syncobj_create failed");
	}
}

void syncobjs_end(void)
{
	for (int i = 0; i < WORLD_SYNCOBJS; i++) {
		wwr_syncobj_put(world.syncobjs[i].syncobj);
		world.syncobjs[i].num = 0;
	}
}

static struct model_syncobj *choose_syncobj(void)
{
	return &world.syncobjs[world_choose(WORLD_SYNCOBJS)];
}

static int syncobj_number(const struct model_syncobj *model)
{
	return (int)(model - world.syncobjs);
}

static const struct model_point *last_point(const struct model_syncobj *model)
{
	return model->num > 0 ? &model->points[model->num - 1] : NULL;
}

static bool is_timeline(const struct model_syncobj *model)
{
	return model->num > 0 && last_point(model)->run > 0;
}

static void model_replace(struct model_syncobj *model, uint64_t waits)
{
	model->num = 1;
	model->points[0] = (struct model_point){.waits = waits};
}

/* A point behind the last one; point 0 is in the place of all. */
static void model_add(struct model_syncobj *model, uint64_t seqno, uint64_t waits)
{
	struct model_point point = {.seqno = seqno, .waits = waits, .run = 1};
	const struct model_point *last = last_point(model);

	if (seqno == 0) {
		model_replace(model, waits);
		return;
	}
	if (last != NULL) {
		bool ordered = last->run > 0 && seqno > last->seqno;

		point.waits |= last->waits;
		point.run = ordered ? last->run : last->run + 1;
		if (last->run > 0 && !ordered)
			point.seqno = last->seqno;
	}
	if (model->num == WORLD_POINTS)
		world_fail("the model has too few points");
	model->points[model->num++] = point;
}

/* NULL = no such point. */
static const struct model_point *find_point(const struct model_syncobj *model, uint64_t seqno)
{
	const struct model_point *found = last_point(model);

	if (found == NULL || seqno == 0)
		return found;
	if (found->run == 0 || found->seqno < seqno)
		return NULL;
	/* The first one of the latest run that is not below. */
	while (found > model->points && found[-1].run == found->run && found[-1].seqno >= seqno)
		found--;
	return found;
}

static bool point_is_done(const struct model_point *point)
{
	return (point->waits & ~world.signaled) == 0;
}

static uint64_t model_last_done(const struct model_syncobj *model)
{
	uint64_t seqno = 0;

	for (unsigned int i = 0; is_timeline(model) && i < model->num; i++) {
		if (model->points[i].run == last_point(model)->run &&
		    point_is_done(&model->points[i]))
			seqno = model->points[i].seqno;
	}
	return seqno;
}

/* A chain's points do not become points: what is pending in it is merged. */
static uint64_t waits_flattened(const struct wwr_fence *fence, uint64_t waits)
{
	return wwr_fence_is_chain(fence) ? world_latest(waits & ~world.signaled) : waits;
}

static void signal_syncobj(void)
{
	struct model_syncobj *model = choose_syncobj();
	unsigned int seen = world.num_denied;

	world_trace("syncobj %d: signal", syncobj_number(model), 0, 0, 0);
	if (world_expect("syncobj_signal", wwr_syncobj_signal(1, &model->syncobj), 0, seen))
		model_replace(model, ALL_SIGNALS);
}

static void reset_syncobj(void)
{
	struct model_syncobj *model = choose_syncobj();

	world_trace("syncobj %d: reset", syncobj_number(model), 0, 0, 0);
	(void)world_expect("syncobj_reset", wwr_syncobj_reset(1, &model->syncobj), 0,
			   world.num_denied);
	model->num = 0;
}

static void signal_point(void)
{
	struct model_syncobj *model = choose_syncobj();
	unsigned int seen = world.num_denied;
	uint64_t seqno = 1 + world_choose(MAX_POINT);

	world_trace("syncobj %d: signal point %d", syncobj_number(model), (int)seqno, 0, 0);
	if (world_expect("timeline_signal", wwr_syncobj_timeline_signal(1, &model->syncobj, &seqno),
			 0, seen))
		model_add(model, seqno, ALL_SIGNALS);
}

static void add_point(void)
{
	struct model_syncobj *model = choose_syncobj();
	const struct node *node = world_choose_node();
	unsigned int seen = world.num_denied;
	uint64_t seqno = world_choose(MAX_POINT + 1);
	uint64_t waits;

	if (node == NULL)
		return;
	waits = waits_flattened(node->fence, node->waits);
	/* Mostly in order, or there would hardly be a timeline. */
	if (is_timeline(model) && seqno % 2 == 1)
		seqno = last_point(model)->seqno + 1;
	world_trace("syncobj %d: node %d as point %d", syncobj_number(model), node_number(node),
		    (int)seqno, 0);
	if (world_expect("add_point", wwr_syncobj_add_point(model->syncobj, seqno, node->fence), 0,
			 seen))
		model_add(model, seqno, waits);
}

static void transfer(void)
{
	struct model_syncobj *dst = choose_syncobj();
	struct model_syncobj *src = choose_syncobj();
	unsigned int seen = world.num_denied;
	uint64_t dst_seqno = world_choose(MAX_POINT + 1);
	uint64_t src_seqno = world_choose(MAX_POINT + 1);
	const struct model_point *point = find_point(src, src_seqno);
	uint64_t waits = point != NULL ? point->waits : 0;
	int want = point != NULL ? 0 : -EINVAL;
	struct wwr_fence *fence;

	if (wwr_syncobj_find_fence(src->syncobj, src_seqno, 0, NULL, 0, &fence) == 0) {
		waits = waits_flattened(fence, waits);
		wwr_fence_put(fence);
	}
	world_trace("syncobj %d: point %d from point %d of %d", syncobj_number(dst), (int)dst_seqno,
		    (int)src_seqno, syncobj_number(src));
	if (world_expect(
		"transfer",
		wwr_syncobj_transfer(dst->syncobj, dst_seqno, src->syncobj, src_seqno, 0, NULL, 0),
		want, seen) &&
	    want == 0)
		model_add(dst, dst_seqno, waits);
}

static void find_fence(void)
{
	struct model_syncobj *model = choose_syncobj();
	unsigned int seen = world.num_denied;
	uint64_t seqno = world_choose(MAX_POINT + 1);
	const struct model_point *point = find_point(model, seqno);
	struct wwr_fence *fence = NULL;
	int want = point != NULL ? 0 : -EINVAL;

	world_trace("node %d: point %d of syncobj %d", world.num_nodes, (int)seqno,
		    syncobj_number(model), 0);
	if (world_expect("find_fence",
			 wwr_syncobj_find_fence(model->syncobj, seqno, 0, NULL, 0, &fence), want,
			 seen) &&
	    want == 0)
		world_keep(node_new(NODE_OPAQUE, fence, point->waits));
}

/* What a poll of several returns, and which is the first one done. */
static int model_wait(unsigned int num, struct model_syncobj **models, const uint64_t *seqnos,
		      uint32_t flags, unsigned int *ret_first)
{
	const uint32_t later = WWR_SYNCOBJ_WAIT_FOR_SUBMIT | WWR_SYNCOBJ_WAIT_AVAILABLE;
	unsigned int num_done = 0;

	*ret_first = num;
	for (unsigned int i = 0; i < num; i++) {
		const struct model_point *point = find_point(models[i], seqnos[i]);

		if (point == NULL && (flags & later) == 0)
			return -EINVAL;
		if (point == NULL ||
		    ((flags & WWR_SYNCOBJ_WAIT_AVAILABLE) == 0 && !point_is_done(point)))
			continue;
		num_done++;
		if (*ret_first == num)
			*ret_first = i;
	}
	if ((flags & WWR_SYNCOBJ_WAIT_ALL) != 0)
		return num_done == num ? 0 : -ETIME;
	return num_done > 0 ? 0 : -ETIME;
}

static void poll_syncobjs(void)
{
	unsigned int seen = world.num_denied;
	unsigned int num = 1 + world_choose(MAX_WAITS);
	uint32_t flags = world_choose(WWR_SYNCOBJ_WAIT_DEADLINE);
	struct model_syncobj *models[MAX_WAITS];
	struct wwr_syncobj *syncobjs[MAX_WAITS];
	uint64_t seqnos[MAX_WAITS];
	unsigned int first = 99;
	unsigned int want_first;
	int want;

	for (unsigned int i = 0; i < num; i++) {
		models[i] = choose_syncobj();
		syncobjs[i] = models[i]->syncobj;
		seqnos[i] = world_choose(MAX_POINT + 1);
	}
	want = model_wait(num, models, seqnos, flags, &want_first);
	world_trace("poll %d syncobjs, flags %d", (int)num, (int)flags, 0, 0);
	if (world_expect("syncobj_wait",
			 wwr_syncobj_wait(num, syncobjs, seqnos, flags, NULL, 0, 0, &first), want,
			 seen) &&
	    want == 0 && (flags & WWR_SYNCOBJ_WAIT_ALL) == 0 && first != want_first)
		world_fail("syncobj_wait: the first is %u instead of %u", first, want_first);
}

void world_compare_syncobjs(void)
{
	for (int i = 0; i < WORLD_SYNCOBJS; i++) {
		const struct model_syncobj *model = &world.syncobjs[i];
		uint64_t submitted = is_timeline(model) ? last_point(model)->seqno : 0;
		uint64_t seqno = 99;

		(void)world_expect(
		    "query",
		    wwr_syncobj_query(1, &model->syncobj, WWR_SYNCOBJ_QUERY_LAST_SUBMITTED, &seqno),
		    0, world.num_denied);
		if (seqno != submitted)
			world_fail("syncobj %d: submitted up to %d instead of %d", i, (int)seqno,
				   (int)submitted);
		(void)world_expect("query", wwr_syncobj_query(1, &model->syncobj, 0, &seqno), 0,
				   world.num_denied);
		if (seqno != model_last_done(model))
			world_fail("syncobj %d: done up to %d instead of %d", i, (int)seqno,
				   (int)model_last_done(model));
	}
}

void (*const syncobj_ops[])(void) = {
    signal_syncobj, reset_syncobj, signal_point, add_point,  add_point,	    add_point,
    add_point,	    transfer,	   transfer,	 find_fence, poll_syncobjs, poll_syncobjs,
};
const unsigned int num_syncobj_ops = sizeof(syncobj_ops) / sizeof(syncobj_ops[0]);
