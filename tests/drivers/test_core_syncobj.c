/* SPDX-License-Identifier: MIT */
/* The syncobj ioctls: every flag, every pad, every error of the table. */
#include "tests/drivers/test_core.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

TestSuite(drivers_core_syncobj, .init = core_setup, .fini = core_teardown, .timeout = 30);

#define SIGNALED   DRM_SYNCOBJ_CREATE_SIGNALED
#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define ALL	   DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define AVAILABLE  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE

static int do_wait(uint32_t *handles, uint32_t num, uint32_t flags, uint32_t *ret_first)
{
	struct wwr_drm_syncobj_wait block = {.handles = (uintptr_t)handles,
					     .count_handles = num,
					     .flags = flags,
					     .first_signaled = 99};
	int ret = core_do(render, WWR_DRM_IOCTL_SYNCOBJ_WAIT, &block);

	if (ret_first != NULL)
		*ret_first = block.first_signaled;
	return ret;
}

static int do_timeline_wait(uint32_t handle, uint64_t point, uint32_t flags)
{
	struct wwr_drm_syncobj_timeline_wait block = {.handles = (uintptr_t)&handle,
						      .points = (uintptr_t)&point,
						      .count_handles = 1,
						      .flags = flags};

	return core_do(render, WWR_DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &block);
}

static int do_array(unsigned long request, uint32_t *handles, uint32_t num, uint32_t pad)
{
	struct drm_syncobj_array block = {(uintptr_t)handles, num, pad};

	return core_do(render, request, &block);
}

static int do_points(unsigned long request, uint32_t *handles, uint64_t *points, uint32_t num,
		     uint32_t flags)
{
	struct drm_syncobj_timeline_array block = {(uintptr_t)handles, (uintptr_t)points, num,
						   flags};

	return core_do(render, request, &block);
}

static uint64_t last_point(uint32_t handle)
{
	uint64_t point = 99;

	cr_assert_eq(do_points(DRM_IOCTL_SYNCOBJ_QUERY, &handle, &point, 1, 0), 0);
	return point;
}

static int to_fd(uint32_t handle, uint32_t flags, uint64_t point, uint32_t pad)
{
	struct wwr_drm_syncobj_handle block = {
	    .handle = handle, .flags = flags, .point = point, .pad = pad};
	int ret = core_do(render, WWR_DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &block);

	return ret == 0 ? block.fd : ret;
}

static int from_fd(int fd, uint32_t flags, uint64_t point, uint32_t *handle)
{
	struct wwr_drm_syncobj_handle block = {
	    .handle = *handle, .flags = flags, .point = point, .fd = fd};
	int ret = core_do(render, WWR_DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &block);

	*handle = block.handle;
	return ret;
}

Test(drivers_core_syncobj, create_and_destroy_check_flags_and_handles)
{
	struct drm_syncobj_create create = {.flags = 2};
	struct drm_syncobj_destroy destroy = {.handle = 1, .pad = 1};

	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_CREATE, &create), -EINVAL);
	cr_expect_eq(core_make_syncobj(render, 0), 1);
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy), -EINVAL);
	destroy.pad = 0;
	cr_assert_eq(core_do(render, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy), 0);
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy), -EINVAL);
}

Test(drivers_core_syncobj, wait_knows_empty_pending_and_signalled)
{
	uint32_t handles[] = {core_make_syncobj(render, 0), core_make_syncobj(render, SIGNALED)};
	uint32_t first;

	cr_expect_eq(do_wait(NULL, 0, 0, NULL), 0);
	cr_expect_eq(do_wait(handles, 2, 0, NULL), -EINVAL);
	cr_expect_eq(do_wait(handles, 2, FOR_SUBMIT | ALL, &first), -ETIME);
	cr_expect_eq(do_wait(handles, 2, FOR_SUBMIT, &first), 0);
	cr_expect_eq(first, 1);
	cr_expect_eq(do_wait(&handles[1], 1, ALL, &first), 0);
	cr_expect_eq(first, 99, "only written for any");
}

Test(drivers_core_syncobj, wait_checks_flags_pads_and_addresses_first)
{
	uint32_t bad = 77, good = core_make_syncobj(render, SIGNALED);
	struct wwr_drm_syncobj_wait block = {
	    .handles = (uintptr_t)&bad, .count_handles = 1, .pad = 1};

	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_WAIT, &block), -EINVAL);
	cr_expect_eq(do_wait(&bad, 1, AVAILABLE, NULL), -EINVAL);
	cr_expect_eq(do_wait(&bad, 1, 1u << 31, NULL), -EINVAL);
	cr_expect_eq(do_wait(&bad, 1, 0, NULL), -ENOENT);
	cr_expect_eq(do_wait((uint32_t *)8, 1, 0, NULL), -EFAULT);
	cr_expect_eq(do_wait(&good, UINT32_MAX, 0, NULL), -ENOMEM);
	cr_expect_eq(do_timeline_wait(bad, 1, 16), -EINVAL);
	cr_expect_eq(do_timeline_wait(bad, 1, 0), -ENOENT);
}

