/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs in many hands.  First everything meets everything: wait, signal, reset, transfer,
 * export, import, eventfds, a dma-buf, and a software timeline that moves on.  Then a hand-over
 * through one timeline, where what the signaller wrote before is plain memory for the waiter, so
 * that a missing order shows under ThreadSanitizer, and a lost wake-up as a hang.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NUM_THREADS  5
#define NUM_SYNCOBJS 3
#define NUM_OPS	     20000
#define NUM_TURNS    10000

struct worker {
	pthread_t thread;
	unsigned int index;
	uint64_t random;
	struct wwr_interrupt_token token;
	unsigned int num_errors; /* results that the rules do not allow */
	unsigned int num_waits, num_late, num_interrupted, num_refused;
};

static struct worker workers[NUM_THREADS];
static struct wwr_syncobj *syncobjs[NUM_SYNCOBJS];
static struct wwr_sync_timeline *timeline;
static int event_fd;
static int dma_fd;

static unsigned int pick(struct worker *worker, unsigned int num)
{
	return (unsigned int)(test_random(&worker->random) % num);
}

static struct wwr_syncobj *pick_syncobj(struct worker *worker)
{
	return syncobjs[pick(worker, NUM_SYNCOBJS)];
}

static void expect(struct worker *worker, bool ok)
{
	worker->num_errors += !ok;
}

static void count_wait(struct worker *worker, int ret)
{
	expect(worker, ret == 0 || ret == -ETIME || ret == -EINTR || ret == -EINVAL);
	worker->num_waits += ret == 0;
	worker->num_late += ret == -ETIME;
	worker->num_interrupted += ret == -EINTR;
	worker->num_refused += ret == -EINVAL;
}

static int64_t pick_deadline(struct worker *worker)
{
	return pick(worker, 3) == 0 ? 0 : park_now_ns() + pick(worker, 100000);
}

static void do_wait(struct worker *worker)
{
	uint64_t points[NUM_SYNCOBJS];
	uint32_t flags = pick(worker, WWR_SYNCOBJ_WAIT_MASK + 1);
	unsigned int num = pick(worker, NUM_SYNCOBJS + 1);
	unsigned int first = 0;

	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		points[i] = pick(worker, 8);
	count_wait(worker, wwr_syncobj_wait(num, syncobjs, points, flags, &worker->token,
					    pick_deadline(worker), 1, &first));
	expect(worker, first < NUM_SYNCOBJS);
	if (wwr_interrupt_token_is_set(&worker->token))
		wwr_interrupt_token_clear(&worker->token);
}

static void do_add(struct worker *worker)
{
	struct wwr_fence *fence;
	uint64_t value = wwr_sync_timeline_value(timeline) + pick(worker, 4);

	expect(worker, wwr_sync_timeline_create_fence(timeline, value, NULL, &fence) == 0);
	expect(worker, wwr_syncobj_add_point(pick_syncobj(worker), pick(worker, 12), fence) == 0);
	wwr_fence_put(fence);
}

static void do_signal(struct worker *worker)
{
	uint64_t points[NUM_SYNCOBJS];
	unsigned int num = 1 + pick(worker, NUM_SYNCOBJS);

	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		points[i] = 1 + pick(worker, 12);
	if (pick(worker, 2))
		expect(worker, wwr_syncobj_signal(num, syncobjs) == 0);
	else
		expect(worker, wwr_syncobj_timeline_signal(num, syncobjs, points) == 0);
}

static void do_transfer(struct worker *worker)
{
	struct wwr_syncobj *src = pick_syncobj(worker);
	struct wwr_syncobj *dst = pick_syncobj(worker);

	count_wait(worker, wwr_syncobj_transfer(dst, pick(worker, 8), src, pick(worker, 8),
						pick(worker, 2) ? WWR_SYNCOBJ_WAIT_FOR_SUBMIT : 0,
						&worker->token, pick_deadline(worker)));
}

static void do_sync_file(struct worker *worker)
{
	struct wwr_sync_file_info info;
	int ret;
	int fd;

	ret = wwr_syncobj_export_sync_file(pick_syncobj(worker), pick(worker, 6), &fd);
	expect(worker, ret == 0 || ret == -EINVAL);
	if (ret != 0)
		return;
	expect(worker, wwr_sync_file_get_info(fd, 0, NULL, &info) == 0);
	expect(worker,
	       wwr_syncobj_import_sync_file(pick_syncobj(worker), pick(worker, 8), fd) == 0);
	close(fd);
}

static void do_dma_buf(struct worker *worker)
{
	uint32_t flags = 1 + pick(worker, WWR_DMA_BUF_RW);
	int ret;
	int fd;

	switch (pick(worker, 5)) {
	case 0:
		expect(worker, wwr_dma_buf_create(1, NULL, &fd) == 0);
		close(fd);
		break;
	case 1:
		(void)wwr_dma_buf_collect();
		break;
	case 2:
		ret = wwr_dma_buf_sync(dma_fd, flags, &worker->token, pick_deadline(worker));
		expect(worker, ret == 0 || ret == -ETIME || ret == -EINTR);
		break;
	case 3:
		expect(worker, wwr_dma_buf_export_sync_file(dma_fd, flags, &fd) == 0);
		expect(worker, wwr_syncobj_import_sync_file(pick_syncobj(worker), pick(worker, 8),
							    fd) == 0);
		close(fd);
		break;
	default:
		if (wwr_syncobj_export_sync_file(pick_syncobj(worker), 0, &fd) != 0)
			break;
		expect(worker, wwr_dma_buf_import_sync_file(dma_fd, flags, fd) == 0);
		close(fd);
		break;
	}
}

