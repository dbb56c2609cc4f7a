/* SPDX-License-Identifier: MIT */
/* Memory that goes as soon as it may, threads that end, and processes that fork with locks held. */
#include "tests/lockset/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* An object that goes with the last of those who know it: the mutex is in it. */
struct object {
	struct wwr_mutex mutex;
	unsigned int num_refs; /* under mutex */
};

#define NUM_OBJECTS 2000
#define NUM_OWNERS  3

static struct object *objects[NUM_OBJECTS];

static void make_objects(void)
{
	for (int i = 0; i < NUM_OBJECTS; i++) {
		objects[i] = malloc(sizeof(*objects[i]));
		cr_assert_not_null(objects[i]);
		wwr_mutex_init(&objects[i]->mutex, &main_class);
		objects[i]->num_refs = NUM_OWNERS;
	}
}

static void run_owners(actor_fn *drop_all)
{
	make_objects();
	for (int i = 0; i < NUM_OWNERS; i++)
		actor_begin(&actor[i], drop_all, NULL);
	for (int i = 0; i < NUM_OWNERS; i++)
		assert_returns(actor_end(&actor[i]), 0);
}

static int do_drop_all_plain(struct actor *self, void *arg)
{
	(void)self;
	(void)arg;
	for (int i = 0; i < NUM_OBJECTS; i++) {
		bool last;
		int ret = wwr_mutex_lock(&objects[i]->mutex, NULL);

		if (ret != 0)
			return ret;
		last = --objects[i]->num_refs == 0;
		wwr_mutex_unlock(&objects[i]->mutex);
		if (last)
			free(objects[i]);
	}
	return 0;
}

static int do_drop_all_ctx(struct actor *self, void *arg)
{
	(void)do_ctx_init(self, arg);
	for (int i = 0; i < NUM_OBJECTS; i++) {
		bool last;
		int ret = wwr_mutex_lock(&objects[i]->mutex, &self->ctx);

		if (ret != 0)
			return ret;
		last = --objects[i]->num_refs == 0;
		wwr_mutex_unlock(&objects[i]->mutex);
		wwr_acquire_ctx_reinit(&self->ctx);
		if (last)
			free(objects[i]);
	}
	return 0;
}

/* Two at a time, so that there are contended ones to remember. */
static int do_drop_all_set(struct actor *self, void *arg)
{
	int ret = do_set_init(self, arg);

	for (int i = 0; i < NUM_OBJECTS && ret == 0; i += 2) {
		int turn = (int)(self - actor) % 2;
		bool last = false;

		wwr_lock_set_until_all_locked (&self->set) {
			if (wwr_lock_set_lock(&self->set, &objects[i + turn]->mutex) != 0)
				continue;
			if (wwr_lock_set_lock(&self->set, &objects[i + 1 - turn]->mutex) != 0)
				continue;
		}
		ret = wwr_lock_set_status(&self->set);
		if (ret != 0)
			break;
		for (int j = 0; j < 2; j++)
			last = --objects[i + j]->num_refs == 0;
		wwr_lock_set_release_all(&self->set);
		for (int j = 0; last && j < 2; j++)
			free(objects[i + j]);
	}
	return ret;
}

BOTH_TEST(lockset_lifetime, mutex_may_be_freed_after_its_last_unlock)
{
	run_owners(do_drop_all_plain);
}

BOTH_TEST(lockset_lifetime, mutex_may_be_freed_after_its_last_unlock_by_a_context)
{
	run_owners(do_drop_all_ctx);
}

BOTH_TEST(lockset_lifetime, mutexes_may_be_freed_after_release_all)
{
	run_owners(do_drop_all_set);
}

/* The contended mutex must live until the set has forgotten it, and no longer. */
BOTH_TEST(lockset_lifetime, contended_mutex_may_be_freed_once_it_is_given_up)
{
	struct wwr_mutex *contended = malloc(sizeof(*contended));
	struct wwr_lock_set set;

	cr_assert_not_null(contended);
	wwr_mutex_init(contended, &main_class);
	must(actor_call(HOLDER, do_lock_plain, contended));
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	assert_returns(wwr_lock_set_lock(&set, contended), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, contended));
	wwr_lock_set_release_all(&set);
	wwr_mutex_fini(contended);
	free(contended);
	assert_returns(wwr_lock_set_lock(&set, B), 0);
	wwr_lock_set_release_all(&set);
	wwr_lock_set_fini(&set);
}

static void *lock_some_and_exit(void *arg)
{
	struct wwr_acquire_ctx ctx;
	intptr_t result;

	wwr_acquire_ctx_init(&ctx, &main_class);
	result = wwr_mutex_lock(arg, &ctx);
	wwr_mutex_unlock(arg);
	wwr_acquire_ctx_fini(&ctx);
	result |= wwr_mutex_lock(arg, NULL);
	wwr_mutex_unlock(arg);
	return (void *)result;
}

static void run_threads(unsigned int num)
{
	for (unsigned int i = 0; i < num; i++) {
		pthread_t thread;
		void *result = NULL;

		must(pthread_create(&thread, NULL, lock_some_and_exit, C));
		pthread_join(thread, &result);
		must((int)(intptr_t)result);
	}
}

