/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SHIM_CLIENT_H
#define TESTS_SHIM_CLIENT_H

/*
 * What the client programs share.  They know the system's libdrm and headers only, and nothing of
 * this project but its test output: they would run on a machine with such devices as well.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/test_tap.h"

/* A device by the name of its driver, render node or card; exits the program if there is none. */
int client_open(const char *driver, bool render);

/* A dumb buffer of whole pages, mapped. */
struct client_buffer {
	int fd;
	uint32_t handle;
	uint64_t size_bytes;
	uint8_t *bytes;
};

bool client_buffer_create(int fd, struct client_buffer *ret_buffer);
void client_buffer_destroy(struct client_buffer *buffer);

/*
 * A timeline of sw_sync, for which there is no library: a descriptor; a sync_file that signals at a
 * value; a step.
 */
int client_timeline_create(void);
int client_timeline_fence(int timeline, uint32_t value);
void client_timeline_inc(int timeline, uint32_t num);

/* How many entries /proc/self/fd has. */
unsigned int client_count_fds(void);

#endif /* TESTS_SHIM_CLIENT_H */
