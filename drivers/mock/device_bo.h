/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_DEVICE_BO_H
#define DRIVERS_MOCK_DEVICE_BO_H

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/mm.h>

/*
 * A buffer with memory.  Its reservation is its own, or that of the buffer which it shares one
 * with: its home.  Memory and reservation of a buffer over another driver's are that one's.
 *
 * Fields: (a) atomic, (i) immutable after init, (m) the reservation's mutex.
 */
struct wwr_device_bo {
	union {
		struct wwr_bo base;
		struct wwr_mm_bo mm; /* begins with it; the rest only if is_managed */
	};
	bool is_managed;	    /* (i) the device has memory domains */
	uint64_t number;	    /* (i) */
	uint8_t *map;		    /* (i) contents: ordered by the fences */
	size_t map_bytes;	    /* (i) whole pages */
	size_t touched_bytes;	    /* (i) */
	struct wwr_device_bo *home; /* (i) has the reservation: itself, or referenced */
	struct wwr_bo *over;   /* (i) whose memory and reservation it uses: referenced, or NULL */
	uint32_t place;	       /* (m) its place in the job that was submitted last */
	uint32_t home_place;   /* (m) of a home: the place of the first buffer of its reservation */
	uint32_t home_access;  /* (m) of a home: what that job does to these buffers, HOME_x */
	uint64_t num_backoffs; /* (a) */
	uint64_t wait_ns;      /* (a) */
};

/* What a job does to the buffers of a reservation, all together. */
#define HOME_WRITES	  (1u << 0) /* writes one of them */
#define HOME_WAITS_READS  (1u << 1) /* waits for who reads or writes them */
#define HOME_WAITS_WRITES (1u << 2) /* waits for who writes them */

/* Count what a submit met on this buffer. */
void device_bo_count(struct wwr_device_bo *bo, uint64_t num_backoffs, uint64_t wait_ns);

#endif /* DRIVERS_MOCK_DEVICE_BO_H */
