/* SPDX-License-Identifier: MIT */
#include "tools/submit/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <wwresv/device.h>
#include <wwresv/version.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/submit/engines.h"
#include "tools/submit/plan.h"
#include "tools/submit/usage.h"
#include "tools/submit/via.h"

#define MAX_REPEAT PLAN_MAX_LOOPS
/* Nothing ends this sleep, so it bounds how long the end of a run may take. */
#define MAX_HOLD_US 10000000
/* A number of seconds whose nanoseconds fit in 64 bits with room for an addition. */
#define MAX_TIMEOUT_S	  1e8
#define MIN_TIMEOUT_S	  0.01
#define MAX_SCALE	  1e6
#define DEFAULT_TIMEOUT_S 30
/* Of VRAM: less is less than any buffer. */
#define MIN_DOMAIN_BYTES 4096
/* Address space that any machine has. */
#define MAX_DOMAIN_BYTES	((uint64_t)1 << 40)
#define NS_PER_MS		INT64_C(1000000)
#define DEFAULT_HANG_TIMEOUT_MS 200
#define MAX_HANG_TIMEOUT_MS	3600000
#define DEFAULT_SLOW_FACTOR	10
#define UNSET_BYTES		UINT64_MAX

enum option_id {
	OPT_CLIENTS = 256,
	OPT_SHARE,
	OPT_REPEAT,
	OPT_SCALE,
	OPT_CLASS,
	OPT_POLICY,
	OPT_RETRY_LIMIT,
	OPT_INJECT,
	OPT_HOLD_US,
	OPT_SORT,
	OPT_ENGINES,
	OPT_SEED,
	OPT_TIMEOUT,
	OPT_LIST,
	OPT_JOBS,
	OPT_JSON,
	OPT_TOUCH,
	OPT_BREAK_DEP,
	OPT_VRAM,
	OPT_SCHED,
	OPT_HANG_EVERY,
	OPT_HANG_TIMEOUT,
	OPT_HANG_LIMIT,
	OPT_SLOW_EVERY,
	OPT_SLOW_FACTOR,
	OPT_LOSE_DEVICE,
	OPT_FDINFO,
	OPT_GTT,
	OPT_VIA,
};

static const struct option long_options[] = {
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"share", no_argument, NULL, OPT_SHARE},
    {"repeat", required_argument, NULL, OPT_REPEAT},
    {"scale", required_argument, NULL, OPT_SCALE},
    {"class", required_argument, NULL, OPT_CLASS},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"retry-limit", required_argument, NULL, OPT_RETRY_LIMIT},
    {"inject", required_argument, NULL, OPT_INJECT},
    {"hold-us", required_argument, NULL, OPT_HOLD_US},
    {"sort", no_argument, NULL, OPT_SORT},
    {"engines", required_argument, NULL, OPT_ENGINES},
    {"seed", required_argument, NULL, OPT_SEED},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"list", no_argument, NULL, OPT_LIST},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"json", no_argument, NULL, OPT_JSON},
    {"touch", required_argument, NULL, OPT_TOUCH},
    {"break-dep", required_argument, NULL, OPT_BREAK_DEP},
    {"sched", required_argument, NULL, OPT_SCHED},
    {"hang-every", required_argument, NULL, OPT_HANG_EVERY},
    {"hang-timeout", required_argument, NULL, OPT_HANG_TIMEOUT},
    {"hang-limit", required_argument, NULL, OPT_HANG_LIMIT},
    {"slow-every", required_argument, NULL, OPT_SLOW_EVERY},
    {"slow-factor", required_argument, NULL, OPT_SLOW_FACTOR},
    {"lose-device-after", required_argument, NULL, OPT_LOSE_DEVICE},
    {"fdinfo", no_argument, NULL, OPT_FDINFO},
    {"vram", required_argument, NULL, OPT_VRAM},
    {"gtt", required_argument, NULL, OPT_GTT},
    {"via", required_argument, NULL, OPT_VIA},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* By enum wwr_algorithm, and by the bit number of WWR_BREAK_x. */
static const char *const class_words[] = {"wound-wait", "wait-die", NULL};
static const char *const policy_words[] = {"default", "classic", NULL};
/* By enum wwr_sched_policy. */
static const char *const sched_words[] = {"fair", "fifo", "rr", NULL};
static const char *const touch_words[] = {"head", "full", NULL};
static const char *const via_words[] = {"direct", "libdrm", NULL};
static const char *const break_words[] = {"read", "write", "data", "submit", NULL};

const char *options_class_name(const struct submit_options *options)
{
	return class_words[options->algorithm];
}

const char *options_sched_name(const struct submit_options *options)
{
	return sched_words[options->sched_policy];
}

const char *options_policy_name(const struct submit_options *options)
{
	return policy_words[options->classic];
}

static_assert(WWR_WOUND_WAIT == 0 && WWR_WAIT_DIE == 1, "order of class_words");
static_assert(WWR_BREAK_READ == 1u << 0 && WWR_BREAK_WRITE == 1u << 1 &&
		  WWR_BREAK_DATA == 1u << 2 && WWR_BREAK_SUBMIT == 1u << 3,
	      "order of break_words");

