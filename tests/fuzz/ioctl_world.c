/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/ioctl_world.h"

#include "drivers/core/ioctl_fd.h"
#include "drivers/vgem/vgem.h"
#include "drivers/wwrmock/wwrmock.h"
#include "drivers/wwrmock/wwrmock_file.h"
#include "reservation/resv_cell.h"
#include "tests/lib/test_alloc.h"

#include <wwresv/device.h>
#include <wwresv/dma_buf.h>
#include <wwresv/interrupt.h>
#include <wwresv/sync_file.h>
#include <wwresv/sys/debug.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm_mode.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* More fences than one client can have at a time: later on none is made any more. */
#define NUM_CELLS 4096

/* A lot more than any execution needs for its jobs to end. */
#define MAX_DRAIN_S 10

struct ioctl_world ioctl_world;

static struct core_device *devices[2];
static struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
static bool is_begun; /* the first begin is over, and so */
static unsigned int num_alive_before;
static int first_free_fd;

void world_fail(const char *format, ...)
{
	va_list args;

	fputs("fuzz_ioctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

unsigned int world_choose(unsigned int num)
{
	if (ioctl_world.size == 0)
		return 0;
	ioctl_world.size--;
	return *ioctl_world.data++ % num;
}

uint64_t world_number(void)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | world_choose(256);
	return number;
}

void world_starve(unsigned int after)
{
	test_alloc_fail(after, false);
}

/* The client's memory in one of its places, or NULL. */
static uint8_t *arena_at(uint64_t base, uint64_t addr, size_t size_bytes)
{
	if (addr < base || addr > base + ARENA_BYTES || size_bytes > base + ARENA_BYTES - addr)
		return NULL;
	return &ioctl_world.arena[addr - base];
}

static int world_copy_in(void *data, void *dst, uint64_t src, size_t size_bytes)
{
	const uint8_t *from = arena_at(ARENA_BASE, src, size_bytes);

	(void)data;
	if (from == NULL)
		from = arena_at(ARENA_READ_ONLY, src, size_bytes);
	if (from == NULL)
		return -EFAULT;
	memcpy(dst, from, size_bytes);
	return 0;
}

static int world_copy_out(void *data, uint64_t dst, const void *src, size_t size_bytes)
{
	uint8_t *to = arena_at(ARENA_BASE, dst, size_bytes);

	(void)data;
	if (to == NULL)
		return -EFAULT;
	memcpy(to, src, size_bytes);
	return 0;
}

static int world_fd_in(void *data, int client_fd)
{
	(void)data;
	if (client_fd < 0 || client_fd >= NUM_CLIENT_FDS || ioctl_world.fds[client_fd] < 0)
		return -EBADF;
	ioctl_world.num_borrowed++;
	return ioctl_world.fds[client_fd];
}

static void world_fd_release(void *data, int fd)
{
	(void)data;
	(void)fd;
	ioctl_world.num_borrowed--;
}

static int world_fd_out(void *data, int fd, bool cloexec)
{
	(void)data;
	(void)cloexec;
	for (int i = 0; i < NUM_CLIENT_FDS; i++) {
		if (ioctl_world.fds[i] < 0) {
			ioctl_world.fds[i] = fd;
			return i;
		}
	}
	close(fd);
	return -EMFILE;
}

static void world_fd_undo(void *data, int client_fd)
{
	(void)data;
	close(ioctl_world.fds[client_fd]);
	ioctl_world.fds[client_fd] = -1;
}

static const struct core_transport transport = {
    .copy_in = world_copy_in,
    .copy_out = world_copy_out,
    .fd_in = world_fd_in,
    .fd_release = world_fd_release,
    .fd_out = world_fd_out,
    .fd_undo = world_fd_undo,
};

static void must(bool ok, const char *what)
{
	if (!ok)
		world_fail("%s", what);
}

static int free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* All that stays: caches, and tables that only grow. */
static void devices_begin(void)
{
	static const struct core_quota quota = {.max_buffers = 64,
						.max_syncobjs = 64,
						.max_bytes = UINT64_C(1) << 30,
						.max_queues = 8,
						.max_jobs = 8};
	static struct wwr_resv_cell *cells[NUM_CELLS];
	struct wwr_device_config config = {.num_engines = {1, 1}, .time_scale = 0};

	test_alloc_install();
	wwr_debug_set_checks(0);
	wwr_interrupt(&token);
	must(vgem_device_create(CORE_CAP_ALL, &quota, VGEM_FENCE_TIMEOUT_NS, &devices[0]) == 0 &&
		 wwrmock_device_create(CORE_CAP_ALL, &quota, &config, &devices[1]) == 0,
	     "no devices");
	for (int i = 0; i < NUM_CELLS; i++)
		must((cells[i] = resv_cell_get()) != NULL, "no cells");
	for (int i = 0; i < NUM_CELLS; i++)
		resv_cell_put(cells[i]);
}

static void files_begin(void)
{
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 2; j++)
			must(core_file_open(devices[i], j != 0, 1, 1, &ioctl_world.files[i][j]) ==
				 0,
			     "no file");
	}
	must(core_sw_sync_open("fuzz", &ioctl_world.sw_sync) == 0, "no sw_sync");
}

