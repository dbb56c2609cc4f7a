/* SPDX-License-Identifier: MIT */
/*
 * Must fail under ThreadSanitizer: the lock word is taken with relaxed order, so nothing orders
 * the plain counter although two threads never count at once.
 */
#include <pthread.h>

#include "lockset/wwr_atomic.h"
#include "tests/lib/test_tap.h"

static unsigned int word;
static int counter;

static void *count(void *unused)
{
	for (int i = 0; i < 10000; i++) {
		unsigned int free_word = 0;

		while (!wwr_atomic_cas(&word, &free_word, 1u, WWR_RELAXED))
			free_word = 0;
		counter++;
		wwr_atomic_store(&word, 0u, WWR_RELAXED);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[2];

	tap_plan(1);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, count, NULL) != 0)
			return 0;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_ok(true, "counted %d", counter);
	return tap_exit();
}
