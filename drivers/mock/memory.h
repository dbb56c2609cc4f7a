/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_MEMORY_H
#define DRIVERS_MOCK_MEMORY_H

#include "drivers/mock/device_bo.h"
#include "drivers/mock/effect.h"

#include <wwresv/mm_txn.h>
#include <wwresv/sched.h>

/*
 * The memory of a device that has domains: VRAM and GTT are address space of their own, SYSTEM is
 * each buffer's map.  A copy engine, which is a ring of the scheduler, moves what jobs touch.
 *
 * Fields: (i) immutable once created.
 */
struct mock_memory {
	uint64_t size_bytes[WWR_MM_SYSTEM]; /* (i) VRAM, GTT */
	uint8_t *bytes[WWR_MM_SYSTEM];	    /* (i) NULL = there is no such domain */
	struct wwr_sched *copy_engine;	    /* (i) */
	struct wwr_mm *mm;		    /* (i) */
};

/* 0, -ENOMEM or -EAGAIN = no thread for the copy engine. */
int mock_memory_create(uint64_t vram_bytes, uint64_t gtt_bytes, struct mock_memory **ret_memory);

/* Every move has happened when this returns; no buffer is left but in moves.  NULL is a no-op. */
void mock_memory_destroy(struct mock_memory *memory);

/*
 * Where a locked buffer's touched bytes are.  In one piece: written to the access.  In several: the
 * access gets a list of them, for wwr_free().  0 or -ENOMEM.
 */
int mock_memory_locate(const struct mock_memory *memory, const struct wwr_device_bo *bo,
		       struct wwr_effect_access *access);

#endif /* DRIVERS_MOCK_MEMORY_H */