Test(drivers_core_syncobj, the_blocks_of_older_headers_are_taken)
{
	uint32_t handle = core_make_syncobj(render, SIGNALED);
	struct drm_syncobj_wait block = {.handles = (uintptr_t)&handle, .count_handles = 1};
	struct drm_syncobj_handle small = {.handle = handle};

	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_WAIT, &block), 0);
	cr_assert_eq(core_do(render, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &small), 0);
	close(small.fd);
}

Test(drivers_core_syncobj, reset_and_signal_take_all_or_none)
{
	uint32_t handles[] = {core_make_syncobj(render, 0), 77};

	cr_expect_eq(do_array(DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 2, 0), -ENOENT);
	cr_expect_eq(do_wait(handles, 1, 0, NULL), -EINVAL, "still empty");
	cr_expect_eq(do_array(DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 0, 0), -EINVAL);
	cr_expect_eq(do_array(DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 1, 1), -EINVAL);
	cr_assert_eq(do_array(DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 1, 0), 0);
	cr_expect_eq(do_wait(handles, 1, 0, NULL), 0);
	cr_expect_eq(do_array(DRM_IOCTL_SYNCOBJ_RESET, handles, 2, 0), -ENOENT);
	cr_expect_eq(do_array(DRM_IOCTL_SYNCOBJ_RESET, handles, 0, 0), -EINVAL);
	cr_expect_eq(do_wait(handles, 1, 0, NULL), 0, "still signalled");
	cr_assert_eq(do_array(DRM_IOCTL_SYNCOBJ_RESET, handles, 1, 0), 0);
	cr_expect_eq(do_wait(handles, 1, 0, NULL), -EINVAL);
}

Test(drivers_core_syncobj, timeline_signals_waits_and_queries)
{
	uint32_t handle = core_make_syncobj(render, 0);
	uint64_t point = 5;

	cr_expect_eq(last_point(handle), 0);
	cr_expect_eq(do_timeline_wait(handle, 5, 0), -EINVAL);
	cr_expect_eq(do_timeline_wait(handle, 5, AVAILABLE), -ETIME);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &handle, &point, 0, 0), -EINVAL);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &handle, &point, 1, 1), -EINVAL);
	cr_assert_eq(do_points(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &handle, &point, 1, 0), 0);
	cr_expect_eq(last_point(handle), 5);
	cr_expect_eq(do_timeline_wait(handle, 5, 0), 0);
	cr_expect_eq(do_timeline_wait(handle, 3, AVAILABLE), 0);
	cr_expect_eq(do_timeline_wait(handle, 6, 0), -EINVAL);
	cr_expect_eq(do_timeline_wait(handle, 6, FOR_SUBMIT), -ETIME);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_QUERY, &handle, &point, 1, 2), -EINVAL);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_QUERY, &handle, &point, 0, 0), -EINVAL);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_QUERY, &handle, (uint64_t *)8, 1, 0), -EFAULT);
}

