/* SPDX-License-Identifier: MIT */
/*
 * Entities.  Invariants: the unfinished jobs are in the order of their fences' numbers, those on a
 * ring first, then those from pending on; all of them belong to one scheduler.  Fences signal in
 * that order: a job moves from the unfinished to the done ones only when it is the first and has
 * ended, and one thread at a time signals the done ones.
 */
#include "drivers/sched/sched_entity.h"

#include "drivers/sched/sched_job.h"
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

#include <assert.h>
#include <errno.h>

/* From here until entity_unlink() others may find it.  The group's lock. */
static void entity_link_ctx(struct wwr_sched_entity *entity)
{
	struct wwr_sched_ctx *ctx = entity->ctx;

	entity->ctx_prev = NULL;
	entity->ctx_next = ctx->entities;
	if (ctx->entities != NULL)
		ctx->entities->ctx_prev = entity;
	ctx->entities = entity;
}

static void entity_unlink_ctx(struct wwr_sched_entity *entity)
{
	if (entity->ctx_prev != NULL)
		entity->ctx_prev->ctx_next = entity->ctx_next;
	else
		entity->ctx->entities = entity->ctx_next;
	if (entity->ctx_next != NULL)
		entity->ctx_next->ctx_prev = entity->ctx_prev;
}

static void entity_link_sched(struct wwr_sched_entity *entity, struct wwr_sched *sched)
{
	entity->sched = sched;
	entity->sched_prev = NULL;
	entity->sched_next = sched->entities;
	if (sched->entities != NULL)
		sched->entities->sched_prev = entity;
	sched->entities = entity;
}

static void entity_unlink_sched(struct wwr_sched_entity *entity)
{
	if (entity->sched_prev != NULL)
		entity->sched_prev->sched_next = entity->sched_next;
	else
		entity->sched->entities = entity->sched_next;
	if (entity->sched_next != NULL)
		entity->sched_next->sched_prev = entity->sched_prev;
}

/*
 * Of two with as much to do, the one whose virtual time is ahead: entities there had more time for
 * themselves lately, and so rings that cannot have equally many entities are used by turns.
 */
static bool sched_is_better(const struct wwr_sched *a, const struct wwr_sched *b)
{
	if (a->lost || b->lost)
		return b->lost && !a->lost;
	if (a->stats.num_jobs != b->stats.num_jobs)
		return a->stats.num_jobs < b->stats.num_jobs;
	return a->vtime > b->vtime;
}

/* The one with the least to do; the present one if no other is better. */
static struct wwr_sched *entity_choose(const struct wwr_sched_entity *entity)
{
	struct wwr_sched *best = entity->sched;

	for (unsigned int i = 0; i < entity->num_scheds; i++) {
		if (sched_is_better(entity->scheds[i], best))
			best = entity->scheds[i];
	}
	return best;
}

static void entity_move(struct wwr_sched_entity *entity, struct wwr_sched *to)
{
	if (to == entity->sched)
		return;
	policy_move(entity, to);
	entity_unlink_sched(entity);
	entity_link_sched(entity, to);
	entity->stats.num_moves++;
}

void entity_append_locked(struct wwr_sched_entity *entity, struct wwr_sched_job *job)
{
	if (entity->first == NULL) {
		entity_move(entity, entity_choose(entity));
		entity->first = job;
	} else {
		entity->last->entity_next = job;
	}
	entity->last = job;
	if (entity->pending == NULL)
		entity->pending = job;
	entity->stats.num_jobs++;
	entity->sched->stats.num_jobs++;
}

void entity_update_locked(struct wwr_sched_entity *entity)
{
	struct wwr_sched *sched = entity->sched;
	const struct wwr_sched_job *job = entity->pending;
	const bool ready = job != NULL && job->state == JOB_QUEUED && job->met && !sched->lost;

	if (ready == entity->node.queued)
		return;
	if (!ready) {
		sched_heap_remove(&sched->ready, &entity->node);
		return;
	}
	policy_ready(entity);
	sched_heap_insert(&sched->ready, &entity->node, policy_key(entity));
	sched_kick_locked(sched);
}

