/* SPDX-License-Identifier: MIT */
/* Buffers that have to be in VRAM: evictions, what never fits, and contents that survive. */
#include "tests/tools/test_submit_tool.h"

TestSuite(submit_memory, .timeout = 600);

static const char *const classes[] = {"wound-wait", "wait-die"};
static const char *const policies[] = {"default", "classic"};

/* Sets of 16 pages of 64, each of another part, and each written as a whole. */
#define STORM                                                                                      \
	"W.1.64n4k,1.RCS.20.w1-0-13.0,2.RCS.10.w1-14-27.0,1.RCS.20.r1-40-50.0,"                    \
	"3.BCS.10.w1-28-41.0,1.RCS.20.w1-42-55.0,2.RCS.10.w1-50-63.0,1.RCS.10.w1-0-13.0"

static json_t *run_json(struct tool *tool, int code)
{
	json_t *json = tool_json(tool);

	cr_expect_eq(tool->code, code, "exit code %d: %s", tool->code, tool->err);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	tool_free(tool);
	return json;
}

/* 16 clients of 71 pages each share 18 pages of VRAM: the sets together are many times that. */
Test(submit_memory, storm_of_evictions_keeps_every_byte)
{
	/* With fewer rounds only the first and the last, in which everything differs. */
	const size_t step = test_rounds(10) == 1 ? 7 : 1;

	for (size_t i = 0; i < 8; i += step) {
		struct tool tool =
		    TOOL_RUN(STORM, "--clients", "16", "--repeat", "3", "--scale", "0.1", "--vram",
			     "72k", "--gtt", i % 2 == 0 ? "32k" : "0", "--class",
			     classes[i / 2 % 2], "--policy", policies[i / 4], "--json", "--touch",
			     i % 2 == 0 ? "head" : "full", i < 4 ? "--sort" : "--share");
		json_t *json = run_json(&tool, 0);

		cr_expect_eq(json_number_at(json, "jobs.completed"), 16 * 3 * 7);
		cr_expect_gt(json_number_at(json, "memory.evictions"), 0);
		cr_expect_gt(json_number_at(json, "memory.moved_bytes"), 0);
		cr_expect_eq(json_number_at(json, "memory.enomem"), 0);
		json_decref(json);
	}
}

/* Buffers of several extents, with a last one that is no whole word. */
Test(submit_memory, pieces_of_a_buffer_are_one)
{
	struct tool tool =
	    TOOL_RUN("W.1.5n4k|3n40961|2n81923,1.RCS.5.w1-0-4.0,1.RCS.5.w1-5-7.0,1.RCS.5.w1-8-9.0,"
		     "1.RCS.5.w1-0|w1-9.0,1.RCS.5.w1-3|w1-6.0",
		     "--clients", "6", "--repeat", "5", "--scale", "0.1", "--touch", "full",
		     "--vram", "240k", "--gtt", "64k", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_gt(json_number_at(json, "memory.evictions"), 0);
	cr_expect_eq(json_number_at(json, "memory.enomem"), 0);
	json_decref(json);
}

Test(submit_memory, with_room_for_everything_nothing_is_evicted)
{
	struct tool tool =
	    TOOL_RUN(STORM, "--clients", "4", "--scale", "0", "--vram", "1g", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "memory.evictions"), 0);
	cr_expect_eq(json_number_at(json, "memory.waits"), 0);
	cr_expect_eq(json_number_at(json, "memory.vram"), 1 << 30);
	cr_expect_eq(json_number_at(json, "memory.gtt"), 1 << 30);
	json_decref(json);
}

Test(submit_memory, without_vram_there_is_no_memory_to_tell_of)
{
	struct tool tool = TOOL_RUN("game", "--scale", "0", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect(json_is_null(json_object_get(json, "memory")));
	json_decref(json);
}

Test(submit_memory, job_that_can_never_fit_fails_and_is_named)
{
	static const char workload[] = "W.1.8n4k,1.RCS.5.w1-0-1.0,1.RCS.5.w1-0-7.0,1.RCS.5.w1-2.0";
	struct tool tool = TOOL_RUN(workload, "--clients", "3", "--vram", "16k", "--json");
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 1, "%d", tool.code);
	cr_expect(strstr(tool.err, "step 2 of <text>: its buffers do not fit in 16384 bytes of VRAM"
				   ", 3 jobs failed: Cannot allocate memory") != NULL,
		  "%s", tool.err);
	cr_expect(strstr(tool.err, "step 1 of") == NULL, "%s", tool.err);
	cr_expect_eq(json_number_at(json, "jobs.completed"), 6);
	cr_expect_eq(json_number_at(json, "jobs.failed"), 3);
	cr_expect_eq(json_number_at(json, "memory.enomem"), 3);
	cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
	json_decref(json);
	tool_free(&tool);
}

/* The job that holds the buffers ends only when its client comes to a later step. */
Test(submit_memory, victim_that_waits_for_its_client_is_waited_for)
{
	struct tool tool =
	    TOOL_RUN("W.1.2n4k,1.RCS.*.w1-0.0,d.2000,T.-2,1.RCS.5.w1-1.1", "--clients", "6",
		     "--engines", "rcs=6", "--vram", "12k", "--json");
	json_t *json = run_json(&tool, 0);

	cr_expect_eq(json_number_at(json, "jobs.completed"), 12);
	json_decref(json);
}

Test(submit_memory, text_summary_tells_it)
{
	struct tool tool = TOOL_RUN(STORM, "--clients", "4", "--scale", "0", "--vram", "72k");

	cr_expect_eq(tool.code, 0, "%s", tool.err);
	cr_expect(strstr(tool.out, "73728 bytes of VRAM, 73728 of GTT") != NULL, "%s", tool.out);
	cr_expect(strstr(tool.out, " evictions, ") != NULL, "%s", tool.out);
	cr_expect(strstr(tool.out, " moves of ") != NULL, "%s", tool.out);
	tool_free(&tool);
}

Test(submit_memory, wrong_sizes_are_usage_errors)
{
	TOOL_EXPECT_ERROR(2, "--vram: expected a number of bytes", "game", "--vram", "384x");
	TOOL_EXPECT_ERROR(2, "--vram: expected a number of bytes", "game", "--vram", "m");
	TOOL_EXPECT_ERROR(2, "--vram: expected a number of bytes", "game", "--vram", "1k");
	TOOL_EXPECT_ERROR(2, "--gtt: expected a number of bytes", "game", "--vram", "1m", "--gtt",
			  "18446744073709551615g");
	TOOL_EXPECT_ERROR(2, "it needs --vram", "game", "--gtt", "1m");
}
