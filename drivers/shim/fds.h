/* SPDX-License-Identifier: MIT */
#ifndef SHIM_FDS_H
#define SHIM_FDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "drivers/front/devices.h"

struct core_sw_sync;

/*
 * Descriptors that are more than they seem.
 *
 * An open device or sw_sync is the reading end of a pipe, to which nobody writes.  Its inode
 * number tells which one it is, whatever number a descriptor has and however it came here; the
 * library has the writing end, and POLLERR on it says that all descriptors, in all processes and
 * sockets, are closed.
 */

/* What a number is known to be.  A hint: what has come by a way that is not seen is FD_PLAIN. */
enum fd_kind {
	FD_PLAIN,
	FD_FILE,    /* an open device or sw_sync */
	FD_DMA_BUF, /* poll() of it needs help */
	FD_SYNC_FILE,
	FD_TREE,  /* a folder or file of the tree */
	FD_EPOLL, /* an epoll that watches a dma-buf */
	FD_OWN,	  /* of this library */
};

/* Numbers from here on are looked at each time. */
#define FD_NUM_KINDS 65536

enum fd_kind fd_kind(int fd);
void fd_set_kind(int fd, enum fd_kind kind);

/* A hint, without a system call: false may be wrong, too. */
bool fd_is_known_file(int fd);

/* The second number is a copy of the first. */
void fd_copy_kind(int fd, int to);

/* Whether anything was ever opened here: if not, nothing has to be looked at. */
bool fd_is_any(void);

/* Whether nobody uses a dma-buf in a way that POLLIN, or POLLOUT, waits for; true if it is none. */
bool fd_buf_is_idle(int fd, short direction);

/* Looks at a descriptor that has just come, and says what it is. */
enum fd_kind fd_learn(int fd);

/* Fields: (i) immutable, (l) under the lock of the table. */
struct open_file {
	struct open_file *next; /* (l) */
	uint64_t id;		/* (i) of no other one, never 0 */
	dev_t dev;		/* (i) of the pipe */
	ino_t ino;		/* (i) */
	int own_fd;		/* (i) the writing end */
	int pid;		/* (i) who opened it */
	bool is_closed;		/* (l) nobody has a descriptor any more */
	bool is_inherited;	/* (l) of the process that this one was forked from */
	struct front_node node; /* (i) if drm != NULL */
	struct core_file *drm;	/* (i) a reference; NULL: it is sw_sync */
	struct core_sw_sync *sw_sync;
};

/* What an ioctl needs of it: references. */
struct open_ref {
	struct front_node node;
	bool is_inherited;
	struct core_file *drm;
	struct core_sw_sync *sw_sync;
};

/*
 * A new descriptor; takes the reference (drm or sw_sync) on success.  flags of open(): O_CLOEXEC
 * and O_NONBLOCK count.  The descriptor, or -errno.
 */
int open_file_add(struct front_node node, struct core_file *drm, struct core_sw_sync *sw_sync,
		  int flags);

/* false: it is none. */
bool open_file_find(int fd, struct open_ref *ret_ref);

/*
 * The same without asking the system, for what is done to nothing else: if the number was closed
 * where nobody saw it and is something else now, this is what it was.
 */
bool open_file_find_fast(int fd, struct open_ref *ret_ref);
void open_ref_put(struct open_ref *ref);

/* Files of which nobody has a descriptor any more end. */
void open_files_collect(void);

/* Calls fn for each, under the lock. */
void open_files_for_each(void (*fn)(const struct open_file *file, void *arg), void *arg);

/* In a child, under the lock: what is there is a copy, without the threads that serve it. */
void open_files_inherit(void);

/* Around fork(). */
void open_files_lock(void);
void open_files_unlock(void);

#endif /* SHIM_FDS_H */
