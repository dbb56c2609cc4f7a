/* SPDX-License-Identifier: MIT */
#include "tests/drivers/hostile.h"

#include "drivers/core/core.h"
#include "drivers/core/ioctl_fd.h"
#include "drivers/core/transport_self.h"
#include "drivers/vgem/vgem.h"
#include "drivers/wwrmock/wwrmock.h"

#include <wwresv/device.h>
#include <wwresv/dma_buf.h>
#include <wwresv/interrupt.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/sync_more.h>
#include <wwresv/uapi/vgem.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm_mode.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct core_device *devices[2];
static struct core_sw_sync *sw_sync;
static struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
static int sync_fd, event_fd;
static unsigned int num_failed; /* what must work and did not */

static int call_with(struct core_file *file, unsigned long request, void *arg)
{
	struct core_call call = {.file = file, .transport = &core_transport_self, .token = &token};

	return core_ioctl(&call, request, (uintptr_t)arg);
}

static void must(int ret)
{
	num_failed += ret != 0;
}

void hostile_begin(void)
{
	struct wwr_sw_sync_create_fence create = {.value = 1};
	struct core_call call = {.transport = &core_transport_self, .token = &token};
	struct wwr_device_config config;

	num_failed = 0;
	wwr_device_config_init(&config);
	config.time_scale = 0;
	wwr_interrupt(&token);
	must(vgem_device_create(CORE_CAP_ALL, NULL, VGEM_FENCE_TIMEOUT_NS, &devices[ON_VGEM]));
	must(wwrmock_device_create(CORE_CAP_ALL, NULL, &config, &devices[ON_MOCK]));
	must(core_sw_sync_open("hostile", &sw_sync));
	must(core_sw_sync_ioctl(&call, sw_sync, WWR_SW_SYNC_IOC_CREATE_FENCE, (uintptr_t)&create));
	sync_fd = create.fence;
	must(wwr_sync_file_set_deadline(sync_fd, 1));
	event_fd = eventfd(0, EFD_CLOEXEC);
}

bool hostile_end(void)
{
	core_sw_sync_put(sw_sync);
	close(sync_fd);
	close(event_fd);
	for (int i = 0; i < 2; i++) {
		must(devices[i]->num_gems != 0);
		core_device_put(devices[i]);
	}
	(void)wwr_dma_buf_collect();
	(void)wwr_sync_file_collect();
	(void)wwr_syncobj_collect();
	return num_failed == 0;
}

