/* SPDX-License-Identifier: MIT */
/* The mock GPU's ioctls but for SUBMIT: each member, each error. */
#include "drivers/vgem/vgem.h"
#include "tests/drivers/test_wwrmock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(drivers_wwrmock_bo, .init = wm_setup, .fini = wm_teardown, .timeout = 30);

static int get_param(uint32_t param, uint32_t index, uint64_t *ret_value)
{
	struct wwr_drm_get_param get = {.param = param, .index = index};
	int ret = wm_do(wm_file, WWR_IOCTL_GET_PARAM, &get);

	*ret_value = get.value;
	return ret;
}

Test(drivers_wwrmock_bo, blocks_have_the_sizes_they_will_keep)
{
	cr_expect_eq(sizeof(struct wwr_drm_get_param), 16);
	cr_expect_eq(sizeof(struct wwr_drm_bo_create), 24);
	cr_expect_eq(sizeof(struct wwr_drm_bo_map), 16);
	cr_expect_eq(sizeof(struct wwr_drm_bo_info), 40);
	cr_expect_eq(sizeof(struct wwr_drm_bo_wait), 24);
	cr_expect_eq(sizeof(struct wwr_drm_queue_create), 24);
	cr_expect_eq(sizeof(struct wwr_drm_queue_destroy), 8);
	cr_expect_eq(sizeof(struct wwr_drm_submit_bo), 8);
	cr_expect_eq(sizeof(struct wwr_drm_submit_sync), 16);
	cr_expect_eq(sizeof(struct wwr_drm_submit_stats), 48);
	cr_expect_eq(sizeof(struct wwr_drm_submit), 120);
	cr_expect_eq(sizeof(struct wwr_drm_queue_set), 16);
	cr_expect_eq(sizeof(struct wwr_drm_queue_bond), 24);
	cr_expect_eq(sizeof(struct wwr_drm_job_end), 16);
	cr_expect_eq(sizeof(struct wwr_drm_job_info), 32);
}

Test(drivers_wwrmock_bo, version_names_the_driver)
{
	char name[8] = "";
	struct drm_version version = {.name = name, .name_len = 7};

	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_VERSION, &version), 0);
	cr_expect_str_eq(name, "wwrmock");
	cr_expect_eq(version.name_len, 7);
}

Test(drivers_wwrmock_bo, params_are_told_and_checked)
{
	static const uint64_t engines[] = {1, 1, 2, 1, 1};
	struct wwr_drm_get_param get = {.param = WWR_DRM_PARAM_ABI, .value = 1};
	uint64_t value, all = 0;

	for (uint32_t kind = 0; kind < 5; kind++) {
		cr_assert_eq(get_param(WWR_DRM_PARAM_NUM_ENGINES, kind, &value), 0);
		cr_expect_eq(value, engines[kind]);
		cr_assert_eq(get_param(WWR_DRM_PARAM_ENGINE_MASK, kind, &value), 0);
		cr_expect_eq((uint64_t)__builtin_popcountll(value), engines[kind]);
		cr_expect_eq(all & value, 0);
		all |= value;
	}
	cr_assert_eq(get_param(WWR_DRM_PARAM_ENGINE_MASK, WWR_DRM_ENGINE(2, 3), &value), 0);
	cr_expect_eq(value, 0, "the device has two of them");
	cr_expect_eq(get_param(WWR_DRM_PARAM_NUM_ENGINES, 5, &value), -EINVAL);
	cr_assert_eq(get_param(WWR_DRM_PARAM_ABI, 0, &value), 0);
	cr_expect_eq(value, WWR_DRM_ABI);
	cr_assert_eq(get_param(WWR_DRM_PARAM_DOMAINS, 0, &value), 0);
	cr_expect_eq(value, 7);
	cr_assert_eq(get_param(WWR_DRM_PARAM_MAX_BOS, 0, &value), 0);
	cr_expect_eq(value, WWR_DRM_MAX_BOS);
	cr_assert_eq(get_param(WWR_DRM_PARAM_MAX_SYNCS, 0, &value), 0);
	cr_expect_eq(value, WWR_DRM_MAX_SYNCS);
	cr_assert_eq(get_param(WWR_DRM_PARAM_MAX_DURATION_NS, 0, &value), 0);
	cr_expect_eq(value, WWR_DRM_MAX_DURATION_NS);
	cr_assert_eq(get_param(WWR_DRM_PARAM_TOUCH_BYTES, 0, &value), 0);
	cr_expect_eq(value, 256);
	cr_assert_eq(get_param(WWR_DRM_PARAM_MAX_JOBS, 0, &value), 0);
	cr_expect_eq(value, core_default_quota.max_jobs);
	cr_expect_eq(get_param(11, 0, &value), -EINVAL);
	cr_expect_eq(get_param(WWR_DRM_PARAM_ABI, 1, &value), -EINVAL);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_GET_PARAM, &get), -EINVAL);
}

