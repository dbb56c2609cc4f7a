/* SPDX-License-Identifier: MIT */
/*
 * Everything here is read while the clients' threads live, so each fact is one of its own
 * moment; in a stall nothing moves and they fit together.
 */
#include "tools/submit/stall.h"

#include <inttypes.h>
#include <stdlib.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"
#include "tools/common/clock.h"
#include "tools/submit/client.h"
#include "tools/submit/run.h"
#include "tools/submit/stall_jobs.h"
#include "tools/submit/via.h"

/* A longer list is not read by anybody. */
#define MAX_LINES 40
#define MAX_LOCKS 6

struct locks_held {
	uint64_t num;
	uint32_t buffers[MAX_LOCKS];
};

static const struct client *client_of_tid(const struct run *run, int tid)
{
	uint32_t i;

	/* Relaxed: thread ids are written once, long ago. */
	for (i = 0; i < run->num_clients; i++) {
		if (wwr_atomic_load(&run->clients[i]->tid, WWR_RELAXED) == tid)
			return run->clients[i];
	}
	return NULL;
}

static void print_holder(const struct run *run, int tid, FILE *out)
{
	const struct client *client = client_of_tid(run, tid);

	if (tid == 0)
		fputs("held by nobody just now", out);
	else if (client != NULL)
		fprintf(out, "held by client %" PRIu32, client->plan->number);
	else
		fprintf(out, "held by thread %d", tid);
}

/* What a client does that sleeps for a lock; false if it does not. */
static bool print_lock_wait(const struct run *run, const struct client *client,
			    const struct wwr_debug_wait *waits, size_t num, FILE *out)
{
	int tid = wwr_atomic_load(&client->tid, WWR_RELAXED);
	uint32_t buffer;
	char name[192];
	size_t i;

	for (i = 0; i < num; i++) {
		if (waits[i].tid != tid)
			continue;
		buffer = (uint32_t)wwr_device_bo_number(wwr_device_bo_from_mutex(waits[i].mutex));
		plan_buffer_name(&run->plan, buffer, name, sizeof(name));
		fprintf(out, "waits for the lock of %s, ", name);
		print_holder(run, waits[i].holder_tid, out);
		fprintf(out, ", for %.1f s",
			(double)(clock_now_ns() - (int64_t)waits[i].since_ns) /
			    (double)CLOCK_NS_PER_S);
		return true;
	}
	return false;
}

static void print_activity(const struct client *client, FILE *out)
{
	uint32_t awaited = wwr_atomic_load(&client->awaited, WWR_RELAXED);

	switch ((enum client_activity)wwr_atomic_load(&client->activity, WWR_RELAXED)) {
	case CLIENT_STARTING:
		fputs("has not begun", out);
		break;
	case CLIENT_STEPPING:
		fputs("is between two waits", out);
		break;
	case CLIENT_SUBMITTING:
		fputs("locks its buffers, or keeps them locked (--hold-us)", out);
		break;
	case CLIENT_WAITING:
		fprintf(out, "waits for its batch of step %" PRIu32 " to complete", awaited);
		break;
	case CLIENT_RECYCLING:
		fprintf(out,
			"waits for its batch of step %" PRIu32 " of an earlier loop to "
			"complete: too much is unfinished",
			awaited);
		break;
	case CLIENT_DRAINING:
		fprintf(out,
			"has run all steps and waits for its batch of step %" PRIu32 " to complete",
			awaited);
		break;
	case CLIENT_THROTTLED:
		fprintf(out,
			"may not submit before its batch of step %" PRIu32
			" has completed (a t step)",
			awaited);
		break;
	case CLIENT_FULL:
		fputs("may not submit before one of its jobs on these engines has completed "
		      "(a q step)",
		      out);
		break;
	case CLIENT_SLEEPING:
		fputs("sleeps in a delay step", out);
		break;
	case CLIENT_DONE:
		fputs("has ended", out);
		break;
	}
}

