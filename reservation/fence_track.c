/* SPDX-License-Identifier: MIT */
/*
 * Records of pending fences.  Invariants: a fence with FENCE_TRACKED is not freed without coming by
 * here first, so one that has a record is there as long as its row is locked; the last reference of
 * such a fence is dropped by an atomic step, so that track_try_get() gets a reference or sees
 * that none is left.
 */
#include "reservation/fence_track.h"

#include "lockset/park.h"

#include <unistd.h>

struct track_record {
	struct wwr_fence *fence; /* NULL = unused */
	struct fence_track_info info;
};

/* Fields: (l) under lock. */
struct track_row {
	uint32_t lock;					/* a wait lock */
	struct track_record records[TRACK_ROW_RECORDS]; /* (l) */
};

static struct track_row rows[TRACK_NUM_ROWS];
static uint32_t num_missed; /* (a) fences for which there was no room */

static struct track_row *row_of(const struct wwr_fence *fence)
{
	uint64_t bits = (uint64_t)(uintptr_t)fence * 0x9e3779b97f4a7c15u;

	return &rows[(bits >> 40) % TRACK_NUM_ROWS];
}

/* Under the row's lock.  NULL asks for an unused record. */
static struct track_record *row_find(struct track_row *row, const struct wwr_fence *fence)
{
	for (unsigned int i = 0; i < TRACK_ROW_RECORDS; i++) {
		if (row->records[i].fence == fence)
			return &row->records[i];
	}
	return NULL;
}

void fence_track_add(struct wwr_fence *fence, const void *creator)
{
	struct fence_track_info info = {creator, gettid(), park_now_ns()};
	struct track_row *row = row_of(fence);
	struct track_record *record;

	wait_lock_ranked(&row->lock, RANK_TRACK_ROW);
	record = row_find(row, NULL);
	if (record != NULL) {
		fence->flags |= FENCE_TRACKED;
		record->fence = fence;
		record->info = info;
	}
	wait_unlock(&row->lock);
	if (record == NULL)
		/* Relaxed: a count. */
		(void)wwr_atomic_fetch_add(&num_missed, 1, WWR_RELAXED);
}

void fence_track_remove(struct wwr_fence *fence, bool released)
{
	char creator[TRACK_TEXT_BYTES] = "";
	struct track_row *row = row_of(fence);
	char text[FENCE_TEXT_BYTES];
	struct track_record *record;

	if (released)
		fence_track_describe_creator(fence, creator, sizeof(creator));
	wait_lock_ranked(&row->lock, RANK_TRACK_ROW);
	record = row_find(row, fence);
	if (record != NULL)
		record->fence = NULL;
	wait_unlock(&row->lock);
	if (!released || record == NULL || !reservation_check_is_on(WWR_DEBUG_RELEASES))
		return;
	(void)wwr_fence_describe(fence, text, sizeof(text));
	reservation_report("fence %p (%s) is released and has never signalled%s", (void *)fence,
			   text, creator);
}

bool fence_track_find(const struct wwr_fence *fence, struct fence_track_info *ret_info)
{
	struct track_row *row = row_of(fence);
	const struct track_record *record;

	wait_lock_ranked(&row->lock, RANK_TRACK_ROW);
	record = row_find(row, fence);
	if (record != NULL)
		*ret_info = record->info;
	wait_unlock(&row->lock);
	return record != NULL;
}

/* Under the row's lock: the fence has a record. */
static bool track_try_get(struct wwr_fence *fence)
{
	/* Relaxed, both: the row's lock orders what is needed. */
	uint32_t refcount = wwr_atomic_load(&fence->refcount, WWR_RELAXED);

	do {
		if (refcount == 0)
			return false;
	} while (!wwr_atomic_cas(&fence->refcount, &refcount, refcount + 1, WWR_RELAXED));
	return true;
}

unsigned int fence_track_collect(unsigned int row, int64_t before_ns,
				 struct wwr_fence *ret_fences[TRACK_ROW_RECORDS])
{
	unsigned int num = 0;

	wait_lock_ranked(&rows[row].lock, RANK_TRACK_ROW);
	for (unsigned int i = 0; i < TRACK_ROW_RECORDS; i++) {
		struct track_record *record = &rows[row].records[i];

		if (record->fence != NULL && record->info.created_ns <= before_ns &&
		    track_try_get(record->fence))
			ret_fences[num++] = record->fence;
	}
	wait_unlock(&rows[row].lock);
	return num;
}

unsigned int fence_track_num_missed(void)
{
	/* Relaxed: a count. */
	return wwr_atomic_load(&num_missed, WWR_RELAXED);
}
