/* SPDX-License-Identifier: MIT */
/*
 * The end of entities, rings and devices while jobs are on their way.  Whatever happens when, each
 * armed job signals, in order and with the error that include/wwresv/sched_job.h says, calls back
 * once and is freed once; nothing is left, and nobody looks at what is gone.
 */
#include "tests/explore/sched_world.h"

#include <errno.h>

static bool ran(const struct sched_record *record)
{
	return record->error == 0 || record->error == -EIO;
}

static void kill_event(void)
{
	const unsigned int entity = ex_choose(sched_world.num_entities);

	sched_world.killed = entity + 1;
	wwr_sched_entity_kill(sched_world.entities[entity]);
}

/* Jobs on the ring go on; the others never get there. */
static void check_kill(const struct sched_record *record)
{
	const bool killed = sched_world.killed == record->entity + 1;

	EX_CHECK(ran(record) || (killed && record->error == -ESRCH && record->num_runs == 0),
		 "job %u: %d, and %u runs", record->index + 1, record->error, record->num_runs);
	EX_CHECK(!killed || !record->after_event || record->error == -ESRCH,
		 "job %u was armed after the kill: %d", record->index + 1, record->error);
}

static void destroy_event(void)
{
	sched_destroy_ring(0);
}

static void check_destroy(const struct sched_record *record)
{
	const unsigned int number = record->index + 1;

	EX_CHECK(ran(record) || record->error == -ECANCELED ||
		     (record->error == -ENODEV && !record->before_event && record->num_runs == 0),
		 "job %u: %d", number, record->error);
	EX_CHECK(!record->after_event || record->error == -ENODEV,
		 "job %u was armed after the end: %d", number, record->error);
	EX_CHECK(!ran(record) || record->num_cancels == 0 || record->hw != NULL,
		 "job %u ended at once and was cancelled", number);
}

static void kill_or_destroy_event(void)
{
	if (ex_choose(2) == 0)
		kill_event();
	destroy_event();
}

static void check_kill_or_destroy(const struct sched_record *record)
{
	if (record->error != -ESRCH)
		EX_CHECK(ran(record) || record->error == -ECANCELED || record->error == -ENODEV,
			 "job %u: %d", record->index + 1, record->error);
	else
		EX_CHECK(sched_world.killed == record->entity + 1 && record->num_runs == 0,
			 "job %u: -ESRCH and %u runs", record->index + 1, record->num_runs);
	EX_CHECK(!record->after_event || !ran(record), "job %u ran after the end",
		 record->index + 1);
}

/* What has ended of the entity's context, as far as it counts. */
static unsigned int count_hangs(const struct sched_record *record)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < sched_world.config->num_jobs; i++) {
		const struct sched_record *other = &sched_world.records[i];

		num += other->error == -ETIME &&
		       (sched_world.one_ctx || other->entity == record->entity);
	}
	return num;
}

static void check_hang(const struct sched_record *record)
{
	EX_CHECK(ran(record) || record->error == -ETIME ||
		     (record->error == -ECANCELED && count_hangs(record) > sched_world.hang_limit),
		 "job %u: %d, %u hangs of its context", record->index + 1, record->error,
		 count_hangs(record));
}

static void check_hang_and_end(const struct sched_record *record)
{
	if (record->error != -ETIME)
		check_kill_or_destroy(record);
}

static void check_lost(const struct sched_record *record)
{
	unsigned int num_asked = 0;

	for (unsigned int i = 0; i < sched_world.config->num_jobs; i++)
		num_asked += sched_world.records[i].num_hangs;
	EX_CHECK(ran(record) || (record->error == -ENODEV && num_asked > 0),
		 "job %u: %d, and %u were late", record->index + 1, record->error, num_asked);
}

static void priority_event(void)
{
	for (unsigned int i = 0; i < 3; i++)
		wwr_sched_entity_set_priority(
		    sched_world.entities[ex_choose(sched_world.num_entities)],
		    ex_choose(WWR_SCHED_NUM_PRIORITIES));
	if (ex_choose(2) == 0)
		kill_event();
}

