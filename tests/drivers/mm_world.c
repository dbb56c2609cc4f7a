/* SPDX-License-Identifier: MIT */
#include "tests/drivers/mm_world.h"

#include <wwresv/fence.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* A copy of where a buffer is. */
struct spot {
	enum wwr_mm_domain domain;
	uint32_t num_extents;
	struct wwr_mm_extent *extents;
};

/* Moves one buffer, or looks at several. */
struct world_job {
	struct wwr_sched_job base;
	struct world *world;
	bool is_move;
	unsigned int num;
	struct buffer *buffers[WORLD_MAX_USES]; /* referenced */
	struct spot spots[WORLD_MAX_USES];	/* of a move: from and to */
	bool is_fresh[WORLD_MAX_USES];		/* the old values are not known */
	uint8_t old_values[WORLD_MAX_USES], new_values[WORLD_MAX_USES];
};

static void *must_alloc(size_t num, size_t size)
{
	void *ptr = calloc(num != 0 ? num : 1, size);

	if (ptr == NULL)
		abort();
	return ptr;
}

static void count(unsigned int *counter)
{
	/* Release: pairs with world_until_freed(). */
	__atomic_fetch_add(counter, 1, __ATOMIC_RELEASE);
}

static struct buffer *to_buffer(struct wwr_mm_bo *bo)
{
	return WWR_CONTAINER_OF(bo, struct buffer, base);
}

static struct spot spot_copy(const struct wwr_mm_place *place)
{
	struct spot spot = {.domain = place->domain, .num_extents = place->num_extents};

	if (place->num_extents != 0) {
		spot.extents = must_alloc(place->num_extents, sizeof(*spot.extents));
		memcpy(spot.extents, place->extents, place->num_extents * sizeof(*spot.extents));
	}
	return spot;
}

/* Where a page of the buffer is. */
static uint8_t *spot_page(const struct buffer *buffer, const struct spot *spot, uint64_t offset)
{
	if (spot->domain == WWR_MM_SYSTEM)
		return buffer->system + offset;
	for (uint32_t i = 0; i < spot->num_extents; i++) {
		const struct wwr_mm_extent *extent = &spot->extents[i];

		if (offset < extent->size_bytes)
			return buffer->world->memory[spot->domain] + extent->offset_bytes + offset;
		offset -= extent->size_bytes;
	}
	abort();
}

static void run_move(const struct world_job *job)
{
	const struct buffer *buffer = job->buffers[0];

	for (uint64_t at = 0; at < buffer->base.size_bytes; at += WORLD_PAGE) {
		uint8_t *to = spot_page(buffer, &job->spots[1], at);

		if (job->spots[0].domain == WWR_MM_NOWHERE)
			memset(to, 0, WORLD_PAGE);
		else
			memcpy(to, spot_page(buffer, &job->spots[0], at), WORLD_PAGE);
	}
}

static void run_use(struct world_job *job, unsigned int index)
{
	const struct buffer *buffer = job->buffers[index];

	for (uint64_t at = 0; at < buffer->base.size_bytes; at += WORLD_PAGE) {
		uint8_t *page = spot_page(buffer, &job->spots[index], at);

		for (unsigned int i = 0; i < WORLD_PAGE; i++) {
			if (page[i] != job->old_values[index] && !job->is_fresh[index])
				count(&job->world->num_mismatches);
			page[i] = job->new_values[index];
		}
	}
}

static int run_job(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	struct world_job *job = WWR_CONTAINER_OF(base, struct world_job, base);

	(void)ret_fence;
	if (job->is_move)
		run_move(job);
	for (unsigned int i = 0; i < job->num && !job->is_move; i++)
		run_use(job, i);
	return 0;
}

static void job_free(struct world_job *job)
{
	struct world *world = job->world;

	for (unsigned int i = 0; i < WORLD_MAX_USES; i++)
		free(job->spots[i].extents);
	for (unsigned int i = 0; i < job->num; i++)
		buffer_put(job->buffers[i]);
	free(job);
	count(&world->num_freed);
}

static void free_job(struct wwr_sched_job *base)
{
	job_free(WWR_CONTAINER_OF(base, struct world_job, base));
}

static const struct wwr_sched_ops sched_ops = {.run_job = run_job, .free_job = free_job};

static struct world_job *job_make(struct world *world, struct wwr_sched_entity *entity)
{
	struct world_job *job = must_alloc(1, sizeof(*job));

	if (wwr_sched_job_init(&job->base, entity, 1) != 0) {
		free(job);
		return NULL;
	}
	job->world = world;
	count(&world->num_jobs);
	return job;
}

static void job_add(struct world_job *job, struct buffer *buffer)
{
	wwr_bo_get(&buffer->base.base);
	job->buffers[job->num++] = buffer;
}

static int create_move(struct wwr_mm_bo *bo, const struct wwr_mm_place *from,
		       const struct wwr_mm_place *to, struct wwr_sched_entity *entity,
		       struct wwr_sched_job **ret_job)
{
	struct world *world = to_buffer(bo)->world;
	struct world_job *job;

