/* SPDX-License-Identifier: MIT */
/*
 * Random jobs from several clients on one mock GPU, against the sequential replay: with both
 * classes and both policies to the end, and with the device stopped in the middle; then through
 * the scheduler, with too little VRAM, with hangs and with a device that is lost.  Under
 * ThreadSanitizer a missing dependency is a report besides.
 *
 * A client opens its gates and ends its endless jobs before it waits for anything, so clients
 * cannot wait for each other in a circle.  With VRAM a submit waits for others' jobs, so there are
 * neither then.
 */
#include "tests/drivers/replay.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include <wwresv/class.h>
#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/lock_set.h>
#include <wwresv/mm.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define NUM_CLIENTS 6
#define NUM_BOS	    20
#define NUM_QUEUES  4
/* The first engines of the device, with all of the queues: rcs0, bcs0, vcs0, vcs1. */
#define NUM_BOUND  4
#define NUM_RECENT 12
#define MAX_USES   8

#define HANG_TIMEOUT_NS 3000000
#define MAX_DURATION_NS 40000

/* Pages: a job's buffers fit, all of them do not, and some go on to system memory. */
#define VRAM_PAGES 10
#define GTT_PAGES  4

/* What a device is like, and what happens to it. */
struct variant {
	const char *name;
	enum wwr_algorithm algorithm;
	uint32_t flags; /* WWR_LOCK_SET_x */
	bool stop;	/* stop the device in the middle */
	bool vram;
	bool use_sched;
	enum wwr_sched_policy policy;
	uint64_t hang_every, slow_every, lose_after;
};

struct run {
	const struct variant *variant;
	struct wwr_class lock_class;
	unsigned int num_rounds;
	struct wwr_device *device;
	struct wwr_queue *shared; /* used by all clients: commits and places must agree */
	struct wwr_device_bo *bos[NUM_BOS];
	struct replay_job *notes; /* by commit number; each written by its client */
};

/* A job that the client still has. */
struct recent {
	struct wwr_job *job;
	uint64_t commit;
	uint64_t seed;
	struct wwr_fence *gate; /* not yet opened, or NULL */
	bool endless;		/* not yet ended */
};

struct client {
	struct run *run;
	unsigned int index;
	uint64_t random;
	struct wwr_queue *queues[NUM_QUEUES];
	struct recent recent[NUM_RECENT];
	unsigned int next; /* the oldest of them */
	int error;	   /* the first that should not be */
	unsigned int num_backoffs;
	pthread_t thread;
};

static uint32_t pick(struct client *client, uint32_t num)
{
	return (uint32_t)(test_random(&client->random) % num);
}

static void fail(struct client *client, int error)
{
	if (client->error == 0)
		client->error = error;
}

static const char *gate_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "gate";
}

static void gate_release(struct wwr_fence *fence)
{
	free(fence);
}

static struct wwr_fence *gate_create(void)
{
	static const struct wwr_fence_ops ops = {
	    .driver_name = gate_name, .timeline_name = gate_name, .release = gate_release};
	struct wwr_fence *gate = calloc(1, sizeof(*gate));

	if (gate != NULL)
		wwr_fence_init(gate, &ops, wwr_fence_context_alloc(1), 1);
	return gate;
}

/* Nothing of this client is in anybody's way any more. */
static void client_release(struct client *client)
{
	for (unsigned int i = 0; i < NUM_RECENT; i++) {
		struct recent *recent = &client->recent[i];

		if (recent->gate != NULL) {
			(void)wwr_fence_signal(recent->gate);
			wwr_fence_put(recent->gate);
			recent->gate = NULL;
		}
		if (recent->endless) {
			wwr_job_end(recent->job);
			recent->endless = false;
		}
	}
}

/* A job may end so: with the error that was asked for. */
static bool is_expected(const struct variant *variant, int status)
{
	return status == 1 || (status == -ECANCELED && variant->stop) ||
	       (status == -ETIME && (variant->hang_every != 0 || variant->slow_every != 0)) ||
	       (status == -ENODEV && variant->lose_after != 0);
}

/* Wait for a job and note how it ended. */
static void client_retire(struct client *client, struct recent *recent)
{
	struct wwr_job_info info;
	struct wwr_fence *fence;
	int status;

	if (recent->job == NULL)
		return;
	client_release(client);
	fence = wwr_job_finished(recent->job);
	if (wwr_fence_wait_until(fence, NULL, INT64_MAX) != 0)
		fail(client, -EIO);
	status = wwr_fence_get_status(fence);
	if (!is_expected(client->run->variant, status))
		fail(client, status);
	wwr_job_get_info(recent->job, &info);
	client->run->notes[recent->commit].done = status == 1;
	client->run->notes[recent->commit].torn = info.torn;
	wwr_job_put(recent->job);
	recent->job = NULL;
}

