/* SPDX-License-Identifier: MIT */
/* Lock sets of this library, under each policy; and a set that scans a list, as published. */
#include "tools/bench/arena.h"

#include <errno.h>

static void init_class(struct arena *arena, enum wwr_algorithm algorithm)
{
	wwr_class_init(&arena->lock_class, "bench", algorithm);
	for (uint32_t i = 0; i < arena->num_slots; i++)
		wwr_mutex_init(&arena->slots[i].lock.mutex, &arena->lock_class);
}

static void init_wound_wait(struct arena *arena)
{
	init_class(arena, WWR_WOUND_WAIT);
}

static void init_wait_die(struct arena *arena)
{
	init_class(arena, WWR_WAIT_DIE);
}

static void fini(struct arena *arena)
{
	for (uint32_t i = 0; i < arena->num_slots; i++)
		wwr_mutex_fini(&arena->slots[i].lock.mutex);
	wwr_class_fini(&arena->lock_class);
}

static int begin_default(struct locker_thread *thread)
{
	return wwr_lock_set_init(&thread->set, &thread->arena->lock_class, NULL);
}

static int begin_classic(struct locker_thread *thread)
{
	const struct wwr_lock_set_options options = {.flags = WWR_LOCK_SET_CLASSIC};

	return wwr_lock_set_init(&thread->set, &thread->arena->lock_class, &options);
}

static void end_set(struct locker_thread *thread)
{
	wwr_lock_set_fini(&thread->set);
}

static int acquire(struct wwr_lock_set *set, void *arg)
{
	const struct locker_thread *thread = arg;
	struct arena_slot *slots = thread->arena->slots;

	for (uint32_t i = 0; i < thread->arena->num_locks; i++) {
		int ret = wwr_lock_set_lock(set, &slots[thread->picks[i]].lock.mutex);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int locked(struct wwr_lock_set *set, void *arg)
{
	(void)set;
	arena_use(arg);
	return 0;
}

static int run_set_job(struct locker_thread *thread)
{
	struct wwr_lock_set_stats stats;
	int ret = wwr_lock_set_lock_all(&thread->set, acquire, locked, thread);

	wwr_lock_set_get_stats(&thread->set, &stats);
	thread->num_retries += stats.retries;
	if (stats.losses > thread->max_losses)
		thread->max_losses = stats.losses;
	if (stats.restarts > thread->max_restarts)
		thread->max_restarts = stats.restarts;
	return ret;
}

/* A set: of a class, with a policy. */
#define SET_LOCKER(name_, init_, begin_)                                                           \
	{                                                                                          \
		.name = (name_), .init = (init_), .fini = fini, .begin = (begin_), .end = end_set, \
		.job = run_set_job,                                                                \
	}

const struct locker locker_default = SET_LOCKER("wwresv", init_wound_wait, begin_default);
const struct locker locker_default_wait_die =
    SET_LOCKER("wwresv wait-die", init_wait_die, begin_default);
const struct locker locker_wound_wait =
    SET_LOCKER("classic-wound-wait", init_wound_wait, begin_classic);
const struct locker locker_wait_die = SET_LOCKER("classic-wait-die", init_wait_die, begin_classic);

/* Clang cannot follow a set that is known only at run time: WWR_NO_ANALYSIS below. */

/* Is it in the list of what is held?  The step that makes a transaction quadratic. */
static bool scan_holds(const struct locker_thread *thread, uint32_t num_held, uint32_t slot)
{
	for (uint32_t i = 0; i < num_held; i++) {
		if (thread->scratch[i] == slot)
			return true;
	}
	return false;
}

static void scan_release(struct locker_thread *thread, uint32_t num_held) WWR_NO_ANALYSIS
{
	while (num_held > 0)
		wwr_mutex_unlock(&thread->arena->slots[thread->scratch[--num_held]].lock.mutex);
}

/* Lock everything not held yet; returns 0, or -EDEADLK with all released and *ret_slot set. */
static int scan_acquire(struct locker_thread *thread, uint32_t *num_held,
			uint32_t *ret_slot) WWR_NO_ANALYSIS
{
	for (uint32_t i = 0; i < thread->arena->num_locks; i++) {
		const uint32_t slot = thread->picks[i];
		int ret;

		if (scan_holds(thread, *num_held, slot))
			continue;
		ret = wwr_mutex_lock(&thread->arena->slots[slot].lock.mutex, &thread->ctx);
		if (ret != 0) {
			scan_release(thread, *num_held);
			*num_held = 0;
			*ret_slot = slot;
			return ret;
		}
		thread->scratch[(*num_held)++] = slot;
	}
	return 0;
}

static int run_scan_job(struct locker_thread *thread) WWR_NO_ANALYSIS
{
	uint32_t num_held = 0, slot = 0;
	int ret;

	wwr_acquire_ctx_init(&thread->ctx, &thread->arena->lock_class);
	while ((ret = scan_acquire(thread, &num_held, &slot)) == -EDEADLK) {
		wwr_mutex_lock_slow(&thread->arena->slots[slot].lock.mutex, &thread->ctx);
		thread->scratch[num_held++] = slot;
		thread->num_retries++;
	}
	if (ret == 0)
		arena_use(thread);
	scan_release(thread, num_held);
	wwr_acquire_ctx_fini(&thread->ctx);
	return ret;
}

const struct locker locker_scan = {
    .name = "scan",
    .init = init_wound_wait,
    .fini = fini,
    .job = run_scan_job,
};
