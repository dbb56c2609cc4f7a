/* SPDX-License-Identifier: MIT */
#ifndef CORE_GEM_H
#define CORE_GEM_H

#include "drivers/core/core.h"

/*
 * A buffer of a device: memory in a memfd, a reservation, and what clients call it.
 *
 * A dma-buf made of it holds the memory and the reservation, not the gem: when that was closed
 * everywhere and somebody imports the dma-buf, there is a new gem over the same buffer.
 *
 * Fields: (i) immutable, (a) atomic, (d) under the device's lock.
 */
struct core_gem {
	struct core_device *device; /* (i) a reference */
	struct wwr_bo *bo;	    /* (i) a reference */
	int memfd;		    /* (i) */
	uint64_t size_bytes;	    /* (i) whole pages */
	bool imported;		    /* (i) the memory came as a dma-buf */
	uint32_t driver_flags;	    /* (i) the driver's, once there is a handle */
	void *driver_data;	    /* (d) the driver's, for its gem_fini */
	uint32_t refcount;	    /* (a) */
	uint32_t num_handles;	    /* (d) in all files */
	uint32_t name;		    /* (d) 0 = none */
	struct gem_handle *handles; /* (d) the first handle of each file that has one */
	struct core_gem *next;	    /* (d) in its bucket */
};

/* New memory, zeroed; no handle yet.  -EINVAL (size), -ENOMEM, -EMFILE, -ENFILE. */
int core_gem_create(struct core_device *device, uint64_t size_bytes, struct core_gem **ret_gem);

struct core_gem *core_gem_get(struct core_gem *gem);
void core_gem_put(struct core_gem *gem);

/* A handle in this file; -ENOSPC (quota), -ENOMEM. */
int core_gem_add_handle(struct core_file *file, struct core_gem *gem, uint32_t *ret_handle);

/* -EINVAL: there is no such handle. */
int core_gem_close_handle(struct core_file *file, uint32_t handle);

/* With a reference, or NULL. */
struct core_gem *core_gem_find(struct core_file *file, uint32_t handle);

/*
 * A handle of a dma-buf's buffer: the one that this file has already, else a new one.  fd is the
 * dma-buf, borrowed.  -ENOSPC (quota), -ENOMEM, and what opening the memory anew may give.
 */
int core_gem_import(struct core_file *file, struct wwr_bo *bo, int fd, uint32_t *ret_handle);

/* A global name; the same one each time.  -ENOMEM, -ENOSPC. */
int core_gem_flink(struct core_gem *gem, uint32_t *ret_name);

/* With a reference, or NULL. */
struct core_gem *core_gem_find_name(struct core_device *device, uint32_t name);

/* Every handle of the file goes. */
void core_gem_close_file(struct core_file *file);

/*
 * What mmap() of the device's descriptor at this offset maps: a reference.  NULL: nothing begins
 * there, or it ends before length_bytes.
 */
struct core_gem *core_gem_find_mapping(struct core_file *file, uint64_t offset,
				       uint64_t length_bytes);

/* The offset for that. */
uint64_t core_gem_map_offset(uint32_t handle);

#endif /* CORE_GEM_H */
