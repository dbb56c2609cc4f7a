/* SPDX-License-Identifier: MIT */
/* What a queue and a job may say about engines: bonds, and intervals after which a job gives way.
 */
#include "tests/drivers/test_wwrmock.h"

#include <errno.h>
#include <unistd.h>

TestSuite(drivers_wwrmock_queue, .init = wm_setup, .fini = wm_teardown, .timeout = 60);

#define NUM_VCS	 2
#define SHORT_NS UINT64_C(100000)

static uint64_t get_mask(uint32_t engine)
{
	struct wwr_drm_get_param get = {.param = WWR_DRM_PARAM_ENGINE_MASK, .index = engine};

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_GET_PARAM, &get), 0);
	return get.value;
}

static uint32_t vcs(uint32_t instance)
{
	return WWR_DRM_ENGINE(WWR_DRM_ENGINE_VIDEO, instance);
}

static uint32_t make_queue(uint64_t engines, int32_t priority)
{
	struct wwr_drm_queue_create create = {.engines = engines, .priority = priority};

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &create), 0);
	return create.handle;
}

static int bond(uint32_t handle, uint32_t master, uint64_t engines)
{
	struct wwr_drm_queue_bond block = {.handle = handle, .master = master, .engines = engines};

	return wm_do(wm_file, WWR_IOCTL_QUEUE_BOND, &block);
}

static uint32_t index_of(uint64_t mask)
{
	return (uint32_t)__builtin_ctzll(mask);
}

static int syncobj_wait(uint32_t handle, int64_t timeout_ns)
{
	struct drm_syncobj_wait block = {
	    .handles = (uintptr_t)&handle, .timeout_nsec = timeout_ns, .count_handles = 1};

	return wm_do(wm_file, DRM_IOCTL_SYNCOBJ_WAIT, &block);
}

static uint32_t engine_of(uint32_t syncobj)
{
	struct wwr_drm_job_info info = {.syncobj = syncobj};

	cr_assert_eq(syncobj_wait(syncobj, INT64_MAX), 0);
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), 0);
	cr_assert_eq(info.status, 1);
	return info.engine;
}

/* A job into the syncobj, which starts with another one's start unless that is 0. */
static struct wwr_drm_submit submit(struct wwr_drm_submit block, uint32_t syncobj, uint32_t after)
{
	struct wwr_drm_submit_sync in = {.handle = after, .flags = WWR_DRM_SYNC_START};
	struct wwr_drm_submit_sync out = {.handle = syncobj};
	struct wwr_drm_submit whole = wm_block(NULL, after != 0 ? &in : NULL, &out);

	whole.flags |= block.flags;
	whole.queue = block.queue;
	whole.engine = block.engine;
	whole.duration_ns = block.duration_ns;
	whole.interval_ns = block.interval_ns;
	whole.in_fd = block.in_fd;
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_SUBMIT, &whole), 0);
	return whole;
}

static void end_job(uint64_t commit)
{
	struct wwr_drm_job_end end = {.commit = commit};

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_JOB_END, &end), 0);
}

static void wait_start(uint32_t syncobj)
{
	uint32_t other = wm_make_syncobj(wm_file, 0);

	(void)submit((struct wwr_drm_submit){.engine = WWR_DRM_ENGINE_COPY}, other, syncobj);
	cr_assert_eq(syncobj_wait(other, INT64_MAX), 0);
}

/* The engine of a job of the queue that starts with an endless one which has started there. */
static uint32_t engine_beside(uint32_t queue, uint32_t engine, bool by_fd)
{
	uint32_t master = wm_make_syncobj(wm_file, 0), job = wm_make_syncobj(wm_file, 0);
	struct wwr_drm_submit block = {
	    .flags = WWR_DRM_SUBMIT_ENDLESS | WWR_DRM_SUBMIT_FENCE_FD_OUT, .engine = engine};
	uint32_t result;

	block = submit(block, master, 0);
	wait_start(master);
	if (by_fd)
		(void)submit((struct wwr_drm_submit){.flags = WWR_DRM_SUBMIT_FENCE_FD_IN |
							      WWR_DRM_SUBMIT_FENCE_FD_START,
						     .in_fd = block.out_fd,
						     .queue = queue},
			     job, 0);
	else
		(void)submit((struct wwr_drm_submit){.queue = queue}, job, master);
	result = engine_of(job);
	end_job(block.commit);
	cr_assert_eq(syncobj_wait(master, INT64_MAX), 0);
	close(block.out_fd);
	return result;
}

