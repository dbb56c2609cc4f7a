/* SPDX-License-Identifier: MIT */
/* Jobs that have no end, starts as syncobjs, what a queue is told later, and what is known of all.
 */
#include "tests/drivers/test_wwrmock.h"

#include <wwresv/sync_timeline.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

TestSuite(drivers_wwrmock_job, .init = wm_setup, .fini = wm_teardown, .timeout = 60);

#define START WWR_DRM_SYNC_START

static int do_submit(struct wwr_drm_submit *block)
{
	return wm_do(wm_file, WWR_IOCTL_SUBMIT, block);
}

/* A job without an end on an engine, into a syncobj of its own; returns its number. */
static uint64_t submit_endless(uint32_t queue, uint32_t engine, uint32_t *ret_syncobj)
{
	struct wwr_drm_submit_sync out = {.handle = wm_make_syncobj(wm_file, 0)};
	struct wwr_drm_submit block = wm_block(NULL, NULL, &out);

	block.flags = WWR_DRM_SUBMIT_ENDLESS;
	block.queue = queue;
	block.engine = engine;
	block.label = 77;
	cr_assert_eq(do_submit(&block), 0);
	*ret_syncobj = out.handle;
	return block.commit;
}

static int end_job(struct core_file *file, uint64_t commit)
{
	struct wwr_drm_job_end end = {.commit = commit};

	return wm_do(file, WWR_IOCTL_JOB_END, &end);
}

static struct wwr_drm_job_info look(uint32_t syncobj)
{
	struct wwr_drm_job_info info = {.syncobj = syncobj};

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), 0);
	return info;
}

static int syncobj_wait(uint32_t handle, int64_t timeout_ns)
{
	struct drm_syncobj_wait block = {
	    .handles = (uintptr_t)&handle, .timeout_nsec = timeout_ns, .count_handles = 1};

	return wm_do(wm_file, DRM_IOCTL_SYNCOBJ_WAIT, &block);
}

static uint32_t make_queue(void)
{
	struct wwr_drm_queue_create create = {.engines = 1};

	cr_assert_eq(wm_do(wm_file, WWR_IOCTL_QUEUE_CREATE, &create), 0);
	return create.handle;
}

static int set_queue(uint32_t handle, uint32_t property, int64_t value)
{
	struct wwr_drm_queue_set set = {handle, property, value};

	return wm_do(wm_file, WWR_IOCTL_QUEUE_SET, &set);
}

Test(drivers_wwrmock_job, endless_one_runs_until_its_file_ends_it)
{
	struct wwr_drm_job_info info;
	uint32_t syncobj;
	uint64_t commit = submit_endless(0, WWR_DRM_ENGINE_COPY, &syncobj);

	cr_expect_eq(syncobj_wait(syncobj, 0), -ETIME);
	info = look(syncobj);
	cr_expect_eq(info.status, 0);
	cr_expect_eq(info.engine, 0);
	cr_expect_eq(end_job(wm_card, commit), -ENOENT, "another file's");
	cr_expect_eq(end_job(wm_file, commit + 1), -ENOENT);
	cr_assert_eq(end_job(wm_file, commit), 0);
	cr_expect_eq(end_job(wm_file, commit), -ENOENT, "ended before");
	cr_assert_eq(syncobj_wait(syncobj, INT64_MAX), 0);
	info = look(syncobj);
	cr_expect_eq(info.status, 1);
	cr_expect_eq(info.engine, WWR_DRM_ENGINE(WWR_DRM_ENGINE_COPY, 1));
	cr_expect_eq(info.commit, commit);
	cr_expect_eq(info.label, 77);
}

Test(drivers_wwrmock_job, endless_one_ends_with_its_file)
{
	struct wwr_drm_submit block = {
	    .flags = WWR_DRM_SUBMIT_ENDLESS | WWR_DRM_SUBMIT_FENCE_FD_OUT,
	};
	struct core_file *file;

	cr_assert_eq(core_file_open(wm_device, true, 3, 1000, &file), 0);
	cr_assert_eq(wm_do(file, WWR_IOCTL_SUBMIT, &block), 0);
	cr_expect_not(wm_is_ready(block.out_fd));
	core_file_put(file);
	cr_expect_eq(poll(&(struct pollfd){block.out_fd, POLLIN, 0}, 1, 30000), 1);
	close(block.out_fd);
}

