/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_SMALL_STACK_H
#define TESTS_RESERVATION_SMALL_STACK_H

/*
 * Runs a function on a thread with a stack of 64 KiB.  The functions store what they find: only the
 * main thread asserts.
 */

#include "tests/lib/test_criterion.h"

#include <pthread.h>

#define SMALL_STACK_BYTES (64 * 1024)

static void *small_stack_run(void *func)
{
	(*(void (**)(void))func)();
	return NULL;
}

/** As pthread_create(); @p func is the address of a pointer to a function. */
static inline pthread_t small_stack_start(void (**func)(void))
{
	pthread_attr_t attr;
	pthread_t thread;

	cr_assert_eq(pthread_attr_init(&attr), 0);
	cr_assert_eq(pthread_attr_setstacksize(&attr, SMALL_STACK_BYTES), 0);
	cr_assert_eq(pthread_create(&thread, &attr, small_stack_run, func), 0);
	pthread_attr_destroy(&attr);
	return thread;
}

static inline void on_small_stack(void (*func)(void))
{
	pthread_t thread = small_stack_start(&func);

	cr_assert_eq(pthread_join(thread, NULL), 0);
}

#endif /* TESTS_RESERVATION_SMALL_STACK_H */
