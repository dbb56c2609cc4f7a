/* SPDX-License-Identifier: MIT */
/* Buffers that are in use when somebody wants their room, locks that somebody has, no memory. */
#include "tests/drivers/mm_world.h"
#include "tests/lib/test_alloc.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/fence.h>
#include <wwresv/interrupt.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

TestSuite(drivers_mm_busy, .timeout = 60);

#define PAGES(num) ((uint64_t)(num)*WORLD_PAGE)

static struct world world;
static struct wwr_sched_entity *entity;

static void begin(uint64_t vram_pages, uint64_t gtt_pages)
{
	world_init(&world, WWR_WAIT_DIE, PAGES(vram_pages), PAGES(gtt_pages), UINT64_MAX);
	entity = world_entity(&world);
}

static void end(void)
{
	cr_expect_eq(world.num_mismatches, 0);
	wwr_sched_entity_put(entity);
	world_fini(&world);
	cr_expect_eq(world.num_jobs, world.num_freed);
}

static int use_one(struct buffer *buffer)
{
	return world_use_now(&world, entity, 1, &buffer);
}

/* A job on a buffer that does not end before its gate is opened. */
static struct wwr_fence *make_busy(struct buffer *buffer, bool client_dependent)
{
	struct use use = {.world = &world, .entity = entity, .num = 1, .buffers = {buffer}};
	struct wwr_lock_set set;

	use.gate = world_gate(client_dependent);
	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	cr_assert_eq(world_use(&use, &set), 0);
	wwr_lock_set_fini(&set);
	wwr_fence_put(use.finished);
	return use.gate;
}

static void open_gate(struct wwr_fence *gate)
{
	wwr_fence_signal(gate);
	wwr_fence_put(gate);
}

/* Somebody who wants buffers, in a thread of his own. */
struct wanter {
	struct use use;
	struct wwr_lock_set_options options;
	int result;
	pthread_t thread;
};

static void *wanter_main(void *arg)
{
	struct wanter *wanter = arg;
	struct wwr_lock_set set;

	wanter->result = wwr_lock_set_init(&set, &world.lock_class, &wanter->options);
	if (wanter->result != 0)
		return NULL;
	wanter->result = world_use(&wanter->use, &set);
	wwr_lock_set_fini(&set);
	if (wanter->result == 0)
		wanter->result = wwr_fence_wait_until(wanter->use.finished, NULL, INT64_MAX);
	wwr_fence_put(wanter->use.finished);
	return NULL;
}

static void wanter_begin(struct wanter *wanter)
{
	wanter->use.world = &world;
	wanter->use.entity = world_entity(&world);
	cr_assert_eq(pthread_create(&wanter->thread, NULL, wanter_main, wanter), 0);
}

static void wanter_end(struct wanter *wanter)
{
	pthread_join(wanter->thread, NULL);
	wwr_sched_entity_put(wanter->use.entity);
}

/* The counter only rises, so whoever sees it can tell that so many waits were decided upon. */
static void until_waited(uint64_t num)
{
	while (world_stats(&world).num_waits < num)
		sched_yield();
}

/* As long as somebody sleeps with nothing held this succeeds in the end. */
static void expect_unlocked(struct buffer *buffer)
{
	cr_expect_eq(wwr_mutex_lock(wwr_bo_mutex(&buffer->base.base), NULL), 0);
	wwr_mutex_unlock(wwr_bo_mutex(&buffer->base.base));
}

static void wait_for_busy_victim(bool client_dependent)
{
	struct buffer *victim, *wanted;
	struct wanter wanter = {.use = {.num = 1}};
	struct wwr_fence *gate;

	begin(1, 0);
	victim = world_buffer(&world, PAGES(1), 0, NULL);
	wanted = world_buffer(&world, PAGES(1), 0, NULL);
	gate = make_busy(victim, client_dependent);
	wanter.use.buffers[0] = wanted;
	wanter_begin(&wanter);
	until_waited(1);
	/* It has neither: others may go on with both. */
	expect_unlocked(victim);
	expect_unlocked(wanted);
	open_gate(gate);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, 0);
	cr_expect_geq(wanter.use.num_attempts, 2);
	cr_expect_eq(buffer_domain(wanted), WWR_MM_VRAM);
	cr_expect_eq(buffer_domain(victim), WWR_MM_SYSTEM);
	cr_expect_eq(use_one(victim), 1);
	buffer_put(victim);
	buffer_put(wanted);
	end();
}

Test(drivers_mm_busy, busy_victim_is_waited_for_with_nothing_held)
{
	wait_for_busy_victim(false);
}

