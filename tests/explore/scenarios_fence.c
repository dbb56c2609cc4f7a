/* SPDX-License-Identifier: MIT */
/*
 * One fence, and fibers that signal it, wait for it, add callbacks and take them back.  Each has
 * one reference and drops it as soon as it may; the fence is poisoned with the last one, a
 * callback's memory as soon as it was called or removed.
 */
#include "tests/explore/explore.h"

#include <wwresv/fence.h>
#include <wwresv/interrupt.h>

#include <errno.h>

#define MAX_ACTORS     5
#define DEADLINE_STEPS 80

enum role {
	ROLE_SIGNAL, /* first, so that a mask of the others is easy to write */
	ROLE_WAIT,
	ROLE_CALLBACK, /* its callback frees itself */
	ROLE_REMOVE,   /* takes its callback back */
	ROLE_PAIR,     /* its first callback takes the second one back */
	ROLE_LOOK,
	NUM_ROLES
};

#define ROLE(role) (1u << (role))

enum fence_flag {
	FENCE_DISTURBED = 1 << 0, /* tokens and deadlines */
	FENCE_OP = 1 << 1,	  /* enable_signaling() is there, and signals in its own way */
};

struct fence_config {
	unsigned int num_signallers; /* the seed takes 1 up to this; 0 = the op signals */
	unsigned int num_others;
	unsigned int roles; /* of the others */
	unsigned int flags;
};

struct callback {
	struct wwr_fence_cb cb;
	struct actor *actor;
};

struct actor {
	unsigned int index;
	enum role role;
	struct callback *callbacks[2];
	unsigned int num_called[2];
	bool second_is_added;
	bool second_is_removed;
	struct wwr_interrupt_token *token;
	int64_t deadline_ns;
};

static struct {
	const struct fence_config *config;
	struct wwr_fence *fence;
	struct actor actors[MAX_ACTORS];
	unsigned int num_actors;
	unsigned int num_signals;  /* that succeeded */
	unsigned int num_enabled;  /* calls of the op */
	unsigned int num_released; /* calls of release */
	unsigned int way;	   /* of the op to signal */
	int error;		   /* set before the signal */
	bool work_is_done;	   /* plain data that the signal publishes */
} scene;

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "explore";
}

static void release_op(struct wwr_fence *fence)
{
	scene.num_released++;
	ex_delete(fence);
}

static bool enable_op(struct wwr_fence *fence)
{
	scene.num_enabled++;
	EX_CHECK(scene.num_enabled == 1, "enable_signaling is called twice");
	ex_point("enables");
	if (scene.config->num_signallers > 0)
		return true;
	scene.work_is_done = true;
	scene.num_signals++;
	if (scene.way == 0)
		return false;
	EX_CHECK(wwr_fence_signal(fence) == 0, "the op's signal was not the first one");
	return true;
}

static const struct wwr_fence_ops plain_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static const struct wwr_fence_ops enable_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .enable_signaling = enable_op,
    .release = release_op,
};

static void check_signalled(const char *who)
{
	int expected = scene.error != 0 ? scene.error : 1;
	int64_t timestamp_ns;

	EX_CHECK(wwr_fence_is_signaled(scene.fence), "%s is over and the fence is pending", who);
	EX_CHECK(scene.work_is_done, "%s is over and the work is not done", who);
	EX_CHECK(wwr_fence_get_status(scene.fence) == expected, "%s: status %d instead of %d", who,
		 wwr_fence_get_status(scene.fence), expected);
	timestamp_ns = wwr_fence_timestamp(scene.fence);
	EX_CHECK(timestamp_ns >= EX_START_NS && timestamp_ns <= ex_now_ns(),
		 "%s: the fence signalled at %lld, out of this world", who,
		 (long long)timestamp_ns);
}

static void act_signal(struct actor *actor)
{
	(void)actor;
	if (scene.error != 0)
		wwr_fence_set_error(scene.fence, scene.error);
	scene.work_is_done = true;
	if (wwr_fence_signal(scene.fence) == 0)
		scene.num_signals++;
	check_signalled("signal");
}

static void act_wait(struct actor *actor)
{
	int64_t deadline_ns = actor->deadline_ns != 0 ? actor->deadline_ns : INT64_MAX;
	int ret = wwr_fence_wait_until(scene.fence, actor->token, deadline_ns);

	if (ret == 0)
		check_signalled("wait");
	else if (ret == -EINTR)
		EX_CHECK(actor->token != NULL && wwr_interrupt_token_is_set(actor->token),
			 "-EINTR and nobody interrupted");
	else
		EX_CHECK(ret == -ETIME && ex_now_ns() >= deadline_ns, "wait: %d", ret);
}

