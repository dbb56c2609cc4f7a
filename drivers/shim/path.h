/* SPDX-License-Identifier: MIT */
#ifndef SHIM_PATH_H
#define SHIM_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "drivers/front/devices.h"

/* What the name of a file means here. */
enum path_kind {
	PATH_PLAIN,   /* nothing of ours */
	PATH_TREE,    /* a file or folder of the tree */
	PATH_NODE,    /* a device, in the tree */
	PATH_SW_SYNC, /* in the tree */
	PATH_FD,      /* /proc/self/fd/N, if N is special */
	PATH_FDINFO,  /* /proc/self/fdinfo/N, if N is an open file */
};

struct path {
	enum path_kind kind;
	const char *name; /* to be given to the system */
	struct front_node node;
	int fd;
	char buffer[PATH_MAX];
};

/* dirfd as in openat().  name may be NULL. */
void path_look(struct path *path, int dirfd, const char *name);

/* The folder of this process is now one of the tree, or is none. */
void path_set_cwd(bool in_tree);
bool path_cwd_is_in_tree(void);

/* A name in the tree becomes what the program knows; length as of strlen(), also the new one. */
size_t path_strip_tree(char *name, size_t length);

/* What /proc/self/fd/N of an open file shows; false: it is none. */
bool path_of_fd(int fd, char *ret_name, size_t name_bytes);

#endif /* SHIM_PATH_H */
