/* SPDX-License-Identifier: MIT */
/*
 * Suite `fence`: the life of a fence on one thread, beside the bare system call that waking
 * somebody costs even where nobody sleeps; containers and reservations, beside a pthread_mutex; and
 * readers without lock, suite_fence_read.c.
 */
#include "tools/bench/bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence.h>
#include <wwresv/fence_pool.h>
#include <wwresv/lockset.h>
#include <wwresv/resv.h>

#include "tools/bench/fence_read.h"
#include "tools/bench/measure.h"
#include "tools/common/cli.h"

#define TURNS	    40000
#define QUICK_TURNS 10000
#define FUTEX_TURNS 8
#define REPETITIONS 15

struct fence_bench {
	struct wwr_fence_pool *pool;
	struct wwr_class lock_class;
	struct wwr_resv resv;
	uint64_t context;
	unsigned int turns;
	uint32_t word;
	pthread_mutex_t pthread_mutex;
	unsigned int num_called;
	struct wwr_fence_cb cb;
};

static void count_call(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	WWR_CONTAINER_OF(cb, struct fence_bench, cb)->num_called++;
}

static int run_futex_wake(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	long woken = 0;

	/* Fewer turns, so that it takes about as long as ours. */
	BENCH_MEASURE(bench->turns / FUTEX_TURNS, ret_sample, {
		woken |= syscall(SYS_futex, &bench->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	});
	return woken == 0 ? 0 : -1;
}

static int run_pthread_mutex(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;

	BENCH_MEASURE(bench->turns, ret_sample, {
		pthread_mutex_lock(&bench->pthread_mutex);
		pthread_mutex_unlock(&bench->pthread_mutex);
	});
	return 0;
}

/* One reading of the clock serves the whole batch, as in an engine. */
static int run_signal_at(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	const unsigned int before = bench->num_called;
	const int64_t now_ns = clock_now_ns();
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, i_);

		failed |= wwr_fence_add_callback(fence, &bench->cb, count_call);
		failed |= wwr_fence_signal_at(fence, now_ns);
		wwr_fence_put(fence);
	});
	return failed != 0 || bench->num_called - before != bench->turns ? -1 : 0;
}

static int run_signal(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	const unsigned int before = bench->num_called;
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, i_);

		failed |= wwr_fence_add_callback(fence, &bench->cb, count_call);
		failed |= wwr_fence_signal(fence);
		wwr_fence_put(fence);
	});
	return failed != 0 || bench->num_called - before != bench->turns ? -1 : 0;
}

/* Nobody asked for the signal: what a batch of jobs costs of which only the last is awaited. */
static int run_signal_at_unasked(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	const int64_t now_ns = clock_now_ns();
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, i_);

		failed |= wwr_fence_signal_at(fence, now_ns);
		wwr_fence_put(fence);
	});
	return failed;
}

static int run_get_put(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, 1);

	if (fence == NULL)
		return -1;
	BENCH_MEASURE(bench->turns, ret_sample, { wwr_fence_put(wwr_fence_get(fence)); });
	wwr_fence_put(fence);
	return 0;
}

/* Lock, make room, add, unlock: each fence takes the place of the one before it. */
static int run_add_fence(void *arg, struct bench_sample *ret_sample) WWR_NO_ANALYSIS
{
	struct fence_bench *bench = arg;
	struct wwr_resv *resv = &bench->resv;
	const int64_t now_ns = clock_now_ns();
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, i_ + 1);

		failed |= wwr_mutex_lock(&resv->mutex, NULL);
		failed |= wwr_resv_reserve_fences(resv, 1);
		failed |= wwr_resv_add_fence(resv, fence, WWR_RESV_USAGE_WRITE);
		wwr_mutex_unlock(&resv->mutex);
		failed |= wwr_fence_signal_at(fence, now_ns);
		wwr_fence_put(fence);
	});
	return failed;
}

/* An array of two fences with a callback, and the signal of both. */
static int array_life(struct fence_bench *bench, uint64_t seqno, int64_t now_ns)
{
	struct wwr_fence *members[2], *array;
	int failed;

	for (unsigned int i = 0; i < 2; i++)
		members[i] = wwr_fence_pool_alloc(bench->pool, bench->context + i, seqno);
	failed = wwr_fence_array_create(2, members, bench->context + 2, seqno, &array);
	if (failed != 0)
		return failed;
	failed |= wwr_fence_add_callback(array, &bench->cb, count_call);
	for (unsigned int i = 0; i < 2; i++) {
		failed |= wwr_fence_signal_at(members[i], now_ns);
		wwr_fence_put(members[i]);
	}
	wwr_fence_put(array);
	return failed;
}

