/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_TEST_WSIM_H
#define TESTS_TOOLS_TEST_WSIM_H

#include "tests/lib/test_criterion.h"
#include "wsim.h"

#include <stdbool.h>
#include <string.h>

/* The mock as it is without options. */
static const struct wsim_engine_counts test_wsim_engines = {{1, 1, 2, 1, 1}};

/* Parse what must be accepted. */
static inline struct wsim_workload *test_wsim_parse_mode(const char *text, bool from_file)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err = {.line = 0};
	int ret = wsim_parse(from_file ? "dir/frame.wsim" : "<text>", text, strlen(text), from_file,
			     &test_wsim_engines, &workload, &err);

	cr_assert_eq(ret, 0, "'%s': %s:%u:%u: %s", text, err.file, err.line, err.column,
		     err.expected);
	return workload;
}

static inline struct wsim_workload *test_wsim_parse(const char *text)
{
	return test_wsim_parse_mode(text, false);
}

static inline struct wsim_workload *test_wsim_parse_file(const char *text)
{
	return test_wsim_parse_mode(text, true);
}

#endif
