/* SPDX-License-Identifier: MIT */
/*
 * Lock sets: an acquire context, the policy of when to give way, and what to remember for a retry.
 * The members are the context's held list; there is no other.  Invariants: kept is NULL or held;
 * the context's mode changes only in set_begin() and set_fall_back(), with nothing held.
 */
#include "lockset/lock_set.h"

#include "lockset/mutex.h"
#include "lockset/park.h"
#include "lockset/usage.h"

#include <errno.h>

/* Fewer in the explorer, where a loss is cheap and a step is not. */
#ifndef SET_MAX_LOSSES
#define SET_MAX_LOSSES WWR_LOCK_SET_MAX_LOSSES
#endif

static int set_init(struct wwr_lock_set *set, const struct wwr_lock_set_options *options)
{
	if (options != NULL &&
	    ((options->flags & ~WWR_LOCK_SET_MASK) != 0 || options->deadline_ns < 0))
		return -EINVAL;
	*set = (struct wwr_lock_set){.phase = SET_IDLE, .fresh = true};
	if (options != NULL)
		set->options = *options;
	return 0;
}

int wwr_lock_set_init(struct wwr_lock_set *set, struct wwr_class *lock_class,
		      const struct wwr_lock_set_options *options)
{
	int ret = set_init(set, options);

	if (ret != 0)
		return ret;
	wwr_acquire_ctx_init(&set->own_ctx, lock_class);
	set->ctx = &set->own_ctx;
	set->ctx->set = set;
	return 0;
}

int wwr_lock_set_init_with_ctx(struct wwr_lock_set *set, struct wwr_acquire_ctx *ctx,
			       const struct wwr_lock_set_options *options)
{
	int ret;

	ctx_check(ctx, "wwr_lock_set_init_with_ctx");
	ctx_check_no_set(ctx, "wwr_lock_set_init_with_ctx");
	if (ctx->num_held != 0 || ctx->state == CTX_DONE)
		return -EINVAL;
	ret = set_init(set, options);
	if (ret != 0)
		return ret;
	ctx_flush_counts(ctx);
	set->ctx = ctx;
	ctx->set = set;
	return 0;
}

/* S11: what lock_all began, only lock_all ends. */
static void set_check_may_end(const struct wwr_lock_set *set, const char *call)
{
	set_check_thread(set, call);
	WWR_USAGE(set->phase != SET_ALL,
		  "%s: set %p is inside wwr_lock_set_lock_all, which releases everything itself",
		  call, (const void *)set);
}

void wwr_lock_set_fini(struct wwr_lock_set *set)
{
	set_check_may_end(set, "wwr_lock_set_fini");
	set_end(set);
	set->ctx->set = NULL;
	if (set->ctx == &set->own_ctx)
		wwr_acquire_ctx_fini(set->ctx);
	else
		set->ctx->classic = 1;
}

void set_begin(struct wwr_lock_set *set)
{
	if (!set->fresh)
		ctx_reinit(set->ctx);
	set->fresh = false;
	/* A borrowed context may have met it before: then this attempt is to be given up. */
	set->status = set_is_contended(set) ? -EDEADLK : 0;
	set->ctx->classic = (set->options.flags & WWR_LOCK_SET_CLASSIC) != 0;
	set->stats.classic = set->ctx->classic;
	set->stats.retries = 0;
	set->stats.losses = 0;
	set->stats.restarts = 0;
	set->stats.injected = 0;
	set->stats.last_contended = NULL;
}

bool set_is_contended(const struct wwr_lock_set *set)
{
	return set->ctx->state == CTX_CONTENDED || set->wait != NULL;
}

static bool set_holds(const struct wwr_lock_set *set, const struct wwr_mutex *mutex)
{
	return mutex_is_held_by(mutex, owner_of_ctx(set->ctx));
}

static struct mutex_wait set_wait(const struct wwr_lock_set *set)
{
	return (struct mutex_wait){
	    .token = set->options.token,
	    .deadline_ns = set->options.deadline_ns != 0 ? set->options.deadline_ns : PARK_FOREVER,
	    .interruptible = set->options.token != NULL,
	    .from_set = true,
	};
}

/* The set holds it already; if back_off kept it, this attempt wants it. */
static int set_found(struct wwr_lock_set *set, const struct wwr_mutex *mutex)
{
	if (set->kept == mutex)
		set->kept = NULL;
	return 0;
}

