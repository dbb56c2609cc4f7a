/* SPDX-License-Identifier: MIT */
/* Wrong usage, unreadable input, unwritable output. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tools/test_submit_tool.h"

TestSuite(submit_errors, .timeout = 300);

Test(submit_errors, malformed_text_is_refused_with_its_place)
{
	TOOL_EXPECT_ERROR(2, "<text>:1:15: ", "1.RCS.5.0.0,1.XCS.5.0.0");
	TOOL_EXPECT_ERROR(2, "<text>:1:9: ", "1.RCS.10");
}

Test(submit_errors, malformed_file_is_refused_with_its_place)
{
	char path[] = "/tmp/wwresv-bad-XXXXXX";
	char place[64];
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "# a comment, with a comma\n1.RCS.5.0.0\n1.RCS.5.-7.0\n", 52), 52);
	snprintf(place, sizeof(place), "%s:3:9: ", path);
	TOOL_EXPECT_ERROR(2, place, path);
	/* Nothing runs when one of several is refused. */
	TOOL_EXPECT_ERROR(2, place, "1.RCS.5.0.0", path, "--jobs", "/nonexistent/x");
	close(fd);
	unlink(path);
}

/* A workload file of one step, with this name. */
static void write_step(const char *path)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_gt(fprintf(file, "1.RCS.5.0.0\n"), 0);
	cr_assert_eq(fclose(file), 0);
}

Test(submit_errors, jobs_are_not_written_over_a_workload)
{
	char folder[] = "/tmp/wwresv-jobs-XXXXXX";
	char path[64], other[64], content[32] = "";
	FILE *file;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.wsim", folder);
	snprintf(other, sizeof(other), "%s/b", folder);
	write_step(path);
	cr_assert_eq(symlink(path, other), 0);
	TOOL_EXPECT_ERROR(2, "--jobs: expected another file than the workload", path, "--jobs",
			  path);
	TOOL_EXPECT_ERROR(2, "--jobs: expected another file than the workload", path, "--jobs",
			  other);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_expect_not_null(fgets(content, sizeof(content), file));
	cr_expect_str_eq(content, "1.RCS.5.0.0\n");
	fclose(file);
	unlink(other);
	unlink(path);
	rmdir(folder);
}

Test(submit_errors, name_that_is_no_utf8_is_escaped_in_json)
{
	char folder[] = "/tmp/wwresv-name-XXXXXX";
	char path[64];
	struct tool tool;
	json_t *json;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a\xff.wsim", folder);
	write_step(path);
	tool = TOOL_RUN(path, "--json");
	cr_expect_eq(tool.code, 0, "%d %s", tool.code, tool.err);
	json = tool_json(&tool);
	cr_expect_str_eq(json_string_value(json_object_get(
			     json_array_get(json_at(json, "workloads"), 0), "name")),
			 "a\\xff");
	json_decref(json);
	tool_free(&tool);
	tool = TOOL_RUN(path, "--jobs", "-");
	cr_expect_eq(tool.code, 0, "%d %s", tool.code, tool.err);
	cr_expect_not_null(strstr(tool.out, "\"workload\": \"a\\\\xff\""), "%s", tool.out);
	tool_free(&tool);
	unlink(path);
	rmdir(folder);
}

Test(submit_errors, file_that_is_not_there_is_named)
{
	TOOL_EXPECT_ERROR(2, "/nonexistent/file.wsim", "/nonexistent/file.wsim");
	TOOL_EXPECT_ERROR(2, "nosuchworkload", "nosuchworkload");
}

Test(submit_errors, folder_is_no_workload)
{
	TOOL_EXPECT_ERROR(2, "/tmp", "/tmp");
}

Test(submit_errors, empty_standard_input_is_refused_or_runs_nothing)
{
	struct tool tool = TOOL_RUN("-", "--json");

	/* The tests' standard input is empty. */
	cr_expect(tool.code == 0 || tool.code == 2, "%d", tool.code);
	tool_free(&tool);
}

Test(submit_errors, engine_that_the_mock_does_not_have_is_refused)
{
	TOOL_EXPECT_ERROR(2, "--engines", "1.RCS2.5.0.0");
	TOOL_EXPECT(0, "1.RCS2.5.0.0", "--engines", "rcs=2");
}

Test(submit_errors, option_and_value_and_expectation_are_named)
{
	TOOL_EXPECT_ERROR(2, "--clients: expected a whole number from 1 to 10000, found '0'",
			  "game", "--clients", "0");
	TOOL_EXPECT_ERROR(2, "--class: expected wound-wait or wait-die, found 'x'", "game",
			  "--class", "x");
	TOOL_EXPECT_ERROR(2, "--break-dep: expected read, write, data or submit, found 'x'", "game",
			  "--break-dep", "x");
	TOOL_EXPECT_ERROR(2, "--engines: expected an engine class", "game", "--engines", "gpu=1");
	TOOL_EXPECT_ERROR(2, "unknown option '--frobnicate'", "game", "--frobnicate");
	TOOL_EXPECT_ERROR(2, "unknown option '-x'", "-x", "game");
	TOOL_EXPECT_ERROR(2, "option '--clients' needs a value", "game", "--clients");
	TOOL_EXPECT_ERROR(2, "no workload named", "--share");
}

Test(submit_errors, engine_class_named_twice_is_refused)
{
	TOOL_EXPECT_ERROR(2, "--engines: expected each class once, found 'RCS' again",
			  "1.RCS.5.0.0", "--engines", "rcs=2,vcs=1,RCS=4");
}

