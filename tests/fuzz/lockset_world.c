/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/lockset_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"
#include "tests/fuzz/lockset_limits.h"

#define START_NS 1000

#define MAX_TRACE 4096

struct world world;

unsigned int fuzz_max_losses;
unsigned int fuzz_handoff_after;

struct trace_line {
	const char *format;
	int args[4];
};

static struct trace_line trace[MAX_TRACE];
static size_t num_trace;

/* The actor that runs, or NULL: then the fuzzer does. */
static struct world_actor *running;
static struct fiber main_fiber;
static struct wwr_thread main_thread;

/* Set by world_fail() on an actor's small stack; the fuzzer's own aborts. */
static bool failed;

unsigned int world_choose(unsigned int num)
{
	if (world.size == 0)
		return 0;
	world.size--;
	return *world.data++ % num;
}

void world_trace(const char *format, int a, int b, int c, int d)
{
	if (num_trace < MAX_TRACE)
		trace[num_trace++] = (struct trace_line){format, {a, b, c, d}};
}

static void print_trace(void)
{
	for (size_t i = 0; i < num_trace; i++) {
		const int *args = trace[i].args;

		fprintf(stderr, "%4zu  ", i + 1);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
		fprintf(stderr, trace[i].format, args[0], args[1], args[2], args[3]);
#pragma GCC diagnostic pop
		fputc('\n', stderr);
	}
}

static void switch_to_main(struct world_actor *self)
{
	running = NULL;
	fiber_switch(&self->fiber, &main_fiber);
}

void world_fail(const char *format, ...)
{
	va_list args;

	print_trace();
	fputs("fuzz_lockset: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (limits: %u losses, %u times passed over)\n", fuzz_max_losses,
		fuzz_handoff_after);
	failed = true;
	if (running != NULL)
		switch_to_main(running);
	abort();
}

static void switch_to_actor(struct world_actor *actor)
{
	running = actor;
	fiber_switch(&main_fiber, &actor->fiber);
	if (failed)
		abort();
}

static void actor_main(void)
{
	struct world_actor *self = running;

	fiber_entered();
	for (;;) {
		self->op(self->number);
		self->op = NULL;
		switch_to_main(self);
	}
}

void world_do(int actor, void (*op)(int actor))
{
	world.actors[actor].op = op;
	switch_to_actor(&world.actors[actor]);
}

void world_resume(int actor, int reason)
{
	struct world_actor *self = &world.actors[actor];

	if (self->woken)
		reason = self->reason;
	world_trace(reason == -EINTR	   ? "actor %d: a signal handler runs"
		    : reason == -ETIMEDOUT ? "actor %d: its deadline has passed"
					   : "actor %d: goes on",
		    actor, 0, 0, 0);
	self->reason = reason;
	self->want = model_wake(actor, reason == -ETIMEDOUT ? -ETIME : reason);
	switch_to_actor(self);
}

void world_advance(int64_t ns)
{
	model.now_ns += ns;
	for (int i = 0; i < MODEL_ACTORS; i++) {
		struct world_actor *actor = &world.actors[i];

		if (actor->sleeps_on != NULL && !actor->woken &&
		    actor->deadline_ns <= model.now_ns) {
			actor->woken = true;
			actor->reason = -ETIMEDOUT;
		}
	}
}

void world_expect(int actor, int got)
{
	int want = world.actors[actor].want;

	if (got != want)
		world_fail("actor %d: got %d, the model says %d", actor, got, want);
	world_trace("actor %d:     -> %d", actor, got, 0, 0);
}

/* What the library calls where it would act on the system. */
struct wwr_thread *wwr_explore_thread(void);
void wwr_explore_point(const char *file, int line, const char *what, const volatile void *ptr);
int wwr_explore_futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns);
void wwr_explore_futex_wake(uint32_t *word, int num);
int64_t wwr_explore_now_ns(void);

struct wwr_thread *wwr_explore_thread(void)
{
	return running != NULL ? &running->thread : &main_thread;
}

void wwr_explore_point(const char *file, int line, const char *what, const volatile void *ptr)
{
	(void)file;
	(void)line;
	(void)what;
	(void)ptr;
}

