/* SPDX-License-Identifier: MIT */
/*
 * Shares of the time on rings, on a clock of the test's own: each client's within 10 % of its
 * target.
 */
#include "tests/drivers/sched_sim.h"
#include "tests/lib/test_criterion.h"

#include <stdlib.h>

TestSuite(drivers_sched_share, .timeout = 120);

#define MAX_CLIENTS 31
#define NUM_JOBS    1000
#define DEPTH	    4

struct client {
	struct wwr_sched_entity *entity;
	enum wwr_sched_priority priority;
	struct wwr_fence *finished[DEPTH];
	unsigned int num_submitted, depth;
	int64_t base_ns;
	uint64_t before_ns; /* at the beginning of the measurement */
};

static struct sim sim;
static struct client clients[MAX_CLIENTS];
static unsigned int num_clients;
static uint64_t random_state;

static double weight_of(const struct client *client)
{
	return (double)(1u << (WWR_SCHED_PRIORITY_LOW - client->priority));
}

static uint64_t busy_ns(const struct client *client)
{
	struct wwr_sched_entity_stats stats;

	wwr_sched_entity_get_stats(client->entity, &stats);
	return stats.busy_ns;
}

/* Every client has as many jobs under way as it may. */
static void refill(bool mixed_durations)
{
	for (unsigned int i = 0; i < num_clients; i++) {
		struct client *client = &clients[i];

		for (unsigned int j = 0; j < client->depth; j++) {
			struct wwr_fence **finished = &client->finished[j];
			int64_t duration_ns = client->base_ns;

			if (*finished != NULL && !wwr_fence_is_signaled(*finished))
				continue;
			if (mixed_durations)
				duration_ns += (int64_t)(test_random(&random_state) %
							 (uint64_t)client->base_ns);
			wwr_fence_put(*finished);
			sim_submit(sim_job(&sim, client->entity, (int)i, duration_ns), NULL,
				   finished);
			client->num_submitted++;
		}
	}
}

static uint64_t num_finished(void)
{
	uint64_t num = 0;

	for (unsigned int i = 0; i < sim.num_rings; i++) {
		struct wwr_sched_stats stats;

		wwr_sched_get_stats(sim.rings[i].sched, &stats);
		num += stats.num_finished;
	}
	return num;
}

static void begin(unsigned int num, unsigned int num_rings, uint32_t credits, bool mixed)
{
	const struct wwr_sched_options options = {.credit_limit = credits};

	random_state = test_seed();
	sim_init(&sim, num_rings, &options);
	num_clients = num;
	for (unsigned int i = 0; i < num; i++) {
		struct client *client = &clients[i];

		*client = (struct client){
		    .priority = mixed ? (enum wwr_sched_priority)(i % WWR_SCHED_NUM_PRIORITIES)
				      : WWR_SCHED_PRIORITY_NORMAL,
		    .depth = DEPTH,
		    .base_ns = 1000,
		};
		client->entity = sim_entity(&sim, client->priority, NULL);
	}
}

static void end(void)
{
	while (sim_step(&sim))
		;
	cr_expect_eq(sim.num_live, 0);
	for (unsigned int i = 0; i < num_clients; i++) {
		for (unsigned int j = 0; j < DEPTH; j++)
			wwr_fence_put(clients[i].finished[j]);
		wwr_sched_entity_put(clients[i].entity);
	}
	sim_fini(&sim);
}

/* Over so many jobs each client has its share of all the time. */
static void expect_shares(unsigned int num_jobs, bool mixed_durations)
{
	const uint64_t last = num_finished() + num_jobs;
	double weights = 0, total = 0;

	for (unsigned int i = 0; i < num_clients; i++)
		clients[i].before_ns = busy_ns(&clients[i]);
	while (num_finished() < last) {
		refill(mixed_durations);
		cr_assert(sim_step(&sim));
	}
	for (unsigned int i = 0; i < num_clients; i++) {
		weights += weight_of(&clients[i]);
		total += (double)(busy_ns(&clients[i]) - clients[i].before_ns);
	}
	for (unsigned int i = 0; i < num_clients; i++) {
		const double target = total * weight_of(&clients[i]) / weights;
		const double share = (double)(busy_ns(&clients[i]) - clients[i].before_ns);

		cr_expect(share > 0.9 * target && share < 1.1 * target,
			  "client %u of %u, priority %d: %.0f ns, target %.0f ns, %.1f %%", i,
			  num_clients, (int)clients[i].priority, share, target,
			  100 * share / target);
	}
}

