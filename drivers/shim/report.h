/* SPDX-License-Identifier: MIT */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

/*
 * What a process leaves behind, added to the file that the environment names, if it does.  What
 * a child has of its parent is left to that.
 */

/* Before the first fence is made, so that it is known. */
void report_begin(void);

/* In a child after fork(). */
void report_forked(void);

/* At the end; the second time it does nothing. */
void report_write(void);

#endif /* SHIM_REPORT_H */
