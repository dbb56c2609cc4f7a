/* SPDX-License-Identifier: MIT */
/* SUBMIT: what it checks, what it waits for, what it gives, and that a failure leaves nothing. */
#include "drivers/mock/effect.h"
#include "drivers/vgem/vgem.h"
#include "tests/drivers/test_wwrmock.h"

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/resv.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/uapi/vgem.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(drivers_wwrmock_submit, .init = wm_setup, .fini = wm_teardown, .timeout = 60);

#define READ  WWR_DRM_BO_READ
#define WRITE WWR_DRM_BO_WRITE

static int do_submit(struct wwr_drm_submit *block)
{
	return wm_do(wm_file, WWR_IOCTL_SUBMIT, block);
}

static uint64_t query(uint32_t handle, uint32_t flags)
{
	uint64_t point = 99;
	struct drm_syncobj_timeline_array block = {(uintptr_t)&handle, (uintptr_t)&point, 1, flags};

	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_SYNCOBJ_QUERY, &block), 0);
	return point;
}

static int syncobj_wait(uint32_t handle, int64_t timeout_ns)
{
	struct drm_syncobj_wait block = {
	    .handles = (uintptr_t)&handle, .timeout_nsec = timeout_ns, .count_handles = 1};

	return wm_do(wm_file, DRM_IOCTL_SYNCOBJ_WAIT, &block);
}

static uint8_t *map_buffer(uint32_t handle)
{
	struct core_gem *gem = core_gem_find(wm_file, handle);
	uint8_t *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, gem->memfd, 0);

	cr_assert_neq(map, MAP_FAILED);
	core_gem_put(gem);
	return map;
}

Test(drivers_wwrmock_submit, jobs_write_in_the_order_of_commits)
{
	struct wwr_drm_submit_bo bo = {wm_make_buffer(wm_file), READ | WRITE};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	uint8_t *map = map_buffer(bo.handle);
	uint8_t expected[WWR_TOUCH_BYTES] = {0};
	struct wwr_effect_access access = {expected, sizeof(expected), READ | WRITE};

	block.duration_ns = 1000;
	for (uint64_t i = 0; i < 4; i++) {
		block.seed = i;
		block.label = 7;
		block.commit = 0;
		/* Queues of their own: only the buffer has them wait. */
		block.engine =
		    WWR_DRM_ENGINE(i % 2 != 0 ? WWR_DRM_ENGINE_COPY : WWR_DRM_ENGINE_VIDEO, i / 2);
		cr_assert_eq(do_submit(&block), 0);
		cr_expect_eq(block.commit, i);
		wwr_effect_write(wwr_effect_digest(i, NULL, 0, &access, 1), &access, 1);
	}
	cr_assert_eq(wm_wait(wm_file, bo.handle, 0, INT64_MAX), 0);
	cr_expect_eq(memcmp(map, expected, sizeof(expected)), 0);
	munmap(map, 4096);
}

