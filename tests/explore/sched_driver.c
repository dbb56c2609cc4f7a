/* SPDX-License-Identifier: MIT */
/* The driver and its hardware: every op looks whether it may be called just now. */
#include "tests/explore/sched_world.h"

#include <errno.h>

/* How often a late job is only slow. */
#define MAX_SLOW 2

#define world sched_world

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "explore";
}

static void release_op(struct wwr_fence *fence)
{
	ex_delete(fence);
}

static const struct wwr_fence_ops fence_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

struct wwr_fence *sched_create_fence(unsigned int number)
{
	struct wwr_fence *fence = ex_new(EX_FENCE, number, sizeof(*fence));

	wwr_fence_init(fence, &fence_ops, wwr_fence_context_alloc(1), 1);
	return fence;
}

/* Whether an op may be called now. */
static struct sched_record *op_begins(struct wwr_sched_job *base)
{
	struct sched_record *record =
	    &world.records[WWR_CONTAINER_OF(base, struct sched_job, base)->index];

	EX_CHECK(!*(const bool *)wwr_sched_data(wwr_sched_job_sched(base)),
		 "an op is called for a ring that is gone");
	EX_CHECK(record->num_frees == 0, "an op is called for a job that was freed");
	return record;
}

static int run_job(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	struct sched_record *record = op_begins(base);

	EX_CHECK(record->num_runs <= world.num_resets, "job %u runs once more", record->index + 1);
	for (unsigned int i = 0; i < SCHED_MAX_DEPS; i++)
		EX_CHECK(record->deps[i] == NULL || wwr_fence_is_signaled(record->deps[i]),
			 "job %u runs before its dependency", record->index + 1);
	record->num_runs++;
	record->on_ring = true;
	*ret_fence = wwr_fence_get(record->hw);
	ex_point("runs");
	return 0;
}

static enum wwr_sched_verdict timed_out(struct wwr_sched_job *base)
{
	struct sched_record *record = op_begins(base);

	EX_CHECK(record->num_runs > 0, "job %u is late and never ran", record->index + 1);
	ex_point("times out");
	if (record->num_hangs++ < MAX_SLOW && ex_choose(3) == 0)
		return WWR_SCHED_NO_HANG;
	for (unsigned int i = 0; i < world.config->num_jobs; i++) {
		if (world.records[i].ring == record->ring)
			world.records[i].on_ring = false;
	}
	if ((world.config->flags & SCHED_LOSE) != 0)
		return WWR_SCHED_NODEV;
	world.num_resets++;
	return WWR_SCHED_RESET;
}

static void cancel_job(struct wwr_sched_job *base)
{
	struct sched_record *record = op_begins(base);

	EX_CHECK(++record->num_cancels == 1, "job %u is cancelled twice", record->index + 1);
	EX_CHECK(record->on_ring, "job %u is cancelled and not on the ring", record->index + 1);
}

static void free_job(struct wwr_sched_job *base)
{
	struct sched_job *job = WWR_CONTAINER_OF(base, struct sched_job, base);
	struct sched_record *record = &world.records[job->index];

	EX_CHECK(ex_self() != world.hardware[0] && ex_self() != world.hardware[1],
		 "job %u is freed from a fence callback", record->index + 1);
	EX_CHECK(++record->num_frees == 1, "job %u is freed twice", record->index + 1);
	EX_CHECK(record->num_calls == 1, "job %u is freed, and its fence called nobody",
		 record->index + 1);
	ex_delete(job);
}

static void wake(struct wwr_sched *sched)
{
	(void)sched;
	world.wanted = true;
	ex_wake_all(&world.wanted);
}

const struct wwr_sched_ops sched_driver_ops = {
    .run_job = run_job,
    .timed_out = timed_out,
    .cancel_job = cancel_job,
    .free_job = free_job,
    .wake = wake,
};

/* Of the finished fence: its job, and so the scheduled one, still lives. */
void sched_finished_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct sched_record *record = WWR_CONTAINER_OF(cb, struct sched_record, cb);

	(void)fence;
	EX_CHECK(++record->num_calls == 1, "job %u signals twice", record->index + 1);
	EX_CHECK(wwr_fence_is_signaled(record->scheduled), "job %u is done before it is scheduled",
		 record->index + 1);
	for (unsigned int i = 0; i < world.config->num_jobs; i++) {
		const struct sched_record *other = &world.records[i];

		EX_CHECK(!other->armed || other->entity != record->entity ||
			     other->seqno >= record->seqno || other->num_calls == 1,
			 "job %u signals before job %u", record->index + 1, i + 1);
	}
}

static void signal_one(struct wwr_fence *fence, bool fails)
{
	if (fence == NULL)
		return;
	if (fails)
		wwr_fence_set_error(fence, -EIO);
	EX_CHECK(wwr_fence_signal(fence) == 0, "signalled twice");
}

static bool is_stuck(unsigned int flag)
{
	return (world.config->flags & flag) != 0 && ex_choose(3) == 0;
}

static void signal_hw(void)
{
	for (unsigned int i = 0; i < world.config->num_jobs; i++) {
		if (!is_stuck(SCHED_STUCK_HW))
			signal_one(world.records[i].hw, world.records[i].fails);
	}
}

/* One of each job's. */
static void signal_deps(unsigned int dep)
{
	for (unsigned int i = 0; i < world.config->num_jobs; i++) {
		if (!is_stuck(SCHED_STUCK_DEPS))
			signal_one(world.records[i].deps[dep], false);
	}
}

void sched_hardware_main(void *arg)
{
	(void)arg;
	if (ex_choose(2) == 0) {
		signal_hw();
		signal_deps(0);
	} else {
		signal_deps(0);
		signal_hw();
	}
	if ((world.config->flags & SCHED_TWO_HW) == 0)
		signal_deps(1);
}

void sched_other_hardware_main(void *arg)
{
	(void)arg;
	signal_deps(1);
}
