/* SPDX-License-Identifier: MIT */
/* Queues of a device with a scheduler: their order, and hangs, which count for the client. */
#include "tests/lib/test_alloc.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/alloc.h>
#include <wwresv/device.h>
#include <wwresv/fence.h>

#include <errno.h>

TestSuite(drivers_mock_hang, .timeout = 60);

#define HANG_EVERY 2

static struct wwr_device *device;

static void begin(uint32_t hang_limit)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.use_sched = true;
	config.hang_every = HANG_EVERY;
	config.hang_timeout_ns = 1000000;
	config.hang_limit = hang_limit;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
}

static struct wwr_queue *queue_of(const struct wwr_queue *sibling, enum wwr_engine_class class)
{
	const uint64_t mask = wwr_device_engine_mask(device, class, 1);
	struct wwr_queue *queue;
	int ret = sibling != NULL ? wwr_queue_create_sibling(sibling, "q", mask, &queue)
				  : wwr_queue_create(device, "q", mask, &queue);

	cr_assert_eq(ret, 0);
	return queue;
}

static struct wwr_job *submit_with(struct wwr_queue *queue, int64_t duration_ns)
{
	const struct wwr_job_config config = {.duration_ns = duration_ns};
	struct wwr_job *job;

	cr_assert_eq(wwr_job_create(queue, &config, &job), 0);
	cr_assert_eq(wwr_job_submit(job, NULL, 0, NULL), 0);
	return job;
}

/* One that has its engine until somebody ends it. */
static struct wwr_job *start_endless(struct wwr_queue *queue)
{
	struct wwr_job *job = submit_with(queue, WWR_JOB_ENDLESS);

	cr_assert_eq(wwr_fence_wait_until(wwr_job_started(job), NULL, INT64_MAX), 0);
	return job;
}

/* How a job ends: 0 or its error.  Gives it back. */
static int join(struct wwr_job *job)
{
	int status;

	cr_assert_eq(wwr_fence_wait_until(wwr_job_finished(job), NULL, INT64_MAX), 0);
	status = wwr_fence_get_status(wwr_job_finished(job));
	wwr_job_put(job);
	return status < 0 ? status : 0;
}

static int run(struct wwr_queue *queue)
{
	return join(submit_with(queue, 0));
}

Test(drivers_mock_hang, one_hang_too_many_cancels_all_queues_of_the_client)
{
	struct wwr_queue *render, *copy, *other;

	begin(1);
	render = queue_of(NULL, WWR_ENGINE_RCS);
	copy = queue_of(render, WWR_ENGINE_BCS);
	other = queue_of(NULL, WWR_ENGINE_RCS);
	cr_expect_eq(run(render), 0);
	cr_expect_eq(run(render), -ETIME, "the first hang is allowed");
	cr_expect_eq(run(copy), 0);
	cr_expect_eq(run(copy), -ETIME, "the second one, of another queue");
	cr_expect_eq(run(render), -ECANCELED);
	cr_expect_eq(run(copy), -ECANCELED);
	cr_expect_eq(run(other), 0, "of another client");
	wwr_queue_put(render);
	wwr_queue_put(other);
	/* It outlives the queue that it was made beside. */
	cr_expect_eq(run(copy), -ECANCELED);
	wwr_queue_put(copy);
	wwr_device_destroy(device);
}

Test(drivers_mock_hang, sibling_with_a_bad_mask_fails)
{
	struct wwr_queue *queue, *sibling;

	begin(0);
	queue = queue_of(NULL, WWR_ENGINE_RCS);
	cr_expect_eq(wwr_queue_create_sibling(queue, "q", 0, &sibling), -EINVAL);
	cr_expect_eq(wwr_queue_create_sibling(queue, "q", UINT64_C(1) << 63, &sibling), -EINVAL);
	wwr_queue_put(queue);
	wwr_device_destroy(device);
}

