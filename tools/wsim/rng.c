/* SPDX-License-Identifier: MIT */
/* splitmix64 by Sebastiano Vigna, public domain: small, and any seed is a good one. */
#include "wsim.h"

uint64_t wsim_rng_next(struct wsim_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t wsim_rng_range(struct wsim_rng *rng, uint64_t min, uint64_t max)
{
	uint64_t span = max - min + 1, value, unfair;

	if (span == 0) /* all 2^64 values */
		return wsim_rng_next(rng);
	/* The lowest 2^64 % span values would make some results more likely than others. */
	unfair = -span % span;
	do
		value = wsim_rng_next(rng);
	while (value < unfair);
	return min + value % span;
}

uint32_t wsim_draw_duration(const struct wsim_batch *batch, struct wsim_rng *rng)
{
	if (batch->endless)
		return 0;
	return (uint32_t)wsim_rng_range(rng, batch->min_us, batch->max_us);
}
