/* SPDX-License-Identifier: MIT */
#include "reservation/memory_registry.h"

#include "lockset/park.h"

#include <stddef.h>

/* With fewer entries than this nobody looks for unused ones. */
#define MIN_COLLECT 32

static struct memory_entry **registry_bucket(struct memory_registry *registry,
					     const struct memory_id *id)
{
	return &registry->buckets[id->ino % MEMORY_REGISTRY_BUCKETS];
}

static struct memory_entry *registry_find_locked(struct memory_registry *registry,
						 const struct memory_id *id)
{
	struct memory_entry *entry = *registry_bucket(registry, id);

	while (entry != NULL && (entry->id.ino != id->ino || entry->id.dev != id->dev))
		entry = entry->next;
	return entry;
}

struct memory_entry *memory_registry_add(struct memory_registry *registry,
					 struct memory_entry *entry)
{
	struct memory_entry **bucket = registry_bucket(registry, &entry->id);
	struct memory_entry *old;

	wait_lock_ranked(&registry->lock, RANK_MEMORY);
	old = registry_find_locked(registry, &entry->id);
	if (old == NULL) {
		entry->next = *bucket;
		*bucket = entry;
		registry->num++;
	}
	wait_unlock(&registry->lock);
	return old;
}

void *memory_registry_find(struct memory_registry *registry, const struct memory_id *id,
			   void *(*get)(struct memory_entry *entry, void *data), void *data)
{
	struct memory_entry *entry;
	void *object;

	wait_lock_ranked(&registry->lock, RANK_MEMORY);
	entry = registry_find_locked(registry, id);
	object = entry != NULL ? get(entry, data) : NULL;
	wait_unlock(&registry->lock);
	return object;
}

bool memory_registry_is_full(struct memory_registry *registry)
{
	bool full;

	wait_lock_ranked(&registry->lock, RANK_MEMORY);
	full = registry->num >= MIN_COLLECT && registry->num >= registry->collect_at;
	wait_unlock(&registry->lock);
	return full;
}

struct memory_entry *memory_registry_take_unused(struct memory_registry *registry)
{
	struct memory_entry *list = NULL;

	wait_lock_ranked(&registry->lock, RANK_MEMORY);
	for (unsigned int i = 0; i < MEMORY_REGISTRY_BUCKETS; i++) {
		struct memory_entry **link = &registry->buckets[i];

		while (*link != NULL) {
			struct memory_entry *entry = *link;

			if (!memory_is_alone(entry->own_fd)) {
				link = &entry->next;
				continue;
			}
			*link = entry->next;
			entry->next = list;
			list = entry;
			registry->num--;
		}
	}
	registry->collect_at = registry->num * 2;
	wait_unlock(&registry->lock);
	return list;
}