/* It has the engine of the older one, which is no hang and goes on afterwards. */
Test(drivers_mock_hang, job_that_hangs_in_place_of_an_endless_one_is_recovered)
{
	struct wwr_queue *queue, *other;
	struct wwr_job *endless, *hung;

	begin(1);
	queue = queue_of(NULL, WWR_ENGINE_RCS);
	other = queue_of(NULL, WWR_ENGINE_RCS);
	endless = start_endless(queue);
	hung = submit_with(other, 0);
	cr_expect_eq(run(other), 0, "behind it, and its queue keeps its order");
	cr_expect_eq(wwr_fence_get_status(wwr_job_finished(hung)), -ETIME);
	cr_expect_not(wwr_fence_is_signaled(wwr_job_finished(endless)));
	wwr_job_end(endless);
	cr_expect_eq(join(endless), 0);
	wwr_job_put(hung);
	wwr_queue_put(queue);
	wwr_queue_put(other);
	wwr_device_destroy(device);
}

/* An endless job gives way to others, but its queue keeps its order. */
Test(drivers_mock_hang, endless_job_on_a_ring_lets_no_job_of_its_queue_pass)
{
	struct wwr_device_config config;
	struct wwr_queue *queue, *other;
	struct wwr_job *endless, *behind;

	wwr_device_config_init(&config);
	config.use_sched = true;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
	queue = queue_of(NULL, WWR_ENGINE_RCS);
	other = queue_of(NULL, WWR_ENGINE_RCS);
	endless = start_endless(queue);
	behind = submit_with(queue, 0);
	/* The ring got it after the one behind, so the engine has looked at that. */
	cr_expect_eq(run(other), 0);
	cr_expect_not(wwr_fence_is_signaled(wwr_job_started(behind)));
	wwr_job_end(endless);
	cr_expect_eq(join(behind), 0);
	cr_expect(wwr_fence_is_signaled(wwr_job_finished(endless)));
	wwr_job_put(endless);
	wwr_queue_put(queue);
	wwr_queue_put(other);
	wwr_device_destroy(device);
}

/* With the n-th allocation failing: 0 or -ENOMEM, and then there is no job. */
static int try_to_submit(struct wwr_queue *queue, unsigned int n, struct wwr_job **ret_job)
{
	int ret;

	test_alloc_fail(n, false);
	ret = wwr_job_create(queue, NULL, ret_job);
	if (ret != 0)
		return ret;
	ret = wwr_job_submit(*ret_job, NULL, 0, NULL);
	if (ret != 0)
		wwr_job_put(*ret_job);
	return ret;
}

Test(drivers_mock_hang, no_memory_to_wait_for_an_endless_job)
{
	struct wwr_device_config config;
	struct wwr_job *endless, *behind;
	struct wwr_queue *queue;
	unsigned int num_failures = 0;

	test_alloc_install();
	wwr_device_config_init(&config);
	config.use_sched = true;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
	queue = queue_of(NULL, WWR_ENGINE_RCS);
	endless = submit_with(queue, WWR_JOB_ENDLESS);
	while (try_to_submit(queue, num_failures + 1, &behind) == -ENOMEM)
		num_failures++;
	/* A job and its fences, those of the scheduler, and what it waits for. */
	cr_expect_geq(num_failures, 4, "only %u places", num_failures);
	test_alloc_fail(0, false);
	wwr_job_end(endless);
	cr_expect_eq(join(behind), 0);
	wwr_job_put(endless);
	wwr_queue_put(queue);
	wwr_device_destroy(device);
	wwr_set_allocator(NULL);
}

/* Without a scheduler nothing hangs, and a sibling is a queue as any other. */
Test(drivers_mock_hang, sibling_without_a_scheduler)
{
	struct wwr_queue *queue, *sibling;

	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	queue = queue_of(NULL, WWR_ENGINE_RCS);
	sibling = queue_of(queue, WWR_ENGINE_BCS);
	cr_expect_eq(run(sibling), 0);
	wwr_queue_put(sibling);
	wwr_queue_put(queue);
	wwr_device_destroy(device);
}
