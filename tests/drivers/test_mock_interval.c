/* SPDX-License-Identifier: MIT */
/* Timed jobs that give way at the ends of an interval. */
#include "tests/drivers/test_mock.h"

#include <errno.h>

#define LONG_NS	 INT64_C(3600000000000)
#define SHORT_NS 1000

TestSuite(drivers_mock_interval, .timeout = 60);

static struct mock mock;
static struct wwr_queue *low, *same, *high, *bcs;

static void begin(bool use_sched, uint64_t hang_every)
{
	struct wwr_device_config config;

	wwr_device_config_init(&config);
	config.use_sched = use_sched;
	config.hang_every = hang_every;
	config.hang_timeout_ns = use_sched ? 1000000 : 0;
	config.hang_limit = UINT32_MAX;
	mock = (struct mock){0};
	cr_assert_eq(wwr_device_create(&config, &mock.device), 0);
	low = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	same = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	high = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	bcs = mock_queue(&mock, WWR_ENGINE_BCS, 1);
	wwr_queue_set_priority(high, 1);
}

static void finish(void)
{
	cr_expect_eq(mock_mismatches(&mock), 0);
	wwr_queue_put(low);
	wwr_queue_put(same);
	wwr_queue_put(high);
	wwr_queue_put(bcs);
	mock_fini(&mock);
}

/* A job that writes a buffer of its own. */
static struct mock_job make_job(struct wwr_queue *queue, uint64_t label, int64_t duration_ns,
				int64_t interval_ns)
{
	const struct wwr_job_config config = {
	    .duration_ns = duration_ns, .interval_ns = interval_ns, .seed = label, .label = label};
	struct mock_job job = {.mock = &mock, .note = {.seed = label, .done = true}};

	cr_assert_eq(wwr_job_create(queue, &config, &job.job), 0);
	mock_use(&job, mock_bo(&mock), WWR_ACCESS_READ | WWR_ACCESS_WRITE);
	return job;
}

/* The same, running. */
static struct mock_job start_job(struct wwr_queue *queue, uint64_t label, int64_t duration_ns,
				 int64_t interval_ns)
{
	struct mock_job job = make_job(queue, label, duration_ns, interval_ns);

	mock_run(&job);
	mock_wait(wwr_job_started(job.job), 1);
	return job;
}

static bool is_under_way(const struct mock_job *job)
{
	const enum wwr_job_state state = mock_state(job);

	return state == WWR_JOB_RUNNING || state == WWR_JOB_PREEMPTED;
}

/* Does a long job give way to a ready one? */
static bool gives_way(bool use_sched, struct wwr_queue **to, bool preemptible, int64_t interval_ns)
{
	struct mock_job job, other;
	bool result;

	begin(use_sched, 0);
	wwr_queue_set_preemptible(low, preemptible);
	job = start_job(low, 1, LONG_NS, interval_ns);
	other = make_job(*to, 2, 0, 0);
	mock_run(&other);
	if (preemptible && interval_ns == SHORT_NS && to == &high) {
		mock_wait(wwr_job_finished(other.job), 1);
		cr_expect(is_under_way(&job));
		result = true;
	} else {
		/* Jobs on another engine get by: so there was time, but no way. */
		for (int i = 0; i < 20; i++)
			mock_marker(&mock, bcs);
		result = mock_has_started(&other);
		cr_expect_eq(mock_state(&job), WWR_JOB_RUNNING);
	}
	mock_end(&job);
	mock_join(&other);
	finish();
	return result;
}

Test(drivers_mock_interval, job_gives_way_to_a_higher_priority_and_goes_on)
{
	cr_expect(gives_way(false, &high, true, SHORT_NS));
	cr_expect(gives_way(true, &high, true, SHORT_NS));
}

Test(drivers_mock_interval, job_of_the_same_priority_waits)
{
	cr_expect_not(gives_way(false, &same, true, SHORT_NS));
	cr_expect_not(gives_way(true, &same, true, SHORT_NS));
}

Test(drivers_mock_interval, job_keeps_its_engine_until_the_end_of_an_interval)
{
	cr_expect_not(gives_way(false, &high, true, LONG_NS / 2));
	cr_expect_not(gives_way(false, &high, true, INT64_MAX));
	cr_expect_not(gives_way(true, &high, true, LONG_NS / 2));
}

Test(drivers_mock_interval, job_without_an_interval_or_not_preemptible_keeps_its_engine)
{
	cr_expect_not(gives_way(false, &high, true, 0));
	cr_expect_not(gives_way(false, &high, false, SHORT_NS));
	cr_expect_not(gives_way(true, &high, true, 0));
	cr_expect_not(gives_way(true, &high, false, SHORT_NS));
}

