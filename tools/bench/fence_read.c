/* SPDX-License-Identifier: MIT */
/*
 * Readers of suite `fence`: one or two threads ask whether the four fences of a buffer have all
 * signalled, while a writer replaces one of them after the other.  The peer keeps flags of fences
 * behind a pthread_rwlock, which costs its readers less than fences would.  A test's cost is
 * processor time of the readers: when they sleep in the rwlock, that is not counted.
 */
#include "tools/bench/fence_read.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/fence.h>
#include <wwresv/fence_pool.h>
#include <wwresv/lockset.h>
#include <wwresv/resv.h>

#include "lockset/wwr_atomic.h"
#include "tools/bench/bench.h"
#include "tools/bench/compare.h"
#include "tools/bench/rows.h"
#include "tools/bench/timing.h"
#include "tools/common/cli.h"

#define NUM_FENCES  4
#define MAX_READERS 2
#define READS	    16 /* between two looks at the end */
#define SAMPLE_NS   (50 * 1000 * CLOCK_NS_PER_US)
#define QUICK_NS    (20 * 1000 * CLOCK_NS_PER_US)
#define REPETITIONS 15
/* How long the writer sleeps after each fence: it must not take a processor from the readers. */
#define PAUSE_NS (100 * CLOCK_NS_PER_US)

struct read_bench {
	unsigned int num_readers;
	int64_t sample_ns;
	bool (*test)(struct read_bench *bench); /* are all four signalled? */
	int (*replace)(struct read_bench *bench, unsigned int index);
	pthread_barrier_t barrier;
	uint32_t stop;	       /* (a) */
	uint64_t num_replaced; /* the writer only, in all samples */
	uint64_t num_signaled; /* by the readers, in all samples */
	/* Ours. */
	struct wwr_fence_pool *pool;
	struct wwr_class lock_class;
	struct wwr_resv resv;
	uint64_t context, seqno;
	/* The peer's. */
	pthread_rwlock_t rwlock;
	uint32_t *fences[NUM_FENCES]; /* (a) each: 1 = signalled; the pointers under rwlock */
	uint32_t flags[2 * NUM_FENCES];
};

enum read_subject {
	OURS,
	RWLOCK,
	OURS_ALONE,
	NUM_SUBJECTS,
};

struct reader {
	WWR_CACHE_ALIGNED pthread_t thread;
	struct read_bench *bench;
	uint64_t num_reads, num_signaled;
	int64_t cpu_ns;
};

static bool test_ours(struct read_bench *bench)
{
	return wwr_resv_test_signaled(&bench->resv, WWR_RESV_USAGE_BOOKKEEP);
}

/* A new fence in the place of the one of its context, which then signals. */
static int replace_ours(struct read_bench *bench, unsigned int index) WWR_NO_ANALYSIS
{
	struct wwr_resv *resv = &bench->resv;
	struct wwr_fence *fence =
	    wwr_fence_pool_alloc(bench->pool, bench->context + index, ++bench->seqno);
	int failed;

	if (fence == NULL)
		return -ENOMEM;
	failed = wwr_mutex_lock(&resv->mutex, NULL);
	failed |=
	    wwr_resv_replace_fences(resv, bench->context + index, fence, WWR_RESV_USAGE_WRITE);
	wwr_mutex_unlock(&resv->mutex);
	failed |= wwr_fence_signal(fence);
	wwr_fence_put(fence);
	return failed;
}

static bool test_rwlock(struct read_bench *bench)
{
	unsigned int num = 0;

	pthread_rwlock_rdlock(&bench->rwlock);
	while (num < NUM_FENCES && wwr_atomic_load(bench->fences[num], WWR_ACQUIRE) != 0)
		num++;
	pthread_rwlock_unlock(&bench->rwlock);
	return num == NUM_FENCES;
}

