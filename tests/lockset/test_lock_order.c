/* SPDX-License-Identifier: MIT */
/* The checker of the order of locks: what it lets pass, and what it must find. */
#include "tests/lib/test_criterion.h"

#include "lockset/park.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef NDEBUG
#define SKIP_WITHOUT_CHECKS() cr_skip_test("built without checks")
#else
#define SKIP_WITHOUT_CHECKS() ((void)0)
#endif

static uint32_t locks[LOCK_NUM_RANKS];

TestSuite(lockset_lock_order, .timeout = 20);

static void take(enum lock_rank rank)
{
	wait_lock_ranked(&locks[rank], rank);
}

static void give(enum lock_rank rank)
{
	wait_unlock(&locks[rank]);
}

/* Runs it in a child; true = it aborts, and its message has both parts. */
static bool aborts(void (*func)(void), const char *part, const char *other)
{
	char text[512] = "";
	size_t length = 0;
	ssize_t got;
	int ends[2];
	int status;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		func();
		_exit(0);
	}
	close(ends[1]);
	while (length < sizeof(text) - 1 &&
	       (got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, part) != NULL &&
	       strstr(text, other) != NULL;
}

Test(lockset_lock_order, each_pair_in_order_passes)
{
	for (int outer = 0; outer < LOCK_NUM_RANKS; outer++) {
		for (int inner = outer + 1; inner < LOCK_NUM_RANKS; inner++) {
			take((enum lock_rank)outer);
			take((enum lock_rank)inner);
			/* Given back in either order. */
			give((enum lock_rank)(inner % 2 == 0 ? inner : outer));
			give((enum lock_rank)(inner % 2 == 0 ? outer : inner));
		}
	}
	take(RANK_SYNC_FILES);
	give(RANK_SYNC_FILES);
}

static enum lock_rank held, wanted;

static void take_two(void)
{
	take(held);
	take(wanted);
}

Test(lockset_lock_order, each_pair_out_of_order_aborts)
{
	SKIP_WITHOUT_CHECKS();
	for (int outer = 0; outer < LOCK_NUM_RANKS; outer++) {
		for (int inner = 0; inner < outer; inner++) {
			held = (enum lock_rank)outer;
			wanted = (enum lock_rank)inner;
			cr_expect(aborts(take_two, "lock order: ", " is taken inside of "),
				  "%d inside of %d", inner, outer);
		}
	}
	held = RANK_CHAIN;
	wanted = RANK_SYNCOBJ;
	cr_expect(aborts(take_two, "SYNCOBJ lock 0x", "inside of CHAIN lock 0x"));
}

static void take_two_of_a_rank(void)
{
	static uint32_t other;

	take(RANK_CHAIN);
	wait_lock_ranked(&other, RANK_CHAIN);
}

static void take_after_inner_was_given_back(void)
{
	take(RANK_SYNCOBJ);
	take(RANK_CHAIN);
	give(RANK_SYNCOBJ);
	take(RANK_SYNCOBJ);
}

static void sleep_with_a_lock(void)
{
	uint32_t word = PARK_STEP;

	take(RANK_SYNCHRONIZE);
	take(RANK_TABLE);
	(void)park_sleep(&word, 0, PARK_FOREVER, false);
}

Test(lockset_lock_order, two_of_a_rank_and_sleeping_with_a_lock_abort)
{
	SKIP_WITHOUT_CHECKS();
	cr_expect(aborts(take_two_of_a_rank, "CHAIN lock 0x", "inside of CHAIN lock 0x"));
	cr_expect(
	    aborts(take_after_inner_was_given_back, "SYNCOBJ lock 0x", "inside of CHAIN lock 0x"));
	cr_expect(aborts(sleep_with_a_lock, "goes to sleep with", "TABLE lock 0x"));
}

Test(lockset_lock_order, sleeping_to_synchronize_passes)
{
	uint32_t word = PARK_STEP;

	cr_expect_eq(park_sleep(&word, 0, PARK_FOREVER, false), 0);
	take(RANK_SYNCHRONIZE);
	cr_expect_eq(park_sleep(&word, 0, PARK_FOREVER, false), 0);
	give(RANK_SYNCHRONIZE);
}
