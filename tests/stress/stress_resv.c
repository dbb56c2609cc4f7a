/* SPDX-License-Identifier: MIT */
/*
 * Readers of a reservation that take no lock, while its table is replaced and its fences are freed.
 * A writer's result is plain memory, written once, before its fence signals; a reader that was told
 * "all signalled" reads the results of all fences that it knows to have been there before it asked.
 * So whatever a reader misses is a wrong result, and a missing order a ThreadSanitizer report.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include "lockset/park.h"
#include "reservation/resv_cell.h"

#include <wwresv/fence.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM_WRITERS  3
#define NUM_READERS  3
#define NUM_THREADS  (NUM_WRITERS + NUM_READERS)
#define MAX_FENCES   4000 /* of a writer, in one life of the reservations */
#define NUM_LIVES    12
#define NUM_MEETINGS 4000
#define NUM_TAKES    20000

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "stress";
}

static unsigned int num_alive; /* (a) relaxed: a count */

static void release_op(struct wwr_fence *fence)
{
	(void)wwr_atomic_fetch_sub(&num_alive, 1, WWR_RELAXED);
	free(fence);
}

static const struct wwr_fence_ops stress_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static struct wwr_fence *fence_create(uint64_t context, uint64_t seqno)
{
	struct wwr_fence *fence = calloc(1, sizeof(*fence));

	if (fence == NULL)
		abort();
	(void)wwr_atomic_fetch_add(&num_alive, 1, WWR_RELAXED);
	wwr_fence_init(fence, &stress_ops, context, seqno);
	return fence;
}

struct worker {
	pthread_t thread;
	unsigned int index;
	uint64_t random;
	unsigned int num_errors; /* rules found broken */
	unsigned int num_true, num_false, num_waits, num_given_up, num_walked, num_restarts;
};

static struct worker workers[NUM_THREADS];
static unsigned int num_fences;	 /* of each writer in one life */
static unsigned int num_writing; /* (a) writers that are not done */

/* Each fence of a writer is in both; the second one gets copies of the first, too. */
static struct wwr_resv resvs[2];

/* How far a writer is: fences added to both reservations.  (a) */
static unsigned int num_added[NUM_WRITERS];

/* Plain: written before the signal of the writer's fence with this number, 0 before that. */
static unsigned int results[NUM_WRITERS][MAX_FENCES];

static unsigned int pick(struct worker *worker, unsigned int num)
{
	return (unsigned int)(test_random(&worker->random) % num);
}

static void expect(struct worker *worker, bool ok)
{
	worker->num_errors += !ok;
}

static void add(struct worker *worker, struct wwr_resv *resv, struct wwr_fence *fence,
		enum wwr_resv_usage usage)
{
	expect(worker, wwr_mutex_lock(&resv->mutex, NULL) == 0);
	/* More slots than needed, now and then: the table grows. */
	expect(worker, wwr_resv_reserve_fences(resv, 1 + pick(worker, 16)) == 0);
	expect(worker, wwr_resv_add_fence(resv, fence, usage) == 0);
	wwr_mutex_unlock(&resv->mutex);
}

/* One of the writer's contexts, so that it is now replaced by the next, now stands beside it. */
static struct wwr_fence *write_one(struct worker *worker, unsigned int number)
{
	uint64_t context = 1 + worker->index * 4 + pick(worker, 4);
	struct wwr_fence *fence = fence_create(context, number);
	bool swapped = pick(worker, 2) != 0;

	add(worker, &resvs[swapped], fence, (enum wwr_resv_usage)pick(worker, 3));
	add(worker, &resvs[!swapped], fence, (enum wwr_resv_usage)pick(worker, 3));
	/* Release pairs with the acquire in read_results(): both have been added. */
	wwr_atomic_store(&num_added[worker->index], number + 1, WWR_RELEASE);
	return fence;
}