Test(drivers_wwrmock_submit, block_is_checked_before_objects_are)
{
	static const struct wwr_drm_submit bad[] = {
	    {.flags = WWR_DRM_SUBMIT_FENCE_FD_START},
	    {.flags = 1u << 5},
	    {.flags = 1u << 31},
	    {.in_fd = 1},
	    {.in_fd = -1},
	    {.out_fd = 1},
	    {.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT, .out_fd = -1},
	    {.commit = 1},
	    {.duration_ns = WWR_DRM_MAX_DURATION_NS + 1},
	    {.duration_ns = UINT64_MAX},
	    {.interval_ns = WWR_DRM_MAX_DURATION_NS + 1},
	    {.interval_ns = UINT64_MAX},
	    {.flags = WWR_DRM_SUBMIT_ENDLESS, .interval_ns = 1},
	    {.num_bos = WWR_DRM_MAX_BOS + 1, .bo_stride = 8},
	    {.num_bos = UINT32_MAX, .bo_stride = 8},
	    {.num_bos = 1, .bo_stride = 7},
	    {.num_bos = 1, .bo_stride = 0},
	    {.num_in_syncs = WWR_DRM_MAX_SYNCS + 1, .sync_stride = 16},
	    {.num_out_syncs = UINT32_MAX, .sync_stride = 16},
	    {.num_in_syncs = 1, .sync_stride = 15},
	    {.num_out_syncs = 1, .sync_stride = 0},
	    {.engine = 5},
	    {.engine = WWR_DRM_ENGINE(0, 2)},
	    {.queue = 77, .engine = 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wwr_drm_submit block = bad[i];

		cr_expect_eq(do_submit(&block), -EINVAL, "%zu", i);
	}
}

Test(drivers_wwrmock_submit, arrays_are_checked)
{
	struct wwr_drm_submit_bo bo = {77, 0};
	struct wwr_drm_submit_sync sync = {.handle = 77, .flags = 1};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);

	cr_expect_eq(do_submit(&block), -EINVAL, "no use");
	for (uint32_t bit = 2; bit < 32; bit++) {
		bo.flags = READ | 1u << bit;
		cr_expect_eq(do_submit(&block), -EINVAL);
	}
	bo.flags = READ;
	cr_expect_eq(do_submit(&block), -ENOENT);
	block.bos = 8;
	cr_expect_eq(do_submit(&block), -EFAULT);
	block = wm_block(NULL, NULL, &sync);
	cr_expect_eq(do_submit(&block), -EINVAL);
	block = wm_block(NULL, &sync, NULL);
	cr_expect_eq(do_submit(&block), -ENOENT, "a start may be waited for");
	sync.flags = 2;
	cr_expect_eq(do_submit(&block), -EINVAL);
	sync.flags = 0;
	block = wm_block(NULL, NULL, &sync);
	cr_expect_eq(do_submit(&block), -ENOENT);
	block = wm_block(NULL, &sync, NULL);
	cr_expect_eq(do_submit(&block), -ENOENT);
	block.in_syncs = UINT64_C(1) << 63;
	cr_expect_eq(do_submit(&block), -EFAULT);
	block = wm_block(NULL, NULL, NULL);
	block.queue = 77;
	cr_expect_eq(do_submit(&block), -ENOENT);
	/* Nothing is read of an array without entries. */
	block = (struct wwr_drm_submit){.bos = 8, .in_syncs = 8, .out_syncs = 8, .bo_stride = 1};
	cr_expect_eq(do_submit(&block), 0);
}

Test(drivers_wwrmock_submit, elements_may_have_grown_by_zeros)
{
	struct {
		struct wwr_drm_submit_bo bo;
		uint64_t later;
	} bos[2] = {{{wm_make_buffer(wm_file), READ}, 0}, {{wm_make_buffer(wm_file), WRITE}, 0}};
	struct wwr_drm_submit block = wm_block(&bos[0].bo, NULL, NULL);

	block.num_bos = 2;
	block.bo_stride = sizeof(bos[0]);
	cr_assert_eq(do_submit(&block), 0);
	block.commit = 0;
	bos[1].later = UINT64_C(1) << 63;
	cr_expect_eq(do_submit(&block), -E2BIG);
}

Test(drivers_wwrmock_submit, in_fences_hold_the_job_and_implicit_sync_the_next)
{
	struct wwr_drm_submit_bo bo = {wm_make_buffer(wm_file), WRITE};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	struct wwr_sync_timeline *gate;
	int out_fd;

	block.flags = WWR_DRM_SUBMIT_FENCE_FD_IN | WWR_DRM_SUBMIT_FENCE_FD_OUT;
	block.in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&block), 0);
	close(block.in_fd);
	out_fd = block.out_fd;
	cr_expect_eq(fcntl(out_fd, F_GETFD), FD_CLOEXEC);
	cr_expect_not(wm_is_ready(out_fd));
	cr_expect_eq(wm_wait(wm_file, bo.handle, 0, 0), -ETIME);
	cr_expect_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_WRITE, 1), -ETIME);

	/* Another engine waits for the writer, unless it is told to sync explicitly. */
	bo.flags = READ;
	block = wm_block(&bo, NULL, NULL);
	block.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT | WWR_DRM_SUBMIT_EXPLICIT_SYNC;
	block.engine = WWR_DRM_ENGINE_COPY;
	cr_assert_eq(do_submit(&block), 0);
	cr_assert_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	cr_expect_eq(wm_wait(wm_file, bo.handle, 0, 0), -ETIME);
	close(block.out_fd);
	wm_open_gate(gate);
	cr_assert_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_ALL, INT64_MAX), 0);
	cr_expect(wm_is_ready(out_fd));
	close(out_fd);
}

