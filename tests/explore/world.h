/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_WORLD_H
#define TESTS_EXPLORE_WORLD_H

/*
 * Mutexes and those who lock them: what nearly every scenario of the lock layer is made of.  Each
 * schedule's seed decides who is of which kind, in which way a set is used, and who is disturbed
 * when.
 */

#include <wwresv/acquire_ctx.h>
#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>

#include "tests/explore/explore.h"

#define WORLD_MAX_PARTIES 5
#define WORLD_MAX_MUTEXES 4

enum party_kind {
	PARTY_DEFAULT, /* a lock set of the default policy */
	PARTY_CLASSIC, /* a classic lock set */
	PARTY_CTX,     /* a context, locked with by hand */
	PARTY_PLAIN,   /* one mutex after the other, without a context */
	PARTY_NUM_KINDS
};

#define KIND(kind)   (1u << (kind))
#define KINDS_SETS   (KIND(PARTY_DEFAULT) | KIND(PARTY_CLASSIC))
#define KINDS_ALL    ((1u << PARTY_NUM_KINDS) - 1)
#define KIND_DEFAULT KIND(PARTY_DEFAULT)
#define KIND_CLASSIC KIND(PARTY_CLASSIC)
#define KIND_CTX     KIND(PARTY_CTX)
#define KIND_PLAIN   KIND(PARTY_PLAIN)

enum world_flag {
	WORLD_TOKENS = 1 << 0,	      /* a fiber interrupts some */
	WORLD_DEADLINES = 1 << 1,     /* some have one */
	WORLD_SIGNALS = 1 << 2,	      /* signal handlers, and so spurious wake-ups */
	WORLD_INJECT = 1 << 3,	      /* the class injects -EDEADLK */
	WORLD_MID_UNLOCK = 1 << 4,    /* sets and contexts unlock and lock again in between */
	WORLD_TRY = 1 << 5,	      /* some trylock first */
	WORLD_FREE_MUTEX = 1 << 6,    /* who is last with a mutex frees it at once */
	WORLD_DEBUGGER = 1 << 7,      /* a fiber looks at waiters and holders */
	WORLD_ANY_ORDER = 1 << 8,     /* the order is new in each attempt */
	WORLD_OLDEST_FIRST = 1 << 9,  /* wound-wait, all classic: the oldest never restarts */
	WORLD_FAIR = 1 << 10,	      /* all plain: nobody is passed over too often */
	WORLD_SHORT_TOKENS = 1 << 12, /* contexts use a new token in each call */
	WORLD_STUCK = 1 << 13,	      /* the last mutex is held until all parties have given up */
	WORLD_SOME = 1 << 11,	      /* each wants some of the mutexes only */
};

struct world_config {
	enum wwr_algorithm algorithm;
	unsigned int num_parties;
	unsigned int num_mutexes;
	unsigned int kinds; /* KIND() mask */
	unsigned int flags;
	unsigned int rounds;	   /* transactions of each party; 0 = 1 */
	unsigned int max_losses;   /* R of the default policy; 0 = 2 */
	unsigned int retry_limit;  /* of sets; 0 = none */
	unsigned int max_restarts; /* B, of tests/model/bounds.h; 0 = not known */
	unsigned int max_handoff;  /* the seed takes H from 0 up to this; 0 = always 1 */
};

struct world_mutex {
	struct wwr_mutex mutex;
	unsigned int holder; /* 1 + party inside its critical section, 0 = nobody */
	unsigned int count;  /* plain data that the mutex protects */
	unsigned int refs;   /* parties that still want it; protected too */
};

struct party {
	unsigned int index;
	enum party_kind kind;
	unsigned int first;  /* rotation of its order */
	unsigned int wanted; /* mask of mutexes */
	struct wwr_interrupt_token *token;
	int64_t deadline_ns; /* 0 = none */
	struct wwr_lock_set *set;
	struct wwr_acquire_ctx *ctx;
	uint64_t stamp;
	unsigned int inside;			/* mask of mutexes marked as held */
	unsigned int losses;			/* of this transaction, counted here */
	unsigned int restarts;			/* of this transaction, classic ones */
	unsigned int committed;			/* transactions */
	unsigned int gave_up;			/* transactions that ended with an error */
	unsigned int passed[WORLD_MAX_MUTEXES]; /* others that got it while we were queued */
};

struct world {
	const struct world_config *config;
	unsigned int num_parties;
	struct party parties[WORLD_MAX_PARTIES];
	struct world_mutex *mutexes[WORLD_MAX_MUTEXES];
	unsigned int expected[WORLD_MAX_MUTEXES]; /* what count must be */
	uint64_t oldest;			  /* stamp */
};

extern struct world world;

/* setup and check of scenarios whose config is a struct world_config. */
void world_setup(const struct ex_scenario *scenario);
void world_check(const struct ex_scenario *scenario);

static inline bool world_has(enum world_flag flag)
{
	return (world.config->flags & (unsigned int)flag) != 0;
}

/* The i-th mutex in the party's order. */
unsigned int party_nth(const struct party *party, unsigned int i);

/* The party has the mutex, and nobody else; or is about to let go of it. */
void party_enter(struct party *party, unsigned int mutex);
void party_exit(struct party *party, unsigned int mutex);
void party_exit_all(struct party *party);

/* Change what the mutex protects. */
void party_work(struct party *party, unsigned int mutex);

/* The mutex was unlocked: frees it, if so configured and this party was the last one. */
void party_unlocked(unsigned int mutex, bool last);

/* A transaction ended with this result: is it one that may be? */
void party_end(struct party *party, int result);

/* Check losses and restarts, with the locks held. */
void party_check_losses(struct party *party, const struct wwr_lock_set_stats *stats);
void party_check_restarts(struct party *party, unsigned int restarts);

/* One transaction; party_set.c, party_ctx.c. */
void party_run_set(struct party *party);
void party_run_ctx(struct party *party);
void party_run_plain(struct party *party);

#endif /* TESTS_EXPLORE_WORLD_H */
