/* SPDX-License-Identifier: MIT */
/* Must fail under ThreadSanitizer: two threads count without a lock, and TAP says all is well. */
#include <pthread.h>

#include "tests/lib/test_tap.h"

static volatile int counter;

static void *count(void *unused)
{
	for (int i = 0; i < 10000; i++)
		counter = counter + 1;
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
	tap_ok(true, "counted");
	return tap_exit();
}
