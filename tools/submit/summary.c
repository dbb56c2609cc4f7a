/* SPDX-License-Identifier: MIT */
#include "tools/submit/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/device.h>
#include <wwresv/sys/debug.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/submit/client.h"
#include "tools/submit/via.h"

static bool is_worse(const struct summary_contended *a, const struct summary_contended *b)
{
	if (a->num_backoffs != b->num_backoffs)
		return a->num_backoffs > b->num_backoffs;
	return a->wait_ns > b->wait_ns;
}

/* Insert into the sorted few, if it belongs there. */
static void rank_buffer(struct summary *summary, const struct summary_contended *entry)
{
	uint32_t place = summary->num_contended;

	while (place > 0 && is_worse(entry, &summary->contended[place - 1]))
		place--;
	if (place == SUMMARY_MAX_CONTENDED)
		return;
	if (summary->num_contended < SUMMARY_MAX_CONTENDED)
		summary->num_contended++;
	memmove(&summary->contended[place + 1], &summary->contended[place],
		(summary->num_contended - 1 - place) * sizeof(*entry));
	summary->contended[place] = *entry;
}

/* What submits met at each buffer's lock.  0 or -errno after a message. */
static int get_buffers(const struct run *run, struct wwr_device_bo_stats *ret_stats)
{
	uint32_t i;
	int ret;

	if (run->via == NULL) {
		for (i = 0; i < run->plan.num_buffers; i++)
			wwr_device_bo_get_stats(run->plan.buffers[i], &ret_stats[i]);
		return 0;
	}
	ret = via_get_buffers(run->via, ret_stats);
	if (ret != 0)
		cli_error("cannot look at the buffers: %s", strerror(-ret));
	return ret;
}

static int rank_buffers(struct summary *summary)
{
	const struct run *run = summary->run;
	struct wwr_device_bo_stats *stats =
	    calloc((size_t)run->plan.num_buffers + 1, sizeof(*stats));
	uint32_t i;
	int ret;

	if (stats == NULL) {
		cli_error("not enough memory for the summary");
		return -ENOMEM;
	}
	ret = get_buffers(run, stats);
	for (i = 0; i < run->plan.num_buffers && ret == 0; i++) {
		const struct summary_contended entry = {
		    .buffer = i,
		    .num_backoffs = stats[i].num_backoffs,
		    .wait_ns = stats[i].wait_ns,
		};

		if (entry.num_backoffs != 0 || entry.wait_ns != 0)
			rank_buffer(summary, &entry);
	}
	free(stats);
	return ret;
}

uint64_t summary_client_busy_ns(const struct run *run, uint32_t client)
{
	const struct client *entry = run->clients[client];
	uint64_t sum = 0;
	uint32_t i;

	/* No ioctl tells the time of a queue. */
	if (entry->via != NULL)
		return 0;
	for (i = 0; i < entry->plan->workload->num_queues; i++)
		sum += wwr_queue_busy_ns(entry->queues[i]);
	return sum;
}

/* Jain's index of the clients' time on engines: 1 = all had the same, 1/n = one had it all. */
static double fairness(double sum, double squares, uint32_t num_clients)
{
	return squares > 0 ? sum * sum / (squares * num_clients) : 1;
}

/* The time that the clients had on engines, and how it is shared out. */
static void add_shares(struct summary *summary)
{
	const struct run *run = summary->run;
	uint64_t busy_ns, least_ns = UINT64_MAX;
	double squares = 0;
	uint32_t i;

	for (i = 0; i < run->num_clients; i++) {
		busy_ns = summary_client_busy_ns(run, i);
		summary->busy_ns += busy_ns;
		squares += (double)busy_ns * (double)busy_ns;
		least_ns = busy_ns < least_ns ? busy_ns : least_ns;
		if (busy_ns > summary->most_busy_ns)
			summary->most_busy_ns = busy_ns;
	}
	summary->least_busy_ns = run->num_clients > 0 ? least_ns : 0;
	summary->fairness = fairness((double)summary->busy_ns, squares, run->num_clients);
}

static void add_via_locks(struct summary *summary)
{
	const struct run *run = summary->run;
	const struct client_via_stats *stats;
	uint32_t i;

	for (i = 0; i < run->num_clients; i++) {
		stats = &run->clients[i]->via_stats;
		summary->locks.num_locks += stats->num_locks;
		summary->locks.num_backoffs += stats->num_backoffs;
		summary->locks.num_fallbacks += stats->num_fallbacks;
		summary->locks.wait_ns += stats->wait_ns;
	}
}

void summary_get_engine(const struct summary *summary, unsigned int index,
			struct wwr_engine_info *ret_info)
{
	wwr_device_get_engine(summary->run->device, index, ret_info);
	if (summary->run->via != NULL)
		via_get_engine(summary->run->via, index, ret_info);
}

static int summary_fill(struct summary *summary)
{
	const struct run *run = summary->run;
	uint32_t i;
	int ret;

	ret = stats_init(&summary->stats, run->plan.max_locks);
	if (ret != 0) {
		cli_error("not enough memory for the summary");
		return ret;
	}
	for (i = 0; i < run->num_clients; i++)
		stats_add(&summary->stats, &run->clients[i]->stats);
	wwr_class_get_stats((struct wwr_class *)&run->lock_class, &summary->locks);
	if (run->via != NULL)
		add_via_locks(summary);
	summary->elapsed_s = (double)(run->end_ns - run->start_ns) / (double)CLOCK_NS_PER_S;
	wwr_device_get_recovery(run->device, &summary->sched);
	add_shares(summary);
	wwr_device_get_memory(run->device, &summary->memory);
	/* Stopped before the first job: not even all buffers need exist. */
	if (run->num_clients == 0)
		return 0;
	ret = rank_buffers(summary);
	if (ret != 0)
		return ret;
	ret = run->via != NULL ? via_fetch(run->via) : 0;
	if (ret != 0) {
		cli_error("cannot read the buffers: %s", strerror(-ret));
		return ret;
	}
	return verify_run(run, &summary->verify);
}

int summary_create(const struct run *run, struct summary **ret_summary)
{
	struct summary *summary;
	int ret;

	summary = calloc(1, sizeof(*summary));
	if (summary == NULL) {
		cli_error("not enough memory for the summary");
		return -ENOMEM;
	}
	summary->run = run;
	ret = summary_fill(summary);
	if (ret != 0) {
		summary_destroy(summary);
		return ret;
	}
	*ret_summary = summary;
	return 0;
}

void summary_destroy(struct summary *summary)
{
	if (summary == NULL)
		return;
	stats_fini(&summary->stats);
	free(summary);
}

int summary_exit_code(const struct summary *summary)
{
	const struct run *run = summary->run;

	if (summary->verify.num_mismatches > 0 ||
	    summary->stats.num_failed > summary->stats.num_asked || run->end == RUN_STALLED ||
	    run->end == RUN_BROKEN)
		return CLI_CHECK_FAILED;
	if (run->end == RUN_INTERRUPTED)
		return CLI_SIGNAL_BASE + run->signal;
	if (summary->verify.signal != 0)
		return CLI_SIGNAL_BASE + summary->verify.signal;
	return CLI_OK;
}

const char *summary_end_name(const struct summary *summary)
{
	switch (summary->run->end) {
	case RUN_INTERRUPTED:
		return "interrupted";
	case RUN_STALLED:
		return "stalled";
	case RUN_BROKEN:
		return "broken";
	default:
		return "finished";
	}
}
