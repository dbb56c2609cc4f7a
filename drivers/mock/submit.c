/* SPDX-License-Identifier: MIT */
/*
 * The one way of a job from its buffers to the engines.  Everything that may fail comes before
 * job_arm(); what follows cannot.
 */
#include "drivers/mock/device_bo.h"
#include "drivers/mock/job.h"
#include "drivers/mock/job_fence.h"
#include "drivers/mock/memory.h"
#include "drivers/mock/mock_device.h"
#include "drivers/mock/queue.h"
#include "drivers/mock/ring.h"
#include "lockset/usage.h"

#include <wwresv/alloc.h>
#include <wwresv/interrupt.h>
#include <wwresv/lock_set.h>

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

/* Of so many buffers the wants are on the stack. */
#define FEW_WANTS 16
/* How long a hold goes on after an interrupt, at most. */
#define HOLD_TURN_NS (INT64_C(20) * 1000 * 1000)

/* One call of wwr_job_submit(): on its thread's stack. */
struct submit {
	struct wwr_job *job;
	int64_t begin_ns;
	uint64_t hold_ns;
	const struct wwr_interrupt_token *token; /* ends the hold, or NULL */
	uint64_t num_backoffs, wait_ns;		 /* of the set's counts, given to buffers so far */
	struct wwr_device_bo *met;		 /* whose lock was not to be had last, or NULL */
	struct wwr_mm_want *wants; /* NULL = the device has no domains; few_wants or allocated */
	struct wwr_mm_want few_wants[FEW_WANTS];
	struct wwr_submit_result result;
};

/* Give what the set has met since the last call to a buffer. */
static void submit_count(struct submit *submit, const struct wwr_lock_set *set,
			 struct wwr_device_bo *bo)
{
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(set, &stats);
	device_bo_count(bo, stats.num_backoffs - submit->num_backoffs,
			stats.wait_ns - submit->wait_ns);
	submit->num_backoffs = stats.num_backoffs;
	submit->wait_ns = stats.wait_ns;
}

/* The buffer, of several that share the reservation the first one, whose mutex this is. */
static struct wwr_device_bo *submit_find(const struct submit *submit, const struct wwr_mutex *mutex)
{
	const struct wwr_job *job = submit->job;

	if (submit->met != NULL && wwr_bo_mutex(&submit->met->base) == mutex)
		return submit->met->home;
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		if (wwr_bo_mutex(&job->bos[i]->base) == mutex)
			return job->bos[i]->home;
	}
	return NULL;
}

/* A sleep between two attempts was for the lock that was contended last. */
static void submit_count_contended(struct submit *submit, const struct wwr_lock_set *set)
{
	struct wwr_lock_set_stats stats;
	struct wwr_device_bo *bo;

	wwr_lock_set_get_stats(set, &stats);
	if (stats.last_contended == NULL)
		return;
	bo = submit_find(submit, stats.last_contended);
	if (bo != NULL)
		submit_count(submit, set, bo);
}

static int submit_acquire(struct wwr_lock_set *set, void *arg)
{
	struct submit *submit = arg;
	struct wwr_job *job = submit->job;

	submit_count_contended(submit, set);
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		struct wwr_mutex *mutex = wwr_bo_mutex(&job->bos[i]->base);
		const bool busy = wwr_mutex_is_locked(mutex);
		const int ret = wwr_lock_set_lock(set, mutex);

		if (busy || ret != 0)
			submit_count(submit, set, job->bos[i]);
		if (ret != 0) {
			submit->met = job->bos[i];
			return ret;
		}
	}
	return 0;
}

/* Have each buffer once, with all that was asked of it.  With all locks held. */
static void submit_merge(struct wwr_job *job)
{
	const uint32_t num = job->num_buffers;

	job->num_buffers = 0;
	for (uint32_t i = 0; i < num; i++) {
		struct wwr_device_bo *bo = job->bos[i];
		const struct wwr_effect_access access = job->accesses[i];

		/* The mark may be that of another job: it counts only if the buffer is there. */
		if (bo->place < job->num_buffers && job->bos[bo->place] == bo) {
			job->accesses[bo->place].access |= access.access;
			wwr_device_bo_put(bo);
			continue;
		}
		bo->place = job->num_buffers;
		job->bos[job->num_buffers] = bo;
		job->accesses[job->num_buffers++] = access;
	}
}

/* HOME_x of one buffer. */
static uint32_t submit_home_access(uint32_t access, uint32_t break_deps)
{
	const uint32_t broken_read =
	    (access & WWR_ACCESS_DATA) != 0 ? WWR_BREAK_DATA : WWR_BREAK_READ;
	uint32_t result = 0;

	if ((access & WWR_ACCESS_WRITE) != 0) {
		result |= HOME_WRITES;
		if ((break_deps & WWR_BREAK_WRITE) == 0)
			result |= HOME_WAITS_READS;
	}
	if ((access & WWR_ACCESS_READ) != 0 && (break_deps & broken_read) == 0)
		result |= HOME_WAITS_WRITES;
	return result;
}

