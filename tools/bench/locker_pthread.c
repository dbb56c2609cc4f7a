/* SPDX-License-Identifier: MIT */
/* What people do with plain mutexes. */
#include "tools/bench/arena.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void init(struct arena *arena)
{
	for (uint32_t i = 0; i < arena->num_slots; i++)
		pthread_mutex_init(&arena->slots[i].lock.pthread_mutex, NULL);
}

static void fini(struct arena *arena)
{
	for (uint32_t i = 0; i < arena->num_slots; i++)
		pthread_mutex_destroy(&arena->slots[i].lock.pthread_mutex);
}

static pthread_mutex_t *mutex_of(const struct locker_thread *thread, uint32_t slot)
{
	return &thread->arena->slots[slot].lock.pthread_mutex;
}

static void lock_in_order(const struct locker_thread *thread, const uint32_t *order)
{
	for (uint32_t i = 0; i < thread->arena->num_locks; i++)
		pthread_mutex_lock(mutex_of(thread, order[i]));
}

static void unlock_first(const struct locker_thread *thread, uint32_t num)
{
	while (num > 0)
		pthread_mutex_unlock(mutex_of(thread, thread->picks[--num]));
}

static int compare_slots(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int run_sorted_job(struct locker_thread *thread)
{
	const uint32_t num = thread->arena->num_locks;

	memcpy(thread->scratch, thread->picks, num * sizeof(thread->scratch[0]));
	qsort(thread->scratch, num, sizeof(thread->scratch[0]), compare_slots);
	lock_in_order(thread, thread->scratch);
	arena_use(thread);
	unlock_first(thread, num);
	return 0;
}

static int run_presorted_job(struct locker_thread *thread)
{
	lock_in_order(thread, thread->picks);
	arena_use(thread);
	unlock_first(thread, thread->arena->num_locks);
	return 0;
}

static int run_naive_job(struct locker_thread *thread)
{
	for (uint32_t i = 0; i < thread->arena->num_locks; i++) {
		if (pthread_mutex_trylock(mutex_of(thread, thread->picks[i])) == 0)
			continue;
		unlock_first(thread, i);
		thread->num_retries++;
		sched_yield();
		i = UINT32_MAX; /* from the beginning */
	}
	arena_use(thread);
	unlock_first(thread, thread->arena->num_locks);
	return 0;
}

static int run_global_job(struct locker_thread *thread)
{
	pthread_mutex_lock(&thread->arena->global);
	arena_use(thread);
	pthread_mutex_unlock(&thread->arena->global);
	return 0;
}

const struct locker locker_sorted = {
    .name = "sorted", .init = init, .fini = fini, .job = run_sorted_job};
const struct locker locker_presorted = {
    .name = "presorted", .presorted = true, .init = init, .fini = fini, .job = run_presorted_job};
const struct locker locker_naive = {
    .name = "naive", .init = init, .fini = fini, .job = run_naive_job};
const struct locker locker_global = {
    .name = "global", .init = init, .fini = fini, .job = run_global_job};
