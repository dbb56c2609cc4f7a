/* SPDX-License-Identifier: MIT */
/*
 * A round of jobs: a random workload descriptor, run with random options by the same code as
 * `wwresv submit`.  The buffers must be as a sequential replay makes them, and nothing may stall.
 */
#include "tools/soak/soak.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <wwresv/lock_set.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/soak/soak_text.h"
#include "tools/submit/engines.h"
#include "tools/submit/run.h"
#include "tools/submit/summary.h"

#define MAX_CLIENTS   8
#define MAX_REPEAT    4
#define MAX_HOLD_US   30
#define MAX_INJECTION 40
#define TIMEOUT_NS    (30 * CLOCK_NS_PER_S)

/* Any job's buffers fit. */
#define VRAM_BYTES (UINT64_C(3) << 20)

/* Jobs that hang, that are slow, until the device is lost. */
#define HANG_TIMEOUT_NS (CLOCK_NS_PER_S / 100)
#define MIN_EVERY	5
#define MAX_EVERY	60
#define SLOW_FACTOR	10

/* VRAM in a quarter of the rounds; the scheduler in half of them, and faults in half of those. */
static void draw_driver(struct wsim_rng *rng, struct submit_options *options)
{
	options->slow_factor = SLOW_FACTOR;
	options->hang_limit = UINT32_MAX;
	if (wsim_rng_range(rng, 0, 3) == 0)
		options->vram_bytes = options->gtt_bytes = VRAM_BYTES;
	if (wsim_rng_range(rng, 0, 1) == 0)
		return;
	options->use_sched = true;
	options->sched_policy =
	    (enum wwr_sched_policy)wsim_rng_range(rng, 0, WWR_SCHED_NUM_POLICIES - 1);
	options->hang_timeout_ns = HANG_TIMEOUT_NS;
	if (wsim_rng_range(rng, 0, 1) == 0)
		options->hang_every = (uint64_t)wsim_rng_range(rng, MIN_EVERY, MAX_EVERY);
	if (wsim_rng_range(rng, 0, 1) == 0)
		options->slow_every = (uint64_t)wsim_rng_range(rng, MIN_EVERY, MAX_EVERY);
	if (wsim_rng_range(rng, 0, 7) == 0)
		options->lose_after = (uint64_t)wsim_rng_range(rng, 1, MAX_EVERY);
	if (wsim_rng_range(rng, 0, 3) == 0)
		options->hang_limit = (uint32_t)wsim_rng_range(rng, 0, 2);
}

static void draw_options(struct wsim_rng *rng, uint64_t seed, struct submit_options *ret_options)
{
	static const double scales[] = {0, 0.01, 0.1};

	*ret_options = (struct submit_options){
	    .num_clients = (uint32_t)wsim_rng_range(rng, 1, MAX_CLIENTS),
	    .repeat = (uint32_t)wsim_rng_range(rng, 1, MAX_REPEAT),
	    .scale = scales[wsim_rng_range(rng, 0, 2)],
	    .algorithm = wsim_rng_range(rng, 0, 1) == 0 ? WWR_WOUND_WAIT : WWR_WAIT_DIE,
	    .classic = wsim_rng_range(rng, 0, 1) == 0,
	    .share = wsim_rng_range(rng, 0, 1) == 0,
	    .sort = wsim_rng_range(rng, 0, 7) == 0,
	    .quiet = true,
	    .touch_full = wsim_rng_range(rng, 0, 7) == 0,
	    .inject = (uint32_t)wsim_rng_range(rng, 0, 1) *
		      (uint32_t)wsim_rng_range(rng, 1, MAX_INJECTION),
	    .hold_us = (uint32_t)wsim_rng_range(rng, 0, MAX_HOLD_US),
	    .seed = seed & INT64_MAX,
	    .timeout_ns = TIMEOUT_NS,
	    .num_workloads = 1,
	    .engines = engines_default(),
	};
	draw_driver(rng, ret_options);
}

static void check_summary(const struct summary *summary, uint64_t seed, struct soak_totals *totals)
{
	const struct stats *stats = &summary->stats;

	if (summary->verify.num_mismatches != 0)
		soak_violation(totals, seed,
			       "%" PRIu64 " of %" PRIu64 " buffers differ from the replay",
			       summary->verify.num_mismatches, summary->verify.num_buffers);
	if (summary->run->end != RUN_FINISHED)
		soak_violation(totals, seed, "the run has %s", summary_end_name(summary));
	if (stats->num_submitted == 0 || stats->num_failed > stats->num_asked ||
	    (stats->num_cancelled != 0 && summary->run->options->hang_limit == UINT32_MAX) ||
	    stats->num_completed + stats->num_failed + stats->num_cancelled != stats->num_submitted)
		soak_violation(totals, seed,
			       "of %" PRIu64 " jobs %" PRIu64 " completed, %" PRIu64
			       " failed, %" PRIu64 " of them as asked, %" PRIu64 " were cancelled",
			       stats->num_submitted, stats->num_completed, stats->num_failed,
			       stats->num_asked, stats->num_cancelled);
	if (stats->max_losses > WWR_LOCK_SET_MAX_LOSSES)
		soak_violation(totals, seed, "a set lost %" PRIu32 " times and stayed default",
			       stats->max_losses);
	totals->num_jobs += stats->num_completed;
	totals->num_buffers += summary->verify.num_buffers;
	totals->num_backoffs += summary->locks.num_backoffs;
	totals->num_injected += summary->locks.num_injected;
	totals->num_fallbacks += summary->locks.num_fallbacks;
	if (stats->max_losses > totals->max_losses)
		totals->max_losses = stats->max_losses;
	if (stats->max_restarts > totals->max_restarts)
		totals->max_restarts = stats->max_restarts;
}

static int run_workload(struct wsim_workload *workload, const struct submit_options *options,
			uint64_t seed, struct soak_totals *totals)
{
	struct summary *summary;
	struct run *run;
	int ret;

	ret = run_create(options, &workload, NULL, &run);
	if (ret != 0)
		return ret == -EINTR ? 0 : ret; /* by a signal, which the caller sees */
	ret = run_execute(run);
	if (ret == 0)
		ret = summary_create(run, &summary);
	if (ret == 0) {
		if (run->end != RUN_INTERRUPTED && summary->verify.signal == 0)
			check_summary(summary, seed, totals);
		summary_destroy(summary);
	}
	run_destroy(run);
	return ret;
}

int soak_job_round(uint64_t seed, struct soak_totals *totals)
{
	struct soak_text *text = calloc(1, sizeof(*text));
	struct wsim_rng rng = {seed};
	struct submit_options options;
	struct wsim_workload *workload;
	struct wsim_error error;
	int ret;

	if (text == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	text->rng = &rng;
	soak_text_write(text);
	draw_options(&rng, seed, &options);
	ret =
	    wsim_parse("soak", text->bytes, text->used, true, &options.engines, &workload, &error);
	if (ret == -EINVAL) {
		soak_violation(totals, seed, "its descriptor is refused");
		wsim_error_print(&error, stderr);
		ret = 0;
	} else if (ret == 0) {
		ret = run_workload(workload, &options, seed, totals);
		totals->num_job_rounds++;
		wsim_free(workload);
	}
	free(text);
	return ret;
}