/* Buffers that share a reservation are one there: add up what is done to them. */
static void submit_merge_homes(struct wwr_job *job)
{
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		job->bos[i]->home->home_place = UINT32_MAX;
		job->bos[i]->home->home_access = 0;
	}
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		struct wwr_device_bo *home = job->bos[i]->home;

		if (home->home_place == UINT32_MAX)
			home->home_place = i;
		home->home_access |=
		    submit_home_access(job->accesses[i].access, job->queue->device->break_deps);
	}
}

/* The buffer that stands for its reservation, or NULL if one before it does. */
static struct wwr_device_bo *submit_home(const struct wwr_job *job, uint32_t place)
{
	struct wwr_device_bo *home = job->bos[place]->home;

	return home->home_place == place ? home : NULL;
}

/* Whose fences the buffers of a reservation wait for: false = nobody's. */
static bool submit_wanted_usage(const struct wwr_job *job, uint32_t home_access,
				enum wwr_resv_usage *ret_usage)
{
	*ret_usage = WWR_RESV_USAGE_KERNEL;
	if (job->config.explicit_sync)
		return true;
	*ret_usage = wwr_resv_usage_rw((home_access & HOME_WAITS_READS) != 0);
	return (home_access & (HOME_WAITS_READS | HOME_WAITS_WRITES)) != 0;
}

/* Wait for a fence too: of each context only for the latest one.  0 or -ENOMEM. */
static int submit_add_dep(struct wwr_job *job, struct wwr_fence *fence)
{
	/* The queue's own order sees to the jobs before this one. */
	if (fence->context == job->queue->context || wwr_fence_is_signaled(fence))
		return 0;
	for (uint32_t i = job->num_explicit; i < job->num_deps; i++) {
		struct wwr_fence *other = job->deps[i].fence;

		if (other->context != fence->context)
			continue;
		if (wwr_fence_is_later(fence, other)) {
			job->deps[i].fence = wwr_fence_get(fence);
			wwr_fence_put(other);
		}
		return 0;
	}
	return job_add_dep(job, fence);
}

/* Make room for the job's fence and find out what the job waits for. */
static int submit_prepare(struct wwr_job *job, const struct wwr_device_bo *home)
{
	struct wwr_resv *resv = home->base.resv;
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;
	enum wwr_resv_usage usage;
	int ret;

	wwr_mutex_assert_held(&resv->mutex);
	ret = wwr_resv_reserve_fences(resv, 1);
	if (ret != 0)
		return ret;
	if (!submit_wanted_usage(job, home->home_access, &usage)) {
		if (!home->is_managed)
			return 0;
		/* It has to be there, whatever is left out on purpose. */
		usage = WWR_RESV_USAGE_KERNEL;
	}
	wwr_resv_iter_begin(&iter, resv, usage);
	while (ret == 0 && (fence = wwr_resv_iter_next(&iter)) != NULL)
		ret = submit_add_dep(job, fence);
	return ret;
}

/* Cannot fail: there is room for one fence a reservation, and each has its turn once. */
static void submit_publish(struct wwr_job *job, const struct wwr_device_bo *home)
{
	struct wwr_resv *resv = home->base.resv;
	enum wwr_resv_usage usage =
	    (home->home_access & HOME_WRITES) != 0 ? WWR_RESV_USAGE_WRITE : WWR_RESV_USAGE_READ;
	int ret;

	if (job->config.explicit_sync)
		usage = WWR_RESV_USAGE_BOOKKEEP;
	wwr_mutex_assert_held(&resv->mutex);
	ret = wwr_resv_add_fence(resv, &job->fences->finished, usage);
	/* Going on would be work that nobody waits for. */
	WWR_USAGE(ret == 0, "wwr_job_submit: no room for the fence of job %p, error %d",
		  (void *)job, ret);
}

/* Asleep, in turns that are short enough for who interrupts it. */
static void submit_hold(const struct submit *submit)
{
	const int64_t limit_ns = INT64_MAX / 2;
	const int64_t end_ns =
	    mock_now_ns() +
	    (submit->hold_ns < (uint64_t)limit_ns ? (int64_t)submit->hold_ns : limit_ns);
	int64_t now_ns;

	while ((now_ns = mock_now_ns()) < end_ns) {
		const int64_t turn_ns =
		    end_ns - now_ns < HOLD_TURN_NS ? end_ns : now_ns + HOLD_TURN_NS;
		const struct timespec turn = {.tv_sec = turn_ns / NS_PER_S,
					      .tv_nsec = turn_ns % NS_PER_S};

		if (submit->token != NULL && wwr_interrupt_token_is_set(submit->token))
			break;
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &turn, NULL);
	}
}

