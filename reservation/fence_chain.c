/* SPDX-License-Identifier: MIT */
/*
 * Timelines: nodes that point back.  Invariants: prev changes only to what comes before prev, or to
 * NULL, when what is skipped has signalled; so it is NULL exactly when everything before is known
 * to have signalled.  A reference to prev is taken under the node's lock, and dropped outside.
 *
 * A collected node that has failed is wanted by those who ask for its point later.  The node that
 * collects it has it in failed, if it has none there: nodes are collected from the newest to the
 * oldest, and older failed ones are found through this one, which keeps its own prev and failed.
 *
 * A node whose signal was asked for has a callback with its own fence and one with the node before,
 * whose signal was asked for then, too; so each signal is passed on by one step, from the oldest to
 * the newest, in whatever order the fences signal.
 */
#include <wwresv/fence_chain.h>

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_container.h"

#include <assert.h>
#include <errno.h>

/* Of the failed nodes that were collected so many of the latest are remembered, at least. */
#define CHAIN_MAX_FAILED 16

static const char *chain_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wwresv";
}

static const char *chain_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "chain";
}

/* The node before, a reference; and what was collected between the two. */
static struct wwr_fence *chain_get_prev(struct wwr_fence_chain *chain, int64_t *ret_collected_ns)
{
	struct wwr_fence *prev;

	wait_lock_ranked(&chain->lock, RANK_CHAIN);
	prev = wwr_fence_get(chain->prev);
	*ret_collected_ns = chain->collected_ns;
	wait_unlock(&chain->lock);
	return prev;
}

/* The latest failed node that was collected, a reference, or NULL. */
static struct wwr_fence *chain_get_failed(struct wwr_fence_chain *chain)
{
	struct wwr_fence *failed;

	wait_lock_ranked(&chain->lock, RANK_CHAIN);
	failed = wwr_fence_get(chain->failed);
	wait_unlock(&chain->lock);
	return failed;
}

/* What takes the place of prev: references. */
struct chain_next {
	struct wwr_fence *prev;
	struct wwr_fence *failed; /* NULL = nothing to remember */
	int64_t collected_ns;
};

/* Unless another thread was faster.  True = there is a failed node to remember. */
static bool chain_replace_prev(struct wwr_fence_chain *chain, struct wwr_fence *prev,
			       const struct chain_next *next)
{
	struct wwr_fence *unused = next->prev;
	struct wwr_fence *failed = next->failed;
	bool remembers = false;

	wait_lock_ranked(&chain->lock, RANK_CHAIN);
	if (chain->prev == prev) {
		unused = prev;
		chain->prev = next->prev;
		if (chain->collected_ns < next->collected_ns)
			chain->collected_ns = next->collected_ns;
		if (chain->failed == NULL && failed != NULL) {
			chain->failed = failed;
			failed = NULL;
			remembers = true;
		}
	}
	wait_unlock(&chain->lock);
	wwr_fence_put(unused);
	wwr_fence_put(failed);
	return remembers;
}

/* As chain_collect(); *remembers is set if there is one more failed node than before. */
static struct wwr_fence *chain_collect_nodes(struct wwr_fence_chain *chain,
					     int64_t *ret_collected_ns, bool *remembers)
{
	for (;;) {
		struct wwr_fence *prev = chain_get_prev(chain, ret_collected_ns);
		struct wwr_fence *contained = prev;
		struct chain_next next = {.prev = NULL};

		if (prev == NULL)
			return NULL;
		if (fence_is_chain(prev))
			contained = fence_to_chain(prev)->fence;
		if (!wwr_fence_is_signaled(contained))
			return prev;
		if (contained != prev) {
			next.prev = chain_get_prev(fence_to_chain(prev), &next.collected_ns);
			next.failed = wwr_fence_get_status(contained) < 0
					  ? wwr_fence_get(prev)
					  : chain_get_failed(fence_to_chain(prev));
		}
		if (next.collected_ns < wwr_fence_timestamp(contained))
			next.collected_ns = wwr_fence_timestamp(contained);
		if (chain_replace_prev(chain, prev, &next))
			*remembers = true;
		wwr_fence_put(prev);
	}
}

/*
 * Forget what is too long ago, and let the failed nodes collect, too: nobody else looks at them,
 * and they would keep what was pending before them.
 */
