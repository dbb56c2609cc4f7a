/* SPDX-License-Identifier: MIT */
/* What a runner asks: engines, throttle targets, lock sets, random numbers. */
#include "tests/tools/test_wsim.h"

#include <errno.h>
#include <stdlib.h>

TestSuite(wsim_query, .timeout = 60);

/* The engines that the last batch may run on, as "VCS1 VCS2". */
static void expect_engines(const char *text, const char *expected)
{
	struct wsim_workload *workload = test_wsim_parse(text);
	const struct wsim_step *step = &workload->steps[workload->num_steps - 1];
	struct wsim_engine engines[8];
	char got[128] = "";
	size_t count = wsim_batch_engines(workload, step, &test_wsim_engines, engines, 8);

	for (size_t i = 0; i < count; i++) {
		strcat(got, i == 0 ? "" : " ");
		wsim_engine_format(&engines[i], got + strlen(got), sizeof(got) - strlen(got));
	}
	cr_expect_str_eq(got, expected, "%s: %s", text, got);
	wsim_free(workload);
}

Test(wsim_query, class_without_map_is_any_of_its_instances)
{
	expect_engines("1.VCS.1.0.0", "VCS1 VCS2");
	expect_engines("1.VCS2.1.0.0", "VCS2");
	expect_engines("1.RCS.1.0.0", "RCS1");
}

Test(wsim_query, default_without_map_is_rcs)
{
	expect_engines("1.DEFAULT.1.0.0", "RCS1");
	expect_engines("M.2.VCS,1.DEFAULT.1.0.0", "RCS1");
}

Test(wsim_query, default_with_map_and_no_balance_is_the_first_entry)
{
	expect_engines("M.1.VCS2|RCS,1.DEFAULT.1.0.0", "VCS2");
	expect_engines("M.1.VCS|RCS,1.DEFAULT.1.0.0", "VCS1");
	expect_engines("M.1.VCS|RCS,B.1,M.1.BCS|RCS,1.DEFAULT.1.0.0", "BCS1");
}

Test(wsim_query, default_with_balance_is_the_whole_map)
{
	expect_engines("M.1.RCS|VCS,B.1,1.DEFAULT.1.0.0", "RCS1 VCS1 VCS2");
	expect_engines("M.1.VCS2|VCS|VCS2,B.1,1.DEFAULT.1.0.0", "VCS2 VCS1");
	expect_engines("M.1.VCS|VCS1,B.1,1.DEFAULT.1.0.0", "VCS1 VCS2");
}

Test(wsim_query, class_with_map_is_what_the_map_has_of_it)
{
	expect_engines("M.1.VCS2|RCS,B.1,1.VCS.1.0.0", "VCS2");
	expect_engines("M.1.VCS,B.1,1.VCS.1.0.0", "VCS1 VCS2");
	expect_engines("M.1.VCS,B.1,1.VCS2.1.0.0", "VCS2");
}

Test(wsim_query, engine_outside_the_map_is_used_as_named)
{
	expect_engines("M.1.VCS,B.1,1.RCS.1.0.0", "RCS1");
	expect_engines("M.1.VCS1,B.1,1.VCS2.1.0.0", "VCS2");
}

Test(wsim_query, more_engines_than_fit_are_counted)
{
	struct wsim_workload *workload = test_wsim_parse("1.VCS.1.0.0");
	struct wsim_engine engine;

	cr_expect_eq(wsim_batch_engines(workload, workload->steps, &test_wsim_engines, &engine, 1),
		     2);
	cr_expect_eq(engine.instance, 1);
	wsim_free(workload);
}

static void expect_throttle(const struct wsim_workload *workload, size_t step, uint32_t count,
			    size_t target, uint64_t loops)
{
	uint64_t got = 99;

	cr_expect_eq(wsim_throttle_target(workload, step, count, &got), target, "t.%u at %zu",
		     count, step);
	cr_expect_eq(got, loops, "t.%u at %zu: %lu loops", count, step, (unsigned long)got);
}

Test(wsim_query, throttle_finds_the_nearest_batch_and_wraps)
{
	/* batches are steps 1, 2 and 4 of 6 */
	struct wsim_workload *workload =
	    test_wsim_parse("d.1,1.RCS.1.0.0,1.RCS.1.0.0,d.1,1.RCS.1.0.0,d.1");

	expect_throttle(workload, 4, 1, 2, 0); /* step 3 is none, the one before is */
	expect_throttle(workload, 4, 2, 2, 0);
	expect_throttle(workload, 4, 3, 1, 0);
	expect_throttle(workload, 4, 4, 4, 1); /* nothing before step 0 in this loop */
	expect_throttle(workload, 1, 1, 4, 1);
	expect_throttle(workload, 1, 2, 4, 1); /* step 5 of the loop before */
	expect_throttle(workload, 1, 3, 4, 1);
	expect_throttle(workload, 1, 4, 2, 1);
	expect_throttle(workload, 1, 6, 1, 1); /* itself, a loop ago */
	expect_throttle(workload, 1, 7, 4, 2);
	expect_throttle(workload, 1, 8, 4, 2);
	expect_throttle(workload, 4, 6 * 1000000, 4, 1000000);
	wsim_free(workload);
}

Test(wsim_query, throttle_of_zero_has_no_target)
{
	struct wsim_workload *workload = test_wsim_parse("1.RCS.1.0.0");
	uint64_t loops;

	cr_expect_eq(wsim_throttle_target(workload, 0, 0, &loops), WSIM_NO_STEP);
	wsim_free(workload);
}

