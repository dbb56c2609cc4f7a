/* SPDX-License-Identifier: MIT */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "tools/submit/commit_log.h"

struct run;

/* Memory of all buffers after the jobs were done one after the other. */
struct replay {
	uint8_t *memory;
	size_t size_bytes;
	size_t *offsets; /* by buffer */
};

/* Does all jobs again, and shows how far it is.  0 or -ENOMEM. */
int replay_run(const struct run *run, struct replay *ret_replay);
void replay_fini(struct replay *replay);

/* Walk through what all clients committed.  0 or -ENOMEM. */
int replay_begin_order(const struct run *run, struct commit_order *order);
void replay_end_order(struct commit_order *order);

#endif
