/* SPDX-License-Identifier: MIT */
/* The ioctls on dma-bufs, sync_files and sw_sync: every flag, every pad, every error. */
#include "drivers/core/ioctl_fd.h"
#include "drivers/core/transport_self.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/dma_buf.h>
#include <wwresv/sync_file.h>
#include <wwresv/uapi/sync_more.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO_ADDRESS ((void *)8)

static struct core_sw_sync *sw_sync;
static int buf_fd;

static void setup(void)
{
	cr_assert_eq(core_sw_sync_open("test", &sw_sync), 0);
	cr_assert_eq(wwr_dma_buf_create(4096, NULL, &buf_fd), 0);
}

static void teardown(void)
{
	core_sw_sync_put(sw_sync);
	close(buf_fd);
}

TestSuite(drivers_core_fds, .init = setup, .fini = teardown, .timeout = 30);

static struct core_call new_call(void)
{
	return (struct core_call){.transport = &core_transport_self};
}

static int on_buf(int fd, unsigned long request, const void *arg)
{
	struct core_call call = new_call();

	return core_dma_buf_ioctl(&call, fd, request, (uintptr_t)arg);
}

static int on_sync_file(int fd, unsigned long request, void *arg)
{
	struct core_call call = new_call();

	return core_sync_file_ioctl(&call, fd, request, (uintptr_t)arg);
}

static int on_sw_sync(unsigned long request, void *arg)
{
	struct core_call call = new_call();

	return core_sw_sync_ioctl(&call, sw_sync, request, (uintptr_t)arg);
}

static int make_fence(uint32_t value, const char *name)
{
	struct wwr_sw_sync_create_fence create = {.value = value, .fence = -1};

	strncpy(create.name, name, sizeof(create.name));
	cr_assert_eq(on_sw_sync(WWR_SW_SYNC_IOC_CREATE_FENCE, &create), 0);
	cr_assert(create.fence >= 0);
	return create.fence;
}

static void inc(uint32_t num)
{
	cr_assert_eq(on_sw_sync(WWR_SW_SYNC_IOC_INC, &num), 0);
}

static bool is_ready(int fd)
{
	struct pollfd poll_fd = {fd, POLLIN, 0};

	return poll(&poll_fd, 1, 0) == 1;
}

static int status_of(int fd)
{
	struct sync_file_info info = {.num_fences = 0};

	cr_assert_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), 0);
	return info.status;
}

static int file_limit_probe(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* A page that may be read, and its last bytes; nothing behind it may be touched. */
static char *read_only_page(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(page, MAP_FAILED);
	cr_assert_eq(mprotect(page + 4096, 4096, PROT_NONE), 0);
	return page;
}

Test(drivers_core_fds, unknown_requests_are_not_for_these_files)
{
	int fence_fd = make_fence(1, "");
	uint64_t block[8] = {0};

	cr_expect_eq(on_buf(buf_fd, _IOW('b', 9, uint64_t), block), -ENOTTY);
	cr_expect_eq(on_buf(buf_fd, _IOW('b', 0, uint32_t), block), -ENOTTY, "another size");
	cr_expect_eq(on_buf(buf_fd, SYNC_IOC_FILE_INFO, block), -ENOTTY);
	cr_expect_eq(on_buf(fence_fd, DMA_BUF_IOCTL_SYNC, block), -ENOTTY);
	cr_expect_eq(on_buf(STDERR_FILENO, DMA_BUF_IOCTL_SYNC, block), -ENOTTY);
	cr_expect_eq(on_sync_file(fence_fd, _IOW('>', 9, uint64_t), block), -ENOTTY);
	cr_expect_eq(on_sync_file(fence_fd, DMA_BUF_IOCTL_SYNC, block), -ENOTTY);
	cr_expect_eq(on_sync_file(buf_fd, SYNC_IOC_FILE_INFO, block), -ENOTTY);
	cr_expect_eq(on_sw_sync(_IOW('W', 9, uint32_t), block), -ENOTTY);
	cr_expect_eq(on_sw_sync(0, block), -ENOTTY);
	close(fence_fd);
	cr_expect_eq(on_buf(fence_fd, DMA_BUF_IOCTL_SYNC, block), -EBADF);
	cr_expect_eq(on_sync_file(fence_fd, SYNC_IOC_FILE_INFO, block), -EBADF);
}

Test(drivers_core_fds, sync_checks_flags_and_waits_for_writers)
{
	static const uint64_t bad[] = {0, 4, 8, 9, UINT64_C(1) << 32, UINT64_MAX};
	struct dma_buf_import_sync_file import = {.flags = DMA_BUF_SYNC_READ,
						  .fd = make_fence(1, "")};
	struct dma_buf_sync sync;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sync.flags = bad[i];
		cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_SYNC, &sync), -EINVAL);
	}
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_SYNC, NO_ADDRESS), -EFAULT);
	/* A reader is pending: nothing to wait for before a read. */
	cr_assert_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), 0);
	for (uint64_t flags = DMA_BUF_SYNC_READ; flags <= (DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	     flags += DMA_BUF_SYNC_END) {
		sync.flags = flags;
		cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_SYNC, &sync), 0);
	}
	inc(1);
	for (sync.flags = 1; sync.flags < 8; sync.flags++)
		cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_SYNC, &sync),
			     sync.flags == 4 ? -EINVAL : 0);
	close(import.fd);
}

