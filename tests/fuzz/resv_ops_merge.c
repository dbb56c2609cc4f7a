/* SPDX-License-Identifier: MIT */
/* Operations that make fences of others, and take them apart. */
#include "tests/fuzz/resv_world.h"

#include <errno.h>

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>

#define MAX_MERGED 4
#define MAX_SEQNO  12

static void make_array(void)
{
	unsigned int seen = world.num_denied;
	unsigned int num = world_choose(MAX_MERGED + 1);
	struct wwr_fence *fences[MAX_MERGED], *array = NULL;
	const struct node *nodes[MAX_MERGED];
	int want = num == 0 ? -EINVAL : 0;
	uint64_t waits = 0;
	struct node *made;

	for (unsigned int i = 0; i < num; i++) {
		nodes[i] = world_choose_node();
		if (nodes[i] == NULL || nodes[i]->kind == NODE_OPAQUE)
			return;
		fences[i] = nodes[i]->fence;
		waits |= nodes[i]->waits;
		if (node_is_container(nodes[i]))
			want = -EINVAL;
	}
	world_trace("node %d: array of %d", world.num_nodes, (int)num, 0, 0);
	if (!world_expect("array_create", wwr_fence_array_create(num, fences, 1, 1, &array), want,
			  seen) ||
	    want != 0)
		return;
	made = node_new(NODE_ARRAY, array, waits);
	for (unsigned int i = 0; i < num; i++)
		made->members[made->num_members++] = node_number(nodes[i]);
	for (unsigned int i = 0; i < num; i++)
		made->exact = made->exact && nodes[i]->exact;
	world_keep(made);
}

static void link_chain(void)
{
	struct wwr_fence_chain *chain;
	const struct node *prev = world_choose(4) != 0 ? world_choose_node() : NULL;
	const struct node *own = world_choose_node();
	uint64_t seqno = 1 + world_choose(MAX_SEQNO);
	struct wwr_fence *fence = NULL;
	struct node *made;
	int want;

	if (own == NULL || own->kind == NODE_OPAQUE || (prev != NULL && prev->kind == NODE_OPAQUE))
		return;
	chain = wwr_fence_chain_create();
	if (chain == NULL)
		return;
	world_trace("node %d: point %d of node %d after node %d", world.num_nodes, (int)seqno,
		    node_number(own), prev != NULL ? node_number(prev) : NONE);
	want = own->kind == NODE_CHAIN ? -EINVAL : 0;
	(void)world_expect("chain_link",
			   wwr_fence_chain_link(chain, prev != NULL ? prev->fence : NULL,
						own->fence, seqno, &fence),
			   want, world.num_denied);
	if (want != 0) {
		wwr_fence_chain_destroy(chain);
		return;
	}
	made = node_new(NODE_CHAIN, fence, own->waits | (prev != NULL ? prev->waits : 0));
	made->own = node_number(own);
	made->prev = prev != NULL ? node_number(prev) : NONE;
	made->exact = own->exact && (prev == NULL || prev->exact);
	made->seqno = seqno;
	made->run = node_number(made);
	if (prev != NULL && prev->kind == NODE_CHAIN) {
		made->run = seqno > prev->seqno ? prev->run : made->run;
		made->seqno = seqno > prev->seqno ? seqno : prev->seqno;
	}
	if (fence->seqno != made->seqno)
		world_fail("point %d has another number", node_number(made));
	world_keep(made);
}

/* The node of a point: the first one of the last one's run that is not below. */
static const struct node *find_point(const struct node *last, uint64_t seqno)
{
	const struct node *found = last;

	while (found->prev != NONE && world.nodes[found->prev].kind == NODE_CHAIN &&
	       world.nodes[found->prev].run == last->run && world.nodes[found->prev].seqno >= seqno)
		found = &world.nodes[found->prev];
	return found;
}

static void find_seqno(void)
{
	const struct node *last = world_choose_node();
	uint64_t seqno = world_choose(MAX_SEQNO + 2);
	struct wwr_fence *fence = NULL;
	const struct node *point;
	int want;

	if (last == NULL || last->kind == NODE_OPAQUE)
		return;
	world_trace("node %d: find point %d", node_number(last), (int)seqno, 0, 0);
	want = seqno != 0 && (last->kind != NODE_CHAIN || last->seqno < seqno) ? -EINVAL : 0;
	(void)world_expect("find_seqno", wwr_fence_chain_find_seqno(last->fence, seqno, &fence),
			   want, world.num_denied);
	if (want != 0)
		return;
	if (seqno == 0) {
		if (fence != last->fence)
			world_fail("point 0 is another fence");
		wwr_fence_put(fence);
		return;
	}
	point = find_point(last, seqno);
	if (node_is_done(point) ? fence != NULL && wwr_fence_get_status(fence) >= 0
				: fence == NULL || wwr_fence_is_signaled(fence))
		world_fail("point %d: its fence is not as it should be", node_number(point));
	if (fence != NULL)
		world_keep(node_new(NODE_OPAQUE, fence, point->waits));
}

/* Whatever is pending in a fence, and nothing else that is. */
static void unwrap(void)
{
	const struct node *node = world_choose_node();
	bool stop = world_choose(4) == 3;
	struct wwr_fence_unwrap iter;
	const struct wwr_fence *part;
	uint64_t seen = 0;

	if (node == NULL)
		return;
	world_trace("node %d: unwrap", node_number(node), 0, 0, 0);
	wwr_fence_unwrap_begin(&iter, node->fence);
	while ((part = wwr_fence_unwrap_next(&iter)) != NULL) {
		int base = world_find_base(part);

		if (wwr_fence_is_array(part) || wwr_fence_is_chain(part))
			world_fail("unwrap gives a container");
		if (base != NONE)
			seen |= UINT64_C(1) << base;
		if (stop)
			break;
	}
	wwr_fence_unwrap_end(&iter);
	if ((seen & ~node->waits & ~world.signaled) != 0 ||
	    (!stop && (node->waits & ~world.signaled & ~seen) != 0))
		world_fail("node %d: unwrap does not give what it waits for", node_number(node));
}

