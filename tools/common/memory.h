/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

/*
 * How much memory this process may take before the machine or its container has none left, as
 * far as the system tells; UINT64_MAX = it does not.
 */
uint64_t memory_available_bytes(void);

#endif
