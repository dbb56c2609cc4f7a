/* SPDX-License-Identifier: MIT */
/*
 * The table of a reservation, and its spare cells.  Invariants: num_fences is the number of entries
 * that are not empty; an entry that is in use keeps its index, in a larger table too; no reference
 * is dropped under table_lock, since that may run a driver's code.
 */
#include "reservation/resv_table.h"

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "reservation/fence_core.h"

#include <assert.h>
#include <errno.h>

/* Room in a first table: most buffers are used by few engines. */
#define RESV_MIN_FENCES 4

static struct wwr_resv_table *table_alloc(uint64_t max_fences)
{
	const size_t entry_bytes = sizeof(uint64_t) + sizeof(struct wwr_fence *);
	struct wwr_resv_table *table;

	if (max_fences > UINT32_MAX || max_fences > (SIZE_MAX - sizeof(*table)) / entry_bytes)
		return NULL;
	table = wwr_alloc(sizeof(*table) + (size_t)max_fences * entry_bytes);
	if (table != NULL)
		table->max_fences = (uint32_t)max_fences;
	return table;
}

/* A copy of the old table at the head of a new one: every entry keeps its place. */
static void table_copy(struct wwr_resv_table *table, struct wwr_resv_table *old)
{
	/* Relaxed and plain, all: publishing the table publishes them. */
	table->older = old;
	table->num_entries = wwr_atomic_load(&old->num_entries, WWR_RELAXED);
	for (uint32_t i = 0; i < table->num_entries; i++) {
		table->words[i] = wwr_atomic_load(&old->words[i], WWR_RELAXED);
		resv_table_fences(table)[i] = resv_table_fences(old)[i];
	}
}

int resv_make_table(struct wwr_resv *resv, uint64_t max_fences)
{
	struct wwr_resv_table *old = resv->table;
	uint64_t size = old != NULL ? old->max_fences : 0;
	struct wwr_resv_table *table;

	if (size >= max_fences)
		return 0;
	/* At least twice as large: the old ones, which stay, are together smaller. */
	size = size == 0 ? RESV_MIN_FENCES : size * 2;
	table = table_alloc(size < max_fences ? max_fences : size);
	if (table == NULL)
		return -ENOMEM;
	if (old != NULL)
		table_copy(table, old);
	wait_lock_ranked(&resv->table_lock, RANK_TABLE);
	/* Release pairs with the acquire in resv_table(). */
	wwr_atomic_store(&resv->table, table, WWR_RELEASE);
	wait_unlock(&resv->table_lock);
	return 0;
}

static void resv_drop_signaled(struct wwr_resv *resv)
{
	for (uint32_t i = 0; i < resv_num_entries(resv); i++) {
		const struct wwr_fence *fence = resv_fence(resv, i);

		if (fence != NULL && wwr_fence_is_signaled(fence))
			resv_change_entry(resv, i, NULL, RESV_WORD_EMPTY);
	}
}

/* Are there so many empty entries? */
static bool resv_has_room(const struct wwr_resv *resv, uint32_t num_more)
{
	return resv->table != NULL && resv->table->max_fences - resv->num_fences >= num_more;
}

int resv_make_room(struct wwr_resv *resv, uint32_t num_more)
{
	if (resv_has_room(resv, num_more))
		return 0;
	resv_drop_signaled(resv);
	if (resv_has_room(resv, num_more))
		return 0;
	return resv_make_table(resv, (uint64_t)resv->num_fences + num_more);
}

static void cells_push(struct wwr_resv *resv, struct wwr_resv_cell *cell)
{
	cell->next = resv->cells;
	resv->cells = cell;
	resv->num_cells++;
}

/* A cell for a fence, or NULL. */
static struct wwr_resv_cell *cells_pop(struct wwr_resv *resv)
{
	struct wwr_resv_cell *cell = resv->cells;

	if (cell == NULL)
		return resv_cell_get();
	resv->cells = cell->next;
	resv->num_cells--;
	return cell;
}

