/* SPDX-License-Identifier: MIT */
/* Runs that do not end by themselves. */
#include <signal.h>

#include "tests/tools/test_submit_tool.h"

TestSuite(submit_stall, .timeout = 300);

Test(submit_stall, wait_for_an_endless_batch_is_reported)
{
	TOOL_EXPECT_ERROR(1, "waits for its batch of step 0 to complete", "1.RCS.*.0.1,T.-1",
			  "--timeout", "1");
	TOOL_EXPECT_ERROR(1, "no T step has ended it", "1.RCS.*.0.1,T.-1", "--timeout", "1");
}

Test(submit_stall, endless_batch_without_an_end_is_reported)
{
	TOOL_EXPECT_ERROR(1, "has run all steps and waits for its batch of step 0", "1.RCS.*.0.0",
			  "--timeout", "1");
}

Test(submit_stall, chain_of_fences_is_followed)
{
	static const char text[] = "f,1.RCS.5.f-1.0,2.BCS.5.f-1.1,a.-3";

	TOOL_EXPECT_ERROR(1, "fence of step 0 of client 0", text, "--timeout", "1");
	TOOL_EXPECT_ERROR(1,
			  "the job of client 0 loop 0 step 2 waits for the job of client 0 "
			  "loop 0 step 1 to complete",
			  text, "--timeout", "1");
}

Test(submit_stall, endless_batch_that_gives_no_way_is_reported)
{
	TOOL_EXPECT_ERROR(1, "it gives way to no other job", "X.1.0,1.RCS.*.0.0,2.RCS.5.0.1,T.-2",
			  "--timeout", "1");
	TOOL_EXPECT(0, "1.RCS.*.0.0,2.RCS.5.0.1,T.-2", "--timeout", "60");
}

Test(submit_stall, throttle_and_full_queue_are_named)
{
	TOOL_EXPECT_ERROR(1, "(a t step)", "t.1,1.RCS.*.0.0,1.RCS.5.0.0,T.-2", "--timeout", "1");
	TOOL_EXPECT_ERROR(1, "(a q step)", "q.1,1.RCS.*.0.0,2.RCS.5.0.0,T.-2", "--timeout", "1");
	/* One job may be unfinished, and there are two. */
	TOOL_EXPECT(0, "q.2,1.RCS.*.0.0,2.RCS.5.0.0,T.-2", "--timeout", "60");
}

Test(submit_stall, lock_that_is_kept_is_named_with_its_holder)
{
	TOOL_EXPECT_ERROR(1, "waits for the lock of <text>/w1[0], held by client ",
			  "W.1.4k,1.RCS.10.w1-0.0", "--clients", "2", "--hold-us", "2000000",
			  "--timeout", "0.5");
	TOOL_EXPECT_ERROR(1, "holds <text>/w1[0]", "W.1.4k,1.RCS.10.w1-0.0", "--clients", "2",
			  "--hold-us", "2000000", "--timeout", "0.5");
}

Test(submit_stall, delay_step_is_no_stall)
{
	TOOL_EXPECT(0, "d.1500000", "--timeout", "0.5");
}

Test(submit_stall, summary_comes_all_the_same)
{
	struct tool tool =
	    TOOL_RUN("1.RCS.5.0.1,1.RCS.*.0.1", "--timeout", "1", "--sched", "fair", "--json");
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 1);
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "stalled");
	cr_expect_eq(json_number_at(json, "recovery.cancelled"), 1);
	cr_expect_eq(json_number_at(json, "jobs.submitted"), 2);
	cr_expect_eq(json_number_at(json, "jobs.completed"), 1);
	cr_expect_eq(json_number_at(json, "jobs.cancelled"), 1);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
	tool_free(&tool);
}

/* The progress bar tells what it is at. */
static struct tool start_and_signal(const char *const *args, const char *progress, int number)
{
	struct tool tool = tool_start_on_terminal(args);

	cr_assert(tool_wait_for(&tool, progress), "no progress: %s", tool.err);
	cr_assert_eq(kill(tool.pid, number), 0);
	tool_finish(&tool);
	return tool;
}

#define START_AND_SIGNAL(number, ...)                                                              \
	start_and_signal((const char *const[]){"submit", __VA_ARGS__, NULL}, " jobs ", number)

static void expect_nothing_ran(const json_t *json, int signal)
{
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "interrupted");
	cr_expect_eq(json_number_at(json, "signal"), signal);
	cr_expect_eq(json_number_at(json, "jobs.submitted"), 0);
	cr_expect_eq(json_number_at(json, "verify.buffers"), 0);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
}

