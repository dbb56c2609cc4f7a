/* SPDX-License-Identifier: MIT */
/* Explicit fences of jobs as file descriptors; jobs that depend on what a client does later. */
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>
#include <wwresv/fence_merge.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(drivers_mock_sync, .timeout = 60);

static struct mock mock;
static struct wwr_queue *rcs, *bcs, *rcs_marker;
static struct wwr_sync_timeline *timeline;

static void setup_broken(uint32_t break_deps)
{
	mock_init_broken(&mock, break_deps);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	rcs_marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	cr_assert_eq(wwr_sync_timeline_create("client", &timeline), 0);
}

static void setup(void)
{
	setup_broken(0);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_sync_timeline_destroy(timeline);
	wwr_queue_put(rcs);
	wwr_queue_put(bcs);
	wwr_queue_put(rcs_marker);
	mock_fini(&mock);
}

/* A sync_file of the timeline's point 1. */
static int software_fd(void)
{
	struct wwr_fence *fence;
	int fd = -1;

	cr_assert_eq(wwr_sync_timeline_create_fence(timeline, 1, NULL, &fence), 0);
	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	wwr_fence_put(fence);
	return fd;
}

static int out_fd(const struct mock_job *job)
{
	int fd = -1;

	cr_assert_eq(wwr_job_create_out_fence(job->job, &fd), 0);
	return fd;
}

/* A job that waits for the sync_file, which is closed at once. */
static struct mock_job job_after(struct wwr_queue *queue, uint64_t label, int fd)
{
	struct mock_job job = mock_job(&mock, queue, label);

	cr_assert_eq(wwr_job_add_in_fence(job.job, fd), 0);
	close(fd);
	return job;
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	cr_assert_geq(poll(&poll_fd, 1, 0), 0);
	return (poll_fd.revents & POLLIN) != 0;
}

static bool ends_by_client(const struct mock_job *job)
{
	return wwr_fence_is_client_dependent(wwr_job_finished(job->job));
}

static bool starts_by_client(const struct mock_job *job)
{
	return wwr_fence_is_client_dependent(wwr_job_started(job->job));
}

Test(drivers_mock_sync, job_waits_for_its_in_fence)
{
	struct mock_job job;

	setup();
	job = job_after(rcs, 1, software_fd());
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&job);
	mock_marker(&mock, rcs_marker);
	cr_expect_not(mock_has_started(&job));
	wwr_sync_timeline_inc(timeline, 1);
	mock_join(&job);
	finish();
}

Test(drivers_mock_sync, out_fence_is_readable_when_the_job_has_finished)
{
	struct mock_job job, next;
	int fd;

	setup();
	job = mock_endless(&mock, bcs, 1);
	mock_run(&job);
	fd = out_fd(&job);
	mock_wait(wwr_job_started(job.job), 1);
	cr_expect_not(is_readable(fd));

	next = job_after(rcs, 2, dup(fd));
	mock_run(&next);
	mock_marker(&mock, rcs_marker);
	cr_expect_not(mock_has_started(&next));
	wwr_job_end(job.job);
	mock_wait(wwr_job_finished(job.job), 1);
	mock_join(&next);
	cr_expect(is_readable(fd));
	close(fd);

	/* Of a job that has finished, too. */
	fd = out_fd(&job);
	cr_expect(is_readable(fd));
	close(fd);
	wwr_job_put(job.job);
	finish();
}

/* The engine has looked at the job, and at a later one. */
static void expect_not_started(const struct mock_job *job)
{
	struct wwr_queue *queue = mock_queue(&mock, WWR_ENGINE_RCS, 1);

	mock_marker(&mock, queue);
	cr_expect_not(mock_has_started(job));
	wwr_queue_put(queue);
}

