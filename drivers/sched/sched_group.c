/* SPDX-License-Identifier: MIT */
#include "drivers/sched/sched_core.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000

int wwr_sched_group_create(const struct wwr_sched_group_options *options,
			   struct wwr_sched_group **ret_group)
{
	struct wwr_sched_group *group = wwr_alloc(sizeof(*group));

	if (group == NULL)
		return -ENOMEM;
	group->refcount = 1;
	if (options != NULL)
		group->options = *options;
	pthread_mutex_init(&group->lock, NULL);
	*ret_group = group;
	return 0;
}

struct wwr_sched_group *group_get(struct wwr_sched_group *group)
{
	/* Relaxed: whoever has a reference keeps it from going to zero. */
	wwr_atomic_fetch_add(&group->refcount, 1, WWR_RELAXED);
	return group;
}

void wwr_sched_group_put(struct wwr_sched_group *group)
{
	/* Release and acquire pair among all who put: the last one sees what the others did. */
	if (group == NULL || wwr_atomic_fetch_sub(&group->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	pthread_mutex_destroy(&group->lock);
	wwr_free(group);
}

int64_t group_now_ns(const struct wwr_sched_group *group)
{
	struct timespec now;

	if (group->options.now_ns != NULL)
		return group->options.now_ns(group->options.data);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void sched_copy_name(char dest[SCHED_NAME_BYTES], const char *name, const char *fallback)
{
	(void)snprintf(dest, SCHED_NAME_BYTES, "%s", name != NULL ? name : fallback);
}

int wwr_sched_ctx_create(struct wwr_sched_group *group, struct wwr_sched_ctx **ret_ctx)
{
	struct wwr_sched_ctx *ctx = wwr_alloc(sizeof(*ctx));

	if (ctx == NULL)
		return -ENOMEM;
	ctx->refcount = 1;
	ctx->group = group_get(group);
	*ret_ctx = ctx;
	return 0;
}

struct wwr_sched_ctx *ctx_get(struct wwr_sched_ctx *ctx)
{
	/* Relaxed: whoever has a reference keeps it from going to zero. */
	wwr_atomic_fetch_add(&ctx->refcount, 1, WWR_RELAXED);
	return ctx;
}

void wwr_sched_ctx_put(struct wwr_sched_ctx *ctx)
{
	/* Release and acquire pair among all who put: the last one sees what the others did. */
	if (ctx == NULL || wwr_atomic_fetch_sub(&ctx->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	wwr_sched_group_put(ctx->group);
	wwr_free(ctx);
}

uint32_t wwr_sched_ctx_num_hangs(struct wwr_sched_ctx *ctx)
{
	uint32_t num_hangs;

	group_lock(ctx->group);
	num_hangs = ctx->num_hangs;
	group_unlock(ctx->group);
	return num_hangs;
}

bool wwr_sched_ctx_is_guilty(struct wwr_sched_ctx *ctx)
{
	bool guilty;

	group_lock(ctx->group);
	guilty = ctx->guilty;
	group_unlock(ctx->group);
	return guilty;
}
