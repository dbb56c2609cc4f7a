/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <wwresv/device.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/table.h"
#include "tools/submit/fdinfo.h"
#include "tools/submit/summary.h"

#define BAR_WIDTH 40
/* Powers of two up to STATS_MAX_RETRIES, and zero. */
#define MAX_RANGES 12

struct printer {
	const struct summary *summary;
	const char *bold, *good, *bad, *plain; /* "" without colour */
};

static void print_heading(const struct printer *printer, const char *text)
{
	printf("\n%s%s%s\n", printer->bold, text, printer->plain);
}

static void print_label(const struct printer *printer, const char *text)
{
	printf("%s%-13s%s", printer->bold, text, printer->plain);
}

/* "12.3 us", "4.56 ms": a number that can be read at a glance. */
static void format_ns(double ns, char *buf, size_t size)
{
	if (ns < 1e6)
		snprintf(buf, size, "%.1f us", ns / 1e3);
	else if (ns < 1e9)
		snprintf(buf, size, "%.2f ms", ns / 1e6);
	else
		snprintf(buf, size, "%.3f s", ns / 1e9);
}

/* What was asked to go wrong. */
static void print_faults(const struct printer *printer)
{
	const struct submit_options *options = printer->summary->run->options;

	if (options->hang_every == 0 && options->slow_every == 0 && options->lose_after == 0)
		return;
	print_label(printer, "Faults");
	printf("hang every %" PRIu64 ", slow every %" PRIu64 " by %g, lose after %" PRIu64
	       " (0: never)\n",
	       options->hang_every, options->slow_every, options->slow_factor, options->lose_after);
}

static void print_end(const struct printer *printer)
{
	const struct summary *summary = printer->summary;

	if (summary->run->end == RUN_FINISHED)
		return;
	print_label(printer, "Ended");
	printf("%s%s%s", printer->bad, summary_end_name(summary), printer->plain);
	if (summary->run->end == RUN_INTERRUPTED)
		printf(" by signal %d (%s)", summary->run->signal, strsignal(summary->run->signal));
	puts(": what follows is about the part that ran");
}

static void print_title(const struct printer *printer)
{
	const struct summary *summary = printer->summary;
	const struct submit_options *options = summary->run->options;

	print_label(printer, "Run");
	printf("%s, %s policy, seed %" PRIu64 ", clients %" PRIu32 ", repeat %" PRIu32
	       ", scale %g%s%s\n",
	       options_class_name(options), options_policy_name(options), options->seed,
	       options->num_clients, options->repeat, options->scale,
	       options->share ? ", shared sets" : "", options->sort ? ", sorted locks" : "");
	if (options->hold_us != 0 || options->inject != 0 || options->retry_limit != 0 ||
	    options->touch_full || options->break_deps != 0) {
		print_label(printer, "");
		printf("hold %" PRIu32 " us, inject %" PRIu32 ", retry limit %" PRIu32
		       ", touch %s, broken dependencies: %s\n",
		       options->hold_us, options->inject, options->retry_limit,
		       options->touch_full ? "full" : "head",
		       options->break_deps == 0 ? "none" : options_break_name(options));
	}
	print_faults(printer);
	print_end(printer);
}

static void print_jobs(const struct printer *printer)
{
	const struct summary *summary = printer->summary;
	const struct stats *stats = &summary->stats;

	print_label(printer, "Jobs");
	printf("%" PRIu64 " submitted, %" PRIu64 " completed, %s%" PRIu64 " failed%s, %" PRIu64
	       " cancelled\n",
	       stats->num_submitted, stats->num_completed,
	       stats->num_failed > 0 ? printer->bad : "", stats->num_failed,
	       stats->num_failed > 0 ? printer->plain : "", stats->num_cancelled);
	print_label(printer, "");
	printf("%.1f jobs/s in %.3f s, %" PRIu64 " missed periods\n",
	       summary->elapsed_s > 0 ? (double)stats->num_completed / summary->elapsed_s : 0.0,
	       summary->elapsed_s, stats->num_missed_periods);
}

