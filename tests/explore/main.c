/* SPDX-License-Identifier: MIT */
/*
 * The program: many schedules of each scenario.  The first violation ends it: what the library left
 * behind then is not to be built upon.
 */
#include "tests/explore/run.h"
#include "tests/explore/trace_set.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include <fnmatch.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Schedules of a scenario unless told otherwise. */
#define NUM_SCHEDULES 50000

/* PCT needs to know how long schedules are: these seeds tell. */
#define FIRST_PROBE 0xc0ffee
#define NUM_PROBES  64

static const struct ex_scenario *const *const tables[] = {
    ex_set_scenarios,	 ex_wait_scenarios,   ex_thread_scenarios,    ex_memory_scenarios,
    ex_fence_scenarios,	 ex_detach_scenarios, ex_container_scenarios, ex_resv_scenarios,
    ex_shared_scenarios, ex_job_scenarios,    ex_sched_scenarios,
};

enum output {
	OUTPUT_TEXT,
	OUTPUT_TAP,
	OUTPUT_JSON
};

static struct {
	const char *pattern; /* NULL = all */
	uint64_t seed;
	uint64_t num_schedules;
	int scheduler; /* enum ex_scheduler, -1 = both in turns */
	bool replay;
	bool list;
	enum output output;
	const char *program;
} options = {.scheduler = -1};

struct result {
	const struct ex_scenario *scenario;
	uint64_t num_schedules;
	uint64_t num_steps;
	struct trace_set traces;
	size_t num_traces; /* of a total */
	unsigned int most_restarts;
	double seconds;
	bool failed;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *scheduler_name(enum ex_scheduler scheduler)
{
	return scheduler == EX_PCT ? "pct" : "random";
}

static enum ex_scheduler scheduler_of(uint64_t seed)
{
	if (options.scheduler >= 0)
		return (enum ex_scheduler)options.scheduler;
	return (seed & 1) != 0 ? EX_PCT : EX_RANDOM;
}

static void print_violation(const struct ex_scenario *scenario)
{
	const char *prefix = options.output == OUTPUT_TAP ? "# " : "";

	printf("%sVIOLATION in %s: %s\n", prefix, scenario->name, ex.failure);
	printf("%sseed %" PRIu64 ", %s%s, %u steps\n", prefix, ex.seed,
	       scheduler_name(ex.scheduler), ex.fine ? ", plain accesses too" : "", ex.num_steps);
	ex_report(prefix);
	printf("%sreplay: %s --scenario %s --scheduler %s --replay %" PRIu64 "\n", prefix,
	       options.program, scenario->name, scheduler_name(ex.scheduler), ex.seed);
}

/* One more schedule of a scenario; false = a violation. */
static bool explore_seed(const struct ex_scenario *scenario, uint64_t seed,
			 enum ex_scheduler scheduler, unsigned int steps, struct result *result)
{
	bool ok = ex_run_schedule(scenario, seed, scheduler, steps);

