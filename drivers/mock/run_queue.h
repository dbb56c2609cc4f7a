/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_RUN_QUEUE_H
#define DRIVERS_MOCK_RUN_QUEUE_H

#include "drivers/mock/mock_device.h"

/*
 * The ready jobs of a device: higher priority first, then in the order in which they became
 * ready; those on rings in the order in which they got there.  Of these an engine takes the first
 * that it may run, but a parked job (endless and already started) only when there is no other.  A
 * timed job that gave way stands before others of its priority, and on a ring before all; there
 * those that it gives way to pass it.
 *
 * All functions: with the device's lock.
 */

/* The job becomes ready, if nothing is unmet and it is the first of its queue. */
void run_queue_try_ready(struct wwr_job *job);

/* A job is on an engine's ring: it runs there, behind all others. */
void run_queue_give(struct mock_engine *engine, struct wwr_job *job);

/* Forget all jobs of an engine's ring. */
void run_queue_drop(struct mock_engine *engine);

/* A parked job goes back among the ready ones. */
void run_queue_park(struct wwr_job *job);

/* The next job for an engine, taken out of the list, or NULL. */
struct wwr_job *run_queue_take(struct mock_engine *engine);

/* Is there a job that the one running on this engine should give way to? */
bool run_queue_wants(const struct mock_engine *engine);

/* Wake engines for the ready jobs that nobody has been woken for. */
void run_queue_kick(struct wwr_device *device);

/* The job's end was asked for. */
void run_queue_job_ended(struct wwr_job *job);

#endif /* DRIVERS_MOCK_RUN_QUEUE_H */
