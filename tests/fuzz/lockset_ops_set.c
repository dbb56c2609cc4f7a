/* SPDX-License-Identifier: MIT */
/* What an actor does with lock sets. */
#include "tests/fuzz/lockset_world.h"

#include <errno.h>

/* An error that no lock call returns. */
#define OWN_ERROR (-EPERM)

static int choose_mutex(void)
{
	return (int)world_choose(8) % MODEL_MUTEXES;
}

/* A context that can be lent: of the actor, and nobody's.  Rather one that must back off. */
static int choose_loan(int actor)
{
	int loan = MODEL_NONE;

	if (world_choose(3) == 0)
		return MODEL_NONE;
	for (int i = 0; i < MODEL_CTXS_OF_ACTOR; i++) {
		int ctx = model_ctx_of(actor, i);
		const struct model_ctx *c = &model.ctxs[ctx];

		if (c->state == MODEL_CTX_NONE || c->set != MODEL_NONE)
			continue;
		if (loan == MODEL_NONE || c->state == MODEL_CTX_CONTENDED)
			loan = ctx;
	}
	return loan;
}

static struct wwr_lock_set_options choose_options(int *ret_token)
{
	struct wwr_lock_set_options options = {0};
	unsigned int bits = world_choose(64);

	*ret_token = (bits & 3) == 1 ? world_choose_token() : MODEL_NONE;
	options.token = world_token(*ret_token);
	options.flags = (bits & 12) == 12 ? WWR_LOCK_SET_CLASSIC : 0;
	if ((bits & 16) != 0)
		options.retry_limit = 1 + world_choose(2);
	if ((bits & 48) == 32)
		options.deadline_ns = world_choose_deadline();
	if (bits == 63)
		options.flags = 2;
	if (bits == 62)
		options.deadline_ns = -1;
	return options;
}

static void set_make(int actor, int set)
{
	int *want = &world.actors[actor].want;
	int ctx = choose_loan(actor);
	int token;
	const struct wwr_lock_set_options options = choose_options(&token);

	world_trace("actor %d: set %d is made, ctx %d, token %d", actor, set, ctx, token);
	world_trace("actor %d:     flags %d, retry limit %d, deadline %d", actor,
		    (int)options.flags, (int)options.retry_limit, (int)options.deadline_ns);
	if (ctx == MODEL_NONE) {
		int lock_class = world_choose(8) == 1;

		*want = model_set_init(set, lock_class, &options, token);
		world_expect(actor, wwr_lock_set_init(&world.sets[set], &world.classes[lock_class],
						      &options));
	} else {
		*want = model_set_init_with_ctx(set, ctx, &options, token);
		world_expect(actor, wwr_lock_set_init_with_ctx(&world.sets[set], &world.ctxs[ctx],
							       &options));
	}
}

static void set_release_all(int actor, int set)
{
	world_trace("actor %d: set %d releases all", actor, set, 0, 0);
	model_set_release_all(set);
	wwr_lock_set_release_all(&world.sets[set]);
}

/* A set that may be used now, or NONE.  After a loop was left only one thing is right. */
static int choose_set(int actor)
{
	int set = model_set_of(actor, (int)world_choose(MODEL_SETS_OF_ACTOR));

	if (!model.sets[set].exists)
		set_make(actor, set);
	if (!model.sets[set].exists ||
	    !model_is_in_order(actor, model.ctxs[model.sets[set].ctx].lock_class))
		return MODEL_NONE;
	if (model.sets[set].phase == MODEL_IN_BODY)
		set_release_all(actor, set);
	return set;
}

static int set_lock(int actor, int set)
{
	int mutex = choose_mutex();
	int *want = &world.actors[actor].want;
	int ret;

	world_trace("actor %d: set %d locks mutex %d", actor, set, mutex, 0);
	*want = model_set_lock(set, mutex);
	ret = wwr_lock_set_lock(&world.sets[set], &world.mutexes[mutex]);
	world_expect(actor, ret);
	return ret;
}

static int set_trylock(int actor, int set)
{
	int mutex = choose_mutex();
	int *want = &world.actors[actor].want;
	int ret;

	world_trace("actor %d: set %d tries mutex %d", actor, set, mutex, 0);
	*want = model_set_trylock(set, mutex);
	ret = wwr_lock_set_trylock(&world.sets[set], &world.mutexes[mutex]);
	world_expect(actor, ret);
	return ret;
}

