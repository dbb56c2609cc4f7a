/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a fence, or for one of several.  The waiter's callback lives in the waiter's memory,
 * and the fence and the token may be gone as soon as the waiter returns.  Invariant: the change of
 * own_word is the last thing that the callback does to the waiter, the token and the fence; the
 * waiter returns after it has seen it, or after it has taken the callback back.
 */
#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "lockset/thread.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/fence_track.h"

#include <errno.h>
#include <inttypes.h>

struct fence_wait {
	struct wwr_fence_cb cb;
	uint32_t *word;	   /* where the thread sleeps: own_word, or one that others change too */
	uint32_t fired;	   /* (a) signalled; set before *word changes; unused with own_word */
	uint32_t own_word; /* (a) a park word */
	struct fence_waiter *waiter;
};

static void fence_wait_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct fence_wait *wait = WWR_CONTAINER_OF(cb, struct fence_wait, cb);
	uint32_t *own_word = &wait->own_word;
	uint32_t *word = wait->word;
	bool wake_word = false;
	bool wake_own;

	(void)fence;
	if (word != own_word) {
		/* Release pairs with the acquire in fence_wait_fired(). */
		wwr_atomic_store(&wait->fired, 1, WWR_RELEASE);
		wake_word = park_unpark(word);
	}
	wake_own = park_unpark(own_word);
	/* From here on only addresses are used. */
	if (wake_word)
		park_wake(word);
	if (wake_own)
		park_wake(own_word);
}

const struct fence_waiter *fence_wait_of_cb(struct wwr_fence_cb *cb)
{
	if (cb->func != fence_wait_func)
		return NULL;
	return WWR_CONTAINER_OF(cb, struct fence_wait, cb)->waiter;
}

/* Has own_word been changed? */
static bool fence_wait_over(struct fence_wait *wait)
{
	return park_begin(&wait->own_word) >= PARK_STEP;
}

static bool fence_wait_fired(struct fence_wait *wait)
{
	if (wait->word == &wait->own_word)
		return fence_wait_over(wait);
	/* Acquire pairs with the release in fence_wait_func(). */
	return wwr_atomic_load(&wait->fired, WWR_ACQUIRE) != 0;
}

/* The callback has been called: it must have finished. */
static void fence_wait_finish(struct fence_wait *wait)
{
	while (!fence_wait_over(wait)) {
		uint32_t seen = park_begin(&wait->own_word);

		if (seen < PARK_STEP)
			(void)park_sleep(&wait->own_word, seen, PARK_FOREVER, false);
	}
}

/* The index of the first whose callback is being called, or was; num = none. */
static unsigned int fence_wait_find_fired(struct fence_wait *waits, unsigned int num)
{
	unsigned int i = 0;

	while (i < num && !fence_wait_fired(&waits[i]))
		i++;
	return i;
}

/* All of them sleep on the same word.  0 = one has fired; else why the sleep ended. */
static int fence_wait_sleep(struct fence_wait *waits, unsigned int num,
			    struct wwr_fence *const *fences, struct wwr_interrupt_token *token,
			    int64_t deadline_ns, unsigned int *ret_index)
{
	struct fence_waiter *waiter = waits[0].waiter;
	uint32_t *word = waits[0].word;
	int slept = 0;

	for (;;) {
		uint32_t seen = park_begin(word);
		bool is_due = false;

		*ret_index = fence_wait_find_fired(waits, num);
		if (*ret_index < num)
			return 0;
		if (token != NULL && wwr_interrupt_token_is_set(token))
			return -EINTR;
		if (slept != 0)
			return slept;
		slept = fence_waiter_sleep(waiter, word, seen, deadline_ns, token != NULL, &is_due);
		for (unsigned int i = 0; is_due && i < num; i++)
			fence_waiter_report(waiter, fences[i]);
	}
}

void fence_check_wait(const struct wwr_fence *fence)
{
	fence_signaling_check_wait(fence);
	WWR_USAGE(!fence_is_client_marked(fence) || !thread_holds_lock(thread_self()) ||
		      !wwr_fence_is_client_dependent(fence),
		  "fence %p (%" PRIu64 ":%" PRIu64
		  ") depends on a client's later action: the thread "
		  "would wait for it and holds a mutex which that client may want",
		  (const void *)fence, fence->context, fence->seqno);
}

