/* SPDX-License-Identifier: MIT */
#ifndef STALL_JOBS_H
#define STALL_JOBS_H

#include <stdint.h>
#include <stdio.h>

struct run;

/* The unfinished jobs and what each waits for; at most max_lines of them. */
void stall_print_jobs(struct run *run, uint32_t max_lines, FILE *out);

#endif
