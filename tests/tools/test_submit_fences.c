/* SPDX-License-Identifier: MIT */
/* Explicit fences of a client: sync_files of a software timeline and of jobs. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>

#include "tests/lib/test_criterion.h"
#include "tools/submit/engines.h"
#include "tools/submit/fences.h"
#include "tools/submit/plan.h"
#include "tools/submit/plan_fences.h"

TestSuite(submit_fences, .timeout = 60);

static struct wsim_workload *wsim;
static struct plan_workload workload;
static struct plan_client client;
static struct fences fences;

static void load(const char *text)
{
	struct wsim_engine_counts engines = engines_default();
	struct wsim_error error;

	cr_assert_eq(wsim_parse("test", text, strlen(text), true, &engines, &wsim, &error), 0, "%s",
		     error.expected);
	workload = (struct plan_workload){.wsim = wsim, .max_rows = PLAN_MAX_ROWS};
	client = (struct plan_client){.number = 3, .workload = &workload};
	cr_assert_eq(plan_fences_build(&workload), 0);
	cr_assert_eq(fences_init(&fences, &client), 0);
}

static unsigned int num_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int num = 0;

	cr_assert_not_null(dir);
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);
	return num;
}

static void unload(void)
{
	fences_fini(&fences);
	free(workload.last_use);
	wsim_free(wsim);
	(void)wwr_sync_file_collect();
}

static bool is_readable(size_t step)
{
	struct pollfd poll_fd = {.fd = fences.fds[step], .events = POLLIN};

	cr_assert_geq(fences.fds[step], 0);
	cr_assert_geq(poll(&poll_fd, 1, 0), 0);
	return (poll_fd.revents & POLLIN) != 0;
}

Test(submit_fences, software_fences_are_sync_files_of_one_timeline)
{
	load("f,f,f,1.RCS.5.f-1/f-2/f-3.0");
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(fences_add(&fences, i), 0);
	cr_expect(!is_readable(0) && !is_readable(1) && !is_readable(2));
	fences_reach(&fences, 1);
	cr_expect(is_readable(0) && is_readable(1) && !is_readable(2));
	fences_reach(&fences, 0);
	cr_expect(!is_readable(2), "it does not move back");
	unload();
}

Test(submit_fences, names_tell_step_and_client)
{
	struct wwr_sync_fence_info fence_info;
	struct wwr_sync_file_info info;

	load("f,1.RCS.5.f-1.0");
	cr_assert_eq(fences_add(&fences, 0), 0);
	cr_assert_eq(wwr_sync_file_get_info(fences.fds[0], 1, &fence_info, &info), 0);
	cr_expect_str_eq(info.name, "step 0 of client 3");
	cr_expect_str_eq(fence_info.obj_name, "client 3");
	cr_expect_str_eq(fence_info.driver_name, "sw_sync");
	unload();
}

Test(submit_fences, end_of_a_loop_signals_all_and_the_next_one_begins_anew)
{
	struct wwr_fence *old;

	load("f,1.RCS.5.f-1.0");
	cr_assert_eq(fences_add(&fences, 0), 0);
	cr_assert_eq(wwr_sync_file_get_fence(fences.fds[0], &old), 0);
	fences_end_loop(&fences);
	cr_expect_eq(wwr_fence_get_status(old), 1);
	cr_expect_eq(fences.fds[0], -1);
	cr_assert_eq(fences_add(&fences, 0), 0);
	cr_expect_not(is_readable(0));
	wwr_fence_put(old);
	unload();
}

Test(submit_fences, descriptor_is_closed_after_its_last_use)
{
	unsigned int before;

	load("f,1.RCS.5.f-1.0,1.RCS.5.f-2/f-2.0,f");
	cr_assert_eq(fences_add(&fences, 0), 0);
	fences_close_used(&fences, &wsim->steps[1].batch, 1);
	cr_expect_geq(fences.fds[0], 0);
	before = num_open();
	fences_close_used(&fences, &wsim->steps[2].batch, 2);
	cr_expect_eq(fences.fds[0], -1);
	cr_expect_eq(num_open(), before - 1);
	/* Nobody names this one. */
	cr_assert_eq(fences_add(&fences, 3), 0);
	cr_expect_eq(fences.fds[3], -1);
	unload();
}

