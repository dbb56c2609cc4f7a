/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: three actors do whatever the input says with mutexes, contexts and lock sets,
 * and after each step all that can be seen of the library is compared with a plain model of
 * docs/locking.md: results, who owns and who waits, counts, stamps, and that nobody sleeps who
 * must be awake.  What differs prints the operations so far and aborts.
 *
 * The sources of lockset/ are built for the schedule explorer, so that sleep, wake-up, thread and
 * clock are lockset_world.c's; tests/fuzz/run and tests/fuzz/meson.build say how.
 */
#include "tests/fuzz/lockset_world.h"

#include <errno.h>

/* More turns than any input needs to come to its end. */
#define MAX_DRAIN 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void interrupt(void)
{
	int token = (int)world_choose(MODEL_TOKENS);

	world_trace("token %d: interrupted", token, 0, 0, 0);
	model.tokens[token] = true;
	wwr_interrupt(&world.tokens[token]);
}

/* Only for a token that no wait uses. */
static void clear_token(void)
{
	int token = (int)world_choose(MODEL_TOKENS);

	for (int i = 0; i < MODEL_ACTORS; i++) {
		if (model_is_asleep(i) && model.waiters[i].wait.token == token)
			return;
	}
	world_trace("token %d: cleared", token, 0, 0, 0);
	model.tokens[token] = false;
	wwr_interrupt_token_clear(&world.tokens[token]);
}

static void advance(void)
{
	static const int64_t steps[] = {1, 7, 1000};
	int64_t ns = steps[world_choose(3)];

	world_trace("%d ns pass", (int)ns, 0, 0, 0);
	world_advance(ns);
}

static void set_injection(void)
{
	int lock_class = world_choose(4) == 3;
	uint32_t interval = world_choose(5);
	uint64_t seed = world_choose(256);

	if (interval == 4)
		interval = UINT32_MAX / 2;
	world_inject(lock_class, interval, seed);
}

/* A sleeper goes on though nobody woke it. */
static void disturb(int reason)
{
	int actor = (int)world_choose(MODEL_ACTORS);

	if (model_is_asleep(actor))
		world_resume(actor, reason);
}

static void wake_for_no_reason(void)
{
	disturb(0);
}

static void run_signal_handler(void)
{
	disturb(-EINTR);
}

static void go_on(void)
{
	int actor = (int)world_choose(MODEL_ACTORS);

	if (world.actors[actor].woken && model_is_asleep(actor))
		world_resume(actor, 0);
}

static void act(void)
{
	int actor = (int)world_choose(MODEL_ACTORS);
	bool with_set = world_choose(2) == 1;
	unsigned int op = world_choose(with_set ? world_num_set_ops : world_num_ops);

	if (!model_is_asleep(actor))
		world_do(actor, with_set ? world_set_ops[op] : world_ops[op]);
	else if (world.actors[actor].woken)
		world_resume(actor, 0);
}

static void step(void)
{
	static void (*const steps[])(void) = {
	    interrupt,		clear_token, advance, set_injection, wake_for_no_reason,
	    run_signal_handler, go_on,	     go_on,   go_on,	     world_compare_reports,
	};
	const unsigned int num_steps = sizeof(steps) / sizeof(steps[0]);
	unsigned int choice = world_choose(4 * num_steps);

	if (choice < num_steps)
		steps[choice]();
	else
		act();
	world_compare();
}

static void release_everything(int actor)
{
	world_release_sets(actor);
	world_release_ctxs(actor);
	world_release_plain(actor);
}

/* One turn of an actor on the way to the end; false = there was nothing to do. */
static bool finish(int actor)
{
	if (model_is_asleep(actor)) {
		if (!world.actors[actor].woken)
			return false;
		world_resume(actor, 0);
		return true;
	}
	if (!model_holds_any(actor))
		return false;
	world_do(actor, release_everything);
	return true;
}

/* Everybody gives up what is held; then nobody may be asleep. */
static void drain(void)
{
	unsigned int num = 0;
	bool busy = true;

	world_trace("the input is used up: everybody gives up", 0, 0, 0, 0);
	while (busy && num++ < MAX_DRAIN) {
		busy = false;
		for (int i = 0; i < MODEL_ACTORS; i++) {
			busy |= finish(i);
			world_compare();
		}
	}
	for (int i = 0; i < MODEL_ACTORS; i++) {
		if (model_is_asleep(i))
			world_fail("actor %d: asleep for ever", i);
		world_do(i, release_everything);
	}
	world_compare();
	world_compare_reports();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world_begin(data, size);
	while (world.size > 0)
		step();
	drain();
	world_end();
	return 0;
}
