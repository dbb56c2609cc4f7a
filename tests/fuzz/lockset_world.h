/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_LOCKSET_WORLD_H
#define TESTS_FUZZ_LOCKSET_WORLD_H

/*
 * The library beside its model.  Each actor is a fiber with a thread record of its own; it runs
 * until its operation is over or it sleeps, and no other runs meanwhile.  Sleep, wake-up and the
 * clock are here, so that a run depends on the input alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>

#include "lockset/thread.h"
#include "tests/explore/fiber.h"
#include "tests/fuzz/lockset_model.h"

struct world_actor {
	struct fiber fiber;
	struct wwr_thread thread;
	int number;
	void (*op)(int actor); /* what it does; NULL = nothing */
	int want;	       /* what the call it is in must return, or an enum model_event */
	uint32_t *sleeps_on;   /* NULL = it does not sleep */
	int64_t deadline_ns;
	bool woken;
	int reason; /* what its sleep returns: 0, -EINTR, -ETIMEDOUT */
};

struct world {
	struct world_actor actors[MODEL_ACTORS];
	struct wwr_class classes[MODEL_CLASSES];
	struct wwr_mutex mutexes[MODEL_ALL_MUTEXES];
	struct wwr_acquire_ctx ctxs[MODEL_CTXS]; /* those of sets are unused */
	struct wwr_lock_set sets[MODEL_SETS];
	struct wwr_interrupt_token tokens[MODEL_TOKENS];
	const uint8_t *data; /* of the input, what is not used yet */
	size_t size;
};

extern struct world world;

/* The next byte of the input, below num; 0 when there is no more. */
unsigned int world_choose(unsigned int num);

/* Begin with the input; world_end() when nothing is held and nobody sleeps any more. */
void world_begin(const uint8_t *data, size_t size);
void world_end(void);

/* The actor does op(), up to its end or its first sleep. */
void world_do(int actor, void (*op)(int actor));

/* A sleeping actor goes on, for this reason if it was not woken. */
void world_resume(int actor, int reason);

/* Time passes, for sleepers too. */
void world_advance(int64_t ns);

/* From the next begin of a context on. */
void world_inject(int lock_class, uint32_t interval, uint64_t seed);

/* A line of the trace, printed if something is found to be wrong; up to four ints follow. */
void world_trace(const char *format, int a, int b, int c, int d);

/* The library does not do what the model says: print the trace and abort.  Does not return. */
void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn, cold));

/* The actor's call has returned. */
void world_expect(int actor, int got);

/* The context or NULL; those of sets too. */
struct wwr_acquire_ctx *world_ctx(int ctx);

/* lockset_compare.c: everything that can be looked at is as the model says. */
void world_compare(void);

/* So is all that the library says about itself: its state is as before. */
void world_compare_reports(void);

/* lockset_ops.c, lockset_ops_set.c: operations of one actor. */
extern void (*const world_ops[])(int actor);
extern const unsigned int world_num_ops;
extern void (*const world_set_ops[])(int actor);
extern const unsigned int world_num_set_ops;

/* Give up everything: the actor sleeps no more and so may. */
void world_release_plain(int actor);
void world_release_ctxs(int actor);
void world_release_sets(int actor);

/* A deadline: mostly none. */
int64_t world_choose_deadline(void);

/* A token or NONE. */
int world_choose_token(void);
struct wwr_interrupt_token *world_token(int token);

#endif /* TESTS_FUZZ_LOCKSET_WORLD_H */
