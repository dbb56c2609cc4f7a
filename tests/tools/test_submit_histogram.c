/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test_criterion.h"
#include "tools/common/histogram.h"

TestSuite(submit_histogram, .timeout = 60);

#define NUM_VALUES 5000

static struct histogram histogram;

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of every size from one bit to 64. */
static uint64_t any_value(uint64_t *state)
{
	uint64_t value = test_random(state);

	return value >> (test_random(state) % 64);
}

Test(submit_histogram, quantile_of_nothing_is_zero)
{
	cr_assert_eq(histogram_quantile(&histogram, 0.5), 0);
	cr_assert_eq(histogram_quantile(&histogram, 1), 0);
}

Test(submit_histogram, quantile_of_small_values_is_exact)
{
	for (uint64_t i = 0; i < 128; i++)
		histogram_record(&histogram, i);
	for (uint64_t i = 1; i <= 128; i++)
		cr_assert_eq(histogram_quantile(&histogram, (double)i / 128), i - 1);
	cr_assert_eq(histogram_quantile(&histogram, 0), 0);
}

Test(submit_histogram, quantile_of_one_value_is_that_value)
{
	static const uint64_t values[] = {0, 1, 127, 128, 129, 1000003, UINT64_MAX - 1, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		memset(&histogram, 0, sizeof(histogram));
		histogram_record(&histogram, values[i]);
		cr_assert_eq(histogram_quantile(&histogram, 0.5), values[i]);
		cr_assert_eq(histogram.min, values[i]);
		cr_assert_eq(histogram.max, values[i]);
	}
}

Test(submit_histogram, quantile_of_random_values_is_near_the_sorted_one)
{
	static const double fractions[] = {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
	static uint64_t values[NUM_VALUES];
	uint64_t state = test_seed();

	for (size_t i = 0; i < NUM_VALUES; i++) {
		values[i] = any_value(&state);
		histogram_record(&histogram, values[i]);
	}
	qsort(values, NUM_VALUES, sizeof(values[0]), compare);
	for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
		size_t rank = (size_t)ceil(fractions[i] * NUM_VALUES);
		uint64_t exact = values[rank - 1];
		uint64_t found = histogram_quantile(&histogram, fractions[i]);

		cr_assert_geq(found, exact);
		cr_assert_leq(found - exact, exact / 64);
	}
	cr_assert_eq(histogram_quantile(&histogram, 1), values[NUM_VALUES - 1]);
}

Test(submit_histogram, merge_of_two_halves_is_the_whole)
{
	static struct histogram halves[2], sum;
	uint64_t state = test_seed();

	for (size_t i = 0; i < NUM_VALUES; i++) {
		uint64_t value = any_value(&state);

		histogram_record(&histogram, value);
		histogram_record(&halves[i % 2], value);
	}
	histogram_merge(&sum, &halves[0]);
	histogram_merge(&sum, &halves[1]);
	cr_assert_arr_eq(&sum, &histogram, sizeof(sum));
}

Test(submit_histogram, merge_of_an_empty_one_changes_nothing)
{
	static struct histogram empty, before;

	histogram_record(&histogram, 7);
	before = histogram;
	histogram_merge(&histogram, &empty);
	cr_assert_arr_eq(&histogram, &before, sizeof(before));
}