static int replace_rwlock(struct read_bench *bench, unsigned int index)
{
	uint32_t *old = bench->fences[index];
	uint32_t *fence = &bench->flags[2 * index];

	if (fence == old)
		fence++;
	wwr_atomic_store(fence, 0, WWR_RELAXED);
	pthread_rwlock_wrlock(&bench->rwlock);
	bench->fences[index] = fence;
	pthread_rwlock_unlock(&bench->rwlock);
	/* Release pairs with the acquire in test_rwlock(). */
	wwr_atomic_store(fence, 1, WWR_RELEASE);
	return 0;
}

static void *reader_main(void *arg)
{
	struct reader *reader = arg;
	struct read_bench *bench = reader->bench;
	int64_t begin_ns;

	pthread_barrier_wait(&bench->barrier);
	begin_ns = timing_thread_cpu_ns();
	/* Relaxed: nothing but the end depends on it. */
	while (!wwr_atomic_load(&bench->stop, WWR_RELAXED)) {
		for (unsigned int i = 0; i < READS; i++)
			reader->num_signaled += bench->test(bench);
		reader->num_reads += READS;
	}
	reader->cpu_ns = timing_thread_cpu_ns() - begin_ns;
	return NULL;
}

/* The calling thread: replaces fences until the sample is over. */
static int write_fences(struct read_bench *bench, int64_t end_ns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int ret = 0;

	while (ret == 0 && clock_now_ns() < end_ns) {
		ret = bench->replace(bench, (unsigned int)(bench->num_replaced++ % NUM_FENCES));
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return ret;
}

static void start_readers(struct read_bench *bench, struct reader *readers)
{
	pthread_barrier_init(&bench->barrier, NULL, bench->num_readers + 1);
	for (unsigned int i = 0; i < bench->num_readers; i++) {
		readers[i] = (struct reader){.bench = bench};
		if (pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]) != 0) {
			cli_error("reader %u could not be started", i);
			exit(CLI_UNAVAILABLE); /* the others wait at the barrier */
		}
	}
}

static int run_readers(void *arg, struct bench_sample *ret_sample)
{
	struct read_bench *bench = arg;
	const uint64_t replaced_before = bench->num_replaced;
	struct reader readers[MAX_READERS];
	struct timing_machine machine;
	uint64_t num_reads = 0, num_signaled = 0;
	int64_t cpu_ns = 0;
	int ret;

	wwr_atomic_store(&bench->stop, 0, WWR_RELAXED);
	start_readers(bench, readers);
	timing_machine_begin(&machine);
	pthread_barrier_wait(&bench->barrier);
	ret = write_fences(bench, clock_now_ns() + bench->sample_ns);
	wwr_atomic_store(&bench->stop, 1, WWR_RELAXED);
	for (unsigned int i = 0; i < bench->num_readers; i++) {
		pthread_join(readers[i].thread, NULL);
		num_reads += readers[i].num_reads;
		num_signaled += readers[i].num_signaled;
		cpu_ns += readers[i].cpu_ns;
	}
	pthread_barrier_destroy(&bench->barrier);
	ret_sample->value = num_reads != 0 ? (double)cpu_ns / (double)num_reads : 0;
	ret_sample->cpu_share = timing_machine_share(&machine);
	/*
	 * Fences pend for moments only: a reader that never saw all signalled did not look.  Once,
	 * on a machine that is not quiet, that is a disturbance.
	 */
	if (num_signaled == 0 || bench->num_replaced == replaced_before)
		ret_sample->cpu_share *= BENCH_MIN_CPU_SHARE / 2;
	bench->num_signaled += num_signaled;
	return ret;
}