static void submit_take_stats(struct submit *submit, const struct wwr_lock_set *set)
{
	struct wwr_submit_result *result = &submit->result;
	struct wwr_lock_set_stats stats;

	wwr_lock_set_get_stats(set, &stats);
	result->retries = stats.retries;
	result->num_backoffs = (uint32_t)stats.num_backoffs;
	result->losses = stats.losses;
	result->restarts = stats.restarts;
	result->num_locks = stats.num_locks;
	result->wait_ns = stats.wait_ns;
	result->reserve_ns = (uint64_t)(mock_now_ns() - submit->begin_ns);
	if (stats.last_contended != NULL)
		result->contended = submit_find(submit, stats.last_contended);
}

/* Where the buffers will be when the job runs. */
static int submit_locate(struct submit *submit)
{
	struct wwr_job *job = submit->job;
	int ret = 0;

	for (uint32_t i = 0; i < job->num_buffers && submit->wants != NULL && ret == 0; i++)
		ret =
		    mock_memory_locate(job->queue->device->memory, job->bos[i], &job->accesses[i]);
	return ret;
}

static int submit_locked(struct wwr_lock_set *set, void *arg)
{
	struct submit *submit = arg;
	struct wwr_job *job = submit->job;
	struct wwr_device_bo *home;
	int ret;

	submit_take_stats(submit, set);
	submit_merge(job);
	submit_merge_homes(job);
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		home = submit_home(job, i);
		ret = home == NULL ? 0 : submit_prepare(job, home);
		if (ret != 0)
			return ret;
	}
	ret = submit_locate(submit);
	if (ret == 0 && job->queue->device->rings != NULL)
		ret = ring_job_prepare(job);
	if (ret == 0)
		ret = job_arm(job);
	if (ret != 0)
		return ret;

	for (uint32_t i = 0; i < job->num_buffers; i++) {
		home = submit_home(job, i);
		if (home != NULL)
			submit_publish(job, home);
	}
	if (submit->hold_ns != 0)
		submit_hold(submit);
	return 0;
}

static int submit_mm_acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct submit *submit = arg;
	const int ret = submit_acquire(txn->set, submit);

	return ret != 0 ? ret : wwr_mm_validate(txn, submit->job->num_buffers, submit->wants);
}

static int submit_mm_locked(struct wwr_mm_txn *txn, void *arg)
{
	return submit_locked(txn->set, arg);
}

/* All buffers have to be in VRAM: 0 or -ENOMEM. */
static int submit_list_wants(struct submit *submit)
{
	const struct wwr_job *job = submit->job;

	if (job->queue->device->memory == NULL)
		return 0;
	submit->wants = submit->few_wants;
	if (job->num_buffers > FEW_WANTS)
		submit->wants = wwr_alloc_array(job->num_buffers, sizeof(*submit->wants));
	if (submit->wants == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < job->num_buffers; i++)
		submit->wants[i] = (struct wwr_mm_want){
		    .bo = &job->bos[i]->mm, .num_domains = 1, .domains = {WWR_MM_VRAM}};
	return 0;
}

static int submit_lock_all(struct submit *submit, struct wwr_lock_set *set)
{
	if (submit->wants == NULL)
		return wwr_lock_set_lock_all(set, submit_acquire, submit_locked, submit);
	return wwr_mm_lock_all(submit->job->queue->device->memory->mm, set, submit_mm_acquire,
			       submit_mm_locked, submit);
}

/* All but what is only looked at once it was written. */
static void submit_init(struct submit *submit, struct wwr_job *job,
			const struct wwr_lock_set_options *options, uint64_t hold_ns)
{
	submit->job = job;
	submit->begin_ns = mock_now_ns();
	submit->hold_ns = hold_ns;
	submit->token = options != NULL ? options->token : NULL;
	submit->num_backoffs = submit->wait_ns = 0;
	submit->met = NULL;
	submit->wants = NULL;
	submit->result = (struct wwr_submit_result){0};
}

int wwr_job_submit(struct wwr_job *job, const struct wwr_lock_set_options *options,
		   uint64_t hold_ns, struct wwr_submit_result *ret_result)
{
	struct wwr_lock_set set;
	struct submit submit;
	int ret;

	submit_init(&submit, job, options, hold_ns);

	WWR_USAGE(!job->armed, "wwr_job_submit: job %p was submitted before", (void *)job);
	ret = wwr_lock_set_init(&set, job->queue->device->lock_class, options);
	if (ret != 0)
		return ret;
	ret = submit_list_wants(&submit);
	if (ret == 0)
		ret = submit_lock_all(&submit, &set);
	if (!job->armed) {
		submit_count_contended(&submit, &set);
		submit_take_stats(&submit, &set);
	}
	wwr_lock_set_fini(&set);

	if (job->armed) {
		submit.result.commit = job->fences->commit;
		job_push(job);
	} else {
		job_drop_implicit_deps(job);
		job_forget_pieces(job);
	}
	if (submit.wants != submit.few_wants)
		wwr_free(submit.wants);
	submit.result.num_buffers = job->num_buffers;
	if (ret_result != NULL)
		*ret_result = submit.result;
	return ret;
}
