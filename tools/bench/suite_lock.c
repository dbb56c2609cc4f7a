/* SPDX-License-Identifier: MIT */
/* Suite `lock`: one thread, nobody else wants the lock. */
#include "tools/bench/bench.h"

#include <pthread.h>

#include <wwresv/lockset.h>

#include "tools/bench/compare.h"
#include "tools/bench/measure.h"

#define TURNS	    400000
#define QUICK_TURNS 100000
#define REPETITIONS 15

struct lock_bench {
	struct wwr_class lock_class;
	struct wwr_mutex mutex;
	struct wwr_acquire_ctx ctx;
	pthread_mutex_t pthread_mutex;
	unsigned int turns;
};

static int run_pthread(void *arg, struct bench_sample *ret_sample)
{
	struct lock_bench *bench = arg;

	BENCH_MEASURE(bench->turns, ret_sample, {
		pthread_mutex_lock(&bench->pthread_mutex);
		pthread_mutex_unlock(&bench->pthread_mutex);
	});
	return 0;
}

/* Results are looked at once, after the clock has stopped: too late for Clang's analysis. */
static int run_lock_unlock(void *arg, struct bench_sample *ret_sample) WWR_NO_ANALYSIS
{
	struct lock_bench *bench = arg;
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		failed |= wwr_mutex_lock(&bench->mutex, &bench->ctx);
		wwr_mutex_unlock(&bench->mutex);
	});
	return failed;
}

static int run_plain(void *arg, struct bench_sample *ret_sample) WWR_NO_ANALYSIS
{
	struct lock_bench *bench = arg;
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		failed |= wwr_mutex_lock(&bench->mutex, NULL);
		wwr_mutex_unlock(&bench->mutex);
	});
	return failed;
}

static int run_own_lock(void *arg, struct bench_sample *ret_sample) WWR_NO_ANALYSIS
{
	struct lock_bench *bench = arg;
	int failed = wwr_mutex_lock(&bench->mutex, &bench->ctx);
	int expected = 0;

	BENCH_MEASURE(bench->turns, ret_sample,
		      { expected |= wwr_mutex_lock(&bench->mutex, &bench->ctx); });
	wwr_mutex_unlock(&bench->mutex);
	return failed != 0 || expected == 0 ? -1 : 0;
}

static int run_transaction(void *arg, struct bench_sample *ret_sample) WWR_NO_ANALYSIS
{
	struct lock_bench *bench = arg;
	struct wwr_acquire_ctx ctx;
	int failed = 0;

	BENCH_MEASURE(bench->turns, ret_sample, {
		wwr_acquire_ctx_init(&ctx, &bench->lock_class);
		failed |= wwr_mutex_lock(&bench->mutex, &ctx);
		wwr_mutex_unlock(&bench->mutex);
		wwr_acquire_ctx_fini(&ctx);
	});
	return failed;
}

int bench_lock(const struct bench_options *options, struct bench_rows *rows)
{
	static const struct {
		const char *name;
		int (*run)(void *arg, struct bench_sample *ret_sample);
	} cases[] = {
	    {"lock_unlock", run_lock_unlock},
	    {"plain_lock_unlock", run_plain},
	    {"own_lock", run_own_lock},
	    {"ctx_lock_unlock_fini", run_transaction},
	};
	struct lock_bench bench = {.turns = options->quick ? QUICK_TURNS : TURNS,
				   .pthread_mutex = PTHREAD_MUTEX_INITIALIZER};
	int ret = bench_become_multi_threaded();

	wwr_class_init(&bench.lock_class, "bench", WWR_WOUND_WAIT);
	wwr_mutex_init(&bench.mutex, &bench.lock_class);
	wwr_acquire_ctx_init(&bench.ctx, &bench.lock_class);
	for (size_t i = 0; ret == 0 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bench_comparison comparison = {"lock", cases[i].name, "ns",
							    NULL,   false,	   REPETITIONS};
		const struct bench_subject subjects[] = {
		    {"wwresv", cases[i].run, &bench},
		    {"pthread_mutex", run_pthread, &bench},
		};

		ret = bench_compare(&comparison, subjects, 2, rows);
	}
	wwr_acquire_ctx_fini(&bench.ctx);
	wwr_mutex_fini(&bench.mutex);
	return ret;
}