static void print_reservation(const struct printer *printer)
{
	const struct summary *summary = printer->summary;
	const struct stats *stats = &summary->stats;
	char wait[32];

	format_ns((double)summary->locks.wait_ns, wait, sizeof(wait));
	print_label(printer, "Reservation");
	printf("%" PRIu64 " sets of %" PRIu32 " to %" PRIu32 " buffers (median %" PRIu32
	       "), %" PRIu64 " locks, %s asleep for locks\n",
	       stats->num_committed, stats_size_quantile(stats, 0), stats_size_quantile(stats, 1),
	       stats_size_quantile(stats, 0.5), summary->locks.num_locks, wait);
	print_label(printer, "");
	printf("%" PRIu64 " back-offs, %" PRIu64 " of them injected; at most %" PRIu32
	       " retries of one job\n",
	       stats->num_backoffs, summary->locks.num_injected, stats->max_retries);
	print_label(printer, "");
	printf("at most %" PRIu32 " losses and %" PRIu32 " classic restarts of one job, %" PRIu64
	       " sets went over to classic rules\n",
	       stats->max_losses, stats->max_restarts, summary->locks.num_fallbacks);
}

static void print_memory(const struct printer *printer)
{
	const struct submit_options *options = printer->summary->run->options;
	const struct wwr_mm_stats *memory = &printer->summary->memory;

	if (options->vram_bytes == 0)
		return;
	print_label(printer, "Memory");
	printf("%" PRIu64 " bytes of VRAM, %" PRIu64 " of GTT\n", options->vram_bytes,
	       options->gtt_bytes);
	print_label(printer, "");
	printf("%" PRIu64 " evictions, %" PRIu64 " moves of %" PRIu64 " bytes, %" PRIu64
	       " waits for busy buffers, %" PRIu64 " jobs that do not fit\n",
	       memory->num_evictions, memory->num_moves, memory->moved_bytes, memory->num_waits,
	       memory->num_enomem);
}

static void print_shares(const struct printer *printer)
{
	const struct summary *summary = printer->summary;
	const double all_ns = (double)summary->busy_ns;

	if (summary->busy_ns == 0)
		return;
	print_label(printer, "");
	printf("of the time on engines a client had %.1f to %.1f %%\n",
	       100 * (double)summary->least_busy_ns / all_ns,
	       100 * (double)summary->most_busy_ns / all_ns);
}

static void print_sched(const struct printer *printer)
{
	const struct summary *summary = printer->summary;
	struct wwr_device_stats stats;

	if (!summary->run->options->use_sched)
		return;
	wwr_device_get_stats(summary->run->device, &stats);
	print_label(printer, "Scheduler");
	printf("%s, fairness %.3f; %" PRIu64 " hangs, %" PRIu64 " resets, %" PRIu64
	       " jobs cancelled, %" PRIu64 " slow\n",
	       options_sched_name(summary->run->options), summary->fairness,
	       summary->sched.num_hangs, summary->sched.num_resets, summary->sched.num_cancelled,
	       stats.num_slow);
	print_shares(printer);
}

static void print_latency(const struct printer *printer)
{
	const struct histogram *latency = &printer->summary->stats.latency_ns;
	char p50[32], p99[32], p999[32], max[32];

	format_ns((double)histogram_quantile(latency, 0.5), p50, sizeof(p50));
	format_ns((double)histogram_quantile(latency, 0.99), p99, sizeof(p99));
	format_ns((double)histogram_quantile(latency, 0.999), p999, sizeof(p999));
	format_ns((double)latency->max, max, sizeof(max));
	print_label(printer, "Latency");
	printf("of a reservation: p50 %s, p99 %s, p99.9 %s, max %s\n", p50, p99, p999, max);
}

