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

#define BYTES_PER_KIB  1024
#define MAX_NAME_BYTES 200

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

/* A file may be called anything; a line of its own would be a key. */
static void add_name(struct text *text, const char *name)
{
	char clean[MAX_NAME_BYTES + 1];
	size_t i;

	for (i = 0; i < MAX_NAME_BYTES && name[i] != '\0'; i++)
		clean[i] = (unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i];
	clean[i] = '\0';
	add_line(text, "drm-client-name:\t%s\n", clean);
}

/* What the engines of each class have spent on the client's jobs. */
static void sum_busy_ns(const struct run *run, const struct client *client, uint64_t *ret_busy_ns)
{
	const uint32_t num_queues = client->plan->workload->num_queues;
	struct wwr_engine_info info;
	unsigned int engine;
	uint32_t queue;

	for (engine = 0; engine < wwr_device_num_engines(run->device); engine++) {
		wwr_device_get_engine(run->device, engine, &info);
		for (queue = 0; queue < num_queues; queue++)
			ret_busy_ns[info.engine_class] +=
			    wwr_queue_engine_ns(client->queues[queue], engine);
	}
}

static void add_engines(struct text *text, const struct run *run, const struct client *client)
{
	const uint32_t *capacity = run->options->engines.count;
	uint64_t busy_ns[WWR_NUM_ENGINE_CLASSES] = {0};
	uint32_t i;

	sum_busy_ns(run, client, busy_ns);
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

	add_line(&text, "drm-driver:\twwrmock\n");
	add_line(&text, "drm-client-id:\t%" PRIu32 "\n", client);
	add_name(&text, run->plan.clients[client].workload->name);
	add_engines(&text, run, run->clients[client]);
	add_memory(&text, run, run->clients[client]);
	return text.length;
}
