/* SPDX-License-Identifier: MIT */
/* The fences of dma-bufs: access by the processor, sync_files out and in, and what to poll. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include "lockset/park.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/interrupt.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define NUM_USAGES 4

static unsigned int num_fds;
static int fd;
static struct wwr_bo *bo;
static struct wwr_fence *fences[NUM_USAGES]; /* that add_all() added, by usage */

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
	cr_assert_eq(wwr_dma_buf_create(1, NULL, &fd), 0);
	cr_assert_eq(wwr_dma_buf_get_bo(fd, &bo), 0);
}

static void teardown(void)
{
	for (unsigned int i = 0; i < NUM_USAGES; i++) {
		if (fences[i] != NULL)
			(void)wwr_fence_signal(fences[i]);
		wwr_fence_put(fences[i]);
	}
	wwr_bo_put(bo);
	close(fd);
	(void)wwr_dma_buf_collect();
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_dma_buf_sync, .init = setup, .fini = teardown, .timeout = 20);

/* A pending fence of a usage; fences[] has a reference, too. */
static void add(enum wwr_resv_usage usage)
{
	fences[usage] = test_fence_create(wwr_fence_context_alloc(1), 1);
	cr_assert_eq(wwr_mutex_lock(wwr_bo_mutex(bo), NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(bo->resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(bo->resv, fences[usage], usage), 0);
	wwr_mutex_unlock(wwr_bo_mutex(bo));
}

static void add_all(void)
{
	for (unsigned int i = 0; i < NUM_USAGES; i++)
		add((enum wwr_resv_usage)i);
}

static void signal_usage(enum wwr_resv_usage usage)
{
	cr_assert_eq(wwr_fence_signal(fences[usage]), 0);
}

static int export_fd(uint32_t flags)
{
	int sync_fd = -1;

	cr_assert_eq(wwr_dma_buf_export_sync_file(fd, flags, &sync_fd), 0);
	return sync_fd;
}

static uint32_t num_fences_of(int sync_fd)
{
	struct wwr_sync_file_info info;

	cr_assert_eq(wwr_sync_file_get_info(sync_fd, 0, NULL, &info), 0);
	return info.num_fences;
}

/* What the reservation waits for, as a number. */
static unsigned int num_pending(enum wwr_resv_usage usage)
{
	struct wwr_fence **pending;
	unsigned int num;

	cr_assert_eq(wwr_resv_get_fences(bo->resv, usage, &num, &pending), 0);
	wwr_resv_put_fences(num, pending);
	return num;
}

Test(reservation_dma_buf_sync, sync_knows_its_flags)
{
	for (uint64_t flags = 0; flags < 16; flags++) {
		bool valid = (flags & 8) == 0 && (flags & 3) != 0;

		cr_expect_eq(wwr_dma_buf_sync(fd, flags, NULL, INT64_MAX), valid ? 0 : -EINVAL,
			     "%u", (unsigned int)flags);
	}
	for (unsigned int bit = 3; bit < 64; bit++)
		cr_expect_eq(wwr_dma_buf_sync(fd, UINT64_C(1) << bit | WWR_DMA_BUF_READ, NULL, 0),
			     -EINVAL);
	cr_expect_eq(wwr_dma_buf_sync(-1, WWR_DMA_BUF_READ, NULL, 0), -EBADF);
	cr_expect_eq(wwr_dma_buf_sync(-1, 0, NULL, 0), -EINVAL, "flags are looked at first");
}

Test(reservation_dma_buf_sync, sync_waits_for_what_the_access_waits_for)
{
	add(WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_RW, NULL, 0), 0);
	add(WWR_RESV_USAGE_READ);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_READ, NULL, 0), 0);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_WRITE, NULL, 0), -ETIME);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_WRITE | WWR_DMA_BUF_END, NULL, 0), 0);
	add(WWR_RESV_USAGE_WRITE);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_READ, NULL, 0), -ETIME);
	signal_usage(WWR_RESV_USAGE_WRITE);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_READ, NULL, 0), 0);
}

static void *signal_run(void *arg)
{
	test_until_futex_waits(*(unsigned int *)arg + 1);
	(void)wwr_fence_signal(fences[WWR_RESV_USAGE_WRITE]);
	return NULL;
}

Test(reservation_dma_buf_sync, sync_sleeps_until_signal_deadline_or_interrupt)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	unsigned int waits = test_futex_waits();
	pthread_t thread;
	int64_t deadline_ns;

	add(WWR_RESV_USAGE_WRITE);
	cr_assert_eq(pthread_create(&thread, NULL, signal_run, &waits), 0);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_READ, &token, INT64_MAX), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);

	add(WWR_RESV_USAGE_READ);
	deadline_ns = park_now_ns() + 1000000;
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_WRITE, &token, deadline_ns), -ETIME);
	cr_expect(park_now_ns() >= deadline_ns);
	wwr_interrupt(&token);
	cr_expect_eq(wwr_dma_buf_sync(fd, WWR_DMA_BUF_WRITE, &token, INT64_MAX), -EINTR);
}

