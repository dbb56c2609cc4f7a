/* SPDX-License-Identifier: MIT */
#include "tools/bench/contend.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "lockset/wwr_atomic.h"
#include "tools/bench/arena.h"
#include "tools/bench/bench.h"
#include "tools/bench/compare.h"
#include "tools/bench/picks.h"
#include "tools/bench/rows.h"
#include "tools/bench/timing.h"
#include "tools/common/cli.h"
#include "tools/common/histogram.h"
#include "tools/wsim/wsim.h"

/* Locks in all drawn jobs of a thread; but at least so many jobs. */
#define NUM_PICKED (1u << 13)
#define MIN_JOBS   8

/* What all subjects of a cell share. */
struct contend {
	const struct contend_plan *plan;
	const struct bench_cell *cell;
	struct picks picks[BENCH_MAX_THREADS];
	uint32_t max_losses, max_restarts; /* of the first subject, one job's */
	uint64_t num_retries, num_jobs;	   /* of the first subject */
};

struct contend_subject {
	struct contend *contend;
	const struct locker *locker;
	struct arena arena;
	pthread_barrier_t barrier;
	uint32_t stop; /* (a) */
};

struct contend_thread {
	pthread_t thread;
	struct contend_subject *subject;
	uint32_t index;
	struct locker_thread locker;
	struct histogram latency_ns;
	uint64_t num_jobs; /* (a) by itself */
	int error;
};

static void run_jobs(struct contend_thread *thread)
{
	const struct contend_subject *subject = thread->subject;
	const struct picks *picks = &subject->contend->picks[thread->index];
	int64_t begin_ns = clock_now_ns();

	/* Relaxed: nothing but the end depends on it. */
	while (thread->error == 0 && !wwr_atomic_load(&subject->stop, WWR_RELAXED)) {
		int64_t end_ns;

		thread->locker.picks =
		    picks_of(picks, subject->locker->presorted, thread->num_jobs);
		thread->error = subject->locker->job(&thread->locker);
		/* Relaxed: a number; see jobs_so_far(). */
		wwr_atomic_store(&thread->num_jobs, thread->num_jobs + 1, WWR_RELAXED);
		end_ns = clock_now_ns();
		histogram_record(&thread->latency_ns, (uint64_t)(end_ns - begin_ns));
		begin_ns = end_ns;
	}
}

static void *thread_main(void *arg)
{
	struct contend_thread *thread = arg;
	const struct locker *locker = thread->subject->locker;

	thread->locker.arena = &thread->subject->arena;
	if (locker->begin != NULL)
		thread->error = locker->begin(&thread->locker);
	pthread_barrier_wait(&thread->subject->barrier);
	run_jobs(thread);
	if (locker->end != NULL)
		locker->end(&thread->locker);
	return NULL;
}

/* Threads that could not be started leave the barrier waiting: then the program cannot go on. */
static void start_threads(struct contend_subject *subject, struct contend_thread *threads)
{
	const uint32_t num = subject->contend->cell->num_threads;

	pthread_barrier_init(&subject->barrier, NULL, num + 1);
	for (uint32_t i = 0; i < num; i++) {
		threads[i].subject = subject;
		threads[i].index = i;
		if (pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]) != 0) {
			cli_error("thread %" PRIu32 " of %" PRIu32 " could not be started", i, num);
			exit(CLI_UNAVAILABLE);
		}
	}
}

/* Add a thread to the sums; 0, or the thread's error. */
static int sum_thread(struct contend_subject *subject, const struct contend_thread *thread,
		      struct contend_thread *sum)
{
	struct contend *contend = subject->contend;
	const struct locker_thread *locker = &thread->locker;

	sum->num_jobs += thread->num_jobs;
	sum->locker.num_retries += locker->num_retries;
	histogram_merge(&sum->latency_ns, &thread->latency_ns);
	if (subject->locker == contend->plan->lockers[0]) {
		contend->num_retries += locker->num_retries;
		contend->num_jobs += thread->num_jobs;
		if (locker->max_losses > contend->max_losses)
			contend->max_losses = locker->max_losses;
		if (locker->max_restarts > contend->max_restarts)
			contend->max_restarts = locker->max_restarts;
	}
	return thread->error;
}

static double each(uint64_t sum, uint64_t num_jobs)
{
	return num_jobs != 0 ? (double)sum / (double)num_jobs : 0;
}

static double second_figure(const struct contend_plan *plan, const struct contend_thread *sum)
{
	if (plan->tells_retries)
		return 1e5 * each(sum->locker.num_retries, sum->num_jobs);
	return (double)histogram_quantile(&sum->latency_ns, 0.99) / 1000;
}

/* What has ended by now: what ends after the clock was stopped is no part of the time. */
static uint64_t jobs_so_far(const struct contend_thread *threads, uint32_t num)
{
	uint64_t num_jobs = 0;

	/* Relaxed: one job more or less. */
	for (uint32_t i = 0; i < num; i++)
		num_jobs += wwr_atomic_load(&threads[i].num_jobs, WWR_RELAXED);
	return num_jobs;
}