static void finish_one(struct worker *worker, struct wwr_fence *fence)
{
	unsigned int number = (unsigned int)fence->seqno;

	results[worker->index][number] = number + 1;
	expect(worker, wwr_fence_signal(fence) == 0);
	wwr_fence_put(fence);
}

/* Contexts signal in order, and a few fences are always pending. */
static void write_all(struct worker *worker)
{
	struct wwr_fence *pending[3] = {NULL};

	for (unsigned int i = 0; i < num_fences; i++) {
		struct wwr_fence **place = &pending[i % 3];

		if (*place != NULL)
			finish_one(worker, *place);
		*place = write_one(worker, i);
		/* Readers are to find them pending, even where there are few processors. */
		if (pick(worker, 4) == 0)
			sched_yield();
		/* All of them, so that readers are told so, too. */
		for (unsigned int j = 1; j <= 3 && pick(worker, 4) == 0; j++) {
			place = &pending[(i + j) % 3];
			if (*place != NULL)
				finish_one(worker, *place);
			*place = NULL;
		}
	}
	for (unsigned int j = 0; j < 3; j++) {
		if (pending[(num_fences + j) % 3] != NULL)
			finish_one(worker, pending[(num_fences + j) % 3]);
	}
	(void)wwr_atomic_fetch_sub(&num_writing, 1, WWR_RELEASE);
}

/* What was there before the question, and is to be done if the answer is yes. */
static void note_added(unsigned int *ret_added)
{
	for (int i = 0; i < NUM_WRITERS; i++)
		/* Acquire pairs with the release in write_one(). */
		ret_added[i] = wwr_atomic_load(&num_added[i], WWR_ACQUIRE);
}

/* Everything is done: the results are there, and seen. */
static void read_results(struct worker *worker, const unsigned int *added)
{
	for (int i = 0; i < NUM_WRITERS; i++) {
		unsigned int last = added[i];

		/* Of each context the last one at least, so that all were waited for. */
		for (unsigned int j = 0; j < 8 && j < last; j++)
			expect(worker, results[i][last - 1 - j] == last - j);
	}
}

/* added: what was there for sure. */
static void ask(struct worker *worker, struct wwr_resv *resv, const unsigned int *added)
{
	if (!wwr_resv_test_signaled(resv, WWR_RESV_USAGE_READ)) {
		worker->num_false++;
		return;
	}
	worker->num_true++;
	read_results(worker, added);
}

static void ask_often(struct worker *worker, struct wwr_resv *resv)
{
	for (int i = 0; i < 50; i++) {
		unsigned int added[NUM_WRITERS];

		note_added(added);
		ask(worker, resv, added);
	}
}

static void wait_for(struct worker *worker, struct wwr_resv *resv)
{
	unsigned int added[NUM_WRITERS];
	int ret;

	note_added(added);
	ret = wwr_resv_wait_until(resv, WWR_RESV_USAGE_READ, NULL, park_now_ns() + 100000);
	expect(worker, ret == 0 || ret == -ETIME);
	worker->num_waits += ret == 0;
	worker->num_given_up += ret != 0;
	if (ret == 0)
		read_results(worker, added);
}

/* As the others, by hand: waits for each fence that is shown. */
static void walk(struct worker *worker, struct wwr_resv *resv)
{
	unsigned int added[NUM_WRITERS];
	struct wwr_resv_cursor cursor;
	struct wwr_fence *fence;
	int ret = 0;

	note_added(added);
	wwr_resv_cursor_begin(&cursor, resv, WWR_RESV_USAGE_READ);
	while (ret == 0 && (fence = wwr_resv_cursor_next(&cursor)) != NULL) {
		worker->num_walked++;
		worker->num_restarts += wwr_resv_cursor_is_restarted(&cursor);
		expect(worker, wwr_resv_cursor_usage(&cursor) <= WWR_RESV_USAGE_READ);
		ret = wwr_fence_wait_until(fence, NULL, park_now_ns() + 100000);
	}
	wwr_resv_cursor_end(&cursor);
	if (ret == 0)
		read_results(worker, added);
}

