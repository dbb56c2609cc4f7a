/* SPDX-License-Identifier: MIT */
/* Every call of the folder that sleeps, and every way in which its sleep ends without success. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/park.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/resv.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define SOON_NS 2000000

static struct wwr_fence *fence;
static struct wwr_interrupt_token token;
static struct wwr_syncobj *empty, *other; /* a point of empty comes only at the end */
static struct wwr_bo *bo;
static int fd;

static int wait_fence(int64_t deadline_ns)
{
	return wwr_fence_wait_until(fence, &token, deadline_ns);
}

static int wait_any(int64_t deadline_ns)
{
	unsigned int index = 99;
	int ret = wwr_fence_wait_any(2, (struct wwr_fence *[]){fence, fence}, &token, deadline_ns,
				     &index);

	return ret == 0 && index != 0 ? -ERANGE : ret;
}

static int wait_resv(int64_t deadline_ns)
{
	return wwr_resv_wait_until(bo->resv, WWR_RESV_USAGE_READ, &token, deadline_ns);
}

static int wait_dma_buf(int64_t deadline_ns)
{
	return wwr_dma_buf_sync(fd, WWR_DMA_BUF_RW, &token, deadline_ns);
}

static int wait_syncobj(int64_t deadline_ns)
{
	return wwr_syncobj_wait(1, &empty, NULL, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, &token, deadline_ns,
				0, NULL);
}

static int wait_submitted(int64_t deadline_ns)
{
	struct wwr_fence *found = NULL;
	int ret = wwr_syncobj_find_fence(empty, 0, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, &token, deadline_ns,
					 &found);

	if ((ret == 0) != (found != NULL))
		ret = -ERANGE;
	wwr_fence_put(found);
	return ret;
}

static int wait_transfer(int64_t deadline_ns)
{
	return wwr_syncobj_transfer(other, 0, empty, 0, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, &token,
				    deadline_ns);
}

static const struct {
	const char *name;
	int (*wait)(int64_t deadline_ns);
} waits[] = {
    {"fence_wait_until", wait_fence},	 {"fence_wait_any", wait_any},
    {"resv_wait_until", wait_resv},	 {"dma_buf_sync", wait_dma_buf},
    {"syncobj_wait", wait_syncobj},	 {"syncobj_find_fence", wait_submitted},
    {"syncobj_transfer", wait_transfer},
};

#define NUM_WAITS (sizeof(waits) / sizeof(waits[0]))

static void setup(void)
{
	test_alloc_install();
	wwr_interrupt_token_init(&token);
	fence = test_fence_create(wwr_fence_context_alloc(1), 1);
	cr_assert_eq(wwr_syncobj_create(0, &empty), 0);
	cr_assert_eq(wwr_syncobj_create(0, &other), 0);
	cr_assert_eq(wwr_dma_buf_create(4096, NULL, &fd), 0);
	cr_assert_eq(wwr_dma_buf_get_bo(fd, &bo), 0);
	cr_assert_eq(wwr_mutex_lock(&bo->resv->mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(bo->resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(bo->resv, fence, WWR_RESV_USAGE_WRITE), 0);
	wwr_mutex_unlock(&bo->resv->mutex);
}

/* No wait that ended early has left anything behind: each is done now, and nobody has the fence. */
static void finish(void)
{
	cr_expect_eq(fence->refcount, 2, "ours and the reservation's");
	cr_assert_eq(wwr_fence_signal(fence), 0);
	cr_assert_eq(wwr_syncobj_signal(1, &empty), 0);
	wwr_interrupt_token_clear(&token);
	for (size_t i = 0; i < NUM_WAITS; i++)
		cr_expect_eq(waits[i].wait(INT64_MAX), 0, "%s", waits[i].name);
	wwr_fence_put(fence);
	wwr_syncobj_put(empty);
	wwr_syncobj_put(other);
	wwr_bo_put(bo);
	(void)close(fd);
	cr_expect_eq(wwr_dma_buf_collect(), 1);
	cr_expect_eq(test_fences_alive(), 0);
}

TestSuite(reservation_waits, .init = setup, .timeout = 20);

Test(reservation_waits, each_polls_at_deadline_0)
{
	unsigned int num_sleeps = test_futex_waits();

	for (size_t i = 0; i < NUM_WAITS; i++) {
		cr_expect_eq(waits[i].wait(0), -ETIME, "%s", waits[i].name);
		cr_expect_eq(test_futex_waits(), num_sleeps, "%s sleeps", waits[i].name);
	}
	finish();
}

Test(reservation_waits, each_ends_at_its_deadline_and_not_before)
{
	for (size_t i = 0; i < NUM_WAITS; i++) {
		int64_t deadline_ns = park_now_ns() + SOON_NS;

		cr_expect_eq(waits[i].wait(deadline_ns), -ETIME, "%s", waits[i].name);
		cr_expect(park_now_ns() >= deadline_ns, "%s", waits[i].name);
	}
	finish();
}

Test(reservation_waits, each_is_ended_by_a_token_that_was_interrupted_before)
{
	unsigned int num_sleeps = test_futex_waits();

	wwr_interrupt(&token);
	for (size_t i = 0; i < NUM_WAITS; i++)
		cr_expect_eq(waits[i].wait(INT64_MAX), -EINTR, "%s", waits[i].name);
	cr_expect_eq(test_futex_waits(), num_sleeps, "nobody sleeps");
	finish();
}

struct sleeper {
	int (*wait)(int64_t deadline_ns);
	int result;
	unsigned int done; /* (a) */
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->result = sleeper->wait(INT64_MAX);
	wwr_atomic_store(&sleeper->done, 1, WWR_RELEASE);
	return NULL;
}

/* Start the wait in a thread of its own, end its sleep, and give its result. */
static int end_sleep(size_t index, void (*end)(pthread_t thread, struct sleeper *sleeper))
{
	struct sleeper sleeper = {.wait = waits[index].wait, .result = 1};
	unsigned int num_sleeps = test_futex_waits();
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, sleeper_run, &sleeper), 0);
	test_until_futex_waits(num_sleeps + 1);
	end(thread, &sleeper);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	return sleeper.result;
}

static void end_by_token(pthread_t thread, struct sleeper *sleeper)
{
	(void)thread;
	(void)sleeper;
	wwr_interrupt(&token);
}

Test(reservation_waits, each_is_ended_by_its_token_while_it_sleeps)
{
	for (size_t i = 0; i < NUM_WAITS; i++) {
		wwr_interrupt_token_init(&token);
		cr_expect_eq(end_sleep(i, end_by_token), -EINTR, "%s", waits[i].name);
	}
	finish();
}

static void do_nothing(int number)
{
	(void)number;
}

/* One that comes before the system has put the thread to sleep is missed; so again. */
static void end_by_signal(pthread_t thread, struct sleeper *sleeper)
{
	while (wwr_atomic_load(&sleeper->done, WWR_ACQUIRE) == 0) {
		(void)pthread_kill(thread, SIGUSR1);
		(void)sched_yield();
	}
}

Test(reservation_waits, each_is_ended_by_a_signal_handler_whatever_sa_restart_says)
{
	for (int restart = 0; restart < 2; restart++) {
		struct sigaction action = {.sa_handler = do_nothing,
					   .sa_flags = restart != 0 ? SA_RESTART : 0};

		cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
		for (size_t i = 0; i < NUM_WAITS; i++)
			cr_expect_eq(end_sleep(i, end_by_signal), -EINTR, "%s", waits[i].name);
	}
	finish();
}
