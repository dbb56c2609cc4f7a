/* SPDX-License-Identifier: MIT */
#ifndef RUN_RUN_H
#define RUN_RUN_H

/* The subcommands `run` and `info`: argv[0] is the name; the exit code. */
int run_main(int argc, char **argv);
int info_main(int argc, char **argv);

struct front_args;

/* What `run` does without --report: run a program, NULL after its arguments.  The exit code. */
int run_with_devices(const struct front_args *front, char **argv);

#endif /* RUN_RUN_H */
