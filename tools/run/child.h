/* SPDX-License-Identifier: MIT */
#ifndef RUN_CHILD_H
#define RUN_CHILD_H

/*
 * Runs a program to its end.  Signals that ask this process to end, or mean nothing to it, go to
 * the program.
 */

/* The status as of waitpid(), or -errno: it could not be started. */
int child_run(char **argv, int *ret_status);

/* Ends as the program ended: the exit code, or by the same signal. */
int child_exit_code(int status);

#endif /* RUN_CHILD_H */
