/* SPDX-License-Identifier: MIT */
/* Buffers by handle, by name and as dma-bufs. */
#include "drivers/vgem/vgem.h"
#include "tests/drivers/test_core.h"

#include <wwresv/dma_buf.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(drivers_core_gem, .init = core_setup, .fini = core_teardown, .timeout = 30);

static int export(struct core_file *file, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle prime = {.handle = handle, .flags = flags};
	int ret = core_do(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret == 0 ? prime.fd : ret;
}

static int import(struct core_file *file, int fd, uint32_t *ret_handle)
{
	struct drm_prime_handle prime = {.fd = fd};
	int ret = core_do(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*ret_handle = prime.handle;
	return ret;
}

static int gem_close(struct core_file *file, uint32_t handle)
{
	return core_do(file, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){.handle = handle});
}

Test(drivers_core_gem, handles_begin_at_one_and_are_not_found_again)
{
	uint32_t first = core_make_buffer(card);

	cr_expect_eq(first, 1);
	cr_expect_eq(core_make_buffer(card), 2);
	cr_assert_eq(gem_close(card, first), 0);
	cr_expect_eq(gem_close(card, first), -EINVAL);
	cr_expect_eq(gem_close(card, 0), -EINVAL);
	cr_expect_eq(gem_close(card, UINT32_MAX), -EINVAL);
	cr_expect_eq(gem_close(other, 2), -EINVAL);
	/* Whatever takes its place has another handle. */
	for (int i = 0; i < 40; i++)
		cr_expect_neq(core_make_buffer(card), first);
}

Test(drivers_core_gem, create_dumb_checks_its_numbers)
{
	static const struct drm_mode_create_dumb bad[] = {
	    {.width = 0, .height = 1, .bpp = 32},
	    {.width = 1, .height = 0, .bpp = 32},
	    {.width = 1, .height = 1, .bpp = 0},
	    {.width = 1, .height = 1, .bpp = 8, .flags = 1},
	    {.width = UINT32_MAX, .height = 1, .bpp = 32},
	    {.width = 65536, .height = 65536, .bpp = 32},
	    {.width = 1, .height = UINT32_MAX, .bpp = 16},
	    {.width = 8, .height = 1, .bpp = UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct drm_mode_create_dumb dumb = bad[i];

		cr_expect_eq(core_do(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), -EINVAL, "row %zu",
			     i);
	}
}

Test(drivers_core_gem, dumb_buffer_is_zeroed_and_survives_its_handle)
{
	struct drm_mode_create_dumb dumb = {.width = 100, .height = 30, .bpp = 24};
	struct drm_mode_map_dumb map = {0};
	struct core_gem *gem;
	uint8_t *bytes;

	cr_assert_eq(core_do(render, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	cr_expect_eq(dumb.pitch, 300);
	cr_expect_eq(dumb.size, 12288);
	map.handle = dumb.handle;
	cr_assert_eq(core_do(render, DRM_IOCTL_MODE_MAP_DUMB, &map), 0);
	cr_expect_null(core_gem_find_mapping(render, map.offset, dumb.size + 1));
	cr_expect_null(core_gem_find_mapping(render, map.offset + 4096, 1));
	cr_expect_null(core_gem_find_mapping(card, map.offset, 1));
	gem = core_gem_find_mapping(render, map.offset, dumb.size);
	cr_assert_not_null(gem);
	bytes = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, gem->memfd, 0);
	cr_assert_neq((void *)bytes, MAP_FAILED);
	core_gem_put(gem);
	cr_assert_eq(core_do(render, DRM_IOCTL_MODE_DESTROY_DUMB, &dumb.handle), 0);
	cr_expect_eq(core_do(render, DRM_IOCTL_MODE_MAP_DUMB, &map), -ENOENT);
	for (uint64_t i = 0; i < dumb.size; i++)
		cr_assert_eq(bytes[i], 0);
	bytes[0] = 1;
	munmap(bytes, dumb.size);
}

Test(drivers_core_gem, flink_name_opens_the_same_memory)
{
	struct drm_gem_flink flink = {.handle = core_make_buffer(card)};
	struct drm_gem_open open_arg = {0};
	uint32_t name;

	cr_assert_eq(core_do(card, DRM_IOCTL_GEM_FLINK, &flink), 0);
	name = flink.name;
	cr_assert_eq(core_do(card, DRM_IOCTL_GEM_FLINK, &flink), 0);
	cr_expect_eq(flink.name, name);
	open_arg.name = name;
	/* Not authenticated. */
	cr_expect_eq(core_do(other, DRM_IOCTL_GEM_OPEN, &open_arg), -EACCES);
	cr_assert_eq(core_do(card, DRM_IOCTL_GEM_OPEN, &open_arg), 0);
	cr_expect_eq(open_arg.size, 4096);
	cr_expect_neq(open_arg.handle, flink.handle);
	/* The name goes with the last handle. */
	cr_assert_eq(gem_close(card, flink.handle), 0);
	cr_assert_eq(core_do(card, DRM_IOCTL_GEM_OPEN, &open_arg), 0);
	cr_assert_eq(gem_close(card, open_arg.handle), 0);
	flink.handle = UINT32_MAX;
	cr_expect_eq(core_do(card, DRM_IOCTL_GEM_FLINK, &flink), -ENOENT);
	open_arg.name = name + 1;
	cr_expect_eq(core_do(card, DRM_IOCTL_GEM_OPEN, &open_arg), -ENOENT);
}

Test(drivers_core_gem, import_of_its_own_export_is_the_same_handle)
{
	uint32_t handle = core_make_buffer(card);
	int fd = export(card, handle, DRM_CLOEXEC | DRM_RDWR);
	uint32_t imported;

	cr_assert_geq(fd, 0);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(import(card, fd, &imported), 0);
	cr_expect_eq(imported, handle);
	/* One handle: it is closed once. */
	cr_assert_eq(gem_close(card, handle), 0);
	cr_expect_eq(gem_close(card, handle), -EINVAL);
	close(fd);
}

Test(drivers_core_gem, export_survives_its_handle_and_its_file)
{
	uint32_t handle = core_make_buffer(other);
	int fd = export(other, handle, 0);
	uint32_t imported, again;
	off_t size;

	cr_assert_geq(fd, 0);
	cr_expect_eq(fcntl(fd, F_GETFD), 0);
	cr_assert_eq(gem_close(other, handle), 0);
	cr_assert_eq(import(render, fd, &imported), 0);
	cr_assert_eq(import(render, fd, &again), 0);
	cr_expect_eq(again, imported);
	size = lseek(fd, 0, SEEK_END);
	cr_expect_eq(size, 4096);
	close(fd);
	cr_assert_eq(gem_close(render, imported), 0);
}

Test(drivers_core_gem, prime_checks_its_arguments)
{
	uint32_t handle = core_make_buffer(card);
	uint32_t imported;
	int fd;

	cr_expect_eq(export(card, handle, 4), -EINVAL);
	cr_expect_eq(export(card, handle + 1, 0), -ENOENT);
	cr_expect_eq(import(card, -1, &imported), -EBADF);
	cr_expect_eq(import(card, STDERR_FILENO, &imported), -EINVAL);
	fd = export(card, handle, 0);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_expect_eq(import(card, fd, &imported), -EBADF, "not open any more");
}

Test(drivers_core_gem, another_devices_buffer_can_be_imported)
{
	struct core_device *device;
	struct core_file *file;
	uint32_t imported;
	int fd;

	cr_assert_eq(vgem_device_create(CORE_CAP_ALL, NULL, 1000000000, &device), 0);
	cr_assert_eq(core_file_open(device, true, 9, 9, &file), 0);
	fd = export(card, core_make_buffer(card), 0);
	cr_assert_eq(import(file, fd, &imported), 0);
	close(fd);
	core_file_put(file);
	core_device_put(device);
}

Test(drivers_core_gem, quotas_are_kept)
{
	static const struct core_quota quota = {
	    .max_buffers = 3, .max_syncobjs = 1, .max_bytes = 8192};
	struct drm_mode_create_dumb dumb = {.width = 32, .height = 32, .bpp = 32};
	struct drm_syncobj_create create = {0};
	struct core_device *device;
	struct core_file *file;

	cr_assert_eq(vgem_device_create(CORE_CAP_ALL, &quota, 1000000000, &device), 0);
	cr_assert_eq(core_file_open(device, true, 9, 9, &file), 0);
	core_make_buffer(file);
	core_make_buffer(file);
	cr_expect_eq(core_do(file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), -ENOSPC);
	cr_assert_eq(gem_close(file, 1), 0);
	core_make_buffer(file);
	core_make_syncobj(file, 0);
	cr_expect_eq(core_do(file, DRM_IOCTL_SYNCOBJ_CREATE, &create), -ENOSPC);
	core_file_put(file);
	cr_expect_eq(device->num_gems, 0);
	core_device_put(device);
}

#define NUM_IMPORTERS 4

struct importer {
	pthread_t thread;
	pthread_barrier_t *barrier;
	int fd;
	uint32_t handle;
	int ret;
};

static void *importer_run(void *arg)
{
	struct importer *importer = arg;

	pthread_barrier_wait(importer->barrier);
	importer->ret = import(render, importer->fd, &importer->handle);
	return NULL;
}

Test(drivers_core_gem, threads_that_import_at_once_get_the_same_handle)
{
	for (unsigned int round = 0; round < test_rounds(50); round++) {
		struct importer importers[NUM_IMPORTERS];
		uint32_t handle = core_make_buffer(card);
		int fd = export(card, handle, 0);
		pthread_barrier_t barrier;

		cr_assert_eq(gem_close(card, handle), 0);
		pthread_barrier_init(&barrier, NULL, NUM_IMPORTERS);
		for (int i = 0; i < NUM_IMPORTERS; i++) {
			importers[i] = (struct importer){.barrier = &barrier, .fd = fd};
			cr_assert_eq(
			    pthread_create(&importers[i].thread, NULL, importer_run, &importers[i]),
			    0);
		}
		for (int i = 0; i < NUM_IMPORTERS; i++) {
			pthread_join(importers[i].thread, NULL);
			cr_expect_eq(importers[i].ret, 0);
			cr_expect_eq(importers[i].handle, importers[0].handle);
		}
		pthread_barrier_destroy(&barrier);
		close(fd);
		cr_assert_eq(gem_close(render, importers[0].handle), 0);
	}
}

/* A pending job keeps a buffer without a handle: whoever imports it meanwhile gets the same one. */
Test(drivers_core_gem, buffer_without_a_handle_is_found_as_long_as_it_lives)
{
	uint32_t handle = core_make_buffer(card);
	struct core_gem *gem = core_gem_find(card, handle);
	struct core_gem *imported;
	int fd = export(card, handle, DRM_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(gem_close(card, handle), 0);
	cr_assert_eq(import(other, fd, &handle), 0);
	imported = core_gem_find(other, handle);
	cr_expect_eq(imported, gem);
	cr_expect_eq(core_device->num_gems, 1);
	core_gem_put(imported);
	core_gem_put(gem);
	/* And once more when nothing is left of it but the dma-buf. */
	cr_assert_eq(gem_close(other, handle), 0);
	cr_expect_eq(core_device->num_gems, 0);
	cr_assert_eq(import(other, fd, &handle), 0);
	cr_expect_eq(core_device->num_gems, 1);
	close(fd);
}