Test(drivers_mm_busy, victim_that_waits_for_a_client_is_waited_for_with_nothing_held)
{
	wait_for_busy_victim(true);
}

/* The client needs the very locks that the waiting one had, to do what the victim waits for. */
Test(drivers_mm_busy, client_may_submit_what_the_victim_waits_for)
{
	struct buffer *victim, *wanted, *gtt;
	struct wanter wanter = {.use = {.num = 2}};
	struct wwr_fence *gate;
	struct use later;
	struct wwr_lock_set set;

	begin(2, 4);
	victim = world_buffer(&world, PAGES(2), 0, NULL);
	wanted = world_buffer(&world, PAGES(1), 0, NULL);
	gtt = world_buffer(&world, PAGES(1), 0, NULL);
	gate = make_busy(victim, true);
	wanter.use.buffers[0] = wanted;
	wanter.use.buffers[1] = gtt;
	wanter_begin(&wanter);
	until_waited(1);
	later = (struct use){.world = &world,
			     .entity = entity,
			     .num = 1,
			     .buffers = {gtt},
			     .num_domains = 1,
			     .domains = {WWR_MM_GTT}};
	/* An entity's jobs are in order: another one's job may go before the one that waits. */
	later.entity = world_entity(&world);
	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	cr_assert_eq(world_use(&later, &set), 0);
	wwr_lock_set_fini(&set);
	cr_assert_eq(wwr_fence_wait_until(later.finished, NULL, INT64_MAX), 0);
	wwr_fence_put(later.finished);
	wwr_sched_entity_put(later.entity);
	open_gate(gate);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, 0);
	buffer_put(victim);
	buffer_put(wanted);
	buffer_put(gtt);
	end();
}

Test(drivers_mm_busy, idle_victim_goes_before_a_busy_one_that_is_older)
{
	struct buffer *busy, *idle, *wanted;
	struct wwr_fence *gate;

	begin(2, 0);
	busy = world_buffer(&world, PAGES(1), 0, NULL);
	idle = world_buffer(&world, PAGES(1), 0, NULL);
	wanted = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_one(idle), 1);
	gate = make_busy(busy, true);
	wwr_sched_entity_put(entity);
	entity = world_entity(&world);
	cr_assert_eq(use_one(idle), 1);
	cr_expect_eq(use_one(wanted), 1);
	cr_expect_eq(buffer_domain(busy), WWR_MM_VRAM);
	cr_expect_eq(world_stats(&world).num_waits, 0);
	open_gate(gate);
	buffer_put(busy);
	buffer_put(idle);
	buffer_put(wanted);
	end();
}

/* More busy buffers than are looked at in one go, and the idle one behind them. */
Test(drivers_mm_busy, idle_victim_behind_many_busy_ones_is_found)
{
	struct buffer *busy[40], *idle, *wanted;
	struct wwr_fence *gates[40];

	begin(41, 0);
	for (int i = 0; i < 40; i++) {
		busy[i] = world_buffer(&world, PAGES(1), 0, NULL);
		gates[i] = make_busy(busy[i], false);
	}
	wwr_sched_entity_put(entity);
	entity = world_entity(&world);
	idle = world_buffer(&world, PAGES(1), 0, NULL);
	wanted = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_one(idle), 1);
	cr_expect_eq(use_one(wanted), 1);
	cr_expect_eq(world_stats(&world).num_waits, 0);
	cr_expect_eq(buffer_domain(idle), WWR_MM_SYSTEM);
	for (int i = 0; i < 40; i++) {
		open_gate(gates[i]);
		buffer_put(busy[i]);
	}
	buffer_put(idle);
	buffer_put(wanted);
	end();
}

Test(drivers_mm_busy, wait_ends_with_the_token_and_with_the_deadline)
{
	struct buffer *victim, *wanted;
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	struct wanter wanter = {.use = {.num = 1}, .options = {.token = &token}};
	struct wwr_fence *gate;

	begin(1, 0);
	victim = world_buffer(&world, PAGES(1), 0, NULL);
	wanted = world_buffer(&world, PAGES(1), 0, NULL);
	gate = make_busy(victim, false);
	wanter.use.buffers[0] = wanted;
	wanter_begin(&wanter);
	until_waited(1);
	wwr_interrupt(&token);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, -EINTR);
	wanter.options = (struct wwr_lock_set_options){.deadline_ns = 1};
	wanter_begin(&wanter);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, -ETIME);
	cr_expect_eq(buffer_domain(victim), WWR_MM_VRAM);
	open_gate(gate);
	cr_expect_eq(use_one(wanted), 1);
	buffer_put(victim);
	buffer_put(wanted);
	end();
}

