/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/sched.h>

#include "tools/wsim/wsim.h"

/* The command line of `wwresv submit`; strings point into argv. */
struct submit_options {
	uint32_t num_clients; /* of each workload */
	uint32_t repeat;
	double scale; /* 0 = no waiting */
	enum wwr_algorithm algorithm;
	bool classic;
	bool share;
	bool sort;
	bool list;
	bool via_libdrm; /* jobs go through files of the driver */
	bool json;
	bool quiet;
	bool touch_full;      /* else the first WWR_TOUCH_BYTES of a buffer */
	uint32_t retry_limit; /* 0 = none */
	uint32_t inject;      /* 0 = off */
	uint32_t hold_us;
	uint64_t seed; /* at most INT64_MAX: JSON has signed numbers */
	int64_t timeout_ns;
	bool use_sched;
	bool hang_options; /* a timeout or a limit of hangs was given */
	enum wwr_sched_policy sched_policy;
	int64_t hang_timeout_ns;
	uint32_t hang_limit;		 /* UINT32_MAX = none */
	uint64_t hang_every, lose_after; /* 0 = never */
	uint64_t slow_every;		 /* 0 = never */
	double slow_factor;		 /* 0 = not named */
	bool fdinfo;
	uint64_t vram_bytes, gtt_bytes; /* 0 = no VRAM: buffers stay where they are */
	uint32_t break_deps;		/* WWR_BREAK_x of one kind, 0 = none */
	struct wsim_engine_counts engines;
	const char *jobs_path; /* NULL = none, "-" = standard output */
	char **workloads;
	size_t num_workloads;
};

/* What the command line asks for. */
enum options_action {
	OPTIONS_RUN,
	OPTIONS_DONE, /* --help or --version was printed */
};

/*
 * Read the command line.  Returns 0, or -EINVAL after a message.
 */
int options_parse(int argc, char **argv, struct submit_options *ret_options,
		  enum options_action *ret_action);

const char *options_class_name(const struct submit_options *options);
const char *options_policy_name(const struct submit_options *options);
const char *options_sched_name(const struct submit_options *options);
/* Only if a kind of dependency is broken. */
const char *options_break_name(const struct submit_options *options);

#endif
