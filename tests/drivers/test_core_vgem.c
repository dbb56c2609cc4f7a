/* SPDX-License-Identifier: MIT */
/* Fences that a client attaches and signals. */
#include "drivers/vgem/vgem.h"
#include "tests/drivers/test_core.h"

#include <wwresv/bo.h>

#include <errno.h>
#include <pthread.h>

TestSuite(drivers_core_vgem, .init = core_setup, .fini = core_teardown, .timeout = 30);

static int attach(struct core_file *file, uint32_t handle, uint32_t flags, uint32_t *ret_fence)
{
	struct wwr_vgem_fence_attach block = {.handle = handle, .flags = flags};
	int ret = core_do(file, WWR_IOCTL_VGEM_FENCE_ATTACH, &block);

	if (ret_fence != NULL)
		*ret_fence = block.out_fence;
	return ret;
}

static int fence_signal(struct core_file *file, uint32_t fence, uint32_t flags)
{
	struct wwr_vgem_fence_signal block = {fence, flags};

	return core_do(file, WWR_IOCTL_VGEM_FENCE_SIGNAL, &block);
}

static bool is_idle(struct core_file *file, uint32_t handle, enum wwr_resv_usage usage)
{
	struct core_gem *gem = core_gem_find(file, handle);
	bool idle = wwr_resv_test_signaled(gem->bo->resv, usage);

	core_gem_put(gem);
	return idle;
}

Test(drivers_core_vgem, attach_and_signal_check_their_arguments)
{
	struct wwr_vgem_fence_attach block = {.handle = core_make_buffer(render), .pad = 1};

	cr_expect_eq(core_do(render, WWR_IOCTL_VGEM_FENCE_ATTACH, &block), -EINVAL);
	cr_expect_eq(attach(render, block.handle, 2, NULL), -EINVAL);
	cr_expect_eq(attach(render, 77, 0, NULL), -ENOENT);
	cr_expect_eq(fence_signal(render, 1, 0), -ENOENT);
	cr_expect_eq(fence_signal(render, 1, 1), -EINVAL);
}

Test(drivers_core_vgem, readers_share_and_writers_do_not)
{
	uint32_t handle = core_make_buffer(render);
	uint32_t reader, second, writer;

	cr_assert_eq(attach(render, handle, 0, &reader), 0);
	cr_assert_eq(attach(render, handle, 0, &second), 0);
	cr_expect_neq(second, reader);
	cr_expect_eq(attach(render, handle, WWR_VGEM_FENCE_WRITE, NULL), -EBUSY);
	cr_expect(is_idle(render, handle, WWR_RESV_USAGE_WRITE));
	cr_expect_not(is_idle(render, handle, WWR_RESV_USAGE_READ));
	cr_assert_eq(fence_signal(render, reader, 0), 0);
	cr_expect_eq(fence_signal(render, reader, 0), -ENOENT);
	cr_expect_eq(fence_signal(card, second, 0), -ENOENT);
	cr_assert_eq(fence_signal(render, second, 0), 0);
	cr_assert_eq(attach(render, handle, WWR_VGEM_FENCE_WRITE, &writer), 0);
	cr_expect_eq(attach(render, handle, 0, NULL), -EBUSY);
	cr_assert_eq(fence_signal(render, writer, 0), 0);
	cr_expect(is_idle(render, handle, WWR_RESV_USAGE_BOOKKEEP));
}

Test(drivers_core_vgem, close_signals_all)
{
	uint32_t handle = core_make_buffer(card);
	struct drm_gem_flink flink = {.handle = handle};
	struct core_file *file;
	struct drm_gem_open open_arg;

	/* Root is authenticated by becoming master. */
	cr_assert_eq(core_do(card, DRM_IOCTL_GEM_FLINK, &flink), 0);
	cr_assert_eq(core_do(card, DRM_IOCTL_DROP_MASTER, NULL), 0);
	cr_assert_eq(core_file_open(core_device, false, 9, 0, &file), 0);
	open_arg.name = flink.name;
	cr_assert_eq(core_do(file, DRM_IOCTL_GEM_OPEN, &open_arg), 0);
	cr_assert_eq(attach(file, open_arg.handle, WWR_VGEM_FENCE_WRITE, NULL), 0);
	cr_expect_not(is_idle(card, handle, WWR_RESV_USAGE_WRITE));
	core_file_put(file);
	cr_expect(is_idle(card, handle, WWR_RESV_USAGE_WRITE));
}

Test(drivers_core_vgem, fence_that_is_forgotten_expires)
{
	struct core_device *device;
	struct core_file *file;
	struct core_gem *gem;
	uint32_t handle, fence;

	cr_assert_eq(vgem_device_create(CORE_CAP_ALL, NULL, 1000000, &device), 0);
	cr_assert_eq(core_file_open(device, true, 9, 9, &file), 0);
	handle = core_make_buffer(file);
	cr_assert_eq(attach(file, handle, WWR_VGEM_FENCE_WRITE, &fence), 0);
	gem = core_gem_find(file, handle);
	cr_assert_eq(wwr_resv_wait_until(gem->bo->resv, WWR_RESV_USAGE_WRITE, NULL, INT64_MAX), 0);
	core_gem_put(gem);
	cr_expect_eq(fence_signal(file, fence, 0), -ETIMEDOUT);
	cr_expect_eq(fence_signal(file, fence, 0), -ENOENT);
	core_file_put(file);
	core_device_put(device);
}

#define NUM_ATTACHERS 4

struct attacher {
	pthread_t thread;
	pthread_barrier_t *barrier;
	uint32_t handle, fence;
	int ret;
};

static void *attacher_run(void *arg)
{
	struct attacher *attacher = arg;

	pthread_barrier_wait(attacher->barrier);
	attacher->ret = attach(render, attacher->handle, WWR_VGEM_FENCE_WRITE, &attacher->fence);
	return NULL;
}

Test(drivers_core_vgem, of_writers_that_attach_at_once_one_passes)
{
	uint32_t handle = core_make_buffer(render);

	for (unsigned int round = 0; round < test_rounds(50); round++) {
		struct attacher attachers[NUM_ATTACHERS];
		pthread_barrier_t barrier;
		int num_passed = 0;

		pthread_barrier_init(&barrier, NULL, NUM_ATTACHERS);
		for (int i = 0; i < NUM_ATTACHERS; i++) {
			attachers[i] = (struct attacher){.barrier = &barrier, .handle = handle};
			cr_assert_eq(
			    pthread_create(&attachers[i].thread, NULL, attacher_run, &attachers[i]),
			    0);
		}
		for (int i = 0; i < NUM_ATTACHERS; i++)
			pthread_join(attachers[i].thread, NULL);
		for (int i = 0; i < NUM_ATTACHERS; i++) {
			if (attachers[i].ret != 0) {
				cr_expect_eq(attachers[i].ret, -EBUSY);
				continue;
			}
			num_passed++;
			cr_expect_eq(fence_signal(render, attachers[i].fence, 0), 0);
		}
		cr_assert_eq(num_passed, 1);
		pthread_barrier_destroy(&barrier);
	}
}