Test(drivers_mock_interval, negative_interval_is_refused)
{
	const struct wwr_job_config config = {.interval_ns = -1};
	struct wwr_job *job;

	begin(false, 0);
	cr_expect_eq(wwr_job_create(low, &config, &job), -EINVAL);
	finish();
}

/* Who gave way comes before those of its priority that were ready before. */
static void expect_it_goes_on_first(bool use_sched)
{
	struct mock_job job, other;

	begin(use_sched, 0);
	job = start_job(low, 1, LONG_NS, SHORT_NS);
	other = make_job(same, 2, 0, 0);
	mock_run(&other);
	for (int i = 0; i < 3; i++)
		mock_marker(&mock, high);
	cr_expect_not(mock_has_started(&other));
	cr_expect(is_under_way(&job));
	mock_end(&job);
	mock_join(&other);
	finish();
}

Test(drivers_mock_interval, job_that_gave_way_goes_on_before_its_equals)
{
	expect_it_goes_on_first(false);
	expect_it_goes_on_first(true);
}

/* It reads the buffer at its start and writes it at its end: nobody may come between. */
static void expect_dependencies_hold(bool use_sched)
{
	struct mock_job job, reader;

	begin(use_sched, 0);
	job = start_job(low, 1, LONG_NS, SHORT_NS);
	reader = mock_job(&mock, high, 2);
	mock_use(&reader, 0, WWR_ACCESS_READ);
	mock_use(&reader, mock_bo(&mock), WWR_ACCESS_WRITE);
	mock_run(&reader);
	for (int i = 0; i < 3; i++) {
		struct wwr_queue *marker = mock_queue(&mock, WWR_ENGINE_RCS, 1);

		wwr_queue_set_priority(marker, 2);
		mock_marker(&mock, marker);
		wwr_queue_put(marker);
	}
	cr_expect_not(mock_has_started(&reader));
	mock_end(&job);
	mock_join(&reader);
	finish();
}

Test(drivers_mock_interval, job_that_gave_way_keeps_its_buffers)
{
	expect_dependencies_hold(false);
	expect_dependencies_hold(true);
}

/* The time away does not count: both run for all of their time on the one engine. */
static void expect_time_left_is_kept(bool use_sched)
{
	const int64_t duration_ns = 20000000;
	struct wwr_engine_info engine;
	struct mock_job job, other;

	begin(use_sched, 0);
	job = start_job(low, 1, duration_ns, SHORT_NS);
	other = make_job(high, 2, duration_ns, 0);
	mock_run(&other);
	mock_join(&job);
	mock_join(&other);
	/* The engine has left both before it runs this one. */
	mock_marker(&mock, low);
	wwr_device_get_engine(mock.device, 0, &engine);
	cr_expect_geq(engine.busy_ns, 2 * (uint64_t)duration_ns);
	finish();
}

Test(drivers_mock_interval, time_left_is_run_later)
{
	expect_time_left_is_kept(false);
	expect_time_left_is_kept(true);
}

/* On any of several engines the one with the lowest priority gives way, and goes on elsewhere. */
static void expect_lowest_gives_way(int lowest)
{
	struct wwr_queue *queues[2], *any;
	struct mock_job jobs[2], blocker;
	struct wwr_job_info low_info, other_info, info;

	begin(false, 0);
	for (int i = 0; i < 2; i++) {
		queues[i] = mock_queue(&mock, WWR_ENGINE_VCS, 0);
		wwr_queue_set_priority(queues[i], i == lowest ? -1 : 0);
		jobs[i] = start_job(queues[i], (uint64_t)i, LONG_NS, SHORT_NS);
	}
	any = mock_queue(&mock, WWR_ENGINE_VCS, 0);
	wwr_queue_set_priority(any, 5);
	wwr_queue_set_preemptible(any, false);
	blocker = mock_endless(&mock, any, 7);
	mock_run(&blocker);
	mock_wait(wwr_job_started(blocker.job), 1);
	wwr_job_get_info(jobs[lowest].job, &low_info);
	wwr_job_get_info(jobs[1 - lowest].job, &other_info);
	wwr_job_get_info(blocker.job, &info);
	cr_expect_eq(low_info.state, WWR_JOB_PREEMPTED);
	cr_expect_eq(other_info.state, WWR_JOB_RUNNING);
	cr_expect_eq(info.engine, low_info.engine);
	/* It has to wait for the end of the other one, on whose engine it goes on. */
	mock_end(&jobs[1 - lowest]);
	wwr_job_end(jobs[lowest].job);
	mock_wait(wwr_job_finished(jobs[lowest].job), 1);
	wwr_job_get_info(jobs[lowest].job, &info);
	cr_expect_eq(info.engine, other_info.engine);
	mock_join(&jobs[lowest]);
	mock_end(&blocker);
	for (int i = 0; i < 2; i++)
		wwr_queue_put(queues[i]);
	wwr_queue_put(any);
	finish();
}

