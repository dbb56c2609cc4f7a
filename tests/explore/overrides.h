/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_OVERRIDES_H
#define TESTS_EXPLORE_OVERRIDES_H

/*
 * Included before every source of the libraries when they are built for the explorer: limits that
 * are small, and that each scenario chooses, since a step here costs what a thousand cost there.
 */
extern unsigned int ex_max_losses;
extern unsigned int ex_handoff_after;
extern unsigned int ex_spins;

#define SET_MAX_LOSSES	    ex_max_losses
#define MUTEX_HANDOFF_AFTER ex_handoff_after
#define MUTEX_SPINS	    (int)ex_spins
#define MUTEX_YIELDS	    ((int)ex_spins - 1)
#define WAIT_LOCK_SPINS	    (int)ex_spins
#define FENCE_SPINS	    (int)ex_spins
#define OPS_NUM_COUNTERS    2

/* The pool of signal cells grows soon, and addresses decide nothing. */
#define CELL_FIRST_CHUNK 2
#define CELL_NUM_POOLS	 1

/* Addresses decide nothing there either. */
#define TRACK_NUM_ROWS 1

/* Graphs fit into the memory of a schedule. */
#define GRAPH_MAX_NODES 8
#define GRAPH_MAX_EDGES 16

/* A processor given away is a scheduling point. */
#define sched_yield ex_yield

/* What is made of the system's threads. */
#ifdef EX_PTHREADS
#include "tests/explore/pthread_names.h"
#endif

#endif /* TESTS_EXPLORE_OVERRIDES_H */