Test(drivers_wwrmock_job, only_an_endless_one_can_be_ended)
{
	struct wwr_drm_submit block = {.flags = WWR_DRM_SUBMIT_FENCE_FD_IN};
	struct wwr_drm_job_end end = {.flags = 1};
	struct wwr_sync_timeline *gate;

	block.in_fd = wm_make_gate(&gate);
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(end_job(wm_file, block.commit), -ENOENT);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_END, &end), -EINVAL);
	end = (struct wwr_drm_job_end){.pad = 1};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_END, &end), -EINVAL);
	close(block.in_fd);
	wm_open_gate(gate);
	block = (struct wwr_drm_submit){.flags = WWR_DRM_SUBMIT_ENDLESS, .duration_ns = 1};
	cr_expect_eq(do_submit(&block), -EINVAL);
}

/* It would run for ever if the endless one kept the engine. */
Test(drivers_wwrmock_job, endless_one_gives_way_unless_its_queue_says_no)
{
	uint32_t first = make_queue(), second = make_queue(), endless, other;
	struct wwr_drm_submit_sync out = {.handle = wm_make_syncobj(wm_file, 0)};
	struct wwr_drm_submit_sync in = {.flags = START};
	struct wwr_drm_submit block;
	uint64_t commit = submit_endless(first, 0, &endless);

	block = wm_block(NULL, NULL, &out);
	block.queue = second;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(syncobj_wait(out.handle, INT64_MAX), 0);
	cr_assert_eq(end_job(wm_file, commit), 0);
	cr_assert_eq(syncobj_wait(endless, INT64_MAX), 0);

	cr_assert_eq(set_queue(first, WWR_DRM_QUEUE_PREEMPTIBLE, 0), 0);
	commit = submit_endless(first, 0, &endless);
	/* This one runs elsewhere, as soon as that has started. */
	in.handle = endless;
	block = wm_block(NULL, &in, &out);
	block.engine = WWR_DRM_ENGINE_COPY;
	cr_assert_eq(do_submit(&block), 0);
	cr_assert_eq(syncobj_wait(out.handle, INT64_MAX), 0);
	block = wm_block(NULL, NULL, &out);
	block.queue = second;
	cr_assert_eq(do_submit(&block), 0);
	other = out.handle;
	cr_expect_eq(syncobj_wait(other, 0), -ETIME);
	cr_assert_eq(end_job(wm_file, commit), 0);
	cr_expect_eq(syncobj_wait(other, INT64_MAX), 0);
}

Test(drivers_wwrmock_job, priority_of_a_queue_is_that_of_later_jobs)
{
	uint32_t low = make_queue(), high = make_queue(), blocker, endless = make_queue();
	struct wwr_drm_submit_sync outs[2] = {{.handle = wm_make_syncobj(wm_file, 0)},
					      {.handle = wm_make_syncobj(wm_file, 0)}};
	struct wwr_drm_submit_sync in = {.flags = START};
	struct wwr_drm_submit block;
	uint64_t commit;

	cr_assert_eq(set_queue(endless, WWR_DRM_QUEUE_PREEMPTIBLE, 0), 0);
	cr_assert_eq(set_queue(high, WWR_DRM_QUEUE_PRIORITY, WWR_DRM_MAX_PRIORITY), 0);
	commit = submit_endless(endless, 0, &blocker);
	in.handle = blocker;
	block = wm_block(NULL, &in, &outs[0]);
	block.engine = WWR_DRM_ENGINE_COPY;
	cr_assert_eq(do_submit(&block), 0);
	cr_assert_eq(syncobj_wait(outs[0].handle, INT64_MAX), 0);
	/* Both are ready; the engine is not. */
	block = wm_block(NULL, NULL, &outs[0]);
	block.queue = low;
	block.duration_ns = WWR_DRM_MAX_DURATION_NS;
	cr_assert_eq(do_submit(&block), 0);
	block = wm_block(NULL, NULL, &outs[1]);
	block.queue = high;
	cr_assert_eq(do_submit(&block), 0);
	cr_assert_eq(end_job(wm_file, commit), 0);
	cr_expect_eq(syncobj_wait(outs[1].handle, INT64_MAX), 0);
	cr_expect_eq(syncobj_wait(outs[0].handle, 0), -ETIME, "it runs for a minute");
}