/* A buffer of the set that must be moved, and waits for a client. */
Test(drivers_mm_busy, own_buffer_that_waits_for_a_client_is_not_moved_before)
{
	struct buffer *own, *other;
	struct wanter wanter = {.use = {.num = 1, .num_domains = 1, .domains = {WWR_MM_GTT}}};
	struct wwr_fence *gate;

	begin(2, 2);
	own = world_buffer(&world, PAGES(1), 0, NULL);
	other = world_buffer(&world, PAGES(1), 0, NULL);
	gate = make_busy(own, true);
	wwr_sched_entity_put(entity);
	entity = world_entity(&world);
	wanter.use.buffers[0] = own;
	wanter_begin(&wanter);
	until_waited(1);
	/* Other moves do not stand behind it. */
	cr_expect_eq(use_one(other), 1);
	open_gate(gate);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, 0);
	cr_expect_eq(buffer_domain(own), WWR_MM_GTT);
	buffer_put(own);
	buffer_put(other);
	end();
}

Test(drivers_mm_busy, own_busy_buffer_is_moved_after_its_job)
{
	struct buffer *own;
	struct use use = {.world = &world, .num = 1, .num_domains = 1, .domains = {WWR_MM_GTT}};
	struct wwr_fence *gate;
	struct wwr_lock_set set;

	begin(1, 1);
	use.entity = entity;
	use.buffers[0] = own = world_buffer(&world, PAGES(1), 0, NULL);
	gate = make_busy(own, false);
	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	/* Nobody need wait for that: the move does. */
	cr_expect_eq(world_use(&use, &set), 0);
	wwr_lock_set_fini(&set);
	cr_expect_eq(world_stats(&world).num_waits, 0);
	cr_expect_eq(world_stats(&world).num_moves, 1);
	cr_expect_not(wwr_fence_is_signaled(use.finished));
	open_gate(gate);
	cr_expect_eq(wwr_fence_wait_until(use.finished, NULL, INT64_MAX), 0);
	wwr_fence_put(use.finished);
	cr_expect_eq(use_one(own), 1);
	buffer_put(own);
	end();
}

/* Six buffers of its own and six that have to go. */
static uint32_t roll_back_at(uint32_t interval, uint64_t seed, bool one_by_one)
{
	struct buffer *old[6], *wanted[6];
	struct use use = {.world = &world, .num = 6, .one_by_one = one_by_one};
	struct wwr_lock_set set;

	begin(6, 3);
	for (int i = 0; i < 6; i++) {
		old[i] = world_buffer(&world, PAGES(1), 0, NULL);
		use.buffers[i] = wanted[i] = world_buffer(&world, PAGES(1), 0, NULL);
	}
	cr_assert_eq(world_use_now(&world, entity, 6, wanted), 1);
	cr_assert_eq(world_use_now(&world, entity, 6, old), 1);
	use.entity = entity;
	wwr_class_set_injection(&world.lock_class, interval, seed);
	cr_assert_eq(wwr_lock_set_init(&set, &world.lock_class, NULL), 0);
	cr_assert_eq(world_use(&use, &set), 0);
	wwr_lock_set_fini(&set);
	wwr_class_set_injection(&world.lock_class, 0, 0);
	cr_expect_eq(wwr_fence_wait_until(use.finished, NULL, INT64_MAX), 0);
	wwr_fence_put(use.finished);
	for (int i = 0; i < 6; i++)
		cr_expect_eq(buffer_domain(wanted[i]), WWR_MM_VRAM);
	cr_expect_eq(world_use_now(&world, entity, 6, old), 1);
	for (int i = 0; i < 6; i++) {
		buffer_put(old[i]);
		buffer_put(wanted[i]);
	}
	end();
	return use.lost_after;
}

/* Each step of validation takes a lock, and each lock is lost in one of these runs. */
Test(drivers_mm_busy, rollback_at_each_step_of_validation)
{
	const unsigned int num_seeds = test_rounds(10) > 10 ? test_rounds(10) : 10;
	uint32_t lost_after = 0;

	for (uint32_t interval = 1; interval <= 12; interval++) {
		for (unsigned int seed = 0; seed < num_seeds; seed++)
			lost_after |= roll_back_at(interval, seed, seed % 2 == 0);
	}
	/* Six are wanted and six have to go. */
	for (int i = 1; i < 12; i++)
		cr_expect_neq(lost_after & 1u << i, 0, "no attempt was lost after %d locks", i);
}