/* Also what only looks, and a copy into a reservation of its own. */
static void look(struct worker *worker, struct wwr_resv *resv)
{
	unsigned int added[NUM_WRITERS];
	struct wwr_fence **fences;
	struct wwr_resv own;
	char text[256];
	unsigned int num;

	note_added(added);
	wwr_resv_set_deadline(resv, WWR_RESV_USAGE_READ, park_now_ns());
	expect(worker, wwr_resv_describe(resv, text, sizeof(text)) >= 0);
	expect(worker, wwr_resv_get_fences(resv, WWR_RESV_USAGE_READ, &num, &fences) == 0);
	wwr_resv_put_fences(num, fences);
	wwr_resv_init(&own, NULL);
	expect(worker, wwr_mutex_lock(&own.mutex, NULL) == 0);
	expect(worker, wwr_resv_copy_fences(&own, resv) == 0);
	wwr_mutex_unlock(&own.mutex);
	ask(worker, &own, added);
	wwr_resv_fini(&own);
}

static void read_all(struct worker *worker)
{
	while (wwr_atomic_load(&num_writing, WWR_ACQUIRE) > 0) {
		struct wwr_resv *resv = &resvs[pick(worker, 2)];

		ask_often(worker, resv);
		switch (pick(worker, 3)) {
		case 0:
			wait_for(worker, resv);
			break;
		case 1:
			walk(worker, resv);
			break;
		default:
			look(worker, resv);
			break;
		}
	}
}

static pthread_barrier_t barrier;

static void *live_main(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(&barrier);
	if (worker->index < NUM_WRITERS)
		write_all(worker);
	else
		read_all(worker);
	return NULL;
}

static void run(void *(*body)(void *arg), unsigned int num_workers)
{
	for (unsigned int i = 0; i < num_workers; i++) {
		workers[i].index = i;
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < num_workers; i++)
		pthread_join(workers[i].thread, NULL);
}

/* Counts go on over the lives; the seeds differ. */
static void start_workers(void)
{
	for (unsigned int i = 0; i < NUM_THREADS; i++)
		workers[i] = (struct worker){.random = test_seed() + i};
}

static struct worker sum_up(void)
{
	struct worker sum = {.index = 0};

	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		sum.num_errors += workers[i].num_errors;
		sum.num_true += workers[i].num_true;
		sum.num_false += workers[i].num_false;
		sum.num_waits += workers[i].num_waits;
		sum.num_given_up += workers[i].num_given_up;
		sum.num_walked += workers[i].num_walked;
		sum.num_restarts += workers[i].num_restarts;
	}
	return sum;
}

/* New reservations again and again: their tables grow while they are young. */
static void test_writers_and_readers(void)
{
	unsigned int num_pending = 0;
	struct worker sum;

	num_fences = test_rounds(MAX_FENCES / 10);
	pthread_barrier_init(&barrier, NULL, NUM_THREADS);
	start_workers();
	for (unsigned int i = 0; i < NUM_LIVES; i++) {
		memset(results, 0, sizeof(results));
		memset(num_added, 0, sizeof(num_added));
		num_writing = NUM_WRITERS;
		for (int j = 0; j < 2; j++)
			wwr_resv_init(&resvs[j], NULL);
		run(live_main, NUM_THREADS);
		for (int j = 0; j < 2; j++) {
			num_pending += !wwr_resv_test_signaled(&resvs[j], WWR_RESV_USAGE_BOOKKEEP);
			wwr_resv_fini(&resvs[j]);
		}
	}
	pthread_barrier_destroy(&barrier);
	sum = sum_up();
	tap_note("%u times signalled, %u not; %u waits, %u given up; %u walked, %u restarts",
		 sum.num_true, sum.num_false, sum.num_waits, sum.num_given_up, sum.num_walked,
		 sum.num_restarts);
	tap_ok(sum.num_errors == 0, "every result was there when a reader was told so");
	tap_ok(num_pending == 0, "nothing is left pending");
	tap_ok(sum.num_true > 0 && sum.num_false > 0 && sum.num_walked > 0,
	       "readers came by everything");
	tap_ok(num_alive == 0, "every fence is released (%u are not)", num_alive);
}

