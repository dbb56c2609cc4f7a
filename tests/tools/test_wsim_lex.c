/* SPDX-License-Identifier: MIT */
/* How a text is cut into steps, and the limits on it. */
#include "tests/tools/test_wsim.h"

#include <errno.h>
#include <stdlib.h>

TestSuite(wsim_lex, .timeout = 60);

/* The steps of a text as "line:column text" joined by ';'. */
static void expect_steps(const char *text, bool from_file, const char *expected)
{
	struct wsim_workload *workload = test_wsim_parse_mode(text, from_file);
	char got[256] = "";

	for (size_t i = 0; i < workload->num_steps; i++) {
		const struct wsim_step *step = &workload->steps[i];
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%u:%u %s", i == 0 ? "" : ";", step->line,
			 step->column, step->text);
	}
	cr_expect_str_eq(got, expected, "'%s' gave '%s'", text, got);
	wsim_free(workload);
}

Test(wsim_lex, commas_separate_the_steps_of_a_text)
{
	expect_steps("d.1,d.22,d.3", false, "1:1 d.1;1:5 d.22;1:10 d.3");
}

Test(wsim_lex, newlines_separate_the_steps_of_a_file)
{
	expect_steps("d.1\nd.2\n\nd.3", true, "1:1 d.1;2:1 d.2;4:1 d.3");
}

Test(wsim_lex, commas_split_in_files_too)
{
	expect_steps("d.1,d.2\nd.3,d.4\n", true, "1:1 d.1;1:5 d.2;2:1 d.3;2:5 d.4");
}

Test(wsim_lex, comma_inside_a_comment_line_of_a_file_does_not_split)
{
	expect_steps("# this, d.9, that\nd.1", true, "2:1 d.1");
	expect_steps("  # this, d.9\nd.1", true, "2:1 d.1");
}

Test(wsim_lex, comma_ends_a_comment_of_a_text)
{
	expect_steps("#this,d.9", false, "1:7 d.9");
}

Test(wsim_lex, comma_ends_a_comment_that_is_no_line_of_its_own)
{
	expect_steps("d.1,#this,d.9", true, "1:1 d.1;1:11 d.9");
}

Test(wsim_lex, hash_inside_a_step_is_no_comment)
{
	struct wsim_workload *workload;
	struct wsim_error err;

	cr_expect_eq(wsim_parse("x", "d.1#", 4, true, NULL, &workload, &err), -EINVAL);
}

Test(wsim_lex, empty_steps_vanish)
{
	expect_steps(",,d.1,,\n\n,d.2,", true, "1:3 d.1;3:2 d.2");
	expect_steps(",,d.1,,d.2,", false, "1:3 d.1;1:8 d.2");
}

Test(wsim_lex, blanks_around_a_step_are_left_out)
{
	expect_steps(" d.1 \t,  d.2\r\n\td.3\r\n \r\n", true, "1:2 d.1;1:10 d.2;2:2 d.3");
}

/* A descriptor of exactly len bytes: one step and a comment. */
static char *long_text(size_t len)
{
	char *text = malloc(len);

	cr_assert_not_null(text);
	memset(text, 'x', len);
	memcpy(text, "d.1\n#", 5);
	return text;
}

Test(wsim_lex, text_of_one_mebibyte_is_accepted)
{
	char *text = long_text(1 << 20);
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_expect_eq(wsim_parse("x", text, 1 << 20, true, NULL, &workload, &err), 0);
	cr_expect_eq(workload->num_steps, 1);
	wsim_free(workload);
	free(text);
}

Test(wsim_lex, text_above_one_mebibyte_is_refused)
{
	char *text = long_text((1 << 20) + 1);
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_expect_eq(wsim_parse("x", text, (1 << 20) + 1, true, NULL, &workload, &err), -EINVAL);
	cr_expect_null(workload);
	cr_expect_eq(err.line, 0);
	cr_expect_not_null(strstr(err.expected, "at most 1 MiB"));
	free(text);
}

/* Many steps, many contexts and many sets: nothing may be quadratic. */
Test(wsim_lex, text_full_of_steps_is_parsed)
{
	size_t size = 1 << 20, len = 0, count = 0;
	char *text = malloc(size);
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_assert_not_null(text);
	for (; len + 64 < size; count++)
		len += (size_t)sprintf(text + len, "w.%zu.1\n%zu.RCS.1.r%zu-0.0\n", count, count,
				       count / 2);
	cr_expect_eq(wsim_parse("x", text, len, true, NULL, &workload, &err), 0);
	cr_expect_eq(workload->num_steps, 2 * count);
	cr_expect_eq(workload->num_contexts, count);
	cr_expect_eq(workload->steps[2 * count - 1].batch.deps[0].set, (count - 1) / 2);
	wsim_free(workload);
	free(text);
}
