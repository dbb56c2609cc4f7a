/* SPDX-License-Identifier: MIT */
/* `wwresv bench`: what it prints, and that it measures what it says; no time is asserted. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/tools/test_submit_tool.h"
#include "tools/bench/cells.h"
#include "tools/bench/compare.h"
#include "tools/bench/picks.h"
#include "tools/bench/rows.h"
#include "tools/wsim/wsim.h"

TestSuite(bench, .timeout = 300);

#define RUN(...) tool_run((const char *const[]){"bench", __VA_ARGS__, NULL})

static void expect_rows(const json_t *json, const char *suite)
{
	const json_t *rows = json_at(json, "rows");
	const json_t *row;
	size_t i;

	cr_expect_str_eq(json_string_value(json_at(json, "schema")), "wwresv.bench/1");
	cr_assert_gt(json_array_size(rows), 0);
	json_array_foreach(rows, i, row)
	{
		const char *better = json_string_value(json_at(row, "better"));

		cr_expect_str_eq(json_string_value(json_at(row, "suite")), suite);
		cr_expect(json_is_string(json_at(row, "case")));
		cr_expect(json_is_string(json_at(row, "peer")));
		cr_expect(json_is_string(json_at(row, "unit")));
		cr_expect(strcmp(better, "lower") == 0 || strcmp(better, "higher") == 0);
		cr_expect_gt(json_number_at(row, "ours"), 0);
		cr_expect_gt(json_number_at(row, "peer_value"), 0);
		cr_expect_gt(json_number_at(row, "ratio"), 0);
		cr_expect_gt(json_number_at(row, "cpu"), 0);
	}
}

/* With --repetitions 3. */
static void expect_suite(const char *const *args, const char *suite)
{
	struct tool tool = tool_run(args);
	json_t *json = tool_json(&tool);
	const json_t *row;
	size_t i;

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	expect_rows(json, suite);
	json_array_foreach(json_at(json, "rows"), i, row)
	    cr_expect_eq(json_number_at(row, "repetitions"), 3);
	json_decref(json);
	tool_free(&tool);
}

Test(bench, lock_suite_has_the_rows_of_the_schema)
{
	expect_suite(
	    (const char *const[]){"bench", "lock", "--quick", "--repetitions", "3", "--json", NULL},
	    "lock");
}

/* The row of a case and a peer, or NULL. */
static const json_t *find_row(const json_t *json, const char *name, const char *peer)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_at(json, "rows"), i, row)
	{
		if (strcmp(json_string_value(json_at(row, "case")), name) == 0 &&
		    strcmp(json_string_value(json_at(row, "peer")), peer) == 0)
			return row;
	}
	return NULL;
}

Test(bench, fence_suite_has_its_cases_beside_their_peers)
{
	static const char *const rows[][2] = {
	    {"signal_at", "futex_wake"},
	    {"signal", "futex_wake"},
	    {"test_signaled_4_readers_1", "rwlock"},
	    {"test_signaled_4_readers_2", "rwlock"},
	    {"add_fence", "pthread_mutex"},
	    {"array_2", "pthread_mutex"},
	    {"chain_point", "pthread_mutex"},
	};
	struct tool tool = RUN("fence", "--quick", "--json");
	json_t *json = tool_json(&tool);

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	expect_rows(json, "fence");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *row = find_row(json, rows[i][0], rows[i][1]);

		cr_assert_not_null(row, "%s beside %s", rows[i][0], rows[i][1]);
		cr_expect_geq(json_number_at(row, "repetitions"), 9);
		cr_expect_str_eq(json_string_value(json_at(row, "unit")), "ns");
		cr_expect_str_eq(json_string_value(json_at(row, "better")), "lower");
	}
	json_decref(json);
	tool_free(&tool);
}

Test(bench, one_cell_of_contend_is_measured_and_its_bounds_are_told)
{
	struct tool tool =
	    RUN("contend", "--quick", "--repetitions", "3", "--cell", "T=3,K=2,M=4,W=0,zipf");

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	cr_expect_not_null(strstr(tool.out, "T=3,K=2,M=4,W=0,zipf"));
	cr_expect_not_null(strstr(tool.out, "classic-wait-die"));
	cr_expect_not_null(strstr(tool.err, "losses (bound 8)"));
	tool_free(&tool);
}

Test(bench, yardstick_tells_jobs_and_retries_of_each_policy)
{
	struct tool tool = RUN("yardstick", "--quick", "--repetitions", "1", "--json");
	json_t *json = json_loads(tool.out, 0, NULL);
	const json_t *rows = json_object_get(json, "rows");
	const json_t *row;
	size_t i;

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	/* Two numbers of threads, three peers, two figures. */
	cr_expect_eq(json_array_size(rows), 12);
	json_array_foreach(rows, i, row)
	{
		const char *unit = json_string_value(json_object_get(row, "unit"));

		cr_expect_str_eq(unit, i % 2 == 0 ? "jobs/s" : "retries/100k");
		cr_expect_eq(i % 2 == 0 && !(json_number_value(json_object_get(row, "ours")) > 0),
			     0);
	}
	json_decref(json);
	tool_free(&tool);
}

