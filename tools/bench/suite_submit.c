/* SPDX-License-Identifier: MIT */
/*
 * Suite `submit`: jobs from one thread through a ring to an engine's thread, which runs and signals
 * them; alone, and with the locks and fences of eight buffers around it.  The peer is a queue with
 * a mutex and two conditions, and a flag in the place of a fence.
 */
#include "tools/bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/fence_pool.h>
#include <wwresv/lock_set.h>
#include <wwresv/resv.h>

#include "tools/bench/compare.h"
#include "tools/bench/picks.h"
#include "tools/bench/pipeline.h"
#include "tools/bench/submit_mm.h"
#include "tools/bench/timing.h"
#include "tools/common/cli.h"
#include "tools/wsim/wsim.h"

#define JOBS	    200000
#define QUICK_JOBS  50000
#define REPETITIONS 9
#define NUM_BUFFERS 64
#define JOB_BUFFERS 8
#define NUM_PICKED  512 /* jobs that differ */

/* One buffer: its reservation; and what the peer has instead. */
struct submit_buffer {
	WWR_CACHE_ALIGNED struct wwr_resv resv;
	WWR_CACHE_ALIGNED pthread_mutex_t mutex;
	const struct queue_job *last;
};

struct submit_bench {
	struct wwr_class lock_class;
	struct wwr_fence_pool *pool;
	uint64_t context, seqno;
	uint64_t num_jobs;
	struct pipeline pipeline;
	struct queue queue;
	struct queue_job *queue_jobs; /* num_jobs of them */
	struct picks picks;
	struct submit_buffer buffers[NUM_BUFFERS];
	struct wwr_lock_set set;
	const uint32_t *job_picks;
	struct wwr_fence *job; /* that is being submitted */
};

static struct wwr_fence *next_job(struct submit_bench *bench)
{
	return wwr_fence_pool_alloc(bench->pool, bench->context, ++bench->seqno);
}

/* All jobs of a repetition, up to the end of the last; each function submits one. */
static int run_pipeline(struct submit_bench *bench, bool may_sleep,
			int (*submit)(struct submit_bench *bench), bool want_rate,
			struct bench_sample *ret_sample)
{
	struct timing_machine machine;
	int64_t wall_ns;
	int ret = pipeline_start(&bench->pipeline, may_sleep);

	if (ret != 0)
		return ret;
	timing_machine_begin(&machine);
	wall_ns = clock_now_ns();
	for (uint64_t i = 0; ret == 0 && i < bench->num_jobs; i++)
		ret = submit(bench);
	if (pipeline_stop(&bench->pipeline) != bench->num_jobs && ret == 0) {
		cli_error("the engine has not run every job");
		ret = -EIO;
	}
	wall_ns = clock_now_ns() - wall_ns;
	ret_sample->cpu_share = timing_machine_share(&machine);
	ret_sample->value = (double)wall_ns / (double)bench->num_jobs;
	if (want_rate)
		ret_sample->value = (double)CLOCK_NS_PER_S / ret_sample->value;
	return ret;
}

static int submit_alone(struct submit_bench *bench)
{
	struct wwr_fence *job = next_job(bench);

	if (job == NULL)
		return -ENOMEM;
	pipeline_submit(&bench->pipeline, job);
	return 0;
}

static int run_spinning(void *arg, struct bench_sample *ret_sample)
{
	return run_pipeline(arg, false, submit_alone, false, ret_sample);
}

static int run_sleeping(void *arg, struct bench_sample *ret_sample)
{
	return run_pipeline(arg, true, submit_alone, false, ret_sample);
}

static struct wwr_resv *job_resv(struct submit_bench *bench, uint32_t index)
{
	return &bench->buffers[bench->job_picks[index]].resv;
}

