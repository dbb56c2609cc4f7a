/* SPDX-License-Identifier: MIT */
/* What an ioctl takes at most it does take, and one more it refuses. */
#include "tests/drivers/hostile.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/dma_buf.h>
#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm.h>
#include <linux/dma-buf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct hostile_world world;

static void setup(void)
{
	hostile_begin();
	hostile_world_init(&world, ON_MOCK);
}

static void teardown(void)
{
	hostile_world_fini(&world);
	cr_expect(hostile_end(), "something of a client is left, or was never there");
}

TestSuite(drivers_hostile_limits, .init = setup, .fini = teardown, .timeout = 60);

static int call_on(enum hostile_target target, unsigned long request, const void *arg)
{
	const struct hostile_ioctl ioctl = {.name = "limit", .target = target};

	return hostile_do(&world, &ioctl, request, (uintptr_t)arg);
}

static int submit(const struct wwr_drm_submit *block)
{
	struct wwr_drm_submit copy = *block;

	return call_on(ON_MOCK, WWR_IOCTL_SUBMIT, &copy);
}

/* An array of so many elements that are all alike. */
static void *repeat(const void *element, size_t size_bytes, size_t num)
{
	unsigned char *array = calloc(num, size_bytes);

	cr_assert_not_null(array);
	for (size_t i = 0; i < num; i++)
		memcpy(&array[i * size_bytes], element, size_bytes);
	return array;
}

Test(drivers_hostile_limits, buffers_of_a_submit)
{
	const struct wwr_drm_submit_bo bo = {.handle = world.buffer, .flags = 1};
	void *bos = repeat(&bo, sizeof(bo), WWR_DRM_MAX_BOS + 1);
	struct wwr_drm_submit block = {
	    .bos = (uintptr_t)bos, .bo_stride = sizeof(bo), .num_bos = WWR_DRM_MAX_BOS};

	cr_expect_eq(submit(&block), 0);
	block.num_bos++;
	cr_expect_eq(submit(&block), -EINVAL);
	free(bos);
}

Test(drivers_hostile_limits, fences_of_a_submit)
{
	const struct wwr_drm_submit_sync sync = {.handle = world.syncobj};
	void *syncs = repeat(&sync, sizeof(sync), WWR_DRM_MAX_SYNCS + 1);
	struct wwr_drm_submit block = {.in_syncs = (uintptr_t)syncs,
				       .out_syncs = (uintptr_t)syncs,
				       .sync_stride = sizeof(sync),
				       .num_in_syncs = WWR_DRM_MAX_SYNCS,
				       .num_out_syncs = WWR_DRM_MAX_SYNCS};

	cr_expect_eq(submit(&block), 0);
	block.num_in_syncs++;
	cr_expect_eq(submit(&block), -EINVAL);
	block.num_in_syncs--;
	block.num_out_syncs++;
	cr_expect_eq(submit(&block), -EINVAL);
	free(syncs);
}

Test(drivers_hostile_limits, time_of_a_submit)
{
	struct wwr_drm_submit block = {.duration_ns = WWR_DRM_MAX_DURATION_NS,
				       .interval_ns = WWR_DRM_MAX_DURATION_NS};

	cr_expect_eq(submit(&block), 0);
	block.duration_ns++;
	cr_expect_eq(submit(&block), -EINVAL);
	block.duration_ns--;
	block.interval_ns++;
	cr_expect_eq(submit(&block), -EINVAL);
}

Test(drivers_hostile_limits, priority_of_a_queue)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct wwr_drm_queue_create create = {.engines = 1,
						      .priority = sign * WWR_DRM_MAX_PRIORITY};

		cr_expect_eq(call_on(ON_MOCK, WWR_IOCTL_QUEUE_CREATE, &create), 0);
		create.handle = 0;
		create.priority += sign;
		cr_expect_eq(call_on(ON_MOCK, WWR_IOCTL_QUEUE_CREATE, &create), -EINVAL);
	}
}

/* 4 MiB of handles. */
Test(drivers_hostile_limits, handles_of_an_array)
{
	const uint32_t max = 1u << 20;
	void *handles = repeat(&world.syncobj, sizeof(world.syncobj), max + 1);
	struct drm_syncobj_array array = {.handles = (uintptr_t)handles, .count_handles = max};

	cr_expect_eq(call_on(ON_MOCK, DRM_IOCTL_SYNCOBJ_SIGNAL, &array), 0);
	array.count_handles++;
	cr_expect_eq(call_on(ON_MOCK, DRM_IOCTL_SYNCOBJ_SIGNAL, &array), -ENOMEM);
	free(handles);
}

Test(drivers_hostile_limits, name_of_a_buffer)
{
	char name[WWR_DMA_BUF_NAME_BYTES + 1] = "";

	memset(name, 'n', WWR_DMA_BUF_NAME_BYTES - 1);
	cr_expect_eq(call_on(ON_DMA_BUF, DMA_BUF_SET_NAME_B, name), 0);
	cr_expect_eq(call_on(ON_DMA_BUF, DMA_BUF_SET_NAME, name), 0);
	name[WWR_DMA_BUF_NAME_BYTES - 1] = 'n';
	cr_expect_eq(call_on(ON_DMA_BUF, DMA_BUF_SET_NAME_B, name), -EINVAL);
}

Test(drivers_hostile_limits, name_of_a_client)
{
	char name[65];
	struct wwr_drm_set_client_name set = {.name = (uintptr_t)name};

	memset(name, 'n', sizeof(name));
	set.name_len = sizeof(name) - 2;
	cr_expect_eq(call_on(ON_MOCK, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), 0);
	set.name_len++;
	cr_expect_eq(call_on(ON_MOCK, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EINVAL);
}
