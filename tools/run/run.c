/* SPDX-License-Identifier: MIT */
/* `wwresv run`: a program with devices that are not there. */
#include "tools/run/run.h"

#include "drivers/front/tree.h"
#include "tools/common/cli.h"
#include "tools/run/child.h"
#include "tools/run/front.h"
#include "tools/run/program.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIM_NAME     "libwwresv-shim.so"
#define ENV_LIBRARY   "WWRESV_SHIM_LIBRARY"
#define REPORT_BYTES  (FRONT_TREE_BYTES + 16)
#define PRELOAD_BYTES (2 * PATH_MAX)

/* As env and others have it. */
#define EXIT_CANNOT_START 126
#define EXIT_NOT_FOUND	  127

struct run_options {
	struct front_args front;
	bool report;
	bool trace;
};

static void print_usage(FILE *out)
{
	fprintf(
	    out,
	    "Usage: wwresv run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	    "\n"
	    "Run a program that finds the devices of a mock GPU and of vgem in /dev/dri.\n"
	    "\n"
	    "%s"
	    "  --report              tell what the program left open or unsignalled\n"
	    "  --trace               tell of each call that reached a device\n"
	    "  -h, --help            print this text\n"
	    "\n"
	    "Exit status: the program's, and a signal that ended it; 2 wrong usage, 126 the\n"
	    "program cannot be started, 127 it is not there.\n"
	    "\n"
	    "The library stands between the program and the C library: a program that is linked\n"
	    "statically, or makes its system calls itself, does not see the devices.\n",
	    front_args_usage);
}

/* The exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct run_options *options)
{
	static const struct option long_options[] = {
	    FRONT_LONG_OPTIONS,
	    {"report", no_argument, NULL, 'r'},
	    {"trace", no_argument, NULL, 't'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return CLI_OK;
		}
		if (option == '?')
			return CLI_USAGE;
		if (option == 'r')
			options->report = true;
		else if (option == 't')
			options->trace = true;
		else if (front_args_take(&options->front, option, optarg) != 0)
			return CLI_USAGE;
	}
	if (optind < argc)
		return -1;
	cli_error("which program?  'wwresv run --help' explains");
	return CLI_USAGE;
}

/* Where the library is: named, beside a tool that was only built, or installed. */
static int find_library(char *ret_path)
{
	const char *named = getenv(ENV_LIBRARY);
	char self[PATH_MAX];
	ssize_t length;

	if (named != NULL) {
		snprintf(ret_path, PATH_MAX, "%s", named);
	} else {
		length = readlink("/proc/self/exe", self, sizeof(self) - 1);
		self[length > 0 ? length : 0] = '\0';
		if (strrchr(self, '/') != NULL)
			*strrchr(self, '/') = '\0';
		if (snprintf(ret_path, PATH_MAX, "%s/../drivers/shim/" SHIM_NAME, self) >=
			PATH_MAX ||
		    access(ret_path, R_OK) != 0)
			snprintf(ret_path, PATH_MAX, "%s", WWRESV_SHIM_INSTALLED);
	}
	if (access(ret_path, R_OK) != 0) {
		cli_error("%s: %s; " ENV_LIBRARY " may say where it is", ret_path, strerror(errno));
		return -ENOENT;
	}
	if (strpbrk(ret_path, " :") != NULL) {
		cli_error("%s: the loader takes no name with a space or a colon", ret_path);
		return -EINVAL;
	}
	return 0;
}

/* 0, or -errno after a message. */
static int set_env(const struct run_options *options, const char *tree, const char *report)
{
	const char *others = getenv("LD_PRELOAD");
	char preload[PRELOAD_BYTES];
	char library[PATH_MAX];
	int ret = find_library(library);

	if (ret != 0)
		return ret;
	if (snprintf(preload, sizeof(preload), "%s%s%s", library,
		     others != NULL && others[0] != '\0' ? ":" : "",
		     others != NULL ? others : "") >= (int)sizeof(preload)) {
		cli_error("LD_PRELOAD is too long");
		return -E2BIG;
	}
	front_args_set_env(&options->front);
	setenv(FRONT_ENV_TREE, tree, 1);
	setenv("LD_PRELOAD", preload, 1);
	if (options->trace)
		setenv(FRONT_ENV_TRACE, "1", 1);
	if (options->report)
		setenv(FRONT_ENV_REPORT, report, 1);
	return 0;
}

static void print_report(const char *report)
{
	FILE *file = fopen(report, "r");
	char line[512];
	bool any = false;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		fputs(line, stderr);
		any = true;
	}
	if (file != NULL)
		fclose(file);
	if (!any)
		cli_note("no process that used a device came to its end by itself");
}

/* The exit code of run_main(). */
static int run_program(const struct run_options *options, char **argv)
{
	struct front_options devices;
	char tree[FRONT_TREE_BYTES];
	char report[REPORT_BYTES];
	int code = CLI_USAGE;
	int status = 0;
	int ret;

	front_args_options(&options->front, &devices);
	ret = front_tree_make(&devices, tree);
	if (ret != 0) {
		cli_error("cannot make a folder for the devices: %s", strerror(-ret));
		return CLI_USAGE;
	}
	snprintf(report, sizeof(report), "%s/report", tree);
	if (set_env(options, tree, report) == 0) {
		ret = child_run(argv, &status);
		code = ret == 0 ? -1 : ret == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_START;
		if (ret != 0)
			cli_error("%s: %s", argv[0], strerror(-ret));
		else if (options->report)
			print_report(report);
	}
	front_tree_remove(tree);
	return code < 0 ? child_exit_code(status) : code;
}

int run_with_devices(const struct front_args *front, char **argv)
{
	const struct run_options options = {.front = *front};

	return run_program(&options, argv);
}

int run_main(int argc, char **argv)
{
	struct run_options options = {.report = false};
	const char *refusal;
	int code;

	cli_set_name("wwresv run");
	code = parse_options(argc, argv, &options);
	if (code >= 0)
		return cli_finish_stdout() == 0 ? code : CLI_USAGE;
	refusal = program_refuses_preload(argv[optind]);
	if (refusal != NULL)
		cli_note("%s %s: it will not find the devices", argv[optind], refusal);
	return run_program(&options, &argv[optind]);
}
