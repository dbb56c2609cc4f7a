/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_TEST_MOCK_H
#define TESTS_DRIVERS_TEST_MOCK_H

/*
 * Short words for tests of the mock GPU.  All of them assert: main thread only.
 *
 * No test sleeps.  That a job does NOT run is shown by a later job that the same engine could
 * only have taken after it; that it runs, by waiting for its fence with a far deadline.
 */

#include "tests/drivers/replay.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/device.h>
#include <wwresv/fence.h>

/* A device with the default engines, and durations that count; destroyed by mock_fini(). */
struct mock {
	struct wwr_device *device;
	struct replay_job jobs[64]; /* by commit number */
	struct wwr_device_bo *bos[20];
	uint32_t num_bos;
};

void mock_init(struct mock *mock);
void mock_init_broken(struct mock *mock, uint32_t break_deps);

/* Destroy the device and the buffers; then no leak may be left. */
void mock_fini(struct mock *mock);

/* How many buffers differ from the replay of the jobs that mock_run() submitted. */
size_t mock_mismatches(struct mock *mock);

/* The next buffer, 4096 bytes; the mock's own. */
uint32_t mock_bo(struct mock *mock);

/* A queue on one engine or, with instance 0, on all of a class. */
struct wwr_queue *mock_queue(struct mock *mock, enum wwr_engine_class engine_class,
			     uint32_t instance);

/* A job and what mock_run() notes down about it. */
struct mock_job {
	struct mock *mock;
	struct wwr_job *job;
	struct replay_job note;
	struct wwr_submit_result result;
};

/* A job that ends at once or never; its seed and label are the same. */
struct mock_job mock_job(struct mock *mock, struct wwr_queue *queue, uint64_t label);
struct mock_job mock_endless(struct mock *mock, struct wwr_queue *queue, uint64_t label);

void mock_use(struct mock_job *job, uint32_t bo, uint32_t access);
void mock_after_start(struct mock_job *job, const struct mock_job *other);

/* Submit; must succeed. */
void mock_run(struct mock_job *job);

/* A job without buffers, submitted and finished: its engine has looked at all that came before. */
void mock_marker(struct mock *mock, struct wwr_queue *queue);

/* Wait for a fence; must come with this status (1 or an error). */
void mock_wait(struct wwr_fence *fence, int status);

/* Has the job's fence signalled? */
bool mock_has_started(const struct mock_job *job);
bool mock_has_finished(const struct mock_job *job);

/* End the job, wait for it and put it. */
void mock_end(struct mock_job *job);

/* Wait for the job, which ends by itself, and put it. */
void mock_join(struct mock_job *job);

enum wwr_job_state mock_state(const struct mock_job *job);

/* A fence that the test signals and puts. */
struct wwr_fence *mock_gate(void);
void mock_gate_open(struct wwr_fence *gate);

#endif /* TESTS_DRIVERS_TEST_MOCK_H */