Test(bench, wrong_usage_exits_2_and_names_it)
{
	static const char *const calls[][3] = {
	    {"--cell", "T=4,K=8,M=8,W=0", "is no cell"},
	    {"--cell", "T=4", "is no cell"},
	    {"--cell", "T=4,K=8,M=64,W=0,zip", "is no cell"},
	    {"--seed", "x", "--seed"},
	    {"--repetitions", "0", "--repetitions"},
	    {"--quick", "fast", "unknown suite 'fast'"},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct tool tool = RUN("contend", calls[i][0], calls[i][1]);

		cr_expect_eq(tool.code, 2, "%s %s: exit code %d", calls[i][0], calls[i][1],
			     tool.code);
		cr_expect_not_null(strstr(tool.err, calls[i][2]), "%s", tool.err);
		tool_free(&tool);
	}
}

Test(bench, picks_of_a_job_differ_and_sorted_ones_are_the_same_in_order)
{
	for (int zipf = 0; zipf < 2; zipf++) {
		struct wsim_rng rng = {7};
		struct picks picks;

		cr_assert_eq(picks_create(&picks, 100, 16, 32, zipf != 0, &rng), 0);
		for (uint64_t job = 0; job < 100; job++) {
			const uint32_t *sorted = picks_of(&picks, true, job);
			const uint32_t *drawn = picks_of(&picks, false, job);
			uint64_t sums[2] = {drawn[0], sorted[0]};

			for (uint32_t i = 1; i < 16; i++) {
				cr_assert_lt(sorted[i - 1], sorted[i]);
				cr_assert_lt(sorted[i], 32);
				sums[0] += drawn[i];
				sums[1] += sorted[i];
			}
			cr_expect_eq(sums[0], sums[1]);
		}
		picks_destroy(&picks);
	}
}

/* Ours takes 2, 4, 6, ...; the peer four times as long; every third repetition is disturbed. */
static int run_fake(void *arg, struct bench_sample *ret_sample)
{
	unsigned int *calls = arg;

	(*calls)++;
	ret_sample->value = 2.0 * *calls;
	ret_sample->cpu_share = *calls % 3 == 0 ? 0.5 : 1;
	return 0;
}

static int run_slow_fake(void *arg, struct bench_sample *ret_sample)
{
	unsigned int *calls = arg;

	(*calls)++;
	ret_sample->value = 8.0 * *calls;
	ret_sample->cpu_share = 1;
	return 0;
}

Test(bench, comparison_takes_ratios_within_a_repetition_and_drops_disturbed_ones)
{
	unsigned int calls = 0, peer_calls = 0;
	const struct bench_comparison comparison = {"suite", "case", "ns", NULL, false, 9};
	const struct bench_subject subjects[] = {{"ours", run_fake, &calls},
						 {"peer", run_slow_fake, &peer_calls}};
	struct bench_rows rows = {0};

	cr_assert_eq(bench_compare(&comparison, subjects, 2, &rows), 0);
	cr_assert_eq(rows.num, 1);
	cr_expect_float_eq(rows.rows[0].ratio, 0.25, 1e-9);
	cr_expect_eq(rows.rows[0].repetitions, 9);
	cr_expect_eq(rows.rows[0].dropped, 4);
	cr_expect_eq(calls, 13);
	cr_expect_float_eq(rows.rows[0].cpu, 1, 1e-9);
	/* The kept calls are 1, 2, 4, 5, 7, 8, 10, 11, 13. */
	cr_expect_float_eq(rows.rows[0].ours, 14, 1e-9);
	bench_rows_fini(&rows);
}

Test(bench, median_of_even_and_odd_numbers)
{
	double values[] = {5, 1, 3, 2};

	cr_expect_float_eq(bench_median(values, 4), 2.5, 1e-9);
	cr_expect_float_eq(bench_median(values, 3), 2, 1e-9);
	cr_expect_eq(bench_median(values, 0), 0);
}

Test(bench, submit_suite_runs_every_job_beside_the_queue)
{
	expect_suite((const char *const[]){"bench", "submit", "--quick", "--repetitions", "3",
					   "--json", NULL},
		     "submit");
}

/* Two K and one thread count: a picture of one suite, and none of the other. */
Test(bench, plot_draws_suites_that_have_a_curve)
{
	char dir[] = "/tmp/wwresv-bench-XXXXXX";
	char path[sizeof(dir) + 32];
	struct tool tool;

	cr_assert_not_null(mkdtemp(dir));
	tool = RUN("growth", "--quick", "--repetitions", "3", "--plot", dir);
	snprintf(path, sizeof(path), "%s/growth.svg", dir);
	if (system("command -v gnuplot >/dev/null 2>&1") == 0) {
		cr_expect_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
		cr_expect_eq(access(path, R_OK), 0, "%s", path);
		(void)unlink(path);
	} else {
		cr_expect_eq(tool.code, 77, "exit code %d\n%s", tool.code, tool.err);
		cr_expect_not_null(strstr(tool.err, "no gnuplot"), "%s", tool.err);
	}
	tool_free(&tool);
	cr_expect_eq(rmdir(dir), 0);
}