const char *options_break_name(const struct submit_options *options)
{
	return break_words[__builtin_ctz(options->break_deps)];
}

static int parse_u32(const char *option, uint32_t min, uint32_t max, uint32_t *ret_number)
{
	uint64_t number;
	int ret = cli_parse_u64(option, optarg, min, max, &number);

	if (ret == 0)
		*ret_number = (uint32_t)number;
	return ret;
}

static int parse_class(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--class", optarg, class_words, &index);

	if (ret == 0)
		options->algorithm = (enum wwr_algorithm)index;
	return ret;
}

static int parse_policy(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--policy", optarg, policy_words, &index);

	if (ret == 0)
		options->classic = index == 1;
	return ret;
}

static int parse_break_dep(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--break-dep", optarg, break_words, &index);

	if (ret == 0)
		options->break_deps = 1u << index;
	return ret;
}

static int parse_sched(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--sched", optarg, sched_words, &index);

	if (ret == 0) {
		options->sched_policy = (enum wwr_sched_policy)index;
		options->use_sched = true;
	}
	return ret;
}

/* Faults, and what becomes of them; each needs the scheduler. */
static int parse_fault(int id, struct submit_options *options)
{
	uint64_t timeout_ms;
	int ret;

	options->use_sched = true;
	switch (id) {
	case OPT_HANG_EVERY:
		return cli_parse_u64("--hang-every", optarg, 1, INT64_MAX, &options->hang_every);
	case OPT_HANG_LIMIT:
		options->hang_options = true;
		return parse_u32("--hang-limit", 0, UINT32_MAX - 1, &options->hang_limit);
	case OPT_SLOW_EVERY:
		return cli_parse_u64("--slow-every", optarg, 1, INT64_MAX, &options->slow_every);
	case OPT_SLOW_FACTOR:
		return cli_parse_double("--slow-factor", optarg, 1, MAX_SCALE,
					&options->slow_factor);
	case OPT_LOSE_DEVICE:
		return cli_parse_u64("--lose-device-after", optarg, 1, INT64_MAX,
				     &options->lose_after);
	default:
		options->hang_options = true;
		ret = cli_parse_u64("--hang-timeout", optarg, 1, MAX_HANG_TIMEOUT_MS, &timeout_ms);
		if (ret == 0)
			options->hang_timeout_ns = (int64_t)timeout_ms * NS_PER_MS;
		return ret;
	}
}

static int parse_timeout(struct submit_options *options)
{
	double seconds;
	int ret = cli_parse_double("--timeout", optarg, MIN_TIMEOUT_S, MAX_TIMEOUT_S, &seconds);

	if (ret == 0)
		options->timeout_ns = (int64_t)(seconds * (double)CLOCK_NS_PER_S);
	return ret;
}

static int parse_touch(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--touch", optarg, touch_words, &index);

	if (ret == 0)
		options->touch_full = index == 1;
	return ret;
}

static int parse_via(struct submit_options *options)
{
	unsigned int index;
	int ret = cli_parse_word("--via", optarg, via_words, &index);

	if (ret == 0)
		options->via_libdrm = index == 1;
	return ret;
}

/* Options that are a number, a word or a text. */
static int parse_valued(int id, struct submit_options *options)
{
	switch (id) {
	case OPT_CLIENTS:
		return parse_u32("--clients", 1, PLAN_MAX_CLIENTS, &options->num_clients);
	case OPT_REPEAT:
		return parse_u32("--repeat", 1, MAX_REPEAT, &options->repeat);
	case OPT_SCALE:
		return cli_parse_double("--scale", optarg, 0, MAX_SCALE, &options->scale);
	case OPT_CLASS:
		return parse_class(options);
	case OPT_POLICY:
		return parse_policy(options);
	case OPT_RETRY_LIMIT:
		return parse_u32("--retry-limit", 0, UINT32_MAX, &options->retry_limit);
	case OPT_INJECT:
		return parse_u32("--inject", 0, UINT32_MAX, &options->inject);
	case OPT_HOLD_US:
		return parse_u32("--hold-us", 0, MAX_HOLD_US, &options->hold_us);
	case OPT_ENGINES:
		return engines_parse("--engines", optarg, &options->engines);
	case OPT_SEED:
		return cli_parse_u64("--seed", optarg, 0, INT64_MAX, &options->seed);
	case OPT_TIMEOUT:
		return parse_timeout(options);
	case OPT_TOUCH:
		return parse_touch(options);
	case OPT_VIA:
		return parse_via(options);
	case OPT_BREAK_DEP:
		return parse_break_dep(options);
	case OPT_SCHED:
		return parse_sched(options);
	case OPT_HANG_EVERY:
	case OPT_HANG_TIMEOUT:
	case OPT_HANG_LIMIT:
	case OPT_SLOW_EVERY:
	case OPT_SLOW_FACTOR:
	case OPT_LOSE_DEVICE:
		return parse_fault(id, options);
	case OPT_VRAM:
		return cli_parse_size("--vram", optarg, MIN_DOMAIN_BYTES, MAX_DOMAIN_BYTES,
				      &options->vram_bytes);
	case OPT_GTT:
		return cli_parse_size("--gtt", optarg, 0, MAX_DOMAIN_BYTES, &options->gtt_bytes);
	default:
		options->jobs_path = optarg;
		return 0;
	}
}

