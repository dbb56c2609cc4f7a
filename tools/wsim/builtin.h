/* SPDX-License-Identifier: MIT */
/* The table that embed.py makes of tools/workloads, by name. */
#ifndef WSIM_BUILTIN_H
#define WSIM_BUILTIN_H

#include "wsim.h"

extern const struct wsim_builtin wsim_builtins[];
extern const size_t wsim_num_builtins;

#endif
