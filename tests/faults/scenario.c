/* SPDX-License-Identifier: MIT */
#include "tests/faults/scenario.h"

#include <sched.h>
#include <stdlib.h>

static bool retries;

void scenario_set_retry(bool retry)
{
	retries = retry;
}

bool scenario_failed(const char *call, int ret, const int *errors)
{
	bool documented = false;

	for (; *errors != 0; errors++)
		documented |= *errors == ret;
	if (!faults_injected())
		faults_problem("%s: %d, though nothing was made to fail", call, ret);
	else if (!documented)
		faults_problem("%s: %d is no documented error", call, ret);
	if (retries)
		faults_disarm();
	return retries;
}

static void *thread_main(void *arg)
{
	struct scenario_thread *thread = arg;

	thread->fn(thread->arg);
	return NULL;
}

void scenario_start(struct scenario_thread *thread, void (*fn)(void *arg), void *arg)
{
	thread->fn = fn;
	thread->arg = arg;
	if (__real_pthread_create(&thread->thread, NULL, thread_main, thread) != 0)
		abort();
}

void scenario_join(struct scenario_thread *thread)
{
	(void)__real_pthread_join(thread->thread, NULL);
}

void scenario_wait_for_call(enum fault_kind kind, long num_before)
{
	while (faults_num_calls(kind) <= num_before)
		(void)sched_yield();
}
