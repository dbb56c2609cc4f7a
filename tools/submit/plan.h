/* SPDX-License-Identifier: MIT */
/*
 * What a run is made of: workloads, their clients, and every buffer.
 *
 * A workload numbers its buffers by slots: first the objects that all clients share, then the
 * objects of each client, then each client's output buffers.  A client maps a slot to a buffer
 * by adding a base, so lists of locks exist once a workload, whatever the number of clients.
 *
 * Immutable once built; any number of threads may read it.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/submit/options.h"
#include "tools/wsim/wsim.h"

struct wwr_device;
struct wwr_device_bo;

/* The label of a job holds its client, step and loop: 14, 20 and 30 bits. */
#define PLAN_MAX_CLIENTS 10000
#define PLAN_MAX_LOOPS	 ((1u << 30) - 1)
/* Each has at least a page of memory. */
#define PLAN_MAX_BUFFERS (1u << 20)

/* Loops of a client that may be in flight. */
#define PLAN_MAX_ROWS 1024

/* In plan_workload.last_use: no step names the fence. */
#define PLAN_NO_USE UINT32_MAX

/* In plan_slot.set: the output buffer of batch `object`. */
#define PLAN_OUTPUT SIZE_MAX

/* One buffer of a workload. */
struct plan_slot {
	size_t set;	 /* index into wsim_workload.sets, or PLAN_OUTPUT */
	uint64_t object; /* its number in the set, or the batch's step */
};

/* One buffer of a batch. */
struct plan_lock {
	uint32_t slot;
	uint32_t access; /* WWR_ACCESS_x */
};

struct plan_batch {
	size_t step;
	uint32_t num_locks;
	struct plan_lock *locks; /* in the descriptor's order, each slot once */
	uint32_t queue;		 /* index into plan_workload.queues */
	size_t bond_step;	 /* the last b step in force if it has a submit fence; or NO_STEP */
};

/* Jobs of one client in one context on the same engines keep their order. */
struct plan_queue {
	uint32_t ctx;
	size_t ctx_index;
	uint64_t engine_mask;
	char engines[48]; /* for people: "rcs0", "vcs0|vcs1" */
};

struct plan_workload {
	const struct wsim_workload *wsim;
	char *name; /* unique in the run */
	bool share; /* private sets are shared, too */
	uint32_t num_slots;
	uint32_t num_shared; /* slots below this one are shared */
	struct plan_slot *slots;
	uint32_t num_batches;
	struct plan_batch *batches;
	uint32_t *batch_of_step; /* index into batches; meaningless for other steps */
	uint32_t num_queues;
	struct plan_queue *queues;
	uint32_t shared_base; /* the buffer of slot 0 */
	uint32_t *last_use;   /* by step: the last one that names its fence, or PLAN_NO_USE */
	uint32_t num_sw_fences, num_out_fences; /* of a loop */
	uint32_t max_open_fences;		/* that its steps have open at a time */
	uint32_t max_rows;			/* loops of a client in flight */
};

struct plan_client {
	uint32_t number; /* in the run, from 0 */
	const struct plan_workload *workload;
	uint32_t private_base; /* the buffer of slot num_shared */
};

struct plan {
	struct wwr_device *device;
	uint64_t seed;
	bool sort;
	bool whole_pages; /* sizes of buffers are rounded up, as the driver does */
	uint32_t num_workloads;
	struct plan_workload *workloads;
	uint32_t num_clients;
	struct plan_client *clients;
	uint32_t num_buffers;
	struct wwr_device_bo **buffers;
	uint32_t max_locks; /* of a batch */
};

/* One buffer of a client's batch. */
struct plan_access {
	uint32_t buffer; /* index into plan.buffers */
	uint32_t access;
};

/*
 * Make all buffers and lists.  device and the workloads outlive the plan.  Returns 0, or -errno
 * after a message: -ENOMEM, -E2BIG for more than the limits above, or -EMFILE.
 */
int plan_build(struct wwr_device *device, struct wsim_workload *const *workloads,
	       size_t num_workloads, const struct submit_options *options, struct plan *ret_plan);

/* A zeroed plan is fine. */
void plan_fini(struct plan *plan);

/* The buffer of a client's slot. */
uint32_t plan_buffer(const struct plan_client *client, uint32_t slot);

/*
 * What a batch of a client uses, in the order in which it locks; room for plan.max_locks.
 * Returns how many.
 */
uint32_t plan_accesses(const struct plan *plan, const struct plan_client *client,
		       const struct plan_batch *batch, struct plan_access *ret_accesses);

/* "game/w25[13]", "game/c3/w2[0]", "game/c3/out[17]"; like snprintf(). */
int plan_buffer_name(const struct plan *plan, uint32_t buffer, char *buf, size_t size);

/* Seeds of everything random, all from the seed of the run. */
uint64_t plan_job_seed(const struct plan *plan, uint32_t client, uint32_t step, uint32_t loop);
uint64_t plan_client_seed(const struct plan *plan, uint32_t client);

/* The label of a job, and back. */
uint64_t plan_label(uint32_t client, uint32_t step, uint32_t loop);
uint32_t plan_label_client(uint64_t label);
uint32_t plan_label_step(uint64_t label);
uint32_t plan_label_loop(uint64_t label);

#endif
