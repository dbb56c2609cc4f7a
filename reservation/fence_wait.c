/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a fence.  The waiter's callback lives on its stack, and the fence and the token may
 * be gone as soon as the waiter returns.  Invariant: the change of own_word is the last thing that
 * the callback does to the waiter, the token and the fence; the waiter returns after it has seen
 * it, or after it has taken the callback back.
 */
#include "lockset/park.h"
#include "reservation/fence_core.h"

#include <errno.h>

struct fence_wait {
	struct wwr_fence_cb cb;
	struct wwr_interrupt_token *token; /* NULL = sleeps on own_word */
	uint32_t fired;			   /* (a) signalled; set before the token's word changes */
	uint32_t own_word;		   /* (a) */
};

static void fence_wait_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct fence_wait *wait = WWR_CONTAINER_OF(cb, struct fence_wait, cb);
	uint32_t *own_word = &wait->own_word;
	uint32_t *token_word = wait->token != NULL ? &wait->token->word : NULL;
	bool wake_token = false;
	bool wake_own;

	(void)fence;
	if (token_word != NULL) {
		/* Release pairs with the acquire in fence_wait_fired(). */
		wwr_atomic_store(&wait->fired, 1, WWR_RELEASE);
		wake_token = park_unpark(token_word);
	}
	wake_own = park_unpark(own_word);
	/* From here on only addresses are used. */
	if (wake_token)
		park_wake(token_word);
	if (wake_own)
		park_wake(own_word);
}

/* Has own_word been changed? */
static bool fence_wait_over(struct fence_wait *wait)
{
	return park_begin(&wait->own_word) >= PARK_STEP;
}

static bool fence_wait_fired(struct fence_wait *wait)
{
	if (wait->token == NULL)
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

/* 0 = the callback is being called, or was; else why the sleep ended. */
static int fence_wait_sleep(struct fence_wait *wait, int64_t deadline_ns)
{
	uint32_t *word = park_word(wait->token, &wait->own_word);
	int slept = 0;

	for (;;) {
		uint32_t seen = park_begin(word);

		if (fence_wait_fired(wait))
			return 0;
		if (wait->token != NULL && wwr_interrupt_token_is_set(wait->token))
			return -EINTR;
		if (slept != 0)
			return slept;
		slept = park_sleep(word, seen, deadline_ns, wait->token != NULL);
	}
}

int wwr_fence_wait_until(struct wwr_fence *fence, struct wwr_interrupt_token *token,
			 int64_t deadline_ns)
{
	struct fence_wait wait = {.token = token};
	int ret;

	if (wwr_fence_is_signaled(fence))
		return 0;
	if (deadline_ns <= 0)
		return !fence_enable(fence) || wwr_fence_is_signaled(fence) ? 0 : -ETIME;
	if (wwr_fence_add_callback(fence, &wait.cb, fence_wait_func) != 0)
		return 0;
	ret = fence_wait_sleep(&wait, deadline_ns);
	if (ret == 0)
		fence_wait_finish(&wait);
	else if (!wwr_fence_remove_callback(fence, &wait.cb))
		ret = 0; /* it signalled in the last moment, and the callback is over */
	return ret;
}
