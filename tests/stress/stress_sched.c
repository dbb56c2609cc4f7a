/* SPDX-License-Identifier: MIT */
/*
 * Clients with threads of their own on schedulers with workers: random jobs, dependencies among
 * clients, hangs, slow jobs, killed entities, changed priorities; and in some rounds schedulers
 * that are destroyed in the middle.  Every armed job must signal, every job be freed, jobs that are
 * not on the ring twice at a time, and fences of one entity signal in order.
 */
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include <wwresv/sched.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define NUM_CLIENTS 5
#define NUM_RINGS   3
#define NUM_RECENT  8
#define NUM_BOARD   16
#define TIMEOUT_NS  2000000

/* Jobs that are on a ring, for the hardware's threads to end. */
struct hardware {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **end;
	bool stop;
};

struct run {
	enum wwr_sched_policy policy;
	bool destroy; /* schedulers, while clients submit */
	unsigned int num_jobs;
	struct wwr_sched_group *group;
	struct wwr_sched *scheds[NUM_RINGS];
	struct hardware hardware[NUM_RINGS];
	pthread_mutex_t lock;
	struct wwr_sched_entity *shared;    /* used by all clients */
	struct wwr_fence *board[NUM_BOARD]; /* of all clients' jobs, under lock */
	unsigned int num_made, num_freed;   /* atomic */
	unsigned int num_failures;	    /* atomic: what should not be */
};

struct job {
	struct wwr_sched_job base;
	struct run *run;
	struct hardware *hardware;
	bool hangs;
	struct wwr_fence *hw; /* under the hardware's lock: referenced while it is there */
	struct job *next;
};

struct client {
	struct run *run;
	uint64_t random;
	struct wwr_sched_ctx *ctx;
	struct wwr_sched_entity *entity;
	struct wwr_fence *recent[NUM_RECENT];
	unsigned int num_recent;
	unsigned int num_bad; /* statuses that should not be */
	pthread_t thread;
};

static void count(unsigned int *counter)
{
	/* Relaxed: read once the threads were joined. */
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static const char *hw_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "hw";
}

static void hw_release(struct wwr_fence *fence)
{
	free(fence);
}

static const struct wwr_fence_ops hw_ops = {
    .driver_name = hw_name, .timeline_name = hw_name, .release = hw_release};

static struct wwr_fence *make_hw(void)
{
	struct wwr_fence *fence = calloc(1, sizeof(*fence));

	if (fence == NULL)
		abort();
	wwr_fence_init(fence, &hw_ops, wwr_fence_context_alloc(1), 1);
	return fence;
}

static int run_job(struct wwr_sched_job *base, struct wwr_fence **ret_fence)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);
	struct hardware *hardware = wwr_sched_data(wwr_sched_job_sched(base));

	job->hardware = hardware;
	*ret_fence = make_hw();
	pthread_mutex_lock(&hardware->lock);
	if (job->hw != NULL)
		count(&job->run->num_failures);
	job->hw = wwr_fence_get(*ret_fence);
	job->next = NULL;
	*hardware->end = job;
	hardware->end = &job->next;
	pthread_cond_signal(&hardware->wake);
	pthread_mutex_unlock(&hardware->lock);
	return 0;
}

/* Take a job away: its fence with a reference, or NULL if it is not there.  The lock. */
static struct wwr_fence *hardware_take(struct hardware *hardware, struct job *job)
{
	struct wwr_fence *hw = job->hw;
	struct job **link = &hardware->first;

	while (*link != NULL && *link != job)
		link = &(*link)->next;
	if (*link == NULL)
		return NULL;
	*link = job->next;
	if (hardware->end == &job->next)
		hardware->end = link;
	job->hw = NULL;
	return hw;
}

/* Empties the ring. */
static enum wwr_sched_verdict timed_out(struct wwr_sched_job *base)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);
	struct hardware *hardware = job->hardware;

	pthread_mutex_lock(&hardware->lock);
	if (!job->hangs) {
		pthread_mutex_unlock(&hardware->lock);
		return WWR_SCHED_NO_HANG;
	}
	while (hardware->first != NULL)
		wwr_fence_put(hardware_take(hardware, hardware->first));
	pthread_mutex_unlock(&hardware->lock);
	return WWR_SCHED_RESET;
}

static void cancel_job(struct wwr_sched_job *base)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);

	pthread_mutex_lock(&job->hardware->lock);
	wwr_fence_put(hardware_take(job->hardware, job));
	pthread_mutex_unlock(&job->hardware->lock);
}

static void free_job(struct wwr_sched_job *base)
{
	struct job *job = WWR_CONTAINER_OF(base, struct job, base);

	if (job->hw != NULL)
		count(&job->run->num_failures);
	count(&job->run->num_freed);
	free(job);
}

