/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_RESV_READ_H
#define RESERVATION_RESV_READ_H

#include "reservation/resv_table.h"

/* What a word says of its fence without a lock. */
enum resv_look {
	RESV_LOOK_SIGNALED, /* or there is none */
	RESV_LOOK_PENDING,
	RESV_LOOK_UNKNOWN, /* only the fence itself knows */
	RESV_LOOK_GONE,	   /* the fence is released, so the entry is another one by now */
};

static inline enum resv_look resv_word_look(uint64_t word)
{
	uint32_t index = (uint32_t)(word >> RESV_WORD_INDEX_SHIFT);
	uint32_t state;

	if (index == 0)
		return (word & RESV_WORD_UNKNOWN) != 0 ? RESV_LOOK_UNKNOWN : RESV_LOOK_SIGNALED;
	/*
	 * Acquire pairs with the release in resv_cell_signal(): what the work wrote; and with that
	 * in resv_cell_put(): the change of the entry, which came before it.
	 */
	state = wwr_atomic_load(&resv_cell_at(index)->state, WWR_ACQUIRE);
	if (((state ^ (uint32_t)word) & CELL_GENERATION_MASK) != 0)
		return RESV_LOOK_GONE;
	return (state & CELL_SIGNALED) != 0 ? RESV_LOOK_SIGNALED : RESV_LOOK_PENDING;
}

/* May the entry hold a pending fence of a usage asked for?  Without a lock. */
bool resv_may_be_pending(const struct wwr_resv *resv, uint32_t index, enum wwr_resv_usage usage);

/* Entries to take references from: index .. end, or all there are if those are less. */
struct resv_span {
	enum wwr_resv_usage usage; /* and all lower ones */
	bool signaled_too;
	uint32_t index;
	uint32_t end;
};

/*
 * Take references, in one hold of table_lock, until max_fences are taken or the span is done;
 * span->index is then behind the last entry looked at.  Returns how many.  ret_words may be NULL.
 */
uint32_t resv_take(struct wwr_resv *resv, struct resv_span *span, uint32_t max_fences,
		   struct wwr_fence **ret_fences, uint64_t *ret_words);

#endif /* RESERVATION_RESV_READ_H */
