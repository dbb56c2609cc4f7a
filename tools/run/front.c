/* SPDX-License-Identifier: MIT */
#include "tools/run/front.h"

#include "tools/common/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES 256

const char front_args_usage[] =
    "  --cap NAME=0|1        a capability of all devices, on or off: DUMB_BUFFER, PRIME,\n"
    "                        PRIME_IMPORT, PRIME_EXPORT, SYNCOBJ, SYNCOBJ_TIMELINE\n"
    "  --driver NAME         wwrmock or vgem; given once, there is one device.  In the order\n"
    "                        given they are card0 and card1 (default: wwrmock, vgem)\n"
    "  --quota NAME=NUMBER   of each open file: buffers, syncobjs, bytes\n"
    "  --mock NAME=VALUE     of the mock GPU: engines rcs, bcs, vcs, vecs and ccs; scale of\n"
    "                        the durations of jobs; touch=full: jobs touch all of a buffer\n";

struct kind {
	int letter;
	const char *option;
	int (*set)(struct front_options *options, const char *list, char *ret_why,
		   size_t why_bytes);
};

static const struct kind kinds[] = {
    {'c', "--cap", front_options_set_caps},
    {'d', "--driver", front_options_set_drivers},
    {'q', "--quota", front_options_set_quota},
    {'m', "--mock", front_options_set_mock},
};

static char *list_of(struct front_args *args, int letter)
{
	switch (letter) {
	case 'c':
		return args->caps;
	case 'd':
		return args->drivers;
	case 'q':
		return args->quota;
	default:
		return args->mock;
	}
}

int front_args_take(struct front_args *args, int letter, const char *value)
{
	char *list = list_of(args, letter);
	size_t length = strlen(list);
	const struct kind *kind = kinds;
	struct front_options options;
	char why[WHY_BYTES];

	while (kind->letter != letter)
		kind++;
	if (value[0] == '\0' || length + strlen(value) + 2 > FRONT_LIST_BYTES) {
		cli_error("%s: '%s' is %s", kind->option, value,
			  value[0] == '\0' ? "empty" : "too long");
		return -EINVAL;
	}
	sprintf(list + length, "%s%s", length != 0 ? "," : "", value);
	front_options_init(&options);
	if (kind->set(&options, list, why, sizeof(why)) == 0)
		return 0;
	cli_error("%s: %s", kind->option, why);
	return -EINVAL;
}

void front_args_options(const struct front_args *args, struct front_options *ret_options)
{
	char why[WHY_BYTES];

	/* Each was good when it was taken. */
	front_options_init(ret_options);
	if (args->drivers[0] != '\0')
		(void)front_options_set_drivers(ret_options, args->drivers, why, sizeof(why));
	(void)front_options_set_caps(ret_options, args->caps, why, sizeof(why));
	(void)front_options_set_quota(ret_options, args->quota, why, sizeof(why));
	(void)front_options_set_mock(ret_options, args->mock, why, sizeof(why));
}

void front_args_set_env(const struct front_args *args)
{
	setenv(FRONT_ENV_CAPS, args->caps, 1);
	setenv(FRONT_ENV_DRIVERS, args->drivers, 1);
	setenv(FRONT_ENV_QUOTA, args->quota, 1);
	setenv(FRONT_ENV_MOCK, args->mock, 1);
}
