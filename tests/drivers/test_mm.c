/* SPDX-License-Identifier: MIT */
/* Where buffers go, who has to make room, and who must not. */
#include "tests/drivers/mm_world.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/fence.h>

#include <errno.h>
#include <pthread.h>

TestSuite(drivers_mm, .timeout = 60);

#define PAGES(num) ((uint64_t)(num)*WORLD_PAGE)

static struct world world;
static struct wwr_sched_entity *entity;

static void begin(uint64_t vram_pages, uint64_t gtt_pages, uint64_t system)
{
	world_init(&world, WWR_WOUND_WAIT, PAGES(vram_pages), PAGES(gtt_pages), system);
	entity = world_entity(&world);
}

static void end(void)
{
	cr_expect_eq(world.num_mismatches, 0);
	wwr_sched_entity_put(entity);
	world_fini(&world);
	cr_expect_eq(world.num_jobs, world.num_freed);
}

/* One job on one buffer. */
static int use_one(struct buffer *buffer)
{
	return world_use_now(&world, entity, 1, &buffer);
}

static int use_in(struct buffer *buffer, unsigned int num_domains,
		  const enum wwr_mm_domain *domains)
{
	struct use use = {.world = &world,
			  .entity = entity,
			  .num = 1,
			  .buffers = {buffer},
			  .num_domains = num_domains};
	struct wwr_lock_set set;
	int ret;

	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	for (unsigned int i = 0; i < num_domains && i < WWR_MM_NUM_DOMAINS; i++)
		use.domains[i] = domains[i];
	ret = world_use(&use, &set);
	wwr_lock_set_fini(&set);
	if (ret == 0)
		(void)!wwr_fence_wait_until(use.finished, NULL, INT64_MAX);
	wwr_fence_put(use.finished);
	return ret;
}

static void pin(struct buffer *buffer, bool value)
{
	struct wwr_mutex *mutex = wwr_bo_mutex(&buffer->base.base);

	cr_assert_eq(wwr_mutex_lock(mutex, NULL), 0);
	wwr_mutex_assert_held(&buffer->base.base.resv->mutex);
	if (value)
		wwr_mm_bo_pin(&buffer->base);
	else
		wwr_mm_bo_unpin(&buffer->base);
	wwr_mutex_unlock(mutex);
}

Test(drivers_mm, bad_options_are_refused)
{
	struct wwr_mm_options options = {.num_scheds = 0};
	struct wwr_mm *mm;

	cr_expect_eq(wwr_mm_create(&options, &mm), -EINVAL);
	begin(1, 0, UINT64_MAX);
	cr_expect_eq(wwr_mm_data(world.mm), &world);
	end();
}

Test(drivers_mm, oldest_idle_buffer_is_evicted_and_keeps_its_content)
{
	struct buffer *buffers[4];

	begin(3, 2, UINT64_MAX);
	for (int i = 0; i < 4; i++)
		buffers[i] = world_buffer(&world, PAGES(1), 0, NULL);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(use_one(buffers[i]), 1);
	cr_assert_eq(use_one(buffers[0]), 1);
	cr_assert_eq(use_one(buffers[3]), 1);
	cr_expect_eq(buffer_domain(buffers[0]), WWR_MM_VRAM);
	cr_expect_eq(buffer_domain(buffers[1]), WWR_MM_GTT);
	cr_expect_eq(buffer_domain(buffers[2]), WWR_MM_VRAM);
	cr_expect_eq(world_stats(&world).num_evictions, 1);
	/* Back again, and so on: every byte is looked at. */
	for (int i = 0; i < 20; i++)
		cr_assert_eq(use_one(buffers[i * 7 % 4]), 1);
	for (int i = 0; i < 4; i++)
		buffer_put(buffers[i]);
	end();
}

Test(drivers_mm, eviction_goes_on_to_system_when_gtt_is_full)
{
	struct buffer *buffers[3];

	begin(1, 1, UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		buffers[i] = world_buffer(&world, PAGES(1), 0, NULL);
		cr_assert_eq(use_one(buffers[i]), 1);
	}
	cr_expect_eq(buffer_domain(buffers[0]), WWR_MM_GTT);
	cr_expect_eq(buffer_domain(buffers[1]), WWR_MM_SYSTEM);
	cr_expect_eq(world_usage(&world, WWR_MM_SYSTEM).num_bos, 1);
	for (int i = 0; i < 3; i++)
		buffer_put(buffers[i]);
	end();
}

Test(drivers_mm, nothing_moves_when_nothing_below_has_room)
{
	struct buffer *a, *b;

	begin(1, 0, 0);
	a = world_buffer(&world, PAGES(1), 0, NULL);
	b = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_one(a), 1);
	cr_expect_eq(use_one(b), -ENOMEM);
	cr_expect_eq(world_stats(&world).num_enomem, 1);
	cr_assert_eq(use_one(a), 1);
	buffer_put(a);
	world_until_freed(&world);
	cr_expect_eq(use_one(b), 1);
	buffer_put(b);
	end();
}