static const unsigned int counts[] = {2, 3, 7, 13, 31};
#define NUM_COUNTS (sizeof(counts) / sizeof(counts[0]))

Test(drivers_sched_share, equal_clients_have_equal_shares)
{
	for (unsigned int i = 0; i < NUM_COUNTS; i++) {
		begin(counts[i], 1, 1, false);
		expect_shares(NUM_JOBS, false);
		end();
	}
}

/* A client of low priority has few of the jobs: so each is given a thousand in the mean. */
Test(drivers_sched_share, priorities_have_shares_of_powers_of_two)
{
	for (unsigned int i = 0; i < NUM_COUNTS; i++) {
		begin(counts[i], 1, 1, true);
		expect_shares(NUM_JOBS * counts[i], true);
		end();
	}
}

/* Twice the time of a job, half as many jobs. */
Test(drivers_sched_share, time_counts_and_not_the_number_of_jobs)
{
	begin(7, 1, 1, false);
	for (unsigned int i = 0; i < 7; i++)
		clients[i].base_ns = 500 * (i + 1);
	expect_shares(NUM_JOBS * 7, true);
	end();
}

Test(drivers_sched_share, many_credits_are_shared_as_one_is)
{
	for (unsigned int i = 0; i < NUM_COUNTS; i++) {
		begin(counts[i], 1, 8, true);
		for (unsigned int j = 0; j < counts[i]; j++)
			clients[j].depth = DEPTH;
		/* Clients whose share is more than their depth allows are no test. */
		for (unsigned int j = 0; j < counts[i] && counts[i] < 7; j++)
			clients[j].priority = WWR_SCHED_PRIORITY_NORMAL;
		for (unsigned int j = 0; j < counts[i]; j++)
			wwr_sched_entity_set_priority(clients[j].entity, clients[j].priority);
		expect_shares(NUM_JOBS * counts[i], true);
		end();
	}
}

Test(drivers_sched_share, change_of_priority_changes_the_shares_from_then_on)
{
	begin(7, 1, 1, true);
	for (unsigned int round = 0; round < 4; round++) {
		for (unsigned int i = 0; i < 7; i++) {
			clients[i].priority =
			    (enum wwr_sched_priority)((i + round) % WWR_SCHED_NUM_PRIORITIES);
			wwr_sched_entity_set_priority(clients[i].entity, clients[i].priority);
		}
		expect_shares(NUM_JOBS * 7, true);
	}
	end();
}

Test(drivers_sched_share, idle_client_saves_nothing_up)
{
	begin(3, 1, 1, false);
	clients[2].depth = 0;
	while (num_finished() < NUM_JOBS) {
		refill(true);
		cr_assert(sim_step(&sim));
	}
	clients[2].depth = DEPTH;
	expect_shares(NUM_JOBS, true);
	end();
}

/* One job at a time, so that an entity may move after each. */
Test(drivers_sched_share, thirteen_entities_move_among_three_rings)
{
	uint64_t num_moves = 0;

	begin(13, 3, 1, false);
	for (unsigned int i = 0; i < 13; i++)
		clients[i].depth = 1;
	expect_shares(NUM_JOBS, true);
	for (unsigned int i = 0; i < 13; i++) {
		struct wwr_sched_entity_stats stats;

		wwr_sched_entity_get_stats(clients[i].entity, &stats);
		num_moves += stats.num_moves;
	}
	cr_expect_gt(num_moves, 100);
	for (unsigned int i = 0; i < 3; i++) {
		struct wwr_sched_stats stats;

		wwr_sched_get_stats(sim.rings[i].sched, &stats);
		cr_expect(stats.num_finished > 300 && stats.num_finished < 366,
			  "ring %u had %lu jobs", i, (unsigned long)stats.num_finished);
	}
	end();
}
