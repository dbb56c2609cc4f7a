/* SPDX-License-Identifier: MIT */
/* What an actor does with contexts and mutexes. */
#include "tests/fuzz/lockset_world.h"

#include <errno.h>

#include <wwresv/sys/debug.h>

int64_t world_choose_deadline(void)
{
	switch (world_choose(6)) {
	case 0:
		return 0;
	case 1:
		return 1; /* long ago */
	case 2:
		return model.now_ns + 1;
	case 3:
		return model.now_ns + 100;
	default:
		return INT64_MAX;
	}
}

int world_choose_token(void)
{
	int token = (int)world_choose(2 * MODEL_TOKENS);

	return token < MODEL_TOKENS ? token : MODEL_NONE;
}

struct wwr_interrupt_token *world_token(int token)
{
	return token != MODEL_NONE ? &world.tokens[token] : NULL;
}

/* Mostly the four that are fought for. */
static int choose_mutex(void)
{
	return (int)world_choose(8) % MODEL_MUTEXES;
}

/* A context that exists; NONE = it is lent to a set. */
static int choose_ctx(int actor)
{
	int ctx = model_ctx_of(actor, (int)world_choose(MODEL_CTXS_OF_ACTOR));

	if (model.ctxs[ctx].state == MODEL_CTX_NONE) {
		int lock_class = world_choose(8) == 1;

		world_trace("actor %d: ctx %d begins, class %d", actor, ctx, lock_class, 0);
		model_ctx_init(ctx, actor, lock_class);
		wwr_acquire_ctx_init(&world.ctxs[ctx], &world.classes[lock_class]);
	}
	return model.ctxs[ctx].set == MODEL_NONE ? ctx : MODEL_NONE;
}

static void unlock(int actor, int mutex)
{
	world_trace("actor %d: unlock mutex %d", actor, mutex, 0, 0);
	model_unlock(mutex);
	wwr_mutex_unlock(&world.mutexes[mutex]);
}

static void unlock_all(int actor, int holder)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++) {
		if (model.mutexes[i].holder == holder)
			unlock(actor, i);
	}
}

static int do_trylock(int actor, int ctx, int mutex)
{
	int ret;

	world_trace("actor %d: trylock mutex %d, ctx %d", actor, mutex, ctx, 0);
	world.actors[actor].want = model_trylock(actor, ctx, mutex);
	ret = wwr_mutex_trylock(&world.mutexes[mutex], world_ctx(ctx));
	world_expect(actor, ret);
	return ret;
}

/* Forms that a lock call has: without an end, interruptible, with a deadline. */
static struct model_wait choose_wait(unsigned int *ret_form)
{
	static const unsigned int forms[] = {0, 0, 0, 0, 1, 1, 2, 2};
	struct model_wait wait = {MODEL_NONE, INT64_MAX, false, false};

	*ret_form = forms[world_choose(8)];
	if (*ret_form > 0)
		wait = (struct model_wait){world_choose_token(), INT64_MAX, true, false};
	if (*ret_form > 1)
		wait.deadline_ns = world_choose_deadline();
	return wait;
}

static void trace_deadline(int actor, int64_t deadline_ns)
{
	if (deadline_ns != INT64_MAX)
		world_trace("actor %d:     with a deadline, %d ns from now", actor,
			    (int)(deadline_ns - model.now_ns), 0, 0);
}

static int do_lock(int actor, int ctx, int mutex)
{
	struct wwr_mutex *m = &world.mutexes[mutex];
	struct wwr_acquire_ctx *c = world_ctx(ctx);
	unsigned int form;
	const struct model_wait wait = choose_wait(&form);
	struct wwr_interrupt_token *token = world_token(wait.token);
	int ret;

	world_trace("actor %d: lock mutex %d, ctx %d, token %d", actor, mutex, ctx, wait.token);
	trace_deadline(actor, wait.deadline_ns);
	world.actors[actor].want = model_lock(actor, ctx, mutex, &wait);
	if (form == 0)
		ret = wwr_mutex_lock(m, c);
	else if (form == 1)
		ret = wwr_mutex_lock_interruptible(m, c, token);
	else
		ret = wwr_mutex_lock_until(m, c, token, wait.deadline_ns);
	world_expect(actor, ret);
	return ret;
}