/* An idle engine comes first, so its master's would not be taken but for the bond. */
Test(drivers_wwrmock_queue, job_follows_the_bond_of_its_queue)
{
	uint32_t queue = make_queue(get_mask(vcs(0)), 0);

	for (uint32_t i = 1; i <= NUM_VCS; i++) {
		uint32_t master = index_of(get_mask(vcs(i)));

		cr_expect_eq(engine_beside(queue, vcs(i), false), vcs(NUM_VCS + 1 - i));
		cr_assert_eq(bond(queue, master, get_mask(vcs(i))), 0);
		cr_expect_eq(engine_beside(queue, vcs(i), false), vcs(i));
		cr_expect_eq(engine_beside(queue, vcs(i), true), vcs(i));
		cr_assert_eq(bond(queue, master, 0), 0);
		cr_expect_eq(engine_beside(queue, vcs(i), true), vcs(NUM_VCS + 1 - i));
	}
}

Test(drivers_wwrmock_queue, bond_is_checked)
{
	uint64_t all = get_mask(vcs(0)), rcs = get_mask(WWR_DRM_ENGINE_RENDER);
	uint32_t queue = make_queue(all, 0);
	struct wwr_drm_queue_bond block;

	cr_expect_eq(bond(queue, 6, 0), -EINVAL, "there are 6 engines");
	cr_expect_eq(bond(queue, UINT32_MAX, 0), -EINVAL);
	cr_expect_eq(bond(queue, 0, rcs), -EINVAL, "not the queue's");
	cr_expect_eq(bond(queue, 0, all | rcs), -EINVAL);
	cr_expect_eq(bond(queue, 0, UINT64_MAX), -EINVAL);
	cr_expect_eq(bond(77, 0, 0), -ENOENT);
	cr_expect_eq(bond(0, 0, 0), -ENOENT);
	cr_expect_eq(bond(77, 6, 0), -EINVAL, "looked at before");
	for (uint32_t bit = 0; bit < 32; bit++) {
		block = (struct wwr_drm_queue_bond){.handle = queue, .flags = 1u << bit};
		cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_BOND, &block), -EINVAL);
		block = (struct wwr_drm_queue_bond){.handle = queue, .pad = 1u << bit};
		cr_expect_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_BOND, &block), -EINVAL);
	}
	cr_expect_eq(bond(queue, 0, all), 0);
	cr_expect_eq(bond(queue, 5, 0), 0);
}

/* A job of RCS that has started, and behind it one of a higher priority. */
static void submit_two(struct wwr_drm_submit first, uint32_t syncobjs[2])
{
	syncobjs[0] = wm_make_syncobj(wm_file, 0);
	syncobjs[1] = wm_make_syncobj(wm_file, 0);
	(void)submit(first, syncobjs[0], 0);
	wait_start(syncobjs[0]);
	(void)submit((struct wwr_drm_submit){.queue = make_queue(1, 1)}, syncobjs[1], 0);
	cr_assert_eq(syncobj_wait(syncobjs[1], INT64_MAX), 0);
}

Test(drivers_wwrmock_queue, job_with_an_interval_gives_way)
{
	struct wwr_drm_submit first = {.queue = make_queue(1, 0),
				       .duration_ns = WWR_DRM_MAX_DURATION_NS,
				       .interval_ns = SHORT_NS};
	uint32_t syncobjs[2];

	submit_two(first, syncobjs);
	cr_expect_eq(syncobj_wait(syncobjs[0], 0), -ETIME, "it runs for a minute");
}

/* The other one starts after its end, so that has signalled. */
Test(drivers_wwrmock_queue, job_keeps_its_engine_without_an_interval_or_leave)
{
	struct wwr_drm_submit first = {.queue = make_queue(1, 0), .duration_ns = 500 * SHORT_NS};
	struct wwr_drm_queue_set set = {.handle = first.queue,
					.property = WWR_DRM_QUEUE_PREEMPTIBLE};
	uint32_t syncobjs[2];

	submit_two(first, syncobjs);
	cr_expect_eq(syncobj_wait(syncobjs[0], 0), 0);
	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_SET, &set), 0);
	first.interval_ns = SHORT_NS;
	submit_two(first, syncobjs);
	cr_expect_eq(syncobj_wait(syncobjs[0], 0), 0);
	first.interval_ns = WWR_DRM_MAX_DURATION_NS;
	submit_two(first, syncobjs);
	cr_expect_eq(syncobj_wait(syncobjs[0], 0), 0);
}
