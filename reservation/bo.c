/* SPDX-License-Identifier: MIT */
/*
 * Buffer objects.  Invariant: resv is &own_resv from the first to the last reference, or a shared
 * one that this object neither began nor ends.
 */
#include <wwresv/bo.h>

#include <wwresv/alloc.h>
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

void wwr_bo_init(struct wwr_bo *bo, const struct wwr_bo_ops *ops, uint64_t size_bytes,
		 struct wwr_class *lock_class, struct wwr_resv *shared_resv)
{
	WWR_USAGE(ops != NULL, "wwr_bo_init: buffer %p has no ops", (void *)bo);
	bo->ops = ops;
	bo->size_bytes = size_bytes;
	bo->refcount = 1;
	if (shared_resv == NULL)
		wwr_resv_init(&bo->own_resv, lock_class);
	bo->resv = shared_resv != NULL ? shared_resv : &bo->own_resv;
}

struct wwr_bo *wwr_bo_get(struct wwr_bo *bo)
{
	uint32_t old;

	if (bo == NULL)
		return NULL;
	/* Relaxed: the caller's own reference orders what it needs. */
	old = wwr_atomic_fetch_add(&bo->refcount, 1, WWR_RELAXED);
	WWR_USAGE(old != 0, "wwr_bo_get: buffer %p was released", (void *)bo);
	return bo;
}

void wwr_bo_put(struct wwr_bo *bo)
{
	uint32_t old;

	if (bo == NULL)
		return;
	/* Release and acquire pair with each other: all use of the buffer before its release. */
	old = wwr_atomic_fetch_sub(&bo->refcount, 1, WWR_ACQ_REL);
	WWR_USAGE(old != 0, "wwr_bo_put: buffer %p was released before", (void *)bo);
	if (old != 1)
		return;
	if (bo->resv == &bo->own_resv)
		wwr_resv_fini(&bo->own_resv);
	if (bo->ops->release != NULL)
		bo->ops->release(bo);
	else
		wwr_free(bo);
}