/* Returns the mismatches of a job behind the start of two others, one of them not started. */
static size_t run_submit_fence(bool started_too, bool waits)
{
	struct mock_job sources[2], job;
	int fds[2], both;
	size_t num;

	for (uint64_t i = 0; i < 2; i++) {
		sources[i] =
		    i == 0 ? mock_endless(&mock, bcs, i) : job_after(rcs, i, software_fd());
		mock_run(&sources[i]);
		fds[i] = out_fd(&sources[i]);
	}
	cr_assert_eq(wwr_sync_file_merge("both", fds[0], fds[1], &both), 0);
	job = mock_job(&mock, rcs_marker, 2);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	cr_assert_eq(wwr_job_add_submit_fence(job.job, started_too ? both : fds[0]), 0);
	/* In the order of their contexts: BCS has the later queue. */
	if (started_too)
		job.note.source_seeds[job.note.num_sources++] = 1;
	job.note.source_seeds[job.note.num_sources++] = 0;
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	close(both);
	mock_run(&job);
	if (!waits)
		mock_wait(wwr_job_finished(job.job), 1);
	else
		expect_not_started(&job);
	wwr_sync_timeline_inc(timeline, 1);
	mock_join(&job);
	mock_join(&sources[1]);
	mock_end(&sources[0]);
	num = mock_mismatches(&mock);
	return num;
}

Test(drivers_mock_sync, submit_fence_waits_for_the_start_alone)
{
	setup();
	cr_expect_eq(run_submit_fence(false, false), 0);
	finish();
}

Test(drivers_mock_sync, submit_fence_of_several_waits_for_the_start_of_each)
{
	setup();
	cr_expect_eq(run_submit_fence(true, true), 0);
	finish();
}

Test(drivers_mock_sync, submit_fence_that_is_broken_shows_as_wrong_bytes)
{
	setup_broken(WWR_BREAK_SUBMIT);
	cr_expect_eq(run_submit_fence(true, false), 1);
	mock.jobs[2].done = false;
	mock.num_bos--;
	wwr_device_bo_put(mock.bos[mock.num_bos]);
	finish();
}

Test(drivers_mock_sync, submit_fence_may_be_given_as_a_fence)
{
	struct mock_job source, job;

	setup();
	source = mock_endless(&mock, bcs, 1);
	mock_run(&source);
	job = mock_job(&mock, rcs, 2);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	cr_assert_eq(wwr_job_add_submit_fence_of(job.job, wwr_job_finished(source.job)), 0);
	job.note.source_seeds[job.note.num_sources++] = 1;
	mock_run(&job);
	mock_join(&job);
	cr_expect_not(mock_has_finished(&source));
	mock_end(&source);
	finish();
}

/* All that is left of it is the fence of its end. */
Test(drivers_mock_sync, submit_fence_of_a_job_that_is_gone_has_started)
{
	struct mock_job first, second;
	int fd;

	setup();
	first = mock_job(&mock, rcs, 1);
	mock_run(&first);
	fd = out_fd(&first);
	mock_join(&first);
	/* The engine gave the job up before it took another one. */
	mock_marker(&mock, rcs_marker);
	second = mock_job(&mock, bcs, 2);
	cr_assert_eq(wwr_job_add_submit_fence(second.job, fd), 0);
	cr_assert_eq(wwr_job_submit(second.job, NULL, 0, NULL), 0);
	mock_wait(wwr_job_finished(second.job), 1);
	wwr_job_put(second.job);
	close(fd);
	finish();
}

Test(drivers_mock_sync, submit_fence_that_is_no_jobs_is_waited_for)
{
	struct mock_job job;
	int fd;

	setup();
	job = mock_job(&mock, rcs, 1);
	fd = software_fd();
	cr_assert_eq(wwr_job_add_submit_fence(job.job, fd), 0);
	close(fd);
	mock_run(&job);
	mock_marker(&mock, rcs_marker);
	cr_expect_not(mock_has_started(&job));
	wwr_sync_timeline_inc(timeline, 1);
	mock_join(&job);
	finish();
}

Test(drivers_mock_sync, what_is_no_sync_file_is_refused)
{
	struct mock_job job;
	int ends[2];

	setup();
	cr_assert_eq(pipe(ends), 0);
	job = mock_job(&mock, rcs, 1);
	cr_expect_eq(wwr_job_add_in_fence(job.job, -1), -EBADF);
	cr_expect_eq(wwr_job_add_in_fence(job.job, ends[0]), -EINVAL);
	cr_expect_eq(wwr_job_add_submit_fence(job.job, -1), -EBADF);
	cr_expect_eq(wwr_job_add_submit_fence(job.job, ends[0]), -EINVAL);
	mock_run(&job);
	mock_join(&job);
	close(ends[0]);
	close(ends[1]);
	finish();
}

