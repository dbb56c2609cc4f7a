/* SPDX-License-Identifier: MIT */
/* Fences that have signalled from the first, and what is left of a driver after the signal. */
#include <wwresv/fence.h>

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"

#include <inttypes.h>

static const char *detached_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "detached";
}

static const char *detached_timeline_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "signaled";
}

const struct wwr_fence_ops fence_detached_ops = {
    .driver_name = detached_driver_name,
    .timeline_name = detached_timeline_name,
};

static const char *stub_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "stub";
}

static void stub_release(struct wwr_fence *fence)
{
	WWR_USAGE(false, "wwr_fence_put: more references of the stub %p dropped than taken",
		  (void *)fence);
}

static const struct wwr_fence_ops stub_ops = {
    .driver_name = stub_name,
    .timeline_name = stub_name,
    .release = stub_release,
};

struct wwr_fence *wwr_fence_stub(void)
{
	/* Context 0 is never given out.  The library keeps the first reference. */
	static struct wwr_fence stub = {
	    .ops = &stub_ops,
	    .callbacks = FENCE_SIGNALED,
	    .timestamp_ns = FENCE_NO_TIMESTAMP,
	    .deadline_ns = INT64_MAX,
	    .refcount = 1,
	    .flags = FENCE_ENABLED,
	};
	int64_t expected = FENCE_NO_TIMESTAMP;

	/* Relaxed: only the number matters, and every caller has made sure of it here. */
	if (wwr_atomic_load(&stub.timestamp_ns, WWR_RELAXED) == FENCE_NO_TIMESTAMP)
		(void)wwr_atomic_cas(&stub.timestamp_ns, &expected, park_now_ns(), WWR_RELAXED);
	return wwr_fence_get(&stub);
}

/* No release: the memory is the allocator's. */
static const struct wwr_fence_ops private_stub_ops = {
    .driver_name = stub_name,
    .timeline_name = stub_name,
};

struct wwr_fence *wwr_fence_stub_create(int64_t timestamp_ns, int error)
{
	struct wwr_fence *fence;

	WWR_USAGE(timestamp_ns >= 0, "wwr_fence_stub_create: %" PRId64 " is no time", timestamp_ns);
	WWR_USAGE(error <= 0 && error >= -FENCE_MAX_ERROR,
		  "wwr_fence_stub_create: %d is not an error from -4095 to -1, nor 0", error);
	fence = wwr_alloc(sizeof(*fence));
	if (fence == NULL)
		return NULL;
	fence_init(fence, &private_stub_ops, 0, 0);
	/* Plain: nobody has seen it yet. */
	fence->callbacks = FENCE_SIGNALED;
	fence->timestamp_ns = timestamp_ns;
	fence->error = error;
	return fence;
}