int resv_make_cells(struct wwr_resv *resv, uint32_t num_cells)
{
	while (resv->num_cells < num_cells) {
		struct wwr_resv_cell *cell = resv_cell_get();

		if (cell == NULL)
			return -ENOMEM;
		cells_push(resv, cell);
	}
	return 0;
}

/* The fence's cell: its first reservation gives it one.  NULL = no memory. */
static struct wwr_resv_cell *fence_cell(struct wwr_resv *resv, struct wwr_fence *fence)
{
	struct wwr_resv_cell *found = wwr_atomic_load(&fence->cell, WWR_SEQ_CST);
	struct wwr_resv_cell *cell;

	if (found != NULL)
		return found;
	cell = cells_pop(resv);
	if (cell == NULL || wwr_atomic_cas(&fence->cell, &found, cell, WWR_SEQ_CST))
		return cell;
	/* Another reservation was faster. */
	cells_push(resv, cell);
	return found;
}

uint64_t resv_word_make(struct wwr_resv *resv, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	const struct wwr_resv_cell *cell;

	if (wwr_fence_is_signaled(fence))
		return RESV_WORD_SIGNALED | (uint64_t)usage;
	cell = fence_cell(resv, fence);
	/*
	 * Sequentially consistent, here and in fence_cell(), as the claim in fence_claim() and the
	 * load in fence_mark_cell(): the signaller sees the cell, or its mark is seen here.
	 */
	if ((wwr_atomic_load(&fence->callbacks, WWR_SEQ_CST) & FENCE_SIGNALED) != 0)
		return RESV_WORD_SIGNALED | (uint64_t)usage;
	if (cell == NULL)
		return RESV_WORD_UNKNOWN | (uint64_t)usage;
	return (uint64_t)cell->index << RESV_WORD_INDEX_SHIFT | resv_cell_generation(cell) |
	       (uint64_t)usage;
}

struct wwr_fence *resv_set_entry(struct wwr_resv *resv, uint32_t index, struct wwr_fence *fence,
				 uint64_t word)
{
	struct wwr_resv_table *table = resv->table;
	struct wwr_fence *old = resv_table_fences(table)[index];

	assert(index < table->max_fences && (fence == NULL) == (word == RESV_WORD_EMPTY));
	resv_table_fences(table)[index] = fence;
	/* Release pairs with the acquire in resv_word(). */
	wwr_atomic_store(&table->words[index], word, WWR_RELEASE);
	/* Relaxed: the mutex is held.  Release pairs with the acquire in resv_num_entries(). */
	if (index >= wwr_atomic_load(&table->num_entries, WWR_RELAXED))
		wwr_atomic_store(&table->num_entries, index + 1, WWR_RELEASE);
	resv->num_fences += (fence != NULL);
	resv->num_fences -= (old != NULL);
	/* Release pairs with the acquire in wwr_resv_cursor_next(): the change before the number.
	 */
	wwr_atomic_store(&resv->num_changes, resv->num_changes + 1, WWR_RELEASE);
	return old;
}

void resv_change_entry(struct wwr_resv *resv, uint32_t index, struct wwr_fence *fence,
		       uint64_t word)
{
	struct wwr_fence *old;

	wait_lock_ranked(&resv->table_lock, RANK_TABLE);
	old = resv_set_entry(resv, index, fence, word);
	wait_unlock(&resv->table_lock);
	wwr_fence_put(old);
}

void resv_table_fini(struct wwr_resv *resv)
{
	struct wwr_resv_table *table = resv->table;

	for (uint32_t i = 0; i < resv_num_entries(resv); i++)
		wwr_fence_put(resv_fence(resv, i));
	while (table != NULL) {
		struct wwr_resv_table *older = table->older;

		wwr_free(table);
		table = older;
	}
	while (resv->cells != NULL)
		resv_cell_put(cells_pop(resv));
	resv->table = NULL;
}
