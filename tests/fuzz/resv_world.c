/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/resv_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/alloc.h>
#include <wwresv/sys/debug.h>

#include "reservation/resv_cell.h"

#define MAX_TRACE 1024

struct world world;

struct trace_line {
	const char *format;
	int args[4];
};

static struct trace_line trace[MAX_TRACE];
static size_t num_trace;

unsigned int world_choose(unsigned int num)
{
	if (world.size == 0)
		return 0;
	world.size--;
	return *world.data++ % num;
}

void world_trace(const char *format, int a, int b, int c, int d)
{
	if (num_trace < MAX_TRACE)
		trace[num_trace++] = (struct trace_line){format, {a, b, c, d}};
}

static void print_trace(void)
{
	for (size_t i = 0; i < num_trace; i++) {
		const int *args = trace[i].args;

		fprintf(stderr, "%4zu  ", i + 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		fprintf(stderr, trace[i].format, args[0], args[1], args[2], args[3]);
#pragma GCC diagnostic pop
		fputc('\n', stderr);
	}
}

void world_fail(const char *format, ...)
{
	va_list args;

	print_trace();
	fputs("fuzz_resv: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

bool world_expect(const char *call, int got, int want, unsigned int seen_denied)
{
	if (got == -ENOMEM && world.num_denied != seen_denied)
		return false;
	if (got != want)
		world_fail("%s returned %d instead of %d", call, got, want);
	return true;
}

static void *count_alloc(size_t size_bytes, void *data)
{
	void *ptr;

	(void)data;
	if (world.starve > 0 && --world.starve == 0) {
		world.num_denied++;
		return NULL;
	}
	ptr = calloc(1, size_bytes);
	if (ptr == NULL)
		abort();
	world.num_alive++;
	return ptr;
}

static void count_free(void *ptr, void *data)
{
	(void)data;
	world.num_alive--;
	free(ptr);
}

void world_begin(const uint8_t *data, size_t size)
{
	const struct wwr_allocator allocator = {.alloc = count_alloc, .free = count_free};

	memset(&world, 0, sizeof(world));
	num_trace = 0;
	wwr_set_allocator(&allocator);
	/* Every refusal would be a line. */
	wwr_debug_set_checks(0);
	world.data = data;
	world.size = size;
	world.context = wwr_fence_context_alloc(WORLD_CONTEXTS);
	/* Numbers wrap around where signed ones do. */
	world.next_seqno = (uint64_t)INT64_MAX - 5;
	for (int i = 0; i < WORLD_HANDLES; i++)
		world.handles[i].node = NONE;
	resvs_begin();
	syncobjs_begin();
}

/* Everything signals and is given up: then nothing may be left. */
void world_end(void)
{
	world_trace("the input is used up: everything signals and is given up", 0, 0, 0, 0);
	world.starve = 0;
	for (int i = 0; i < world.num_bases; i++) {
		if ((world.signaled >> i & 1) == 0)
			base_signal_at(i, 1000 + i, 0);
	}
	world_compare_fences();
	world_compare_resvs();
	world_compare_syncobjs();
	resvs_end();
	syncobjs_end();
	for (int i = 0; i < WORLD_HANDLES; i++)
		handle_drop(&world.handles[i]);
	for (int i = 0; i < world.num_bases; i++) {
		if (world.bases[i]->fence.refcount != 1)
			world_fail("fence %d: %u references instead of the last one", i,
				   world.bases[i]->fence.refcount);
		wwr_fence_put(&world.bases[i]->fence);
	}
	resv_cells_reset(true);
	if (world.num_alive != 0)
		world_fail("%d allocations were not given back", world.num_alive);
}
