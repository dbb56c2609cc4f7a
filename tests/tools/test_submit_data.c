/* SPDX-License-Identifier: MIT */
/* The real descriptors, where they are on this machine. */
#include <stdio.h>

#include "tests/tools/test_submit_tool.h"

TestSuite(submit_data, .timeout = 600);

static const char *const classes[] = {"wound-wait", "wait-die"};
static const char *const policies[] = {"default", "classic"};

/* In all pairs of class and policy, or with fewer rounds in one, each descriptor in another. */
static void run_descriptor(const char *path, unsigned int number)
{
	const size_t num = test_rounds(10) == 1 ? 1 : 4;

	for (size_t i = number; i < number + num; i++) {
		struct tool tool =
		    TOOL_RUN(path, "--clients", "3", "--scale", "0.05", "--class",
			     classes[i / 2 % 2], "--policy", policies[i % 2], "--json");
		json_t *json = tool_json(&tool);

		cr_expect_eq(tool.code, 0, "%s: %d: %s", path, tool.code, tool.err);
		cr_expect_eq(json_number_at(json, "verify.mismatches"), 0, "%s", path);
		cr_expect_eq(json_number_at(json, "jobs.completed"),
			     json_number_at(json, "jobs.submitted"));
		cr_expect_gt(json_number_at(json, "jobs.completed"), 0);
		json_decref(json);
		tool_free(&tool);
	}
}

Test(submit_data, every_descriptor_runs_without_a_difference)
{
	const char *dir;

	TEST_NEED_WSIM_DIR(&dir);
	cr_expect_geq(test_wsim_for_each(dir, run_descriptor), 12);
}

static json_t *run_carchase(const char *class, const char *policy, const char *broken, int code)
{
	const char *args[32] = {"submit",  NULL,	"--clients", "8",
				"--share", "--engines", "rcs=4",     "--hold-us",
				"20",	   "--scale",	"0.01",	     "--json",
				"--class", class,	"--policy",  policy};
	const char *dir;
	char path[512];
	struct tool tool;
	json_t *json;

	TEST_NEED_WSIM_DIR(&dir);
	snprintf(path, sizeof(path), "%s/carchasepart.wsim", dir);
	args[1] = path;
	if (broken != NULL) {
		args[16] = "--break-dep";
		args[17] = broken;
	}
	tool = tool_run(args);
	json = tool_json(&tool);
	cr_expect_eq(tool.code, code, "%d %s", tool.code, tool.err);
	cr_expect_eq(json_number_at(json, "jobs.completed"), 808);
	tool_free(&tool);
	return json;
}

Test(submit_data, shared_carchase_backs_off_and_is_right_in_all_pairs)
{
	for (size_t i = 0; i < 4; i++) {
		json_t *json = run_carchase(classes[i / 2], policies[i % 2], NULL, 0);

		cr_expect_gt(json_number_at(json, "reservation.backoffs"), 0);
		cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
		cr_expect_eq(json_number_at(json, "verify.buffers"), 842 + 808);
		cr_expect_eq(json_number_at(json, "reservation.buffers_per_set.min"), 10);
		cr_expect_eq(json_number_at(json, "reservation.buffers_per_set.max"), 156);
		json_decref(json);
	}
}

Test(submit_data, shared_carchase_with_broken_dependencies_is_found_wrong)
{
	static const char *const kinds[] = {"read", "write"};

	for (size_t i = 0; i < 2; i++) {
		json_t *json = run_carchase("wound-wait", "default", kinds[i], 1);

		cr_expect_gt(json_number_at(json, "verify.mismatches"), 0);
		json_decref(json);
	}
}