Test(drivers_wwrmock_submit, explicit_jobs_are_waited_for_only_with_the_flag)
{
	struct wwr_drm_submit_bo bo = {wm_make_buffer(wm_file), WRITE};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	struct wwr_sync_timeline *gate;

	block.flags = WWR_DRM_SUBMIT_FENCE_FD_IN | WWR_DRM_SUBMIT_EXPLICIT_SYNC;
	block.in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&block), 0);
	close(block.in_fd);
	cr_expect_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_WRITE, 0), 0);
	cr_expect_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_ALL, 0), -ETIME);
	wm_open_gate(gate);
	cr_expect_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_ALL, INT64_MAX), 0);
}

/* The first one runs for as long as it can: it is cut short when the device ends. */
Test(drivers_wwrmock_submit, start_fences_wait_for_the_start_only)
{
	struct wwr_drm_submit first = {.flags =
					   WWR_DRM_SUBMIT_FENCE_FD_IN | WWR_DRM_SUBMIT_FENCE_FD_OUT,
				       .duration_ns = WWR_DRM_MAX_DURATION_NS};
	struct wwr_drm_submit second = {.flags = WWR_DRM_SUBMIT_FENCE_FD_IN |
						 WWR_DRM_SUBMIT_FENCE_FD_START |
						 WWR_DRM_SUBMIT_FENCE_FD_OUT,
					.engine = WWR_DRM_ENGINE_COPY};
	struct wwr_drm_submit marker = {.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT,
					.engine = WWR_DRM_ENGINE(WWR_DRM_ENGINE_COPY, 1)};
	struct wwr_sync_timeline *gate;

	first.in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&first), 0);
	second.in_fd = first.out_fd;
	cr_assert_eq(do_submit(&second), 0);
	/* The same engine has looked at all that came before. */
	cr_assert_eq(do_submit(&marker), 0);
	cr_assert_eq(poll(&(struct pollfd){marker.out_fd, POLLIN, 0}, 1, 30000), 1);
	cr_expect_not(wm_is_ready(second.out_fd));
	wm_open_gate(gate);
	cr_expect_eq(poll(&(struct pollfd){second.out_fd, POLLIN, 0}, 1, 30000), 1);
	cr_expect_not(wm_is_ready(first.out_fd));
	close(first.in_fd);
	close(first.out_fd);
	close(second.out_fd);
	close(marker.out_fd);
}

Test(drivers_wwrmock_submit, in_fd_is_checked)
{
	struct wwr_drm_submit block = {.flags = WWR_DRM_SUBMIT_FENCE_FD_IN};
	int closed = dup(STDERR_FILENO);

	close(closed);
	for (int i = 0; i < 2; i++) {
		block.in_fd = -1;
		cr_expect_eq(do_submit(&block), -EBADF);
		block.in_fd = closed;
		cr_expect_eq(do_submit(&block), -EBADF);
		block.in_fd = STDERR_FILENO;
		cr_expect_eq(do_submit(&block), -EINVAL);
		block.flags |= WWR_DRM_SUBMIT_FENCE_FD_START;
	}
}

