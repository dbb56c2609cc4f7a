/* SPDX-License-Identifier: MIT */
/* A SUBMIT that fails, wherever it does, leaves nothing behind. */
#include "tests/drivers/test_wwrmock.h"
#include "tests/lib/test_alloc.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(drivers_wwrmock_rollback, .fini = wm_teardown, .timeout = 60);

/* A job with one of everything. */
struct full {
	uint32_t handle, binary, timeline, in;
	struct wwr_drm_submit_bo bos[2];
	struct wwr_drm_submit_sync in_syncs[1], out_syncs[2];
	struct wwr_sync_timeline *gate;
	int gate_fd;
	struct wwr_drm_submit block;
};

static void full_init(struct full *full)
{
	*full = (struct full){.handle = wm_make_buffer(wm_file),
			      .binary = wm_make_syncobj(wm_file, 0),
			      .timeline = wm_make_syncobj(wm_file, 0),
			      .in = wm_make_syncobj(wm_file, DRM_SYNCOBJ_CREATE_SIGNALED)};
	full->gate_fd = wm_make_gate(&full->gate);
	full->bos[0] = full->bos[1] = (struct wwr_drm_submit_bo){full->handle, WWR_DRM_BO_WRITE};
	full->in_syncs[0].handle = full->in;
	full->out_syncs[0].handle = full->binary;
	full->out_syncs[1] = (struct wwr_drm_submit_sync){.handle = full->timeline, .point = 3};
	full->block = wm_block(full->bos, full->in_syncs, full->out_syncs);
	full->block.num_bos = 2;
	full->block.num_out_syncs = 2;
	full->block.flags = WWR_DRM_SUBMIT_FENCE_FD_IN | WWR_DRM_SUBMIT_FENCE_FD_OUT;
	full->block.in_fd = full->gate_fd;
}

static void full_fini(struct full *full)
{
	wm_open_gate(full->gate);
	close(full->gate_fd);
}

/* Nobody can tell that a submit was tried. */
static void expect_nothing(const struct full *full, int next_fd)
{
	uint64_t point = 99;
	uint32_t timeline = full->timeline, binary = full->binary;
	struct drm_syncobj_timeline_array query = {(uintptr_t)&timeline, (uintptr_t)&point, 1,
						   DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED};
	struct drm_syncobj_wait wait = {.handles = (uintptr_t)&binary, .count_handles = 1};
	int fd = dup(STDERR_FILENO);

	close(fd);
	cr_expect_eq(fd, next_fd, "a descriptor is left");
	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_SYNCOBJ_QUERY, &query), 0);
	cr_expect_eq(point, 0);
	cr_expect_eq(wm_do(wm_file, DRM_IOCTL_SYNCOBJ_WAIT, &wait), -EINVAL, "it has a fence");
	cr_expect_eq(wm_wait(wm_file, full->handle, WWR_DRM_WAIT_ALL, 0), 0);
}

static int free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* And it works when it is tried again. */
static void expect_success(struct full *full)
{
	struct wwr_drm_submit block = full->block;

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0);
	cr_expect_eq(block.commit, 0, "the first one that counts");
	cr_expect_eq(wm_wait(wm_file, full->handle, 0, 0), -ETIME);
	full_fini(full);
	cr_expect_eq(wm_wait(wm_file, full->handle, WWR_DRM_WAIT_ALL, INT64_MAX), 0);
	cr_expect_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	close(block.out_fd);
}

Test(drivers_wwrmock_rollback, no_memory_at_any_place)
{
	struct full full;
	unsigned int place;
	int next_fd;
	int ret;

	test_alloc_install();
	wm_setup_with(CORE_CAP_ALL, NULL);
	full_init(&full);
	next_fd = free_fd();
	for (place = 1;; place++) {
		struct wwr_drm_submit block = full.block;

		test_alloc_fail(place, false);
		ret = wm_do(wm_file, WWR_IOCTL_SUBMIT, &block);
		test_alloc_fail(0, false);
		if (ret == 0) {
			full.block = block;
			break;
		}
		cr_assert_eq(ret, -ENOMEM, "place %u: %d", place, ret);
		cr_expect_eq(block.out_fd, 0);
		expect_nothing(&full, next_fd);
	}
	cr_expect_gt(place, 12, "only %u places", place);
	cr_expect_eq(full.block.commit, 0);
	close(full.block.out_fd);
	full_fini(&full);
	cr_expect_eq(wm_wait(wm_file, full.handle, WWR_DRM_WAIT_ALL, INT64_MAX), 0);
}

