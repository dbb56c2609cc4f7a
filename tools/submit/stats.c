/* SPDX-License-Identifier: MIT */
#include "tools/submit/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int stats_init(struct stats *stats, uint32_t max_locks)
{
	memset(stats, 0, sizeof(*stats));
	stats->max_locks = max_locks;
	stats->sizes = calloc((size_t)max_locks + 1, sizeof(*stats->sizes));
	stats->retries = calloc(STATS_MAX_RETRIES + 1, sizeof(*stats->retries));
	if (stats->sizes == NULL || stats->retries == NULL) {
		stats_fini(stats);
		return -ENOMEM;
	}
	return 0;
}

void stats_fini(struct stats *stats)
{
	free(stats->sizes);
	free(stats->retries);
	stats->sizes = NULL;
	stats->retries = NULL;
}

static void raise_max(uint32_t *max, uint32_t value)
{
	if (value > *max)
		*max = value;
}

void stats_add(struct stats *sum, const struct stats *stats)
{
	uint32_t i;

	sum->num_submitted += stats->num_submitted;
	sum->num_committed += stats->num_committed;
	sum->num_completed += stats->num_completed;
	sum->num_failed += stats->num_failed;
	sum->num_asked += stats->num_asked;
	sum->num_cancelled += stats->num_cancelled;
	sum->num_backoffs += stats->num_backoffs;
	sum->num_missed_periods += stats->num_missed_periods;
	raise_max(&sum->max_retries, stats->max_retries);
	raise_max(&sum->max_losses, stats->max_losses);
	raise_max(&sum->max_restarts, stats->max_restarts);
	for (i = 0; i <= stats->max_locks; i++)
		sum->sizes[i] += stats->sizes[i];
	for (i = 0; i <= STATS_MAX_RETRIES; i++)
		sum->retries[i] += stats->retries[i];
	histogram_merge(&sum->latency_ns, &stats->latency_ns);
}

void stats_count_retries(struct stats *stats, uint32_t retries)
{
	stats->retries[retries < STATS_MAX_RETRIES ? retries : STATS_MAX_RETRIES]++;
	raise_max(&stats->max_retries, retries);
}

uint32_t stats_size_quantile(const struct stats *stats, double fraction)
{
	uint64_t rank = (uint64_t)ceil(fraction * (double)stats->num_committed);
	uint64_t seen = 0;
	uint32_t i;

	if (stats->num_committed == 0)
		return 0;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < stats->max_locks; i++) {
		seen += stats->sizes[i];
		if (seen >= rank)
			break;
	}
	return i;
}
