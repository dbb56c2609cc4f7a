/* SPDX-License-Identifier: MIT */
/* A schedule as a list of steps for people to read. */
#include "tests/explore/run.h"

#include "lockset/mutex.h"
#include "reservation/fence_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a longer schedule only the end is shown. */
#define MAX_SHOWN 1500

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The value that the operation found; words that hold pointers are shown with their flags. */
static void print_value(uint64_t value, const char *name)
{
	char text[64];
	const char *dot = strrchr(name, '.');
	uintptr_t pointer = value & ~(uint64_t)7;

	if (dot != NULL && strcmp(dot, ".owner") == 0) {
		strcpy(text, "free");
		if (pointer != 0)
			ex_memory_name((void *)pointer, text, sizeof(text));
		printf(" = %s%s%s", text, (value & OWNER_PLAIN) != 0 ? ", plain" : "",
		       (value & OWNER_WAITERS) != 0 ? ", waiters" : "");
	} else if (dot != NULL && strcmp(dot, ".callbacks") == 0) {
		printf(" = %s%s%s%s", pointer != 0 ? "list" : "no list",
		       (value & FENCE_SIGNALED) != 0 ? ", signalled" : "",
		       (value & FENCE_BUSY) != 0 ? ", busy" : "",
		       (value & FENCE_AWAITED) != 0 ? ", awaited" : "");
	} else if (value < 1000000 || (dot != NULL && strcmp(dot, ".stamp") == 0)) {
		printf(" = %" PRIu64, value);
	} else {
		(void)ex_memory_describe((void *)pointer, text, sizeof(text));
		printf(" = %s%s", text, pointer != value ? ", marked" : "");
	}
}

static void print_op(const struct ex_event *event)
{
	const struct ex_op *op = &event->op;
	unsigned int size_bytes;
	uint64_t value;
	char name[64];

	printf("%-10s", op->what);
	if (op->ptr == NULL)
		return;
	size_bytes = ex_memory_describe(op->ptr, name, sizeof(name));
	if (op->file == NULL && strcmp(op->what, "frees") == 0)
		ex_memory_name(op->ptr, name, sizeof(name));
	printf(" %s", name);
	if (op->file == NULL || (size_bytes != 4 && size_bytes != 8))
		return;
	value = event->before >> (((uintptr_t)op->ptr & 7) * 8);
	print_value(size_bytes == 4 ? (uint32_t)value : value, name);
}

static void print_event(const char *prefix, unsigned int step, const struct ex_event *event)
{
	const struct ex_op *op = &event->op;
	const struct ex_fiber *fiber = &ex.fibers[event->fiber];
	char where[64] = "";

	if (op->file != NULL)
		snprintf(where, sizeof(where), op->line != 0 ? "%s:%d" : "%s", base_name(op->file),
			 op->line);
	printf("%s%5u  T%u %-8s  %-20s ", prefix, step, event->fiber + 1, fiber->label, where);
	print_op(event);
	putchar('\n');
}

static void print_fiber(const char *prefix, const struct ex_fiber *fiber)
{
	char name[64];

	printf("%s  T%u %-8s ", prefix, ex_number(fiber) + 1, fiber->label);
	if (fiber->state == EX_DONE) {
		printf("done\n");
		return;
	}
	if (fiber->state == EX_READY) {
		printf("can run\n");
		return;
	}
	(void)ex_memory_describe(fiber->futex, name, sizeof(name));
	printf("asleep on %s since step %u", name, fiber->asleep_since);
	if (ex_threads[ex_number(fiber)].waiting != NULL) {
		ex_memory_name(ex_threads[ex_number(fiber)].waiting, name, sizeof(name));
		printf(", waits for %s", name);
	}
	putchar('\n');
}

static const char *print_prefix;

static void print_mutex(void *mutex, unsigned int number)
{
	char name[16];

	snprintf(name, sizeof(name), "mutex %c", 'A' + (char)number);
	printf("%s", print_prefix);
	ex_queue_print(mutex, name);
}

void ex_report(const char *prefix)
{
	unsigned int first = ex.num_events > MAX_SHOWN ? ex.num_events - MAX_SHOWN : 0;

	ex.current = NULL;
	printf("%s step  fiber        where                what\n", prefix);
	if (first > 0)
		printf("%s  ... %u earlier steps\n", prefix, first);
	for (unsigned int i = first; i < ex.num_events; i++)
		print_event(prefix, i + 1, &ex_events[i]);
	printf("%sin the end:\n", prefix);
	for (unsigned int i = 0; i < ex.num_fibers; i++)
		print_fiber(prefix, &ex.fibers[i]);
	print_prefix = prefix;
	ex_memory_for_each(EX_MUTEX, print_mutex);
	ex_memory_for_each(EX_RESV, print_mutex);
}
