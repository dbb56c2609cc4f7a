/* SPDX-License-Identifier: MIT */
#include "tools/submit/fdinfo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>

#include "tools/submit/client.h"
#include "tools/submit/run.h"

#define BYTES_PER_KIB 1024

/* By enum wwr_engine_class, as the kernel's drivers name them. */
static const char *const engine_names[WWR_NUM_ENGINE_CLASSES] = {"render", "copy", "video",
								 "video-enhance", "compute"};

struct text {
	char *text;
	size_t size_bytes, length;
};

__attribute__((format(printf, 2, 3))) static void add_line(struct text *text, const char *format,
							   ...)
{
	const bool fits = text->length < text->size_bytes;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(fits ? text->text + text->length : NULL,
			   fits ? text->size_bytes - text->length : 0, format, args);
	va_end(args);
	text->length += length > 0 ? (size_t)length : 0;
}

/* The class of the engines that may run the jobs of a queue: of a map that mixes them, the first.
 */
static enum wwr_engine_class queue_class(const struct run *run, const struct plan_queue *queue)
{
	struct wwr_engine_info info;

	wwr_device_get_engine(run->device, (unsigned int)__builtin_ctzll(queue->engine_mask),
			      &info);
	return info.engine_class;
}

static void add_engines(struct text *text, const struct run *run, const struct client *client)
{
	const struct plan_workload *workload = client->plan->workload;
	const uint32_t *capacity = run->options->engines.count;
	uint64_t busy_ns[WWR_NUM_ENGINE_CLASSES] = {0};
	uint32_t i;

	for (i = 0; i < workload->num_queues; i++)
		busy_ns[queue_class(run, &workload->queues[i])] +=
		    wwr_queue_busy_ns(client->queues[i]);
	for (i = 0; i < WWR_NUM_ENGINE_CLASSES; i++) {
		if (capacity[i] == 0)
			continue;
		add_line(text, "drm-engine-%s:\t%" PRIu64 " ns\n", engine_names[i], busy_ns[i]);
		if (capacity[i] > 1)
			add_line(text, "drm-engine-capacity-%s:\t%" PRIu32 "\n", engine_names[i],
				 capacity[i]);
	}
}

static void add_memory(struct text *text, const struct run *run, const struct client *client)
{
	const struct plan_workload *workload = client->plan->workload;
	uint64_t total = 0, shared = 0, bytes;
	uint32_t slot;

	for (slot = 0; slot < workload->num_slots; slot++) {
		bytes = wwr_device_bo_base(run->plan.buffers[plan_buffer(client->plan, slot)])
			    ->size_bytes;
		total += bytes;
		shared += slot < workload->num_shared ? bytes : 0;
	}
	add_line(text, "drm-total-memory:\t%" PRIu64 " KiB\n", total / BYTES_PER_KIB);
	add_line(text, "drm-shared-memory:\t%" PRIu64 " KiB\n", shared / BYTES_PER_KIB);
}

size_t fdinfo_write(const struct run *run, uint32_t client, char *ret_text, size_t size_bytes)
{
	struct text text = {.text = ret_text, .size_bytes = size_bytes};

	add_line(&text, "drm-driver:\twwresv-mock\n");
	add_line(&text, "drm-client-id:\t%" PRIu32 "\n", client);
	add_line(&text, "drm-client-name:\t%.200s\n", run->plan.clients[client].workload->name);
	add_engines(&text, run, run->clients[client]);
	add_memory(&text, run, run->clients[client]);
	return text.length;
}
