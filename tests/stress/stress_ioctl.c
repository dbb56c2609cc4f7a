/* SPDX-License-Identifier: MIT */
/*
 * One open file in many hands: each thread does any ioctl with handles that it guesses, while the
 * others close them.  What comes back must be a result that some rule allows, and in the end
 * nothing may be left; a use after the end shows under AddressSanitizer, a missing lock under
 * ThreadSanitizer.
 */
#include "tests/drivers/hostile.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm_mode.h>
#include <pthread.h>
#include <string.h>

#define NUM_THREADS 4
#define NUM_OPS	    6000

/* Handles are slots from 1 and, from bit 20, how often the slot was used before. */
#define NUM_SLOTS 8
#define NUM_USES  6
#define USE_SHIFT 20

struct worker {
	pthread_t thread;
	struct hostile_world world; /* its own arrays; the file is everybody's */
	enum hostile_target target;
	uint64_t random;
	unsigned int num_done, num_failed, num_wrong;
};

static unsigned int pick(struct worker *worker, unsigned int num)
{
	return (unsigned int)(test_random(&worker->random) % num);
}

static uint32_t guess(struct worker *worker)
{
	return (1 + pick(worker, NUM_SLOTS)) | pick(worker, NUM_USES) << USE_SHIFT;
}

static void guess_all(struct worker *worker)
{
	struct hostile_world *world = &worker->world;

	world->buffer = guess(worker);
	world->syncobj = guess(worker);
	world->timeline = guess(worker);
	world->queue = pick(worker, 2) == 0 ? 0 : guess(worker);
	world->fence = guess(worker);
	world->name = guess(worker);
	for (int i = 0; i < 2; i++) {
		world->handles[i] = guess(worker);
		world->points[i] = pick(worker, 3);
		world->bos[i].handle = guess(worker);
		world->syncs[i].handle = guess(worker);
		world->syncs[i].point = pick(worker, 3);
	}
}

/* Something to guess: half of all calls make or end an object. */
static const struct hostile_ioctl *pick_ioctl(struct worker *worker)
{
	static const char *const names[] = {"CREATE_DUMB",     "GEM_CLOSE",	   "SYNCOBJ_CREATE",
					    "SYNCOBJ_DESTROY", "QUEUE_CREATE",	   "QUEUE_DESTROY",
					    "SUBMIT",	       "VGEM_FENCE_ATTACH"};
	const char *name = names[pick(worker, sizeof(names) / sizeof(names[0]))];
	const struct hostile_ioctl *ioctl;
	bool any = pick(worker, 2) == 0;

	do {
		ioctl = &hostile_ioctls[pick(worker, (unsigned int)hostile_num_ioctls)];
	} while (ioctl->target != worker->target || (any && strcmp(ioctl->name, name) == 0));
	if (any)
		return ioctl;
	for (size_t i = 0; i < hostile_num_ioctls; i++) {
		if (hostile_ioctls[i].target == worker->target &&
		    strcmp(hostile_ioctls[i].name, name) == 0)
			return &hostile_ioctls[i];
	}
	return ioctl;
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;

	for (unsigned int i = 0; i < test_rounds(NUM_OPS); i++) {
		const struct hostile_ioctl *ioctl = pick_ioctl(worker);
		unsigned char block[256] = {0};
		int ret;

		guess_all(worker);
		hostile_fill(&worker->world, ioctl, block);
		ret = hostile_do(&worker->world, ioctl, ioctl->request, (uintptr_t)block);
		if (ret == 0)
			hostile_close(ioctl, block);
		worker->num_done += ret == 0;
		worker->num_failed += ret != 0;
		worker->num_wrong += !hostile_is_known(ret);
	}
	return NULL;
}

static void run(enum hostile_target target, const char *name, uint64_t seed)
{
	static struct worker workers[NUM_THREADS];
	struct hostile_world world;
	unsigned int num_done = 0, num_failed = 0, num_wrong = 0;

	hostile_begin();
	hostile_world_init(&world, target);
	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		workers[i] = (struct worker){.world = world, .target = target, .random = seed + i};
		pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
	}
	for (unsigned int i = 0; i < NUM_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		num_done += workers[i].num_done;
		num_failed += workers[i].num_failed;
		num_wrong += workers[i].num_wrong;
	}
	hostile_world_fini(&world);
	tap_ok(num_wrong == 0, "%s: %u calls done, %u refused, %u with an unknown result", name,
	       num_done, num_failed, num_wrong);
	tap_ok(num_done > num_failed / 20, "%s: enough of the guesses are right", name);
	tap_ok(hostile_end(), "%s: nothing is left", name);
}

int main(void)
{
	uint64_t seed = test_seed();

	tap_plan(6);
	run(ON_VGEM, "vgem", seed);
	run(ON_MOCK, "wwrmock", seed);
	return tap_exit();
}
