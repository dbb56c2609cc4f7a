/* SPDX-License-Identifier: MIT */
/* `wwresv submit --via libdrm`: the same runs as a client of the devices, and what it refuses. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <wwresv/uapi/wwr_drm.h>

#include "tests/tools/test_submit_tool.h"
#include "tests/tools/test_wsim.h"

TestSuite(submit_via, .timeout = 300);

static json_t *run_json(const char *const *args)
{
	struct tool tool = tool_run(args);
	json_t *json;

	cr_assert_eq(tool.code, 0, "exit code %d\n%s", tool.code, tool.err);
	json = tool_json(&tool);
	tool_free(&tool);
	return json;
}

#define RUN_JSON(...) run_json((const char *const[]){"submit", "--json", __VA_ARGS__, NULL})

/* Objects have the same keys, at any depth; arrays may differ in length. */
static void expect_same_keys(json_t *a, json_t *b)
{
	json_t *value, *other;
	const char *key;

	cr_expect_eq(json_object_size(a), json_object_size(b));
	json_object_foreach(a, key, value)
	{
		other = json_object_get(b, key);
		cr_expect_not_null(other, "no key '%s'", key);
		if (json_is_object(value) && json_is_object(other))
			expect_same_keys(value, other);
	}
}

static double jobs_of_engines(const json_t *json)
{
	const json_t *entry;
	double sum = 0;
	size_t i;

	json_array_foreach(json_at(json, "engines"), i, entry) sum += json_number_at(entry, "jobs");
	return sum;
}

