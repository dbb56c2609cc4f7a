/* SPDX-License-Identifier: MIT */
/* The wait-for graph in words and for graphviz. */
#include "reservation/debug_graph.h"

#include <wwresv/alloc.h>

#include "lockset/park.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000

struct graph_writer {
	enum wwr_debug_graph_format format;
	wwr_debug_write_func func;
	void *data;
	int64_t now_ns;
	int num_cycles;
};

/* What stands between the names of the two ends; since_ns goes into the first. */
static const char *const words[] = {
    [GRAPH_WAITS] = "waits for",
    [GRAPH_HELD_BY] = "is held by",
    [GRAPH_NEEDS] = "needs",
    [GRAPH_MADE_BY] = "was made by",
};

static const char *const shapes[] = {
    [GRAPH_THREAD] = "ellipse",
    [GRAPH_MUTEX] = "box",
    [GRAPH_FENCE] = "hexagon",
};

static void put(const struct graph_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(const struct graph_writer *writer, const char *format, ...)
{
	char text[GRAPH_TEXT_BYTES * 2 + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	writer->func(text, strlen(text), writer->data);
}

/* Drivers and classes choose their names. */
static void put_quoted(const struct graph_writer *writer, const char *text)
{
	put(writer, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			put(writer, "\\");
		put(writer, "%c", *text);
	}
	put(writer, "\"");
}

static double seconds(const struct graph_writer *writer, const struct graph_edge *edge)
{
	return (double)(writer->now_ns - edge->since_ns) / NS_PER_S;
}

static void put_text_edge(const struct graph_writer *writer, const struct graph *graph,
			  const struct graph_edge *edge)
{
	put(writer, "%s %s %s", graph->nodes[edge->from].text, words[edge->relation],
	    graph->nodes[edge->to].text);
	if (edge->relation == GRAPH_WAITS)
		put(writer, ", for %.3f s now", seconds(writer, edge));
	put(writer, "\n");
}

static void put_dot_edge(const struct graph_writer *writer, const struct graph_edge *edge)
{
	put(writer, "\tn%u -> n%u [label=\"%s", edge->from, edge->to, words[edge->relation]);
	if (edge->relation == GRAPH_WAITS)
		put(writer, ", %.3f s", seconds(writer, edge));
	put(writer, "\"%s];\n", edge->in_cycle ? ", color=red" : "");
}

static void put_dot_node(const struct graph_writer *writer, const struct graph *graph,
			 unsigned int number)
{
	put(writer, "\tn%u [label=", number);
	put_quoted(writer, graph->nodes[number].text);
	put(writer, ", shape=%s];\n", shapes[graph->nodes[number].kind]);
}

static void mark_cycle(struct graph *graph, unsigned int first, void *arg)
{
	struct graph_writer *writer = arg;
	unsigned int node = first;

	do {
		graph->edges[graph->nodes[node].via].in_cycle = true;
		node = graph->edges[graph->nodes[node].via].to;
	} while (node != first);
	writer->num_cycles++;
}

/* Begin with a thread: a sentence about somebody who does something. */
static unsigned int cycle_begin(const struct graph *graph, unsigned int node)
{
	while (graph->nodes[node].kind != GRAPH_THREAD)
		node = graph->edges[graph->nodes[node].via].to;
	return node;
}

static bool cycle_has_fence(const struct graph *graph, unsigned int first)
{
	unsigned int node = first;

	do {
		if (graph->nodes[node].kind == GRAPH_FENCE)
			return true;
		node = graph->edges[graph->nodes[node].via].to;
	} while (node != first);
	return false;
}

static void put_cycle(struct graph *graph, unsigned int first, void *arg)
{
	const struct graph_writer *writer = arg;
	unsigned int node;

	first = cycle_begin(graph, first);
	node = first;
	put(writer, "%s%s: %s", writer->format == WWR_DEBUG_GRAPH_DOT ? "\t// " : "",
	    cycle_has_fence(graph, first) ? "possible deadlock" : "deadlock",
	    graph->nodes[first].text);
	do {
		const struct graph_edge *edge = &graph->edges[graph->nodes[node].via];

		put(writer, "%s %s ", node != first ? ", which" : "", words[edge->relation]);
		put(writer, "%s", graph->nodes[edge->to].text);
		node = edge->to;
	} while (node != first);
	put(writer, "\n");
}

static void graph_write(struct graph_writer *writer, struct graph *graph)
{
	bool dot = writer->format == WWR_DEBUG_GRAPH_DOT;

	graph_for_each_cycle(graph, mark_cycle, writer);
	if (dot)
		put(writer, "digraph wwresv {\n");
	for (unsigned int i = 0; dot && i < graph->num_nodes; i++)
		put_dot_node(writer, graph, i);
	for (unsigned int i = 0; i < graph->num_edges; i++) {
		if (dot)
			put_dot_edge(writer, &graph->edges[i]);
		else
			put_text_edge(writer, graph, &graph->edges[i]);
	}
	if (graph->truncated)
		put(writer, "%s\n", dot ? "\t// and more" : "and more");
	graph_for_each_cycle(graph, put_cycle, writer);
	if (dot)
		put(writer, "}\n");
}

int wwr_debug_write_graph(enum wwr_debug_graph_format format, wwr_debug_write_func func, void *data)
{
	struct graph_writer writer = {format, func, data, park_now_ns(), 0};
	struct graph *graph;
	int ret;

	if (format != WWR_DEBUG_GRAPH_TEXT && format != WWR_DEBUG_GRAPH_DOT)
		return -EINVAL;
	graph = wwr_alloc(sizeof(*graph));
	if (graph == NULL)
		return -ENOMEM;
	ret = graph_collect(graph);
	if (ret == 0) {
		graph_write(&writer, graph);
		ret = writer.num_cycles;
	}
	wwr_free(graph);
	return ret;
}
