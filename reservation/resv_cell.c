/* SPDX-License-Identifier: MIT */
/*
 * The pool of signal cells.  Invariants: chunks are made in their order and stay; a cell is in one
 * list, or a fence's, or worn out; index 0 is no cell, so that a word of an entry may be 0.
 *
 * There are several lists, so that threads seldom meet: a thread takes from and gives to the one
 * that its record chooses, and takes over some cells of another when its own is empty.
 */
#include "reservation/resv_cell.h"

#include <wwresv/alloc.h>
#include <wwresv/macros.h>

#include "lockset/park.h"
#include "lockset/thread.h"

#include <stddef.h>
#include <string.h>

/* A power of two. */
#ifndef CELL_NUM_POOLS
#define CELL_NUM_POOLS 8
#endif

/*
 * How many a thread takes over at a time: what it has in hand meanwhile nobody else can find, and
 * where nobody finds any the pool grows.
 */
#define CELL_BATCH 8

/* The generation that is never given out: a cell which reaches it stays out of the lists. */
#define CELL_WORN_OUT CELL_GENERATION_MASK

/* Linked by next; the fields of an empty list are both NULL. */
struct cell_list {
	struct wwr_resv_cell *first;
	struct wwr_resv_cell *last;
};

/* Fields: (l) under lock. */
struct cell_pool {
	uint32_t lock;		/* a wait lock, lockset/park.h */
	struct cell_list cells; /* (l) */
} WWR_CACHE_ALIGNED;

uintptr_t resv_cell_origins[CELL_MAX_CHUNKS];

static struct wwr_resv_cell first_chunk[CELL_FIRST_CHUNK];
/*
 * The memory of the further chunks, by its beginning: what resv_cell_origins[] has lies before it,
 * and lists and fences point into it, which checkers of memory take for a leak.
 */
static struct wwr_resv_cell *more_chunks[CELL_MAX_CHUNKS]; /* under grow_lock */
static struct cell_pool pools[CELL_NUM_POOLS];
static uint32_t num_chunks; /* (a) written under grow_lock */
static uint32_t grow_lock;  /* a wait lock */

static void list_append(struct cell_list *list, struct cell_list other)
{
	if (other.first == NULL)
		return;
	if (list->first == NULL)
		list->first = other.first;
	else
		list->last->next = other.first;
	list->last = other.last;
}

static struct wwr_resv_cell *list_pop(struct cell_list *list)
{
	struct wwr_resv_cell *cell = list->first;

	if (cell == NULL)
		return NULL;
	list->first = cell->next;
	if (list->first == NULL)
		list->last = NULL;
	cell->next = NULL;
	return cell;
}

static void list_push(struct cell_list *list, struct wwr_resv_cell *cell)
{
	cell->next = list->first;
	if (list->first == NULL)
		list->last = cell;
	list->first = cell;
}

static struct cell_pool *own_pool(void)
{
	/* Records of threads lie at like places of their stacks: the upper bits differ. */
	uint64_t bits = (uint64_t)(uintptr_t)thread_self() * 0x9e3779b97f4a7c15u;

	return &pools[(bits >> 32) % CELL_NUM_POOLS];
}

static struct wwr_resv_cell *pool_pop(struct cell_pool *pool)
{
	struct wwr_resv_cell *cell;

	wait_lock_ranked(&pool->lock, RANK_CELL_POOL);
	cell = list_pop(&pool->cells);
	wait_unlock(&pool->lock);
	return cell;
}

static void pool_add(struct cell_pool *pool, struct cell_list cells)
{
	wait_lock_ranked(&pool->lock, RANK_CELL_POOL);
	list_append(&pool->cells, cells);
	wait_unlock(&pool->lock);
}

/* Take a few cells of another pool; returns one, the others become our own's. */
static struct wwr_resv_cell *pool_take_over(struct cell_pool *own, struct cell_pool *other)
{
	struct cell_list cells = {NULL, NULL};
	struct wwr_resv_cell *cell;

	wait_lock_ranked(&other->lock, RANK_CELL_POOL);
	for (int i = 0; i < CELL_BATCH && (cell = list_pop(&other->cells)) != NULL; i++)
		list_push(&cells, cell);
	wait_unlock(&other->lock);
	cell = list_pop(&cells);
	if (cells.first != NULL)
		pool_add(own, cells);
	return cell;
}

static struct wwr_resv_cell *pool_take(void)
{
	struct cell_pool *own = own_pool();
	struct wwr_resv_cell *cell = pool_pop(own);

	for (size_t i = 1; cell == NULL && i < CELL_NUM_POOLS; i++)
		cell = pool_take_over(own, &pools[(size_t)(own - pools + i) % CELL_NUM_POOLS]);
	return cell;
}