static void expect_same_counts(json_t *direct, json_t *via, double jobs)
{
	static const char *const numbers[] = {
	    "jobs.submitted",
	    "jobs.failed",
	    "jobs.cancelled",
	    "jobs.completed",
	    "reservation.sets",
	    "verify.buffers",
	    "reservation.buffers_per_set.min",
	    "reservation.buffers_per_set.max",
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cr_expect_eq(json_number_at(direct, numbers[i]), json_number_at(via, numbers[i]),
			     "%s", numbers[i]);
	cr_expect_eq(json_number_at(via, "jobs.completed"), jobs);
	cr_expect_eq(json_number_at(via, "verify.mismatches"), 0);
	cr_expect_geq(json_number_at(via, "reservation.locks"), jobs);
	cr_expect_eq(jobs_of_engines(via), jobs);
	expect_same_keys(direct, via);
}

Test(submit_via, built_in_workload_is_the_same_as_direct)
{
	json_t *direct = RUN_JSON("game", "--clients", "4", "--seed", "5", "--scale", "0.01");
	json_t *via =
	    RUN_JSON("game", "--clients", "4", "--seed", "5", "--scale", "0.01", "--via", "libdrm");

	expect_same_counts(direct, via, 24);
	json_decref(direct);
	json_decref(via);
}

Test(submit_via, shared_buffers_are_written_whole)
{
	json_t *direct = RUN_JSON("contended", "--clients", "4", "--scale", "0.01", "--share",
				  "--touch", "full", "--seed", "6");
	json_t *via = RUN_JSON("contended", "--clients", "4", "--scale", "0.01", "--share",
			       "--touch", "full", "--seed", "6", "--via", "libdrm");

	expect_same_counts(direct, via, json_number_at(direct, "jobs.completed"));
	json_decref(direct);
	json_decref(via);
}

Test(submit_via, eight_clients_share_the_car_chase)
{
	json_t *direct, *via;
	const char *dir;
	char path[512];

	TEST_NEED_WSIM_DIR(&dir);
	snprintf(path, sizeof(path), "%s/carchasepart.wsim", dir);
	direct =
	    RUN_JSON(path, "--clients", "8", "--share", "--engines", "rcs=4", "--scale", "0.01");
	via = RUN_JSON(path, "--clients", "8", "--share", "--engines", "rcs=4", "--scale", "0.01",
		       "--via", "libdrm");
	expect_same_counts(direct, via, 808);
	json_decref(direct);
	json_decref(via);
}

/* A buffer is a descriptor of the library's; a system's usual limit is less than many have. */
Test(submit_via, limit_of_descriptors_is_raised)
{
	struct rlimit limit, low;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){64, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	TOOL_EXPECT(0, "w.1.100n4k,1.RCS.1.w1-0-99.0", "--clients", "2", "--via", "libdrm");
	low.rlim_max = 200;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	TOOL_EXPECT_ERROR(77, "need 210 file descriptors, and the limit is 200",
			  "w.1.100n4k,1.RCS.1.w1-0-99.0", "--clients", "2", "--via", "libdrm");
}

Test(submit_via, options_of_the_direct_path_are_refused)
{
	TOOL_EXPECT_ERROR(2, "--class is not for", "game", "--via", "libdrm", "--class",
			  "wait-die");
	TOOL_EXPECT_ERROR(2, "--policy is not for", "game", "--via", "libdrm", "--policy",
			  "classic");
	TOOL_EXPECT_ERROR(2, "--hold-us is not for", "game", "--via", "libdrm", "--hold-us", "1");
	TOOL_EXPECT_ERROR(2, "--inject is not for", "game", "--via", "libdrm", "--inject", "1");
	TOOL_EXPECT_ERROR(2, "--vram is not for", "game", "--via", "libdrm", "--vram", "1g");
	TOOL_EXPECT_ERROR(2, "--break-dep is not for", "game", "--via", "libdrm", "--break-dep",
			  "read");
	TOOL_EXPECT_ERROR(2, "--slow-every is not for", "game", "--via", "libdrm", "--slow-every",
			  "2");
	TOOL_EXPECT_ERROR(2, "--fdinfo is not for", "game", "--via", "libdrm", "--fdinfo");
	TOOL_EXPECT_ERROR(2, "--hang-timeout or --hang-limit is not for", "game", "--via", "libdrm",
			  "--hang-timeout", "5");
	TOOL_EXPECT_ERROR(2, "--via", "game", "--via", "telepathy");
}

static struct tool run_with_abi(const char *abi)
{
	struct tool tool;

	setenv("LD_PRELOAD", TELLS_ABI, 1);
	setenv("TELLS_ABI", abi, 1);
	tool = TOOL_RUN("game", "--scale", "0.01", "--via", "libdrm");
	unsetenv("LD_PRELOAD");
	unsetenv("TELLS_ABI");
	return tool;
}

Test(submit_via, device_with_an_older_interface_is_refused)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "has interface %d, and this tool needs %d",
		 WWR_DRM_ABI - 1, WWR_DRM_ABI);
	for (int abi = WWR_DRM_ABI - 1; abi <= WWR_DRM_ABI + 1; abi++) {
		char number[16];
		struct tool tool;

		snprintf(number, sizeof(number), "%d", abi);
		tool = run_with_abi(number);
		cr_expect_eq(tool.code, abi < WWR_DRM_ABI ? 77 : 0, "%d: exit code %d\n%s", abi,
			     tool.code, tool.err);
		cr_expect_eq(strstr(tool.err, expected) != NULL, abi < WWR_DRM_ABI, "%d:\n%s", abi,
			     tool.err);
		tool_free(&tool);
	}
}

Test(submit_via, device_that_does_not_tell_its_interface_is_refused)
{
	struct tool tool = run_with_abi("none");

	cr_expect_eq(tool.code, 77, "exit code %d\n%s", tool.code, tool.err);
	cr_expect(strstr(tool.err, "does not tell which interface it has") != NULL, "%s", tool.err);
	tool_free(&tool);
}

/* Both ways do all of it, and find nothing wrong. */
static void expect_same_run(const char *workload)
{
	json_t *direct =
	    RUN_JSON(workload, "--clients", "3", "--scale", "0.01", "--repeat", "2", "--seed", "8");
	json_t *via = RUN_JSON(workload, "--clients", "3", "--scale", "0.01", "--repeat", "2",
			       "--seed", "8", "--via", "libdrm");

	expect_same_counts(direct, via, json_number_at(direct, "jobs.submitted"));
	json_decref(direct);
	json_decref(via);
}