static int parse_one(int id, struct submit_options *options, enum options_action *action)
{
	switch (id) {
	case OPT_SHARE:
		options->share = true;
		return 0;
	case OPT_SORT:
		options->sort = true;
		return 0;
	case OPT_LIST:
		options->list = true;
		return 0;
	case OPT_FDINFO:
		options->fdinfo = true;
		options->use_sched = true;
		return 0;
	case OPT_JSON:
		options->json = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'h':
		usage_print(stdout);
		*action = OPTIONS_DONE;
		return 0;
	case 'V':
		printf("wwresv %s\n", WWR_VERSION);
		*action = OPTIONS_DONE;
		return 0;
	default:
		return parse_valued(id, options);
	}
}

/* Reports what getopt_long() could not read; which element that was is not always known. */
static int report_bad_option(int result, char **argv)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		cli_error("option '%s' needs a value; 'wwresv submit --help' lists them", word);
	else if (optopt != 0 && optopt < 256)
		cli_error("unknown option '-%c'; 'wwresv submit --help' lists them", optopt);
	else if (optopt != 0)
		cli_error("option '%s' takes no value", word);
	else
		cli_error("unknown option '%s'; 'wwresv submit --help' lists them", word);
	return -EINVAL;
}

/* Small enough to survive a reader of JSON that keeps numbers as doubles. */
static uint64_t random_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint32_t)clock_now_ns();
	return seed;
}

static void set_defaults(struct submit_options *options)
{
	*options = (struct submit_options){
	    .num_clients = 1,
	    .repeat = 1,
	    .scale = 1,
	    .algorithm = WWR_WOUND_WAIT,
	    .seed = random_seed(),
	    .gtt_bytes = UNSET_BYTES,
	    .hang_timeout_ns = DEFAULT_HANG_TIMEOUT_MS * NS_PER_MS,
	    .hang_limit = UINT32_MAX,
	    .timeout_ns = DEFAULT_TIMEOUT_S * CLOCK_NS_PER_S,
	    .engines = engines_default(),
	};
}

static int check_outputs(const struct submit_options *options)
{
	if (options->json && options->jobs_path != NULL && strcmp(options->jobs_path, "-") == 0) {
		cli_error("--json and --jobs both write to standard output: name a file for "
			  "--jobs");
		return -EINVAL;
	}
	return 0;
}

/* GTT is as large as VRAM unless it is named. */
static int check_memory(struct submit_options *options)
{
	if (options->gtt_bytes == UNSET_BYTES) {
		options->gtt_bytes = options->vram_bytes;
	} else if (options->vram_bytes == 0) {
		cli_error("--gtt is where buffers go from VRAM: it needs --vram");
		return -EINVAL;
	}
	return 0;
}

static int check_faults(struct submit_options *options)
{
	if (options->slow_factor != 0 && options->slow_every == 0) {
		cli_error("--slow-factor is of the jobs that are slow: it needs --slow-every");
		return -EINVAL;
	}
	if (options->hang_every != 0 && options->hang_timeout_ns >= options->timeout_ns) {
		cli_error("a hang is a stall: --hang-timeout has to be shorter than --timeout");
		return -EINVAL;
	}
	if (options->slow_factor == 0)
		options->slow_factor = DEFAULT_SLOW_FACTOR;
	return 0;
}

static int check_workloads(const struct submit_options *options)
{
	unsigned int num_stdin = 0;
	size_t i;

	if (options->num_workloads == 0) {
		cli_error("no workload named; 'wwresv submit --help' lists the built-in ones");
		return -EINVAL;
	}
	for (i = 0; i < options->num_workloads; i++)
		num_stdin += strcmp(options->workloads[i], "-") == 0;
	if (num_stdin > 1) {
		cli_error("standard input ('-') can be read only once, found it %u times",
			  num_stdin);
		return -EINVAL;
	}
	return 0;
}

int options_parse(int argc, char **argv, struct submit_options *ret_options,
		  enum options_action *ret_action)
{
	struct submit_options options;
	int id;

	set_defaults(&options);
	*ret_action = OPTIONS_RUN;
	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":qhV", long_options, NULL)) != -1) {
		if (id == '?' || id == ':')
			return report_bad_option(id, argv);
		if (parse_one(id, &options, ret_action) != 0)
			return -EINVAL;
		if (*ret_action == OPTIONS_DONE)
			return 0;
	}
	options.workloads = argv + optind;
	options.num_workloads = (size_t)(argc - optind);
	if (check_outputs(&options) != 0 || check_memory(&options) != 0 ||
	    check_faults(&options) != 0 || check_workloads(&options) != 0 ||
	    via_check_options(&options) != 0)
		return -EINVAL;
	*ret_options = options;
	return 0;
}
