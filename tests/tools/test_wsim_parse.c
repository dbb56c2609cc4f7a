/* SPDX-License-Identifier: MIT */
/* Every construct that is accepted, and what becomes of it. */
#include "tests/tools/test_wsim.h"

#include <stdio.h>

TestSuite(wsim_parse, .timeout = 60);

/* The last step, which most of these tests are about. */
static const struct wsim_step *last(const struct wsim_workload *workload)
{
	return &workload->steps[workload->num_steps - 1];
}

Test(wsim_parse, batch_with_plain_fields_keeps_each)
{
	struct wsim_workload *workload = test_wsim_parse("7.BCS.250.0.1");
	const struct wsim_step *step = last(workload);

	cr_expect_eq(workload->num_steps, 1);
	cr_expect_eq(workload->num_batches, 1);
	cr_expect_eq(step->kind, WSIM_STEP_BATCH);
	cr_expect_eq(step->ctx, 7);
	cr_expect_eq(step->batch.engine.class, WSIM_BCS);
	cr_expect_eq(step->batch.engine.instance, 0);
	cr_expect_eq(step->batch.min_us, 250);
	cr_expect_eq(step->batch.max_us, 250);
	cr_expect_not(step->batch.endless);
	cr_expect(step->batch.wait);
	cr_expect_eq(step->batch.num_deps, 0);
	cr_expect_str_eq(step->text, "7.BCS.250.0.1");
	wsim_free(workload);
}

Test(wsim_parse, context_zero_in_a_batch_is_accepted)
{
	struct wsim_workload *workload = test_wsim_parse("0.RCS.1.0.0");

	cr_expect_eq(last(workload)->ctx, 0);
	cr_expect_not(last(workload)->batch.wait);
	wsim_free(workload);
}

Test(wsim_parse, contexts_are_numbered_by_first_use)
{
	struct wsim_workload *workload =
	    test_wsim_parse("9.RCS.1.0.0,0.RCS.1.0.0,P.4.1,9.RCS.1.0.0,4.RCS.1.0.0");

	cr_assert_eq(workload->num_contexts, 3);
	cr_expect_eq(workload->contexts[0], 9);
	cr_expect_eq(workload->contexts[1], 0);
	cr_expect_eq(workload->contexts[2], 4);
	cr_expect_eq(workload->steps[3].ctx_index, 0);
	cr_expect_eq(workload->steps[4].ctx_index, 2);
	wsim_free(workload);
}

static void expect_engine(const char *name, enum wsim_class class, uint32_t instance, uint32_t gt)
{
	struct wsim_workload *workload;
	char text[64];

	snprintf(text, sizeof(text), "1.%s.1.0.0", name);
	workload = test_wsim_parse(text);
	cr_expect_eq(last(workload)->batch.engine.class, class, "%s", name);
	cr_expect_eq(last(workload)->batch.engine.instance, instance, "%s", name);
	cr_expect_eq(last(workload)->batch.engine.gt, gt, "%s", name);
	wsim_free(workload);
}

Test(wsim_parse, engine_names_of_every_form_are_accepted)
{
	expect_engine("DEFAULT", WSIM_DEFAULT, 0, UINT32_MAX);
	expect_engine("Default", WSIM_DEFAULT, 0, UINT32_MAX);
	expect_engine("RCS", WSIM_RCS, 0, UINT32_MAX);
	expect_engine("bcs", WSIM_BCS, 0, UINT32_MAX);
	expect_engine("vCs2", WSIM_VCS, 2, UINT32_MAX);
	expect_engine("VECS1", WSIM_VECS, 1, UINT32_MAX);
	expect_engine("CCS-0", WSIM_CCS, 0, 0);
	expect_engine("VCS1-3", WSIM_VCS, 1, 3);
}

Test(wsim_parse, duration_range_keeps_both_ends)
{
	struct wsim_workload *workload = test_wsim_parse("1.RCS.5-4294967295.0.0");

	cr_expect_eq(last(workload)->batch.min_us, 5);
	cr_expect_eq(last(workload)->batch.max_us, UINT32_MAX);
	wsim_free(workload);
}

