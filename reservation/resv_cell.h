/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_RESV_CELL_H
#define RESERVATION_RESV_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

#include "lockset/wwr_atomic.h"

/*
 * Signal cells: what a reader without lock and reference looks at in the place of a fence.
 *
 * A fence gets a cell when it is first added to a reservation and keeps it until it is released;
 * signalling it marks the cell.  Cells are never unmapped, and used again: a cell's generation
 * changes when its fence is released, so that a reader who comes too late sees that it does.  A
 * cell whose generations are used up is not used again, so none ever comes back.  The whole
 * argument is in docs/reservation.md.
 *
 * Fields: (a) atomic, (i) immutable once made, (l) the owner of the list that it is in.
 */
struct wwr_resv_cell {
	uint32_t state;		    /* (a) the generation, and CELL_SIGNALED */
	uint32_t index;		    /* (i) */
	struct wwr_resv_cell *next; /* (l) */
	/* A cache line each: fences are signalled by one processor and looked at by another. */
	uint8_t pad[WWR_CACHE_LINE - 2 * sizeof(uint32_t) - sizeof(void *)];
};

#define CELL_SIGNALED	     1u
#define CELL_STEP	     4u /* from one generation to the next; below it is room for a usage */
#define CELL_GENERATION_MASK (~(CELL_STEP - 1))

/* Cells of the first chunk, a power of two; each further chunk doubles what there is. */
#ifndef CELL_FIRST_CHUNK
#define CELL_FIRST_CHUNK 64
#endif

/* As many as the indices need. */
#define CELL_MAX_CHUNKS 32

/* Where a chunk's cell 0 would be if it had one.  (a) written once each, before its cells are */
extern uintptr_t resv_cell_origins[CELL_MAX_CHUNKS];

static inline unsigned int resv_cell_chunk(uint32_t index)
{
	/* The number of significant bits of index / CELL_FIRST_CHUNK. */
	return 63 - (unsigned int)__builtin_clzll((uint64_t)(index / CELL_FIRST_CHUNK) << 1 | 1);
}

static inline struct wwr_resv_cell *resv_cell_at(uint32_t index)
{
	/* Relaxed: who published the index had it from the chunk's maker. */
	uintptr_t origin = wwr_atomic_load(&resv_cell_origins[resv_cell_chunk(index)], WWR_RELAXED);

	return (struct wwr_resv_cell *)(origin + index * sizeof(struct wwr_resv_cell));
}

/* The generation of a cell whose fence the caller has a reference of, or that has none yet. */
static inline uint32_t resv_cell_generation(const struct wwr_resv_cell *cell)
{
	/* Relaxed: it stays as it is while the fence does. */
	return wwr_atomic_load(&cell->state, WWR_RELAXED) & CELL_GENERATION_MASK;
}

/* The cell's fence has signalled; called by the signaller only, before any callback. */
static inline void resv_cell_signal(struct wwr_resv_cell *cell)
{
	uint32_t generation = resv_cell_generation(cell);

	/* Release pairs with the acquire in resv_word_look(): what the work wrote is seen. */
	wwr_atomic_store(&cell->state, generation | CELL_SIGNALED, WWR_RELEASE);
}

/* A cell that no fence has, or NULL: no memory. */
struct wwr_resv_cell *resv_cell_get(void);

/* Nobody needs the cell any more: its fence is released, or it never had one.  NULL is allowed. */
void resv_cell_put(struct wwr_resv_cell *cell);

/* How many cells there are, of whatever use. */
uint64_t resv_cells_made(void);

/*
 * For tests, while no fence has a cell and no other thread is here: begin as if no cell had ever
 * been made.  give_back: the memory goes back to the allocator; else it is just forgotten.
 */
void resv_cells_reset(bool give_back);

#endif /* RESERVATION_RESV_CELL_H */