int64_t wwr_explore_now_ns(void)
{
	return model.now_ns;
}

int wwr_explore_futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns)
{
	struct world_actor *self = running;

	if (*word != value)
		return -EAGAIN;
	if (deadline_ns <= model.now_ns)
		return -ETIMEDOUT;
	if (self == NULL)
		world_fail("the fuzzer itself would sleep");
	if (self->want != MODEL_SLEEPS)
		world_fail("actor %d: sleeps, the model says %d", self->number, self->want);
	world_trace("actor %d:     sleeps", self->number, 0, 0, 0);
	self->woken = false;
	self->deadline_ns = deadline_ns;
	self->sleeps_on = word;
	switch_to_main(self);
	self->sleeps_on = NULL;
	return self->reason;
}

void wwr_explore_futex_wake(uint32_t *word, int num)
{
	for (int i = 0; i < MODEL_ACTORS && num > 0; i++) {
		struct world_actor *actor = &world.actors[i];

		if (actor->sleeps_on != word || actor->woken)
			continue;
		actor->woken = true;
		actor->reason = 0;
		num--;
	}
}

static void world_make_actors(void)
{
	char *stacks = fiber_alloc_stacks(MODEL_ACTORS);

	for (int i = 0; i < MODEL_ACTORS; i++) {
		world.actors[i].number = i;
		world.actors[i].fiber.stack = stacks + (size_t)i * FIBER_STACK_BYTES;
		fiber_start(&world.actors[i].fiber, actor_main);
	}
}

static void world_begin_classes(unsigned int shape)
{
	for (int i = 0; i < MODEL_CLASSES; i++) {
		/* Both kinds are there; stamps that wrap around, one time in four. */
		enum wwr_algorithm algorithm =
		    ((unsigned int)i ^ shape) & 1 ? WWR_WAIT_DIE : WWR_WOUND_WAIT;
		uint64_t stamp = (shape & 6) == 2   ? (uint64_t)INT64_MAX - 1
				 : (shape & 6) == 4 ? UINT64_MAX - 1
						    : 0;

		wwr_class_init(&world.classes[i], "fuzz", algorithm);
		world.classes[i].stamp = stamp;
		model.classes[i].algorithm = algorithm;
		model.classes[i].stamp = stamp;
	}
}

void world_inject(int lock_class, uint32_t interval, uint64_t seed)
{
	world_trace("class %d: injection, interval %d, seed %d", lock_class, (int)interval,
		    (int)seed, 0);
	model.classes[lock_class].inject_interval = interval;
	model.classes[lock_class].inject_seed = seed;
	wwr_class_set_injection(&world.classes[lock_class], interval, seed);
}

void world_begin(const uint8_t *data, size_t size)
{
	static const unsigned int max_losses[] = {1, 2, 3, 8};
	static const unsigned int handoff_after[] = {1, 2, 3, 4};

	if (world.actors[0].fiber.stack == NULL)
		world_make_actors();
	world.data = data;
	world.size = size;
	num_trace = 0;
	model_begin();
	model.now_ns = START_NS;
	model.max_losses = fuzz_max_losses = max_losses[world_choose(4)];
	model.handoff_after = fuzz_handoff_after = handoff_after[world_choose(4)];
	world_begin_classes(world_choose(8));
	world_inject(0, world_choose(2) == 1 ? 1 + world_choose(4) : 0, world_choose(256));
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++)
		wwr_mutex_init(&world.mutexes[i], &world.classes[model.mutexes[i].lock_class]);
	for (int i = 0; i < MODEL_TOKENS; i++)
		wwr_interrupt_token_init(&world.tokens[i]);
}

void world_end(void)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++)
		wwr_mutex_fini(&world.mutexes[i]);
	for (int i = 0; i < MODEL_ACTORS; i++) {
		struct wwr_thread *thread = &world.actors[i].thread;

		if (thread->registered)
			thread_unregister(thread);
	}
	for (int i = 0; i < MODEL_CLASSES; i++)
		wwr_class_fini(&world.classes[i]);
}
