/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_RESV_WORLD_H
#define TESTS_FUZZ_RESV_WORLD_H

/*
 * Fences, reservations and syncobjs beside a plain model of them.  To the model a fence is a node:
 * the set of drivers' fences that it waits for, one bit each, and what is known of its end.  One
 * thread does everything, so a run depends on the input alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>
#include <wwresv/resv.h>
#include <wwresv/syncobj.h>

#define WORLD_BASES    48
#define WORLD_NODES    512
#define WORLD_HANDLES  12
#define WORLD_CONTEXTS 4
#define WORLD_RESVS    2
#define WORLD_ENTRIES  256
#define WORLD_SYNCOBJS 3
#define WORLD_POINTS   128
#define WORLD_MAX_OPS  400
#define NONE	       (-1)

enum node_kind {
	NODE_BASE, /* a driver's fence */
	NODE_STUB, /* born signalled */
	NODE_ARRAY,
	NODE_CHAIN,
	NODE_OPAQUE, /* the library made it: only what it waits for is known */
};

/* How a fence ends. */
struct end {
	int error;
	int64_t error_ns, time_ns;
};

struct node {
	enum node_kind kind;
	struct wwr_fence *fence; /* not a reference */
	uint64_t waits;		 /* for these drivers' fences */
	bool exact;		 /* its end is known, not only its moment */
	int base;		 /* NODE_BASE: the bit */
	struct end left;	 /* NODE_STUB, NODE_ARRAY: of what it was made of and left out */
	int num_members;
	int members[WORLD_BASES];
	/* NODE_CHAIN: nodes, or NONE; its number; the first node of those in order. */
	int prev, own;
	uint64_t seqno;
	int run;
};

/* A driver's fence; the world has a reference until its end. */
struct base {
	struct wwr_fence fence;
	int number;
	int node;
	int num_enabled; /* calls of the op */
	bool asked;	 /* the op must have been called */
	struct end end;	 /* once it has signalled */
	int64_t deadline_ns;
};

/* A reference of a node's fence, and maybe a callback. */
struct handle {
	int node; /* NONE = empty */
	struct wwr_fence_cb cb;
	bool added;
	unsigned int num_calls;
};

struct entry {
	int node; /* NONE = empty */
	enum wwr_resv_usage usage;
};

struct model_resv {
	struct wwr_resv resv;
	bool locked;
	unsigned int num_slots;
	unsigned int num_entries;
	struct entry entries[WORLD_ENTRIES];
};

struct model_point {
	uint64_t seqno;
	uint64_t waits;	  /* with those of all points before */
	unsigned int run; /* points of one run are in order; 0 = a fence that is no point */
};

struct model_syncobj {
	struct wwr_syncobj *syncobj;
	unsigned int num;
	struct model_point points[WORLD_POINTS];
};

struct world {
	const uint8_t *data; /* of the input, what is not used yet */
	size_t size;
	uint64_t context; /* of the first of WORLD_CONTEXTS */
	uint64_t next_seqno;
	int num_bases, num_nodes;
	uint64_t signaled; /* drivers' fences */
	uint64_t clients;  /* those that a client has to signal */
	struct base *bases[WORLD_BASES];
	struct node nodes[WORLD_NODES];
	struct handle handles[WORLD_HANDLES];
	struct model_resv resvs[WORLD_RESVS];
	struct model_syncobj syncobjs[WORLD_SYNCOBJS];
	unsigned int starve;	 /* the next allocation but so many fails; 0 = none */
	unsigned int num_denied; /* allocations that failed */
	int num_alive;		 /* allocations not given back */
};

extern struct world world;

/* resv_world.c */

/* The next byte of the input, below num; 0 when there is no more. */
unsigned int world_choose(unsigned int num);
void world_begin(const uint8_t *data, size_t size);
void world_end(void);
/* A line of the trace, printed if something is found to be wrong. */
void world_trace(const char *format, int a, int b, int c, int d);
/* The library does not do what the model says: print the trace and abort. */
void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn, cold));
/*
 * A call has returned: what it must, or -ENOMEM if memory was denied since num_denied was seen.
 * True = it did what the model says; false = it did nothing for want of memory.
 */
bool world_expect(const char *call, int got, int want, unsigned int seen_denied);

/* resv_nodes.c: the model of fences. */

struct node *node_new(enum node_kind kind, struct wwr_fence *fence, uint64_t waits);
bool node_is_done(const struct node *node);
bool node_is_container(const struct node *node);
/* How a node that is done has ended; its end must be known. */
struct end node_end(const struct node *node);
void end_add_error(struct end *end, int error, int64_t error_ns);
void end_add_time(struct end *end, int64_t time_ns);
/* The bit of a driver's fence, or NONE. */
int world_find_base(const struct wwr_fence *fence);
static inline int node_number(const struct node *node)
{
	return (int)(node - world.nodes);
}

/* A node that some handle has, or NULL. */
struct node *world_choose_node(void);
/* An empty handle gets the reference, or the one that it takes the place of is given up. */
void world_keep(struct node *node);
void handle_drop(struct handle *handle);
/* Everything about every handle and driver's fence is as the model says. */
void world_compare_fences(void);
/* Callbacks came when they had to, and only then. */
void world_compare_calls(void);
/* Of so many fences the latest of each context: what a merge keeps. */
uint64_t world_latest(uint64_t pending);

/* Operations: resv_ops_fence.c, resv_ops_merge.c, resv_ops_resv.c, resv_ops_syncobj.c. */
extern void (*const fence_ops[])(void);
extern const unsigned int num_fence_ops;
extern void (*const merge_ops[])(void);
extern const unsigned int num_merge_ops;
extern void (*const resv_ops[])(void);
extern const unsigned int num_resv_ops;
extern void (*const syncobj_ops[])(void);
extern const unsigned int num_syncobj_ops;

void world_new_base(void);
void base_signal_at(int base, int64_t time_ns, int error);
void resvs_begin(void);
void resvs_end(void);
void world_compare_resvs(void);
void syncobjs_begin(void);
void syncobjs_end(void);
void world_compare_syncobjs(void);

#endif /* TESTS_FUZZ_RESV_WORLD_H */
