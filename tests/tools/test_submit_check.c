/* SPDX-License-Identifier: MIT */
/*
 * The check of the result can fail.  Each workload holds its first job until the second one, which
 * must not run before it, has completed: only a dependency that is not there lets it end at all.
 */
#include "tests/tools/test_submit_tool.h"

TestSuite(submit_check, .timeout = 300);

struct breakable {
	const char *kind;
	const char *workload;
	const char *possible; /* the same, but it ends with all dependencies in force, too */
};

static const struct breakable breakables[] = {
    /* The reader does not wait for the writer. */
    {"read", "W.1.4k,1.RCS.*.w1-0.0,2.BCS.10.r1-0.1,T.-2",
     "W.1.4k,1.RCS.5000.w1-0.0,2.BCS.10.r1-0.1"},
    /* The writer does not wait for the reader. */
    {"write", "W.1.4k,1.RCS.*.r1-0.0,2.BCS.10.w1-0.1,T.-2",
     "W.1.4k,1.RCS.5000.r1-0.0,2.BCS.10.w1-0.1"},
    {"data", "1.RCS.*.0.0,2.BCS.10.-1.1,T.-2", "1.RCS.5000.0.0,2.BCS.10.-1.1"},
    /* The second runs although the first is held by a fence and has not begun. */
    {"submit", "f,1.RCS.10.f-1.0,2.BCS.10.s-1.1,a.-3", "f,1.RCS.10.f-1.0,2.BCS.10.s-1.0,a.-3"},
};

#define NUM_BREAKABLES (sizeof(breakables) / sizeof(breakables[0]))

Test(submit_check, each_broken_dependency_is_found)
{
	for (size_t i = 0; i < NUM_BREAKABLES; i++) {
		struct tool tool =
		    TOOL_RUN(breakables[i].workload, "--break-dep", breakables[i].kind, "--json");
		json_t *json = tool_json(&tool);

		cr_expect_eq(tool.code, 1, "%s", breakables[i].kind);
		cr_expect_gt(json_number_at(json, "verify.mismatches"), 0, "%s",
			     breakables[i].kind);
		json_decref(json);
		tool_free(&tool);
	}
}

Test(submit_check, with_all_dependencies_in_force_these_would_wait_for_ever)
{
	for (size_t i = 0; i < NUM_BREAKABLES; i++)
		TOOL_EXPECT(1, breakables[i].workload, "--timeout", "0.2");
}

Test(submit_check, nothing_is_found_when_nothing_is_broken)
{
	for (size_t i = 0; i < NUM_BREAKABLES; i++)
		TOOL_EXPECT(0, breakables[i].possible, "--clients", "3");
}

Test(submit_check, other_kinds_than_the_one_broken_still_hold)
{
	TOOL_EXPECT(0, breakables[0].possible, "--break-dep", "data");
	TOOL_EXPECT(0, breakables[2].possible, "--break-dep", "read");
	TOOL_EXPECT(0, breakables[2].possible, "--break-dep", "submit");
	TOOL_EXPECT(0, breakables[3].possible, "--break-dep", "write");
}

Test(submit_check, mismatch_names_buffers_and_jobs)
{
	struct tool tool = TOOL_RUN(breakables[1].workload, "--break-dep", "write");

	cr_expect_eq(tool.code, 1);
	cr_expect(strstr(tool.out, "of 3 buffers differ") != NULL, "%s", tool.out);
	cr_expect(strstr(tool.out, "<text>/c0/out[1] differs from byte ") != NULL, "%s", tool.out);
	cr_expect(strstr(tool.out, "written by client 0 (<text>), loop 0 step 1, commit 0") != NULL,
		  "%s", tool.out);
	tool_free(&tool);
}

Test(submit_check, mismatch_in_json_names_at_most_ten_buffers)
{
	struct tool tool = TOOL_RUN("W.1.30n4k,1.RCS.*.w1-0-29.0,2.BCS.10.w1-0-29.1,T.-2",
				    "--break-dep", "write", "--json");
	json_t *json = tool_json(&tool);
	const json_t *reported = json_at(json, "verify.reported");
	const json_t *first = json_array_get(reported, 0), *writer;

	cr_expect_eq(tool.code, 1);
	cr_expect_gt(json_number_at(json, "verify.mismatches"), 10);
	cr_assert_eq(json_array_size(reported), 10);
	cr_expect_str_eq(json_string_value(json_at(first, "buffer")), "<text>/w1[0]");
	cr_assert_eq(json_array_size(json_at(first, "writers")), 2);
	writer = json_array_get(json_at(first, "writers"), 0);
	cr_expect_eq(json_number_at(writer, "step"), 2);
	cr_expect_eq(json_number_at(writer, "commit"), 1);
	json_decref(json);
	tool_free(&tool);
}
