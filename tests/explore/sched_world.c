/* SPDX-License-Identifier: MIT */
/* The client, the event, and what is true in the end. */
#include "tests/explore/sched_world.h"

#include <errno.h>
#include <string.h>

#define MAX_PAUSE   40
#define MAX_TIMEOUT 200

struct sched_world sched_world;

#define world sched_world

void sched_pause(void)
{
	for (unsigned int pause = ex_choose(MAX_PAUSE); pause > 0; pause--)
		ex_point("pauses");
}

static void arm(struct sched_record *record, struct sched_job *job)
{
	record->after_event = world.event_ends;
	wwr_sched_job_arm(&job->base);
	record->before_event = !world.event_begins;
	record->scheduled = wwr_fence_get(wwr_sched_job_scheduled(&job->base));
	record->finished = wwr_fence_get(wwr_sched_job_finished(&job->base));
	record->seqno = record->finished->seqno;
	record->ring = wwr_sched_job_sched(&job->base);
	if (wwr_fence_add_callback(record->finished, &record->cb, sched_finished_callback) != 0)
		record->num_calls = 1;
	record->armed = true;
}

static void submit(struct sched_record *record)
{
	struct sched_job *job = ex_new(EX_BLOCK, record->index, sizeof(*job));
	int ret = wwr_sched_job_init(&job->base, world.entities[record->entity], 1);

	EX_CHECK(ret == 0, "job_init: %d", ret);
	job->index = record->index;
	for (unsigned int i = 0; i < SCHED_MAX_DEPS; i++) {
		if (record->deps[i] == NULL)
			continue;
		ret = wwr_sched_job_add_dependency(&job->base, record->deps[i]);
		EX_CHECK(ret == 0, "add_dependency: %d", ret);
	}
	if (ex_choose(8) == 0) {
		wwr_sched_job_fini(&job->base);
		ex_delete(job);
		return;
	}
	arm(record, job);
	wwr_sched_job_push(&job->base);
	record->pushed = true;
}

static void await(struct sched_record *record)
{
	int status;

	if (!record->armed)
		return;
	EX_CHECK(wwr_fence_wait_until(record->finished, NULL, INT64_MAX) == 0, "a wait ended");
	status = wwr_fence_get_status(record->finished);
	record->error = status < 0 ? status : 0;
	EX_CHECK(wwr_fence_is_signaled(record->scheduled), "job %u is done before it is scheduled",
		 record->index + 1);
	wwr_fence_put(record->scheduled);
	wwr_fence_put(record->finished);
}

void sched_destroy_ring(unsigned int ring)
{
	bool pushed[SCHED_MAX_JOBS];

	for (unsigned int i = 0; i < world.config->num_jobs; i++)
		pushed[i] = world.records[i].pushed;
	wwr_sched_destroy(world.rings[ring]);
	world.ring_is_gone[ring] = true;
	for (unsigned int i = 0; i < world.config->num_jobs && world.config->num_rings == 1; i++)
		EX_CHECK(!pushed[i] || world.records[i].num_frees == 1,
			 "the ring is gone and job %u is not freed", i + 1);
}

static void end_ring(unsigned int ring)
{
	struct wwr_sched_stats stats;

	wwr_sched_get_stats(world.rings[ring], &stats);
	EX_CHECK(stats.num_jobs == 0 && stats.credits == 0,
		 "all jobs have ended, and the ring counts %u, of %u credits", stats.num_jobs,
		 stats.credits);
	sched_destroy_ring(ring);
}

static void put_entities(void)
{
	for (unsigned int i = 0; i < world.num_entities; i++)
		wwr_sched_entity_put(world.entities[i]);
}

/* The other client has the first one. */
static void submit_jobs(unsigned int first)
{
	for (unsigned int i = first; i < world.config->num_jobs; i++)
		submit(&world.records[i]);
}

static void await_jobs(unsigned int first)
{
	for (unsigned int i = first; i < world.config->num_jobs; i++)
		await(&world.records[i]);
}

/* Other fibers count down. */
static void wait_for(const unsigned int *num)
{
	while (*num != 0)
		(void)ex_sleep(num, INT64_MAX);
}

static void count_down(unsigned int *num)
{
	(*num)--;
	ex_wake_all(num);
}

static void other_client_main(void *arg)
{
	(void)arg;
	submit(&world.records[0]);
	await(&world.records[0]);
	count_down(&world.num_others);
}

static void client_main(void *arg)
{
	const struct sched_config *config = arg;
	const unsigned int first = (config->flags & SCHED_TWO_CLIENTS) != 0;
	/* Who else uses them has no references. */
	const bool early = first == 0 && ex_choose(2) == 0;

	submit_jobs(first);
	if (early)
		put_entities();
	await_jobs(first);
	wait_for(&world.num_others);
	world.over = true;
	ex_wake_all(&world.wanted);
	wait_for(&world.num_runners);
	for (unsigned int i = 0; i < config->num_rings; i++) {
		/* The event destroys the first one. */
		if (!config->destroys || i != 0)
			end_ring(i);
	}
	if (!early)
		put_entities();
}

static void runner_main(void *arg)
{
	(void)arg;
	while (!world.over) {
		if (!world.wanted) {
			(void)ex_sleep(&world.wanted, INT64_MAX);
			continue;
		}
		world.wanted = false;
		(void)wwr_sched_run(world.rings[0]);
	}
	count_down(&world.num_runners);
}

