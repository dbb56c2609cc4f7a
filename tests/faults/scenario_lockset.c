/* SPDX-License-Identifier: MIT */
/* Locks between two threads: nothing here may fail, whatever the system refuses. */
#include "tests/faults/scenario.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include <wwresv/lockset.h>
#include <wwresv/sys/debug.h>

#include "lockset/mutex.h"
#include "lockset/park.h"

#define NUM_MUTEXES 3
#define NUM_TURNS   20

#define NS_PER_MS 1000000

struct locks {
	struct wwr_class lock_class;
	struct wwr_mutex mutexes[NUM_MUTEXES];
	struct wwr_interrupt_token token;
	pthread_barrier_t barrier;
	unsigned int count; /* under all mutexes, or the first one */
};

static void locks_init(struct locks *locks, enum wwr_algorithm algorithm)
{
	memset(locks, 0, sizeof(*locks));
	wwr_class_init(&locks->lock_class, "faults", algorithm);
	for (int i = 0; i < NUM_MUTEXES; i++)
		wwr_mutex_init(&locks->mutexes[i], &locks->lock_class);
	wwr_interrupt_token_init(&locks->token);
	pthread_barrier_init(&locks->barrier, NULL, 2);
}

/* The counts are right however a thread was registered. */
static void locks_fini(struct locks *locks, uint64_t num_locks)
{
	struct wwr_class_stats stats;

	wwr_class_get_stats(&locks->lock_class, &stats);
	FAULT_CHECK(stats.num_locks >= num_locks);
	for (int i = 0; i < NUM_MUTEXES; i++)
		wwr_mutex_fini(&locks->mutexes[i]);
	wwr_class_fini(&locks->lock_class);
	pthread_barrier_destroy(&locks->barrier);
}

static void count_plain(void *arg)
{
	struct locks *locks = arg;

	for (int i = 0; i < NUM_TURNS; i++) {
		FAULT_CHECK(wwr_mutex_lock(&locks->mutexes[0], NULL) == 0);
		locks->count++;
		wwr_mutex_unlock(&locks->mutexes[0]);
	}
}

/* Start a thread that locks, with its first mutex held until it is queued for it. */
static void start_queued(struct scenario_thread *thread, void (*fn)(void *arg), struct locks *locks,
			 struct wwr_mutex *mutex)
{
	FAULT_CHECK(wwr_mutex_lock(mutex, NULL) == 0);
	scenario_start(thread, fn, locks);
	while ((wwr_atomic_load(&mutex->owner, WWR_RELAXED) & OWNER_WAITERS) == 0)
		(void)sched_yield();
	wwr_mutex_unlock(mutex);
}

static void run_plain(void)
{
	struct scenario_thread thread;
	struct locks locks;

	locks_init(&locks, WWR_WOUND_WAIT);
	start_queued(&thread, count_plain, &locks, &locks.mutexes[0]);
	count_plain(&locks);
	scenario_join(&thread);
	FAULT_CHECK(locks.count == 2 * NUM_TURNS);
	locks_fini(&locks, 2 * NUM_TURNS);
}

