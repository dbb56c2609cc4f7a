/* SPDX-License-Identifier: MIT */
/*
 * The rule of one thread: who holds a lock of the class by other means does not block.  Each fiber
 * takes its own mutex and then wants its neighbour's through a set, which closes a cycle that no
 * one can see.
 */
#include "tests/explore/explore.h"

#include <errno.h>

#include <wwresv/lock_set.h>
#include <wwresv/mutex.h>

#define MAX_PARTIES 3

struct one_config {
	unsigned int num_parties;
	enum wwr_algorithm algorithm;
};

static unsigned int num_parties;
static struct wwr_mutex *mutexes[MAX_PARTIES];
static unsigned int numbers[MAX_PARTIES];

/* Its own lock, in one of the ways that are not the set's. */
struct outer {
	struct wwr_acquire_ctx *ctx; /* NULL = plain */
	struct wwr_mutex *mutex;
};

static void outer_lock(struct outer *outer, unsigned int number)
{
	outer->mutex = mutexes[number];
	if (ex_choose(2) == 0) {
		outer->ctx = ex_new(EX_CTX, number, sizeof(*outer->ctx));
		wwr_acquire_ctx_init(outer->ctx, &ex_class);
	}
	/* While it holds nothing it may block. */
	EX_CHECK(wwr_mutex_lock(outer->mutex, outer->ctx) == 0, "C4: the first lock fails");
}

static void outer_unlock(struct outer *outer)
{
	wwr_mutex_unlock(outer->mutex);
	if (outer->ctx == NULL)
		return;
	wwr_acquire_ctx_fini(outer->ctx);
	ex_delete(outer->ctx);
}

/* One lock, or both after a back-off that may be refused too. */
static void run(void *arg)
{
	unsigned int number = *(unsigned int *)arg;
	struct wwr_lock_set *set = ex_new(EX_SET, number, sizeof(*set));
	const struct wwr_lock_set_options options = {
	    .flags = ex_choose(2) == 0 ? WWR_LOCK_SET_CLASSIC : 0,
	};
	struct outer outer = {NULL, NULL};
	int ret = wwr_lock_set_init(set, &ex_class, &options);

	EX_CHECK(ret == 0, "a lock set's init failed: %d", ret);
	outer_lock(&outer, number);
	ret = wwr_lock_set_lock(set, mutexes[(number + 1) % num_parties]);
	EX_CHECK(ret == 0 || ret == -EBUSY, "C8: a set that may not block got %d", ret);
	/* Its own mutex it cannot have either. */
	EX_CHECK(wwr_lock_set_lock(set, outer.mutex) == -EBUSY,
		 "C8: a set gets what its thread holds outside it");
	wwr_lock_set_fini(set);
	ex_delete(set);
	outer_unlock(&outer);
}

static void setup(const struct ex_scenario *scenario)
{
	const struct one_config *config = scenario->config;

	num_parties = config->num_parties;
	wwr_class_init(&ex_class, "explored", config->algorithm);
	for (unsigned int i = 0; i < num_parties; i++) {
		mutexes[i] = ex_new(EX_MUTEX, i, sizeof(*mutexes[i]));
		wwr_mutex_init(mutexes[i], &ex_class);
	}
	for (unsigned int i = 0; i < num_parties; i++) {
		numbers[i] = i;
		(void)ex_spawn("holder", run, &numbers[i]);
	}
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	for (unsigned int i = 0; i < num_parties; i++) {
		EX_CHECK(!wwr_mutex_is_locked(mutexes[i]), "mutex %c is still held", 'A' + i);
		wwr_mutex_fini(mutexes[i]);
		ex_delete(mutexes[i]);
	}
}

#define SCENARIO(id, text, ...)                                                                    \
	static const struct one_config id##_config = {__VA_ARGS__};                                \
	static const struct ex_scenario id = {#id, text, setup, check, &id##_config}

SCENARIO(one_thread_ww, "wound-wait: sets of threads that hold locks outside them", 3,
	 WWR_WOUND_WAIT);
SCENARIO(one_thread_wd, "wait-die: sets of threads that hold locks outside them", 2, WWR_WAIT_DIE);

const struct ex_scenario *const ex_thread_scenarios[] = {&one_thread_ww, &one_thread_wd, NULL};