Test(drivers_mm, set_that_never_fits_evicts_nobody)
{
	struct buffer *resident, *large[2];

	begin(4, 0, UINT64_MAX);
	resident = world_buffer(&world, PAGES(2), 0, NULL);
	large[0] = world_buffer(&world, PAGES(3), 0, NULL);
	large[1] = world_buffer(&world, PAGES(2), 0, NULL);
	cr_assert_eq(use_one(resident), 1);
	cr_expect_eq(world_use_now(&world, entity, 2, large), -ENOMEM);
	cr_expect_eq(world_stats(&world).num_evictions, 0);
	cr_expect_eq(buffer_domain(resident), WWR_MM_VRAM);
	buffer_put(resident);
	buffer_put(large[0]);
	buffer_put(large[1]);
	end();
}

Test(drivers_mm, set_that_fits_alone_gets_all_of_the_domain)
{
	struct buffer *buffers[8];

	begin(8, 0, UINT64_MAX);
	for (int i = 0; i < 8; i++)
		buffers[i] = world_buffer(&world, PAGES(2), 0, NULL);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(world_use_now(&world, entity, 4, buffers), 1);
		cr_assert_eq(world_use_now(&world, entity, 4, buffers + 4), 1);
		cr_assert_eq(world_use_now(&world, entity, 4, buffers + 2), 1);
	}
	for (int i = 0; i < 8; i++)
		buffer_put(buffers[i]);
	cr_expect_eq(world_usage(&world, WWR_MM_VRAM).size_bytes, PAGES(8));
	end();
}

Test(drivers_mm, holes_do_not_matter_but_to_buffers_in_one_piece)
{
	struct buffer *small[8], *pieces, *whole;

	begin(8, 0, UINT64_MAX);
	for (int i = 0; i < 8; i++) {
		small[i] = world_buffer(&world, PAGES(1), 0, NULL);
		cr_assert_eq(use_one(small[i]), 1);
	}
	for (int i = 0; i < 8; i += 2)
		buffer_put(small[i]);
	world_until_freed(&world);
	pieces = world_buffer(&world, PAGES(4), 0, NULL);
	cr_assert_eq(use_one(pieces), 1);
	cr_expect_eq(wwr_mm_bo_place(&pieces->base)->num_extents, 4);
	cr_expect_eq(world_stats(&world).num_evictions, 0);
	whole = world_buffer(&world, PAGES(4), WWR_MM_CONTIGUOUS, NULL);
	cr_assert_eq(use_one(whole), 1);
	cr_expect_eq(wwr_mm_bo_place(&whole->base)->num_extents, 1);
	cr_assert_eq(use_one(pieces), 1);
	for (int i = 1; i < 8; i += 2) {
		cr_assert_eq(use_one(small[i]), 1);
		buffer_put(small[i]);
	}
	buffer_put(pieces);
	buffer_put(whole);
	end();
}

Test(drivers_mm, best_domain_with_room_is_taken_and_kept)
{
	const enum wwr_mm_domain domains[] = {WWR_MM_VRAM, WWR_MM_GTT};
	struct buffer *a, *b;

	begin(1, 1, UINT64_MAX);
	a = world_buffer(&world, PAGES(1), 0, NULL);
	b = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_in(a, 2, domains), 0);
	cr_assert_eq(use_in(b, 2, domains), 0);
	cr_expect_eq(buffer_domain(a), WWR_MM_VRAM);
	cr_expect_eq(buffer_domain(b), WWR_MM_GTT);
	buffer_put(a);
	world_until_freed(&world);
	/* There is room above now, but it need not move. */
	cr_assert_eq(use_in(b, 2, domains), 0);
	cr_expect_eq(buffer_domain(b), WWR_MM_GTT);
	cr_assert_eq(use_in(b, 1, domains), 0);
	cr_expect_eq(buffer_domain(b), WWR_MM_VRAM);
	buffer_put(b);
	end();
}

Test(drivers_mm, unknown_domains_are_refused)
{
	const enum wwr_mm_domain domains[] = {WWR_MM_NOWHERE, WWR_MM_GTT, WWR_MM_GTT};
	struct buffer *a;

	begin(1, 1, UINT64_MAX);
	a = world_buffer(&world, PAGES(1), 0, NULL);
	cr_expect_eq(use_in(a, 1, domains), -EINVAL);
	cr_expect_eq(use_in(a, 4, domains), -EINVAL);
	buffer_put(a);
	end();
}

