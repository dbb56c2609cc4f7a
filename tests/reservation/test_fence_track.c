/* SPDX-License-Identifier: MIT */
/* Fences that do not signal: who made them, who waits for them and through what. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reports.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_pool.h>
#include <wwresv/resv.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define NUM_WAITERS 4
#define MANY_FENCES 40000

static struct wwr_fence *fence;

static void setup(void)
{
	wwr_debug_set_report_func(reports_keep, NULL);
	wwr_debug_set_checks(WWR_DEBUG_MISTAKES | WWR_DEBUG_FENCES);
	wwr_debug_set_fence_timeout(0);
	fence = test_fence_create(7, 3);
}

static void teardown(void)
{
	(void)wwr_fence_signal(fence);
	wwr_fence_put(fence);
	wwr_debug_set_report_func(NULL, NULL);
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_fence_track, .init = setup, .fini = teardown, .timeout = 30);

static void expect_count(const char *part, unsigned int num)
{
	cr_expect_eq(reports_count(part), num, "\"%s\" should be there %u times:\n%s", part, num,
		     reports.text);
}

/* All that is known now, from the beginning. */
static void expect_pending(size_t num)
{
	size_t reported;

	reports_clear();
	reported = wwr_debug_report_fences(0);
	cr_expect_eq(reported, num, "%zu instead of %zu", reported, num);
}

/* A thread that sleeps for a fence, or for something else. */
struct waiter {
	pthread_t thread;
	struct wwr_fence *fence;
	struct wwr_syncobj *syncobj;
	uint64_t point;
	bool any;
	int64_t deadline_ns;
	int tid; /* (a) */
	int ret;
};

static void *wait_main(void *arg)
{
	struct waiter *waiter = arg;
	struct wwr_fence *both[2] = {waiter->fence, waiter->fence};
	unsigned int index;

	/* Relaxed: a number; the main thread waits for the sleep besides. */
	wwr_atomic_store(&waiter->tid, gettid(), WWR_RELAXED);
	if (waiter->syncobj != NULL)
		waiter->ret = wwr_syncobj_wait(1, &waiter->syncobj, &waiter->point,
					       WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL,
					       waiter->deadline_ns, 0, NULL);
	else if (waiter->any)
		waiter->ret = wwr_fence_wait_any(2, both, NULL, waiter->deadline_ns, &index);
	else
		waiter->ret = wwr_fence_wait_until(waiter->fence, NULL, waiter->deadline_ns);
	return NULL;
}

/* Returns when it sleeps. */
static void waiter_start(struct waiter *waiter)
{
	unsigned int num_sleeps = test_futex_waits();

	if (waiter->deadline_ns == 0)
		waiter->deadline_ns = INT64_MAX;
	cr_assert_eq(pthread_create(&waiter->thread, NULL, wait_main, waiter), 0);
	test_until_futex_waits(num_sleeps + 1);
}

static void waiter_join(struct waiter *waiter, int ret)
{
	cr_assert_eq(pthread_join(waiter->thread, NULL), 0);
	cr_expect_eq(waiter->ret, ret);
}

static void waiter_text(const struct waiter *waiter, char *ret_text, size_t size_bytes)
{
	snprintf(ret_text, size_bytes, "fence %p: thread %d has waited ", (void *)fence,
		 wwr_atomic_load(&waiter->tid, WWR_RELAXED));
}

/* Until it is in a report of the fence: once that has signalled it waits no more. */
static void await_waiter(const struct waiter *waiter)
{
	char text[96];

	waiter_text(waiter, text, sizeof(text));
	reports_await(text);
}

static void expect_waiter(const struct waiter *waiter, const char *path)
{
	char text[96];
	const char *line;

	waiter_text(waiter, text, sizeof(text));
	line = strstr(reports.text, text);
	cr_assert(line != NULL, "no \"%s\" in:\n%s", text, reports.text);
	snprintf(text, sizeof(text), " s for it%s\n", path);
	line = strstr(line, " s for it");
	cr_expect(line != NULL && strncmp(line, text, strlen(text)) == 0, "\"%s\" in:\n%s", text,
		  reports.text);
}

Test(reservation_fence_track, pending_fence_is_reported_with_its_creator)
{
	char creator[64];

	expect_pending(1);
	expect_count("(7:3, still its maker's) has not signalled for ", 1);
	(void)wwr_fence_get(fence);
	expect_pending(1);
	wwr_fence_put(fence);
	snprintf(creator, sizeof(creator), "made by thread %d in ", gettid());
	expect_count("(test line 7:3 pending) has not signalled for ", 1);
	expect_count(creator, 1);
	expect_count("+0x", 1);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	expect_pending(0);
}

Test(reservation_fence_track, fence_is_old_enough_or_not_reported)
{
	cr_expect_eq(wwr_debug_report_fences(INT64_MAX / 2), 0);
	cr_expect_eq(reports.length, 0, "%s", reports.text);
}

Test(reservation_fence_track, fence_made_while_it_was_off_is_not_known)
{
	struct wwr_fence *unknown;

	wwr_debug_set_checks(0);
	unknown = test_fence_create(8, 1);
	wwr_debug_set_checks(WWR_DEBUG_FENCES);
	expect_pending(1);
	expect_count("(7:3, ", 1);
	wwr_fence_put(unknown);
}

