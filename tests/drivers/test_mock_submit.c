/* SPDX-License-Identifier: MIT */
/* One submit: its results and its errors. */
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>
#include <wwresv/class.h>
#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

TestSuite(drivers_mock_submit, .timeout = 60);

static struct mock mock;
static struct wwr_queue *rcs;

static void setup(void)
{
	mock_init(&mock);
	rcs = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	for (int i = 0; i < 4; i++)
		(void)mock_bo(&mock);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(rcs);
	mock_fini(&mock);
}

static struct wwr_resv *resv(uint32_t bo)
{
	return wwr_device_bo_base(mock.bos[bo])->resv;
}

static struct wwr_mutex *mutex(uint32_t bo)
{
	return &resv(bo)->mutex;
}

/* A job that writes bo 0 to 3. */
static struct mock_job writer(uint64_t label)
{
	struct mock_job job = mock_job(&mock, rcs, label);

	for (uint32_t i = 0; i < 4; i++)
		mock_use(&job, i, WWR_ACCESS_WRITE);
	return job;
}

/* Submits with the options must fail so, and leave nothing behind but the job itself. */
static void expect_failure(struct mock_job *job, const struct wwr_lock_set_options *options,
			   int error)
{
	struct wwr_device_stats stats;

	cr_expect_eq(wwr_job_submit(job->job, options, 0, &job->result), error);
	cr_expect_eq(mock_state(job), WWR_JOB_NEW);
	wwr_device_get_stats(mock.device, &stats);
	cr_expect_eq(stats.num_submitted, 0);
	for (uint32_t i = 0; i < 4; i++)
		cr_expect(wwr_resv_test_signaled(resv(i), WWR_RESV_USAGE_BOOKKEEP));
}

static void expect_success(struct mock_job *job)
{
	mock_run(job);
	mock_join(job);
	finish();
}

/* A thread that holds one buffer's lock until it is told to let go. */
struct holder {
	uint32_t bo;
	pthread_t thread;
	pthread_barrier_t barrier;
	int ret;
};

static void *holder_main(void *arg)
{
	struct holder *holder = arg;
	struct wwr_mutex *held = mutex(holder->bo);
	const int ret = wwr_mutex_lock(held, NULL);

	holder->ret = ret;
	pthread_barrier_wait(&holder->barrier);
	if (ret != 0)
		return NULL;
	pthread_barrier_wait(&holder->barrier);
	wwr_mutex_unlock(held);
	return NULL;
}

static void hold(struct holder *holder, uint32_t bo)
{
	holder->bo = bo;
	pthread_barrier_init(&holder->barrier, NULL, 2);
	cr_assert_eq(pthread_create(&holder->thread, NULL, holder_main, holder), 0);
	pthread_barrier_wait(&holder->barrier);
	cr_assert_eq(holder->ret, 0);
}

static void let_go(struct holder *holder)
{
	pthread_barrier_wait(&holder->barrier);
	pthread_join(holder->thread, NULL);
	pthread_barrier_destroy(&holder->barrier);
}

Test(drivers_mock_submit, result_tells_the_commit_and_the_buffers)
{
	struct mock_job jobs[2];

	setup();
	for (uint64_t i = 0; i < 2; i++) {
		jobs[i] = writer(i);
		mock_use(&jobs[i], 2, WWR_ACCESS_READ);
		mock_run(&jobs[i]);
		cr_expect_eq(jobs[i].result.commit, i);
		cr_expect_eq(jobs[i].result.num_buffers, 4, "a buffer named twice counts once");
		cr_expect_eq(jobs[i].result.retries, 0);
		cr_expect_eq(jobs[i].result.num_backoffs, 0);
		cr_expect_eq(jobs[i].result.wait_ns, 0);
		cr_expect_null(jobs[i].result.contended);
	}
	for (int i = 0; i < 2; i++)
		mock_join(&jobs[i]);
	finish();
}

