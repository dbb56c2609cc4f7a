/* SPDX-License-Identifier: MIT */
/*
 * Every member of every ioctl at every value that a hostile client may think of.  Nothing may
 * crash, every pad and unknown flag is -EINVAL, every bad address -EFAULT, and nothing is left.
 */
#include "tests/drivers/hostile.h"
#include "tests/lib/test_criterion.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES 256
#define PAGE_BYTES  4096

/* Two pages: what is in the first one may be used up to its last byte, and nothing behind it. */
static unsigned char *pages;

static void setup(void)
{
	pages =
	    mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + PAGE_BYTES, PAGE_BYTES, PROT_NONE), 0);
	hostile_begin();
}

static void teardown(void)
{
	cr_expect(hostile_end(), "something of a client is left, or was never there");
	munmap(pages, 2 * PAGE_BYTES);
}

TestSuite(drivers_hostile, .init = setup, .fini = teardown, .timeout = 60);

#define FOR_EACH(ioctl)                                                                            \
	for (const struct hostile_ioctl *(ioctl) = hostile_ioctls;                                 \
	     (ioctl) < hostile_ioctls + hostile_num_ioctls; (ioctl)++)

#define FOR_EACH_MEMBER(member, ioctl)                                                             \
	for (const struct hostile_member *(member) = (ioctl)->members; (member)->name != NULL;     \
	     (member)++)

/* With all that is right but one member; NULL: really all. */
static int try_value(const struct hostile_ioctl *ioctl, const struct hostile_member *member,
		     uint64_t value)
{
	unsigned char block[BLOCK_BYTES] = {0};
	struct hostile_world world;
	int ret;

	hostile_world_init(&world, ioctl->target);
	hostile_fill(&world, ioctl, block);
	if (member != NULL)
		memcpy(&block[member->offset], &value, member->size_bytes);
	ret = hostile_do(&world, ioctl, ioctl->request, (uintptr_t)block);
	if (ret == 0)
		hostile_close(ioctl, block);
	hostile_world_fini(&world);
	return ret;
}

Test(drivers_hostile, what_is_right_works)
{
	FOR_EACH(ioctl)
	cr_expect_eq(try_value(ioctl, NULL, 0), ioctl->expected, "%s", ioctl->name);
}

Test(drivers_hostile, every_bit_of_pads_and_unknown_flags_is_refused)
{
	unsigned int num = 0;

	FOR_EACH(ioctl)
	{
		FOR_EACH_MEMBER(member, ioctl)
		{
			if (member->kind != IS_PAD && member->kind != IS_FLAGS)
				continue;
			for (unsigned int bit = 0; bit < member->size_bytes * 8u; bit++) {
				uint64_t value = UINT64_C(1) << bit;

				if ((member->allowed & value) != 0)
					continue;
				cr_expect_eq(try_value(ioctl, member, value), -EINVAL,
					     "%s.%s bit %u", ioctl->name, member->name, bit);
				num++;
			}
		}
	}
	cr_expect_gt(num, 1500);
}

Test(drivers_hostile, every_member_at_every_extreme_is_survived)
{
	static const uint64_t extremes[] = {
	    0,
	    1,
	    2,
	    3,
	    INT32_MAX,
	    UINT64_C(1) << 31,
	    UINT32_MAX,
	    UINT64_C(1) << 32,
	    UINT64_C(1) << 62,
	    INT64_MAX,
	    UINT64_C(1) << 63,
	    UINT64_MAX - 4095,
	    UINT64_MAX,
	};

	FOR_EACH(ioctl)
	{
		FOR_EACH_MEMBER(member, ioctl)
		{
			for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
				int ret = try_value(ioctl, member, extremes[i]);

				cr_expect(hostile_is_known(ret), "%s.%s = %llx: %d", ioctl->name,
					  member->name, (unsigned long long)extremes[i], ret);
			}
		}
	}
}

/* A block that ends with the page. */
static int try_request(const struct hostile_ioctl *ioctl, unsigned long request, size_t room)
{
	unsigned char block[BLOCK_BYTES] = {0};
	struct hostile_world world;
	int ret;

	hostile_world_init(&world, ioctl->target);
	hostile_fill(&world, ioctl, block);
	memcpy(pages + PAGE_BYTES - room, block, room);
	ret = hostile_do(&world, ioctl, request, (uintptr_t)pages + PAGE_BYTES - room);
	memset(&block, 0, sizeof(block));
	memcpy(block, pages + PAGE_BYTES - room, room);
	if (ret == 0 && room == _IOC_SIZE(ioctl->request) && (_IOC_DIR(request) & _IOC_READ) != 0)
		hostile_close(ioctl, block);
	hostile_world_fini(&world);
	return ret;
}

static bool is_drm(const struct hostile_ioctl *ioctl)
{
	return ioctl->target == ON_VGEM || ioctl->target == ON_MOCK;
}