static const char *pool_name(const struct wwr_fence *of)
{
	(void)of;
	return "pool";
}

static const struct wwr_fence_ops pool_ops = {
    .driver_name = pool_name,
    .timeline_name = pool_name,
};

Test(reservation_fence_track, fence_of_a_pool_is_known_until_it_is_released)
{
	const struct wwr_fence_pool_options options = {.ops = &pool_ops};
	struct wwr_fence_pool *pool = wwr_fence_pool_create(&options);
	struct wwr_fence *pooled[2];

	cr_assert_not_null(pool);
	for (int i = 0; i < 2; i++) {
		pooled[i] = wwr_fence_pool_alloc(pool, 9, (uint64_t)i);
		cr_assert_not_null(pooled[i]);
	}
	expect_pending(3);
	expect_count("(9:1, still its maker's) has not signalled", 1);
	cr_assert_eq(wwr_fence_signal(pooled[0]), 0);
	expect_pending(2);
	for (int i = 0; i < 2; i++)
		wwr_fence_put(pooled[i]);
	expect_pending(1);
	wwr_fence_pool_destroy(pool);
}

Test(reservation_fence_track, releases_are_reported_on_request)
{
	wwr_fence_put(test_fence_create(8, 1));
	expect_count("released", 0);
	wwr_debug_set_checks(WWR_DEBUG_FENCES | WWR_DEBUG_RELEASES);
	wwr_fence_put(test_fence_create(8, 2));
	expect_count("(test line 8:2 pending) is released and has never signalled, made by thread ",
		     1);
	reports_clear();
	cr_assert_eq(wwr_fence_signal(fence), 0);
	wwr_fence_put(wwr_fence_get(fence));
	expect_count("released", 0);
	expect_pending(0);
}

static void ignore_func(struct wwr_fence *of, struct wwr_fence_cb *cb)
{
	(void)of;
	(void)cb;
}

Test(reservation_fence_track, release_with_a_callback_names_the_creator)
{
	struct wwr_fence *abandoned = test_fence_create(8, 5);
	struct wwr_fence_cb cb;

	cr_assert_eq(wwr_fence_add_callback(abandoned, &cb, ignore_func), 0);
	wwr_fence_put(abandoned);
	expect_count("(test line 8:5 pending) is released unsignalled while somebody waits", 1);
	expect_count("-EDEADLK, made by thread ", 1);
	expect_pending(1);
}

Test(reservation_fence_track, callback_is_named)
{
	struct wwr_fence_cb cb;

	cr_assert_eq(wwr_fence_add_callback(fence, &cb, ignore_func), 0);
	expect_pending(1);
	expect_count(": callback ", 1);
	expect_count("+0x", 2);
	cr_expect(wwr_fence_remove_callback(fence, &cb));
	expect_pending(1);
	expect_count(": callback ", 0);
}

/* A node with the number seqno after prev, whose reference it takes. */
static struct wwr_fence *link_node(struct wwr_fence *prev, struct wwr_fence *contained,
				   uint64_t seqno)
{
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_fence *node = NULL;

	cr_assert_not_null(chain);
	cr_assert_eq(wwr_fence_chain_link(chain, prev, contained, seqno, &node), 0);
	wwr_fence_put(prev);
	return node;
}

Test(reservation_fence_track, waiters_are_named_with_their_path)
{
	struct wwr_fence *members[2] = {fence, test_fence_create(8, 1)};
	struct waiter waiters[NUM_WAITERS] = {{.any = false}};
	struct wwr_fence *array;
	struct wwr_fence *node;
	char path[64];

	cr_assert_eq(wwr_fence_array_create(2, members, 50, 6, &array), 0);
	node = link_node(NULL, array, 4);
	waiters[0].fence = fence;
	waiters[1].fence = array;
	waiters[2].fence = node;
	waiters[3].fence = fence;
	waiters[3].any = true;
	for (int i = 0; i < NUM_WAITERS; i++)
		waiter_start(&waiters[i]);
	expect_pending(2);
	expect_waiter(&waiters[0], "");
	expect_waiter(&waiters[1], " through array 50:6");
	snprintf(path, sizeof(path), " through timeline %" PRIu64 ":4 through array 50:6",
		 node->context);
	expect_waiter(&waiters[2], path);
	expect_waiter(&waiters[3], "");
	for (int i = 0; i < 2; i++)
		cr_assert_eq(wwr_fence_signal(members[i]), 0);
	for (int i = 0; i < NUM_WAITERS; i++)
		waiter_join(&waiters[i], 0);
	wwr_fence_put(members[1]);
	wwr_fence_put(array);
	wwr_fence_put(node);
}

