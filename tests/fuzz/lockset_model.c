/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/lockset_model.h"

#include <errno.h>
#include <string.h>

struct model model;

void model_begin(void)
{
	memset(&model, 0, sizeof(model));
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		model.mutexes[i].lock_class = i < MODEL_MUTEXES - 1 ? 0 : i - (MODEL_MUTEXES - 2);
		model.mutexes[i].holder = MODEL_NONE;
	}
	for (int i = 0; i < MODEL_ACTORS; i++)
		model.waiters[i].mutex = MODEL_NONE;
	for (int i = 0; i < MODEL_CTXS; i++)
		model.ctxs[i].set = MODEL_NONE;
}

/* "Older" of docs/locking.md. */
static bool is_older(int ctx, int other)
{
	return (int64_t)(model.ctxs[ctx].stamp - model.ctxs[other].stamp) < 0;
}

static struct model_class *class_of(int mutex)
{
	return &model.classes[model.mutexes[mutex].lock_class];
}

/* The context that holds a mutex, or NONE. */
static int holding_ctx(int mutex)
{
	int holder = model.mutexes[mutex].holder;

	return holder < MODEL_PLAIN ? holder : MODEL_NONE;
}

/* Q1 */
static void queue_insert(struct model_mutex *mutex, int actor)
{
	int ctx = model.waiters[actor].ctx;
	int place = mutex->num_queued;

	for (int i = 0; ctx != MODEL_NONE && i < mutex->num_queued; i++) {
		int other = model.waiters[mutex->queue[i]].ctx;

		if (other != MODEL_NONE && is_older(ctx, other)) {
			place = i;
			break;
		}
	}
	for (int i = mutex->num_queued++; i > place; i--)
		mutex->queue[i] = mutex->queue[i - 1];
	mutex->queue[place] = actor;
}

static void queue_remove(struct model_mutex *mutex, int actor)
{
	int num = 0;

	for (int i = 0; i < mutex->num_queued; i++) {
		if (mutex->queue[i] != actor)
			mutex->queue[num++] = mutex->queue[i];
	}
	mutex->num_queued = num;
}

/* W3; what D4 asks for is a wake-up, which model_is_due() wants to see. */
static void new_owner(int mutex)
{
	const struct model_mutex *m = &model.mutexes[mutex];
	int ctx = holding_ctx(mutex);

	if (ctx == MODEL_NONE || class_of(mutex)->algorithm == WWR_WAIT_DIE)
		return;
	for (int i = 0; i < m->num_queued; i++) {
		const struct model_waiter *waiter = &model.waiters[m->queue[i]];

		if (waiter->holds && is_older(waiter->ctx, ctx))
			model.ctxs[ctx].wounded = true;
	}
}

/* The free mutex gets a holder; actor is the queued one that takes it, or NONE. */
static void take(int mutex, int holder, int actor)
{
	struct model_mutex *m = &model.mutexes[mutex];

	if (m->num_queued > 0 && m->queue[0] != actor)
		model.waiters[m->queue[0]].passed_over++; /* Q3 */
	if (actor != MODEL_NONE)
		queue_remove(m, actor);
	m->holder = holder;
	new_owner(mutex);
}

/* Q2, Q4 */
static void let_go(int mutex)
{
	struct model_mutex *m = &model.mutexes[mutex];
	struct model_waiter *first;
	int actor;

	m->holder = MODEL_NONE;
	if (m->num_queued == 0)
		return;
	actor = m->queue[0];
	first = &model.waiters[actor];
	if (first->passed_over < model.handoff_after)
		return;
	queue_remove(m, actor);
	m->holder = first->ctx != MODEL_NONE ? first->ctx : MODEL_PLAIN + actor;
	first->granted = true;
	new_owner(mutex);
}