/* The index of a chunk's first cell: as many as all chunks before it have. */
static uint32_t chunk_begin(uint32_t chunk)
{
	return chunk == 0 ? 0 : (uint32_t)CELL_FIRST_CHUNK << (chunk - 1);
}

static uint32_t chunk_size(uint32_t chunk)
{
	return chunk == 0 ? CELL_FIRST_CHUNK : chunk_begin(chunk);
}

static struct wwr_resv_cell *chunk_alloc(uint32_t chunk)
{
	if (chunk == 0)
		return first_chunk;
	/* The chunk with the upper half of all indices was the last one. */
	if (chunk >= CELL_MAX_CHUNKS || chunk_size(chunk) == 0)
		return NULL;
	return wwr_alloc_array(chunk_size(chunk), sizeof(struct wwr_resv_cell));
}

static void chunk_free(uint32_t chunk, struct wwr_resv_cell *cells)
{
	if (chunk > 0)
		wwr_free(cells);
}

/* Number the cells of a chunk and link them; the very first one is left out. */
static struct cell_list chunk_link(uint32_t chunk, struct wwr_resv_cell *cells)
{
	struct cell_list list = {NULL, NULL};

	for (uint32_t i = chunk_size(chunk); i-- > 0;) {
		cells[i].index = chunk_begin(chunk) + i;
		if (cells[i].index > 0)
			list_push(&list, &cells[i]);
	}
	return list;
}

/* One more chunk after the first so many; false = no memory. */
static bool pool_grow(uint32_t seen_chunks)
{
	struct wwr_resv_cell *cells = chunk_alloc(seen_chunks);
	struct cell_list list;

	if (cells == NULL)
		return false;
	wait_lock_ranked(&grow_lock, RANK_CELL_CHUNKS);
	/* Relaxed: the lock orders it. */
	if (wwr_atomic_load(&num_chunks, WWR_RELAXED) != seen_chunks) {
		wait_unlock(&grow_lock);
		chunk_free(seen_chunks, cells);
		return true; /* somebody else has made one meanwhile */
	}
	more_chunks[seen_chunks] = cells;
	list = chunk_link(seen_chunks, cells);
	/*
	 * Relaxed: a reader has an index from an entry's word, which came after its cell left the
	 * pool, which comes after this by the pool's lock.
	 */
	wwr_atomic_store(&resv_cell_origins[seen_chunks],
			 (uintptr_t)cells - chunk_begin(seen_chunks) * sizeof(*cells), WWR_RELAXED);
	pool_add(own_pool(), list);
	/* Release pairs with the acquire in resv_cell_get(): there are cells to find. */
	wwr_atomic_store(&num_chunks, seen_chunks + 1, WWR_RELEASE);
	wait_unlock(&grow_lock);
	return true;
}

struct wwr_resv_cell *resv_cell_get(void)
{
	struct wwr_resv_cell *cell;
	uint32_t seen_chunks;

	do {
		/* Acquire pairs with the release in pool_grow(). */
		seen_chunks = wwr_atomic_load(&num_chunks, WWR_ACQUIRE);
		cell = pool_take();
	} while (cell == NULL && pool_grow(seen_chunks));
	return cell;
}

void resv_cell_put(struct wwr_resv_cell *cell)
{
	struct cell_pool *pool;
	uint32_t generation;

	if (cell == NULL)
		return;
	generation = resv_cell_generation(cell) + CELL_STEP;
	/*
	 * Release pairs with the acquire in resv_word_look(): who finds the generation over finds
	 * the fence's entry changed, too.
	 */
	wwr_atomic_store(&cell->state, generation, WWR_RELEASE);
	if (generation == CELL_WORN_OUT)
		return;
	pool = own_pool();
	wait_lock_ranked(&pool->lock, RANK_CELL_POOL);
	list_push(&pool->cells, cell);
	wait_unlock(&pool->lock);
}

uint64_t resv_cells_made(void)
{
	/* Relaxed: a number for tests. */
	uint32_t chunks = wwr_atomic_load(&num_chunks, WWR_RELAXED);

	return chunks == 0 ? 0 : (uint64_t)CELL_FIRST_CHUNK << (chunks - 1);
}

void resv_cells_reset(bool give_back)
{
	for (uint32_t chunk = 1; chunk < num_chunks && give_back; chunk++)
		wwr_free(more_chunks[chunk]);
	memset(more_chunks, 0, sizeof(more_chunks));
	memset(first_chunk, 0, sizeof(first_chunk));
	memset(pools, 0, sizeof(pools));
	memset(resv_cell_origins, 0, sizeof(resv_cell_origins));
	num_chunks = 0;
}
