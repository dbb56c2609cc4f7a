/* SPDX-License-Identifier: MIT */
#include "tools/soak/soak.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>

#include <wwresv/version.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/progress.h"
#include "tools/common/stop.h"
#include "tools/common/watchdog.h"

#define NS_PER_MINUTE (60 * CLOCK_NS_PER_S)

/* A round takes a second at the most, even on a busy machine; this is a hang. */
#define ROUND_LIMIT_S 120

struct soak_options {
	double minutes;
	uint64_t rounds; /* 0 = as many as the time allows */
	uint64_t seed;
	bool json;
};

static void print_help(void)
{
	fputs(
	    "Usage: wwresv soak [OPTION]...\n"
	    "\n"
	    "Rounds of random work until the time is over: threads that lock the same mutexes in\n"
	    "every way there is, and random workloads on the mock GPU, in turns. Each round "
	    "checks\n"
	    "mutual exclusion, that nothing hangs or stays locked, the bound on losses, the "
	    "counts,\n"
	    "and every byte against a sequential replay.\n"
	    "\n"
	    "  -m, --minutes M  how long (1)\n"
	    "      --rounds N   end after N rounds; 0 = when the time is over (0)\n"
	    "      --seed S     seed of the first round, each later one has the next (random)\n"
	    "      --json       print the summary as JSON, schema wwresv.soak/1\n"
	    "  -q, --quiet      no progress\n"
	    "  -h, --help       print this text\n"
	    "  -V, --version    print the version\n"
	    "\n"
	    "A violation names its round's seed: 'wwresv soak --seed S --rounds 1' runs it again.\n"
	    "\n"
	    "Exit status: 0 no violation, 1 a violation (the first one ends the run), 2 wrong\n"
	    "usage, 77 not available on this machine, 130 or 143 stopped by SIGINT or SIGTERM.\n",
	    stdout);
}

void soak_violation(struct soak_totals *totals, uint64_t seed, const char *format, ...)
{
	va_list args;

	totals->num_violations++;
	fprintf(stderr, "wwresv soak: violation in the round with seed %" PRIu64 ": ", seed);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static uint64_t random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uint64_t)clock_now_ns();
	/* Short enough to be typed. */
	return seed % UINT32_MAX;
}

static int parse_option(int option, struct soak_options *options)
{
	switch (option) {
	case 'm':
		return cli_parse_double("--minutes", optarg, 0, 1e6, &options->minutes);
	case 'r':
		return cli_parse_u64("--rounds", optarg, 0, UINT64_MAX, &options->rounds);
	case 's':
		return cli_parse_u64("--seed", optarg, 0, INT64_MAX, &options->seed);
	case 'j':
		options->json = true;
		return 0;
	case 'q':
		cli_set_quiet(true);
		return 0;
	default:
		return -1;
	}
}

/* -1 = go on, else the exit code. */
static int parse_options(int argc, char **argv, struct soak_options *options)
{
	static const struct option long_options[] = {
	    {"minutes", required_argument, NULL, 'm'}, {"rounds", required_argument, NULL, 'r'},
	    {"seed", required_argument, NULL, 's'},    {"json", no_argument, NULL, 'j'},
	    {"quiet", no_argument, NULL, 'q'},	       {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "m:qhV", long_options, NULL)) != -1) {
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
	if (optind < argc) {
		cli_error("unexpected argument '%s'", argv[optind]);
		return CLI_USAGE;
	}
	return -1;
}

/* Rounds of both kinds in turns, until something ends it.  0, or -errno. */
static int run_rounds(const struct soak_options *options, struct soak_totals *totals)
{
	const int64_t start_ns = clock_now_ns();
	const int64_t length_ns = (int64_t)(options->minutes * (double)NS_PER_MINUTE);
	struct progress progress;
	char message[128];
	int ret = 0;

	progress_init(&progress);
	for (uint64_t i = 0; ret == 0 && totals->num_violations == 0 && stop_signal() == 0; i++) {
		const uint64_t seed = options->seed + i;

		if (options->rounds != 0 ? i == options->rounds
					 : clock_now_ns() - start_ns >= length_ns)
			break;
		snprintf(message, sizeof(message),
			 "wwresv soak: violation in the round with seed %" PRIu64 ": it hangs",
			 seed);
		watchdog_arm(ROUND_LIMIT_S, message);
		ret = seed % 2 == 0 ? soak_lock_round(seed, totals) : soak_job_round(seed, totals);
		watchdog_disarm();
		progress_update(&progress, (uint64_t)(clock_now_ns() - start_ns) / CLOCK_NS_PER_S,
				(uint64_t)length_ns / CLOCK_NS_PER_S, "s", "");
	}
	progress_clear(&progress);
	return ret;
}