Test(submit_via, every_built_in_workload_is_the_same_as_direct)
{
	static const char *const names[] = {"contended", "desktop",    "explicit",
					    "game",	 "shared-set", "video"};
	size_t num;

	(void)wsim_builtin_list(&num);
	cr_expect_eq(num, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_same_run(names[i]);
}

static void run_descriptor(const char *path, unsigned int number)
{
	(void)number;
	expect_same_run(path);
}

Test(submit_via, every_descriptor_is_the_same_as_direct, .timeout = 600)
{
	const char *dir;

	TEST_NEED_WSIM_DIR(&dir);
	cr_expect_geq(test_wsim_for_each(dir, run_descriptor), 12);
}

/* Each of these hangs, or differs from the replay, if what it is about does not reach the device.
 */
Test(submit_via, fences_of_all_kinds_are_the_same_as_direct)
{
	/* A software fence holds two batches back; one is behind the end of the other. */
	expect_same_run("f,1.RCS.100.f-1.0,2.VCS.100.f-1|f-2.0,a.-3,s.-2");
	/* What starts with another one, which has not ended: that is held by nothing else. */
	expect_same_run("1.RCS.*.0.0,2.VCS.100.s-1.1,2.BCS.5.s-2|f-1.1,T.-3,s.-4");
	/* The wait is for one job, not for those that were submitted before it. */
	expect_same_run("f,1.RCS.5.f-1.0,2.VCS.5.0.1,a.-3,s.-3");
	/* A fence that nobody reaches goes with the loop; the same one is named twice. */
	expect_same_run("f,f,1.RCS.5.f-1|f-2|f-2.0,2.RCS.5.-1.0");
	expect_same_run("q.1,3.VCS.5.0.0,4.VCS.5.0.0,t.1,3.VCS.5.0.0,4.RCS.5.-1.0");
	/* Twice the same start, and two of one batch. */
	expect_same_run("1.RCS.5.0.0,2.VCS.5.s-1|s-1.0,3.BCS.5.s-1|s-2.0");
}

Test(submit_via, contexts_are_the_same_as_direct)
{
	/* The second context gets the engine only because the first gives way. */
	expect_same_run("1.RCS.*.0.0,2.RCS.5.0.1,T.-2,s.-3");
	expect_same_run("X.1.0,1.RCS.*.0.0,2.VCS.5.s-1.1,T.-2,2.RCS.5.0.1,X.1.7,1.RCS.*.0.0,"
			"2.RCS.5.0.1,T.-2");
	/* Any number is a priority. */
	expect_same_run("P.1.5,P.2.-2000,1.RCS.5.0.0,2.RCS.5.0.0,P.2.2147483647,2.RCS.5.0.1");
	expect_same_run(
	    "M.1.VCS,B.1,b.1.VCS2.VCS1,1.VCS.5.0.0,1.DEFAULT.5.-1.0,S.1.3,1.VCS2.5.0.0");
}

/* Without end by itself, and behind a fence that no step reaches. */
Test(submit_via, stall_is_reported_and_ends)
{
	TOOL_EXPECT_ERROR(1, "stall: no job completed", "1.RCS.*.0.1", "--timeout", "0.5", "--via",
			  "libdrm");
	TOOL_EXPECT_ERROR(1, "the device tells nothing", "f,1.RCS.5.f-1.1,a.-2", "--timeout", "0.5",
			  "--via", "libdrm");
}

/* A software fence and a job that nobody ends: the end of the client does. */
Test(submit_via, signal_ends_what_has_no_end)
{
	struct tool tool = tool_start_on_terminal(
	    (const char *const[]){"submit", "1.RCS.5.0.0,f,1.RCS.*.f-1.1", "--timeout", "100",
				  "--via", "libdrm", "--json", NULL});
	json_t *json;

	cr_assert(tool_wait_for(&tool, " jobs "), "no progress: %s", tool.err);
	cr_assert_eq(kill(tool.pid, SIGINT), 0);
	tool_finish(&tool);
	json = tool_json(&tool);
	cr_expect_eq(tool.code, 128 + SIGINT, "%d %s", tool.code, tool.err);
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "interrupted");
	cr_expect_eq(json_number_at(json, "jobs.completed"),
		     json_number_at(json, "jobs.submitted"));
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
	tool_free(&tool);
}