Test(wsim_query, throttle_without_any_batch_has_no_target)
{
	struct wsim_workload *workload = test_wsim_parse("d.1,d.1");
	uint64_t loops;

	cr_expect_eq(wsim_throttle_target(workload, 1, 1, &loops), WSIM_NO_STEP);
	wsim_free(workload);
}

/* The lock set of the last step, as "set:object+rw" with "out:step" for outputs. */
static void expect_locks(const char *text, const char *expected)
{
	struct wsim_workload *workload = test_wsim_parse(text);
	const struct wsim_step *step = &workload->steps[workload->num_steps - 1];
	struct wsim_lock *locks = NULL;
	char got[256] = "";
	uint64_t num_objects = 0;
	size_t count = 0;

	cr_assert_eq(wsim_batch_locks(workload, step, &locks, &count), 0);
	for (size_t i = 0; i < count; i++) {
		char set[24] = "out";

		if (locks[i].set != SIZE_MAX)
			snprintf(set, sizeof(set), "%u", workload->sets[locks[i].set].id);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s:%lu%s%s",
			 i == 0 ? "" : " ", set, (unsigned long)locks[i].object,
			 locks[i].read ? "r" : "", locks[i].write ? "w" : "");
	}
	cr_expect_str_eq(got, expected, "%s: %s", text, got);
	cr_expect_eq(wsim_batch_num_objects(workload, step, &num_objects), 0);
	cr_expect_eq(num_objects, count - 1);
	free(locks);
	wsim_free(workload);
}

Test(wsim_query, locks_keep_the_order_of_the_descriptor)
{
	expect_locks("1.RCS.1.0.0", "out:0w");
	expect_locks("w.9.4n1,1.RCS.1.w9-3/r9-0.0", "9:3w 9:0r out:1w");
	expect_locks("w.9.4n1,w.2.1,1.RCS.1.0.0,1.RCS.1.r2-0/-1/w9-1-2.0",
		     "2:0r out:2r 9:1w 9:2w out:3w");
}

Test(wsim_query, lock_named_twice_is_one_with_both_uses)
{
	expect_locks("w.1.4n1,1.RCS.1.r1-0-2/w1-1/r1-2-3.0", "1:0r 1:1rw 1:2r 1:3r out:1w");
	expect_locks("1.RCS.1.0.0,1.RCS.1.-1/-1.0", "out:0r out:1w");
}

Test(wsim_query, fences_lock_nothing)
{
	expect_locks("f,1.RCS.1.0.0,1.RCS.1.f-2/f-1/s-1.0", "out:2w");
}

Test(wsim_query, locks_of_the_same_number_in_two_sets_differ)
{
	expect_locks("w.1.2n1,W.2.2n1,1.RCS.1.r1-1/r2-1.0", "1:1r 2:1r out:2w");
}

Test(wsim_query, too_many_locks_are_counted_but_not_listed)
{
	struct wsim_workload *workload =
	    test_wsim_parse("w.1.4294967295n1,1.RCS.1.r1-0-4294967294/w1-5-9.0");
	struct wsim_lock *locks = NULL;
	uint64_t num_objects;
	size_t count;

	cr_expect_eq(wsim_batch_num_objects(workload, &workload->steps[1], &num_objects), 0);
	cr_expect_eq(num_objects, UINT32_MAX);
	cr_expect_eq(wsim_batch_locks(workload, &workload->steps[1], &locks, &count), -E2BIG);
	cr_expect_null(locks);
	wsim_free(workload);
}

Test(wsim_query, drawn_duration_is_in_its_range)
{
	struct wsim_batch batch = {.min_us = 3, .max_us = 6};
	struct wsim_rng rng = {test_seed()};
	unsigned int seen = 0;

	for (int i = 0; i < 200; i++) {
		uint32_t us = wsim_draw_duration(&batch, &rng);

		cr_assert(us >= 3 && us <= 6);
		seen |= 1u << us;
	}
	cr_expect_eq(seen, 0x78); /* each of them; missing one has a chance of 4 * 0.75^200 */
	batch = (struct wsim_batch){.endless = true};
	cr_expect_eq(wsim_draw_duration(&batch, &rng), 0);
}

Test(wsim_query, random_range_reaches_all_of_64_bits)
{
	struct wsim_rng rng = {1}, same = {1};

	cr_expect_eq(wsim_rng_range(&rng, 7, 7), 7);
	rng = same;
	cr_expect_eq(wsim_rng_range(&rng, 0, UINT64_MAX), wsim_rng_next(&same));
}

Test(wsim_query, object_size_depends_on_seed_set_and_object_only)
{
	struct wsim_workload *workload = test_wsim_parse("w.1.2n4k/40n1-1g/8k,w.2.2n4k/40n1-1g");
	const struct wsim_set *set = &workload->sets[0];
	unsigned int same_seed = 0, same_set = 0, same_object = 0;

	cr_expect_eq(wsim_object_bytes(set, 1, 5), 4096);
	cr_expect_eq(wsim_object_bytes(set, 42, 5), 8192);
	for (uint64_t i = 2; i < 42; i++) {
		uint64_t bytes = wsim_object_bytes(set, i, 5);

		cr_assert(bytes >= 1 && bytes <= 1 << 30);
		cr_expect_eq(wsim_object_bytes(set, i, 5), bytes);
		same_seed += wsim_object_bytes(set, i, 6) == bytes;
		same_set += wsim_object_bytes(&workload->sets[1], i, 5) == bytes;
		same_object += i > 2 && wsim_object_bytes(set, i - 1, 5) == bytes;
	}
	cr_expect_eq(same_seed, 0);
	cr_expect_eq(same_set, 0);
	cr_expect_eq(same_object, 0);
	wsim_free(workload);
}
