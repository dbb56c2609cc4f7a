/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_SYS_DEBUG_H
#define WWRESV_SYS_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_mutex;

/**
 * Inject -EDEADLK, so that every back-off path runs though nothing is contended.
 *
 * A context that has locked more than one mutex loses the lock just taken when its countdown
 * runs out; the countdown begins at a seeded value up to @p interval, and the interval grows
 * fourfold with each injection, so that every transaction still ends.  Injected back-offs do not
 * count as losses of a lock set.  Works in every build; contexts read it when they begin.
 *
 * @param lock_class initialised
 * @param interval   largest number of locks before the first injection; 0 = off
 * @param seed       for repeatable runs
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * CONFIG_DEBUG_WW_MUTEX_SLOWPATH
 */
WWR_API void wwr_class_set_injection(struct wwr_class *lock_class, uint32_t interval,
				     uint64_t seed);

/**
 * What happened in a class so far.  Counts of a running transaction are added when it ends.
 *
 * @param lock_class initialised
 * @param ret_stats  written
 * @par Thread safety
 * Any thread; exact once the threads that count have stopped locking.
 * @par Kernel counterpart
 * lock_stat
 */
WWR_API void wwr_class_get_stats(struct wwr_class *lock_class, struct wwr_class_stats *ret_stats);

/** A thread that waits for a mutex. */
struct wwr_debug_wait {
	int tid;		       /**< of the waiting thread */
	const struct wwr_mutex *mutex; /**< what it waits for; gone when the wait is over, maybe */
	const struct wwr_class *lock_class; /**< of the mutex */
	int holder_tid;			    /**< the thread that held it just now, 0 = none */
	uint64_t since_ns;		    /**< CLOCK_MONOTONIC time when it began to wait */
};

/**
 * The threads that wait for a mutex of any class just now.
 *
 * For reports about a program that hangs: threads may come and go while this looks at them.
 *
 * @param waits written, up to @p num of them
 * @param num   room in @p waits
 * @return how many threads wait; may be more than @p num
 * @par Thread safety
 * Any thread, even while mutexes that were waited for end.
 * @par Kernel counterpart
 * debug_show_all_locks()
 */
WWR_API size_t wwr_debug_get_waits(struct wwr_debug_wait *waits, size_t num);

/**
 * The thread that holds a mutex.
 *
 * @param mutex initialised
 * @return the holder's thread id as gettid() has it, 0 = nobody
 * @par Thread safety
 * Any thread; outdated when this returns.
 * @par Kernel counterpart
 * debug_show_held_locks()
 */
WWR_API int wwr_debug_mutex_holder(struct wwr_mutex *mutex);

/** What the library looks for, or reports, on request.  Bits; each costs nothing when it is off. */
enum wwr_debug_check {
	/** Mistakes that have an error code or are mended, in words. */
	WWR_DEBUG_MISTAKES = 1 << 0,
	/** Violations of signalling sections, see <wwresv/fence_signaling.h>. */
	WWR_DEBUG_SECTIONS = 1 << 1,
	/**
	 * Fences that do not signal: who made them, and who waits for them through which others.
	 * Fences made before it was switched on are not known.
	 */
	WWR_DEBUG_FENCES = 1 << 2,
	/**
	 * Fences of WWR_DEBUG_FENCES that are released and have never signalled, though nobody
	 * waits.  Off from the first in debug builds, too: a fence that is thrown away before
	 * anybody has seen it is no mistake.
	 */
	WWR_DEBUG_RELEASES = 1 << 3,
};

#define WWR_DEBUG_CHECK_MASK                                                                       \
	(WWR_DEBUG_MISTAKES | WWR_DEBUG_SECTIONS | WWR_DEBUG_FENCES | WWR_DEBUG_RELEASES)

/**
 * Choose the checks.  MISTAKES, SECTIONS and FENCES are on from the first in debug builds,
 * none otherwise.
 *
 * @param checks of enum wwr_debug_check
 * @par Thread safety
 * Any thread; sections that have begun stay as they are.
 * @par Kernel counterpart
 * CONFIG_PROVE_LOCKING and others, which are chosen when the kernel is built
 */
WWR_API void wwr_debug_set_checks(unsigned int checks);

/**
 * The checks that are on.
 *
 * @return bits of enum wwr_debug_check
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API unsigned int wwr_debug_get_checks(void);

/**
 * Gets a report: one line without a newline.  It may be called in any thread, anywhere in the
 * library, and must not use its locks and fences.
 */
typedef void (*wwr_debug_report_func)(const char *text, void *data);

/**
 * Choose where reports go.
 *
 * @param func NULL = to stderr, as it is from the first
 * @param data passed to @p func
 * @par Thread safety
 * Not while another thread uses the library.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_debug_set_report_func(wwr_debug_report_func func, void *data);

/**
 * Choose when a wait for fences is reported, once, with WWR_DEBUG_FENCES on.
 *
 * The report says what the thread waits for, who made that, and who else waits for it.  It comes
 * from the waiting thread, which then waits on.
 *
 * @param timeout_ns from the beginning of a wait, in nanoseconds; 0 = never.  10 s from the first
 * @par Thread safety
 * Any thread; waits that have begun stay as they are.
 * @par Kernel counterpart
 * hung_task_timeout_secs
 */
WWR_API void wwr_debug_set_fence_timeout(int64_t timeout_ns);

/**
 * Report all fences that were made with WWR_DEBUG_FENCES on, some time ago, and are pending.
 *
 * @param min_age_ns since they were made, in nanoseconds
 * @return how many
 * @par Thread safety
 * Any thread; not from an op or a callback of a fence.
 * @par Kernel counterpart
 * the dma_buf directory of debugfs
 */
WWR_API size_t wwr_debug_report_fences(int64_t min_age_ns);

/** How wwr_debug_write_graph() writes. */
enum wwr_debug_graph_format {
	WWR_DEBUG_GRAPH_TEXT, /**< a sentence a line */
	WWR_DEBUG_GRAPH_DOT,  /**< for graphviz; what is part of a cycle is red */
};

/** Gets a piece of text; in the thread that asked for it, with no lock held. */
typedef void (*wwr_debug_write_func)(const char *text, size_t length, void *data);

/**
 * Write who waits for what: threads for mutexes and who holds these, threads for fences, through
 * arrays and timelines, and who made these.  Cycles are named: a deadlock if it goes over mutexes
 * only, a possible one if it goes over a fence, since the thread that made it need not be the one
 * that is to signal it.
 *
 * Of fences it knows those that were made with WWR_DEBUG_FENCES on, and waits that began so.  Each
 * fact is one of its own moment: in a deadlock nothing moves and they fit together.
 *
 * @param format of enum wwr_debug_graph_format
 * @param func   gets the text in pieces
 * @param data   passed to @p func
 * @return the number of cycles; -EINVAL: no such format; -ENOMEM
 * @par Thread safety
 * Any thread, while others lock, wait, signal and release; not from an op or a callback of a fence.
 * @par Kernel counterpart
 * none: lockdep reports an order of locks, and knows no fences but in signalling sections
 */
WWR_API WWR_MUST_CHECK int wwr_debug_write_graph(enum wwr_debug_graph_format format,
						 wwr_debug_write_func func, void *data);

WWR_END_DECLS

#endif /* WWRESV_SYS_DEBUG_H */
