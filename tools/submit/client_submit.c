/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/lock_set.h>

#include "tools/common/clock.h"
#include "tools/submit/client.h"
#include "tools/submit/client_submit.h"
#include "tools/submit/plan_bonds.h"
#include "tools/submit/run.h"

/* t.N: the batch N steps back, maybe in an earlier loop, has finished. */
static int wait_throttle(const struct submission *submission)
{
	struct client *client = submission->client;
	const struct plan_workload *workload = client->plan->workload;
	uint64_t loops_back;
	size_t target;

	if (client->throttle == 0)
		return 0;
	target =
	    wsim_throttle_target(workload->wsim, submission->step, client->throttle, &loops_back);
	/* Beyond the window everything has finished. */
	if (target == WSIM_NO_STEP || loops_back > submission->loop ||
	    loops_back >= client->window.num_rows)
		return 0;
	return client_wait_job(client,
			       window_at(&client->window, submission->loop - (uint32_t)loops_back,
					 workload->batch_of_step[target]),
			       CLIENT_THROTTLED, (uint32_t)target);
}

/* The unfinished jobs of this client on the same engines, in any context. */
static size_t list_unfinished(const struct submission *submission, struct wwr_fence **fences)
{
	const struct client *client = submission->client;
	const struct plan_workload *workload = client->plan->workload;
	uint64_t mask = workload->queues[submission->plan->queue].engine_mask;
	const struct window_job *job;
	uint32_t row, i;
	size_t num = 0;

	for (i = 0; i < workload->num_batches; i++) {
		if (workload->queues[workload->batches[i].queue].engine_mask != mask)
			continue;
		for (row = 0; row < client->window.num_rows; row++) {
			job = window_at(&client->window, row, i);
			if (job->job != NULL && !wwr_fence_is_signaled(wwr_job_finished(job->job)))
				fences[num++] = wwr_job_finished(job->job);
		}
	}
	return num;
}

static int wait_any(struct client *client, size_t num, struct wwr_fence **fences)
{
	unsigned int index;
	int ret;

	do
		ret = wwr_fence_wait_any((unsigned int)num, fences, &client->token, INT64_MAX,
					 &index);
	while (ret == -EINTR && !wwr_interrupt_token_is_set(&client->token));
	return ret;
}

/* q.N: fewer than N jobs of this client are unfinished on these engines. */
static int wait_queue_depth(const struct submission *submission)
{
	struct client *client = submission->client;
	struct wwr_fence **fences;
	size_t num;
	int ret = 0;

	if (client->queue_depth == 0)
		return 0;
	if (client->via != NULL)
		return submission_wait_depth_via(submission);
	fences = calloc((size_t)client->window.num_rows * client->window.num_batches,
			sizeof(struct wwr_fence *));
	if (fences == NULL)
		return -ENOMEM;
	while (ret == 0 && (num = list_unfinished(submission, fences)) >= client->queue_depth) {
		client_set_activity(client, CLIENT_FULL, 0);
		ret = wait_any(client, num, fences);
	}
	free(fences);
	return ret;
}

static int add_buffers(const struct submission *submission, struct wwr_job *job)
{
	struct client *client = submission->client;
	const struct plan *plan = &client->run->plan;
	uint32_t num, i;
	int ret = 0;

	num = plan_accesses(plan, client->plan, submission->plan, client->accesses);
	for (i = 0; i < num && ret == 0; i++)
		ret = wwr_job_add_buffer(job, plan->buffers[client->accesses[i].buffer],
					 client->accesses[i].access);
	return ret;
}

/* The bonds that are in force for the batch, and no others.  0 or -ENOMEM. */
static int set_bonds(const struct client *client, const struct plan_batch *batch)
{
	const struct plan *plan = &client->run->plan;
	uint64_t mask;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < wwr_device_num_engines(plan->device) && ret == 0; i++) {
		mask = plan_bonds_mask(plan, client->plan->workload, batch, i);
		ret = wwr_queue_set_bond(client->queues[batch->queue], i, mask);
	}
	return ret;
}

/* The queue as the batch wants it.  Bonds matter to batches with a submit fence only. */
static int prepare_queue(const struct submission *submission)
{
	struct client *client = submission->client;
	const struct plan_batch *batch = submission->plan;
	int ret;

	wwr_queue_set_preemptible(client->queues[batch->queue], submission->wsim->preemptible);
	if (submission->wsim->num_submits == 0 ||
	    client->bond_steps[batch->queue] == batch->bond_step)
		return 0;
	ret = set_bonds(client, batch);
	if (ret == 0)
		client->bond_steps[batch->queue] = batch->bond_step;
	return ret;
}