static int do_lock_slow(int actor, int ctx)
{
	int mutex = model.ctxs[ctx].contended;
	struct wwr_mutex *m = &world.mutexes[mutex];
	struct wwr_acquire_ctx *c = &world.ctxs[ctx];
	unsigned int form;
	const struct model_wait wait = choose_wait(&form);
	struct wwr_interrupt_token *token = world_token(wait.token);
	int ret = 0;

	world_trace("actor %d: lock_slow mutex %d, ctx %d, token %d", actor, mutex, ctx,
		    wait.token);
	trace_deadline(actor, wait.deadline_ns);
	world.actors[actor].want = model_lock(actor, ctx, mutex, &wait);
	if (form == 0)
		wwr_mutex_lock_slow(m, c);
	else if (form == 1)
		ret = wwr_mutex_lock_slow_interruptible(m, c, token);
	else
		ret = wwr_mutex_lock_slow_until(m, c, token, wait.deadline_ns);
	world_expect(actor, ret);
	return ret;
}

/* Is it a usage error if this call blocks, or a deadlock between two classes? */
static bool may_wait(int actor, int ctx, int mutex)
{
	return model.mutexes[mutex].holder == MODEL_NONE ||
	       (model_may_block(actor, ctx, mutex) &&
		model_is_in_order(actor, model.mutexes[mutex].lock_class));
}

/* 0 = locked; it gives way or tries, where it must not block. */
static int lock(int actor, int ctx)
{
	int mutex = choose_mutex();

	if (!model_may_lock(actor, ctx, mutex)) {
		/* It met -EDEADLK: give everything back, and sleep for the contended one. */
		unlock_all(actor, ctx);
		if (!may_wait(actor, ctx, model.ctxs[ctx].contended))
			return -EBUSY;
		return do_lock_slow(actor, ctx);
	}
	if (may_wait(actor, ctx, mutex))
		return do_lock(actor, ctx, mutex);
	return do_trylock(actor, ctx, mutex);
}

static void op_lock(int actor)
{
	int ctx = choose_ctx(actor);

	if (ctx != MODEL_NONE)
		(void)lock(actor, ctx);
}

/* Several, on through every back-off. */
static void op_lock_some(int actor)
{
	int ctx = choose_ctx(actor);
	unsigned int num = 2 + world_choose(3);

	while (ctx != MODEL_NONE && num-- > 0) {
		int ret = lock(actor, ctx);

		if (ret != 0 && ret != -EALREADY && ret != -EDEADLK)
			break;
	}
}

static void op_lock_plain(int actor)
{
	(void)lock(actor, MODEL_NONE);
}

static void op_trylock(int actor)
{
	int ctx = choose_ctx(actor);
	int mutex = choose_mutex();

	if (ctx != MODEL_NONE && world_choose(4) == 0)
		ctx = MODEL_NONE;
	if (model_may_lock(actor, ctx, mutex))
		(void)do_trylock(actor, ctx, mutex);
}

static void op_unlock(int actor)
{
	int mutex = choose_mutex();
	int holder = model.mutexes[mutex].holder;
	bool plain = holder == MODEL_PLAIN + actor;

	if (!plain && (holder == MODEL_NONE || holder >= MODEL_PLAIN ||
		       model.ctxs[holder].actor != actor || model.ctxs[holder].set != MODEL_NONE))
		return;
	wwr_mutex_assert_held(&world.mutexes[mutex]);
	unlock(actor, mutex);
}

static void op_unlock_all(int actor)
{
	int ctx = choose_ctx(actor);

	unlock_all(actor, ctx != MODEL_NONE ? ctx : MODEL_PLAIN + actor);
}