Test(drivers_mock_sync, out_fence_without_free_descriptors_fails_and_the_job_goes_on)
{
	struct rlimit old, none = {.rlim_cur = 0};
	struct mock_job job;
	int fd = -7;

	setup();
	job = mock_job(&mock, rcs, 1);
	mock_run(&job);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(wwr_job_create_out_fence(job.job, &fd), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	cr_expect_eq(fd, -7);
	mock_join(&job);
	finish();
}

Test(drivers_mock_sync, jobs_behind_a_software_fence_are_marked)
{
	struct mock_job first, behind, reader, other;
	uint32_t bo;

	setup();
	bo = mock_bo(&mock);
	first = job_after(bcs, 1, software_fd());
	mock_use(&first, bo, WWR_ACCESS_WRITE);
	mock_run(&first);
	behind = mock_job(&mock, bcs, 2);
	mock_run(&behind);
	reader = mock_job(&mock, rcs, 3);
	mock_use(&reader, bo, WWR_ACCESS_READ);
	mock_run(&reader);
	other = mock_job(&mock, rcs_marker, 4);
	mock_run(&other);

	cr_expect(starts_by_client(&first) && ends_by_client(&first), "its in-fence");
	cr_expect(starts_by_client(&behind) && ends_by_client(&behind), "the order of its queue");
	cr_expect(starts_by_client(&reader) && ends_by_client(&reader), "its buffer");
	cr_expect_not(starts_by_client(&other) || ends_by_client(&other));
	wwr_sync_timeline_inc(timeline, 1);
	mock_wait(wwr_job_finished(behind.job), 1);
	cr_expect_not(starts_by_client(&behind) || ends_by_client(&behind));
	mock_join(&other);
	mock_join(&reader);
	mock_join(&behind);
	mock_join(&first);
	finish();
}

Test(drivers_mock_sync, end_of_an_endless_job_is_marked_and_its_start_is_not)
{
	struct mock_job endless, follower, behind;
	int fd;

	setup();
	endless = mock_endless(&mock, bcs, 1);
	mock_run(&endless);
	fd = out_fd(&endless);
	follower = mock_job(&mock, rcs, 2);
	cr_assert_eq(wwr_job_add_submit_fence(follower.job, fd), 0);
	mock_run(&follower);
	behind = job_after(rcs_marker, 3, fd);
	mock_run(&behind);

	cr_expect_not(starts_by_client(&endless));
	cr_expect(ends_by_client(&endless));
	cr_expect_not(starts_by_client(&follower) || ends_by_client(&follower));
	cr_expect(starts_by_client(&behind) && ends_by_client(&behind));
	mock_join(&follower);
	mock_end(&endless);
	mock_join(&behind);
	finish();
}

/* Its client would want the lock for what signals the fence. */
Test(drivers_mock_sync, wait_for_a_marked_job_with_its_buffer_locked_aborts, .signal = SIGABRT)
{
	struct mock_job job;
	struct wwr_resv *resv;

	setup();
	job = job_after(rcs, 1, software_fd());
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&job);
	resv = wwr_device_bo_base(mock.bos[0])->resv;
	cr_assert_eq(wwr_mutex_lock(&resv->mutex, NULL), 0);
	(void)!wwr_resv_wait_until(resv, WWR_RESV_USAGE_WRITE, NULL, 1);
	cr_assert_fail("it waited");
}

Test(drivers_mock_sync, wait_for_another_job_with_its_buffer_locked_is_fine)
{
	struct mock_job job;
	struct wwr_resv *resv;

	setup();
	job = mock_job(&mock, rcs, 1);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&job);
	resv = wwr_device_bo_base(mock.bos[0])->resv;
	cr_assert_eq(wwr_mutex_lock(&resv->mutex, NULL), 0);
	cr_expect_eq(wwr_resv_wait_until(resv, WWR_RESV_USAGE_WRITE, NULL, INT64_MAX), 0);
	wwr_mutex_unlock(&resv->mutex);
	mock_join(&job);
	finish();
}