void entity_advance_locked(struct wwr_sched_entity *entity)
{
	sched_heap_remove(&entity->sched->ready, &entity->node);
	entity->pending = entity->pending->entity_next;
	entity_update_locked(entity);
}

/* Counted before the fences signal, so that who sees them signalled sees the counts. */
static void entity_count(struct wwr_sched_entity *entity, int error)
{
	struct wwr_sched_stats *stats = &entity->sched->stats;

	entity->stats.num_jobs--;
	entity->stats.num_finished++;
	entity->stats.num_failed += error != 0;
	stats->num_jobs--;
	stats->num_finished++;
	stats->num_failed += error != 0;
	stats->num_hangs += error == -ETIME;
	stats->num_cancelled += error == -ECANCELED;
}

void entity_collect_locked(struct wwr_sched_entity *entity)
{
	struct wwr_sched_job *job;

	while ((job = entity->first) != NULL && job->state == JOB_DONE) {
		entity->first = job->entity_next;
		if (entity->first == NULL)
			entity->last = NULL;
		job->entity_next = NULL;
		entity_count(entity, job->error);
		*entity->done_end = job;
		entity->done_end = &job->entity_next;
	}
}

void entity_cancel_locked(struct wwr_sched_entity *entity, int error)
{
	for (struct wwr_sched_job *job = entity->pending; job != NULL; job = job->entity_next) {
		job->state = JOB_DONE;
		job->error = error;
	}
	entity->pending = NULL;
	entity_update_locked(entity);
	entity_collect_locked(entity);
}

static struct wwr_sched_job *entity_take_done(struct wwr_sched_entity *entity)
{
	struct wwr_sched_job *job = entity->done;

	if (job == NULL)
		return NULL;
	entity->done = job->entity_next;
	if (entity->done == NULL)
		entity->done_end = &entity->done;
	job->entity_next = NULL;
	return job;
}

void entity_drain(struct wwr_sched_entity *entity)
{
	struct wwr_sched_group *group = entity->group;
	struct wwr_sched_job *job;

	group_lock(group);
	if (!entity_wants_drain(entity)) {
		group_unlock(group);
		return;
	}
	/* Whoever frees the last job may drop the last other reference. */
	wwr_sched_entity_get(entity);
	entity->draining = true;
	while ((job = entity_take_done(entity)) != NULL) {
		group_unlock(group);
		job_signal(job);
		group_lock(group);
		job_signalled_locked(job);
	}
	entity->draining = false;
	group_unlock(group);
	wwr_sched_entity_put(entity);
}

static int entity_check(const struct wwr_sched_entity_options *options)
{
	if (options->num_scheds == 0 || (unsigned int)options->priority >= WWR_SCHED_NUM_PRIORITIES)
		return -EINVAL;
	for (unsigned int i = 0; i < options->num_scheds; i++) {
		if (options->scheds[i]->group != options->scheds[0]->group)
			return -EINVAL;
	}
	if (options->ctx != NULL && options->ctx->group != options->scheds[0]->group)
		return -EINVAL;
	return 0;
}

static void entity_fill(struct wwr_sched_entity *entity,
			const struct wwr_sched_entity_options *options)
{
	entity->refcount = 1;
	entity->group = options->scheds[0]->group;
	entity->context = wwr_fence_context_alloc(2);
	entity->priority = options->priority;
	entity->done_end = &entity->done;
	entity->num_scheds = options->num_scheds;
	entity->max_credits = UINT32_MAX;
	sched_copy_name(entity->name, options->name, "entity");
	for (unsigned int i = 0; i < options->num_scheds; i++) {
		struct wwr_sched *sched = options->scheds[i];

		entity->scheds[i] = sched_get(sched);
		if (sched->options.credit_limit < entity->max_credits)
			entity->max_credits = sched->options.credit_limit;
	}
}