static void do_query(struct worker *worker)
{
	uint64_t points[NUM_SYNCOBJS];

	expect(worker, wwr_syncobj_query(NUM_SYNCOBJS, syncobjs, pick(worker, 2), points) == 0);
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		expect(worker, points[i] <= 12);
}

static void do_something(struct worker *worker)
{
	switch (pick(worker, 16)) {
	case 0:
	case 1:
		do_signal(worker);
		break;
	case 2:
		expect(worker, wwr_syncobj_reset(1 + pick(worker, NUM_SYNCOBJS), syncobjs) == 0);
		break;
	case 3:
	case 4:
		do_transfer(worker);
		break;
	case 5:
	case 6:
		do_add(worker);
		break;
	case 7:
		do_sync_file(worker);
		break;
	case 8:
		do_query(worker);
		break;
	case 9:
		expect(worker,
		       wwr_syncobj_add_eventfd(pick_syncobj(worker), pick(worker, 6), event_fd,
					       pick(worker, 2) * WWR_SYNCOBJ_WAIT_AVAILABLE) == 0);
		break;
	case 10:
	case 11:
		wwr_sync_timeline_inc(timeline, 1);
		break;
	case 12:
		wwr_interrupt(&workers[pick(worker, NUM_THREADS)].token);
		break;
	case 13:
		do_dma_buf(worker);
		break;
	default:
		do_wait(worker);
		break;
	}
}

static void *play(void *arg)
{
	struct worker *worker = arg;
	unsigned int num_ops = test_rounds(NUM_OPS);

	for (unsigned int i = 0; i < num_ops; i++)
		do_something(worker);
	return NULL;
}

static void run(void *(*body)(void *arg))
{
	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		workers[i] = (struct worker){.index = i, .random = test_seed() + i};
		wwr_interrupt_token_init(&workers[i].token);
	}
	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < NUM_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static struct worker sum_up(void)
{
	struct worker sum = {.index = 0};

	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		sum.num_errors += workers[i].num_errors;
		sum.num_waits += workers[i].num_waits;
		sum.num_late += workers[i].num_late;
		sum.num_interrupted += workers[i].num_interrupted;
		sum.num_refused += workers[i].num_refused;
	}
	return sum;
}

static void create_all(void)
{
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++) {
		if (wwr_syncobj_create(0, &syncobjs[i]) != 0)
			abort();
	}
	if (wwr_sync_timeline_create("stress", &timeline) != 0)
		abort();
	if (wwr_dma_buf_create(1, NULL, &dma_fd) != 0)
		abort();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void destroy_all(void)
{
	wwr_sync_timeline_destroy(timeline);
	for (unsigned int i = 0; i < NUM_SYNCOBJS; i++)
		wwr_syncobj_put(syncobjs[i]);
	close(event_fd);
	close(dma_fd);
	(void)wwr_dma_buf_collect();
	(void)wwr_sync_file_collect();
}

/* The lowest free number: the same before and after, or a descriptor was left. */
static int lowest_fd(void)
{
	int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

static void test_everything_meets(void)
{
	int fd_before = lowest_fd();
	struct worker sum;

	create_all();
	run(play);
	destroy_all();
	sum = sum_up();
	tap_note("waits: %u, late %u, interrupted %u, refused %u", sum.num_waits, sum.num_late,
		 sum.num_interrupted, sum.num_refused);
	tap_ok(sum.num_errors == 0, "no rule broken (%u)", sum.num_errors);
	tap_ok(sum.num_waits > 0 && sum.num_late > 0 && sum.num_refused > 0, "came by everything");
	tap_ok(lowest_fd() == fd_before, "no descriptor is left");
}

/* Turn i of the baton belongs to worker i % NUM_THREADS, who waits for the point of turn i - 1. */
static unsigned int baton; /* plain */

static void *hand_over(void *arg)
{
	struct worker *worker = arg;
	unsigned int num_turns = test_rounds(NUM_TURNS);

	for (uint64_t turn = worker->index + 1; turn <= num_turns; turn += NUM_THREADS) {
		uint64_t before = turn - 1;
		int ret = 0;

		if (before > 0)
			ret = wwr_syncobj_wait(1, syncobjs, &before, WWR_SYNCOBJ_WAIT_FOR_SUBMIT,
					       pick(worker, 2) ? &worker->token : NULL, INT64_MAX,
					       0, NULL);
		expect(worker, ret == 0 && baton == before);
		baton++;
		expect(worker, wwr_syncobj_timeline_signal(1, syncobjs, &turn) == 0);
	}
	return NULL;
}

static void test_hand_over(void)
{
	create_all();
	run(hand_over);
	destroy_all();
	tap_ok(sum_up().num_errors == 0, "each saw what the one before wrote");
	tap_ok(baton == test_rounds(NUM_TURNS), "%u turns", baton);
	tap_ok(test_leak_check() == 0, "no leak");
}

int main(void)
{
	tap_plan(6);
	tap_note("WWR_TEST_SEED=%#llx", (unsigned long long)test_seed());
	test_everything_meets();
	test_hand_over();
	return tap_exit();
}
