/* SPDX-License-Identifier: MIT */
/*
 * The check of the result: what all jobs did, done again one after the other in the order of
 * commits and in memory of its own, must give the same bytes in every buffer.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stddef.h>
#include <stdint.h>

struct run;

#define VERIFY_MAX_BUFFERS 10
/* The last that wrote a buffer, and the last that only read it. */
#define VERIFY_MAX_WRITERS 3
#define VERIFY_MAX_READERS 2

/* A job that used a buffer. */
struct verify_job {
	uint64_t commit;
	uint32_t client, loop, step;
};

/* The latest in front. */
struct verify_jobs {
	uint32_t num;
	struct verify_job
	    jobs[VERIFY_MAX_WRITERS > VERIFY_MAX_READERS ? VERIFY_MAX_WRITERS : VERIFY_MAX_READERS];
};

struct verify_mismatch {
	uint32_t buffer;
	size_t first_byte; /* that differs */
	struct verify_jobs writers, readers;
};

struct verify_result {
	int signal;	      /* that stopped the check; 0 = done, else nothing below counts */
	uint64_t num_buffers; /* compared */
	uint64_t num_mismatches;
	uint64_t num_torn; /* not compared: a job was stopped while it wrote them */
	uint32_t num_reported;
	struct verify_mismatch reported[VERIFY_MAX_BUFFERS]; /* the first ones */
};

/*
 * After the run has ended.  0, or -ENOMEM after a message.  A signal stops it, but not the one that
 * has ended the run.
 */
int verify_run(const struct run *run, struct verify_result *ret_result);

#endif