static const struct wwr_sched_ops sched_ops = {
    .run_job = run_job, .timed_out = timed_out, .cancel_job = cancel_job, .free_job = free_job};

/* Ends jobs in order, up to one that hangs. */
static void *hardware_main(void *arg)
{
	struct hardware *hardware = arg;

	pthread_mutex_lock(&hardware->lock);
	while (!hardware->stop) {
		struct job *job = hardware->first;
		struct wwr_fence *hw;

		if (job == NULL || job->hangs) {
			pthread_cond_wait(&hardware->wake, &hardware->lock);
			continue;
		}
		hw = hardware_take(hardware, job);
		pthread_mutex_unlock(&hardware->lock);
		(void)wwr_fence_signal(hw);
		wwr_fence_put(hw);
		pthread_mutex_lock(&hardware->lock);
	}
	pthread_mutex_unlock(&hardware->lock);
	return NULL;
}

static uint32_t pick(struct client *client, uint32_t num)
{
	return (uint32_t)(test_random(&client->random) % num);
}

static void client_open(struct client *client)
{
	struct wwr_sched_entity_options options = {
	    .priority = (enum wwr_sched_priority)pick(client, WWR_SCHED_NUM_PRIORITIES),
	    .scheds = client->run->scheds,
	    .num_scheds = NUM_RINGS};

	if (client->ctx == NULL || wwr_sched_ctx_is_guilty(client->ctx)) {
		wwr_sched_ctx_put(client->ctx);
		if (wwr_sched_ctx_create(client->run->group, &client->ctx) != 0)
			abort();
	}
	options.ctx = client->ctx;
	if (wwr_sched_entity_create(&options, &client->entity) != 0)
		abort();
}

/* A new entity; not where the schedulers may be gone by now. */
static void client_reopen(struct client *client)
{
	if (client->run->destroy)
		return;
	wwr_sched_entity_put(client->entity);
	client_open(client);
}

/* Wait for a job of one's own, and see how it ended. */
static void client_wait(struct client *client, unsigned int index)
{
	struct wwr_fence *fence = client->recent[index];
	int status;

	client->recent[index] = NULL;
	if (fence == NULL)
		return;
	if (wwr_fence_wait_until(fence, NULL, INT64_MAX) != 0)
		client->num_bad++;
	status = wwr_fence_get_status(fence);
	if (status != 1 && status != -ETIME && status != -ECANCELED && status != -ESRCH &&
	    status != -ENODEV)
		client->num_bad++;
	wwr_fence_put(fence);
}

/* What comes before in the entity has signalled when a job has. */
static void client_check_order(struct client *client)
{
	for (unsigned int i = 0; i < NUM_RECENT; i++) {
		for (unsigned int j = 0; j < NUM_RECENT; j++) {
			const struct wwr_fence *a = client->recent[i], *b = client->recent[j];

			if (a == NULL || b == NULL || a->context != b->context ||
			    a->seqno >= b->seqno)
				continue;
			/* In this order: the later one first. */
			if (wwr_fence_is_signaled(b) && !wwr_fence_is_signaled(a))
				client->num_bad++;
		}
	}
}

static void client_depend(struct client *client, struct job *job)
{
	struct run *run = client->run;
	struct wwr_fence *fence;

	pthread_mutex_lock(&run->lock);
	fence = wwr_fence_get(run->board[pick(client, NUM_BOARD)]);
	pthread_mutex_unlock(&run->lock);
	if (fence != NULL && wwr_sched_job_add_dependency(&job->base, fence) != 0)
		client->num_bad++;
	wwr_fence_put(fence);
}

static void client_submit(struct client *client)
{
	struct run *run = client->run;
	struct job *job = calloc(1, sizeof(*job));
	const unsigned int place = client->num_recent++ % NUM_RECENT;
	struct wwr_fence **board, *old;

	struct wwr_sched_entity *entity = pick(client, 3) == 0 ? run->shared : client->entity;

	if (job == NULL || wwr_sched_job_init(&job->base, entity, 1 + pick(client, 2)) != 0)
		abort();
	count(&run->num_made);
	job->run = run;
	job->hangs = pick(client, 200) == 0;
	for (unsigned int i = pick(client, 4); i > 0; i--)
		client_depend(client, job);
	client_wait(client, place);
	wwr_sched_job_arm(&job->base);
	client->recent[place] = wwr_fence_get(wwr_sched_job_finished(&job->base));
	pthread_mutex_lock(&run->lock);
	board = &run->board[pick(client, NUM_BOARD)];
	old = *board;
	*board = wwr_fence_get(client->recent[place]);
	pthread_mutex_unlock(&run->lock);
	wwr_fence_put(old);
	wwr_sched_job_push(&job->base);
}

