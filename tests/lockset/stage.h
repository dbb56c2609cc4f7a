/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LOCKSET_STAGE_H
#define TESTS_LOCKSET_STAGE_H

/*
 * Thread scripts: the main thread tells actors, each a thread, which call to make, and knows when
 * one has fallen asleep in it.  So every interleaving of lock calls is written down as a sequence,
 * and nothing depends on time.  The tests are linked with -Wl,--wrap=syscall: that is how the
 * stage sees sleeps, and how it holds back an actor that was woken.
 *
 * Only the main thread calls what is declared here, but for the do_x() functions, which actors
 * run, and all of it asserts.  Every wait ends: with a failure after STAGE_PATIENCE_S.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/interrupt.h>
#include <wwresv/lockset.h>
#include <wwresv/sys/debug.h>

#include "tests/lib/test_criterion.h"

#define STAGE_PATIENCE_S  40
#define STAGE_TIMEOUT_S	  120
#define STAGE_NUM_MUTEXES 32
#define STAGE_NUM_ACTORS  24

struct actor;

/* What an actor is told to do; the result of the call. */
typedef int actor_fn(struct actor *self, void *arg);

/* Fields: (t) the actor's thread while it is busy, else the main thread; (s) stage.c. */
struct actor {
	struct wwr_acquire_ctx ctx;		/* (t) do_ctx_init() */
	struct wwr_lock_set set;		/* (t) do_set_init() */
	struct wwr_interrupt_token token;	/* of the _interruptible and _until calls */
	struct wwr_interrupt_token *token_used; /* (t) &token, or NULL for none */
	int64_t deadline_ns;			/* (t) of the _until calls */
	bool has_ctx, has_set;			/* (t) */
	bool no_futex;				/* its sleeps are refused by the system */
	int tid;				/* (s) as are all below */
	pthread_t thread;
	bool started;
	bool leaves;
	actor_fn *fn; /* NULL = idle */
	void *arg;
	int result;
	bool asleep;
	bool held_back;
	bool at_gate; /* was woken and is held back */
	unsigned int num_sleeps;
};

extern struct wwr_class main_class;
extern struct wwr_class other_class;
extern struct wwr_mutex mutex[STAGE_NUM_MUTEXES];
extern struct wwr_mutex other_mutex; /* of other_class */
extern struct actor actor[STAGE_NUM_ACTORS];

#define A (&mutex[0])
#define B (&mutex[1])
#define C (&mutex[2])
#define D (&mutex[3])

/* By custom their contexts are initialised in this order, which makes it their order by age. */
#define OLDEST	 (&actor[0])
#define OLDER	 (&actor[1])
#define YOUNGER	 (&actor[2])
#define YOUNGEST (&actor[3])
#define PLAIN	 (&actor[4]) /* locks without a context */
#define PLAIN_2	 (&actor[5])
#define HOLDER	 (&actor[6]) /* holds what others want, without a context */

/* Begin and end a test.  At the end every mutex is free and every actor idle. */
void stage_open(enum wwr_algorithm algorithm);
void stage_close(void);

/* The test counts attempts, or waits for an order that injected back-offs would change. */
void without_injection(void);

/* Tell an actor to make a call and wait until it has; the result.  Starts the actor if need be. */
int actor_call(struct actor *self, actor_fn *fn, void *arg);

/* The same in two halves. */
void actor_begin(struct actor *self, actor_fn *fn, void *arg);
int actor_end(struct actor *self);

/* Begin a call that must go to sleep; returns when it has. */
void actor_block(struct actor *self, actor_fn *fn, void *arg);

/* Wait until the busy actor sleeps; fails if its call ends first. */
void actor_until_asleep(struct actor *self);

/* Wait until the busy actor has gone to sleep num times in all since the stage was opened. */
void actor_until_slept(struct actor *self, unsigned int num);
unsigned int actor_num_sleeps(struct actor *self);

/* Has the call ended? */
bool actor_is_done(struct actor *self);

/* When the sleeping actor is next woken it stays where it is until it is let go. */
void actor_hold_back(struct actor *self);
void actor_until_at_gate(struct actor *self);
void actor_let_go(struct actor *self);