/* A buffer and a syncobj of each device's first file, for handles that are guessed right. */
static void objects_begin(void)
{
	for (int i = 0; i < 2; i++) {
		enum hostile_target target = i == 0 ? ON_VGEM : ON_MOCK;
		struct drm_mode_create_dumb dumb = {.width = 1, .height = 1, .bpp = 8};
		struct drm_syncobj_create syncobj = {.flags = DRM_SYNCOBJ_CREATE_SIGNALED};

		memcpy(ioctl_world.arena, &dumb, sizeof(dumb));
		world_ioctl(target, DRM_IOCTL_MODE_CREATE_DUMB);
		memcpy(ioctl_world.arena, &syncobj, sizeof(syncobj));
		world_ioctl(target, DRM_IOCTL_SYNCOBJ_CREATE);
	}
}

/* A name takes memory of the device that stays, once. */
static void names_begin(void)
{
	for (int i = 0; i < 2; i++) {
		struct drm_gem_flink flink = {.handle = 1};

		memcpy(ioctl_world.arena, &flink, sizeof(flink));
		world_ioctl(i == 0 ? ON_VGEM : ON_MOCK, DRM_IOCTL_GEM_FLINK);
	}
}

void world_begin(const uint8_t *data, size_t size)
{
	static bool begun;

	for (int i = 0; i < NUM_CLIENT_FDS; i++)
		ioctl_world.fds[i] = -1;
	if (!begun) {
		begun = true;
		devices_begin();
		files_begin();
		objects_begin();
		names_begin();
		world_end();
		num_alive_before = test_alloc_alive();
		is_begun = true;
	}
	ioctl_world.size = 0; /* what it chooses itself is 0 */
	first_free_fd = free_fd();
	files_begin();
	objects_begin();
	memset(ioctl_world.arena, 0, sizeof(ioctl_world.arena));
	ioctl_world.data = data;
	ioctl_world.size = size;
}

/* The engines give up the last references of jobs, a moment after these have ended. */
static bool is_drained(void)
{
	const struct wwrmock_device *mock = devices[1]->driver_data;
	struct wwr_device_stats stats;

	wwr_device_get_stats(mock->gpu, &stats);
	return stats.num_submitted == stats.num_finished &&
	       (!is_begun || test_alloc_alive() <= num_alive_before);
}

static void collect(void)
{
	(void)wwr_dma_buf_collect();
	(void)wwr_syncobj_collect();
	(void)wwr_sync_file_collect();
}

