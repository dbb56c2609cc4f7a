/* SPDX-License-Identifier: MIT */
#include "tools/bench/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/rows.h"
#include "tools/common/cli.h"

/* Disturbed repetitions are done again, up to this many times the number wanted. */
#define MAX_TRIES 3

/* Samples of all subjects; index = repetition * BENCH_MAX_SUBJECTS + subject. */
struct samples {
	struct bench_sample *all;
	unsigned int num_kept, num_dropped;
};

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned int num)
{
	if (num == 0)
		return 0;
	qsort(values, num, sizeof(*values), compare_doubles);
	return num % 2 != 0 ? values[num / 2] : (values[num / 2 - 1] + values[num / 2]) / 2;
}

/* One repetition; *ret_disturbed says whether it counts. */
static int run_once(const struct bench_subject *subjects, unsigned int num_subjects,
		    unsigned int first, struct bench_sample *samples, bool *ret_disturbed)
{
	*ret_disturbed = false;
	for (unsigned int i = 0; i < num_subjects; i++) {
		const unsigned int subject = (first + i) % num_subjects;
		const int ret = subjects[subject].run(subjects[subject].arg, &samples[subject]);

		if (ret != 0)
			return ret;
		if (samples[subject].cpu_share < BENCH_MIN_CPU_SHARE)
			*ret_disturbed = true;
	}
	return 0;
}

/* If all were disturbed, the last ones are kept all the same: their rows tell the share. */
static int run_all(const struct bench_comparison *comparison, const struct bench_subject *subjects,
		   unsigned int num_subjects, struct samples *samples)
{
	const unsigned int max_tries = comparison->repetitions * MAX_TRIES;

	for (unsigned int try = 0; try < max_tries; try++) {
		const unsigned int left = max_tries - try;
		const unsigned int wanted = comparison->repetitions - samples->num_kept;
		bool disturbed;
		int ret;

		if (wanted == 0)
			break;
		ret = run_once(subjects, num_subjects, try,
			       &samples->all[(size_t)samples->num_kept * BENCH_MAX_SUBJECTS],
			       &disturbed);
		if (ret != 0)
			return ret;
		if (disturbed)
			samples->num_dropped++;
		if (!disturbed || left <= wanted)
			samples->num_kept++;
	}
	return 0;
}

static double sample_figure(const struct bench_sample *sample, bool second)
{
	return second ? sample->second : sample->value;
}

/* Medians of ours against one peer; second chooses the figure. */
static int add_row(const struct bench_comparison *comparison, const struct bench_subject *peer,
		   unsigned int subject, const struct samples *samples, bool second,
		   struct bench_rows *rows)
{
	const unsigned int num = samples->num_kept;
	double *values = calloc((size_t)num * 4, sizeof(*values));
	struct bench_row row = {
	    .suite = comparison->suite,
	    .peer = peer->name,
	    .unit = second ? comparison->second_unit : comparison->unit,
	    .higher_is_better = !second && comparison->higher_is_better,
	    .repetitions = num,
	    .dropped = samples->num_dropped,
	};

	if (values == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < num; i++) {
		const struct bench_sample *all = &samples->all[(size_t)i * BENCH_MAX_SUBJECTS];

		values[i] = sample_figure(&all[0], second);
		values[num + i] = sample_figure(&all[subject], second);
		values[2 * num + i] = values[num + i] > 0 ? values[i] / values[num + i] : 0;
		values[3 * num + i] = all[0].cpu_share;
	}
	row.ours = bench_median(values, num);
	row.peer_value = bench_median(values + num, num);
	row.ratio = bench_median(values + 2 * (size_t)num, num);
	row.cpu = bench_median(values + 3 * (size_t)num, num);
	free(values);
	snprintf(row.name, sizeof(row.name), "%s", comparison->name);
	return bench_rows_add(rows, &row);
}

int bench_compare(const struct bench_comparison *comparison, const struct bench_subject *subjects,
		  unsigned int num_subjects, struct bench_rows *rows)
{
	struct bench_comparison asked = *comparison;
	struct samples samples = {0};
	int ret;

	if (rows->repetitions != 0)
		asked.repetitions = (unsigned int)rows->repetitions;
	samples.all = calloc((size_t)asked.repetitions * BENCH_MAX_SUBJECTS, sizeof(*samples.all));
	if (samples.all == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	ret = run_all(&asked, subjects, num_subjects, &samples);
	for (unsigned int i = 1; ret == 0 && i < num_subjects; i++) {
		ret = add_row(&asked, &subjects[i], i, &samples, false, rows);
		if (ret == 0 && asked.second_unit != NULL)
			ret = add_row(&asked, &subjects[i], i, &samples, true, rows);
	}
	free(samples.all);
	return ret;
}
