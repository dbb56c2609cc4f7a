/* SPDX-License-Identifier: MIT */
#include "tests/drivers/sched_sim.h"

#include <stdlib.h>

static const char *sim_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "sim";
}

/* Not from the library's allocator: run_job must not allocate there. */
static void sim_release(struct wwr_fence *fence)
{
	free(fence);
}

static const struct wwr_fence_ops sim_fence_ops = {
    .driver_name = sim_name, .timeline_name = sim_name, .release = sim_release};

struct wwr_fence *sim_gate(void)
{
	struct wwr_fence *fence = calloc(1, sizeof(*fence));

	if (fence == NULL)
		abort();
	wwr_fence_init(fence, &sim_fence_ops, wwr_fence_context_alloc(1), 1);
	return fence;
}

static struct sim_job *to_sim(struct wwr_sched_job *job)
{
	return WWR_CONTAINER_OF(job, struct sim_job, base);
}

static struct sim_ring *ring_of(const struct wwr_sched_job *job)
{
	return wwr_sched_data(wwr_sched_job_sched(job));
}

static int sim_run_job(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	struct sim_job *job = to_sim(base);
	struct sim_ring *ring = ring_of(base);
	struct sim *sim = ring->sim;
	struct sim_job **link = &ring->first;
	int64_t begin_ns = ring->free_ns > sim->now_ns ? ring->free_ns : sim->now_ns;

	if (sim->num_log < SIM_MAX_LOG)
		sim->log[sim->num_log++] = job->id;
	job->num_runs++;
	if (job->run_error != 0 || job->at_once)
		return job->run_error;
	while (*link != NULL)
		link = &(*link)->next;
	*link = job;
	job->next = NULL;
	job->end_ns = job->duration_ns == SIM_HANGS || begin_ns == SIM_HANGS
			  ? SIM_HANGS
			  : begin_ns + job->duration_ns;
	ring->free_ns = job->end_ns;
	job->hw = sim_gate();
	*ret_fence = wwr_fence_get(job->hw);
	return 0;
}

static void ring_drop(struct sim_ring *ring, struct sim_job *job)
{
	struct sim_job **link = &ring->first;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	wwr_fence_put(job->hw);
	job->hw = NULL;
}

/* The first job of the ring ends. */
static void ring_complete(struct sim_ring *ring)
{
	struct sim_job *job = ring->first;
	struct wwr_fence *hw = wwr_fence_get(job->hw);

	if (job->hw_error != 0)
		wwr_fence_set_error(hw, job->hw_error);
	ring_drop(ring, job);
	(void)wwr_fence_signal(hw);
	wwr_fence_put(hw);
}

static enum wwr_sched_verdict sim_timed_out(struct wwr_sched_job *job)
{
	struct sim_ring *ring = ring_of(job);
	enum wwr_sched_verdict verdict = to_sim(job)->is_slow ? WWR_SCHED_NO_HANG : ring->verdict;

	ring->num_timeouts++;
	for (; ring->end_in_timeout > 0; ring->end_in_timeout--)
		ring_complete(ring);
	if (verdict != WWR_SCHED_NO_HANG) {
		while (ring->first != NULL)
			ring_drop(ring, ring->first);
		ring->free_ns = 0;
	}
	return verdict;
}

static void sim_cancel_job(struct wwr_sched_job *job)
{
	struct sim_ring *ring = ring_of(job);

	struct sim_job *late = ring->late;

	ring->num_cancelled++;
	ring_drop(ring, to_sim(job));
	ring->late = NULL;
	if (late != NULL)
		sim_submit(late, NULL, &ring->late_finished);
}

static void sim_free_job(struct wwr_sched_job *base)
{
	struct sim_job *job = to_sim(base);

	job->sim->num_live--;
	free(job);
}

static void sim_wake(struct wwr_sched *sched)
{
	struct sim_ring *ring = wwr_sched_data(sched);

	ring->num_wakes++;
}

static const struct wwr_sched_ops sim_ops = {
    .run_job = sim_run_job,
    .timed_out = sim_timed_out,
    .cancel_job = sim_cancel_job,
    .free_job = sim_free_job,
    .wake = sim_wake,
};

static int64_t sim_now(void *data)
{
	return ((struct sim *)data)->now_ns;
}

