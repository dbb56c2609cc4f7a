/* SPDX-License-Identifier: MIT */
/*
 * Threads, mutexes and condition variables of the system for drivers/sched, on fibers.  Each call
 * is a scheduling point and looks whether its object is alive.  As POSIX says and no more: a mutex
 * is given to nobody in particular, a wait may end for no reason, and an object may be destroyed as
 * soon as nobody has, or sleeps on, it.  Before the fibers run, and after, there is nobody to wait
 * for.
 */
#include "tests/explore/pthread_names.h"

#include "tests/explore/run.h"

#include <errno.h>

#define NS_PER_S 1000000000

/* One of so many waits ends at once. */
#define SPURIOUS 8

/* The holder of a mutex that was taken by no fiber. */
#define NO_FIBER (EX_MAX_FIBERS + 1)

/* What the system's types are used for. */
struct lock {
	uint32_t holder; /* 1 + fiber, or NO_FIBER; 0 = free */
} __attribute__((may_alias));

struct cond {
	int32_t clock;
} __attribute__((may_alias));

_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t) &&
		   sizeof(struct cond) <= sizeof(pthread_cond_t) &&
		   sizeof(struct cond) <= sizeof(pthread_condattr_t),
	       "the state fits into the system's types");

/* By the fiber's number, which is the thread's name. */
static struct {
	void *(*fn)(void *arg);
	void *arg;
	bool done;
} threads[EX_MAX_FIBERS];

static void step(const char *what, const void *object)
{
	const struct ex_op op = {"pthread", what, object, 0};

	if (ex.current != NULL)
		ex_step(&op);
	else
		ex_memory_touch(object);
}

static uint32_t self_number(void)
{
	return ex.current != NULL ? ex_self() + 1 : NO_FIBER;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	(void)attr;
	((struct lock *)mutex)->holder = 0;
	return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	step("mutex_destroy", mutex);
	EX_CHECK(((struct lock *)mutex)->holder == 0 && !ex_has_sleeper(mutex),
		 "a mutex is destroyed that somebody has or waits for");
	return 0;
}

static void take(pthread_mutex_t *mutex)
{
	struct lock *lock = (struct lock *)mutex;

	EX_CHECK(lock->holder != self_number(), "a thread locks a mutex that it has");
	while (lock->holder != 0) {
		(void)ex_sleep(mutex, EX_NEVER);
		ex_memory_touch(mutex);
	}
	lock->holder = self_number();
}

/* Whoever waits runs for it, and so does who comes by. */
static void release(pthread_mutex_t *mutex)
{
	struct lock *lock = (struct lock *)mutex;

	ex_memory_touch(mutex);
	EX_CHECK(lock->holder == self_number(), "a thread unlocks a mutex that it does not have");
	ex_note("unlocks", mutex);
	lock->holder = 0;
	ex_wake_all(mutex);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	step("mutex_lock", mutex);
	take(mutex);
	return 0;
}

/* Nobody sees what is done before it; others run before what comes after it. */
int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	release(mutex);
	if (ex.current != NULL)
		ex_point_at("pthread", 0, "has unlocked");
	return 0;
}

int pthread_condattr_init(pthread_condattr_t *attr)
{
	((struct cond *)attr)->clock = CLOCK_REALTIME;
	return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
	((struct cond *)attr)->clock = clock;
	return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attr)
{
	(void)attr;
	return 0;
}

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
	((struct cond *)cond)->clock =
	    attr != NULL ? ((const struct cond *)attr)->clock : CLOCK_REALTIME;
	return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
	step("cond_destroy", cond);
	EX_CHECK(!ex_has_sleeper(cond),
		 "a condition variable is destroyed that somebody sleeps on");
	return 0;
}

static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	int ret = 0;

	ex_memory_touch(cond);
	EX_CHECK(ex.current != NULL, "a wait where there is nobody to wait for");
	release(mutex);
	if (deadline_ns <= ex.now_ns)
		ret = -ETIMEDOUT;
	else if (ex_random(SPURIOUS) == 0)
		ex_note("wakes up for no reason", cond);
	else
		ret = ex_sleep(cond, deadline_ns);
	step("mutex_lock", mutex);
	take(mutex);
	return ret == -ETIMEDOUT ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	return wait_until(cond, mutex, EX_NEVER);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			   const struct timespec *deadline)
{
	EX_CHECK(((struct cond *)cond)->clock == CLOCK_MONOTONIC, "a wait by the wrong clock");
	return wait_until(cond, mutex, (int64_t)deadline->tv_sec * NS_PER_S + deadline->tv_nsec);
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
	step("cond_broadcast", cond);
	ex_wake_all(cond);
	return 0;
}

static void thread_main(void *arg)
{
	const unsigned int self = ex_self();

	(void)arg;
	(void)threads[self].fn(threads[self].arg);
	ex_point_at("pthread", 0, "thread ends");
	threads[self].done = true;
	ex_wake_all(&threads[self]);
}

/* In a scenario's setup only: priorities are dealt when all fibers are there. */
int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*fn)(void *arg),
		   void *arg)
{
	unsigned int number;

	(void)attr;
	EX_CHECK(ex.current == NULL, "a thread is created by a fiber");
	number = ex_spawn("worker", thread_main, NULL);
	threads[number].fn = fn;
	threads[number].arg = arg;
	threads[number].done = false;
	*ret_thread = number;
	return 0;
}

int pthread_join(pthread_t thread, void **ret_result)
{
	(void)ret_result;
	ex_point_at("pthread", 0, "thread_join");
	while (!threads[thread].done)
		(void)ex_sleep(&threads[thread], EX_NEVER);
	return 0;
}

int pthread_setname_np(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	(void)clock;
	*ret_now =
	    (struct timespec){.tv_sec = ex.now_ns / NS_PER_S, .tv_nsec = ex.now_ns % NS_PER_S};
	return 0;
}
