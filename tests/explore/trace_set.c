/* SPDX-License-Identifier: MIT */
#include "tests/explore/trace_set.h"

#include <stdio.h>
#include <stdlib.h>

#define MIN_ROOM 1024

static void insert(struct trace_set *set, uint64_t hash)
{
	size_t i = hash & (set->room - 1);

	while (set->hashes[i] != 0) {
		if (set->hashes[i] == hash)
			return;
		i = (i + 1) & (set->room - 1);
	}
	set->hashes[i] = hash;
	set->num++;
}

static void grow(struct trace_set *set)
{
	struct trace_set bigger = {.room = set->room != 0 ? set->room * 2 : MIN_ROOM};

	bigger.hashes = calloc(bigger.room, sizeof(*bigger.hashes));
	if (bigger.hashes == NULL) {
		perror("explore: traces");
		exit(1);
	}
	for (size_t i = 0; i < set->room; i++) {
		if (set->hashes[i] != 0)
			insert(&bigger, set->hashes[i]);
	}
	free(set->hashes);
	*set = bigger;
}

void trace_set_add(struct trace_set *set, uint64_t hash)
{
	if (set->num * 2 >= set->room)
		grow(set);
	insert(set, hash != 0 ? hash : 1);
}

void trace_set_clear(struct trace_set *set)
{
	free(set->hashes);
	*set = (struct trace_set){0};
}