/* D1, D2; W4 */
static bool must_give_way(int actor)
{
	const struct model_waiter *waiter = &model.waiters[actor];
	const struct model_mutex *mutex = &model.mutexes[waiter->mutex];
	int owner = holding_ctx(waiter->mutex);

	if (!waiter->holds)
		return false;
	if (class_of(waiter->mutex)->algorithm == WWR_WOUND_WAIT)
		return model.ctxs[waiter->ctx].wounded;
	if (owner != MODEL_NONE && model.ctxs[owner].classic && is_older(owner, waiter->ctx))
		return true;
	for (int i = 0; i < mutex->num_queued && mutex->queue[i] != actor; i++) {
		int ahead = model.waiters[mutex->queue[i]].ctx;

		if (ahead != MODEL_NONE && model.ctxs[ahead].classic)
			return true;
	}
	return false;
}

bool model_is_due(int actor)
{
	const struct model_waiter *waiter = &model.waiters[actor];
	const struct model_mutex *mutex = &model.mutexes[waiter->mutex];

	if (waiter->granted || (mutex->holder == MODEL_NONE && mutex->queue[0] == actor))
		return true;
	if (waiter->wait.token != MODEL_NONE && model.tokens[waiter->wait.token])
		return true;
	return must_give_way(actor);
}

int model_contend(int ctx, int mutex, bool injected)
{
	struct model_ctx *c = &model.ctxs[ctx];

	c->state = MODEL_CTX_CONTENDED;
	c->contended = mutex;
	c->injected = injected;
	c->counts.num_backoffs++;
	c->counts.num_injected += injected;
	return -EDEADLK;
}

/* One look at the mutex (C6, Q8): it is ours, why the wait ends, or sleep on. */
static int look(int actor, int slept)
{
	struct model_waiter *waiter = &model.waiters[actor];
	const struct model_wait *wait = &waiter->wait;
	int holder = waiter->ctx != MODEL_NONE ? waiter->ctx : MODEL_PLAIN + actor;

	if (waiter->granted)
		return 0;
	if (model.mutexes[waiter->mutex].holder == MODEL_NONE) {
		take(waiter->mutex, holder, actor);
		return 0;
	}
	if ((slept == -EINTR && wait->interruptible) ||
	    (wait->token != MODEL_NONE && model.tokens[wait->token]))
		return -EINTR;
	if (slept == -ETIME || wait->deadline_ns <= 0)
		return -ETIME;
	if (must_give_way(actor))
		return model_contend(waiter->ctx, waiter->mutex, false);
	return wait->deadline_ns <= model.now_ns ? -ETIME : MODEL_SLEEPS;
}

/* One step of splitmix64. */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* C5 */
static void ctx_begin(struct model_ctx *ctx)
{
	struct model_class *lock_class = &model.classes[ctx->lock_class];

	ctx->stamp = ++lock_class->stamp;
	ctx->state = MODEL_CTX_LIVE;
	ctx->contended = MODEL_NONE;
	ctx->inject_interval = lock_class->inject_interval;
	ctx->inject_countdown = 0;
	if (ctx->inject_interval != 0)
		ctx->inject_countdown = 1 + (uint32_t)(mix(lock_class->inject_seed ^ ctx->stamp) %
						       ctx->inject_interval);
}

void model_ctx_init(int ctx, int actor, int lock_class)
{
	model.ctxs[ctx] = (struct model_ctx){
	    .actor = actor,
	    .lock_class = lock_class,
	    .set = MODEL_NONE,
	    .classic = true,
	};
	ctx_begin(&model.ctxs[ctx]);
}

static void stats_add(struct wwr_class_stats *sum, const struct wwr_class_stats *stats)
{
	sum->num_locks += stats->num_locks;
	sum->num_contended += stats->num_contended;
	sum->num_backoffs += stats->num_backoffs;
	sum->num_injected += stats->num_injected;
	sum->num_fallbacks += stats->num_fallbacks;
	sum->wait_ns += stats->wait_ns;
}