static int run_array(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	const unsigned int before = bench->num_called;
	const int64_t now_ns = clock_now_ns();
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, { failed |= array_life(bench, i_, now_ns); });
	return failed != 0 || bench->num_called - before != bench->turns ? -1 : 0;
}

/* The next point of a timeline, which signals; the one before it is collected. */
static int chain_step(struct fence_bench *bench, struct wwr_fence **head, uint64_t seqno,
		      int64_t now_ns)
{
	struct wwr_fence *fence = wwr_fence_pool_alloc(bench->pool, bench->context, seqno);
	struct wwr_fence_chain *chain = wwr_fence_chain_create();
	struct wwr_fence *next, *found = NULL;
	int failed;

	if (chain == NULL || fence == NULL)
		return -1;
	failed = wwr_fence_chain_link(chain, *head, fence, seqno, &next);
	if (failed != 0)
		return failed;
	wwr_fence_put(*head);
	*head = next;
	failed |= wwr_fence_signal_at(fence, now_ns);
	wwr_fence_put(fence);
	failed |= wwr_fence_chain_find_seqno(next, seqno, &found);
	wwr_fence_put(found);
	return failed;
}

static int run_chain(void *arg, struct bench_sample *ret_sample)
{
	struct fence_bench *bench = arg;
	struct wwr_fence *head = NULL;
	const int64_t now_ns = clock_now_ns();
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample,
		      { failed |= chain_step(bench, &head, i_ + 1, now_ns); });
	wwr_fence_put(head);
	return failed;
}

static const char *fence_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "bench";
}

static const struct wwr_fence_ops fence_ops = {.driver_name = fence_name,
					       .timeline_name = fence_name};

static int run_cases(struct fence_bench *bench, struct bench_rows *rows)
{
	static const struct {
		const char *name;
		int (*run)(void *arg, struct bench_sample *ret_sample);
		bool beside_futex_wake; /* else beside pthread_mutex */
	} cases[] = {
	    {"signal_at", run_signal_at, true},
	    {"signal", run_signal, true},
	    {"signal_at_unasked", run_signal_at_unasked, true},
	    {"get_put", run_get_put, false},
	    {"add_fence", run_add_fence, false},
	    {"array_2", run_array, false},
	    {"chain_point", run_chain, false},
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bench_comparison comparison = {"fence", cases[i].name, "ns",
							    NULL,    false,	    REPETITIONS};
		const bool futex = cases[i].beside_futex_wake;
		const struct bench_subject subjects[] = {
		    {"wwresv", cases[i].run, bench},
		    {futex ? "futex_wake" : "pthread_mutex",
		     futex ? run_futex_wake : run_pthread_mutex, bench},
		};

		ret = bench_compare(&comparison, subjects, 2, rows);
		if (ret != 0)
			cli_error("case %s does not work", cases[i].name);
	}
	return ret;
}

int bench_fence(const struct bench_options *options, struct bench_rows *rows)
{
	const struct wwr_fence_pool_options pool_options = {.ops = &fence_ops};
	struct fence_bench bench = {.turns = options->quick ? QUICK_TURNS : TURNS,
				    .pthread_mutex = PTHREAD_MUTEX_INITIALIZER};
	int ret = bench_become_multi_threaded();

	bench.pool = wwr_fence_pool_create(&pool_options);
	if (bench.pool == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	bench.context = wwr_fence_context_alloc(3);
	wwr_class_init(&bench.lock_class, "bench", WWR_WOUND_WAIT);
	wwr_resv_init(&bench.resv, &bench.lock_class);
	if (ret == 0)
		ret = run_cases(&bench, rows);
	if (ret == 0)
		ret = bench_fence_read(options, bench.pool, rows);
	wwr_resv_fini(&bench.resv);
	wwr_class_fini(&bench.lock_class);
	wwr_fence_pool_destroy(bench.pool);
	return ret;
}
