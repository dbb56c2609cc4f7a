/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_DEVICE_BO_H
#define DRIVERS_MOCK_DEVICE_BO_H

#include <wwresv/bo.h>
#include <wwresv/device.h>

/*
 * A buffer with memory.  Always has a reservation of its own, so one mutex means one buffer.
 *
 * Fields: (a) atomic, (i) immutable after init, (m) the reservation's mutex.
 */
struct wwr_device_bo {
	struct wwr_bo base;
	uint64_t number;       /* (i) */
	uint8_t *map;	       /* (i) contents: ordered by the fences */
	size_t map_bytes;      /* (i) whole pages */
	size_t touched_bytes;  /* (i) */
	uint32_t place;	       /* (m) its place in the job that was submitted last */
	uint64_t num_backoffs; /* (a) */
	uint64_t wait_ns;      /* (a) */
};

/* Count what a submit met on this buffer. */
void device_bo_count(struct wwr_device_bo *bo, uint64_t num_backoffs, uint64_t wait_ns);

#endif /* DRIVERS_MOCK_DEVICE_BO_H */
