/* SPDX-License-Identifier: MIT */
/*
 * Invariants: a fence is linked, with a reference, from its start until somebody takes it off the
 * list to signal it, so exactly one thread does; nobody signals with the lock held.
 */
#include "drivers/vgem/vgem_fence.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

static const char *vgem_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "vgem";
}

static const char *vgem_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "unbound";
}

static const struct wwr_fence_ops vgem_fence_ops = {
    .driver_name = vgem_driver_name,
    .timeline_name = vgem_timeline_name,
};

/* Under the lock: false = somebody else has taken it. */
static bool clock_unlink(struct vgem_clock *clock, struct vgem_fence *fence)
{
	if (!fence->linked)
		return false;
	fence->linked = false;
	if (fence->prev != NULL)
		fence->prev->next = fence->next;
	else
		clock->first = fence->next;
	if (fence->next != NULL)
		fence->next->prev = fence->prev;
	else
		clock->last = fence->prev;
	return true;
}

static void fence_expire(struct vgem_fence *fence)
{
	wwr_fence_set_error(&fence->base, -ETIMEDOUT);
	(void)wwr_fence_signal(&fence->base);
	wwr_fence_put(&fence->base);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Under the lock: sleep until there is something else to do, or it is time for the first one. */
static void clock_sleep(struct vgem_clock *clock)
{
	struct timespec until;

	if (clock->first == NULL) {
		pthread_cond_wait(&clock->changed, &clock->lock);
		return;
	}
	until.tv_sec = (time_t)(clock->first->expires_ns / NS_PER_S);
	until.tv_nsec = (long)(clock->first->expires_ns % NS_PER_S);
	pthread_cond_timedwait(&clock->changed, &clock->lock, &until);
}

static void *clock_run(void *arg)
{
	struct vgem_clock *clock = arg;

	pthread_mutex_lock(&clock->lock);
	while (!clock->stopping || clock->first != NULL) {
		struct vgem_fence *fence = clock->first;

		if (fence == NULL || (!clock->stopping && fence->expires_ns > now_ns())) {
			clock_sleep(clock);
			continue;
		}
		(void)clock_unlink(clock, fence);
		pthread_mutex_unlock(&clock->lock);
		fence_expire(fence);
		pthread_mutex_lock(&clock->lock);
	}
	pthread_mutex_unlock(&clock->lock);
	return NULL;
}

int vgem_clock_start(struct vgem_clock *clock, int64_t timeout_ns)
{
	pthread_condattr_t attr;

	*clock = (struct vgem_clock){.timeout_ns = timeout_ns};
	pthread_mutex_init(&clock->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&clock->thread, NULL, clock_run, clock) == 0)
		return 0;
	pthread_cond_destroy(&clock->changed);
	pthread_mutex_destroy(&clock->lock);
	return -EAGAIN;
}

void vgem_clock_stop(struct vgem_clock *clock)
{
	pthread_mutex_lock(&clock->lock);
	clock->stopping = true;
	pthread_cond_signal(&clock->changed);
	pthread_mutex_unlock(&clock->lock);
	pthread_join(clock->thread, NULL);
	pthread_cond_destroy(&clock->changed);
	pthread_mutex_destroy(&clock->lock);
}

struct vgem_fence *vgem_fence_create(uint64_t context, uint64_t seqno)
{
	struct vgem_fence *fence = wwr_alloc(sizeof(*fence));

	if (fence == NULL)
		return NULL;
	wwr_fence_init(&fence->base, &vgem_fence_ops, context, seqno);
	wwr_fence_set_client_dependent(&fence->base);
	return fence;
}

void vgem_fence_start(struct vgem_clock *clock, struct vgem_fence *fence)
{
	(void)wwr_fence_get(&fence->base);
	pthread_mutex_lock(&clock->lock);
	/* Under the lock, so that the order of the list is that of the times. */
	fence->expires_ns = now_ns() + clock->timeout_ns;
	fence->linked = true;
	fence->prev = clock->last;
	if (clock->last == NULL)
		clock->first = fence;
	else
		clock->last->next = fence;
	clock->last = fence;
	if (clock->first == fence)
		pthread_cond_signal(&clock->changed);
	pthread_mutex_unlock(&clock->lock);
}

int vgem_fence_signal(struct vgem_clock *clock, struct vgem_fence *fence)
{
	bool taken;

	pthread_mutex_lock(&clock->lock);
	taken = clock_unlink(clock, fence);
	pthread_mutex_unlock(&clock->lock);
	if (!taken)
		return -ETIMEDOUT;
	(void)wwr_fence_signal(&fence->base);
	wwr_fence_put(&fence->base);
	return 0;
}
