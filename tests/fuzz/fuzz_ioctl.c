/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: ioctls, as an input says: any number and any bytes, or one that there is with a
 * block that is nearly right.  Nothing may crash; a failure has done nothing; and when the client
 * is gone so is all that it made.
 */
#include "tests/fuzz/ioctl_world.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_STEPS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A handle that there may be: a slot, and how often it was used before. */
static uint64_t guess_handle(void)
{
	unsigned int choice = world_choose(32);

	return (choice % 4 + 1) | (uint64_t)(choice / 16) << 20;
}

static uint64_t array_at(unsigned int index)
{
	return ARENA_BASE + ARENA_ARRAYS + index * ARRAY_BYTES;
}

/* What may be right for a member. */
static uint64_t right_value(enum hostile_value value)
{
	static const uint64_t numbers[] = {0, 1, 2, 8, 16};

	/* Sizes of elements, and other lengths: sometimes a little too small. */
	if (value == GIVE_8 || value == GIVE_16)
		return numbers[value] - (world_choose(16) == 15 ? 1 + world_choose(8) : 0);
	if (value < GIVE_8)
		return numbers[value];
	if (value == GIVE_QUEUE && world_choose(2) == 0)
		return 0;
	if (value == GIVE_JOB)
		return world_num_jobs() - 1 - world_choose(4);
	if (value <= GIVE_FENCE)
		return guess_handle();
	if (value <= GIVE_EVENT_FD)
		return world_choose(NUM_CLIENT_FDS);
	return array_at((unsigned int)(value - GIVE_TEXT));
}

static uint64_t wrong_value(void)
{
	switch (world_choose(3)) {
	case 0:
		return world_choose(256);
	case 1:
		return UINT64_C(1) << world_choose(64);
	default:
		return world_number();
	}
}

static uint64_t likely_value(const struct hostile_member *member)
{
	if (member->kind == IS_FLAGS && member->value == GIVE_0)
		return member->allowed & world_choose(256);
	return right_value(member->value);
}

/* What stands in the arrays at first: the objects that there are. */
static void fill_arrays(void)
{
	static const uint32_t bos[] = {1, 1, 1, 2}, syncs[] = {1, 0, 0, 0, 1, 0, 0, 0};
	static const uint32_t handles[] = {1, 1};

	memcpy(&ioctl_world.arena[array_at(GIVE_HANDLES - GIVE_TEXT) - ARENA_BASE], handles,
	       sizeof(handles));
	memcpy(&ioctl_world.arena[array_at(GIVE_BOS - GIVE_TEXT) - ARENA_BASE], bos, sizeof(bos));
	memcpy(&ioctl_world.arena[array_at(GIVE_SYNCS - GIVE_TEXT) - ARENA_BASE], syncs,
	       sizeof(syncs));
}

/* Handles, points and uses, as they stand in arrays. */
static void fill_array(void)
{
	unsigned int index = world_choose(GIVE_FENCES - GIVE_TEXT + 1);
	uint8_t *array = &ioctl_world.arena[ARENA_ARRAYS + index * ARRAY_BYTES];
	uint32_t words[8];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = world_choose(4) == 0 ? world_choose(4) : (uint32_t)guess_handle();
	memcpy(array, words, sizeof(words));
}

/* Does it look at its block?  Those of displays do not, and there are many. */
static bool looks(const struct hostile_ioctl *ioctl)
{
	return ioctl->expected == 0 || ioctl->members[0].name != NULL;
}

static const struct hostile_ioctl *choose_known(void)
{
	const struct hostile_ioctl *ioctl = hostile_ioctls;
	unsigned int num = 0, index;

	for (size_t i = 0; i < hostile_num_ioctls; i++)
		num += looks(&hostile_ioctls[i]);
	index = world_choose(num);
	while (!looks(ioctl) || index-- > 0)
		ioctl++;
	return ioctl;
}

/* An ioctl that there is, mostly with at most one member that is wrong. */
static void step_known(void)
{
	const struct hostile_ioctl *ioctl = choose_known();
	unsigned int wrong = world_choose(HOSTILE_MAX_MEMBERS * 2);
	bool all_wrong = wrong == HOSTILE_MAX_MEMBERS * 2 - 1;

	memset(ioctl_world.arena, 0, ARENA_ARRAYS);
	for (unsigned int i = 0; ioctl->members[i].name != NULL; i++) {
		const struct hostile_member *member = &ioctl->members[i];
		uint64_t value = i == wrong || all_wrong ? wrong_value() : likely_value(member);

		memcpy(&ioctl_world.arena[member->offset], &value, member->size_bytes);
	}
	world_ioctl(ioctl->target, ioctl->request);
}

/* Any number, size and direction, and any bytes. */
static void step_any(void)
{
	static const char types[] = {'d', 'd', 'd', 'b', '>', 'W'};
	enum hostile_target target = (enum hostile_target)world_choose(ON_SW_SYNC + 1);
	unsigned int type = (unsigned char)types[world_choose(sizeof(types))];
	unsigned int nr = world_choose(256);
	unsigned int size_bytes = world_choose(256);

	for (unsigned int i = 0; i < size_bytes && ioctl_world.size != 0; i++)
		ioctl_world.arena[i] = (uint8_t)world_choose(256);
	world_ioctl(target, _IOC(world_choose(4) + 0u, type, nr, size_bytes));
}

static void close_fd(void)
{
	int *fd = &ioctl_world.fds[world_choose(NUM_CLIENT_FDS)];

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void step(void)
{
	unsigned int choice = world_choose(16);

	if (choice == 0)
		step_any();
	else if (choice == 1)
		close_fd();
	else if (choice == 2)
		world_starve(1 + world_choose(24));
	else if (choice < 6)
		fill_array();
	else
		step_known();
	if (choice != 2)
		world_starve(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world_begin(data, size);
	fill_arrays();
	for (int i = 0; i < MAX_STEPS && ioctl_world.size != 0; i++)
		step();
	world_end();
	return 0;
}