void model_ctx_flush(int ctx)
{
	struct model_ctx *c = &model.ctxs[ctx];

	stats_add(&model.classes[c->lock_class].stats, &c->counts);
	c->counts = (struct wwr_class_stats){0};
}

void model_ctx_reinit(int ctx)
{
	model_ctx_flush(ctx);
	ctx_begin(&model.ctxs[ctx]);
}

void model_ctx_forget(int ctx)
{
	model.ctxs[ctx].state = MODEL_CTX_LIVE;
	model.ctxs[ctx].contended = MODEL_NONE;
}

static bool holds(int actor, int mutex)
{
	int holder = model.mutexes[mutex].holder;

	if (holder == MODEL_NONE || holder >= MODEL_PLAIN)
		return holder == MODEL_PLAIN + actor;
	return model.ctxs[holder].actor == actor;
}

/* C8 */
bool model_may_block(int actor, int ctx, int mutex)
{
	int lock_class = model.mutexes[mutex].lock_class;

	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		if (model.mutexes[i].lock_class == lock_class && holds(actor, i) &&
		    (ctx == MODEL_NONE || model.mutexes[i].holder != ctx))
			return false;
	}
	return true;
}

bool model_holds_any(int actor)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		if (holds(actor, i))
			return true;
	}
	return false;
}

bool model_is_in_order(int actor, int lock_class)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		if (holds(actor, i) && model.mutexes[i].lock_class > lock_class)
			return false;
	}
	return true;
}

/* C1, C2: the errors that need no look at the holder; 0 = none of them. */
static int check_ctx(int ctx, int mutex)
{
	const struct model_ctx *c = &model.ctxs[ctx];

	if (model.mutexes[mutex].holder == ctx)
		return -EALREADY;
	if (c->lock_class != model.mutexes[mutex].lock_class || c->state == MODEL_CTX_DONE)
		return -EINVAL;
	return 0;
}

/* C3 */
bool model_may_lock(int actor, int ctx, int mutex)
{
	const struct model_ctx *c;

	if (ctx == MODEL_NONE)
		return true;
	c = &model.ctxs[ctx];
	if (c->state == MODEL_CTX_NONE || c->actor != actor || c->set != MODEL_NONE)
		return false;
	if (c->state != MODEL_CTX_CONTENDED || check_ctx(ctx, mutex) != 0)
		return true;
	return c->num_held == 0 && c->contended == mutex;
}

/* The context has one more lock; 0, or -EDEADLK by injection. */
static int acquired(int ctx, int mutex)
{
	struct model_ctx *c = &model.ctxs[ctx];

	c->state = MODEL_CTX_LIVE;
	c->contended = MODEL_NONE;
	c->num_held++;
	if (c->num_held < 2 || c->inject_countdown == 0 || --c->inject_countdown > 0)
		return 0;
	if (c->inject_interval > UINT32_MAX / 4)
		c->inject_interval = UINT32_MAX;
	else
		c->inject_interval *= 4;
	c->inject_countdown = c->inject_interval;
	model_unlock(mutex);
	return model_contend(ctx, mutex, true);
}

/* A lock call ends: its books.  A lock lost by injection was not acquired. */
static int lock_ends(int ctx, int mutex, bool contended, int ret)
{
	struct wwr_class_stats *counts =
	    ctx != MODEL_NONE ? &model.ctxs[ctx].counts : &class_of(mutex)->stats;

	if (ret == 0 && ctx != MODEL_NONE)
		ret = acquired(ctx, mutex);
	if (ret != 0)
		return ret;
	counts->num_locks++;
	counts->num_contended += contended;
	return 0;
}

