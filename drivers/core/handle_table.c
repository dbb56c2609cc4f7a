/* SPDX-License-Identifier: MIT */
/*
 * Invariants: a slot is used (it has an object) or stands once in the list of free ones; slots are
 * never given back before the table ends.
 */
#include "drivers/core/handle_table.h"

#include <wwresv/alloc.h>

#include "lockset/usage.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define FIRST_NUM_SLOTS 16

struct handle_slot {
	void *object; /* NULL = free */
	uint32_t num_uses;
	uint32_t next_free;
};

void handle_table_init(struct handle_table *table, uint32_t max_used)
{
	*table = (struct handle_table){.max_used = max_used};
	pthread_mutex_init(&table->lock, NULL);
	if (max_used > HANDLE_MAX_SLOTS)
		table->max_used = HANDLE_MAX_SLOTS;
}

void handle_table_fini(struct handle_table *table)
{
	WWR_USAGE(table->num_used == 0, "handle table %p ends with %u handles", (void *)table,
		  table->num_used);
	pthread_mutex_destroy(&table->lock);
	wwr_free(table->slots);
	table->slots = NULL;
}

static uint32_t slot_handle(const struct handle_table *table, uint32_t number)
{
	return table->slots[number - 1].num_uses << HANDLE_SLOT_BITS | number;
}

/* The used slot that a handle means, or NULL. */
static struct handle_slot *slot_find(const struct handle_table *table, uint32_t handle)
{
	uint32_t number = handle & HANDLE_MAX_SLOTS;

	if (number == 0 || number > table->num_slots)
		return NULL;
	if (table->slots[number - 1].object == NULL || slot_handle(table, number) != handle)
		return NULL;
	return &table->slots[number - 1];
}

static void slot_append_free(struct handle_table *table, uint32_t number)
{
	table->slots[number - 1].next_free = 0;
	if (table->last_free != 0)
		table->slots[table->last_free - 1].next_free = number;
	else
		table->first_free = number;
	table->last_free = number;
}

static int table_grow(struct handle_table *table)
{
	uint32_t num = table->num_slots != 0 ? table->num_slots * 2 : FIRST_NUM_SLOTS;
	struct handle_slot *slots;

	if (num > HANDLE_MAX_SLOTS)
		num = HANDLE_MAX_SLOTS;
	slots = wwr_alloc_array(num, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	if (table->num_slots != 0)
		memcpy(slots, table->slots, table->num_slots * sizeof(*slots));
	wwr_free(table->slots);
	table->slots = slots;
	while (table->num_slots < num)
		slot_append_free(table, ++table->num_slots);
	return 0;
}

int handle_table_add(struct handle_table *table, void *object, uint32_t *ret_handle)
{
	struct handle_slot *slot;
	uint32_t number;
	int ret = 0;

	pthread_mutex_lock(&table->lock);
	if (table->num_used >= table->max_used)
		ret = -ENOSPC;
	else if (table->first_free == 0)
		ret = table_grow(table);
	if (ret == 0) {
		number = table->first_free;
		slot = &table->slots[number - 1];
		table->first_free = slot->next_free;
		if (table->first_free == 0)
			table->last_free = 0;
		slot->object = object;
		table->num_used++;
		*ret_handle = slot_handle(table, number);
	}
	pthread_mutex_unlock(&table->lock);
	return ret;
}

void *handle_table_find(struct handle_table *table, uint32_t handle, void *(*get)(void *object))
{
	struct handle_slot *slot;
	void *object;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, handle);
	object = slot != NULL ? get(slot->object) : NULL;
	pthread_mutex_unlock(&table->lock);
	return object;
}

/* The slot's object leaves. */
static void *slot_take(struct handle_table *table, struct handle_slot *slot)
{
	void *object = slot->object;

	slot->object = NULL;
	slot->num_uses++;
	slot_append_free(table, (uint32_t)(slot - table->slots) + 1);
	table->num_used--;
	return object;
}

void *handle_table_remove(struct handle_table *table, uint32_t handle)
{
	struct handle_slot *slot;
	void *object = NULL;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, handle);
	if (slot != NULL)
		object = slot_take(table, slot);
	pthread_mutex_unlock(&table->lock);
	return object;
}

void *handle_table_take(struct handle_table *table, uint32_t *cursor, uint32_t *ret_handle)
{
	void *object = NULL;

	pthread_mutex_lock(&table->lock);
	for (; *cursor < table->num_slots && object == NULL; (*cursor)++) {
		if (table->slots[*cursor].object == NULL)
			continue;
		*ret_handle = slot_handle(table, *cursor + 1);
		object = slot_take(table, &table->slots[*cursor]);
	}
	pthread_mutex_unlock(&table->lock);
	return object;
}

uint32_t handle_table_count(struct handle_table *table)
{
	uint32_t num;

	pthread_mutex_lock(&table->lock);
	num = table->num_used;
	pthread_mutex_unlock(&table->lock);
	return num;
}
