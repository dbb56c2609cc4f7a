/* SPDX-License-Identifier: MIT */
/* Syncobjs without memory and without descriptors: an error, and nothing has changed. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NUM_SYNCOBJS 6 /* more than a wait has room for on its stack */

static struct wwr_syncobj *syncobjs[NUM_SYNCOBJS];
static struct wwr_syncobj *source; /* points 1 and 2 pending */
static struct wwr_fence *fences[2];
static int event_fd;
static int sync_fd;
static unsigned int num_fds;

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
	for (int i = 0; i < NUM_SYNCOBJS; i++)
		cr_assert_eq(wwr_syncobj_create(0, &syncobjs[i]), 0);
	cr_assert_eq(wwr_syncobj_create(0, &source), 0);
	for (unsigned int i = 0; i < 2; i++) {
		fences[i] = test_fence_create(wwr_fence_context_alloc(1), 1);
		cr_assert_eq(wwr_syncobj_add_point(source, i + 1, fences[i]), 0);
	}
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(wwr_syncobj_export_sync_file(source, 0, &sync_fd), 0);
}

static void teardown(void)
{
	for (int i = 0; i < NUM_SYNCOBJS; i++)
		wwr_syncobj_put(syncobjs[i]);
	wwr_syncobj_put(source);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(wwr_fence_signal(fences[i]), 0);
		wwr_fence_put(fences[i]);
	}
	close(event_fd);
	close(sync_fd);
	(void)wwr_sync_file_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_syncobj_fail, .init = setup, .fini = teardown, .timeout = 20);

static int do_create(void)
{
	struct wwr_syncobj *syncobj = NULL;
	int ret = wwr_syncobj_create(WWR_SYNCOBJ_CREATE_SIGNALED, &syncobj);

	wwr_syncobj_put(syncobj);
	return ret;
}

static int do_signal(void)
{
	return wwr_syncobj_signal(NUM_SYNCOBJS, syncobjs);
}

static int do_timeline_signal(void)
{
	static const uint64_t points[NUM_SYNCOBJS] = {1, 2, 3, 4, 5, 6};

	return wwr_syncobj_timeline_signal(NUM_SYNCOBJS, syncobjs, points);
}

static int do_transfer(void)
{
	return wwr_syncobj_transfer(syncobjs[0], 3, source, 2, 0, NULL, 0);
}

static int do_transfer_binary(void)
{
	return wwr_syncobj_transfer(syncobjs[0], 0, source, 2, 0, NULL, 0);
}

static int do_export(void)
{
	int fd = -1;
	int ret = wwr_syncobj_export_sync_file(source, 2, &fd);

	if (ret == 0)
		close(fd);
	cr_expect(ret == 0 || fd == -1);
	return ret;
}

static int do_import(void)
{
	return wwr_syncobj_import_sync_file(syncobjs[0], 1, sync_fd);
}

static int do_eventfd(void)
{
	return wwr_syncobj_add_eventfd(syncobjs[0], 5, event_fd, 0);
}

static int do_wait(void)
{
	int ret = wwr_syncobj_wait(NUM_SYNCOBJS, syncobjs, NULL, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL,
				   0, 0, NULL);

	return ret == -ETIME ? 0 : ret;
}

static bool all_empty(void)
{
	for (int i = 0; i < NUM_SYNCOBJS; i++) {
		struct wwr_fence *fence;

		if (wwr_syncobj_find_fence(syncobjs[i], 0, 0, NULL, 0, &fence) == 0) {
			wwr_fence_put(fence);
			return false;
		}
	}
	return true;
}

