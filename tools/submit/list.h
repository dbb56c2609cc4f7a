/* SPDX-License-Identifier: MIT */
#ifndef LIST_H
#define LIST_H

#include "tools/submit/options.h"

/* --list: the parsed workloads on standard output.  0, or -ENOMEM after a message. */
int list_workloads(struct wsim_workload *const *workloads, const struct submit_options *options);

#endif
