/* SPDX-License-Identifier: MIT */
/*
 * A scheduler's beginning and end, and its worker.  It ends in this order: nothing starts any more
 * (lost), the worker leaves, jobs on the ring are taken away from it, all jobs end, all are freed
 * (gone).  The memory goes with the last entity that may use it and the last job.
 */
#include "drivers/sched/sched_core.h"

#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000

struct wwr_sched *sched_get(struct wwr_sched *sched)
{
	/* Relaxed: whoever has a reference keeps it from going to zero. */
	wwr_atomic_fetch_add(&sched->refcount, 1, WWR_RELAXED);
	return sched;
}

void sched_put(struct wwr_sched *sched)
{
	/* Release and acquire pair among all who put: the last one sees what the others did. */
	if (wwr_atomic_fetch_sub(&sched->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	pthread_cond_destroy(&sched->cond);
	wwr_sched_group_put(sched->group);
	wwr_free(sched);
}

/* Until it is kicked, or the oldest job is late.  The group's lock. */
static void sched_sleep(struct wwr_sched *sched)
{
	const int64_t deadline_ns = sched_deadline_locked(sched);
	const struct timespec deadline = {.tv_sec = deadline_ns / NS_PER_S,
					  .tv_nsec = deadline_ns % NS_PER_S};

	if (deadline_ns == INT64_MAX || sched->group->options.now_ns != NULL)
		pthread_cond_wait(&sched->cond, &sched->group->lock);
	else
		(void)pthread_cond_timedwait(&sched->cond, &sched->group->lock, &deadline);
}

static void *sched_main(void *arg)
{
	struct wwr_sched *sched = arg;

	group_lock(sched->group);
	while (!sched->stopping) {
		sched_run_locked(sched);
		if (!sched->kicked && !sched->stopping)
			sched_sleep(sched);
	}
	group_unlock(sched->group);
	return NULL;
}

static int sched_start(struct wwr_sched *sched)
{
	char name[16];

	if ((sched->options.flags & WWR_SCHED_NO_THREAD) != 0)
		return 0;
	if (pthread_create(&sched->thread, NULL, sched_main, sched) != 0)
		return -EAGAIN;
	(void)snprintf(name, sizeof(name), "wwr-%.11s", sched->name);
	(void)pthread_setname_np(sched->thread, name);
	return 0;
}

static bool sched_options_are_good(const struct wwr_sched_options *options)
{
	const struct wwr_sched_ops *ops = options->ops;

	return ops != NULL && ops->run_job != NULL && ops->free_job != NULL &&
	       options->credit_limit != 0 && options->timeout_ns >= 0 &&
	       (options->timeout_ns == 0 || ops->timed_out != NULL) &&
	       (unsigned int)options->policy < WWR_SCHED_NUM_POLICIES &&
	       (options->flags & ~WWR_SCHED_MASK) == 0;
}

static void sched_init_cond(struct wwr_sched *sched)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sched->cond, &attr);
	pthread_condattr_destroy(&attr);
}

int wwr_sched_create(struct wwr_sched_group *group, const struct wwr_sched_options *options,
		     struct wwr_sched **ret_sched)
{
	static uint64_t last_id;
	struct wwr_sched *sched;
	int ret;

	if (!sched_options_are_good(options))
		return -EINVAL;
	sched = wwr_alloc(sizeof(*sched));
	if (sched == NULL)
		return -ENOMEM;
	sched->refcount = 1;
	/* Relaxed: only different numbers are asked for. */
	sched->id = wwr_atomic_fetch_add(&last_id, 1, WWR_RELAXED) + 1;
	sched->group = group_get(group);
	sched->options = *options;
	sched->options.name = NULL;
	sched_copy_name(sched->name, options->name, "ring");
	sched_init_cond(sched);
	ret = sched_start(sched);
	if (ret != 0) {
		sched_put(sched);
		return ret;
	}
	*ret_sched = sched;
	return 0;
}

void wwr_sched_destroy(struct wwr_sched *sched)
{
	if (sched == NULL)
		return;
	group_lock(sched->group);
	sched->stopping = true;
	sched->lost = true;
	pthread_cond_broadcast(&sched->cond);
	group_unlock(sched->group);
	if ((sched->options.flags & WWR_SCHED_NO_THREAD) == 0)
		pthread_join(sched->thread, NULL);

	group_lock(sched->group);
	WWR_USAGE(!sched->in_run, "wwr_sched_destroy: scheduler %p is being run", (void *)sched);
	sched->in_run = true;
	sched_detach_running(sched, true);
	sched_end_jobs(sched, -ECANCELED);
	sched->in_run = false; /* so that others wake this thread */
	sched_free_jobs(sched);
	/* What is left is in the hands of threads that signal, or push, just now. */
	while (sched->num_unfreed != 0) {
		pthread_cond_wait(&sched->cond, &sched->group->lock);
		sched_free_jobs(sched);
	}
	sched->gone = true;
	if (sched->options.final_stats != NULL)
		*sched->options.final_stats = sched->stats;
	group_unlock(sched->group);
	sched_put(sched);
}

void *wwr_sched_data(const struct wwr_sched *sched)
{
	return sched->options.data;
}
