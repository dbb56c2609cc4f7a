/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/lockset_model.h"

#include <errno.h>

static struct model_ctx *set_ctx(const struct model_set *set)
{
	return &model.ctxs[set->ctx];
}

bool model_set_is_contended(int set)
{
	return set_ctx(&model.sets[set])->state == MODEL_CTX_CONTENDED;
}

bool model_set_holds(int set, int mutex)
{
	return model.mutexes[mutex].holder == model.sets[set].ctx;
}

/* S9 */
static struct model_wait set_wait(const struct model_set *set)
{
	return (struct model_wait){
	    .token = set->token,
	    .deadline_ns = set->deadline_ns != 0 ? set->deadline_ns : INT64_MAX,
	    .interruptible = set->token != MODEL_NONE,
	    .from_set = true,
	};
}

/* The counts of the context are the set's and the class's. */
static void set_flush(struct model_set *set)
{
	const struct wwr_class_stats *counts = &set_ctx(set)->counts;

	set->stats.num_locks += counts->num_locks;
	set->stats.num_backoffs += counts->num_backoffs;
	set->stats.wait_ns += counts->wait_ns;
	model_ctx_flush(set->ctx);
}

static int set_init(struct model_set *set, const struct wwr_lock_set_options *options, int token)
{
	if ((options->flags & ~WWR_LOCK_SET_MASK) != 0 || options->deadline_ns < 0)
		return -EINVAL;
	*set = (struct model_set){
	    .exists = true,
	    .fresh = true,
	    .flags = options->flags,
	    .retry_limit = options->retry_limit,
	    .deadline_ns = options->deadline_ns,
	    .token = token,
	    .kept = MODEL_NONE,
	    .last_contended = MODEL_NONE,
	};
	return 0;
}

int model_set_init(int set, int lock_class, const struct wwr_lock_set_options *options, int token)
{
	int ctx = model_own_ctx(set);
	int ret = set_init(&model.sets[set], options, token);

	if (ret != 0)
		return ret;
	model_ctx_init(ctx, model_actor_of_set(set), lock_class);
	model.ctxs[ctx].set = set;
	model.sets[set].ctx = ctx;
	return 0;
}

int model_set_init_with_ctx(int set, int ctx, const struct wwr_lock_set_options *options, int token)
{
	int ret;

	if (model.ctxs[ctx].num_held > 0 || model.ctxs[ctx].state == MODEL_CTX_DONE)
		return -EINVAL;
	ret = set_init(&model.sets[set], options, token);
	if (ret != 0)
		return ret;
	model_ctx_flush(ctx);
	model.ctxs[ctx].set = set;
	model.sets[set].ctx = ctx;
	return 0;
}

static void set_begin(struct model_set *set)
{
	struct model_ctx *ctx = set_ctx(set);

	if (!set->fresh) {
		set_flush(set);
		model_ctx_reinit(set->ctx);
	}
	set->fresh = false;
	/* A borrowed context may have met -EDEADLK before. */
	set->status = ctx->state == MODEL_CTX_CONTENDED ? -EDEADLK : 0;
	ctx->classic = (set->flags & WWR_LOCK_SET_CLASSIC) != 0;
	set->stats.retries = 0;
	set->stats.losses = 0;
	set->stats.restarts = 0;
	set->stats.injected = 0;
	set->last_contended = MODEL_NONE;
}

static void set_unlock_members(struct model_set *set)
{
	set->kept = MODEL_NONE;
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		if (model.mutexes[i].holder == set->ctx)
			model_unlock(i);
	}
}

/* The transaction is over. */
static void set_end(struct model_set *set)
{
	set_unlock_members(set);
	if (set_ctx(set)->state == MODEL_CTX_CONTENDED)
		model_ctx_forget(set->ctx);
	set_flush(set);
	set->phase = MODEL_IDLE;
}