/* A lock call failed: remember it, and count a lost contention. */
static int set_failed(struct wwr_lock_set *set, int error)
{
	if (set->status == 0)
		set->status = error;
	if (error != -EDEADLK)
		return error;
	set->stats.last_contended = set->ctx->contended;
	if (set->ctx->injected)
		return error;
	if (set->ctx->classic)
		set->stats.restarts++;
	else
		set->stats.losses++;
	return error;
}

/* The first call of a transaction that the caller drives begins it. */
static void set_activate(struct wwr_lock_set *set)
{
	if (__builtin_expect(set->phase != SET_IDLE, 1))
		return;
	set_begin(set);
	set->phase = SET_ACTIVE;
}

static int set_lock_slow(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	const struct mutex_wait wait = set_wait(set);
	int ret = mutex_lock_ctx_slow(mutex, set->ctx, &wait);

	return ret == 0 ? 0 : set_failed(set, ret);
}

int wwr_lock_set_lock(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	struct wwr_acquire_ctx *ctx = set->ctx;

	set_check_thread(set, "wwr_lock_set_lock");
	set_activate(set);
	if (__builtin_expect(set_is_contended(set), 0))
		return -EDEADLK;
	if (set_holds(set, mutex))
		return set_found(set, mutex);
	if (!mutex_lock_ctx_fast(mutex, ctx))
		return set_lock_slow(set, mutex);
	return __builtin_expect(mutex_acquired(mutex, ctx) == 0, 1) ? 0 : set_failed(set, -EDEADLK);
}

/* No analysis: the set keeps the lock when this returns. */
int wwr_lock_set_trylock(struct wwr_lock_set *set, struct wwr_mutex *mutex) WWR_NO_ANALYSIS
{
	int ret;

	set_check_thread(set, "wwr_lock_set_trylock");
	set_activate(set);
	if (set_is_contended(set))
		return -EDEADLK;
	ret = mutex_trylock_ctx(mutex, set->ctx);
	if (ret == -EALREADY)
		return set_found(set, mutex);
	return ret == 0 || ret == -EBUSY ? ret : set_failed(set, ret);
}