Test(wsim_parse, duration_star_is_endless)
{
	struct wsim_workload *workload = test_wsim_parse("1.RCS.*.0.0");

	cr_expect(last(workload)->batch.endless);
	cr_expect_eq(last(workload)->batch.min_us, 0);
	cr_expect_eq(last(workload)->batch.max_us, 0);
	wsim_free(workload);
}

Test(wsim_parse, dependencies_of_every_form_are_resolved)
{
	struct wsim_workload *workload = test_wsim_parse(
	    "w.5.8n4k,f,1.RCS.1.0.0,1.RCS.1.-1/r5-0/r5-2-4/w5-7/w5-5-6/f-1/f-2/s-1.0");
	const struct wsim_batch *batch = &last(workload)->batch;

	cr_assert_eq(batch->num_deps, 8);
	cr_expect_eq(batch->num_outputs, 1);
	cr_expect_eq(batch->num_object_deps, 4);
	cr_expect_eq(batch->num_fences, 2);
	cr_expect_eq(batch->num_submits, 1);
	cr_expect_eq(batch->deps[0].kind, WSIM_DEP_OUTPUT);
	cr_expect_eq(batch->deps[0].step, 2);
	cr_expect_not(batch->deps[1].write);
	cr_expect_eq(batch->deps[1].last, 0);
	cr_expect_eq(batch->deps[2].first, 2);
	cr_expect_eq(batch->deps[2].last, 4);
	cr_expect_eq(batch->deps[2].set, 0);
	cr_expect_eq(batch->deps[2].set_id, 5);
	cr_expect(batch->deps[3].write);
	cr_expect_eq(batch->deps[3].first, 7);
	cr_expect_eq(batch->deps[4].last, 6);
	cr_expect_eq(batch->deps[5].kind, WSIM_DEP_FENCE);
	cr_expect_eq(batch->deps[5].step, 2);
	cr_expect_eq(batch->deps[6].step, 1);
	cr_expect_eq(batch->deps[7].kind, WSIM_DEP_SUBMIT);
	cr_expect_eq(batch->deps[7].step, 2);
	wsim_free(workload);
}

Test(wsim_parse, lists_may_use_either_separator)
{
	struct wsim_workload *workload =
	    test_wsim_parse("1.RCS.1.0.0,1.RCS.1.-1|s-1/f-1.0,M.1.VCS1/VCS2,w.1.4k|8k");

	cr_expect_eq(workload->steps[1].batch.num_deps, 3);
	cr_expect_eq(workload->steps[2].map.num_engines, 2);
	cr_expect_eq(workload->num_objects, 2);
	wsim_free(workload);
}

Test(wsim_parse, references_count_every_step_but_no_comment)
{
	struct wsim_workload *workload =
	    test_wsim_parse_file("1.RCS.1.0.0\n# no step\nd.5\n\n,,t.1\nP.1.2\n1.RCS.1.-4.0\n");

	cr_expect_eq(workload->num_steps, 5);
	cr_expect_eq(last(workload)->batch.deps[0].step, 0);
	wsim_free(workload);
}

Test(wsim_parse, set_declared_after_its_batch_is_found)
{
	struct wsim_workload *workload = test_wsim_parse("1.RCS.1.r8-1/w3-0.0,w.3.1,w.8.2n1");

	cr_expect_eq(workload->steps[0].batch.deps[0].set, 1);
	cr_expect_eq(workload->steps[0].batch.deps[1].set, 0);
	wsim_free(workload);
}

static void expect_number(const char *text, enum wsim_step_kind kind, uint32_t value)
{
	struct wsim_workload *workload = test_wsim_parse(text);

	cr_expect_eq(last(workload)->kind, kind, "%s", text);
	cr_expect_eq(last(workload)->us, value, "%s", text); /* us and count are one member */
	wsim_free(workload);
}

