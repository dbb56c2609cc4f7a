/* SPDX-License-Identifier: MIT */
/* `wwresv run` and `wwresv info` as processes; what the devices do is in tests/shim. */
#include "tests/tools/test_submit_tool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(tools_run, .timeout = 60);

#define RUN(...) tool_run((const char *const[]){__VA_ARGS__, NULL})

static void expect_error(struct tool tool, int code, const char *text)
{
	cr_expect_eq(tool.code, code, "exit code %d\n%s", tool.code, tool.err);
	cr_expect(strstr(tool.err, text) != NULL, "'%s' is not in:\n%s", text, tool.err);
	tool_free(&tool);
}

Test(tools_run, wrong_options_are_named)
{
	expect_error(RUN("run"), 2, "which program?");
	expect_error(RUN("run", "--cap", "SYNCOBJ", "true"), 2, "'SYNCOBJ' is not NAME=0");
	expect_error(RUN("run", "--cap", "SYNCOBJ=2", "true"), 2, "'SYNCOBJ=2' is not NAME=0");
	expect_error(RUN("run", "--cap", "TELEPATHY=1", "true"), 2, "named 'TELEPATHY'");
	expect_error(RUN("run", "--driver", "i915", "true"), 2, "named 'i915'");
	expect_error(RUN("run", "--driver", "vgem", "--driver", "vgem", "true"), 2, "there twice");
	expect_error(RUN("run", "--quota", "buffers=-1", "true"), 2, "is not NAME=NUMBER");
	expect_error(RUN("run", "--quota", "buffers=9999999999", "true"), 2, "is none of");
	expect_error(RUN("run", "--quota", "", "true"), 2, "is empty");
	expect_error(RUN("run", "--mock", "rcs=x", "true"), 2, "'rcs=x' is none of");
	expect_error(RUN("run", "--mock", "rcs=1.5", "true"), 2, "'rcs=1.5' is none of");
	expect_error(RUN("run", "--mock", "gpu", "true"), 2, "'gpu' is none of");
	expect_error(RUN("run", "--mock", "rcs=40,ccs=40", "true"), 2, "1 to 64 engines");
	expect_error(RUN("run", "--mock", "rcs=0,bcs=0,vcs=0,vecs=0,ccs=0", "true"), 2,
		     "1 to 64 engines");
	expect_error(RUN("info", "more"), 2, "what is 'more'?");
}

Test(tools_run, program_that_is_not_there_is_127)
{
	expect_error(RUN("run", "--", "/nowhere/program"), 127, "/nowhere/program: No such file");
	expect_error(RUN("run", "--", "/etc/passwd"), 126, "/etc/passwd: Permission denied");
}

Test(tools_run, exit_code_and_signal_are_the_programs)
{
	struct tool tool = RUN("run", "--", "sh", "-c", "exit 7");

	cr_expect_eq(tool.code, 7);
	tool_free(&tool);
	tool = RUN("run", "--", "sh", "-c", "kill -USR1 $$");
	cr_expect_eq(tool.code, -SIGUSR1);
	tool_free(&tool);
}

Test(tools_run, signals_reach_the_program)
{
	static const char *const args[] = {
	    "run",
	    "--",
	    "sh",
	    "-c",
	    "sleep 50 >/dev/null 2>&1 & trap 'kill $!; exit 9' TERM; echo ready >&2; wait",
	    NULL};
	struct tool tool = tool_start(args);

	cr_assert(tool_wait_for(&tool, "ready"));
	kill(tool.pid, SIGTERM);
	tool_finish(&tool);
	cr_expect_eq(tool.code, 9);
	tool_free(&tool);
}