Test(submit_fences, plan_counts_what_is_open_at_a_time)
{
	load("f,1.RCS.5.f-1.0,1.RCS.5.s-1/f-1.0,f,1.RCS.5.f-1.0,1.RCS.5.0.0,1.RCS.5.f-3/s-2.0");
	cr_expect_eq(workload.num_sw_fences, 2);
	/* Steps 1 and 4. */
	cr_expect_eq(workload.num_out_fences, 2);
	cr_expect_eq(workload.last_use[0], 1);
	cr_expect_eq(workload.last_use[1], 2);
	cr_expect_eq(workload.last_use[3], 6);
	cr_expect_eq(workload.last_use[4], 6);
	cr_expect_eq(workload.last_use[5], PLAN_NO_USE);
	cr_expect_eq(workload.max_open_fences, 2);
	unload();
}

Test(submit_fences, job_waits_for_what_its_batch_names_and_gives_its_own)
{
	struct wwr_device *device;
	struct wwr_queue *queue;
	struct wwr_job *job;

	load("f,1.RCS.5.f-1.0,1.RCS.5.f-1.0");
	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	cr_assert_eq(wwr_queue_create(device, "q", 1, &queue), 0);
	cr_assert_eq(wwr_job_create(queue, NULL, &job), 0);
	cr_assert_eq(fences_add(&fences, 0), 0);
	cr_assert_eq(fences_add_to_job(&fences, &wsim->steps[1].batch, job), 0);
	cr_assert_eq(wwr_job_submit(job, NULL, 0, NULL), 0);
	cr_assert_eq(fences_take_from_job(&fences, 1, job), 0);
	cr_assert_eq(fences_take_from_job(&fences, 2, job), 0);
	cr_expect_eq(fences.fds[2], -1, "no step names it");
	cr_expect_not(is_readable(1));
	cr_expect(wwr_fence_is_client_dependent(wwr_job_finished(job)));
	fences_reach(&fences, 0);
	cr_expect_eq(wwr_fence_wait_until(wwr_job_finished(job), NULL, INT64_MAX), 0);
	/* The descriptor follows the fence; its signaller may not be there yet. */
	cr_expect_eq(poll(&(struct pollfd){.fd = fences.fds[1], .events = POLLIN}, 1, 20000), 1);
	wwr_job_put(job);
	wwr_queue_put(queue);
	wwr_device_destroy(device);
	unload();
}

/* Returns what plan_fences_limit() says for so many clients of the loaded workload. */
static int limit_with(uint32_t num_clients, uint32_t num_loops, rlim_t num_fds)
{
	struct plan plan = {.num_workloads = 1, .workloads = &workload, .num_clients = num_clients};
	struct rlimit limit = {.rlim_cur = num_fds, .rlim_max = num_fds};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return plan_fences_limit(&plan, num_clients, num_loops);
}

Test(submit_fences, loops_in_flight_are_bounded_by_the_descriptors)
{
	load("1.RCS.5.0.0,1.RCS.5.f-1.0");
	/* 64, and for each client 1 that is open, 3 for a moment and 1 for each loop. */
	cr_expect_eq(limit_with(100, 1000, 64 + 100 * (4 + 7)), 0);
	cr_expect_eq(workload.max_rows, 7);
	cr_expect_eq(limit_with(100, 1000, 64 + 100 * (4 + 2)), 0);
	cr_expect_eq(workload.max_rows, 2);
	cr_expect_eq(limit_with(100, 1000, 64 + 100 * (4 + 2) - 1), -EMFILE);
	cr_expect_eq(limit_with(100, 1, 64 + 100 * (4 + 1)), 0);
	unload();
}

Test(submit_fences, workload_without_fences_needs_no_descriptors)
{
	load("1.RCS.5.0.0,1.RCS.5.-1.0");
	cr_expect_eq(limit_with(10000, 1000, 64), 0);
	cr_expect_eq(workload.max_rows, PLAN_MAX_ROWS);
	unload();
}