/* Every allocation of a call fails, each alone and with all later ones; then it succeeds. */
static void expect_enomem_at_each(int (*call)(void), unsigned int num_allocs)
{
	for (int sticky = 0; sticky < 2; sticky++) {
		for (unsigned int nth = 1; nth <= num_allocs; nth++) {
			unsigned int alive = test_alloc_alive();
			unsigned int fds = test_num_fds();

			test_alloc_fail(nth, sticky);
			cr_expect_eq(call(), -ENOMEM, "allocation %u", nth);
			test_alloc_fail(0, false);
			cr_expect_eq(test_alloc_alive(), alive, "allocation %u", nth);
			cr_expect_eq(test_num_fds(), fds);
			cr_expect(all_empty());
		}
	}
	{
		unsigned int calls = test_alloc_calls();

		cr_expect_eq(call(), 0);
		cr_expect_eq(test_alloc_calls() - calls, num_allocs, "%u",
			     test_alloc_calls() - calls);
	}
}

static void get_released(void *memory)
{
	(void)wwr_syncobj_get(memory);
}

static void put_released(void *memory)
{
	wwr_syncobj_put(memory);
}

static void add_nothing(void *syncobj)
{
	(void)!wwr_syncobj_add_point(syncobj, 1, NULL);
}

/* Zeroed memory has no references, as one that was released. */
Test(reservation_syncobj_fail, misuse_aborts)
{
	uint64_t released[64] = {0};

	cr_expect(test_aborts_with(get_released, released, "wwr_syncobj_get: syncobj"));
	cr_expect(test_aborts_with(put_released, released, "was released before"));
	cr_expect(test_aborts_with(add_nothing, syncobjs[0], "no fence"));
}

Test(reservation_syncobj_fail, create_without_memory)
{
	expect_enomem_at_each(do_create, 2);
}

Test(reservation_syncobj_fail, signal_without_memory)
{
	expect_enomem_at_each(do_signal, 1);
}

Test(reservation_syncobj_fail, timeline_signal_without_memory)
{
	expect_enomem_at_each(do_timeline_signal, NUM_SYNCOBJS + 2);
}

Test(reservation_syncobj_fail, wait_without_memory)
{
	expect_enomem_at_each(do_wait, 1);
}

Test(reservation_syncobj_fail, export_without_memory)
{
	expect_enomem_at_each(do_export, 1);
}

Test(reservation_syncobj_fail, eventfd_without_memory)
{
	expect_enomem_at_each(do_eventfd, 1);
}

/* How many allocations a merge makes is its own affair. */
static void expect_enomem_until_success(int (*call)(void))
{
	for (int sticky = 0; sticky < 2; sticky++) {
		int ret = -ENOMEM;

		for (unsigned int nth = 1; ret != 0; nth++) {
			test_alloc_fail(nth, sticky);
			ret = call();
			test_alloc_fail(0, false);
			cr_expect(ret == 0 ? nth > 1 : ret == -ENOMEM && all_empty(), "%d at %u",
				  ret, nth);
		}
		cr_assert_eq(wwr_syncobj_reset(NUM_SYNCOBJS, syncobjs), 0);
	}
}

Test(reservation_syncobj_fail, transfer_without_memory)
{
	expect_enomem_until_success(do_transfer);
	expect_enomem_until_success(do_transfer_binary);
}

Test(reservation_syncobj_fail, import_without_memory)
{
	expect_enomem_until_success(do_import);
}

static void expect_emfile_until(int (*call)(void), unsigned int num_needed)
{
	unsigned int alive = test_alloc_alive();
	unsigned int fds = test_num_fds();

	for (unsigned int room = 0; room < num_needed; room++) {
		rlim_t before = test_leave_fds(room);
		int ret = call();

		test_set_fd_limit(before);
		cr_expect_eq(ret, -EMFILE, "%d with room for %u", ret, room);
		cr_expect_eq(test_alloc_alive(), alive);
		cr_expect_eq(test_num_fds(), fds);
		cr_expect(all_empty());
	}
	{
		rlim_t before = test_leave_fds(num_needed);

		cr_expect_eq(call(), 0);
		test_set_fd_limit(before);
	}
}

Test(reservation_syncobj_fail, export_without_descriptors)
{
	expect_emfile_until(do_export, 2);
}

Test(reservation_syncobj_fail, import_without_descriptors)
{
	expect_emfile_until(do_import, 1);
}

Test(reservation_syncobj_fail, eventfd_without_descriptors)
{
	expect_emfile_until(do_eventfd, 1);
}
