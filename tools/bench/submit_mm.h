/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SUBMIT_MM_H
#define BENCH_SUBMIT_MM_H

#include "tools/bench/bench.h"
#include "tools/bench/rows.h"

/* Jobs of eight buffers on the mock GPU, with VRAM for all of them and without any.  0 or -errno.
 */
int bench_submit_mm(const struct bench_options *options, struct bench_rows *rows);

#endif