Test(reservation_fence_track, waiter_at_the_end_of_a_long_timeline_is_found)
{
	struct wwr_fence *later = test_fence_create(8, 1);
	struct wwr_fence *head = link_node(NULL, fence, 1);
	struct wwr_fence *middle = NULL;
	struct waiter waiters[2] = {{.any = false}};
	char path[64];

	for (uint64_t i = 2; i <= 10000; i++) {
		head = link_node(head, later, i);
		if (i == 5000)
			middle = wwr_fence_get(head);
	}
	waiters[0].fence = middle;
	waiters[1].fence = head;
	for (int i = 0; i < 2; i++)
		waiter_start(&waiters[i]);
	expect_pending(2);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), " through timeline %" PRIu64 ":%d", head->context,
			 (i + 1) * 5000);
		expect_waiter(&waiters[i], path);
	}
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_assert_eq(wwr_fence_signal(later), 0);
	for (int i = 0; i < 2; i++)
		waiter_join(&waiters[i], 0);
	wwr_fence_put(middle);
	wwr_fence_put(head);
	wwr_fence_put(later);
}

Test(reservation_fence_track, waiter_for_a_syncobj_is_named)
{
	struct waiter waiter = {.any = false, .point = 2};
	struct wwr_syncobj *syncobj;

	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 2, fence), 0);
	waiter.syncobj = syncobj;
	waiter_start(&waiter);
	expect_pending(1);
	expect_count(" s for it through timeline ", 1);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	waiter_join(&waiter, 0);
	wwr_syncobj_put(syncobj);
}

Test(reservation_fence_track, long_wait_is_reported_once_by_the_waiter)
{
	struct waiter first = {.fence = fence};
	struct waiter second = {.fence = fence};
	char text[96];

	waiter_start(&first);
	expect_count("has waited", 0);
	wwr_debug_set_fence_timeout(1);
	waiter_start(&second);
	await_waiter(&first);
	await_waiter(&second);
	snprintf(text, sizeof(text), "thread %d has waited ",
		 wwr_atomic_load(&second.tid, WWR_RELAXED));
	cr_assert_eq(wwr_fence_signal(fence), 0);
	waiter_join(&first, 0);
	waiter_join(&second, 0);
	expect_count(" s for fence ", 1);
	expect_count(text, 2);
	expect_count("(test line 7:3 pending) has not signalled for ", 1);
	/* The first one is a waiter, too; it began when nobody was to be reported. */
	expect_waiter(&first, "");
}

Test(reservation_fence_track, deadline_before_the_report_ends_the_wait)
{
	wwr_debug_set_fence_timeout(INT64_MAX);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, park_now_ns() + 1000), -ETIME);
	wwr_debug_set_fence_timeout(1000000000);
	cr_expect_eq(wwr_fence_wait_until(fence, NULL, park_now_ns() + 1000), -ETIME);
	cr_expect_eq(reports.length, 0, "%s", reports.text);
}

Test(reservation_fence_track, deadline_after_the_report_still_holds)
{
	struct wwr_interrupt_token token;
	struct wwr_fence *both[2] = {fence, fence};
	unsigned int index;

	/* So late that a slow machine is asleep by then, and so has reported. */
	wwr_debug_set_fence_timeout(1);
	wwr_interrupt_token_init(&token);
	cr_expect_eq(wwr_fence_wait_until(fence, &token, park_now_ns() + 500000000), -ETIME);
	expect_count(" s for fence ", 1);
	cr_expect_eq(wwr_fence_wait_any(2, both, &token, park_now_ns() + 500000000, &index),
		     -ETIME);
	expect_count(" s for fence ", 3);
}

Test(reservation_fence_track, wait_for_what_is_not_submitted_is_reported)
{
	struct waiter waiter = {.any = false, .point = 12};
	struct wwr_syncobj *syncobj;
	char text[96];

	wwr_debug_set_fence_timeout(1);
	cr_assert_eq(wwr_syncobj_create(0, &syncobj), 0);
	waiter.syncobj = syncobj;
	waiter_start(&waiter);
	reports_await("waits for point 12 of syncobj");
	snprintf(text, sizeof(text), "thread %d waits for point 12 of syncobj %p, which nobody",
		 wwr_atomic_load(&waiter.tid, WWR_RELAXED), (void *)syncobj);
	expect_count(text, 1);
	cr_assert_eq(wwr_syncobj_add_point(syncobj, 12, fence), 0);
	cr_assert_eq(wwr_fence_signal(fence), 0);
	waiter_join(&waiter, 0);
	wwr_syncobj_put(syncobj);
}

Test(reservation_fence_track, too_many_fences_are_counted)
{
	struct wwr_fence **many = calloc(MANY_FENCES, sizeof(struct wwr_fence *));
	size_t num_known;
	char text[64];

	cr_assert_not_null(many);
	for (int i = 0; i < MANY_FENCES; i++)
		many[i] = test_fence_create(9, 1);
	num_known = wwr_debug_report_fences(0);
	cr_expect_leq(num_known, 16384);
	cr_expect_geq(num_known, 8192);
	reports_clear();
	for (int i = 0; i < MANY_FENCES; i++) {
		(void)wwr_fence_signal(many[i]);
		wwr_fence_put(many[i]);
	}
	expect_pending(1);
	snprintf(text, sizeof(text), "%zu fences are not known", MANY_FENCES + 1 - num_known);
	expect_count(text, 1);
	free(many);
}
