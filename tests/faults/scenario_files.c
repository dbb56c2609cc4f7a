/* SPDX-License-Identifier: MIT */
/* What clients see: sync_files, dma-bufs and syncobjs. */
#include "tests/faults/scenario.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>

#include "tests/faults/scenario_fence.h"

/*
 * As documented: of looking for a sync_file, and of making one.  -EBADF of a descriptor that is
 * there stands for whatever a system may say to these calls: it must come out.
 */
#define GET_ERRORS  -EBADF, -EMFILE, -ENFILE, -ENOMEM, -EOPNOTSUPP
#define MAKE_ERRORS GET_ERRORS, -ENOSPC

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

static void settle(void)
{
	(void)wwr_sync_file_collect();
	(void)wwr_dma_buf_collect();
	(void)wwr_syncobj_collect();
}

static void run_sync_file(void)
{
	struct wwr_fence *fences[2] = {scenario_fence(), scenario_fence()};
	struct wwr_sync_file_info info;
	struct wwr_fence *found = NULL;
	int fds[2] = {-1, -1}, merged = -1;
	int ret = 0;

	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, wwr_sync_file_create(fences[i], &fds[i]), MAKE_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sync_file_merge("both", fds[0], fds[1], &merged), MAKE_ERRORS,
			  -ENOENT);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sync_file_get_info(merged, 0, NULL, &info), GET_ERRORS);
	FAULT_CHECK(ret != 0 || (info.num_fences == 2 && info.status == 0));
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sync_file_set_deadline(fds[0], 1), GET_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sync_file_get_fence(fds[0], &found), GET_ERRORS);
	FAULT_CHECK(ret != 0 || found == fences[0]);
	wwr_fence_put(found);
	FAULT_CHECK(ret != 0 || !is_readable(merged));

	scenario_fence_done(fences[0]);
	scenario_fence_done(fences[1]);
	FAULT_CHECK(ret != 0 || is_readable(merged));
	for (int i = 0; i < 2; i++)
		FAULT_CHECK(fds[i] < 0 || is_readable(fds[i]));
	close_fd(fds[0]);
	close_fd(fds[1]);
	close_fd(merged);
	(void)wwr_sync_file_collect();
}

static int poll_in_vain(int fd)
{
	int ret = wwr_dma_buf_sync(fd, WWR_DMA_BUF_READ, NULL, 0);

	FAULT_CHECK(ret != 0);
	return ret == -ETIME ? 0 : ret;
}

static void run_dma_buf(void)
{
	struct wwr_fence *fence = scenario_fence();
	struct wwr_bo *bo = NULL;
	int fd = -1, sync_fd = -1, export_fd = -1, poll_fd = -1;
	int ret;

	FAULT_TRY(&ret, wwr_dma_buf_create(5000, NULL, &fd), GET_ERRORS, -EINVAL);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_dma_buf_get_bo(fd, &bo), -EBADF);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_sync_file_create(fence, &sync_fd), MAKE_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_dma_buf_import_sync_file(fd, WWR_DMA_BUF_WRITE, sync_fd),
			  GET_ERRORS);
	FAULT_CHECK(ret != 0 || !wwr_resv_test_signaled(bo->resv, WWR_RESV_USAGE_WRITE));
	if (ret == 0)
		FAULT_TRY(&ret, wwr_dma_buf_export_sync_file(fd, WWR_DMA_BUF_READ, &export_fd),
			  MAKE_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_dma_buf_poll(fd, POLLOUT, &poll_fd), MAKE_ERRORS);
	FAULT_CHECK(ret != 0 || !is_readable(export_fd));
	if (ret == 0)
		FAULT_TRY(&ret, poll_in_vain(fd), -EBADF);

	scenario_fence_done(fence);
	FAULT_CHECK(ret != 0 || (is_readable(export_fd) && is_readable(poll_fd)));
	if (ret == 0)
		FAULT_TRY(&ret, wwr_dma_buf_sync(fd, WWR_DMA_BUF_RW, NULL, INT64_MAX), -EBADF);
	wwr_bo_put(bo);
	close_fd(poll_fd);
	close_fd(export_fd);
	close_fd(sync_fd);
	close_fd(fd);
	settle();
}

/* A buffer of the test's own, exported twice. */
static void run_export(void)
{
	static const struct wwr_bo_ops ops = {.release = NULL};
	struct wwr_bo *bo = __real_wwr_alloc(sizeof(*bo));
	int memory_fd = __real_memfd_create("faults", 0);
	int fds[2] = {-1, -1};
	int ret = 0;

	FAULT_CHECK(memory_fd >= 0 && __real_ftruncate64(memory_fd, 4096) == 0);
	wwr_bo_init(bo, &ops, 4096, NULL, NULL);
	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, wwr_dma_buf_export(bo, memory_fd, &fds[i]), GET_ERRORS);
	wwr_bo_put(bo);
	close_fd(memory_fd);
	close_fd(fds[0]);
	close_fd(fds[1]);
	settle();
}

struct waited {
	struct wwr_syncobj *syncobjs[8];
	uint64_t points[8];
	int ret;
};