static void chain_trim_failed(struct wwr_fence_chain *chain)
{
	struct wwr_fence *node = chain_get_failed(chain);
	int64_t collected_ns;
	bool remembers = false;

	for (int i = 1; node != NULL; i++) {
		struct wwr_fence_chain *own = fence_to_chain(node);
		struct wwr_fence *old = NULL;

		wwr_fence_put(chain_collect_nodes(own, &collected_ns, &remembers));
		wait_lock_ranked(&own->lock, RANK_CHAIN);
		if (i >= CHAIN_MAX_FAILED) {
			old = own->failed;
			own->failed = NULL;
		}
		wait_unlock(&own->lock);
		wwr_fence_put(old);
		old = node;
		node = chain_get_failed(own);
		wwr_fence_put(old);
	}
}

/* What comes before the node and is pending: a reference.  Collects what is not. */
static struct wwr_fence *chain_collect(struct wwr_fence_chain *chain, int64_t *ret_collected_ns)
{
	bool remembers = false;
	struct wwr_fence *prev = chain_collect_nodes(chain, ret_collected_ns, &remembers);

	if (remembers)
		chain_trim_failed(chain);
	return prev;
}

bool fence_chain_poll(struct wwr_fence_chain *chain, struct fence_result *ret_result)
{
	struct wwr_fence *prev;
	int64_t collected_ns;

	if (!wwr_fence_is_signaled(chain->fence))
		return false;
	prev = chain_collect(chain, &collected_ns);
	if (prev != NULL) {
		wwr_fence_put(prev);
		return false;
	}
	*ret_result = (struct fence_result)FENCE_RESULT_INIT;
	fence_result_add(ret_result, chain->fence);
	fence_result_add_time(ret_result, collected_ns);
	return true;
}

/* A callback was called, or will not be; or all have been added. */
static void chain_arrive(struct wwr_fence_chain *chain)
{
	struct fence_result result;
	bool over;

	/* Release and acquire pair with each other: what the work of each wrote. */
	if (wwr_atomic_fetch_sub(&chain->num_awaited, 1, WWR_ACQ_REL) > 1)
		return;
	over = fence_chain_poll(chain, &result);
	assert(over);
	(void)over;
	fence_container_finish(&chain->base, &result);
}

static void chain_fence_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	chain_arrive(WWR_CONTAINER_OF(cb, struct wwr_fence_chain, fence_cb));
}

static void chain_prev_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	chain_arrive(WWR_CONTAINER_OF(cb, struct wwr_fence_chain, prev_cb));
}

struct wwr_fence *fence_chain_of_cb(struct wwr_fence_cb *cb)
{
	if (cb->func == chain_fence_func)
		return &WWR_CONTAINER_OF(cb, struct wwr_fence_chain, fence_cb)->base;
	if (cb->func == chain_prev_func)
		return &WWR_CONTAINER_OF(cb, struct wwr_fence_chain, prev_cb)->base;
	return NULL;
}

/* Wait for the node before; a reference to it if this thread is to ask for its signal. */
static struct wwr_fence *chain_await_prev(struct wwr_fence_chain *chain)
{
	int64_t collected_ns;
	struct wwr_fence *prev = chain_collect(chain, &collected_ns);
	bool awaited = false;
	bool asked = true;

	if (prev != NULL && fence_is_chain(prev)) {
		/* Its op would do the same for the one before it, and so on: a deep stack. */
		awaited = fence_push_callback(prev, &chain->prev_cb, chain_prev_func);
		asked = !awaited || !fence_claim_enable(prev);
	} else if (prev != NULL) {
		awaited = wwr_fence_add_callback(prev, &chain->prev_cb, chain_prev_func) == 0;
	}
	if (!awaited)
		chain_arrive(chain);
	if (!asked)
		return prev;
	wwr_fence_put(prev);
	return NULL;
}

/* The node's signal was asked for: ask for what it needs. */
static struct wwr_fence *chain_await(struct wwr_fence_chain *chain)
{
	struct wwr_fence *prev;

	(void)wwr_fence_get(&chain->base);
	/* Relaxed: whoever counts down got the number with its callback. */
	wwr_atomic_store(&chain->num_awaited, 3, WWR_RELAXED);
	if (wwr_fence_add_callback(chain->fence, &chain->fence_cb, chain_fence_func) != 0)
		chain_arrive(chain);
	prev = chain_await_prev(chain);
	chain_arrive(chain);
	return prev;
}

static bool chain_enable_signaling(struct wwr_fence *fence)
{
	struct wwr_fence *node = wwr_fence_get(fence);

	while (node != NULL) {
		struct wwr_fence *prev = chain_await(fence_to_chain(node));

		wwr_fence_put(node);
		node = prev;
	}
	return true; /* it has signalled by itself, or will */
}

