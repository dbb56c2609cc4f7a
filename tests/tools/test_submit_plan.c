/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <wwresv/bo.h>
#include <wwresv/class.h>
#include <wwresv/device.h>

#include "tests/lib/test_criterion.h"
#include "tools/submit/engines.h"
#include "tools/submit/plan.h"

TestSuite(submit_plan, .timeout = 60);

static struct wwr_device *device;
static struct wsim_workload *workloads[3];
static struct submit_options options;
static struct plan plan;

static int build(const char *const *texts, size_t num)
{
	struct wsim_error error;

	options.engines = engines_default();
	if (options.num_clients == 0)
		options.num_clients = 1;
	cr_assert_eq(wwr_device_create(NULL, &device), 0);
	for (size_t i = 0; i < num; i++)
		cr_assert_eq(wsim_parse("test", texts[i], strlen(texts[i]), true, &options.engines,
					&workloads[i], &error),
			     0, "%s", error.expected);
	return plan_build(device, workloads, num, &options, &plan);
}

#define BUILD(...)                                                                                 \
	build((const char *const[]){__VA_ARGS__},                                                  \
	      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void teardown(void)
{
	plan_fini(&plan);
	wwr_device_destroy(device);
	for (size_t i = 0; i < 3; i++)
		wsim_free(workloads[i]);
}

static const char *name_of(uint32_t buffer)
{
	static char name[64];

	plan_buffer_name(&plan, buffer, name, sizeof(name));
	return name;
}

/* The buffers of a client's batch, as text: "r:NAME w:NAME d:NAME". */
static const char *accesses_of(uint32_t client, uint32_t batch)
{
	static char text[512];
	struct plan_access accesses[16];
	uint32_t num = plan_accesses(&plan, &plan.clients[client],
				     &plan.clients[client].workload->batches[batch], accesses);

	text[0] = '\0';
	for (uint32_t i = 0; i < num; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, (accesses[i].access & WWR_ACCESS_READ) != 0 ? "r" : "");
		strcat(text, (accesses[i].access & WWR_ACCESS_WRITE) != 0 ? "w" : "");
		strcat(text, (accesses[i].access & WWR_ACCESS_DATA) != 0 ? "d" : "");
		strcat(text, ":");
		strcat(text, name_of(accesses[i].buffer));
	}
	return text;
}

Test(submit_plan, private_set_is_one_for_each_client)
{
	options.num_clients = 2;
	cr_assert_eq(BUILD("w.1.3n4k\n1.RCS.10.r1-2/w1-0.0"), 0);
	cr_expect_eq(plan.num_buffers, 8);
	cr_expect_str_eq(accesses_of(0, 0), "r:test/c0/w1[2] w:test/c0/w1[0] w:test/c0/out[1]");
	cr_expect_str_eq(accesses_of(1, 0), "r:test/c1/w1[2] w:test/c1/w1[0] w:test/c1/out[1]");
	teardown();
}

Test(submit_plan, shared_set_is_one_for_all_clients)
{
	options.num_clients = 2;
	cr_assert_eq(BUILD("W.7.3n4k\nw.1.4k\n1.RCS.10.r7-2/w1-0.0"), 0);
	cr_expect_eq(plan.num_buffers, 7);
	cr_expect_str_eq(accesses_of(0, 0), "r:test/w7[2] w:test/c0/w1[0] w:test/c0/out[2]");
	cr_expect_str_eq(accesses_of(1, 0), "r:test/w7[2] w:test/c1/w1[0] w:test/c1/out[2]");
	teardown();
}

Test(submit_plan, share_makes_private_sets_shared_but_not_outputs)
{
	options.num_clients = 2;
	options.share = true;
	cr_assert_eq(BUILD("w.1.3n4k\n1.RCS.10.r1-2.0"), 0);
	cr_expect_eq(plan.num_buffers, 5);
	cr_expect_str_eq(accesses_of(1, 0), "r:test/w1[2] w:test/c1/out[1]");
	teardown();
}

Test(submit_plan, share_does_not_cross_workloads)
{
	options.share = true;
	cr_assert_eq(BUILD("w.1.4k\n1.RCS.10.w1-0.0", "w.1.4k\n1.RCS.10.w1-0.0"), 0);
	cr_expect_str_eq(accesses_of(0, 0), "w:test/w1[0] w:test/c0/out[1]");
	cr_expect_str_eq(accesses_of(1, 0), "w:test#2/w1[0] w:test#2/c1/out[1]");
	teardown();
}

Test(submit_plan, input_from_another_batch_is_a_data_read)
{
	cr_assert_eq(BUILD("1.RCS.10.0.0\n1.RCS.10.-1.0"), 0);
	cr_expect_str_eq(accesses_of(0, 1), "rd:test/c0/out[0] w:test/c0/out[1]");
	teardown();
}

Test(submit_plan, object_that_is_read_and_written_is_locked_once)
{
	cr_assert_eq(BUILD("w.1.2n4k\n1.RCS.10.r1-1/r1-0/w1-1.0"), 0);
	cr_expect_str_eq(accesses_of(0, 0), "rw:test/c0/w1[1] r:test/c0/w1[0] w:test/c0/out[1]");
	teardown();
}

