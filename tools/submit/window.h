/* SPDX-License-Identifier: MIT */
/*
 * The jobs of a client's last loops, so that later steps find them and their results are
 * counted once they have finished.
 *
 * A client starts a loop only when the row of the loop that many loops ago is free: that bounds
 * its unfinished jobs.  It cannot block what would otherwise go on, because at the end of a loop
 * nothing of that loop waits for a later step.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "tools/submit/via.h"

struct wwr_job;

#define WINDOW_NO_BUFFER UINT32_MAX

struct window_job {
	struct wwr_job *job;  /* a reference; NULL = none, or it was not submitted */
	struct via_place via; /* instead, through the driver */
	size_t log_index;     /* in the commit log */
	uint64_t wait_ns;
	uint32_t retries;
	uint32_t contended; /* buffer it met last, or WINDOW_NO_BUFFER */
	uint32_t num_buffers;
};

struct window {
	uint32_t num_rows;
	uint32_t num_batches;
	uint32_t *loops; /* by row: whose jobs it holds; loops[row] % num_rows == row */
	struct window_job *jobs;
};

/* At most so many rows, each for one loop.  0 or -ENOMEM. */
int window_init(struct window *window, uint32_t num_batches, uint32_t num_loops, uint32_t max_rows);
/* A zeroed window is fine; jobs must be gone. */
void window_fini(struct window *window);

/* The place of a batch in the row of a loop. */
static inline struct window_job *window_at(const struct window *window, uint32_t loop,
					   uint32_t batch)
{
	return &window->jobs[(size_t)(loop % window->num_rows) * window->num_batches + batch];
}

#endif
