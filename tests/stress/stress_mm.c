/* SPDX-License-Identifier: MIT */
/*
 * Eviction storms: sixteen clients whose sets together are eight times as large as VRAM, in both
 * classes and with both policies.  Each set fits alone, so there is no -ENOMEM; every byte of every
 * buffer is looked at by each job.  Some buffers are shared, some made and given back in between,
 * some in groups, and some jobs wait for a client that goes on only later.
 */
#include "tests/drivers/mm_world.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include <wwresv/fence.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define NUM_CLIENTS 16
#define NUM_OWN	    6 /* buffers of a client, without those that are shared */
#define NUM_SHARED  4
#define NUM_PINNED  2 /* a page each */
#define VRAM	    (60 * WORLD_PAGE)
#define OWN_BYTES   (5 * WORLD_PAGE) /* 16 * 6 * 5 pages and the shared ones: 8 times VRAM */
#define NUM_RECENT  3

struct run {
	struct world world;
	uint32_t flags; /* WWR_LOCK_SET_x */
	unsigned int num_jobs;
	bool has_gtt; /* sometimes jobs want their buffers there */
	struct buffer *shared[NUM_SHARED];
	struct buffer *pinned[NUM_PINNED];
};

struct client {
	struct run *run;
	uint64_t random;
	struct wwr_sched_entity *entity;
	struct wwr_mm_group *group;
	struct buffer *own[NUM_OWN];
	struct wwr_fence *gate; /* of a job under way, or NULL */
	struct wwr_fence *recent[NUM_RECENT];
	unsigned int num_recent;
	unsigned int num_enomem, num_errors;
	pthread_t thread;
};

static uint32_t pick(struct client *client, uint32_t num)
{
	return (uint32_t)(test_random(&client->random) % num);
}

static void open_gate(struct client *client)
{
	if (client->gate == NULL)
		return;
	(void)wwr_fence_signal(client->gate);
	wwr_fence_put(client->gate);
	client->gate = NULL;
}

static void make_buffer(struct client *client, unsigned int index)
{
	struct world *world = &client->run->world;

	/* The first two are a group: together they are no larger than the others' sets. */
	client->own[index] = world_buffer(world, index < 2 ? OWN_BYTES : OWN_BYTES - index, 0,
					  index < 2 ? client->group : NULL);
}

/* All of its own, and some shared ones. */
static void choose(struct client *client, struct use *use)
{
	*use = (struct use){.world = &client->run->world, .entity = client->entity};
	for (unsigned int i = 0; i < NUM_OWN; i++)
		use->buffers[use->num++] = client->own[i];
	for (unsigned int i = 0; i < NUM_SHARED; i++) {
		if (pick(client, 3) == 0)
			use->buffers[use->num++] = client->run->shared[i];
	}
	use->one_by_one = pick(client, 2) == 0;
	if (client->run->has_gtt && pick(client, 6) == 0) {
		use->num_domains = 1;
		use->domains[0] = WWR_MM_GTT;
		return;
	}
	for (unsigned int i = 0; i < NUM_PINNED; i++) {
		if (pick(client, 3) == 0)
			use->buffers[use->num++] = client->run->pinned[i];
	}
}

static void submit(struct client *client, struct wwr_lock_set *set)
{
	const unsigned int place = client->num_recent++ % NUM_RECENT;
	struct use use;
	int ret;

	choose(client, &use);
	/* Its own gate is open before it waits for memory, so clients wait for no circle. */
	open_gate(client);
	if (pick(client, 8) == 0)
		use.gate = client->gate = world_gate(true);
	ret = world_use(&use, set);
	if (ret != 0) {
		client->num_enomem += ret == -ENOMEM;
		client->num_errors += ret != -ENOMEM;
		open_gate(client);
		return;
	}
	if (client->recent[place] != NULL && client->gate == NULL &&
	    wwr_fence_wait_until(client->recent[place], NULL, INT64_MAX) != 0)
		client->num_errors++;
	wwr_fence_put(client->recent[place]);
	client->recent[place] = use.finished;
}

static void *client_main(void *arg)
{
	struct client *client = arg;
	const struct wwr_lock_set_options options = {.flags = client->run->flags};
	struct wwr_lock_set set;

	if (wwr_lock_set_init(&set, &client->run->world.lock_class, &options) != 0)
		abort();
	for (unsigned int i = 0; i < client->run->num_jobs; i++) {
		submit(client, &set);
		if (pick(client, 4) == 0) {
			const unsigned int index = pick(client, NUM_OWN);

			buffer_put(client->own[index]);
			make_buffer(client, index);
		}
	}
	wwr_lock_set_fini(&set);
	open_gate(client);
	for (unsigned int i = 0; i < NUM_RECENT; i++) {
		if (client->recent[i] != NULL &&
		    wwr_fence_wait_until(client->recent[i], NULL, INT64_MAX) != 0)
			client->num_errors++;
		wwr_fence_put(client->recent[i]);
	}
	return NULL;
}

