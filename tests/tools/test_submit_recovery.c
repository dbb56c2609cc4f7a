/* SPDX-License-Identifier: MIT */
/* Jobs that go through the scheduler, some of which hang, and a device that is lost. */
#include "tests/tools/test_submit_tool.h"

#include <stdio.h>

TestSuite(submit_recovery, .timeout = 600);

static const char *const policies[] = {"fair", "fifo", "rr"};

static json_t *run_json(struct tool *tool, int code)
{
	json_t *json = tool_json(tool);

	cr_expect_eq(tool->code, code, "exit code %d: %s", tool->code, tool->err);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	cr_expect_eq(json_number_at(json, "jobs.submitted"),
		     json_number_at(json, "jobs.completed") + json_number_at(json, "jobs.failed") +
			 json_number_at(json, "jobs.cancelled"));
	tool_free(tool);
	return json;
}

static void expect_completed(const char *workload, const char *policy)
{
	struct tool tool = TOOL_RUN(workload, "--clients", "5", "--repeat", "2", "--scale", "0.05",
				    "--sched", policy, "--json", "--timeout", "20");
	json_t *json = run_json(&tool, 0);
	const char *found = json_string_value(json_at(json, "sched.policy"));

	cr_expect_str_eq(found, policy);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 0);
	cr_expect_eq(json_number_at(json, "jobs.cancelled"), 0);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 0);
	cr_expect_eq(json_array_size(json_at(json, "shares")), 5);
	json_decref(json);
}

Test(submit_recovery, every_policy_runs_workloads_to_the_end)
{
	for (size_t i = 0; i < 3; i++) {
		expect_completed("game", policies[i]);
		expect_completed("contended", policies[i]);
		/* Ended by a later step, and held by a fence of the client's. */
		expect_completed("1.RCS.*.0.0,d.500,T.-2,1.RCS.5.0.1", policies[i]);
		expect_completed("f,1.RCS.10.f-1.0,2.BCS.10.s-1.0,a.-3", policies[i]);
		/* Balanced over engines; priorities. */
		expect_completed("M.1.VCS,B.1,P.1.1,1.VCS.200.0.0,1.VCS.200.0.0,2.VCS1.100.0.1",
				 policies[i]);
	}
}

Test(submit_recovery, every_tenth_job_hangs_and_no_other_fails)
{
	struct tool tool =
	    TOOL_RUN("W.1.8n4k,1.RCS.10.w1-0-3.0,2.RCS.10.r1-2-5.0,3.BCS.10.w1-5.0", "--clients",
		     "4", "--repeat", "20", "--hang-every", "10", "--hang-timeout", "5", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.submitted"), 240);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 24);
	cr_expect_eq(json_number_at(json, "jobs.cancelled"), 0);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 24);
	cr_expect_eq(json_number_at(json, "recovery.resets"), 24);
	cr_expect_eq(json_number_at(json, "recovery.cancelled"), 0);
	cr_expect_eq(json_number_at(json, "options.hang_every"), 10);
	cr_expect_eq(json_number_at(json, "options.lose_after"), 0);
	json_decref(json);
}