/* The second part: the signal of a fence meets its first adds to two reservations. */
static struct wwr_fence *shared_fence; /* plain, ordered by the barrier */
static unsigned int num_meetings;

static void meet(struct worker *worker)
{
	if (worker->index == 2) {
		for (unsigned int i = pick(worker, 60); i > 0; i--)
			wwr_atomic_pause();
		expect(worker, wwr_fence_signal(shared_fence) == 0);
		return;
	}
	for (unsigned int i = pick(worker, 20); i > 0; i--)
		wwr_atomic_pause();
	add(worker, &resvs[worker->index], shared_fence, WWR_RESV_USAGE_READ);
}

static void *meet_main(void *arg)
{
	struct worker *worker = arg;

	for (unsigned int i = 0; i < num_meetings; i++) {
		if (worker->index == 0) {
			shared_fence = fence_create(i, 1);
			for (int j = 0; j < 2; j++)
				wwr_resv_init(&resvs[j], NULL);
		}
		pthread_barrier_wait(&barrier);
		meet(worker);
		pthread_barrier_wait(&barrier);
		if (worker->index != 0)
			continue;
		for (int j = 0; j < 2; j++) {
			expect(worker, wwr_resv_test_signaled(&resvs[j], WWR_RESV_USAGE_READ));
			wwr_resv_fini(&resvs[j]);
		}
		wwr_fence_put(shared_fence);
	}
	return NULL;
}

static void test_signal_meets_add(void)
{
	num_meetings = test_rounds(NUM_MEETINGS);
	pthread_barrier_init(&barrier, NULL, 3);
	start_workers();
	run(meet_main, 3);
	pthread_barrier_destroy(&barrier);
	tap_ok(sum_up().num_errors == 0, "no signal is lost in %u meetings", num_meetings);
	tap_ok(num_alive == 0, "every fence is released (%u are not)", num_alive);
}

/* The third part: the pool of cells, by itself. */
static void *take_main(void *arg)
{
	struct worker *worker = arg;
	struct wwr_resv_cell *own[40] = {NULL};

	for (unsigned int i = 0; i < test_rounds(NUM_TAKES); i++) {
		struct wwr_resv_cell **place = &own[pick(worker, 40)];

		if (*place != NULL) {
			/* Plain: whoever gets it next comes after. */
			expect(worker, (*place)->pad[0] == worker->index + 1);
			(*place)->pad[0] = 0;
			resv_cell_put(*place);
			*place = NULL;
			continue;
		}
		*place = resv_cell_get();
		if (*place == NULL)
			abort();
		expect(worker, (*place)->pad[0] == 0 && resv_cell_at((*place)->index) == *place);
		(*place)->pad[0] = (uint8_t)(worker->index + 1);
	}
	for (int i = 0; i < 40; i++) {
		if (own[i] != NULL)
			own[i]->pad[0] = 0;
		resv_cell_put(own[i]);
	}
	return NULL;
}

static void test_cells(void)
{
	start_workers();
	run(take_main, NUM_THREADS);
	tap_ok(sum_up().num_errors == 0, "each cell has one owner at a time");
	tap_ok(resv_cells_made() <= 4 * NUM_THREADS * 40, "%u cells are enough",
	       (unsigned int)resv_cells_made());
}

int main(void)
{
	tap_plan(9);
	tap_note("WWR_TEST_SEED=%#llx", (unsigned long long)test_seed());
	test_writers_and_readers();
	test_signal_meets_add();
	test_cells();
	resv_cells_reset(true);
	tap_ok(test_leak_check() == 0, "no leak");
	return tap_exit();
}
