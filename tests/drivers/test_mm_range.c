/* SPDX-License-Identifier: MIT */
/* The range allocator, by random calls against a bitmap. */
#include "drivers/mm/range.h"
#include "tests/lib/test_alloc.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/alloc.h>

#include <errno.h>

TestSuite(drivers_mm_range, .timeout = 120);

#define SPACE	   1000 /* no power of two */
#define MAX_ALLOCS 300

static struct mm_ranges ranges;
static bool used[SPACE];
static struct wwr_mm_range *allocs[MAX_ALLOCS];
static unsigned int num_allocs;

static unsigned int model_free(void)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < SPACE; i++)
		num += !used[i];
	return num;
}

/* Is there a hole that it fits in? */
static bool model_fits(uint64_t size, uint64_t align)
{
	for (uint64_t start = 0; start + size <= SPACE; start += align) {
		uint64_t i = 0;

		while (i < size && !used[start + i])
			i++;
		if (i == size)
			return true;
	}
	return false;
}

/* The length of the smallest hole in which it fits at its beginning, without alignment. */
static unsigned int model_best(uint64_t size)
{
	unsigned int best = SPACE + 1;

	for (unsigned int i = 0; i < SPACE;) {
		unsigned int j = i;

		while (j < SPACE && !used[j])
			j++;
		if (j - i >= size && j - i < best)
			best = j - i;
		i = j + 1;
	}
	return best;
}

/* How many of the largest holes are needed for so much. */
static unsigned int model_pieces(uint64_t size)
{
	unsigned int lengths[SPACE] = {0}, num = 0;

	for (unsigned int i = 0, j; i < SPACE; i = j + 1) {
		for (j = i; j < SPACE && !used[j]; j++)
			;
		if (j != i)
			lengths[j - i - 1]++;
	}
	for (unsigned int i = SPACE; i > 0 && size > 0; i--) {
		for (unsigned int k = 0; k < lengths[i - 1] && size > 0; k++) {
			size = size > i ? size - i : 0;
			num++;
		}
	}
	return num;
}

static void mark(struct wwr_mm_range *range, bool value)
{
	cr_assert_lt(range->start, SPACE);
	cr_assert_leq(range->size, SPACE - range->start);
	for (uint64_t i = 0; i < range->size; i++) {
		cr_assert_neq(used[range->start + i], value, "byte %lu",
			      (unsigned long)(range->start + i));
		used[range->start + i] = value;
	}
}

/* Every invariant of the structure, and the same holes as in the bitmap. */
static void check(void)
{
	uint64_t at = 0, num_free = 0;
	const struct wwr_mm_range *prev = NULL;

	for (const struct wwr_mm_range *range = ranges.first; range != NULL; range = range->next) {
		cr_assert_eq(range->start, at);
		cr_assert_eq(range->prev, prev);
		cr_assert_gt(range->size, 0);
		cr_assert(prev == NULL || prev->used || range->used, "two free neighbours");
		for (uint64_t i = 0; i < range->size; i++)
			cr_assert_eq(used[at + i], range->used);
		num_free += range->used ? 0 : range->size;
		at += range->size;
		prev = range;
	}
	cr_assert_eq(at, SPACE);
	cr_assert_eq(ranges.free, num_free);
}

static void do_alloc(uint64_t size, uint64_t align)
{
	const bool fits = model_fits(size, align);
	struct wwr_mm_range *range;
	const int ret = mm_ranges_alloc(&ranges, size, align, &range);

	cr_assert_eq(ret, fits ? 0 : -ENOSPC, "size %lu, align %lu: %d", (unsigned long)size,
		     (unsigned long)align, ret);
	if (ret != 0)
		return;
	cr_assert_eq(range->size, size);
	cr_assert_eq(range->start % align, 0);
	cr_assert_null(range->piece);
	if (align == 1) {
		/* It is in the smallest hole: what is left of that begins right behind it. */
		const unsigned int best = model_best(size);
		const uint64_t rest =
		    range->next != NULL && !range->next->used ? range->next->size : 0;

		cr_assert_eq(size + rest, best);
	}
	mark(range, true);
	allocs[num_allocs++] = range;
}

