/* SPDX-License-Identifier: MIT */
#include "tools/submit/client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/uapi/wwr_drm.h>

#include "lockset/wwr_atomic.h"
#include "tools/common/clock.h"
#include "tools/submit/run.h"
#include "tools/submit/via.h"

static const char *never_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "never";
}

static void never_release(struct wwr_fence *fence)
{
	free(fence);
}

static const struct wwr_fence_ops never_ops = {
    .driver_name = never_name,
    .timeline_name = never_name,
    .release = never_release,
};

static int create_never(struct client *client)
{
	struct wwr_fence *never;

	if (posix_memalign((void **)&never, WWR_CACHE_LINE, sizeof(*never)) != 0)
		return -ENOMEM;
	wwr_fence_init(never, &never_ops, wwr_fence_context_alloc(1), 1);
	client->never = never;
	return 0;
}

/* All of a client's: its hangs count together. */
static int create_queue(struct client *client, const char *name, uint64_t engine_mask,
			struct wwr_queue **ret_queue)
{
	if (client->queues[0] == NULL)
		return wwr_queue_create(client->run->device, name, engine_mask, ret_queue);
	return wwr_queue_create_sibling(client->queues[0], name, engine_mask, ret_queue);
}

static int create_queues(struct client *client)
{
	const struct plan_workload *workload = client->plan->workload;
	const struct plan_queue *queue;
	char name[96];
	uint32_t i;
	int ret = 0;

	client->queues = calloc((size_t)workload->num_queues + 1, sizeof(struct wwr_queue *));
	client->bond_steps = calloc((size_t)workload->num_queues + 1, sizeof(size_t));
	if (client->queues == NULL || client->bond_steps == NULL)
		return -ENOMEM;
	for (i = 0; i < workload->num_queues && ret == 0; i++) {
		queue = &workload->queues[i];
		snprintf(name, sizeof(name), "client %u context %u on %s", client->plan->number,
			 queue->ctx, queue->engines);
		client->bond_steps[i] = WSIM_NO_STEP;
		ret = create_queue(client, name, queue->engine_mask, &client->queues[i]);
	}
	return ret;
}

static int create_places(struct client *client)
{
	const struct window *window = &client->window;
	size_t i;
	int ret = 0;

	for (i = 0; i < (size_t)window->num_rows * window->num_batches && ret == 0; i++)
		ret = via_make_place(client->via, &window->jobs[i].via);
	return ret;
}

/* For batches through the driver. */
static int create_via(struct client *client)
{
	const struct wsim_workload *wsim = client->plan->workload->wsim;
	size_t max_deps = 0, i;

	for (i = 0; i < wsim->num_steps; i++) {
		if (wsim->steps[i].kind == WSIM_STEP_BATCH &&
		    wsim->steps[i].batch.num_deps > max_deps)
			max_deps = wsim->steps[i].batch.num_deps;
	}
	client->deps = calloc(max_deps + 1, sizeof(*client->deps));
	client->syncobjs = calloc((size_t)client->window.num_rows * client->window.num_batches + 1,
				  sizeof(*client->syncobjs));
	if (client->deps == NULL || client->syncobjs == NULL)
		return -ENOMEM;
	return create_places(client);
}

static int client_fill(struct client *client)
{
	const struct plan *plan = &client->run->plan;
	const struct plan_workload *workload = client->plan->workload;
	int ret;

	wwr_interrupt_token_init(&client->token);
	client->rng.state = plan_client_seed(plan, client->plan->number);
	client->accesses = calloc((size_t)plan->max_locks + 1, sizeof(*client->accesses));
	if (client->accesses == NULL)
		return -ENOMEM;
	client->num_no_room = calloc((size_t)workload->num_batches + 1, sizeof(uint32_t));
	if (client->num_no_room == NULL)
		return -ENOMEM;
	if (client->run->via != NULL)
		client->via = via_file(client->run->via, client->plan->number);
	ret = fences_init(&client->fences, client->plan);
	if (ret == 0)
		ret = create_never(client);
	if (ret == 0 && client->via == NULL)
		ret = create_queues(client);
	if (ret == 0)
		ret = stats_init(&client->stats, plan->max_locks);
	if (ret == 0)
		ret = window_init(&client->window, workload->num_batches,
				  client->run->options->repeat, workload->max_rows);
	if (ret == 0 && client->via != NULL)
		ret = create_via(client);
	return ret;
}