static int client_add_buffers(struct client *client, struct wwr_job *job, struct replay_job *note)
{
	const uint32_t num = 1 + pick(client, MAX_USES);
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < num; i++) {
		const uint32_t bo = pick(client, NUM_BOS);
		const uint32_t access = 1 + pick(client, 3);

		ret = wwr_job_add_buffer(job, client->run->bos[bo], access);
		replay_use(note, bo, access);
	}
	return ret;
}

/* Wait for a job's start or end now and then. */
static int client_add_sources(struct client *client, struct wwr_job *job, struct replay_job *note)
{
	const struct recent *recent = &client->recent[pick(client, NUM_RECENT)];
	int ret = 0;

	if (recent->job == NULL || recent->job == job)
		return 0;
	switch (pick(client, 4)) {
	case 0:
		ret = wwr_job_add_submit_dependency(job, recent->job);
		note->source_seeds[note->num_sources++] = recent->seed;
		break;
	case 1:
		ret = wwr_job_add_dependency(job, wwr_job_finished(recent->job));
		break;
	default:
		break;
	}
	return ret;
}

static int client_add_gate(struct client *client, struct recent *recent)
{
	if (pick(client, 8) != 0 || client->run->variant->vram)
		return 0;
	recent->gate = gate_create();
	if (recent->gate == NULL)
		return -ENOMEM;
	return wwr_job_add_dependency(recent->job, recent->gate);
}

/* A queue that comes and goes, the device being stopped meanwhile or not. */
static int client_visit(struct client *client)
{
	struct wwr_queue *queue = NULL;
	struct wwr_sched_stats stats;
	int ret;

	wwr_device_get_recovery(client->run->device, &stats);
	ret = wwr_queue_create(client->run->device, "visitor", 1 + pick(client, 7), &queue);
	wwr_queue_put(queue);
	return ret;
}

/* Others submit to the shared queue meanwhile. */
static int client_bind(struct client *client, struct wwr_queue *queue)
{
	const uint64_t mask = pick(client, 3) == 0 ? 0 : UINT64_C(1) << pick(client, NUM_BOUND);
	int ret;

	if (pick(client, 4) != 0)
		return 0;
	ret = wwr_queue_set_bond(queue, pick(client, NUM_BOUND), mask);
	/* Not each queue has that engine. */
	return ret == -EINVAL ? 0 : ret;
}

static int client_create_job(struct client *client, struct recent *recent)
{
	struct wwr_job_config config = {.seed = test_random(&client->random)};
	struct wwr_queue *queue = client->queues[pick(client, NUM_QUEUES)];
	int ret = pick(client, 8) != 0 ? 0 : client_visit(client);

	if (ret == 0)
		ret = client_bind(client, queue);
	if (ret != 0)
		return ret;
	config.label = config.seed;
	config.duration_ns = pick(client, MAX_DURATION_NS);
	recent->seed = config.seed;
	recent->endless = pick(client, 10) == 0 && !client->run->variant->vram;
	if (recent->endless)
		config.duration_ns = WWR_JOB_ENDLESS;
	if (pick(client, 3) == 0)
		config.interval_ns = 1 + pick(client, 10000);
	wwr_queue_set_priority(queue, (int)pick(client, 3) - 1);
	wwr_queue_set_preemptible(queue, pick(client, 4) != 0);
	return wwr_job_create(queue, &config, &recent->job);
}

static void client_drop(struct recent *recent)
{
	wwr_job_put(recent->job);
	if (recent->gate != NULL) {
		(void)wwr_fence_signal(recent->gate);
		wwr_fence_put(recent->gate);
	}
	*recent = (struct recent){0};
}

/* One more job: 0, -ECANCELED when the device was stopped, or what should not be. */
static int client_submit(struct client *client)
{
	const struct wwr_lock_set_options options = {.flags = client->run->variant->flags};
	struct recent *recent = &client->recent[client->next++ % NUM_RECENT];
	struct wwr_submit_result result;
	struct replay_job note = {0};
	int ret;

	client_retire(client, recent);
	ret = client_create_job(client, recent);
	note.seed = recent->seed;
	if (ret == 0)
		ret = client_add_buffers(client, recent->job, &note);
	if (ret == 0)
		ret = client_add_sources(client, recent->job, &note);
	if (ret == 0)
		ret = client_add_gate(client, recent);
	if (ret == 0)
		ret = wwr_job_submit(recent->job, &options, pick(client, 8) == 0 ? 20000 : 0,
				     &result);
	if (ret != 0) {
		client_drop(recent);
		return ret;
	}
	client->num_backoffs += result.num_backoffs;
	recent->commit = result.commit;
	client->run->notes[result.commit] = note;
	return 0;
}