static void *client_main(void *arg)
{
	struct client *client = arg;
	struct run *run = client->run;

	for (unsigned int i = 0; i < run->num_jobs; i++) {
		client_submit(client);
		client_check_order(client);
		switch (pick(client, 60)) {
		case 0:
			wwr_sched_entity_kill(client->entity);
			client_reopen(client);
			break;
		case 1:
			client_reopen(client);
			break;
		case 2:
			wwr_sched_entity_set_priority(
			    client->entity,
			    (enum wwr_sched_priority)pick(client, WWR_SCHED_NUM_PRIORITIES));
			break;
		default:
			break;
		}
	}
	wwr_sched_entity_put(client->entity);
	for (unsigned int i = 0; i < NUM_RECENT; i++)
		client_wait(client, i);
	wwr_sched_ctx_put(client->ctx);
	return NULL;
}

static void run_begin(struct run *run, pthread_t *hardware_threads)
{
	struct wwr_sched_options options = {.ops = &sched_ops,
					    .policy = run->policy,
					    .credit_limit = 4,
					    .hang_limit = 3,
					    .timeout_ns = TIMEOUT_NS};

	pthread_mutex_init(&run->lock, NULL);
	if (wwr_sched_group_create(NULL, &run->group) != 0)
		abort();
	for (unsigned int i = 0; i < NUM_RINGS; i++) {
		struct hardware *hardware = &run->hardware[i];

		pthread_mutex_init(&hardware->lock, NULL);
		pthread_cond_init(&hardware->wake, NULL);
		hardware->end = &hardware->first;
		options.data = hardware;
		if (wwr_sched_create(run->group, &options, &run->scheds[i]) != 0 ||
		    pthread_create(&hardware_threads[i], NULL, hardware_main, hardware) != 0)
			abort();
	}
}

static void run_end(struct run *run, const pthread_t *hardware_threads)
{
	for (unsigned int i = 0; i < NUM_RINGS; i++) {
		struct hardware *hardware = &run->hardware[i];

		pthread_mutex_lock(&hardware->lock);
		hardware->stop = true;
		pthread_cond_signal(&hardware->wake);
		pthread_mutex_unlock(&hardware->lock);
		pthread_join(hardware_threads[i], NULL);
		pthread_cond_destroy(&hardware->wake);
		pthread_mutex_destroy(&hardware->lock);
	}
	for (unsigned int i = 0; i < NUM_BOARD; i++)
		wwr_fence_put(run->board[i]);
	wwr_sched_group_put(run->group);
	pthread_mutex_destroy(&run->lock);
}

static void run_share_entity(struct run *run)
{
	const struct wwr_sched_entity_options options = {
	    .priority = WWR_SCHED_PRIORITY_HIGH, .scheds = run->scheds, .num_scheds = NUM_RINGS};

	if (wwr_sched_entity_create(&options, &run->shared) != 0)
		abort();
}

static unsigned int run_clients(struct run *run)
{
	pthread_t hardware_threads[NUM_RINGS];
	struct client clients[NUM_CLIENTS];
	unsigned int num_bad = 0;

	run_begin(run, hardware_threads);
	run_share_entity(run);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		clients[i] = (struct client){.run = run, .random = test_seed() + i};
		client_open(&clients[i]);
	}
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
			abort();
	}
	/* Clients may go on with the others; without any their jobs end at once. */
	for (unsigned int i = 0; i < NUM_RINGS && run->destroy; i++)
		wwr_sched_destroy(run->scheds[i]);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		num_bad += clients[i].num_bad;
	}
	for (unsigned int i = 0; i < NUM_RINGS && !run->destroy; i++)
		wwr_sched_destroy(run->scheds[i]);
	wwr_sched_entity_put(run->shared);
	run_end(run, hardware_threads);
	return num_bad + run->num_failures;
}

int main(void)
{
	static const char *const names[] = {"fair", "fifo", "round robin"};

	tap_plan(2 * WWR_SCHED_NUM_POLICIES);
	for (unsigned int i = 0; i < 2 * WWR_SCHED_NUM_POLICIES; i++) {
		struct run run = {.policy = (enum wwr_sched_policy)(i / 2),
				  .destroy = i % 2 == 1,
				  .num_jobs = test_rounds(i % 2 == 1 ? 300 : 1000)};
		const unsigned int num_bad = run_clients(&run);

		tap_ok(num_bad == 0 && run.num_made == run.num_freed,
		       "%s%s: %u jobs, %u freed, %u failures", names[i / 2],
		       run.destroy ? ", schedulers destroyed" : "", run.num_made, run.num_freed,
		       num_bad);
	}
	return tap_exit();
}