/* Send a signal to the sleeping actor, once the system too says that it sleeps. */
void actor_signal(struct actor *self, int signal_number);

/* Give these actors contexts, the first one the oldest: actors_init_ctx(2, OLDER, YOUNGER). */
void actors_init_ctx(unsigned int num, ...);

/* Calls; arg is a struct wwr_mutex * unless said. */
actor_fn do_ctx_init; /* struct wwr_class *, NULL = main_class */
actor_fn do_ctx_reinit, do_ctx_done;
actor_fn do_lock, do_lock_interruptible, do_lock_until;
actor_fn do_lock_plain, do_lock_plain_interruptible, do_lock_plain_until;
actor_fn do_lock_slow, do_lock_slow_interruptible, do_lock_slow_until;
actor_fn do_trylock, do_trylock_plain, do_unlock;
actor_fn do_unlock_all; /* NULL: what the context holds */
actor_fn do_set_init;	/* struct wwr_lock_set_options *, NULL = the defaults */
actor_fn do_set_lock, do_set_trylock, do_set_unlock;
actor_fn do_set_back_off, do_set_release_all; /* NULL */
actor_fn do_lose_b_holding_a;		      /* NULL; see below */

/* By injection: the context, which held nothing, holds A and got -EDEADLK for B. */
void lose_b_holding_a(struct wwr_acquire_ctx *ctx);

/* Steps that have to succeed before the one that matters; these work in a misuse too. */
void must(int result);

/* The call that matters. */
#define assert_returns(call, expected)                                                             \
	do {                                                                                       \
		int returned_ = (call);                                                            \
                                                                                                   \
		cr_assert_eq(returned_, (expected), "%s returned %d, not %d", #call, returned_,    \
			     (int)(expected));                                                     \
	} while (0)

/* Absolute time for a deadline. */
int64_t from_now_ns(int64_t delay_ns);

/* A deadline that no test should reach, and one that all do. */
#define FAR_FROM_NOW_NS ((int64_t)STAGE_PATIENCE_S * 1000000000)
#define SOON_NS		((int64_t)2000000)

/* Run misuse in a child process: it must abort and say message on stderr. */
void assert_aborts(void (*misuse)(void), const char *message);

/* One behaviour, under one rule or under both. */
#define STAGE_TEST_AS(suite, name, suffix, algorithm)                                              \
	Test(suite, name##suffix, .timeout = STAGE_TIMEOUT_S)                                      \
	{                                                                                          \
		stage_open(algorithm);                                                             \
		suite##_##name();                                                                  \
		stage_close();                                                                     \
	}

#define WOUND_WAIT_TEST(suite, name)                                                               \
	static void suite##_##name(void);                                                          \
	STAGE_TEST_AS(suite, name, , WWR_WOUND_WAIT)                                               \
	static void suite##_##name(void)

#define WAIT_DIE_TEST(suite, name)                                                                 \
	static void suite##_##name(void);                                                          \
	STAGE_TEST_AS(suite, name, , WWR_WAIT_DIE)                                                 \
	static void suite##_##name(void)

#define BOTH_TEST(suite, name)                                                                     \
	static void suite##_##name(void);                                                          \
	STAGE_TEST_AS(suite, name, _wound_wait, WWR_WOUND_WAIT)                                    \
	STAGE_TEST_AS(suite, name, _wait_die, WWR_WAIT_DIE)                                        \
	static void suite##_##name(void)

/* The body is the misuse; it runs in a child process and must abort with message. */
#define MISUSE_TEST(suite, name, message)                                                          \
	static void suite##_##name(void);                                                          \
	Test(suite, name, .timeout = STAGE_TIMEOUT_S)                                              \
	{                                                                                          \
		stage_open(WWR_WOUND_WAIT);                                                        \
		assert_aborts(suite##_##name, message);                                            \
		stage_close();                                                                     \
	}                                                                                          \
	static void suite##_##name(void)

#endif /* TESTS_LOCKSET_STAGE_H */