Test(submit_stall, interrupt_of_the_preparation_leaves_an_empty_summary)
{
	const char *const args[] = {"submit", "w.1.100000n1,1.RCS.5.0.0", "--json", NULL};
	struct tool tool = start_and_signal(args, " buffers ", SIGINT);
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 128 + SIGINT, "%d %s", tool.code, tool.err);
	cr_expect(strstr(tool.err, "stopped by signal 2") != NULL, "%s", tool.err);
	cr_expect(strstr(tool.err, "before the first job") != NULL, "%s", tool.err);
	expect_nothing_ran(json, SIGINT);
	json_decref(json);
	tool_free(&tool);
}

Test(submit_stall, interrupt_of_the_check_leaves_the_summary)
{
	const char *const args[] = {"submit",	 "w.1.8n2m,1.RCS.5.w1-0-7.0",
				    "--repeat",	 "20",
				    "--touch",	 "full",
				    "--scale",	 "0",
				    "--clients", "2",
				    "--json",	 NULL};
	struct tool tool = start_and_signal(args, "checking the result", SIGTERM);
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 128 + SIGTERM, "%d %s", tool.code, tool.err);
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "finished");
	cr_expect_eq(json_number_at(json, "jobs.completed"), 40);
	cr_expect_eq(json_number_at(json, "verify.signal"), SIGTERM);
	cr_expect_eq(json_number_at(json, "verify.buffers"), 0);
	json_decref(json);
	tool_free(&tool);
}

Test(submit_stall, interrupt_of_a_busy_run_ends_it_with_the_summary)
{
	struct tool tool = START_AND_SIGNAL(SIGINT, "contended", "--clients", "4", "--repeat",
					    "1000000", "--json");
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 128 + SIGINT, "%d %s", tool.code, tool.err);
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "interrupted");
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	cr_expect_eq(json_number_at(json, "jobs.submitted"),
		     json_number_at(json, "jobs.completed") +
			 json_number_at(json, "jobs.cancelled"));
	json_decref(json);
	tool_free(&tool);
}

/* These jobs touch thousands of times as much as in the time until the first of them is seen. */
Test(submit_stall, interrupt_ends_jobs_that_touch_all_of_their_buffers)
{
	struct tool tool =
	    START_AND_SIGNAL(SIGINT, "w.1.4n2m,1.RCS.5.w1-0-1.0,2.BCS.5.r1-1|w1-2.0", "--repeat",
			     "100000", "--touch", "full", "--scale", "0", "--json");
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 128 + SIGINT, "%d %s", tool.code, tool.err);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	cr_expect_gt(json_number_at(json, "jobs.cancelled"), 0);
	/* Two outputs a loop and three objects; what is torn is not compared. */
	cr_expect_eq(json_number_at(json, "verify.buffers") + json_number_at(json, "verify.torn"),
		     6);
	json_decref(json);
	tool_free(&tool);
}

Test(submit_stall, interrupt_ends_every_kind_of_sleep)
{
	static const char *const texts[] = {
	    "1.RCS.*.0.1",	    "d.4000000000",
	    "p.4000000000",	    "f,1.RCS.5.f-1.1",
	    "1.RCS.4000000000.0.0", "t.1,1.RCS.*.0.0,1.RCS.5.0.0",
	    "1.RCS.*.0.0,s.-1",	    "q.1,1.RCS.*.0.0,2.RCS.5.0.0",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tool tool =
		    START_AND_SIGNAL(SIGTERM, texts[i], "--clients", "2", "--timeout", "1000");

		cr_expect_eq(tool.code, 128 + SIGTERM, "%s: %d", texts[i], tool.code);
		cr_expect(strstr(tool.out, "interrupted by signal 15") != NULL, "%s: %s", texts[i],
			  tool.out);
		tool_free(&tool);
	}
}

Test(submit_stall, progress_line_is_wiped_at_the_end)
{
	struct tool tool = tool_start_on_terminal(
	    (const char *const[]){"submit", "d.400000,1.RCS.5.0.0", "--json", NULL});
	json_t *json;

	tool_finish(&tool);
	json = tool_json(&tool);
	cr_expect(strstr(tool.err, "[........................] 0/1 jobs") != NULL, "%s", tool.err);
	cr_expect_geq(tool.err_len, 4);
	cr_expect_str_eq(tool.err + tool.err_len - 4, "\r\033[K");
	json_decref(json);
	tool_free(&tool);
}

Test(submit_stall, quiet_means_no_progress)
{
	struct tool tool =
	    tool_start_on_terminal((const char *const[]){"submit", "d.100000", "-q", NULL});

	tool_finish(&tool);
	cr_expect_eq(tool.code, 0);
	cr_expect_str_eq(tool.err, "");
	tool_free(&tool);
}
