/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MM_RANGE_H
#define DRIVERS_MM_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which parts of an address space are in use.  Free neighbours are always one range, so a request
 * for one piece succeeds exactly if there is a hole that it fits in, and one for several pieces
 * exactly if so much is free.
 *
 * A piece goes into the smallest hole that is large enough; several pieces are the largest holes
 * there are, so that they are as few as possible.  Freeing cannot fail.
 */
struct wwr_mm_range {
	uint64_t start, size;
	bool used;
	struct wwr_mm_range *prev, *next;	  /* by address */
	struct wwr_mm_range *bin_prev, *bin_next; /* free: of about the same size */
	struct wwr_mm_range *piece;		  /* used: the next one of the same allocation */
};

#define MM_NUM_BINS 64

/* Not safe against other threads: the caller has a lock. */
struct mm_ranges {
	uint64_t size, free;
	struct wwr_mm_range *first;
	struct wwr_mm_range *bins[MM_NUM_BINS]; /* bin i: sizes from 2^i to 2^(i+1) - 1 */
	uint64_t bin_mask;			/* bins that are not empty */
};

/* Make an address space from 0: 0 or -ENOMEM.  Size 0: nothing fits. */
int mm_ranges_init(struct mm_ranges *ranges, uint64_t size);

/* All has been freed. */
void mm_ranges_fini(struct mm_ranges *ranges);

/*
 * Take a part in one piece: 0, -ENOSPC, or -ENOMEM = no memory for the bookkeeping.
 * align is a power of two.
 */
int mm_ranges_alloc(struct mm_ranges *ranges, uint64_t size, uint64_t align,
		    struct wwr_mm_range **ret_range);

/* Take a part in as many pieces as need be, a list by piece: the same results. */
int mm_ranges_alloc_pieces(struct mm_ranges *ranges, uint64_t size,
			   struct wwr_mm_range **ret_first);

/* Give an allocation back, all pieces.  NULL is a no-op. */
void mm_ranges_free(struct mm_ranges *ranges, struct wwr_mm_range *first);

#endif /* DRIVERS_MM_RANGE_H */
