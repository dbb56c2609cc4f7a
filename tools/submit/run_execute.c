/* SPDX-License-Identifier: MIT */
/*
 * Invariant: whatever happens, every thread that was started is joined, or the program ends.
 */
#include <errno.h>
#include <limits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"
#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/progress.h"
#include "tools/common/stop.h"
#include "tools/common/watchdog.h"
#include "tools/submit/client.h"
#include "tools/submit/run.h"
#include "tools/submit/stall.h"
#include "tools/submit/via.h"

/* How often the main thread looks around. */
#define LOOK_NS (20 * CLOCK_NS_PER_S / 1000)
/* After an interrupt a client has to end what it does in this time, and its hold. */
#define GIVE_UP_NS (10 * CLOCK_NS_PER_S)
/* For the end of a device, with all its memory. */
#define TEARDOWN_S 120

#ifndef MIN_STACK_BYTES
#define MIN_STACK_BYTES (1024 * 1024)
#endif

/* When did something last complete? */
struct stall_clock {
	uint64_t num_finished;
	int64_t since_ns;
};

static int start_threads(struct run *run, uint32_t *ret_started)
{
	pthread_attr_t attr;
	uint32_t i;
	int ret = 0;

	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, MIN_STACK_BYTES);
	run->num_running = run->num_clients;
	for (i = 0; i < run->num_clients; i++) {
		ret = pthread_create(&run->clients[i]->thread, &attr, client_main, run->clients[i]);
		if (ret != 0)
			break;
	}
	pthread_attr_destroy(&attr);
	*ret_started = i;
	if (ret == 0)
		return 0;
	cli_error("cannot start the thread of client %" PRIu32 " of %" PRIu32 ": %s", i + 1,
		  run->num_clients, strerror(ret));
	pthread_mutex_lock(&run->lock);
	run->num_running -= run->num_clients - i;
	pthread_mutex_unlock(&run->lock);
	return -EAGAIN;
}

/* Sleep until all clients have ended, or until then.  Returns how many run. */
static uint32_t wait_clients(struct run *run, int64_t deadline_ns)
{
	struct timespec deadline = {.tv_sec = deadline_ns / CLOCK_NS_PER_S,
				    .tv_nsec = deadline_ns % CLOCK_NS_PER_S};
	uint32_t num_running;

	pthread_mutex_lock(&run->lock);
	while (run->num_running > 0) {
		if (pthread_cond_timedwait(&run->cond, &run->lock, &deadline) == ETIMEDOUT)
			break;
	}
	num_running = run->num_running;
	pthread_mutex_unlock(&run->lock);
	return num_running;
}

/* A delay step is meant to take its time: while all who run sleep in one the clock stands. */
static bool has_stalled(struct run *run, struct stall_clock *stall, uint64_t num_finished,
			uint32_t num_running)
{
	int64_t now = clock_now_ns();

	/* Relaxed: a client that begins or ends a delay just now moves the clock a little. */
	if (num_finished != stall->num_finished ||
	    wwr_atomic_load(&run->num_delayed, WWR_RELAXED) == num_running) {
		stall->num_finished = num_finished;
		stall->since_ns = now;
	}
	return now - stall->since_ns > run->options->timeout_ns;
}

/* How many jobs have finished. */
static uint64_t count_finished(const struct run *run)
{
	struct wwr_device_stats stats;

	if (run->via != NULL)
		return via_num_finished(run->via);
	wwr_device_get_stats(run->device, &stats);
	return stats.num_finished;
}

static void show_progress(struct run *run, struct progress *progress, uint64_t num_finished)
{
	struct wwr_class_stats stats;
	char remark[64];

	wwr_class_get_stats(&run->lock_class, &stats);
	snprintf(remark, sizeof(remark), "%" PRIu64 " back-offs", stats.num_backoffs);
	progress_update(progress, num_finished, run->total_jobs, "jobs", remark);
}

/* Look on until the run is over, for whatever reason. */
static enum run_end watch(struct run *run, struct progress *progress)
{
	struct stall_clock stall = {.since_ns = clock_now_ns()};
	uint64_t num_finished;
	uint32_t num_running;

	for (;;) {
		num_running = wait_clients(run, clock_now_ns() + LOOK_NS);
		/* Relaxed: what the client met is looked at after it was joined. */
		if (wwr_atomic_load(&run->is_broken, WWR_RELAXED) != 0)
			return RUN_BROKEN;
		if (stop_signal() != 0)
			return RUN_INTERRUPTED;
		if (num_running == 0)
			return RUN_FINISHED;
		num_finished = count_finished(run);
		if (has_stalled(run, &stall, num_finished, num_running))
			return RUN_STALLED;
		show_progress(run, progress, num_finished);
	}
}