void model_set_fini(int set)
{
	struct model_set *s = &model.sets[set];

	set_end(s);
	set_ctx(s)->set = MODEL_NONE;
	if (s->ctx == model_own_ctx(set))
		set_ctx(s)->state = MODEL_CTX_NONE;
	else
		set_ctx(s)->classic = true;
	s->exists = false;
}

/* The first call of a transaction begins it. */
static void set_need_transaction(struct model_set *set)
{
	if (set->phase != MODEL_IDLE)
		return;
	set_begin(set);
	set->phase = MODEL_ACTIVE;
}

static int set_found(struct model_set *set, int mutex)
{
	if (set->kept == mutex)
		set->kept = MODEL_NONE;
	return 0;
}

/* How a lock call ended; S8. */
static int set_locked(struct model_set *set, int ret)
{
	const struct model_ctx *ctx = set_ctx(set);

	if (ret == 0 || ret == MODEL_SLEEPS)
		return ret;
	if (set->status == 0)
		set->status = ret;
	if (ret != -EDEADLK)
		return ret;
	set->last_contended = ctx->contended;
	if (!ctx->injected && ctx->classic)
		set->stats.restarts++;
	else if (!ctx->injected)
		set->stats.losses++;
	return ret;
}

static int set_lock(int set, int mutex)
{
	struct model_set *s = &model.sets[set];
	struct model_wait wait = set_wait(s);

	set_need_transaction(s);
	/* S5 */
	if (model_set_is_contended(set))
		return -EDEADLK;
	if (model_set_holds(set, mutex))
		return set_found(s, mutex);
	return set_locked(s, model_lock(model_actor_of_set(set), s->ctx, mutex, &wait));
}

int model_set_lock(int set, int mutex)
{
	model.sets[set].call = MODEL_CALL_LOCK;
	return set_lock(set, mutex);
}

static int set_array_go_on(int set)
{
	struct model_set *s = &model.sets[set];
	int ret = 0;

	while (ret == 0 && s->next_array < s->num_array)
		ret = set_lock(set, s->array[s->next_array++]);
	return ret;
}

int model_set_lock_array(int set, const int *mutexes, int num)
{
	struct model_set *s = &model.sets[set];

	s->call = MODEL_CALL_ARRAY;
	s->num_array = num;
	s->next_array = 0;
	for (int i = 0; i < num; i++)
		s->array[i] = mutexes[i];
	return set_array_go_on(set);
}

int model_set_trylock(int set, int mutex)
{
	struct model_set *s = &model.sets[set];
	int ret;

	set_need_transaction(s);
	if (model_set_is_contended(set))
		return -EDEADLK;
	ret = model_trylock(model_actor_of_set(set), s->ctx, mutex);
	if (ret == -EALREADY)
		return set_found(s, mutex);
	return ret == -EBUSY ? ret : set_locked(s, ret);
}

/* S2, S3: nothing is held. */
static void set_fall_back(struct model_set *set)
{
	struct model_ctx *ctx = set_ctx(set);

	if (ctx->classic || set->stats.losses < model.max_losses)
		return;
	ctx->classic = true;
	ctx->counts.num_fallbacks++;
}

static int set_backed_off(struct model_set *set, int ret)
{
	if (ret == MODEL_SLEEPS)
		return ret;
	set->status = ret;
	if (ret == 0) {
		set->stats.retries++;
		set->stats.injected += set_ctx(set)->injected;
		set->kept = set->target;
	}
	return ret;
}

/* S4 */
static int set_back_off(int set)
{
	struct model_set *s = &model.sets[set];
	struct model_wait wait = set_wait(s);

	s->target = set_ctx(s)->contended;
	set_need_transaction(s);
	set_unlock_members(s);
	set_fall_back(s);
	if (s->retry_limit != 0 && !set_ctx(s)->injected &&
	    s->stats.retries - s->stats.injected >= s->retry_limit)
		return s->status = -EAGAIN;
	return set_backed_off(s, model_lock(model_actor_of_set(set), s->ctx, s->target, &wait));
}

