/* SPDX-License-Identifier: MIT */
/* What an argument of the command line names. */
#include "alloc.h"
#include "error.h"
#include "wsim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read until the end or until one byte more than a descriptor may have. */
static int read_all(int fd, char *buf, size_t *ret_len)
{
	size_t len = 0;

	while (len <= WSIM_MAX_TEXT) {
		ssize_t got = read(fd, buf + len, WSIM_MAX_TEXT + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*ret_len = len;
	return 0;
}

static int load_fd(int fd, const char *name, const struct wsim_engine_counts *engines,
		   struct wsim_workload **ret_workload, struct wsim_error *err)
{
	char *buf = wsim_calloc(WSIM_MAX_TEXT + 1, 1);
	size_t len = 0;
	int ret;

	if (buf == NULL) {
		wsim_error_set_file(err, name, "out of memory");
		return -ENOMEM;
	}
	ret = read_all(fd, buf, &len);
	if (ret != 0)
		wsim_error_set_file(err, name, "cannot read: %s", strerror(-ret));
	else
		ret = wsim_parse(name, buf, len, true, engines, ret_workload, err);
	free(buf);
	return ret;
}

/*
 * A text with `/` in it cannot be told from a path: say the way out.  It looks like a text if its
 * first step begins as a step does: with a number or one letter, and then a point.
 */
static const char *missing_file_hint(const char *arg)
{
	const size_t digits = strspn(arg, "0123456789");
	const size_t head = digits > 0 ? digits : 1;

	if (strcspn(arg, ".,") != head || strcspn(arg, "/") < head)
		return "";
	return "; a text cannot have '/': use '|' for its lists, or give it on standard input as -";
}

static int load_file(const char *path, const struct wsim_engine_counts *engines,
		     struct wsim_workload **ret_workload, struct wsim_error *err)
{
	int fd, ret;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		ret = -errno;
		wsim_error_set_file(err, path, "cannot open: %s%s", strerror(-ret),
				    ret == -ENOENT ? missing_file_hint(path) : "");
		return ret;
	}
	ret = load_fd(fd, path, engines, ret_workload, err);
	close(fd);
	return ret;
}

static bool is_file(const char *arg)
{
	struct stat st;

	if (strchr(arg, '/') != NULL)
		return true;
	return stat(arg, &st) == 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode));
}

/* A lone word was most likely meant as a name. */
static void add_name_hint(const char *arg, struct wsim_error *err)
{
	size_t len = strlen(err->expected);

	if (arg[0] != '\0' && err->column == 1 && strpbrk(arg, ",\n") == NULL)
		snprintf(err->expected + len, sizeof(err->expected) - len,
			 "; no file and no built-in workload has this name");
}

int wsim_load_argument(const char *arg, const struct wsim_engine_counts *engines,
		       struct wsim_workload **ret_workload, struct wsim_error *err)
{
	const struct wsim_builtin *builtin;
	int ret;

	if (strcmp(arg, "-") == 0)
		return load_fd(STDIN_FILENO, "<stdin>", engines, ret_workload, err);
	if (is_file(arg))
		return load_file(arg, engines, ret_workload, err);
	builtin = wsim_builtin_find(arg);
	if (builtin != NULL)
		return wsim_parse(builtin->name, builtin->text, builtin->len, true, engines,
				  ret_workload, err);
	ret = wsim_parse("<text>", arg, strlen(arg), false, engines, ret_workload, err);
	if (ret == -EINVAL)
		add_name_hint(arg, err);
	return ret;
}