BOTH_TEST(lockset_lifetime, threads_that_hold_nothing_come_and_go)
{
	run_threads(100);
	assert_returns(wwr_mutex_trylock(C, NULL), 0);
	wwr_mutex_unlock(C);
}

/* What the child of a fork finds; its exit status says at which step it went wrong. */
static void assert_child(int (*run)(void))
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(STAGE_PATIENCE_S);
		_exit(run());
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status 0x%x",
		  (unsigned int)status);
}

static struct wwr_acquire_ctx forked_ctx;
static struct wwr_lock_set forked_set;

static int unlock_copies(void)
{
	if (!wwr_mutex_is_owned_by(A, &forked_ctx))
		return 1;
	wwr_mutex_assert_held(A);
	wwr_mutex_assert_held(B);
	wwr_mutex_unlock(A);
	wwr_mutex_unlock(B);
	if (!wwr_lock_set_holds(&forked_set, C))
		return 2;
	wwr_lock_set_release_all(&forked_set);
	for (int i = 0; i < 3; i++) {
		if (wwr_mutex_trylock(&mutex[i], NULL) != 0)
			return 3;
		wwr_mutex_unlock(&mutex[i]);
	}
	if (wwr_lock_set_lock(&forked_set, A) != 0)
		return 4;
	wwr_lock_set_fini(&forked_set);
	wwr_acquire_ctx_fini(&forked_ctx);
	return 0;
}

/* The child's thread is the copy of the one that forked: it holds copies of its locks. */
BOTH_TEST(lockset_fork, child_unlocks_its_copies_and_the_parent_keeps_its_own)
{
	wwr_acquire_ctx_init(&forked_ctx, &main_class);
	must(wwr_mutex_lock(A, &forked_ctx));
	must(wwr_mutex_trylock(B, NULL));
	must(wwr_lock_set_init(&forked_set, &main_class, NULL));
	must(wwr_lock_set_trylock(&forked_set, C));
	assert_child(unlock_copies);
	cr_assert(wwr_mutex_is_owned_by(A, &forked_ctx));
	wwr_mutex_assert_held(B);
	cr_assert(wwr_lock_set_holds(&forked_set, C));
	wwr_lock_set_fini(&forked_set);
	wwr_mutex_unlock(B);
	wwr_mutex_unlock(A);
	wwr_acquire_ctx_fini(&forked_ctx);
}

static int find_others_locks_held(void)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &main_class);
	for (int i = 0; i < 2; i++) {
		if (wwr_mutex_trylock(&mutex[i], &ctx) != -EBUSY)
			return 1;
		if (wwr_mutex_lock_until(&mutex[i], &ctx, NULL, from_now_ns(SOON_NS)) != -ETIME)
			return 2;
		if (wwr_mutex_lock_until(&mutex[i], NULL, NULL, 0) != -ETIME)
			return 3;
	}
	/* The rest is as usable as ever. */
	if (wwr_mutex_lock(D, &ctx) != 0)
		return 4;
	wwr_mutex_unlock(D);
	wwr_acquire_ctx_fini(&ctx);
	return 0;
}

BOTH_TEST(lockset_fork, locks_of_other_threads_stay_held_in_the_child)
{
	actors_init_ctx(1, OLDER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(HOLDER, do_lock_plain, B));
	assert_child(find_others_locks_held);
	must(actor_call(HOLDER, do_unlock, B));
	must(actor_call(OLDER, do_unlock, A));
	assert_returns(wwr_mutex_trylock(A, NULL), 0);
	wwr_mutex_unlock(A);
}

/* Threads of the child: the memory of the parent's other threads is used again for them. */
static int run_threads_and_count(void)
{
	struct wwr_class_stats before, after;

	wwr_class_get_stats(&main_class, &before);
	run_threads(32);
	wwr_class_get_stats(&main_class, &after);
	if (after.num_locks - before.num_locks != 64)
		return 1;
	return wwr_debug_get_waits(NULL, 0) != 0;
}

BOTH_TEST(lockset_fork, child_may_have_threads_of_its_own)
{
	for (int i = 0; i < 8; i++) {
		must(actor_call(&actor[i], do_lock_plain, &mutex[4 + i]));
		must(actor_call(&actor[i], do_unlock, &mutex[4 + i]));
	}
	must(wwr_mutex_trylock(A, NULL));
	wwr_mutex_unlock(A);
	assert_child(run_threads_and_count);
	run_threads(4);
}

static int find_no_waits(void)
{
	if (wwr_debug_get_waits(NULL, 0) != 0)
		return 1;
	return wwr_debug_mutex_holder(A) != getpid();
}

BOTH_TEST(lockset_fork, debug_tells_of_the_childs_threads_only)
{
	must(wwr_mutex_trylock(A, NULL));
	actor_block(PLAIN, do_lock_plain, A);
	assert_child(find_no_waits);
	cr_assert_eq(wwr_debug_get_waits(NULL, 0), 1);
	wwr_mutex_unlock(A);
	must(actor_end(PLAIN));
	must(actor_call(PLAIN, do_unlock, A));
}
