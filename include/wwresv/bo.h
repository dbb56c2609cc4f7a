/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_BO_H
#define WWRESV_BO_H

#include <stdint.h>

#include <wwresv/macros.h>
#include <wwresv/resv.h>

WWR_BEGIN_DECLS

struct wwr_bo;
struct wwr_class;

/** What the driver that makes a buffer does for it. */
struct wwr_bo_ops {
	/**
	 * The last reference is gone: give the memory back.  The reservation object that the
	 * buffer embeds has ended already.  NULL = the buffer is what the library's allocator
	 * returned, and goes back there (see <wwresv/alloc.h>).
	 */
	void (*release)(struct wwr_bo *bo);
};

/**
 * A buffer object: a size, a reservation object, a reference count.  A driver embeds it in an
 * object of its own that knows where the memory is.
 *
 * Fields: (a) atomic, (i) immutable after init.
 */
struct wwr_bo {
	struct wwr_resv *resv;	      /**< (i) &own_resv, or a shared one */
	const struct wwr_bo_ops *ops; /* (i) */
	uint64_t size_bytes;	      /**< (i) */
	uint32_t refcount;	      /* (a) */
	struct wwr_resv own_resv;     /* unused when the reservation is shared */
};

/**
 * Make a buffer ready: one reference, the caller's.  Allocates nothing.
 *
 * @param bo          caller's memory, until the release op is called
 * @param ops         borrowed
 * @param size_bytes  of the memory; only kept
 * @param lock_class  for a reservation of its own; NULL = wwr_default_class()
 * @param shared_resv borrowed, outlives the buffer; several buffers are locked as one, and
 *                    @p lock_class is not used.  NULL = the buffer gets its own
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * drm_gem_private_object_init()
 */
WWR_API void wwr_bo_init(struct wwr_bo *bo, const struct wwr_bo_ops *ops, uint64_t size_bytes,
			 struct wwr_class *lock_class, struct wwr_resv *shared_resv);

/**
 * Take a reference.
 *
 * @param bo the caller has or borrows a reference already; NULL is passed through
 * @return @p bo
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_object_get()
 */
WWR_API struct wwr_bo *wwr_bo_get(struct wwr_bo *bo);

/**
 * Give a reference back; the last one ends the buffer.  Usage error: it is the last one and the
 * buffer's own reservation is locked.
 *
 * @param bo may be gone afterwards; NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * drm_gem_object_put()
 */
WWR_API void wwr_bo_put(struct wwr_bo *bo);

/**
 * The mutex to lock for this buffer; buffers that share a reservation have the same one.
 *
 * @param bo borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; bo->resv->lock
 */
static inline struct wwr_mutex *wwr_bo_mutex(struct wwr_bo *bo)
{
	return &bo->resv->mutex;
}

WWR_END_DECLS

#endif /* WWRESV_BO_H */