static void interrupt_clients(struct run *run)
{
	uint32_t i;

	for (i = 0; i < run->num_clients; i++)
		wwr_interrupt(run->tokens[i]);
}

/* A client that does not end would leave us waiting for ever. */
static void end_clients(struct run *run)
{
	int64_t hold_ns = (int64_t)run->options->hold_us * CLOCK_NS_PER_US;
	uint32_t num_running;

	interrupt_clients(run);
	num_running = wait_clients(run, clock_now_ns() + GIVE_UP_NS + hold_ns);
	if (num_running == 0)
		return;
	cli_error("%" PRIu32 " clients did not end when asked to; giving up", num_running);
	stall_report(run, stderr);
	fflush(NULL);
	_exit(CLI_CHECK_FAILED);
}

static void join_threads(struct run *run, uint32_t num_started)
{
	uint32_t i;

	for (i = 0; i < num_started; i++)
		pthread_join(run->clients[i]->thread, NULL);
	watchdog_arm(TEARDOWN_S, "the mock GPU did not stop when asked to; giving up");
	/* The driver's jobs cannot be cancelled: they end by themselves, or are ended. */
	for (i = 0; run->via != NULL && i < run->num_clients; i++)
		client_end_via(run->clients[i]);
	for (i = 0; run->via != NULL && i < run->num_clients; i++)
		client_drain_via(run->clients[i]);
	wwr_device_stop(run->device);
	for (i = 0; i < run->num_clients; i++)
		client_finish(run->clients[i]);
	watchdog_disarm();
}

/* Of all clients of a workload, the jobs of one batch that could not fit. */
static uint64_t count_no_room(const struct run *run, const struct plan_workload *workload,
			      uint32_t batch)
{
	uint64_t num = 0;
	uint32_t i;

	for (i = 0; i < run->num_clients; i++) {
		if (run->clients[i]->plan->workload == workload)
			num += run->clients[i]->num_no_room[batch];
	}
	return num;
}

static void report_no_room(const struct run *run)
{
	uint32_t i, batch;

	for (i = 0; i < run->plan.num_workloads; i++) {
		const struct plan_workload *workload = &run->plan.workloads[i];

		for (batch = 0; batch < workload->num_batches; batch++) {
			const uint64_t num = count_no_room(run, workload, batch);

			if (num != 0)
				cli_error("step %zu of %s: its buffers do not fit in %" PRIu64
					  " bytes of VRAM, %" PRIu64 " jobs failed: %s",
					  workload->batches[batch].step, workload->name,
					  run->options->vram_bytes, num, strerror(ENOMEM));
		}
	}
}

static void report_broken(const struct run *run)
{
	const struct client *client;
	uint32_t i;

	for (i = 0; i < run->num_clients; i++) {
		client = run->clients[i];
		if (client->error != 0)
			cli_error("client %" PRIu32 ", step %" PRIu32 " of %s: %s", i, client->step,
				  client->plan->workload->wsim->source, strerror(-client->error));
	}
}

static void watch_to_end(struct run *run)
{
	struct progress progress;

	progress_init(&progress);
	run->end = watch(run, &progress);
	progress_clear(&progress);
	if (run->end == RUN_STALLED) {
		cli_error("stall: no job completed for %g s",
			  (double)run->options->timeout_ns / (double)CLOCK_NS_PER_S);
		stall_report(run, stderr);
	}
	if (run->end == RUN_INTERRUPTED)
		run->signal = stop_signal();
}

int run_execute(struct run *run)
{
	uint32_t num_started;
	int ret;

	if (run->end == RUN_INTERRUPTED) {
		wwr_device_stop(run->device);
		return 0;
	}
	/* For the clients' threads, too. */
	stop_block(true);
	ret = start_threads(run, &num_started);
	stop_set_tokens(run->tokens, run->num_clients);
	stop_block(false);

	run->start_ns = clock_now_ns();
	if (ret == 0) {
		(void)wwr_fence_signal(run->gate);
		watch_to_end(run);
	}
	if (ret != 0 || run->end != RUN_FINISHED)
		end_clients(run);
	run->end_ns = clock_now_ns();
	join_threads(run, num_started);
	stop_block(true);
	stop_set_tokens(NULL, 0);
	stop_block(false);
	report_no_room(run);
	if (run->end == RUN_BROKEN)
		report_broken(run);
	return ret;
}
