/* SPDX-License-Identifier: MIT */
#ifndef USAGE_H
#define USAGE_H

#include <stdio.h>

/* The text of `wwresv submit --help`, the built-in workloads included. */
void usage_print(FILE *out);

#endif
