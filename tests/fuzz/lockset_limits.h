/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_LOCKSET_LIMITS_H
#define TESTS_FUZZ_LOCKSET_LIMITS_H

/*
 * Included before the sources of lockset/ when they are built for the fuzzer: limits that the
 * input chooses, so that short inputs reach them.  And there is but one thread, which would yield
 * to nobody.
 */
#include <sched.h>

#define sched_yield() ((void)0)
extern unsigned int fuzz_max_losses;
extern unsigned int fuzz_handoff_after;

#define SET_MAX_LOSSES	    fuzz_max_losses
#define MUTEX_HANDOFF_AFTER fuzz_handoff_after

#endif /* TESTS_FUZZ_LOCKSET_LIMITS_H */