Test(drivers_mock_submit, buffer_named_first_for_a_read_and_then_for_a_write_is_written)
{
	struct mock_job reader, job;

	setup();
	reader = mock_endless(&mock, rcs, 1);
	mock_use(&reader, 0, WWR_ACCESS_READ);
	mock_run(&reader);

	job = mock_job(&mock, rcs, 2);
	mock_use(&job, 0, WWR_ACCESS_READ);
	mock_use(&job, 1, WWR_ACCESS_READ);
	mock_use(&job, 0, WWR_ACCESS_WRITE);
	mock_run(&job);
	cr_expect_not(wwr_resv_test_signaled(resv(0), WWR_RESV_USAGE_WRITE));
	cr_expect(wwr_resv_test_signaled(resv(1), WWR_RESV_USAGE_WRITE));
	cr_expect_not(wwr_resv_test_signaled(resv(1), WWR_RESV_USAGE_READ));
	mock_end(&reader);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, job_without_buffers_runs)
{
	struct mock_job job;

	setup();
	job = mock_job(&mock, rcs, 1);
	mock_run(&job);
	cr_expect_eq(job.result.num_buffers, 0);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, add_buffer_with_a_bad_access_fails)
{
	struct mock_job job;

	setup();
	job = mock_job(&mock, rcs, 1);
	cr_expect_eq(wwr_job_add_buffer(job.job, mock.bos[0], 0), -EINVAL);
	cr_expect_eq(wwr_job_add_buffer(job.job, mock.bos[0], WWR_ACCESS_DATA), -EINVAL);
	cr_expect_eq(wwr_job_add_buffer(job.job, mock.bos[0], WWR_ACCESS_DATA | WWR_ACCESS_WRITE),
		     -EINVAL);
	cr_expect_eq(wwr_job_add_buffer(job.job, mock.bos[0], WWR_ACCESS_READ | 8), -EINVAL);
	cr_expect_eq(wwr_job_create(rcs, &(struct wwr_job_config){.duration_ns = -1}, &job.job),
		     -EINVAL);
	expect_success(&job);
}

Test(drivers_mock_submit, more_buffers_than_room_was_made_for)
{
	struct mock_job job = {.mock = &mock, .note = {.done = true}};

	setup();
	cr_assert_eq(wwr_job_create(rcs, &(struct wwr_job_config){.num_buffers = 1}, &job.job), 0);
	for (int round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 4; i++)
			mock_use(&job, i, WWR_ACCESS_WRITE);
	}
	mock_run(&job);
	cr_expect_eq(job.result.num_buffers, 4);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, interrupt_gives_eintr_and_a_second_try_works)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	const struct wwr_lock_set_options options = {.token = &token};
	struct holder holder;
	struct mock_job job;

	setup();
	hold(&holder, 2);
	job = writer(1);
	wwr_interrupt(&token);
	expect_failure(&job, &options, -EINTR);
	let_go(&holder);
	expect_success(&job);
}

/* An hour, if nothing ended it. */
Test(drivers_mock_submit, interrupt_ends_a_hold)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	const struct wwr_lock_set_options options = {.token = &token};
	struct mock_job job;

	setup();
	job = writer(1);
	wwr_interrupt(&token);
	cr_assert_eq(wwr_job_submit(job.job, &options, UINT64_C(3600) * 1000000000, &job.result),
		     0);
	mock.jobs[job.result.commit] = job.note;
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, deadline_gives_etime_and_counts_the_contended_buffer)
{
	const struct wwr_lock_set_options options = {.deadline_ns = 1};
	struct wwr_device_bo_stats stats;
	struct holder holder;
	struct mock_job job;

	setup();
	hold(&holder, 2);
	job = writer(1);
	expect_failure(&job, &options, -ETIME);
	cr_expect_eq(job.result.contended, mock.bos[2]);
	cr_expect_eq(job.result.num_backoffs, 1);
	cr_expect_eq(job.result.retries, 0);
	wwr_device_bo_get_stats(mock.bos[2], &stats);
	cr_expect_eq(stats.num_backoffs, 1);
	wwr_device_bo_get_stats(mock.bos[1], &stats);
	cr_expect_eq(stats.num_backoffs, 0);
	let_go(&holder);
	expect_success(&job);
}

