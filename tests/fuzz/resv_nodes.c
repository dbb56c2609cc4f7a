/* SPDX-License-Identifier: MIT */
/* The model of fences, and what can be seen of each beside it. */
#include "tests/fuzz/resv_world.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>

struct node *node_new(enum node_kind kind, struct wwr_fence *fence, uint64_t waits)
{
	struct node *node = &world.nodes[world.num_nodes++];

	if (world.num_nodes >= WORLD_NODES)
		world_fail("the model has too few nodes");
	*node = (struct node){.kind = kind,
			      .fence = fence,
			      .waits = waits,
			      .exact = kind != NODE_OPAQUE,
			      .left = {.error_ns = INT64_MAX},
			      .prev = NONE,
			      .own = NONE};
	return node;
}

bool node_is_done(const struct node *node)
{
	return (node->waits & ~world.signaled) == 0;
}

bool node_is_container(const struct node *node)
{
	return node->kind == NODE_ARRAY || node->kind == NODE_CHAIN ||
	       (node->kind == NODE_OPAQUE &&
		(wwr_fence_is_array(node->fence) || wwr_fence_is_chain(node->fence)));
}

void end_add_error(struct end *end, int error, int64_t error_ns)
{
	if (error == 0 || (end->error != 0 && error_ns >= end->error_ns))
		return;
	end->error = error;
	end->error_ns = error_ns;
}

void end_add_time(struct end *end, int64_t time_ns)
{
	if (time_ns > end->time_ns)
		end->time_ns = time_ns;
}

struct end node_end(const struct node *node)
{
	struct end end = node->left;

	if (node->kind == NODE_BASE)
		return world.bases[node->base]->end;
	for (int i = 0; i < node->num_members; i++) {
		struct end member = node_end(&world.nodes[node->members[i]]);

		end_add_error(&end, member.error, member.time_ns);
		end_add_time(&end, member.time_ns);
	}
	if (node->kind == NODE_CHAIN) {
		end = node_end(&world.nodes[node->own]);
		if (node->prev != NONE)
			end_add_time(&end, node_end(&world.nodes[node->prev]).time_ns);
	}
	return end;
}

int world_find_base(const struct wwr_fence *fence)
{
	for (int i = 0; i < world.num_bases; i++) {
		if (&world.bases[i]->fence == fence)
			return i;
	}
	return NONE;
}

struct node *world_choose_node(void)
{
	unsigned int first = world_choose(WORLD_HANDLES);

	for (unsigned int i = 0; i < WORLD_HANDLES; i++) {
		const struct handle *handle = &world.handles[(first + i) % WORLD_HANDLES];

		if (handle->node != NONE)
			return &world.nodes[handle->node];
	}
	return NULL;
}

void handle_drop(struct handle *handle)
{
	const struct node *node;

	if (handle->node == NONE)
		return;
	node = &world.nodes[handle->node];
	if (handle->added) {
		bool removed = wwr_fence_remove_callback(node->fence, &handle->cb);

		if (removed == (handle->num_calls > 0))
			world_fail("node %d: a callback was called and removed, or neither",
				   handle->node);
	}
	wwr_fence_put(node->fence);
	*handle = (struct handle){.node = NONE};
}

void world_keep(struct node *node)
{
	unsigned int first = world_choose(WORLD_HANDLES);

	for (unsigned int i = 0; i < WORLD_HANDLES; i++) {
		struct handle *handle = &world.handles[(first + i) % WORLD_HANDLES];

		if (handle->node == NONE) {
			handle->node = node_number(node);
			return;
		}
	}
	handle_drop(&world.handles[first]);
	world.handles[first].node = node_number(node);
}

void world_compare_calls(void)
{
	for (int i = 0; i < WORLD_HANDLES; i++) {
		const struct handle *handle = &world.handles[i];
		unsigned int want;

		if (!handle->added)
			continue;
		want = node_is_done(&world.nodes[handle->node]);
		if (handle->num_calls != want)
			world_fail("node %d: its callback was called %u times instead of %u",
				   handle->node, handle->num_calls, want);
	}
}

static void compare_end(const struct node *node)
{
	struct end end = node_end(node);
	int status = wwr_fence_get_status(node->fence);
	int64_t time_ns = wwr_fence_timestamp(node->fence);

	if (status != (end.error != 0 ? end.error : 1))
		world_fail("node %d: status %d instead of %d", node_number(node), status,
			   end.error != 0 ? end.error : 1);
	if (time_ns != end.time_ns)
		world_fail("node %d: timestamp %lld instead of %lld", node_number(node),
			   (long long)time_ns, (long long)end.time_ns);
}

static void compare_client(const struct node *node)
{
	bool want = (node->waits & ~world.signaled & world.clients) != 0;

	if (wwr_fence_is_client_dependent(node->fence) != want)
		world_fail("node %d: depends on a client: not %d", node_number(node), want);
}

static void compare_node(const struct node *node)
{
	bool done = node_is_done(node);

	if (wwr_fence_is_signaled(node->fence) != done ||
	    (wwr_fence_get_status(node->fence) != 0) != done)
		world_fail("node %d: signalled: not %d", node_number(node), done);
	if (node->kind != NODE_OPAQUE &&
	    (wwr_fence_is_array(node->fence) != (node->kind == NODE_ARRAY) ||
	     wwr_fence_is_chain(node->fence) != (node->kind == NODE_CHAIN)))
		world_fail("node %d: is another kind of fence", node_number(node));
	if (done && node->exact)
		compare_end(node);
	if (!done && wwr_fence_timestamp(node->fence) != 0)
		world_fail("node %d: is pending and has a timestamp", node_number(node));
	compare_client(node);
}

static void compare_base(int number)
{
	const struct base *base = world.bases[number];
	bool signaled = (world.signaled >> number & 1) != 0;

	if (wwr_fence_is_signaled(&base->fence) != signaled)
		world_fail("fence %d: signalled: not %d", number, signaled);
	if (base->num_enabled > 1 || (base->asked && base->num_enabled == 0))
		world_fail("fence %d: asked for its signal %d times", number, base->num_enabled);
	if (!signaled && base->fence.deadline_ns != base->deadline_ns)
		world_fail("fence %d: deadline %lld instead of %lld", number,
			   (long long)base->fence.deadline_ns, (long long)base->deadline_ns);
}

void world_compare_fences(void)
{
	world_compare_calls();
	for (int i = 0; i < world.num_bases; i++)
		compare_base(i);
	for (int i = 0; i < WORLD_HANDLES; i++) {
		if (world.handles[i].node != NONE)
			compare_node(&world.nodes[world.handles[i].node]);
	}
}