Test(drivers_core_fds, names_are_texts_of_at_most_31_bytes)
{
	static const char too_long[] = "01234567890123456789012345678901";
	char name[WWR_DMA_BUF_NAME_BYTES];
	char *page = read_only_page();

	cr_expect_eq(on_buf(buf_fd, DMA_BUF_SET_NAME, too_long), -EINVAL);
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_SET_NAME, NO_ADDRESS), -EFAULT);
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_SET_NAME, too_long + 1), 0);
	cr_assert_eq(wwr_dma_buf_get_name(buf_fd, name), 0);
	cr_expect_str_eq(name, too_long + 1);
	/* Up to the last byte that may be read, and not one more. */
	memcpy(page + 4093, "ab", 3);
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_SET_NAME_B, page + 4093), 0);
	page[4095] = 'c';
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_SET_NAME_A, page + 4093), -EFAULT);
	cr_assert_eq(wwr_dma_buf_get_name(buf_fd, name), 0);
	cr_expect_str_eq(name, "ab");
	munmap(page, 8192);
}

Test(drivers_core_fds, export_is_a_snapshot_and_takes_back_what_nobody_saw)
{
	struct dma_buf_import_sync_file import = {.flags = DMA_BUF_SYNC_WRITE,
						  .fd = make_fence(1, "")};
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_RW};
	struct dma_buf_export_sync_file *block;
	char *page = read_only_page();
	int before, idle;

	cr_assert_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), 0);
	idle = export.fd;
	cr_assert_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), 0);
	export.flags = DMA_BUF_SYNC_READ;
	cr_assert_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), 0);
	cr_expect(is_ready(idle));
	cr_expect_not(is_ready(export.fd));
	cr_expect_eq(fcntl(export.fd, F_GETFD), FD_CLOEXEC);
	inc(1);
	cr_expect(is_ready(export.fd));

	block = (void *)page;
	block->flags = DMA_BUF_SYNC_RW;
	cr_assert_eq(mprotect(page, 4096, PROT_READ), 0);
	before = file_limit_probe();
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, block), -EFAULT);
	cr_expect_eq(file_limit_probe(), before, "a descriptor is left");
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NO_ADDRESS), -EFAULT);
	for (uint32_t bit = 2; bit < 32; bit++) {
		export.flags = 1u << bit;
		cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), -EINVAL);
	}
	close(import.fd);
	close(export.fd);
	close(idle);
	munmap(page, 8192);
}

