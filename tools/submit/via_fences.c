/* SPDX-License-Identifier: MIT */
/*
 * Software fences of a client of the driver: points of a timeline of sw_sync, each of which goes
 * from its sync_file into a syncobj at once, so no descriptor stays open.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <wwresv/uapi/sync_more.h>
#include <xf86drm.h>

#include "tools/submit/plan.h"
#include "tools/submit/via_file.h"

#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"

int via_open_fences(struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	size_t num = workload->wsim->num_steps + 1;

	if (workload->num_sw_fences == 0)
		return 0;
	file->values = calloc(num, sizeof(*file->values));
	file->fences = calloc(num, sizeof(*file->fences));
	if (file->values == NULL || file->fences == NULL)
		return -ENOMEM;
	file->sw_sync = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	return file->sw_sync >= 0 ? 0 : -errno;
}

void via_close_fences(struct via_file *file)
{
	if (file->sw_sync >= 0)
		close(file->sw_sync);
	free(file->values);
	free(file->fences);
}

int via_add_fence(struct via_file *file, uint32_t step)
{
	struct wwr_sw_sync_create_fence create = {.value = file->last_value + 1};
	int ret = 0;

	if (file->last_value == INT32_MAX)
		return -EOVERFLOW;
	(void)snprintf(create.name, sizeof(create.name), "step %" PRIu32 " of client %" PRIu32,
		       step, file->client->number);
	if (file->fences[step] == 0 && drmSyncobjCreate(file->fd, 0, &file->fences[step]) != 0)
		return -errno;
	if (ioctl(file->sw_sync, WWR_SW_SYNC_IOC_CREATE_FENCE, &create) != 0)
		return -errno;
	if (drmSyncobjImportSyncFile(file->fd, file->fences[step], create.fence) != 0)
		ret = -errno;
	close(create.fence);
	file->values[step] = ++file->last_value;
	return ret;
}

uint32_t via_fence(const struct via_file *file, size_t step)
{
	return file->fences[step];
}

static void reach(struct via_file *file, uint32_t value)
{
	uint32_t more = value - file->value;

	if (value <= file->value)
		return;
	if (ioctl(file->sw_sync, WWR_SW_SYNC_IOC_INC, &more) == 0)
		file->value = value;
}

void via_reach_fence(struct via_file *file, size_t step)
{
	reach(file, file->values[step]);
}

void via_reach_all(struct via_file *file)
{
	reach(file, file->last_value);
}
