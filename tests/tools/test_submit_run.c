/* SPDX-License-Identifier: MIT */
/* Whole runs: what they print, and that every option does something. */
#include <unistd.h>

#include "tests/tools/test_submit_tool.h"

TestSuite(submit_run, .timeout = 300);

static json_t *run_json(const char *const *args)
{
	struct tool tool = tool_run(args);
	json_t *json = tool_json(&tool);

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	tool_free(&tool);
	return json;
}

#define RUN_JSON(...) run_json((const char *const[]){"submit", "--json", __VA_ARGS__, NULL})

static void expect_numbers(const json_t *json, const char *const *paths)
{
	for (; *paths != NULL; paths++)
		cr_expect_geq(json_number_at(json, *paths), 0, "%s", *paths);
}

static void expect_entries(const json_t *json, const char *array, const char *name,
			   const char *const *numbers)
{
	const json_t *list = json_at(json, array), *entry;
	size_t i;

	cr_expect(json_is_array(list));
	json_array_foreach(list, i, entry)
	{
		cr_expect(json_is_string(json_at(entry, name)));
		expect_numbers(entry, numbers);
	}
}

Test(submit_run, json_has_every_key_of_the_schema)
{
	static const char *const numbers[] = {
	    "seed",
	    "elapsed_s",
	    "jobs.submitted",
	    "jobs.completed",
	    "jobs.failed",
	    "jobs.per_s",
	    "reservation.sets",
	    "reservation.locks",
	    "reservation.backoffs",
	    "reservation.retries_max",
	    "reservation.losses_max",
	    "reservation.fallbacks",
	    "reservation.buffers_per_set.min",
	    "reservation.buffers_per_set.p50",
	    "reservation.buffers_per_set.max",
	    "reservation.latency_us.p50",
	    "reservation.latency_us.p99",
	    "reservation.latency_us.p999",
	    "reservation.latency_us.max",
	    "verify.buffers",
	    "verify.mismatches",
	    "missed_periods",
	    NULL,
	};
	json_t *json = RUN_JSON("contended", "desktop", "--clients", "4", "--inject", "3",
				"--hold-us", "20", "--seed", "5");

	cr_expect_str_eq(json_string_value(json_at(json, "schema")), "wwresv.submit/1");
	cr_expect_str_eq(json_string_value(json_at(json, "class")), "wound-wait");
	cr_expect_str_eq(json_string_value(json_at(json, "policy")), "default");
	cr_expect_eq(json_number_at(json, "seed"), 5);
	expect_numbers(json, numbers);
	expect_entries(json, "contended", "buffer",
		       (const char *const[]){"backoffs", "wait_us", NULL});
	expect_entries(json, "engines", "name", (const char *const[]){"jobs", "busy_s", NULL});
	expect_entries(json, "workloads", "name",
		       (const char *const[]){"clients", "batches", "objects", "bytes", NULL});
	cr_expect_eq(json_array_size(json_at(json, "engines")), 6);
	cr_expect_eq(json_array_size(json_at(json, "workloads")), 2);
	cr_expect_gt(json_number_at(json, "reservation.backoffs"), 0);
	json_decref(json);
}

Test(submit_run, json_numbers_agree_with_each_other)
{
	json_t *json = RUN_JSON("contended", "explicit", "--clients", "3", "--repeat", "4",
				"--inject", "4", "--scale", "0.1");
	const json_t *retries = json_at(json, "reservation.retries_histogram"), *entry;
	double jobs = json_number_at(json, "jobs.submitted"), sum = 0, on_engines = 0;
	size_t i;

	cr_expect_eq(jobs, json_number_at(json, "jobs.completed"));
	cr_expect_eq(jobs, json_number_at(json, "reservation.sets"));
	json_array_foreach(retries, i, entry) sum += json_number_value(entry);
	cr_expect_eq(sum, jobs);
	cr_expect_eq(json_array_size(retries), json_number_at(json, "reservation.retries_max") + 1);
	json_array_foreach(json_at(json, "engines"), i, entry) on_engines +=
	    json_number_at(entry, "jobs");
	cr_expect_eq(on_engines, jobs);
	cr_expect_geq(json_number_at(json, "reservation.locks"),
		      jobs * json_number_at(json, "reservation.buffers_per_set.min"));
	cr_expect_leq(json_number_at(json, "reservation.latency_us.p50"),
		      json_number_at(json, "reservation.latency_us.max"));
	cr_expect_leq(json_number_at(json, "reservation.losses_max"), 8);
	json_decref(json);
}

