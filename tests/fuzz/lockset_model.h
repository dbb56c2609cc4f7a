/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_LOCKSET_MODEL_H
#define TESTS_FUZZ_LOCKSET_MODEL_H

/*
 * What mutexes, acquire contexts and lock sets must do: the rules of docs/locking.md over plain
 * arrays, for actors that take turns and give way only where they sleep.  Comments name the rules.
 *
 * Each model_x() is one call of the library: it changes the model's state and returns what the
 * call must return, or MODEL_SLEEPS; model_wake() goes on from there.  Calls that a program must
 * not make are for the caller to leave out, with the help of model_may_x().
 */

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/lock_set.h>

#define MODEL_ACTORS	    3
#define MODEL_CTXS_OF_ACTOR 2 /* of its own; one more belongs to each of its sets */
#define MODEL_SETS_OF_ACTOR 2
#define MODEL_CTXS	    (MODEL_ACTORS * (MODEL_CTXS_OF_ACTOR + MODEL_SETS_OF_ACTOR))
#define MODEL_SETS	    (MODEL_ACTORS * MODEL_SETS_OF_ACTOR)
#define MODEL_TOKENS	    3
#define MODEL_ARRAY	    4 /* mutexes in one call of lock_array */

/* The mutexes that are fought for, all but the last of class 0; then one of each other class. */
#define MODEL_MUTEXES	  5
#define MODEL_ALL_MUTEXES (MODEL_MUTEXES + 4)
#define MODEL_CLASSES	  6

/* No mutex, no context, nobody. */
#define MODEL_NONE (-1)

/* As a holder: an actor's plain lock.  A context is its own number. */
#define MODEL_PLAIN 100

/* What happens next, when it is not that the call returns. */
enum model_event {
	MODEL_SLEEPS = 1, /* the actor sleeps */
	MODEL_ACQUIRE,	  /* lock_all() calls acquire */
	MODEL_LOCKED,	  /* lock_all() calls locked */
	MODEL_BODY,	  /* the loop's body runs */
};

enum model_ctx_state {
	MODEL_CTX_NONE,
	MODEL_CTX_LIVE,
	MODEL_CTX_CONTENDED,
	MODEL_CTX_DONE
};

struct model_ctx {
	enum model_ctx_state state;
	int actor;
	int lock_class;
	int set; /* that uses it, or NONE */
	uint64_t stamp;
	bool classic, wounded, injected;
	unsigned int num_held;
	uint32_t inject_countdown, inject_interval;
	int contended;
	struct wwr_class_stats counts; /* not yet the class's */
};

/* How a lock call may wait. */
struct model_wait {
	int token;
	int64_t deadline_ns; /* INT64_MAX = none */
	bool interruptible;  /* by signal handlers */
	bool from_set;
};

struct model_waiter {
	int mutex; /* NONE = the actor does not wait */
	int ctx;   /* NONE = plain */
	bool holds, granted;
	unsigned int passed_over;
	int64_t start_ns;
	struct model_wait wait;
};

struct model_mutex {
	int lock_class;
	int holder; /* NONE, a context, or MODEL_PLAIN + actor */
	int queue[MODEL_ACTORS];
	int num_queued;
};

struct model_class {
	enum wwr_algorithm algorithm;
	uint64_t stamp, inject_seed;
	uint32_t inject_interval;
	struct wwr_class_stats stats;
};

/* Which call of a set goes on once its actor has the mutex, or has not got it. */
enum model_call {
	MODEL_CALL_LOCK,
	MODEL_CALL_ARRAY,
	MODEL_CALL_BACK_OFF,
	MODEL_CALL_ALL,
	MODEL_CALL_LOOP
};

enum model_phase {
	MODEL_IDLE,
	MODEL_ACTIVE,
	MODEL_LOOP_BEGUN,
	MODEL_IN_BODY,
	MODEL_IN_ALL
};

struct model_set {
	bool exists, fresh;
	int ctx;
	uint32_t flags, retry_limit;
	int64_t deadline_ns; /* 0 = none */
	int token;
	int status, kept, last_contended;
	int target; /* of the last back-off */
	enum model_phase phase;
	enum model_call call;
	int array[MODEL_ARRAY], num_array, next_array;
	struct wwr_lock_set_stats stats; /* last_contended and classic are elsewhere */
};

struct model {
	int64_t now_ns;
	unsigned int max_losses, handoff_after;
	struct model_class classes[MODEL_CLASSES];
	struct model_mutex mutexes[MODEL_ALL_MUTEXES];
	struct model_ctx ctxs[MODEL_CTXS];
	struct model_set sets[MODEL_SETS];
	struct model_waiter waiters[MODEL_ACTORS];
	bool tokens[MODEL_TOKENS];
};

extern struct model model;

static inline int model_ctx_of(int actor, int number)
{
	return actor * (MODEL_CTXS_OF_ACTOR + MODEL_SETS_OF_ACTOR) + number;
}

static inline int model_set_of(int actor, int number)
{
	return actor * MODEL_SETS_OF_ACTOR + number;
}

static inline int model_actor_of_set(int set)
{
	return set / MODEL_SETS_OF_ACTOR;
}

/* The context of a set that has its own. */
static inline int model_own_ctx(int set)
{
	return model_ctx_of(model_actor_of_set(set),
			    MODEL_CTXS_OF_ACTOR + set % MODEL_SETS_OF_ACTOR);
}

static inline bool model_is_asleep(int actor)
{
	return model.waiters[actor].mutex != MODEL_NONE;
}

void model_begin(void);

/* Must this sleeper have been woken by now? */
bool model_is_due(int actor);

/* The actor goes on after its sleep: 0, -ETIME, or -EINTR as the system returned. */
int model_wake(int actor, int slept);

/* lockset_model.c: mutexes and contexts.  In order: class 0 is locked before the others. */
void model_ctx_init(int ctx, int actor, int lock_class);
void model_ctx_reinit(int ctx);
void model_ctx_flush(int ctx);
void model_ctx_forget(int ctx);
bool model_may_lock(int actor, int ctx, int mutex);
bool model_may_block(int actor, int ctx, int mutex);
bool model_holds_any(int actor);
bool model_is_in_order(int actor, int lock_class);
int model_lock(int actor, int ctx, int mutex, const struct model_wait *wait);
int model_trylock(int actor, int ctx, int mutex);
void model_unlock(int mutex);
int model_contend(int ctx, int mutex, bool injected);

/* lockset_model_set.c */
int model_set_init(int set, int lock_class, const struct wwr_lock_set_options *options, int token);
int model_set_init_with_ctx(int set, int ctx, const struct wwr_lock_set_options *options,
			    int token);
void model_set_fini(int set);
int model_set_lock(int set, int mutex);
int model_set_lock_array(int set, const int *mutexes, int num);
int model_set_trylock(int set, int mutex);
int model_set_back_off(int set);
void model_set_unlock(int set, int mutex);
void model_set_done(int set);
void model_set_release_all(int set);
int model_set_all_begin(int set);
int model_set_all_acquired(int set, int ret);
int model_set_all_locked(int set, int ret);
void model_set_loop_begin(int set);
int model_set_loop_next(int set);
bool model_set_is_contended(int set);
bool model_set_holds(int set, int mutex);

/* The lock call of a set that slept has ended so: what follows from it. */
int model_set_go_on(int set, int ret);

#endif /* TESTS_FUZZ_LOCKSET_MODEL_H */
