/* SPDX-License-Identifier: MIT */
/* What a submit waits for and signals: syncobjs, and a sync_file.  All that may fail comes before.
 */
#include "drivers/wwrmock/wwrmock_sync.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/fence_chain.h>
#include <wwresv/job.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/wwr_drm.h>

#include "drivers/core/syncobj.h"

#include <errno.h>

int wwrmock_syncs_copy(struct core_call *call, uint64_t src, uint32_t num, uint32_t stride_bytes,
		       uint32_t known_flags, struct wwrmock_syncs *syncs)
{
	void *entries;
	int ret;

	if (num > WWR_DRM_MAX_SYNCS)
		return -EINVAL;
	ret = core_copy_strided(call, src, num, stride_bytes, sizeof(*syncs->entries), &entries);
	if (ret != 0)
		return ret;
	syncs->entries = entries;
	syncs->num = num;
	for (uint32_t i = 0; i < num; i++) {
		if ((syncs->entries[i].flags & ~known_flags) != 0)
			return -EINVAL;
	}
	return 0;
}

int wwrmock_syncs_check_caps(struct core_call *call, const struct wwrmock_syncs *syncs)
{
	uint32_t caps = syncs->num != 0 ? CORE_CAP_SYNCOBJ : 0;

	for (uint32_t i = 0; i < syncs->num; i++) {
		if (syncs->entries[i].point != 0)
			caps |= CORE_CAP_SYNCOBJ_TIMELINE;
	}
	return core_syncobj_check_caps(call, caps);
}

static int wait_for(struct core_call *call, const struct wwr_drm_submit_sync *entry,
		    struct wwr_job *job)
{
	struct wwr_syncobj *syncobj = core_syncobj_find(call->file, entry->handle);
	struct wwr_fence *fence;
	int ret;

	if (syncobj == NULL)
		return -ENOENT;
	ret = wwr_syncobj_find_fence(syncobj, entry->point, 0, NULL, 0, &fence);
	wwr_syncobj_put(syncobj);
	if (ret != 0)
		return ret;
	if ((entry->flags & WWR_DRM_SYNC_START) != 0)
		ret = wwr_job_add_submit_fence_of(job, fence);
	else
		ret = wwr_job_add_dependency(job, fence);
	wwr_fence_put(fence);
	return ret;
}

int wwrmock_syncs_wait(struct core_call *call, struct wwrmock_syncs *syncs, struct wwr_job *job)
{
	int ret = 0;

	for (uint32_t i = 0; i < syncs->num && ret == 0; i++)
		ret = wait_for(call, &syncs->entries[i], job);
	return ret;
}

int wwrmock_syncs_prepare(struct core_call *call, struct wwrmock_syncs *syncs)
{
	if (syncs->num == 0)
		return 0;
	syncs->syncobjs = wwr_alloc_array(syncs->num, sizeof(syncs->syncobjs[0]));
	syncs->nodes = wwr_alloc_array(syncs->num, sizeof(syncs->nodes[0]));
	if (syncs->syncobjs == NULL || syncs->nodes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < syncs->num; i++) {
		syncs->syncobjs[i] = core_syncobj_find(call->file, syncs->entries[i].handle);
		if (syncs->syncobjs[i] == NULL)
			return -ENOENT;
		if (syncs->entries[i].point == 0)
			continue;
		syncs->nodes[i] = wwr_fence_chain_create();
		if (syncs->nodes[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void wwrmock_syncs_signal(struct wwrmock_syncs *syncs, struct wwr_fence *fence)
{
	for (uint32_t i = 0; i < syncs->num; i++) {
		struct wwr_fence_chain *node = syncs->nodes[i];

		syncs->nodes[i] = NULL;
		if (node != NULL)
			wwr_syncobj_add_node(syncs->syncobjs[i], node, syncs->entries[i].point,
					     fence);
		else
			wwr_syncobj_replace_fence(syncs->syncobjs[i], fence);
	}
}

void wwrmock_syncs_fini(struct wwrmock_syncs *syncs)
{
	for (uint32_t i = 0; i < syncs->num && syncs->syncobjs != NULL; i++)
		wwr_syncobj_put(syncs->syncobjs[i]);
	for (uint32_t i = 0; i < syncs->num && syncs->nodes != NULL; i++)
		wwr_fence_chain_destroy(syncs->nodes[i]);
	wwr_free(syncs->syncobjs);
	wwr_free(syncs->nodes);
	wwr_free(syncs->entries);
}

int wwrmock_out_fd_reserve(struct core_call *call, struct wwrmock_out_fd *out)
{
	int ret = wwr_sync_file_reserve(&out->slot, &out->fd);

	if (ret != 0) {
		out->slot = NULL;
		return ret;
	}
	/* Fails or not, the descriptor is not ours any more. */
	out->fd = core_fd_out(call, out->fd, true);
	return out->fd < 0 ? out->fd : 0;
}

void wwrmock_out_fd_install(struct wwrmock_out_fd *out, struct wwr_fence *fence)
{
	if (out->slot != NULL)
		wwr_sync_file_install(out->slot, fence);
	out->slot = NULL;
}

void wwrmock_out_fd_cancel(struct core_call *call, struct wwrmock_out_fd *out)
{
	if (out->slot == NULL)
		return;
	wwr_sync_file_cancel(out->slot);
	if (out->fd >= 0)
		call->transport->fd_undo(call->data, out->fd);
	call->new_fd = -1;
}
