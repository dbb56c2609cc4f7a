/* SPDX-License-Identifier: MIT */
#include "tools/common/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"

#define REDRAW_NS (CLOCK_NS_PER_S / 5)
#define BAR_WIDTH 24
/* A narrower terminal would wrap, and a wrapped line cannot be redrawn. */
#define MAX_LINE 200

void progress_init(struct progress *progress)
{
	const char *term = getenv("TERM");

	memset(progress, 0, sizeof(*progress));
	progress->enabled =
	    !cli_is_quiet() && isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
	progress->start_ns = clock_now_ns();
}

static unsigned int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void draw(uint64_t done, uint64_t total, const char *unit, const char *remark,
		 double elapsed_s)
{
	unsigned int columns = terminal_columns();
	char bar[BAR_WIDTH + 1];
	char line[MAX_LINE];
	unsigned int filled;

	filled = total == 0 ? 0 : (unsigned int)((double)done / (double)total * BAR_WIDTH);
	if (filled > BAR_WIDTH)
		filled = BAR_WIDTH;
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	snprintf(line, sizeof(line), "[%s] %" PRIu64 "/%" PRIu64 " %s  %.0f/s  %.1f s%s%s", bar,
		 done, total, unit, elapsed_s > 0 ? (double)done / elapsed_s : 0.0, elapsed_s,
		 remark[0] != '\0' ? "  " : "", remark);
	if (columns <= MAX_LINE)
		line[columns - 1] = '\0';
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total, const char *unit,
		     const char *remark)
{
	int64_t now;

	if (!progress->enabled)
		return;
	now = clock_now_ns();
	if (now < progress->next_ns)
		return;
	draw(done, total, unit, remark,
	     (double)(now - progress->start_ns) / (double)CLOCK_NS_PER_S);
	progress->drawn = true;
	progress->next_ns = now + REDRAW_NS;
}

void progress_clear(struct progress *progress)
{
	if (!progress->drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->drawn = false;
}
