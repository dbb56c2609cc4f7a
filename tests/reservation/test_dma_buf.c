/* SPDX-License-Identifier: MIT */
/* dma-bufs as descriptors: memory, size, identity, and when they end. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/test_sync_file_fds.h"

#include <wwresv/acquire_ctx.h>
#include <wwresv/bo.h>
#include <wwresv/class.h>
#include <wwresv/dma_buf.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned int num_fds;
static uint64_t page_bytes;

static void setup(void)
{
	test_alloc_install();
	num_fds = test_num_fds();
	page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
}

static void teardown(void)
{
	(void)wwr_dma_buf_collect();
	cr_expect_eq(test_num_fds(), num_fds, "no descriptor is left");
	cr_expect_eq(test_alloc_alive(), 0, "everything was given back");
}

TestSuite(reservation_dma_buf, .init = setup, .fini = teardown, .timeout = 20);

static int create_fd(uint64_t size_bytes)
{
	int fd = -1;

	cr_assert_eq(wwr_dma_buf_create(size_bytes, NULL, &fd), 0);
	cr_assert(fd >= 0);
	return fd;
}

/* Only to compare it: the reference is given back. */
static struct wwr_bo *bo_of(int fd)
{
	struct wwr_bo *bo = NULL;

	cr_expect_eq(wwr_dma_buf_get_bo(fd, &bo), 0);
	wwr_bo_put(bo);
	return bo;
}

/* A driver's buffer: it counts its ends. */
static unsigned int num_released;

static void bo_release(struct wwr_bo *bo)
{
	(void)bo;
	num_released++;
}

static const struct wwr_bo_ops bo_ops = {.release = bo_release};

static int create_memory(uint64_t size_bytes)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(ftruncate(fd, (off_t)size_bytes), 0);
	return fd;
}

Test(reservation_dma_buf, create_rounds_the_size_to_pages)
{
	int fd = create_fd(page_bytes + 1);

	cr_expect_eq(lseek(fd, 0, SEEK_END), 2 * page_bytes);
	cr_expect_eq(bo_of(fd)->size_bytes, 2 * page_bytes);
	cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_expect_eq(ftruncate(fd, 0), -1, "the size never changes");
	cr_expect_eq(ftruncate(fd, (off_t)(4 * page_bytes)), -1);
	close(fd);
}

Test(reservation_dma_buf, create_refuses_sizes_that_are_none)
{
	int fd = -1;

	cr_expect_eq(wwr_dma_buf_create(0, NULL, &fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_create(UINT64_MAX, NULL, &fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_create((uint64_t)INT64_MAX - 1, NULL, &fd), -EINVAL);
	cr_expect_eq(fd, -1);
}

Test(reservation_dma_buf, create_takes_the_class_it_is_given)
{
	static struct wwr_class own_class = WWR_CLASS_INIT("own", WWR_WOUND_WAIT);
	struct wwr_acquire_ctx ctx;
	struct wwr_bo *bo;
	int fd;

	cr_assert_eq(wwr_dma_buf_create(1, &own_class, &fd), 0);
	cr_assert_eq(wwr_dma_buf_get_bo(fd, &bo), 0);
	wwr_acquire_ctx_init(&ctx, &own_class);
	cr_expect_eq(wwr_mutex_lock(wwr_bo_mutex(bo), &ctx), 0);
	wwr_mutex_unlock(wwr_bo_mutex(bo));
	wwr_acquire_ctx_fini(&ctx);
	wwr_bo_put(bo);
	close(fd);
}

Test(reservation_dma_buf, mappings_share_the_memory_which_starts_as_zeros)
{
	int fd = create_fd(page_bytes);
	int copy = dup(fd);
	char *first = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *second = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);

	cr_assert(first != MAP_FAILED && second != MAP_FAILED);
	cr_expect_eq(first[0], 0);
	cr_expect_eq(first[page_bytes - 1], 0);
	first[7] = 42;
	cr_expect_eq(second[7], 42);
	munmap(first, page_bytes);
	munmap(second, page_bytes);
	close(fd);
	close(copy);
}

Test(reservation_dma_buf, dup_is_the_same_dma_buf)
{
	int fd = create_fd(1);
	int other = create_fd(1);
	int copy = dup(fd);

	cr_expect_eq(bo_of(copy), bo_of(fd));
	cr_expect_neq(bo_of(other), bo_of(fd));
	close(fd);
	close(other);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
	(void)bo_of(copy);
	close(copy);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
}

Test(reservation_dma_buf, mapping_keeps_it)
{
	int fd = create_fd(1);
	struct wwr_bo *bo = bo_of(fd);
	int copy = dup(fd);
	char *map = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, 0);

	cr_assert(map != MAP_FAILED);
	close(fd);
	cr_expect_eq(bo_of(copy), bo);
	close(copy);
	cr_expect_eq(wwr_dma_buf_collect(), 0);
	munmap(map, page_bytes);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
}

