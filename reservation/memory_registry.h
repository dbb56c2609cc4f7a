/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_MEMORY_REGISTRY_H
#define RESERVATION_MEMORY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "reservation/dma_buf_carrier.h"

/*
 * Objects that clients have as memfds, found again by the file whatever number a descriptor has.
 *
 * An entry is in the registry from before its descriptor is given to a client until nobody else has
 * the file; own_fd is open all the time, so that no other file gets its inode number.  A
 * descriptor is added to an entry only under the lock, as looking for unused ones is.
 */
#define MEMORY_REGISTRY_BUCKETS 256

/* Head of an object.  Fields: (i) immutable once in the registry, (l) the registry's lock. */
struct memory_entry {
	struct memory_id id;	   /* (i) of own_fd's file */
	int own_fd;		   /* (i) from wwr_memory_reopen() */
	struct memory_entry *next; /* (l) */
};

/* Static memory of zeros is a registry.  Fields: (l) under lock. */
struct memory_registry {
	uint32_t lock;		 /* a wait lock, lockset/park.h */
	unsigned int num;	 /* (l) */
	unsigned int collect_at; /* (l) so many make it worth looking */
	struct memory_entry *buckets[MEMORY_REGISTRY_BUCKETS]; /* (l) */
};

/* The entry that has this file already, or NULL: then the new one is in. */
struct memory_entry *memory_registry_add(struct memory_registry *registry,
					 struct memory_entry *entry);

/* What get returns for the file's entry, called under the lock; NULL = there is none. */
void *memory_registry_find(struct memory_registry *registry, const struct memory_id *id,
			   void *(*get)(struct memory_entry *entry, void *data), void *data);

/* Are there so many that it is worth looking for unused ones? */
bool memory_registry_is_full(struct memory_registry *registry);

/* Those that nobody else has any more leave: a list by next, for the caller to end. */
struct memory_entry *memory_registry_take_unused(struct memory_registry *registry);

#endif /* RESERVATION_MEMORY_REGISTRY_H */