Test(drivers_mock_interval, lowest_of_several_gives_way_and_goes_on_where_there_is_room)
{
	expect_lowest_gives_way(0);
	expect_lowest_gives_way(1);
}

/* Which of them gives way to which is a matter of priority alone. */
static void expect_three_levels(bool use_sched)
{
	struct wwr_queue *highest;
	struct mock_job jobs[3];

	begin(use_sched, 0);
	highest = mock_queue(&mock, WWR_ENGINE_RCS, 1);
	wwr_queue_set_priority(highest, 2);
	jobs[0] = start_job(low, 1, LONG_NS, SHORT_NS);
	jobs[1] = start_job(high, 2, LONG_NS, SHORT_NS);
	jobs[2] = start_job(highest, 3, LONG_NS, SHORT_NS);
	cr_expect_eq(mock_state(&jobs[0]), WWR_JOB_PREEMPTED);
	cr_expect_eq(mock_state(&jobs[1]), WWR_JOB_PREEMPTED);
	cr_expect_eq(mock_state(&jobs[2]), WWR_JOB_RUNNING);
	/* What does not run can be told to end, but does so when its turn comes. */
	wwr_job_end(jobs[0].job);
	mock_end(&jobs[2]);
	mock_end(&jobs[1]);
	mock_join(&jobs[0]);
	wwr_queue_put(highest);
	finish();
}

Test(drivers_mock_interval, three_priorities_on_one_engine)
{
	expect_three_levels(false);
	expect_three_levels(true);
}

/* It would be ready on the ring, with a higher priority. */
Test(drivers_mock_interval, job_on_a_ring_lets_no_job_of_its_queue_pass)
{
	struct mock_job job, behind;

	begin(true, 0);
	job = start_job(low, 1, LONG_NS, SHORT_NS);
	wwr_queue_set_priority(low, 5);
	behind = make_job(low, 2, 0, 0);
	mock_run(&behind);
	mock_marker(&mock, high);
	cr_expect_not(mock_has_started(&behind));
	mock_end(&job);
	mock_join(&behind);
	finish();
}

/* The one that hangs is found behind the older one, which goes on afterwards. */
Test(drivers_mock_interval, job_on_a_ring_goes_on_after_one_that_hung_in_its_place)
{
	struct mock_job job, hanging;

	begin(true, 2);
	job = start_job(low, 1, LONG_NS, SHORT_NS);
	hanging = make_job(high, 2, 0, 0);
	hanging.note.done = false;
	mock_run(&hanging);
	mock_wait(wwr_job_finished(hanging.job), -ETIME);
	cr_expect(!mock_has_finished(&job));
	mock_end(&job);
	wwr_job_put(hanging.job);
	finish();
}

/* Jobs of many queues, with and without intervals, on too few engines. */
static void expect_all_end(bool use_sched)
{
	struct wwr_queue *queues[6];
	struct mock_job jobs[18];
	uint32_t shared;

	begin(use_sched, 0);
	shared = mock_bo(&mock);
	for (int i = 0; i < 6; i++)
		queues[i] = mock_queue(&mock, WWR_ENGINE_VCS, i < 4 ? 0 : (uint32_t)i - 3);
	for (int i = 0; i < 18; i++) {
		wwr_queue_set_priority(queues[i % 6], i % 4);
		jobs[i] = make_job(queues[i % 6], (uint64_t)i, 200000, i % 3 == 0 ? 0 : 20000 + i);
		mock_use(&jobs[i], shared, i % 5 == 0 ? WWR_ACCESS_WRITE : WWR_ACCESS_READ);
		mock_run(&jobs[i]);
	}
	for (int i = 0; i < 18; i++)
		mock_join(&jobs[i]);
	for (int i = 0; i < 6; i++)
		wwr_queue_put(queues[i]);
	finish();
}

Test(drivers_mock_interval, many_jobs_all_end_and_their_bytes_are_right)
{
	expect_all_end(false);
	expect_all_end(true);
}