static int set_lock_array(int actor, int set)
{
	struct wwr_mutex *mutexes[MODEL_ARRAY];
	int numbers[MODEL_ARRAY] = {0};
	int num = (int)world_choose(MODEL_ARRAY + 1);
	int *want = &world.actors[actor].want;
	int ret;

	for (int i = 0; i < num; i++) {
		numbers[i] = choose_mutex();
		mutexes[i] = &world.mutexes[numbers[i]];
		world_trace("actor %d: set %d will lock mutex %d", actor, set, numbers[i], 0);
	}
	*want = model_set_lock_array(set, numbers, num);
	ret = wwr_lock_set_lock_array(&world.sets[set], mutexes, (size_t)num);
	world_expect(actor, ret);
	return ret;
}

static int set_back_off(int actor, int set)
{
	int *want = &world.actors[actor].want;
	int ret;

	if (!model_set_is_contended(set))
		return 0;
	world_trace("actor %d: set %d backs off", actor, set, 0, 0);
	*want = model_set_back_off(set);
	ret = wwr_lock_set_back_off(&world.sets[set]);
	world_expect(actor, ret);
	return ret;
}

static int set_unlock(int actor, int set)
{
	int mutex = choose_mutex();

	if (!model_set_holds(set, mutex))
		return 0;
	world_trace("actor %d: set %d unlocks mutex %d", actor, set, mutex, 0);
	model_set_unlock(set, mutex);
	wwr_lock_set_unlock(&world.sets[set], &world.mutexes[mutex]);
	return 0;
}

static int with_locked(struct wwr_mutex *mutex, void *arg)
{
	wwr_mutex_assert_held(mutex);
	return *(const int *)arg;
}

static int set_with_locked(int actor, int set)
{
	int mutex = choose_mutex();
	int result = OWN_ERROR;

	world_trace("actor %d: set %d with mutex %d", actor, set, mutex, 0);
	world.actors[actor].want = model_set_holds(set, mutex) ? result : -EINVAL;
	world_expect(actor, wwr_lock_set_with_locked(&world.sets[set], &world.mutexes[mutex],
						     with_locked, &result));
	return 0;
}

/* What an algorithm does between its beginning and its end; the last error. */
static int run_script(int actor, int set)
{
	static int (*const steps[])(int actor, int set) = {
	    set_lock,	set_lock,	 set_lock,    set_lock_array,
	    set_unlock, set_with_locked, set_trylock, set_back_off,
	};
	bool stops = world_choose(4) != 1;
	int ret = 0;

	for (unsigned int i = world_choose(6); i > 0; i--) {
		int error = steps[world_choose(8)](actor, set);

		if (error != 0)
			ret = error;
		if (error != 0 && stops)
			break;
	}
	return ret;
}

static int choose_result(int ret)
{
	switch (world_choose(10)) {
	case 7:
		return 0;
	case 8:
		return -EDEADLK;
	case 9:
		return OWN_ERROR;
	default:
		return ret;
	}
}

static int acquire(struct wwr_lock_set *lock_set, void *arg)
{
	int set = (int)(lock_set - world.sets);
	int actor = model_actor_of_set(set);
	int ret;

	(void)arg;
	world_trace("actor %d: set %d acquires", actor, set, 0, 0);
	world_expect(actor, MODEL_ACQUIRE);
	ret = choose_result(run_script(actor, set));
	if (ret == -EBUSY && world_choose(2) == 1)
		ret = 0; /* it can do without */
	world_trace("actor %d: acquire() returns %d", actor, ret, 0, 0);
	world.actors[actor].want = model_set_all_acquired(set, ret);
	return ret;
}

static int locked(struct wwr_lock_set *lock_set, void *arg)
{
	int set = (int)(lock_set - world.sets);
	int actor = model_actor_of_set(set);
	int ret;

	(void)arg;
	world_trace("actor %d: set %d has all", actor, set, 0, 0);
	world_expect(actor, MODEL_LOCKED);
	ret = choose_result(run_script(actor, set));
	world_trace("actor %d: locked() returns %d", actor, ret, 0, 0);
	world.actors[actor].want = model_set_all_locked(set, ret);
	return ret;
}

