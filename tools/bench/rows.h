/* SPDX-License-Identifier: MIT */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_NAME_BYTES 64

/* One line of the result: ours against one peer. */
struct bench_row {
	const char *suite;
	char name[ROW_NAME_BYTES]; /* of the case */
	const char *peer;
	const char *unit;
	double ours, peer_value, ratio; /* medians; ratio = ours / peer_value */
	double cpu;			/* median share of the processor that ours got */
	bool higher_is_better;
	unsigned int repetitions, dropped;
};

/* Grows; a zeroed structure is empty. */
struct bench_rows {
	struct bench_row *rows;
	size_t num, room;
	uint64_t repetitions; /* of each comparison; 0 = as its suite says */
};

/* Copies the row.  0, or -ENOMEM after a message. */
int bench_rows_add(struct bench_rows *rows, const struct bench_row *row);
void bench_rows_fini(struct bench_rows *rows);

/* Both to standard output.  0, or -ENOMEM. */
int bench_rows_print_text(const struct bench_rows *rows);
int bench_rows_print_json(const struct bench_rows *rows);

#endif
