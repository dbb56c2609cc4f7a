/* SPDX-License-Identifier: MIT */
#include "tools/submit/window.h"

#include <errno.h>
#include <stdlib.h>

/* Of one client, unless two loops are more. */
#define MAX_JOBS 1024

int window_init(struct window *window, uint32_t num_batches, uint32_t num_loops, uint32_t max_rows)
{
	uint32_t rows = num_batches == 0 ? 1 : MAX_JOBS / num_batches;
	uint32_t i;

	if (rows < 2)
		rows = 2;
	if (rows > max_rows)
		rows = max_rows;
	if (rows > num_loops)
		rows = num_loops;
	*window = (struct window){.num_rows = rows, .num_batches = num_batches};
	window->loops = calloc(rows, sizeof(*window->loops));
	window->jobs = calloc((size_t)rows * num_batches + 1, sizeof(*window->jobs));
	if (window->loops == NULL || window->jobs == NULL) {
		window_fini(window);
		return -ENOMEM;
	}
	for (i = 0; i < rows; i++)
		window->loops[i] = i;
	return 0;
}

void window_fini(struct window *window)
{
	free(window->loops);
	free(window->jobs);
	*window = (struct window){0};
}
