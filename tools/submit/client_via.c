/* SPDX-License-Identifier: MIT */
/* Batches through the driver. */
#include <errno.h>

#include <wwresv/device.h>
#include <wwresv/lock_set.h>
#include <wwresv/uapi/wwr_drm.h>

#include "tools/common/clock.h"
#include "tools/submit/client.h"
#include "tools/submit/client_submit.h"
#include "tools/submit/run.h"
#include "tools/submit/via.h"

/* How long an interrupted client may go on to wait: the device knows nothing of the token. */
#define SLICE_NS (CLOCK_NS_PER_S / 10)

int client_wait_via(struct client *client, struct via_place *place)
{
	int ret;

	do {
		if (wwr_interrupt_token_is_set(&client->token))
			return -EINTR;
		ret = via_wait(client->via, place, clock_now_ns() + SLICE_NS);
	} while (ret == -ETIME || ret == -EINTR);
	return ret;
}

/* The unfinished jobs of this client on the same engines, in any context: their syncobjs. */
static uint32_t list_unfinished(const struct submission *submission, uint32_t *syncobjs)
{
	const struct client *client = submission->client;
	const struct plan_workload *workload = client->plan->workload;
	uint64_t mask = workload->queues[submission->plan->queue].engine_mask;
	struct via_place *place;
	uint32_t row, i, num = 0;

	for (i = 0; i < workload->num_batches; i++) {
		if (workload->queues[workload->batches[i].queue].engine_mask != mask)
			continue;
		for (row = 0; row < client->window.num_rows; row++) {
			place = &window_at(&client->window, row, i)->via;
			if (place->submitted && !place->finished &&
			    via_wait(client->via, place, 0) == -ETIME)
				syncobjs[num++] = place->syncobj;
		}
	}
	return num;
}

int submission_wait_depth_via(const struct submission *submission)
{
	struct client *client = submission->client;
	uint32_t num;
	int ret = 0;

	while ((num = list_unfinished(submission, client->syncobjs)) >= client->queue_depth) {
		if (wwr_interrupt_token_is_set(&client->token))
			return -EINTR;
		client_set_activity(client, CLIENT_FULL, 0);
		ret = via_wait_any(client->via, client->syncobjs, num, clock_now_ns() + SLICE_NS);
		if (ret != 0 && ret != -ETIME && ret != -EINTR)
			return ret;
	}
	return 0;
}

/* The syncobj of an earlier step of this loop; 0 = a batch that gave up: nothing to wait for. */
static uint32_t syncobj_of(const struct submission *submission, size_t step)
{
	const struct client *client = submission->client;
	const struct plan_workload *workload = client->plan->workload;
	const struct via_place *place;

	if (workload->wsim->steps[step].kind == WSIM_STEP_SW_FENCE)
		return via_fence(client->via, step);
	place = &window_at(&client->window, submission->loop, workload->batch_of_step[step])->via;
	return place->submitted ? place->syncobj : 0;
}

/* The `f-N` and `s-N` of the batch; returns how many. */
static uint32_t list_deps(const struct submission *submission, struct wwr_drm_submit_sync *deps)
{
	const struct wsim_dep *dep;
	uint32_t num = 0, syncobj;
	size_t i;

	for (i = 0; i < submission->wsim->num_deps; i++) {
		dep = &submission->wsim->deps[i];
		if (dep->kind != WSIM_DEP_FENCE && dep->kind != WSIM_DEP_SUBMIT)
			continue;
		syncobj = syncobj_of(submission, dep->step);
		if (syncobj == 0)
			continue;
		deps[num++] = (struct wwr_drm_submit_sync){
		    .handle = syncobj,
		    .flags = dep->kind == WSIM_DEP_SUBMIT ? WWR_DRM_SYNC_START : 0,
		};
	}
	return num;
}

/* What the locks of a class count for the direct path. */
static void count_locks(struct client *client, const struct via_answer *answer)
{
	struct client_via_stats *stats = &client->via_stats;

	stats->num_locks += answer->num_locks;
	stats->num_backoffs += answer->num_backoffs;
	stats->wait_ns += answer->wait_ns;
	/* As a set of the default policy does; the device has no other. */
	stats->num_fallbacks += answer->losses >= WWR_LOCK_SET_MAX_LOSSES;
}

static void count_answer(const struct submission *submission, int error,
			 const struct via_answer *answer)
{
	const struct wwr_submit_result result = {
	    .num_buffers = submission->plan->num_locks,
	    .retries = answer->retries,
	    .losses = answer->losses,
	    .restarts = answer->restarts,
	    .wait_ns = answer->wait_ns,
	    .reserve_ns = answer->reserve_ns,
	    .contended = answer->has_contended
			     ? submission->client->run->plan.buffers[answer->contended]
			     : NULL,
	};

	submission->client->stats.num_backoffs += answer->num_backoffs;
	count_locks(submission->client, answer);
	submission_count(submission, error, &result);
}

static struct via_job make_job(const struct submission *submission)
{
	struct client *client = submission->client;
	const struct plan *plan = &client->run->plan;
	uint32_t number = client->plan->number;
	struct via_job job = {
	    .queue = submission->plan->queue,
	    .endless = submission->wsim->endless,
	    .preemptible = submission->wsim->preemptible,
	    .retry_limit = client->run->options->retry_limit,
	    .seed = plan_job_seed(plan, number, submission->step, submission->loop),
	    .label = plan_label(number, submission->step, submission->loop),
	    .accesses = client->accesses,
	    .deps = client->deps,
	};

	job.num_accesses = plan_accesses(plan, client->plan, submission->plan, client->accesses);
	job.num_deps = list_deps(submission, client->deps);
	if (submission->wsim->num_submits != 0)
		job.bound = submission->plan;
	if (job.endless)
		return job;
	job.duration_ns =
	    (uint64_t)wsim_draw_duration(submission->wsim, &client->rng) * CLOCK_NS_PER_US;
	job.interval_ns = (uint64_t)submission->wsim->preempt_us * CLOCK_NS_PER_US;
	/* A longer one than any duration never ends, whatever it is. */
	if (job.interval_ns > WWR_DRM_MAX_DURATION_NS)
		job.interval_ns = WWR_DRM_MAX_DURATION_NS;
	return job;
}

int submission_via(const struct submission *submission)
{
	struct client *client = submission->client;
	struct via_place *place = &submission->place->via;
	struct via_answer answer = {0};
	struct via_job job;
	int ret = commit_log_reserve(&client->log);

	if (ret != 0)
		return ret;
	job = make_job(submission);
	client_set_activity(client, CLIENT_SUBMITTING, 0);
	do
		ret = via_submit(client->via, &job, place, &answer);
	while (ret == -EINTR && !wwr_interrupt_token_is_set(&client->token));
	if (ret != 0 && ret != -EAGAIN)
		return ret;
	count_answer(submission, ret, &answer);
	if (ret == 0)
		submission->place->log_index =
		    commit_log_add(&client->log, answer.commit, submission->step, submission->loop);
	return 0;
}

void client_end_via(struct client *client)
{
	uint32_t row, i;

	via_reach_all(client->via);
	for (row = 0; row < client->window.num_rows; row++) {
		for (i = 0; i < client->window.num_batches; i++)
			via_end(client->via, &window_at(&client->window, row, i)->via);
	}
}

void client_drain_via(struct client *client)
{
	uint32_t row, i;

	for (row = 0; row < client->window.num_rows; row++) {
		for (i = 0; i < client->window.num_batches; i++)
			(void)via_wait(client->via, &window_at(&client->window, row, i)->via,
				       INT64_MAX);
	}
}
