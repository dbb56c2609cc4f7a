/* SPDX-License-Identifier: MIT */
#include "drivers/mock/mock_device.h"

#include "drivers/mock/job.h"
#include "drivers/mock/memory.h"
#include "drivers/mock/ring.h"
#include <wwresv/alloc.h>
#include "lockset/wwr_atomic.h"

#include <wwresv/class.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static const char *const class_names[WWR_NUM_ENGINE_CLASSES] = {"rcs", "bcs", "vcs", "vecs", "ccs"};

void wwr_device_config_init(struct wwr_device_config *config)
{
	*config = (struct wwr_device_config){
	    .num_engines = {[WWR_ENGINE_RCS] = 1,
			    [WWR_ENGINE_BCS] = 1,
			    [WWR_ENGINE_VCS] = 2,
			    [WWR_ENGINE_VECS] = 1,
			    [WWR_ENGINE_CCS] = 1},
	    .time_scale = 1,
	    .slow_factor = 10,
	};
}

static bool device_check_faults(const struct wwr_device_config *config)
{
	if (config->slow_every != 0 &&
	    (!config->use_sched || !(config->slow_factor >= 1) || isinf(config->slow_factor)))
		return false;
	if (config->hang_every == 0 && config->lose_after == 0)
		return true;
	return config->use_sched && config->hang_timeout_ns != 0;
}

/* The number of engines, 0 if the configuration is not a valid one. */
static unsigned int device_check_config(const struct wwr_device_config *config)
{
	uint64_t num_engines = 0;

	for (int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++)
		num_engines += config->num_engines[i];
	if (num_engines > WWR_MAX_ENGINES || (config->break_deps & ~WWR_BREAK_MASK) != 0)
		return 0;
	if (config->hang_timeout_ns < 0 || (unsigned int)config->policy >= WWR_SCHED_NUM_POLICIES)
		return 0;
	if (!device_check_faults(config))
		return 0;
	if (config->vram_bytes > INT64_MAX || config->gtt_bytes > INT64_MAX ||
	    (config->vram_bytes == 0 && config->gtt_bytes != 0))
		return 0;
	if (!(config->time_scale >= 0) || isinf(config->time_scale))
		return 0;
	return (unsigned int)num_engines;
}

static void device_init_sync(struct wwr_device *device)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->pushed, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (unsigned int i = 0; i < device->num_engines; i++)
		pthread_cond_init(&device->engines[i].cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void device_name_engines(struct wwr_device *device, const struct wwr_device_config *config)
{
	struct mock_engine *engine = device->engines;

	for (unsigned int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++) {
		for (uint32_t j = 0; j < config->num_engines[i]; j++, engine++) {
			engine->device = device;
			engine->index = (unsigned int)(engine - device->engines);
			engine->engine_class = (enum wwr_engine_class)i;
			engine->instance = j + 1;
			/* Its thread may come later; a job that is meant for it waits in the list.
			 */
			engine->idle = true;
			snprintf(engine->name, sizeof(engine->name), "%s%u", class_names[i], j);
		}
	}
}

/* Engines take no signals: these are for the program's own threads. */
static int device_start_engines(struct wwr_device *device)
{
	const unsigned int num_engines = device->num_engines;
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* No engine may run among engines that are not there yet; none has a job so far. */
	for (unsigned int i = 0; i < num_engines && ret == 0; i++) {
		ret = engine_start(&device->engines[i]);
		if (ret != 0)
			device->num_engines = i;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int wwr_device_create(const struct wwr_device_config *config, struct wwr_device **ret_device)
{
	struct wwr_device_config defaults;
	struct wwr_device *device;
	unsigned int num_engines;
	int ret = 0;

	if (config == NULL) {
		wwr_device_config_init(&defaults);
		config = &defaults;
	}
	num_engines = device_check_config(config);
	if (num_engines == 0)
		return -EINVAL;
	device = wwr_alloc(sizeof(*device) + num_engines * sizeof(device->engines[0]));
	if (device == NULL)
		return -ENOMEM;

	device->refcount = 1;
	device->touch_full = config->touch_full;
	device->time_scale = config->time_scale;
	device->break_deps = config->break_deps;
	device->lock_class = config->lock_class != NULL ? config->lock_class : wwr_default_class();
	device->num_engines = num_engines;
	device_name_engines(device, config);
	device_init_sync(device);
	if (config->use_sched)
		ret = mock_rings_create(device, config);
	if (ret == 0 && config->vram_bytes != 0)
		ret = mock_memory_create(config->vram_bytes, config->gtt_bytes, &device->memory);
	if (ret == 0)
		ret = device_start_engines(device);
	else
		device->num_engines = 0;
	if (ret != 0) {
		wwr_device_destroy(device);
		return ret;
	}
	*ret_device = device;
	return 0;
}

void device_get(struct wwr_device *device)
{
	/* Relaxed: the caller has a reference, which keeps the device. */
	(void)wwr_atomic_fetch_add(&device->refcount, 1, WWR_RELAXED);
}

void device_put(struct wwr_device *device)
{
	/* Release and acquire pair among the puts: the last one sees all uses before the others. */
	if (wwr_atomic_fetch_sub(&device->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	for (unsigned int i = 0; i < device->num_engines; i++)
		pthread_cond_destroy(&device->engines[i].cond);
	pthread_cond_destroy(&device->pushed);
	pthread_mutex_destroy(&device->lock);
	mock_rings_destroy(device->rings);
	wwr_free(device);
}

static void device_stop_engines(struct wwr_device *device)
{
	pthread_mutex_lock(&device->lock);
	device->stopping = true;
	/* Relaxed: who sees it looks at the flag above, with the lock, before it does anything. */
	wwr_atomic_store(&device->stop_effects, 1, WWR_RELAXED);
	for (unsigned int i = 0; i < device->num_engines; i++)
		pthread_cond_signal(&device->engines[i].cond);
	pthread_mutex_unlock(&device->lock);
	for (unsigned int i = 0; i < device->num_engines; i++)
		pthread_join(device->engines[i].thread, NULL);
}

void wwr_device_stop(struct wwr_device *device)
{
	if (device->stopped)
		return;
	device_stop_engines(device);
	if (device->rings != NULL) {
		mock_rings_stop(device);
		device->first_ready = NULL;
		device->stopped = true;
		return;
	}

	pthread_mutex_lock(&device->lock);
	device->first_ready = NULL;
	while (device->first != NULL) {
		struct wwr_job *job = device->first;

		/* The engines are gone, so it stays the first until it is cancelled here. */
		while (!job->pushed)
			pthread_cond_wait(&device->pushed, &device->lock);
		pthread_mutex_unlock(&device->lock);
		job_cancel(job);
		pthread_mutex_lock(&device->lock);
	}
	pthread_mutex_unlock(&device->lock);
	device->stopped = true;
}

void wwr_device_destroy(struct wwr_device *device)
{
	if (device == NULL)
		return;
	wwr_device_stop(device);
	mock_memory_destroy(device->memory);
	device->memory = NULL;
	device_put(device);
}

uint64_t wwr_device_engine_mask(const struct wwr_device *device, enum wwr_engine_class engine_class,
				uint32_t instance)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < device->num_engines; i++) {
		const struct mock_engine *engine = &device->engines[i];

		if (engine->engine_class == engine_class &&
		    (instance == 0 || engine->instance == instance))
			mask |= UINT64_C(1) << i;
	}
	return mask;
}
