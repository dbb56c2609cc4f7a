/* SPDX-License-Identifier: MIT */
/*
 * Invariant: every field of an actor marked (s) changes under the monitor, and each change is
 * broadcast.  An actor marked asleep is in the futex call of a lock call, or about to make it with
 * a word that any waker changes: whoever wakes it from then on is not missed.
 */
#include "tests/lockset/stage.h"

#include "lockset/thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

struct wwr_class main_class;
struct wwr_class other_class;
struct wwr_mutex mutex[STAGE_NUM_MUTEXES];
struct wwr_mutex other_mutex;
struct actor actor[STAGE_NUM_ACTORS];

static pthread_mutex_t monitor = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static bool in_child;
static __thread struct actor *current;

int64_t from_now_ns(int64_t delay_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec + delay_ns;
}

/* A test that cannot go on; in the child of a misuse there is no test to leave. */
static __attribute__((noreturn)) void stage_fail(const struct actor *self, const char *problem)
{
	int number = (int)(self - actor);

	fprintf(stderr, "actor %d %s (call ended: %d, result %d, asleep: %d)\n", number, problem,
		self->fn == NULL, self->result, self->asleep);
	if (in_child)
		_exit(3);
	cr_assert_fail("actor %d %s", number, problem);
	abort();
}

void must(int result)
{
	if (result == 0)
		return;
	fprintf(stderr, "a step before the one that matters gave %d\n", result);
	if (in_child)
		_exit(3);
	cr_assert_fail("a step before the one that matters gave %d", result);
}

/* Under the monitor: wait for a change, or give up. */
static void stage_wait(struct actor *self, const struct timespec *deadline, const char *problem)
{
	if (pthread_cond_timedwait(&changed, &monitor, deadline) == 0)
		return;
	pthread_mutex_unlock(&monitor);
	stage_fail(self, problem);
}

/* Fewer where a bug was planted, to find it sooner. */
static unsigned int patience_s(void)
{
	const char *wanted = getenv("WWR_TEST_PATIENCE");

	return wanted != NULL ? (unsigned int)strtoul(wanted, NULL, 0) : STAGE_PATIENCE_S;
}

static struct timespec stage_deadline(void)
{
	int64_t ns = from_now_ns((int64_t)patience_s() * NS_PER_S);

	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* A lock call's own sleep, not the wait lock's. */
static bool is_lock_sleep(long number, const long *args)
{
	const struct wwr_mutex *waiting;

	if (number != SYS_futex || ((int)args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return false;
	waiting = wwr_atomic_load(&thread_self()->waiting, WWR_RELAXED);
	return waiting != NULL && (const uint32_t *)args[0] != &waiting->wait_lock;
}

static void fall_asleep(struct actor *self)
{
	pthread_mutex_lock(&monitor);
	self->asleep = true;
	self->num_sleeps++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&monitor);
}

/* Who is held back counts as asleep. */
static void wake_up(struct actor *self)
{
	pthread_mutex_lock(&monitor);
	while (self->held_back) {
		self->at_gate = true;
		pthread_cond_broadcast(&changed);
		pthread_cond_wait(&changed, &monitor);
	}
	self->at_gate = false;
	self->asleep = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&monitor);
}

/* The linker sends the libraries' calls of syscall() here. */
long __wrap_syscall(long number, ...)
{
	long args[6];
	long ret;
	bool sleeps;
	int saved_errno;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	sleeps = current != NULL && is_lock_sleep(number, args);
	if (sleeps && current->no_futex) {
		errno = ENOSYS;
		return -1;
	}
	if (sleeps)
		fall_asleep(current);
	ret = __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	saved_errno = errno;
	if (sleeps)
		wake_up(current);
	errno = saved_errno;
	return ret;
}

static void actor_clean_up(struct actor *self)
{
	if (self->has_set)
		wwr_lock_set_fini(&self->set);
	if (!self->has_ctx)
		return;
	(void)do_unlock_all(self, NULL);
	wwr_acquire_ctx_fini(&self->ctx);
}

static void *actor_main(void *arg)
{
	struct actor *self = arg;
	int result;

	current = self;
	pthread_mutex_lock(&monitor);
	self->tid = (int)__real_syscall(SYS_gettid);
	while (!self->leaves) {
		if (self->fn == NULL) {
			pthread_cond_wait(&changed, &monitor);
			continue;
		}
		pthread_mutex_unlock(&monitor);
		result = self->fn(self, self->arg);
		pthread_mutex_lock(&monitor);
		self->result = result;
		self->fn = NULL;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&monitor);
	actor_clean_up(self);
	return NULL;
}

void actor_begin(struct actor *self, actor_fn *fn, void *arg)
{
	pthread_mutex_lock(&monitor);
	if (self->fn != NULL) {
		pthread_mutex_unlock(&monitor);
		stage_fail(self, "is busy already");
	}
	self->fn = fn;
	self->arg = arg;
	if (!self->started) {
		self->started = pthread_create(&self->thread, NULL, actor_main, self) == 0;
		if (!self->started) {
			pthread_mutex_unlock(&monitor);
			stage_fail(self, "could not be started");
		}
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&monitor);
}

int actor_end(struct actor *self)
{
	const struct timespec deadline = stage_deadline();
	int result;

	pthread_mutex_lock(&monitor);
	while (self->fn != NULL)
		stage_wait(self, &deadline, "does not end its call");
	result = self->result;
	pthread_mutex_unlock(&monitor);
	return result;
}

int actor_call(struct actor *self, actor_fn *fn, void *arg)
{
	actor_begin(self, fn, arg);
	return actor_end(self);
}

void actor_until_slept(struct actor *self, unsigned int num)
{
	const struct timespec deadline = stage_deadline();
	bool asleep;

	pthread_mutex_lock(&monitor);
	while (self->fn != NULL && !(self->asleep && self->num_sleeps >= num))
		stage_wait(self, &deadline, "does not fall asleep");
	asleep = self->fn != NULL;
	pthread_mutex_unlock(&monitor);
	if (!asleep)
		stage_fail(self, "did not sleep");
}

void actor_until_asleep(struct actor *self)
{
	actor_until_slept(self, 0);
}

void actor_block(struct actor *self, actor_fn *fn, void *arg)
{
	actor_begin(self, fn, arg);
	actor_until_asleep(self);
}

unsigned int actor_num_sleeps(struct actor *self)
{
	unsigned int num;

	pthread_mutex_lock(&monitor);
	num = self->num_sleeps;
	pthread_mutex_unlock(&monitor);
	return num;
}

bool actor_is_done(struct actor *self)
{
	bool done;

	pthread_mutex_lock(&monitor);
	done = self->fn == NULL;
	pthread_mutex_unlock(&monitor);
	return done;
}

static void actor_set_held_back(struct actor *self, bool held_back)
{
	pthread_mutex_lock(&monitor);
	self->held_back = held_back;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&monitor);
}

