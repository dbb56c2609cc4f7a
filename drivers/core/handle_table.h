/* SPDX-License-Identifier: MIT */
#ifndef CORE_HANDLE_TABLE_H
#define CORE_HANDLE_TABLE_H

#include <pthread.h>
#include <stdint.h>

/*
 * Handles of one open file: what a client calls its objects.
 *
 *   bits 0..19   the slot, from 1
 *   bits 20..31  how often the slot was used before, so that an old handle does not find what
 *                took its place
 *
 * Slots are used again in the order in which they became free, the longest free one first.
 */
#define HANDLE_SLOT_BITS 20
#define HANDLE_MAX_SLOTS ((1u << HANDLE_SLOT_BITS) - 1)

/* Fields: (i) immutable, (l) under lock. */
struct handle_table {
	pthread_mutex_t lock;
	uint32_t max_used;	   /* (i) the quota */
	struct handle_slot *slots; /* (l) */
	uint32_t num_slots;	   /* (l) */
	uint32_t num_used;	   /* (l) */
	uint32_t first_free;	   /* (l) slots by number, 0 = none */
	uint32_t last_free;	   /* (l) */
};

void handle_table_init(struct handle_table *table, uint32_t max_used);

/* The table holds no object any more. */
void handle_table_fini(struct handle_table *table);

/*
 * The object is complete: whoever guesses the handle may use it from now on.  On success the
 * table has the caller's reference.  0, -ENOMEM, -ENOSPC (the quota).
 */
int handle_table_add(struct handle_table *table, void *object, uint32_t *ret_handle);

/* The object with a reference taken by get, or NULL. */
void *handle_table_find(struct handle_table *table, uint32_t handle, void *(*get)(void *object));

/* The table's reference becomes the caller's; NULL = no such handle. */
void *handle_table_remove(struct handle_table *table, uint32_t handle);

/* The next one, and its handle; *cursor is 0 at first.  NULL = none is left. */
void *handle_table_take(struct handle_table *table, uint32_t *cursor, uint32_t *ret_handle);

/* How many there are. */
uint32_t handle_table_count(struct handle_table *table);

#endif /* CORE_HANDLE_TABLE_H */
