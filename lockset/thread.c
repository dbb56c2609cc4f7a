/* SPDX-License-Identifier: MIT */
/*
 * The registry of threads that lock.  Invariants: a thread is in the list from its first lock until
 * it exits; counts[i].lock_class changes only under registry_lock, by the thread itself or by the
 * end of that class; the sum of a class's own counts and of all threads' counts of it is exact.
 * The child of a fork begins with the counts of the thread that forked; the others' stay behind.
 */
#include "lockset/thread.h"

#include <wwresv/acquire_ctx.h>
#include <wwresv/mutex.h>
#include <wwresv/sys/debug.h>

#include "lockset/park.h"
#include "lockset/usage.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef WWR_EXPLORE
__thread struct wwr_thread thread_record;
#endif

static uint32_t registry_lock;
static struct wwr_thread *registry;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool have_exit_key;

static void thread_exit(void *record)
{
	thread_unregister(record);
}

/* A fork finds the registry whole. */
static void fork_prepare(void)
{
	wait_lock_ranked(&registry_lock, RANK_THREADS);
}

static void fork_parent(void)
{
	wait_unlock(&registry_lock);
}

/* The child has one thread.  The records of the others lie in memory that its new threads get. */
static void fork_child(void)
{
	struct wwr_thread *self = thread_self();

	registry = self->registered ? self : NULL;
	self->prev = NULL;
	self->next = NULL;
	self->tid = (int)syscall(SYS_gettid);
	wait_unlock(&registry_lock);
}

static void create_exit_key(void)
{
	have_exit_key = pthread_atfork(fork_prepare, fork_parent, fork_child) == 0 &&
			pthread_key_create(&exit_key, thread_exit) == 0;
}

/* Without notice of the thread's end its record must not stay in the list. */
static bool watch_exit(struct wwr_thread *self)
{
#ifdef WWR_EXPLORE
	(void)self;
	(void)create_exit_key;
	(void)exit_key_once;
	return true;
#else
	pthread_once(&exit_key_once, create_exit_key);
	return have_exit_key && pthread_setspecific(exit_key, self) == 0;
#endif
}

void thread_register(struct wwr_thread *self)
{
	if (!watch_exit(self))
		return;
	self->tid = (int)syscall(SYS_gettid);
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	self->prev = NULL;
	self->next = registry;
	if (registry != NULL)
		registry->prev = self;
	registry = self;
	self->registered = true;
	wait_unlock(&registry_lock);
}

/* Relaxed throughout: the counts order nothing, and the registry's lock excludes other readers. */
static void stats_add(struct wwr_class_stats *sum, const struct wwr_class_stats *stats)
{
	sum->num_locks += wwr_atomic_load(&stats->num_locks, WWR_RELAXED);
	sum->num_contended += wwr_atomic_load(&stats->num_contended, WWR_RELAXED);
	sum->num_backoffs += wwr_atomic_load(&stats->num_backoffs, WWR_RELAXED);
	sum->num_injected += wwr_atomic_load(&stats->num_injected, WWR_RELAXED);
	sum->num_fallbacks += wwr_atomic_load(&stats->num_fallbacks, WWR_RELAXED);
	sum->wait_ns += wwr_atomic_load(&stats->wait_ns, WWR_RELAXED);
}

static void stats_clear(struct wwr_class_stats *stats)
{
	wwr_atomic_store(&stats->num_locks, 0, WWR_RELAXED);
	wwr_atomic_store(&stats->num_contended, 0, WWR_RELAXED);
	wwr_atomic_store(&stats->num_backoffs, 0, WWR_RELAXED);
	wwr_atomic_store(&stats->num_injected, 0, WWR_RELAXED);
	wwr_atomic_store(&stats->num_fallbacks, 0, WWR_RELAXED);
	wwr_atomic_store(&stats->wait_ns, 0, WWR_RELAXED);
}

/* Under registry_lock: give the counts back to their class. */
static void counts_release(struct thread_counts *counts)
{
	struct wwr_class *lock_class = wwr_atomic_load(&counts->lock_class, WWR_RELAXED);

	if (lock_class == NULL)
		return;
	stats_add(&lock_class->stats, &counts->stats);
	stats_clear(&counts->stats);
	wwr_atomic_store(&counts->lock_class, NULL, WWR_RELAXED);
}

