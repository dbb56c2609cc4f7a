/* SPDX-License-Identifier: MIT */
#ifndef FRONT_OPTIONS_H
#define FRONT_OPTIONS_H

#include <wwresv/device.h>

#include "drivers/core/core.h"

/* Which devices there are, and what they can do: from options of the tool, or the environment. */

enum front_driver {
	FRONT_WWRMOCK,
	FRONT_VGEM,
	FRONT_NUM_DRIVERS
};

struct front_options {
	unsigned int num_devices;
	enum front_driver drivers[FRONT_NUM_DRIVERS]; /* of card0, card1 */
	uint32_t caps;				      /* CORE_CAP_x, of each device */
	struct core_quota quota;		      /* of each open file */
	struct wwr_device_config mock;		      /* of the one of driver wwrmock */
};

/* The variables by which `wwresv run` tells the preloaded library. */
#define FRONT_ENV_CAPS	  "WWRESV_SHIM_CAPS"	/* NAME=0|1, separated by commas */
#define FRONT_ENV_DRIVERS "WWRESV_SHIM_DRIVERS" /* names, separated by commas */
#define FRONT_ENV_QUOTA	  "WWRESV_SHIM_QUOTA"	/* NAME=NUMBER, separated by commas */
#define FRONT_ENV_MOCK	  "WWRESV_SHIM_MOCK"	/* NAME=VALUE, separated by commas */
#define FRONT_ENV_TREE	  "WWRESV_SHIM_TREE"	/* the folder that stands for / */
#define FRONT_ENV_REPORT  "WWRESV_SHIM_REPORT"	/* a file to which each process adds */
#define FRONT_ENV_TRACE	  "WWRESV_SHIM_TRACE"	/* 1: every call on stderr */

const char *front_driver_name(enum front_driver driver);

/* "rcs" and the like, by enum wwr_engine_class. */
const char *front_engine_name(unsigned int engine_class);

/* A name of a capability by its number, with its bits; NULL = there are no more. */
const char *front_cap_name(unsigned int index, uint32_t *ret_bits);

/* Both devices, all capabilities, the usual quota. */
void front_options_init(struct front_options *options);

/*
 * Each takes a list as the variable of that name has it.  0, or -EINVAL with what is wrong in
 * ret_why.  The drivers are those of the list, in its order.
 */
int front_options_set_caps(struct front_options *options, const char *list, char *ret_why,
			   size_t why_bytes);
int front_options_set_drivers(struct front_options *options, const char *list, char *ret_why,
			      size_t why_bytes);
int front_options_set_quota(struct front_options *options, const char *list, char *ret_why,
			    size_t why_bytes);
int front_options_set_mock(struct front_options *options, const char *list, char *ret_why,
			   size_t why_bytes);

/* From the environment.  0, or -EINVAL with what is wrong. */
int front_options_read_env(struct front_options *options, char *ret_why, size_t why_bytes);

#endif /* FRONT_OPTIONS_H */
