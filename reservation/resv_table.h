/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_RESV_TABLE_H
#define RESERVATION_RESV_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/fence.h>
#include <wwresv/resv.h>

#include "reservation/resv_cell.h"

/*
 * The fences of a reservation.  An entry is a word for readers without lock, and the fence itself,
 * with a reference, for everybody else; it is empty when the word is 0 and the fence NULL.  An
 * entry never moves: what a reader has passed cannot turn up behind it again, and what it has not
 * passed cannot get past it.  A table that became too small is kept until the reservation ends,
 * for readers that are inside; tables double, so the old ones together are smaller than the last.
 *
 * Fields: (t) changed with the mutex and table_lock held, read with either; (a) atomic, changed as
 * (t); (i) immutable.
 */
struct wwr_resv_table {
	struct wwr_resv_table *older; /* (i) the one before, or NULL */
	uint32_t max_fences;	      /* (i) */
	uint32_t num_entries;	      /* (a) the rest has never been used */
	uint64_t words[];	      /* (a) max_fences of them, and behind them the fences, (t) */
};

/*
 * The word of an entry:
 *
 *   bits 32..63  the index of the fence's signal cell; 0 = none
 *   bits 2..31   the generation of the cell that is the fence's, or a RESV_WORD_* below
 *   bits 0..1    the usage
 */
#define RESV_WORD_USAGE_MASK  3u
#define RESV_WORD_INDEX_SHIFT 32
#define RESV_WORD_EMPTY	      0
#define RESV_WORD_SIGNALED    4 /* had signalled before it was added */
#define RESV_WORD_UNKNOWN     8 /* there was no memory for a cell: ask the fence, under table_lock */

_Static_assert(WWR_RESV_USAGE_BOOKKEEP <= RESV_WORD_USAGE_MASK &&
		   RESV_WORD_USAGE_MASK == (uint32_t)~CELL_GENERATION_MASK,
	       "a usage fits beside a generation");

static inline enum wwr_resv_usage resv_word_usage(uint64_t word)
{
	return (enum wwr_resv_usage)(word & RESV_WORD_USAGE_MASK);
}

static inline struct wwr_fence **resv_table_fences(struct wwr_resv_table *table)
{
	return (struct wwr_fence **)(table->words + table->max_fences);
}

/* What a reader without lock looks at; NULL = no fence was ever reserved. */
static inline struct wwr_resv_table *resv_table(const struct wwr_resv *resv)
{
	/* Acquire pairs with the release in resv_make_table(): the entries that it took along. */
	return wwr_atomic_load(&resv->table, WWR_ACQUIRE);
}

/* Entries that may hold a fence; table may be NULL. */
static inline uint32_t resv_table_num_entries(const struct wwr_resv_table *table)
{
	/* Acquire pairs with the release in resv_set_entry(): the entry before the number. */
	return table != NULL ? wwr_atomic_load(&table->num_entries, WWR_ACQUIRE) : 0;
}

static inline uint32_t resv_num_entries(const struct wwr_resv *resv)
{
	return resv_table_num_entries(resv_table(resv));
}

static inline uint64_t resv_word(const struct wwr_resv_table *table, uint32_t index)
{
	/* Acquire pairs with the release in resv_set_entry(): the cell that it names. */
	return wwr_atomic_load(&table->words[index], WWR_ACQUIRE);
}

/* The fence of an entry, or NULL; with the mutex or table_lock held. */
static inline struct wwr_fence *resv_fence(const struct wwr_resv *resv, uint32_t index)
{
	return resv_table_fences(resv->table)[index];
}

/* The usage of an entry that is not empty; with the mutex or table_lock held. */
static inline enum wwr_resv_usage resv_usage(const struct wwr_resv *resv, uint32_t index)
{
	/* Relaxed: the lock orders it. */
	return resv_word_usage(wwr_atomic_load(&resv->table->words[index], WWR_RELAXED));
}

/* 0, or -EPERM and a report: what changes a reservation needs its lock. */
int resv_check_held(const struct wwr_resv *resv, const char *function);

/* How many fences may still be appended in this hold of the lock. */
static inline uint32_t resv_num_slots(const struct wwr_resv *resv)
{
	return resv->slots_hold == resv->mutex.hold_seq ? resv->num_slots : 0;
}

/* A table for so many fences, with the mutex held.  0 or -ENOMEM. */
int resv_make_table(struct wwr_resv *resv, uint64_t max_fences);

/*
 * Room for so many more fences than there are, with the mutex held; drops what has signalled
 * before it takes more memory.  0 or -ENOMEM.
 */
int resv_make_room(struct wwr_resv *resv, uint32_t num_more);

/* So many spare cells at least, with the mutex held.  0 or -ENOMEM. */
int resv_make_cells(struct wwr_resv *resv, uint32_t num_cells);

/*
 * The word for a fence that is to be added; takes a spare cell if the fence has none, and if there
 * is none allocates one.  With the mutex held, and before table_lock.
 */
uint64_t resv_word_make(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage);

/*
 * Change an entry, with the mutex and table_lock held.  Takes over the reference of the new fence;
 * the old one's becomes the caller's, to be dropped after table_lock.
 */
struct wwr_fence *resv_set_entry(struct wwr_resv *resv, uint32_t index, struct wwr_fence *fence,
				 uint64_t word);

/* The same, with the mutex held; drops the old reference. */
void resv_change_entry(struct wwr_resv *resv, uint32_t index, struct wwr_fence *fence,
		       uint64_t word);

/* The table and the cells go, fences and all; nobody uses the reservation any more. */
void resv_table_fini(struct wwr_resv *resv);

#endif /* RESERVATION_RESV_TABLE_H */
