/* SPDX-License-Identifier: MIT */
#include "tools/bench/picks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/wsim/wsim.h"

/* What the drawing of one table needs. */
struct draw {
	struct wsim_rng *rng;
	uint32_t num_slots;
	double *cdf;	 /* of Zipf's law, or NULL = uniform */
	uint32_t *taken; /* taken[slot] == job: this job has it already */
	uint32_t job;	 /* from 1 */
};

/* The first slot whose cumulated probability is above u. */
static uint32_t cdf_find(const double *cdf, uint32_t num, double u)
{
	uint32_t low = 0, high = num - 1;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (cdf[middle] > u)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void cdf_fill(double *cdf, uint32_t num)
{
	double sum = 0;

	for (uint32_t i = 0; i < num; i++) {
		sum += 1 / pow(i + 1, PICKS_ZIPF);
		cdf[i] = sum;
	}
	for (uint32_t i = 0; i < num; i++)
		cdf[i] /= sum;
}

static uint32_t draw_slot(struct draw *draw)
{
	if (draw->cdf == NULL)
		return (uint32_t)wsim_rng_range(draw->rng, 0, draw->num_slots - 1);
	return cdf_find(draw->cdf, draw->num_slots,
			(double)(wsim_rng_next(draw->rng) >> 11) * 0x1p-53);
}

/* A popular slot is soon taken; then the next free one is. */
static uint32_t draw_new_slot(struct draw *draw)
{
	uint32_t slot = draw_slot(draw);

	while (draw->taken[slot] == draw->job)
		slot = (slot + 1) % draw->num_slots;
	draw->taken[slot] = draw->job;
	return slot;
}

static int compare_slots(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void picks_fill(struct picks *picks, struct draw *draw)
{
	const size_t row_bytes = picks->num_locks * sizeof(uint32_t);

	for (uint32_t job = 0; job < picks->num_jobs; job++) {
		uint32_t *drawn = &picks->drawn[(size_t)job * picks->num_locks];
		uint32_t *sorted = &picks->sorted[(size_t)job * picks->num_locks];

		draw->job = job + 1;
		for (uint32_t i = 0; i < picks->num_locks; i++)
			drawn[i] = draw_new_slot(draw);
		memcpy(sorted, drawn, row_bytes);
		qsort(sorted, picks->num_locks, sizeof(uint32_t), compare_slots);
	}
}

int picks_create(struct picks *picks, uint32_t num_jobs, uint32_t num_locks, uint32_t num_slots,
		 bool zipf, struct wsim_rng *rng)
{
	const size_t num = (size_t)num_jobs * num_locks;
	struct draw draw = {.rng = rng, .num_slots = num_slots};
	int ret = 0;

	*picks = (struct picks){.num_jobs = num_jobs, .num_locks = num_locks};
	picks->drawn = calloc(num, sizeof(uint32_t));
	picks->sorted = calloc(num, sizeof(uint32_t));
	draw.taken = calloc(num_slots, sizeof(uint32_t));
	if (zipf)
		draw.cdf = calloc(num_slots, sizeof(double));
	if (picks->drawn == NULL || picks->sorted == NULL || draw.taken == NULL ||
	    (zipf && draw.cdf == NULL)) {
		cli_error("not enough memory");
		picks_destroy(picks);
		ret = -ENOMEM;
	} else {
		if (zipf)
			cdf_fill(draw.cdf, num_slots);
		picks_fill(picks, &draw);
	}
	free(draw.taken);
	free(draw.cdf);
	return ret;
}

void picks_destroy(struct picks *picks)
{
	free(picks->drawn);
	free(picks->sorted);
	*picks = (struct picks){0};
}
