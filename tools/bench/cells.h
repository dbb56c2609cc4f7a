/* SPDX-License-Identifier: MIT */
/* The cells of suite `contend`. */
#ifndef CELLS_H
#define CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_options;

#define BENCH_MAX_THREADS 64

struct bench_cell {
	uint32_t num_threads; /* T */
	uint32_t num_locks;   /* K, of each job */
	uint32_t num_slots;   /* M, at least 2 K */
	uint64_t work_ns;     /* W, with everything locked */
	bool zipf;	      /* some buffers are popular */
};

/* "T=4,K=8,M=64,W=200", and ",zipf" */
void bench_cell_name(const struct bench_cell *cell, char *ret_name, size_t size_bytes);

/* The same, read.  0, or -EINVAL after a message. */
int bench_cell_parse(const char *text, struct bench_cell *ret_cell);

/* The cells that the options ask for; the caller frees them.  0 or -ENOMEM. */
int bench_cells_create(const struct bench_options *options, struct bench_cell **ret_cells,
		       size_t *ret_num);

#endif
