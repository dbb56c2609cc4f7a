/* SPDX-License-Identifier: MIT */
#include "tools/bench/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/timing.h"
#include "tools/common/cli.h"

void arena_use(const struct locker_thread *thread)
{
	struct arena *arena = thread->arena;

	for (uint32_t i = 0; i < arena->num_locks; i++)
		arena->slots[thread->picks[i]].count++;
	timing_work(arena->work_turns);
}

int arena_create(struct arena *arena, uint32_t num_slots, uint32_t num_locks, uint64_t work_ns)
{
	memset(arena, 0, sizeof(*arena));
	arena->slots =
	    aligned_alloc(sizeof(struct arena_slot), num_slots * sizeof(struct arena_slot));
	if (arena->slots == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	memset(arena->slots, 0, num_slots * sizeof(struct arena_slot));
	arena->num_slots = num_slots;
	arena->num_locks = num_locks;
	arena->work_turns = timing_turns(work_ns);
	pthread_mutex_init(&arena->global, NULL);
	return 0;
}

void arena_destroy(struct arena *arena)
{
	free(arena->slots);
}

uint64_t arena_take_counts(struct arena *arena)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < arena->num_slots; i++) {
		sum += arena->slots[i].count;
		arena->slots[i].count = 0;
	}
	return sum;
}
