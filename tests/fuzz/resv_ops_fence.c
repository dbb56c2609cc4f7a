/* SPDX-License-Identifier: MIT */
/* Operations on single fences. */
#include "tests/fuzz/resv_world.h"

#include <errno.h>
#include <string.h>

#include <wwresv/alloc.h>

#include "lockset/park.h"

static const char *a_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "fuzz";
}

static bool base_enable(struct wwr_fence *fence)
{
	WWR_CONTAINER_OF(fence, struct base, fence)->num_enabled++;
	return true;
}

static const struct wwr_fence_ops base_ops = {
    .driver_name = a_name, .timeline_name = a_name, .enable_signaling = base_enable};

static struct base *base_alloc(void)
{
	unsigned int starve = world.starve;
	struct base *base;

	/* The world's own memory is not short. */
	world.starve = 0;
	base = wwr_alloc(sizeof(*base));
	world.starve = starve;
	return base;
}

void world_new_base(void)
{
	int context = (int)world_choose(WORLD_CONTEXTS);
	bool client = world_choose(6) == 5;
	struct base *base;
	struct node *node;

	if (world.num_bases == WORLD_BASES)
		return;
	base = base_alloc();
	base->number = world.num_bases++;
	base->deadline_ns = INT64_MAX;
	world.bases[base->number] = base;
	wwr_fence_init(&base->fence, &base_ops, world.context + (uint64_t)context,
		       world.next_seqno++);
	if (client) {
		wwr_fence_set_client_dependent(&base->fence);
		world.clients |= UINT64_C(1) << base->number;
	}
	node = node_new(NODE_BASE, wwr_fence_get(&base->fence), UINT64_C(1) << base->number);
	node->base = base->number;
	base->node = node_number(node);
	world_trace("node %d: new fence %d of context %d, client %d", base->node, base->number,
		    context, client);
	world_keep(node);
}

/* The model first: callbacks look at it. */
void base_signal_at(int number, int64_t time_ns, int error)
{
	struct base *base = world.bases[number];
	bool before = (world.signaled >> number & 1) != 0;
	int ret;

	world_trace("fence %d: signal at %d, error %d", number, (int)time_ns, error, 0);
	if (!before) {
		base->end = (struct end){error, time_ns, time_ns};
		world.signaled |= UINT64_C(1) << number;
		if (error != 0)
			wwr_fence_set_error(&base->fence, error);
	}
	ret = wwr_fence_signal_at(&base->fence, time_ns);
	(void)world_expect("signal_at", ret, before ? -EINVAL : 0, world.num_denied);
}

static void signal_base(void)
{
	static const int errors[] = {0, 0, -5, -6, -ECANCELED};
	int number;

	if (world.num_bases == 0)
		return;
	number = (int)world_choose((unsigned int)world.num_bases);
	base_signal_at(number, 1 + world_choose(32), errors[world_choose(5)]);
}

static void signal_base_now(void)
{
	struct base *base;
	int number;
	bool before;

	if (world.num_bases == 0)
		return;
	number = (int)world_choose((unsigned int)world.num_bases);
	base = world.bases[number];
	before = (world.signaled >> number & 1) != 0;
	world_trace("fence %d: signal now", number, 0, 0, 0);
	if (!before)
		base->end = (struct end){0, park_now_ns(), 0};
	world.signaled |= UINT64_C(1) << number;
	(void)world_expect("signal", wwr_fence_signal(&base->fence), before ? -EINVAL : 0,
			   world.num_denied);
	if (before)
		return;
	base->end.time_ns = wwr_fence_timestamp(&base->fence);
	if (base->end.time_ns < base->end.error_ns || base->end.time_ns > park_now_ns())
		world_fail("fence %d: a timestamp that is not between two looks at the clock",
			   number);
	base->end.error_ns = base->end.time_ns;
}

static void drop_handle(void)
{
	int index = (int)world_choose(WORLD_HANDLES);

	world_trace("node %d: dropped", world.handles[index].node, 0, 0, 0);
	handle_drop(&world.handles[index]);
}

/* The signal was asked for: of all that it still waits for. */
static void ask(const struct node *node)
{
	for (int i = 0; i < world.num_bases; i++) {
		if ((node->waits & ~world.signaled) >> i & 1)
			world.bases[i]->asked = true;
	}
}

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct handle *handle = WWR_CONTAINER_OF(cb, struct handle, cb);

	handle->num_calls++;
	if (fence != world.nodes[handle->node].fence)
		world_fail("node %d: its callback gets another fence", handle->node);
	if (wwr_fence_get_status(fence) == 0)
		world_fail("node %d: its callback finds it pending", handle->node);
}

