/* SPDX-License-Identifier: MIT */
/*
 * One schedule.  Invariants: exactly one fiber runs, or the scheduler's own code with current NULL;
 * ready[0 .. num_ready) are the fibers in EX_READY; next_expiry_ns is not later than the earliest
 * deadline of a sleeper.  A fiber that announced a step and was switched away from does the step
 * when it is switched to, and everything up to its next announcement, before anybody else runs.
 */
#include "tests/explore/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

unsigned int ex_max_losses;
unsigned int ex_handoff_after;
unsigned int ex_spins;

struct ex_run ex;
struct ex_event ex_events[EX_MAX_EVENTS];
struct wwr_thread ex_threads[EX_MAX_FIBERS + 1];
struct wwr_class ex_class;

/* One step of wyrand: short, and good in its high bits. */
static inline uint64_t next_random(uint64_t *state)
{
	__uint128_t product;

	*state += 0xa0761d6478bd642fu;
	product = (__uint128_t)*state * (*state ^ 0xe7037ed1a0b428dbu);
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline unsigned int below(uint64_t random, unsigned int num)
{
	return (unsigned int)(((random >> 32) * num) >> 32);
}

unsigned int ex_random(unsigned int num)
{
	return below(next_random(&ex.random), num);
}

static inline void add_to_hash(unsigned int value)
{
	ex.hash = (ex.hash ^ value) * 0x9e3779b97f4a7c15u;
	ex.hash ^= ex.hash >> 29;
}

unsigned int ex_choose(unsigned int num)
{
	unsigned int choice = below(next_random(&ex.choices), num);

	add_to_hash(choice + EX_MAX_FIBERS);
	return choice;
}

unsigned int ex_self(void)
{
	return ex_number(ex.current);
}

int64_t ex_now_ns(void)
{
	return ex.now_ns;
}

void ex_set_loud(bool loud)
{
	ex.loud = loud;
}

struct wwr_thread *wwr_explore_thread(void);
struct wwr_thread *wwr_explore_thread(void)
{
	return &ex_threads[ex.current != NULL ? ex_number(ex.current) : EX_MAX_FIBERS];
}

void ex_fail(const char *format, ...)
{
	va_list args;

	if (!ex.failed) {
		ex.failed = true;
		va_start(args, format);
		vsnprintf(ex.failure, sizeof(ex.failure), format, args);
		va_end(args);
	}
	if (ex.current != NULL)
		fiber_switch(NULL, &ex.main);
}

void ex_make_ready(struct ex_fiber *fiber)
{
	fiber->state = EX_READY;
	fiber->ready_index = ex.num_ready;
	ex.ready[ex.num_ready++] = (uint8_t)ex_number(fiber);
}

void ex_make_unready(struct ex_fiber *fiber, enum ex_state state)
{
	unsigned int last = ex.ready[--ex.num_ready];

	ex.ready[fiber->ready_index] = (uint8_t)last;
	ex.fibers[last].ready_index = fiber->ready_index;
	fiber->state = state;
}

void ex_wake(struct ex_fiber *fiber, int result)
{
	fiber->wait_result = result;
	fiber->futex = NULL;
	ex_make_ready(fiber);
}

void ex_expire(void)
{
	ex.next_expiry_ns = EX_NEVER;
	for (unsigned int i = 0; i < ex.num_fibers; i++) {
		struct ex_fiber *fiber = &ex.fibers[i];

		if (fiber->state != EX_ASLEEP)
			continue;
		if (fiber->deadline_ns <= ex.now_ns)
			ex_wake(fiber, -ETIMEDOUT);
		else if (fiber->deadline_ns < ex.next_expiry_ns)
			ex.next_expiry_ns = fiber->deadline_ns;
	}
}

static struct ex_fiber *pick_by_priority(struct ex_fiber *self)
{
	struct ex_fiber *best = NULL;

	if (ex.num_steps >= ex.change_at[ex.num_changed]) {
		ex.num_changed++;
		if (self != NULL)
			self->priority = --ex.lowest_priority;
	}
	for (unsigned int i = 0; i < ex.num_ready; i++) {
		struct ex_fiber *fiber = &ex.fibers[ex.ready[i]];

		if (best == NULL || fiber->priority > best->priority)
			best = fiber;
	}
	return best;
}

/* A stall begins: the running fiber is left alone for a while, and another stall comes later. */
static void begin_stall(struct ex_fiber *self)
{
	ex.stalled = self;
	ex.stall_end = ex.num_steps + 4 + ex_random(EX_MAX_STALL);
	ex.next_stall = ex.num_steps + 1 + ex_random(2 * EX_MAX_STALL);
}

static struct ex_fiber *pick_at_random(struct ex_fiber *self)
{
	struct ex_fiber *stalled = NULL;
	struct ex_fiber *next;
	uint64_t random;
	unsigned int i;

	if (ex.num_ready == 1)
		return &ex.fibers[ex.ready[0]];
	if (ex.num_steps >= ex.next_stall && self != NULL)
		begin_stall(self);
	if (ex.num_steps < ex.stall_end)
		stalled = ex.stalled;
	random = next_random(&ex.random);
	if (self != NULL && self != stalled && (random & 255) < ex.liking)
		return self;
	i = below(random, ex.num_ready);
	next = &ex.fibers[ex.ready[i]];
	if (next == stalled)
		next = &ex.fibers[ex.ready[(i + 1) % ex.num_ready]];
	return next;
}

/* Who runs next; somebody is ready.  self is the fiber that ran, if it is ready. */
static inline struct ex_fiber *pick(struct ex_fiber *self)
{
	return ex.scheduler == EX_PCT ? pick_by_priority(self) : pick_at_random(self);
}

/* The fiber has done its step and what followed: before another one runs, look at what it did. */
static inline void check_touched(void)
{
	struct ex_fiber *self = ex.current;
	const char *wrong;

	if (ex.touched == NULL)
		return;
	ex.current = NULL; /* no scheduling points in here */
	wrong = ex_queue_check(ex.touched);
	ex.touched = NULL;
	ex.current = self;
	EX_CHECK(wrong == NULL, "%s", wrong);
}

static inline void record(const struct ex_op *op)
{
	struct ex_event *event = &ex_events[ex.num_events++];

	event->op = *op;
	event->fiber = ex_self();
}

/* Only for the report, so it may see more bytes than the operation is going to use. */
__attribute__((no_sanitize("address"))) static inline void record_value(const volatile void *ptr)
{
	ex_events[ex.num_events - 1].before =
	    ptr != NULL ? *(const volatile uint64_t *)((uintptr_t)ptr & ~(uintptr_t)7) : 0;
}

void ex_step(const struct ex_op *op)
{
	struct ex_fiber *self = ex.current;
	struct ex_fiber *next;

	check_touched();
	ex.now_ns++;
	if (++ex.num_steps > EX_MAX_STEPS)
		ex_fail("no end after %d steps: a livelock", EX_MAX_STEPS);
	if (ex.now_ns >= ex.next_expiry_ns)
		ex_expire();
	next = pick(self);
	if (next != self) {
		ex.current = next;
		fiber_switch(&self->fiber, &next->fiber);
	}
	add_to_hash(ex_number(self));
	record(op);
	if (op->ptr != NULL)
		ex_memory_touch(op->ptr);
	record_value(op->ptr);
}

/* What only its own thread looks at, or only readers of statistics: not worth a step. */
static inline bool is_quiet(const volatile void *ptr)
{
	return ((uintptr_t)ptr - (uintptr_t)ex_threads < sizeof(ex_threads) ||
		(uintptr_t)ptr - (uintptr_t)&ex_class.stats < sizeof(ex_class.stats)) &&
	       !ex.loud;
}

void wwr_explore_point(const char *file, int line, const char *what, const volatile void *ptr);
void wwr_explore_point(const char *file, int line, const char *what, const volatile void *ptr)
{
	const struct ex_op op = {file, what, ptr, line};

	if (ex.current == NULL || is_quiet(ptr))
		return;
	ex_step(&op);
	ex.current->atomic = ptr;
}

void ex_point_at(const char *file, int line, const char *what)
{
	const struct ex_op op = {file, what, NULL, line};

	ex_step(&op);
}

void ex_note(const char *what, const void *object)
{
	const struct ex_op op = {NULL, what, object, 0};

	if (ex.num_events < EX_MAX_EVENTS && ex.current != NULL) {
		record(&op);
		ex_events[ex.num_events - 1].before = 0;
	}
}

int ex_yield(void)
{
	ex.current->priority = --ex.lowest_priority;
	ex_point("yield");
	return 0;
}

/* Nobody can run: let time pass, or it is a deadlock. */
static void pass_time(void)
{
	/* In a loop: it may be the deadline of one who was woken before. */
	while (ex.num_ready == 0) {
		if (ex.next_expiry_ns == EX_NEVER)
			ex_fail("nobody can run, and %u of %u fibers are not done: a deadlock or a "
				"lost wake-up",
				ex.num_fibers - ex.num_done, ex.num_fibers);
		ex.now_ns = ex.next_expiry_ns;
		ex_expire();
	}
}

void ex_leave(struct ex_fiber *self)
{
	struct ex_fiber *next;

	check_touched();
	pass_time();
	next = pick(NULL);
	if (next == self) /* it slept, and its time has come at once */
		return;
	ex.current = next;
	fiber_switch(self->state != EX_DONE ? &self->fiber : NULL, &next->fiber);
}

static void fiber_main(void)
{
	struct ex_fiber *self = ex.current;

	fiber_entered();
	self->fn(self->arg);
	check_touched();
	ex_make_unready(self, EX_DONE);
	if (++ex.num_done < ex.num_fibers)
		ex_leave(self);
	ex.current = NULL;
	fiber_switch(NULL, &ex.main);
}

unsigned int ex_spawn(const char *label, void (*fn)(void *arg), void *arg)
{
	struct ex_fiber *fiber = &ex.fibers[ex.num_fibers++];

	if (ex.num_fibers > EX_MAX_FIBERS)
		abort();
	fiber->label = label;
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->futex = NULL;
	fiber_start(&fiber->fiber, fiber_main);
	ex_make_ready(fiber);
	return ex_number(fiber);
}
