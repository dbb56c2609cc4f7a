/* SPDX-License-Identifier: MIT */
/*
 * The wait-for graph: what is in it.  Each fact is one of its own moment; in a deadlock nothing
 * moves and they fit together.  Invariant: nothing of the graph points into a mutex or a fence.
 */
#include "reservation/debug_graph.h"

#include <wwresv/alloc.h>

#include "lockset/thread.h"
#include "reservation/fence_container.h"
#include "reservation/fence_trace.h"
#include "reservation/fence_track.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The node's number; GRAPH_MAX_NODES = there is no room. */
static unsigned int graph_node(struct graph *graph, enum graph_kind kind, uintptr_t key,
			       uint64_t seqno, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static unsigned int graph_node(struct graph *graph, enum graph_kind kind, uintptr_t key,
			       uint64_t seqno, const char *format, ...)
{
	struct graph_node *node = graph->nodes;
	va_list args;

	for (unsigned int i = 0; i < graph->num_nodes; i++, node++) {
		if (node->kind == kind && node->key == key && node->seqno == seqno)
			return i;
	}
	if (graph->num_nodes == GRAPH_MAX_NODES) {
		graph->truncated = true;
		return GRAPH_MAX_NODES;
	}
	node->kind = kind;
	node->key = key;
	node->seqno = seqno;
	va_start(args, format);
	vsnprintf(node->text, sizeof(node->text), format, args);
	va_end(args);
	/* Each is part of a line. */
	for (char *c = node->text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ')
			*c = ' ';
	}
	return graph->num_nodes++;
}

static void graph_edge(struct graph *graph, unsigned int from, unsigned int to,
		       enum graph_relation relation, int64_t since_ns)
{
	if (from == GRAPH_MAX_NODES || to == GRAPH_MAX_NODES)
		return;
	for (unsigned int i = 0; i < graph->num_edges; i++) {
		if (graph->edges[i].from == from && graph->edges[i].to == to)
			return;
	}
	if (graph->num_edges == GRAPH_MAX_EDGES) {
		graph->truncated = true;
		return;
	}
	graph->edges[graph->num_edges++] =
	    (struct graph_edge){.from = from, .to = to, .relation = relation, .since_ns = since_ns};
}

static unsigned int graph_thread(struct graph *graph, int tid)
{
	return graph_node(graph, GRAPH_THREAD, (uintptr_t)tid, 0, "thread %d", tid);
}

static void add_lock_wait(struct graph *graph, const struct wwr_debug_wait *wait)
{
	unsigned int mutex =
	    graph_node(graph, GRAPH_MUTEX, (uintptr_t)wait->mutex, 0, "mutex %p of class \"%.48s\"",
		       (const void *)wait->mutex, wait->lock_class->name);

	graph_edge(graph, graph_thread(graph, wait->tid), mutex, GRAPH_WAITS,
		   (int64_t)wait->since_ns);
	if (wait->holder_tid != 0)
		graph_edge(graph, mutex, graph_thread(graph, wait->holder_tid), GRAPH_HELD_BY, 0);
}

static int collect_locks(struct graph *graph)
{
	size_t room = wwr_debug_get_waits(NULL, 0) + 16;
	struct wwr_debug_wait *waits = wwr_alloc_array(room, sizeof(waits[0]));
	size_t num;

	if (waits == NULL)
		return -ENOMEM;
	num = wwr_debug_get_waits(waits, room);
	if (num > room)
		graph->truncated = true;
	for (size_t i = 0; i < num && i < room; i++)
		add_lock_wait(graph, &waits[i]);
	wwr_free(waits);
	return 0;
}

/* A fence, or a container; of a timeline one of its points. */
static unsigned int graph_fence(struct graph *graph, struct wwr_fence *fence, uint64_t seqno)
{
	char text[GRAPH_TEXT_BYTES - 24];

	if (fence_is_chain(fence))
		return graph_node(graph, GRAPH_FENCE, (uintptr_t)fence->context, seqno,
				  "timeline %" PRIu64 ":%" PRIu64, fence->context, seqno);
	if (fence_is_array(fence))
		return graph_node(graph, GRAPH_FENCE, (uintptr_t)fence, seqno,
				  "array %" PRIu64 ":%" PRIu64, fence->context, seqno);
	(void)wwr_fence_describe(fence, text, sizeof(text));
	return graph_node(graph, GRAPH_FENCE, (uintptr_t)fence, seqno, "fence %p (%s)",
			  (void *)fence, text);
}

/* The thread that waits, and the way from what it waits for to the fence itself. */
static void add_fence_wait(struct graph *graph, const struct fence_trace *trace,
			   const struct trace_callback *callback)
{
	unsigned int entry = callback->entry;
	unsigned int from = graph_fence(graph, trace->entries[entry].fence, callback->seqno);

	graph_edge(graph, graph_thread(graph, callback->tid), from, GRAPH_WAITS,
		   callback->since_ns);
	while (entry != 0) {
		unsigned int to;

		entry = trace->entries[entry].part;
		to = graph_fence(graph, trace->entries[entry].fence,
				 trace->entries[entry].fence->seqno);
		graph_edge(graph, from, to, GRAPH_NEEDS, 0);
		from = to;
	}
}

static void collect_fence(struct graph *graph, struct wwr_fence *fence)
{
	struct fence_track_info info;
	struct fence_trace trace;
	bool awaited = false;

	fence_trace_begin(&trace, fence);
	for (unsigned int i = 0; i < trace.num_callbacks; i++) {
		if (trace.callbacks[i].tid == 0)
			continue;
		add_fence_wait(graph, &trace, &trace.callbacks[i]);
		awaited = true;
	}
	if (trace.num_more > 0)
		graph->truncated = true;
	fence_trace_end(&trace);
	if (awaited && fence_track_find(fence, &info))
		graph_edge(graph, graph_fence(graph, fence, fence->seqno),
			   graph_thread(graph, info.creator_tid), GRAPH_MADE_BY, 0);
}

static void collect_fences(struct graph *graph)
{
	struct wwr_fence *fences[TRACK_ROW_RECORDS];

	for (unsigned int row = 0; row < TRACK_NUM_ROWS; row++) {
		unsigned int num = fence_track_collect(row, INT64_MAX, fences);

		for (unsigned int i = 0; i < num; i++) {
			collect_fence(graph, fences[i]);
			wwr_fence_put(fences[i]);
		}
	}
}

/* Of the node on the path that stands for this part of a cycle: does it tell anything? */
static bool cycle_is_news(const struct graph *graph, unsigned int first)
{
	unsigned int num_threads = 0;
	unsigned int node = first;

	/* A thread that waits for a fence that it made is what each client does. */
	do {
		if (graph->nodes[node].kind == GRAPH_MUTEX)
			return true;
		num_threads += graph->nodes[node].kind == GRAPH_THREAD;
		node = graph->edges[graph->nodes[node].via].to;
	} while (node != first);
	return num_threads > 1;
}

/* The next edge from a node, after one, or GRAPH_MAX_EDGES. */
static unsigned int next_edge(const struct graph *graph, unsigned int node, unsigned int edge)
{
	while (edge < graph->num_edges && graph->edges[edge].from != node)
		edge++;
	return edge < graph->num_edges ? edge : GRAPH_MAX_EDGES;
}

/* Depth first, without recursion. */
static void search_from(struct graph *graph, unsigned int start, graph_cycle_func func, void *arg)
{
	unsigned int current = start;

	graph->nodes[start].color = 1;
	graph->nodes[start].via = GRAPH_MAX_EDGES;
	for (;;) {
		struct graph_node *node = &graph->nodes[current];
		unsigned int to;

		node->via =
		    next_edge(graph, current, node->via == GRAPH_MAX_EDGES ? 0 : node->via + 1);
		if (node->via == GRAPH_MAX_EDGES) {
			node->color = 2;
			if (current == start)
				return;
			current = node->before;
			continue;
		}
		to = graph->edges[node->via].to;
		if (graph->nodes[to].color == 1 && cycle_is_news(graph, to))
			func(graph, to, arg);
		if (graph->nodes[to].color != 0)
			continue;
		graph->nodes[to].color = 1;
		graph->nodes[to].via = GRAPH_MAX_EDGES;
		graph->nodes[to].before = current;
		current = to;
	}
}

void graph_for_each_cycle(struct graph *graph, graph_cycle_func func, void *arg)
{
	for (unsigned int i = 0; i < graph->num_nodes; i++)
		graph->nodes[i].color = 0;
	for (unsigned int i = 0; i < graph->num_nodes; i++) {
		if (graph->nodes[i].color == 0)
			search_from(graph, i, func, arg);
	}
}

int graph_collect(struct graph *graph)
{
	int ret = collect_locks(graph);

	if (ret == 0)
		collect_fences(graph);
	return ret;
}