static void op_ctx_reinit(int actor)
{
	int ctx = choose_ctx(actor);

	if (ctx == MODEL_NONE || model.ctxs[ctx].num_held > 0)
		return;
	world_trace("actor %d: ctx %d begins again", actor, ctx, 0, 0);
	model_ctx_reinit(ctx);
	wwr_acquire_ctx_reinit(&world.ctxs[ctx]);
}

static void op_ctx_done(int actor)
{
	int ctx = choose_ctx(actor);

	if (ctx == MODEL_NONE || model.ctxs[ctx].state == MODEL_CTX_DONE)
		return;
	world_trace("actor %d: ctx %d is done", actor, ctx, 0, 0);
	model.ctxs[ctx].state = MODEL_CTX_DONE;
	model.ctxs[ctx].contended = MODEL_NONE;
	wwr_acquire_ctx_done(&world.ctxs[ctx]);
}

static void ctx_fini(int actor, int ctx)
{
	unlock_all(actor, ctx);
	world_trace("actor %d: ctx %d ends", actor, ctx, 0, 0);
	model_ctx_flush(ctx);
	model.ctxs[ctx].state = MODEL_CTX_NONE;
	wwr_acquire_ctx_fini(&world.ctxs[ctx]);
}

static void op_ctx_fini(int actor)
{
	int ctx = choose_ctx(actor);

	if (ctx != MODEL_NONE)
		ctx_fini(actor, ctx);
}

/* End a mutex that nobody has anything to do with, and make it again. */
static void op_mutex_renew(int actor)
{
	int mutex = choose_mutex();
	struct wwr_mutex *m = &world.mutexes[mutex];

	if (model.mutexes[mutex].holder != MODEL_NONE || model.mutexes[mutex].num_queued > 0)
		return;
	for (int i = 0; i < MODEL_CTXS; i++) {
		if (model.ctxs[i].state == MODEL_CTX_CONTENDED && model.ctxs[i].contended == mutex)
			return;
	}
	world_trace("actor %d: mutex %d is made anew", actor, mutex, 0, 0);
	wwr_mutex_fini(m);
	wwr_mutex_init(m, &world.classes[model.mutexes[mutex].lock_class]);
}

/* A lock of one more class: the thread has counts for four of them only. */
static void op_other_class(int actor)
{
	int mutex = MODEL_MUTEXES + (int)world_choose(MODEL_ALL_MUTEXES - MODEL_MUTEXES);

	if (model.mutexes[mutex].holder == MODEL_PLAIN + actor)
		unlock(actor, mutex);
	else
		(void)do_trylock(actor, MODEL_NONE, mutex);
}

/* The thread ends, and another one takes its place. */
static void op_thread_exit(int actor)
{
	struct wwr_thread *thread = &world.actors[actor].thread;

	if (!thread->registered || thread->ctxs != NULL || thread->plain != NULL)
		return;
	world_trace("actor %d: its thread ends", actor, 0, 0, 0);
	thread_unregister(thread);
}

void world_release_plain(int actor)
{
	unlock_all(actor, MODEL_PLAIN + actor);
}

void world_release_ctxs(int actor)
{
	for (int i = 0; i < MODEL_CTXS_OF_ACTOR; i++) {
		int ctx = model_ctx_of(actor, i);

		if (model.ctxs[ctx].state != MODEL_CTX_NONE)
			ctx_fini(actor, ctx);
	}
}

void (*const world_ops[])(int actor) = {
    op_lock,	 op_lock,	 op_lock_some,	 op_lock_some,	 op_lock_some,	op_lock_plain,
    op_trylock,	 op_unlock,	 op_unlock_all,	 op_unlock_all,	 op_ctx_reinit, op_ctx_done,
    op_ctx_fini, op_mutex_renew, op_other_class, op_thread_exit,
};
const unsigned int world_num_ops = sizeof(world_ops) / sizeof(world_ops[0]);
