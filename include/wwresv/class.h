/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_CLASS_H
#define WWRESV_CLASS_H

#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

/** Who gives way when two acquire contexts want each other's locks. */
enum wwr_algorithm {
	/** The younger holder is wounded and backs off when it blocks on another lock. */
	WWR_WOUND_WAIT,
	/** The younger waiter that holds locks dies: it backs off instead of waiting. */
	WWR_WAIT_DIE,
};

/** What happened in a class; see wwr_class_get_stats() in <wwresv/sys/debug.h>. */
struct wwr_class_stats {
	uint64_t num_locks;	/**< locks acquired, by any path */
	uint64_t num_contended; /**< of these, the ones that were not free at the first try */
	uint64_t num_backoffs;	/**< -EDEADLK returned, injected ones included */
	uint64_t num_injected;	/**< of these, the injected ones */
	uint64_t num_fallbacks; /**< lock sets that went over to classic rules */
	uint64_t wait_ns;	/**< time asleep for locks */
};

/**
 * A family of mutexes that may be locked together, and the order of their acquire contexts.
 *
 * Fields: (i) immutable after init, (a) atomic, (r) under the thread registry's lock.
 */
struct wwr_class {
	const char *name;		  /* (i) borrowed, for messages */
	enum wwr_algorithm algorithm;	  /* (i) */
	uint32_t inject_interval;	  /* (a) 0 = no injection */
	uint64_t inject_seed;		  /* (a) */
	struct wwr_class_stats stats;	  /* (r) of threads that are gone, or that moved on */
	uint64_t stamp WWR_CACHE_ALIGNED; /* (a) the last one given out */
};

/** Initialiser for a class with static storage. */
#define WWR_CLASS_INIT(class_name, class_algorithm)                                                \
	{                                                                                          \
		(class_name), (class_algorithm), 0, 0, {0, 0, 0, 0, 0, 0}, 0                       \
	}

/**
 * Make a class ready.
 *
 * @param lock_class caller's memory
 * @param name       borrowed; appears in messages
 * @param algorithm  who gives way on contention
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * DEFINE_WW_CLASS(), DEFINE_WD_CLASS()
 */
WWR_API void wwr_class_init(struct wwr_class *lock_class, const char *name,
			    enum wwr_algorithm algorithm);

/**
 * End a class whose memory is going to be freed: threads forget their counts of it.
 *
 * A class that lives as long as the program does not need this.
 *
 * @param lock_class no mutex and no acquire context of it may be in use
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_class_fini(struct wwr_class *lock_class);

/**
 * The class of buffers that were given none: wait-die, as in Linux.
 *
 * @return a class with static storage
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * reservation_ww_class
 */
WWR_API struct wwr_class *wwr_default_class(void);

WWR_END_DECLS

#endif /* WWRESV_CLASS_H */
