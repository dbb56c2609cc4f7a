/* SPDX-License-Identifier: MIT */
#ifndef FRONT_TREE_H
#define FRONT_TREE_H

#include "drivers/front/options.h"

/*
 * A folder that stands for / where a program looks for devices: /dev/dri with a file for each
 * node, /dev/sw_sync, and of /sys what libdrm reads.
 */

/* The longest name of such a folder, with its end. */
#define FRONT_TREE_BYTES 256

/* Make it, below $TMPDIR or /tmp.  -errno; then nothing is left. */
int front_tree_make(const struct front_options *options, char *ret_tree);

/* Remove it and all that is in it. */
void front_tree_remove(const char *tree);

#endif /* FRONT_TREE_H */