static void client_begin(struct client *client, struct run *run, unsigned int index)
{
	*client = (struct client){.run = run, .random = test_seed() + index};
	client->entity = world_entity(&run->world);
	if (wwr_mm_group_create(run->world.mm, &run->world.lock_class, &client->group) != 0)
		abort();
	for (unsigned int i = 0; i < NUM_OWN; i++)
		make_buffer(client, i);
}

static void client_end(struct client *client)
{
	for (unsigned int i = 0; i < NUM_OWN; i++)
		buffer_put(client->own[i]);
	wwr_mm_group_put(client->group);
	wwr_sched_entity_put(client->entity);
}

static void set_pinned(struct buffer *buffer, bool pinned)
{
	struct wwr_mutex *mutex = wwr_bo_mutex(&buffer->base.base);

	if (wwr_mutex_lock(mutex, NULL) != 0)
		abort();
	if (pinned)
		wwr_mm_bo_pin(&buffer->base);
	else
		wwr_mm_bo_unpin(&buffer->base);
	wwr_mutex_unlock(mutex);
}

/* The first of all, so they leave the rest of VRAM in one piece. */
static void pin_buffers(struct run *run)
{
	struct wwr_sched_entity *entity = world_entity(&run->world);

	for (unsigned int i = 0; i < NUM_PINNED; i++) {
		run->pinned[i] = world_buffer(&run->world, WORLD_PAGE, 0, NULL);
		if (world_use_now(&run->world, entity, 1, &run->pinned[i]) != 1)
			abort();
		set_pinned(run->pinned[i], true);
	}
	wwr_sched_entity_put(entity);
}

/* Returns how many of them have moved. */
static unsigned int unpin_buffers(struct run *run)
{
	unsigned int num_moved = 0;

	for (unsigned int i = 0; i < NUM_PINNED; i++) {
		num_moved += buffer_domain(run->pinned[i]) != WWR_MM_VRAM;
		set_pinned(run->pinned[i], false);
		buffer_put(run->pinned[i]);
	}
	return num_moved;
}

static void storm(enum wwr_algorithm algorithm, uint32_t flags, uint64_t gtt)
{
	struct run run = {.flags = flags, .num_jobs = test_rounds(60)};
	struct client clients[NUM_CLIENTS];
	unsigned int num_enomem = 0, num_errors = 0, num_moved;
	struct wwr_mm_stats stats;
	struct wwr_mm_usage left;

	world_init(&run.world, algorithm, VRAM, gtt, UINT64_MAX);
	run.world.no_clear = gtt == 0;
	run.has_gtt = gtt != 0;
	pin_buffers(&run);
	for (unsigned int i = 0; i < NUM_SHARED; i++)
		run.shared[i] = world_buffer(&run.world, OWN_BYTES, 0, NULL);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++)
		client_begin(&clients[i], &run, i);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		num_enomem += clients[i].num_enomem;
		num_errors += clients[i].num_errors;
		client_end(&clients[i]);
	}
	for (unsigned int i = 0; i < NUM_SHARED; i++)
		buffer_put(run.shared[i]);
	num_moved = unpin_buffers(&run);
	/* Frees the jobs, and with them the last references of buffers. */
	for (int i = 0; i < WORLD_NUM_RINGS; i++) {
		wwr_sched_destroy(run.world.rings[i]);
		run.world.rings[i] = NULL;
	}
	stats = world_stats(&run.world);
	left = world_usage(&run.world, WWR_MM_VRAM);
	world_fini(&run.world);
	tap_ok(num_enomem == 0 && num_errors == 0 && num_moved == 0 &&
		   run.world.num_mismatches == 0 && stats.num_evictions > 0 &&
		   left.used_bytes == 0 && run.world.num_jobs == run.world.num_freed,
	       "%s, %s: %u jobs, %u mismatches, %u errors, %u without memory",
	       algorithm == WWR_WAIT_DIE ? "wait-die" : "wound-wait",
	       flags != 0 ? "classic" : "default", run.world.num_jobs, run.world.num_mismatches,
	       num_errors, num_enomem);
	tap_note("%llu evictions, %llu waits, %llu claims", (unsigned long long)stats.num_evictions,
		 (unsigned long long)stats.num_waits, (unsigned long long)stats.num_claims);
}

int main(void)
{
	tap_plan(8);
	for (unsigned int i = 0; i < 8; i++)
		storm(i % 2 == 0 ? WWR_WOUND_WAIT : WWR_WAIT_DIE,
		      i / 2 % 2 == 0 ? 0 : WWR_LOCK_SET_CLASSIC, i / 4 == 0 ? VRAM : 0);
	return tap_exit();
}
