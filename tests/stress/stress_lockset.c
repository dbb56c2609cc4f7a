/* SPDX-License-Identifier: MIT */
/*
 * Lock sets in random order, many more threads than cores, few mutexes and many, both rules, both
 * policies, with and without injection.  What a mutex protects is plain memory: two at once lose
 * counts, and ThreadSanitizer sees them.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"
#include "tests/lockset/party.h"

#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define ENOUGH_THREADS 16
#define MAX_THREADS    128
#define NUM_FEW	       16
#define NUM_MANY       2046
#define NUM_RUNS_FEW   1500
#define NUM_RUNS_MANY  24
#define NUM_SETS_SMALL 8
#define PATIENCE_S     1000

struct cell {
	struct wwr_mutex mutex;
	unsigned long count; /* under mutex, plain */
};

static struct wwr_class lock_class;
static struct cell cells[NUM_MANY];

struct worker {
	pthread_t thread;
	enum party_kind kind;
	unsigned int num_mutexes;
	unsigned int num_runs;
	uint64_t random;
	struct wwr_mutex *order[NUM_MANY]; /* a shuffled deck */
	unsigned long num_locked;
	unsigned int max_losses;
	int result;
};

static struct worker workers[MAX_THREADS];
static pthread_barrier_t start;

/* Now and then let the others run into the locks that are held. */
static void count(struct wwr_mutex *mutex, void *arg)
{
	struct worker *worker = arg;
	struct cell *cell = WWR_CONTAINER_OF(mutex, struct cell, mutex);
	unsigned long seen = cell->count;

	if (test_random(&worker->random) % worker->num_mutexes == 0)
		sched_yield();
	cell->count = seen + 1;
}

static void shuffle(struct worker *worker)
{
	for (unsigned int i = worker->num_mutexes - 1; i > 0; i--) {
		unsigned int j = (unsigned int)(test_random(&worker->random) % (i + 1));
		struct wwr_mutex *swapped = worker->order[i];

		worker->order[i] = worker->order[j];
		worker->order[j] = swapped;
	}
}

/* Every other time all there are, else some. */
static unsigned int choose_num(struct worker *worker, unsigned int run)
{
	if (run % 2 == 0)
		return worker->num_mutexes;
	return 1 + (unsigned int)(test_random(&worker->random) % NUM_SETS_SMALL);
}

static void *work(void *arg)
{
	const struct wwr_lock_set_options options = {.deadline_ns = INT64_MAX};
	struct worker *worker = arg;
	struct party party;

	worker->result = party_init(&party, worker->kind, &lock_class, &options);
	party.work = count;
	party.arg = worker;
	pthread_barrier_wait(&start);
	for (unsigned int run = 0; worker->result == 0 && run < worker->num_runs; run++) {
		unsigned int num = choose_num(worker, run);

		shuffle(worker);
		worker->result = party_run(&party, worker->order, num);
		worker->num_locked += num;
	}
	worker->max_losses = party.max_losses;
	party_fini(&party);
	return NULL;
}

struct setup {
	enum wwr_algorithm algorithm;
	bool classic;
	bool inject;
	unsigned int num_mutexes;
	unsigned int num_threads;
};

static void prepare(const struct setup *setup)
{
	wwr_class_init(&lock_class, "stress", setup->algorithm);
	wwr_class_set_injection(&lock_class, setup->inject ? setup->num_mutexes : 0, test_seed());
	for (unsigned int i = 0; i < setup->num_mutexes; i++) {
		wwr_mutex_init(&cells[i].mutex, &lock_class);
		cells[i].count = 0;
	}
	for (unsigned int i = 0; i < setup->num_threads; i++) {
		struct worker *worker = &workers[i];
		bool by_hand = i % 2 == 0;

		*worker = (struct worker){.random = test_seed() + i};
		worker->kind = setup->classic ? (by_hand ? PARTY_CLASSIC : PARTY_LOOP)
					      : (by_hand ? PARTY_DEFAULT : PARTY_ALL);
		worker->num_mutexes = setup->num_mutexes;
		worker->num_runs =
		    test_rounds(setup->num_mutexes == NUM_FEW ? NUM_RUNS_FEW : NUM_RUNS_MANY);
		for (unsigned int j = 0; j < setup->num_mutexes; j++)
			worker->order[j] = &cells[j].mutex;
	}
}

/* The worker's first problem, or 0. */
static int run_workers(const struct setup *setup, unsigned long *ret_num_locked)
{
	int result = 0;

	pthread_barrier_init(&start, NULL, setup->num_threads);
	for (unsigned int i = 0; i < setup->num_threads; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < setup->num_threads; i++) {
		pthread_join(workers[i].thread, NULL);
		*ret_num_locked += workers[i].num_locked;
		if (result == 0)
			result = workers[i].result;
		if (result == 0 && workers[i].max_losses > WWR_LOCK_SET_MAX_LOSSES)
			result = -ERANGE;
	}
	pthread_barrier_destroy(&start);
	return result;
}

static void run(const struct setup *setup)
{
	unsigned long num_locked = 0, num_counted = 0;
	struct wwr_class_stats stats;
	int result;

	prepare(setup);
	result = run_workers(setup, &num_locked);
	for (unsigned int i = 0; i < setup->num_mutexes; i++) {
		num_counted += cells[i].count;
		/* Stops the program if anybody left it locked or marked. */
		wwr_mutex_fini(&cells[i].mutex);
	}
	wwr_class_get_stats(&lock_class, &stats);
	wwr_class_fini(&lock_class);
	tap_ok(result == 0 && num_counted == num_locked &&
		   (stats.num_injected > 0) == setup->inject &&
		   (stats.num_contended > 0 || setup->num_mutexes == NUM_MANY),
	       "%s, %s, %u mutexes, %u threads%s: result %d, counted %lu of %lu, %lu "
	       "contended, %lu back-offs",
	       setup->algorithm == WWR_WOUND_WAIT ? "wound-wait" : "wait-die",
	       setup->classic ? "classic" : "default", setup->num_mutexes, setup->num_threads,
	       setup->inject ? ", injection" : "", result, num_counted, num_locked,
	       (unsigned long)stats.num_contended, (unsigned long)stats.num_backoffs);
}

/* More than there are processors, and no more than it takes. */
static unsigned int choose_num_threads(void)
{
	const long found = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned int num_cores = found > 0 ? (unsigned int)found : 1;
	unsigned int num = num_cores * 3 < ENOUGH_THREADS ? num_cores * 3 : ENOUGH_THREADS;

	if (num < num_cores + 2)
		num = num_cores + 2;
	return num < MAX_THREADS ? num : MAX_THREADS;
}

int main(void)
{
	struct setup setup;

	setup.num_threads = choose_num_threads();
	(void)test_seed();
	alarm(PATIENCE_S);
	tap_plan(16);
	for (unsigned int i = 0; i < 16; i++) {
		setup.algorithm = (i & 1) != 0 ? WWR_WAIT_DIE : WWR_WOUND_WAIT;
		setup.classic = (i & 2) != 0;
		setup.inject = (i & 4) != 0;
		setup.num_mutexes = (i & 8) != 0 ? NUM_MANY : NUM_FEW;
		run(&setup);
	}
	return tap_exit();
}
