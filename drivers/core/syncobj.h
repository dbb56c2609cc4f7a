/* SPDX-License-Identifier: MIT */
#ifndef CORE_SYNCOBJ_H
#define CORE_SYNCOBJ_H

#include "drivers/core/core.h"

struct wwr_syncobj;

/* The syncobj of a handle, with a reference; NULL = there is none. */
struct wwr_syncobj *core_syncobj_find(struct core_file *file, uint32_t handle);

/* The syncobjs of an array of handles of the client's, with a reference each. */
struct core_syncobj_array {
	uint32_t num;
	struct wwr_syncobj **syncobjs;
};

/* 0, -EFAULT, -ENOMEM, -ENOENT (one of them is not there). */
int core_syncobj_array_get(struct core_call *call, uint64_t handles, uint32_t num,
			   struct core_syncobj_array *ret_array);
void core_syncobj_array_put(struct core_syncobj_array *array);

/* 0, or -EOPNOTSUPP: the device has none of these. */
int core_syncobj_check_caps(struct core_call *call, uint32_t caps);

/* Every handle of the file goes. */
void core_syncobj_close_file(struct core_file *file);

#endif /* CORE_SYNCOBJ_H */