static void print_client(const struct run *run, const struct client *client,
			 const struct wwr_debug_wait *waits, size_t num_waits, FILE *out)
{
	const struct wsim_workload *wsim = client->plan->workload->wsim;
	uint32_t step = wwr_atomic_load(&client->step, WWR_RELAXED);

	fprintf(out, "  client %" PRIu32 " (%s), loop %" PRIu32 " step %" PRIu32,
		client->plan->number, client->plan->workload->name,
		wwr_atomic_load(&client->loop, WWR_RELAXED), step);
	if (step < wsim->num_steps)
		fprintf(out, " line %" PRIu32 " '%.40s'", wsim->steps[step].line,
			wsim->steps[step].text);
	fputs(": ", out);
	if (!print_lock_wait(run, client, waits, num_waits, out))
		print_activity(client, out);
	fputc('\n', out);
}

static void print_clients(const struct run *run, FILE *out)
{
	struct wwr_debug_wait *waits = calloc(run->num_clients, sizeof(*waits));
	size_t num_waits = 0;
	uint32_t printed = 0, ended = 0, i;

	if (waits != NULL)
		num_waits = wwr_debug_get_waits(waits, run->num_clients);
	if (num_waits > run->num_clients)
		num_waits = run->num_clients;
	fputs("clients:\n", out);
	for (i = 0; i < run->num_clients; i++) {
		if (wwr_atomic_load(&run->clients[i]->activity, WWR_RELAXED) == CLIENT_DONE)
			ended++;
		else if (printed++ < MAX_LINES)
			print_client(run, run->clients[i], waits, num_waits, out);
	}
	if (printed > MAX_LINES)
		fprintf(out, "  ... and %" PRIu32 " more\n", printed - MAX_LINES);
	if (ended > 0)
		fprintf(out, "  %" PRIu32 " of %" PRIu32 " have ended\n", ended, run->num_clients);
	free(waits);
}

static void note_holder(const struct run *run, struct locks_held *held, uint32_t buffer)
{
	struct wwr_bo *bo = wwr_device_bo_base(run->plan.buffers[buffer]);
	const struct client *client;
	struct locks_held *list;

	/* The hint first: asking for the holder disturbs him. */
	if (!wwr_mutex_is_locked(wwr_bo_mutex(bo)))
		return;
	client = client_of_tid(run, wwr_debug_mutex_holder(wwr_bo_mutex(bo)));
	if (client == NULL)
		return;
	list = &held[client->plan->number];
	if (list->num < MAX_LOCKS)
		list->buffers[list->num] = buffer;
	list->num++;
}

static void print_held(const struct run *run, uint32_t client, const struct locks_held *held,
		       FILE *out)
{
	char name[192];
	uint64_t i;

	fprintf(out, "  client %" PRIu32 " holds ", client);
	for (i = 0; i < held->num && i < MAX_LOCKS; i++) {
		plan_buffer_name(&run->plan, held->buffers[i], name, sizeof(name));
		fprintf(out, "%s%s", i > 0 ? ", " : "", name);
	}
	if (held->num > MAX_LOCKS)
		fprintf(out, " and %" PRIu64 " more", held->num - MAX_LOCKS);
	fputc('\n', out);
}

static void print_locks(const struct run *run, FILE *out)
{
	struct locks_held *held = calloc(run->num_clients, sizeof(*held));
	uint32_t printed = 0, i;

	if (held == NULL)
		return;
	for (i = 0; i < run->plan.num_buffers; i++)
		note_holder(run, held, i);
	fputs("locks:\n", out);
	for (i = 0; i < run->num_clients; i++) {
		if (held[i].num > 0 && printed++ < MAX_LINES)
			print_held(run, i, &held[i], out);
	}
	if (printed == 0)
		fputs("  nobody holds any\n", out);
	else if (printed > MAX_LINES)
		fprintf(out, "  ... and %" PRIu32 " more clients\n", printed - MAX_LINES);
	free(held);
}

void stall_report(struct run *run, FILE *out)
{
	print_clients(run, out);
	if (run->via != NULL) {
		fprintf(out,
			"jobs, %" PRIu64 " have ended; of the others, and of locks, the device "
			"tells nothing\n",
			via_num_finished(run->via));
		return;
	}
	print_locks(run, out);
	stall_print_jobs(run, MAX_LINES, out);
}