static void report_text(const struct soak_options *options, const struct soak_totals *totals,
			double elapsed_s)
{
	printf("Rounds       %" PRIu64 " of locks, %" PRIu64
	       " of jobs in %.1f s, first seed %" PRIu64 "\n",
	       totals->num_lock_rounds, totals->num_job_rounds, elapsed_s, options->seed);
	printf("Locks        %" PRIu64 " transactions committed, %" PRIu64 " given up\n",
	       totals->num_transactions, totals->num_given_up);
	printf("             %" PRIu64 " back-offs, %" PRIu64 " of them injected, %" PRIu64
	       " sets went over to classic rules\n",
	       totals->num_backoffs, totals->num_injected, totals->num_fallbacks);
	printf("             at most %" PRIu32 " losses and %" PRIu32
	       " classic restarts of one transaction\n",
	       totals->max_losses, totals->max_restarts);
	printf("Jobs         %" PRIu64 " completed, %" PRIu64 " buffers compared with the replay\n",
	       totals->num_jobs, totals->num_buffers);
	printf("Violations   %" PRIu64 "\n", totals->num_violations);
}

static int report_json(const struct soak_options *options, const struct soak_totals *totals,
		       double elapsed_s)
{
	json_t *root = json_pack(
	    "{s:s, s:I, s:f, s:{s:I, s:I}, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I}, "
	    "s:I}",
	    "schema", "wwresv.soak/1", "seed", (json_int_t)options->seed, "elapsed_s", elapsed_s,
	    "rounds", "locks", (json_int_t)totals->num_lock_rounds, "jobs",
	    (json_int_t)totals->num_job_rounds, "locks", "committed",
	    (json_int_t)totals->num_transactions, "given_up", (json_int_t)totals->num_given_up,
	    "backoffs", (json_int_t)totals->num_backoffs, "injected",
	    (json_int_t)totals->num_injected, "fallbacks", (json_int_t)totals->num_fallbacks,
	    "losses_max", (json_int_t)totals->max_losses, "restarts_max",
	    (json_int_t)totals->max_restarts, "jobs", "completed", (json_int_t)totals->num_jobs,
	    "buffers", (json_int_t)totals->num_buffers, "violations",
	    (json_int_t)totals->num_violations);

	if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0) {
		json_decref(root);
		return -1;
	}
	putchar('\n');
	json_decref(root);
	return 0;
}

static int exit_code(int ret, const struct soak_totals *totals)
{
	if (totals->num_violations != 0)
		return CLI_CHECK_FAILED;
	if (ret != 0)
		return CLI_UNAVAILABLE;
	return stop_signal() != 0 ? CLI_SIGNAL_BASE + stop_signal() : CLI_OK;
}

int soak_main(int argc, char **argv)
{
	struct soak_options options = {.minutes = 1, .seed = random_seed()};
	struct soak_totals totals = {0};
	int64_t start_ns = clock_now_ns();
	double elapsed_s;
	int code, ret;

	cli_set_name("wwresv soak");
	code = parse_options(argc, argv, &options);
	if (code >= 0)
		return cli_finish_stdout() == 0 ? code : CLI_USAGE;
	stop_install();
	cli_note("first seed %" PRIu64, options.seed);
	ret = run_rounds(&options, &totals);
	elapsed_s = (double)(clock_now_ns() - start_ns) / (double)CLOCK_NS_PER_S;
	code = exit_code(ret, &totals);
	if (!options.json)
		report_text(&options, &totals, elapsed_s);
	else if (report_json(&options, &totals, elapsed_s) != 0)
		cli_error("not enough memory for the summary");
	return cli_finish_stdout() == 0 ? code : CLI_USAGE;
}
