/* SPDX-License-Identifier: MIT */
/*
 * How long it takes to ask whether four fences have signalled, in two threads at once while a third
 * one replaces them: wwr_resv_test_signaled() beside the same question under a pthread_rwlock.
 * Built with the tests, and run by hand; prints nanoseconds of processor time a question, and the
 * median ratio of pairs that took turns.
 *
 *	bench_test_signaled [PAIRS [QUESTIONS]]
 */
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/resv.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NUM_FENCES  4
#define NUM_READERS 2
#define MAX_PAIRS   101

/* Between two replacements: some microseconds. */
#define WRITER_PAUSES 100

/* The peer: what a program without this library would write. */
struct locked_table {
	pthread_rwlock_t lock;
	struct wwr_fence *fences[NUM_FENCES];
};

/* One side of the comparison. */
struct side {
	const char *name;
	bool (*test)(void);
	void (*replace)(struct wwr_fence *fence, unsigned int place);
};

static struct wwr_resv resv;
static struct locked_table peer = {.lock = PTHREAD_RWLOCK_INITIALIZER};
static unsigned long num_questions = 2000000;
static unsigned int num_running; /* (a) readers that still ask */
static uint64_t context;	 /* the first of NUM_FENCES */

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "bench";
}

static const struct wwr_fence_ops fence_ops = {.driver_name = name_op, .timeline_name = name_op};

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_test_signaled: %s failed\n", what);
	exit(1);
}

static bool test_resv(void)
{
	return wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_READ);
}

static void replace_in_resv(struct wwr_fence *fence, unsigned int place)
{
	(void)place;
	check(wwr_mutex_lock(&resv.mutex, NULL) == 0, "lock");
	check(wwr_resv_reserve_fences(&resv, 1) == 0, "reserve");
	check(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ) == 0, "add");
	wwr_mutex_unlock(&resv.mutex);
}

static bool test_peer(void)
{
	bool signaled = true;

	pthread_rwlock_rdlock(&peer.lock);
	for (int i = 0; i < NUM_FENCES && signaled; i++)
		signaled = wwr_fence_is_signaled(peer.fences[i]);
	pthread_rwlock_unlock(&peer.lock);
	return signaled;
}

static void replace_in_peer(struct wwr_fence *fence, unsigned int place)
{
	struct wwr_fence *old;

	pthread_rwlock_wrlock(&peer.lock);
	old = peer.fences[place];
	peer.fences[place] = wwr_fence_get(fence);
	pthread_rwlock_unlock(&peer.lock);
	wwr_fence_put(old);
}

static const struct side sides[] = {
    {"lockless", test_resv, replace_in_resv},
    {"rwlock", test_peer, replace_in_peer},
};

/* A fence is added pending, and signalled at once: nearly every question looks at all four. */
static void replace_one(const struct side *side, uint64_t seqno)
{
	unsigned int place = (unsigned int)(seqno % NUM_FENCES);
	struct wwr_fence *fence = wwr_alloc(sizeof(*fence));

	check(fence != NULL, "alloc");
	wwr_fence_init(fence, &fence_ops, context + place, seqno);
	side->replace(fence, place);
	check(wwr_fence_signal(fence) == 0, "signal");
	wwr_fence_put(fence);
}

static void *write_main(void *arg)
{
	const struct side *side = arg;
	static uint64_t seqno = NUM_FENCES;
	unsigned long num = 0;

	while (wwr_atomic_load(&num_running, WWR_ACQUIRE) > 0) {
		replace_one(side, seqno++);
		num++;
		for (int i = 0; i < WRITER_PAUSES; i++)
			wwr_atomic_pause();
	}
	return (void *)num;
}

struct reader {
	pthread_t thread;
	const struct side *side;
	double cpu_ns; /* a question */
	unsigned long num_true;
};

static pthread_barrier_t barrier;

static double thread_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *read_main(void *arg)
{
	struct reader *reader = arg;
	bool (*test)(void) = reader->side->test;
	double begin_ns;

	pthread_barrier_wait(&barrier);
	begin_ns = thread_cpu_ns();
	for (unsigned long i = 0; i < num_questions; i++)
		reader->num_true += test();
	reader->cpu_ns = (thread_cpu_ns() - begin_ns) / (double)num_questions;
	(void)wwr_atomic_fetch_sub(&num_running, 1, WWR_RELEASE);
	return NULL;
}

/* Nanoseconds a question. */
static double measure(const struct side *side, unsigned long *ret_num_replaced)
{
	struct reader readers[NUM_READERS];
	pthread_t writer;
	void *num_replaced;
	double sum = 0;

	num_running = NUM_READERS;
	pthread_barrier_init(&barrier, NULL, NUM_READERS);
	check(pthread_create(&writer, NULL, write_main, (void *)side) == 0, "thread");
	for (int i = 0; i < NUM_READERS; i++) {
		readers[i] = (struct reader){.side = side};
		check(pthread_create(&readers[i].thread, NULL, read_main, &readers[i]) == 0,
		      "thread");
	}
	for (int i = 0; i < NUM_READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		sum += readers[i].cpu_ns;
	}
	pthread_join(writer, &num_replaced);
	pthread_barrier_destroy(&barrier);
	*ret_num_replaced = (unsigned long)num_replaced;
	return sum / NUM_READERS;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void setup(void)
{
	context = wwr_fence_context_alloc(NUM_FENCES);
	wwr_resv_init(&resv, NULL);
	for (uint64_t i = 0; i < NUM_FENCES; i++) {
		replace_one(&sides[0], i);
		replace_one(&sides[1], i);
	}
}

static void teardown(void)
{
	wwr_resv_fini(&resv);
	for (int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(peer.fences[i]);
}

int main(int argc, char **argv)
{
	int num_pairs = argc > 1 ? atoi(argv[1]) : 9;
	double ratios[MAX_PAIRS];

	if (argc > 2)
		num_questions = strtoul(argv[2], NULL, 0);
	check(num_pairs >= 1 && num_pairs <= MAX_PAIRS && num_questions > 0, "reading arguments");
	setup();
	for (int i = 0; i < num_pairs; i++) {
		unsigned long num_replaced[2];
		double ns[2];

		for (int j = 0; j < 2; j++)
			ns[j] = measure(&sides[j], &num_replaced[j]);
		ratios[i] = ns[0] / ns[1];
		printf("%s %6.2f ns (%lu replaced)   %s %6.2f ns (%lu replaced)   ratio %.3f\n",
		       sides[0].name, ns[0], num_replaced[0], sides[1].name, ns[1], num_replaced[1],
		       ratios[i]);
	}
	qsort(ratios, (size_t)num_pairs, sizeof(ratios[0]), compare_doubles);
	printf("median ratio %.3f of %d pairs\n", ratios[num_pairs / 2], num_pairs);
	teardown();
	return 0;
}