static void *submit_main(void *arg)
{
	struct mock_job *job = arg;
	int ret = wwr_job_submit(job->job, NULL, 0, &job->result);

	return ret == 0 ? job : NULL;
}

Test(drivers_mock_submit, contention_is_counted_on_the_buffer_and_in_the_result)
{
	struct wwr_debug_wait wait;
	struct wwr_device_bo_stats stats;
	struct holder holder;
	struct mock_job job;
	pthread_t thread;
	void *submitted;

	setup();
	hold(&holder, 2);
	job = writer(1);
	cr_assert_eq(pthread_create(&thread, NULL, submit_main, &job), 0);
	while (wwr_debug_get_waits(&wait, 1) == 0)
		;
	cr_expect_eq(wwr_device_bo_from_mutex(wait.mutex), mock.bos[2]);
	let_go(&holder);
	pthread_join(thread, &submitted);
	cr_assert_not_null(submitted);
	mock.jobs[0] = job.note;
	cr_expect_eq(job.result.retries, 1);
	cr_expect_eq(job.result.num_backoffs, 1);
	cr_expect_gt(job.result.wait_ns, 0);
	cr_expect_geq(job.result.reserve_ns, job.result.wait_ns);
	cr_expect_eq(job.result.contended, mock.bos[2]);
	wwr_device_bo_get_stats(mock.bos[2], &stats);
	cr_expect_eq(stats.num_backoffs, 1);
	cr_expect_eq(stats.wait_ns, job.result.wait_ns);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, sleep_for_the_first_lock_is_counted_without_a_back_off)
{
	struct wwr_debug_wait wait;
	struct wwr_device_bo_stats stats;
	struct holder holder;
	struct mock_job job;
	pthread_t thread;
	void *submitted;

	setup();
	hold(&holder, 0);
	job = writer(1);
	cr_assert_eq(pthread_create(&thread, NULL, submit_main, &job), 0);
	while (wwr_debug_get_waits(&wait, 1) == 0)
		;
	let_go(&holder);
	pthread_join(thread, &submitted);
	cr_assert_not_null(submitted);
	mock.jobs[0] = job.note;
	cr_expect_eq(job.result.num_backoffs, 0);
	wwr_device_bo_get_stats(mock.bos[0], &stats);
	cr_expect_eq(stats.num_backoffs, 0);
	cr_expect_gt(stats.wait_ns, 0);
	cr_expect_eq(stats.wait_ns, job.result.wait_ns);
	mock_join(&job);
	finish();
}

static void *submit_with_limit_main(void *arg)
{
	const struct wwr_lock_set_options options = {.retry_limit = 1};
	struct mock_job *job = arg;

	return (void *)(intptr_t)wwr_job_submit(job->job, &options, 0, &job->result);
}

/* It loses buffer 1, waits for it, and then loses buffer 2. */
Test(drivers_mock_submit, retry_limit_gives_eagain)
{
	struct holder holder1, holder2;
	struct wwr_debug_wait wait;
	struct mock_job job;
	pthread_t thread;
	void *ret;

	setup();
	hold(&holder1, 1);
	hold(&holder2, 2);
	job = writer(1);
	cr_assert_eq(pthread_create(&thread, NULL, submit_with_limit_main, &job), 0);
	while (wwr_debug_get_waits(&wait, 1) == 0)
		;
	cr_expect_eq(wwr_device_bo_from_mutex(wait.mutex), mock.bos[1]);
	let_go(&holder1);
	pthread_join(thread, &ret);
	cr_expect_eq((intptr_t)ret, -EAGAIN);
	cr_expect_eq(job.result.retries, 1);
	cr_expect_eq(job.result.num_backoffs, 2);
	cr_expect_eq(job.result.contended, mock.bos[2]);
	let_go(&holder2);
	expect_success(&job);
}

