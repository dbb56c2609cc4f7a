/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_TEST_ALLOC_H
#define TESTS_LIB_TEST_ALLOC_H

/* An allocator of the libraries that counts, and fails when told to.  Any thread. */

#include <stdbool.h>

/** Use it from now on; wwr_set_allocator(NULL) ends that. */
void test_alloc_install(void);

/** Let the @p nth allocation from now fail, 0 = none; and, if @p sticky, all later ones. */
void test_alloc_fail(unsigned int nth, bool sticky);

/** Allocations asked for since test_alloc_install(), failed ones too. */
unsigned int test_alloc_calls(void);

/** Of these, the ones that were let fail. */
unsigned int test_alloc_failures(void);

/** Allocations not given back. */
unsigned int test_alloc_alive(void);

#endif /* TESTS_LIB_TEST_ALLOC_H */