Test(drivers_core_syncobj, fd_of_a_syncobj_gives_new_handles_of_the_same)
{
	uint32_t handle = core_make_syncobj(render, 0), imported = 0;
	int fd = to_fd(handle, 0, 0, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(from_fd(fd, 0, 0, &imported), 0);
	cr_expect_neq(imported, handle);
	cr_assert_eq(do_array(DRM_IOCTL_SYNCOBJ_SIGNAL, &imported, 1, 0), 0);
	cr_expect_eq(do_wait(&handle, 1, 0, NULL), 0);
	close(fd);
	cr_expect_eq(from_fd(fd, 0, 0, &imported), -EINVAL);
	cr_expect_eq(from_fd(STDERR_FILENO, 0, 0, &imported), -EINVAL);
}

Test(drivers_core_syncobj, fd_ioctls_check_flags_pads_and_points)
{
	uint32_t handle = core_make_syncobj(render, SIGNALED), unknown = 77;

	cr_expect_eq(to_fd(handle, 4, 0, 0), -EINVAL);
	cr_expect_eq(to_fd(handle, 0, 0, 1), -EINVAL);
	cr_expect_eq(to_fd(handle, 0, 1, 0), -EINVAL, "a point without a timeline");
	cr_expect_eq(to_fd(handle, WWR_DRM_SYNCOBJ_FLAGS_TIMELINE, 1, 0), -EINVAL);
	cr_expect_eq(to_fd(unknown, 0, 0, 0), -EINVAL);
	cr_expect_eq(to_fd(unknown, 1, 0, 0), -ENOENT);
	cr_expect_eq(to_fd(core_make_syncobj(render, 0), 1, 0, 0), -EINVAL, "no fence yet");
}

/* The descriptor is looked at first, then the handle. */
Test(drivers_core_syncobj, import_of_a_sync_file_checks_descriptor_and_handle)
{
	uint32_t handle = core_make_syncobj(render, SIGNALED), unknown = 77;
	int fd = to_fd(handle, 1, 0, 0);

	cr_assert_geq(fd, 0);
	cr_expect_eq(from_fd(fd, 1, 0, &unknown), -ENOENT);
	cr_expect_eq(from_fd(STDERR_FILENO, 1, 0, &handle), -EINVAL);
	cr_expect_eq(from_fd(STDERR_FILENO, 1, 0, &unknown), -EINVAL);
	cr_expect_eq(from_fd(-1, 1, 0, &handle), -EINVAL);
	cr_expect_eq(from_fd(-1, 0, 0, &handle), -EINVAL);
	cr_assert_eq(do_array(DRM_IOCTL_SYNCOBJ_RESET, &handle, 1, 0), 0);
	close(fd);
	cr_expect_eq(from_fd(fd, 1, 0, &handle), -EINVAL, "not open");
	cr_expect_eq(from_fd(fd, 3, 1, &handle), -EINVAL);
	cr_expect_eq(from_fd(fd, 1, 0, &unknown), -EINVAL);
	cr_expect_eq(do_wait(&handle, 1, 0, NULL), -EINVAL, "nothing has come into it");
}

Test(drivers_core_syncobj, sync_files_go_out_of_points_and_into_others)
{
	uint32_t handle = core_make_syncobj(render, 0), to = core_make_syncobj(render, 0);
	struct pollfd poll_fd = {.events = POLLIN};
	uint64_t point = 7;

	cr_assert_eq(do_points(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &handle, &point, 1, 0), 0);
	poll_fd.fd = to_fd(handle, 3, 7, 0);
	cr_assert_geq(poll_fd.fd, 0);
	cr_expect_eq(poll(&poll_fd, 1, 0), 1);
	cr_expect_eq(to_fd(handle, 3, 8, 0), -EINVAL);
	cr_assert_eq(from_fd(poll_fd.fd, 3, 4, &to), 0);
	cr_expect_eq(last_point(to), 4);
	close(poll_fd.fd);
}

Test(drivers_core_syncobj, transfer_moves_a_point)
{
	uint32_t src = core_make_syncobj(render, SIGNALED), dst = core_make_syncobj(render, 0);
	struct drm_syncobj_transfer transfer = {
	    .src_handle = src, .dst_handle = dst, .dst_point = 3};

	cr_assert_eq(core_do(render, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), 0);
	cr_expect_eq(last_point(dst), 3);
	transfer.src_handle = 77;
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), -ENOENT);
	transfer.flags = ALL;
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), -EINVAL);
	transfer.flags = 0;
	transfer.pad = 1;
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), -EINVAL);
}

Test(drivers_core_syncobj, eventfd_is_written_once)
{
	uint32_t handle = core_make_syncobj(render, 0);
	struct wwr_drm_syncobj_eventfd block = {.handle = handle, .point = 2};
	uint64_t point = 2, count;

	block.fd = eventfd(0, EFD_NONBLOCK);
	block.pad = 1;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -EINVAL);
	block.pad = 0;
	block.flags = FOR_SUBMIT;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -EINVAL);
	block.flags = 0;
	cr_assert_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), 0);
	cr_expect_eq(read(block.fd, &count, sizeof(count)), -1);
	for (int i = 0; i < 2; i++, point++)
		cr_assert_eq(do_points(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &handle, &point, 1, 0),
			     0);
	cr_assert_eq(read(block.fd, &count, sizeof(count)), sizeof(count));
	cr_expect_eq(count, 1);
	block.handle = 77;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -ENOENT);
	close(block.fd);
	block.handle = handle;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -EBADF);
	block.handle = 77;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -ENOENT);
	block.handle = handle;
	block.fd = STDERR_FILENO;
	cr_expect_eq(core_do(render, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, &block), -EINVAL);
}

Test(drivers_core_syncobj, timelines_without_the_capability_are_eopnotsupp)
{
	struct drm_syncobj_transfer transfer = {0};
	struct drm_mode_create_dumb dumb = {.width = 1, .height = 1, .bpp = 8};
	uint64_t point = 1;
	uint32_t handle;

	core_teardown();
	core_setup_caps(CORE_CAP_SYNCOBJ);
	handle = core_make_syncobj(render, SIGNALED);
	transfer.src_handle = transfer.dst_handle = handle;

	cr_expect_eq(do_timeline_wait(handle, 0, 0), -EOPNOTSUPP);
	cr_expect_eq(do_points(DRM_IOCTL_SYNCOBJ_QUERY, &handle, &point, 1, 0), -EOPNOTSUPP);
	cr_expect_eq(core_do(render, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), -EOPNOTSUPP);
	cr_expect_eq(do_wait(&handle, 1, 0, NULL), 0);
	cr_expect_eq(core_do(render, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), -EOPNOTSUPP);
}