Test(submit_plan, sort_gives_every_batch_the_order_of_addresses)
{
	struct plan_access accesses[16];
	uintptr_t last = 0, mutex;

	options.sort = true;
	cr_assert_eq(BUILD("w.1.9n4k\n1.RCS.10.r1-8/w1-0/r1-4/r1-2/r1-7/r1-1.0"), 0);
	cr_assert_eq(
	    plan_accesses(&plan, &plan.clients[0], &plan.clients[0].workload->batches[0], accesses),
	    7);
	for (uint32_t i = 0; i < 7; i++) {
		mutex =
		    (uintptr_t)wwr_bo_mutex(wwr_device_bo_base(plan.buffers[accesses[i].buffer]));
		cr_expect_gt(mutex, last);
		last = mutex;
	}
	teardown();
}

Test(submit_plan, objects_that_no_batch_names_exist_too)
{
	cr_assert_eq(BUILD("w.1.100n4k\n1.RCS.10.r1-5.0"), 0);
	cr_expect_eq(plan.num_buffers, 101);
	teardown();
}

Test(submit_plan, set_of_a_thousand_million_objects_has_those_that_are_named)
{
	cr_assert_eq(BUILD("w.1.1000000000n1\n1.RCS.10.r1-5/w1-999999999.0"), 0);
	cr_expect_eq(plan.num_buffers, 3);
	cr_expect_str_eq(accesses_of(0, 0),
			 "r:test/c0/w1[5] w:test/c0/w1[999999999] w:test/c0/out[1]");
	teardown();
}

Test(submit_plan, too_many_buffers_are_refused)
{
	options.num_clients = 10;
	cr_expect_eq(BUILD("w.1.1000000n1\n1.RCS.10.r1-0-199999.0"), -E2BIG);
	teardown();
}

Test(submit_plan, too_many_clients_are_refused)
{
	options.num_clients = 6000;
	cr_expect_eq(BUILD("1.RCS.10.0.0", "1.RCS.10.0.0"), -E2BIG);
	teardown();
}

Test(submit_plan, queue_is_one_for_each_context_and_set_of_engines)
{
	const struct plan_batch *batches;

	cr_assert_eq(BUILD("1.RCS.1.0.0\n2.RCS.1.0.0\n1.RCS.1.0.0\n1.VCS.1.0.0\n1.VCS2.1.0.0"), 0);
	batches = plan.workloads[0].batches;
	cr_expect_eq(plan.workloads[0].num_queues, 4);
	cr_expect_eq(batches[0].queue, batches[2].queue);
	cr_expect_neq(batches[0].queue, batches[1].queue);
	cr_expect_neq(batches[3].queue, batches[4].queue);
	cr_expect_str_eq(plan.workloads[0].queues[batches[3].queue].engines, "vcs0|vcs1");
	teardown();
}

Test(submit_plan, random_sizes_of_a_shared_set_are_drawn_once)
{
	uint32_t num_different = 0;

	options.num_clients = 2;
	options.seed = test_seed() & INT64_MAX;
	cr_assert_eq(BUILD("w.1.20n1-1g\n1.RCS.10.r1-0.0"), 0);
	for (uint32_t slot = 0; slot < 20; slot++)
		num_different +=
		    wwr_device_bo_base(plan.buffers[plan_buffer(&plan.clients[0], slot)])
			->size_bytes !=
		    wwr_device_bo_base(plan.buffers[plan_buffer(&plan.clients[1], slot)])
			->size_bytes;
	/* Each client draws its private ones: that all are the same is all but impossible. */
	cr_expect_gt(num_different, 0);
	teardown();
}

Test(submit_plan, label_gives_back_what_it_was_made_of)
{
	uint64_t label = plan_label(9999, 524287, PLAN_MAX_LOOPS);

	cr_expect_eq(plan_label_client(label), 9999);
	cr_expect_eq(plan_label_step(label), 524287);
	cr_expect_eq(plan_label_loop(label), PLAN_MAX_LOOPS);
}

Test(submit_plan, seeds_differ_by_client_step_loop_and_run)
{
	struct plan other = {.seed = 1};

	cr_expect_neq(plan_job_seed(&plan, 0, 0, 0), plan_job_seed(&plan, 1, 0, 0));
	cr_expect_neq(plan_job_seed(&plan, 0, 0, 0), plan_job_seed(&plan, 0, 1, 0));
	cr_expect_neq(plan_job_seed(&plan, 0, 0, 0), plan_job_seed(&plan, 0, 0, 1));
	cr_expect_neq(plan_job_seed(&plan, 0, 0, 0), plan_job_seed(&other, 0, 0, 0));
	cr_expect_eq(plan_job_seed(&plan, 3, 2, 1), plan_job_seed(&plan, 3, 2, 1));
	cr_expect_neq(plan_client_seed(&plan, 0), plan_job_seed(&plan, 0, 0, 0));
}
