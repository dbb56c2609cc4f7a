/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>

#include "tools/submit/client.h"
#include "tools/submit/run.h"
#include "tools/submit/via.h"

static const char *error_words(int error)
{
	switch (error) {
	case 0:
		return NULL;
	case -EAGAIN:
		return "retry limit reached";
	case -ENOMEM:
		return "does not fit in VRAM";
	case -ETIME:
		return "hung";
	case -ENODEV:
		return "device lost";
	case -ECANCELED:
		return "cancelled";
	default:
		return strerror(-error);
	}
}

/* job->job is NULL if it was not submitted. */
static void write_record(struct client *client, uint32_t loop, uint32_t step,
			 const struct window_job *job, int error)
{
	const struct run *run = client->run;
	struct jobs_log_record record = {
	    .client = client->plan->number,
	    .workload = client->plan->workload->name,
	    .loop = loop,
	    .step = step,
	    .num_buffers = job->num_buffers,
	    .retries = job->retries,
	    .wait_ns = job->wait_ns,
	    .error = error_words(error),
	};
	struct wwr_engine_info engine;
	struct wwr_job_info info;
	char contended[192];

	if (run->jobs_log == NULL)
		return;
	if (job->contended != WINDOW_NO_BUFFER) {
		plan_buffer_name(&run->plan, job->contended, contended, sizeof(contended));
		record.contended = contended;
	}
	if (client->via != NULL && job->via.submitted) {
		(void)via_get_result(client->via, &job->via, engine.name, sizeof(engine.name));
		record.engine = engine.name[0] != '\0' ? engine.name : NULL;
	} else if (job->job != NULL) {
		wwr_job_get_info(job->job, &info);
		if (info.engine >= 0) {
			wwr_device_get_engine(run->device, (unsigned int)info.engine, &engine);
			record.engine = engine.name;
		}
	}
	jobs_log_write(run->jobs_log, &record);
}

static bool is_asked_for(const struct submit_options *options, int error)
{
	return (error == -ETIME && (options->hang_every != 0 || options->slow_every != 0)) ||
	       (error == -ENODEV && options->lose_after != 0);
}

void client_count_job(struct client *client, uint32_t loop, uint32_t batch)
{
	struct window_job *job = window_at(&client->window, loop, batch);
	uint32_t step = (uint32_t)client->plan->workload->batches[batch].step;
	struct wwr_job_info info;
	int status;

	if (job->via.submitted) {
		/* Nothing stops the device's jobs: all of them end well. */
		client->stats.num_completed++;
		write_record(client, loop, step, job, 0);
		job->via.submitted = false;
		return;
	}
	if (job->job == NULL)
		return;
	status = wwr_fence_get_status(wwr_job_finished(job->job));
	if (status > 0) {
		client->stats.num_completed++;
	} else if (status == 0 || status == -ECANCELED) {
		client->stats.num_cancelled++;
		client->log.entries[job->log_index].loop_and_flags |= COMMIT_CANCELLED;
		wwr_job_get_info(job->job, &info);
		if (info.torn)
			client->log.entries[job->log_index].loop_and_flags |= COMMIT_TORN;
		status = -ECANCELED;
	} else {
		/* It never wrote: it hung, or the device was lost. */
		client->log.entries[job->log_index].loop_and_flags |= COMMIT_CANCELLED;
		client->stats.num_failed++;
		client->stats.num_asked += is_asked_for(client->run->options, status);
	}
	write_record(client, loop, step, job, status < 0 ? status : 0);
	wwr_job_put(job->job);
	job->job = NULL;
}

void client_count_failed(struct client *client, uint32_t loop, uint32_t step,
			 const struct window_job *job, int error)
{
	client->stats.num_failed++;
	write_record(client, loop, step, job, error);
}
