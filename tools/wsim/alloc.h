/* SPDX-License-Identifier: MIT */
/* Every allocation of the parser, in one place so that tests can make it fail. */
#ifndef WSIM_ALLOC_H
#define WSIM_ALLOC_H

#include <stddef.h>

/* Used instead of realloc() when set; tests only, while no other thread parses. */
extern void *(*wsim_realloc_hook)(void *ptr, size_t size);

/* Zeroed array; NULL when out of memory. Freed with free(). */
void *wsim_calloc(size_t count, size_t size);

/* NUL-terminated copy of len bytes. */
char *wsim_copy(const char *text, size_t len);

/*
 * Make room for one more entry in an array of count entries. Returns the array, maybe moved;
 * NULL when out of memory, and the old array stays valid.
 */
void *wsim_grow(void *array, size_t count, size_t *capacity, size_t size);

#endif