	result->num_schedules++;
	result->num_steps += ex.num_steps;
	trace_set_add(&result->traces, ex.hash);
	return ok;
}

/* About how long a schedule is; 0 = a violation on the way. */
static unsigned int probe(const struct ex_scenario *scenario, struct result *result)
{
	for (unsigned int i = 0; i < NUM_PROBES; i++) {
		if (!explore_seed(scenario, FIRST_PROBE + i, EX_RANDOM, 1, result))
			return 0;
	}
	return (unsigned int)(result->num_steps / NUM_PROBES) + 1;
}

static bool explore(const struct ex_scenario *scenario, struct result *result)
{
	double start = now_s();
	unsigned int steps;
	bool ok;

	ex_most_restarts = 0;
	steps = probe(scenario, result);
	ok = steps != 0;

	for (uint64_t i = 0; ok && i < options.num_schedules; i++) {
		uint64_t seed = options.seed + i;

		ok = explore_seed(scenario, seed, scheduler_of(seed), steps, result);
	}
	result->scenario = scenario;
	result->seconds = now_s() - start;
	result->most_restarts = ex_most_restarts;
	result->failed = !ok;
	return ok;
}

static void print_header(unsigned int num_scenarios)
{
	if (options.output == OUTPUT_TAP) {
		tap_plan(num_scenarios);
		tap_note("seed %" PRIu64, options.seed);
	} else if (options.output == OUTPUT_JSON) {
		printf("{\"schema\": \"wwresv.explore/1\", \"seed\": %" PRIu64 ", \"scenarios\": [",
		       options.seed);
	} else {
		printf("seed %" PRIu64 "\n%-22s %10s %12s %10s %6s %9s %8s\n", options.seed,
		       "scenario", "schedules", "steps", "distinct", "s", "per s", "restarts");
	}
}

static void print_result(const struct result *result, bool first)
{
	const char *name = result->scenario->name;
	double rate = (double)result->num_schedules / (result->seconds + 1e-9);

	if (options.output == OUTPUT_TAP)
		tap_ok(!result->failed,
		       "%s: %" PRIu64 " schedules, %" PRIu64 " steps, %zu distinct, %.0f a second",
		       name, result->num_schedules, result->num_steps, result->num_traces, rate);
	else if (options.output == OUTPUT_JSON)
		printf(
		    "%s\n  {\"name\": \"%s\", \"schedules\": %" PRIu64 ", \"steps\": %" PRIu64
		    ", \"distinct\": %zu, \"restarts\": %u, \"seconds\": %.3f, \"violations\": %d}",
		    first ? "" : ",", name, result->num_schedules, result->num_steps,
		    result->num_traces, result->most_restarts, result->seconds, result->failed);
	else
		printf("%-22s %10" PRIu64 " %12" PRIu64 " %10zu %6.2f %9.0f %8u%s\n", name,
		       result->num_schedules, result->num_steps, result->num_traces,
		       result->seconds, rate, result->most_restarts,
		       result->failed ? "  VIOLATION" : "");
	fflush(stdout);
}

static void print_total(const struct result *total)
{
	if (options.output == OUTPUT_JSON)
		printf("\n], \"schedules\": %" PRIu64 ", \"steps\": %" PRIu64
		       ", \"distinct\": %zu, \"seconds\": %.3f, \"violations\": %d}\n",
		       total->num_schedules, total->num_steps, total->num_traces, total->seconds,
		       total->failed);
	else if (options.output == OUTPUT_TEXT)
		printf("%-22s %10" PRIu64 " %12" PRIu64 " %10zu %6.2f\n", "total",
		       total->num_schedules, total->num_steps, total->num_traces, total->seconds);
}

static bool is_chosen(const struct ex_scenario *scenario)
{
	return options.pattern == NULL || fnmatch(options.pattern, scenario->name, 0) == 0;
}

/* Calls fn for each chosen scenario until one returns false; returns how many it was called for. */
static unsigned int for_each_scenario(bool (*fn)(const struct ex_scenario *scenario, void *arg),
				      void *arg)
{
	unsigned int num = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct ex_scenario *const *entry = tables[i]; *entry != NULL; entry++) {
			if (!is_chosen(*entry))
				continue;
			num++;
			if (!fn(*entry, arg))
				return num;
		}
	}
	return num;
}

static bool list_one(const struct ex_scenario *scenario, void *arg)
{
	(void)arg;
	printf("%-22s %s\n", scenario->name, scenario->about);
	return true;
}

static bool count_one(const struct ex_scenario *scenario, void *arg)
{
	(void)scenario;
	(void)arg;
	return true;
}

static bool explore_one(const struct ex_scenario *scenario, void *arg)
{
	struct result *total = arg;
	struct result result = {0};
	bool ok = explore(scenario, &result);

	result.num_traces = result.traces.num;
	trace_set_clear(&result.traces);
	print_result(&result, total->scenario == NULL);
	/* In JSON the schedule would be in the way; the replay command gives it again. */
	if (!ok && options.output != OUTPUT_JSON)
		print_violation(scenario);
	total->scenario = scenario;
	total->num_schedules += result.num_schedules;
	total->num_steps += result.num_steps;
	total->num_traces += result.num_traces;
	total->seconds += result.seconds;
	total->failed |= !ok;
	return ok;
}

