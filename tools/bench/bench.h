/* SPDX-License-Identifier: MIT */
/* `wwresv bench`: this library beside its peers, taking turns in one run. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/bench/cells.h"

/* argv[0] is "bench".  Returns the exit code. */
int bench_main(int argc, char **argv);

struct bench_rows;

struct bench_options {
	bool quick;	      /* the stated choice of cells, short repetitions */
	bool json;	      /* print rows as JSON at the end */
	uint64_t seed;	      /* of all random choices */
	uint64_t repetitions; /* of each comparison; 0 = as its suite says */
	const char *plot_dir; /* where to put pictures, NULL = none */
	bool has_cell;
	struct bench_cell cell; /* of suite `contend`: only this one */
};

/* One suite: measures and adds its rows.  0, or -errno after a message. */
struct bench_suite {
	const char *name;
	const char *summary;
	int (*run)(const struct bench_options *options, struct bench_rows *rows);
};

int bench_lock(const struct bench_options *options, struct bench_rows *rows);
int bench_growth(const struct bench_options *options, struct bench_rows *rows);
int bench_contend(const struct bench_options *options, struct bench_rows *rows);
int bench_yardstick(const struct bench_options *options, struct bench_rows *rows);
int bench_fence(const struct bench_options *options, struct bench_rows *rows);
int bench_submit(const struct bench_options *options, struct bench_rows *rows);

#endif
