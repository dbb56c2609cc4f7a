/* SPDX-License-Identifier: MIT */
#include "tests/reservation/reservation_fixture.h"

#include "lockset/wwr_atomic.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Relaxed throughout: these are counts. */
static unsigned int fences_alive;
static unsigned int futex_waits;
static unsigned int futex_wakes;

static struct test_fence *to_test_fence(struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct test_fence, fence);
}

static const char *fence_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "test";
}

static const char *fence_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "line";
}

static bool fence_enable_signaling(struct wwr_fence *fence)
{
	struct test_fence *own = to_test_fence(fence);

	own->num_enabled++;
	if (own->signal_when_enabled)
		(void)wwr_fence_signal(fence);
	return own->enable_result;
}

static void fence_set_deadline(struct wwr_fence *fence, int64_t deadline_ns)
{
	to_test_fence(fence)->num_deadlines++;
	to_test_fence(fence)->deadline_ns = deadline_ns;
}

static void fence_release(struct wwr_fence *fence)
{
	(void)wwr_atomic_fetch_sub(&fences_alive, 1, WWR_RELAXED);
	free(to_test_fence(fence));
}

const struct wwr_fence_ops test_fence_ops = {
    .driver_name = fence_driver_name,
    .timeline_name = fence_timeline_name,
    .release = fence_release,
};

const struct wwr_fence_ops test_fence_full_ops = {
    .driver_name = fence_driver_name,
    .timeline_name = fence_timeline_name,
    .enable_signaling = fence_enable_signaling,
    .release = fence_release,
    .set_deadline = fence_set_deadline,
};

unsigned int test_fences_alive(void)
{
	return wwr_atomic_load(&fences_alive, WWR_RELAXED);
}

static struct test_fence *fence_create(const struct wwr_fence_ops *ops, uint64_t context,
				       uint64_t seqno)
{
	struct test_fence *own = calloc(1, sizeof(*own));

	if (own == NULL)
		abort();
	(void)wwr_atomic_fetch_add(&fences_alive, 1, WWR_RELAXED);
	own->enable_result = true;
	wwr_fence_init(&own->fence, ops, context, seqno);
	return own;
}

struct wwr_fence *test_fence_create(uint64_t context, uint64_t seqno)
{
	return &fence_create(&test_fence_ops, context, seqno)->fence;
}

struct test_fence *test_fence_create_full(uint64_t context, uint64_t seqno)
{
	return fence_create(&test_fence_full_ops, context, seqno);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* The linker sends the libraries' calls of syscall() here. */
long __wrap_syscall(long number, ...)
{
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_futex && ((int)args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE_BITSET)
		(void)wwr_atomic_fetch_add(&futex_wakes, 1, WWR_RELAXED);
	else if (number == SYS_futex)
		(void)wwr_atomic_fetch_add(&futex_waits, 1, WWR_RELAXED);
	return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

unsigned int test_futex_waits(void)
{
	return wwr_atomic_load(&futex_waits, WWR_RELAXED);
}

unsigned int test_futex_wakes(void)
{
	return wwr_atomic_load(&futex_wakes, WWR_RELAXED);
}

void test_until_futex_waits(unsigned int num)
{
	while (test_futex_waits() < num)
		sched_yield();
}

bool test_aborts_with(void (*misuse)(void *arg), void *arg, const char *message)
{
	char text[1024];
	size_t length = 0;
	ssize_t got;
	int ends[2];
	int status;
	pid_t child;

	if (pipe(ends) != 0)
		return false;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		misuse(arg);
		_exit(0);
	}
	close(ends[1]);
	while (length < sizeof(text) - 1 &&
	       (got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	fputs(text, stderr);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, message) != NULL;
}