/* A wait ends. */
static int wait_ends(int actor, int ret)
{
	struct model_waiter *waiter = &model.waiters[actor];
	int mutex = waiter->mutex;
	struct wwr_class_stats *counts =
	    waiter->ctx != MODEL_NONE ? &model.ctxs[waiter->ctx].counts : &class_of(mutex)->stats;

	if (ret != 0)
		queue_remove(&model.mutexes[mutex], actor);
	counts->wait_ns += (uint64_t)(model.now_ns - waiter->start_ns);
	waiter->mutex = MODEL_NONE;
	return lock_ends(waiter->ctx, mutex, true, ret);
}

static int wait_begins(int actor, int ctx, int mutex, const struct model_wait *wait)
{
	struct model_waiter *waiter = &model.waiters[actor];
	int owner = holding_ctx(mutex);
	int ret;

	*waiter = (struct model_waiter){
	    .mutex = mutex,
	    .ctx = ctx,
	    .holds = ctx != MODEL_NONE && model.ctxs[ctx].num_held > 0,
	    .start_ns = model.now_ns,
	    .wait = *wait,
	};
	queue_insert(&model.mutexes[mutex], actor);
	/* W1, W5 */
	if (class_of(mutex)->algorithm == WWR_WOUND_WAIT && waiter->holds && owner != MODEL_NONE &&
	    is_older(ctx, owner))
		model.ctxs[owner].wounded = true;
	ret = look(actor, 0);
	return ret == MODEL_SLEEPS ? ret : wait_ends(actor, ret);
}

int model_lock(int actor, int ctx, int mutex, const struct model_wait *wait)
{
	struct model_mutex *m = &model.mutexes[mutex];
	int ret = ctx != MODEL_NONE ? check_ctx(ctx, mutex) : 0;

	if (ret != 0)
		return ret;
	if (m->holder == MODEL_NONE) {
		bool contended = m->num_queued > 0;

		take(mutex, ctx != MODEL_NONE ? ctx : MODEL_PLAIN + actor, MODEL_NONE);
		return lock_ends(ctx, mutex, contended, 0);
	}
	if (!model_may_block(actor, ctx, mutex))
		return -EBUSY;
	/* S1 */
	if (ctx != MODEL_NONE && model.ctxs[ctx].num_held > 0 && !model.ctxs[ctx].classic) {
		if (wait->token != MODEL_NONE && model.tokens[wait->token])
			return -EINTR;
		return model_contend(ctx, mutex, false);
	}
	return wait_begins(actor, ctx, mutex, wait);
}

int model_wake(int actor, int slept)
{
	const struct model_waiter *waiter = &model.waiters[actor];
	bool from_set = waiter->wait.from_set;
	int ctx = waiter->ctx;
	int ret = look(actor, slept);

	if (ret == MODEL_SLEEPS)
		return ret;
	ret = wait_ends(actor, ret);
	return from_set ? model_set_go_on(model.ctxs[ctx].set, ret) : ret;
}

/* C7 */
int model_trylock(int actor, int ctx, int mutex)
{
	int ret = ctx != MODEL_NONE ? check_ctx(ctx, mutex) : 0;

	if (ret != 0)
		return ret;
	/* C7 */
	if (ctx == MODEL_NONE && model.mutexes[mutex].holder == MODEL_PLAIN + actor)
		return -EALREADY;
	if (model.mutexes[mutex].holder != MODEL_NONE)
		return -EBUSY;
	take(mutex, ctx != MODEL_NONE ? ctx : MODEL_PLAIN + actor, MODEL_NONE);
	if (ctx == MODEL_NONE) {
		class_of(mutex)->stats.num_locks++;
		return 0;
	}
	model_ctx_forget(ctx);
	model.ctxs[ctx].num_held++;
	model.ctxs[ctx].counts.num_locks++;
	return 0;
}

void model_unlock(int mutex)
{
	int ctx = holding_ctx(mutex);

	let_go(mutex);
	/* C10 */
	if (ctx != MODEL_NONE && --model.ctxs[ctx].num_held == 0)
		model.ctxs[ctx].wounded = false;
}
