/* SPDX-License-Identifier: MIT */
/*
 * Fences made of others: an array of three, or a timeline of three points.  Two fibers signal the
 * parts while others wait for the whole, add callbacks, look, walk, and drop their references.
 */
#include "tests/explore/explore.h"

#include <wwresv/fence.h>
#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/sys/debug.h>

#include <errno.h>

#define NUM_PARTS      3
#define MAX_USERS      3
#define DEADLINE_STEPS 150

struct callback {
	struct wwr_fence_cb cb;
	unsigned int num_called;
	bool frees_itself;
};

static struct {
	bool is_chain;
	struct wwr_fence *parts[NUM_PARTS];
	bool signalling[NUM_PARTS];
	int errors[NUM_PARTS];
	struct wwr_fence *top;
	unsigned int num_to_call; /* callbacks that free themselves: added and not called yet */
} scene;

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "explore";
}

static void release_op(struct wwr_fence *fence)
{
	ex_delete(fence);
}

static const struct wwr_fence_ops part_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

/* What is seen signalled, up to and with this part, must be. */
static void check_parts(unsigned int last)
{
	for (unsigned int i = 0; i <= last; i++)
		EX_CHECK(scene.signalling[i], "the whole is over and fence %c is pending", 'A' + i);
}

static int expected_status(void)
{
	/* A timeline's newest point has its own error, an array that of whoever failed. */
	for (unsigned int i = scene.is_chain ? NUM_PARTS - 1 : 0; i < NUM_PARTS; i++) {
		if (scene.errors[i] != 0)
			return scene.errors[i];
	}
	return 1;
}

static void check_over(void)
{
	check_parts(NUM_PARTS - 1);
	EX_CHECK(wwr_fence_get_status(scene.top) == expected_status(),
		 "the whole has status %d instead of %d", wwr_fence_get_status(scene.top),
		 expected_status());
	EX_CHECK(wwr_fence_timestamp(scene.top) >= EX_START_NS &&
		     wwr_fence_timestamp(scene.top) <= ex_now_ns(),
		 "the whole signalled out of this world");
}

static void signaller_main(void *arg)
{
	unsigned int first = (unsigned int)(uintptr_t)arg;

	for (unsigned int i = first; i < NUM_PARTS; i += 2) {
		scene.signalling[i] = true;
		if (scene.errors[i] != 0)
			wwr_fence_set_error(scene.parts[i], scene.errors[i]);
		EX_CHECK(wwr_fence_signal(scene.parts[i]) == 0, "signalled twice");
		wwr_fence_put(scene.parts[i]);
	}
}

static void wait_for_it(void)
{
	int64_t deadline_ns =
	    ex_choose(3) == 0 ? EX_START_NS + ex_choose(DEADLINE_STEPS) : INT64_MAX;
	int ret = wwr_fence_wait_until(scene.top, NULL, deadline_ns);

	EX_CHECK(ret == 0 || (ret == -ETIME && ex_now_ns() >= deadline_ns), "wait: %d", ret);
	if (ret == 0)
		check_over();
}

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct callback *callback = WWR_CONTAINER_OF(cb, struct callback, cb);

	EX_CHECK(fence == scene.top, "a callback got another fence");
	check_over();
	callback->num_called++;
	EX_CHECK(callback->num_called == 1, "a callback is called twice");
	if (!callback->frees_itself)
		return;
	scene.num_to_call--;
	ex_delete(callback);
}

static struct callback *new_callback(bool frees_itself)
{
	struct callback *callback = ex_new(EX_CALLBACK, ex_self(), sizeof(*callback));

	callback->num_called = 0;
	callback->frees_itself = frees_itself;
	return callback;
}

/* The reference goes right afterwards: the whole must live until it has called. */
static void add_and_go(void)
{
	struct callback *callback = new_callback(true);

	scene.num_to_call++;
	if (wwr_fence_add_callback(scene.top, &callback->cb, count_call) == 0)
		return;
	scene.num_to_call--;
	check_over();
	ex_delete(callback);
}

static void add_and_remove(void)
{
	struct callback *callback = new_callback(false);

	if (wwr_fence_add_callback(scene.top, &callback->cb, count_call) == 0) {
		bool removed = wwr_fence_remove_callback(scene.top, &callback->cb);

		EX_CHECK(callback->num_called == !removed, "removed %d and called %u times",
			 removed, callback->num_called);
	}
	ex_delete(callback);
}

static void look(void)
{
	char text[64];

	wwr_fence_set_deadline(scene.top, EX_START_NS + ex_choose(100));
	(void)wwr_fence_describe(scene.top, text, sizeof(text));
	if (wwr_fence_is_signaled(scene.top))
		check_over();
}

static void walk(void)
{
	struct wwr_fence *node = wwr_fence_get(scene.top);

	while (node != NULL) {
		(void)wwr_fence_is_signaled(wwr_fence_chain_contained(node));
		node = wwr_fence_chain_walk(node);
	}
}

