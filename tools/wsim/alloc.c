/* SPDX-License-Identifier: MIT */
#include "alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *(*wsim_realloc_hook)(void *ptr, size_t size);

static void *resize(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	if (bytes == 0)
		bytes = 1;
	return wsim_realloc_hook != NULL ? wsim_realloc_hook(ptr, bytes) : realloc(ptr, bytes);
}

void *wsim_calloc(size_t count, size_t size)
{
	void *ptr = resize(NULL, count, size);

	return ptr == NULL ? NULL : memset(ptr, 0, count * size);
}

char *wsim_copy(const char *text, size_t len)
{
	char *copy = resize(NULL, len + 1, 1);

	if (copy == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void *wsim_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	size_t want = *capacity == 0 ? 8 : *capacity * 2;
	void *grown;

	if (count < *capacity)
		return array;
	grown = resize(array, want, size);
	if (grown != NULL)
		*capacity = want;
	return grown;
}
