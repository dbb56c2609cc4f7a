/* SPDX-License-Identifier: MIT */
#include "tools/bench/measure.h"

#include <pthread.h>

#include "tools/common/cli.h"

static void *run_nothing(void *arg)
{
	return arg;
}

int bench_become_multi_threaded(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_nothing, NULL) != 0) {
		cli_error("no thread could be started");
		return -1;
	}
	return pthread_join(thread, NULL) == 0 ? 0 : -1;
}