	if (world->on_move != NULL)
		world->on_move(to_buffer(bo));
	if (world->fail_move != 0 && --world->fail_move == 0)
		return -ENOMEM;
	if (from->domain == WWR_MM_NOWHERE && world->no_clear)
		return 0;
	job = job_make(world, entity);
	if (job == NULL)
		return -ENOMEM;
	job->is_move = true;
	job_add(job, to_buffer(bo));
	job->spots[0] = spot_copy(from);
	job->spots[1] = spot_copy(to);
	*ret_job = &job->base;
	return 0;
}

static void drop_move(struct wwr_sched_job *base)
{
	wwr_sched_job_fini(base);
	free_job(base);
}

static const struct wwr_mm_ops mm_ops = {.create_move = create_move, .drop_move = drop_move};

void world_init(struct world *world, enum wwr_algorithm algorithm, uint64_t vram, uint64_t gtt,
		uint64_t system)
{
	const struct wwr_sched_options options = {.ops = &sched_ops, .credit_limit = 4};
	struct wwr_mm_options mm_options = {.ops = &mm_ops,
					    .size_bytes = {vram, gtt, system},
					    .page_bytes = WORLD_PAGE,
					    .scheds = world->rings,
					    .num_scheds = 1,
					    .data = world};

	*world = (struct world){0};
	wwr_class_init(&world->lock_class, "world", algorithm);
	world->memory[WWR_MM_VRAM] = must_alloc(1, vram);
	world->memory[WWR_MM_GTT] = must_alloc(1, gtt);
	if (wwr_sched_group_create(NULL, &world->group) != 0)
		abort();
	for (int i = 0; i < WORLD_NUM_RINGS; i++) {
		if (wwr_sched_create(world->group, &options, &world->rings[i]) != 0)
			abort();
	}
	if (wwr_mm_create(&mm_options, &world->mm) != 0)
		abort();
}

void world_fini(struct world *world)
{
	for (int i = 0; i < WORLD_NUM_RINGS; i++)
		wwr_sched_destroy(world->rings[i]);
	wwr_mm_destroy(world->mm);
	wwr_sched_group_put(world->group);
	free(world->memory[WWR_MM_VRAM]);
	free(world->memory[WWR_MM_GTT]);
	wwr_class_fini(&world->lock_class);
}

static void buffer_release(struct wwr_bo *bo)
{
	struct buffer *buffer = to_buffer(WWR_CONTAINER_OF(bo, struct wwr_mm_bo, base));

	wwr_mm_bo_fini(&buffer->base);
	free(buffer->system);
	free(buffer);
}

static const struct wwr_bo_ops buffer_ops = {.release = buffer_release};

struct buffer *world_buffer(struct world *world, uint64_t size, uint32_t flags,
			    struct wwr_mm_group *group)
{
	struct buffer *buffer = must_alloc(1, sizeof(*buffer));

	buffer->world = world;
	wwr_mm_bo_init(&buffer->base, world->mm, &buffer_ops, size, flags, &world->lock_class,
		       group);
	buffer->system = must_alloc(1, buffer->base.size_bytes);
	return buffer;
}

void buffer_put(struct buffer *buffer)
{
	wwr_bo_put(&buffer->base.base);
}

enum wwr_mm_domain buffer_domain(struct buffer *buffer)
{
	struct wwr_mutex *mutex = wwr_bo_mutex(&buffer->base.base);
	enum wwr_mm_domain domain;

	if (wwr_mutex_lock(mutex, NULL) != 0)
		abort();
	domain = wwr_mm_bo_place(&buffer->base)->domain;
	wwr_mutex_unlock(mutex);
	return domain;
}

struct wwr_sched_entity *world_entity(struct world *world)
{
	const struct wwr_sched_entity_options options = {.priority = WWR_SCHED_PRIORITY_NORMAL,
							 .scheds = world->rings + 1,
							 .num_scheds = WORLD_NUM_RINGS - 1};
	struct wwr_sched_entity *entity;

	if (wwr_sched_entity_create(&options, &entity) != 0)
		abort();
	return entity;
}

static uint64_t count_locks(const struct wwr_lock_set *set)
{
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(set, &stats);
	return stats.num_locks;
}

static int use_attempt(struct wwr_mm_txn *txn, const struct use *use)
{
	struct wwr_mm_want wants[WORLD_MAX_USES];
	int ret = 0;

	for (unsigned int i = 0; i < use->num && ret == 0; i++) {
		wants[i] = (struct wwr_mm_want){.bo = &use->buffers[i]->base, .num_domains = 1};
		if (use->num_domains != 0) {
			wants[i].num_domains = use->num_domains;
			memcpy(wants[i].domains, use->domains, sizeof(use->domains));
		}
		ret = wwr_lock_set_lock(txn->set, wwr_bo_mutex(&use->buffers[i]->base.base));
	}
	for (unsigned int i = 0; i < use->num && use->one_by_one && ret == 0; i++)
		ret = wwr_mm_validate(txn, 1, &wants[i]);
	return ret != 0 || use->one_by_one ? ret : wwr_mm_validate(txn, use->num, wants);
}