static void chain_set_deadline(struct wwr_fence *fence, int64_t deadline_ns)
{
	struct wwr_fence *node = wwr_fence_get(fence);

	while (node != NULL) {
		wwr_fence_set_deadline(wwr_fence_chain_contained(node), deadline_ns);
		node = wwr_fence_chain_walk(node);
	}
}

static void chain_release(struct wwr_fence *fence)
{
	struct wwr_fence_chain *chain = fence_to_chain(fence);

	wwr_fence_put(chain->prev);
	wwr_fence_put(chain->failed);
	wwr_fence_put(chain->fence);
	wwr_free(chain);
}

static const struct wwr_fence_ops chain_ops = {
    .driver_name = chain_driver_name,
    .timeline_name = chain_timeline_name,
    .enable_signaling = chain_enable_signaling,
    .release = chain_release,
    .set_deadline = chain_set_deadline,
};

struct wwr_fence_chain *wwr_fence_chain_create(void)
{
	return wwr_alloc(sizeof(struct wwr_fence_chain));
}

void wwr_fence_chain_destroy(struct wwr_fence_chain *chain)
{
	wwr_free(chain);
}

int wwr_fence_chain_link(struct wwr_fence_chain *chain, struct wwr_fence *prev,
			 struct wwr_fence *fence, uint64_t seqno, struct wwr_fence **ret_fence)
{
	uint64_t context;

	WWR_USAGE(fence != NULL, "wwr_fence_chain_link: no fence for point %llu",
		  (unsigned long long)seqno);
	if (fence_is_chain(fence))
		return -EINVAL;
	chain->prev_seqno = 0;
	if (prev != NULL && fence_is_chain(prev) && seqno > prev->seqno) {
		context = prev->context;
		chain->prev_seqno = prev->seqno;
	} else {
		context = wwr_fence_context_alloc(1);
		if (prev != NULL && fence_is_chain(prev))
			seqno = prev->seqno;
	}
	fence_init(&chain->base, &chain_ops, context, seqno);
	chain->base.flags |= FENCE_CONTAINER | FENCE_CHAIN;
	if (fence_is_client_marked(fence) || (prev != NULL && fence_is_client_marked(prev)))
		wwr_fence_set_client_dependent(&chain->base);
	chain->fence = wwr_fence_get(fence);
	chain->prev = wwr_fence_get(prev);
	chain->collected_ns = 0;
	chain->failed = NULL;
	chain->lock = 0;
	*ret_fence = &chain->base;
	return 0;
}

bool wwr_fence_is_chain(const struct wwr_fence *fence)
{
	return fence_is_chain(fence);
}

struct wwr_fence *wwr_fence_chain_contained(struct wwr_fence *fence)
{
	return fence_is_chain(fence) ? fence_to_chain(fence)->fence : fence;
}

struct wwr_fence *wwr_fence_chain_walk(struct wwr_fence *fence)
{
	struct wwr_fence *prev = NULL;
	int64_t collected_ns;

	if (fence == NULL)
		return NULL;
	if (fence_is_chain(fence))
		prev = chain_collect(fence_to_chain(fence), &collected_ns);
	wwr_fence_put(fence);
	return prev;
}

/* Towards a point before the node, whose reference is dropped: to a failed one, if that is there.
 */
static struct wwr_fence *chain_step_to(struct wwr_fence *node, uint64_t seqno)
{
	struct wwr_fence *prev = wwr_fence_chain_walk(wwr_fence_get(node));
	struct wwr_fence *failed = chain_get_failed(fence_to_chain(node));

	/* What it has collected by now is newer than what is left. */
	if (failed == NULL || failed->context != node->context || failed->seqno < seqno) {
		wwr_fence_put(failed);
		wwr_fence_put(node);
		return prev;
	}
	wwr_fence_put(prev);
	wwr_fence_put(node);
	return failed;
}

int wwr_fence_chain_find_seqno(struct wwr_fence *fence, uint64_t seqno,
			       struct wwr_fence **ret_fence)
{
	struct wwr_fence *node;

	if (seqno != 0 && (fence == NULL || !fence_is_chain(fence) || fence->seqno < seqno))
		return -EINVAL;
	node = wwr_fence_get(fence);
	/* Points of other contexts come before all of this one's. */
	while (seqno != 0 && node != NULL && node->context == fence->context &&
	       fence_to_chain(node)->prev_seqno >= seqno)
		node = chain_step_to(node, seqno);
	if (seqno != 0 && node != NULL && wwr_fence_get_status(node) == 1) {
		wwr_fence_put(node);
		node = NULL;
	}
	*ret_fence = node;
	return 0;
}
