/* SPDX-License-Identifier: MIT */
/*
 * One run: the device, the plan and a thread for each client.
 */
#ifndef RUN_H
#define RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/class.h>
#include <wwresv/interrupt.h>

#include "tools/submit/jobs_log.h"
#include "tools/submit/options.h"
#include "tools/submit/plan.h"

struct client;
struct via;
struct wwr_device;
struct wwr_fence;

enum run_end {
	RUN_FINISHED,
	RUN_INTERRUPTED, /* by a signal */
	RUN_STALLED,	 /* nothing completed for too long */
	RUN_BROKEN,	 /* a client met an error that is not the workload's */
};

/*
 * Fields: (i) immutable while clients run, (m) lock, (a) atomic, (M) the main thread only.
 */
struct run {
	const struct submit_options *options; /* (i) */
	struct wwr_class lock_class;	      /* of all buffers */
	struct wwr_device *device;	      /* (i) */
	struct plan plan;		      /* (i) */
	struct via *via;		      /* (i) NULL = jobs go to the mock GPU by calls */
	struct jobs_log *jobs_log;	      /* (i) NULL = not wanted */
	uint32_t num_clients;		      /* (i) */
	struct client **clients;	      /* (i) */
	struct wwr_interrupt_token **tokens;  /* (i) the clients', for the signal handler */
	struct wwr_fence *gate;		      /* (i) signalled when all clients exist */
	pthread_mutex_t lock;
	pthread_cond_t cond;	  /* num_running is 0 */
	uint32_t num_running;	  /* (m) clients whose threads have not ended */
	uint32_t num_delayed;	  /* (a) of these, the ones that sleep in a delay step */
	uint32_t is_broken;	  /* (a) a client gave up */
	uint64_t total_jobs;	  /* (M) that the descriptors ask for */
	int64_t start_ns, end_ns; /* (M) */
	enum run_end end;	  /* (M) */
	int signal;		  /* (M) which one, when interrupted */
};

/*
 * Make the device, the plan and the clients.  Returns 0, or -errno after a message.  The
 * workloads, the options and the jobs log outlive the run.  One that a signal ends here is a run
 * without clients, RUN_INTERRUPTED already.
 */
int run_create(const struct submit_options *options, struct wsim_workload *const *workloads,
	       struct jobs_log *jobs_log, struct run **ret_run);

/*
 * Run to the end, whatever it is: then run->end says which, the threads have ended, the device
 * is stopped and every job is counted.  Reports a stall on stderr.  Returns 0, or -EAGAIN after
 * a message when a thread could not be started; the same holds then.
 */
int run_execute(struct run *run);

/* NULL is a no-op. */
void run_destroy(struct run *run);

#endif
