/* SPDX-License-Identifier: MIT */
/*
 * A signal enters the system only to wake somebody.  The system itself counts: in a child process
 * whose calls it stops and hands to a signal handler.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_pool.h>
#include <wwresv/resv.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUM_TURNS 1000
#define NO_FILTER 250 /* exit code: the system does not count here */
#define BROKEN	  251 /* a call of the library failed */

static volatile sig_atomic_t num_calls;
static struct wwr_fence_pool *pool;
static struct wwr_fence *awaited;

static const char *a_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "counted";
}

static const struct wwr_fence_ops ops = {.driver_name = a_name, .timeline_name = a_name};

static void on_call(int signal)
{
	(void)signal;
	num_calls++;
}

/* From here on calls of this thread are counted and not made, but for those needed to tell. */
static bool stop_calls(void)
{
	static struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
	    /* Where the clock cannot be read without one. */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	const struct sigaction action = {.sa_handler = on_call};

	return sigaction(SIGSYS, &action, NULL) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* System calls that a function makes in a child process, after a first turn that is not counted. */
static int count_calls(bool (*func)(void))
{
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		if (!func())
			_exit(BROKEN);
		if (!stop_calls())
			_exit(NO_FILTER);
		if (!func())
			_exit(BROKEN);
		/* Not _exit(): in a build for coverage that one writes files first. */
		syscall(SYS_exit_group, num_calls < NO_FILTER ? num_calls : NO_FILTER - 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "status %x", (unsigned int)status);
	if (WEXITSTATUS(status) == NO_FILTER)
		cr_skip_test("this system does not let a process stop its calls");
	cr_assert_neq(WEXITSTATUS(status), BROKEN);
	return WEXITSTATUS(status);
}

static void setup(void)
{
	const struct wwr_fence_pool_options options = {.ops = &ops};

	/* That detector asks the system who makes a fence. */
	wwr_debug_set_checks(wwr_debug_get_checks() & ~(unsigned int)WWR_DEBUG_FENCES);
	pool = wwr_fence_pool_create(&options);
	cr_assert_not_null(pool);
}

static void teardown(void)
{
	wwr_fence_pool_destroy(pool);
}

TestSuite(reservation_fence_syscalls, .init = setup, .fini = teardown, .timeout = 20);

static void do_nothing(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

static bool fence_life(bool with_time)
{
	struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, 1);
	struct wwr_fence_cb cb;
	int failed = wwr_fence_add_callback(fence, &cb, do_nothing);

	failed |= with_time ? wwr_fence_signal_at(fence, 1) : wwr_fence_signal(fence);
	wwr_fence_put(fence);
	return failed == 0;
}

static bool live_and_signal(void)
{
	bool works = true;

	for (int i = 0; i < NUM_TURNS; i++)
		works = fence_life(i % 2 == 0) && works;
	return works;
}

Test(reservation_fence_syscalls, signal_with_nobody_asleep_makes_no_system_call)
{
	cr_expect_eq(count_calls(live_and_signal), 0);
	cr_assert(live_and_signal());
	cr_expect_eq(test_futex_wakes(), 0);
}

/* A buffer whose fences are replaced and signalled, and looked at by a reader. */
static bool use_resv(void)
{
	static struct wwr_resv resv;
	bool works = true;

	wwr_resv_init(&resv, NULL);
	for (int i = 0; i < NUM_TURNS && works; i++) {
		struct wwr_fence *fence = wwr_fence_pool_alloc(pool, 1, (uint64_t)i);

		works = wwr_mutex_lock(&resv.mutex, NULL) == 0;
		works = wwr_resv_reserve_fences(&resv, 1) == 0 && works;
		works = wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_WRITE) == 0 && works;
		wwr_mutex_unlock(&resv.mutex);
		works = !wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_WRITE) && works;
		works = wwr_fence_signal(fence) == 0 && works;
		works = wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_WRITE) && works;
		wwr_fence_put(fence);
	}
	wwr_resv_fini(&resv);
	return works;
}

Test(reservation_fence_syscalls, use_of_a_reservation_without_contention_makes_no_system_call)
{
	cr_expect_eq(count_calls(use_resv), 0);
}

static void *wait_for_awaited(void *arg)
{
	(void)!wwr_fence_wait_until(awaited, NULL, INT64_MAX);
	return arg;
}

/* In the child: the thread that sleeps is not the one whose calls are stopped. */
static bool signal_a_sleeper(void)
{
	static bool is_asleep;
	const unsigned int before = test_futex_waits();
	pthread_t thread;

	if (is_asleep)
		return wwr_fence_signal_at(awaited, 1) == 0;
	is_asleep = true;
	awaited = wwr_fence_pool_alloc(pool, 1, 1);
	if (pthread_create(&thread, NULL, wait_for_awaited, NULL) != 0)
		return false;
	test_until_futex_waits(before + 1);
	return true;
}

Test(reservation_fence_syscalls, signal_with_somebody_asleep_makes_one_system_call)
{
	cr_expect_eq(count_calls(signal_a_sleeper), 1);
}
