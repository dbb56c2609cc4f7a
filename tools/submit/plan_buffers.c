/* SPDX-License-Identifier: MIT */
#include "tools/submit/plan_buffers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <wwresv/device.h>

#include "tools/common/cli.h"
#include "tools/common/memory.h"
#include "tools/common/progress.h"
#include "tools/common/stop.h"

/* Give every client its numbers and every slot its buffer; nothing is allocated yet. */
int plan_buffers_number(struct plan *plan, uint32_t clients_each)
{
	struct plan_workload *workload;
	struct plan_client *client;
	uint64_t next = 0;
	uint32_t i, k;

	for (i = 0; i < plan->num_workloads; i++) {
		workload = &plan->workloads[i];
		workload->shared_base = (uint32_t)next;
		next += workload->num_shared;
		for (k = 0; k < clients_each; k++) {
			client = &plan->clients[i * clients_each + k];
			client->number = i * clients_each + k;
			client->workload = workload;
			client->private_base = (uint32_t)next;
			next += workload->num_slots - workload->num_shared;
		}
		if (next > PLAN_MAX_BUFFERS) {
			cli_error("expected at most %u buffers in all, found more: use fewer "
				  "clients or smaller working sets",
				  PLAN_MAX_BUFFERS);
			return -E2BIG;
		}
	}
	plan->num_buffers = (uint32_t)next;
	return 0;
}

/* A set is drawn once for all who share it, else once for each client. */
static uint64_t slot_bytes(const struct plan *plan, const struct plan_workload *workload,
			   const struct plan_client *client, uint32_t slot)
{
	const struct plan_slot *entry = &workload->slots[slot];
	uint64_t seed;

	if (entry->set == PLAN_OUTPUT)
		return 4096;
	seed = slot < workload->num_shared ? plan->seed + (uint64_t)(workload - plan->workloads)
					   : plan_client_seed(plan, client->number);
	return wsim_object_bytes(&workload->wsim->sets[entry->set], entry->object, seed);
}

/* Of an address space of 47 bits, with room for everything else. */
#define MAX_MAPPED_BYTES ((uint64_t)1 << 46)
#define PAGE_BYTES	 4096u
#define WORD_BYTES	 8u

/* What all buffers take. */
struct footprint {
	uint64_t mapped;  /* address space */
	uint64_t touched; /* memory, with the copy that the check of the result makes */
	bool full;	  /* jobs touch all of a buffer */
};

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static void add_range(const struct plan *plan, const struct plan_client *client,
		      uint32_t first_slot, uint32_t end_slot, struct footprint *sum)
{
	uint32_t slot;
	uint64_t bytes, touched;

	for (slot = first_slot; slot < end_slot; slot++) {
		bytes = slot_bytes(plan, client->workload, client, slot);
		touched = sum->full || bytes < WWR_TOUCH_BYTES ? bytes : WWR_TOUCH_BYTES;
		sum->mapped += round_up(bytes, PAGE_BYTES);
		sum->touched += round_up(touched, PAGE_BYTES) + round_up(touched, WORD_BYTES);
	}
}

static double gib(uint64_t bytes)
{
	return (double)bytes / (double)(1u << 30);
}

int plan_buffers_fit(const struct plan *plan, uint32_t clients_each, bool touch_full)
{
	uint64_t available = memory_available_bytes();
	struct footprint sum = {.full = touch_full};
	const struct plan_workload *workload;
	uint32_t i;

	/* Sizes are below 2^40 and clients below 2^14: the sums do not overflow. */
	for (i = 0; i < plan->num_clients; i++) {
		workload = plan->clients[i].workload;
		if (i % clients_each == 0)
			add_range(plan, &plan->clients[i], 0, workload->num_shared, &sum);
		add_range(plan, &plan->clients[i], workload->num_shared, workload->num_slots, &sum);
	}
	if (sum.mapped > MAX_MAPPED_BYTES) {
		cli_error("expected at most %.0f GiB of buffers, found %.1f GiB of %" PRIu32
			  " clients: use fewer clients or smaller working sets",
			  gib(MAX_MAPPED_BYTES), gib(sum.mapped), plan->num_clients);
		return -E2BIG;
	}
	if (sum.touched <= available)
		return 0;
	cli_error("%" PRIu32 " buffers of %.1f GiB need %.1f GiB of memory%s, and %.1f GiB are "
		  "available: use fewer clients%s",
		  plan->num_buffers, gib(sum.mapped), gib(sum.touched),
		  touch_full ? " with --touch full and the check of the result" : "",
		  gib(available), touch_full ? ", or --touch head" : "");
	return -ENOMEM;
}

/* How far it is. */
struct making {
	struct progress progress;
	uint32_t num_made;
};

static int create_range(struct plan *plan, const struct plan_client *client, uint32_t first_slot,
			uint32_t end_slot, struct making *making)
{
	const struct plan_workload *workload = client->workload;
	uint32_t slot, buffer;
	uint64_t bytes;
	int ret;

	for (slot = first_slot; slot < end_slot; slot++) {
		if (stop_signal() != 0)
			return -EINTR;
		buffer = plan_buffer(client, slot);
		bytes = slot_bytes(plan, workload, client, slot);
		if (plan->whole_pages)
			bytes = round_up(bytes, PAGE_BYTES);
		ret = wwr_device_bo_create(plan->device, buffer, bytes, &plan->buffers[buffer]);
		progress_update(&making->progress, making->num_made++, plan->num_buffers, "buffers",
				"preparing");
		if (ret == 0)
			continue;
		progress_clear(&making->progress);
		cli_error("buffer %" PRIu32 " of %" PRIu32 ", %" PRIu64 " bytes: %s", buffer + 1,
			  plan->num_buffers, bytes, strerror(-ret));
		return ret;
	}
	return 0;
}

int plan_buffers_create(struct plan *plan, uint32_t clients_each)
{
	const struct plan_client *client;
	struct making making = {.num_made = 0};
	uint32_t i;
	int ret = 0;

	plan->buffers = calloc((size_t)plan->num_buffers + 1, sizeof(struct wwr_device_bo *));
	if (plan->buffers == NULL) {
		cli_error("not enough memory for a list of %" PRIu32 " buffers", plan->num_buffers);
		return -ENOMEM;
	}
	progress_init(&making.progress);
	for (i = 0; i < plan->num_clients && ret == 0; i++) {
		client = &plan->clients[i];
		if (i % clients_each == 0)
			ret = create_range(plan, client, 0, client->workload->num_shared, &making);
		if (ret == 0)
			ret = create_range(plan, client, client->workload->num_shared,
					   client->workload->num_slots, &making);
	}
	progress_clear(&making.progress);
	return ret;
}