static int acquire(struct wwr_lock_set *set, void *arg)
{
	struct locks *locks = arg;
	/* Whichever thread it is: the two begin at different ends. */
	bool down = set->options.retry_limit != 0;

	for (int i = 0; i < NUM_MUTEXES; i++) {
		int ret = wwr_lock_set_lock(set, &locks->mutexes[down ? NUM_MUTEXES - 1 - i : i]);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int locked(struct wwr_lock_set *set, void *arg)
{
	struct locks *locks = arg;

	(void)set;
	locks->count++;
	return 0;
}

static void count_with_set(struct locks *locks, bool down, uint32_t flags)
{
	const struct wwr_lock_set_options options = {
	    .flags = flags,
	    .retry_limit = down ? UINT32_MAX : 0,
	};
	struct wwr_lock_set set;

	FAULT_CHECK(wwr_lock_set_init(&set, &locks->lock_class, &options) == 0);
	for (int i = 0; i < NUM_TURNS; i++)
		FAULT_CHECK(wwr_lock_set_lock_all(&set, acquire, locked, locks) == 0);
	wwr_lock_set_fini(&set);
}

static void count_down(void *arg)
{
	count_with_set(arg, true, 0);
	count_with_set(arg, true, WWR_LOCK_SET_CLASSIC);
}

static void run_sets(enum wwr_algorithm algorithm)
{
	struct scenario_thread thread;
	struct locks locks;

	locks_init(&locks, algorithm);
	start_queued(&thread, count_down, &locks, &locks.mutexes[NUM_MUTEXES - 1]);
	count_with_set(&locks, false, 0);
	count_with_set(&locks, false, WWR_LOCK_SET_CLASSIC);
	scenario_join(&thread);
	FAULT_CHECK(locks.count == 4 * NUM_TURNS);
	locks_fini(&locks, (uint64_t)NUM_MUTEXES * 4 * NUM_TURNS);
}

static void run_wound_wait(void)
{
	run_sets(WWR_WOUND_WAIT);
}

static void run_wait_die(void)
{
	run_sets(WWR_WAIT_DIE);
}

/* Each way in which a wait can end without the mutex; a handler may always run as well. */
static bool ended(int ret, int want)
{
	return ret == want || (ret == -EINTR && faults_injected());
}

static void wait_in_vain(void *arg)
{
	struct locks *locks = arg;
	struct wwr_mutex *mutex = &locks->mutexes[0];

	FAULT_CHECK(
	    ended(wwr_mutex_lock_until(mutex, NULL, NULL, park_now_ns() + NS_PER_MS), -ETIME));
	FAULT_CHECK(ended(
	    wwr_mutex_lock_until(mutex, NULL, &locks->token, park_now_ns() + NS_PER_MS), -ETIME));
	(void)pthread_barrier_wait(&locks->barrier);
	FAULT_CHECK(wwr_mutex_lock_interruptible(mutex, NULL, &locks->token) == -EINTR);
	wwr_interrupt_token_clear(&locks->token);
	(void)pthread_barrier_wait(&locks->barrier);
	FAULT_CHECK(wwr_mutex_lock(mutex, NULL) == 0);
	wwr_mutex_unlock(mutex);
}

static void run_waits(void)
{
	struct scenario_thread thread;
	struct locks locks;

	locks_init(&locks, WWR_WOUND_WAIT);
	FAULT_CHECK(wwr_mutex_lock(&locks.mutexes[0], NULL) == 0);
	scenario_start(&thread, wait_in_vain, &locks);
	(void)pthread_barrier_wait(&locks.barrier);
	wwr_interrupt(&locks.token);
	(void)pthread_barrier_wait(&locks.barrier);
	wwr_mutex_unlock(&locks.mutexes[0]);
	scenario_join(&thread);
	locks_fini(&locks, 2);
}

static void count_text(const char *text, size_t length, void *data)
{
	(void)text;
	*(size_t *)data += length;
}

/* Who waits for whom: for nobody. */
static void run_graph(void)
{
	struct locks locks;
	size_t length = 0;
	int ret;

	locks_init(&locks, WWR_WOUND_WAIT);
	FAULT_CHECK(wwr_mutex_lock(&locks.mutexes[0], NULL) == 0);
	FAULT_TRY(&ret, wwr_debug_write_graph(WWR_DEBUG_GRAPH_DOT, count_text, &length), -ENOMEM);
	FAULT_CHECK((ret == 0) == (length > 0));
	wwr_mutex_unlock(&locks.mutexes[0]);
	locks_fini(&locks, 1);
}

static const struct scenario graph = {"debug-graph", run_graph, NULL};
static const struct scenario plain = {"plain", run_plain, NULL};
static const struct scenario wound_wait = {"wound-wait", run_wound_wait, NULL};
static const struct scenario wait_die = {"wait-die", run_wait_die, NULL};
static const struct scenario waits = {"waits", run_waits, NULL};

const struct scenario *const lockset_scenarios[] = {&plain, &wound_wait, &wait_die,
						    &waits, &graph,	 NULL};
