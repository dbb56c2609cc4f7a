/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_ALLOC_H
#define LOCKSET_ALLOC_H

#include <stddef.h>

/* All memory of the libraries comes from here; <wwresv/alloc.h> replaces what is behind it. */

/* Zeroed memory, or NULL. */
void *wwr_alloc(size_t size_bytes);

/* Zeroed memory for an array, or NULL, also when the size overflows. */
void *wwr_alloc_array(size_t num, size_t size_bytes);

/* NULL is a no-op. */
void wwr_free(void *ptr);

#endif /* LOCKSET_ALLOC_H */
