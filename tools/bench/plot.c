/* SPDX-License-Identifier: MIT */
#include "tools/bench/plot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/rows.h"
#include "tools/common/cli.h"

/* One picture's worth of rows: those whose case is "X=number,rest". */
struct plot {
	const struct bench_rows *rows;
	const char *suite;
	char variable; /* K or T */
	const char *rest;
};

/* Splits "T=4,K=8,..." into 4 and "K=8,..."; false = another kind of case. */
static bool split_case(const char *name, char variable, uint64_t *ret_x, const char **ret_rest)
{
	char *end;

	if (name[0] != variable || name[1] != '=')
		return false;
	*ret_x = strtoull(name + 2, &end, 10);
	*ret_rest = *end == ',' ? end + 1 : end;
	return true;
}

static bool row_belongs(const struct plot *plot, const struct bench_row *row, const char *unit,
			uint64_t *ret_x)
{
	const char *rest;

	return strcmp(row->suite, plot->suite) == 0 && strcmp(row->unit, unit) == 0 &&
	       split_case(row->name, plot->variable, ret_x, &rest) &&
	       (plot->rest == NULL || strcmp(rest, plot->rest) == 0) &&
	       strncmp(row->peer, "wwresv", strlen("wwresv")) != 0;
}

/* Is it the first row of its peer, or (ours) of its x? */
static bool is_first(const struct plot *plot, size_t index, const char *unit, bool of_peer)
{
	uint64_t x, other_x;

	if (!row_belongs(plot, &plot->rows->rows[index], unit, &x))
		return false;
	for (size_t i = 0; i < index; i++) {
		if (!row_belongs(plot, &plot->rows->rows[i], unit, &other_x))
			continue;
		if (of_peer ? strcmp(plot->rows->rows[i].peer, plot->rows->rows[index].peer) == 0
			    : other_x == x)
			return false;
	}
	return true;
}

/* The points of ours (peer NULL) or of a peer, as gnuplot reads them behind a plot command. */
static void write_points(FILE *script, const struct plot *plot, const char *unit, const char *peer)
{
	for (size_t i = 0; i < plot->rows->num; i++) {
		const struct bench_row *row = &plot->rows->rows[i];
		uint64_t x;

		if (!row_belongs(plot, row, unit, &x))
			continue;
		if (peer != NULL ? strcmp(row->peer, peer) == 0 : is_first(plot, i, unit, false))
			fprintf(script, "%" PRIu64 " %g\n", x,
				peer != NULL ? row->peer_value : row->ours);
	}
	fputs("e\n", script);
}

/* One pair of axes: ours and every peer. */
static void write_axes(FILE *script, const struct plot *plot, const char *unit, const char *label)
{
	fprintf(script, "set ylabel '%s'\nplot '-' with linespoints linewidth 3 title 'wwresv'",
		label);
	for (size_t i = 0; i < plot->rows->num; i++) {
		if (is_first(plot, i, unit, true))
			fprintf(script, ", '-' with linespoints title '%s'",
				plot->rows->rows[i].peer);
	}
	fputs("\n", script);
	write_points(script, plot, unit, NULL);
	for (size_t i = 0; i < plot->rows->num; i++) {
		if (is_first(plot, i, unit, true))
			write_points(script, plot, unit, plot->rows->rows[i].peer);
	}
}

static void write_head(FILE *script, const char *dir, const char *name, int height)
{
	fprintf(script,
		"reset\nset terminal svg size 800,%d\nset output '%s/%s.svg'\n"
		"set logscale xy\nset key outside right\nset grid\n",
		height, dir, name);
}

static void write_growth(FILE *script, const struct bench_rows *rows, const char *dir)
{
	const struct plot plot = {rows, "growth", 'K', NULL};
	size_t i = 0;

	while (i < rows->num && !is_first(&plot, i, "ns", true))
		i++;
	if (i == rows->num)
		return;
	write_head(script, dir, "growth", 400);
	fputs("set xlabel 'locks in a set'\n", script);
	write_axes(script, &plot, "ns", "ns per lock");
}

/* All cells that differ only in their number of threads from that of a row, if it is the first. */
static void write_cells(FILE *script, const struct bench_rows *rows, size_t index, const char *dir)
{
	struct plot plot = {rows, "contend", 'T', NULL};
	uint64_t x, num_threads = 0;
	bool several = false;

	if (strcmp(rows->rows[index].suite, "contend") != 0 ||
	    !split_case(rows->rows[index].name, 'T', &x, &plot.rest))
		return;
	for (size_t i = 0; i < rows->num; i++) {
		if (!row_belongs(&plot, &rows->rows[i], "jobs/s", &x))
			continue;
		if (i < index)
			return;
		several = several || (num_threads != 0 && x != num_threads);
		num_threads = x;
	}
	if (!several)
		return;
	write_head(script, dir, plot.rest, 800);
	fprintf(script, "set multiplot layout 2,1 title '%s'\nset xlabel 'threads'\n", plot.rest);
	write_axes(script, &plot, "jobs/s", "jobs/s");
	write_axes(script, &plot, "us", "99th percentile, us");
	fputs("unset multiplot\n", script);
}

int bench_plot(const struct bench_rows *rows, const char *dir)
{
	FILE *script;

	/* The shell would only say that it has not found it, in words of its own. */
	if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
		cli_error("--plot: there is no gnuplot here");
		return -ENOENT;
	}
	script = popen("gnuplot", "w");
	if (script == NULL) {
		cli_error("--plot: gnuplot could not be started");
		return -EIO;
	}
	write_growth(script, rows, dir);
	for (size_t i = 0; i < rows->num; i++)
		write_cells(script, rows, i, dir);
	if (pclose(script) != 0) {
		cli_error("--plot: gnuplot has failed");
		return -EIO;
	}
	return 0;
}
