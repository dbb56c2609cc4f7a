/* SPDX-License-Identifier: MIT */
#include "builtin.h"

#include <string.h>

const struct wsim_builtin *wsim_builtin_list(size_t *ret_count)
{
	*ret_count = wsim_num_builtins;
	return wsim_builtins;
}

const struct wsim_builtin *wsim_builtin_find(const char *name)
{
	for (size_t i = 0; i < wsim_num_builtins; i++) {
		if (strcmp(wsim_builtins[i].name, name) == 0)
			return &wsim_builtins[i];
	}
	return NULL;
}