Test(drivers_wwrmock_rollback, block_that_cannot_be_written)
{
	struct wwr_drm_submit *page =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct full full;
	int next_fd;

	cr_assert_neq(page, MAP_FAILED);
	wm_setup_with(CORE_CAP_ALL, NULL);
	full_init(&full);
	next_fd = free_fd();
	*page = full.block;
	cr_assert_eq(mprotect(page, 4096, PROT_READ), 0);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, page), -EFAULT);
	expect_nothing(&full, next_fd);
	munmap(page, 4096);
	expect_success(&full);
}

Test(drivers_wwrmock_rollback, no_descriptor)
{
	struct rlimit limit, low;
	struct full full;
	int next_fd;

	wm_setup_with(CORE_CAP_ALL, NULL);
	full_init(&full);
	next_fd = free_fd();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){(rlim_t)next_fd + 1, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &full.block), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	full.block.out_fd = 0;
	expect_nothing(&full, next_fd);
	expect_success(&full);
}

Test(drivers_wwrmock_rollback, last_of_each_array_is_wrong)
{
	struct full full;
	int next_fd;

	wm_setup_with(CORE_CAP_ALL, NULL);
	full_init(&full);
	next_fd = free_fd();
	full.bos[1].handle = 77;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &full.block), -ENOENT);
	full.bos[1].handle = full.handle;
	full.out_syncs[1].handle = 77;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &full.block), -ENOENT);
	expect_nothing(&full, next_fd);
	full.out_syncs[1].handle = full.timeline;
	expect_success(&full);
}

Test(drivers_wwrmock_rollback, as_many_jobs_as_may_be_are_pending)
{
	const struct core_quota quota = {.max_buffers = 8,
					 .max_syncobjs = 8,
					 .max_bytes = 1 << 20,
					 .max_queues = 4,
					 .max_jobs = 20};
	struct wwr_drm_submit block = {.flags = WWR_DRM_SUBMIT_FENCE_FD_IN};
	struct pollfd last = {.events = POLLIN};
	struct full full;
	int next_fd;

	wm_setup_with(CORE_CAP_ALL, &quota);
	full_init(&full);
	block.in_fd = full.gate_fd;
	for (int i = 0; i < 20; i++) {
		if (i == 19)
			block.flags |= WWR_DRM_SUBMIT_FENCE_FD_OUT;
		block.commit = 0;
		cr_assert_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0);
	}
	last.fd = block.out_fd;
	next_fd = free_fd();
	block.flags = WWR_DRM_SUBMIT_FENCE_FD_IN;
	block.out_fd = 0;
	block.commit = 0;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), -ENOSPC);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &full.block), -ENOSPC);
	expect_nothing(&full, next_fd);
	/* Another file has its own. */
	block.flags = 0;
	block.in_fd = 0;
	cr_expect_eq(wm_do(wm_card, WWR_IOCTL_SUBMIT, &block), 0);
	/* Jobs that have finished do not count: many more than the quota. */
	full_fini(&full);
	cr_assert_eq(poll(&last, 1, 30000), 1);
	close(last.fd);
	for (int i = 0; i < 200; i++) {
		struct pollfd ready = {.events = POLLIN};

		block = (struct wwr_drm_submit){.flags = WWR_DRM_SUBMIT_FENCE_FD_OUT};
		cr_assert_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0, "%d", i);
		ready.fd = block.out_fd;
		cr_assert_eq(poll(&ready, 1, 30000), 1);
		close(block.out_fd);
	}
}

Test(drivers_wwrmock_rollback, capabilities_that_are_off)
{
	struct full full;
	struct wwr_drm_submit block;

	wm_setup_with(CORE_CAP_ALL & ~(uint32_t)CORE_CAP_SYNCOBJ_TIMELINE, NULL);
	full_init(&full);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &full.block), -EOPNOTSUPP);
	full.out_syncs[1].point = 0;
	expect_success(&full);
	wm_teardown();

	wm_setup_with(CORE_CAP_ALL & ~(uint32_t)(CORE_CAP_SYNCOBJ | CORE_CAP_SYNCOBJ_TIMELINE),
		      NULL);
	block = wm_block(NULL, full.in_syncs, NULL);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), -EOPNOTSUPP);
	block = (struct wwr_drm_submit){.flags = 0};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0, "none is asked for");
}

Test(drivers_wwrmock_rollback, device_ends_with_jobs_pending)
{
	struct full full;
	struct wwr_drm_submit block;
	struct wwr_sync_file_info info;

	wm_setup_with(CORE_CAP_ALL, NULL);
	full_init(&full);
	block = full.block;
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &block), 0);
	wm_teardown();
	cr_expect_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	cr_assert_eq(wwr_sync_file_get_info(block.out_fd, 0, NULL, &info), 0);
	cr_expect_eq(info.status, -ECANCELED);
	close(block.out_fd);
	full_fini(&full);
	wm_setup_with(CORE_CAP_ALL, NULL);
}