void thread_unregister(struct wwr_thread *self)
{
	WWR_USAGE(self->plain == NULL, "thread %d exits and still holds mutex %p", self->tid,
		  (void *)self->plain);
	WWR_USAGE(self->ctxs == NULL, "thread %d exits with a live acquire context %p", self->tid,
		  (void *)self->ctxs);
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	for (int i = 0; i < THREAD_NUM_COUNTS; i++)
		counts_release(&self->counts[i]);
	if (self->prev != NULL)
		self->prev->next = self->next;
	else
		registry = self->next;
	if (self->next != NULL)
		self->next->prev = self->prev;
	self->registered = false;
	wait_unlock(&registry_lock);
}

/* Under registry_lock: counts for one more class, at the cost of another's if need be. */
static void counts_claim(struct wwr_thread *self, struct wwr_class *lock_class)
{
	struct thread_counts *counts = &self->counts[THREAD_NUM_COUNTS - 1];

	for (int i = 0; i < THREAD_NUM_COUNTS; i++) {
		if (wwr_atomic_load(&self->counts[i].lock_class, WWR_RELAXED) == NULL) {
			counts = &self->counts[i];
			break;
		}
	}
	counts_release(counts);
	wwr_atomic_store(&counts->lock_class, lock_class, WWR_RELAXED);
}

void thread_add_stats_slow(struct wwr_thread *self, struct wwr_class *lock_class,
			   const struct wwr_class_stats *delta)
{
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	stats_add(&lock_class->stats, delta);
	if (self->registered && thread_find_stats(self, lock_class) == NULL)
		counts_claim(self, lock_class);
	wait_unlock(&registry_lock);
}

bool thread_may_block(const struct wwr_thread *self, const struct wwr_class *lock_class,
		      const struct wwr_acquire_ctx *ctx)
{
	for (const struct wwr_mutex *mutex = self->plain; mutex != NULL; mutex = mutex->next) {
		if (mutex->lock_class == lock_class)
			return false;
	}
	for (const struct wwr_acquire_ctx *other = self->ctxs; other != NULL; other = other->next) {
		if (other != ctx && other->num_held > 0 && other->lock_class == lock_class)
			return false;
	}
	return true;
}

static thread_section_func section_func; /* (a) */

void thread_set_section_func(thread_section_func func)
{
	/* Relaxed, both: always the same function. */
	wwr_atomic_store(&section_func, func, WWR_RELAXED);
}

void thread_report_section(const char *what, const void *object)
{
	wwr_atomic_load(&section_func, WWR_RELAXED)(what, object);
}

bool thread_holds_lock(const struct wwr_thread *self)
{
	const struct wwr_acquire_ctx *ctx = self->ctxs;

	while (ctx != NULL && ctx->num_held == 0)
		ctx = ctx->next;
	return self->plain != NULL || ctx != NULL;
}

void thread_for_each(void (*fn)(struct wwr_thread *thread, void *arg), void *arg)
{
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	for (struct wwr_thread *thread = registry; thread != NULL; thread = thread->next)
		fn(thread, arg);
	wait_unlock(&registry_lock);
}

void wwr_class_fini(struct wwr_class *lock_class)
{
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	for (struct wwr_thread *thread = registry; thread != NULL; thread = thread->next) {
		for (int i = 0; i < THREAD_NUM_COUNTS; i++) {
			struct thread_counts *counts = &thread->counts[i];

			if (wwr_atomic_load(&counts->lock_class, WWR_RELAXED) != lock_class)
				continue;
			stats_clear(&counts->stats);
			wwr_atomic_store(&counts->lock_class, NULL, WWR_RELAXED);
		}
	}
	wait_unlock(&registry_lock);
}

void wwr_class_get_stats(struct wwr_class *lock_class, struct wwr_class_stats *ret_stats)
{
	wait_lock_ranked(&registry_lock, RANK_THREADS);
	*ret_stats = lock_class->stats;
	for (struct wwr_thread *thread = registry; thread != NULL; thread = thread->next) {
		for (int i = 0; i < THREAD_NUM_COUNTS; i++) {
			if (wwr_atomic_load(&thread->counts[i].lock_class, WWR_RELAXED) ==
			    lock_class)
				stats_add(ret_stats, &thread->counts[i].stats);
		}
	}
	wait_unlock(&registry_lock);
}