static int use_acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct use *use = arg;
	const uint64_t num_before = count_locks(txn->set);
	const int ret = use_attempt(txn, use);

	use->num_attempts++;
	if (ret == -EDEADLK)
		use->lost_after |= 1u << (count_locks(txn->set) - num_before);
	return ret;
}

static int use_prepare(const struct use *use, struct world_job *job)
{
	int ret = use->gate != NULL ? wwr_sched_job_add_dependency(&job->base, use->gate) : 0;

	for (unsigned int i = 0; i < use->num && ret == 0; i++) {
		struct wwr_resv *resv = use->buffers[i]->base.base.resv;

		wwr_mutex_assert_held(&resv->mutex);
		ret = wwr_resv_reserve_fences(resv, use->num);
		if (ret == 0)
			ret = wwr_sched_job_add_resv_dependencies(&job->base, resv,
								  WWR_RESV_USAGE_READ);
	}
	return ret;
}

static void use_commit(struct use *use, struct world_job *job)
{
	wwr_sched_job_arm(&job->base);
	use->finished = wwr_fence_get(wwr_sched_job_finished(&job->base));
	for (unsigned int i = 0; i < use->num; i++) {
		struct buffer *buffer = use->buffers[i];
		struct wwr_resv *resv = buffer->base.base.resv;

		wwr_mutex_assert_held(&resv->mutex);
		job_add(job, buffer);
		job->spots[i] = spot_copy(wwr_mm_bo_place(&buffer->base));
		job->is_fresh[i] = !buffer->used && use->world->no_clear;
		buffer->used = true;
		job->old_values[i] = buffer->value++;
		job->new_values[i] = buffer->value;
		if (wwr_resv_add_fence(resv, use->finished, WWR_RESV_USAGE_WRITE) != 0)
			abort();
	}
	wwr_sched_job_push(&job->base);
}

static int use_locked(struct wwr_mm_txn *txn, void *arg)
{
	struct use *use = arg;
	struct world_job *job;
	int ret = use->before_commit != NULL ? use->before_commit(txn, use) : 0;

	if (ret != 0)
		return ret;
	job = job_make(use->world, use->entity);
	if (job == NULL)
		return -ENOMEM;
	ret = use_prepare(use, job);
	if (ret != 0) {
		drop_move(&job->base);
		return ret;
	}
	use_commit(use, job);
	return 0;
}

int world_use(struct use *use, struct wwr_lock_set *set)
{
	return wwr_mm_lock_all(use->world->mm, set, use_acquire, use_locked, use);
}

int world_use_now(struct world *world, struct wwr_sched_entity *entity, unsigned int num,
		  struct buffer *const *buffers)
{
	struct use use = {.world = world, .entity = entity, .num = num};
	struct wwr_lock_set set;
	int ret = wwr_lock_set_init(&set, &world->lock_class, NULL);

	if (ret != 0)
		return ret;
	memcpy(use.buffers, buffers, num * sizeof(*buffers));
	ret = world_use(&use, &set);
	wwr_lock_set_fini(&set);
	if (ret != 0)
		return ret;
	ret = wwr_fence_wait_until(use.finished, NULL, INT64_MAX);
	if (ret == 0)
		ret = wwr_fence_get_status(use.finished);
	wwr_fence_put(use.finished);
	return ret;
}

void world_until_freed(struct world *world)
{
	/* Acquire: pairs with the count in job_free(), which comes after it gave all back. */
	while (__atomic_load_n(&world->num_freed, __ATOMIC_ACQUIRE) !=
	       __atomic_load_n(&world->num_jobs, __ATOMIC_RELAXED))
		sched_yield();
}

static const char *gate_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "gate";
}

static void gate_release(struct wwr_fence *fence)
{
	free(fence);
}

static const struct wwr_fence_ops gate_ops = {
    .driver_name = gate_name, .timeline_name = gate_name, .release = gate_release};

struct wwr_fence *world_gate(bool client_dependent)
{
	struct wwr_fence *fence = must_alloc(1, sizeof(*fence));

	wwr_fence_init(fence, &gate_ops, wwr_fence_context_alloc(1), 1);
	if (client_dependent)
		wwr_fence_set_client_dependent(fence);
	return fence;
}

struct wwr_mm_stats world_stats(struct world *world)
{
	struct wwr_mm_stats stats;

	wwr_mm_get_stats(world->mm, &stats);
	return stats;
}

struct wwr_mm_usage world_usage(struct world *world, enum wwr_mm_domain domain)
{
	struct wwr_mm_usage usage;

	wwr_mm_get_usage(world->mm, domain, &usage);
	return usage;
}
