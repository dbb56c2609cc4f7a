/* SPDX-License-Identifier: MIT */
#include "tests/lib/test_alloc.h"

#include <stdlib.h>

#include <wwresv/alloc.h>

#include "lockset/wwr_atomic.h"

/* Relaxed throughout: these are counts. */
static unsigned int num_calls;
static unsigned int num_failures;
static unsigned int num_alive;
static unsigned int fail_from, fail_to; /* numbers of calls, from 1; 0 = none */

static void *counting_alloc(size_t size_bytes, void *data)
{
	const unsigned int number = wwr_atomic_fetch_add(&num_calls, 1, WWR_RELAXED) + 1;
	const unsigned int from = wwr_atomic_load(&fail_from, WWR_RELAXED);
	void *ptr;

	(void)data;
	if (from != 0 && number >= from && number <= wwr_atomic_load(&fail_to, WWR_RELAXED)) {
		(void)wwr_atomic_fetch_add(&num_failures, 1, WWR_RELAXED);
		return NULL;
	}
	ptr = calloc(1, size_bytes);
	if (ptr != NULL)
		(void)wwr_atomic_fetch_add(&num_alive, 1, WWR_RELAXED);
	return ptr;
}

static void counting_free(void *ptr, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_sub(&num_alive, 1, WWR_RELAXED);
	free(ptr);
}

void test_alloc_install(void)
{
	static const struct wwr_allocator counting = {counting_alloc, counting_free, NULL};

	wwr_set_allocator(&counting);
}

void test_alloc_fail(unsigned int nth, bool sticky)
{
	const unsigned int from = nth == 0 ? 0 : wwr_atomic_load(&num_calls, WWR_RELAXED) + nth;

	wwr_atomic_store(&fail_from, 0, WWR_RELAXED);
	wwr_atomic_store(&fail_to, sticky ? ~0u : from, WWR_RELAXED);
	wwr_atomic_store(&fail_from, from, WWR_RELAXED);
}

unsigned int test_alloc_calls(void)
{
	return wwr_atomic_load(&num_calls, WWR_RELAXED);
}

unsigned int test_alloc_failures(void)
{
	return wwr_atomic_load(&num_failures, WWR_RELAXED);
}

unsigned int test_alloc_alive(void)
{
	return wwr_atomic_load(&num_alive, WWR_RELAXED);
}
