/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_SCENARIO_H
#define TESTS_FAULTS_SCENARIO_H

/*
 * Small programs that use the libraries, for the sweep to run again and again with another call
 * failing.  A scenario makes objects, uses them and ends them; whatever fails must fail with a
 * documented error and leave things so that the call can be made again.
 */

#include <stdbool.h>

#include "tests/faults/interpose.h"

struct scenario {
	const char *name;
	/* Leaves nothing behind. */
	void (*run)(void);
	/* Gives back what the library keeps for a while; NULL = it keeps nothing. */
	void (*settle)(void);
};

/* NULL-terminated. */
extern const struct scenario *const lockset_scenarios[];
extern const struct scenario *const fence_scenarios[];
extern const struct scenario *const resv_scenarios[];
extern const struct scenario *const file_scenarios[];
extern const struct scenario *const core_scenarios[];
extern const struct scenario *const mock_scenarios[];
extern const struct scenario *const sched_scenarios[];
extern const struct scenario *const wsim_scenarios[];
extern const struct scenario *const canary_scenarios[];

/* After a failure: make the call again, with nothing failing any more; else give up. */
void scenario_set_retry(bool retry);

/*
 * A call that returns 0 or an error.  An error must be one of those named, and something must have
 * been made to fail; then the call is made again and must succeed, or the scenario gives up: *ret
 * says which, as the call would.
 */
#define FAULT_TRY(ret, call, ...)                                                                  \
	do {                                                                                       \
		static const int fault_errors[] = {__VA_ARGS__, 0};                                \
		*(ret) = (call);                                                                   \
		if (*(ret) != 0 && scenario_failed(#call, *(ret), fault_errors)) {                 \
			*(ret) = (call);                                                           \
			if (*(ret) != 0)                                                           \
				faults_problem("%s: %d again, with nothing failing", #call,        \
					       *(ret));                                            \
		}                                                                                  \
	} while (0)

/* Something that must be so. */
#define FAULT_CHECK(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			faults_problem("%s:%d: not so: %s", __FILE__, __LINE__, #condition);       \
	} while (0)

/* errors ends with 0; true = make the call again. */
bool scenario_failed(const char *call, int ret, const int *errors);

/* A thread of the scenario's own; no fault can hit its start. */
struct scenario_thread {
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
};

void scenario_start(struct scenario_thread *thread, void (*fn)(void *arg), void *arg);
void scenario_join(struct scenario_thread *thread);

/* Until another thread has made a call of this kind, beyond the first num_before ones. */
void scenario_wait_for_call(enum fault_kind kind, long num_before);

#endif /* TESTS_FAULTS_SCENARIO_H */
