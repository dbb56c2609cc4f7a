/* SPDX-License-Identifier: MIT */
/* Seven things that the lock sets of other systems got wrong; one test each, and that they bite. */
#include "tests/lockset/stage.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static struct wwr_lock_set set;

static int acquire_a_then_b(struct wwr_lock_set *locks, void *arg)
{
	struct wwr_mutex *const wanted[] = {A, B};

	if (arg != NULL)
		++*(unsigned int *)arg;
	return wwr_lock_set_lock_array(locks, wanted, 2);
}

static int succeed(struct wwr_lock_set *locks, void *arg)
{
	(void)locks;
	(void)arg;
	return 0;
}

static int do_run_a_then_b(struct actor *self, void *arg)
{
	return wwr_lock_set_lock_all(&self->set, acquire_a_then_b, succeed, arg);
}

/* 1: a new stamp on every retry, so that a loser is the youngest for ever. */
WAIT_DIE_TEST(lockset_defects, retry_keeps_its_place_among_those_that_came_meanwhile)
{
	static const struct wwr_lock_set_options classic = {.flags = WWR_LOCK_SET_CLASSIC};

	without_injection();
	actors_init_ctx(1, OLDEST);
	must(actor_call(OLDER, do_set_init, (void *)&classic));
	must(actor_call(OLDEST, do_lock, B));
	must(actor_call(OLDER, do_set_lock, A));
	assert_returns(actor_call(OLDER, do_set_lock, B), -EDEADLK);
	actors_init_ctx(1, YOUNGER);
	must(actor_call(OLDEST, do_unlock, B));
	must(actor_call(OLDER, do_set_back_off, NULL));
	/* With a new stamp it would die for the one that came after it. */
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(OLDER, do_set_lock, A);
	assert_returns(actor_call(YOUNGER, do_lock, B), -EDEADLK);
	must(actor_call(YOUNGER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
}

/* 2: no wait for the contended lock: the algorithm runs over and over until it is free. */
BOTH_TEST(lockset_defects, contended_lock_is_waited_for_asleep)
{
	unsigned int num_acquires = 0;

	without_injection();
	must(actor_call(HOLDER, do_lock_plain, B));
	must(actor_call(OLDER, do_set_init, NULL));
	actor_block(OLDER, do_run_a_then_b, &num_acquires);
	cr_assert_not(wwr_mutex_is_locked(A));
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(actor_end(OLDER), 0);
	cr_assert_eq(num_acquires, 2);
}

/* 3: -EBUSY for a lock that someone else holds. */
BOTH_TEST(lockset_defects, lock_that_someone_else_holds_is_not_ebusy)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(OLDER, do_set_init, NULL));
	actor_block(OLDER, do_set_lock, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(HOLDER, do_lock_plain, B));
	assert_returns(actor_call(OLDER, do_set_lock, B), -EDEADLK);
	must(actor_call(HOLDER, do_unlock, B));
}

/* 4: a push that fails unlocks the mutex, and so does the end of the set. */
static void *refuse_alloc(size_t size_bytes, void *data)
{
	(void)size_bytes;
	(void)data;
	return NULL;
}

static void refuse_free(void *ptr, void *data)
{
	(void)ptr;
	(void)data;
}

BOTH_TEST(lockset_defects, without_memory_each_lock_succeeds_and_is_unlocked_once)
{
	static const struct wwr_allocator refusing = {refuse_alloc, refuse_free, NULL};

	without_injection();
	wwr_set_allocator(&refusing);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		assert_returns(wwr_lock_set_lock(&set, &mutex[i]), 0);
	wwr_lock_set_release_all(&set);
	/* A second unlock would be of what others hold by now. */
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		must(actor_call(PLAIN, do_trylock_plain, &mutex[i]));
	wwr_lock_set_fini(&set);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++) {
		cr_assert_eq(wwr_debug_mutex_holder(&mutex[i]), PLAIN->tid);
		must(actor_call(PLAIN, do_unlock, &mutex[i]));
	}
	wwr_set_allocator(NULL);
}

/* 5: endless retry when the callback returns -EDEADLK by itself. */
static int acquire_a_and_say_edeadlk(struct wwr_lock_set *locks, void *arg)
{
	++*(unsigned int *)arg;
	must(wwr_lock_set_lock(locks, A));
	return *(unsigned int *)arg < 10 ? -EDEADLK : -E2BIG;
}

