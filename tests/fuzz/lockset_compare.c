/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/lockset_world.h"

#include <inttypes.h>

#include <wwresv/sys/debug.h>

#include "lockset/mutex.h"

/* name is for the report. */
#define COMPARE(got, want, what, number)                                                           \
	do {                                                                                       \
		int64_t compare_got = (int64_t)(got);                                              \
		int64_t compare_want = (int64_t)(want);                                            \
		if (compare_got != compare_want)                                                   \
			world_fail("%s %d: " #got " is %" PRId64 ", the model says %" PRId64,      \
				   what, number, compare_got, compare_want);                       \
	} while (0)

struct wwr_acquire_ctx *world_ctx(int ctx)
{
	const int of_actor = MODEL_CTXS_OF_ACTOR + MODEL_SETS_OF_ACTOR;
	const int number = ctx % of_actor;

	if (ctx == MODEL_NONE)
		return NULL;
	if (number < MODEL_CTXS_OF_ACTOR)
		return &world.ctxs[ctx];
	return &world.sets[model_set_of(ctx / of_actor, number - MODEL_CTXS_OF_ACTOR)].own_ctx;
}

static const struct wwr_mutex *world_mutex(int mutex)
{
	return mutex != MODEL_NONE ? &world.mutexes[mutex] : NULL;
}

/* L1, L4 */
static void compare_mutex(int number)
{
	const struct model_mutex *want = &model.mutexes[number];
	struct wwr_mutex *got = &world.mutexes[number];
	uintptr_t owner = want->num_queued > 0 ? OWNER_WAITERS : 0;

	if (want->holder >= MODEL_PLAIN)
		owner |= owner_of_thread(&world.actors[want->holder - MODEL_PLAIN].thread);
	else if (want->holder != MODEL_NONE)
		owner |= owner_of_ctx(world_ctx(want->holder));
	COMPARE(got->owner, owner, "mutex", number);
	COMPARE(got->wait_lock, 0, "mutex", number);
}

static void compare_counts(const struct wwr_class_stats *got, const struct wwr_class_stats *want,
			   const char *what, int number)
{
	COMPARE(got->num_locks, want->num_locks, what, number);
	COMPARE(got->num_contended, want->num_contended, what, number);
	COMPARE(got->num_backoffs, want->num_backoffs, what, number);
	COMPARE(got->num_injected, want->num_injected, what, number);
	COMPARE(got->num_fallbacks, want->num_fallbacks, what, number);
	COMPARE(got->wait_ns, want->wait_ns, what, number);
}

static void compare_ctx(int number)
{
	static const uint32_t states[] = {
	    [MODEL_CTX_NONE] = CTX_FINI,
	    [MODEL_CTX_LIVE] = CTX_LIVE,
	    [MODEL_CTX_CONTENDED] = CTX_CONTENDED,
	    [MODEL_CTX_DONE] = CTX_DONE,
	};
	const struct model_ctx *want = &model.ctxs[number];
	const struct wwr_acquire_ctx *got = world_ctx(number);
	const struct model_waiter *waiter = &model.waiters[want->actor];

	if (want->state == MODEL_CTX_NONE)
		return;
	COMPARE(got->state, states[want->state], "ctx", number);
	COMPARE(got->stamp, want->stamp, "ctx", number);
	COMPARE(got->num_held, want->num_held, "ctx", number);
	COMPARE(got->classic, want->classic, "ctx", number);
	COMPARE(got->wounded, want->wounded, "ctx", number);
	COMPARE(got->inject_countdown, want->inject_countdown, "ctx", number);
	COMPARE(got->inject_interval, want->inject_interval, "ctx", number);
	COMPARE((uintptr_t)got->contended, (uintptr_t)world_mutex(want->contended), "ctx", number);
	if (want->state == MODEL_CTX_CONTENDED)
		COMPARE(got->injected, want->injected, "ctx", number);
	/* I4 */
	COMPARE(got->sleep_word != 0,
		waiter->mutex != MODEL_NONE && waiter->ctx == number && waiter->holds, "ctx",
		number);
	compare_counts(&got->counts, &want->counts, "ctx", number);
}

/* The context's list is what it holds. */
static void compare_held(int number)
{
	unsigned int num = 0;

	if (model.ctxs[number].state == MODEL_CTX_NONE)
		return;
	for (const struct wwr_mutex *mutex = world_ctx(number)->held; mutex != NULL;
	     mutex = mutex->next) {
		COMPARE(model.mutexes[mutex - world.mutexes].holder, number, "list of ctx", number);
		num++;
	}
	COMPARE(num, model.ctxs[number].num_held, "list of ctx", number);
}

