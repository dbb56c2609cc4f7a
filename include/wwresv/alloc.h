/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_ALLOC_H
#define WWRESV_ALLOC_H

#include <stddef.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

/**
 * Where the libraries take their memory.  Both functions are called from any thread.
 */
struct wwr_allocator {
	/** Zeroed memory aligned as malloc() does, or NULL. */
	void *(*alloc)(size_t size_bytes, void *data);
	/** Gives back what alloc() returned; never called with NULL. */
	void (*free)(void *ptr, void *data);
	/** Passed to both. */
	void *data;
};

/**
 * Replace the allocator of both libraries.
 *
 * @param allocator copied; NULL restores the default, calloc() and free()
 * @par Thread safety
 * Call it before any other function of the libraries, while there is one thread; memory taken
 * from one allocator must not be given back to another.
 * @par Kernel counterpart
 * none
 */
WWR_API void wwr_set_allocator(const struct wwr_allocator *allocator);

/**
 * Memory as the libraries take it: what is given to them to free must come from here.
 *
 * @param size_bytes how much
 * @return zeroed memory for wwr_free(), or NULL
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kzalloc()
 */
WWR_API void *wwr_alloc(size_t size_bytes);

/**
 * Memory for an array.
 *
 * @param num        how many elements
 * @param size_bytes of one element
 * @return zeroed memory for wwr_free(); NULL also when the size does not fit a size_t
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kcalloc()
 */
WWR_API void *wwr_alloc_array(size_t num, size_t size_bytes);

/**
 * Give memory back.
 *
 * @param ptr from wwr_alloc() or wwr_alloc_array(); NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kfree()
 */
WWR_API void wwr_free(void *ptr);

WWR_END_DECLS

#endif /* WWRESV_ALLOC_H */