static void expect_job_line(const char *line)
{
	static const char *const keys[] = {"client",  "loop",	 "step",
					   "buffers", "retries", "wait_us"};
	json_t *json = json_loads(line, 0, NULL);

	cr_assert_not_null(json, "%s", line);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_expect_geq(json_number_at(json, keys[i]), 0);
	cr_expect_eq(json_object_size(json), 10);
	cr_expect_eq(json_number_at(json, "buffers"), 13);
	cr_expect_str_eq(json_string_value(json_at(json, "workload")), "contended");
	cr_expect(json_is_null(json_at(json, "contended")) ||
		  strncmp(json_string_value(json_at(json, "contended")), "contended/w1[", 13) == 0);
	/* A job has an engine, or the reason why it has none. */
	cr_expect_eq(json_is_string(json_at(json, "engine")), json_is_null(json_at(json, "error")));
	json_decref(json);
}

static unsigned int count_lines(const char *path)
{
	unsigned int num = 0;
	char line[512];
	FILE *file = fopen(path, "re");

	cr_assert_not_null(file);
	for (; fgets(line, sizeof(line), file) != NULL; num++)
		expect_job_line(line);
	fclose(file);
	return num;
}

/* Some may give up, and are counted and written down all the same. */
static void expect_limited_run(const char *path)
{
	struct tool tool =
	    TOOL_RUN("contended", "--clients", "8", "--scale", "0", "--repeat", "20",
		     "--retry-limit", "1", "--jobs", path, "--json", "--via", "libdrm");
	json_t *json = tool_json(&tool);
	double failed = json_number_at(json, "jobs.failed");

	cr_expect_eq(tool.code, failed > 0 ? 1 : 0);
	cr_expect_eq(failed + json_number_at(json, "jobs.completed"), 1280);
	cr_expect_eq(json_number_at(json, "jobs.submitted"), 1280);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	cr_expect_leq(json_number_at(json, "reservation.retries_max"), 1);
	json_decref(json);
	tool_free(&tool);
}

Test(submit_via, jobs_file_has_a_line_a_job_with_its_engine)
{
	char path[] = "/tmp/wwresv-via-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	TOOL_EXPECT(0, "contended", "--clients", "4", "--jobs", path, "--via", "libdrm");
	cr_expect_eq(count_lines(path), 32);
	expect_limited_run(path);
	cr_expect_eq(count_lines(path), 1280);
	unlink(path);
}

/* Fewer buffers than the table has rows: it must have every back-off and all the time. */
Test(submit_via, contended_table_adds_up)
{
	json_t *json =
	    RUN_JSON("W.1.4k,W.2.4k,W.3.4k,1.RCS.5.w1-0|w2-0|w3-0.0,"
		     "2.VCS.5.w3-0|w2-0|w1-0.0,3.BCS.5.w2-0|w3-0|w1-0.0",
		     "--clients", "8", "--scale", "0", "--repeat", "100", "--via", "libdrm");
	const json_t *entry;
	double backoffs = 0, wait_us = 0;
	size_t i;

	json_array_foreach(json_at(json, "contended"), i, entry)
	{
		backoffs += json_number_at(entry, "backoffs");
		wait_us += json_number_at(entry, "wait_us");
	}
	cr_expect_eq(backoffs, json_number_at(json, "reservation.backoffs"));
	cr_expect_float_eq(wait_us, json_number_at(json, "reservation.wait_us"), 1.0);
	json_decref(json);
}

/* The engine that a step's jobs ran on, of a file of jobs; they are of one client. */
static void read_engine(const char *path, double step, char *ret_engine, size_t engine_bytes)
{
	FILE *file = fopen(path, "re");
	char line[512];

	ret_engine[0] = '\0';
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		json_t *json = json_loads(line, 0, NULL);

		cr_assert_not_null(json, "%s", line);
		if (json_number_at(json, "step") == step)
			snprintf(ret_engine, engine_bytes, "%s",
				 json_string_value(json_at(json, "engine")));
		json_decref(json);
	}
	fclose(file);
}

