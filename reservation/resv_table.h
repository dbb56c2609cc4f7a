/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_RESV_TABLE_H
#define RESERVATION_RESV_TABLE_H

#include <stdint.h>

#include <wwresv/fence.h>
#include <wwresv/resv.h>

/*
 * The fences of a reservation: entries[0 .. num_fences) hold a reference each, with the usage in
 * the low bits of the pointer, so that a reader gets both at once.
 *
 * Fields: (t) changed with the mutex and table_lock held, read with either; (i) immutable.
 */
struct wwr_resv_table {
	uint32_t num_fences; /* (t) */
	uint32_t max_fences; /* (i) */
	uintptr_t entries[]; /* (t) */
};

#define RESV_USAGE_MASK ((uintptr_t)3)

_Static_assert(WWR_RESV_USAGE_BOOKKEEP <= RESV_USAGE_MASK, "a usage fits beside a pointer");
_Static_assert(_Alignof(struct wwr_fence) > RESV_USAGE_MASK, "a pointer leaves room for a usage");

static inline uintptr_t resv_entry(struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	return (uintptr_t)fence | (uintptr_t)usage;
}

static inline struct wwr_fence *resv_entry_fence(uintptr_t entry)
{
	return (struct wwr_fence *)(entry & ~RESV_USAGE_MASK);
}

static inline enum wwr_resv_usage resv_entry_usage(uintptr_t entry)
{
	return (enum wwr_resv_usage)(entry & RESV_USAGE_MASK);
}

static inline uint32_t resv_num_fences(const struct wwr_resv *resv)
{
	return resv->table != NULL ? resv->table->num_fences : 0;
}

#endif /* RESERVATION_RESV_TABLE_H */