/* A hang at a time: each job's client waits for it. */
Test(submit_recovery, ten_thousand_hangs_in_a_row)
{
	struct tool tool =
	    TOOL_RUN("1.RCS.10.0.1", "--clients", "4", "--repeat", "2500", "--engines", "rcs=4",
		     "--hang-every", "1", "--hang-timeout", "1", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.failed"), 10000);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 10000);
	cr_expect_eq(json_number_at(json, "recovery.resets"), 10000);
	json_decref(json);
}

/* Commits 9, 19, ... hang; each of those contexts is guilty at once and has the rest cancelled. */
Test(submit_recovery, guilty_contexts_are_cancelled)
{
	struct tool tool =
	    TOOL_RUN("1.RCS.10.0.1", "--clients", "4", "--repeat", "50", "--hang-every", "10",
		     "--hang-timeout", "5", "--hang-limit", "0", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_gt(json_number_at(json, "jobs.cancelled"), 0);
	cr_expect_eq(json_number_at(json, "jobs.cancelled"),
		     json_number_at(json, "recovery.cancelled"));
	cr_expect_leq(json_number_at(json, "jobs.failed"), 4);
	cr_expect_geq(json_number_at(json, "jobs.failed"), 1);
	json_decref(json);
}

/* The tenth job hangs, and takes the client's other context along. */
Test(submit_recovery, guilt_is_the_clients_and_not_the_contexts)
{
	struct tool tool =
	    TOOL_RUN("1.RCS.10.0.1,2.BCS.10.0.1", "--clients", "1", "--repeat", "20",
		     "--hang-every", "10", "--hang-timeout", "5", "--hang-limit", "0", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.completed"), 9);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 1);
	cr_expect_eq(json_number_at(json, "jobs.cancelled"), 30);
	json_decref(json);
}

Test(submit_recovery, lost_device_ends_every_job)
{
	struct tool tool = TOOL_RUN("W.1.8n4k,1.RCS.10.w1-0-3.0,2.RCS.10.r1-2-5.0,3.BCS.10.w1-5.1",
				    "--clients", "4", "--repeat", "10", "--lose-device-after", "30",
				    "--hang-timeout", "5", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.submitted"), 120);
	/* And what the other engines were just at the end of. */
	cr_expect_geq(json_number_at(json, "jobs.completed"), 30);
	cr_expect_leq(json_number_at(json, "jobs.completed"), 36);
	cr_expect_eq(json_number_at(json, "jobs.completed") + json_number_at(json, "jobs.failed"),
		     120);
	json_decref(json);
}

/* What is on the engines ends then, not when it has hung. */
Test(submit_recovery, lost_device_waits_for_no_timeout)
{
	struct tool tool = TOOL_RUN("1.RCS.*.0.0,2.BCS.10.0.1", "--lose-device-after", "1",
				    "--hang-timeout", "3600000", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.completed"), 1);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 1);
	json_decref(json);
}

Test(submit_recovery, hangs_and_evictions_together)
{
	struct tool tool =
	    TOOL_RUN("W.1.64n4k,1.RCS.20.w1-0-13.0,2.RCS.10.w1-14-27.0,1.RCS.20.r1-40-50.0",
		     "--clients", "8", "--repeat", "5", "--scale", "0.1", "--vram", "72k", "--gtt",
		     "0", "--hang-every", "7", "--hang-timeout", "5", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.failed"), 17);
	cr_expect_eq(json_number_at(json, "memory.enomem"), 0);
	cr_expect_gt(json_number_at(json, "memory.evictions"), 0);
	json_decref(json);
}

/* Ten times 2 ms is well within a minute, and 10 s are not within 50 ms. */
Test(submit_recovery, slow_jobs_finish_within_the_timeout_and_are_hangs_beyond)
{
	struct tool tool =
	    TOOL_RUN("W.1.8n4k,1.RCS.2000.w1-0-3.0,2.BCS.10.r1-0.0", "--clients", "2", "--repeat",
		     "5", "--slow-every", "3", "--hang-timeout", "60000", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.completed"), 20);
	cr_expect_eq(json_number_at(json, "recovery.slow"), 6);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 0);
	json_decref(json);

	tool = TOOL_RUN("W.1.8n4k,1.RCS.10.w1-0-3.1", "--clients", "2", "--repeat", "4",
			"--slow-every", "4", "--slow-factor", "1000000", "--hang-timeout", "50",
			"--hang-limit", "100", "--json");
	json = run_json(&tool, 0);
	cr_expect_eq(json_number_at(json, "jobs.completed"), 6);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 2);
	cr_expect_eq(json_number_at(json, "recovery.slow"), 2);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 2);
	json_decref(json);
}

/* A job that is long by itself is none of those, and one that hangs is not slow besides. */
Test(submit_recovery, long_jobs_are_no_hangs_and_hangs_are_not_slow)
{
	struct tool tool = TOOL_RUN("1.RCS.100000.0.0,2.BCS.10.0.1", "--slow-every", "3",
				    "--hang-timeout", "5", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.completed"), 2);
	cr_expect_eq(json_number_at(json, "recovery.slow"), 0);
	json_decref(json);

	tool = TOOL_RUN("1.RCS.10.0.1", "--repeat", "12", "--slow-every", "2", "--hang-every", "3",
			"--slow-factor", "1", "--hang-timeout", "1000", "--json");
	json = run_json(&tool, 0);
	cr_expect_eq(json_number_at(json, "recovery.hangs"), 4);
	cr_expect_eq(json_number_at(json, "recovery.slow"), 4);
	json_decref(json);
}

/* A stalled run is taken down with jobs in every state. */
Test(submit_recovery, text_tells_the_faults_and_the_shares)
{
	struct tool tool = TOOL_RUN("1.RCS.1000.0.1", "--clients", "2", "--repeat", "10", "--sched",
				    "fair", "--slow-every", "7", "--slow-factor", "2");

	cr_expect_eq(tool.code, 0, "%s", tool.err);
	cr_expect(strstr(tool.out, "Faults       hang every 0, slow every 7 by 2, lose after 0") !=
		      NULL,
		  "%s", tool.out);
	cr_expect(strstr(tool.out, "of the time on engines a client had ") != NULL, "%s", tool.out);
	tool_free(&tool);
}

/* One client had all of it. */
Test(submit_recovery, text_tells_the_share_of_a_client_alone)
{
	struct tool tool = TOOL_RUN("1.RCS.1000.0.1", "--sched", "fair");

	cr_expect_eq(tool.code, 0, "%s", tool.err);
	cr_expect(strstr(tool.out, "a client had 100.0 to 100.0 %") != NULL, "%s", tool.out);
	tool_free(&tool);
}

Test(submit_recovery, stall_is_found_through_the_scheduler)
{
	TOOL_EXPECT_ERROR(1, "stall: no job completed",
			  "W.1.1n4k,1.RCS.*.w1-0.0,2.RCS.10.w1-0.0,1.RCS.10.0.1", "--clients", "3",
			  "--sched", "fair", "--timeout", "0.3");
}

Test(submit_recovery, without_a_scheduler_there_is_nothing_to_tell)
{
	struct tool tool = TOOL_RUN("game", "--scale", "0", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect(json_is_null(json_object_get(json, "sched")));
	cr_expect(json_is_null(json_object_get(json, "shares")));
	cr_expect(json_is_null(json_object_get(json, "recovery")));
	json_decref(json);
}

Test(submit_recovery, wrong_values_are_usage_errors)
{
	TOOL_EXPECT_ERROR(2, "--sched: expected fair, fifo or rr, found 'x'", "game", "--sched",
			  "x");
	TOOL_EXPECT_ERROR(2, "--hang-every: expected a whole number", "game", "--hang-every", "0");
	TOOL_EXPECT_ERROR(2, "--hang-timeout: expected a whole number", "game", "--hang-timeout",
			  "0");
	TOOL_EXPECT_ERROR(2, "--hang-limit: expected a whole number", "game", "--hang-limit", "-1");
	TOOL_EXPECT_ERROR(2, "--lose-device-after: expected a whole number", "game",
			  "--lose-device-after", "0");
	TOOL_EXPECT_ERROR(2, "--slow-every: expected a whole number", "game", "--slow-every", "0");
	TOOL_EXPECT_ERROR(2, "--slow-factor: expected a number", "game", "--slow-every", "2",
			  "--slow-factor", "0.5");
	TOOL_EXPECT_ERROR(2, "--slow-factor is of the jobs that are slow: it needs --slow-every",
			  "game", "--slow-factor", "2");
	TOOL_EXPECT_ERROR(2, "--hang-timeout has to be shorter than --timeout", "game",
			  "--hang-every", "2", "--hang-timeout", "2000", "--timeout", "2");
}

static double engine_busy_s(const json_t *json, size_t engine)
{
	return json_number_at(json_array_get(json_object_get(json, "engines"), engine), "busy_s");
}

/* A map of engines of two classes: each client's time is where its jobs were. */
Test(submit_recovery, fdinfo_counts_the_time_of_the_engines)
{
	struct tool tool =
	    TOOL_RUN("M.1.RCS|VCS,B.1,1.DEFAULT.2000.0.0", "--clients", "6", "--fdinfo", "--json");
	json_t *json = run_json(&tool, 0);
	double render_ns = 0, video_ns = 0;
	unsigned long long ns;
	const char *text;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(json, "fdinfo"), i, entry)
	{
		text = json_string_value(entry);
		cr_assert_eq(sscanf(strstr(text, "engine-render:"), "engine-render: %llu", &ns), 1);
		render_ns += (double)ns;
		cr_assert_eq(sscanf(strstr(text, "engine-video:"), "engine-video: %llu", &ns), 1);
		video_ns += (double)ns;
	}
	cr_expect_float_eq(render_ns / 1e9, engine_busy_s(json, 0), 1e-8);
	cr_expect_float_eq(video_ns / 1e9, engine_busy_s(json, 2) + engine_busy_s(json, 3), 1e-8);
	cr_expect_gt(video_ns, 0);
	json_decref(json);
}

Test(submit_recovery, fdinfo_tells_what_each_client_used)
{
	struct tool tool = TOOL_RUN("1.RCS.2000.0.1,2.VCS.1000.0.1", "--clients", "2", "--fdinfo");
	unsigned long long busy_ns = 0;
	const char *text;

	cr_expect_eq(tool.code, 0, "%s", tool.err);
	text = strstr(tool.out, "drm-driver:\twwrmock\ndrm-client-id:\t1\n");
	cr_assert_not_null(text, "%s", tool.out);
	text = strstr(text, "drm-engine-render:\t");
	cr_assert_not_null(text, "%s", tool.out);
	cr_assert_eq(sscanf(text, "drm-engine-render:\t%llu ns\n", &busy_ns), 1);
	cr_expect_geq(busy_ns, 2000000ull);
	cr_expect_not_null(strstr(text, "drm-engine-copy:\t0 ns\n"));
	cr_expect_not_null(strstr(text, "drm-engine-capacity-video:\t2\n"));
	cr_expect_not_null(strstr(text, "drm-total-memory:\t8 KiB\n"), "%s", text);
	tool_free(&tool);
}
