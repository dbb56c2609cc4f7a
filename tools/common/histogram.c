/* SPDX-License-Identifier: MIT */
/*
 * Bucket numbers: values below 64 have one each.  A larger value has its top seven bits
 * 1xxxxxx; x counts the bucket within the group of its power of two.  So bucket numbers rise
 * with the values, without gaps.
 */
#include "tools/common/histogram.h"

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < SUB_BUCKETS)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned int)(value >> shift) - SUB_BUCKETS;
}

/* The largest value of a bucket. */
static uint64_t bucket_top(unsigned int bucket)
{
	unsigned int group = bucket >> HISTOGRAM_SUB_BITS;
	uint64_t low;

	if (group == 0)
		return bucket;
	low = (uint64_t)(SUB_BUCKETS + bucket % SUB_BUCKETS) << (group - 1);
	return low + (((uint64_t)1 << (group - 1)) - 1);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
	if (histogram->count == 0 || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	unsigned int i;

	if (other->count == 0)
		return;
	if (histogram->count == 0 || other->min < histogram->min)
		histogram->min = other->min;
	if (other->max > histogram->max)
		histogram->max = other->max;
	histogram->count += other->count;
	for (i = 0; i < HISTOGRAM_NUM_BUCKETS; i++)
		histogram->buckets[i] += other->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, double fraction)
{
	double wanted = fraction * (double)histogram->count;
	uint64_t rank = wanted <= 0 ? 0 : (uint64_t)wanted;
	uint64_t seen = 0;
	unsigned int i;

	if (histogram->count == 0)
		return 0;
	/* Nearest rank is the ceiling; the product may lie a rounding error above it. */
	if (wanted - (double)rank > 1e-9 * wanted)
		rank++;
	if (rank == 0)
		return histogram->min;
	for (i = 0; i < HISTOGRAM_NUM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			return bucket_top(i) < histogram->max ? bucket_top(i) : histogram->max;
	}
	return histogram->max;
}