/* 0, 1, 2-3, 4-7 ...: returns how many ranges have jobs up to the last one that has. */
static unsigned int sum_ranges(const struct stats *stats, uint64_t *ret_sums)
{
	unsigned int range, num = 0;
	uint32_t i;

	memset(ret_sums, 0, MAX_RANGES * sizeof(*ret_sums));
	for (i = 0; i <= STATS_MAX_RETRIES; i++) {
		range = i == 0 ? 0 : 32 - (unsigned int)__builtin_clz(i);
		ret_sums[range] += stats->retries[i];
		if (stats->retries[i] > 0)
			num = range + 1;
	}
	return num;
}

static void print_retries(const struct printer *printer)
{
	static const struct table_column columns[] = {
	    {"RETRIES", false}, {"JOBS", true}, {"", false}, {NULL, false}};
	static const char bar[] = "########################################";
	uint64_t sums[MAX_RANGES], most = 1;
	unsigned int num = sum_ranges(&printer->summary->stats, sums), i;
	struct table *table;

	if (num <= 1)
		return;
	for (i = 0; i < num; i++)
		most = sums[i] > most ? sums[i] : most;
	print_heading(printer, "Retries per job");
	table = table_create(columns);
	for (i = 0; i < num; i++) {
		table_add_row(table);
		if (i <= 1)
			table_set(table, 0, "%u", i);
		else if (i + 1 == MAX_RANGES - 1)
			table_set(table, 0, "%u or more", 1u << (i - 1));
		else
			table_set(table, 0, "%u-%u", 1u << (i - 1), (1u << i) - 1);
		table_set(table, 1, "%" PRIu64, sums[i]);
		table_set(table, 2, "%.*s", (int)((sums[i] * BAR_WIDTH + most - 1) / most), bar);
	}
	table_finish(table);
}

static void print_contended(const struct printer *printer)
{
	static const struct table_column columns[] = {
	    {"BUFFER", false}, {"BACK-OFFS", true}, {"WAITED", true}, {NULL, false}};
	const struct summary *summary = printer->summary;
	struct table *table;
	char name[192], wait[32];
	uint32_t i;

	if (summary->num_contended == 0)
		return;
	print_heading(printer, "Most contended buffers");
	table = table_create(columns);
	for (i = 0; i < summary->num_contended; i++) {
		plan_buffer_name(&summary->run->plan, summary->contended[i].buffer, name,
				 sizeof(name));
		format_ns((double)summary->contended[i].wait_ns, wait, sizeof(wait));
		table_add_row(table);
		table_set(table, 0, "%s", name);
		table_set(table, 1, "%" PRIu64, summary->contended[i].num_backoffs);
		table_set(table, 2, "%s", wait);
	}
	table_finish(table);
}

static void print_engines(const struct printer *printer)
{
	static const struct table_column columns[] = {{"ENGINE", false},
						      {"JOBS", true},
						      {"BUSY", true},
						      {"OF THE TIME", true},
						      {NULL, false}};
	const struct summary *summary = printer->summary;
	struct table *table = table_create(columns);
	struct wwr_engine_info info;
	char busy[32];
	double share;
	unsigned int i;

	print_heading(printer, "Engines");
	for (i = 0; i < wwr_device_num_engines(summary->run->device); i++) {
		summary_get_engine(summary, i, &info);
		format_ns((double)info.busy_ns, busy, sizeof(busy));
		share =
		    summary->elapsed_s > 0 ? (double)info.busy_ns / 1e7 / summary->elapsed_s : 0.0;
		table_add_row(table);
		table_set(table, 0, "%s", info.name);
		table_set(table, 1, "%" PRIu64, info.num_jobs);
		table_set(table, 2, "%s", busy);
		table_set(table, 3, "%.1f %%", share);
	}
	table_finish(table);
}

