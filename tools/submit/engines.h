/* SPDX-License-Identifier: MIT */
/* The engines of the mock, by class. */
#ifndef ENGINES_H
#define ENGINES_H

#include "tools/wsim/wsim.h"

/* RCS, BCS, VCS x 2, VECS, CCS. */
struct wsim_engine_counts engines_default(void);

/*
 * Read "rcs=4,vcs=2" over the counts that are there already; classes in any case.  Returns 0 or
 * -EINVAL after a message.
 */
int engines_parse(const char *option, const char *value, struct wsim_engine_counts *counts);

#endif
