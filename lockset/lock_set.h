/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_LOCK_SET_H
#define LOCKSET_LOCK_SET_H

#include <stdbool.h>

#include <wwresv/lock_set.h>

#include "lockset/thread.h"
#include "lockset/usage.h"

enum set_phase {
	SET_IDLE,   /* the next lock begins a transaction */
	SET_ACTIVE, /* a transaction, driven by the caller */
	SET_LOOP,   /* inside wwr_lock_set_until_all_locked(), before the first body */
	SET_BODY,   /* inside its body */
	SET_ALL,    /* inside wwr_lock_set_lock_all() */
};

/* C9: a set is of one thread, as its context is. */
static inline void set_check_thread(const struct wwr_lock_set *set, const char *call)
{
	WWR_USAGE(set->ctx->thread == thread_self(), "%s: set %p belongs to another thread", call,
		  (const void *)set);
}

/* Begin a transaction unless one is on that kept its stamp. */
void set_begin(struct wwr_lock_set *set);

/* Give up what back_off kept and this attempt did not ask for. */
void set_drop_kept(struct wwr_lock_set *set);

/* Release everything and end the transaction, committed or not. */
void set_end(struct wwr_lock_set *set);

/* A contended lock is remembered: every lock of this attempt is -EDEADLK. */
bool set_is_contended(const struct wwr_lock_set *set);

#endif /* LOCKSET_LOCK_SET_H */
