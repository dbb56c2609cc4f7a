/* SPDX-License-Identifier: MIT */
/* `wwresv submit --via libdrm`: the same runs as a client of the devices, and what it refuses. */
#include <stdio.h>
#include <string.h>

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
	TOOL_EXPECT_ERROR(2, "--fdinfo is not for", "game", "--via", "libdrm", "--fdinfo");
	TOOL_EXPECT_ERROR(2, "--via", "game", "--via", "telepathy");
}

Test(submit_via, steps_without_an_ioctl_are_named)
{
	TOOL_EXPECT_ERROR(2, "step 1 of explicit is a software fence", "explicit", "--via",
			  "libdrm");
}