Test(reservation_dma_buf, get_bo_keeps_the_buffer_but_not_the_dma_buf)
{
	int fd = create_fd(1);
	struct wwr_bo *bo;

	cr_assert_eq(wwr_dma_buf_get_bo(fd, &bo), 0);
	close(fd);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
	cr_expect_eq(bo->size_bytes, page_bytes);
	wwr_bo_put(bo);
}

Test(reservation_dma_buf, get_bo_of_something_else_is_refused)
{
	struct wwr_bo *bo = NULL;
	int memory_fd = create_memory(10);
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(wwr_dma_buf_get_bo(memory_fd, &bo), -EINVAL);
	cr_expect_eq(wwr_dma_buf_get_bo(ends[0], &bo), -EINVAL);
	close(memory_fd);
	close(ends[0]);
	close(ends[1]);
	cr_expect_eq(wwr_dma_buf_get_bo(memory_fd, &bo), -EBADF);
	cr_expect_eq(wwr_dma_buf_get_bo(-1, &bo), -EBADF);
	cr_expect_null(bo);
}

Test(reservation_dma_buf, export_twice_gives_the_same)
{
	int memory_fd = create_memory(page_bytes);
	struct wwr_bo bo;
	int fds[2];

	wwr_bo_init(&bo, &bo_ops, page_bytes, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(wwr_dma_buf_export(&bo, memory_fd, &fds[i]), 0);
		cr_expect_eq(bo_of(fds[i]), &bo);
		cr_expect_eq(lseek(fds[i], 0, SEEK_END), page_bytes);
	}
	cr_expect_eq(bo_of(memory_fd), &bo, "the driver's own finds it, too");
	close(fds[0]);
	cr_expect_eq(wwr_dma_buf_collect(), 0);
	close(fds[1]);
	cr_expect_eq(wwr_dma_buf_collect(), 1, "the driver's own does not keep it");
	cr_assert_eq(wwr_dma_buf_export(&bo, memory_fd, &fds[0]), 0);
	wwr_bo_put(&bo);
	cr_expect_eq(num_released, 0);
	close(fds[0]);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
	cr_expect_eq(num_released, 1);
	close(memory_fd);
}

Test(reservation_dma_buf, export_shares_the_drivers_memory)
{
	int memory_fd = create_memory(page_bytes);
	struct wwr_bo bo;
	char *theirs;
	char *ours;
	int fd;

	wwr_bo_init(&bo, &bo_ops, page_bytes, NULL, NULL);
	ours = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	cr_assert_eq(wwr_dma_buf_export(&bo, memory_fd, &fd), 0);
	theirs = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(ours != MAP_FAILED && theirs != MAP_FAILED);
	ours[3] = 17;
	cr_expect_eq(theirs[3], 17);
	munmap(theirs, page_bytes);
	close(fd);
	cr_expect_eq(wwr_dma_buf_collect(), 1, "our own mapping does not keep it");
	munmap(ours, page_bytes);
	close(memory_fd);
	wwr_bo_put(&bo);
}

Test(reservation_dma_buf, export_checks_the_memory)
{
	int memory_fd = create_memory(page_bytes);
	struct wwr_bo bo;
	struct wwr_bo other;
	int ends[2];
	int fd = -1;
	int own;

	cr_assert_eq(pipe(ends), 0);
	wwr_bo_init(&bo, &bo_ops, page_bytes, NULL, NULL);
	wwr_bo_init(&other, &bo_ops, page_bytes, NULL, NULL);
	cr_assert_eq(wwr_dma_buf_export(&bo, memory_fd, &own), 0);
	cr_expect_eq(wwr_dma_buf_export(&other, memory_fd, &fd), -EINVAL, "of another buffer");
	cr_expect_eq(wwr_dma_buf_export(&other, ends[0], &fd), -EINVAL);
	cr_expect_eq(wwr_dma_buf_export(&other, -1, &fd), -EBADF);
	other.size_bytes = page_bytes + 1;
	cr_expect_eq(wwr_dma_buf_export(&other, memory_fd, &fd), -EINVAL, "too small");
	cr_expect_eq(fd, -1);
	close(ends[0]);
	close(ends[1]);
	close(own);
	close(memory_fd);
	(void)wwr_dma_buf_collect();
	wwr_bo_put(&bo);
	wwr_bo_put(&other);
	cr_expect_eq(num_released, 2);
}