Test(drivers_mm, pinned_buffer_stays)
{
	const enum wwr_mm_domain gtt = WWR_MM_GTT;
	struct buffer *pinned, *a, *b, *large;

	begin(3, 1, UINT64_MAX);
	pinned = world_buffer(&world, PAGES(1), 0, NULL);
	a = world_buffer(&world, PAGES(2), 0, NULL);
	b = world_buffer(&world, PAGES(2), 0, NULL);
	large = world_buffer(&world, PAGES(3), 0, NULL);
	cr_assert_eq(use_one(pinned), 1);
	pin(pinned, true);
	pin(pinned, true);
	pin(pinned, false);
	cr_expect_eq(world_usage(&world, WWR_MM_VRAM).pinned_bytes, PAGES(1));
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(use_one(a), 1);
		cr_assert_eq(use_one(b), 1);
	}
	cr_expect_eq(buffer_domain(pinned), WWR_MM_VRAM);
	cr_expect_eq(use_one(large), -ENOMEM);
	cr_expect_eq(use_in(pinned, 1, &gtt), -EBUSY);
	cr_expect_eq(use_one(pinned), 1);
	pin(pinned, false);
	cr_expect_eq(use_one(large), 1);
	cr_expect_neq(buffer_domain(pinned), WWR_MM_VRAM);
	buffer_put(pinned);
	buffer_put(a);
	buffer_put(b);
	buffer_put(large);
	end();
}

/* So much is free, but not in one piece, and nobody can be evicted. */
Test(drivers_mm, buffer_in_one_piece_does_not_fit_around_a_pinned_one)
{
	struct buffer *buffers[3], *whole;

	begin(3, 0, UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		buffers[i] = world_buffer(&world, PAGES(1), 0, NULL);
		cr_assert_eq(use_one(buffers[i]), 1);
	}
	cr_assert_eq(wwr_mm_bo_place(&buffers[1]->base)->extents[0].offset_bytes, PAGES(1));
	pin(buffers[1], true);
	buffer_put(buffers[0]);
	buffer_put(buffers[2]);
	world_until_freed(&world);
	whole = world_buffer(&world, PAGES(2), WWR_MM_CONTIGUOUS, NULL);
	cr_expect_eq(use_one(whole), -ENOMEM);
	pin(buffers[1], false);
	cr_expect_eq(use_one(whole), 1);
	buffer_put(whole);
	buffer_put(buffers[1]);
	end();
}

Test(drivers_mm, group_is_evicted_as_a_whole_or_not_at_all)
{
	struct wwr_mm_group *group;
	struct buffer *members[3], *other, *large;

	begin(6, 0, UINT64_MAX);
	cr_assert_eq(wwr_mm_group_create(world.mm, &world.lock_class, &group), 0);
	for (int i = 0; i < 3; i++) {
		members[i] = world_buffer(&world, PAGES(1), 0, group);
		cr_assert_eq(use_one(members[i]), 1);
	}
	other = world_buffer(&world, PAGES(1), 0, NULL);
	large = world_buffer(&world, PAGES(3), 0, NULL);
	cr_assert_eq(use_one(other), 1);
	/* One page is missing: all three go. */
	cr_assert_eq(use_one(large), 1);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(buffer_domain(members[i]), WWR_MM_SYSTEM);
	cr_expect_eq(buffer_domain(other), WWR_MM_VRAM);
	cr_expect_eq(world_stats(&world).num_evictions, 3);
	/* With one of them pinned all stay, though they were used longest ago. */
	for (int i = 0; i < 3; i++)
		cr_assert_eq(use_one(members[i]), 1);
	pin(members[1], true);
	cr_assert_eq(use_one(other), 1);
	cr_assert_eq(use_one(large), 1);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(buffer_domain(members[i]), WWR_MM_VRAM);
	pin(members[1], false);
	wwr_mm_group_put(group);
	for (int i = 0; i < 3; i++)
		buffer_put(members[i]);
	buffer_put(other);
	buffer_put(large);
	end();
}

/* The set has the lock of what stands in its way. */
Test(drivers_mm, members_that_a_job_does_not_use_make_room_for_those_it_does)
{
	struct wwr_mm_group *group;
	struct buffer *used, *unused;

	begin(1, 0, UINT64_MAX);
	cr_assert_eq(wwr_mm_group_create(world.mm, &world.lock_class, &group), 0);
	unused = world_buffer(&world, PAGES(1), 0, group);
	used = world_buffer(&world, PAGES(1), 0, group);
	cr_assert_eq(use_one(unused), 1);
	cr_expect_eq(use_one(used), 1);
	cr_expect_eq(buffer_domain(unused), WWR_MM_SYSTEM);
	cr_assert_eq(use_one(unused), 1);
	pin(unused, true);
	cr_expect_eq(use_one(used), -ENOMEM);
	cr_expect_eq(buffer_domain(unused), WWR_MM_VRAM);
	pin(unused, false);
	wwr_mm_group_put(group);
	buffer_put(unused);
	buffer_put(used);
	end();
}