Test(wsim_parse, pacing_steps_keep_their_number)
{
	expect_number("d.1", WSIM_STEP_DELAY, 1);
	expect_number("d.4294967295", WSIM_STEP_DELAY, UINT32_MAX);
	expect_number("p.16667", WSIM_STEP_PERIOD, 16667);
	expect_number("t.0", WSIM_STEP_THROTTLE, 0);
	expect_number("t.4294967295", WSIM_STEP_THROTTLE, UINT32_MAX);
	expect_number("q.0", WSIM_STEP_QUEUE_DEPTH, 0);
	expect_number("q.12", WSIM_STEP_QUEUE_DEPTH, 12);
	expect_number("X.1.0", WSIM_STEP_PREEMPTION, 0);
	expect_number("X.1.9", WSIM_STEP_PREEMPTION, 9);
}

Test(wsim_parse, reference_steps_name_their_target)
{
	struct wsim_workload *workload =
	    test_wsim_parse("f,1.RCS.*.f-1.0,a.-2,s.-2,T.-3,1.RCS.1.f-5.0,s.-1");

	cr_expect_eq(workload->steps[0].kind, WSIM_STEP_SW_FENCE);
	cr_expect_eq(workload->steps[2].kind, WSIM_STEP_SIGNAL);
	cr_expect_eq(workload->steps[2].target, 0);
	cr_expect_eq(workload->steps[3].kind, WSIM_STEP_SYNC);
	cr_expect_eq(workload->steps[3].target, 1);
	cr_expect_eq(workload->steps[4].kind, WSIM_STEP_TERMINATE);
	cr_expect_eq(workload->steps[4].target, 1);
	cr_expect_eq(workload->steps[6].target, 5);
	wsim_free(workload);
}

static void expect_value(const char *text, enum wsim_step_kind kind, int64_t value)
{
	struct wsim_workload *workload = test_wsim_parse(text);

	cr_expect_eq(last(workload)->kind, kind, "%s", text);
	cr_expect_eq(last(workload)->value, value, "%s", text);
	cr_expect_eq(last(workload)->ctx, 3, "%s", text);
	wsim_free(workload);
}

Test(wsim_parse, priority_and_slice_mask_may_be_any_integer)
{
	expect_value("P.3.-1023", WSIM_STEP_PRIORITY, -1023);
	expect_value("P.3.0", WSIM_STEP_PRIORITY, 0);
	expect_value("P.3.-2147483648", WSIM_STEP_PRIORITY, INT32_MIN);
	expect_value("S.3.-1", WSIM_STEP_SLICE_MASK, -1);
	expect_value("S.3.4294967295", WSIM_STEP_SLICE_MASK, UINT32_MAX);
}

Test(wsim_parse, preemption_holds_for_later_batches_of_the_context)
{
	struct wsim_workload *workload =
	    test_wsim_parse("1.RCS.1.0.0,X.1.0,1.RCS.1.0.0,2.RCS.1.0.0,X.1.50,1.RCS.1.0.0");

	cr_expect(workload->steps[0].batch.preemptible);
	cr_expect_not(workload->steps[2].batch.preemptible);
	cr_expect(workload->steps[3].batch.preemptible);
	cr_expect(workload->steps[5].batch.preemptible);
	cr_expect_eq(workload->steps[5].batch.preempt_us, 50);
	wsim_free(workload);
}

Test(wsim_parse, map_balance_and_bond_belong_to_their_context)
{
	struct wsim_workload *workload =
	    test_wsim_parse("1.VCS.1.0.0,M.1.VCS2|vcs1|RCS,1.VCS.1.0.0,B.1,1.VCS.1.0.0,"
			    "2.VCS.1.0.0,b.1.VCS1|VCS2.RCS,M.1.BCS,1.DEFAULT.1.0.0");
	const struct wsim_step *steps = workload->steps;

	cr_expect_eq(steps[0].batch.map_step, WSIM_NO_STEP);
	cr_assert_eq(steps[1].map.num_engines, 3);
	cr_expect_eq(steps[1].map.engines[0].instance, 2);
	cr_expect_eq(steps[1].map.engines[2].class, WSIM_RCS);
	cr_expect_eq(steps[2].batch.map_step, 1);
	cr_expect_not(steps[2].batch.balanced);
	cr_expect_eq(steps[3].map_step, 1);
	cr_expect(steps[4].batch.balanced);
	cr_expect_eq(steps[5].batch.map_step, WSIM_NO_STEP);
	cr_expect_eq(steps[6].bond.num_engines, 2);
	cr_expect_eq(steps[6].bond.engines[1].instance, 2);
	cr_expect_eq(steps[6].bond.master.class, WSIM_RCS);
	cr_expect_eq(steps[6].bond.map_step, 1);
	cr_expect_eq(steps[8].batch.map_step, 7);
	cr_expect_not(steps[8].batch.balanced);
	wsim_free(workload);
}