Test(drivers_wwrmock_job, queue_set_is_checked)
{
	uint32_t queue = make_queue();
	static const struct {
		uint32_t property;
		int64_t value;
	} bad[] = {
	    {WWR_DRM_QUEUE_PRIORITY, WWR_DRM_MAX_PRIORITY + 1},
	    {WWR_DRM_QUEUE_PRIORITY, -WWR_DRM_MAX_PRIORITY - 1},
	    {WWR_DRM_QUEUE_PRIORITY, INT64_MIN},
	    {WWR_DRM_QUEUE_PRIORITY, INT64_C(1) << 32},
	    {WWR_DRM_QUEUE_PREEMPTIBLE, 2},
	    {WWR_DRM_QUEUE_PREEMPTIBLE, -1},
	    {WWR_DRM_QUEUE_PREEMPTIBLE + 1, 0},
	    {UINT32_MAX, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(set_queue(queue, bad[i].property, bad[i].value), -EINVAL, "%zu", i);
	cr_expect_eq(set_queue(queue, WWR_DRM_QUEUE_PRIORITY, -WWR_DRM_MAX_PRIORITY), 0);
	cr_expect_eq(set_queue(77, WWR_DRM_QUEUE_PRIORITY, 0), -ENOENT);
	cr_expect_eq(set_queue(0, WWR_DRM_QUEUE_PRIORITY, 0), -ENOENT);
}

Test(drivers_wwrmock_job, start_of_a_syncobj_is_not_its_end)
{
	struct wwr_drm_submit_sync out = {.handle = wm_make_syncobj(wm_file, 0)};
	struct wwr_drm_submit_sync in = {.flags = START};
	struct wwr_drm_submit block;
	uint32_t endless;
	uint64_t commit = submit_endless(0, 0, &endless);

	in.handle = endless;
	block = wm_block(NULL, &in, &out);
	block.engine = WWR_DRM_ENGINE_COPY;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(syncobj_wait(out.handle, INT64_MAX), 0);
	cr_expect_eq(syncobj_wait(endless, 0), -ETIME);
	in.flags = 0;
	block.commit = 0;
	cr_assert_eq(do_submit(&block), 0);
	cr_expect_eq(syncobj_wait(out.handle, 0), -ETIME, "it waits for the end");
	cr_assert_eq(end_job(wm_file, commit), 0);
	cr_expect_eq(syncobj_wait(out.handle, INT64_MAX), 0);
	/* What it gives has no start. */
	out.flags = START;
	block = wm_block(NULL, NULL, &out);
	cr_expect_eq(do_submit(&block), -EINVAL);
}

Test(drivers_wwrmock_job, info_is_of_jobs_of_this_device)
{
	static const struct wwr_drm_job_info bad[] = {
	    {.flags = 1}, {.status = -1}, {.engine = 1}, {.commit = 1}, {.label = 1},
	};
	struct wwr_drm_job_info info;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		info = bad[i];
		info.syncobj = wm_make_syncobj(wm_file, DRM_SYNCOBJ_CREATE_SIGNALED);
		cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), -EINVAL, "%zu", i);
	}
	info = (struct wwr_drm_job_info){.syncobj = 77};
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), -ENOENT);
	info.syncobj = wm_make_syncobj(wm_file, 0);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), -EINVAL, "no fence");
	info.syncobj = wm_make_syncobj(wm_file, DRM_SYNCOBJ_CREATE_SIGNALED);
	cr_expect_eq(wm_do(wm_file, WWR_IOCTL_JOB_INFO, &info), -EINVAL, "not a job's");
}
