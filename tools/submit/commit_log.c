/* SPDX-License-Identifier: MIT */
#include "tools/submit/commit_log.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ENTRIES 256

int commit_log_reserve(struct commit_log *log)
{
	struct commit_entry *grown;
	size_t max;

	if (log->num < log->max)
		return 0;
	max = log->max == 0 ? FIRST_ENTRIES : 2 * log->max;
	grown = reallocarray(log->entries, max, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	log->entries = grown;
	log->max = max;
	return 0;
}

size_t commit_log_add(struct commit_log *log, uint64_t commit, uint32_t step, uint32_t loop)
{
	log->entries[log->num] = (struct commit_entry){
	    .commit = commit,
	    .step = step,
	    .loop_and_flags = loop,
	};
	return log->num++;
}

void commit_log_fini(struct commit_log *log)
{
	free(log->entries);
	*log = (struct commit_log){0};
}

static uint64_t head(const struct commit_order *order, uint32_t place)
{
	uint32_t log = order->heap[place];

	return order->logs[log]->entries[order->next[log]].commit;
}

static void sift_down(struct commit_order *order, uint32_t place)
{
	uint32_t child, moved;

	while ((child = 2 * place + 1) < order->num_heap) {
		if (child + 1 < order->num_heap && head(order, child + 1) < head(order, child))
			child++;
		if (head(order, place) <= head(order, child))
			return;
		moved = order->heap[place];
		order->heap[place] = order->heap[child];
		order->heap[child] = moved;
		place = child;
	}
}

int commit_order_begin(struct commit_order *order, const struct commit_log *const *logs,
		       uint32_t num_logs)
{
	uint32_t i;

	*order = (struct commit_order){.logs = logs};
	order->next = calloc((size_t)num_logs + 1, sizeof(*order->next));
	order->heap = calloc((size_t)num_logs + 1, sizeof(*order->heap));
	if (order->next == NULL || order->heap == NULL) {
		commit_order_end(order);
		return -ENOMEM;
	}
	for (i = 0; i < num_logs; i++) {
		if (logs[i]->num > 0)
			order->heap[order->num_heap++] = i;
	}
	for (i = order->num_heap; i-- > 0;)
		sift_down(order, i);
	return 0;
}

const struct commit_entry *commit_order_next(struct commit_order *order, uint32_t *ret_log)
{
	const struct commit_entry *entry;
	uint32_t log;

	if (order->num_heap == 0)
		return NULL;
	log = order->heap[0];
	entry = &order->logs[log]->entries[order->next[log]++];
	if (order->next[log] == order->logs[log]->num)
		order->heap[0] = order->heap[--order->num_heap];
	sift_down(order, 0);
	*ret_log = log;
	return entry;
}

void commit_order_end(struct commit_order *order)
{
	free(order->next);
	free(order->heap);
	*order = (struct commit_order){0};
}
