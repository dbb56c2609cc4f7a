/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: whatever the input says is done with fences, arrays, timelines and merges of
 * them, with reservations and with syncobjs, sometimes without memory; and what can be seen of the
 * library is compared with a plain model: results, who waits for whom, errors, times, callbacks,
 * places in reservations, points.  What differs prints the operations so far and aborts.
 *
 * Looking at a container changes it inside; so only some inputs look after every step.
 */
#include "tests/fuzz/resv_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_all(void)
{
	world_compare_fences();
	world_compare_resvs();
	world_compare_syncobjs();
}

static void do_one_of(void (*const *ops)(void), unsigned int num)
{
	ops[world_choose(num)]();
}

static void step(void)
{
	switch (world_choose(16)) {
	case 0:
	case 1:
	case 2:
		do_one_of(merge_ops, num_merge_ops);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		do_one_of(resv_ops, num_resv_ops);
		break;
	case 7:
	case 8:
	case 9:
		do_one_of(syncobj_ops, num_syncobj_ops);
		break;
	case 10:
		compare_all();
		break;
	default:
		do_one_of(fence_ops, num_fence_ops);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool always;

	world_begin(data, size);
	always = world_choose(2) == 1;
	for (int i = 0; i < WORLD_MAX_OPS && world.size > 0 && world.num_nodes < WORLD_NODES - 8;
	     i++) {
		step();
		world_compare_calls();
		if (always)
			compare_all();
	}
	world_end();
	return 0;
}