/* No analysis, here and below: which locks is known at run time only. */
static int acquire(struct wwr_lock_set *set, void *arg) WWR_NO_ANALYSIS
{
	struct submit_bench *bench = arg;

	for (uint32_t i = 0; i < JOB_BUFFERS; i++) {
		int ret = wwr_lock_set_lock(set, &job_resv(bench, i)->mutex);

		if (ret == 0)
			ret = wwr_resv_reserve_fences(job_resv(bench, i), 1);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int locked(struct wwr_lock_set *set, void *arg) WWR_NO_ANALYSIS
{
	struct submit_bench *bench = arg;

	(void)set;
	for (uint32_t i = 0; i < JOB_BUFFERS; i++) {
		int ret = wwr_resv_add_fence(job_resv(bench, i), bench->job, WWR_RESV_USAGE_WRITE);

		if (ret != 0)
			return ret;
	}
	pipeline_submit(&bench->pipeline, bench->job);
	return 0;
}

static int submit_with_buffers(struct submit_bench *bench)
{
	bench->job = next_job(bench);
	if (bench->job == NULL)
		return -ENOMEM;
	bench->job_picks = picks_of(&bench->picks, false, bench->seqno);
	return wwr_lock_set_lock_all(&bench->set, acquire, locked, bench);
}

static int run_buffers(void *arg, struct bench_sample *ret_sample)
{
	return run_pipeline(arg, true, submit_with_buffers, true, ret_sample);
}

static void queue_submit_alone(struct submit_bench *bench, struct queue_job *job, uint64_t index)
{
	(void)index;
	queue_submit(&bench->queue, job);
}

/* Locks in order, which it has for free; a pointer in the place of a fence. */
static void queue_submit_with_buffers(struct submit_bench *bench, struct queue_job *job,
				      uint64_t index)
{
	const uint32_t *picks = picks_of(&bench->picks, true, index);

	for (uint32_t i = 0; i < JOB_BUFFERS; i++)
		pthread_mutex_lock(&bench->buffers[picks[i]].mutex);
	for (uint32_t i = 0; i < JOB_BUFFERS; i++)
		bench->buffers[picks[i]].last = job;
	queue_submit(&bench->queue, job);
	for (uint32_t i = 0; i < JOB_BUFFERS; i++)
		pthread_mutex_unlock(&bench->buffers[picks[i]].mutex);
}

static int run_queue(struct submit_bench *bench,
		     void (*submit)(struct submit_bench *bench, struct queue_job *job,
				    uint64_t index),
		     bool want_rate, struct bench_sample *ret_sample)
{
	struct timing_machine machine;
	int64_t wall_ns;
	int ret = queue_start(&bench->queue);

	if (ret != 0)
		return ret;
	memset(bench->queue_jobs, 0, bench->num_jobs * sizeof(bench->queue_jobs[0]));
	timing_machine_begin(&machine);
	wall_ns = clock_now_ns();
	for (uint64_t i = 0; i < bench->num_jobs; i++)
		submit(bench, &bench->queue_jobs[i], i);
	if (queue_stop(&bench->queue) != bench->num_jobs)
		ret = -EIO;
	wall_ns = clock_now_ns() - wall_ns;
	ret_sample->cpu_share = timing_machine_share(&machine);
	ret_sample->value = (double)wall_ns / (double)bench->num_jobs;
	if (want_rate)
		ret_sample->value = (double)CLOCK_NS_PER_S / ret_sample->value;
	return ret;
}

static int run_queue_alone(void *arg, struct bench_sample *ret_sample)
{
	return run_queue(arg, queue_submit_alone, false, ret_sample);
}

static int run_queue_buffers(void *arg, struct bench_sample *ret_sample)
{
	return run_queue(arg, queue_submit_with_buffers, true, ret_sample);
}

static int run_cases(struct submit_bench *bench, struct bench_rows *rows)
{
	static const struct {
		const char *name;
		int (*ours)(void *arg, struct bench_sample *ret_sample);
		int (*peer)(void *arg, struct bench_sample *ret_sample);
		bool rate;
	} cases[] = {
	    {"engine_spinning", run_spinning, run_queue_alone, false},
	    {"engine_sleeping", run_sleeping, run_queue_alone, false},
	    {"buffers_8", run_buffers, run_queue_buffers, true},
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bench_comparison comparison = {
		    "submit", cases[i].name, cases[i].rate ? "jobs/s" : "ns",
		    NULL,     cases[i].rate, REPETITIONS};
		const struct bench_subject subjects[] = {
		    {"wwresv", cases[i].ours, bench},
		    {"queue", cases[i].peer, bench},
		};

		ret = bench_compare(&comparison, subjects, 2, rows);
	}
	return ret;
}

static const char *job_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "bench";
}

static const struct wwr_fence_ops job_ops = {.driver_name = job_name, .timeline_name = job_name};

static int init(struct submit_bench *bench, const struct bench_options *options)
{
	const struct wwr_fence_pool_options pool_options = {.ops = &job_ops};
	struct wsim_rng rng = {options->seed};
	int ret;

	bench->num_jobs = options->quick ? QUICK_JOBS : JOBS;
	bench->context = wwr_fence_context_alloc(1);
	bench->pool = wwr_fence_pool_create(&pool_options);
	bench->queue_jobs = calloc(bench->num_jobs, sizeof(bench->queue_jobs[0]));
	if (bench->pool == NULL || bench->queue_jobs == NULL) {
		cli_error("not enough memory");
		return -ENOMEM;
	}
	wwr_class_init(&bench->lock_class, "bench", WWR_WOUND_WAIT);
	for (int i = 0; i < NUM_BUFFERS; i++) {
		wwr_resv_init(&bench->buffers[i].resv, &bench->lock_class);
		pthread_mutex_init(&bench->buffers[i].mutex, NULL);
	}
	ret = picks_create(&bench->picks, NUM_PICKED, JOB_BUFFERS, NUM_BUFFERS, false, &rng);
	return ret == 0 ? wwr_lock_set_init(&bench->set, &bench->lock_class, NULL) : ret;
}

static void fini(struct submit_bench *bench)
{
	wwr_lock_set_fini(&bench->set);
	picks_destroy(&bench->picks);
	for (int i = 0; i < NUM_BUFFERS; i++) {
		wwr_resv_fini(&bench->buffers[i].resv);
		pthread_mutex_destroy(&bench->buffers[i].mutex);
	}
	wwr_class_fini(&bench->lock_class);
	wwr_fence_pool_destroy(bench->pool);
	free(bench->queue_jobs);
}

int bench_submit(const struct bench_options *options, struct bench_rows *rows)
{
	static struct submit_bench bench;
	int ret;

	memset(&bench, 0, sizeof(bench));
	ret = init(&bench, options);
	if (ret != 0)
		return ret; /* the program ends: nothing to give back */
	ret = run_cases(&bench, rows);
	fini(&bench);
	return ret == 0 ? bench_submit_mm(options, rows) : ret;
}
