/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_TEST_SUBMIT_TOOL_H
#define TESTS_TOOLS_TEST_SUBMIT_TOOL_H

/*
 * Runs the built `wwresv` and keeps what it printed.  The assertions are Criterion's, so only
 * the main thread may call these.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/lib/test_criterion.h"

struct tool {
	pid_t pid;
	int out_fd, err_fd;
	char *out, *err; /* so far, with a terminator */
	size_t out_len, err_len;
	int code; /* exit code, or -signal; after tool_finish() */
};

/* Arguments end with NULL and begin with the subcommand. */
struct tool tool_start(const char *const *args);
/* The same with a terminal as stderr. */
struct tool tool_start_on_terminal(const char *const *args);
/* Read until stderr has this text; false if the tool ended before. */
bool tool_wait_for(struct tool *tool, const char *text);
/* Read to the end and wait for it. */
void tool_finish(struct tool *tool);
void tool_free(struct tool *tool);

/* Start and finish. */
struct tool tool_run(const char *const *args);
#define TOOL_RUN(...) tool_run((const char *const[]){"submit", __VA_ARGS__, NULL})

/* Run `submit` with these, expect this exit code, and free. */
#define TOOL_EXPECT(expected, ...)                                                                 \
	do {                                                                                       \
		struct tool tool_ = TOOL_RUN(__VA_ARGS__);                                         \
		cr_expect_eq(tool_.code, expected, "exit code %d\nstdout:\n%s\nstderr:\n%s",       \
			     tool_.code, tool_.out, tool_.err);                                    \
		tool_free(&tool_);                                                                 \
	} while (0)

/* Run `submit` with these, expect this exit code and this text on stderr, and free. */
#define TOOL_EXPECT_ERROR(expected, text, ...)                                                     \
	do {                                                                                       \
		struct tool tool_ = TOOL_RUN(__VA_ARGS__);                                         \
		cr_expect_eq(tool_.code, expected, "exit code %d\n%s", tool_.code, tool_.err);     \
		cr_expect(strstr(tool_.err, text) != NULL, "'%s' is not in:\n%s", text,            \
			  tool_.err);                                                              \
		tool_free(&tool_);                                                                 \
	} while (0)

/* Standard output as JSON; asserts that it is. */
json_t *tool_json(const struct tool *tool);

/* A number at a path like "reservation.latency_us.p50"; asserts that it is there. */
double json_number_at(const json_t *root, const char *path);
json_t *json_at(const json_t *root, const char *path);

#endif /* TESTS_TOOLS_TEST_SUBMIT_TOOL_H */
