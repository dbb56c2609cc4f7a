/* SPDX-License-Identifier: MIT */
/*
 * Invariant: clients that exist are in run->clients with their token in run->tokens; only
 * run_execute() starts and joins threads, so everything else runs without any.
 */
#include "tools/submit/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/sys/debug.h>

#include "tools/common/cli.h"
#include "tools/common/stop.h"
#include "tools/submit/client.h"
#include "tools/submit/via.h"

static const char *gate_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "start of the run";
}

static void gate_release(struct wwr_fence *fence)
{
	free(fence);
}

static const struct wwr_fence_ops gate_ops = {
    .driver_name = gate_name,
    .timeline_name = gate_name,
    .release = gate_release,
};

static int create_gate(struct run *run)
{
	if (posix_memalign((void **)&run->gate, WWR_CACHE_LINE, sizeof(*run->gate)) != 0) {
		run->gate = NULL;
		return -ENOMEM;
	}
	wwr_fence_init(run->gate, &gate_ops, wwr_fence_context_alloc(1), 1);
	return 0;
}

static int create_device(struct run *run)
{
	const struct submit_options *options = run->options;
	struct wwr_device_config config;
	int ret;

	wwr_device_config_init(&config);
	memcpy(config.num_engines, options->engines.count, sizeof(config.num_engines));
	config.touch_full = options->touch_full;
	config.time_scale = options->scale;
	config.break_deps = options->break_deps;
	config.lock_class = &run->lock_class;
	config.use_sched = options->use_sched;
	config.policy = options->sched_policy;
	config.hang_timeout_ns = options->hang_timeout_ns;
	config.hang_limit = options->hang_limit;
	config.hang_every = options->hang_every;
	config.slow_every = options->slow_every;
	config.slow_factor = options->slow_factor;
	config.lose_after = options->lose_after;
	config.vram_bytes = options->vram_bytes;
	config.gtt_bytes = options->gtt_bytes;
	/* The engines' threads inherit the mask: signals are the main thread's. */
	stop_block(true);
	ret = wwr_device_create(&config, &run->device);
	stop_block(false);
	if (ret != 0)
		cli_error("cannot start the mock GPU: %s", strerror(-ret));
	return ret;
}

static int create_clients(struct run *run)
{
	uint32_t i;
	int ret;

	run->clients = calloc(run->plan.num_clients, sizeof(struct client *));
	run->tokens = calloc(run->plan.num_clients, sizeof(struct wwr_interrupt_token *));
	if (run->clients == NULL || run->tokens == NULL)
		return -ENOMEM;
	for (i = 0; i < run->plan.num_clients; i++) {
		ret = client_create(run, &run->plan.clients[i], &run->clients[i]);
		if (ret != 0)
			return ret;
		run->tokens[i] = &run->clients[i]->token;
		run->num_clients++;
		run->total_jobs +=
		    (uint64_t)run->plan.clients[i].workload->num_batches * run->options->repeat;
	}
	return 0;
}

static int run_fill(struct run *run, struct wsim_workload *const *workloads)
{
	int ret;

	ret = create_device(run);
	if (ret != 0)
		return ret;
	ret = plan_build(run->device, workloads, run->options->num_workloads, run->options,
			 &run->plan);
	if (ret != 0)
		return ret;
	if (run->options->via_libdrm) {
		ret = via_create(&run->plan, &run->via);
		if (ret != 0)
			return ret;
	}
	ret = create_gate(run);
	if (ret == 0)
		ret = create_clients(run);
	if (ret != 0)
		cli_error("not enough memory for %" PRIu32 " clients", run->plan.num_clients);
	return ret;
}

/* No client exists: the run is over before it began, and its summary says so. */
static void stopped_before(struct run *run)
{
	run->end = RUN_INTERRUPTED;
	run->signal = stop_signal();
	cli_error("stopped by signal %d (%s) before the first job", run->signal,
		  strsignal(run->signal));
}

static void init_sync(struct run *run)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&run->cond, &attr);
	pthread_condattr_destroy(&attr);
}

int run_create(const struct submit_options *options, struct wsim_workload *const *workloads,
	       struct jobs_log *jobs_log, struct run **ret_run)
{
	struct run *run;
	int ret;

	run = calloc(1, sizeof(*run));
	if (run == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	run->options = options;
	run->jobs_log = jobs_log;
	init_sync(run);
	wwr_class_init(&run->lock_class, "submit", options->algorithm);
	wwr_class_set_injection(&run->lock_class, options->inject, options->seed);
	ret = run_fill(run, workloads);
	if (ret == -EINTR) {
		stopped_before(run);
		ret = 0;
	}
	if (ret != 0) {
		run_destroy(run);
		return ret;
	}
	*ret_run = run;
	return 0;
}

void run_destroy(struct run *run)
{
	uint32_t i;

	if (run == NULL)
		return;
	for (i = 0; i < run->num_clients; i++)
		client_destroy(run->clients[i]);
	if (run->gate != NULL) {
		(void)wwr_fence_signal(run->gate);
		wwr_fence_put(run->gate);
	}
	via_destroy(run->via);
	/* Buffers are gone before the domains that they are in. */
	if (run->device != NULL)
		wwr_device_stop(run->device);
	plan_fini(&run->plan);
	wwr_device_destroy(run->device);
	wwr_class_fini(&run->lock_class);
	pthread_cond_destroy(&run->cond);
	pthread_mutex_destroy(&run->lock);
	free(run->clients);
	free(run->tokens);
	free(run);
}
