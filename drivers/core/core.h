/* SPDX-License-Identifier: MIT */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/core/handle_table.h"

struct core_call;
struct core_device;
struct core_file;
struct core_gem;
struct wwr_bo;
struct wwr_interrupt_token;

/*
 * The device core: devices, open files, and the ioctls that every DRM device has.
 *
 * A transport (the preloaded library, or a server with a socket) opens files, hands over ioctls as
 * {file, request, address of the argument}, and says how memory and descriptors of the client are
 * reached.  Nothing here knows whether the client is in the same process.
 */

/* How the core gets at what belongs to the client.  Addresses are the client's. */
struct core_transport {
	/* 0 or -EFAULT. */
	int (*copy_in)(void *data, void *dst, uint64_t src, size_t size_bytes);
	int (*copy_out)(void *data, uint64_t dst, const void *src, size_t size_bytes);
	/*
	 * A descriptor of this process for one of the client's, for fd_release; or -EBADF.  One
	 * that is not open may pass: who uses it finds out, and the ioctl has to return the same
	 * then.
	 */
	int (*fd_in)(void *data, int client_fd);
	void (*fd_release)(void *data, int fd);
	/* The client gets fd, which ends here: its number there, or -errno and fd is closed. */
	int (*fd_out)(void *data, int fd, bool cloexec);
	/* The client takes a number back that nobody has seen yet. */
	void (*fd_undo)(void *data, int client_fd);
};

/* One ioctl on its way.  Handlers get it, and the argument block as the core knows it. */
struct core_call {
	struct core_file *file;
	const struct core_transport *transport;
	void *data;			   /* the transport's */
	struct wwr_interrupt_token *token; /* ends the sleeps of the call */
	int new_fd; /* the handler gave the client a descriptor: its number there, else -1 */
	uint64_t block_addr; /* where the block goes when the handler is done */
	size_t block_bytes;  /* of it that go there */
};

typedef int (*core_handler)(struct core_call *call, void *arg);

#define CORE_AUTH   (1u << 0) /* needs an authenticated file, or a render node */
#define CORE_MASTER (1u << 1) /* needs the master */
#define CORE_RENDER (1u << 2) /* allowed on a render node */

/* An ioctl by its number.  A client's block may be shorter or longer: what lacks is 0. */
struct core_ioctl {
	uint8_t nr;
	uint8_t flags;
	uint16_t size_bytes; /* of the block as the handler knows it */
	bool in;	     /* the client's block is read */
	bool out;	     /* it is written */
	core_handler handler;
};

/* What makes a driver of the core.  All but names may be NULL or 0. */
struct core_driver {
	const char *name, *desc, *date;
	int major, minor, patchlevel;
	const char *unique; /* the bus id */

	const struct core_ioctl *ioctls; /* of its own, from DRM_COMMAND_BASE */
	size_t num_ioctls;

	int (*open)(struct core_file *file);
	void (*close)(struct core_file *file);
	void (*fini)(struct core_device *device);
	/* A buffer ends: what the driver has put into driver_data goes. */
	void (*gem_fini)(struct core_gem *gem);
};

/* Bits of core_device.caps; see DRM_CAP_x. */
#define CORE_CAP_DUMB		  (1u << 0)
#define CORE_CAP_PRIME_IMPORT	  (1u << 1)
#define CORE_CAP_PRIME_EXPORT	  (1u << 2)
#define CORE_CAP_SYNCOBJ	  (1u << 3)
#define CORE_CAP_SYNCOBJ_TIMELINE (1u << 4)
#define CORE_CAP_ALL		  ((1u << 5) - 1)

/* What one open file may have. */
struct core_quota {
	uint32_t max_buffers;
	uint32_t max_syncobjs;
	uint64_t max_bytes;
	uint32_t max_queues; /* of drivers that have some */
	uint32_t max_jobs;   /* pending at a time; the same */
};

extern const struct core_quota core_default_quota;

#define CORE_NAME_BYTES	 64
#define CORE_NUM_BUCKETS 256

