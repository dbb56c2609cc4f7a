/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>

#include "lockset/wwr_atomic.h"
#include "tools/common/clock.h"
#include "tools/submit/client.h"
#include "tools/submit/run.h"
#include "tools/submit/via.h"

void client_set_activity(struct client *client, enum client_activity activity, uint32_t awaited)
{
	/* Relaxed: for a report that tolerates a mix of two moments. */
	wwr_atomic_store(&client->awaited, awaited, WWR_RELAXED);
	wwr_atomic_store(&client->activity, (uint32_t)activity, WWR_RELAXED);
}

static int wait_fence(struct client *client, struct wwr_fence *fence, int64_t deadline_ns)
{
	int ret;

	/* A signal that somebody sent to this very thread is none of our business. */
	do
		ret = wwr_fence_wait_until(fence, &client->token, deadline_ns);
	while (ret == -EINTR && !wwr_interrupt_token_is_set(&client->token));
	return ret;
}

int client_wait_job(struct client *client, struct window_job *job, enum client_activity activity,
		    uint32_t step)
{
	int ret;

	if (client->via != NULL) {
		if (!job->via.submitted || job->via.finished)
			return 0;
		client_set_activity(client, activity, step);
		ret = client_wait_via(client, &job->via);
		client_set_activity(client, CLIENT_STEPPING, 0);
		return ret;
	}
	if (job->job == NULL || wwr_fence_is_signaled(wwr_job_finished(job->job)))
		return 0;
	client_set_activity(client, activity, step);
	ret = wait_fence(client, wwr_job_finished(job->job), INT64_MAX);
	client_set_activity(client, CLIENT_STEPPING, 0);
	return ret;
}

static int sleep_until(struct client *client, int64_t deadline_ns)
{
	int ret;

	/* Relaxed: a count for the clock of stalls. */
	(void)wwr_atomic_fetch_add(&client->run->num_delayed, 1, WWR_RELAXED);
	client_set_activity(client, CLIENT_SLEEPING, 0);
	ret = wait_fence(client, client->never, deadline_ns);
	(void)wwr_atomic_fetch_sub(&client->run->num_delayed, 1, WWR_RELAXED);
	return ret == -ETIME ? 0 : ret;
}

static int64_t scaled_ns(const struct client *client, uint32_t us)
{
	return (int64_t)((double)us * (double)CLOCK_NS_PER_US * client->run->options->scale);
}

static int run_delay(struct client *client, uint32_t us)
{
	if (client->run->options->scale == 0)
		return 0;
	return sleep_until(client, clock_now_ns() + scaled_ns(client, us));
}

static int run_period(struct client *client, uint32_t us)
{
	int64_t deadline_ns;

	/* Without waiting there is no time to be late for. */
	if (client->run->options->scale == 0)
		return 0;
	deadline_ns = client->loop_start_ns + scaled_ns(client, us);
	if (clock_now_ns() > deadline_ns) {
		client->stats.num_missed_periods++;
		return 0;
	}
	return sleep_until(client, deadline_ns);
}

static struct window_job *job_of_step(const struct client *client, uint32_t loop, size_t step)
{
	return window_at(&client->window, loop, client->plan->workload->batch_of_step[step]);
}

static int set_priority(struct client *client, const struct wsim_step *step)
{
	const struct plan_workload *workload = client->plan->workload;
	int64_t value = step->value;
	uint32_t i;

	if (client->via != NULL)
		return via_set_priority(client->via, step->ctx_index, value);
	if (value > INT32_MAX)
		value = INT32_MAX;
	if (value < INT32_MIN)
		value = INT32_MIN;
	for (i = 0; i < workload->num_queues; i++) {
		if (workload->queues[i].ctx_index == step->ctx_index)
			wwr_queue_set_priority(client->queues[i], (int)value);
	}
	return 0;
}

static void terminate_batch(struct client *client, uint32_t loop, size_t target)
{
	struct window_job *job = job_of_step(client, loop, target);

	if (client->via != NULL)
		via_end(client->via, &job->via);
	else if (job->job != NULL)
		wwr_job_end(job->job);
}

int client_run_step(struct client *client, uint32_t loop, uint32_t number)
{
	const struct wsim_step *step = &client->plan->workload->wsim->steps[number];

	switch (step->kind) {
	case WSIM_STEP_BATCH:
		return client_submit(client, loop, number);
	case WSIM_STEP_DELAY:
		return run_delay(client, step->us);
	case WSIM_STEP_PERIOD:
		return run_period(client, step->us);
	case WSIM_STEP_SYNC:
		return client_wait_job(client, job_of_step(client, loop, step->target),
				       CLIENT_WAITING, (uint32_t)step->target);
	case WSIM_STEP_SW_FENCE:
		return client->via != NULL ? via_add_fence(client->via, number)
					   : fences_add(&client->fences, number);
	case WSIM_STEP_SIGNAL:
		if (client->via != NULL)
			via_reach_fence(client->via, step->target);
		else
			fences_reach(&client->fences, step->target);
		return 0;
	case WSIM_STEP_TERMINATE:
		terminate_batch(client, loop, step->target);
		return 0;
	case WSIM_STEP_THROTTLE:
		client->throttle = step->count;
		return 0;
	case WSIM_STEP_QUEUE_DEPTH:
		client->queue_depth = step->count;
		return 0;
	case WSIM_STEP_PRIORITY:
		return set_priority(client, step);
	default:
		/* Their part of the work is in the model of the batches. */
		return 0;
	}
}
