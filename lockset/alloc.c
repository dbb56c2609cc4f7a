/* SPDX-License-Identifier: MIT */
#include <wwresv/alloc.h>

#include "lockset/thread.h"

#include <stdlib.h>

static void *default_alloc(size_t size_bytes, void *data)
{
	(void)data;
	return calloc(1, size_bytes);
}

static void default_free(void *ptr, void *data)
{
	(void)data;
	free(ptr);
}

static const struct wwr_allocator default_allocator = {default_alloc, default_free, NULL};
static struct wwr_allocator allocator = {default_alloc, default_free, NULL};

void wwr_set_allocator(const struct wwr_allocator *new_allocator)
{
	allocator = new_allocator != NULL ? *new_allocator : default_allocator;
}

void *wwr_alloc(size_t size_bytes)
{
	thread_check_section(thread_self(), "allocates memory", NULL);
	return allocator.alloc(size_bytes, allocator.data);
}

void *wwr_alloc_array(size_t num, size_t size_bytes)
{
	size_t total_bytes;

	if (__builtin_mul_overflow(num, size_bytes, &total_bytes))
		return NULL;
	return wwr_alloc(total_bytes);
}

void wwr_free(void *ptr)
{
	if (ptr != NULL)
		allocator.free(ptr, allocator.data);
}