static void do_alloc_pieces(uint64_t size)
{
	const bool fits = size <= model_free();
	const bool fits_whole = model_fits(size, 1);
	const unsigned int num_best = model_pieces(size);
	struct wwr_mm_range *first;
	const int ret = mm_ranges_alloc_pieces(&ranges, size, &first);
	unsigned int num_pieces = 0;
	uint64_t total = 0;

	cr_assert_eq(ret, fits ? 0 : -ENOSPC);
	if (ret != 0)
		return;
	for (struct wwr_mm_range *piece = first; piece != NULL; piece = piece->piece) {
		mark(piece, true);
		total += piece->size;
		num_pieces++;
	}
	cr_assert_eq(total, size);
	cr_assert_eq(num_pieces, fits_whole ? 1 : num_best);
	allocs[num_allocs++] = first;
}

static void do_free(unsigned int index)
{
	struct wwr_mm_range *first = allocs[index];

	for (struct wwr_mm_range *piece = first; piece != NULL; piece = piece->piece)
		mark(piece, false);
	allocs[index] = allocs[--num_allocs];
	mm_ranges_free(&ranges, first);
}

Test(drivers_mm_range, random_calls_do_as_a_bitmap_does)
{
	uint64_t random = test_seed();
	const unsigned int num_rounds = test_rounds(20000);

	cr_assert_eq(mm_ranges_init(&ranges, SPACE), 0);
	for (unsigned int i = 0; i < num_rounds; i++) {
		/* Times of much and of little free space. */
		const unsigned int bias = i / 500 % 2 == 0 ? 7 : 4;
		const uint64_t size = 1 + test_random(&random) % (i % 7 == 0 ? 200 : 20);

		if (num_allocs != 0 &&
		    (test_random(&random) % 10 >= bias || num_allocs == MAX_ALLOCS))
			do_free((unsigned int)(test_random(&random) % num_allocs));
		else if (test_random(&random) % 3 == 0)
			do_alloc_pieces(size);
		else
			do_alloc(size, UINT64_C(1) << test_random(&random) % 6);
		check();
	}
	while (num_allocs != 0)
		do_free(0);
	check();
	cr_expect_eq(ranges.first->size, SPACE);
	mm_ranges_fini(&ranges);
}

Test(drivers_mm_range, empty_space_and_empty_request_are_no_space)
{
	struct wwr_mm_range *range;

	cr_assert_eq(mm_ranges_init(&ranges, 0), 0);
	cr_expect_eq(mm_ranges_alloc(&ranges, 1, 1, &range), -ENOSPC);
	cr_expect_eq(mm_ranges_alloc_pieces(&ranges, 1, &range), -ENOSPC);
	mm_ranges_fini(&ranges);
	cr_assert_eq(mm_ranges_init(&ranges, 10), 0);
	cr_expect_eq(mm_ranges_alloc(&ranges, 0, 1, &range), -ENOSPC);
	cr_expect_eq(mm_ranges_alloc(&ranges, UINT64_MAX, 1, &range), -ENOSPC);
	mm_ranges_free(&ranges, NULL);
	mm_ranges_fini(&ranges);
}

/* Pieces of 1 with holes of 1 between them, then one request for many. */
static int many_pieces(void)
{
	struct wwr_mm_range *singles[20], *pieces = NULL;
	int ret = mm_ranges_init(&ranges, 20);

	if (ret != 0)
		return ret;
	for (int i = 0; i < 20; i++) {
		singles[i] = NULL;
		if (ret == 0)
			ret = mm_ranges_alloc(&ranges, 1, 1, &singles[i]);
	}
	for (int i = 0; i < 20; i += 2) {
		mm_ranges_free(&ranges, singles[i]);
		singles[i] = NULL;
	}
	if (ret == 0)
		ret = mm_ranges_alloc_pieces(&ranges, 7, &pieces);
	mm_ranges_free(&ranges, pieces);
	for (int i = 1; i < 20; i += 2)
		mm_ranges_free(&ranges, singles[i]);
	cr_expect_eq(ranges.free, 20);
	mm_ranges_fini(&ranges);
	return ret;
}

Test(drivers_mm_range, no_memory_for_the_bookkeeping_changes_nothing)
{
	unsigned int num;

	test_alloc_install();
	cr_assert_eq(many_pieces(), 0);
	num = test_alloc_calls();
	for (unsigned int i = 1; i <= num; i++) {
		test_alloc_fail(i, false);
		cr_expect_eq(many_pieces(), -ENOMEM, "allocation %u", i);
	}
	wwr_set_allocator(NULL);
}
