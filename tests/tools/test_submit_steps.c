/* SPDX-License-Identifier: MIT */
/* Steps that say where and when batches run: X and b. */
#include "tests/tools/test_submit_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(submit_steps, .timeout = 300);

/*
 * The first batch takes an hour, and the second starts after it, on the same engine.  So the run
 * stalls in any case, and has ended the second one only if the first gave way.
 */
static void expect_ended(unsigned int num, const char *steps, const char *sched)
{
	const char *const args[] = {"submit", steps, "--timeout", "1", "--json", sched, NULL};
	struct tool tool = tool_run(args);
	char words[64];

	snprintf(words, sizeof(words), "jobs, %u of 2 submitted ones have ended", num);
	cr_expect_eq(tool.code, 1, "%s: exit code %d", steps, tool.code);
	cr_expect_not_null(strstr(tool.err, words), "%s %s: no '%s' in\n%s", steps, sched, words,
			   tool.err);
	tool_free(&tool);
}

Test(submit_steps, interval_lets_a_higher_priority_have_the_engine)
{
	static const char *const scheds[] = {NULL, "--sched=fair", "--sched=fifo", "--sched=rr"};

	for (size_t i = 0; i < sizeof(scheds) / sizeof(scheds[0]); i++) {
		expect_ended(1, "P.2.1,X.1.100,1.RCS.3600000000.0.0,2.RCS.5.s-1.1", scheds[i]);
		/* The last X step before the batch counts. */
		expect_ended(0, "P.2.1,X.1.100,X.1.0,1.RCS.3600000000.0.0,2.RCS.5.s-1.1",
			     scheds[i]);
	}
	/* Of another context; none; a priority that is not higher; an interval that does not end.
	 */
	expect_ended(0, "P.2.1,X.2.100,1.RCS.3600000000.0.0,2.RCS.5.s-1.1", NULL);
	expect_ended(0, "P.2.1,1.RCS.3600000000.0.0,2.RCS.5.s-1.1", NULL);
	expect_ended(0, "X.1.100,1.RCS.3600000000.0.0,2.RCS.5.s-1.1", NULL);
	expect_ended(0, "P.2.1,X.1.3000000000,1.RCS.3600000000.0.0,2.RCS.5.s-1.1", NULL);
}

static json_t *run_json(const char *steps, const char *more)
{
	const char *const args[] = {"submit", steps,	 "--clients", "6",	"--repeat", "20",
				    more,     "--scale", "0.5",	      "--json", "--share",  NULL};
	struct tool tool = tool_run(args);
	json_t *json = tool_json(&tool);

	cr_expect_eq(tool.code, 0, "%s", tool.err);
	tool_free(&tool);
	return json;
}

/* Who gave way has read its buffers and not yet written them. */
Test(submit_steps, bytes_are_right_though_batches_give_way)
{
	static const char steps[] =
	    "w.1.6n4k,P.1.-1,P.2.1,X.1.20,X.2.50,M.3.VCS,B.3,X.3.30,P.3.2,"
	    "1.RCS.300.w1-0|r1-1-3.0,3.DEFAULT.100.w1-1|r1-4.0,2.RCS.100.w1-4|r1-0.0,"
	    "1.VCS.200.w1-2.0,3.RCS.50.r1-2|w1-5.0,1.RCS.100.r1-5.0";
	static const char *const more[] = {"--quiet", "--sched=fair", "--sched=fifo",
					   "--hang-every=1000"};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		json_t *json = run_json(steps, more[i]);

		cr_expect_eq(json_number_at(json, "jobs.completed"), 720);
		cr_expect_eq(json_number_at(json, "verify.mismatches"), 0);
		json_decref(json);
	}
}

#define MAX_LINES 400

/* The engines of the jobs by client, loop and step; freed by the caller. */
struct engines {
	json_t *lines[MAX_LINES];
	size_t num;
};

static struct engines run_engines(const char *steps, const char *more)
{
	char path[] = "/tmp/wwresv-steps-XXXXXX";
	int fd = mkstemp(path);
	struct engines engines = {.num = 0};
	struct tool tool;
	char line[1024];
	FILE *file;

	cr_assert_geq(fd, 0);
	close(fd);
	tool = TOOL_RUN(steps, "--clients", "3", "--repeat", "10", "--jobs", path, "--quiet", more);
	cr_expect_eq(tool.code, 0, "%s", tool.err);
	tool_free(&tool);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	while (engines.num < MAX_LINES && fgets(line, sizeof(line), file) != NULL)
		engines.lines[engines.num++] = json_loads(line, 0, NULL);
	fclose(file);
	unlink(path);
	return engines;
}