static void drain(void)
{
	time_t end = time(NULL) + MAX_DRAIN_S;

	/* A job that has just ended may have been what kept a sync_file or a dma-buf.  To look for
	 * these asks the system, so there is less and less of it. */
	for (unsigned int turn = 0;; turn++) {
		if ((turn & (turn - 1)) == 0)
			collect();
		if (is_drained())
			return;
		if (time(NULL) > end)
			world_fail("%u allocations are left",
				   test_alloc_alive() - num_alive_before);
		(void)sched_yield();
	}
}

void world_end(void)
{
	world_starve(0);
	for (int i = 0; i < NUM_CLIENT_FDS; i++) {
		if (ioctl_world.fds[i] >= 0)
			close(ioctl_world.fds[i]);
		ioctl_world.fds[i] = -1;
	}
	core_sw_sync_put(ioctl_world.sw_sync);
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 2; j++)
			core_file_put(ioctl_world.files[i][j]);
	}
	for (int i = 0; i < 2; i++) {
		if (devices[i]->num_gems != 0)
			world_fail("%u buffers are left", devices[i]->num_gems);
	}
	drain();
	if (is_begun && free_fd() != first_free_fd)
		world_fail("a descriptor is left");
}

/* What a file has, and how many jobs there were. */
struct counts {
	uint32_t num_gems, num_syncobjs, num_queues, num_fds;
	uint64_t num_jobs;
};

uint64_t world_num_jobs(void)
{
	const struct wwrmock_device *mock = devices[1]->driver_data;
	struct wwr_device_stats stats;

	wwr_device_get_stats(mock->gpu, &stats);
	return stats.num_submitted;
}

static struct counts count(struct core_file *file)
{
	struct counts counts = {.num_gems = handle_table_count(&file->gems),
				.num_syncobjs = handle_table_count(&file->syncobjs)};

	counts.num_jobs = world_num_jobs();
	for (int i = 0; i < NUM_CLIENT_FDS; i++)
		counts.num_fds += ioctl_world.fds[i] >= 0;
	return counts;
}

/* What a failure may not have done.  -EFAULT may come after all was done, but for a submit. */
static void check_failure(int ret, const struct counts *before, const struct counts *after)
{
	if (!hostile_is_known(ret))
		world_fail("an unknown result: %d", ret);
	if (ret == 0)
		return;
	if (before->num_fds != after->num_fds)
		world_fail("%d, and a descriptor is left", ret);
	if (before->num_jobs != after->num_jobs)
		world_fail("%d, and a job runs", ret);
	if (ret != -EFAULT &&
	    (before->num_gems != after->num_gems || before->num_syncobjs != after->num_syncobjs))
		world_fail("%d, and a handle has come or gone", ret);
}

static int do_ioctl(struct core_call *call, enum hostile_target target, unsigned long request)
{
	uint64_t arg = world_choose(8) == 7 ? ARENA_READ_ONLY : ARENA_BASE;
	int fd;

	switch (target) {
	case ON_SW_SYNC:
		return core_sw_sync_ioctl(call, ioctl_world.sw_sync, request, arg);
	case ON_DMA_BUF:
	case ON_SYNC_FILE:
		fd = ioctl_world.fds[world_choose(NUM_CLIENT_FDS)];
		return target == ON_DMA_BUF ? core_dma_buf_ioctl(call, fd, request, arg)
					    : core_sync_file_ioctl(call, fd, request, arg);
	default:
		return core_ioctl(call, request, arg);
	}
}

void world_ioctl(enum hostile_target target, unsigned long request)
{
	struct core_call call = {.transport = &transport, .token = &token};
	struct counts before, after;
	int ret;

	call.file = ioctl_world.files[target == ON_MOCK][world_choose(2)];
	before = count(call.file);
	ret = do_ioctl(&call, target, request);
	after = count(call.file);
	if (ioctl_world.num_borrowed != 0)
		world_fail("%lx: a borrowed descriptor is not given back", request);
	check_failure(ret, &before, &after);
}
