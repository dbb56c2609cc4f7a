/* SPDX-License-Identifier: MIT */
#include "tools/bench/cells.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/arena.h"
#include "tools/bench/bench.h"
#include "tools/common/cli.h"

static const uint32_t all_threads[] = {1, 2, 4, 16, 64};
static const uint32_t all_locks[] = {2, 8, 32, 128};
static const uint32_t all_slots[] = {64, 1024, 65536};
static const uint64_t all_work[] = {0, 200, 2000};

/* Few threads and many, few buffers and many, short work and long, and a popular buffer. */
static const struct bench_cell quick_cells[] = {
    {2, 8, 64, 200, false},    {4, 8, 64, 200, false},	{16, 8, 64, 200, false},
    {4, 32, 1024, 200, false}, {4, 2, 64, 0, false},	{16, 32, 1024, 2000, false},
    {4, 8, 1024, 200, true},   {64, 8, 1024, 0, false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void bench_cell_name(const struct bench_cell *cell, char *ret_name, size_t size_bytes)
{
	snprintf(ret_name, size_bytes, "T=%" PRIu32 ",K=%" PRIu32 ",M=%" PRIu32 ",W=%" PRIu64 "%s",
		 cell->num_threads, cell->num_locks, cell->num_slots, cell->work_ns,
		 cell->zipf ? ",zipf" : "");
}

int bench_cell_parse(const char *text, struct bench_cell *ret_cell)
{
	struct bench_cell cell = {0};
	char name[64];

	/* What it is must also be what it would be called. */
	if (sscanf(text, "T=%" SCNu32 ",K=%" SCNu32 ",M=%" SCNu32 ",W=%" SCNu64, &cell.num_threads,
		   &cell.num_locks, &cell.num_slots, &cell.work_ns) == 4) {
		cell.zipf = strstr(text, ",zipf") != NULL;
		bench_cell_name(&cell, name, sizeof(name));
		if (strcmp(name, text) == 0 && cell.num_threads >= 1 &&
		    cell.num_threads <= BENCH_MAX_THREADS && cell.num_locks >= 1 &&
		    cell.num_locks <= ARENA_MAX_LOCKS && cell.num_slots / 2 >= cell.num_locks) {
			*ret_cell = cell;
			return 0;
		}
	}
	cli_error("--cell: '%s' is no cell; expected T=4,K=8,M=64,W=200, maybe with ,zipf, "
		  "1 <= T <= %d, 1 <= K <= %d and K <= M/2",
		  text, BENCH_MAX_THREADS, ARENA_MAX_LOCKS);
	return -EINVAL;
}

/* Every combination with K <= M/2; cells may be NULL to count them. */
static size_t fill_all(struct bench_cell *cells)
{
	size_t num = 0;

	for (size_t i = 0;
	     i < COUNT(all_threads) * COUNT(all_locks) * COUNT(all_slots) * COUNT(all_work) * 2;
	     i++) {
		size_t rest = i / 2;
		struct bench_cell cell = {.zipf = i % 2 != 0};

		cell.work_ns = all_work[rest % COUNT(all_work)];
		rest /= COUNT(all_work);
		cell.num_slots = all_slots[rest % COUNT(all_slots)];
		rest /= COUNT(all_slots);
		cell.num_locks = all_locks[rest % COUNT(all_locks)];
		rest /= COUNT(all_locks);
		cell.num_threads = all_threads[rest];
		if (cell.num_locks > cell.num_slots / 2)
			continue;
		if (cells != NULL)
			cells[num] = cell;
		num++;
	}
	return num;
}

int bench_cells_create(const struct bench_options *options, struct bench_cell **ret_cells,
		       size_t *ret_num)
{
	size_t num = options->quick ? COUNT(quick_cells) : fill_all(NULL);

	*ret_num = 0;
	*ret_cells = NULL;
	if (options->has_cell)
		num = 1;
	*ret_cells = calloc(num, sizeof(**ret_cells));
	if (*ret_cells == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	if (options->has_cell)
		**ret_cells = options->cell;
	else if (options->quick)
		memcpy(*ret_cells, quick_cells, sizeof(quick_cells));
	else
		(void)fill_all(*ret_cells);
	*ret_num = num;
	return 0;
}
