/* SPDX-License-Identifier: MIT */
/*
 * Moves, one by one and of groups.  Everything that may fail comes before any buffer of a group is
 * moved; what follows cannot.  A move's job is armed before the space that it leaves is given back,
 * so whoever gets the space has his job behind it in the same entity.
 */
#include "drivers/mm/mm_core.h"

#include "lockset/usage.h"

#include <wwresv/fence.h>
#include <wwresv/sched.h>

#include <assert.h>
#include <errno.h>

bool mm_resv_is_idle(struct wwr_mm *mm, struct wwr_resv *resv, struct wwr_fence **ret_fence)
{
	struct wwr_resv_cursor cursor;
	struct wwr_fence *fence, *busy = NULL;

	wwr_resv_cursor_begin(&cursor, resv, WWR_RESV_USAGE_BOOKKEEP);
	do {
		fence = wwr_resv_cursor_next(&cursor);
		if (wwr_resv_cursor_is_restarted(&cursor)) {
			wwr_fence_put(busy);
			busy = NULL;
		}
		if (fence == NULL || fence->context == mm->move_context)
			continue;
		if (busy == NULL || wwr_fence_is_client_dependent(fence)) {
			wwr_fence_put(busy);
			busy = wwr_fence_get(fence);
		}
	} while (fence != NULL);
	wwr_resv_cursor_end(&cursor);
	if (busy == NULL)
		return true;
	*ret_fence = busy;
	return false;
}

static void move_drop_place(struct wwr_mm_bo *bo)
{
	mm_lock(bo->mm);
	bo->mm->domains[bo->next_place.domain].num_arriving--;
	mm_place_drop_locked(bo->mm, &bo->next_place, bo->size_bytes);
	mm_unlock(bo->mm);
}

int mm_move_prepare(struct wwr_mm_bo *bo)
{
	struct wwr_mm *mm = bo->mm;
	struct wwr_sched_job *job = NULL;
	int ret;

	wwr_mutex_assert_held(&bo->base.resv->mutex);
	ret = mm->options.ops->create_move(bo, &bo->place, &bo->next_place, mm->entity, &job);
	/* These two have a meaning of their own here. */
	if (ret == -ENOSPC || ret == -EAGAIN)
		ret = -ENOMEM;
	if (ret != 0)
		goto err_drop_place;
	WWR_USAGE(job != NULL || bo->place.domain == WWR_MM_NOWHERE,
		  "create_move: buffer %p has a content, and no job moves it", (void *)bo);
	if (job != NULL) {
		ret = wwr_sched_job_add_resv_dependencies(job, bo->base.resv,
							  WWR_RESV_USAGE_BOOKKEEP);
		if (ret != 0)
			goto err_drop_job;
	}
	bo->move = job;
	return 0;

err_drop_job:
	mm->options.ops->drop_move(job);
err_drop_place:
	move_drop_place(bo);
	return ret;
}

void mm_move_abort(struct wwr_mm_bo *bo)
{
	if (bo->move != NULL)
		bo->mm->options.ops->drop_move(bo->move);
	bo->move = NULL;
	move_drop_place(bo);
}

/* There is room, so this cannot fail. */
static void move_publish(struct wwr_mm_bo *bo, struct wwr_fence *fence)
{
	int ret;

	wwr_mutex_assert_held(&bo->base.resv->mutex);
	ret = wwr_resv_add_fence(bo->base.resv, fence, WWR_RESV_USAGE_KERNEL);
	assert(ret == 0);
	(void)ret;
}

/* The buffer is where it is going from now on.  Returns a fence that nobody needs any more. */
static struct wwr_fence *move_places_locked(struct wwr_mm_bo *bo, struct wwr_fence *fence)
{
	struct wwr_mm *mm = bo->mm;
	struct wwr_fence *old = NULL;

	if (bo->place.domain != WWR_MM_NOWHERE) {
		struct mm_domain *from = &mm->domains[bo->place.domain];

		mm->stats.num_moves++;
		mm->stats.moved_bytes += bo->size_bytes;
		old = from->last_out;
		from->last_out = wwr_fence_get(fence);
	}
	mm_bo_forget_locked(bo);
	mm->domains[bo->next_place.domain].num_arriving--;
	bo->place = bo->next_place;
	bo->next_place = (struct wwr_mm_place){.domain = WWR_MM_NOWHERE};
	mm_bo_enter_locked(bo);
	return old;
}

