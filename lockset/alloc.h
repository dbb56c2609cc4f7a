/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_ALLOC_H
#define LOCKSET_ALLOC_H

#include <stddef.h>

#include <wwresv/macros.h>

/*
 * All memory of the libraries comes from here; <wwresv/alloc.h> replaces what is behind it.
 * Exported for the drivers' library, which shares the hook; in no public header.
 */

/* Zeroed memory, or NULL. */
WWR_API void *wwr_alloc(size_t size_bytes);

/* Zeroed memory for an array, or NULL, also when the size overflows. */
WWR_API void *wwr_alloc_array(size_t num, size_t size_bytes);

/* NULL is a no-op. */
WWR_API void wwr_free(void *ptr);

#endif /* LOCKSET_ALLOC_H */
