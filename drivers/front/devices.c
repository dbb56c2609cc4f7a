/* SPDX-License-Identifier: MIT */
#include "drivers/front/devices.h"

#include "drivers/vgem/vgem.h"
#include "drivers/wwrmock/wwrmock.h"

#include <stdio.h>
#include <string.h>

unsigned int front_node_minor(struct front_node node)
{
	return node.device + (node.render ? FRONT_RENDER_MINOR : 0);
}

void front_node_name(struct front_node node, char *ret_name)
{
	snprintf(ret_name, FRONT_NODE_NAME_BYTES, "%s%u", node.render ? "renderD" : "card",
		 front_node_minor(node));
}

bool front_node_find(const struct front_options *options, const char *name,
		     struct front_node *ret_node)
{
	for (unsigned int i = 0; i < options->num_devices * 2; i++) {
		struct front_node node = {.device = i / 2, .render = i % 2 != 0};
		char known[FRONT_NODE_NAME_BYTES];

		front_node_name(node, known);
		if (strcmp(known, name) == 0) {
			*ret_node = node;
			return true;
		}
	}
	return false;
}

int front_device_create(const struct front_options *options, unsigned int index,
			struct core_device **ret_device)
{
	if (options->drivers[index] == FRONT_WWRMOCK)
		return wwrmock_device_create(options->caps, &options->quota, &options->mock,
					     ret_device);
	return vgem_device_create(options->caps, &options->quota, VGEM_FENCE_TIMEOUT_NS,
				  ret_device);
}