static void find_point(void)
{
	unsigned int point = 1 + ex_choose(NUM_PARTS);
	struct wwr_fence *node;

	EX_CHECK(wwr_fence_chain_find_seqno(scene.top, point, &node) == 0, "no point %u", point);
	if (node == NULL) {
		check_parts(point - 1);
		EX_CHECK(scene.errors[point - 1] == 0, "point %u has lost its error", point);
		return;
	}
	if (wwr_fence_wait_until(node, NULL, INT64_MAX) != 0)
		ex_fail("a wait without an end ended");
	check_parts(point - 1);
	/* An older one: what is left of the way to a point that is done itself. */
	EX_CHECK(
	    scene.errors[point - 1] == 0 ||
		(node->seqno == point && wwr_fence_get_status(node) == scene.errors[point - 1]),
	    "point %u has lost its error", point);
	wwr_fence_put(node);
}

static void user_main(void *arg)
{
	static void (*const acts[])(void) = {wait_for_it, add_and_go, add_and_remove,
					     look,	  walk,	      find_point};

	(void)arg;
	for (unsigned int i = 0; i < 2; i++)
		acts[ex_choose(scene.is_chain ? 6 : 4)]();
	wwr_fence_put(scene.top);
}

/* The newest point of a timeline of all parts. */
static struct wwr_fence *link_parts(void)
{
	struct wwr_fence *newest = NULL;

	for (unsigned int i = 0; i < NUM_PARTS; i++) {
		struct wwr_fence *prev = newest;

		if (wwr_fence_chain_link(wwr_fence_chain_create(), prev, scene.parts[i], i + 1,
					 &newest) != 0)
			ex_fail("a point could not be linked");
		wwr_fence_put(prev);
	}
	return newest;
}

struct config {
	bool is_chain;
	bool is_reported; /* somebody looks who waits */
};

static void ignore_report(const char *text, void *data)
{
	(void)text;
	(void)data;
}

static void ignore_graph(const char *text, size_t length, void *data)
{
	(void)text;
	(void)length;
	(void)data;
}

static void report_main(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 2; i++) {
		if (ex_choose(2) == 0)
			(void)wwr_debug_report_fences(0);
		else if (wwr_debug_write_graph(WWR_DEBUG_GRAPH_TEXT, ignore_graph, NULL) < 0)
			ex_fail("a graph could not be written");
	}
}

static void setup(const struct ex_scenario *scenario)
{
	unsigned int num_users = 1 + ex_choose(MAX_USERS);
	unsigned int failing = ex_choose(2 * NUM_PARTS);

	const struct config *config = scenario->config;

	wwr_debug_set_checks(config->is_reported ? WWR_DEBUG_FENCES : 0);
	wwr_debug_set_report_func(ignore_report, NULL);
	scene.is_chain = config->is_chain;
	scene.num_to_call = 0;
	ex_spins = 1 + ex_choose(2);
	for (unsigned int i = 0; i < NUM_PARTS; i++) {
		scene.signalling[i] = false;
		scene.errors[i] = i == failing ? -ECANCELED : 0;
		scene.parts[i] = ex_new(EX_FENCE, i, sizeof(*scene.parts[i]));
		wwr_fence_init(scene.parts[i], &part_ops, i + 1, 1);
	}
	if (scene.is_chain)
		scene.top = link_parts();
	else if (wwr_fence_array_create(NUM_PARTS, scene.parts, 99, 1, &scene.top) != 0)
		ex_fail("the array could not be made");
	for (unsigned int i = 0; i < num_users; i++) {
		(void)wwr_fence_get(scene.top);
		(void)ex_spawn("uses", user_main, NULL);
	}
	if (config->is_reported)
		(void)ex_spawn("report", report_main, NULL);
	for (unsigned int i = 0; i < 2; i++)
		(void)ex_spawn("signal", signaller_main, (void *)(uintptr_t)i);
	/* Sometimes nobody but the users has it, and all of them may go. */
	if (ex_choose(2) == 0)
		wwr_fence_put(scene.top);
	else
		(void)ex_spawn("waits", user_main, NULL);
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	EX_CHECK(scene.num_to_call == 0, "%u callbacks were never called", scene.num_to_call);
}

static const struct config array_config = {false, false};
static const struct config chain_config = {true, false};
static const struct config array_report_config = {false, true};
static const struct config chain_report_config = {true, true};

static const struct ex_scenario fence_array = {
    "fence_array", "an array of three fences: signals, waits, callbacks, puts", setup, check,
    &array_config};
static const struct ex_scenario fence_chain = {
    "fence_chain", "a timeline of three points: signals, waits, walks, collection", setup, check,
    &chain_config};
static const struct ex_scenario array_report = {"fence_array_report",
						"an array of three fences, and who looks who waits",
						setup, check, &array_report_config};
static const struct ex_scenario chain_report = {
    "fence_chain_report", "a timeline of three points, and who looks who waits", setup, check,
    &chain_report_config};

const struct ex_scenario *const ex_container_scenarios[] = {&fence_array, &fence_chain,
							    &array_report, &chain_report, NULL};