/* Once one ring is gone, jobs go to the other. */
static void check_move(const struct sched_record *record)
{
	EX_CHECK(ran(record) || (!record->after_event &&
				 (record->error == -ECANCELED || record->error == -ENODEV)),
		 "job %u: %d", record->index + 1, record->error);
}

#define SCENARIO(id, text, ...)                                                                    \
	static const struct sched_config id##_config = {__VA_ARGS__};                              \
	static const struct ex_scenario id = {#id, text, sched_setup, sched_check, &id##_config}

SCENARIO(sched_kill, "an entity is killed while its jobs are on their way", .num_jobs = 2,
	 .num_entities = 1, .num_rings = 1, .num_deps = 1, .flags = SCHED_STUCK_DEPS,
	 .event = kill_event, .check = check_kill);
SCENARIO(sched_destroy, "a ring is destroyed while jobs wait, run and end", .num_jobs = 2,
	 .num_entities = 2, .num_rings = 1, .num_deps = 1,
	 .flags = SCHED_STUCK_DEPS | SCHED_STUCK_HW, .event = destroy_event, .destroys = true,
	 .check = check_destroy);
SCENARIO(sched_deps, "the last of two dependencies signals as entity or ring end", .num_jobs = 1,
	 .num_entities = 1, .num_rings = 1, .num_deps = 2, .flags = SCHED_STUCK_DEPS | SCHED_TWO_HW,
	 .event = kill_or_destroy_event, .destroys = true, .check = check_kill_or_destroy);
SCENARIO(sched_hang, "jobs hang, the ring is reset, contexts become guilty", .num_jobs = 3,
	 .num_entities = 2, .num_rings = 1, .flags = SCHED_STUCK_HW | SCHED_TIMEOUT,
	 .check = check_hang);
SCENARIO(sched_guilty, "a context becomes guilty, and has jobs on two rings", .num_jobs = 2,
	 .num_entities = 2, .num_rings = 2, .flags = SCHED_STUCK_HW | SCHED_TIMEOUT | SCHED_GUILTY,
	 .check = check_hang);
SCENARIO(sched_late, "two clients submit to a ring that goes or is gone", .num_jobs = 2,
	 .num_entities = 1, .num_rings = 1, .flags = SCHED_TWO_CLIENTS, .event = destroy_event,
	 .destroys = true, .check = check_destroy);
SCENARIO(sched_hang_end, "an entity is killed, a ring destroyed while jobs time out", .num_jobs = 2,
	 .num_entities = 2, .num_rings = 1, .flags = SCHED_STUCK_HW | SCHED_TIMEOUT,
	 .event = kill_or_destroy_event, .destroys = true, .check = check_hang_and_end);
SCENARIO(sched_lost, "a job is late, and the device is lost", .num_jobs = 2, .num_entities = 2,
	 .num_rings = 1, .num_deps = 1, .flags = SCHED_STUCK_HW | SCHED_TIMEOUT | SCHED_LOSE,
	 .check = check_lost);
SCENARIO(sched_priority, "priorities change while jobs wait for credits", .num_jobs = 3,
	 .num_entities = 2, .num_rings = 1, .flags = SCHED_ONE_CREDIT, .event = priority_event,
	 .check = check_kill);
SCENARIO(sched_move, "of an entity's two rings one is destroyed", .num_jobs = 2, .num_entities = 1,
	 .num_rings = 2, .event = destroy_event, .destroys = true, .check = check_move);
SCENARIO(sched_run, "two threads run a ring without a worker", .num_jobs = 2, .num_entities = 1,
	 .num_rings = 1, .num_deps = 1, .flags = SCHED_RUNNERS, .event = kill_event,
	 .check = check_kill);

const struct ex_scenario *const ex_sched_scenarios[] = {
    &sched_kill,     &sched_guilty, &sched_late,     &sched_destroy, &sched_deps, &sched_hang,
    &sched_hang_end, &sched_lost,   &sched_priority, &sched_move,    &sched_run,  NULL,
};
