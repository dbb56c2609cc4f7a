/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_MM_WORLD_H
#define TESTS_DRIVERS_MM_WORLD_H

/*
 * A driver with memory that is really there: a move copies bytes, a job looks at every byte of its
 * buffers and writes new ones, all with plain accesses.  So a job that does not wait for a move, or
 * a space that two buffers have, shows in the bytes, and to ThreadSanitizer.
 *
 * No function asserts: they may be called in any thread.  What cannot be made ends the program.
 */

#include <wwresv/lock_set.h>
#include <wwresv/mm_txn.h>
#include <wwresv/sched.h>

#include <stdbool.h>
#include <stdint.h>

#define WORLD_PAGE	16
#define WORLD_MAX_USES	16
#define WORLD_NUM_RINGS 3 /* the first one is for moves */

struct buffer;

struct world {
	struct wwr_class lock_class;
	struct wwr_sched_group *group;
	struct wwr_sched *rings[WORLD_NUM_RINGS];
	struct wwr_mm *mm;
	uint8_t *memory[WWR_MM_NUM_DOMAINS]; /* VRAM, GTT */
	unsigned int num_mismatches;	     /* atomic: bytes that were not as expected */
	unsigned int num_jobs, num_freed;    /* atomic */
	bool no_clear; /* what is NOWHERE gets no job: its first bytes are those left there */
	unsigned int fail_move; /* the n-th create_move from now on fails; 0 = none */
	void (*on_move)(struct buffer *buffer); /* called by create_move; NULL = nothing is */
};

struct buffer {
	struct wwr_mm_bo base;
	struct world *world;
	uint8_t *system; /* memory in SYSTEM */
	bool used;	 /* by a job; locked */
	uint8_t value;	 /* of every byte, once the jobs committed so far are done; locked */
};

/* UINT64_MAX = no limit, for SYSTEM only. */
void world_init(struct world *world, enum wwr_algorithm algorithm, uint64_t vram, uint64_t gtt,
		uint64_t system);

/* All buffers and jobs are gone. */
void world_fini(struct world *world);

struct buffer *world_buffer(struct world *world, uint64_t size, uint32_t flags,
			    struct wwr_mm_group *group);
void buffer_put(struct buffer *buffer);

/* Where it is; locks it meanwhile. */
enum wwr_mm_domain buffer_domain(struct buffer *buffer);

/* A use of buffers by one job, and the outcome. */
struct use {
	struct world *world;
	struct wwr_sched_entity *entity; /* whose job it is */
	unsigned int num;
	struct buffer *buffers[WORLD_MAX_USES];
	unsigned int num_domains; /* 0 = VRAM only */
	enum wwr_mm_domain domains[WWR_MM_NUM_DOMAINS];
	bool one_by_one;	/* validate each alone */
	struct wwr_fence *gate; /* the job waits for it; NULL = for nothing more */
	int (*before_commit)(struct wwr_mm_txn *txn, struct use *use); /* all are in place */
	void *arg;
	unsigned int num_attempts;
	uint32_t lost_after;	    /* bit N: an attempt was lost when it had taken N locks */
	struct wwr_fence *finished; /* referenced if it was committed */
};

/* An entity on the rings that are not for moves. */
struct wwr_sched_entity *world_entity(struct world *world);

/* Lock, validate and commit: 0, or the error. */
int world_use(struct use *use, struct wwr_lock_set *set);

/* The same with a set of its own, for buffers in VRAM; waits for the job.  Its fence's status, 1.
 */
int world_use_now(struct world *world, struct wwr_sched_entity *entity, unsigned int num,
		  struct buffer *const *buffers);

/* Wait until the jobs are gone, and with them their references of buffers. */
void world_until_freed(struct world *world);

/* A fence that the caller signals. */
struct wwr_fence *world_gate(bool client_dependent);

struct wwr_mm_stats world_stats(struct world *world);
struct wwr_mm_usage world_usage(struct world *world, enum wwr_mm_domain domain);

#endif /* TESTS_DRIVERS_MM_WORLD_H */
