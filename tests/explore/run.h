/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_RUN_H
#define TESTS_EXPLORE_RUN_H

/* Inside the explorer: the state of one schedule. */

#include "lockset/thread.h"
#include "tests/explore/explore.h"
#include "tests/explore/fiber.h"

enum ex_scheduler {
	/* Each step any fiber, with a random liking for the one that runs, and random stalls. */
	EX_RANDOM,
	/* Random priorities, lowered at a few random steps. */
	EX_PCT,
};

/* Steps at which PCT lowers a priority, plus one. */
#define EX_PCT_DEPTH 3

/* A stalled fiber does not run for about so many steps at most, if another one can. */
#define EX_MAX_STALL 64

#define EX_NEVER INT64_MAX

enum ex_state {
	EX_READY,
	EX_ASLEEP,
	EX_DONE,
};

/* Something a fiber does or did. */
struct ex_op {
	const char *file;
	const char *what;
	const volatile void *ptr;
	int line;
};

struct ex_event {
	struct ex_op op;
	uint64_t before; /* of the eight bytes at op.ptr, or 0 */
	unsigned int fiber;
};

struct ex_fiber {
	struct fiber fiber;
	enum ex_state state;
	unsigned int ready_index; /* in ex.ready, while EX_READY */
	int priority;		  /* PCT */
	const char *label;
	void (*fn)(void *arg);
	void *arg;
	const void *futex;   /* what it sleeps on, while EX_ASLEEP */
	int64_t deadline_ns; /* while EX_ASLEEP */
	int wait_result;
	const volatile void *atomic; /* what the atomic operation just announced will access */
	unsigned int asleep_since;   /* step */
};

struct ex_run {
	struct ex_fiber *current; /* NULL = not in a fiber, or in a check: no scheduling points */
	uint64_t random;	  /* the scheduler's numbers */
	unsigned int liking;	  /* of 256: how often the running fiber just goes on */
	struct ex_fiber *stalled; /* until step stall_end */
	unsigned int stall_end;
	unsigned int next_stall; /* UINT_MAX = none */
	unsigned int num_ready;
	uint8_t ready[EX_MAX_FIBERS];
	enum ex_scheduler scheduler;
	bool loud;
	bool fine; /* plain accesses to what others made are steps too */
	bool failed;
	bool fail_alloc;
	unsigned int num_steps;
	unsigned int num_events;
	unsigned int num_fibers;
	unsigned int num_done;
	uint64_t hash; /* of the order of fibers and of all choices */
	int64_t now_ns;
	int64_t next_expiry_ns;		      /* the earliest deadline of a sleeping fiber */
	void *touched;			      /* a mutex that the running fiber has just changed */
	unsigned int change_at[EX_PCT_DEPTH]; /* PCT: steps, ascending; the last is never */
	unsigned int num_changed;
	int lowest_priority;
	uint64_t choices; /* numbers of ex_choose() */
	uint64_t seed;
	struct fiber main;
	struct ex_fiber fibers[EX_MAX_FIBERS];
	char failure[512];
};

extern struct ex_run ex;
extern struct ex_event ex_events[];
extern struct wwr_thread ex_threads[EX_MAX_FIBERS + 1]; /* the last one is for no fiber */
extern char *ex_stacks;

/* Of one transaction, under classic rules, since somebody set it to 0. */
extern unsigned int ex_most_restarts;

/* Room for notes: a step has two at most, but for what the end of an object says. */
#define EX_MAX_EVENTS (3 * EX_MAX_STEPS + 1024)

static inline unsigned int ex_number(const struct ex_fiber *fiber)
{
	return (unsigned int)(fiber - ex.fibers);
}

/* Once in the program. */
void ex_init(void);

/*
 * Run a schedule; false = a violation, described in ex.failure.  steps is about how long one
 * schedule of the scenario is.
 */
bool ex_run_schedule(const struct ex_scenario *scenario, uint64_t seed, enum ex_scheduler scheduler,
		     unsigned int steps);

/* A step: others may run before it.  The caller then does what it announced. */
void ex_step(const struct ex_op *op);

/* The running fiber sleeps, or is done: another one goes on. */
void ex_leave(struct ex_fiber *self);

/* Into and out of ex.ready; the fiber is not, or is, there. */
void ex_make_ready(struct ex_fiber *fiber);
void ex_make_unready(struct ex_fiber *fiber, enum ex_state state);

/* Ready to run again with this result of its sleep. */
void ex_wake(struct ex_fiber *fiber, int result);

/* Does anybody sleep on this address? */
bool ex_has_sleeper(const void *word);

/* Sleepers whose time has come wake; sets ex.next_expiry_ns anew. */
void ex_expire(void);

/* A random number below num for the scheduler itself. */
unsigned int ex_random(unsigned int num);

/* Memory: memory.c. */
void ex_memory_init(void);
void ex_memory_reset(void);
void ex_memory_check(void);
/* Is it alive?  Fails, naming the object, if not.  Sets ex.touched. */
void ex_memory_touch(const volatile void *ptr);
/* Writes a name like "mutex A.owner"; returns the size of the field, 0 = not known. */
unsigned int ex_memory_describe(const volatile void *ptr, char *ret_text, size_t size_bytes);
/* Writes the object's name alone. */
void ex_memory_name(const volatile void *ptr, char *ret_text, size_t size_bytes);
/* Calls fn for each living object of a kind. */
void ex_memory_for_each(enum ex_kind kind, void (*fn)(void *object, unsigned int number));

/* The invariants of lockset/mutex_queue.c; NULL or what is wrong.  queue_view.c. */
const char *ex_queue_check(const struct wwr_mutex *mutex);
/* Prints who holds it and who is queued. */
void ex_queue_print(const struct wwr_mutex *mutex, const char *name);
/* Is this fiber queued without a context? */
bool ex_queue_has(const struct wwr_mutex *mutex, unsigned int fiber);

/* The steps of the last schedule, and where each fiber is now.  report.c. */
void ex_report(const char *prefix);

#endif /* TESTS_EXPLORE_RUN_H */
