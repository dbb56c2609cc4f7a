/* SPDX-License-Identifier: MIT */
#ifndef RUN_FRONT_H
#define RUN_FRONT_H

#include "drivers/front/options.h"

/* The options about devices that `run` and `info` have in common, and their environment. */

/* A list as a variable of the environment has it. */
#define FRONT_LIST_BYTES 512

struct front_args {
	char caps[FRONT_LIST_BYTES];
	char drivers[FRONT_LIST_BYTES];
	char quota[FRONT_LIST_BYTES];
	char mock[FRONT_LIST_BYTES];
};

#define FRONT_LONG_OPTIONS                                                                         \
	{"cap", required_argument, NULL, 'c'}, {"driver", required_argument, NULL, 'd'},           \
	    {"quota", required_argument, NULL, 'q'},                                               \
	{                                                                                          \
		"mock", required_argument, NULL, 'm'                                               \
	}

/* What the usage says of them. */
extern const char front_args_usage[];

/* Takes one of them by its letter.  0, or -EINVAL after a message. */
int front_args_take(struct front_args *args, int letter, const char *value);

/* What they come to. */
void front_args_options(const struct front_args *args, struct front_options *ret_options);

/* Sets the variables for the preloaded library. */
void front_args_set_env(const struct front_args *args);

#endif /* RUN_FRONT_H */
