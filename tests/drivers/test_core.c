/* SPDX-License-Identifier: MIT */
#include "tests/drivers/test_core.h"

#include "drivers/core/transport_self.h"
#include "drivers/vgem/vgem.h"

/* Fences expire after as long as a test may take on a slow machine, unless it waits for that. */
#define FENCE_TIMEOUT_NS INT64_C(60000000000)

struct core_device *core_device;
struct core_file *card, *other, *render;

void core_setup_caps(uint32_t caps)
{
	cr_assert_eq(vgem_device_create(caps, NULL, FENCE_TIMEOUT_NS, &core_device), 0);
	cr_assert_eq(core_file_open(core_device, false, 1, 1000, &card), 0);
	cr_assert_eq(core_file_open(core_device, false, 2, 1000, &other), 0);
	cr_assert_eq(core_file_open(core_device, true, 3, 1000, &render), 0);
}

void core_setup(void)
{
	core_setup_caps(CORE_CAP_ALL);
}

void core_teardown(void)
{
	core_file_put(card);
	core_file_put(other);
	core_file_put(render);
	cr_assert_eq(core_device->num_gems, 0, "a buffer is left");
	core_device_put(core_device);
}

int core_do(struct core_file *file, unsigned long request, void *arg)
{
	struct core_call call = {.file = file, .transport = &core_transport_self};

	return core_ioctl(&call, request, (uintptr_t)arg);
}

uint32_t core_make_buffer(struct core_file *file)
{
	struct drm_mode_create_dumb dumb = {.width = 32, .height = 32, .bpp = 32};

	cr_assert_eq(core_do(file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	cr_assert_eq(dumb.size, 4096);
	return dumb.handle;
}

uint32_t core_make_syncobj(struct core_file *file, uint32_t flags)
{
	struct drm_syncobj_create create = {.flags = flags};

	cr_assert_eq(core_do(file, DRM_IOCTL_SYNCOBJ_CREATE, &create), 0);
	return create.handle;
}