static bool replay_one(const struct ex_scenario *scenario, void *arg)
{
	struct result result = {0};
	unsigned int steps = probe(scenario, &result);
	bool ok = steps != 0 &&
		  ex_run_schedule(scenario, options.seed, scheduler_of(options.seed), steps);

	trace_set_clear(&result.traces);
	*(bool *)arg = ok;
	if (!ok) {
		print_violation(scenario);
		return false;
	}
	printf("%s: no violation\nseed %" PRIu64 ", %s, %u steps\n", scenario->name, ex.seed,
	       scheduler_name(ex.scheduler), ex.num_steps);
	ex_report("");
	return true;
}

static int usage(FILE *file, int status)
{
	fprintf(
	    file,
	    "usage: %s [OPTION]...\n"
	    "Runs the libraries' own code in many different orders of its atomic steps.\n"
	    "  --scenario NAME         only this one; a pattern like 'ww_*'\n"
	    "  --schedules N           of each scenario (default %d, more under WWR_TEST_LONG)\n"
	    "  --seed S                of the first schedule; the next ones count up\n"
	    "  --scheduler random|pct  default: in turns\n"
	    "  --replay SEED           one schedule, printed step by step\n"
	    "  --list                  the scenarios\n"
	    "  --tap, --json           the results in another form\n"
	    "exit status: 0 all well, 1 a violation (its schedule is printed), 2 usage\n",
	    options.program, NUM_SCHEDULES);
	return status;
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
	char *end;

	*ret_number = strtoull(text, &end, 0);
	return *text != '\0' && *end == '\0';
}

enum {
	OPT_SCENARIO = 1,
	OPT_SCHEDULES,
	OPT_SEED,
	OPT_SCHEDULER,
	OPT_REPLAY,
	OPT_HELP
};

static bool parse_option(int option)
{
	switch (option) {
	case 0:
		return true;
	case OPT_SCENARIO:
		options.pattern = optarg;
		return true;
	case OPT_SCHEDULES:
		return parse_number(optarg, &options.num_schedules);
	case OPT_REPLAY:
		options.replay = true;
		return parse_number(optarg, &options.seed);
	case OPT_SEED:
		return parse_number(optarg, &options.seed);
	case OPT_SCHEDULER:
		options.scheduler = strcmp(optarg, "pct") == 0	    ? EX_PCT
				    : strcmp(optarg, "random") == 0 ? EX_RANDOM
								    : -1;
		return options.scheduler >= 0;
	case OPT_HELP:
		exit(usage(stdout, 0));
	default:
		return false;
	}
}

static bool parse_options(int argc, char **argv)
{
	static int output = OUTPUT_TEXT;
	static int list;
	static const struct option long_options[] = {
	    {"scenario", required_argument, NULL, OPT_SCENARIO},
	    {"schedules", required_argument, NULL, OPT_SCHEDULES},
	    {"seed", required_argument, NULL, OPT_SEED},
	    {"scheduler", required_argument, NULL, OPT_SCHEDULER},
	    {"replay", required_argument, NULL, OPT_REPLAY},
	    {"list", no_argument, &list, 1},
	    {"tap", no_argument, &output, OUTPUT_TAP},
	    {"json", no_argument, &output, OUTPUT_JSON},
	    {"help", no_argument, NULL, OPT_HELP},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!parse_option(option))
			return false;
	}
	options.output = (enum output)output;
	options.list = list != 0;
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct result total = {0};
	bool ok = true;
	unsigned int num;

	options.program = argv[0];
	options.num_schedules = test_rounds(NUM_SCHEDULES);
	options.seed = UINT64_MAX;
	if (!parse_options(argc, argv))
		return usage(stderr, 2);
	if (options.list)
		return for_each_scenario(list_one, NULL) > 0 ? 0 : 2;
	num = for_each_scenario(count_one, NULL);
	if (num == 0) {
		fprintf(stderr, "%s: no scenario is called %s\n", argv[0], options.pattern);
		return 2;
	}
	if (options.seed == UINT64_MAX)
		options.seed = test_seed() >> 16; /* short enough to read */
	ex_init();
	if (options.replay) {
		(void)for_each_scenario(replay_one, &ok);
		return ok ? 0 : 1;
	}
	print_header(num);
	(void)for_each_scenario(explore_one, &total);
	print_total(&total);
	if (options.output == OUTPUT_TAP)
		return tap_exit();
	return total.failed ? 1 : 0;
}
