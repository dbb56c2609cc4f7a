/* SPDX-License-Identifier: MIT */
/*
 * Builds never check each call: jansson's constructors give NULL and its setters steal and drop
 * what they get, so an allocation that failed leaves a hole, which `complete` remembers.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

#include <wwresv/device.h>

#include "tools/common/clock.h"
#include "tools/submit/fdinfo.h"
#include "tools/submit/summary.h"

/* Digits of a double that are worth printing. */
#define PRECISION 9

struct writer {
	const struct summary *summary;
	bool complete;
};

static void set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		writer->complete = false;
}

static void set_u64(struct writer *writer, json_t *object, const char *key, uint64_t value)
{
	set(writer, object, key, json_integer((json_int_t)value));
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		writer->complete = false;
}

static json_t *ns_to_us(uint64_t ns)
{
	return json_real((double)ns / (double)CLOCK_NS_PER_US);
}

static json_t *build_options(struct writer *writer)
{
	const struct submit_options *options = writer->summary->run->options;
	json_t *json = json_object();

	set_u64(writer, json, "clients", options->num_clients);
	set_u64(writer, json, "repeat", options->repeat);
	set(writer, json, "scale", json_real(options->scale));
	set(writer, json, "share", json_boolean(options->share));
	set(writer, json, "sort", json_boolean(options->sort));
	set_u64(writer, json, "retry_limit", options->retry_limit);
	set_u64(writer, json, "inject", options->inject);
	set_u64(writer, json, "hold_us", options->hold_us);
	set(writer, json, "touch", json_string(options->touch_full ? "full" : "head"));
	set(writer, json, "break_dep",
	    options->break_deps == 0 ? json_null() : json_string(options_break_name(options)));
	set(writer, json, "via", json_string(options->via_libdrm ? "libdrm" : "direct"));
	set(writer, json, "timeout_s", json_real((double)options->timeout_ns / CLOCK_NS_PER_S));
	set_u64(writer, json, "hang_every", options->hang_every);
	set_u64(writer, json, "slow_every", options->slow_every);
	set(writer, json, "slow_factor", json_real(options->slow_factor));
	set_u64(writer, json, "lose_after", options->lose_after);
	return json;
}

static json_t *build_jobs(struct writer *writer)
{
	const struct summary *summary = writer->summary;
	const struct stats *stats = &summary->stats;
	json_t *json = json_object();

	set_u64(writer, json, "submitted", stats->num_submitted);
	set_u64(writer, json, "completed", stats->num_completed);
	set_u64(writer, json, "failed", stats->num_failed);
	set_u64(writer, json, "cancelled", stats->num_cancelled);
	set(writer, json, "per_s",
	    json_real(summary->elapsed_s > 0 ? (double)stats->num_completed / summary->elapsed_s
					     : 0.0));
	return json;
}

static json_t *build_sizes(struct writer *writer)
{
	const struct stats *stats = &writer->summary->stats;
	json_t *json = json_object();

	set_u64(writer, json, "min", stats_size_quantile(stats, 0));
	set_u64(writer, json, "p50", stats_size_quantile(stats, 0.5));
	set_u64(writer, json, "max", stats_size_quantile(stats, 1));
	return json;
}

static json_t *build_latency(struct writer *writer)
{
	const struct histogram *latency = &writer->summary->stats.latency_ns;
	json_t *json = json_object();

	set(writer, json, "p50", ns_to_us(histogram_quantile(latency, 0.5)));
	set(writer, json, "p99", ns_to_us(histogram_quantile(latency, 0.99)));
	set(writer, json, "p999", ns_to_us(histogram_quantile(latency, 0.999)));
	set(writer, json, "max", ns_to_us(latency->max));
	return json;
}

/* Number of jobs by retries; the last entry of a full array stands for all higher ones too. */
static json_t *build_retries(struct writer *writer)
{
	const struct stats *stats = &writer->summary->stats;
	json_t *json = json_array();
	uint32_t i;

	for (i = 0; i <= stats->max_retries && i <= STATS_MAX_RETRIES; i++)
		append(writer, json, json_integer((json_int_t)stats->retries[i]));
	return json;
}

static json_t *build_reservation(struct writer *writer)
{
	const struct summary *summary = writer->summary;
	const struct stats *stats = &summary->stats;
	json_t *json = json_object();

	set_u64(writer, json, "sets", stats->num_committed);
	set_u64(writer, json, "locks", summary->locks.num_locks);
	set_u64(writer, json, "backoffs", stats->num_backoffs);
	set_u64(writer, json, "injected", summary->locks.num_injected);
	set_u64(writer, json, "retries_max", stats->max_retries);
	set_u64(writer, json, "losses_max", stats->max_losses);
	set_u64(writer, json, "restarts_max", stats->max_restarts);
	set_u64(writer, json, "fallbacks", summary->locks.num_fallbacks);
	set(writer, json, "wait_us", ns_to_us(summary->locks.wait_ns));
	set(writer, json, "buffers_per_set", build_sizes(writer));
	set(writer, json, "latency_us", build_latency(writer));
	set(writer, json, "retries_histogram", build_retries(writer));
	return json;
}