static void wait_for_syncobjs(void *arg)
{
	struct waited *waited = arg;
	unsigned int first;

	FAULT_TRY(&waited->ret,
		  wwr_syncobj_wait(8, waited->syncobjs, waited->points,
				   WWR_SYNCOBJ_WAIT_ALL | WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL,
				   INT64_MAX, 0, &first),
		  -ENOMEM);
}

static void run_syncobj_wait(void)
{
	struct scenario_thread thread;
	struct waited waited = {{NULL}, {0}, 0};
	int ret = 0;

	for (int i = 0; ret == 0 && i < 8; i++) {
		waited.points[i] = 1;
		FAULT_TRY(&ret, wwr_syncobj_create(0, &waited.syncobjs[i]), -ENOMEM);
	}
	if (ret == 0) {
		const long num_allocs = faults_num_calls(FAULT_ALLOC);

		scenario_start(&thread, wait_for_syncobjs, &waited);
		scenario_wait_for_call(FAULT_ALLOC, num_allocs);
		/* The waiter counts on it: nothing may fail this any more. */
		while (wwr_syncobj_timeline_signal(8, waited.syncobjs, waited.points) != 0)
			faults_disarm();
		scenario_join(&thread);
	}
	for (int i = 0; i < 8; i++)
		wwr_syncobj_put(waited.syncobjs[i]);
}

/* A syncobj's points and the ways in and out of it. */
struct exchange {
	struct wwr_syncobj *src, *dst;
	struct wwr_fence *fence;
	int event_fd, sync_fd;
};

static int exchange_make(struct exchange *ex)
{
	int ret;

	FAULT_TRY(&ret, wwr_syncobj_create(0, &ex->src), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_create(WWR_SYNCOBJ_CREATE_SIGNALED, &ex->dst), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_add_eventfd(ex->src, 5, ex->event_fd, 0), GET_ERRORS);
	return ret;
}

static int exchange_run(struct exchange *ex)
{
	struct wwr_fence *found = NULL;
	int ret;

	FAULT_TRY(&ret, wwr_syncobj_add_point(ex->src, 5, ex->fence), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_find_fence(ex->src, 5, 0, NULL, 0, &found), -ENOMEM);
	wwr_fence_put(found);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_transfer(ex->dst, 0, ex->src, 5, 0, NULL, 0), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_transfer(ex->dst, 9, ex->src, 5, 0, NULL, 0), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_export_sync_file(ex->src, 5, &ex->sync_fd),
			  MAKE_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_import_sync_file(ex->dst, 0, ex->sync_fd), GET_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_import_sync_file(ex->dst, 3, ex->sync_fd), GET_ERRORS);
	return ret;
}

static void run_syncobj(void)
{
	struct exchange ex = {NULL, NULL, scenario_fence(), __real_eventfd(0, 0), -1};
	uint64_t point = 0;
	int ret = exchange_make(&ex);

	if (ret == 0)
		ret = exchange_run(&ex);
	FAULT_CHECK(ret != 0 || !is_readable(ex.event_fd));
	(void)wwr_fence_signal(ex.fence);
	if (ret == 0) {
		FAULT_CHECK(is_readable(ex.event_fd) && is_readable(ex.sync_fd));
		FAULT_CHECK(wwr_syncobj_query(1, &ex.src, 0, &point) == 0 && point == 5);
		FAULT_TRY(&ret, wwr_syncobj_signal(1, &ex.dst), -ENOMEM);
	}
	wwr_syncobj_put(ex.src);
	wwr_syncobj_put(ex.dst);
	wwr_fence_put(ex.fence);
	close_fd(ex.event_fd);
	close_fd(ex.sync_fd);
	settle();
}

/* From one part of a program to another. */
static void run_syncobj_fd(void)
{
	struct wwr_syncobj *syncobj = NULL, *found = NULL;
	int fd = -1;
	int ret;

	FAULT_TRY(&ret, wwr_syncobj_create(0, &syncobj), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_export_fd(syncobj, &fd), GET_ERRORS, -EINVAL);
	FAULT_CHECK((ret == 0) == (fd >= 0));
	if (ret == 0)
		FAULT_TRY(&ret, wwr_syncobj_import_fd(fd, &found), -EBADF);
	FAULT_CHECK(ret != 0 || found == syncobj);
	wwr_syncobj_put(found);
	wwr_syncobj_put(syncobj);
	close_fd(fd);
	settle();
}

static const struct scenario syncobj_fd = {"syncobj-fd", run_syncobj_fd, settle};
static const struct scenario sync_file = {"sync-file", run_sync_file, settle};
static const struct scenario dma_buf = {"dma-buf", run_dma_buf, settle};
static const struct scenario export = {"dma-buf-export", run_export, settle};
static const struct scenario syncobj_wait = {"syncobj-wait", run_syncobj_wait, NULL};
static const struct scenario syncobj = {"syncobj", run_syncobj, settle};

const struct scenario *const file_scenarios[] = {&sync_file, &dma_buf,	  &export, &syncobj_wait,
						 &syncobj,   &syncobj_fd, NULL};
