/* SPDX-License-Identifier: MIT */
/*
 * Random descriptors, with fences of all kinds, endless batches and changes of priority, both ways.
 * No step waits for what a later one does, so a stall is a fault of one of the ways.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/test_env.h"
#include "tests/tools/test_submit_tool.h"

TestSuite(submit_via_random, .timeout = 300);

#define NUM_WORKLOADS 12
#define MAX_STEPS     32

/* A descriptor that grows. */
struct draft {
	uint64_t random;
	char text[4096];
	char kinds[MAX_STEPS]; /* first letter of the step; b is a batch, * an endless one */
	unsigned int num;
	unsigned int reached; /* software fences of steps below are signalled */
};

static unsigned int pick(struct draft *draft, unsigned int num)
{
	return (unsigned int)(test_random(&draft->random) % num);
}

static void __attribute__((format(printf, 2, 3))) add(struct draft *draft, const char *format, ...)
{
	size_t length = strlen(draft->text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(draft->text + length, sizeof(draft->text) - length, format, args);
	va_end(args);
}

static void begin_step(struct draft *draft, char kind)
{
	if (draft->num > 0)
		add(draft, ",");
	draft->kinds[draft->num++] = kind;
}

/* How many steps back one of these kinds is from the last step; 0 = there is none. */
static unsigned int find_back(struct draft *draft, const char *kinds, unsigned int first)
{
	unsigned int found[MAX_STEPS], num = 0;

	for (unsigned int i = first; i + 1 < draft->num; i++) {
		if (strchr(kinds, draft->kinds[i]) != NULL)
			found[num++] = draft->num - 1 - i;
	}
	return num == 0 ? 0 : found[pick(draft, num)];
}

static void add_dep(struct draft *draft, const char *separator)
{
	static const char *const objects[] = {"r1-0", "w1-1", "r1-0-2", "w1-0-2", "w2-0", "r2-1"};
	unsigned int choice = pick(draft, 5);
	unsigned int back = 0;

	if (choice == 0)
		back = find_back(draft, "b*", 0);
	else if (choice < 3)
		back = find_back(draft, choice == 1 ? "b*" : "b*f", 0);
	if (back == 0)
		add(draft, "%s%s", separator, objects[pick(draft, 6)]);
	else
		add(draft, "%s%s-%u", separator, choice == 0 ? "" : choice == 1 ? "s" : "f", back);
}

static void add_batch(struct draft *draft)
{
	static const char *const engines[] = {"RCS",  "BCS",  "VCS",	"VCS1",
					      "VCS2", "VECS", "DEFAULT"};
	static const char *const durations[] = {"5", "20", "1-50", "*"};
	unsigned int duration = pick(draft, 4);
	unsigned int num_deps = pick(draft, 4);

	begin_step(draft, duration == 3 ? '*' : 'b');
	add(draft, "%u.%s.%s.", pick(draft, 4), engines[pick(draft, 7)], durations[duration]);
	if (num_deps == 0)
		add(draft, "0");
	for (unsigned int i = 0; i < num_deps; i++)
		add_dep(draft, i == 0 ? "" : "|");
	add(draft, ".0");
}

/* The software fences up to one of them. */
static void add_signal(struct draft *draft)
{
	unsigned int back;

	begin_step(draft, 'a');
	back = find_back(draft, "f", draft->reached);
	if (back == 0) {
		add(draft, "d.1");
		return;
	}
	add(draft, "a.-%u", back);
	draft->reached = draft->num - back;
}

static void end_batch(struct draft *draft)
{
	unsigned int back;

	begin_step(draft, 'T');
	back = find_back(draft, "*", 0);
	if (back == 0) {
		add(draft, "P.%u.%d", 1 + pick(draft, 3), (int)pick(draft, 10000) - 5000);
		return;
	}
	add(draft, "T.-%u", back);
	draft->kinds[draft->num - 1 - back] = 'b';
}

static void write_draft(struct draft *draft)
{
	unsigned int num_steps = 6 + pick(draft, 12);

	begin_step(draft, 'W');
	add(draft, "W.1.3n4k");
	begin_step(draft, 'w');
	add(draft, "w.2.2n4k-16k");
	while (draft->num < num_steps) {
		switch (pick(draft, 8)) {
		case 0:
			begin_step(draft, 'f');
			add(draft, "f");
			break;
		case 1:
			add_signal(draft);
			break;
		case 2:
			end_batch(draft);
			break;
		default:
			add_batch(draft);
			break;
		}
	}
	while (memchr(draft->kinds, '*', draft->num) != NULL && draft->num < MAX_STEPS)
		end_batch(draft);
}

static json_t *run(const char *text, const char *way)
{
	struct tool tool = TOOL_RUN(text, "--clients", "3", "--repeat", "4", "--scale", "0.1",
				    "--timeout", "20", "--seed", "4", "--json", "--via", way);
	json_t *json;

	cr_assert_eq(tool.code, 0, "%s of %s: %d\n%s", way, text, tool.code, tool.err);
	json = tool_json(&tool);
	tool_free(&tool);
	return json;
}

Test(submit_via_random, descriptors_are_the_same_both_ways)
{
	uint64_t seed = test_seed();

	for (unsigned int i = 0; i < test_rounds(NUM_WORKLOADS); i++) {
		struct draft draft = {.random = seed + i};
		json_t *direct, *via;

		write_draft(&draft);
		direct = run(draft.text, "direct");
		via = run(draft.text, "libdrm");
		cr_expect_eq(json_number_at(via, "jobs.completed"),
			     json_number_at(direct, "jobs.completed"), "%s", draft.text);
		cr_expect_eq(json_number_at(via, "verify.buffers"),
			     json_number_at(direct, "verify.buffers"), "%s", draft.text);
		cr_expect_eq(json_number_at(via, "verify.mismatches"), 0, "%s", draft.text);
		json_decref(direct);
		json_decref(via);
	}
}
