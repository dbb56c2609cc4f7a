/* SPDX-License-Identifier: MIT */
#include "tests/drivers/replay.h"

#include "drivers/mock/effect.h"

#include <stdlib.h>
#include <string.h>

void replay_use(struct replay_job *job, uint32_t bo, uint32_t access)
{
	for (uint32_t i = 0; i < job->num_uses; i++) {
		if (job->uses[i].bo == bo) {
			job->uses[i].access |= access;
			return;
		}
	}
	job->uses[job->num_uses].bo = bo;
	job->uses[job->num_uses++].access = access;
}

static void replay_run(const struct replay_job *job, const struct wwr_effect_access *copies)
{
	struct wwr_effect_access accesses[REPLAY_MAX_USES];
	uint64_t tokens[REPLAY_MAX_SOURCES];
	uint64_t digest;

	for (uint32_t i = 0; i < job->num_sources; i++)
		tokens[i] = wwr_effect_start_token(job->source_seeds[i]);
	for (uint32_t i = 0; i < job->num_uses; i++) {
		accesses[i] = copies[job->uses[i].bo];
		accesses[i].access = job->uses[i].access;
	}
	digest = wwr_effect_digest(job->seed, tokens, job->num_sources, accesses, job->num_uses);
	wwr_effect_write(digest, accesses, job->num_uses);
}

static void replay_free(struct wwr_effect_access *copies, size_t num)
{
	for (size_t i = 0; copies != NULL && i < num; i++)
		free(copies[i].bytes);
	free(copies);
}

static struct wwr_effect_access *replay_copies(struct wwr_device_bo *const *bos, size_t num)
{
	struct wwr_effect_access *copies = calloc(num, sizeof(*copies));

	for (size_t i = 0; copies != NULL && i < num; i++) {
		copies[i].num_bytes = wwr_device_bo_touched_bytes(bos[i]);
		copies[i].bytes = malloc(copies[i].num_bytes);
		if (copies[i].bytes == NULL) {
			replay_free(copies, num);
			return NULL;
		}
		wwr_effect_init(wwr_device_bo_number(bos[i]), copies[i].bytes, copies[i].num_bytes);
	}
	return copies;
}

/* What the job was writing is taken as it is. */
static void replay_tear(const struct replay_job *job, struct wwr_device_bo *const *bos,
			const struct wwr_effect_access *copies)
{
	for (uint32_t i = 0; i < job->num_uses; i++) {
		const uint32_t bo = job->uses[i].bo;

		if ((job->uses[i].access & WWR_ACCESS_WRITE) != 0)
			memcpy(copies[bo].bytes, wwr_device_bo_map(bos[bo]), copies[bo].num_bytes);
	}
}

size_t replay_mismatches(struct wwr_device_bo *const *bos, size_t num_bos,
			 const struct replay_job *jobs, size_t num_jobs)
{
	struct wwr_effect_access *copies = replay_copies(bos, num_bos);
	size_t num = 0;

	if (copies == NULL)
		return SIZE_MAX;
	for (size_t i = 0; i < num_jobs; i++) {
		if (jobs[i].done)
			replay_run(&jobs[i], copies);
	}
	/* The last ones to touch it: whoever waits for them never ran. */
	for (size_t i = 0; i < num_jobs; i++) {
		if (jobs[i].torn)
			replay_tear(&jobs[i], bos, copies);
	}
	for (size_t i = 0; i < num_bos; i++)
		num += memcmp(copies[i].bytes, wwr_device_bo_map(bos[i]), copies[i].num_bytes) != 0;
	replay_free(copies, num_bos);
	return num;
}