int wwr_sched_entity_create(const struct wwr_sched_entity_options *options,
			    struct wwr_sched_entity **ret_entity)
{
	struct wwr_sched_entity *entity;
	int ret = entity_check(options);

	if (ret != 0)
		return ret;
	entity = wwr_alloc(sizeof(*entity) + options->num_scheds * sizeof(entity->scheds[0]));
	if (entity == NULL)
		return -ENOMEM;
	if (options->ctx != NULL)
		entity->ctx = ctx_get(options->ctx);
	else
		ret = wwr_sched_ctx_create(options->scheds[0]->group, &entity->ctx);
	if (ret != 0) {
		wwr_free(entity);
		return ret;
	}
	entity_fill(entity, options);

	group_lock(entity->group);
	entity_link_ctx(entity);
	entity_link_sched(entity, entity->scheds[0]);
	entity->vruntime = entity->sched->vtime;
	group_unlock(entity->group);
	*ret_entity = entity;
	return 0;
}

struct wwr_sched_entity *wwr_sched_entity_get(struct wwr_sched_entity *entity)
{
	/* Relaxed: whoever has a reference, or the lock, keeps it from going to zero. */
	if (entity != NULL)
		wwr_atomic_fetch_add(&entity->refcount, 1, WWR_RELAXED);
	return entity;
}

struct wwr_sched_ctx *wwr_sched_entity_ctx(const struct wwr_sched_entity *entity)
{
	return entity->ctx;
}

static void entity_free(struct wwr_sched_entity *entity)
{
	assert(entity->first == NULL && entity->done == NULL && !entity->node.queued);
	/* The context keeps the group. */
	for (unsigned int i = 0; i < entity->num_scheds; i++)
		sched_put(entity->scheds[i]);
	wwr_sched_ctx_put(entity->ctx);
	wwr_free(entity);
}

void wwr_sched_entity_put(struct wwr_sched_entity *entity)
{
	struct wwr_sched_group *group;
	uint32_t refcount;
	bool last;

	if (entity == NULL)
		return;
	group = entity->group;
	/* Relaxed: the exchange below is what counts. */
	refcount = wwr_atomic_load(&entity->refcount, WWR_RELAXED);
	while (refcount > 1) {
		/* Release: pairs with the acquire of the last one, below. */
		if (wwr_atomic_cas(&entity->refcount, &refcount, refcount - 1, WWR_RELEASE))
			return;
	}
	/* Who finds it in a list under the lock may still take a reference. */
	group_lock(group);
	/* Acquire: pairs with the release above. */
	last = wwr_atomic_fetch_sub(&entity->refcount, 1, WWR_ACQ_REL) == 1;
	if (last) {
		entity_unlink_ctx(entity);
		entity_unlink_sched(entity);
	}
	group_unlock(group);
	if (last)
		entity_free(entity);
}

void wwr_sched_entity_kill(struct wwr_sched_entity *entity)
{
	group_lock(entity->group);
	entity->killed = true;
	entity_cancel_locked(entity, -ESRCH);
	group_unlock(entity->group);
	entity_drain(entity);
}

void wwr_sched_entity_set_priority(struct wwr_sched_entity *entity,
				   enum wwr_sched_priority priority)
{
	struct wwr_sched *sched;

	WWR_USAGE((unsigned int)priority < WWR_SCHED_NUM_PRIORITIES,
		  "wwr_sched_entity_set_priority: %d is no priority", (int)priority);
	group_lock(entity->group);
	sched = entity->sched;
	entity->priority = priority;
	if (entity->node.queued) {
		sched_heap_remove(&sched->ready, &entity->node);
		sched_heap_insert(&sched->ready, &entity->node, policy_key(entity));
	}
	group_unlock(entity->group);
}

void wwr_sched_entity_get_stats(struct wwr_sched_entity *entity,
				struct wwr_sched_entity_stats *ret_stats)
{
	group_lock(entity->group);
	*ret_stats = entity->stats;
	group_unlock(entity->group);
}
