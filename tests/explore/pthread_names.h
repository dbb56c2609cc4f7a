/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_PTHREAD_NAMES_H
#define TESTS_EXPLORE_PTHREAD_NAMES_H

/*
 * The threads, locks and clock of the system under other names: a source that includes this before
 * the system's headers calls those of tests/explore/pthread.c, whose prototypes are the same.
 */
#define pthread_mutex_init	  ex_mutex_init
#define pthread_mutex_destroy	  ex_mutex_destroy
#define pthread_mutex_lock	  ex_mutex_lock
#define pthread_mutex_unlock	  ex_mutex_unlock
#define pthread_condattr_init	  ex_condattr_init
#define pthread_condattr_setclock ex_condattr_setclock
#define pthread_condattr_destroy  ex_condattr_destroy
#define pthread_cond_init	  ex_cond_init
#define pthread_cond_destroy	  ex_cond_destroy
#define pthread_cond_wait	  ex_cond_wait
#define pthread_cond_timedwait	  ex_cond_timedwait
#define pthread_cond_broadcast	  ex_cond_broadcast
#define pthread_create		  ex_thread_create
#define pthread_join		  ex_thread_join
#define pthread_setname_np	  ex_thread_setname
#define clock_gettime		  ex_clock_gettime

#include <pthread.h>
#include <time.h>

#endif /* TESTS_EXPLORE_PTHREAD_NAMES_H */
