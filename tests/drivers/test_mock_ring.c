/* SPDX-License-Identifier: MIT */
/* The entities of a queue: their priority, what a submit that failed leaves, a stopped device. */
#include "tests/drivers/test_mock.h"
#include "tests/lib/test_alloc.h"

#include "drivers/mock/queue.h"
#include "drivers/sched/sched_core.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

TestSuite(drivers_mock_ring, .timeout = 60);

/* Engines: of masters, and that bonds lead to.  Between them is one that is taken before. */
#define MASTER 0
#define BOUND  2

static struct mock mock;
static struct wwr_queue *queue;

static void begin_with(const struct wwr_device_config *config)
{
	mock = (struct mock){0};
	cr_assert_eq(wwr_device_create(config, &mock.device), 0);
	cr_assert_eq(wwr_queue_create(mock.device, "test", 0x7, &queue), 0);
}

static void begin(enum wwr_sched_policy policy)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.use_sched = true;
	config.policy = policy;
	begin_with(&config);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(queue);
	mock_fini(&mock);
}

static struct wwr_queue *queue_on(unsigned int engine)
{
	struct wwr_queue *other;

	cr_assert_eq(wwr_queue_create(mock.device, "other", UINT64_C(1) << engine, &other), 0);
	return other;
}

/* Has the engine, and gives way to no other. */
static struct mock_job start_blocker(struct wwr_queue *blocked, uint64_t label)
{
	struct mock_job job;

	wwr_queue_set_preemptible(blocked, false);
	job = mock_endless(&mock, blocked, label);
	mock_run(&job);
	return job;
}

/* The entity that a bond makes is no other one than that which was there before. */
Test(drivers_mock_ring, bound_jobs_have_the_priority_that_their_queue_had)
{
	struct mock_job master, blockers[2], low, high;
	struct wwr_queue *above, *below;
	struct wwr_job_info infos[2];

	begin(WWR_SCHED_FIFO);
	above = queue_on(MASTER);
	below = queue_on(BOUND);
	wwr_queue_set_priority(queue, 1);
	cr_assert_eq(wwr_queue_set_bond(queue, MASTER, UINT64_C(1) << BOUND), 0);
	master = start_blocker(above, 1);
	mock_wait(wwr_job_started(master.job), 1);
	/* As many as have room on the ring. */
	for (int i = 0; i < 2; i++)
		blockers[i] = start_blocker(below, 2 + (uint64_t)i);
	mock_wait(wwr_job_started(blockers[0].job), 1);
	low = mock_job(&mock, below, 4);
	mock_run(&low);
	high = mock_job(&mock, queue, 5);
	mock_after_start(&high, &master);
	mock_run(&high);
	for (int i = 0; i < 2; i++)
		mock_end(&blockers[i]);
	mock_wait(wwr_job_finished(low.job), 1);
	mock_wait(wwr_job_finished(high.job), 1);
	wwr_job_get_info(low.job, &infos[0]);
	wwr_job_get_info(high.job, &infos[1]);
	cr_expect_eq(infos[1].engine, BOUND);
	cr_expect_lt(infos[1].started_ns, infos[0].started_ns);
	mock_join(&low);
	mock_join(&high);
	mock_end(&master);
	wwr_queue_put(above);
	wwr_queue_put(below);
	finish();
}

#define NUM_ROUNDS 10000

static struct wwr_queue *raised[NUM_ROUNDS];
static int round_begun;

/* Just as the main thread makes the bond. */
static void *raise_priorities(void *arg)
{
	for (int i = 0; i < NUM_ROUNDS; i++) {
		while (__atomic_load_n(&round_begun, __ATOMIC_ACQUIRE) <= i)
			sched_yield();
		wwr_queue_set_priority(raised[i], 1);
	}
	return arg;
}

/* Whichever comes first. */
Test(drivers_mock_ring, priority_that_changes_while_a_bond_is_made)
{
	unsigned int num_others = 0;
	pthread_t thread;

	begin(WWR_SCHED_FAIR);
	cr_assert_eq(pthread_create(&thread, NULL, raise_priorities, NULL), 0);
	for (int i = 0; i < NUM_ROUNDS; i++) {
		raised[i] = queue_on(BOUND);
		__atomic_store_n(&round_begun, i + 1, __ATOMIC_RELEASE);
		cr_assert_eq(wwr_queue_set_bond(raised[i], MASTER, UINT64_C(1) << BOUND), 0);
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < NUM_ROUNDS; i++) {
		num_others += raised[i]->entity->priority != WWR_SCHED_PRIORITY_HIGH ||
			      raised[i]->bound[BOUND]->priority != WWR_SCHED_PRIORITY_HIGH;
		wwr_queue_put(raised[i]);
	}
	cr_expect_eq(num_others, 0, "%u of %d", num_others, NUM_ROUNDS);
	finish();
}