Test(wsim_parse, engine_named_twice_in_a_list_is_one_entry)
{
	struct wsim_workload *workload = test_wsim_parse("M.1.VCS|VCS2|vcs|VCS2");

	cr_expect_eq(last(workload)->map.num_engines, 2);
	wsim_free(workload);
}

Test(wsim_parse, working_sets_keep_groups_and_sums)
{
	struct wsim_workload *workload = test_wsim_parse("w.0.118n8192/1,W.7.3n4k-64k/2m-1g/5-6k");
	const struct wsim_set *first = &workload->sets[0], *second = &workload->sets[1];

	cr_assert_eq(workload->num_sets, 2);
	cr_expect_not(first->shared);
	cr_expect_eq(first->num_groups, 2);
	cr_expect_eq(first->num_objects, 119);
	cr_expect_eq(first->max_bytes, 118 * 8192 + 1);
	cr_expect_eq(first->groups[1].first, 118);
	cr_expect(second->shared);
	cr_expect_eq(second->id, 7);
	cr_expect_eq(second->step, 1);
	cr_expect_eq(workload->steps[1].set, 1);
	cr_expect_eq(second->num_objects, 5);
	cr_expect_eq(second->groups[0].min_bytes, 4096);
	cr_expect_eq(second->groups[0].max_bytes, 65536);
	cr_expect_eq(second->groups[1].min_bytes, 2 << 20);
	cr_expect_eq(second->groups[1].max_bytes, 1 << 30);
	cr_expect_eq(second->groups[2].min_bytes, 5);
	cr_expect_eq(second->groups[2].max_bytes, 6 << 10);
	cr_expect_eq(workload->num_objects, 124);
	cr_expect_eq(workload->min_bytes, 118 * 8192 + 1 + 3 * 4096 + (2 << 20) + 5);
	cr_expect_eq(workload->max_bytes, 118 * 8192 + 1 + 3 * 65536 + (1 << 30) + (6 << 10));
	wsim_free(workload);
}

Test(wsim_parse, sizes_just_under_a_tebibyte_are_accepted)
{
	struct wsim_workload *workload = test_wsim_parse("w.1.1023g/1023m,W.2.1023k/1023");

	cr_expect_eq(workload->max_bytes, WSIM_MAX_BYTES - 1);
	wsim_free(workload);
	workload = test_wsim_parse("w.1.4294967295n1/2n255");
	cr_expect_eq(workload->num_objects, (uint64_t)UINT32_MAX + 2);
	wsim_free(workload);
}

Test(wsim_parse, file_name_becomes_a_short_name)
{
	struct wsim_workload *workload = test_wsim_parse_file("f");

	cr_expect_str_eq(workload->name, "frame");
	cr_expect_str_eq(workload->source, "dir/frame.wsim");
	wsim_free(workload);
}

Test(wsim_parse, instances_without_engine_counts_are_not_checked)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;

	cr_assert_eq(wsim_parse("x", "1.CCS99.1.0.0", 13, false, NULL, &workload, &err), 0);
	wsim_free(workload);
}

Test(wsim_parse, nearest_batch_is_noted_at_each_step)
{
	struct wsim_workload *workload = test_wsim_parse("f,1.RCS.1.0.0,d.1,1.RCS.1.0.0");

	cr_expect_eq(workload->steps[0].prev_batch, WSIM_NO_STEP);
	cr_expect_eq(workload->steps[1].prev_batch, 1);
	cr_expect_eq(workload->steps[2].prev_batch, 1);
	cr_expect_eq(workload->steps[3].prev_batch, 3);
	wsim_free(workload);
}