Test(tools_run, program_that_does_not_look_for_devices_is_as_ever)
{
	static const char script[] = "ls -l /etc/passwd /dev/null; stat -c %t:%T /dev/zero;"
				     "readlink -f /proc/self/exe; seq 1000 | sort -r | tail -n 3;"
				     "{ echo to stderr; } >&2; exit 3";
	struct tool tool = RUN("run", "--", "sh", "-c", script);
	FILE *plain = popen(script, "r");
	char out[4096];
	size_t length = fread(out, 1, sizeof(out) - 1, plain);

	out[length] = '\0';
	pclose(plain);
	cr_expect_gt(length, 50);
	cr_expect_str_eq(tool.out, out);
	cr_expect_str_eq(tool.err, "to stderr\n");
	cr_expect_eq(tool.code, 3);
	tool_free(&tool);
}

#ifdef STATIC_PROGRAM
Test(tools_run, static_program_is_told_of)
{
	expect_error(RUN("run", "--", STATIC_PROGRAM), 4, "is linked statically: it will not find");
}
#endif

Test(tools_run, folder_of_the_devices_is_gone_afterwards)
{
	struct tool tool = RUN("run", "--", "sh", "-c", "echo $WWRESV_SHIM_TREE; ls /dev/dri");
	struct stat status;
	char *end;

	cr_assert_eq(tool.code, 0, "%s", tool.err);
	cr_expect(strstr(tool.out, "\ncard0\ncard1\nrenderD128\nrenderD129\n") != NULL, "%s",
		  tool.out);
	end = strchr(tool.out, '\n');
	cr_assert_not_null(end);
	*end = '\0';
	cr_expect_eq(tool.out[0], '/');
	cr_expect_neq(lstat(tool.out, &status), 0, "%s is still there", tool.out);
	tool_free(&tool);
}

Test(tools_run, one_driver_is_one_device)
{
	struct tool tool = RUN("run", "--driver", "vgem", "--", "ls", "/dev/dri");

	cr_assert_eq(tool.code, 0, "%s", tool.err);
	cr_expect_str_eq(tool.out, "card0\nrenderD128\n");
	tool_free(&tool);
}

Test(tools_run, info_lists_devices_capabilities_and_limits)
{
	struct tool tool = RUN("info", "--json", "--driver", "vgem", "--driver", "wwrmock", "--cap",
			       "SYNCOBJ_TIMELINE=0", "--quota", "buffers=3", "--mock", "rcs=4");
	json_t *root, *first, *second;

	cr_assert_eq(tool.code, 0, "%s", tool.err);
	root = tool_json(&tool);
	cr_assert_eq(json_array_size(json_object_get(root, "devices")), 2);
	first = json_array_get(json_object_get(root, "devices"), 0);
	second = json_array_get(json_object_get(root, "devices"), 1);
	cr_expect_str_eq(json_string_value(json_object_get(first, "driver")), "vgem");
	cr_expect_str_eq(json_string_value(json_object_get(first, "card")), "card0");
	cr_expect_str_eq(json_string_value(json_object_get(second, "driver")), "wwrmock");
	cr_expect_str_eq(json_string_value(json_object_get(second, "render")), "renderD129");
	cr_expect(json_is_false(json_at(first, "capabilities.SYNCOBJ_TIMELINE")));
	cr_expect(json_is_true(json_at(first, "capabilities.SYNCOBJ")));
	cr_expect_eq(json_number_at(first, "limits.buffers"), 3);
	cr_expect_null(json_object_get(first, "engines"));
	cr_expect_eq(json_number_at(second, "engines.rcs"), 4);
	cr_expect_eq(json_number_at(second, "engines.vcs"), 2);
	json_decref(root);
	tool_free(&tool);
	tool = RUN("info", "--cap", "SYNCOBJ=0", "--mock", "ccs=3");
	cr_expect(strstr(tool.out, " engines       rcs=1 bcs=1 vcs=2 vecs=1 ccs=3\n") != NULL, "%s",
		  tool.out);
	cr_expect(strstr(tool.out, " SYNCOBJ=0 SYNCOBJ_TIMELINE=0\n") != NULL, "%s", tool.out);
	tool_free(&tool);
}
