/* SPDX-License-Identifier: MIT */
/* What sync_files ask of the system.  Nothing here is shared between threads but next_mark. */
#include "reservation/sync_file_carrier.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CARRIER_PATH_BYTES 48

/* A file of /proc is read in pieces of this size; its lines are shorter. */
#define CARRIER_CHUNK_BYTES 1024

/* Calls fn for each line of /proc/self/fdinfo/FD, without its newline. */
static int fdinfo_for_each_line(int fd, void (*fn)(const char *line, void *arg), void *arg)
{
	char text[CARRIER_CHUNK_BYTES];
	char path[CARRIER_PATH_BYTES];
	size_t length = 0;
	ssize_t got;
	int info_fd;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (info_fd < 0)
		return -errno;
	while ((got = read(info_fd, text + length, sizeof(text) - 1 - length)) > 0) {
		char *line = text;
		char *end;

		length += (size_t)got;
		text[length] = '\0';
		while ((end = strchr(line, '\n')) != NULL) {
			*end = '\0';
			fn(line, arg);
			line = end + 1;
		}
		length -= (size_t)(line - text);
		memmove(text, line, length);
	}
	if (got < 0)
		ret = -errno;
	close(info_fd);
	return ret;
}

/* The number behind a label, wherever it stands in the line; false = no such label. */
static bool line_number(const char *line, const char *label, int base, uint64_t *ret_number)
{
	const char *at = strstr(line, label);

	if (at == NULL)
		return false;
	*ret_number = strtoull(at + strlen(label), NULL, base);
	return true;
}

struct eventfd_lines {
	uint64_t id;
	uint64_t count;
	bool has_id;
	bool has_count;
};

static void eventfd_line(const char *line, void *arg)
{
	struct eventfd_lines *lines = arg;

	if (line_number(line, "eventfd-id:", 10, &lines->id))
		lines->has_id = true;
	else if (line_number(line, "eventfd-count:", 16, &lines->count))
		lines->has_count = true;
}

int carrier_read(int fd, struct carrier_info *ret_info)
{
	struct eventfd_lines lines = {.has_id = false};
	int ret;

	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	ret = fdinfo_for_each_line(fd, eventfd_line, &lines);
	if (ret != 0)
		return ret == -ENOENT ? -EOPNOTSUPP : ret;
	if (!lines.has_count)
		return -EINVAL;
	if (!lines.has_id)
		return -EOPNOTSUPP;
	ret_info->id = lines.id;
	ret_info->mark = lines.count >> CARRIER_READ_BITS;
	return 0;
}

int carrier_create(int *ret_fd, uint64_t *ret_id)
{
	struct carrier_info info = {.id = 0};
	/* A read takes one away, and a strange write that does not fit cannot block the signal. */
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	int ret;

	if (fd < 0)
		return -errno;
	ret = carrier_read(fd, &info);
	if (ret != 0) {
		close(fd);
		return ret;
	}
	*ret_fd = fd;
	*ret_id = info.id;
	return 0;
}

uint64_t carrier_new_mark(void)
{
	static uint64_t next_mark;
	/* Relaxed: the numbers need only differ. */
	uint64_t mark = wwr_atomic_fetch_add(&next_mark, 1, WWR_RELAXED);

	/* Spread over all values, so that nobody else's count looks like one; never 0. */
	mark = (mark + (uint64_t)park_now_ns()) * UINT64_C(0x9e3779b97f4a7c15);
	return mark >> (CARRIER_READ_BITS + 1) | 1;
}

void carrier_signal(int fd, uint64_t mark)
{
	uint64_t count = mark << CARRIER_READ_BITS | ((UINT64_C(1) << CARRIER_READ_BITS) - 1);

	/* Fails only if a strange hand has filled the counter: then it is readable, too. */
	if (write(fd, &count, sizeof(count)) < 0)
		return;
}

int carrier_watch(int epoll_fd, int fd, uint64_t id)
{
	struct epoll_event event = {.events = 0, .data.u64 = id};

	/*
	 * EEXIST: a process that we were forked from, or a child, has this very file there under
	 * this number.
	 */
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST)
		return -errno;
	return 0;
}

struct watched_lines {
	void (*fn)(uint64_t id, void *arg);
	void *arg;
};

static void watched_line(const char *line, void *arg)
{
	struct watched_lines *lines = arg;
	uint64_t id;

	if (line_number(line, " data:", 16, &id))
		lines->fn(id, lines->arg);
}

int carrier_for_each_watched(int epoll_fd, void (*fn)(uint64_t id, void *arg), void *arg)
{
	struct watched_lines lines = {.fn = fn, .arg = arg};

	return fdinfo_for_each_line(epoll_fd, watched_line, &lines);
}