/* Too large: what the core does not know is not touched.  Elsewhere it is another request. */
Test(drivers_hostile, larger_blocks_are_as_the_known_ones)
{
	FOR_EACH(ioctl)
	{
		size_t known = _IOC_SIZE(ioctl->request);
		static const size_t sizes[] = {8, 256, _IOC_SIZEMASK};

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && known != 0; i++) {
			size_t size = sizes[i] == _IOC_SIZEMASK ? sizes[i] : known + sizes[i];
			unsigned long request =
			    _IOC(_IOC_DIR(ioctl->request), _IOC_TYPE(ioctl->request),
				 _IOC_NR(ioctl->request), size);

			cr_expect_eq(try_request(ioctl, request, known),
				     is_drm(ioctl) ? ioctl->expected : -ENOTTY, "%s of %zu",
				     ioctl->name, size);
		}
	}
}

static bool has_pointers(const struct hostile_ioctl *ioctl)
{
	FOR_EACH_MEMBER(member, ioctl)
	{
		if (member->kind == IS_POINTER)
			return true;
	}
	return false;
}

Test(drivers_hostile, smaller_blocks_and_other_directions_are_survived)
{
	FOR_EACH(ioctl)
	{
		size_t known = _IOC_SIZE(ioctl->request);

		for (size_t room = 0; room < known; room++) {
			unsigned long request =
			    _IOC(_IOC_DIR(ioctl->request), _IOC_TYPE(ioctl->request),
				 _IOC_NR(ioctl->request), room);
			int ret = try_request(ioctl, request, room);

			cr_expect(hostile_is_known(ret) && (is_drm(ioctl) || ret == -ENOTTY),
				  "%s of %zu: %d", ioctl->name, room, ret);
			/* But for a pointer that is cut off, there is nothing wrong with it. */
			cr_expect(ret != -EFAULT || has_pointers(ioctl), "%s of %zu", ioctl->name,
				  room);
		}
		for (unsigned int dir = 0; dir < 4; dir++) {
			unsigned long request =
			    _IOC(dir, _IOC_TYPE(ioctl->request), _IOC_NR(ioctl->request), known);

			cr_expect(hostile_is_known(try_request(ioctl, request, known)), "%s",
				  ioctl->name);
		}
	}
}

Test(drivers_hostile, unknown_numbers_are_refused)
{
	unsigned char block[BLOCK_BYTES] = {0};
	struct hostile_world world;

	FOR_EACH(ioctl)
	{
		unsigned long other_type =
		    (ioctl->request & ~((unsigned long)_IOC_TYPEMASK << _IOC_TYPESHIFT)) |
		    'x' << _IOC_TYPESHIFT;

		hostile_world_init(&world, ioctl->target);
		cr_expect_eq(hostile_do(&world, ioctl, other_type, (uintptr_t)block),
			     is_drm(ioctl) ? -EINVAL : -ENOTTY, "%s", ioctl->name);
		hostile_world_fini(&world);
	}
	hostile_world_init(&world, ON_MOCK);
	for (unsigned int nr = 0; nr < 256; nr++) {
		bool known = false;

		FOR_EACH(ioctl)
		known |= ioctl->target == ON_MOCK && _IOC_NR(ioctl->request) == nr;
		if (!known)
			cr_expect_eq(hostile_do(&world, &hostile_ioctls[0], _IOC(3u, 'd', nr, 64),
						(uintptr_t)block),
				     -EINVAL, "%u", nr);
	}
	hostile_world_fini(&world);
}

/* Addresses that a block, or an array, cannot be at.  The last but one ends in the middle. */
static uint64_t bad_address(unsigned int which)
{
	const uint64_t addresses[] = {
	    0,
	    8,
	    (uintptr_t)pages + PAGE_BYTES,
	    (uintptr_t)pages + 2 * PAGE_BYTES - 1,
	    UINT64_C(1) << 47,
	    UINT64_C(1) << 63,
	    UINT64_MAX - 7,
	    UINT64_MAX,
	    (uintptr_t)pages + PAGE_BYTES - 1,
	};

	return which < sizeof(addresses) / sizeof(addresses[0]) ? addresses[which] : 1;
}

Test(drivers_hostile, blocks_at_bad_addresses_are_efault)
{
	struct hostile_world world;

	FOR_EACH(ioctl)
	{
		for (unsigned int i = 0; bad_address(i) != 1; i++) {
			int ret;

			if (_IOC_SIZE(ioctl->request) < 2)
				continue;
			hostile_world_init(&world, ioctl->target);
			/* A text does not end here, as a byte that was written would have it. */
			pages[PAGE_BYTES - 1] = 'x';
			ret = hostile_do(&world, ioctl, ioctl->request, bad_address(i));
			hostile_world_fini(&world);
			cr_expect_eq(ret, -EFAULT, "%s at %u: %d", ioctl->name, i, ret);
		}
	}
}

