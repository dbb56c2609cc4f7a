/* SPDX-License-Identifier: MIT */
/*
 * Comparing by turns.  In each repetition every subject is measured once, in an order that
 * rotates; the ratio is taken within the repetition, and the median over repetitions is told.  A
 * repetition in which a subject got too little of the processor is dropped and counted: a
 * neighbour on the machine is not a result.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stdint.h>

struct bench_rows;

/* What one subject did in one repetition. */
struct bench_sample {
	double value;	  /* in the unit of the comparison */
	double second;	  /* another figure of the same run, 0 = none */
	double cpu_share; /* processor time of its threads / what they could have had */
};

struct bench_subject {
	const char *name;
	/* 0, or -errno after a message; arg is the subject's. */
	int (*run)(void *arg, struct bench_sample *ret_sample);
	void *arg;
};

struct bench_comparison {
	const char *suite;
	const char *name; /* of the case */
	const char *unit;
	const char *second_unit; /* NULL = the second figure is not told */
	bool higher_is_better;	 /* of the first figure; of the second one lower is */
	unsigned int repetitions;
};

#define BENCH_MAX_SUBJECTS 16

/* Below this a sample was disturbed. */
#define BENCH_MIN_CPU_SHARE 0.85

/*
 * Measure all subjects, the first one ours, and add a row for each of the others.  0, or -errno
 * after a message.
 */
int bench_compare(const struct bench_comparison *comparison, const struct bench_subject *subjects,
		  unsigned int num_subjects, struct bench_rows *rows);

/* Median of num values, which it sorts; 0 for none. */
double bench_median(double *values, unsigned int num);

#endif