Test(drivers_wwrmock_bo, create_checks_its_block)
{
	static const struct wwr_drm_bo_create bad[] = {
	    {.size = 0, .domain = 1},
	    {.size = UINT64_MAX, .domain = 1},
	    {.size = UINT64_C(1) << 63, .domain = 1},
	    {.size = 1, .domain = 0},
	    {.size = 1, .domain = 8},
	    {.size = 1, .domain = 1u << 31 | 1},
	    {.size = 1, .domain = 1, .flags = 1},
	    {.size = 1, .domain = 1, .handle = 1},
	    {.size = 1, .domain = 1, .pad = 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wwr_drm_bo_create create = bad[i];

		cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_CREATE, &create), -EINVAL, "%zu", i);
	}
	cr_expect_eq(wm_device->num_gems, 0);
}

Test(drivers_wwrmock_bo, info_and_map_tell_what_was_asked_for)
{
	struct wwr_drm_bo_create create = {.size = 4097, .domain = WWR_DRM_DOMAIN_SYSTEM};
	struct drm_mode_create_dumb dumb = {.width = 1, .height = 1, .bpp = 8};
	struct wwr_drm_bo_info info = {.handle = 0};
	struct wwr_drm_bo_map map = {.handle = 0};
	struct core_gem *gem;

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_CREATE, &create), 0);
	info.handle = map.handle = create.handle;
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), 0);
	cr_expect_eq(info.size, 8192);
	cr_expect_eq(info.domain, WWR_DRM_DOMAIN_SYSTEM);
	cr_expect_eq(info.flags, 0);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), -EINVAL, "not 0 on the way in");
	info = (struct wwr_drm_bo_info){.handle = create.handle, .pad = 1};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), -EINVAL);
	info = (struct wwr_drm_bo_info){.handle = 77};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), -ENOENT);

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_MAP, &map), 0);
	gem = core_gem_find_mapping(wm_file, map.offset, 8192);
	cr_assert_not_null(gem);
	core_gem_put(gem);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_MAP, &map), -EINVAL, "not 0 on the way in");
	map = (struct wwr_drm_bo_map){.handle = create.handle, .flags = 1};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_MAP, &map), -EINVAL);
	map = (struct wwr_drm_bo_map){.handle = 77};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_MAP, &map), -ENOENT);

	/* As clients of ABI 1 know it. */
	info = (struct wwr_drm_bo_info){.handle = create.handle, .num_backoffs = 1};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), -EINVAL);
	cr_expect_eq(wm_do(wm_file,
			   _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE, DRM_COMMAND_BASE + 3u, 24),
			   &info),
		     0);
	cr_expect_eq(info.size, 8192);
	cr_expect_eq(info.num_backoffs, 1, "nothing behind its end is touched");

	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	info = (struct wwr_drm_bo_info){.handle = dumb.handle};
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), 0);
	cr_expect_eq(info.domain, WWR_DRM_DOMAIN_GTT);
}

Test(drivers_wwrmock_bo, info_says_imported)
{
	struct drm_prime_handle prime = {.flags = DRM_CLOEXEC};
	struct drm_mode_create_dumb dumb = {.width = 1, .height = 1, .bpp = 8};
	struct wwr_drm_bo_info info = {.handle = 0};
	struct core_device *vgem;
	struct core_file *file;

	cr_assert_eq(vgem_device_create(CORE_CAP_ALL, NULL, VGEM_FENCE_TIMEOUT_NS, &vgem), 0);
	cr_assert_eq(core_file_open(vgem, true, 1, 1, &file), 0);
	cr_assert_eq(wm_do(file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	prime.handle = dumb.handle;
	cr_assert_eq(wm_do(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), 0);
	info.handle = prime.handle;
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_BO_INFO, &info), 0);
	cr_expect_eq(info.flags, WWR_DRM_BO_IMPORTED);
	cr_expect_eq(info.size, 4096);
	close(prime.fd);
	core_file_put(file);
	core_device_put(vgem);
}

