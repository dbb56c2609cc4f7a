/* SPDX-License-Identifier: MIT */
/*
 * A driver that goes away: its fences have no release op, so once they have signalled and
 * wwr_fence_synchronize() has returned nobody looks at its table any more.  And a wait for any of
 * several fences.
 */
#include "tests/explore/explore.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/interrupt.h>

#include <errno.h>

#define NUM_FENCES     2
#define MAX_USERS      3
#define DEADLINE_STEPS 100

static struct {
	struct wwr_fence *fences[NUM_FENCES];
	struct wwr_fence_ops *ops;
	struct wwr_interrupt_token *tokens[MAX_USERS];
	unsigned int num_users;
	bool signalling[NUM_FENCES];
	bool is_gone; /* the driver */
} scene;

static void check_driver(void)
{
	EX_CHECK(!scene.is_gone, "an op is called after the driver has gone");
}

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	check_driver();
	ex_point("inside an op");
	check_driver();
	return "explore";
}

static bool enable_op(struct wwr_fence *fence)
{
	return name_op(fence) != NULL;
}

static void deadline_op(struct wwr_fence *fence, int64_t deadline_ns)
{
	(void)name_op(fence);
	(void)deadline_ns;
}

static void driver_main(void *arg)
{
	bool each = ex_choose(2) == 0;

	(void)arg;
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		scene.signalling[i] = true;
		EX_CHECK(wwr_fence_signal(scene.fences[i]) == 0, "signalled twice");
		/* More often than need be. */
		if (each && i + 1 < NUM_FENCES)
			wwr_fence_synchronize();
	}
	wwr_fence_synchronize();
	scene.is_gone = true;
	ex_delete(scene.ops);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(scene.fences[i]);
}

static void wait_for_any(unsigned int user)
{
	int64_t deadline_ns =
	    ex_choose(2) == 0 ? EX_START_NS + ex_choose(DEADLINE_STEPS) : INT64_MAX;
	unsigned int index = NUM_FENCES;
	int ret =
	    wwr_fence_wait_any(NUM_FENCES, scene.fences, scene.tokens[user], deadline_ns, &index);

	if (ret == 0)
		EX_CHECK(index < NUM_FENCES && scene.signalling[index] &&
			     wwr_fence_is_signaled(scene.fences[index]),
			 "wait_any says %u, which is pending", index);
	else if (ret == -EINTR)
		EX_CHECK(wwr_interrupt_token_is_set(scene.tokens[user]),
			 "-EINTR and nobody interrupted");
	else
		EX_CHECK(ret == -ETIME && ex_now_ns() >= deadline_ns, "wait_any: %d", ret);
}

static void use_fence(struct wwr_fence *fence)
{
	char text[64];

	switch (ex_choose(6)) {
	default:
		(void)wwr_fence_describe(fence, text, sizeof(text));
		break;
	case 1:
		wwr_fence_set_deadline(fence, EX_START_NS + 100 - ex_choose(50));
		break;
	case 0:
		if (wwr_fence_wait_until(fence, NULL, INT64_MAX) != 0)
			ex_fail("a wait without an end ended");
		break;
	}
}

static void put_all(void)
{
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(scene.fences[i]);
}

static void user_main(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 3; i++)
		use_fence(scene.fences[ex_choose(NUM_FENCES)]);
	put_all();
}

static void waiter_main(void *arg)
{
	unsigned int user = (unsigned int)(uintptr_t)arg;

	wait_for_any(user);
	put_all();
}

static void interrupter_main(void *arg)
{
	unsigned int user = ex_choose(scene.num_users);

	(void)arg;
	for (unsigned int pause = ex_choose(20); pause > 0; pause--)
		ex_point("pauses");
	wwr_interrupt(scene.tokens[user]);
}

static void setup_fences(void)
{
	scene.ops = ex_new(EX_BLOCK, 0, sizeof(*scene.ops));
	*scene.ops = (struct wwr_fence_ops){
	    .driver_name = name_op,
	    .timeline_name = name_op,
	    .enable_signaling = enable_op,
	    .set_deadline = deadline_op,
	};
	scene.is_gone = false;
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		/* From the library's allocator: without a release op it goes back there. */
		scene.fences[i] = wwr_alloc(sizeof(*scene.fences[i]));
		wwr_fence_init(scene.fences[i], scene.ops, i + 1, 1);
		scene.signalling[i] = false;
	}
}

static void setup(const struct ex_scenario *scenario)
{
	void (*const user)(void *arg) = scenario->config == NULL ? user_main : waiter_main;

	ex_spins = 1 + ex_choose(2);
	setup_fences();
	scene.num_users = 1 + ex_choose(MAX_USERS);
	for (unsigned int i = 0; i < scene.num_users; i++) {
		scene.tokens[i] = ex_new(EX_TOKEN, i, sizeof(*scene.tokens[i]));
		wwr_interrupt_token_init(scene.tokens[i]);
		for (unsigned int j = 0; j < NUM_FENCES; j++)
			(void)wwr_fence_get(scene.fences[j]);
		(void)ex_spawn("uses", user, (void *)(uintptr_t)i);
	}
	(void)ex_spawn("driver", driver_main, NULL);
	if (user == waiter_main)
		(void)ex_spawn("ends", interrupter_main, NULL);
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	for (unsigned int i = 0; i < scene.num_users; i++)
		ex_delete(scene.tokens[i]);
}

static const bool waits_for_any = true;

static const struct ex_scenario fence_detach = {
    "fence_detach", "a driver goes away once its fences have signalled", setup, check, NULL};
static const struct ex_scenario fence_any = {
    "fence_any", "waits for any of two fences, with tokens and deadlines", setup, check,
    &waits_for_any};

const struct ex_scenario *const ex_detach_scenarios[] = {&fence_detach, &fence_any, NULL};
