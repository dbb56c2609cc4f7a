/* SPDX-License-Identifier: MIT */
#ifndef SOAK_TEXT_H
#define SOAK_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tools/wsim/wsim.h"

#define SOAK_TEXT_BYTES 32768
#define SOAK_NUM_SETS	3

/* A random workload descriptor while it grows; begin with a zeroed one and its rng. */
struct soak_text {
	struct wsim_rng *rng;
	char bytes[SOAK_TEXT_BYTES];
	size_t used;
	uint32_t num_steps;
	uint32_t num_batches;
	uint32_t last_batch; /* step number of the last batch */
	uint32_t num_objects[SOAK_NUM_SETS];
	const char *separator; /* before the next dependency of the batch */
};

/*
 * Write a descriptor with every kind of step, in which a client never waits for what only a later
 * step of its own releases: it cannot stall.
 */
void soak_text_write(struct soak_text *text);

#endif