Test(submit_run, workloads_are_as_the_descriptor_declares_them)
{
	json_t *json = RUN_JSON("w.1.10n8k,W.2.3n1m,1.RCS.5.r1-0|r2-1.0,1.RCS.5.-1.0", "--clients",
				"3", "--repeat", "2");
	const json_t *workload = json_array_get(json_at(json, "workloads"), 0);

	cr_expect_eq(json_number_at(workload, "clients"), 3);
	cr_expect_eq(json_number_at(workload, "batches"), 2);
	cr_expect_eq(json_number_at(workload, "objects"), 13);
	cr_expect_eq(json_number_at(workload, "bytes"), 10 * 8192 + 3 * 1048576);
	cr_expect_eq(json_number_at(json, "jobs.submitted"), 12);
	/* Private ones and the two outputs of each of three clients, and the shared ones. */
	cr_expect_eq(json_number_at(json, "verify.buffers"), 3 * (10 + 2) + 3);
	cr_expect_eq(json_number_at(json, "reservation.buffers_per_set.min"), 2);
	cr_expect_eq(json_number_at(json, "reservation.buffers_per_set.max"), 3);
	json_decref(json);
}

Test(submit_run, every_builtin_runs_in_all_pairs_of_class_and_policy)
{
	static const char *const builtins[] = {"contended", "desktop",	  "explicit",
					       "game",	    "shared-set", "video"};
	static const char *const classes[] = {"wound-wait", "wait-die"};
	static const char *const policies[] = {"default", "classic"};

	for (size_t i = 0; i < 6 * 4; i++) {
		json_t *json = RUN_JSON(builtins[i / 4], "--clients", "3", "--scale", "0.1",
					"--class", classes[i / 2 % 2], "--policy", policies[i % 2]);

		cr_expect_str_eq(json_string_value(json_at(json, "class")), classes[i / 2 % 2]);
		cr_expect_str_eq(json_string_value(json_at(json, "policy")), policies[i % 2]);
		cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
		json_decref(json);
	}
}

Test(submit_run, everybody_wants_the_same_backs_off_and_ends)
{
	static const char *const classes[] = {"wound-wait", "wait-die"};
	static const char *const policies[] = {"default", "classic"};

	for (size_t i = 0; i < 4; i++) {
		json_t *json = RUN_JSON("contended", "--clients", "16", "--hold-us", "20",
					"--class", classes[i / 2], "--policy", policies[i % 2]);

		cr_expect_gt(json_number_at(json, "reservation.backoffs"), 0);
		cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
		cr_expect_leq(json_number_at(json, "reservation.losses_max"), i % 2 == 0 ? 8 : 0);
		cr_expect_gt(json_array_size(json_at(json, "contended")), 0);
		json_decref(json);
	}
}

Test(submit_run, sort_makes_an_end_of_back_offs)
{
	json_t *json = RUN_JSON("contended", "--clients", "8", "--hold-us", "20", "--sort",
				"--policy", "classic", "--class", "wound-wait");

	cr_expect_eq(json_number_at(json, "reservation.backoffs"), 0);
	json_decref(json);
}

