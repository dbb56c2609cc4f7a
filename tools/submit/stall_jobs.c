/* SPDX-License-Identifier: MIT */
#include "tools/submit/stall_jobs.h"

#include <inttypes.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>

#include "reservation/sync_timeline.h"
#include "tools/common/clock.h"
#include "tools/submit/plan.h"
#include "tools/submit/run.h"

#define MAX_FENCES 4

struct job_printer {
	const struct run *run;
	FILE *out;
	uint32_t max_lines;
	uint32_t num;
};

static void print_label(uint64_t label, FILE *out)
{
	fprintf(out, "client %" PRIu32 " loop %" PRIu32 " step %" PRIu32, plan_label_client(label),
		plan_label_loop(label), plan_label_step(label));
}

static void print_fence(const struct wwr_fence *fence, FILE *out)
{
	struct wwr_job_fence_info info;
	char text[160];

	if (sync_timeline_fence_name(fence) != NULL) {
		fprintf(out, "the software fence of %s", sync_timeline_fence_name(fence));
		return;
	}
	if (!wwr_job_fence_info(fence, &info)) {
		wwr_fence_describe(fence, text, sizeof(text));
		fprintf(out, "the fence %s", text);
		return;
	}
	fputs("the job of ", out);
	print_label(info.label, out);
	fputs(info.finished ? " to complete" : " to start", out);
}

static void print_pending(const struct wwr_job_info *info, FILE *out)
{
	unsigned int i;

	fputs("waits for ", out);
	for (i = 0; i < info->num_pending && i < MAX_FENCES; i++) {
		fputs(i > 0 ? ", " : "", out);
		print_fence(info->pending[i], out);
	}
	if (info->num_pending > MAX_FENCES)
		fprintf(out, " and %u more", info->num_pending - MAX_FENCES);
	if (info->num_pending == 0)
		fputs("its submit to end", out);
}

static void print_running(const struct job_printer *printer, const struct wwr_job_info *info)
{
	struct wwr_engine_info engine;

	wwr_device_get_engine(printer->run->device, (unsigned int)info->engine, &engine);
	fprintf(printer->out, "runs on %s for %.1f s", engine.name,
		(double)(clock_now_ns() - info->started_ns) / (double)CLOCK_NS_PER_S);
	if (info->touching)
		fputs(" and reads or writes its buffers", printer->out);
	else if (info->endless)
		fputs(" and is endless: no T step has ended it", printer->out);
	if (!info->touching && info->endless && !info->preemptible)
		fputs(", and it gives way to no other job", printer->out);
}

static void print_state(const struct job_printer *printer, const struct wwr_job_info *info)
{
	FILE *out = printer->out;

	switch (info->state) {
	case WWR_JOB_WAITING:
		print_pending(info, out);
		break;
	case WWR_JOB_BLOCKED:
		fputs("waits for the job before it in its queue", out);
		break;
	case WWR_JOB_READY:
		fprintf(out, "is ready and waits for an engine (%s)", info->queue_name);
		break;
	case WWR_JOB_RUNNING:
		print_running(printer, info);
		break;
	case WWR_JOB_PREEMPTED:
		fputs(info->endless
			  ? "is endless and gave way to another job; no T step has ended it"
			  : "gave way to another job",
		      out);
		break;
	case WWR_JOB_NEW:
	case WWR_JOB_FINISHED:
		fputs("has just moved on", out);
		break;
	}
	if (info->has_before && info->state != WWR_JOB_RUNNING) {
		fputs("; in its queue stands first the job of ", out);
		print_label(info->before_label, out);
	}
}

static bool print_job(const struct wwr_job_info *info, void *arg)
{
	struct job_printer *printer = arg;

	if (printer->num++ >= printer->max_lines)
		return true;
	fputs("  the job of ", printer->out);
	print_label(info->label, printer->out);
	fputc(' ', printer->out);
	print_state(printer, info);
	fputc('\n', printer->out);
	return true;
}

void stall_print_jobs(struct run *run, uint32_t max_lines, FILE *out)
{
	struct job_printer printer = {.run = run, .out = out, .max_lines = max_lines};
	struct wwr_device_stats stats;

	wwr_device_get_stats(run->device, &stats);
	fprintf(out, "jobs, %" PRIu64 " of %" PRIu64 " submitted ones have ended:\n",
		stats.num_finished, stats.num_submitted);
	if (wwr_device_for_each_job(run->device, print_job, &printer) != 0)
		fputs("  (no memory to list them)\n", out);
	else if (printer.num == 0)
		fputs("  none is unfinished\n", out);
	else if (printer.num > max_lines)
		fprintf(out, "  ... and %" PRIu32 " more\n", printer.num - max_lines);
}