void mm_move_commit(struct wwr_mm_bo *bo)
{
	struct wwr_mm *mm = bo->mm;
	struct wwr_sched_job *job = bo->move;
	struct wwr_fence *fence = NULL, *before = NULL, *old;

	if (job != NULL) {
		wwr_sched_job_arm(job);
		fence = wwr_fence_get(wwr_sched_job_finished(job));
		move_publish(bo, fence);
	}
	mm_lock(mm);
	/* Without a job of its own it waits for whoever was there before. */
	if (job == NULL)
		before = wwr_fence_get(mm->domains[bo->next_place.domain].last_out);
	old = move_places_locked(bo, fence);
	mm_unlock(mm);

	if (before != NULL && !wwr_fence_is_signaled(before))
		move_publish(bo, before);
	wwr_fence_put(before);
	wwr_fence_put(old);
	wwr_fence_put(fence);
	bo->move = NULL;
	if (job != NULL)
		wwr_sched_job_push(job);
}

struct wwr_mm_bo *mm_group_list(struct wwr_mm_group *group, enum wwr_mm_domain domain,
				unsigned int *ret_num)
{
	struct wwr_mm_bo *list = NULL;
	unsigned int num = 0;

	mm_lock(group->mm);
	for (struct wwr_mm_bo *bo = group->bos; bo != NULL; bo = bo->group_next) {
		if (bo->place.domain != domain)
			continue;
		if (!mm_bo_try_get(bo)) {
			mm_bo_forget_locked(bo);
			continue;
		}
		bo->move_next = list;
		list = bo;
		num++;
	}
	mm_unlock(group->mm);
	if (ret_num != NULL)
		*ret_num = num;
	return list;
}

void mm_group_list_put(struct wwr_mm_bo *list)
{
	while (list != NULL) {
		struct wwr_mm_bo *next = list->move_next;

		wwr_bo_put(&list->base);
		list = next;
	}
}

static int move_prepare_down(struct wwr_mm_bo *bo, enum wwr_mm_domain domain)
{
	int ret = -ENOSPC;

	mm_lock(bo->mm);
	for (int lower = (int)domain + 1; lower < WWR_MM_NUM_DOMAINS && ret == -ENOSPC; lower++)
		ret = mm_place_take_locked(bo, (enum wwr_mm_domain)lower);
	mm_unlock(bo->mm);
	return ret != 0 ? ret : mm_move_prepare(bo);
}

/* All or none. */
static int group_move_down(struct wwr_mm_bo *list, enum wwr_mm_domain domain)
{
	for (struct wwr_mm_bo *bo = list; bo != NULL; bo = bo->move_next) {
		const int ret = move_prepare_down(bo, domain);

		if (ret == 0)
			continue;
		for (; list != bo; list = list->move_next)
			mm_move_abort(list);
		return ret;
	}
	for (struct wwr_mm_bo *bo = list; bo != NULL; bo = bo->move_next)
		mm_move_commit(bo);
	return 0;
}

int mm_group_evict(struct wwr_mm_group *group, enum wwr_mm_domain domain)
{
	struct wwr_mm *mm = group->mm;
	struct wwr_fence *fence;
	struct wwr_mm_bo *list;
	unsigned int num;
	int ret;

	wwr_mutex_assert_held(&group->resv->mutex);
	/* Pins change only with the lock held. */
	if (group->num_pins != 0)
		return -EAGAIN;
	if (!mm_resv_is_idle(mm, group->resv, &fence)) {
		wwr_fence_put(fence);
		return -EAGAIN;
	}
	list = mm_group_list(group, domain, &num);
	if (list == NULL)
		return 0;
	ret = wwr_resv_reserve_fences(group->resv, num * MM_MOVE_FENCES);
	if (ret == 0)
		ret = group_move_down(list, domain);
	mm_group_list_put(list);
	if (ret != 0)
		return ret;
	mm_lock(mm);
	mm->stats.num_evictions += num;
	mm_unlock(mm);
	return 0;
}
