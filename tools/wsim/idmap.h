/* SPDX-License-Identifier: MIT */
/* Hash table from 64-bit keys to array indices; keys are never removed. */
#ifndef WSIM_IDMAP_H
#define WSIM_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct wsim_idmap_entry {
	uint64_t key;
	size_t value_plus_1; /* 0 = free */
};

/* All zero is an empty map. */
struct wsim_idmap {
	struct wsim_idmap_entry *entries;
	size_t num_slots; /* a power of two, or 0 */
	size_t num_used;
};

void wsim_idmap_fini(struct wsim_idmap *map);

/* The value of key, or SIZE_MAX. */
size_t wsim_idmap_find(const struct wsim_idmap *map, uint64_t key);

/* Add a key that is not there yet. value < SIZE_MAX. 0 or -ENOMEM. */
int wsim_idmap_add(struct wsim_idmap *map, uint64_t key, size_t value);

#endif
