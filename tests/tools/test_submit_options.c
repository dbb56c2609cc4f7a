/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <wwresv/device.h>

#include "tests/lib/test_criterion.h"
#include "tools/common/cli.h"
#include "tools/submit/engines.h"
#include "tools/submit/options.h"
#include "tools/submit/plan.h"

TestSuite(submit_options, .timeout = 60);

static struct submit_options options;
static enum options_action action;

static int parse(const char *const *args)
{
	/* The parsed options point into it. */
	static char *argv[32];
	int argc = 1;

	argv[0] = (char *)"submit";
	while (args[argc - 1] != NULL) {
		argv[argc] = (char *)args[argc - 1];
		argc++;
	}
	argv[argc] = NULL;
	return options_parse(argc, argv, &options, &action);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

Test(submit_options, parse_of_a_workload_alone_gives_the_defaults)
{
	cr_assert_eq(PARSE("game"), 0);
	cr_expect_eq(action, OPTIONS_RUN);
	cr_expect_eq(options.num_clients, 1);
	cr_expect_eq(options.repeat, 1);
	cr_expect_eq(options.scale, 1);
	cr_expect_eq(options.algorithm, WWR_WOUND_WAIT);
	cr_expect(!options.classic && !options.share && !options.sort && !options.list);
	cr_expect(!options.json && !options.quiet && !options.touch_full);
	cr_expect_eq(options.retry_limit, 0);
	cr_expect_eq(options.inject, 0);
	cr_expect_eq(options.hold_us, 0);
	cr_expect_eq(options.timeout_ns, INT64_C(30000000000));
	cr_expect_eq(options.break_deps, 0);
	cr_expect_eq(options.slow_every, 0);
	cr_expect_eq(options.slow_factor, 10);
	cr_expect_null(options.jobs_path);
	cr_expect_eq(options.engines.count[WSIM_RCS], 1);
	cr_expect_eq(options.engines.count[WSIM_VCS], 2);
	cr_expect_eq(options.num_workloads, 1);
}

Test(submit_options, parse_of_every_option_sets_it)
{
	cr_assert_eq(PARSE("--clients", "7", "--repeat=9", "--share", "--sort", "--scale", "0.25",
			   "--class=wait-die", "a", "--policy", "classic", "--retry-limit", "3",
			   "--inject", "4", "--hold-us", "20", "--engines", "rcs=4,VCS=1", "-q"),
		     0);
	cr_expect_eq(options.num_clients, 7);
	cr_expect_eq(options.repeat, 9);
	cr_expect(options.share && options.sort && options.classic && options.quiet);
	cr_expect_eq(options.scale, 0.25);
	cr_expect_eq(options.algorithm, WWR_WAIT_DIE);
	cr_expect_eq(options.retry_limit, 3);
	cr_expect_eq(options.inject, 4);
	cr_expect_eq(options.hold_us, 20);
	cr_expect_eq(options.engines.count[WSIM_RCS], 4);
	cr_expect_eq(options.engines.count[WSIM_VCS], 1);
	cr_expect_eq(options.engines.count[WSIM_BCS], 1);

	cr_assert_eq(PARSE("a", "--slow-every", "12", "--slow-factor", "2.5"), 0);
	cr_expect_eq(options.slow_every, 12);
	cr_expect_eq(options.slow_factor, 2.5);
	cr_expect(options.use_sched);

	cr_assert_eq(PARSE("a", "--seed", "0x10", "--timeout", "1.5", "--list", "--json", "--jobs",
			   "f", "--touch", "full", "--break-dep", "submit", "b"),
		     0);
	cr_expect_eq(options.seed, 16);
	cr_expect_eq(options.timeout_ns, INT64_C(1500000000));
	cr_expect(options.list && options.json && options.touch_full);
	cr_expect_str_eq(options.jobs_path, "f");
	cr_expect_eq(options.break_deps, WWR_BREAK_SUBMIT);
	cr_expect_eq(options.num_workloads, 2);
	cr_expect_str_eq(options.workloads[0], "a");
	cr_expect_str_eq(options.workloads[1], "b");
}

Test(submit_options, parse_of_each_kind_of_break_names_it)
{
	static const char *const kinds[] = {"read", "write", "data", "submit"};
	static const uint32_t bits[] = {WWR_BREAK_READ, WWR_BREAK_WRITE, WWR_BREAK_DATA,
					WWR_BREAK_SUBMIT};

	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(PARSE("--break-dep", kinds[i], "game"), 0);
		cr_expect_eq(options.break_deps, bits[i]);
		cr_expect_str_eq(options_break_name(&options), kinds[i]);
	}
}

Test(submit_options, parse_of_the_last_of_a_repeated_option_wins)
{
	cr_assert_eq(PARSE("--clients", "2", "--clients", "5", "game"), 0);
	cr_expect_eq(options.num_clients, 5);
}

