/* SPDX-License-Identifier: MIT */
/*
 * Long rows of fences on a thread with a small stack: whatever one fence's callback or release sets
 * off needs no stack of its own.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/small_stack.h"

#include <wwresv/fence.h>

#include <errno.h>
#include <stdlib.h>

TestSuite(reservation_fence_depth, .timeout = 120);

/* Checks make all this slow; a stack that grows with the depth shows with a tenth as well. */
#ifdef NDEBUG
#define DEPTH 1000000u
#else
#define DEPTH 100000u
#endif
#define DEFERRED 8 /* the first one whose callbacks come later */

/* A fence that passes its signal on to the next one, and holds it until its release. */
struct link {
	struct wwr_fence fence;
	struct wwr_fence_cb cb;
	struct link *next;
};

static struct link *links;
static unsigned int num_signalled;
static unsigned int num_released;
static unsigned int num_bad;

static const char *link_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "link";
}

static void link_release(struct wwr_fence *fence)
{
	struct link *link = WWR_CONTAINER_OF(fence, struct link, fence);

	num_released++;
	if (link->next != NULL)
		wwr_fence_put(&link->next->fence);
}

static const struct wwr_fence_ops link_ops = {
    .driver_name = link_name,
    .timeline_name = link_name,
    .release = link_release,
};

static void pass_on(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct link *link = WWR_CONTAINER_OF(cb, struct link, cb);

	num_bad += fence != &link->fence || !wwr_fence_is_signaled(fence);
	/* Each in its turn. */
	num_bad += num_signalled != (unsigned int)(link - links);
	num_signalled++;
	if (link->next != NULL)
		num_bad += wwr_fence_signal_at(&link->next->fence, 5) != 0;
}

static void create_links(void)
{
	links = calloc(DEPTH, sizeof(links[0]));
	cr_assert_not_null(links);
	for (unsigned int i = 0; i < DEPTH; i++) {
		wwr_fence_init(&links[i].fence, &link_ops, 1, i);
		links[i].next = i + 1 < DEPTH ? &links[i + 1] : NULL;
		cr_assert_eq(wwr_fence_add_callback(&links[i].fence, &links[i].cb, pass_on), 0);
	}
}

static void signal_first_link(void)
{
	num_bad += wwr_fence_signal_at(&links[0].fence, 5) != 0;
}

static void put_first_link(void)
{
	wwr_fence_put(&links[0].fence);
}

Test(reservation_fence_depth, callbacks_that_signal_the_next_fence_need_no_stack)
{
	create_links();
	on_small_stack(signal_first_link);
	cr_expect_eq(num_signalled, DEPTH);
	cr_expect_eq(num_bad, 0);
	cr_expect_eq(wwr_fence_get_status(&links[DEPTH - 1].fence), 1);
	on_small_stack(put_first_link);
	cr_expect_eq(num_released, DEPTH);
	free(links);
}

Test(reservation_fence_depth, releases_of_unsignalled_fences_that_signal_need_no_stack)
{
	/* Each is released with a callback waiting: signalled first, and that signals the next. */
	create_links();
	on_small_stack(put_first_link);
	cr_expect_eq(num_signalled, DEPTH);
	cr_expect_eq(num_released, DEPTH);
	cr_expect_eq(num_bad, 0);
	free(links);
}

struct late_callback {
	struct wwr_fence_cb cb;
	unsigned int num_calls;
};

static struct late_callback late;
static bool late_removed;

static void late_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	WWR_CONTAINER_OF(cb, struct late_callback, cb)->num_calls++;
}

/* Signals each fence within the callback of the one before, then takes one of them back. */
static void remove_deferred(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct link *link = WWR_CONTAINER_OF(cb, struct link, cb);

	pass_on(fence, cb);
	if (link != links)
		return;
	num_bad += !wwr_fence_is_signaled(&links[DEFERRED].fence);
	late_removed = wwr_fence_remove_callback(&links[DEFERRED].fence, &late.cb);
}

Test(reservation_fence_depth, callback_that_was_put_off_can_be_removed)
{
	create_links();
	/* The first link's callback once more, with the removal behind it. */
	cr_assert(wwr_fence_remove_callback(&links[0].fence, &links[0].cb));
	cr_assert_eq(wwr_fence_add_callback(&links[0].fence, &links[0].cb, remove_deferred), 0);
	cr_assert_eq(wwr_fence_add_callback(&links[DEFERRED].fence, &late.cb, late_func), 0);
	cr_assert_eq(wwr_fence_signal(&links[0].fence), 0);
	cr_expect_eq(num_signalled, DEPTH);
	cr_expect_eq(num_bad, 0);
	cr_expect(late_removed);
	cr_expect_eq(late.num_calls, 0);
	wwr_fence_put(&links[0].fence);
	cr_expect_eq(num_released, DEPTH);
	free(links);
}