Test(submit_errors, two_outputs_on_standard_output_are_refused)
{
	TOOL_EXPECT_ERROR(2, "--json and --jobs both write to standard output", "1.RCS.5.0.0",
			  "--json", "--jobs", "-");
	TOOL_EXPECT(0, "1.RCS.5.0.0", "--jobs", "-");
	TOOL_EXPECT(0, "1.RCS.5.0.0", "--jobs", "/dev/null", "--json");
}

Test(submit_errors, text_with_a_slash_is_told_the_way_out)
{
	TOOL_EXPECT_ERROR(2, "No such file or directory; a text cannot have '/'",
			  "1.RCS.5.r1-0/r1-1.0,w.1.2n4k");
	/* A mistake in it does not hide that it is a text. */
	TOOL_EXPECT_ERROR(2, "No such file or directory; a text cannot have '/'",
			  "w.1.4k,1.RCX.5.r1-0/r1-1.0");
	TOOL_EXPECT_ERROR(2, "cannot open: No such file or directory\n", "a/b.wsim");
	TOOL_EXPECT_ERROR(2, "cannot open: No such file or directory\n", "./1.wsim");
}

Test(submit_errors, top_level_usage_is_checked)
{
	struct tool tool = tool_run((const char *const[]){"frobnicate", NULL});
	struct tool none = tool_run((const char *const[]){NULL});
	struct tool option = tool_run((const char *const[]){"--frobnicate", NULL});

	cr_expect_eq(tool.code, 2);
	cr_expect(strstr(tool.err, "unknown subcommand 'frobnicate'") != NULL);
	cr_expect_eq(none.code, 2);
	cr_expect(strstr(none.err, "Usage: wwresv") != NULL);
	cr_expect_eq(option.code, 2);
	tool_free(&tool);
	tool_free(&none);
	tool_free(&option);
}

Test(submit_errors, jobs_file_that_cannot_be_written_is_reported)
{
	TOOL_EXPECT_ERROR(2, "--jobs: cannot write '/nonexistent/jobs'", "1.RCS.5.0.0", "--jobs",
			  "/nonexistent/jobs");
	TOOL_EXPECT_ERROR(2, "No space left on device", "1.RCS.5.0.0", "--jobs", "/dev/full");
}

/* The exit code of a command that begins with the tool. */
static int run_status(const char *args)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "%s submit %s", WWRESV_TOOL, args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* With standard output on a full disk. */
static struct tool run_full(const char *args)
{
	char command[512];
	FILE *file;
	int status;
	struct tool tool = {.err = calloc(1, 4096), .out = NULL};

	cr_assert_not_null(tool.err);
	snprintf(command, sizeof(command), "%s submit %s 2>&1 >/dev/full </dev/null", WWRESV_TOOL,
		 args);
	file = popen(command, "r");
	cr_assert_not_null(file);
	tool.err_len = fread(tool.err, 1, 4095, file);
	status = pclose(file);
	tool.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return tool;
}

Test(submit_errors, full_standard_output_is_reported)
{
	static const char *const args[] = {"game --scale 0", "game --scale 0 --json",
					   "game --list",    "game --list --json",
					   "--help",	     "--version",
					   "game --jobs -"};

	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		struct tool tool = run_full(args[i]);

		cr_expect_eq(tool.code, 2, "%s: %d", args[i], tool.code);
		cr_expect(strstr(tool.err, "standard output: No space left on device") != NULL,
			  "%s: %s", args[i], tool.err);
		cr_expect_eq(strchr(tool.err, '\n') + 1, tool.err + tool.err_len, "%s: %s", args[i],
			     tool.err);
		tool_free(&tool);
	}
}

Test(submit_errors, too_much_memory_is_told_before_anything_runs)
{
	/* All of 900 GiB twice, which no machine that runs this has. */
	TOOL_EXPECT_ERROR(77, "need 1800.0 GiB of memory with --touch full",
			  "w.1.900g,1.RCS.5.w1-0.0", "--touch", "full");
	TOOL_EXPECT(0, "w.1.900g,1.RCS.5.w1-0.0");
	TOOL_EXPECT_ERROR(2,
			  "expected at most 65536 GiB of buffers, found 90000.0 GiB of 100 clients",
			  "w.1.900g,1.RCS.5.w1-0.0", "--clients", "100");
}

Test(submit_errors, too_few_file_descriptors_are_told_before_anything_runs)
{
	struct rlimit old, few = {.rlim_cur = 200, .rlim_max = 200};
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child != 0) {
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		return;
	}
	/* Each of these clients needs 15 or fewer, and 100 of them more than there are. */
	if (getrlimit(RLIMIT_NOFILE, &old) != 0 || setrlimit(RLIMIT_NOFILE, &few) != 0)
		_exit(1);
	_exit(run_status("explicit --scale 0 --repeat 50 --clients 8 >/dev/null") != 0 ||
	      run_status("explicit --scale 0 --clients 100 2>&1 | grep -q "
			 "'100 clients need .* and the limit is 200'") != 0 ||
	      run_status("explicit --scale 0 --clients 100 2>/dev/null") != 77);
}

Test(submit_errors, failed_check_counts_more_than_a_full_disk)
{
	struct tool tool = run_full("1.RCS.*.0.1 --timeout 0.2");

	cr_expect_eq(tool.code, 1);
	tool_free(&tool);
}

Test(submit_errors, too_much_is_refused_before_anything_runs)
{
	TOOL_EXPECT_ERROR(2, "clients of all workloads together", "1.RCS.5.0.0", "1.RCS.5.0.0",
			  "--clients", "6000");
	TOOL_EXPECT_ERROR(2, "at most 1048576 buffers in a batch",
			  "w.1.1000000000n1,1.RCS.5.r1-0-999999999.0");
}
