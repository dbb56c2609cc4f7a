/* SPDX-License-Identifier: MIT */
/* From a seed to a finished schedule and a verdict. */
#include "tests/explore/run.h"

#include "reservation/resv_cell.h"

#include <wwresv/sys/debug.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

char *ex_stacks;

/* What the libraries check by themselves; a scenario may ask for something else. */
static unsigned int own_checks;

/* Where a crash, or a usage error outside of fibers, is left for. */
static sigjmp_buf crashed;

/* The fibers are done, and what they left is looked at. */
static volatile sig_atomic_t in_check;

/* A usage error of the library's is a violation: scenarios make no mistakes. */
void __wrap_wwr_usage_error(const char *file, int line, const char *format, ...);
void __wrap_wwr_usage_error(const char *file, int line, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ex_fail("usage error: %s (%s:%d)", text, file, line);
	siglongjmp(crashed, 1);
}

static void crash(int signal_number)
{
	ex.current = NULL;
	ex_fail("%s", signal_number == SIGABRT ? "an assertion failed, see above"
					       : "crash: a wild pointer, maybe from freed memory");
	siglongjmp(crashed, 1);
}

/* A loop without atomic operations gives control to nobody. */
static void watch(int signal_number)
{
	static unsigned int last_steps;
	static uint64_t last_seed;
	bool moves = ex.num_steps != last_steps || ex.seed != last_seed;

	(void)signal_number;
	last_steps = ex.num_steps;
	last_seed = ex.seed;
	if (moves || (ex.current == NULL && !in_check))
		return;
	ex.current = NULL;
	ex_fail(in_check ? "the look at what is left comes to no end"
			 : "a fiber runs and runs and makes no step");
	siglongjmp(crashed, 1);
}

static void watch_progress(void)
{
	const struct sigaction action = {.sa_handler = watch, .sa_flags = SA_ONSTACK | SA_NODEFER};
	/* Of processor time: a busy machine does not matter. */
	const struct itimerval second = {{1, 0}, {1, 0}};

	sigaction(SIGVTALRM, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &second, NULL);
}

static void catch_crashes(void)
{
	static char stack[64 * 1024];
	const stack_t on = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = crash, .sa_flags = SA_ONSTACK | SA_NODEFER};

	sigaltstack(&on, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGABRT, &action, NULL);
}

void ex_init(void)
{
	const struct wwr_class_stats none = {0};

	own_checks = wwr_debug_get_checks();
	ex_stacks = fiber_alloc_stacks(EX_MAX_FIBERS);
	for (unsigned int i = 0; i < EX_MAX_FIBERS; i++)
		ex.fibers[i].fiber.stack = ex_stacks + i * FIBER_STACK_BYTES;
	catch_crashes();
	watch_progress();
	ex_memory_init();
	/* All threads are registered and count for the class: so no schedule is the first one. */
	wwr_class_init(&ex_class, "explore", WWR_WOUND_WAIT);
	for (unsigned int i = 0; i <= EX_MAX_FIBERS; i++) {
		thread_register(&ex_threads[i]);
		thread_add_stats_slow(&ex_threads[i], &ex_class, &none);
		ex_threads[i].tid = (int)i + 1;
	}
}

/* Random priorities, and the steps at which whoever runs gets the lowest of all. */
static void init_pct(unsigned int steps)
{
	unsigned int num_changes = EX_PCT_DEPTH - 1;

	for (unsigned int i = 0; i < ex.num_fibers; i++) {
		unsigned int j = ex_random(i + 1);

		ex.fibers[i].priority = ex.fibers[j].priority;
		ex.fibers[j].priority = (int)i + 1;
	}
	ex.lowest_priority = 0;
	ex.num_changed = 0;
	for (unsigned int i = 0; i < num_changes; i++)
		ex.change_at[i] = 1 + ex_random(steps);
	if (ex.change_at[0] > ex.change_at[1]) {
		unsigned int later = ex.change_at[0];

		ex.change_at[0] = ex.change_at[1];
		ex.change_at[1] = later;
	}
	ex.change_at[num_changes] = UINT32_MAX;
}

_Static_assert(EX_PCT_DEPTH == 3, "init_pct() sorts two steps");

static void reset(uint64_t seed, enum ex_scheduler scheduler)
{
	static const unsigned int likings[] = {0, 0, 128, 224};

	ex.current = NULL;
	ex.seed = seed;
	/* The same shape and different orders: the scheduler has numbers of its own. */
	ex.choices = seed * 0x9e3779b97f4a7c15u + 1;
	ex.random = ex.choices ^ 0xd1b54a32d192ed03u;
	ex.liking = likings[ex_random(4)];
	ex.stalled = NULL;
	ex.stall_end = 0;
	ex.next_stall = ex_random(2) == 0 ? UINT32_MAX : ex_random(EX_MAX_STALL);
	ex.scheduler = scheduler;
	/* Not the bit that may choose the scheduler. */
	ex.fine = (seed >> 1) % 4 == 0;
	ex.num_ready = 0;
	ex.loud = false;
	ex.failed = false;
	ex.fail_alloc = false;
	ex.num_steps = 0;
	ex.num_events = 0;
	ex.num_fibers = 0;
	ex.num_done = 0;
	ex.hash = 0;
	ex.now_ns = EX_START_NS;
	ex.next_expiry_ns = EX_NEVER;
	ex.touched = NULL;
	wwr_debug_set_checks(own_checks);
	resv_cells_reset(false);
	ex_memory_reset();
}

static void check_threads(void)
{
	for (unsigned int i = 0; i < ex.num_fibers; i++) {
		EX_CHECK(ex_threads[i].plain == NULL, "T%u is done and holds a plain lock", i + 1);
		EX_CHECK(ex_threads[i].ctxs == NULL, "T%u is done and has a live context", i + 1);
		EX_CHECK(ex_threads[i].waiting == NULL, "T%u is done and counts as waiting", i + 1);
		ex_threads[i].plain = NULL;
		ex_threads[i].ctxs = NULL;
	}
}

static void run(const struct ex_scenario *scenario, unsigned int steps)
{
	scenario->setup(scenario);
	init_pct(ex.fine ? steps * 2 : steps);
	ex.current = &ex.fibers[ex.ready[ex_random(ex.num_ready)]];
	fiber_switch(&ex.main, &ex.current->fiber);
	if (ex.failed)
		return;
	in_check = true;
	check_threads();
	if (scenario->check != NULL)
		scenario->check(scenario);
	resv_cells_reset(true);
	ex_memory_check();
}

bool ex_run_schedule(const struct ex_scenario *scenario, uint64_t seed, enum ex_scheduler scheduler,
		     unsigned int steps)
{
	reset(seed, scheduler);
	in_check = false;
	if (sigsetjmp(crashed, 0) == 0)
		run(scenario, steps);
	in_check = false;
	return !ex.failed;
}