Test(drivers_mock_submit, injected_back_offs_are_retried)
{
	struct wwr_class *lock_class = wwr_default_class();
	struct mock_job job;

	setup();
	wwr_class_set_injection(lock_class, 1, 1);
	job = writer(1);
	mock_run(&job);
	cr_expect_gt(job.result.retries, 0);
	cr_expect_eq(job.result.retries, job.result.num_backoffs);
	wwr_class_set_injection(lock_class, 0, 0);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, lock_held_by_the_thread_gives_ebusy)
{
	struct wwr_mutex *held;
	struct mock_job job;
	int ret;

	setup();
	job = writer(1);
	held = mutex(1);
	ret = wwr_mutex_lock(held, NULL);
	if (ret != 0) {
		cr_assert_fail("the lock is not free: %d", ret);
		return;
	}
	expect_failure(&job, NULL, -EBUSY);
	wwr_mutex_unlock(held);
	expect_success(&job);
}

Test(drivers_mock_submit, bad_options_give_einval)
{
	const struct wwr_lock_set_options options = {.flags = ~0u};
	struct mock_job job;

	setup();
	job = writer(1);
	expect_failure(&job, &options, -EINVAL);
	expect_success(&job);
}

Test(drivers_mock_submit, buffer_of_another_class_gives_einval)
{
	struct wwr_class lock_class;
	struct wwr_device_config config;
	struct wwr_device *other;
	struct wwr_device_bo *bo;
	struct mock_job job;

	setup();
	wwr_class_init(&lock_class, "other", WWR_WOUND_WAIT);
	wwr_device_config_init(&config);
	config.lock_class = &lock_class;
	cr_assert_eq(wwr_device_create(&config, &other), 0);
	cr_assert_eq(wwr_device_bo_create(other, 1, 1, &bo), 0);
	job = writer(1);
	cr_assert_eq(wwr_job_add_buffer(job.job, bo, WWR_ACCESS_READ), 0);
	expect_failure(&job, NULL, -EINVAL);
	wwr_job_put(job.job);
	wwr_device_bo_put(bo);
	wwr_device_destroy(other);
	wwr_class_fini(&lock_class);
	finish();
}

Test(drivers_mock_submit, classic_policy_works)
{
	const struct wwr_lock_set_options options = {.flags = WWR_LOCK_SET_CLASSIC};
	struct mock_job job;

	setup();
	job = writer(1);
	cr_assert_eq(wwr_job_submit(job.job, &options, 0, NULL), 0);
	mock.jobs[0] = job.note;
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, hold_keeps_the_locks)
{
	const uint64_t hold_ns = 3000000;
	struct timespec begin, end;
	struct mock_job job;
	int64_t passed_ns;

	setup();
	job = writer(1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	cr_assert_eq(wwr_job_submit(job.job, NULL, hold_ns, &job.result), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	mock.jobs[0] = job.note;
	passed_ns = (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
	cr_expect_geq(passed_ns, (int64_t)hold_ns);
	mock_join(&job);
	finish();
}

Test(drivers_mock_submit, submitting_twice_aborts, .signal = SIGABRT)
{
	struct mock_job job;

	setup();
	job = writer(1);
	mock_run(&job);
	(void)!wwr_job_submit(job.job, NULL, 0, NULL);
}

Test(drivers_mock_submit, adding_a_buffer_to_a_submitted_job_aborts, .signal = SIGABRT)
{
	struct mock_job job;

	setup();
	job = writer(1);
	mock_run(&job);
	(void)!wwr_job_add_buffer(job.job, mock.bos[0], WWR_ACCESS_READ);
}

Test(drivers_mock_submit, fence_of_a_new_job_aborts, .signal = SIGABRT)
{
	struct mock_job job;

	setup();
	job = writer(1);
	(void)wwr_job_finished(job.job);
}

Test(drivers_mock_submit, waiting_for_the_start_of_a_new_job_aborts, .signal = SIGABRT)
{
	struct mock_job job, other;

	setup();
	job = writer(1);
	other = writer(2);
	(void)!wwr_job_add_submit_dependency(job.job, other.job);
}
