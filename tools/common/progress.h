/* SPDX-License-Identifier: MIT */
/* One line of progress on stderr, redrawn in place; only on a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool enabled;
	bool drawn;
	int64_t start_ns;
	int64_t next_ns; /* not redrawn before this time */
};

/* Enabled when stderr is a terminal that can move its cursor, and messages are not quiet. */
void progress_init(struct progress *progress);

/* Draw `done` of `total` with a rate in `unit` a second and a remark, if it is time to. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total, const char *unit,
		     const char *remark);

/* Wipe the line: before any other output, and at the end. */
void progress_clear(struct progress *progress);

#endif