Test(reservation_dma_buf_sync, export_knows_its_flags)
{
	int sync_fd = -1;

	cr_expect_eq(wwr_dma_buf_export_sync_file(fd, 0, &sync_fd), -EINVAL);
	for (unsigned int bit = 2; bit < 32; bit++)
		cr_expect_eq(
		    wwr_dma_buf_export_sync_file(fd, 1u << bit | WWR_DMA_BUF_READ, &sync_fd),
		    -EINVAL);
	cr_expect_eq(wwr_dma_buf_export_sync_file(-1, WWR_DMA_BUF_READ, &sync_fd), -EBADF);
	cr_expect_eq(sync_fd, -1);
}

Test(reservation_dma_buf_sync, export_of_no_fences_is_signalled)
{
	int sync_fd = export_fd(WWR_DMA_BUF_RW);

	cr_expect_eq(test_poll_now(sync_fd, POLLIN), POLLIN);
	cr_expect_eq(num_fences_of(sync_fd), 1);
	close(sync_fd);
}

Test(reservation_dma_buf_sync, export_has_the_fences_of_the_access)
{
	int read_fd;
	int write_fd;
	int both_fd;

	add_all();
	read_fd = export_fd(WWR_DMA_BUF_READ);
	write_fd = export_fd(WWR_DMA_BUF_WRITE);
	both_fd = export_fd(WWR_DMA_BUF_RW);
	cr_expect_eq(num_fences_of(read_fd), 2);
	cr_expect_eq(num_fences_of(write_fd), 3);
	cr_expect_eq(num_fences_of(both_fd), 3);
	signal_usage(WWR_RESV_USAGE_KERNEL);
	cr_expect_eq(test_poll_now(read_fd, POLLIN), 0);
	signal_usage(WWR_RESV_USAGE_WRITE);
	cr_expect_eq(test_poll_now(read_fd, POLLIN), POLLIN);
	cr_expect_eq(test_poll_now(write_fd, POLLIN), 0);
	signal_usage(WWR_RESV_USAGE_READ);
	cr_expect_eq(test_poll_now(write_fd, POLLIN), POLLIN);
	cr_expect_eq(test_poll_now(both_fd, POLLIN), POLLIN, "never for bookkeeping");
	close(read_fd);
	close(write_fd);
	close(both_fd);
}

Test(reservation_dma_buf_sync, export_is_a_snapshot)
{
	int sync_fd;

	add(WWR_RESV_USAGE_KERNEL);
	sync_fd = export_fd(WWR_DMA_BUF_READ);
	add(WWR_RESV_USAGE_WRITE);
	signal_usage(WWR_RESV_USAGE_KERNEL);
	cr_expect_eq(test_poll_now(sync_fd, POLLIN), POLLIN);
	close(sync_fd);
}

Test(reservation_dma_buf_sync, import_adds_each_fence_as_reader_or_writer)
{
	int two_fd;

	add(WWR_RESV_USAGE_KERNEL);
	add(WWR_RESV_USAGE_WRITE);
	two_fd = export_fd(WWR_DMA_BUF_READ);
	{
		struct wwr_fence *both[2] = {fences[WWR_RESV_USAGE_KERNEL],
					     fences[WWR_RESV_USAGE_WRITE]};
		struct wwr_bo *other_bo;
		int other;

		cr_assert_eq(wwr_dma_buf_create(1, NULL, &other), 0);
		cr_expect_eq(wwr_dma_buf_import_sync_file(other, WWR_DMA_BUF_READ, two_fd), 0);
		cr_expect_eq(wwr_dma_buf_sync(other, WWR_DMA_BUF_READ, NULL, 0), 0);
		cr_expect_eq(wwr_dma_buf_sync(other, WWR_DMA_BUF_WRITE, NULL, 0), -ETIME);
		cr_expect_eq(wwr_dma_buf_import_sync_file(other, WWR_DMA_BUF_RW, two_fd), 0);
		cr_expect_eq(wwr_dma_buf_sync(other, WWR_DMA_BUF_READ, NULL, 0), -ETIME);
		cr_assert_eq(wwr_dma_buf_get_bo(other, &other_bo), 0);
		cr_expect(!wwr_resv_test_signaled(other_bo->resv, WWR_RESV_USAGE_WRITE));
		cr_expect(wwr_resv_test_signaled(other_bo->resv, WWR_RESV_USAGE_KERNEL));
		for (int i = 0; i < 2; i++)
			cr_assert_eq(wwr_fence_signal(both[i]), 0);
		cr_expect(wwr_resv_test_signaled(other_bo->resv, WWR_RESV_USAGE_BOOKKEEP));
		wwr_bo_put(other_bo);
		close(other);
	}
	close(two_fd);
}