BOTH_TEST(lockset_defects, edeadlk_of_the_callback_itself_is_not_retried)
{
	unsigned int num_acquires = 0;

	must(wwr_lock_set_init(&set, &main_class, NULL));
	assert_returns(
	    wwr_lock_set_lock_all(&set, acquire_a_and_say_edeadlk, succeed, &num_acquires),
	    -EDEADLK);
	cr_assert_eq(num_acquires, 1);
	cr_assert_not(wwr_mutex_is_locked(A));
	wwr_lock_set_fini(&set);
}

/* 6: done is not enforced. */
static int lock_another(struct wwr_lock_set *locks, void *arg)
{
	(void)arg;
	return wwr_lock_set_lock(locks, C);
}

BOTH_TEST(lockset_defects, done_is_enforced_in_every_build)
{
	must(wwr_lock_set_init(&set, &main_class, NULL));
	assert_returns(wwr_lock_set_lock_all(&set, acquire_a_then_b, lock_another, NULL), -EINVAL);
	cr_assert_not(wwr_mutex_is_locked(C));
	wwr_lock_set_fini(&set);
}

/*
 * 7: with_locked scans the members.  Here each member lies on a page of its own, and while one is
 * asked for the pages of all others cannot be read: a scan would crash.
 */
#define NUM_PAGES 64

static struct wwr_mutex *member_at(char *pages, int i)
{
	return (struct wwr_mutex *)(pages + (size_t)i * (size_t)sysconf(_SC_PAGESIZE));
}

static int count_call(struct wwr_mutex *member, void *arg)
{
	(void)member;
	++*(int *)arg;
	return 0;
}

static void assert_touches_only(char *pages, int i, int *num_calls)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct wwr_mutex *member = member_at(pages, i);

	must(mprotect(pages, page * NUM_PAGES, PROT_NONE));
	must(mprotect(pages + page * (size_t)i, page, PROT_READ | PROT_WRITE));
	assert_returns(wwr_lock_set_with_locked(&set, member, count_call, num_calls), 0);
	assert_returns(wwr_lock_set_with_locked(&set, A, count_call, num_calls), -EINVAL);
	cr_assert(wwr_lock_set_holds(&set, member));
	cr_assert_not(wwr_lock_set_holds(&set, A));
	assert_returns(wwr_lock_set_lock(&set, member), 0);
	assert_returns(wwr_lock_set_trylock(&set, member), 0);
	cr_assert(wwr_mutex_is_owned_by(member, set.ctx));
	must(mprotect(pages, page * NUM_PAGES, PROT_READ | PROT_WRITE));
}

WOUND_WAIT_TEST(lockset_defects, with_locked_holds_and_lock_again_look_at_no_other_member)
{
	size_t size_bytes = (size_t)sysconf(_SC_PAGESIZE) * NUM_PAGES;
	char *pages =
	    mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int num_calls = 0;

	without_injection();
	cr_assert_neq(pages, MAP_FAILED);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	for (int i = 0; i < NUM_PAGES; i++) {
		wwr_mutex_init(member_at(pages, i), &main_class);
		must(wwr_lock_set_lock(&set, member_at(pages, i)));
	}
	for (int i = 0; i < NUM_PAGES; i++)
		assert_touches_only(pages, i, &num_calls);
	cr_assert_eq(num_calls, NUM_PAGES);
	wwr_lock_set_fini(&set);
	munmap(pages, size_bytes);
}

/* The same for unlock: it looks at the member and its two neighbours in the list, no further. */
WOUND_WAIT_TEST(lockset_defects, unlock_looks_at_no_more_than_two_other_members)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, page * NUM_PAGES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	without_injection();
	cr_assert_neq(pages, MAP_FAILED);
	must(wwr_lock_set_init(&set, &main_class, NULL));
	for (int i = 0; i < NUM_PAGES; i++) {
		wwr_mutex_init(member_at(pages, i), &main_class);
		must(wwr_lock_set_lock(&set, member_at(pages, i)));
	}
	for (int i = 2; i < NUM_PAGES - 2; i += 3) {
		must(mprotect(pages, page * NUM_PAGES, PROT_NONE));
		must(mprotect(pages + page * (size_t)(i - 1), page * 3, PROT_READ | PROT_WRITE));
		wwr_lock_set_unlock(&set, member_at(pages, i));
		must(mprotect(pages, page * NUM_PAGES, PROT_READ | PROT_WRITE));
		cr_assert_not(wwr_mutex_is_locked(member_at(pages, i)));
	}
	wwr_lock_set_fini(&set);
	munmap(pages, page * NUM_PAGES);
}