static int create_job(const struct submission *submission, struct wwr_job **ret_job)
{
	struct client *client = submission->client;
	uint32_t number = client->plan->number;
	struct wwr_queue *queue = client->queues[submission->plan->queue];
	struct wwr_job_config config = {
	    .duration_ns = WWR_JOB_ENDLESS,
	    .seed = plan_job_seed(&client->run->plan, number, submission->step, submission->loop),
	    .label = plan_label(number, submission->step, submission->loop),
	    .num_buffers = submission->plan->num_locks,
	};
	struct wwr_job *job;
	int ret;

	if (!submission->wsim->endless)
		config.duration_ns =
		    (int64_t)wsim_draw_duration(submission->wsim, &client->rng) * CLOCK_NS_PER_US;
	config.interval_ns = (int64_t)submission->wsim->preempt_us * CLOCK_NS_PER_US;
	ret = wwr_job_create(queue, &config, &job);
	if (ret != 0)
		return ret;
	ret = add_buffers(submission, job);
	if (ret == 0)
		ret = fences_add_to_job(&client->fences, submission->wsim, job);
	if (ret == 0)
		ret = prepare_queue(submission);
	if (ret != 0) {
		wwr_job_put(job);
		return ret;
	}
	*ret_job = job;
	return 0;
}

/* Lock everything and commit. */
static int submit_job(struct client *client, struct wwr_job *job,
		      struct wwr_submit_result *ret_result)
{
	const struct submit_options *options = client->run->options;
	struct wwr_lock_set_options set_options = {
	    .flags = options->classic ? WWR_LOCK_SET_CLASSIC : 0,
	    .retry_limit = options->retry_limit,
	    .token = &client->token,
	};
	uint64_t hold_ns = (uint64_t)options->hold_us * CLOCK_NS_PER_US;
	int ret;

	client_set_activity(client, CLIENT_SUBMITTING, 0);
	do
		ret = wwr_job_submit(job, &set_options, hold_ns, ret_result);
	while (ret == -EINTR && !wwr_interrupt_token_is_set(&client->token));
	return ret;
}

void submission_count(const struct submission *submission, int error,
		      const struct wwr_submit_result *result)
{
	struct stats *stats = &submission->client->stats;
	struct window_job *place = submission->place;

	stats->num_submitted++;
	stats_count_retries(stats, result->retries);
	if (result->losses > stats->max_losses)
		stats->max_losses = result->losses;
	if (result->restarts > stats->max_restarts)
		stats->max_restarts = result->restarts;
	place->wait_ns = result->wait_ns;
	place->retries = result->retries;
	place->num_buffers = result->num_buffers;
	place->contended = result->contended == NULL
			       ? WINDOW_NO_BUFFER
			       : (uint32_t)wwr_device_bo_number(result->contended);
	if (error != 0) {
		client_count_failed(submission->client, submission->loop, submission->step, place,
				    error);
		return;
	}
	stats->num_committed++;
	stats->sizes[result->num_buffers]++;
	histogram_record(&stats->latency_ns, result->reserve_ns);
}

/* Bytes of all buffers of a batch, which are in VRAM together; whole pages. */
static uint64_t batch_bytes(const struct submission *submission)
{
	const struct client *client = submission->client;
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct plan *plan = &client->run->plan;
	uint32_t num = plan_accesses(plan, client->plan, submission->plan, client->accesses), i;
	uint64_t sum = 0, bytes;

	for (i = 0; i < num; i++) {
		bytes = wwr_device_bo_base(plan->buffers[client->accesses[i].buffer])->size_bytes;
		sum += (bytes + page_bytes - 1) / page_bytes * page_bytes;
	}
	return sum;
}

/* It has failed for a reason that is the job's, not the machine's: it could not even fit alone. */
static bool has_no_room(const struct submission *submission, int error)
{
	const struct submit_options *options = submission->client->run->options;

	return error == -ENOMEM && options->vram_bytes != 0 &&
	       batch_bytes(submission) > options->vram_bytes;
}

static int submit_and_record(const struct submission *submission)
{
	struct client *client = submission->client;
	struct wwr_submit_result result = {0};
	struct wwr_job *job;
	bool job_failed;
	int ret;

	ret = commit_log_reserve(&client->log);
	if (ret == 0)
		ret = create_job(submission, &job);
	if (ret != 0)
		return ret;
	ret = submit_job(client, job, &result);
	client->stats.num_backoffs += result.num_backoffs;
	job_failed = ret == -EAGAIN;
	if (has_no_room(submission, ret)) {
		client->num_no_room[submission->plan - client->plan->workload->batches]++;
		job_failed = true;
	}
	if (ret == 0 || job_failed)
		submission_count(submission, ret, &result);
	if (ret != 0) {
		wwr_job_put(job);
		return job_failed ? 0 : ret;
	}
	submission->place->log_index =
	    commit_log_add(&client->log, result.commit, submission->step, submission->loop);
	submission->place->job = job;
	return fences_take_from_job(&client->fences, submission->step, job);
}

int client_submit(struct client *client, uint32_t loop, uint32_t step)
{
	const struct plan_workload *workload = client->plan->workload;
	uint32_t batch = workload->batch_of_step[step];
	struct submission submission = {
	    .client = client,
	    .loop = loop,
	    .step = step,
	    .wsim = &workload->wsim->steps[step].batch,
	    .plan = &workload->batches[batch],
	    .place = window_at(&client->window, loop, batch),
	};
	int ret;

	ret = wait_throttle(&submission);
	if (ret == 0)
		ret = wait_queue_depth(&submission);
	if (ret == 0)
		ret = client->via != NULL ? submission_via(&submission)
					  : submit_and_record(&submission);
	fences_close_used(&client->fences, submission.wsim, step);
	if (ret == 0 && submission.wsim->wait)
		ret = client_wait_job(client, submission.place, CLIENT_WAITING, step);
	return ret;
}
