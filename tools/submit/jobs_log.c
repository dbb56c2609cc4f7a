/* SPDX-License-Identifier: MIT */
#include "tools/submit/jobs_log.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"

int jobs_log_open(struct jobs_log *log, const char *path)
{
	int error;

	*log = (struct jobs_log){.path = path, .lock = PTHREAD_MUTEX_INITIALIZER};
	if (strcmp(path, "-") == 0) {
		log->path = "standard output";
		log->file = stdout;
		return 0;
	}
	log->file = fopen(path, "we");
	if (log->file != NULL)
		return 0;
	error = errno;
	cli_error("--jobs: cannot write '%s': %s", path, strerror(error));
	return -error;
}

static json_t *build(const struct jobs_log_record *record)
{
	return json_pack("{s:I, s:s, s:I, s:I, s:s?, s:I, s:I, s:f, s:s?, s:s?}", "client",
			 (json_int_t)record->client, "workload", record->workload, "loop",
			 (json_int_t)record->loop, "step", (json_int_t)record->step, "engine",
			 record->engine, "buffers", (json_int_t)record->num_buffers, "retries",
			 (json_int_t)record->retries, "wait_us", (double)record->wait_ns / 1e3,
			 "contended", record->contended, "error", record->error);
}

void jobs_log_write(struct jobs_log *log, const struct jobs_log_record *record)
{
	json_t *json = build(record);
	char *line = json == NULL ? NULL : json_dumps(json, JSON_REAL_PRECISION(9));
	int error = 0;

	pthread_mutex_lock(&log->lock);
	if (line == NULL)
		error = ENOMEM;
	else if (fprintf(log->file, "%s\n", line) < 0)
		error = errno != 0 ? errno : EIO;
	if (log->error == 0)
		log->error = error;
	pthread_mutex_unlock(&log->lock);
	free(line);
	json_decref(json);
}

int jobs_log_close(struct jobs_log *log)
{
	int error = log->error;

	errno = 0;
	if ((log->file == stdout ? fflush(stdout) : fclose(log->file)) != 0 && error == 0)
		error = errno != 0 ? errno : EIO;
	/* One message for all that goes there. */
	if (error != 0 && log->file == stdout)
		cli_stdout_failed(error);
	else if (error != 0)
		cli_error("--jobs: cannot write to '%s': %s", log->path, strerror(error));
	log->file = NULL;
	return -error;
}