static void print_workloads(const struct printer *printer)
{
	static const struct table_column columns[] = {{"WORKLOAD", false}, {"CLIENTS", true},
						      {"BATCHES", true},   {"OBJECTS", true},
						      {"BYTES", true},	   {NULL, false}};
	const struct plan *plan = &printer->summary->run->plan;
	struct table *table = table_create(columns);
	const struct wsim_workload *wsim;
	uint32_t i;

	if (plan->num_workloads > 0)
		print_heading(printer, "Workloads");
	for (i = 0; i < plan->num_workloads; i++) {
		wsim = plan->workloads[i].wsim;
		table_add_row(table);
		table_set(table, 0, "%s", plan->workloads[i].name);
		table_set(table, 1, "%" PRIu32, printer->summary->run->options->num_clients);
		table_set(table, 2, "%zu", wsim->num_batches);
		table_set(table, 3, "%" PRIu64, wsim->num_objects);
		if (wsim->min_bytes == wsim->max_bytes)
			table_set(table, 4, "%" PRIu64, wsim->max_bytes);
		else
			table_set(table, 4, "%" PRIu64 " to %" PRIu64, wsim->min_bytes,
				  wsim->max_bytes);
	}
	table_finish(table);
}

static void print_mismatch_jobs(const struct printer *printer, const char *what,
				const struct verify_jobs *jobs)
{
	const struct plan *plan = &printer->summary->run->plan;
	const struct verify_job *job;
	uint32_t i;

	for (i = 0; i < jobs->num; i++) {
		job = &jobs->jobs[i];
		printf("    %s by client %" PRIu32 " (%s), loop %" PRIu32 " step %" PRIu32
		       ", commit %" PRIu64 "\n",
		       what, job->client, plan->clients[job->client].workload->name, job->loop,
		       job->step, job->commit);
	}
}

static void print_mismatch(const struct printer *printer, const struct verify_mismatch *mismatch)
{
	char name[192];

	plan_buffer_name(&printer->summary->run->plan, mismatch->buffer, name, sizeof(name));
	printf("  %s differs from byte %zu on; the last jobs that used it:\n", name,
	       mismatch->first_byte);
	print_mismatch_jobs(printer, "written", &mismatch->writers);
	print_mismatch_jobs(printer, "read", &mismatch->readers);
}

static void print_verify(const struct printer *printer)
{
	const struct verify_result *verify = &printer->summary->verify;
	uint32_t i;

	putchar('\n');
	print_label(printer, "Check");
	if (verify->signal != 0) {
		printf("%sstopped by signal %d (%s)%s: nothing was compared\n", printer->bad,
		       verify->signal, strsignal(verify->signal), printer->plain);
		return;
	}
	if (verify->num_torn > 0)
		printf("Stopped      %" PRIu64 " buffers while they were written: not compared\n",
		       verify->num_torn);
	if (verify->num_mismatches == 0) {
		printf("%s%" PRIu64 " buffers compared with a sequential replay: no difference%s\n",
		       printer->good, verify->num_buffers, printer->plain);
		return;
	}
	printf("%s%" PRIu64 " of %" PRIu64 " buffers differ from a sequential replay%s\n",
	       printer->bad, verify->num_mismatches, verify->num_buffers, printer->plain);
	for (i = 0; i < verify->num_reported; i++)
		print_mismatch(printer, &verify->reported[i]);
	if (verify->num_mismatches > verify->num_reported)
		printf("  ... and %" PRIu64 " more\n",
		       verify->num_mismatches - verify->num_reported);
}

static void print_fdinfo(const struct printer *printer)
{
	const struct run *run = printer->summary->run;
	char text[FDINFO_BYTES];
	uint32_t i;

	for (i = 0; i < run->num_clients; i++) {
		(void)fdinfo_write(run, i, text, sizeof(text));
		printf("\n%s", text);
	}
}

void report_text(const struct summary *summary)
{
	bool color = cli_wants_color(stdout);
	struct printer printer = {
	    .summary = summary,
	    .bold = color ? "\033[1m" : "",
	    .good = color ? "\033[32m" : "",
	    .bad = color ? "\033[31m" : "",
	    .plain = color ? "\033[0m" : "",
	};

	print_title(&printer);
	print_jobs(&printer);
	print_reservation(&printer);
	print_latency(&printer);
	print_sched(&printer);
	print_memory(&printer);
	print_retries(&printer);
	print_contended(&printer);
	print_engines(&printer);
	print_workloads(&printer);
	print_verify(&printer);
	if (summary->run->options->fdinfo)
		print_fdinfo(&printer);
}