Test(drivers_wwrmock_submit, syncs_are_waited_for_and_signalled)
{
	struct wwr_drm_submit_sync out[] = {
	    {.handle = wm_make_syncobj(wm_file, 0)},
	    {.handle = wm_make_syncobj(wm_file, 0), .point = 5},
	    {.handle = 0, .point = 9},
	};
	struct wwr_drm_submit_sync in = {.handle = out[1].handle, .point = 5};
	struct wwr_drm_submit block = wm_block(NULL, NULL, out);
	struct wwr_sync_timeline *gate;

	/* The same timeline twice: in their order. */
	out[2].handle = out[1].handle;
	block.num_out_syncs = 3;
	block.flags = WWR_DRM_SUBMIT_FENCE_FD_IN;
	block.in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&block), 0);
	close(block.in_fd);
	cr_expect_eq(syncobj_wait(out[0].handle, 0), -ETIME);
	cr_expect_eq(query(out[1].handle, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 9);
	cr_expect_eq(query(out[1].handle, 0), 0);

	/* In and out may be the same: it waits for what was there before. */
	out[0].handle = wm_make_syncobj(wm_file, 0);
	block = wm_block(NULL, &in, out);
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(syncobj_wait(out[0].handle, 0), -ETIME);
	wm_open_gate(gate);
	cr_expect_eq(syncobj_wait(out[0].handle, INT64_MAX), 0);
	cr_expect_eq(query(out[1].handle, 0), 9);
}

Test(drivers_wwrmock_submit, a_sync_without_fence_cannot_be_waited_for)
{
	struct wwr_drm_submit_sync in = {.handle = wm_make_syncobj(wm_file, 0)};
	struct wwr_drm_submit block = wm_block(NULL, &in, NULL);

	cr_expect_eq(do_submit(&block), -EINVAL);
	in.handle = wm_make_syncobj(wm_file, DRM_SYNCOBJ_CREATE_SIGNALED);
	cr_expect_eq(do_submit(&block), 0);
	block.commit = 0;
	in.point = 1;
	cr_expect_eq(do_submit(&block), -EINVAL, "no timeline");
}

Test(drivers_wwrmock_submit, a_handle_named_twice_counts_once)
{
	uint32_t handle = wm_make_buffer(wm_file);
	struct wwr_drm_submit_bo bos[] = {{handle, READ}, {handle, WRITE}, {handle, READ}};
	struct wwr_drm_submit block = wm_block(bos, NULL, NULL);
	uint8_t *map = map_buffer(handle);
	uint8_t expected[WWR_TOUCH_BYTES] = {0};
	struct wwr_effect_access access = {expected, sizeof(expected), READ | WRITE};

	block.num_bos = 3;
	block.seed = 3;
	cr_assert_eq(do_submit(&block), 0);
	cr_assert_eq(wm_wait(wm_file, handle, WWR_DRM_WAIT_WRITE, INT64_MAX), 0);
	wwr_effect_write(wwr_effect_digest(3, NULL, 0, &access, 1), &access, 1);
	cr_expect_eq(memcmp(map, expected, sizeof(expected)), 0);
	munmap(map, 4096);
}

Test(drivers_wwrmock_submit, queues_order_their_jobs)
{
	struct wwr_drm_queue_create create = {.engines = 1};
	struct wwr_drm_queue_destroy destroy = {.handle = 0};
	struct wwr_drm_submit block = {.flags = WWR_DRM_SUBMIT_FENCE_FD_IN};
	struct wwr_sync_timeline *gate;
	int in_fd;

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &create), 0);
	block.queue = create.handle;
	block.in_fd = in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&block), 0);
	block =
	    (struct wwr_drm_submit){.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT, .queue = create.handle};
	cr_assert_eq(do_submit(&block), 0);
	destroy.handle = create.handle;
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_DESTROY, &destroy), 0);
	cr_expect_not(wm_is_ready(block.out_fd), "behind the other one, though the queue is gone");
	wm_open_gate(gate);
	cr_assert_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	close(block.out_fd);
	close(in_fd);
}