static void compare_set(int number)
{
	const struct model_set *want = &model.sets[number];
	const struct wwr_lock_set *set = &world.sets[number];
	const struct wwr_class_stats *counts = &model.ctxs[want->ctx].counts;
	struct wwr_lock_set_stats got;

	if (!want->exists)
		return;
	wwr_lock_set_get_stats(set, &got);
	COMPARE(wwr_lock_set_status(set), want->status, "set", number);
	COMPARE((uintptr_t)set->kept, (uintptr_t)world_mutex(want->kept), "set", number);
	COMPARE(got.num_locks, want->stats.num_locks + counts->num_locks, "set", number);
	COMPARE(got.num_backoffs, want->stats.num_backoffs + counts->num_backoffs, "set", number);
	COMPARE(got.wait_ns, want->stats.wait_ns + counts->wait_ns, "set", number);
	COMPARE(got.retries, want->stats.retries, "set", number);
	COMPARE(got.losses, want->stats.losses, "set", number);
	COMPARE(got.restarts, want->stats.restarts, "set", number);
	COMPARE(got.injected, want->stats.injected, "set", number);
	COMPARE((uintptr_t)got.last_contended, (uintptr_t)world_mutex(want->last_contended), "set",
		number);
	if (!want->fresh)
		COMPARE(got.classic, model.ctxs[want->ctx].classic, "set", number);
}

static void compare_actor(int number)
{
	const struct world_actor *actor = &world.actors[number];
	bool due = model_is_asleep(number) && model_is_due(number);

	COMPARE(actor->sleeps_on != NULL, model_is_asleep(number), "actor", number);
	if (due && !actor->woken)
		world_fail("actor %d: sleeps, and must have been woken", number);
}

/* The plain locks of a thread are in its list; one that is handed to a sleeper not yet. */
static void compare_plain(int number)
{
	const struct model_waiter *waiter = &model.waiters[number];
	unsigned int got = 0, want = 0;

	for (const struct wwr_mutex *mutex = world.actors[number].thread.plain; mutex != NULL;
	     mutex = mutex->next) {
		COMPARE(model.mutexes[mutex - world.mutexes].holder, MODEL_PLAIN + number,
			"plain list of actor", number);
		got++;
	}
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++)
		want += model.mutexes[i].holder == MODEL_PLAIN + number;
	if (waiter->mutex != MODEL_NONE && waiter->granted && waiter->ctx == MODEL_NONE)
		want--;
	COMPARE(got, want, "plain list of actor", number);
}

void world_compare(void)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++)
		compare_mutex(i);
	for (int i = 0; i < MODEL_CTXS; i++) {
		compare_ctx(i);
		compare_held(i);
	}
	for (int i = 0; i < MODEL_SETS; i++)
		compare_set(i);
	for (int i = 0; i < MODEL_ACTORS; i++) {
		compare_actor(i);
		compare_plain(i);
	}
	for (int i = 0; i < MODEL_TOKENS; i++)
		COMPARE(wwr_interrupt_token_is_set(&world.tokens[i]), model.tokens[i], "token", i);
	for (int i = 0; i < MODEL_CLASSES; i++)
		COMPARE(world.classes[i].stamp, model.classes[i].stamp, "class", i);
}

/* What the library says about a mutex. */
static void compare_answers(int number)
{
	struct wwr_mutex *mutex = &world.mutexes[number];
	int holder = model.mutexes[number].holder;

	COMPARE(wwr_mutex_is_locked(mutex), holder != MODEL_NONE, "mutex", number);
	COMPARE(wwr_debug_mutex_holder(mutex) != 0, holder != MODEL_NONE, "mutex", number);
	for (int i = 0; i < MODEL_CTXS; i++) {
		if (model.ctxs[i].state != MODEL_CTX_NONE)
			COMPARE(wwr_mutex_is_owned_by(mutex, world_ctx(i)), holder == i, "mutex",
				number);
	}
	for (int i = 0; i < MODEL_SETS; i++) {
		if (model.sets[i].exists)
			COMPARE(wwr_mutex_is_owned_by(mutex, world.sets[i].ctx),
				model_set_holds(i, number), "mutex", number);
	}
}

static void compare_stats(int lock_class)
{
	struct wwr_class_stats stats;

	wwr_class_get_stats(&world.classes[lock_class], &stats);
	compare_counts(&stats, &model.classes[lock_class].stats, "class", lock_class);
}

static void compare_waits(void)
{
	struct wwr_debug_wait waits[MODEL_ACTORS];
	size_t num = wwr_debug_get_waits(waits, MODEL_ACTORS);
	size_t want = 0;

	for (int i = 0; i < MODEL_ACTORS; i++)
		want += model_is_asleep(i);
	COMPARE(num, want, "all", 0);
	for (size_t i = 0; i < num; i++) {
		int mutex = (int)(waits[i].mutex - world.mutexes);

		COMPARE(waits[i].holder_tid != 0, model.mutexes[mutex].holder != MODEL_NONE, "wait",
			(int)i);
	}
}

void world_compare_reports(void)
{
	for (int i = 0; i < MODEL_ALL_MUTEXES; i++)
		compare_answers(i);
	for (int i = 0; i < MODEL_CLASSES; i++)
		compare_stats(i);
	compare_waits();
}
