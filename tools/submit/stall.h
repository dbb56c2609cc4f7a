/* SPDX-License-Identifier: MIT */
#ifndef STALL_H
#define STALL_H

#include <stdio.h>

struct run;

/*
 * Say in words who holds what and who waits for what: the clients, the locks, the jobs.  Clients
 * may go on meanwhile.
 */
void stall_report(struct run *run, FILE *out);

#endif
