/* SPDX-License-Identifier: MIT */
#ifndef VIA_FILE_H
#define VIA_FILE_H

#include "tools/submit/via.h"

struct wwr_drm_submit_bo;

/* What a client has of the driver.  Fields: (i) immutable, (t) the client's thread. */
struct via_file {
	const struct plan *plan;	  /* (i) */
	const struct plan_client *client; /* (i) */
	int fd;				  /* (i) */
	uint32_t *queues;		  /* (i) as in plan_workload.queues */
	uint64_t *num_done; /* (t) by queue: its jobs with numbers below have finished */
	bool *gives_way;    /* (t) by queue: its jobs do, as it was told */
	size_t *bond_steps; /* (t) by queue: whose bonds it has, plan_batch.bond_step */
	uint32_t *handles;  /* (i) by slot */
	uint8_t **maps;	    /* (i) by slot: of buffers that this file made, or NULL */
	uint8_t *range;	    /* (i) where they are mapped; NULL = each only for a moment */
	size_t range_bytes, used_bytes; /* (i) of it */
	struct wwr_drm_submit_bo *bos;	/* (t) scratch for one job */
	int sw_sync;			/* (i) the software timeline; -1 = no step needs it */
	uint32_t last_value, value;	/* (t) of its fences so far, and where it is */
	uint32_t *values;		/* (t) by step: of this loop's software fence */
	uint32_t *fences;		/* (t) by step: its syncobj, 0 = none yet */
};

/* via_fences.c: the software timeline, if a step needs it.  0 or -errno. */
int via_open_fences(struct via_file *file);
void via_close_fences(struct via_file *file);

#endif
