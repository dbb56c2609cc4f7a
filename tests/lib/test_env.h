/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_TEST_ENV_H
#define TESTS_LIB_TEST_ENV_H

/*
 * What a test asks of its surroundings.  The environment:
 *   WWR_TEST_SEED   number that replaces the random seed: replays a failure
 *   WWR_TEST_LONG   set: more rounds (tools/check --long)
 *   WWR_TEST_SHORT  set: fewer rounds (under valgrind and other slow checkers)
 *   WWR_TEST_SCALE  factor of all rounds besides, for example 0.1 or 50
 *   WWR_TEST_PATIENCE  seconds after which a thread script of tests/lockset gives up
 *   WWR_TEST_INJECT  -EDEADLK about every so many locks, in programs with tests/lib/test_inject.c
 *   WWR_TEST_DATA   folder of the real workload descriptors
 */

#include <stdbool.h>
#include <stdint.h>

/** Seed of this process: the same at each call, printed to stderr by the first one. */
uint64_t test_seed(void);

/**
 * Next number of a reproducible sequence.
 *
 * @param state starts as anything, for example test_seed() plus the thread's number
 */
uint64_t test_random(uint64_t *state);

/** How many rounds to do: @p rounds, five times as many if long, a tenth if short; never 0. */
unsigned int test_rounds(unsigned int rounds);

/** Folder with the real .wsim files, or NULL: then skip, loudly. */
const char *test_wsim_dir(void);

/**
 * Call run with the path of each .wsim file in a folder, numbered from 0.
 *
 * @return how many there were
 */
unsigned int test_wsim_for_each(const char *dir,
				void (*run)(const char *path, unsigned int number));

/**
 * Look for leaks so far.
 *
 * @return 0: none, or not built with AddressSanitizer; else there are some, printed to stderr
 */
int test_leak_check(void);

/** Whether what this thread takes from here on may leak: only around what is not ours. */
void test_leaks_ignore(bool ignore);

#endif /* TESTS_LIB_TEST_ENV_H */