static struct callback *new_callback(struct actor *actor, unsigned int i)
{
	struct callback *callback = ex_new(EX_CALLBACK, actor->index, sizeof(*callback));

	callback->actor = actor;
	actor->callbacks[i] = callback;
	return callback;
}

static struct actor *called(struct wwr_fence *fence, struct wwr_fence_cb *cb, unsigned int i)
{
	struct callback *callback = WWR_CONTAINER_OF(cb, struct callback, cb);
	struct actor *actor = callback->actor;

	EX_CHECK(fence == scene.fence, "a callback got another fence");
	EX_CHECK(wwr_fence_is_signaled(fence), "a callback runs and the fence is pending");
	actor->num_called[i]++;
	EX_CHECK(actor->num_called[i] == 1, "a callback of T%u is called twice", actor->index + 1);
	return actor;
}

static void free_itself(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct actor *actor = called(fence, cb, 0);

	ex_delete(actor->callbacks[0]);
	wwr_fence_put(fence); /* the reference of the one who added it */
}

static void act_callback(struct actor *actor)
{
	struct callback *callback = new_callback(actor, 0);
	int ret = wwr_fence_add_callback(scene.fence, &callback->cb, free_itself);

	if (ret == 0)
		return;
	EX_CHECK(ret == -ENOENT && actor->num_called[0] == 0,
		 "add_callback gave %d and called %u times", ret, actor->num_called[0]);
	check_signalled("add_callback");
	ex_delete(callback);
	wwr_fence_put(scene.fence);
}

static void run_first(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct actor *actor = called(fence, cb, 0);

	ex_point("in a callback");
	if (!actor->second_is_added)
		return;
	if (wwr_fence_remove_callback(fence, &actor->callbacks[1]->cb))
		actor->second_is_removed = true;
}

static void run_second(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct actor *actor = called(fence, cb, 1);

	EX_CHECK(!actor->second_is_removed, "a callback of T%u is called after it was removed",
		 actor->index + 1);
}

/* Take it back; afterwards it is as if it had never been added, or it was called and is over. */
static void remove_first(struct actor *actor)
{
	bool removed = wwr_fence_remove_callback(scene.fence, &actor->callbacks[0]->cb);

	EX_CHECK(actor->num_called[0] == !removed,
		 "remove_callback of T%u gave %d and it was called %u times", actor->index + 1,
		 removed, actor->num_called[0]);
	ex_delete(actor->callbacks[0]);
}

static void act_remove(struct actor *actor)
{
	struct callback *callback = new_callback(actor, 0);

	if (wwr_fence_add_callback(scene.fence, &callback->cb, run_first) != 0) {
		ex_delete(callback);
		return;
	}
	for (unsigned int pause = ex_choose(10); pause > 0; pause--)
		ex_point("pauses");
	remove_first(actor);
}

static void act_pair(struct actor *actor)
{
	struct callback *first = new_callback(actor, 0);
	struct callback *second = new_callback(actor, 1);
	bool has_first = wwr_fence_add_callback(scene.fence, &first->cb, run_first) == 0;

	if (wwr_fence_add_callback(scene.fence, &second->cb, run_second) == 0)
		actor->second_is_added = true;
	EX_CHECK(has_first || !actor->second_is_added, "a callback is added after the signal");
	if (!has_first)
		ex_delete(first);
	else
		remove_first(actor);
	/* The first one is over: nobody else takes the second one back now. */
	if (actor->second_is_added && !actor->second_is_removed) {
		bool removed = wwr_fence_remove_callback(scene.fence, &second->cb);

		EX_CHECK(actor->num_called[1] == !removed, "T%u: removed %d and called %u times",
			 actor->index + 1, removed, actor->num_called[1]);
	}
	ex_delete(second);
}

static void act_look(struct actor *actor)
{
	char text[64];

	for (unsigned int i = 0; i < 2; i++) {
		wwr_fence_set_deadline(scene.fence, EX_START_NS + 100 - (int64_t)actor->index);
		(void)wwr_fence_describe(scene.fence, text, sizeof(text));
		if (wwr_fence_is_signaled(scene.fence))
			check_signalled("a look");
		if (ex_choose(2) == 0)
			wwr_fence_put(wwr_fence_get(scene.fence));
	}
}

static void actor_main(void *arg)
{
	static void (*const acts[NUM_ROLES])(struct actor * actor) = {
	    [ROLE_SIGNAL] = act_signal, [ROLE_WAIT] = act_wait, [ROLE_CALLBACK] = act_callback,
	    [ROLE_REMOVE] = act_remove, [ROLE_PAIR] = act_pair, [ROLE_LOOK] = act_look,
	};
	struct actor *actor = arg;

	acts[actor->role](actor);
	/* A callback that frees itself drops its reference, too. */
	if (actor->role != ROLE_CALLBACK)
		wwr_fence_put(scene.fence);
}