/* What a merge is going to be. */
struct merge {
	struct end end; /* of what is left out */
	uint64_t pending;
	bool exact;
};

static void merge_leaf(struct merge *merge, const struct node *leaf)
{
	struct end end;

	if (!node_is_done(leaf)) {
		merge->pending |= leaf->waits;
		return;
	}
	end = node_end(leaf);
	end_add_error(&merge->end, end.error, end.time_ns);
	end_add_time(&merge->end, end.time_ns);
}

static void merge_node(struct merge *merge, const struct node *node)
{
	if (node->kind == NODE_CHAIN || !node->exact) {
		/* Which of its points were collected, errors and all, is the library's affair. */
		merge->exact = false;
		merge->pending |= node->waits & ~world.signaled;
		return;
	}
	if (node_is_done(node))
		end_add_time(&merge->end, node_end(node).time_ns);
	if (node->kind != NODE_ARRAY) {
		merge_leaf(merge, node);
		return;
	}
	end_add_error(&merge->end, node->left.error, node->left.error_ns);
	for (int i = 0; i < node->num_members; i++)
		merge_leaf(merge, &world.nodes[node->members[i]]);
}

uint64_t world_latest(uint64_t pending)
{
	uint64_t latest = pending;

	for (int i = 0; i < world.num_bases; i++) {
		for (int j = 0; j < i; j++) {
			/* Later ones have later numbers. */
			if ((pending >> i & 1) != 0 &&
			    world.bases[j]->fence.context == world.bases[i]->fence.context)
				latest &= ~(UINT64_C(1) << j);
		}
	}
	return latest;
}

/* The members of an array stand in the order of their contexts. */
static void fill_members(struct node *made)
{
	for (uint64_t context = 0; context < WORLD_CONTEXTS; context++) {
		for (int i = 0; i < world.num_bases; i++) {
			if ((made->waits >> i & 1) != 0 &&
			    world.bases[i]->fence.context == world.context + context)
				made->members[made->num_members++] = world.bases[i]->node;
		}
	}
}

static void check_members(const struct node *made)
{
	struct wwr_fence_unwrap iter;

	wwr_fence_unwrap_begin(&iter, made->fence);
	for (int i = 0; i < made->num_members; i++) {
		if (wwr_fence_unwrap_next(&iter) != world.nodes[made->members[i]].fence)
			world_fail("node %d: member %d is another fence", node_number(made), i);
	}
	if (wwr_fence_unwrap_next(&iter) != NULL)
		world_fail("node %d: has more members", node_number(made));
}

/* A new reference of what the merge made. */
static void keep_merged(const struct merge *merge, struct wwr_fence *fence, bool any)
{
	uint64_t waits = world_latest(merge->pending);
	int num = __builtin_popcountll(waits);
	int one = num == 1 ? __builtin_ctzll(waits) : NONE;
	bool array =
	    num > 1 ||
	    (num == 1 && (merge->exact ? merge->end.error != 0 : wwr_fence_is_array(fence)));
	struct node *made;

	if (one != NONE && !array) {
		if (fence != &world.bases[one]->fence)
			world_fail("a merge that leaves fence %d is another one", one);
		world_keep(&world.nodes[world.bases[one]->node]);
		return;
	}
	made = node_new(array ? NODE_ARRAY : NODE_STUB, fence, waits);
	made->left = merge->end;
	made->exact = merge->exact;
	/* Of nothing at all: the time is now. */
	if (!any)
		made->left.time_ns = wwr_fence_timestamp(fence);
	if (wwr_fence_is_array(fence) != array)
		world_fail("a merge of %d pending fences: an array: not %d", num, array);
	if (array) {
		fill_members(made);
		check_members(made);
	}
	world_keep(made);
}

static void merge_fences(void)
{
	unsigned int seen = world.num_denied;
	unsigned int num = world_choose(MAX_MERGED + 1);
	struct merge merge = {.end = {.error_ns = INT64_MAX}, .exact = true};
	struct wwr_fence *fences[MAX_MERGED], *fence = NULL;
	bool any = false;

	for (unsigned int i = 0; i < num; i++) {
		const struct node *node = world_choose(8) != 7 ? world_choose_node() : NULL;

		fences[i] = node != NULL ? node->fence : NULL;
		any = any || node != NULL;
		if (node != NULL)
			merge_node(&merge, node);
	}
	world_trace("node %d: merge of %d", world.num_nodes, (int)num, 0, 0);
	if (world_expect("merge", wwr_fence_merge(num, fences, &fence), 0, seen))
		keep_merged(&merge, fence, any);
}

static void make_stub(void)
{
	static const int errors[] = {0, -5, -ENODATA};
	int error = errors[world_choose(3)];
	int64_t time_ns = world_choose(32);
	struct wwr_fence *fence = wwr_fence_stub_create(time_ns, error);
	struct node *made;

	if (fence == NULL)
		return;
	made = node_new(NODE_STUB, fence, 0);
	made->left = (struct end){error, time_ns, time_ns};
	world_trace("node %d: stub of %d, error %d", node_number(made), (int)time_ns, error, 0);
	world_keep(made);
}

void (*const merge_ops[])(void) = {make_array, make_array, link_chain,	 link_chain,   link_chain,
				   find_seqno, unwrap,	   merge_fences, merge_fences, make_stub};
const unsigned int num_merge_ops = sizeof(merge_ops) / sizeof(merge_ops[0]);