static void *client_main(void *arg)
{
	struct client *client = arg;
	int ret = 0;

	for (unsigned int i = 0; i < client->run->num_rounds && ret == 0; i++)
		ret = client_submit(client);
	if (ret != 0 && !(client->run->variant->stop && ret == -ECANCELED))
		fail(client, ret);
	for (unsigned int i = 0; i < NUM_RECENT; i++)
		client_retire(client, &client->recent[i]);
	return NULL;
}

static void client_init(struct client *client, struct run *run, unsigned int index)
{
	const uint64_t masks[NUM_QUEUES - 1] = {
	    wwr_device_engine_mask(run->device, WWR_ENGINE_RCS, 1),
	    wwr_device_engine_mask(run->device, WWR_ENGINE_BCS, 1),
	    wwr_device_engine_mask(run->device, WWR_ENGINE_VCS, 0),
	};

	*client = (struct client){.run = run, .index = index, .random = test_seed() + index};
	for (unsigned int i = 0; i < NUM_QUEUES - 1; i++) {
		if (wwr_queue_create(run->device, "client", masks[i], &client->queues[i]) != 0)
			abort();
	}
	client->queues[NUM_QUEUES - 1] = wwr_queue_get(run->shared);
	if (pthread_create(&client->thread, NULL, client_main, client) != 0)
		abort();
}

static void client_fini(struct client *client)
{
	pthread_join(client->thread, NULL);
	for (unsigned int i = 0; i < NUM_QUEUES; i++)
		wwr_queue_put(client->queues[i]);
}

static void run_configure(const struct variant *variant, struct wwr_device_config *config)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	if (variant->vram) {
		config->vram_bytes = VRAM_PAGES * page_bytes;
		config->gtt_bytes = GTT_PAGES * page_bytes;
	}
	config->use_sched = variant->use_sched;
	config->policy = variant->policy;
	config->hang_every = variant->hang_every;
	config->slow_every = variant->slow_every;
	/* Half of them end about when they are reset, or after that. */
	config->slow_factor = 2.0 * HANG_TIMEOUT_NS / MAX_DURATION_NS;
	config->lose_after = variant->lose_after;
	config->hang_timeout_ns = HANG_TIMEOUT_NS;
	config->hang_limit = UINT32_MAX;
}

static void run_init(struct run *run)
{
	struct wwr_device_config config;

	wwr_class_init(&run->lock_class, "stress", run->variant->algorithm);
	wwr_class_set_injection(&run->lock_class, 16, test_seed());
	wwr_device_config_init(&config);
	config.lock_class = &run->lock_class;
	run_configure(run->variant, &config);
	run->notes = calloc((size_t)NUM_CLIENTS * run->num_rounds, sizeof(*run->notes));
	if (run->notes == NULL || wwr_device_create(&config, &run->device) != 0)
		abort();
	if (wwr_queue_create(run->device, "shared", 0x7, &run->shared) != 0)
		abort();
	for (unsigned int i = 0; i < NUM_BOS; i++) {
		/* Sizes around what is touched, some no multiple of a word. */
		if (wwr_device_bo_create(run->device, i, 1 + i * 29, &run->bos[i]) != 0)
			abort();
	}
}

static void run_fini(struct run *run)
{
	wwr_queue_put(run->shared);
	/* Buffers in VRAM cannot outlive it; others may. */
	if (!run->variant->vram)
		wwr_device_destroy(run->device);
	for (unsigned int i = 0; i < NUM_BOS; i++)
		wwr_device_bo_put(run->bos[i]);
	if (run->variant->vram)
		wwr_device_destroy(run->device);
	free(run->notes);
	wwr_class_fini(&run->lock_class);
}

static bool count_job(const struct wwr_job_info *info, void *arg)
{
	uint64_t *num = arg;

	*num += 1 + info->num_pending;
	return true;
}

/* Look at the device while it works; stop it when half of the jobs are in. */
static void run_watch(struct run *run)
{
	const uint64_t half = (uint64_t)NUM_CLIENTS * run->num_rounds / 2;
	struct wwr_device_stats stats;
	struct wwr_engine_info engine;
	uint64_t num = 0;

	do {
		wwr_device_get_engine(run->device, 0, &engine);
		if (wwr_device_for_each_job(run->device, count_job, &num) != 0)
			abort();
		wwr_device_get_stats(run->device, &stats);
	} while (stats.num_submitted < half);
	if (run->variant->stop)
		wwr_device_stop(run->device);
}

