/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_THREAD_H
#define LOCKSET_THREAD_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/macros.h>

#include "lockset/lock_order.h"
#include "lockset/wwr_atomic.h"

struct wwr_acquire_ctx;
struct wwr_mutex;

/* Classes a thread counts for at the same time without touching anything shared. */
#define THREAD_NUM_COUNTS 4

/* Words that a thread keeps for the layers above; see reservation/fence_thread.h. */
#define THREAD_NUM_UPPER 32

/* One class's counts of one thread: written by it alone, added up by readers. */
struct thread_counts {
	struct wwr_class *lock_class; /* (a) changed under the registry's lock */
	struct wwr_class_stats stats; /* (a) */
};

/*
 * What the lock layer knows of a thread.  It lives in thread-local storage: nothing to allocate,
 * so nothing to fail.  Its address is the thread's identity in the owner word of plain locks.
 *
 * Fields: (t) the thread only, (a) atomic, (r) under the registry's lock.
 */
struct wwr_thread {
	struct wwr_mutex *plain;      /* (t) locks held without a context, latest first */
	struct wwr_acquire_ctx *ctxs; /* (t) live contexts, latest first */
	bool registered;	      /* (t) in the registry: counts are its own */
	uint32_t num_sections; /* (t) sections it is in that allow neither locks nor memory */
	int tid;	       /* (t) written before it is registered */
	struct thread_counts counts[THREAD_NUM_COUNTS];
	const struct wwr_mutex *waiting; /* (a) the mutex it is queued for */
	int64_t waiting_since_ns;	 /* (a) */
	struct lock_order order;	 /* (t) */
	uint32_t num_looking; /* (a) reports that look at that mutex: it must not go away */
	struct wwr_thread *prev, *next;	   /* (r) */
	uintptr_t upper[THREAD_NUM_UPPER]; /* (t) zero at first; the lock layer never looks */
} WWR_CACHE_ALIGNED;

#ifdef WWR_EXPLORE
struct wwr_thread *wwr_explore_thread(void);

static inline struct wwr_thread *thread_self(void)
{
	return wwr_explore_thread();
}
#else
extern __thread struct wwr_thread thread_record __attribute__((tls_model("initial-exec")));

static inline struct wwr_thread *thread_self(void)
{
	return &thread_record;
}
#endif

/* Called once a thread, before its first lock or context; failing, it counts the slow way. */
void thread_register(struct wwr_thread *self);

/* Takes the thread out again.  Usage error: locks or contexts of it live on. */
void thread_unregister(struct wwr_thread *self);

/* Counts that do not fit the thread's own. */
void thread_add_stats_slow(struct wwr_thread *self, struct wwr_class *lock_class,
			   const struct wwr_class_stats *delta);

/* The thread's counts of a class, or NULL. */
static inline struct wwr_class_stats *thread_find_stats(struct wwr_thread *self,
							const struct wwr_class *lock_class)
{
	for (int i = 0; i < THREAD_NUM_COUNTS; i++) {
		/* Relaxed: only this thread sets it; a class that ends is used by nobody. */
		if (wwr_atomic_load(&self->counts[i].lock_class, WWR_RELAXED) == lock_class)
			return &self->counts[i].stats;
	}
	return NULL;
}

/* The thread waits no more.  Until this returns the mutex that it waited for is kept. */
static inline void thread_end_waiting(struct wwr_thread *self)
{
	/*
	 * Sequentially consistent, both, as in thread_begin_look(): a report sees that the thread
	 * waits no more, or the thread sees the report.  Acquire: it has done with the mutex.
	 */
	wwr_atomic_store(&self->waiting, NULL, WWR_SEQ_CST);
	while (wwr_atomic_load(&self->num_looking, WWR_SEQ_CST) != 0)
		sched_yield();
}

/* Under the registry's lock: the mutex that a thread waits for, kept until thread_end_look(). */
static inline const struct wwr_mutex *thread_begin_look(struct wwr_thread *thread)
{
	/* Sequentially consistent: see thread_end_waiting(). */
	(void)wwr_atomic_fetch_add(&thread->num_looking, 1, WWR_SEQ_CST);
	return wwr_atomic_load(&thread->waiting, WWR_SEQ_CST);
}

static inline void thread_end_look(struct wwr_thread *thread)
{
	/* Release pairs with the load in thread_end_waiting(): the mutex may go. */
	(void)wwr_atomic_fetch_sub(&thread->num_looking, 1, WWR_RELEASE);
}

/* Add to a count that only this thread writes.  Relaxed: readers want a number, no order. */
static inline void thread_bump(uint64_t *count, uint64_t num)
{
	wwr_atomic_store(count, wwr_atomic_load(count, WWR_RELAXED) + num, WWR_RELAXED);
}

/* Count one plain lock; see struct wwr_class_stats. */
static inline void thread_count_lock(struct wwr_thread *self, struct wwr_class *lock_class,
				     bool contended)
{
	struct wwr_class_stats *stats = thread_find_stats(self, lock_class);

	if (__builtin_expect(stats == NULL, 0)) {
		const struct wwr_class_stats delta = {.num_locks = 1, .num_contended = contended};

		thread_add_stats_slow(self, lock_class, &delta);
		return;
	}
	thread_bump(&stats->num_locks, 1);
	if (__builtin_expect(contended, 0))
		thread_bump(&stats->num_contended, 1);
}

/*
 * May the thread sleep for a mutex of the class, as ctx (NULL = plain)?  Not while it holds a lock
 * of the class by other means: nobody could see the cycle that this closes.
 */
bool thread_may_block(const struct wwr_thread *self, const struct wwr_class *lock_class,
		      const struct wwr_acquire_ctx *ctx);

/*
 * Sections of code in which a layer above lets no mutex be locked and no memory be allocated.  That
 * layer counts them in num_sections, and is told of whatever happens there all the same.
 */
typedef void (*thread_section_func)(const char *what, const void *object);

/* Whom to tell; once set it is not changed. */
void thread_set_section_func(thread_section_func func);

void thread_report_section(const char *what, const void *object);

static inline void thread_check_section(const struct wwr_thread *self, const char *what,
					const void *object)
{
	if (__builtin_expect(self->num_sections != 0, 0))
		thread_report_section(what, object);
}

/* Does the thread hold any lock, of whatever class? */
bool thread_holds_lock(const struct wwr_thread *self);

/* Calls fn for every registered thread, under the registry's lock. */
void thread_for_each(void (*fn)(struct wwr_thread *thread, void *arg), void *arg);

#endif /* LOCKSET_THREAD_H */