/* threads has one more than the cell, for the sums. */
static int measure(struct contend_subject *subject, struct contend_thread *threads,
		   struct bench_sample *ret_sample)
{
	const uint32_t num = subject->contend->cell->num_threads;
	const struct timespec length = {
	    .tv_sec = subject->contend->plan->sample_ns / CLOCK_NS_PER_S,
	    .tv_nsec = subject->contend->plan->sample_ns % CLOCK_NS_PER_S};
	struct contend_thread *sum = &threads[num];
	struct timing_machine machine;
	int64_t begin_ns, wall_ns;
	uint64_t num_jobs;
	int ret = 0;

	wwr_atomic_store(&subject->stop, 0, WWR_RELAXED);
	start_threads(subject, threads);
	timing_machine_begin(&machine);
	pthread_barrier_wait(&subject->barrier);
	begin_ns = clock_now_ns();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
	wall_ns = clock_now_ns() - begin_ns;
	num_jobs = jobs_so_far(threads, num);
	wwr_atomic_store(&subject->stop, 1, WWR_RELAXED);
	for (uint32_t i = 0; i < num; i++) {
		pthread_join(threads[i].thread, NULL);
		if (ret == 0)
			ret = sum_thread(subject, &threads[i], sum);
	}
	pthread_barrier_destroy(&subject->barrier);
	ret_sample->value = (double)num_jobs * (double)CLOCK_NS_PER_S / (double)wall_ns;
	ret_sample->second = second_figure(subject->contend->plan, sum);
	ret_sample->cpu_share = timing_machine_share(&machine);
	if (ret == 0 && arena_take_counts(&subject->arena) !=
			    sum->num_jobs * subject->contend->cell->num_locks) {
		cli_error("%s: two jobs had one buffer at a time", subject->locker->name);
		ret = -EIO;
	}
	return ret;
}

static int run_subject(void *arg, struct bench_sample *ret_sample)
{
	struct contend_subject *subject = arg;
	struct contend_thread *threads =
	    calloc(subject->contend->cell->num_threads + 1u, sizeof(*threads));
	int ret;

	if (threads == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	ret = measure(subject, threads, ret_sample);
	free(threads);
	return ret;
}

static int make_subjects(struct contend *contend, struct contend_subject *all,
			 struct bench_subject *ret_subjects, unsigned int *ret_num)
{
	const struct bench_cell *cell = contend->cell;
	const struct locker *const *lockers = contend->plan->lockers;

	*ret_num = 0;
	for (unsigned int i = 0; i < contend->plan->num_lockers; i++) {
		struct contend_subject *subject = &all[*ret_num];
		int ret;

		if (lockers[i]->fits != NULL && !lockers[i]->fits(cell->num_locks))
			continue;
		subject->contend = contend;
		subject->locker = lockers[i];
		ret =
		    arena_create(&subject->arena, cell->num_slots, cell->num_locks, cell->work_ns);
		if (ret != 0)
			return ret;
		subject->locker->init(&subject->arena);
		ret_subjects[(*ret_num)++] =
		    (struct bench_subject){lockers[i]->name, run_subject, subject};
	}
	return 0;
}

static int run_subjects(struct contend *contend, struct bench_rows *rows)
{
	static struct contend_subject all[BENCH_MAX_SUBJECTS];
	const struct contend_plan *plan = contend->plan;
	struct bench_subject subjects[BENCH_MAX_SUBJECTS];
	char name[ROW_NAME_BYTES];
	const struct bench_comparison comparison = {
	    plan->suite,      name, "jobs/s", plan->tells_retries ? "retries/100k" : "us", true,
	    plan->repetitions};
	unsigned int num;
	int ret;

	bench_cell_name(contend->cell, name, sizeof(name));
	ret = make_subjects(contend, all, subjects, &num);
	if (ret == 0)
		ret = bench_compare(&comparison, subjects, num, rows);
	while (num > 0) {
		num--;
		all[num].locker->fini(&all[num].arena);
		arena_destroy(&all[num].arena);
	}
	if (ret == 0)
		cli_note("%s: %.3f retries a job; at most %" PRIu32
			 " losses (bound %d) and %" PRIu32 " restarts of one job",
			 name, each(contend->num_retries, contend->num_jobs), contend->max_losses,
			 WWR_LOCK_SET_MAX_LOSSES, contend->max_restarts);
	return ret;
}

int contend_run(const struct contend_plan *plan, const struct bench_cell *cell, uint64_t seed,
		struct bench_rows *rows)
{
	static struct contend contend;
	struct wsim_rng rng = {seed};
	uint32_t num_jobs = NUM_PICKED / cell->num_locks;
	uint32_t num_made = 0;
	int ret = 0;

	contend = (struct contend){.plan = plan, .cell = cell};
	if (num_jobs < MIN_JOBS)
		num_jobs = MIN_JOBS;
	for (; ret == 0 && num_made < cell->num_threads; num_made++)
		ret = picks_create(&contend.picks[num_made], num_jobs, cell->num_locks,
				   cell->num_slots, cell->zipf, &rng);
	if (ret == 0)
		ret = run_subjects(&contend, rows);
	while (num_made > 0)
		picks_destroy(&contend.picks[--num_made]);
	return ret;
}
