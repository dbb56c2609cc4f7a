/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_REPLAY_H
#define TESTS_DRIVERS_REPLAY_H

/*
 * The sequential replay: what jobs did to memory, done again one by one in the order of commits
 * on copies of the buffers.  Needs no Criterion.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/device.h>

#define REPLAY_MAX_USES	   24
#define REPLAY_MAX_SOURCES 2

/* What a job did, as its submitter noted it down. */
struct replay_job {
	bool done; /* submitted, and finished without an error */
	bool torn; /* stopped while it wrote: what it writes is not compared */
	uint64_t seed;
	uint32_t num_uses;
	struct {
		uint32_t bo; /* index into the buffers */
		uint32_t access;
	} uses[REPLAY_MAX_USES]; /* each buffer once */
	uint32_t num_sources;
	uint64_t source_seeds[REPLAY_MAX_SOURCES]; /* of the jobs whose start it waited for */
};

/* Note a use; a buffer noted before keeps its place. */
void replay_use(struct replay_job *job, uint32_t bo, uint32_t access);

/*
 * How many buffers differ from a replay of jobs[0], jobs[1] and so on: the index is the commit
 * number.  SIZE_MAX without memory for the copies.
 */
size_t replay_mismatches(struct wwr_device_bo *const *bos, size_t num_bos,
			 const struct replay_job *jobs, size_t num_jobs);

#endif /* TESTS_DRIVERS_REPLAY_H */
