/* SPDX-License-Identifier: MIT */
#ifndef FRONT_DEVICES_H
#define FRONT_DEVICES_H

#include "drivers/core/core.h"
#include "drivers/front/options.h"

/*
 * The nodes below /dev/dri and the devices behind them.
 *
 * Device n is card<n>, minor n, and renderD<128 + n>, minor 128 + n.
 */
#define FRONT_DRM_MAJOR	   226
#define FRONT_RENDER_MINOR 128

struct front_node {
	unsigned int device;
	bool render;
};

unsigned int front_node_minor(struct front_node node);

/* Length of "card0" and the like, with its end. */
#define FRONT_NODE_NAME_BYTES 20
void front_node_name(struct front_node node, char *ret_name);

/* The node of a name, if there is one. */
bool front_node_find(const struct front_options *options, const char *name,
		     struct front_node *ret_node);

/* Make one; the caller's reference.  -ENOMEM, -EAGAIN (no thread). */
int front_device_create(const struct front_options *options, unsigned int index,
			struct core_device **ret_device);

#endif /* FRONT_DEVICES_H */
