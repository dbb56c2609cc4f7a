/* SPDX-License-Identifier: MIT */
/* Syncobjs as descriptors: identity, and when they end. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/syncobj.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned int num_fds;

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
}

static void teardown(void)
{
	(void)wwr_syncobj_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
}

TestSuite(reservation_syncobj_file, .init = setup, .fini = teardown, .timeout = 20);

/* The descriptor's reference alone is left. */
static int make_fd(struct wwr_syncobj **ret_syncobj)
{
	struct wwr_syncobj *syncobj;
	int fd = -1;

	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	cr_assert_eq(wwr_syncobj_export_fd(syncobj, &fd), 0);
	if (ret_syncobj != NULL)
		*ret_syncobj = syncobj;
	wwr_syncobj_put(syncobj);
	return fd;
}

static int import_put(int fd, struct wwr_syncobj **ret_syncobj)
{
	int ret = wwr_syncobj_import_fd(fd, ret_syncobj);

	if (ret == 0)
		wwr_syncobj_put(*ret_syncobj);
	return ret;
}

Test(reservation_syncobj_file, import_finds_it_under_any_number)
{
	struct wwr_syncobj *syncobj, *found = NULL;
	int fd = make_fd(&syncobj);
	int copy = dup(fd);

	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_eq(import_put(copy, &found), 0);
	cr_expect_eq(found, syncobj);
	close(fd);
	cr_expect_eq(wwr_syncobj_collect(), 0, "the copy keeps it");
	cr_expect_eq(import_put(copy, &found), 0);
	cr_expect_eq(found, syncobj);
	close(copy);
	cr_expect_eq(wwr_syncobj_collect(), 1);
}

Test(reservation_syncobj_file, each_export_is_a_file_of_its_own)
{
	struct wwr_syncobj *syncobj, *found = NULL;
	int fd = make_fd(&syncobj), second = -1;

	cr_assert_eq(wwr_syncobj_export_fd(syncobj, &second), 0);
	close(fd);
	cr_expect_eq(wwr_syncobj_collect(), 1);
	cr_expect_eq(import_put(second, &found), 0);
	cr_expect_eq(found, syncobj);
	close(second);
}

Test(reservation_syncobj_file, import_of_anything_else_is_refused)
{
	struct wwr_syncobj *found = NULL;
	int fd = make_fd(NULL);

	cr_expect_eq(wwr_syncobj_import_fd(-1, &found), -EBADF);
	cr_expect_eq(wwr_syncobj_import_fd(STDERR_FILENO, &found), -EINVAL);
	close(fd);
	cr_expect_eq(wwr_syncobj_collect(), 1);
	fd = memfd_create("plain", MFD_CLOEXEC);
	cr_expect_eq(wwr_syncobj_import_fd(fd, &found), -EINVAL);
	close(fd);
	cr_expect_null(found, "outputs are written on success only");
}

Test(reservation_syncobj_file, many_that_are_closed_are_collected_by_themselves)
{
	for (int i = 0; i < 1000; i++) {
		close(make_fd(NULL));
		cr_assert_lt(test_num_fds(), num_fds + 80);
	}
}

/* Whichever of the descriptors it lacks, nothing is left. */
Test(reservation_syncobj_file, export_without_descriptors_is_emfile)
{
	struct wwr_syncobj *syncobj;
	int fd = -1;

	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	for (unsigned int num = 0; num < 3; num++) {
		rlim_t before = test_leave_fds(num);

		cr_expect_eq(wwr_syncobj_export_fd(syncobj, &fd), -EMFILE, "%u left", num);
		test_set_fd_limit(before);
		cr_expect_eq(test_num_fds(), num_fds);
	}
	cr_expect_eq(fd, -1);
	wwr_syncobj_put(syncobj);
}

Test(reservation_syncobj_file, export_without_memory_is_enomem)
{
	struct wwr_syncobj *syncobj;
	int fd = -1;

	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	test_alloc_fail(1, true);
	cr_expect_eq(wwr_syncobj_export_fd(syncobj, &fd), -ENOMEM);
	test_alloc_fail(0, false);
	wwr_syncobj_put(syncobj);
}