Test(drivers_core_fds, import_checks_flags_and_descriptor)
{
	struct dma_buf_import_sync_file import = {.flags = 0, .fd = make_fence(1, "")};
	int fd = import.fd;

	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), -EINVAL);
	import.flags = 4 | DMA_BUF_SYNC_READ;
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), -EINVAL);
	import.flags = DMA_BUF_SYNC_READ;
	import.fd = -1;
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), -EINVAL);
	import.fd = buf_fd;
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), -EINVAL);
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NO_ADDRESS), -EFAULT);
	close(fd);
	import.fd = fd;
	cr_expect_eq(on_buf(buf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), -EINVAL);
}

Test(drivers_core_fds, merge_checks_its_block_and_signals_with_both)
{
	int first = make_fence(1, ""), second = make_fence(2, "");
	struct sync_merge_data merge = {.fd2 = second, .flags = 1};
	struct sync_file_info info = {.num_fences = 0};
	int before;

	memset(merge.name, 'n', sizeof(merge.name));
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), -EINVAL);
	merge.flags = 0;
	merge.pad = 1;
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), -EINVAL);
	merge.pad = 0;
	merge.fd2 = buf_fd;
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), -ENOENT);
	merge.fd2 = -1;
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), -ENOENT);
	merge.fd2 = file_limit_probe();
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), -ENOENT, "not open");
	cr_expect_eq(on_sync_file(first, SYNC_IOC_MERGE, NO_ADDRESS), -EFAULT);
	merge.fd2 = second;
	before = file_limit_probe();
	cr_assert_eq(on_sync_file(first, SYNC_IOC_MERGE, &merge), 0);
	cr_expect_eq(fcntl(merge.fence, F_GETFD), FD_CLOEXEC);
	cr_expect_geq(merge.fence, before);
	cr_assert_eq(on_sync_file(merge.fence, SYNC_IOC_FILE_INFO, &info), 0);
	cr_expect_eq(strlen(info.name), 31, "cut, with a terminator");
	cr_expect_eq(info.num_fences, 1, "the later one of a timeline");
	inc(1);
	cr_expect_not(is_ready(merge.fence));
	inc(1);
	cr_expect(is_ready(merge.fence));
	close(merge.fence);
	close(first);
	close(second);
}

Test(drivers_core_fds, file_info_counts_fills_and_checks)
{
	int fd = make_fence(1, "mine");
	struct sync_fence_info fences[2];
	struct sync_file_info info = {.flags = 1};

	cr_expect_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	info = (struct sync_file_info){.pad = 1};
	cr_expect_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	info = (struct sync_file_info){.num_fences = 0};
	memset(info.name, 'x', sizeof(info.name));
	cr_assert_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), 0);
	cr_expect_str_eq(info.name, "mine");
	cr_expect_eq(info.status, 0);
	cr_expect_eq(info.num_fences, 1);
	info.sync_fence_info = 8;
	cr_expect_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), -EFAULT);
	inc(1);
	memset(fences, 0x5a, sizeof(fences));
	info =
	    (struct sync_file_info){.num_fences = UINT32_MAX, .sync_fence_info = (uintptr_t)fences};
	cr_assert_eq(on_sync_file(fd, SYNC_IOC_FILE_INFO, &info), 0);
	cr_expect_eq(info.num_fences, 1);
	cr_expect_eq(info.status, 1);
	cr_expect_str_eq(fences[0].obj_name, "test");
	cr_expect_str_eq(fences[0].driver_name, "sw_sync");
	cr_expect_eq(fences[0].status, 1);
	cr_expect_gt(fences[0].timestamp_ns, 0);
	cr_expect_eq(((unsigned char *)&fences[1])[0], 0x5a, "behind the last one");
	close(fd);
}

