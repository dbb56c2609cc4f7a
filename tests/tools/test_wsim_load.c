/* SPDX-License-Identifier: MIT */
/* Which argument is what: standard input, file, pipe, built-in name or text. */
#include "tests/tools/test_wsim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/wsim-XXXXXX";

/* Each test has an empty folder of its own as its current one. */
static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
}

static void remove_names(void)
{
	static const char *const names[] = {"frame.wsim", "desktop", "pipe", "d.7", "sub"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unlink(names[i]);
		rmdir(names[i]);
	}
	(void)!chdir("/");
	rmdir(dir);
}

TestSuite(wsim_load, .init = setup, .fini = remove_names, .timeout = 60);

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
}

static struct wsim_workload *load(const char *arg)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;
	int ret = wsim_load_argument(arg, &test_wsim_engines, &workload, &err);

	cr_assert_eq(ret, 0, "%s: %s", arg, err.expected);
	return workload;
}

static void expect_failure(const char *arg, int ret, const char *file, const char *message)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err = {.line = 99};

	cr_expect_eq(wsim_load_argument(arg, &test_wsim_engines, &workload, &err), ret, "%s", arg);
	cr_expect_null(workload);
	cr_expect_str_eq(err.file, file);
	cr_expect_not_null(strstr(err.expected, message), "%s: %s", arg, err.expected);
}

Test(wsim_load, plain_text_is_parsed_as_text)
{
	struct wsim_workload *workload = load("#a,d.1,d.2");

	cr_expect_eq(workload->num_steps, 2);
	cr_expect_str_eq(workload->source, "<text>");
	wsim_free(workload);
}

Test(wsim_load, argument_with_a_slash_is_a_file)
{
	struct wsim_workload *workload;

	write_file("frame.wsim", "# a, b\nd.1\n");
	workload = load("./frame.wsim");
	cr_expect_eq(workload->num_steps, 1);
	cr_expect_str_eq(workload->name, "frame");
	cr_expect_str_eq(workload->source, "./frame.wsim");
	wsim_free(workload);
}

Test(wsim_load, existing_file_without_a_slash_is_a_file)
{
	struct wsim_workload *workload;

	write_file("d.7", "# a, b\nd.1,d.2\n");
	workload = load("d.7");
	cr_expect_eq(workload->num_steps, 2);
	wsim_free(workload);
}

Test(wsim_load, existing_file_goes_before_a_builtin_name)
{
	struct wsim_workload *workload;

	write_file("desktop", "d.1\n");
	workload = load("desktop");
	cr_expect_eq(workload->num_steps, 1);
	wsim_free(workload);
}

Test(wsim_load, builtin_name_is_the_builtin)
{
	struct wsim_workload *workload = load("desktop");

	cr_expect_str_eq(workload->name, "desktop");
	cr_expect_gt(workload->num_batches, 1);
	wsim_free(workload);
}

Test(wsim_load, folder_of_a_builtin_name_is_no_file)
{
	struct wsim_workload *workload;

	cr_assert_eq(mkdir("sub", 0700), 0);
	expect_failure("sub", -EINVAL, "<text>", "expected a step");
	expect_failure("./sub", -EISDIR, "./sub", "cannot read: Is a directory");
	cr_assert_eq(mkdir("desktop", 0700), 0);
	workload = load("desktop");
	cr_expect_gt(workload->num_batches, 1);
	wsim_free(workload);
}

/* Writes the text, and then as many newlines as it takes to make it size bytes. */
struct feed {
	const char *text;
	size_t size;
};

static void *feed_pipe(void *data)
{
	const struct feed *feed = data;
	FILE *file = fopen("pipe", "w");

	if (file == NULL)
		return NULL;
	fputs(feed->text, file);
	for (size_t len = strlen(feed->text); len < feed->size; len++)
		fputc('\n', file);
	fclose(file);
	return NULL;
}

static void start_pipe(struct feed *feed, pthread_t *ret_thread)
{
	cr_assert_eq(mkfifo("pipe", 0600), 0);
	cr_assert_eq(pthread_create(ret_thread, NULL, feed_pipe, feed), 0);
}

Test(wsim_load, existing_pipe_is_read_as_a_file)
{
	struct feed feed = {"# a, b\nd.1\nd.2\n", 1 << 20};
	struct wsim_workload *workload;
	pthread_t thread;

	start_pipe(&feed, &thread);
	workload = load("pipe");
	pthread_join(thread, NULL);
	cr_expect_eq(workload->num_steps, 2);
	wsim_free(workload);
}

Test(wsim_load, pipe_of_more_than_one_mebibyte_is_refused)
{
	struct feed feed = {"d.1\n", (1 << 20) + 1};
	pthread_t thread;

	start_pipe(&feed, &thread);
	expect_failure("pipe", -EINVAL, "pipe", "at most 1 MiB");
	pthread_join(thread, NULL);
}

Test(wsim_load, dash_is_standard_input)
{
	struct wsim_workload *workload;
	int fd;

	write_file("frame.wsim", "# a, b\nd.1\n");
	fd = open("frame.wsim", O_RDONLY);
	cr_assert_geq(dup2(fd, STDIN_FILENO), 0);
	workload = load("-");
	cr_expect_eq(workload->num_steps, 1);
	cr_expect_str_eq(workload->source, "<stdin>");
	wsim_free(workload);
	close(fd);
}

Test(wsim_load, missing_file_is_enoent)
{
	expect_failure("./none.wsim", -ENOENT, "./none.wsim",
		       "cannot open: No such file or directory");
}

Test(wsim_load, text_with_a_slash_is_a_missing_file_with_a_way_out)
{
	struct wsim_workload *workload;

	expect_failure("d.1,w.1.4k/8k", -ENOENT, "d.1,w.1.4k/8k", "use '|' for its lists");
	workload = load("d.1,w.1.4k|8k");
	cr_expect_eq(workload->num_objects, 2);
	wsim_free(workload);
}

Test(wsim_load, lone_word_says_that_it_names_nothing)
{
	expect_failure("desktpo", -EINVAL, "<text>", "no file and no built-in workload");
	expect_failure("desktpo.wsim", -EINVAL, "<text>", "no file and no built-in workload");
}

Test(wsim_load, empty_argument_is_refused)
{
	expect_failure("", -EINVAL, "<text>", "expected at least one step");
}

Test(wsim_load, endless_file_is_refused)
{
	expect_failure("/dev/zero", -EINVAL, "/dev/zero", "at most 1 MiB");
}

Test(wsim_load, malformed_file_gives_its_line_and_column)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	write_file("frame.wsim", "d.1\n\nd.0\n");
	cr_expect_eq(wsim_load_argument("frame.wsim", NULL, &workload, &err), -EINVAL);
	cr_expect_str_eq(err.file, "frame.wsim");
	cr_expect_eq(err.line, 3);
	cr_expect_eq(err.column, 3);
}