void actor_hold_back(struct actor *self)
{
	actor_set_held_back(self, true);
}

void actor_let_go(struct actor *self)
{
	actor_set_held_back(self, false);
}

void actor_until_at_gate(struct actor *self)
{
	const struct timespec deadline = stage_deadline();

	pthread_mutex_lock(&monitor);
	while (!self->at_gate)
		stage_wait(self, &deadline, "was not woken");
	pthread_mutex_unlock(&monitor);
}

/* The letter that /proc has for a thread: R runs, S sleeps. */
static char thread_state(int tid)
{
	char path[64], line[512];
	const char *end = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (file == NULL)
		return '?';
	if (fgets(line, sizeof(line), file) != NULL)
		end = strrchr(line, ')');
	fclose(file);
	return end != NULL && end[1] == ' ' ? end[2] : '?';
}

void actor_signal(struct actor *self, int signal_number)
{
	int64_t deadline_ns = from_now_ns(FAR_FROM_NOW_NS);

	actor_until_asleep(self);
	while (thread_state(self->tid) != 'S') {
		if (from_now_ns(0) > deadline_ns)
			stage_fail(self, "does not sleep in the kernel");
		sched_yield();
	}
	pthread_kill(self->thread, signal_number);
}

void actors_init_ctx(unsigned int num, ...)
{
	va_list list;

	va_start(list, num);
	for (unsigned int i = 0; i < num; i++)
		(void)actor_call(va_arg(list, struct actor *), do_ctx_init, NULL);
	va_end(list);
}

void stage_open(enum wwr_algorithm algorithm)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);

	wwr_class_init(&main_class, "main", algorithm);
	wwr_class_init(&other_class, "other", algorithm);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		wwr_mutex_init(&mutex[i], &main_class);
	wwr_mutex_init(&other_mutex, &other_class);
	for (int i = 0; i < STAGE_NUM_ACTORS; i++)
		actor[i].token_used = &actor[i].token;
}

void without_injection(void)
{
	wwr_class_set_injection(&main_class, 0, 0);
	wwr_class_set_injection(&other_class, 0, 0);
	wwr_class_set_injection(wwr_default_class(), 0, 0);
}

static void actor_stop(struct actor *self)
{
	if (!self->started)
		return;
	if (!actor_is_done(self))
		stage_fail(self, "is still busy at the end");
	pthread_mutex_lock(&monitor);
	self->leaves = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&monitor);
	pthread_join(self->thread, NULL);
}

void stage_close(void)
{
	for (int i = 0; i < STAGE_NUM_ACTORS; i++)
		actor_stop(&actor[i]);
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++)
		wwr_mutex_fini(&mutex[i]);
	wwr_mutex_fini(&other_mutex);
	wwr_class_fini(&main_class);
	wwr_class_fini(&other_class);
}

/* The child's part of assert_aborts(). */
static void run_misuse(void (*misuse)(void), int stderr_fd)
{
	in_child = true;
	dup2(stderr_fd, STDERR_FILENO);
	signal(SIGABRT, SIG_DFL);
	alarm(patience_s());
	misuse();
	_exit(0);
}

static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
}

void assert_aborts(void (*misuse)(void), const char *message)
{
	char text[4096];
	int status = 0;
	int ends[2];
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		run_misuse(misuse, ends[1]);
	close(ends[1]);
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		  "wait status 0x%x, not an abort; it said: %s", (unsigned int)status, text);
	cr_assert(strstr(text, "wwresv: usage error: ") != NULL && strstr(text, message) != NULL,
		  "\"%s\" is not in: %s", message, text);
}