Test(drivers_wwrmock_bo, wait_checks_its_block)
{
	uint32_t handle = wm_make_buffer(wm_file);
	struct wwr_drm_bo_wait wait = {.handle = handle, .deadline_ns = 1};

	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_WAIT, &wait), -EINVAL, "a deadline, no flag");
	wait.flags = WWR_DRM_WAIT_DEADLINE;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_WAIT, &wait), 0);
	wait.deadline_ns = UINT64_MAX;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_WAIT, &wait), 0);
	for (uint32_t bit = 3; bit < 32; bit++)
		cr_expect_eq(wm_wait(wm_file, handle, 1u << bit, 0), -EINVAL);
	cr_expect_eq(wm_wait(wm_file, 77, 0, 0), -ENOENT);
	cr_expect_eq(wm_wait(wm_card, handle, 0, 0), -ENOENT, "of another file");
	cr_expect_eq(wm_wait(wm_file, handle, WWR_DRM_WAIT_ALL, INT64_MIN), 0);
}

Test(drivers_wwrmock_bo, queues_are_checked_and_end_once)
{
	static const struct wwr_drm_queue_create bad[] = {
	    {.engines = 0},
	    {.engines = UINT64_MAX},
	    {.engines = 1, .priority = 1024},
	    {.engines = 1, .priority = -1024},
	    {.engines = 1, .priority = INT32_MIN},
	    {.engines = 1, .flags = 1},
	    {.engines = 1, .handle = 1},
	    {.engines = 1, .pad = 1},
	};
	struct wwr_drm_queue_create create = {.engines = 1, .priority = -1023};
	struct wwr_drm_queue_destroy destroy = {.pad = 1};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wwr_drm_queue_create block = bad[i];

		cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &block), -EINVAL, "%zu", i);
	}
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &create), 0);
	cr_expect_neq(create.handle, 0);
	destroy.handle = create.handle;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_DESTROY, &destroy), -EINVAL);
	destroy.pad = 0;
	cr_expect_eq(wm_do(wm_card, WWR_IOCTL_QUEUE_DESTROY, &destroy), -ENOENT);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_DESTROY, &destroy), 0);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_DESTROY, &destroy), -ENOENT);
}

TestSuite(drivers_wwrmock_quota, .fini = wm_teardown, .timeout = 30);

Test(drivers_wwrmock_quota, quotas_are_kept)
{
	const struct core_quota quota = {
	    .max_buffers = 2, .max_syncobjs = 1, .max_bytes = 8192, .max_queues = 1};
	struct wwr_drm_bo_create create = {.size = 8193, .domain = 1};
	struct wwr_drm_queue_create queue = {.engines = 1};
	struct drm_syncobj_create syncobj = {.flags = 0};
	uint32_t handle;

	wm_setup_with(CORE_CAP_ALL, &quota);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_CREATE, &create), -ENOSPC, "bytes");
	create.size = UINT64_C(1) << 62;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_CREATE, &create), -ENOSPC, "bytes");
	handle = wm_make_buffer(wm_file);
	(void)wm_make_buffer(wm_file);
	create.size = 1;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_BO_CREATE, &create), -ENOSPC, "buffers");
	(void)wm_make_buffer(wm_card);
	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){.handle = handle}),
		     0);
	(void)wm_make_buffer(wm_file);
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &queue), 0);
	queue.handle = 0;
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &queue), -ENOSPC);
	cr_assert_eq(wm_do(wm_file, DRM_IOCTL_SYNCOBJ_CREATE, &syncobj), 0);
	cr_expect_eq(wm_do(wm_file, DRM_IOCTL_SYNCOBJ_CREATE, &syncobj), -ENOSPC);
	cr_expect_eq(wm_device->num_gems, 3);
}
