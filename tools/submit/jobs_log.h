/* SPDX-License-Identifier: MIT */
/* The file of --jobs: a line of JSON for each job. */
#ifndef JOBS_LOG_H
#define JOBS_LOG_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct jobs_log {
	const char *path;
	FILE *file;
	/* Not flockfile(): ThreadSanitizer does not know it. */
	pthread_mutex_t lock;
	int error; /* (lock) of the first write that failed */
};

struct jobs_log_record {
	uint32_t client;
	const char *workload;
	uint32_t loop;
	uint32_t step;
	const char *engine; /* NULL = it never ran */
	uint32_t num_buffers;
	uint32_t retries;
	uint64_t wait_ns;
	const char *contended; /* name of the buffer it met last, or NULL */
	const char *error;     /* NULL = it completed */
};

/* "-" is standard output.  Returns 0 or -errno after a message. */
int jobs_log_open(struct jobs_log *log, const char *path);

/* Any thread.  Errors are kept for jobs_log_close(). */
void jobs_log_write(struct jobs_log *log, const struct jobs_log_record *record);

/* Returns 0, or -errno after a message when a line could not be written. */
int jobs_log_close(struct jobs_log *log);

#endif
