/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_SYNC_TIMELINE_H
#define RESERVATION_SYNC_TIMELINE_H

#include <stddef.h>

struct wwr_fence;

/* The name given to a timeline's fence; NULL for other fences, and if there is none. */
const char *sync_timeline_fence_name(const struct wwr_fence *fence);

/* Copy a name of up to size_bytes - 1 bytes, with its terminator. */
void sync_name_copy(char *ret_name, size_t size_bytes, const char *name);

#endif /* RESERVATION_SYNC_TIMELINE_H */