/* A failure with the second buffer of a group leaves the first where it is. */
Test(drivers_mm, group_whose_second_move_fails_stays)
{
	struct wwr_mm_group *group;
	struct buffer *members[3], *large;

	begin(3, 0, UINT64_MAX);
	cr_assert_eq(wwr_mm_group_create(world.mm, &world.lock_class, &group), 0);
	for (int i = 0; i < 3; i++) {
		members[i] = world_buffer(&world, PAGES(1), 0, group);
		cr_assert_eq(use_one(members[i]), 1);
	}
	large = world_buffer(&world, PAGES(2), 0, NULL);
	for (unsigned int i = 1; i <= 3; i++) {
		world.fail_move = i;
		cr_expect_eq(use_one(large), -ENOMEM);
		for (int j = 0; j < 3; j++)
			cr_expect_eq(buffer_domain(members[j]), WWR_MM_VRAM);
		cr_expect_eq(world_usage(&world, WWR_MM_SYSTEM).used_bytes, 0);
	}
	world.fail_move = 0;
	cr_expect_eq(use_one(large), 1);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(use_one(members[i]), 1);
	wwr_mm_group_put(group);
	for (int i = 0; i < 3; i++)
		buffer_put(members[i]);
	buffer_put(large);
	end();
}

/* Two buffers of one set that have to change places, and there is no third place between. */
static int swap_acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct buffer **buffers = arg;
	const struct wwr_mm_want wants[] = {
	    {.bo = &buffers[0]->base, .num_domains = 1, .domains = {WWR_MM_GTT}},
	    {.bo = &buffers[1]->base, .num_domains = 1, .domains = {WWR_MM_VRAM}}};

	for (int i = 0; i < 2; i++) {
		const int ret = wwr_lock_set_lock(txn->set, wwr_bo_mutex(&buffers[i]->base.base));

		if (ret != 0)
			return ret;
	}
	return wwr_mm_validate(txn, 2, wants);
}

static int swap_locked(struct wwr_mm_txn *txn, void *arg)
{
	struct buffer **buffers = arg;

	(void)txn;
	return buffers[0]->base.place.domain == WWR_MM_GTT &&
		       buffers[1]->base.place.domain == WWR_MM_VRAM
		   ? 0
		   : -EIO;
}

Test(drivers_mm, buffers_of_one_set_change_places)
{
	const enum wwr_mm_domain vram = WWR_MM_VRAM, gtt = WWR_MM_GTT;
	struct buffer *buffers[2];
	struct wwr_lock_set set;

	for (int order = 0; order < 2; order++) {
		begin(1, 1, UINT64_MAX);
		for (int i = 0; i < 2; i++)
			buffers[i] = world_buffer(&world, PAGES(1), 0, NULL);
		cr_assert_eq(use_in(buffers[order], 1, &vram), 0);
		cr_assert_eq(use_in(buffers[1 - order], 1, &gtt), 0);
		cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
		cr_expect_eq(wwr_mm_lock_all(world.mm, &set, swap_acquire, swap_locked, buffers),
			     0);
		wwr_lock_set_fini(&set);
		cr_expect_eq(use_in(buffers[1], 1, &vram), 0);
		cr_expect_eq(use_in(buffers[0], 1, &gtt), 0);
		buffer_put(buffers[0]);
		buffer_put(buffers[1]);
		end();
	}
}

/* One that may be elsewhere makes room for one that may not. */
static int displace_acquire(struct wwr_mm_txn *txn, void *arg)
{
	struct buffer **buffers = arg;
	const struct wwr_mm_want wants[] = {
	    {.bo = &buffers[0]->base, .num_domains = 2, .domains = {WWR_MM_VRAM, WWR_MM_GTT}},
	    {.bo = &buffers[1]->base, .num_domains = 1, .domains = {WWR_MM_VRAM}}};

	for (int i = 0; i < 2; i++) {
		const int ret = wwr_lock_set_lock(txn->set, wwr_bo_mutex(&buffers[i]->base.base));

		if (ret != 0)
			return ret;
	}
	return wwr_mm_validate(txn, 2, wants);
}

Test(drivers_mm, buffer_with_a_choice_gives_way_to_one_without)
{
	struct buffer *buffers[2];
	struct wwr_lock_set set;

	begin(1, 1, UINT64_MAX);
	for (int i = 0; i < 2; i++)
		buffers[i] = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	cr_expect_eq(wwr_mm_lock_all(world.mm, &set, displace_acquire, swap_locked, buffers), 0);
	wwr_lock_set_fini(&set);
	buffer_put(buffers[0]);
	buffer_put(buffers[1]);
	end();
}
