/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_IOCTL_WORLD_H
#define TESTS_FUZZ_IOCTL_WORLD_H

/*
 * A client that an input describes: its memory is an arena, its descriptors a table, so that
 * nothing it says can hit the process that runs it.  Two devices are there all the time; what a
 * client made is gone after its execution, and that is counted.
 */
#include "drivers/core/core.h"
#include "tests/drivers/hostile.h"

#define ARENA_BASE  UINT64_C(0x10000)
#define ARENA_BYTES 4096

/* The same memory once more, read-only. */
#define ARENA_READ_ONLY UINT64_C(0x20000)

/* Where in the arena which array is, from the beginning; the block is before them. */
#define ARENA_ARRAYS 512
#define ARRAY_BYTES  256

#define NUM_CLIENT_FDS 5

struct ioctl_world {
	const uint8_t *data; /* what is left of the input */
	size_t size;
	uint8_t arena[ARENA_BYTES];
	int fds[NUM_CLIENT_FDS];       /* -1 = closed */
	struct core_file *files[2][2]; /* of the two devices */
	struct core_sw_sync *sw_sync;
	unsigned int num_borrowed; /* descriptors between fd_in and fd_release */
};

extern struct ioctl_world ioctl_world;

/* Below num; 0 when the input is used up. */
unsigned int world_choose(unsigned int num);
uint64_t world_number(void);

void world_begin(const uint8_t *data, size_t size);

/* Everything of the client goes; what is left of it fails. */
void world_end(void);

/* The next allocations but one after so many fail; 0 = none. */
void world_starve(unsigned int after);

/* How many jobs there were so far: that is the next one's number. */
uint64_t world_num_jobs(void);

/*
 * An ioctl of the client, its block at the beginning of the arena, sometimes where it cannot be
 * written; checks what holds for all.
 */
void world_ioctl(enum hostile_target target, unsigned long request);

/* Print it and abort. */
void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* TESTS_FUZZ_IOCTL_WORLD_H */