void sim_init(struct sim *sim, unsigned int num_rings, const struct wwr_sched_options *options)
{
	const struct wwr_sched_group_options group_options = {.now_ns = sim_now, .data = sim};
	struct wwr_sched_options ring_options = {.credit_limit = 1};

	*sim = (struct sim){.num_rings = num_rings, .now_ns = 1000};
	if (options != NULL)
		ring_options = *options;
	ring_options.ops = &sim_ops;
	ring_options.flags |= WWR_SCHED_NO_THREAD;
	if (wwr_sched_group_create(&group_options, &sim->group) != 0)
		abort();
	for (unsigned int i = 0; i < num_rings; i++) {
		sim->rings[i].sim = sim;
		ring_options.data = &sim->rings[i];
		if (wwr_sched_create(sim->group, &ring_options, &sim->rings[i].sched) != 0)
			abort();
	}
}

void sim_destroy_ring(struct sim *sim, unsigned int ring)
{
	wwr_sched_destroy(sim->rings[ring].sched);
	sim->rings[ring].sched = NULL;
}

void sim_fini(struct sim *sim)
{
	for (unsigned int i = 0; i < sim->num_rings; i++)
		sim_destroy_ring(sim, i);
	wwr_sched_group_put(sim->group);
}

struct wwr_sched_entity *sim_entity(struct sim *sim, enum wwr_sched_priority priority,
				    struct wwr_sched_ctx *ctx)
{
	struct wwr_sched *scheds[SIM_MAX_RINGS];
	struct wwr_sched_entity_options options = {.name = "client",
						   .priority = priority,
						   .scheds = scheds,
						   .num_scheds = sim->num_rings,
						   .ctx = ctx};
	struct wwr_sched_entity *entity;

	for (unsigned int i = 0; i < sim->num_rings; i++)
		scheds[i] = sim->rings[i].sched;
	if (wwr_sched_entity_create(&options, &entity) != 0)
		abort();
	return entity;
}

struct sim_job *sim_job(struct sim *sim, struct wwr_sched_entity *entity, int id,
			int64_t duration_ns)
{
	struct sim_job *job = calloc(1, sizeof(*job));

	if (job == NULL || wwr_sched_job_init(&job->base, entity, 1) != 0)
		abort();
	job->sim = sim;
	job->id = id;
	job->duration_ns = duration_ns;
	sim->num_live++;
	return job;
}

void sim_submit(struct sim_job *job, struct wwr_fence **ret_scheduled,
		struct wwr_fence **ret_finished)
{
	wwr_sched_job_arm(&job->base);
	if (ret_scheduled != NULL)
		*ret_scheduled = wwr_fence_get(wwr_sched_job_scheduled(&job->base));
	if (ret_finished != NULL)
		*ret_finished = wwr_fence_get(wwr_sched_job_finished(&job->base));
	wwr_sched_job_push(&job->base);
}

void sim_run(struct sim *sim)
{
	unsigned int num_wakes, num_before;

	do {
		num_before = num_wakes = 0;
		for (unsigned int i = 0; i < sim->num_rings; i++)
			num_before += sim->rings[i].num_wakes;
		for (unsigned int i = 0; i < sim->num_rings; i++) {
			if (sim->rings[i].sched != NULL)
				(void)wwr_sched_run(sim->rings[i].sched);
			num_wakes += sim->rings[i].num_wakes;
		}
	} while (num_wakes != num_before);
}

/* When something happens next on a ring: a job ends, or is late. */
static int64_t ring_next_ns(const struct sim_ring *ring)
{
	int64_t next_ns = wwr_sched_run(ring->sched);

	if (ring->first != NULL && ring->first->end_ns < next_ns)
		next_ns = ring->first->end_ns;
	return next_ns;
}

bool sim_step(struct sim *sim)
{
	int64_t next_ns = INT64_MAX;

	sim_run(sim);
	for (unsigned int i = 0; i < sim->num_rings; i++) {
		if (sim->rings[i].sched != NULL && ring_next_ns(&sim->rings[i]) < next_ns)
			next_ns = ring_next_ns(&sim->rings[i]);
	}
	if (next_ns == INT64_MAX)
		return false;
	if (next_ns > sim->now_ns)
		sim->now_ns = next_ns;
	for (unsigned int i = 0; i < sim->num_rings; i++) {
		struct sim_ring *ring = &sim->rings[i];

		while (ring->first != NULL && ring->first->end_ns <= sim->now_ns)
			ring_complete(ring);
	}
	sim_run(sim);
	return true;
}