static uint32_t make_syncobj(struct core_file *file)
{
	struct drm_syncobj_create create = {.flags = DRM_SYNCOBJ_CREATE_SIGNALED};

	must(call_with(file, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	return create.handle;
}

/* It ends with the file, at the latest. */
static void make_job(struct hostile_world *world)
{
	struct wwr_drm_submit_sync out = {.handle = make_syncobj(world->file)};
	struct wwr_drm_submit submit = {
	    .flags = WWR_DRM_SUBMIT_ENDLESS,
	    .sync_stride = sizeof(out),
	    .num_out_syncs = 1,
	    .out_syncs = (uintptr_t)&out,
	};

	must(call_with(world->file, WWR_IOCTL_SUBMIT, &submit));
	world->job_syncobj = out.handle;
	world->job = submit.commit;
}

/* What the device's own ioctls need. */
static void make_own(struct hostile_world *world, enum hostile_target target)
{
	struct wwr_vgem_fence_attach attach = {.handle = world->buffer};
	struct wwr_drm_queue_create queue = {.engines = 1};

	if (target == ON_MOCK) {
		must(call_with(world->file, WWR_IOCTL_QUEUE_CREATE, &queue));
		world->queue = queue.handle;
		make_job(world);
	} else {
		must(call_with(world->file, WWR_IOCTL_VGEM_FENCE_ATTACH, &attach));
		world->fence = attach.out_fence;
	}
}

void hostile_world_init(struct hostile_world *world, enum hostile_target target)
{
	struct core_device *device = devices[target == ON_MOCK];
	struct drm_mode_create_dumb dumb = {.width = 4, .height = 4, .bpp = 32};
	struct drm_gem_flink flink;
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC};
	struct wwr_drm_syncobj_handle to_fd;
	struct drm_set_version version = {1, 4, -1, -1};
	struct drm_auth auth;

	memset(world, 0, sizeof(*world));
	must(core_file_open(device, false, 1, 1, &world->file));
	must(core_file_open(device, false, 2, 2, &world->other));
	/* The device's name can be read after that only. */
	must(call_with(world->file, DRM_IOCTL_SET_VERSION, &version));
	must(call_with(world->file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	world->buffer = flink.handle = prime.handle = dumb.handle;
	must(call_with(world->file, DRM_IOCTL_GEM_FLINK, &flink));
	world->name = flink.name;
	must(call_with(world->file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	world->dma_fd = prime.fd;
	must(call_with(world->other, DRM_IOCTL_GET_MAGIC, &auth));
	world->magic = auth.magic;
	world->syncobj = make_syncobj(world->file);
	world->timeline = make_syncobj(world->file);
	to_fd = (struct wwr_drm_syncobj_handle){.handle = world->syncobj};
	must(call_with(world->file, WWR_DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &to_fd));
	world->syncobj_fd = to_fd.fd;
	make_own(world, target == ON_MOCK ? ON_MOCK : ON_VGEM);
	/* Each array names its handle twice. */
	for (int i = 0; i < 2; i++) {
		world->handles[i] = world->syncobj;
		world->bos[i].handle = world->buffer;
		world->bos[i].flags = 1u << i;
		world->syncs[i].handle = world->syncobj;
	}
	memset(world->text, 'x', sizeof(world->text));
}

void hostile_world_fini(struct hostile_world *world)
{
	close(world->dma_fd);
	close(world->syncobj_fd);
	core_file_put(world->file);
	core_file_put(world->other);
}

static uint64_t value_of(const struct hostile_world *world, enum hostile_value value)
{
	const uint64_t values[] = {
	    [GIVE_0] = 0,
	    [GIVE_1] = 1,
	    [GIVE_2] = 2,
	    [GIVE_8] = 8,
	    [GIVE_16] = 16,
	    [GIVE_56] = sizeof(struct wwr_drm_submit_stats),
	    [GIVE_BUFFER] = world->buffer,
	    [GIVE_NAME] = world->name,
	    [GIVE_MAGIC] = world->magic,
	    [GIVE_SYNCOBJ] = world->syncobj,
	    [GIVE_TIMELINE] = world->timeline,
	    [GIVE_QUEUE] = world->queue,
	    [GIVE_JOB] = world->job,
	    [GIVE_JOB_SYNCOBJ] = world->job_syncobj,
	    [GIVE_FENCE] = world->fence,
	    [GIVE_DMA_FD] = (uint32_t)world->dma_fd,
	    [GIVE_SYNC_FD] = (uint32_t)sync_fd,
	    [GIVE_SYNCOBJ_FD] = (uint32_t)world->syncobj_fd,
	    [GIVE_EVENT_FD] = (uint32_t)event_fd,
	    [GIVE_TEXT] = (uintptr_t)world->text,
	    [GIVE_HANDLES] = (uintptr_t)world->handles,
	    [GIVE_POINTS] = (uintptr_t)world->points,
	    [GIVE_BOS] = (uintptr_t)world->bos,
	    [GIVE_SYNCS] = (uintptr_t)world->syncs,
	    [GIVE_FENCES] = (uintptr_t)world->fences,
	};

	return values[value];
}

void hostile_fill(const struct hostile_world *world, const struct hostile_ioctl *ioctl, void *block)
{
	for (const struct hostile_member *member = ioctl->members; member->name != NULL; member++) {
		uint64_t value = value_of(world, member->value);

		/* Little-endian, as all of the machines that this runs on. */
		memcpy((unsigned char *)block + member->offset, &value, member->size_bytes);
	}
}

int hostile_do(struct hostile_world *world, const struct hostile_ioctl *ioctl,
	       unsigned long request, uint64_t arg)
{
	struct core_call call = {
	    .file = world->file, .transport = &core_transport_self, .token = &token};

	switch (ioctl->target) {
	case ON_DMA_BUF:
		return core_dma_buf_ioctl(&call, world->dma_fd, request, arg);
	case ON_SYNC_FILE:
		return core_sync_file_ioctl(&call, sync_fd, request, arg);
	case ON_SW_SYNC:
		return core_sw_sync_ioctl(&call, sw_sync, request, arg);
	default:
		return core_ioctl(&call, request, arg);
	}
}

void hostile_close(const struct hostile_ioctl *ioctl, const void *block)
{
	const struct wwr_drm_submit *submit = block;
	const struct hostile_member *member;
	int fd;

	for (member = ioctl->members; member->name != NULL; member++) {
		if (member->kind != IS_OUT_FD)
			continue;
		memcpy(&fd, (const unsigned char *)block + member->offset, sizeof(fd));
		close(fd);
	}
	if (ioctl->request == WWR_IOCTL_SUBMIT &&
	    (submit->flags & WWR_DRM_SUBMIT_FENCE_FD_OUT) != 0)
		close(submit->out_fd);
}
