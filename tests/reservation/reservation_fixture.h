/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_FIXTURE_H
#define TESTS_RESERVATION_FIXTURE_H

/*
 * What the tests of this folder share: fences that count, a count of system
 * calls, and a way to see a misuse stop with its message.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>

#include "tests/lib/test_alloc.h"

/** A driver's fence, and what the library did to it.  Counts are read when all is quiet. */
struct test_fence {
	struct wwr_fence fence;
	unsigned int num_enabled;   /**< enable_signaling calls */
	bool enable_result;	    /**< what enable_signaling returns */
	bool signal_when_enabled;   /**< enable_signaling signals by itself */
	unsigned int num_deadlines; /**< set_deadline calls */
	int64_t deadline_ns;	    /**< of the last of them */
};

/** Names, a release that frees and counts, and nothing else. */
extern const struct wwr_fence_ops test_fence_ops;

/** Every op there is. */
extern const struct wwr_fence_ops test_fence_full_ops;

/** Fences created and not released; changed by any thread. */
unsigned int test_fences_alive(void);

/** A fence with test_fence_ops; never NULL. */
struct wwr_fence *test_fence_create(uint64_t context, uint64_t seqno);

/** A fence with test_fence_full_ops, enable_result true; never NULL. */
struct test_fence *test_fence_create_full(uint64_t context, uint64_t seqno);

/**
 * System calls of the libraries so far, all of them futex calls; needs the test to be linked with
 * -Wl,--wrap=syscall.
 */
unsigned int test_futex_waits(void);
unsigned int test_futex_wakes(void);

/** Let other threads run until the libraries have gone to sleep @p num times in all. */
void test_until_futex_waits(unsigned int num);

/**
 * Run @p misuse in a child process.
 *
 * @return true if it aborted, and said something with @p message in it
 */
bool test_aborts_with(void (*misuse)(void *arg), void *arg, const char *message);

#endif /* TESTS_RESERVATION_FIXTURE_H */
