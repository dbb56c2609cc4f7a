/* SPDX-License-Identifier: MIT */
/* Room that somebody has taken, and is not in yet: it is in no list, but it will be free again. */
#include "tests/drivers/mm_world.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/fence.h>

#include <pthread.h>
#include <sched.h>

TestSuite(drivers_mm_arriving, .timeout = 60);

static struct world world;
static struct buffer *slow;
static unsigned int is_arriving, num_done; /* atomic */

/* The slow one takes its time, until somebody has looked for its room. */
static void on_move(struct buffer *buffer)
{
	if (buffer != slow || __atomic_exchange_n(&is_arriving, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	while (world_stats(&world).num_yields == 0 &&
	       __atomic_load_n(&num_done, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
}

struct user {
	struct wwr_sched_entity *entity;
	struct buffer *buffer;
	int result;
	pthread_t thread;
};

static void *user_main(void *arg)
{
	struct user *user = arg;

	user->result = world_use_now(&world, user->entity, 1, &user->buffer);
	__atomic_fetch_add(&num_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void user_begin(struct user *user, struct buffer *buffer)
{
	*user = (struct user){.entity = world_entity(&world), .buffer = buffer};
	cr_assert_eq(pthread_create(&user->thread, NULL, user_main, user), 0);
}

static void user_end(struct user *user)
{
	pthread_join(user->thread, NULL);
	wwr_sched_entity_put(user->entity);
}

Test(drivers_mm_arriving, room_that_another_buffer_is_about_to_enter_is_waited_for)
{
	struct user first, second;

	world_init(&world, WWR_WAIT_DIE, WORLD_PAGE, 0, UINT64_MAX);
	world.on_move = on_move;
	slow = world_buffer(&world, WORLD_PAGE, 0, NULL);
	user_begin(&first, slow);
	while (__atomic_load_n(&is_arriving, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
	user_begin(&second, world_buffer(&world, WORLD_PAGE, 0, NULL));
	user_end(&second);
	user_end(&first);
	cr_expect_eq(first.result, 1);
	cr_expect_eq(second.result, 1, "not %d", second.result);
	cr_expect_gt(world_stats(&world).num_yields, 0);
	cr_expect_eq(world_stats(&world).num_enomem, 0);
	cr_expect_eq(buffer_domain(slow), WWR_MM_SYSTEM);
	buffer_put(second.buffer);
	buffer_put(slow);
	world_fini(&world);
	cr_expect_eq(world.num_mismatches, 0);
}
