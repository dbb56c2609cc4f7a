/* SPDX-License-Identifier: MIT */
#ifndef PLOT_H
#define PLOT_H

struct bench_rows;

/*
 * Draw the rows with gnuplot, SVG files in a folder that exists: growth.svg, nanoseconds per lock
 * against K; and for each kind of cell that was measured with several numbers of threads
 * K=8,M=64,W=200.svg, throughput and 99th percentile against threads.  0, or -errno after a
 * message: -ENOENT if there is no gnuplot.
 */
int bench_plot(const struct bench_rows *rows, const char *dir);

#endif