static void add_callback(void)
{
	struct handle *handle = &world.handles[world_choose(WORLD_HANDLES)];
	const struct node *node;
	bool done;

	if (handle->node == NONE || handle->added)
		return;
	node = &world.nodes[handle->node];
	done = node_is_done(node);
	world_trace("node %d: add a callback", handle->node, 0, 0, 0);
	(void)world_expect("add_callback",
			   wwr_fence_add_callback(node->fence, &handle->cb, count_call),
			   done ? -ENOENT : 0, world.num_denied);
	handle->added = !done;
	ask(node);
}

static void remove_callback(void)
{
	struct handle *handle = &world.handles[world_choose(WORLD_HANDLES)];
	bool want;

	if (handle->node == NONE || !handle->added)
		return;
	want = handle->num_calls == 0;
	world_trace("node %d: remove its callback", handle->node, 0, 0, 0);
	if (wwr_fence_remove_callback(world.nodes[handle->node].fence, &handle->cb) != want)
		world_fail("node %d: its callback was removed: not %d", handle->node, want);
	handle->added = false;
	handle->num_calls = 0;
}

static void poll_fence(void)
{
	const struct node *node = world_choose_node();
	bool done;

	if (node == NULL)
		return;
	done = node_is_done(node);
	world_trace("node %d: poll", node_number(node), 0, 0, 0);
	(void)world_expect("wait_until", wwr_fence_wait_until(node->fence, NULL, 0),
			   done ? 0 : -ETIME, world.num_denied);
	ask(node);
}

static void poll_any(void)
{
	unsigned int num = world_choose(4);
	struct wwr_fence *fences[3];
	unsigned int index = 99;
	unsigned int want = num;

	for (unsigned int i = 0; i < num; i++) {
		const struct node *node = world_choose_node();

		if (node == NULL)
			return;
		fences[i] = node->fence;
		if (want == num && node_is_done(node))
			want = i;
	}
	world_trace("poll for any of %d", (int)num, 0, 0, 0);
	(void)world_expect("wait_any", wwr_fence_wait_any(num, fences, NULL, 0, &index),
			   num == 0	 ? -EINVAL
			   : want == num ? -ETIME
					 : 0,
			   world.num_denied);
	if (want < num && index != want)
		world_fail("wait_any: index %u instead of %u", index, want);
}

static void set_deadline(void)
{
	const struct node *node = world_choose_node();
	int64_t deadline_ns = 1 + world_choose(200);

	if (node == NULL)
		return;
	world_trace("node %d: deadline %d", node_number(node), (int)deadline_ns, 0, 0);
	wwr_fence_set_deadline(node->fence, deadline_ns);
	for (int i = 0; i < world.num_bases; i++) {
		struct base *base = world.bases[i];

		if (((node->waits & ~world.signaled) >> i & 1) != 0 &&
		    deadline_ns < base->deadline_ns)
			base->deadline_ns = deadline_ns;
	}
}

static int abandoned_status;

static void see_abandoned(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)cb;
	abandoned_status = wwr_fence_get_status(fence);
}

/* Somebody waits for a fence that nobody has a reference of any more. */
static void abandon(void)
{
	struct base *base = base_alloc();
	struct wwr_fence_cb cb;

	world_trace("a fence is made and abandoned", 0, 0, 0, 0);
	wwr_fence_init(&base->fence, &base_ops, world.context, 0);
	abandoned_status = 0;
	(void)world_expect("add_callback", wwr_fence_add_callback(&base->fence, &cb, see_abandoned),
			   0, world.num_denied);
	wwr_fence_put(&base->fence);
	if (abandoned_status != -EDEADLK)
		world_fail("abandoned: status %d instead of -EDEADLK", abandoned_status);
}

/* One of the next allocations fails. */
static void starve(void)
{
	world.starve = 1 + world_choose(3);
	world_trace("allocation %d from now fails", (int)world.starve, 0, 0, 0);
}

void (*const fence_ops[])(void) = {
    world_new_base, world_new_base,  signal_base,  signal_base, signal_base_now,
    drop_handle,    add_callback,    add_callback, poll_fence,	poll_any,
    set_deadline,   remove_callback, abandon,	   starve,
};
const unsigned int num_fence_ops = sizeof(fence_ops) / sizeof(fence_ops[0]);