/* Fences of four contexts, all pending when they are added: then each has a place of its own. */
static int add_fences(struct read_bench *bench) WWR_NO_ANALYSIS
{
	struct wwr_fence *fences[NUM_FENCES];
	struct wwr_resv *resv = &bench->resv;
	int failed = wwr_mutex_lock(&resv->mutex, NULL);

	failed |= wwr_resv_reserve_fences(resv, NUM_FENCES);
	for (unsigned int i = 0; failed == 0 && i < NUM_FENCES; i++) {
		fences[i] = wwr_fence_pool_alloc(bench->pool, bench->context + i, 0);
		failed = fences[i] == NULL
			     ? -ENOMEM
			     : wwr_resv_add_fence(resv, fences[i], WWR_RESV_USAGE_WRITE);
	}
	wwr_mutex_unlock(&resv->mutex);
	for (unsigned int i = 0; failed == 0 && i < NUM_FENCES; i++) {
		failed = wwr_fence_signal(fences[i]);
		wwr_fence_put(fences[i]);
	}
	return failed;
}

static int init(struct read_bench *bench, const struct bench_options *options,
		struct wwr_fence_pool *pool)
{
	bench->sample_ns = options->quick ? QUICK_NS : SAMPLE_NS;
	bench->pool = pool;
	bench->context = wwr_fence_context_alloc(NUM_FENCES);
	wwr_class_init(&bench->lock_class, "bench", WWR_WOUND_WAIT);
	wwr_resv_init(&bench->resv, &bench->lock_class);
	pthread_rwlock_init(&bench->rwlock, NULL);
	for (unsigned int i = 0; i < NUM_FENCES; i++) {
		bench->fences[i] = &bench->flags[2 * i];
		bench->flags[2 * i] = 1;
	}
	return add_fences(bench);
}

static void fini(struct read_bench *bench)
{
	wwr_resv_fini(&bench->resv);
	wwr_class_fini(&bench->lock_class);
	pthread_rwlock_destroy(&bench->rwlock);
}

/* Ours beside the rwlock, and beside ours with one reader: does a second one cost anything? */
static int run_readers_case(struct read_bench *benches, unsigned int num_readers,
			    struct bench_rows *rows)
{
	char name[ROW_NAME_BYTES];
	const struct bench_comparison comparison = {"fence", name, "ns", NULL, false, REPETITIONS};
	const struct bench_subject subjects[] = {
	    {"wwresv", run_readers, &benches[OURS]},
	    {"rwlock", run_readers, &benches[RWLOCK]},
	    {"wwresv readers_1", run_readers, &benches[OURS_ALONE]},
	};
	int ret;

	snprintf(name, sizeof(name), "test_signaled_4_readers_%u", num_readers);
	benches[OURS].test = benches[OURS_ALONE].test = test_ours;
	benches[OURS].replace = benches[OURS_ALONE].replace = replace_ours;
	benches[RWLOCK].test = test_rwlock;
	benches[RWLOCK].replace = replace_rwlock;
	benches[OURS].num_readers = benches[RWLOCK].num_readers = num_readers;
	benches[OURS_ALONE].num_readers = 1;
	ret = bench_compare(&comparison, subjects, num_readers > 1 ? 3 : 2, rows);
	for (int i = 0; ret == 0 && i < (num_readers > 1 ? NUM_SUBJECTS : OURS_ALONE); i++) {
		if (benches[i].num_signaled != 0 && benches[i].num_replaced != 0)
			continue;
		cli_error("readers saw nothing, or the writer did not get through");
		ret = -EIO;
	}
	return ret;
}

int bench_fence_read(const struct bench_options *options, struct wwr_fence_pool *pool,
		     struct bench_rows *rows)
{
	static struct read_bench benches[NUM_SUBJECTS];
	int ret = 0;

	memset(benches, 0, sizeof(benches));
	for (int i = 0; i < NUM_SUBJECTS; i++)
		ret |= init(&benches[i], options, pool);
	if (ret != 0)
		cli_error("fences could not be added");
	for (unsigned int num = 1; ret == 0 && num <= MAX_READERS; num++)
		ret = run_readers_case(benches, num, rows);
	for (int i = 0; i < NUM_SUBJECTS; i++)
		fini(&benches[i]);
	return ret;
}
