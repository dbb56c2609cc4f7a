/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WEAK_WEAK_THREAD_H
#define TESTS_WEAK_WEAK_THREAD_H

/* What the lock layer needs of lockset/thread.h and lockset/usage.h, without what only reports. */
#include "weak.h"

#define WWR_USAGE(condition, ...) RL_ASSERT(condition)

struct wwr_class;
struct wwr_class_stats;
struct wwr_mutex;

struct wwr_thread {
	rl::atomic<int64_t> waiting_since_ns;
	rl::atomic<struct wwr_mutex *> waiting;
	uint32_t num_sections;
};

/* One a thread of the scenario. */
extern struct wwr_thread *weak_threads;

#define thread_self() (&weak_threads[rl::thread_index()])

static inline void thread_end_waiting(struct wwr_thread *)
{
}

static inline void thread_add_stats_slow(struct wwr_thread *, struct wwr_class *,
					 const struct wwr_class_stats *)
{
}

#endif /* TESTS_WEAK_WEAK_THREAD_H */
