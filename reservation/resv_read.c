/* SPDX-License-Identifier: MIT */
/*
 * Looking at a reservation's fences: with its mutex held, or without any lock of the caller's.
 * Readers of the second kind look at words and cells; who wants a reference takes table_lock for as
 * long as that takes, never while it sleeps, allocates, or drops a reference.
 */
#include "reservation/resv_read.h"

#include "lockset/park.h"

#include <stdio.h>

/* Of wwr_resv.idle: below it there is a usage. */
#define RESV_IDLE_SHIFT 2

/* A walk begins anew so many times at most. */
#define CURSOR_MAX_RESTARTS 3

void wwr_resv_iter_begin(struct wwr_resv_iter *iter, struct wwr_resv *resv,
			 enum wwr_resv_usage usage)
{
	wwr_mutex_assert_held(&resv->mutex);
	iter->resv = resv;
	iter->usage = usage;
	iter->fence_usage = usage;
	iter->index = 0;
}

struct wwr_fence *wwr_resv_iter_next(struct wwr_resv_iter *iter)
{
	const struct wwr_resv *resv = iter->resv;

	wwr_mutex_assert_held(&resv->mutex);
	while (iter->index < resv_num_entries(resv)) {
		uint32_t index = iter->index++;

		if (resv_fence(resv, index) == NULL || resv_usage(resv, index) > iter->usage)
			continue;
		iter->fence_usage = resv_usage(resv, index);
		return resv_fence(resv, index);
	}
	return NULL;
}

uint32_t resv_take(struct wwr_resv *resv, struct resv_span *span, uint32_t max_fences,
		   struct wwr_fence **ret_fences, uint64_t *ret_words)
{
	uint32_t num = 0;

	wait_lock_ranked(&resv->table_lock, RANK_TABLE);
	if (span->end > resv_num_entries(resv))
		span->end = resv_num_entries(resv);
	for (; span->index < span->end; span->index++) {
		struct wwr_fence *fence = resv_fence(resv, span->index);

		if (fence == NULL || resv_usage(resv, span->index) > span->usage ||
		    (!span->signaled_too && wwr_fence_is_signaled(fence)))
			continue;
		if (num == max_fences)
			break;
		if (ret_words != NULL)
			ret_words[num] = resv_word(resv->table, span->index);
		ret_fences[num++] = wwr_fence_get(fence);
	}
	wait_unlock(&resv->table_lock);
	return num;
}

/* The entry is of a usage asked for and its fence pending; without a cell only the fence knows. */
static bool resv_ask_pending(struct wwr_resv *resv, uint32_t index, enum wwr_resv_usage usage)
{
	const struct wwr_fence *fence;
	bool pending;

	wait_lock_ranked(&resv->table_lock, RANK_TABLE);
	fence = resv_fence(resv, index);
	pending =
	    fence != NULL && resv_usage(resv, index) <= usage && !wwr_fence_is_signaled(fence);
	wait_unlock(&resv->table_lock);
	return pending;
}

/* Look at every entry. */
static bool resv_look_for_pending(struct wwr_resv *resv, enum wwr_resv_usage usage)
{
	const struct wwr_resv_table *table = resv_table(resv);
	uint32_t num_entries = resv_table_num_entries(table);
	uint32_t i = 0;

	while (i < num_entries) {
		uint64_t word = resv_word(table, i);
		enum resv_look look = RESV_LOOK_SIGNALED;

		if (resv_word_usage(word) <= usage)
			look = resv_word_look(word);
		if (look == RESV_LOOK_PENDING)
			return true;
		if (look == RESV_LOOK_UNKNOWN && resv_ask_pending(resv, i, usage))
			return true;
		/* The table may be an old one, which does not change any more. */
		if (look == RESV_LOOK_GONE)
			table = resv_table(resv);
		else
			i++;
	}
	return false;
}

/*
 * A signalled fence stays so, and a pending one comes only with a change: what one reader found
 * holds for all until the next change.  So the words are the number of changes before he looked,
 * and in their two lowest bits the usage that he asked for.  A late store may put an older word
 * over a newer one; then somebody looks once more.
 */
