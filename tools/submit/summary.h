/* SPDX-License-Identifier: MIT */
/* What a run came to; report_text.c and report_json.c tell the same content. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/mm.h>
#include <wwresv/sched.h>

#include "tools/submit/run.h"
#include "tools/submit/stats.h"
#include "tools/submit/verify.h"

#define SUMMARY_MAX_CONTENDED 10

struct summary_contended {
	uint32_t buffer;
	uint64_t num_backoffs;
	uint64_t wait_ns;
};

struct summary {
	const struct run *run;
	struct stats stats; /* of all clients */
	struct wwr_class_stats locks;
	struct wwr_sched_stats sched;	      /* zeroes without a scheduler */
	uint64_t busy_ns;		      /* on engines, of all clients together */
	uint64_t least_busy_ns, most_busy_ns; /* of one client */
	double fairness;
	struct wwr_mm_stats memory; /* zeroes without VRAM */
	struct verify_result verify;
	double elapsed_s;
	uint32_t num_contended;
	struct summary_contended contended[SUMMARY_MAX_CONTENDED]; /* the worst first */
};

/* After the run has ended; includes the check of the result.  0, or -ENOMEM after a message. */
int summary_create(const struct run *run, struct summary **ret_summary);
/* NULL is a no-op. */
void summary_destroy(struct summary *summary);

/* The time that a client's jobs had on engines; 0 without a scheduler. */
uint64_t summary_client_busy_ns(const struct run *run, uint32_t client);

/* The exit code that this summary stands for. */
int summary_exit_code(const struct summary *summary);

/* "finished", "interrupted", "stalled" or "broken". */
const char *summary_end_name(const struct summary *summary);

struct wwr_engine_info;

/* What an engine has done, of the device that the jobs ran on. */
void summary_get_engine(const struct summary *summary, unsigned int index,
			struct wwr_engine_info *ret_info);

/* Both go to standard output.  report_json() returns 0 or -ENOMEM. */
void report_text(const struct summary *summary);
int report_json(const struct summary *summary);

#endif