int client_create(struct run *run, const struct plan_client *plan, struct client **ret_client)
{
	struct client *client;
	int ret;

	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return -ENOMEM;
	client->run = run;
	client->plan = plan;
	ret = client_fill(client);
	if (ret != 0) {
		client_destroy(client);
		return ret;
	}
	*ret_client = client;
	return 0;
}

void client_destroy(struct client *client)
{
	uint32_t i;

	if (client == NULL)
		return;
	fences_fini(&client->fences);
	for (i = 0; client->queues != NULL && i < client->plan->workload->num_queues; i++)
		wwr_queue_put(client->queues[i]);
	if (client->never != NULL) {
		(void)wwr_fence_signal(client->never);
		wwr_fence_put(client->never);
	}
	window_fini(&client->window);
	commit_log_fini(&client->log);
	stats_fini(&client->stats);
	free(client->queues);
	free(client->bond_steps);
	free(client->accesses);
	free(client->deps);
	free(client->syncobjs);
	free(client->num_no_room);
	free(client);
}

/* Wait for the jobs of the loop that had this loop's row, and count them. */
static int recycle_row(struct client *client, uint32_t loop, enum client_activity activity)
{
	const struct plan_workload *workload = client->plan->workload;
	uint32_t row = loop % client->window.num_rows;
	uint32_t old = client->window.loops[row];
	uint32_t i, batch;
	int ret;

	for (i = 0; i < workload->num_batches; i++) {
		/* From the last one on there is less to ask the driver for: see via_wait(). */
		batch = client->via != NULL ? workload->num_batches - 1 - i : i;
		ret = client_wait_job(client, window_at(&client->window, old, batch), activity,
				      (uint32_t)workload->batches[batch].step);
		if (ret != 0)
			return ret;
		client_count_job(client, old, batch);
	}
	client->window.loops[row] = loop;
	return 0;
}

/* The software ones signal. */
static void end_fences(struct client *client)
{
	if (client->via != NULL)
		via_reach_all(client->via);
	fences_end_loop(&client->fences);
}

static int run_loop(struct client *client, uint32_t loop)
{
	uint32_t num_steps = (uint32_t)client->plan->workload->wsim->num_steps;
	uint32_t step;
	int ret;

	ret = recycle_row(client, loop, CLIENT_RECYCLING);
	if (ret != 0)
		return ret;
	/* Relaxed, as all accesses to these fields: only the report of a stall looks at them. */
	wwr_atomic_store(&client->loop, loop, WWR_RELAXED);
	client->loop_start_ns = clock_now_ns();
	for (step = 0; step < num_steps; step++) {
		if (wwr_interrupt_token_is_set(&client->token))
			return -EINTR;
		wwr_atomic_store(&client->step, step, WWR_RELAXED);
		client_set_activity(client, CLIENT_STEPPING, 0);
		ret = client_run_step(client, loop, step);
		if (ret != 0)
			return ret;
	}
	end_fences(client);
	return 0;
}

static int run_all(struct client *client)
{
	uint32_t loop, row;
	int ret;

	ret = wwr_fence_wait_until(client->run->gate, &client->token, INT64_MAX);
	for (loop = 0; loop < client->run->options->repeat && ret == 0; loop++)
		ret = run_loop(client, loop);
	for (row = 0; row < client->window.num_rows && ret == 0; row++)
		ret = recycle_row(client, loop + row, CLIENT_DRAINING);
	return ret;
}

void *client_main(void *arg)
{
	struct client *client = arg;
	struct run *run = client->run;
	int ret;

	wwr_atomic_store(&client->tid, gettid(), WWR_RELAXED);
	ret = run_all(client);
	if (ret != 0 && ret != -EINTR && ret != -ECANCELED) {
		client->error = ret;
		/* Relaxed: the main thread looks at the error after it joined this one. */
		wwr_atomic_store(&run->is_broken, 1, WWR_RELAXED);
	}
	/* What waits for this client's fences goes on, whoever else ends later. */
	end_fences(client);
	client_set_activity(client, CLIENT_DONE, 0);
	pthread_mutex_lock(&run->lock);
	if (--run->num_running == 0)
		pthread_cond_signal(&run->cond);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

void client_finish(struct client *client)
{
	uint32_t row, batch;

	for (row = 0; row < client->window.num_rows; row++) {
		for (batch = 0; batch < client->window.num_batches; batch++)
			client_count_job(client, client->window.loops[row], batch);
	}
}