bool wwr_resv_test_signaled(struct wwr_resv *resv, enum wwr_resv_usage usage)
{
	/* Acquire pairs with the release in resv_set_entry(): the change is seen with its number.
	 */
	const uint64_t num_changes = wwr_atomic_load(&resv->num_changes, WWR_ACQUIRE);
	/* Acquire pairs with the release below: what the work wrote, which the other reader saw. */
	const uint64_t idle = wwr_atomic_load(&resv->idle, WWR_ACQUIRE);

	if (idle >> RESV_IDLE_SHIFT == num_changes && (idle & RESV_WORD_USAGE_MASK) >= usage)
		return true;
	if (resv_look_for_pending(resv, usage))
		return false;
	if (usage <= WWR_RESV_USAGE_BOOKKEEP)
		wwr_atomic_store(&resv->idle, num_changes << RESV_IDLE_SHIFT | (uint64_t)usage,
				 WWR_RELEASE);
	return true;
}

bool resv_may_be_pending(const struct wwr_resv *resv, uint32_t index, enum wwr_resv_usage usage)
{
	uint64_t word = resv_word(resv_table(resv), index);

	return resv_word_usage(word) <= usage && resv_word_look(word) != RESV_LOOK_SIGNALED;
}

/* What is there now is what the walk shows. */
static void cursor_start(struct wwr_resv_cursor *cursor)
{
	/* Acquire pairs with the release in resv_set_entry(): the change is seen with its number.
	 */
	cursor->num_changes = wwr_atomic_load(&cursor->resv->num_changes, WWR_ACQUIRE);
	cursor->num_entries = resv_num_entries(cursor->resv);
	cursor->index = 0;
}

void wwr_resv_cursor_begin(struct wwr_resv_cursor *cursor, struct wwr_resv *resv,
			   enum wwr_resv_usage usage)
{
	cursor->resv = resv;
	cursor->fence = NULL;
	cursor->usage = usage;
	cursor->fence_usage = usage;
	cursor->num_restarts = 0;
	cursor->is_restarted = false;
	cursor_start(cursor);
}

/* Begin anew if it has to, and may. */
static bool cursor_restart(struct wwr_resv_cursor *cursor)
{
	/* Relaxed: the fences themselves have their own order; too old a number is as if earlier.
	 */
	uint64_t num_changes = wwr_atomic_load(&cursor->resv->num_changes, WWR_RELAXED);

	if (num_changes == cursor->num_changes || cursor->num_restarts == CURSOR_MAX_RESTARTS)
		return false;
	cursor->num_restarts++;
	cursor_start(cursor);
	return true;
}

struct wwr_fence *wwr_resv_cursor_next(struct wwr_resv_cursor *cursor)
{
	struct wwr_resv *resv = cursor->resv;
	uint64_t word;

	wwr_resv_cursor_end(cursor);
	cursor->is_restarted = cursor_restart(cursor);
	while (cursor->index < cursor->num_entries) {
		struct resv_span span = {cursor->usage, false, cursor->index, cursor->index + 1};

		cursor->index++;
		if (!resv_may_be_pending(resv, span.index, cursor->usage) ||
		    resv_take(resv, &span, 1, &cursor->fence, &word) == 0)
			continue;
		cursor->fence_usage = resv_word_usage(word);
		return cursor->fence;
	}
	return NULL;
}

void wwr_resv_cursor_end(struct wwr_resv_cursor *cursor)
{
	struct wwr_fence *fence = cursor->fence;

	cursor->fence = NULL;
	wwr_fence_put(fence);
}

void wwr_resv_set_deadline(struct wwr_resv *resv, enum wwr_resv_usage usage, int64_t deadline_ns)
{
	struct wwr_resv_cursor cursor;
	struct wwr_fence *fence;

	wwr_resv_cursor_begin(&cursor, resv, usage);
	while ((fence = wwr_resv_cursor_next(&cursor)) != NULL)
		wwr_fence_set_deadline(fence, deadline_ns);
	wwr_resv_cursor_end(&cursor);
}