static void engines_free(struct engines *engines)
{
	while (engines->num > 0)
		json_decref(engines->lines[--engines->num]);
}

static const char *engine_of(const struct engines *engines, int client, int loop, int step)
{
	for (size_t i = 0; i < engines->num; i++) {
		const json_t *line = engines->lines[i];

		if ((int)json_number_at(line, "client") == client &&
		    (int)json_number_at(line, "loop") == loop &&
		    (int)json_number_at(line, "step") == step)
			return json_string_value(json_at(line, "engine"));
	}
	cr_assert_fail("no job of client %d, loop %d, step %d", client, loop, step);
	return "";
}

/* All jobs of a step run on this engine. */
static void expect_all_on_with(const char *engine, const char *steps, int step, const char *more)
{
	struct engines engines = run_engines(steps, more);

	for (int client = 0; client < 3; client++) {
		for (int loop = 0; loop < 10; loop++)
			cr_expect_str_eq(engine_of(&engines, client, loop, step), engine, "%s",
					 steps);
	}
	engines_free(&engines);
}

static void expect_all_on(const char *engine, const char *steps, int step)
{
	expect_all_on_with(engine, steps, step, NULL);
}

Test(submit_steps, bond_puts_a_batch_onto_its_engine)
{
	expect_all_on("vcs1", "M.1.VCS,B.1,b.1.VCS2.RCS,2.RCS.10.0.0,1.VCS.10.s-1.1", 4);
	expect_all_on("vcs1", "M.1.VCS,B.1,b.1.VCS2.RCS,2.RCS.10.0.0,1.DEFAULT.10.s-1.1", 4);
	/* What the batch names itself, with or without a map, stays. */
	expect_all_on("vcs0", "M.1.VCS,B.1,b.1.VCS2.RCS,2.RCS.10.0.0,1.VCS1.10.s-1.1", 4);
	expect_all_on("bcs0", "M.1.VCS,B.1,b.1.VCS2.RCS,2.RCS.10.0.0,1.BCS.10.s-1.1", 4);
	/* Bonds of another map, or of another context, are none: so the third one is alone. */
	expect_all_on("vcs0",
		      "M.1.VCS,B.1,b.1.VCS2.RCS,M.1.VCS,B.1,b.1.VCS1.RCS,2.RCS.10.0.0,"
		      "1.VCS.10.s-1.1",
		      7);
	expect_all_on("vcs0",
		      "M.1.VCS,B.1,b.1.VCS1.RCS,M.3.VCS,B.3,b.3.VCS2.RCS,2.RCS.10.0.0,"
		      "1.VCS.10.s-1.1",
		      7);
}

/* A bond changes from batch to batch of the same queue, and back in the next loop. */
Test(submit_steps, bonds_are_those_that_stand_before_the_batch)
{
	static const char steps[] = "M.1.VCS,B.1,b.1.VCS1.BCS,b.1.VCS2.RCS,2.RCS.10.0.0,"
				    "1.VCS.10.s-1.0,2.BCS.10.0.0,1.VCS.10.s-1.0,"
				    "M.1.VCS,B.1,b.1.VCS1.RCS,2.RCS.10.0.0,1.VCS.10.s-1.0";

	for (int i = 0; i < 2; i++) {
		const char *more = i == 0 ? NULL : "--sched=fair";

		expect_all_on_with("vcs1", steps, 5, more);
		expect_all_on_with("vcs0", steps, 7, more);
		expect_all_on_with("vcs0", steps, 12, more);
	}
}

/* Masters that are balanced themselves. */
static void expect_masters_followed(const char *more)
{
	struct engines engines =
	    run_engines("M.1.VCS,M.2.VCS,B.1,B.2,b.1.VCS2.VCS1,b.1.VCS1.VCS2,2.VCS.50.0.0,"
			"1.VCS.50.s-1.1",
			more);
	unsigned int num[2] = {0, 0};

	for (int client = 0; client < 3; client++) {
		for (int loop = 0; loop < 10; loop++) {
			const char *master = engine_of(&engines, client, loop, 6);
			const char *follower = engine_of(&engines, client, loop, 7);

			cr_expect_str_neq(master, follower);
			num[strcmp(master, "vcs1") == 0]++;
		}
	}
	cr_expect_eq(num[0] + num[1], 30);
	engines_free(&engines);
}

Test(submit_steps, bond_follows_wherever_the_master_runs)
{
	expect_masters_followed(NULL);
	expect_masters_followed("--sched=fair");
	expect_masters_followed("--sched=rr");
}
