/* SPDX-License-Identifier: MIT */
/*
 * Invariants: the ranges by address cover the space without gaps; no two free ones are neighbours;
 * a free one is in the bin of its size.
 */
#include "drivers/mm/range.h"

#include <wwresv/alloc.h>

#include <assert.h>
#include <errno.h>

static unsigned int range_bin(uint64_t size)
{
	return MM_NUM_BINS - 1 - (unsigned int)__builtin_clzll(size);
}

static void bin_add(struct mm_ranges *ranges, struct wwr_mm_range *range)
{
	const unsigned int bin = range_bin(range->size);

	range->used = false;
	range->piece = NULL;
	range->bin_prev = NULL;
	range->bin_next = ranges->bins[bin];
	if (range->bin_next != NULL)
		range->bin_next->bin_prev = range;
	ranges->bins[bin] = range;
	ranges->bin_mask |= UINT64_C(1) << bin;
	ranges->free += range->size;
}

static void bin_remove(struct mm_ranges *ranges, struct wwr_mm_range *range)
{
	const unsigned int bin = range_bin(range->size);

	if (range->bin_prev != NULL)
		range->bin_prev->bin_next = range->bin_next;
	else
		ranges->bins[bin] = range->bin_next;
	if (range->bin_next != NULL)
		range->bin_next->bin_prev = range->bin_prev;
	if (ranges->bins[bin] == NULL)
		ranges->bin_mask &= ~(UINT64_C(1) << bin);
	range->used = true;
	ranges->free -= range->size;
}

/* Where a piece begins in a free range; false = it does not fit. */
static bool range_fits(const struct wwr_mm_range *range, uint64_t size, uint64_t align,
		       uint64_t *ret_start)
{
	const uint64_t skip = -range->start & (align - 1);

	if (skip > range->size || range->size - skip < size)
		return false;
	*ret_start = range->start + skip;
	return true;
}

/* The smallest hole that the piece fits in, or NULL. */
static struct wwr_mm_range *ranges_find(const struct mm_ranges *ranges, uint64_t size,
					uint64_t align)
{
	uint64_t mask = ranges->bin_mask & (UINT64_MAX << range_bin(size));
	struct wwr_mm_range *best = NULL;
	uint64_t start;

	for (; mask != 0 && best == NULL; mask &= mask - 1) {
		struct wwr_mm_range *range = ranges->bins[__builtin_ctzll(mask)];

		for (; range != NULL; range = range->bin_next) {
			if ((best == NULL || range->size < best->size) &&
			    range_fits(range, size, align, &start))
				best = range;
		}
	}
	return best;
}

/* Cut the first bytes off a range that is in no bin; the rest is returned, in no bin either. */
static struct wwr_mm_range *range_split(struct wwr_mm_range *range, uint64_t size,
					struct wwr_mm_range *rest)
{
	rest->start = range->start + size;
	rest->size = range->size - size;
	rest->prev = range;
	rest->next = range->next;
	if (rest->next != NULL)
		rest->next->prev = rest;
	range->next = rest;
	range->size = size;
	return rest;
}

/* A range takes in the one behind it; neither is in a bin. */
static void range_absorb(struct wwr_mm_range *range)
{
	struct wwr_mm_range *next = range->next;

	range->size += next->size;
	range->next = next->next;
	if (range->next != NULL)
		range->next->prev = range;
	wwr_free(next);
}

int mm_ranges_init(struct mm_ranges *ranges, uint64_t size)
{
	*ranges = (struct mm_ranges){.size = size};
	if (size == 0)
		return 0;
	ranges->first = wwr_alloc(sizeof(*ranges->first));
	if (ranges->first == NULL)
		return -ENOMEM;
	ranges->first->size = size;
	bin_add(ranges, ranges->first);
	return 0;
}

void mm_ranges_fini(struct mm_ranges *ranges)
{
	assert(ranges->free == ranges->size);
	wwr_free(ranges->first);
	*ranges = (struct mm_ranges){0};
}

/* Take a part of a free range.  Frees what it does not need of the two spare nodes. */
static struct wwr_mm_range *range_take(struct mm_ranges *ranges, struct wwr_mm_range *range,
				       uint64_t start, uint64_t size, struct wwr_mm_range *spare[2])
{
	bin_remove(ranges, range);
	if (start != range->start) {
		struct wwr_mm_range *head = range;

		range = range_split(head, start - head->start, spare[0]);
		range->used = true;
		bin_add(ranges, head);
	} else {
		wwr_free(spare[0]);
	}
	if (size != range->size)
		bin_add(ranges, range_split(range, size, spare[1]));
	else
		wwr_free(spare[1]);
	range->piece = NULL;
	return range;
}

int mm_ranges_alloc(struct mm_ranges *ranges, uint64_t size, uint64_t align,
		    struct wwr_mm_range **ret_range)
{
	struct wwr_mm_range *spare[2], *range;
	uint64_t start = 0;

	if (size == 0 || size > ranges->free)
		return -ENOSPC;
	range = ranges_find(ranges, size, align);
	if (range == NULL)
		return -ENOSPC;
	spare[0] = wwr_alloc(sizeof(*spare[0]));
	spare[1] = wwr_alloc(sizeof(*spare[1]));
	if (spare[0] == NULL || spare[1] == NULL) {
		wwr_free(spare[0]);
		wwr_free(spare[1]);
		return -ENOMEM;
	}
	(void)range_fits(range, size, align, &start);
	*ret_range = range_take(ranges, range, start, size, spare);
	return 0;
}

/* One of the largest free ranges; there is one. */
static struct wwr_mm_range *ranges_largest(const struct mm_ranges *ranges)
{
	struct wwr_mm_range *range = ranges->bins[range_bin(ranges->bin_mask)];
	struct wwr_mm_range *best = range;

	for (; range != NULL; range = range->bin_next) {
		if (range->size > best->size)
			best = range;
	}
	return best;
}

int mm_ranges_alloc_pieces(struct mm_ranges *ranges, uint64_t size, struct wwr_mm_range **ret_first)
{
	struct wwr_mm_range *first = NULL;
	int ret = mm_ranges_alloc(ranges, size, 1, ret_first);

	if (ret != -ENOSPC || size == 0 || size > ranges->free)
		return ret;
	/* No hole is large enough: whole ones, and a part of the last. */
	while (size != 0) {
		struct wwr_mm_range *range = ranges_largest(ranges), *piece = range;

		if (range->size > size) {
			ret = mm_ranges_alloc(ranges, size, 1, &piece);
			if (ret != 0) {
				mm_ranges_free(ranges, first);
				return ret;
			}
		} else {
			bin_remove(ranges, range);
		}
		size -= piece->size;
		piece->piece = first;
		first = piece;
	}
	*ret_first = first;
	return 0;
}

static void range_free(struct mm_ranges *ranges, struct wwr_mm_range *range)
{
	if (range->next != NULL && !range->next->used) {
		bin_remove(ranges, range->next);
		range_absorb(range);
	}
	if (range->prev != NULL && !range->prev->used) {
		range = range->prev;
		bin_remove(ranges, range);
		range_absorb(range);
	}
	bin_add(ranges, range);
}

void mm_ranges_free(struct mm_ranges *ranges, struct wwr_mm_range *first)
{
	while (first != NULL) {
		struct wwr_mm_range *next = first->piece;

		range_free(ranges, first);
		first = next;
	}
}