Test(submit_run, scale_zero_does_not_wait_nor_miss_periods)
{
	json_t *json = RUN_JSON("d.900000000,1.RCS.900000000.0.1,p.1", "--scale", "0");

	cr_expect_eq(json_number_at(json, "jobs.completed"), 1);
	cr_expect_eq(json_number_at(json, "missed_periods"), 0);
	json_decref(json);
}

Test(submit_run, late_period_is_counted_as_missed)
{
	json_t *json = RUN_JSON("d.2000,p.1000", "--repeat", "3", "--clients", "2");

	cr_expect_eq(json_number_at(json, "missed_periods"), 6);
	json_decref(json);
}

Test(submit_run, engines_option_decides_how_many_there_are)
{
	json_t *json = RUN_JSON("1.RCS4.10.0.0,1.VCS.10.0.0", "--engines", "rcs=4,vcs=1");

	cr_expect_eq(json_array_size(json_at(json, "engines")), 8);
	json_decref(json);
}

Test(submit_run, same_seed_gives_the_same_random_sizes)
{
	json_t *a = RUN_JSON("shared-set", "--seed", "77", "--scale", "0");
	json_t *b = RUN_JSON("shared-set", "--seed", "77", "--scale", "0");

	cr_expect(json_equal(json_at(a, "workloads"), json_at(b, "workloads")));
	json_decref(a);
	json_decref(b);
}

Test(submit_run, touch_full_changes_the_whole_buffer_and_is_checked)
{
	json_t *json =
	    RUN_JSON("W.1.300k,1.RCS.5.w1-0.0,2.BCS.5.r1-0.0", "--clients", "4", "--touch", "full");

	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
}

Test(submit_run, every_step_of_the_format_runs)
{
	static const char all[] =
	    "w.1.2n4k,W.2.4k-64k,M.1.VCS,B.1,P.1.3,S.1.1,X.2.0,b.1.VCS2.VCS1,t.3,q.4,f,"
	    "1.DEFAULT.5-10.w1-0|f-1.0,2.RCS.5.r2-0.0,2.BCS.5.-2|s-1.0,a.-4,3.RCS.*.0.0,d.10,"
	    "3.CCS.5.f-5.0,T.-3,s.-2,1.VCS.5.-3|f-9.1,p.50";
	json_t *json = RUN_JSON(all, "--clients", "3", "--repeat", "50", "--timeout", "60");

	cr_expect_eq(json_number_at(json, "jobs.completed"), 3 * 50 * 6);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
}

Test(submit_run, throttle_and_queue_depth_hold_over_loops)
{
	json_t *json = RUN_JSON("t.7,q.1,1.RCS.20.0.0,2.RCS.20.0.0,1.VCS.20.0.0", "--repeat", "60",
				"--clients", "2");

	cr_expect_eq(json_number_at(json, "jobs.completed"), 360);
	json_decref(json);
}

Test(submit_run, more_jobs_than_the_window_are_all_counted)
{
	json_t *json = RUN_JSON("1.RCS.1.0.0", "--repeat", "5000", "--scale", "0");

	cr_expect_eq(json_number_at(json, "jobs.completed"), 5000);
	json_decref(json);
}

Test(submit_run, retry_limit_makes_jobs_fail_and_the_exit_code_say_so)
{
	/* Everybody wants the same buffers, in another order, for far longer than to lock them. */
	struct tool tool = TOOL_RUN("contended", "--retry-limit", "1", "--json", "--clients", "8",
				    "--hold-us", "1000", "--scale", "0");
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, json_number_at(json, "jobs.failed") > 0 ? 1 : 0);
	cr_expect_gt(json_number_at(json, "jobs.failed"), 0);
	cr_expect_eq(json_number_at(json, "jobs.failed") + json_number_at(json, "jobs.completed"),
		     json_number_at(json, "jobs.submitted"));
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
	tool_free(&tool);
}