/* Fields: (i) immutable, (l) under lock, (a) atomic. */
struct core_device {
	const struct core_driver *driver; /* (i) */
	void *driver_data;		  /* (i) */
	uint32_t caps;			  /* (i) CORE_CAP_x */
	struct core_quota quota;	  /* (i) */
	uint32_t refcount;		  /* (a) */
	uint32_t num_gems;		  /* (a) alive: for reports */
	pthread_mutex_t lock;
	struct core_file *files;		 /* (l) */
	struct core_file *master;		 /* (l) or NULL */
	bool has_unique;			 /* (l) the master has asked for the bus id */
	uint32_t last_magic;			 /* (l) */
	struct core_gem *gems[CORE_NUM_BUCKETS]; /* (l) all, by their buffer */
	struct handle_table names;		 /* flink names; each holds a reference */
};

/* Fields: (i) immutable, (d) under the device's lock, (a) atomic, (l) under lock. */
struct core_file {
	struct core_device *device;    /* (i) a reference */
	bool render;		       /* (i) a render node */
	int pid, uid;		       /* (i) who opened it */
	uint64_t client_id;	       /* (i) unique in this process */
	uint32_t refcount;	       /* (a) */
	struct core_file *prev, *next; /* (d) */
	uint32_t magic;		       /* (d) 0 = none yet */
	bool authenticated;	       /* (d) */
	bool was_master;	       /* (d) may become it again */
	uint32_t client_caps;	       /* (a) bit n = DRM_CLIENT_CAP n */
	uint64_t num_bytes;	       /* (a) of buffers with a handle here */
	pthread_mutex_t lock;
	char name[CORE_NAME_BYTES]; /* (l) DRM_IOCTL_SET_CLIENT_NAME */
	struct handle_table gems;
	struct handle_table syncobjs;
	void *driver_data; /* the driver's, from open to close */
};

/*
 * Make a device; -ENOMEM.  The caller's reference is for core_device_put(), which, the last one,
 * calls the driver's fini.
 */
int core_device_create(const struct core_driver *driver, void *driver_data, uint32_t caps,
		       const struct core_quota *quota, struct core_device **ret_device);
struct core_device *core_device_get(struct core_device *device);
void core_device_put(struct core_device *device);

/* The file's only reference; the last put closes it: all its handles go. -ENOMEM, or the driver's.
 */
int core_file_open(struct core_device *device, bool render, int pid, int uid,
		   struct core_file **ret_file);
struct core_file *core_file_get(struct core_file *file);
void core_file_put(struct core_file *file);

/* One ioctl: 0 or -errno.  arg is the client's address of the block. */
int core_ioctl(struct core_call *call, unsigned long request, uint64_t arg);

/*
 * The fdinfo of a file, as the kernel prints it after the lines that every file has; the length of
 * the whole text, as snprintf().
 */
size_t core_file_fdinfo(struct core_file *file, char *ret_text, size_t size_bytes);

static inline int core_copy_in(struct core_call *call, void *dst, uint64_t src, size_t size_bytes)
{
	return call->transport->copy_in(call->data, dst, src, size_bytes);
}

static inline int core_copy_out(struct core_call *call, uint64_t dst, const void *src,
				size_t size_bytes)
{
	return call->transport->copy_out(call->data, dst, src, size_bytes);
}

/* The client gets fd, which ends here: its number, which is taken back if the call fails. */
int core_fd_out(struct core_call *call, int fd, bool cloexec);

/* The end of a call: copy the block out; if that fails, a new descriptor is taken back. */
int core_copy_out_fd(struct core_call *call, uint64_t dst, const void *src, size_t size_bytes);

/*
 * Can the block be copied out?  Copies it as it is, so that after the point of no return nothing is
 * in the way but a client that takes its own memory away.  -EFAULT.
 */
int core_probe_out(struct core_call *call, const void *block);

/* num elements of the client's, in memory of the library's; NULL for none.  -EFAULT, -ENOMEM. */
int core_copy_array(struct core_call *call, uint64_t src, uint32_t num, size_t element_bytes,
		    void **ret_array);

/*
 * The same for elements that may have grown: the client's are stride_bytes apart.  -EINVAL: less
 * than an element; -E2BIG: what is more is not 0.
 */
int core_copy_strided(struct core_call *call, uint64_t src, uint32_t num, size_t stride_bytes,
		      size_t element_bytes, void **ret_array);

#endif /* CORE_CORE_H */