int wwr_fence_wait_until(struct wwr_fence *fence, struct wwr_interrupt_token *token,
			 int64_t deadline_ns)
{
	struct fence_waiter waiter;
	struct fence_wait wait = {.word = park_word(token, &wait.own_word), .waiter = &waiter};
	unsigned int index;
	int ret;

	if (wwr_fence_is_signaled(fence))
		return 0;
	if (deadline_ns <= 0)
		return !fence_enable(fence) || wwr_fence_is_signaled(fence) ? 0 : -ETIME;
	fence_check_wait(fence);
	fence_waiter_begin(&waiter);
	if (wwr_fence_add_callback(fence, &wait.cb, fence_wait_func) != 0)
		return 0;
	ret = fence_wait_sleep(&wait, 1, &fence, token, deadline_ns, &index);
	if (ret == 0)
		fence_wait_finish(&wait);
	else if (!wwr_fence_remove_callback(fence, &wait.cb))
		ret = 0; /* it signalled in the last moment, and the callback is over */
	return ret;
}

/* Callbacks for several fences: one allocation. */
struct fence_wait_any {
	uint32_t word; /* (a) the park word of a thread without token */
	struct fence_waiter waiter;
	struct fence_wait waits[];
};

static struct fence_wait_any *wait_any_create(unsigned int num, struct wwr_interrupt_token *token)
{
	struct fence_wait_any *any;
	size_t size_bytes;

	if (__builtin_mul_overflow((size_t)num, sizeof(any->waits[0]), &size_bytes) ||
	    __builtin_add_overflow(size_bytes, sizeof(*any), &size_bytes))
		return NULL;
	any = wwr_alloc(size_bytes);
	if (any == NULL)
		return NULL;
	fence_waiter_begin(&any->waiter);
	for (unsigned int i = 0; i < num; i++) {
		any->waits[i].word = park_word(token, &any->word);
		any->waits[i].waiter = &any->waiter;
	}
	return any;
}

/* Add the callbacks; returns how many: fewer than num if the next fence has signalled. */
static unsigned int wait_any_add(struct fence_wait_any *any, unsigned int num,
				 struct wwr_fence *const *fences)
{
	unsigned int i = 0;

	while (i < num &&
	       wwr_fence_add_callback(fences[i], &any->waits[i].cb, fence_wait_func) == 0)
		i++;
	return i;
}

/* Take the first num callbacks back; returns the index of one that was called, or num. */
static unsigned int wait_any_remove(struct fence_wait_any *any, unsigned int num,
				    struct wwr_fence *const *fences)
{
	unsigned int index = num;

	for (unsigned int i = 0; i < num; i++) {
		struct fence_wait *wait = &any->waits[i];

		if (fence_wait_fired(wait))
			fence_wait_finish(wait); /* the fence may be gone */
		else if (wwr_fence_remove_callback(fences[i], &wait->cb))
			continue;
		if (index == num)
			index = i;
	}
	return index;
}

static int wait_any_sleep(unsigned int num, struct wwr_fence *const *fences,
			  struct wwr_interrupt_token *token, int64_t deadline_ns,
			  unsigned int *ret_index)
{
	struct fence_wait_any *any;
	unsigned int num_added;
	unsigned int called;
	unsigned int index;
	int ret = 0;

	for (unsigned int i = 0; i < num; i++)
		fence_check_wait(fences[i]);
	any = wait_any_create(num, token);
	if (any == NULL)
		return -ENOMEM;
	num_added = wait_any_add(any, num, fences);
	index = num_added;
	if (num_added == num)
		ret = fence_wait_sleep(any->waits, num, fences, token, deadline_ns, &index);
	called = wait_any_remove(any, num_added, fences);
	wwr_free(any);
	if (ret != 0 && called < num) {
		/* It signalled in the last moment. */
		index = called;
		ret = 0;
	}
	if (ret == 0)
		*ret_index = index;
	return ret;
}

/* The index of the first that has signalled, num = none has; maybe each driver is asked to. */
static unsigned int wait_any_poll(unsigned int num, struct wwr_fence *const *fences, bool enable)
{
	unsigned int i = 0;

	while (i < num && (!enable || fence_enable(fences[i])) && !wwr_fence_is_signaled(fences[i]))
		i++;
	return i;
}

int wwr_fence_wait_any(unsigned int num, struct wwr_fence *const *fences,
		       struct wwr_interrupt_token *token, int64_t deadline_ns,
		       unsigned int *ret_index)
{
	unsigned int index;

	if (num == 0)
		return -EINVAL;
	index = wait_any_poll(num, fences, false);
	if (index == num && deadline_ns > 0)
		return wait_any_sleep(num, fences, token, deadline_ns, ret_index);
	if (index == num)
		index = wait_any_poll(num, fences, true);
	if (index == num)
		return -ETIME;
	*ret_index = index;
	return 0;
}
