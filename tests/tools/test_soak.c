/* SPDX-License-Identifier: MIT */
/* `wwresv soak`: rounds that pass, descriptors that cannot stall, and reports that fail. */
#include <signal.h>
#include <stdlib.h>

#include "tests/tools/test_submit_tool.h"

#include <criterion/redirect.h>

#include "tools/soak/soak.h"
#include "tools/soak/soak_text.h"
#include "tools/submit/engines.h"

#define NUM_DESCRIPTORS 500

TestSuite(soak, .timeout = 300);

#define RUN(...) tool_run((const char *const[]){"soak", __VA_ARGS__, NULL})

Test(soak, rounds_of_both_kinds_find_no_violation)
{
	struct tool tool = RUN("--rounds", "6", "--seed", "1", "--json");
	json_t *json = tool_json(&tool);

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	cr_expect_str_eq(json_string_value(json_at(json, "schema")), "wwresv.soak/1");
	cr_expect_eq(json_number_at(json, "seed"), 1);
	cr_expect_eq(json_number_at(json, "rounds.locks"), 3);
	cr_expect_eq(json_number_at(json, "rounds.jobs"), 3);
	cr_expect_gt(json_number_at(json, "locks.committed"), 0);
	cr_expect_gt(json_number_at(json, "jobs.completed"), 0);
	cr_expect_gt(json_number_at(json, "jobs.buffers"), 0);
	cr_expect_eq(json_number_at(json, "violations"), 0);
	json_decref(json);
	tool_free(&tool);
}

Test(soak, time_ends_the_rounds_and_text_tells_them)
{
	struct tool tool = RUN("--minutes", "0.005", "--seed", "7");

	cr_expect_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	cr_expect_not_null(strstr(tool.out, "first seed 7"));
	cr_expect_not_null(strstr(tool.out, "Violations   0"));
	cr_expect_not_null(strstr(tool.err, "first seed 7"));
	tool_free(&tool);
}

Test(soak, interrupt_ends_it_with_a_summary)
{
	struct tool tool = tool_start((const char *const[]){"soak", "--minutes", "4", NULL});

	cr_assert(tool_wait_for(&tool, "first seed"));
	kill(tool.pid, SIGINT);
	tool_finish(&tool);
	cr_expect_eq(tool.code, 130, "exit code %d", tool.code);
	cr_expect_not_null(strstr(tool.out, "Violations   0"));
	tool_free(&tool);
}

Test(soak, wrong_usage_exits_2_and_names_it)
{
	struct tool tool = RUN("--minutes", "soon");

	cr_expect_eq(tool.code, 2);
	cr_expect_not_null(strstr(tool.err, "--minutes"));
	tool_free(&tool);
	tool = RUN("now");
	cr_expect_eq(tool.code, 2);
	cr_expect_not_null(strstr(tool.err, "unexpected argument 'now'"));
	tool_free(&tool);
}

Test(soak, every_random_descriptor_is_accepted)
{
	const struct wsim_engine_counts engines = engines_default();
	struct soak_text *text = malloc(sizeof(*text));

	cr_assert_not_null(text);
	for (uint64_t seed = 0; seed < NUM_DESCRIPTORS; seed++) {
		struct wsim_rng rng = {seed};
		struct wsim_workload *workload;
		struct wsim_error error;

		memset(text, 0, sizeof(*text));
		text->rng = &rng;
		soak_text_write(text);
		cr_assert_lt(text->used, sizeof(text->bytes) - 1, "seed %llu: no room",
			     (unsigned long long)seed);
		cr_assert_eq(
		    wsim_parse("soak", text->bytes, text->used, true, &engines, &workload, &error),
		    0, "seed %llu:\n%s", (unsigned long long)seed, text->bytes);
		cr_assert_eq(workload->num_steps, text->num_steps);
		wsim_free(workload);
	}
	free(text);
}

Test(soak, violation_names_the_seed_and_counts, .init = cr_redirect_stderr)
{
	struct soak_totals totals = {0};

	soak_violation(&totals, 42, "%d locks too many", 3);
	cr_expect_eq(totals.num_violations, 1);
	fflush(stderr);
	cr_expect_stderr_eq_str(
	    "wwresv soak: violation in the round with seed 42: 3 locks too many\n");
}