/* The lock of a victim that somebody else has. */
Test(drivers_mm_busy, victim_that_is_locked_is_slept_for_with_nothing_held)
{
	struct buffer *victim, *wanted[2];
	struct wanter wanter = {.use = {.num = 2}};
	struct wwr_mutex *mutex;

	begin(2, 0);
	victim = world_buffer(&world, PAGES(2), 0, NULL);
	mutex = wwr_bo_mutex(&victim->base.base);
	for (int i = 0; i < 2; i++)
		wanter.use.buffers[i] = wanted[i] = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_one(victim), 1);
	cr_assert_eq(wwr_mutex_lock(mutex, NULL), 0);
	wanter_begin(&wanter);
	for (struct wwr_debug_wait wait = {0}; wait.mutex != mutex;) {
		if (wwr_debug_get_waits(&wait, 1) == 0)
			sched_yield();
	}
	cr_expect_not(wwr_mutex_is_locked(wwr_bo_mutex(&wanted[0]->base.base)));
	cr_expect_not(wwr_mutex_is_locked(wwr_bo_mutex(&wanted[1]->base.base)));
	wwr_mutex_unlock(mutex);
	wanter_end(&wanter);
	cr_expect_eq(wanter.result, 0);
	cr_expect_eq(buffer_domain(victim), WWR_MM_SYSTEM);
	buffer_put(victim);
	buffer_put(wanted[0]);
	buffer_put(wanted[1]);
	end();
}

/* Who waits too often makes others stop, and they go on once he has committed. */
Test(drivers_mm_busy, transaction_that_waited_often_makes_others_stop)
{
	struct buffer *victims[WWR_MM_PATIENCE + 1], *wanted, *other;
	struct wwr_fence *gates[WWR_MM_PATIENCE + 1];
	struct wanter wanter = {.use = {.num = 1}}, late = {.use = {.num = 1}};
	const unsigned int num = WWR_MM_PATIENCE + 1;

	begin(num + 1, 0);
	other = world_buffer(&world, PAGES(1), 0, NULL);
	cr_assert_eq(use_one(other), 1);
	wanted = world_buffer(&world, PAGES(num + 1), 0, NULL);
	for (unsigned int i = 0; i < num; i++) {
		victims[i] = world_buffer(&world, PAGES(1), 0, NULL);
		wwr_sched_entity_put(entity);
		entity = world_entity(&world);
		gates[i] = make_busy(victims[i], false);
	}
	wanter.use.buffers[0] = wanted;
	wanter_begin(&wanter);
	for (unsigned int i = 0; i < num - 1; i++) {
		until_waited(i + 1);
		open_gate(gates[i]);
	}
	while (world_stats(&world).num_claims == 0)
		sched_yield();
	/* Its buffer is where it has to be or not: it must wait in any case. */
	late.use.buffers[0] = other;
	wanter_begin(&late);
	while (__atomic_load_n(&late.use.num_attempts, __ATOMIC_RELAXED) == 0)
		sched_yield();
	open_gate(gates[num - 1]);
	wanter_end(&wanter);
	wanter_end(&late);
	cr_expect_eq(wanter.result, 0);
	cr_expect_eq(late.result, 0);
	cr_expect_geq(late.use.num_attempts, 2);
	cr_expect_eq(world_stats(&world).num_claims, 1);
	for (unsigned int i = 0; i < num; i++)
		buffer_put(victims[i]);
	buffer_put(wanted);
	buffer_put(other);
	end();
}

/* Without memory at one place a use fails, changes nothing that can be seen, and succeeds later. */
Test(drivers_mm_busy, no_memory_at_any_place_of_a_use)
{
	struct wwr_mm_group *group;
	struct buffer *buffers[5], **old = buffers, **wanted = &buffers[3];
	unsigned int num_failed = 0;

	test_alloc_install();
	begin(3, 1);
	cr_assert_eq(wwr_mm_group_create(world.mm, &world.lock_class, &group), 0);
	for (int i = 0; i < 3; i++)
		old[i] = world_buffer(&world, PAGES(1), 0, group);
	for (int i = 0; i < 2; i++)
		wanted[i] = world_buffer(&world, PAGES(1), 0, NULL);
	for (unsigned int i = 1; i < 60; i++) {
		int ret;

		cr_assert_eq(world_use_now(&world, entity, 3, old), 1);
		test_alloc_fail(i, false);
		ret = world_use_now(&world, entity, 2, wanted);
		test_alloc_fail(0, false);
		cr_assert(ret == 1 || ret == -ENOMEM, "allocation %u: %d", i, ret);
		num_failed += ret != 1;
		if (ret != 1)
			cr_assert_eq(world_use_now(&world, entity, 2, wanted), 1);
	}
	cr_expect_gt(num_failed, 5);
	wwr_mm_group_put(group);
	for (int i = 0; i < 5; i++)
		buffer_put(buffers[i]);
	end();
}