/* The idle engine would be taken but for the bond: its master's, and after another map the other.
 */
static void expect_bonds(const char *way)
{
	char path[] = "/tmp/wwresv-via-XXXXXX", engine[64];
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	TOOL_EXPECT(0,
		    "M.1.VCS,B.1,b.1.VCS1.VCS1,2.VCS1.*.0.0,1.VCS.5.s-1.1,"
		    "b.1.VCS2.VCS2,3.VCS2.*.0.0,1.VCS.5.s-1.1,M.1.VCS,B.1,1.VCS.5.s-7.1,T.-8,T.-6",
		    "--repeat", "2", "--jobs", path, "--via", way);
	read_engine(path, 4, engine, sizeof(engine));
	cr_expect_str_eq(engine, "vcs0", "%s", way);
	read_engine(path, 7, engine, sizeof(engine));
	cr_expect_str_eq(engine, "vcs1", "%s", way);
	unlink(path);
}

Test(submit_via, bonds_are_the_same_as_direct)
{
	expect_bonds("direct");
	expect_bonds("libdrm");
}

/* All steps are done although the first batch has the engine for longer than the run may stall. */
Test(submit_via, timed_batch_gives_way_as_it_does_directly)
{
	static const char *const text = "X.1.100,1.RCS.8000000.0.0,P.2.5,2.RCS.5.0.1";

	TOOL_EXPECT_ERROR(1, "has run all steps", text, "--timeout", "3", "--via", "direct");
	TOOL_EXPECT_ERROR(1, "has run all steps", text, "--timeout", "3", "--via", "libdrm");
	/* Longer than the device takes is as good as none. */
	expect_same_run("X.1.4000000000,1.RCS.5.0.0,X.1.0,1.RCS.5.0.0,X.1.1,1.RCS.5.-2.0");
}

/* With one client nobody gives up locks, so there is one number that is right. */
Test(submit_via, locks_are_counted_as_directly)
{
	json_t *direct = RUN_JSON("contended", "--clients", "1", "--repeat", "3");
	json_t *via = RUN_JSON("contended", "--clients", "1", "--repeat", "3", "--via", "libdrm");

	cr_expect_eq(json_number_at(direct, "reservation.locks"), 312);
	cr_expect_eq(json_number_at(via, "reservation.locks"), 312);
	json_decref(direct);
	json_decref(via);
}

Test(submit_via, more_than_the_device_takes_is_refused)
{
	char text[8192] = "f";

	for (int i = 0; i < 1025; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 i == 0 ? ",1.RCS.1.f-1" : "|f-1");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".0");
	TOOL_EXPECT_ERROR(2, "waits for 1025 explicit fences", text, "--via", "libdrm");
	TOOL_EXPECT_ERROR(2, "runs for longer", "1.RCS.60000001.0.0", "--via", "libdrm");
	TOOL_EXPECT(0, "1.RCS.60000000.0.0", "--via", "libdrm", "--scale", "0");
}

Test(submit_via, interrupt_of_the_preparation_leaves_an_empty_summary)
{
	const char *const args[] = {
	    "submit", "w.1.20000n1,1.RCS.5.0.0", "--via", "libdrm", "--json", NULL};
	struct tool tool = tool_start_on_terminal(args);
	json_t *json;

	cr_assert(tool_wait_for(&tool, " buffers "), "no progress: %s", tool.err);
	cr_assert_eq(kill(tool.pid, SIGTERM), 0);
	tool_finish(&tool);
	cr_expect_eq(tool.code, 128 + SIGTERM, "%d %s", tool.code, tool.err);
	json = tool_json(&tool);
	cr_expect_str_eq(json_string_value(json_at(json, "ended")), "interrupted");
	cr_expect_eq(json_number_at(json, "jobs.submitted"), 0);
	json_decref(json);
	tool_free(&tool);
}
