/* SPDX-License-Identifier: MIT */
#include "tests/tools/test_submit_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 64

static void exec_tool(const char *const *args, int out_fd, int err_fd)
{
	const char *argv[MAX_ARGS] = {WWRESV_TOOL};
	int null_fd = open("/dev/null", O_RDONLY);
	size_t i;

	for (i = 0; args[i] != NULL && i + 2 < MAX_ARGS; i++)
		argv[i + 1] = args[i];
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(err_fd, STDERR_FILENO) < 0)
		_exit(99);
	setenv("TERM", "xterm", 1);
	execv(WWRESV_TOOL, (char *const *)argv);
	_exit(99);
}

/* err[0] is ours, err[1] the tool's. */
static struct tool start(const char *const *args, const int *err)
{
	struct tool tool = {.out = calloc(1, 1), .err = calloc(1, 1), .code = -1000};
	int out[2];

	cr_assert(tool.out != NULL && tool.err != NULL);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	tool.pid = fork();
	cr_assert_geq(tool.pid, 0);
	if (tool.pid == 0)
		exec_tool(args, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	tool.out_fd = out[0];
	tool.err_fd = err[0];
	return tool;
}

struct tool tool_start(const char *const *args)
{
	int err[2];

	cr_assert_eq(pipe2(err, O_CLOEXEC), 0);
	return start(args, err);
}

struct tool tool_start_on_terminal(const char *const *args)
{
	struct winsize size = {.ws_row = 24, .ws_col = 100};
	int err[2];

	if (openpty(&err[0], &err[1], NULL, NULL, &size) != 0) {
		/* A chroot without /dev/pts, for instance. */
		cr_assert(errno == ENOENT || errno == ENODEV, "openpty: %s", strerror(errno));
		fprintf(stderr, "SKIPPED: this system has no pseudo terminals (/dev/pts)\n");
		cr_skip_test("this system has no pseudo terminals (/dev/pts)");
	}
	fcntl(err[0], F_SETFD, FD_CLOEXEC);
	return start(args, err);
}

/* Append what there is; closes the file descriptor at the end. */
static void read_some(int *fd, char **text, size_t *len)
{
	char buf[65536];
	ssize_t num = read(*fd, buf, sizeof(buf));

	/* A terminal whose other end is closed gives EIO. */
	if (num <= 0) {
		close(*fd);
		*fd = -1;
		return;
	}
	*text = realloc(*text, *len + (size_t)num + 1);
	cr_assert_not_null(*text);
	memcpy(*text + *len, buf, (size_t)num);
	*len += (size_t)num;
	(*text)[*len] = '\0';
}

static void read_either(struct tool *tool)
{
	struct pollfd fds[2] = {{.fd = tool->out_fd, .events = POLLIN},
				{.fd = tool->err_fd, .events = POLLIN}};

	cr_assert_gt(poll(fds, 2, -1), 0);
	if (fds[0].revents != 0)
		read_some(&tool->out_fd, &tool->out, &tool->out_len);
	if (fds[1].revents != 0)
		read_some(&tool->err_fd, &tool->err, &tool->err_len);
}

bool tool_wait_for(struct tool *tool, const char *text)
{
	while (strstr(tool->err, text) == NULL) {
		if (tool->err_fd < 0)
			return false;
		read_either(tool);
	}
	return true;
}

void tool_finish(struct tool *tool)
{
	int status;

	while (tool->out_fd >= 0 || tool->err_fd >= 0)
		read_either(tool);
	cr_assert_eq(waitpid(tool->pid, &status, 0), tool->pid);
	tool->code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void tool_free(struct tool *tool)
{
	free(tool->out);
	free(tool->err);
}

struct tool tool_run(const char *const *args)
{
	struct tool tool = tool_start(args);

	tool_finish(&tool);
	return tool;
}

json_t *tool_json(const struct tool *tool)
{
	json_error_t error;
	json_t *json = json_loads(tool->out, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(json, "no JSON (exit code %d): line %d: %s\n%s\n%s", tool->code,
			   error.line, error.text, tool->out, tool->err);
	return json;
}

json_t *json_at(const json_t *root, const char *path)
{
	char key[64];
	size_t len;

	while (*path != '\0') {
		len = strcspn(path, ".");
		cr_assert_lt(len, sizeof(key));
		memcpy(key, path, len);
		key[len] = '\0';
		root = json_object_get(root, key);
		cr_assert_not_null(root, "no key %s", key);
		path += len + (path[len] == '.');
	}
	return (json_t *)root;
}

double json_number_at(const json_t *root, const char *path)
{
	const json_t *value = json_at(root, path);

	cr_assert(json_is_number(value), "%s is no number", path);
	return json_number_value(value);
}