Test(drivers_wwrmock_submit, devices_wait_for_each_other_over_a_shared_buffer)
{
	struct wwr_vgem_fence_attach attach = {.flags = WWR_VGEM_FENCE_WRITE};
	struct wwr_vgem_fence_signal done = {.fence = 0};
	struct drm_prime_handle prime = {.handle = wm_make_buffer(wm_file)};
	struct wwr_drm_submit_bo bo = {prime.handle, WRITE};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	struct core_device *vgem;
	struct core_file *file;

	cr_assert_eq(vgem_device_create(CORE_CAP_ALL, NULL, VGEM_FENCE_TIMEOUT_NS, &vgem), 0);
	cr_assert_eq(core_file_open(vgem, true, 1, 1, &file), 0);
	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	cr_assert_eq(wm_do(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), 0);
	attach.handle = prime.handle;
	cr_assert_eq(wm_do(file, WWR_IOCTL_VGEM_FENCE_ATTACH, &attach), 0);

	block.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_not(wm_is_ready(block.out_fd));
	/* And the other way round: the job is pending, so nobody may attach. */
	cr_expect_eq(wm_do(file, WWR_IOCTL_VGEM_FENCE_ATTACH,
			   &(struct wwr_vgem_fence_attach){.handle = prime.handle}),
		     -EBUSY);
	done.fence = attach.out_fence;
	cr_assert_eq(wm_do(file, WWR_IOCTL_VGEM_FENCE_SIGNAL, &done), 0);
	cr_expect_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	cr_expect_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_ALL, INT64_MAX), 0);
	close(block.out_fd);
	close(prime.fd);
	core_file_put(file);
	core_device_put(vgem);
}

Test(drivers_wwrmock_submit, stats_are_written_and_checked)
{
	struct wwr_drm_submit_bo bo = {wm_make_buffer(wm_file), READ | WRITE};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	struct wwr_drm_submit_stats stats;
	struct wwr_drm_get_param get = {.param = WWR_DRM_PARAM_ENGINE_JOBS};

	memset(&stats, 0xff, sizeof(stats));
	block.stats = (uintptr_t)&stats;
	block.stats_bytes = WWR_DRM_SUBMIT_STATS_MIN_BYTES - 1;
	cr_expect_eq(do_submit(&block), -EINVAL);
	block.stats_bytes = sizeof(stats);
	block.stats = 0;
	cr_expect_eq(do_submit(&block), -EINVAL, "a size without an address");
	block.stats = 8;
	cr_expect_eq(do_submit(&block), -EFAULT);
	block.stats = (uintptr_t)&stats;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(block.commit, 0, "none before has left a job");
	cr_expect_eq(stats.retries, 0);
	cr_expect_eq(stats.num_backoffs, 0);
	cr_expect_eq(stats.wait_ns, 0);
	cr_expect_gt(stats.reserve_ns, 0);
	cr_expect_eq(stats.contended, 0);
	cr_expect_eq(stats.pad, 0);
	cr_expect_eq(stats.num_locks, 1);
	cr_assert_eq(wm_wait(wm_file, bo.handle, WWR_DRM_WAIT_WRITE, INT64_MAX), 0);
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_GET_PARAM, &get), 0);
	cr_expect_leq(get.value, 1);
	get = (struct wwr_drm_get_param){.param = WWR_DRM_PARAM_ENGINE_BUSY_NS, .index = 6};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_GET_PARAM, &get), -EINVAL, "there are 6 engines");
}

/* As a client of before knows it, and as a later one may. */
Test(drivers_wwrmock_submit, stats_are_as_long_as_the_client_says)
{
	struct wwr_drm_submit_bo bo = {wm_make_buffer(wm_file), READ};
	struct wwr_drm_submit block = wm_block(&bo, NULL, NULL);
	struct {
		struct wwr_drm_submit_stats known;
		uint64_t later;
	} stats;

	memset(&stats, 0xff, sizeof(stats));
	block.stats = (uintptr_t)&stats;
	block.stats_bytes = WWR_DRM_SUBMIT_STATS_MIN_BYTES;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(stats.known.pad, 0);
	cr_expect_eq(stats.known.num_locks, UINT64_MAX);
	/* Not of any interface: it would end within a number. */
	block.commit = 0;
	for (uint32_t num = block.stats_bytes + 1; num < sizeof(stats.known); num++) {
		block.stats_bytes = num;
		cr_expect_eq(do_submit(&block), -EINVAL, "%u bytes", num);
	}
	cr_expect_eq(stats.known.num_locks, UINT64_MAX);
	for (uint32_t num = sizeof(stats.known); num <= sizeof(stats); num++) {
		block.stats_bytes = num;
		block.commit = 0;
		stats.known.num_locks = UINT64_MAX;
		cr_assert_eq(do_submit(&block), 0);
		cr_expect_eq(stats.known.num_locks, 1);
	}
	cr_expect_eq(stats.later, UINT64_MAX);
}