Test(drivers_hostile, blocks_that_cannot_be_written_are_efault)
{
	struct hostile_world world;

	FOR_EACH(ioctl)
	{
		if ((_IOC_DIR(ioctl->request) & _IOC_READ) == 0 || ioctl->expected != 0)
			continue;
		hostile_world_init(&world, ioctl->target);
		memset(pages, 0, BLOCK_BYTES);
		hostile_fill(&world, ioctl, pages);
		cr_assert_eq(mprotect(pages, PAGE_BYTES, PROT_READ), 0);
		cr_expect_eq(hostile_do(&world, ioctl, ioctl->request, (uintptr_t)pages), -EFAULT,
			     "%s", ioctl->name);
		cr_assert_eq(mprotect(pages, PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
		hostile_world_fini(&world);
	}
}

Test(drivers_hostile, arrays_at_bad_addresses_are_efault)
{
	FOR_EACH(ioctl)
	{
		FOR_EACH_MEMBER(member, ioctl)
		{
			if (member->kind != IS_POINTER)
				continue;
			/* From 1: no address at all means no text in some of them. */
			for (unsigned int i = 1; bad_address(i) != 1; i++)
				cr_expect_eq(try_value(ioctl, member, bad_address(i)), -EFAULT,
					     "%s.%s at %u", ioctl->name, member->name, i);
		}
	}
}

/* With one array in memory that can only be read. */
static int try_read_only(const struct hostile_ioctl *ioctl, const struct hostile_member *member)
{
	unsigned char block[BLOCK_BYTES] = {0};
	struct hostile_world world;
	uint64_t addr = 0;
	int ret;

	hostile_world_init(&world, ioctl->target);
	hostile_fill(&world, ioctl, block);
	memcpy(&addr, &block[member->offset], member->size_bytes);
	memcpy(pages, (const void *)(uintptr_t)addr, 64);
	addr = (uintptr_t)pages;
	memcpy(&block[member->offset], &addr, member->size_bytes);
	cr_assert_eq(mprotect(pages, PAGE_BYTES, PROT_READ), 0);
	ret = hostile_do(&world, ioctl, ioctl->request, (uintptr_t)block);
	cr_assert_eq(mprotect(pages, PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
	if (ret == 0)
		hostile_close(ioctl, block);
	hostile_world_fini(&world);
	return ret;
}

Test(drivers_hostile, arrays_that_can_only_be_read_are_read)
{
	unsigned int num_written = 0;

	FOR_EACH(ioctl)
	{
		FOR_EACH_MEMBER(member, ioctl)
		{
			if (member->kind != IS_POINTER)
				continue;
			cr_expect_eq(try_read_only(ioctl, member),
				     member->allowed != 0 ? -EFAULT : ioctl->expected, "%s.%s",
				     ioctl->name, member->name);
			num_written += member->allowed != 0;
		}
	}
	cr_expect_eq(num_written, 12);
}

#define NUM_RUNS 3

/* What a client can see after a call. */
struct seen {
	unsigned char block[BLOCK_BYTES];
	struct hostile_world world;
};

/* Leave this behind on the stack, for whoever forgets to write what it gives away. */
static __attribute__((noinline)) void poison_stack(int pattern)
{
	volatile unsigned char stack[32768];

	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (unsigned char)pattern;
}

static void look(const struct hostile_ioctl *ioctl, const struct hostile_member *member,
		 int pattern, struct seen *seen)
{
	int ret;

	memset(seen, 0, sizeof(*seen));
	hostile_world_init(&seen->world, ioctl->target);
	hostile_fill(&seen->world, ioctl, seen->block);
	if (member != NULL)
		memset(&seen->block[member->offset], 0xff, member->size_bytes);
	poison_stack(pattern);
	ret = hostile_do(&seen->world, ioctl, ioctl->request, (uintptr_t)seen->block);
	if (ret == 0)
		hostile_close(ioctl, seen->block);
	hostile_world_fini(&seen->world);
	/* Addresses of our own differ from run to run, and mean nothing. */
	seen->world.file = seen->world.other = NULL;
}

/*
 * The same call three times, the third with another pattern on the stack: what follows the pattern
 * came from there.  Memory of the heap needs none: wwr_alloc() gives it zeroed.
 */
static void expect_no_poison(const struct hostile_ioctl *ioctl, const struct hostile_member *member)
{
	static const int patterns[NUM_RUNS] = {0xaa, 0xaa, 0x55};
	static struct seen seen[NUM_RUNS];

	for (int i = 0; i < NUM_RUNS; i++)
		look(ioctl, member, patterns[i], &seen[i]);
	for (size_t i = 0; i < sizeof(seen[0]); i++) {
		const unsigned char *runs[NUM_RUNS] = {(void *)&seen[0], (void *)&seen[1],
						       (void *)&seen[2]};

		cr_expect(runs[0][i] != 0xaa || runs[1][i] != 0xaa || runs[2][i] != 0x55,
			  "%s.%s: byte %zu", ioctl->name, member != NULL ? member->name : "", i);
	}
}

Test(drivers_hostile, no_byte_of_the_stack_comes_back)
{
	FOR_EACH(ioctl)
	{
		expect_no_poison(ioctl, NULL);
		FOR_EACH_MEMBER(member, ioctl)
		expect_no_poison(ioctl, member);
	}
}