int wwr_lock_set_lock_array(struct wwr_lock_set *set, struct wwr_mutex *const *mutexes, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		int ret = wwr_lock_set_lock(set, mutexes[i]);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static void set_unlock_members(struct wwr_lock_set *set)
{
	set->kept = NULL;
	if (set->ctx->held != NULL)
		mutex_unlock_all(set->ctx);
}

/* Lost too often: from here on by the rules that let the oldest win.  Nothing is held. */
static void set_fall_back(struct wwr_lock_set *set)
{
	if (set->ctx->classic || set->stats.losses < SET_MAX_LOSSES)
		return;
	set->ctx->classic = 1;
	set->ctx->counts.num_fallbacks++;
	set->stats.classic = true;
}

/* S8, S9: the limit is one of contention, so what was injected does not count. */
static bool set_is_at_limit(const struct wwr_lock_set *set)
{
	bool injected = set->wait == NULL && set->ctx->injected;

	return set->options.retry_limit != 0 && !injected &&
	       set->stats.retries - set->stats.injected >= set->options.retry_limit;
}

int wwr_lock_set_wait_unlocked(struct wwr_lock_set *set,
			       int (*wait)(struct wwr_lock_set *set, void *arg), void *arg)
{
	set_check_thread(set, "wwr_lock_set_wait_unlocked");
	set_activate(set);
	if (set_is_contended(set))
		return -EDEADLK;
	set->wait = wait;
	set->wait_arg = arg;
	if (set->status == 0)
		set->status = -EDEADLK;
	return -EDEADLK;
}

/* What the attempt asked for; it need not be asked for again.  Nothing is held. */
static int set_wait_unlocked(struct wwr_lock_set *set)
{
	int (*const wait)(struct wwr_lock_set * set, void *arg) = set->wait;

	set->status = wait(set, set->wait_arg);
	if (set->status != 0)
		return set->status;
	set->wait = NULL;
	set->stats.retries++;
	return 0;
}

int wwr_lock_set_back_off(struct wwr_lock_set *set)
{
	struct mutex_wait wait = set_wait(set);
	struct wwr_mutex *mutex = set->ctx->contended;
	int ret;

	set_check_thread(set, "wwr_lock_set_back_off");
	WWR_USAGE(set_is_contended(set), "wwr_lock_set_back_off: set %p has no contended lock",
		  (void *)set);
	set_activate(set);
	set_unlock_members(set);
	set_fall_back(set);
	if (set_is_at_limit(set))
		return set->status = -EAGAIN;
	if (set->wait != NULL)
		return set_wait_unlocked(set);
	ret = mutex_lock_contended(mutex, set->ctx, &wait);
	set->status = ret;
	if (ret != 0)
		return ret;
	set->stats.retries++;
	set->stats.injected += set->ctx->injected;
	set->kept = mutex;
	return 0;
}

void wwr_lock_set_unlock(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	set_check_thread(set, "wwr_lock_set_unlock");
	WWR_USAGE(set_holds(set, mutex), "wwr_lock_set_unlock: set %p does not hold mutex %p",
		  (void *)set, (void *)mutex);
	(void)set_found(set, mutex);
	mutex_unlock_ctx(mutex, set->ctx);
}

void wwr_lock_set_done(struct wwr_lock_set *set)
{
	set_check_thread(set, "wwr_lock_set_done");
	set_activate(set);
	WWR_USAGE(!set_is_contended(set),
		  "wwr_lock_set_done: set %p has a contended lock to back off to", (void *)set);
	WWR_USAGE(set->ctx->state != CTX_DONE, "wwr_lock_set_done: set %p is done already",
		  (void *)set);
	ctx_set_done(set->ctx);
}

void set_drop_kept(struct wwr_lock_set *set)
{
	if (set->kept != NULL)
		wwr_lock_set_unlock(set, set->kept);
}

/* The set's own sums; the class's are added at the same time. */
static void set_flush_counts(struct wwr_lock_set *set)
{
	const struct wwr_class_stats *counts = &set->ctx->counts;

	/* A wait that failed is counted by its time alone. */
	if ((counts->num_locks | counts->num_backoffs | counts->wait_ns) == 0)
		return;
	set->stats.num_locks += counts->num_locks;
	set->stats.num_backoffs += counts->num_backoffs;
	set->stats.wait_ns += counts->wait_ns;
	ctx_flush_counts(set->ctx);
}

/* Nothing is held. */
static void set_forget_contended(struct wwr_lock_set *set)
{
	set->wait = NULL;
	if (set->ctx->state == CTX_CONTENDED)
		ctx_clear_contended(set->ctx);
}

void set_end(struct wwr_lock_set *set)
{
	set_unlock_members(set);
	set_forget_contended(set);
	set_flush_counts(set);
	set->phase = SET_IDLE;
}

void wwr_lock_set_release_all(struct wwr_lock_set *set)
{
	set_check_may_end(set, "wwr_lock_set_release_all");
	if (!set_is_contended(set)) {
		set_end(set);
		return;
	}
	/* Not committed: the next attempt keeps the stamp and what it has lost so far. */
	set_activate(set);
	set_unlock_members(set);
	set_fall_back(set);
	set_forget_contended(set);
	set->status = 0;
	set->phase = SET_ACTIVE;
}

int wwr_lock_set_status(const struct wwr_lock_set *set)
{
	return set->status;
}

bool wwr_lock_set_holds(const struct wwr_lock_set *set, const struct wwr_mutex *mutex)
{
	set_check_thread(set, "wwr_lock_set_holds");
	return set_holds(set, mutex);
}

int wwr_lock_set_with_locked(struct wwr_lock_set *set, struct wwr_mutex *mutex,
			     int (*fn)(struct wwr_mutex *mutex, void *arg), void *arg)
{
	set_check_thread(set, "wwr_lock_set_with_locked");
	return set_holds(set, mutex) ? fn(mutex, arg) : -EINVAL;
}

void wwr_lock_set_get_stats(const struct wwr_lock_set *set, struct wwr_lock_set_stats *ret_stats)
{
	*ret_stats = set->stats;
	ret_stats->num_locks += set->ctx->counts.num_locks;
	ret_stats->num_backoffs += set->ctx->counts.num_backoffs;
	ret_stats->wait_ns += set->ctx->counts.wait_ns;
}
