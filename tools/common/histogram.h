/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of 64-bit values: each power of two is cut into 64 buckets of one
 * width, so every value is known to 1/64 of itself, and values below 128 exactly.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS    6
#define HISTOGRAM_NUM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/* A zeroed structure is an empty histogram.  Belongs to one thread at a time. */
struct histogram {
	uint64_t count;
	uint64_t max; /* exact */
	uint64_t min; /* exact; only with count > 0 */
	uint64_t buckets[HISTOGRAM_NUM_BUCKETS];
};

void histogram_record(struct histogram *histogram, uint64_t value);

/* Add all values of another histogram. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/*
 * The value that `fraction` (0..1) of all values do not exceed, by nearest rank: the upper end
 * of its bucket, but never above the largest value recorded.  0 for an empty histogram.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double fraction);

#endif