int model_set_back_off(int set)
{
	model.sets[set].call = MODEL_CALL_BACK_OFF;
	return set_back_off(set);
}

void model_set_unlock(int set, int mutex)
{
	(void)set_found(&model.sets[set], mutex);
	model_unlock(mutex);
}

void model_set_done(int set)
{
	set_need_transaction(&model.sets[set]);
	set_ctx(&model.sets[set])->state = MODEL_CTX_DONE;
}

void model_set_release_all(int set)
{
	struct model_set *s = &model.sets[set];

	if (!model_set_is_contended(set)) {
		set_end(s);
		return;
	}
	set_need_transaction(s);
	set_unlock_members(s);
	set_fall_back(s);
	model_ctx_forget(s->ctx);
	s->status = 0;
	s->phase = MODEL_ACTIVE;
}

/* S6 */
static void set_complete(int set)
{
	if (model.sets[set].kept != MODEL_NONE)
		model_set_unlock(set, model.sets[set].kept);
	model_set_done(set);
}

static void set_run_begin(struct model_set *set, enum model_phase phase)
{
	/* S12 */
	if (set->phase == MODEL_ACTIVE && set_ctx(set)->state == MODEL_CTX_DONE)
		set_end(set);
	if (set->phase == MODEL_IDLE)
		set_begin(set);
	set->phase = phase;
}

int model_set_all_begin(int set)
{
	set_run_begin(&model.sets[set], MODEL_IN_ALL);
	return MODEL_ACQUIRE;
}

/* lock_all() returns; S10. */
static int set_all_ends(int set, int ret)
{
	set_end(&model.sets[set]);
	return ret;
}

static int set_all_backed_off(int set, int ret)
{
	if (ret == MODEL_SLEEPS)
		return ret;
	return ret == 0 ? MODEL_ACQUIRE : set_all_ends(set, ret);
}

int model_set_all_acquired(int set, int ret)
{
	/* S7 */
	if (model_set_is_contended(set) && (ret == 0 || ret == -EDEADLK)) {
		model.sets[set].call = MODEL_CALL_ALL;
		return set_all_backed_off(set, set_back_off(set));
	}
	if (ret != 0)
		return set_all_ends(set, ret);
	set_complete(set);
	return MODEL_LOCKED;
}

int model_set_all_locked(int set, int ret)
{
	return set_all_ends(set, ret);
}

void model_set_loop_begin(int set)
{
	set_run_begin(&model.sets[set], MODEL_LOOP_BEGUN);
}

static int set_loop_backed_off(int set, int ret)
{
	if (ret == MODEL_SLEEPS)
		return ret;
	return ret == 0 ? MODEL_BODY : set_all_ends(set, 0);
}

int model_set_loop_next(int set)
{
	struct model_set *s = &model.sets[set];

	if (s->phase == MODEL_LOOP_BEGUN) {
		s->phase = MODEL_IN_BODY;
		return MODEL_BODY;
	}
	if (model_set_is_contended(set) && s->status == -EDEADLK) {
		s->call = MODEL_CALL_LOOP;
		return set_loop_backed_off(set, set_back_off(set));
	}
	if (s->status != 0)
		return set_all_ends(set, 0);
	set_complete(set);
	s->phase = MODEL_ACTIVE;
	return 0;
}

int model_set_go_on(int set, int ret)
{
	struct model_set *s = &model.sets[set];

	switch (s->call) {
	case MODEL_CALL_LOCK:
		return set_locked(s, ret);
	case MODEL_CALL_ARRAY:
		ret = set_locked(s, ret);
		return ret == 0 ? set_array_go_on(set) : ret;
	case MODEL_CALL_BACK_OFF:
		return set_backed_off(s, ret);
	case MODEL_CALL_ALL:
		return set_all_backed_off(set, set_backed_off(s, ret));
	case MODEL_CALL_LOOP:
		return set_loop_backed_off(set, set_backed_off(s, ret));
	}
	return ret;
}