Test(reservation_dma_buf_sync, import_checks_what_it_is_given)
{
	int sync_fd = export_fd(WWR_DMA_BUF_READ);

	cr_expect_eq(wwr_dma_buf_import_sync_file(fd, 0, sync_fd), -EINVAL);
	for (unsigned int bit = 2; bit < 32; bit++)
		cr_expect_eq(
		    wwr_dma_buf_import_sync_file(fd, 1u << bit | WWR_DMA_BUF_READ, sync_fd),
		    -EINVAL);
	cr_expect_eq(wwr_dma_buf_import_sync_file(fd, WWR_DMA_BUF_READ, fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_import_sync_file(fd, WWR_DMA_BUF_READ, -1), -EBADF);
	cr_expect_eq(wwr_dma_buf_import_sync_file(-1, WWR_DMA_BUF_READ, sync_fd), -EBADF);
	cr_expect_eq(num_pending(WWR_RESV_USAGE_BOOKKEEP), 0);
	close(sync_fd);
}

Test(reservation_dma_buf_sync, poll_knows_its_events)
{
	int sync_fd = -1;

	cr_expect_eq(wwr_dma_buf_poll(fd, 0, &sync_fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_poll(fd, POLLIN | POLLERR, &sync_fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_poll(-1, POLLIN, &sync_fd), -EBADF);
	cr_expect_eq(sync_fd, -1);
}

Test(reservation_dma_buf_sync, poll_in_is_no_writer_and_out_is_nobody)
{
	int in_fd;
	int out_fd;
	int both_fd;

	add(WWR_RESV_USAGE_WRITE);
	add(WWR_RESV_USAGE_READ);
	cr_assert_eq(wwr_dma_buf_poll(fd, POLLIN, &in_fd), 0);
	cr_assert_eq(wwr_dma_buf_poll(fd, POLLOUT, &out_fd), 0);
	cr_assert_eq(wwr_dma_buf_poll(fd, POLLIN | POLLOUT, &both_fd), 0);
	cr_expect_eq(test_poll_now(in_fd, POLLIN), 0);
	cr_expect_eq(test_poll_now(both_fd, POLLIN), 0);
	signal_usage(WWR_RESV_USAGE_WRITE);
	cr_expect_eq(test_poll_now(in_fd, POLLIN), POLLIN);
	cr_expect_eq(test_poll_now(both_fd, POLLIN), POLLIN);
	cr_expect_eq(test_poll_now(out_fd, POLLIN), 0);
	signal_usage(WWR_RESV_USAGE_READ);
	cr_expect_eq(test_poll_now(out_fd, POLLIN), POLLIN);
	close(in_fd);
	close(out_fd);
	close(both_fd);
}

static int do_export(void)
{
	int sync_fd;
	int ret = wwr_dma_buf_export_sync_file(fd, WWR_DMA_BUF_RW, &sync_fd);

	if (ret == 0)
		close(sync_fd);
	return ret;
}

static int import_fd;

static int do_import(void)
{
	return wwr_dma_buf_import_sync_file(fd, WWR_DMA_BUF_WRITE, import_fd);
}

static void expect_errors_until_success(int (*call)(void), unsigned int num_needed_fds)
{
	unsigned int fds = test_num_fds();
	unsigned int alive = test_alloc_alive();
	unsigned int pending = num_pending(WWR_RESV_USAGE_BOOKKEEP);
	int ret = -ENOMEM;

	for (unsigned int room = 0; room < num_needed_fds; room++) {
		rlim_t before = test_leave_fds(room);

		ret = call();
		test_set_fd_limit(before);
		cr_expect_eq(ret, -EMFILE, "%d with room for %u", ret, room);
		cr_expect_eq(test_num_fds(), fds);
		cr_expect_eq(test_alloc_alive(), alive);
	}
	for (int sticky = 1; sticky >= 0; sticky--) {
		ret = -ENOMEM;
		for (unsigned int nth = 1; ret != 0; nth++) {
			test_alloc_fail(nth, sticky);
			ret = call();
			test_alloc_fail(0, false);
			if (ret == 0)
				break;
			cr_assert_eq(ret, -ENOMEM);
			cr_expect_eq(num_pending(WWR_RESV_USAGE_BOOKKEEP), pending);
		}
		pending = num_pending(WWR_RESV_USAGE_BOOKKEEP);
	}
}

Test(reservation_dma_buf_sync, export_without_memory_or_descriptors)
{
	add_all();
	expect_errors_until_success(do_export, 3);
}

Test(reservation_dma_buf_sync, import_without_memory_or_descriptors)
{
	struct wwr_fence *fence = test_fence_create(wwr_fence_context_alloc(1), 1);

	cr_assert_eq(wwr_sync_file_create(fence, &import_fd), 0);
	expect_errors_until_success(do_import, 1);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(fence);
	close(import_fd);
}
