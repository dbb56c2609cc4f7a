/* SPDX-License-Identifier: MIT */
/*
 * A fence of our own, the bell, is signalled by whichever callback runs first.  Callbacks are
 * removed before the bell goes, so none runs afterwards.
 */
#include "tools/submit/wait_any.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/macros.h>

struct ringer {
	struct wwr_fence_cb cb;
	struct wwr_fence *bell;
};

static const char *bell_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wait for any fence";
}

/* The bell lives on the stack of its only user. */
static void bell_release(struct wwr_fence *fence)
{
	(void)fence;
}

static const struct wwr_fence_ops bell_ops = {
    .driver_name = bell_name,
    .timeline_name = bell_name,
    .release = bell_release,
};

static void ring(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	/* -EINVAL: another one was first. */
	(void)wwr_fence_signal(WWR_CONTAINER_OF(cb, struct ringer, cb)->bell);
}

static int wait_for_bell(struct wwr_fence *bell, struct wwr_interrupt_token *token)
{
	int ret;

	do
		ret = wwr_fence_wait_until(bell, token, INT64_MAX);
	while (ret == -EINTR && !wwr_interrupt_token_is_set(token));
	return ret;
}

int wait_any(struct wwr_fence *const *fences, size_t num, struct wwr_interrupt_token *token)
{
	struct wwr_fence bell;
	struct ringer *ringers;
	size_t added = 0;
	int ret = 0;

	if (num == 0)
		return 0;
	ringers = calloc(num, sizeof(*ringers));
	if (ringers == NULL)
		return -ENOMEM;
	wwr_fence_init(&bell, &bell_ops, wwr_fence_context_alloc(1), 1);
	for (; added < num; added++) {
		ringers[added].bell = &bell;
		/* -ENOENT: this one has signalled already. */
		if (wwr_fence_add_callback(fences[added], &ringers[added].cb, ring) != 0)
			break;
	}
	if (added == num)
		ret = wait_for_bell(&bell, token);
	while (added-- > 0)
		(void)wwr_fence_remove_callback(fences[added], &ringers[added].cb);
	(void)wwr_fence_signal(&bell);
	wwr_fence_put(&bell);
	free(ringers);
	return ret;
}