/*
 * A job that starts with its master, behind an endless one of its queue: the submit fails at the
 * n-th allocation, the bond is made, and the next submit follows it.  False = not so many.
 */
static bool bond_after_failure(unsigned int n)
{
	struct mock_job master, endless, job;
	struct wwr_queue *above;
	bool failed;
	int ret;

	begin(WWR_SCHED_FAIR);
	above = queue_on(MASTER);
	master = start_blocker(above, 1);
	endless = mock_endless(&mock, queue, 2);
	mock_run(&endless);
	mock_wait(wwr_job_started(endless.job), 1);
	job = mock_job(&mock, queue, 3);
	mock_after_start(&job, &master);
	test_alloc_fail(n, false);
	ret = wwr_job_submit(job.job, NULL, 0, &job.result);
	test_alloc_fail(0, false);
	failed = ret == -ENOMEM;
	if (failed) {
		struct wwr_job_info info;

		cr_assert_eq(wwr_queue_set_bond(queue, MASTER, UINT64_C(1) << BOUND), 0);
		mock_run(&job);
		mock_end(&endless);
		mock_wait(wwr_job_finished(job.job), 1);
		wwr_job_get_info(job.job, &info);
		cr_expect_eq(info.engine, BOUND, "after a failure at %u", n);
		mock_end(&master);
	} else {
		cr_assert_eq(ret, 0);
		mock.jobs[job.result.commit] = job.note;
		mock_end(&endless);
		/* Where it is, its master may be before it. */
		mock_end(&master);
	}
	mock_join(&job);
	wwr_queue_put(above);
	finish();
	return failed;
}

Test(drivers_mock_ring, submit_after_one_that_failed_asks_the_scheduler_anew)
{
	unsigned int n = 1;

	test_alloc_install();
	while (bond_after_failure(n))
		n++;
	/* The fences of the scheduler, and what it waits for. */
	cr_expect_gt(n, 2, "only %u places", n - 1);
	wwr_set_allocator(NULL);
}

/* It passes an endless one, and is found there though that one is older. */
Test(drivers_mock_ring, slow_job_in_place_of_an_endless_one_is_recovered)
{
	const struct wwr_job_config job_config = {.duration_ns = 1000000};
	struct wwr_device_config config;
	struct mock_job endless, slow;
	struct wwr_queue *other;
	struct wwr_sched_stats stats;

	wwr_device_config_init(&config);
	config.use_sched = true;
	config.slow_every = 2;
	config.slow_factor = 1e9;
	config.hang_timeout_ns = 2000000;
	config.hang_limit = UINT32_MAX;
	begin_with(&config);
	wwr_queue_put(queue);
	queue = queue_on(BOUND);
	other = queue_on(BOUND);
	endless = mock_endless(&mock, queue, 1);
	mock_run(&endless);
	mock_wait(wwr_job_started(endless.job), 1);
	slow = (struct mock_job){.mock = &mock};
	cr_assert_eq(wwr_job_create(other, &job_config, &slow.job), 0);
	mock_run(&slow);
	mock_wait(wwr_job_finished(slow.job), -ETIME);
	cr_expect(!mock_has_finished(&endless));
	wwr_device_get_recovery(mock.device, &stats);
	cr_expect_eq(stats.num_hangs, 1);
	wwr_job_put(slow.job);
	mock_end(&endless);
	wwr_queue_put(other);
	finish();
}

static uint64_t engine_ns(unsigned int engine)
{
	struct wwr_engine_info info;

	wwr_device_get_engine(mock.device, engine, &info);
	return info.busy_ns;
}

Test(drivers_mock_ring, queue_of_a_stopped_device)
{
	struct wwr_sched_stats before, after;
	struct wwr_queue *other;
	struct mock_job job;

	begin(WWR_SCHED_FAIR);
	job = mock_job(&mock, queue, 1);
	mock_run(&job);
	mock_join(&job);
	wwr_device_get_recovery(mock.device, &before);
	wwr_device_stop(mock.device);
	cr_expect_eq(wwr_queue_engine_ns(queue, 0) + wwr_queue_engine_ns(queue, 1) +
			 wwr_queue_engine_ns(queue, 2),
		     engine_ns(0) + engine_ns(1) + engine_ns(2));
	cr_expect_eq(wwr_queue_engine_ns(queue, UINT32_MAX), 0);
	cr_expect_eq(wwr_queue_create(mock.device, "late", 1, &other), -ECANCELED);
	cr_expect_eq(wwr_queue_create_sibling(queue, "late", 1, &other), -ECANCELED);
	cr_expect_eq(wwr_queue_create(mock.device, "late", 0, &other), -EINVAL);
	wwr_queue_set_priority(queue, 1);
	wwr_device_get_recovery(mock.device, &after);
	cr_expect_eq(before.num_finished, 1);
	cr_expect_eq(after.num_finished, 1);
	finish();
}
