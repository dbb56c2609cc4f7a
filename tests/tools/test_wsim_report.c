/* SPDX-License-Identifier: MIT */
/* How a refusal is shown. */
#include "tests/tools/test_wsim.h"

#include <errno.h>
#include <stdlib.h>

TestSuite(wsim_report, .timeout = 60);

Test(wsim_report, nothing_but_comments_is_refused)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_expect_eq(wsim_parse("x", "# a\n\n", 5, true, NULL, &workload, &err), -EINVAL);
	cr_expect_eq(err.line, 3);
	cr_expect_eq(err.column, 1);
	cr_expect_str_eq(err.expected, "expected at least one step, found none");
}

Test(wsim_report, nul_byte_is_refused_and_shown)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_expect_eq(wsim_parse("x", "d.1\0 ", 5, true, NULL, &workload, &err), -EINVAL);
	cr_expect_str_eq(err.text, "d.1\\x00");
	cr_expect_str_eq(err.expected,
			 "expected a delay in us, an integer of 1 or more, found '1\\x00'");
}

Test(wsim_report, print_shows_place_message_step_and_caret)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	cr_assert_eq(wsim_parse("f.wsim", "d.1\n 1.RCS.0.0.0", 16, true, NULL, &workload, &err),
		     -EINVAL);
	wsim_error_print(&err, out);
	fclose(out);
	cr_expect_str_eq(text, "f.wsim:2:8: expected a duration in us (N, MIN-MAX or *), an "
			       "integer of 1 or more, found '0'\n"
			       "    1.RCS.0.0.0\n"
			       "          ^\n");
	free(text);
}

/* A step much longer than the field for it: the place of the trouble is in what is kept. */
Test(wsim_report, long_step_is_shown_around_the_column)
{
	char text[4096] = "w.1.4n1,1.RCS.1.";
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	while (strlen(text) < 2000)
		strcat(text, "r1-0/");
	strcat(text, "r1-9/");
	while (strlen(text) < 4000)
		strcat(text, "r1-0/");
	strcat(text, "r1-0.0");
	cr_assert_eq(wsim_parse("x", text, strlen(text), false, NULL, &workload, &err), -EINVAL);
	cr_expect_eq(strncmp(text + err.column - 1, "r1-9/", 5), 0);
	cr_expect_eq(strncmp(err.text + err.caret, "r1-9/", 5), 0, "%s", err.text);
	cr_expect_eq(strncmp(err.text, "...", 3), 0);
	cr_expect_str_eq(err.text + strlen(err.text) - 3, "...");
}

/* Unprintable bytes take four characters each; the caret is still below the trouble. */
Test(wsim_report, unprintable_step_keeps_its_caret)
{
	char text[200];
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	memset(text, 1, sizeof(text));
	memcpy(text, "1.", 2);
	cr_assert_eq(wsim_parse("x", text, sizeof(text), false, NULL, &workload, &err), -EINVAL);
	cr_expect_eq(err.column, sizeof(text) + 1, "too few fields are seen at the end");
	cr_expect_eq(err.caret, strlen(err.text));
}
