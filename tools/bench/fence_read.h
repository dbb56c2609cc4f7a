/* SPDX-License-Identifier: MIT */
#ifndef FENCE_READ_H
#define FENCE_READ_H

struct bench_options;
struct bench_rows;
struct wwr_fence_pool;

/* Readers that ask four fences while a writer replaces them.  0, or -errno after a message. */
int bench_fence_read(const struct bench_options *options, struct wwr_fence_pool *pool,
		     struct bench_rows *rows);

#endif
