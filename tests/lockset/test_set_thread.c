/* SPDX-License-Identifier: MIT */
/* A set belongs to the thread that initialised it: C9 of docs/locking.md. */
#include "tests/lockset/stage.h"

#include <errno.h>

/* Not on the stack: see test_misuse.c. */
static struct wwr_lock_set set;
static struct wwr_acquire_ctx ctx;

typedef void use_fn(void);

static int do_use(struct actor *self, void *arg)
{
	(void)self;
	(*(use_fn **)arg)();
	return 0;
}

/* The set, which holds A, is used by a thread that is not its own. */
static void use_elsewhere(use_fn *use)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	(void)actor_call(OLDER, do_use, &use);
}

static int do_nothing(struct wwr_mutex *locked, void *arg)
{
	(void)locked;
	(void)arg;
	return 0;
}

static int acquire_nothing(struct wwr_lock_set *locks, void *arg)
{
	(void)locks;
	(void)arg;
	return 0;
}

#define ELSEWHERE_TEST(name, call, ...)                                                            \
	static void use_##name(void)                                                               \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}                                                                                          \
	MISUSE_TEST(lockset_set_thread, name##_from_another_thread_aborts, call ": set")           \
	{                                                                                          \
		use_elsewhere(use_##name);                                                         \
	}

ELSEWHERE_TEST(lock, "wwr_lock_set_lock", (void)!wwr_lock_set_lock(&set, C))
ELSEWHERE_TEST(lock_of_a_member, "wwr_lock_set_lock", (void)!wwr_lock_set_lock(&set, A))
ELSEWHERE_TEST(trylock, "wwr_lock_set_trylock", (void)!wwr_lock_set_trylock(&set, C))
ELSEWHERE_TEST(trylock_of_a_member, "wwr_lock_set_trylock", (void)!wwr_lock_set_trylock(&set, A))
ELSEWHERE_TEST(lock_array, "wwr_lock_set_lock",
	       (void)!wwr_lock_set_lock_array(&set, &(struct wwr_mutex *){A}, 1))
ELSEWHERE_TEST(unlock, "wwr_lock_set_unlock", wwr_lock_set_unlock(&set, A))
ELSEWHERE_TEST(done, "wwr_lock_set_done", wwr_lock_set_done(&set))
ELSEWHERE_TEST(release_all, "wwr_lock_set_release_all", wwr_lock_set_release_all(&set))
ELSEWHERE_TEST(fini, "wwr_lock_set_fini", wwr_lock_set_fini(&set))
ELSEWHERE_TEST(holds, "wwr_lock_set_holds", (void)wwr_lock_set_holds(&set, A))
ELSEWHERE_TEST(with_locked, "wwr_lock_set_with_locked",
	       wwr_lock_set_with_locked(&set, A, do_nothing, NULL))
ELSEWHERE_TEST(lock_all, "wwr_lock_set_lock_all",
	       (void)!wwr_lock_set_lock_all(&set, acquire_nothing, acquire_nothing, NULL))
ELSEWHERE_TEST(loop_begin, "wwr_lock_set_until_all_locked", wwr_lock_set_loop_begin(&set))
ELSEWHERE_TEST(loop_next, "wwr_lock_set_until_all_locked", wwr_lock_set_loop_next(&set))

static void back_off(void)
{
	(void)!wwr_lock_set_back_off(&set);
}

MISUSE_TEST(lockset_set_thread, back_off_from_another_thread_aborts, "wwr_lock_set_back_off: set")
{
	use_fn *use = back_off;

	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	must(actor_call(HOLDER, do_lock_plain, B));
	must(wwr_lock_set_lock(&set, B) != -EDEADLK);
	must(actor_call(HOLDER, do_unlock, B));
	(void)actor_call(OLDER, do_use, &use);
}

/* Nothing was locked with it yet: it is not the mutexes that tell. */
MISUSE_TEST(lockset_set_thread, first_lock_from_another_thread_aborts, "wwr_lock_set_lock: set")
{
	use_fn *use = use_lock;

	must(wwr_lock_set_init(&set, &main_class, NULL));
	(void)actor_call(OLDER, do_use, &use);
}

static void borrow(void)
{
	(void)!wwr_lock_set_init_with_ctx(&set, &ctx, NULL);
}

MISUSE_TEST(lockset_set_thread, init_with_a_context_of_another_thread_aborts,
	    "wwr_lock_set_init_with_ctx: acquire context")
{
	use_fn *use = borrow;

	wwr_acquire_ctx_init(&ctx, &main_class);
	(void)actor_call(OLDER, do_use, &use);
}

MISUSE_TEST(lockset_set_thread, init_with_an_ended_context_aborts, "is no live acquire context")
{
	wwr_acquire_ctx_init(&ctx, &main_class);
	wwr_acquire_ctx_fini(&ctx);
	borrow();
}

/* A thread that ends hands its set on to nobody, but its memory may be a set again. */
static int do_init_and_fini(struct actor *self, void *arg)
{
	(void)self;
	(void)arg;
	must(wwr_lock_set_init(&set, &main_class, NULL));
	must(wwr_lock_set_lock(&set, A));
	wwr_lock_set_fini(&set);
	return 0;
}

BOTH_TEST(lockset_set_thread, memory_of_a_set_may_serve_one_thread_after_the_other)
{
	must(actor_call(OLDER, do_init_and_fini, NULL));
	must(actor_call(YOUNGER, do_init_and_fini, NULL));
	must(do_init_and_fini(NULL, NULL));
}
