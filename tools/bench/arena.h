/* SPDX-License-Identifier: MIT */
/* Buffers to lock, and the ways to lock several of them: ours and the peers'. */
#ifndef ARENA_H
#define ARENA_H

#ifdef __cplusplus
#define ARENA_ALIGNED alignas(64)
extern "C" {
#else
#define ARENA_ALIGNED _Alignas(64)
#endif

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/lockset.h>

#define ARENA_MAX_LOCKS 2048

/* One buffer: a lock of whatever kind, and what it protects, in one cache line. */
struct arena_slot {
	ARENA_ALIGNED union {
		struct wwr_mutex mutex;
		pthread_mutex_t pthread_mutex; /* boost::mutex and std::mutex are one inside */
	} lock;
	uint64_t count; /* jobs that had it */
};

struct arena {
	struct arena_slot *slots;
	uint32_t num_slots; /* M */
	uint32_t num_locks; /* K, of each job */
	uint64_t work_turns;
	struct wwr_class lock_class;
	pthread_mutex_t global;
};

/* What one thread has for its jobs. */
struct locker_thread {
	struct arena *arena;
	struct wwr_lock_set set;
	struct wwr_acquire_ctx ctx;
	const uint32_t *picks; /* of the job that runs */
	uint32_t scratch[ARENA_MAX_LOCKS];
	uint64_t num_retries;
	uint32_t max_losses, max_restarts;
};

struct locker {
	const char *name;
	bool presorted; /* wants its picks in the order of addresses */
	/* Of all slots; fini checks that everything is free. */
	void (*init)(struct arena *arena);
	void (*fini)(struct arena *arena);
	/* Around the jobs of one thread. */
	int (*begin)(struct locker_thread *thread);
	void (*end)(struct locker_thread *thread);
	/* Lock all of thread->picks, arena_use(), unlock all.  0 or -errno. */
	int (*job)(struct locker_thread *thread);
	/* NULL = any number of locks. */
	bool (*fits)(uint32_t num_locks);
};

/* The body of a job, with everything locked. */
void arena_use(const struct locker_thread *thread);

/* Memory for the slots, not yet initialised as locks.  0 or -ENOMEM after a message. */
int arena_create(struct arena *arena, uint32_t num_slots, uint32_t num_locks, uint64_t work_ns);
void arena_destroy(struct arena *arena);

/* How often slots were used since the last call; clears the counts. */
uint64_t arena_take_counts(struct arena *arena);

/* Ours first; then the peers. */
extern const struct locker locker_default, locker_default_wait_die, locker_wound_wait,
    locker_wait_die, locker_scan;
extern const struct locker locker_sorted, locker_presorted, locker_naive, locker_global;
/* Where g++ and boost are there. */
extern const struct locker locker_boost, locker_stdlock;

#ifdef __cplusplus
}
#endif

#endif
