/* SPDX-License-Identifier: MIT */
#ifndef SHIM_WORLD_H
#define SHIM_WORLD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "drivers/front/devices.h"
#include "drivers/shim/fds.h"

/* What there is in this process: the options, the tree, the devices. */

const struct front_options *world_options(void);

/* The folder that stands for /; NULL: none could be made. */
const char *world_tree(void);

/* Whether this file is a node of the tree; then its type and number become those of a device. */
bool world_fix_stat(struct stat *status);

/* The file behind a node's name, as stat() shows it. */
int world_stat_node(struct front_node node, struct stat *ret_status);

/* Open a device or sw_sync as open() with these flags: a descriptor or -errno. */
int world_open_node(struct front_node node, int flags);
int world_open_sw_sync(int flags);

/* Calls fn for each device that was used. */
void world_for_each_device(void (*fn)(unsigned int index, struct core_device *device, void *arg),
			   void *arg);

/*
 * Around a call that takes locks of the drivers, and does not wait for fences: a fork() in another
 * thread waits until it is over.
 */
void world_begin_call(void);
void world_end_call(void);

/* This thread is in a call of the drivers: what it opens is theirs, not the program's. */
extern __thread bool world_is_inside;

/* One line on stderr, if somebody wants to see the calls. */
void world_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* SHIM_WORLD_H */