static json_t *build_memory(struct writer *writer)
{
	const struct submit_options *options = writer->summary->run->options;
	const struct wwr_mm_stats *memory = &writer->summary->memory;
	json_t *json;

	if (options->vram_bytes == 0)
		return json_null();
	json = json_object();
	set_u64(writer, json, "vram", options->vram_bytes);
	set_u64(writer, json, "gtt", options->gtt_bytes);
	set_u64(writer, json, "evictions", memory->num_evictions);
	set_u64(writer, json, "moves", memory->num_moves);
	set_u64(writer, json, "moved_bytes", memory->moved_bytes);
	set_u64(writer, json, "waits", memory->num_waits);
	set_u64(writer, json, "enomem", memory->num_enomem);
	return json;
}

/* The part of all time on engines that each client had. */
static json_t *build_shares(struct writer *writer)
{
	const struct run *run = writer->summary->run;
	const double sum = (double)writer->summary->busy_ns;
	json_t *json;
	uint32_t i;

	if (!run->options->use_sched)
		return json_null();
	json = json_array();
	for (i = 0; i < run->num_clients; i++)
		append(writer, json,
		       json_real(sum > 0 ? (double)summary_client_busy_ns(run, i) / sum : 0));
	return json;
}

static json_t *build_sched(struct writer *writer)
{
	const struct submit_options *options = writer->summary->run->options;
	json_t *json;

	if (!options->use_sched)
		return json_null();
	json = json_object();
	set(writer, json, "policy", json_string(options_sched_name(options)));
	set(writer, json, "fairness", json_real(writer->summary->fairness));
	return json;
}

static json_t *build_recovery(struct writer *writer)
{
	const struct summary *summary = writer->summary;
	struct wwr_device_stats stats;
	json_t *json;

	if (!summary->run->options->use_sched)
		return json_null();
	wwr_device_get_stats(summary->run->device, &stats);
	json = json_object();
	set_u64(writer, json, "hangs", summary->sched.num_hangs);
	set_u64(writer, json, "resets", summary->sched.num_resets);
	set_u64(writer, json, "cancelled", summary->sched.num_cancelled);
	set_u64(writer, json, "slow", stats.num_slow);
	return json;
}

static json_t *build_contended(struct writer *writer)
{
	const struct summary *summary = writer->summary;
	json_t *json = json_array(), *entry;
	char name[192];
	uint32_t i;

	for (i = 0; i < summary->num_contended; i++) {
		entry = json_object();
		plan_buffer_name(&summary->run->plan, summary->contended[i].buffer, name,
				 sizeof(name));
		set(writer, entry, "buffer", json_string(name));
		set_u64(writer, entry, "backoffs", summary->contended[i].num_backoffs);
		set(writer, entry, "wait_us", ns_to_us(summary->contended[i].wait_ns));
		append(writer, json, entry);
	}
	return json;
}

static json_t *build_engines(struct writer *writer)
{
	struct wwr_device *device = writer->summary->run->device;
	json_t *json = json_array(), *entry;
	struct wwr_engine_info info;
	unsigned int i;

	for (i = 0; i < wwr_device_num_engines(device); i++) {
		summary_get_engine(writer->summary, i, &info);
		entry = json_object();
		set(writer, entry, "name", json_string(info.name));
		set_u64(writer, entry, "jobs", info.num_jobs);
		set(writer, entry, "busy_s",
		    json_real((double)info.busy_ns / (double)CLOCK_NS_PER_S));
		append(writer, json, entry);
	}
	return json;
}

static json_t *build_workloads(struct writer *writer)
{
	const struct plan *plan = &writer->summary->run->plan;
	json_t *json = json_array(), *entry;
	const struct wsim_workload *wsim;
	uint32_t i;

	for (i = 0; i < plan->num_workloads; i++) {
		wsim = plan->workloads[i].wsim;
		entry = json_object();
		set(writer, entry, "name", json_string(plan->workloads[i].name));
		set_u64(writer, entry, "clients", writer->summary->run->options->num_clients);
		set_u64(writer, entry, "batches", wsim->num_batches);
		set_u64(writer, entry, "objects", wsim->num_objects);
		set_u64(writer, entry, "bytes", wsim->max_bytes);
		/* Smaller than bytes where the descriptor has random sizes. */
		set_u64(writer, entry, "bytes_min", wsim->min_bytes);
		append(writer, json, entry);
	}
	return json;
}