Test(reservation_dma_buf, closed_ones_do_not_pile_up)
{
	for (int i = 0; i < 500; i++)
		close(create_fd(1));
	cr_expect(test_alloc_alive() < 200, "%u", test_alloc_alive());
	cr_expect(test_num_fds() < num_fds + 100);
}

Test(reservation_dma_buf, many_at_once_are_told_apart)
{
	static int fds[300];

	for (unsigned int i = 0; i < 300; i++)
		fds[i] = create_fd((i + 1) * page_bytes);
	for (unsigned int i = 0; i < 300; i++)
		cr_expect_eq(bo_of(fds[i])->size_bytes, (i + 1) * page_bytes);
	cr_expect_eq(wwr_dma_buf_collect(), 0);
	for (unsigned int i = 0; i < 300; i += 2)
		close(fds[i]);
	cr_expect_eq(wwr_dma_buf_collect(), 150);
	for (unsigned int i = 1; i < 300; i += 2) {
		cr_expect_eq(bo_of(fds[i])->size_bytes, (i + 1) * page_bytes);
		close(fds[i]);
	}
}

Test(reservation_dma_buf, create_without_memory_returns_enomem)
{
	int fd = -1;

	for (int sticky = 0; sticky < 2; sticky++) {
		for (unsigned int nth = 1; nth <= 2; nth++) {
			test_alloc_fail(nth, sticky);
			cr_expect_eq(wwr_dma_buf_create(1, NULL, &fd), -ENOMEM);
			test_alloc_fail(0, false);
			cr_expect_eq(test_num_fds(), num_fds);
			cr_expect_eq(test_alloc_alive(), 0);
		}
	}
	cr_expect_eq(fd, -1);
}

Test(reservation_dma_buf, create_without_descriptors_returns_emfile)
{
	int ret = -EMFILE;
	int fd = -1;

	for (unsigned int room = 0; ret != 0; room++) {
		rlim_t before = test_leave_fds(room);

		ret = wwr_dma_buf_create(1, NULL, &fd);
		test_set_fd_limit(before);
		cr_assert(ret == 0 ? room == 3 : ret == -EMFILE, "%d with room for %u", ret, room);
		if (ret != 0) {
			cr_expect_eq(fd, -1);
			cr_expect_eq(test_num_fds(), num_fds);
			cr_expect_eq(test_alloc_alive(), 0);
		}
	}
	close(fd);
}

Test(reservation_dma_buf, create_beyond_the_size_of_files_returns_einval)
{
	const struct rlimit limit = {page_bytes, page_bytes};
	int fd = -1;

	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(wwr_dma_buf_create(2 * page_bytes, NULL, &fd), -EINVAL);
	cr_expect_eq(fd, -1);
	cr_expect_eq(test_num_fds(), num_fds);
	cr_expect_eq(test_alloc_alive(), 0);
}

Test(reservation_dma_buf, name_belongs_to_the_buffer_and_is_checked)
{
	static const char longest[] = "0123456789012345678901234567890";
	char name[WWR_DMA_BUF_NAME_BYTES];
	int fd = create_fd(1);
	int again = dup(fd);

	cr_assert(again >= 0);
	memset(name, 'x', sizeof(name));
	cr_assert_eq(wwr_dma_buf_get_name(fd, name), 0);
	for (size_t i = 0; i < sizeof(name); i++)
		cr_expect_eq(name[i], 0);
	cr_assert_eq(wwr_dma_buf_set_name(fd, longest), 0);
	cr_expect_eq(wwr_dma_buf_set_name(fd, "01234567890123456789012345678901"), -EINVAL);
	cr_assert_eq(wwr_dma_buf_get_name(again, name), 0);
	cr_expect_str_eq(name, longest);
	cr_assert_eq(wwr_dma_buf_set_name(again, "a"), 0);
	cr_assert_eq(wwr_dma_buf_get_name(fd, name), 0);
	for (size_t i = 1; i < sizeof(name); i++)
		cr_expect_eq(name[i], 0, "nothing of the old name is left");
	close(again);
	close(fd);
	cr_expect_eq(wwr_dma_buf_set_name(fd, "a"), -EBADF);
	cr_expect_eq(wwr_dma_buf_get_name(fd, name), -EBADF);
	cr_expect_eq(wwr_dma_buf_get_name(STDOUT_FILENO, name), -EINVAL);
}