/* May lock_all or the loop begin? */
static bool set_may_run(int set)
{
	const struct model_set *s = &model.sets[set];
	const struct model_ctx *ctx = &model.ctxs[s->ctx];

	if (ctx->num_held > 0)
		return false;
	return s->phase == MODEL_IDLE || ctx->state != MODEL_CTX_CONTENDED;
}

static int set_lock_all(int actor, int set)
{
	int ret;

	if (!set_may_run(set))
		return 0;
	world_trace("actor %d: set %d lock_all", actor, set, 0, 0);
	world.actors[actor].want = model_set_all_begin(set);
	ret = wwr_lock_set_lock_all(&world.sets[set], acquire, locked, NULL);
	world_expect(actor, ret);
	return ret;
}

static int set_loop(int actor, int set)
{
	struct wwr_lock_set *s = &world.sets[set];
	int *want = &world.actors[actor].want;
	unsigned int leave = 0;

	if (!set_may_run(set))
		return 0;
	world_trace("actor %d: set %d begins to loop", actor, set, 0, 0);
	model_set_loop_begin(set);
	wwr_lock_set_loop_begin(s);
	while (leave != 1) {
		bool more;

		world_trace("actor %d: set %d loops", actor, set, 0, 0);
		*want = model_set_loop_next(set);
		more = wwr_lock_set_loop_next(s);
		world_expect(actor, more ? MODEL_BODY : 0);
		if (!more)
			break;
		(void)run_script(actor, set);
		leave = world_choose(16);
		/* Who releases all must leave; choose_set() does it for one that left so. */
		if (leave == 2) {
			set_release_all(actor, set);
			leave = 1;
		}
	}
	return 0;
}

static int set_done(int actor, int set)
{
	const struct model_set *s = &model.sets[set];

	if (model_set_is_contended(set) ||
	    (s->phase != MODEL_IDLE && model.ctxs[s->ctx].state == MODEL_CTX_DONE))
		return 0;
	world_trace("actor %d: set %d is done", actor, set, 0, 0);
	model_set_done(set);
	wwr_lock_set_done(&world.sets[set]);
	return 0;
}

static void set_fini(int actor, int set)
{
	world_trace("actor %d: set %d ends", actor, set, 0, 0);
	model_set_fini(set);
	wwr_lock_set_fini(&world.sets[set]);
}

static void use_set(int actor, int (*use)(int actor, int set))
{
	int set = choose_set(actor);

	if (set != MODEL_NONE)
		(void)use(actor, set);
}

#define SET_OP(name)                                                                               \
	static void op_##name(int actor)                                                           \
	{                                                                                          \
		use_set(actor, name);                                                              \
	}

/* Several, on through every contention. */
static int set_lock_some(int actor, int set)
{
	for (unsigned int i = 3 + world_choose(6); i > 0; i--) {
		if (!model_set_is_contended(set))
			(void)set_lock(actor, set);
		else if (world_choose(4) == 1)
			set_release_all(actor, set);
		else if (set_back_off(actor, set) != 0)
			break;
	}
	return 0;
}

SET_OP(set_lock)
SET_OP(set_lock_some)
SET_OP(set_trylock)
SET_OP(set_lock_array)
SET_OP(set_back_off)
SET_OP(set_unlock)
SET_OP(set_with_locked)
SET_OP(set_lock_all)
SET_OP(set_loop)
SET_OP(set_done)

static void op_set_release_all(int actor)
{
	int set = choose_set(actor);

	if (set != MODEL_NONE)
		set_release_all(actor, set);
}

static void op_set_fini(int actor)
{
	int set = choose_set(actor);

	if (set != MODEL_NONE)
		set_fini(actor, set);
}

void world_release_sets(int actor)
{
	for (int i = 0; i < MODEL_SETS_OF_ACTOR; i++) {
		int set = model_set_of(actor, i);

		if (model.sets[set].exists)
			set_fini(actor, set);
	}
}

void (*const world_set_ops[])(int actor) = {
    op_set_lock,	op_set_lock_some,   op_set_lock_some, op_set_lock_some,
    op_set_lock_array,	op_set_trylock,	    op_set_unlock,    op_set_back_off,
    op_set_release_all, op_set_with_locked, op_set_lock_all,  op_set_lock_all,
    op_set_loop,	op_set_done,	    op_set_fini,      op_set_back_off,
};
const unsigned int world_num_set_ops = sizeof(world_set_ops) / sizeof(world_set_ops[0]);