static json_t *build_mismatch_job(struct writer *writer, const struct verify_job *job)
{
	const struct plan *plan = &writer->summary->run->plan;
	json_t *json = json_object();

	set_u64(writer, json, "client", job->client);
	set(writer, json, "workload", json_string(plan->clients[job->client].workload->name));
	set_u64(writer, json, "loop", job->loop);
	set_u64(writer, json, "step", job->step);
	set_u64(writer, json, "commit", job->commit);
	return json;
}

static json_t *build_mismatch_jobs(struct writer *writer, const struct verify_jobs *jobs)
{
	json_t *json = json_array();
	uint32_t i;

	for (i = 0; i < jobs->num; i++)
		append(writer, json, build_mismatch_job(writer, &jobs->jobs[i]));
	return json;
}

static json_t *build_mismatches(struct writer *writer)
{
	const struct verify_result *verify = &writer->summary->verify;
	json_t *json = json_array(), *entry;
	char name[192];
	uint32_t i;

	for (i = 0; i < verify->num_reported; i++) {
		entry = json_object();
		plan_buffer_name(&writer->summary->run->plan, verify->reported[i].buffer, name,
				 sizeof(name));
		set(writer, entry, "buffer", json_string(name));
		set_u64(writer, entry, "first_byte", verify->reported[i].first_byte);
		set(writer, entry, "writers",
		    build_mismatch_jobs(writer, &verify->reported[i].writers));
		set(writer, entry, "readers",
		    build_mismatch_jobs(writer, &verify->reported[i].readers));
		append(writer, json, entry);
	}
	return json;
}

static json_t *build_verify(struct writer *writer)
{
	const struct verify_result *verify = &writer->summary->verify;
	json_t *json = json_object();

	set(writer, json, "signal",
	    verify->signal != 0 ? json_integer(verify->signal) : json_null());
	set_u64(writer, json, "buffers", verify->num_buffers);
	set_u64(writer, json, "mismatches", verify->num_mismatches);
	set_u64(writer, json, "torn", verify->num_torn);
	set(writer, json, "reported", build_mismatches(writer));
	return json;
}

static json_t *build_fdinfo(struct writer *writer)
{
	const struct run *run = writer->summary->run;
	json_t *json;
	char text[FDINFO_BYTES];
	uint32_t i;

	if (!run->options->fdinfo)
		return json_null();
	json = json_array();
	for (i = 0; i < run->num_clients; i++) {
		(void)fdinfo_write(run, i, text, sizeof(text));
		append(writer, json, json_string(text));
	}
	return json;
}

static json_t *build(struct writer *writer)
{
	const struct summary *summary = writer->summary;
	const struct submit_options *options = summary->run->options;
	json_t *json = json_object();

	set(writer, json, "schema", json_string("wwresv.submit/1"));
	set(writer, json, "ended", json_string(summary_end_name(summary)));
	set(writer, json, "signal",
	    summary->run->end == RUN_INTERRUPTED ? json_integer(summary->run->signal)
						 : json_null());
	set(writer, json, "class", json_string(options_class_name(options)));
	set(writer, json, "policy", json_string(options_policy_name(options)));
	set_u64(writer, json, "seed", options->seed);
	set(writer, json, "options", build_options(writer));
	set(writer, json, "elapsed_s", json_real(summary->elapsed_s));
	set(writer, json, "jobs", build_jobs(writer));
	set(writer, json, "reservation", build_reservation(writer));
	set(writer, json, "sched", build_sched(writer));
	set(writer, json, "shares", build_shares(writer));
	set(writer, json, "recovery", build_recovery(writer));
	set(writer, json, "memory", build_memory(writer));
	set(writer, json, "contended", build_contended(writer));
	set(writer, json, "engines", build_engines(writer));
	set(writer, json, "workloads", build_workloads(writer));
	set(writer, json, "verify", build_verify(writer));
	set(writer, json, "fdinfo", build_fdinfo(writer));
	set_u64(writer, json, "missed_periods", summary->stats.num_missed_periods);
	return json;
}

int report_json(const struct summary *summary)
{
	struct writer writer = {.summary = summary, .complete = true};
	json_t *json = build(&writer);

	if (json == NULL || !writer.complete) {
		json_decref(json);
		return -ENOMEM;
	}
	/* A failed write is found by who flushes standard output. */
	(void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(PRECISION));
	putchar('\n');
	json_decref(json);
	return 0;
}
