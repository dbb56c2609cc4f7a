/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_MOCK_DEVICE_H
#define DRIVERS_MOCK_MOCK_DEVICE_H

#include <pthread.h>

#include <wwresv/device.h>

struct mock_memory;
struct mock_rings;

/*
 * One engine: a thread that runs one job at a time.
 *
 * Fields: (i) immutable once the device is created, (d) the device's lock.
 */
struct mock_engine {
	struct wwr_device *device;	    /* (i) */
	unsigned int index;		    /* (i) its bit in engine masks */
	enum wwr_engine_class engine_class; /* (i) */
	uint32_t instance;		    /* (i) from 1 */
	char name[16];			    /* (i) */
	pthread_t thread;		    /* (i) */
	pthread_cond_t cond;		    /* with the device's lock; CLOCK_MONOTONIC */
	bool idle;	     /* (d) runs no job and looks for none until it is woken */
	bool yield;	     /* (d) somebody wants the engine that a job has which gives way */
	int64_t yield_ns;    /* (d) when a timed one does: an end of its interval; 0 = not asked */
	struct wwr_job *job; /* (d) the job it runs, or NULL */
	int64_t since_ns;    /* (d) when it took that job */
	bool reset;	     /* (d) whatever it runs is to be dropped */
	struct wwr_sched_stats sched_stats; /* (s) of its ring, in the end */
	uint64_t num_jobs;		    /* (d) */
	uint64_t busy_ns;		    /* (d) without the running job */
};

/*
 * The device.  Its lock is taken inside fence callbacks, so no fence function that may run
 * callbacks is called with it held.
 *
 * Fields: (a) atomic, (i) immutable once created, (d) lock, (s) the thread that stops it.
 */
struct wwr_device {
	uint32_t refcount;	      /* (a) the creator's, and one of each queue */
	bool touch_full;	      /* (i) */
	double time_scale;	      /* (i) */
	uint32_t break_deps;	      /* (i) */
	struct wwr_class *lock_class; /* (i) */
	struct mock_rings *rings;     /* (i) NULL = no scheduler: engines choose by themselves */
	struct mock_memory *memory;   /* (i) NULL = no domains; gone with the creator */

	pthread_mutex_t lock;
	bool stopping;		       /* (d) no job starts any more */
	bool stopped;		       /* (s) */
	uint32_t stop_effects;	       /* (a) not 0 once stopping: jobs leave memory alone */
	pthread_cond_t pushed;	       /* a job was pushed while stopping */
	struct wwr_device_stats stats; /* (d) */
	struct wwr_job *first, *last;  /* (d) armed and not finished, in the order of commits */
	struct wwr_job *first_ready;   /* (d) drivers/mock/run_queue.h */

	unsigned int num_engines; /* (i) */
	struct mock_engine engines[];
};

void device_get(struct wwr_device *device);
void device_put(struct wwr_device *device);

/* Start an engine's thread: 0 or -EAGAIN.  It runs until device->stopping. */
int engine_start(struct mock_engine *engine);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t mock_now_ns(void);

#endif /* DRIVERS_MOCK_MOCK_DEVICE_H */
