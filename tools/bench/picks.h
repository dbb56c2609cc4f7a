/* SPDX-License-Identifier: MIT */
/* Which buffers the jobs want, drawn before anything is measured. */
#ifndef PICKS_H
#define PICKS_H

#include <stdbool.h>
#include <stdint.h>

struct wsim_rng;

/* Jobs in a row, each with num_locks different slots; one copy in order of slots beside it. */
struct picks {
	uint32_t num_jobs, num_locks;
	uint32_t *drawn, *sorted;
};

/* Zipf's exponent for popular buffers. */
#define PICKS_ZIPF 0.99

/* 0 or -ENOMEM after a message; num_locks <= num_slots / 2. */
int picks_create(struct picks *picks, uint32_t num_jobs, uint32_t num_locks, uint32_t num_slots,
		 bool zipf, struct wsim_rng *rng);
/* A zeroed structure is fine. */
void picks_destroy(struct picks *picks);

/* The slots of a job; jobs repeat after num_jobs. */
static inline const uint32_t *picks_of(const struct picks *picks, bool sorted, uint64_t job)
{
	const uint32_t *all = sorted ? picks->sorted : picks->drawn;

	return &all[job % picks->num_jobs * picks->num_locks];
}

#endif
