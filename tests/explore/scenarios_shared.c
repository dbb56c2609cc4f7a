/* SPDX-License-Identifier: MIT */
/*
 * Fences in several reservations: two fibers add the same two fences to both, while another one
 * signals them and others look.
 */
#include "tests/explore/explore.h"

#include <wwresv/fence.h>
#include <wwresv/resv.h>

#define NUM_RESVS   2
#define NUM_FENCES  2
#define NUM_READERS 2

static struct {
	struct wwr_resv *resvs[NUM_RESVS];
	struct wwr_fence *fences[NUM_FENCES];
	bool added[NUM_RESVS][NUM_FENCES];
	bool signalling[NUM_FENCES];
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

static const struct wwr_fence_ops fence_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static void add_to(unsigned int resv, unsigned int fence)
{
	if (wwr_mutex_lock(&scene.resvs[resv]->mutex, NULL) != 0)
		ex_fail("a plain lock failed");
	if (wwr_resv_reserve_fences(scene.resvs[resv], 1) != 0 ||
	    wwr_resv_add_fence(scene.resvs[resv], scene.fences[fence], WWR_RESV_USAGE_WRITE) != 0)
		ex_fail("a fence could not be added");
	scene.added[resv][fence] = true;
	wwr_mutex_unlock(&scene.resvs[resv]->mutex);
}

static void writer_main(void *arg)
{
	unsigned int first = (unsigned int)(uintptr_t)arg;

	for (unsigned int i = 0; i < NUM_RESVS * NUM_FENCES; i++)
		add_to((first + i) % NUM_RESVS, i / NUM_RESVS);
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(scene.fences[i]);
}

static void signaller_main(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		for (unsigned int pause = ex_choose(4) * 8; pause > 0; pause--)
			ex_point("pauses");
		scene.signalling[i] = true;
		EX_CHECK(wwr_fence_signal(scene.fences[i]) == 0, "signalled twice");
		wwr_fence_put(scene.fences[i]);
	}
}

static bool is_pending(unsigned int resv, unsigned int fence)
{
	return scene.added[resv][fence] && !scene.signalling[fence];
}

static void reader_main(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int resv = ex_choose(NUM_RESVS);
		bool before[NUM_FENCES];
		bool over = true;

		for (unsigned int j = 0; j < NUM_FENCES; j++)
			before[j] = is_pending(resv, j);
		if (ex_choose(2) == 0)
			over = wwr_resv_test_signaled(scene.resvs[resv], WWR_RESV_USAGE_BOOKKEEP);
		else if (wwr_resv_wait_until(scene.resvs[resv], WWR_RESV_USAGE_BOOKKEEP, NULL,
					     INT64_MAX) != 0)
			ex_fail("a wait without an end ended");
		for (unsigned int j = 0; j < NUM_FENCES; j++)
			EX_CHECK(!over || !before[j] || !is_pending(resv, j),
				 "reservation %c is over and fence %c is pending", 'A' + resv,
				 'A' + j);
	}
}

static void setup(const struct ex_scenario *scenario)
{
	(void)scenario;
	ex_max_losses = 2;
	ex_handoff_after = 1;
	ex_spins = 1 + ex_choose(2);
	wwr_class_init(&ex_class, "explore", WWR_WOUND_WAIT);
	for (unsigned int i = 0; i < NUM_RESVS; i++) {
		scene.resvs[i] = ex_new(EX_RESV, i, sizeof(*scene.resvs[i]));
		wwr_resv_init(scene.resvs[i], &ex_class);
		for (unsigned int j = 0; j < NUM_FENCES; j++)
			scene.added[i][j] = false;
	}
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		scene.fences[i] = ex_new(EX_FENCE, i, sizeof(*scene.fences[i]));
		wwr_fence_init(scene.fences[i], &fence_ops, i + 1, 1);
		scene.signalling[i] = false;
		/* Two writers' and the signaller's references. */
		(void)wwr_fence_get(wwr_fence_get(scene.fences[i]));
	}
	for (uintptr_t i = 0; i < 2; i++)
		(void)ex_spawn("adds", writer_main, (void *)i);
	for (unsigned int i = 0; i < NUM_READERS; i++)
		(void)ex_spawn("reads", reader_main, NULL);
	(void)ex_spawn("signal", signaller_main, NULL);
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	for (unsigned int i = 0; i < NUM_RESVS; i++) {
		EX_CHECK(wwr_resv_test_signaled(scene.resvs[i], WWR_RESV_USAGE_BOOKKEEP),
			 "every fence has signalled and reservation %c does not know", 'A' + i);
		wwr_resv_fini(scene.resvs[i]);
		ex_delete(scene.resvs[i]);
	}
}

static const struct ex_scenario resv_shared = {
    "resv_shared", "two fences in two reservations, signalled meanwhile", setup, check, NULL};

const struct ex_scenario *const ex_shared_scenarios[] = {&resv_shared, NULL};
