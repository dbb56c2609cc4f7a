/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LOCKSET_PARTY_H
#define TESTS_LOCKSET_PARTY_H

/*
 * Those who lock: each locks some mutexes as one transaction, in its own way, and does what its way
 * says when it has to give way.  Used by actors and by the stress programs; nothing here asserts.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/lockset.h>

enum party_kind {
	PARTY_DEFAULT, /* a set of the default policy, driven by hand */
	PARTY_CLASSIC, /* a set with classic rules */
	PARTY_ALL,     /* a set of the default policy, by lock_all */
	PARTY_LOOP,    /* a classic set, as a loop */
	PARTY_CTX,     /* an acquire context and the mutex calls */
	PARTY_PLAIN,   /* no context: one mutex after the other */
	PARTY_NUM_KINDS,
};

struct party {
	enum party_kind kind;
	struct wwr_lock_set set;
	struct wwr_acquire_ctx ctx;
	struct wwr_mutex *const *wanted; /* of the transaction that runs */
	unsigned int num_wanted;
	void (*work)(struct wwr_mutex *mutex, void *arg); /* called for each, with it held */
	void *arg;
	unsigned int max_losses, max_restarts; /* of any one transaction */
};

const char *party_kind_name(enum party_kind kind);

/* Begin and end, on the thread that locks.  options: of sets, their flags left to the kind. */
int party_init(struct party *party, enum party_kind kind, struct wwr_class *lock_class,
	       const struct wwr_lock_set_options *options);
void party_fini(struct party *party);

/*
 * Lock num different mutexes in this order, or twice the same, call work for each, and unlock.
 * 0, or the error that ended it: then nothing is held.
 */
int party_run(struct party *party, struct wwr_mutex *const *wanted, unsigned int num);

/* The first lock of a transaction, which party_run() then finds held.  Not for PARTY_PLAIN. */
int party_lock_first(struct party *party, struct wwr_mutex *first);

/* A number of different mutexes of an array, in random order; *state as of test_random(). */
void party_choose(struct wwr_mutex **ret_wanted, unsigned int num, struct wwr_mutex *from,
		  unsigned int num_from, uint64_t *state);

#endif /* TESTS_LOCKSET_PARTY_H */
