/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_TRACE_SET_H
#define TESTS_EXPLORE_TRACE_SET_H

#include <stddef.h>
#include <stdint.h>

/* Hashes of the traces seen so far.  Zeroed = empty. */
struct trace_set {
	uint64_t *hashes; /* 0 = free */
	size_t num;
	size_t room; /* 0 or a power of two */
};

/* Add one; a hash seen before changes nothing.  Without memory the program ends. */
void trace_set_add(struct trace_set *set, uint64_t hash);

void trace_set_clear(struct trace_set *set);

#endif /* TESTS_EXPLORE_TRACE_SET_H */
