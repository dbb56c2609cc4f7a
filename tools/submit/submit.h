/* SPDX-License-Identifier: MIT */
#ifndef SUBMIT_H
#define SUBMIT_H

/* `wwresv submit`: argv[0] is "submit".  Returns the exit code. */
int submit_main(int argc, char **argv);

#endif
