/* SPDX-License-Identifier: MIT */
#include "drivers/shim/report.h"

#include <wwresv/sys/debug.h>

#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 512

/* Set before any device is opened, and by fork(). */
static const char *report_path; /* NULL: nobody wants it */
static bool is_child;		/* fences may be the parent's */
static int own_pid;		/* another one: a child of vfork(), in our memory */
static uint32_t is_written;	/* atomic */

struct writer {
	int fd;
	unsigned int num_lines;
};

void report_begin(void)
{
	report_path = getenv(FRONT_ENV_REPORT);
	own_pid = getpid();
	if (report_path == NULL)
		return;
	wwr_debug_set_checks(wwr_debug_get_checks() | WWR_DEBUG_FENCES);
	wwr_debug_set_fence_timeout(0);
}

void report_forked(void)
{
	is_child = true;
	own_pid = getpid();
}

/* One write a line: processes that end together do not mix them. */
__attribute__((format(printf, 2, 3))) static void write_line(struct writer *writer,
							     const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int length;

	length = snprintf(line, sizeof(line), "wwresv: %s[%d]: ", program_invocation_short_name,
			  (int)getpid());
	va_start(args, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, args);
	va_end(args);
	if (length > LINE_BYTES - 2)
		length = LINE_BYTES - 2;
	line[length++] = '\n';
	if (write(writer->fd, line, (size_t)length) == length)
		writer->num_lines++;
}

static void write_file(const struct open_file *file, void *arg)
{
	char name[FRONT_NODE_NAME_BYTES];
	struct writer *writer = arg;

	if (file->pid != getpid())
		return;
	if (file->drm == NULL) {
		write_line(writer, "sw_sync is left open");
		return;
	}
	front_node_name(file->node, name);
	/* Relaxed: a sum that orders nothing. */
	write_line(writer,
		   "/dev/dri/%s is left open with %u buffers (%" PRIu64 " bytes), %u syncobjs",
		   name, handle_table_count(&file->drm->gems),
		   wwr_atomic_load(&file->drm->num_bytes, WWR_RELAXED),
		   handle_table_count(&file->drm->syncobjs));
}

static void write_dma_bufs(struct writer *writer)
{
	unsigned int num = 0;

	for (int fd = 0; fd < FD_NUM_KINDS; fd++) {
		/* It may have been closed where nobody saw it. */
		if (fd_kind(fd) == FD_DMA_BUF && fd_learn(fd) == FD_DMA_BUF)
			num++;
	}
	if (num != 0)
		write_line(writer, "%u descriptors of dma-bufs are left open", num);
}

static void write_fence(const char *text, void *arg)
{
	write_line(arg, "unsignalled: %s", text);
}

void report_write(void)
{
	struct writer writer = {.num_lines = 0};

	/* Relaxed: one thread is enough to write it. */
	if (report_path == NULL || own_pid != getpid() || !fd_is_any() ||
	    wwr_atomic_exchange(&is_written, 1, WWR_RELAXED) != 0)
		return;
	writer.fd = real()->open(report_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (writer.fd < 0)
		return;
	open_files_collect();
	open_files_for_each(write_file, &writer);
	if (!is_child) {
		write_dma_bufs(&writer);
		wwr_debug_set_report_func(write_fence, &writer);
		(void)wwr_debug_report_fences(0);
		wwr_debug_set_report_func(NULL, NULL);
	}
	if (writer.num_lines == 0)
		write_line(&writer, "nothing is left");
	real()->close(writer.fd);
}
