/* SPDX-License-Identifier: MIT */
#include "tools/submit/submit.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/common/cli.h"
#include "tools/common/stop.h"
#include "tools/common/watchdog.h"
#include "tools/submit/jobs_log.h"
#include "tools/submit/list.h"
#include "tools/submit/options.h"
#include "tools/submit/run.h"
#include "tools/submit/summary.h"
#include "tools/submit/via.h"

/* For the memory of all buffers. */
#define TEARDOWN_S 120

static int load_one(const char *argument, const struct wsim_engine_counts *engines,
		    struct wsim_workload **ret_workload)
{
	struct wsim_error error;
	int ret = wsim_load_argument(argument, engines, ret_workload, &error);

	if (ret != 0) {
		fputs("wwresv submit: ", stderr);
		wsim_error_print(&error, stderr);
	}
	return ret;
}

static void free_workloads(struct wsim_workload **workloads, size_t num)
{
	size_t i;

	for (i = 0; workloads != NULL && i < num; i++)
		wsim_free(workloads[i]);
	free(workloads);
}

/* Nothing runs unless all of them are fine. */
static int load_workloads(const struct submit_options *options,
			  struct wsim_workload ***ret_workloads)
{
	struct wsim_workload **workloads;
	size_t i;
	int ret = 0;

	workloads = calloc(options->num_workloads, sizeof(struct wsim_workload *));
	if (workloads == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	for (i = 0; i < options->num_workloads && ret == 0; i++)
		ret = load_one(options->workloads[i], &options->engines, &workloads[i]);
	for (i = 0; options->via_libdrm && i < options->num_workloads && ret == 0; i++)
		ret = via_check_workload(workloads[i]);
	if (ret != 0) {
		free_workloads(workloads, options->num_workloads);
		return ret;
	}
	*ret_workloads = workloads;
	return 0;
}

/* The exit code of a run that was executed. */
static int report(const struct run *run, const struct submit_options *options)
{
	struct summary *summary;
	int code;

	if (summary_create(run, &summary) != 0)
		return CLI_CHECK_FAILED;
	code = summary_exit_code(summary);
	if (!options->json) {
		report_text(summary);
	} else if (report_json(summary) != 0) {
		cli_error("not enough memory for the summary");
		code = CLI_CHECK_FAILED;
	}
	summary_destroy(summary);
	return code;
}

static int run_error_code(int error)
{
	/* What was asked for is too much for any machine, or for this one. */
	return error == -E2BIG || error == -EINVAL ? CLI_USAGE : CLI_UNAVAILABLE;
}

static int run_and_report(const struct submit_options *options, struct wsim_workload **workloads,
			  struct jobs_log *jobs_log)
{
	struct run *run;
	int code, ret;

	ret = run_create(options, workloads, jobs_log, &run);
	if (ret != 0)
		return run_error_code(ret);
	ret = run_execute(run);
	code = ret == 0 ? report(run, options) : run_error_code(ret);
	watchdog_arm(TEARDOWN_S, "wwresv submit: the run could not be taken down; giving up");
	run_destroy(run);
	watchdog_disarm();
	return code;
}

static int run_stoppable(const struct submit_options *options, struct wsim_workload **workloads,
			 struct jobs_log *jobs_log)
{
	int code;

	stop_install();
	code = run_and_report(options, workloads, jobs_log);
	stop_uninstall();
	return code;
}

/* What was read must not be written over. */
static int check_jobs_path(const struct submit_options *options)
{
	struct stat jobs, input;
	size_t i;

	if (stat(options->jobs_path, &jobs) != 0 || !S_ISREG(jobs.st_mode))
		return 0;
	for (i = 0; i < options->num_workloads; i++) {
		if (stat(options->workloads[i], &input) != 0 || input.st_dev != jobs.st_dev ||
		    input.st_ino != jobs.st_ino)
			continue;
		cli_error("--jobs: expected another file than the workload '%s'",
			  options->workloads[i]);
		return -EINVAL;
	}
	return 0;
}

static int run_workloads(const struct submit_options *options, struct wsim_workload **workloads)
{
	struct jobs_log jobs_log;
	int code;

	if (options->jobs_path == NULL)
		return run_stoppable(options, workloads, NULL);
	if (check_jobs_path(options) != 0)
		return CLI_USAGE;
	if (jobs_log_open(&jobs_log, options->jobs_path) != 0)
		return CLI_USAGE;
	code = run_stoppable(options, workloads, &jobs_log);
	if (jobs_log_close(&jobs_log) != 0 && code == CLI_OK)
		code = CLI_USAGE;
	return code;
}

static int execute(const struct submit_options *options)
{
	struct wsim_workload **workloads;
	int code;

	if (load_workloads(options, &workloads) != 0)
		return CLI_USAGE;
	if (options->list)
		code = list_workloads(workloads, options) == 0 ? CLI_OK : CLI_UNAVAILABLE;
	else
		code = run_workloads(options, workloads);
	free_workloads(workloads, options->num_workloads);
	return code;
}

int submit_main(int argc, char **argv)
{
	struct submit_options options;
	enum options_action action;
	int code = CLI_OK;

	/* For names of workloads in tables; numbers keep their decimal point. */
	(void)setlocale(LC_CTYPE, "");
	cli_set_name("wwresv submit");
	if (options_parse(argc, argv, &options, &action) != 0)
		return CLI_USAGE;
	if (action == OPTIONS_RUN) {
		cli_set_quiet(options.quiet);
		if (options.via_libdrm && !options.list && !via_is_inner())
			code = via_run_inner(&options, argc, argv);
		else
			code = execute(&options);
	}
	if (cli_finish_stdout() != 0 && code == CLI_OK)
		code = CLI_USAGE;
	return code;
}