static void expect_job_line(const char *line)
{
	static const char *const keys[] = {"client",  "step",	 "loop",
					   "buffers", "retries", "wait_us"};
	json_t *json = json_loads(line, 0, NULL);

	cr_assert_not_null(json, "%s", line);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_expect_geq(json_number_at(json, keys[i]), 0);
	cr_expect_str_eq(json_string_value(json_at(json, "workload")), "contended");
	cr_expect(json_is_string(json_at(json, "engine")));
	cr_expect(json_is_null(json_at(json, "contended")) ||
		  json_is_string(json_at(json, "contended")));
	cr_expect_eq(json_number_at(json, "buffers"), 13);
	json_decref(json);
}

Test(submit_run, jobs_file_has_a_line_a_job)
{
	char path[] = "/tmp/wwresv-jobs-XXXXXX";
	int fd = mkstemp(path);
	char line[512];
	unsigned int num = 0;
	FILE *file;

	cr_assert_geq(fd, 0);
	TOOL_EXPECT(0, "contended", "--clients", "4", "--hold-us", "20", "--jobs", path, "-q");
	file = fdopen(fd, "r");
	cr_assert_not_null(file);
	for (; fgets(line, sizeof(line), file) != NULL; num++)
		expect_job_line(line);
	cr_expect_eq(num, 32);
	fclose(file);
	unlink(path);
}

Test(submit_run, text_tells_what_the_json_tells)
{
	static const char *const words[] = {
	    "wound-wait",    "default policy", "seed 9",	  "jobs/s",
	    "p99.9",	     "back-offs",      "Retries per job", "BACK-OFFS",
	    "contended/w1[", "rcs0",	       "missed periods",  "no difference"};
	struct tool tool =
	    TOOL_RUN("contended", "--clients", "16", "--hold-us", "20", "--seed", "9");

	cr_expect_eq(tool.code, 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect(strstr(tool.out, words[i]) != NULL, "no '%s' in\n%s", words[i], tool.out);
	cr_expect_str_eq(tool.err, "", "nothing but notes belongs there: %s", tool.err);
	cr_expect_null(strchr(tool.out, '\033'));
	tool_free(&tool);
}

Test(submit_run, list_prints_steps_and_runs_nothing)
{
	struct tool tool = TOOL_RUN("--list", "1.RCS.*.0.1,T.-1", "game");

	cr_expect_eq(tool.code, 0);
	cr_expect(strstr(tool.out, "1.RCS.*.0.1") != NULL);
	cr_expect(strstr(tool.out, "game") != NULL);
	cr_expect_null(strstr(tool.out, "jobs/s"));
	tool_free(&tool);
}

Test(submit_run, list_as_json_has_the_schema_and_the_steps)
{
	json_t *json = RUN_JSON("--list", "1.RCS.5.0.1,s.-1", "video");
	const json_t *workload = json_array_get(json_at(json, "workloads"), 0);

	cr_expect_str_eq(json_string_value(json_at(json, "schema")), "wwresv.submit/1");
	cr_expect_eq(json_array_size(json_at(json, "workloads")), 2);
	cr_expect_eq(json_array_size(json_at(workload, "steps")), 2);
	json_decref(json);
}

Test(submit_run, help_lists_options_and_builtin_workloads)
{
	static const char *const words[] = {"--clients",   "--break-dep",   "--jobs",
					    "contended",   "shared-set",    "Exit status",
					    "--hold-us N", "--slow-every N"};
	struct tool tool = TOOL_RUN("--help");

	cr_expect_eq(tool.code, 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect(strstr(tool.out, words[i]) != NULL, "no '%s'", words[i]);
	tool_free(&tool);
}

Test(submit_run, version_is_printed_by_both_levels)
{
	struct tool tool = TOOL_RUN("--version");
	struct tool top = tool_run((const char *const[]){"--version", NULL});

	cr_expect_eq(tool.code, 0);
	cr_expect_eq(strncmp(tool.out, "wwresv ", 7), 0);
	cr_expect_str_eq(tool.out, top.out);
	tool_free(&tool);
	tool_free(&top);
}