Test(drivers_core_fds, file_info_of_two_wants_room_for_two)
{
	struct core_sw_sync *mine = sw_sync;
	struct core_sw_sync *second;
	struct sync_merge_data merge = {.name = "two"};
	struct sync_fence_info fences[2];
	struct sync_file_info info = {.num_fences = 1, .sync_fence_info = (uintptr_t)fences};
	int fd = make_fence(1, "");

	cr_assert_eq(core_sw_sync_open("second", &second), 0);
	sw_sync = second;
	merge.fd2 = make_fence(1, "");
	sw_sync = mine;
	cr_assert_eq(on_sync_file(fd, SYNC_IOC_MERGE, &merge), 0);
	cr_expect_eq(on_sync_file(merge.fence, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	info.num_fences = 2;
	cr_assert_eq(on_sync_file(merge.fence, SYNC_IOC_FILE_INFO, &info), 0);
	cr_expect_eq(info.num_fences, 2);
	cr_expect_str_neq(fences[0].obj_name, fences[1].obj_name);
	/* The end of a timeline fails what is pending of it, and so the whole. */
	inc(1);
	core_sw_sync_put(second);
	cr_expect_eq(status_of(merge.fence), -ENOENT);
	close(merge.fence);
	close(merge.fd2);
	close(fd);
}

Test(drivers_core_fds, deadlines_go_to_the_fence_and_are_told)
{
	struct wwr_sync_set_deadline set = {.deadline_ns = 5, .pad = 1};
	int fd = make_fence(1, "");
	struct wwr_sw_sync_get_deadline get = {.fence_fd = fd};
	struct dma_buf_export_sync_file idle = {.flags = DMA_BUF_SYNC_RW};

	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -ENOENT);
	cr_expect_eq(on_sync_file(fd, WWR_SYNC_IOC_SET_DEADLINE, &set), -EINVAL);
	cr_expect_eq(on_sync_file(fd, WWR_SYNC_IOC_SET_DEADLINE, NO_ADDRESS), -EFAULT);
	set.pad = 0;
	cr_assert_eq(on_sync_file(fd, WWR_SYNC_IOC_SET_DEADLINE, &set), 0);
	set.deadline_ns = UINT64_MAX;
	cr_assert_eq(on_sync_file(fd, WWR_SYNC_IOC_SET_DEADLINE, &set), 0);
	cr_assert_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), 0);
	cr_expect_eq(get.deadline_ns, 5);
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL, "not 0");
	get = (struct wwr_sw_sync_get_deadline){.fence_fd = fd, .pad = 1};
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL);
	get = (struct wwr_sw_sync_get_deadline){.fence_fd = buf_fd};
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL);
	cr_assert_eq(on_buf(buf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &idle), 0);
	get.fence_fd = idle.fd;
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL, "not of sw_sync");
	get.fence_fd = -1;
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL);
	get.fence_fd = file_limit_probe();
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, &get), -EINVAL, "not open");
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_GET_DEADLINE, NO_ADDRESS), -EFAULT);
	close(idle.fd);
	close(fd);
}

Test(drivers_core_fds, values_go_round_at_32_bits)
{
	int born, ahead, wrapped;

	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_INC, NO_ADDRESS), -EFAULT);
	cr_expect_eq(on_sw_sync(WWR_SW_SYNC_IOC_CREATE_FENCE, NO_ADDRESS), -EFAULT);
	/* Behind by one, in 32 bits. */
	born = make_fence(UINT32_MAX, "");
	cr_expect(is_ready(born));
	inc(UINT32_MAX);
	ahead = make_fence(2, "");
	cr_expect_not(is_ready(ahead), "2 comes after UINT32_MAX");
	wrapped = make_fence(UINT32_MAX - 1, "");
	cr_expect(is_ready(wrapped));
	inc(2);
	cr_expect_not(is_ready(ahead));
	inc(1);
	cr_expect(is_ready(ahead));
	close(born);
	close(ahead);
	close(wrapped);
}

Test(drivers_core_fds, last_put_ends_what_is_pending)
{
	int fd;

	fd = make_fence(1, "");
	(void)core_sw_sync_get(sw_sync);
	core_sw_sync_put(sw_sync);
	cr_expect_not(is_ready(fd));
	core_sw_sync_put(sw_sync);
	cr_expect(is_ready(fd));
	cr_expect_eq(status_of(fd), -ENOENT);
	close(fd);
	cr_assert_eq(core_sw_sync_open("next", &sw_sync), 0);
}
