/* SPDX-License-Identifier: MIT */
/*
 * Park words on futexes.  Invariant: whenever a thread is asleep on a word, that word has had
 * PARK_SLEEPING set since before it fell asleep, or has been changed since and is being woken.
 */
#include "lockset/park.h"

#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

/* A sleep with a timeout is not restarted after a signal handler, whatever SA_RESTART says. */
#define FAR_FUTURE_S ((time_t)1 << 40)

/* Turns before a wait lock's holder is left to the system: it is held for nanoseconds. */
#ifndef WAIT_LOCK_SPINS
#define WAIT_LOCK_SPINS 64
#endif

#ifdef WWR_EXPLORE
int wwr_explore_futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns);
void wwr_explore_futex_wake(uint32_t *word, int num);
int64_t wwr_explore_now_ns(void);

static int futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns, bool interruptible)
{
	(void)interruptible;
	return wwr_explore_futex_wait(word, value, deadline_ns);
}

static void futex_wake(uint32_t *word, int num)
{
	wwr_explore_futex_wake(word, num);
}

int64_t park_now_ns(void)
{
	return wwr_explore_now_ns();
}
#else
static bool is_past(int64_t deadline_ns)
{
	return deadline_ns != PARK_FOREVER && park_now_ns() >= deadline_ns;
}

static int futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns, bool interruptible)
{
	struct timespec deadline = {.tv_sec = FAR_FUTURE_S};
	struct timespec *timeout = interruptible ? &deadline : NULL;

	if (deadline_ns != PARK_FOREVER) {
		deadline.tv_sec = deadline_ns / NS_PER_S;
		deadline.tv_nsec = deadline_ns % NS_PER_S;
		timeout = &deadline;
	}
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, timeout, NULL,
		    FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	if (errno == EINTR || errno == ETIMEDOUT)
		return -errno;
	/* A system that refuses to let us sleep does not look at the deadline either. */
	return is_past(deadline_ns) ? -ETIMEDOUT : -EAGAIN;
}

static void futex_wake(uint32_t *word, int num)
{
	/*
	 * The word may be gone by now: then this wakes nobody, or somebody who tests again.  The
	 * kernel takes it for an address, and reads nothing there.
	 */
	syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, num, NULL, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

int64_t park_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}
#endif

uint32_t park_begin(uint32_t *word)
{
	/* Pairs with the release in park_unpark(): who sees the count sees what was made true. */
	return wwr_atomic_load(word, WWR_ACQUIRE);
}

/* It has not slept to the end, so nobody has looked at the clock. */
static int park_woken(int64_t deadline_ns)
{
	return deadline_ns != PARK_FOREVER && park_now_ns() >= deadline_ns ? -ETIME : 0;
}

int park_sleep(uint32_t *word, uint32_t seen, int64_t deadline_ns, bool interruptible)
{
	int ret;

	lock_order_check_sleep();
	if (deadline_ns <= 0)
		return -ETIME;
	if ((seen & PARK_SLEEPING) == 0) {
		uint32_t expected = seen;

		/* Relaxed: the futex call compares the word again, and who returns begins anew. */
		if (!wwr_atomic_cas(word, &expected, seen | PARK_SLEEPING, WWR_RELAXED))
			return park_woken(deadline_ns);
		seen |= PARK_SLEEPING;
	}
	ret = futex_wait(word, seen, deadline_ns, interruptible);
	if (ret == -ETIMEDOUT)
		return -ETIME;
	if (ret == -EINTR && interruptible)
		return -EINTR;
	return ret != 0 ? park_woken(deadline_ns) : 0;
}

/* Add a step and maybe a flag, take the sleeping mark; true = it was there. */
static bool park_change(uint32_t *word, uint32_t flag)
{
	/* Relaxed: only a guess for the exchange below. */
	uint32_t old = wwr_atomic_load(word, WWR_RELAXED);
	uint32_t new_value;

	do {
		new_value = ((old + PARK_STEP) & ~PARK_SLEEPING) | flag;
		/* Release pairs with park_begin(); later exchanges carry it on, for all wakers. */
	} while (!wwr_atomic_cas(word, &old, new_value, WWR_RELEASE));
	return (old & PARK_SLEEPING) != 0;
}

bool park_unpark(uint32_t *word)
{
	return park_change(word, 0);
}

void park_wake(uint32_t *word)
{
	futex_wake(word, INT_MAX);
}

void park_unpark_and_wake(uint32_t *word)
{
	if (park_unpark(word))
		park_wake(word);
}

void park_list_unpark(struct park_list *list, uint32_t *word)
{
	if (!park_unpark(word))
		return;
	if (list->num == PARK_LIST_MAX)
		park_wake(word);
	else
		list->words[list->num++] = word;
}

void park_list_wake(struct park_list *list)
{
	for (unsigned int i = 0; i < list->num; i++)
		park_wake(list->words[i]);
	list->num = 0;
}

/* Wait lock values: 0 free, 1 held, 2 held and somebody may be asleep. */
void wait_lock(uint32_t *lock)
{
	for (int i = 0; i < WAIT_LOCK_SPINS; i++) {
		uint32_t expected = 0;

		/* Acquire pairs with the release in wait_unlock(). */
		if (wwr_atomic_load(lock, WWR_RELAXED) == 0 &&
		    wwr_atomic_cas(lock, &expected, 1, WWR_ACQUIRE))
			return;
		wwr_atomic_pause();
	}
	while (wwr_atomic_exchange(lock, 2, WWR_ACQUIRE) != 0)
		(void)futex_wait(lock, 2, PARK_FOREVER, false);
}

void wait_unlock(uint32_t *lock)
{
	lock_order_leave(lock);
	/* Release pairs with the acquire in wait_lock(). */
	if (wwr_atomic_exchange(lock, 0, WWR_RELEASE) == 2)
		futex_wake(lock, 1);
}

void wwr_interrupt_token_init(struct wwr_interrupt_token *token)
{
	token->word = 0;
}

void wwr_interrupt_token_clear(struct wwr_interrupt_token *token)
{
	/* Relaxed: nothing is published with it. */
	(void)wwr_atomic_fetch_and(&token->word, ~PARK_INTERRUPTED, WWR_RELAXED);
}

bool wwr_interrupt_token_is_set(const struct wwr_interrupt_token *token)
{
	/* Acquire pairs with wwr_interrupt(): what came before it is seen. */
	return (wwr_atomic_load(&token->word, WWR_ACQUIRE) & PARK_INTERRUPTED) != 0;
}

void wwr_interrupt(struct wwr_interrupt_token *token)
{
	int saved_errno = errno;

	if (park_change(&token->word, PARK_INTERRUPTED))
		park_wake(&token->word);
	errno = saved_errno;
}
