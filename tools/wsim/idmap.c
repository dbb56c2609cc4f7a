/* SPDX-License-Identifier: MIT */
/* Invariant: at most half of the slots are used, so that every probe ends. */
#include "idmap.h"

#include "alloc.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t mix(uint64_t key)
{
	key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
	key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
	return key ^ (key >> 31);
}

/* The slot that holds key, or the free one where it belongs. */
static struct wsim_idmap_entry *probe(const struct wsim_idmap *map, uint64_t key)
{
	size_t slot = mix(key) & (map->num_slots - 1);

	while (map->entries[slot].value_plus_1 != 0 && map->entries[slot].key != key)
		slot = (slot + 1) & (map->num_slots - 1);
	return &map->entries[slot];
}

static int grow(struct wsim_idmap *map)
{
	struct wsim_idmap bigger = {.num_slots = map->num_slots == 0 ? 16 : map->num_slots * 2,
				    .num_used = map->num_used};

	bigger.entries = wsim_calloc(bigger.num_slots, sizeof(*bigger.entries));
	if (bigger.entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < map->num_slots; i++) {
		if (map->entries[i].value_plus_1 != 0)
			*probe(&bigger, map->entries[i].key) = map->entries[i];
	}
	free(map->entries);
	*map = bigger;
	return 0;
}

void wsim_idmap_fini(struct wsim_idmap *map)
{
	free(map->entries);
	*map = (struct wsim_idmap){0};
}

size_t wsim_idmap_find(const struct wsim_idmap *map, uint64_t key)
{
	if (map->num_slots == 0)
		return SIZE_MAX;
	return probe(map, key)->value_plus_1 - 1; /* 0 - 1 is SIZE_MAX */
}

int wsim_idmap_add(struct wsim_idmap *map, uint64_t key, size_t value)
{
	struct wsim_idmap_entry *entry;

	if (map->num_used >= map->num_slots / 2 && grow(map) != 0)
		return -ENOMEM;
	entry = probe(map, key);
	entry->key = key;
	entry->value_plus_1 = value + 1;
	map->num_used++;
	return 0;
}