static void setup_records(const struct sched_config *config)
{
	for (unsigned int i = 0; i < config->num_jobs; i++) {
		struct sched_record *record = &world.records[i];

		*record =
		    (struct sched_record){.index = i, .entity = ex_choose(world.num_entities)};
		if (ex_choose(4) != 0)
			record->hw = sched_create_fence(i * (SCHED_MAX_DEPS + 1));
		record->fails = record->hw != NULL && ex_choose(8) == 0;
		for (unsigned int j = 0; j < config->num_deps; j++) {
			if (ex_choose(2) == 0)
				record->deps[j] =
				    sched_create_fence(i * (SCHED_MAX_DEPS + 1) + 1 + j);
		}
	}
}

static void setup_rings(const struct sched_config *config, struct wwr_sched_group *group)
{
	const bool no_thread = (config->flags & SCHED_RUNNERS) != 0;
	const bool one_credit = (config->flags & SCHED_ONE_CREDIT) != 0;

	for (unsigned int i = 0; i < config->num_rings; i++) {
		struct wwr_sched_options options = {
		    .ops = &sched_driver_ops,
		    .policy = ex_choose(WWR_SCHED_NUM_POLICIES),
		    .credit_limit = one_credit ? 1 : 1 + ex_choose(2),
		    .hang_limit = world.hang_limit,
		    .flags = no_thread ? WWR_SCHED_NO_THREAD : 0,
		    .data = &world.ring_is_gone[i],
		};

		if ((config->flags & SCHED_TIMEOUT) != 0)
			options.timeout_ns = 1 + ex_choose(MAX_TIMEOUT);
		EX_CHECK(wwr_sched_create(group, &options, &world.rings[i]) == 0, "no ring");
	}
}

static void setup_entities(const struct sched_config *config, struct wwr_sched_group *group)
{
	struct wwr_sched_ctx *ctx = NULL;

	if (world.one_ctx)
		EX_CHECK(wwr_sched_ctx_create(group, &ctx) == 0, "no context");
	for (unsigned int i = 0; i < world.num_entities; i++) {
		const struct wwr_sched_entity_options options = {
		    .priority = ex_choose(WWR_SCHED_NUM_PRIORITIES),
		    .scheds = world.rings,
		    .num_scheds = config->num_rings,
		    .ctx = ctx,
		};

		EX_CHECK(wwr_sched_entity_create(&options, &world.entities[i]) == 0, "no entity");
		/* The event's. */
		if (config->event != NULL)
			(void)wwr_sched_entity_get(world.entities[i]);
	}
	wwr_sched_ctx_put(ctx);
}

static void event_main(void *arg)
{
	const struct sched_config *config = arg;
	unsigned int i;

	sched_pause();
	world.event_begins = true;
	config->event();
	world.event_ends = true;
	for (i = 0; i < world.num_entities; i++)
		wwr_sched_entity_put(world.entities[i]);
}

static void spawn(const struct sched_config *config)
{
	world.num_others = (config->flags & SCHED_TWO_CLIENTS) != 0;
	if (world.num_others != 0)
		(void)ex_spawn("client", other_client_main, NULL);
	(void)ex_spawn("client", client_main, (void *)config);
	world.hardware[0] = world.hardware[1] = ex_spawn("hardware", sched_hardware_main, NULL);
	if ((config->flags & SCHED_TWO_HW) != 0)
		world.hardware[1] = ex_spawn("other", sched_other_hardware_main, NULL);
	if (config->event != NULL)
		(void)ex_spawn("event", event_main, (void *)config);
	if ((config->flags & SCHED_RUNNERS) == 0)
		return;
	world.num_runners = 2;
	for (unsigned int i = 0; i < 2; i++)
		(void)ex_spawn("runner", runner_main, NULL);
}

void sched_setup(const struct ex_scenario *scenario)
{
	const struct sched_config *config = scenario->config;
	const bool guilty = (config->flags & SCHED_GUILTY) != 0;
	struct wwr_sched_group *group;

	ex_spins = 1;
	wwr_class_init(&ex_class, "explore", WWR_WOUND_WAIT);
	memset(&world, 0, sizeof(world));
	world.config = config;
	world.one_ctx = guilty || ex_choose(2) == 0;
	world.num_entities = guilty ? 2 : 1 + ex_choose(config->num_entities);
	world.hang_limit = guilty ? 0 : ex_choose(2);
	EX_CHECK(wwr_sched_group_create(NULL, &group) == 0, "no group");
	setup_rings(config, group);
	setup_entities(config, group);
	wwr_sched_group_put(group);
	setup_records(config);
	spawn(config);
}

static void check_record(const struct sched_record *record)
{
	const unsigned int number = record->index + 1;

	EX_CHECK(record->num_calls == 1, "job %u ended and called %u times", number,
		 record->num_calls);
	EX_CHECK(record->num_frees == 1, "job %u ended and was not freed", number);
	switch (record->error) {
	case 0:
		EX_CHECK(record->num_runs > 0 && !record->fails, "job %u ended well", number);
		break;
	case -EIO:
		EX_CHECK(record->num_runs > 0 && record->fails, "job %u failed", number);
		break;
	case -ETIME:
		EX_CHECK(record->num_hangs > 0, "job %u timed out, and nobody was asked", number);
		break;
	default:
		break;
	}
	world.config->check(record);
}

void sched_check(const struct ex_scenario *scenario)
{
	const struct sched_config *config = scenario->config;

	for (unsigned int i = 0; i < config->num_jobs; i++) {
		struct sched_record *record = &world.records[i];

		if (record->armed)
			check_record(record);
		wwr_fence_put(record->hw);
		for (unsigned int j = 0; j < config->num_deps; j++)
			wwr_fence_put(record->deps[j]);
	}
}