/* How many buffers differ from the replay, in the end. */
static size_t run_compare(struct run *run, uint64_t num_submitted)
{
	for (unsigned int i = 0; i < NUM_BOS; i++) {
		if (wwr_device_bo_fetch(run->bos[i]) != 0)
			abort();
	}
	return replay_mismatches(run->bos, NUM_BOS, run->notes, num_submitted);
}

static void run_one(const struct variant *variant)
{
	/* With VRAM a job is some moves more. */
	struct run run = {.variant = variant, .num_rounds = test_rounds(variant->vram ? 80 : 200)};
	struct wwr_device_stats stats;
	struct client clients[NUM_CLIENTS];
	unsigned int num_backoffs = 0;
	struct wwr_mm_stats memory;
	size_t num_mismatches;
	int error = 0;

	run_init(&run);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++)
		client_init(&clients[i], &run, i);
	run_watch(&run);
	for (unsigned int i = 0; i < NUM_CLIENTS; i++) {
		client_fini(&clients[i]);
		num_backoffs += clients[i].num_backoffs;
		if (error == 0)
			error = clients[i].error;
	}
	wwr_device_get_stats(run.device, &stats);
	wwr_device_get_memory(run.device, &memory);
	num_mismatches = run_compare(&run, stats.num_submitted);
	tap_ok(error == 0 && num_mismatches == 0 && stats.num_finished == stats.num_submitted &&
		   (memory.num_evictions != 0) == variant->vram &&
		   (variant->stop || stats.num_failed != 0 ||
		    (variant->hang_every == 0 && variant->lose_after == 0)),
	       "%s: error %d, %zu buffers differ", variant->name, error, num_mismatches);
	tap_note("%llu jobs, %llu failed, %llu evictions, %u back-offs",
		 (unsigned long long)stats.num_submitted, (unsigned long long)stats.num_failed,
		 (unsigned long long)memory.num_evictions, num_backoffs);
	run_fini(&run);
}

static const struct variant variants[] = {
    {"wound-wait, default policy", WWR_WOUND_WAIT},
    {"wound-wait, classic policy", WWR_WOUND_WAIT, WWR_LOCK_SET_CLASSIC},
    {"wait-die, default policy", WWR_WAIT_DIE},
    {"wait-die, classic policy", WWR_WAIT_DIE, WWR_LOCK_SET_CLASSIC},
    {"wound-wait, default policy, stopped", WWR_WOUND_WAIT, .stop = true},
    {"wound-wait, classic policy, stopped", WWR_WOUND_WAIT, WWR_LOCK_SET_CLASSIC, .stop = true},
    {"wait-die, default policy, stopped", WWR_WAIT_DIE, .stop = true},
    {"wait-die, classic policy, stopped", WWR_WAIT_DIE, WWR_LOCK_SET_CLASSIC, .stop = true},
    {"VRAM", WWR_WAIT_DIE, WWR_LOCK_SET_CLASSIC, .vram = true},
    {"scheduler, with hangs", WWR_WOUND_WAIT, .use_sched = true, .hang_every = 100},
    {"scheduler, with slow jobs", WWR_WOUND_WAIT, .use_sched = true, .slow_every = 50},
    {"scheduler, stopped", WWR_WOUND_WAIT, .use_sched = true, .policy = WWR_SCHED_ROUND_ROBIN,
     .stop = true, .hang_every = 20},
    {"scheduler and VRAM, with hangs", WWR_WOUND_WAIT, .use_sched = true, .vram = true,
     .policy = WWR_SCHED_FIFO, .hang_every = 20},
    {"scheduler and VRAM, stopped", WWR_WAIT_DIE, .use_sched = true, .vram = true, .stop = true},
    {"scheduler and VRAM, device lost", WWR_WAIT_DIE, .use_sched = true, .vram = true,
     .lose_after = 20},
};

#define NUM_VARIANTS (sizeof(variants) / sizeof(variants[0]))

int main(void)
{
	tap_plan(NUM_VARIANTS + 1);
	tap_note("seed 0x%llx", (unsigned long long)test_seed());
	for (size_t i = 0; i < NUM_VARIANTS; i++)
		run_one(&variants[i]);
	tap_ok(test_leak_check() == 0, "nothing was leaked");
	return tap_exit();
}
