/* SPDX-License-Identifier: MIT */
#include "tools/bench/bench.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <wwresv/version.h>

#include "tools/bench/plot.h"
#include "tools/bench/rows.h"
#include "tools/common/cli.h"

static const struct bench_suite suites[] = {
    {"lock", "one uncontended lock beside pthread_mutex", bench_lock},
    {"growth", "cost of a lock as sets grow, K = 1 to 2048", bench_growth},
    {"contend", "threads that want each other's buffers", bench_contend},
    {"yardstick", "800 of 100,000 mutexes, each algorithm and policy", bench_yardstick},
    {"fence", "a fence's life, and readers without lock", bench_fence},
    {"submit", "jobs through an engine, alone and with eight buffers", bench_submit},
};

#define NUM_SUITES (sizeof(suites) / sizeof(suites[0]))

static void print_help(void)
{
	fputs("Usage: wwresv bench [OPTION]... [SUITE]...\n"
	      "\n"
	      "Measure this library beside its peers, taking turns in one run; every figure is a\n"
	      "median, every ratio is taken within one repetition. Without a SUITE all are run.\n"
	      "\n"
	      "Suites:\n",
	      stdout);
	for (size_t i = 0; i < NUM_SUITES; i++)
		printf("  %-10s %s\n", suites[i].name, suites[i].summary);
	fputs(
	    "\n"
	    "Options:\n"
	    "      --quick      few sizes and cells, short repetitions\n"
	    "      --cell CELL  suite contend: only this one, as in T=4,K=8,M=64,W=200 or with\n"
	    "                   ,zipf: threads, locks a job, buffers, ns of work\n"
	    "      --repetitions N  of each comparison; without it 9 to 15, as its suite says.  "
	    "Of\n"
	    "                   fewer the median tells little\n"
	    "      --seed S     seed of the random choices (1)\n"
	    "      --plot DIR   draw suites growth and contend with gnuplot, as SVG in this "
	    "folder\n"
	    "      --json       print the rows as JSON, schema wwresv.bench/1\n"
	    "  -q, --quiet      no notes\n"
	    "  -h, --help       print this text\n"
	    "  -V, --version    print the version\n"
	    "\n"
	    "Exit status: 0 measured, 1 two jobs had one buffer at a time, 2 wrong usage, 77 not\n"
	    "available on this machine.\n",
	    stdout);
}

static int parse_option(int option, struct bench_options *options)
{
	switch (option) {
	case 'r':
		return cli_parse_u64("--repetitions", optarg, 1, 1000, &options->repetitions);
	case 'Q':
		options->quick = true;
		return 0;
	case 'c':
		options->has_cell = true;
		return bench_cell_parse(optarg, &options->cell);
	case 's':
		return cli_parse_u64("--seed", optarg, 0, INT64_MAX, &options->seed);
	case 'j':
		options->json = true;
		return 0;
	case 'p':
		options->plot_dir = optarg;
		return 0;
	case 'q':
		cli_set_quiet(true);
		return 0;
	default:
		return -1;
	}
}

/* -1 = go on, else the exit code. */
static int parse_options(int argc, char **argv, struct bench_options *options)
{
	static const struct option long_options[] = {
	    {"quick", no_argument, NULL, 'Q'},
	    {"cell", required_argument, NULL, 'c'},
	    {"repetitions", required_argument, NULL, 'r'},
	    {"seed", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {"plot", required_argument, NULL, 'p'},
	    {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "qhV", long_options, NULL)) != -1) {
		if (option == 'h') {
			print_help();
			return CLI_OK;
		}
		if (option == 'V') {
			printf("wwresv %s\n", WWR_VERSION);
			return CLI_OK;
		}
		if (parse_option(option, options) != 0)
			return CLI_USAGE;
	}
	return -1;
}

static const struct bench_suite *find_suite(const char *name)
{
	for (size_t i = 0; i < NUM_SUITES; i++) {
		if (strcmp(suites[i].name, name) == 0)
			return &suites[i];
	}
	return NULL;
}

static bool is_wanted(const struct bench_suite *suite, char **names, int num_names)
{
	for (int i = 0; i < num_names; i++) {
		if (strcmp(names[i], suite->name) == 0)
			return true;
	}
	return num_names == 0;
}

static int run_suites(const struct bench_options *options, char **names, int num_names,
		      struct bench_rows *rows)
{
	int ret = 0;

	rows->repetitions = options->repetitions;
	for (size_t i = 0; ret == 0 && i < NUM_SUITES; i++) {
		if (!is_wanted(&suites[i], names, num_names))
			continue;
		cli_note("suite %s", suites[i].name);
		ret = suites[i].run(options, rows);
	}
	return ret;
}

int bench_main(int argc, char **argv)
{
	struct bench_options options = {.seed = 1};
	struct bench_rows rows = {0};
	int plotted = 0;
	int code, ret;

	cli_set_name("wwresv bench");
	code = parse_options(argc, argv, &options);
	if (code >= 0)
		return cli_finish_stdout() == 0 ? code : CLI_USAGE;
	for (int i = optind; i < argc; i++) {
		if (find_suite(argv[i]) == NULL) {
			cli_error("unknown suite '%s'; 'wwresv bench --help' lists them", argv[i]);
			return CLI_USAGE;
		}
	}
	ret = run_suites(&options, argv + optind, argc - optind, &rows);
	if (rows.num > 0 &&
	    (options.json ? bench_rows_print_json(&rows) : bench_rows_print_text(&rows)) != 0)
		cli_error("not enough memory for the table");
	if (ret == 0 && options.plot_dir != NULL)
		plotted = bench_plot(&rows, options.plot_dir);
	bench_rows_fini(&rows);
	if (cli_finish_stdout() != 0)
		return CLI_USAGE;
	if (plotted != 0)
		return CLI_UNAVAILABLE;
	return ret == 0 ? CLI_OK : CLI_CHECK_FAILED;
}
