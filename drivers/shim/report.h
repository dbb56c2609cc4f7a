/* SPDX-License-Identifier: MIT */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

/* What this process leaves behind: added to the file that the environment names, if it does. */
void report_write(void);

#endif /* SHIM_REPORT_H */