static void interrupter(void *arg)
{
	struct actor *actor = &scene.actors[ex_choose(scene.num_actors)];

	(void)arg;
	for (unsigned int pause = ex_choose(20); pause > 0; pause--)
		ex_point("pauses");
	if (actor->token != NULL)
		wwr_interrupt(actor->token);
}

static const char *const role_labels[NUM_ROLES] = {"signal", "wait", "callback",
						   "remove", "pair", "look"};

static void setup_actor(unsigned int index, enum role role)
{
	struct actor *actor = &scene.actors[index];

	*actor = (struct actor){.index = index, .role = role};
	if (role == ROLE_WAIT && (scene.config->flags & FENCE_DISTURBED) != 0) {
		if (ex_choose(2) == 0) {
			actor->token = ex_new(EX_TOKEN, index, sizeof(*actor->token));
			wwr_interrupt_token_init(actor->token);
		}
		if (ex_choose(2) == 0)
			actor->deadline_ns = EX_START_NS + ex_choose(DEADLINE_STEPS);
	}
	(void)wwr_fence_get(scene.fence);
	(void)ex_spawn(role_labels[role], actor_main, actor);
}

static enum role choose_role(unsigned int roles)
{
	unsigned int skip = ex_choose((unsigned int)__builtin_popcount(roles));

	while (skip-- > 0)
		roles &= roles - 1;
	return (enum role)__builtin_ctz(roles);
}

static void setup(const struct ex_scenario *scenario)
{
	const struct fence_config *config = scenario->config;
	unsigned int num_signallers =
	    config->num_signallers != 0 ? 1 + ex_choose(config->num_signallers) : 0;

	scene.config = config;
	scene.num_signals = 0;
	scene.num_enabled = 0;
	scene.num_released = 0;
	scene.work_is_done = false;
	scene.way = ex_choose(2);
	/* Only one may set it, and only the signaller. */
	scene.error = num_signallers == 1 && ex_choose(2) == 0 ? -ECANCELED : 0;
	scene.num_actors = num_signallers + config->num_others;
	ex_spins = 1 + ex_choose(2);
	scene.fence = ex_new(EX_FENCE, 0, sizeof(*scene.fence));
	wwr_fence_init(scene.fence, (config->flags & FENCE_OP) != 0 ? &enable_ops : &plain_ops, 1,
		       1);
	for (unsigned int i = 0; i < scene.num_actors; i++)
		setup_actor(i, i < num_signallers ? ROLE_SIGNAL : choose_role(config->roles));
	if ((config->flags & FENCE_DISTURBED) != 0)
		(void)ex_spawn("ends", interrupter, NULL);
	/* Each actor has its own reference now. */
	wwr_fence_put(scene.fence);
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	for (unsigned int i = 0; i < scene.num_actors; i++) {
		struct actor *actor = &scene.actors[i];

		if (actor->token != NULL)
			ex_delete(actor->token);
	}
	EX_CHECK(scene.num_signals <= 1, "the fence signalled %u times", scene.num_signals);
	EX_CHECK(scene.num_released == 1, "the fence was released %u times", scene.num_released);
}

#define SCENARIO(id, text, ...)                                                                    \
	static const struct fence_config id##_config = {__VA_ARGS__};                              \
	static const struct ex_scenario id = {#id, text, setup, check, &id##_config}

#define ROLES_CALLBACKS (ROLE(ROLE_CALLBACK) | ROLE(ROLE_REMOVE) | ROLE(ROLE_PAIR))
#define ROLES_ALL	(ROLES_CALLBACKS | ROLE(ROLE_WAIT) | ROLE(ROLE_LOOK))

SCENARIO(fence_callbacks, "a fence: signal beside callbacks that come and go", 2, 2,
	 ROLES_CALLBACKS, 0);
SCENARIO(fence_remove, "a fence: three add callbacks and take them back", 1, 3, ROLE(ROLE_REMOVE),
	 0);
SCENARIO(fence_wait, "a fence: waits with tokens and deadlines beside signal and put", 1, 3,
	 ROLE(ROLE_WAIT), FENCE_DISTURBED);
SCENARIO(fence_enable, "a fence: the driver is told once, and signals then", 0, 3,
	 ROLES_CALLBACKS | ROLE(ROLE_WAIT), FENCE_OP);
SCENARIO(fence_all, "a fence: two signallers, callbacks, waits and looks", 2, 3, ROLES_ALL,
	 FENCE_DISTURBED | FENCE_OP);

const struct ex_scenario *const ex_fence_scenarios[] = {
    &fence_callbacks, &fence_remove, &fence_wait, &fence_enable, &fence_all, NULL,
};
