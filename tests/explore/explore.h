/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_EXPLORE_H
#define TESTS_EXPLORE_EXPLORE_H

/*
 * The schedule explorer: runs the real library code on fibers that take turns at each atomic
 * operation, in an order that a seed decides, with futexes and time of its own.
 *
 * A scenario sets up objects and fibers, and says what must be true after every schedule.  This
 * header is what scenarios see.  Whatever happens in a schedule depends on its seed only: nothing
 * here may look at an address, the clock or what an earlier schedule left behind.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/class.h>

#include "tests/explore/overrides.h"

#define EX_MAX_FIBERS 8

/* Beyond this a schedule counts as one that never ends. */
#define EX_MAX_STEPS 20000

/* The virtual clock starts here and ticks a nanosecond a step. */
#define EX_START_NS 1000000

struct ex_scenario {
	const char *name;
	const char *about; /* one line */
	/* Makes the objects and the fibers; runs before each schedule. */
	void (*setup)(const struct ex_scenario *scenario);
	/* After each schedule that ended: EX_CHECK()s. NULL = nothing more to check. */
	void (*check)(const struct ex_scenario *scenario);
	const void *config; /* for setup and check */
};

/* NULL-terminated; tests/explore/scenarios_*.c.  All of them are in ex_tables, main.c. */
extern const struct ex_scenario *const ex_set_scenarios[];
extern const struct ex_scenario *const ex_wait_scenarios[];
extern const struct ex_scenario *const ex_thread_scenarios[];
extern const struct ex_scenario *const ex_memory_scenarios[];
extern const struct ex_scenario *const ex_fence_scenarios[];
extern const struct ex_scenario *const ex_detach_scenarios[];
extern const struct ex_scenario *const ex_container_scenarios[];
extern const struct ex_scenario *const ex_resv_scenarios[];
extern const struct ex_scenario *const ex_shared_scenarios[];
extern const struct ex_scenario *const ex_job_scenarios[];
extern const struct ex_scenario *const ex_sched_scenarios[];

/* A number below num; the seed decides.  For the shape of a scenario, and inside fibers. */
unsigned int ex_choose(unsigned int num);

/* A fiber for this schedule.  label is shown in reports.  Returns its number, from 0. */
unsigned int ex_spawn(const char *label, void (*fn)(void *arg), void *arg);

/* The number of the running fiber. */
unsigned int ex_self(void);

/* A scheduling point in a scenario's own code. */
#define ex_point(what) ex_point_at(__FILE__, __LINE__, what)
/* The same, in a loop that waits for others: they go first. */
int ex_yield(void);
void ex_point_at(const char *file, int line, const char *what);

/*
 * The running fiber sleeps on an address; INT64_MAX = without end.  Nobody runs between
 * what comes before the call and the sleep.  Returns 0, -ETIMEDOUT or -EINTR.
 */
int ex_sleep(const void *word, int64_t deadline_ns);
/* All that sleep on it can run again; no scheduling point. */
void ex_wake_all(const void *word);

/* A note in the printed schedule. */
void ex_note(const char *what, const void *object);

/* The virtual clock. */
int64_t ex_now_ns(void);

/* A signal handler runs in the fiber's thread: ends its sleep, if it sleeps. */
void ex_signal(unsigned int fiber);

/*
 * Scheduling points at accesses to thread records and statistics too, which others than their
 * threads see only through the debug calls.
 */
void ex_set_loud(bool loud);

/* The class of all objects; each schedule begins it anew. */
extern struct wwr_class ex_class;

/*
 * Something must be true.  In a fiber a failure ends the schedule at once.
 */
#define EX_CHECK(cond, ...)                                                                        \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			ex_fail(__VA_ARGS__);                                                      \
	} while (0)
void ex_fail(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/*
 * Memory of objects.  It is never used again within a schedule: freed memory is poisoned, and each
 * access to it is found.  What is not freed when the schedule ends is a leak.
 */
enum ex_kind {
	EX_BLOCK, /* of the library's allocator, or anything else */
	EX_MUTEX, /* begins with a struct wwr_mutex */
	EX_CTX,
	EX_SET,
	EX_TOKEN,
	EX_FENCE,
	EX_CALLBACK,
	EX_RESV, /* begins with a struct wwr_resv */
	EX_NUM_KINDS
};

/* Filled with garbage.  number tells objects of one kind from each other in reports. */
void *ex_new(enum ex_kind kind, unsigned int number, size_t size_bytes);
void ex_delete(void *object);

/* The library's next allocation fails. */
void ex_fail_next_alloc(void);

#endif /* TESTS_EXPLORE_EXPLORE_H */
