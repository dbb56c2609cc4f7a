/* SPDX-License-Identifier: MIT */
/*
 * SUBMIT: look at the block and at the arrays, find the objects, reserve what the out-fences need,
 * and only then submit the job; what follows cannot fail.
 */
#include "drivers/wwrmock/wwrmock_submit.h"

#include <wwresv/alloc.h>
#include <wwresv/device.h>
#include <wwresv/lock_set.h>
#include <wwresv/uapi/wwr_drm.h>

#include "drivers/core/gem.h"
#include "drivers/wwrmock/wwrmock_bo.h"
#include "drivers/wwrmock/wwrmock_file.h"

#include <errno.h>

_Static_assert(WWR_DRM_BO_READ == WWR_ACCESS_READ, "uses of a buffer");
_Static_assert(WWR_DRM_BO_WRITE == WWR_ACCESS_WRITE, "uses of a buffer");
_Static_assert(offsetof(struct wwr_drm_submit_stats, num_locks) == WWR_DRM_SUBMIT_STATS_MIN_BYTES,
	       "what ABI 4 added");

static bool is_endless(const struct wwr_drm_submit *block)
{
	return (block->flags & WWR_DRM_SUBMIT_ENDLESS) != 0;
}

/* Of ABI 2, or as it is known here; a longer one is of a later interface. */
static bool is_stats_size(uint32_t size_bytes)
{
	return size_bytes == WWR_DRM_SUBMIT_STATS_MIN_BYTES ||
	       size_bytes >= sizeof(struct wwr_drm_submit_stats);
}

static int check_block(const struct wwr_drm_submit *block)
{
	if ((block->flags & ~(uint32_t)WWR_DRM_SUBMIT_FLAGS) != 0 || block->out_fd != 0 ||
	    block->commit != 0)
		return -EINVAL;
	if ((block->flags & WWR_DRM_SUBMIT_FENCE_FD_IN) == 0 &&
	    (block->in_fd != 0 || (block->flags & WWR_DRM_SUBMIT_FENCE_FD_START) != 0))
		return -EINVAL;
	if (is_endless(block) && (block->duration_ns != 0 || block->interval_ns != 0))
		return -EINVAL;
	if (block->stats == 0 ? block->stats_bytes != 0 : !is_stats_size(block->stats_bytes))
		return -EINVAL;
	if (block->num_bos > WWR_DRM_MAX_BOS || block->duration_ns > WWR_DRM_MAX_DURATION_NS ||
	    block->interval_ns > WWR_DRM_MAX_DURATION_NS)
		return -EINVAL;
	return 0;
}

static int copy_bos(struct wwrmock_submit *submit)
{
	const struct wwr_drm_submit *block = submit->block;
	void *bos;
	int ret;

	ret = core_copy_strided(submit->call, block->bos, block->num_bos, block->bo_stride,
				sizeof(*submit->bos), &bos);
	if (ret != 0)
		return ret;
	submit->bos = bos;
	for (uint32_t i = 0; i < block->num_bos; i++) {
		uint32_t flags = submit->bos[i].flags;

		if (flags == 0 || (flags & ~(uint32_t)WWR_DRM_BO_USE_FLAGS) != 0)
			return -EINVAL;
	}
	return 0;
}

/* Everything that can be wrong without looking at an object. */
static int copy_in(struct wwrmock_submit *submit)
{
	const struct wwr_drm_submit *block = submit->block;
	int ret = check_block(block);

	if (ret == 0)
		ret = copy_bos(submit);
	if (ret == 0)
		ret = wwrmock_syncs_copy(submit->call, block->in_syncs, block->num_in_syncs,
					 block->sync_stride, WWR_DRM_SYNC_FLAGS, &submit->in);
	if (ret == 0)
		ret = wwrmock_syncs_copy(submit->call, block->out_syncs, block->num_out_syncs,
					 block->sync_stride, 0, &submit->out);
	if (ret == 0)
		ret = wwrmock_syncs_check_caps(submit->call, &submit->in);
	if (ret == 0)
		ret = wwrmock_syncs_check_caps(submit->call, &submit->out);
	return ret;
}

static int make_job(struct wwrmock_submit *submit)
{
	const struct wwr_drm_submit *block = submit->block;
	const struct wwr_job_config config = {
	    .duration_ns = is_endless(block) ? WWR_JOB_ENDLESS : (int64_t)block->duration_ns,
	    .interval_ns = (int64_t)block->interval_ns,
	    .seed = block->seed,
	    .label = block->label,
	    .num_buffers = block->num_bos,
	    .explicit_sync = (block->flags & WWR_DRM_SUBMIT_EXPLICIT_SYNC) != 0,
	};
	struct wwr_queue *queue;
	int ret = wwrmock_file_get_queue(submit->call->file, block->queue, block->engine, &queue);

	if (ret != 0)
		return ret;
	ret = wwr_job_create(queue, &config, &submit->job);
	wwr_queue_put(queue);
	return ret;
}

static int add_buffer(struct wwrmock_submit *submit, const struct wwr_drm_submit_bo *entry)
{
	struct core_gem *gem = core_gem_find(submit->call->file, entry->handle);
	struct wwr_device_bo *bo;
	int ret;

	if (gem == NULL)
		return -ENOENT;
	submit->gems[submit->num_gems++] = gem;
	ret = wwrmock_gem_get_bo(gem, &bo);
	if (ret != 0)
		return ret;
	ret = wwr_job_add_buffer(submit->job, bo, entry->flags);
	wwr_device_bo_put(bo);
	return ret;
}