Test(submit_options, parse_of_two_runs_draws_two_seeds)
{
	uint64_t first;

	cr_assert_eq(PARSE("game"), 0);
	first = options.seed;
	/* One in 2^32 that all three are the same. */
	cr_assert_eq(PARSE("game"), 0);
	if (options.seed == first)
		cr_assert_eq(PARSE("game"), 0);
	cr_expect_neq(options.seed, first);
}

Test(submit_options, parse_of_a_bad_value_is_refused)
{
	static const char *const bad[][2] = {
	    {"--clients", "0"},	       {"--clients", "10001"},
	    {"--clients", "-1"},       {"--clients", "+1"},
	    {"--clients", " 1"},       {"--clients", "1 "},
	    {"--clients", "1x"},       {"--clients", ""},
	    {"--clients", "1e3"},      {"--clients", "99999999999999999999"},
	    {"--repeat", "0"},	       {"--repeat", "1073741824"},
	    {"--scale", "-1"},	       {"--scale", "nan"},
	    {"--scale", "inf"},	       {"--scale", "0x1"},
	    {"--scale", "1.0.0"},      {"--scale", ""},
	    {"--scale", "1e999"},      {"--class", "wound"},
	    {"--class", ""},	       {"--policy", "Default"},
	    {"--retry-limit", "x"},    {"--inject", "4294967296"},
	    {"--hold-us", "10000001"}, {"--seed", "9223372036854775808"},
	    {"--seed", "0x"},	       {"--timeout", "0"},
	    {"--timeout", "x"},	       {"--touch", "some"},
	    {"--break-dep", "none"},   {"--engines", "rcs"},
	    {"--engines", "xcs=1"},    {"--engines", "rcs=0"},
	    {"--engines", "rcs=1,"},   {"--engines", "rcs=63"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(PARSE(bad[i][0], bad[i][1], "game"), -EINVAL, "%s '%s'", bad[i][0],
			     bad[i][1]);
}

Test(submit_options, parse_of_the_largest_values_is_accepted)
{
	cr_expect_eq(PARSE("--clients", "10000", "--repeat", "1073741823", "--inject", "4294967295",
			   "--seed", "9223372036854775807", "--hold-us", "10000000", "--engines",
			   "rcs=59", "game"),
		     0);
	cr_expect_eq(options.repeat, PLAN_MAX_LOOPS);
	cr_expect_eq(options.seed, INT64_MAX);
}

Test(submit_options, parse_of_unknown_options_is_refused)
{
	cr_expect_eq(PARSE("--frobnicate", "game"), -EINVAL);
	cr_expect_eq(PARSE("-x", "game"), -EINVAL);
	cr_expect_eq(PARSE("--share=yes", "game"), -EINVAL);
	cr_expect_eq(PARSE("game", "--clients"), -EINVAL);
}

Test(submit_options, parse_without_a_workload_is_refused)
{
	cr_expect_eq(PARSE("--share"), -EINVAL);
}

Test(submit_options, parse_of_standard_input_twice_is_refused)
{
	cr_expect_eq(PARSE("-", "game", "-"), -EINVAL);
	cr_expect_eq(PARSE("-", "game"), 0);
}

Test(submit_options, parse_after_two_dashes_takes_everything_as_a_workload)
{
	cr_assert_eq(PARSE("--", "--share"), 0);
	cr_expect_eq(options.num_workloads, 1);
	cr_expect(!options.share);
}

Test(submit_options, parse_size_knows_its_suffixes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
	    {"0", 0},
	    {"4096", 4096},
	    {"1k", 1024},
	    {"384m", UINT64_C(384) << 20},
	    {"96M", UINT64_C(96) << 20},
	    {"2g", UINT64_C(2) << 30},
	    {"17179869183g", UINT64_C(17179869183) << 30},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 1;

		cr_expect_eq(cli_parse_size("--vram", cases[i].text, 0, UINT64_MAX, &bytes), 0,
			     "%s", cases[i].text);
		cr_expect_eq(bytes, cases[i].bytes, "%s", cases[i].text);
	}
}

Test(submit_options, parse_size_refuses_what_is_no_size_or_too_large)
{
	static const char *const texts[] = {"",
					    "k",
					    "1kb",
					    "1 k",
					    "-1k",
					    "1.5g",
					    "1t",
					    "kk",
					    "1kk",
					    "17179869184g",
					    "18446744073709551616",
					    "000000000000000000000000000000001"};
	uint64_t bytes = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(cli_parse_size("--vram", texts[i], 0, UINT64_MAX, &bytes), -EINVAL,
			     "%s", texts[i]);
	cr_expect_eq(cli_parse_size("--vram", "2k", 0, 2047, &bytes), -EINVAL);
	cr_expect_eq(bytes, 7);
	cr_expect_eq(cli_parse_size("--vram", "2k", 2048, 2048, &bytes), 0);
}
