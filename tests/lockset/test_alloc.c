/* SPDX-License-Identifier: MIT */
#include <wwresv/alloc.h>

#include <stdint.h>
#include <stdlib.h>

#include "tests/lib/test_criterion.h"

#define NUM_ELEMENTS 7

TestSuite(lockset_alloc, .timeout = 5);

/* Counts what is out, and fails when told to. */
struct counting {
	unsigned int num_out;
	bool fails;
};

static void *counting_alloc(size_t size_bytes, void *data)
{
	struct counting *counting = data;

	if (counting->fails)
		return NULL;
	counting->num_out++;
	return calloc(1, size_bytes);
}

static void counting_free(void *ptr, void *data)
{
	struct counting *counting = data;

	cr_assert_not_null(ptr, "free() of the allocator is never called with NULL");
	counting->num_out--;
	free(ptr);
}

Test(lockset_alloc, array_is_zeroed_and_goes_back_to_the_allocator)
{
	struct counting counting = {0};
	const struct wwr_allocator allocator = {counting_alloc, counting_free, &counting};
	uint64_t *array;

	wwr_set_allocator(&allocator);
	array = wwr_alloc_array(NUM_ELEMENTS, sizeof(*array));
	cr_assert_not_null(array);
	cr_expect_eq(counting.num_out, 1);
	for (int i = 0; i < NUM_ELEMENTS; i++)
		cr_expect_eq(array[i], 0);
	wwr_free(array);
	cr_expect_eq(counting.num_out, 0);
	wwr_set_allocator(NULL);
}

Test(lockset_alloc, array_whose_size_overflows_is_null_and_asks_nobody)
{
	struct counting counting = {0};
	const struct wwr_allocator allocator = {counting_alloc, counting_free, &counting};

	wwr_set_allocator(&allocator);
	cr_expect_null(wwr_alloc_array(SIZE_MAX / 2, 3));
	cr_expect_eq(counting.num_out, 0);
	wwr_set_allocator(NULL);
}

Test(lockset_alloc, failure_of_the_allocator_is_null)
{
	struct counting counting = {.fails = true};
	const struct wwr_allocator allocator = {counting_alloc, counting_free, &counting};

	wwr_set_allocator(&allocator);
	cr_expect_null(wwr_alloc(1));
	cr_expect_null(wwr_alloc_array(1, 1));
	wwr_set_allocator(NULL);
}

Test(lockset_alloc, free_of_null_does_nothing)
{
	struct counting counting = {0};
	const struct wwr_allocator allocator = {counting_alloc, counting_free, &counting};

	wwr_set_allocator(&allocator);
	wwr_free(NULL);
	cr_expect_eq(counting.num_out, 0);
	wwr_set_allocator(NULL);
}

Test(lockset_alloc, null_restores_the_default)
{
	void *ptr;

	wwr_set_allocator(NULL);
	ptr = wwr_alloc(1);
	cr_assert_not_null(ptr);
	wwr_free(ptr);
}