static int add_buffers(struct wwrmock_submit *submit)
{
	const uint32_t num = submit->block->num_bos;
	int ret = 0;

	if (num == 0)
		return 0;
	submit->gems = wwr_alloc_array(num, sizeof(submit->gems[0]));
	if (submit->gems == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < num && ret == 0; i++)
		ret = add_buffer(submit, &submit->bos[i]);
	return ret;
}

static int add_in_fd(struct wwrmock_submit *submit)
{
	struct core_call *call = submit->call;
	int ret;
	int fd;

	if ((submit->block->flags & WWR_DRM_SUBMIT_FENCE_FD_IN) == 0)
		return 0;
	fd = call->transport->fd_in(call->data, submit->block->in_fd);
	if (fd < 0)
		return fd;
	if ((submit->block->flags & WWR_DRM_SUBMIT_FENCE_FD_START) != 0)
		ret = wwr_job_add_submit_fence(submit->job, fd);
	else
		ret = wwr_job_add_in_fence(submit->job, fd);
	call->transport->fd_release(call->data, fd);
	return ret;
}

/* The client's handle of a buffer that the job has; 0 for NULL. */
static uint32_t handle_of(const struct wwrmock_submit *submit, const struct wwr_device_bo *bo)
{
	struct wwr_device_bo *other;
	uint32_t handle = 0;

	for (uint32_t i = 0; bo != NULL && handle == 0 && i < submit->num_gems; i++) {
		/* It is there since the buffer was added: this takes no memory. */
		if (wwrmock_gem_get_bo(submit->gems[i], &other) != 0)
			continue;
		if (other == bo)
			handle = submit->bos[i].handle;
		wwr_device_bo_put(other);
	}
	return handle;
}

/* With result NULL: zeros, to see that it can be written.  -EFAULT. */
static int copy_stats(const struct wwrmock_submit *submit, const struct wwr_submit_result *result)
{
	struct wwr_drm_submit_stats stats = {0};
	size_t size_bytes = sizeof(stats);

	if (submit->block->stats == 0)
		return 0;
	if (submit->block->stats_bytes < size_bytes)
		size_bytes = submit->block->stats_bytes;
	if (result != NULL) {
		stats.retries = result->retries;
		stats.num_backoffs = result->num_backoffs;
		stats.losses = result->losses;
		stats.restarts = result->restarts;
		stats.wait_ns = result->wait_ns;
		stats.reserve_ns = result->reserve_ns;
		stats.contended = handle_of(submit, result->contended);
		stats.num_locks = result->num_locks;
	}
	return core_copy_out(submit->call, submit->block->stats, &stats, size_bytes);
}

/* What comes out of the job, as far as it can be had before; the block is as it will be. */
static int prepare_out(struct wwrmock_submit *submit)
{
	struct core_call *call = submit->call;
	int ret = wwrmock_syncs_prepare(call, &submit->out);

	if (ret == 0 && (submit->block->flags & WWR_DRM_SUBMIT_FENCE_FD_OUT) != 0) {
		ret = wwrmock_out_fd_reserve(call, &submit->out_fd);
		if (ret == 0)
			submit->block->out_fd = submit->out_fd.fd;
	}
	if (ret == 0)
		ret = copy_stats(submit, NULL);
	return ret == 0 ? core_probe_out(call, submit->block) : ret;
}

/* The point of no return is in the middle of wwr_job_submit(). */
static int commit(struct wwrmock_submit *submit)
{
	const struct wwr_lock_set_options options = {.token = submit->call->token,
						     .retry_limit = submit->block->retry_limit};
	struct core_file *file = submit->call->file;
	struct wwr_submit_result result;
	struct wwr_fence *fence;
	int ret = wwrmock_file_begin_job(file);

	if (ret != 0)
		return ret;
	ret = wwr_job_submit(submit->job, &options, 0, &result);
	if (ret != 0) {
		wwrmock_file_end_job(file, NULL, false);
		if (ret != -EAGAIN)
			return ret;
		(void)copy_stats(submit, &result);
		return -EDEADLK;
	}
	fence = wwr_job_finished(submit->job);
	wwrmock_file_end_job(file, submit->job, is_endless(submit->block));
	wwrmock_syncs_signal(&submit->out, fence);
	wwrmock_out_fd_install(&submit->out_fd, fence);
	submit->block->commit = result.commit;
	/* The job runs, whatever became of the client's memory meanwhile. */
	(void)copy_stats(submit, &result);
	return 0;
}

static void submit_fini(struct wwrmock_submit *submit)
{
	for (uint32_t i = 0; i < submit->num_gems; i++)
		core_gem_put(submit->gems[i]);
	wwr_job_put(submit->job);
	wwrmock_syncs_fini(&submit->in);
	wwrmock_syncs_fini(&submit->out);
	wwr_free(submit->gems);
	wwr_free(submit->bos);
}

int wwrmock_ioctl_submit(struct core_call *call, void *arg)
{
	struct wwrmock_submit submit = {.call = call, .block = arg, .out_fd = {NULL, -1}};
	int ret = copy_in(&submit);

	if (ret == 0)
		ret = make_job(&submit);
	if (ret == 0)
		ret = add_buffers(&submit);
	if (ret == 0)
		ret = wwrmock_syncs_wait(call, &submit.in, submit.job);
	if (ret == 0)
		ret = add_in_fd(&submit);
	if (ret == 0)
		ret = prepare_out(&submit);
	if (ret == 0)
		ret = commit(&submit);
	if (ret != 0) {
		wwrmock_out_fd_cancel(call, &submit.out_fd);
		submit.block->out_fd = 0;
	}
	submit_fini(&submit);
	return ret;
}
