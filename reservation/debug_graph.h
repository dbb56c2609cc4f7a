/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_DEBUG_GRAPH_H
#define RESERVATION_DEBUG_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/sys/debug.h>

/*
 * Who waits for what: nodes, each with at most one meaning in words, and edges in the direction of
 * waiting.  More than these are only counted.
 */
#define GRAPH_TEXT_BYTES 112
#ifndef GRAPH_MAX_NODES
#define GRAPH_MAX_NODES 2048
#define GRAPH_MAX_EDGES 4096
#endif

enum graph_kind {
	GRAPH_THREAD,
	GRAPH_MUTEX,
	GRAPH_FENCE,
};

enum graph_relation {
	GRAPH_WAITS,   /* a thread for a mutex or a fence */
	GRAPH_HELD_BY, /* a mutex by a thread */
	GRAPH_NEEDS,   /* a container a fence */
	GRAPH_MADE_BY, /* a fence by a thread, which may be the one to signal it */
};

struct graph_node {
	enum graph_kind kind;
	uintptr_t key; /* an address, or the number of a thread */
	uint64_t seqno;
	int color;	     /* of the search for cycles: 0 not seen, 1 on the path, 2 done */
	unsigned int via;    /* on the path: the edge that leads on */
	unsigned int before; /* on the path: the node before */
	char text[GRAPH_TEXT_BYTES];
};

struct graph_edge {
	unsigned int from, to;
	enum graph_relation relation;
	int64_t since_ns; /* of GRAPH_WAITS */
	bool in_cycle;
};

struct graph {
	unsigned int num_nodes;
	unsigned int num_edges;
	bool truncated;
	struct graph_node nodes[GRAPH_MAX_NODES];
	struct graph_edge edges[GRAPH_MAX_EDGES];
};

/* Look at everybody; -ENOMEM. */
int graph_collect(struct graph *graph);

/*
 * Calls func for each cycle, with one of its nodes: the next one is where the edge via leads.  A
 * thread that only waits for a fence of its own is none.
 */
typedef void (*graph_cycle_func)(struct graph *graph, unsigned int first, void *arg);
void graph_for_each_cycle(struct graph *graph, graph_cycle_func func, void *arg);

#endif /* RESERVATION_DEBUG_GRAPH_H */
