/* SPDX-License-Identifier: MIT */
/* The two ways to run a transaction over and over until it has every lock: callbacks, or a loop. */
#include "lockset/lock_set.h"

#include "lockset/acquire_ctx.h"
#include "lockset/usage.h"

#include <errno.h>

static void set_run_begin(struct wwr_lock_set *set, enum set_phase phase, const char *call)
{
	set_check_thread(set, call);
	WWR_USAGE(set->phase == SET_IDLE || set->phase == SET_ACTIVE,
		  "%s: set %p runs another transaction", call, (void *)set);
	WWR_USAGE(set->ctx->num_held == 0, "%s: set %p holds locks already", call, (void *)set);
	WWR_USAGE(set->phase == SET_IDLE || !set_is_contended(set),
		  "%s: set %p has a contended lock to back off to", call, (void *)set);
	/* Done, and every member given back: that one has committed. */
	if (set->phase == SET_ACTIVE && set->ctx->state == CTX_DONE)
		set_end(set);
	/* An attempt that was given up has kept its stamp: go on with it. */
	if (set->phase == SET_IDLE)
		set_begin(set);
	set->phase = phase;
}

/* Every attempt but the last: 0 to go on, or the error that ends the transaction. */
static int set_acquire(struct wwr_lock_set *set,
		       int (*acquire)(struct wwr_lock_set *set, void *arg), void *arg)
{
	for (;;) {
		int ret = acquire(set, arg);

		/* With nothing contended -EDEADLK is the algorithm's own error. */
		if (!set_is_contended(set) || (ret != 0 && ret != -EDEADLK))
			return ret;
		ret = wwr_lock_set_back_off(set);
		if (ret != 0)
			return ret;
	}
}

int wwr_lock_set_lock_all(struct wwr_lock_set *set,
			  int (*acquire)(struct wwr_lock_set *set, void *arg),
			  int (*locked)(struct wwr_lock_set *set, void *arg), void *arg)
{
	int ret;

	set_run_begin(set, SET_ALL, "wwr_lock_set_lock_all");
	ret = set_acquire(set, acquire, arg);
	if (ret == 0) {
		set_drop_kept(set);
		wwr_lock_set_done(set);
		ret = locked(set, arg);
	}
	set_end(set);
	return ret;
}

void wwr_lock_set_loop_begin(struct wwr_lock_set *set)
{
	set_run_begin(set, SET_LOOP, "wwr_lock_set_until_all_locked");
}

/* The loop is over with nothing held; status tells why. */
static bool set_loop_fail(struct wwr_lock_set *set)
{
	set_end(set);
	return false;
}

bool wwr_lock_set_loop_next(struct wwr_lock_set *set)
{
	set_check_thread(set, "wwr_lock_set_until_all_locked");
	if (set->phase == SET_LOOP) {
		set->phase = SET_BODY;
		return true;
	}
	/* S11: 0 would say that all is held, and another turn would be one without end. */
	WWR_USAGE(set->phase == SET_BODY,
		  "wwr_lock_set_until_all_locked: the body released all of set %p and did not "
		  "leave the loop",
		  (void *)set);
	if (set_is_contended(set) && set->status == -EDEADLK)
		return wwr_lock_set_back_off(set) == 0 ? true : set_loop_fail(set);
	if (set->status != 0)
		return set_loop_fail(set);
	set_drop_kept(set);
	wwr_lock_set_done(set);
	set->phase = SET_ACTIVE;
	return false;
}
