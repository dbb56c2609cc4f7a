/* SPDX-License-Identifier: MIT */
/* Every refusal: its place, the step it shows and what it says was expected. */
#include "tests/tools/test_wsim.h"

#include <errno.h>

TestSuite(wsim_error, .timeout = 60);

struct refusal {
	const char *text; /* of a file */
	unsigned int line;
	unsigned int column;
	const char *step;
	const char *expected; /* begins the message */
};

static void expect_refusals(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct refusal *want = &refusals[i];
		struct wsim_workload *workload = NULL;
		struct wsim_error err = {.line = 0};
		int ret = wsim_parse("f.wsim", want->text, strlen(want->text), true,
				     &test_wsim_engines, &workload, &err);

		cr_assert_eq(ret, -EINVAL, "accepted: '%s'", want->text);
		cr_expect_null(workload);
		cr_expect_str_eq(err.file, "f.wsim");
		cr_expect_eq(err.line, want->line, "'%s': line %u", want->text, err.line);
		cr_expect_eq(err.column, want->column, "'%s': column %u", want->text, err.column);
		cr_expect_str_eq(err.text, want->step, "'%s': step '%s'", want->text, err.text);
		cr_expect_eq(strncmp(err.expected, want->expected, strlen(want->expected)), 0,
			     "'%s': %s", want->text, err.expected);
	}
}

#define EXPECT_REFUSALS(table) expect_refusals(table, sizeof(table) / sizeof((table)[0]))

Test(wsim_error, unknown_steps_are_refused)
{
	static const struct refusal table[] = {
	    {"z.1", 1, 1, "z.1",
	     "expected a step: a batch ctx.engine.duration.dependencies.wait or one of "
	     "d p s t q f a T P S X M B b w W, found 'z'"},
	    {"d.1\nD.1", 2, 1, "D.1", "expected a step"},
	    {"d.1,  ff", 1, 7, "ff", "expected a step"},
	    {".1", 1, 1, ".1",
	     "expected a step: a batch ctx.engine.duration.dependencies.wait or "
	     "one of d p s t q f a T P S X M B b w W, found nothing"},
	    {"RCS.1.0.0", 1, 1, "RCS.1.0.0", "expected a step"},
	    {"d.1 f", 1, 3, "d.1 f", "expected a delay in us, an integer of 1 or more"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, too_few_fields_are_refused_at_the_end)
{
	static const struct refusal table[] = {
	    {"1.RCS.1.0", 1, 10, "1.RCS.1.0",
	     "expected 5 fields, ctx.engine.duration.dependencies.wait, found only 4"},
	    {"1", 1, 2, "1", "expected 5 fields"},
	    {"d", 1, 2, "d", "expected 2 fields, d.US, found only 1"},
	    {"p", 1, 2, "p", "expected 2 fields, p.US, found only 1"},
	    {"s", 1, 2, "s", "expected 2 fields, s.-N, found only 1"},
	    {"t", 1, 2, "t", "expected 2 fields, t.N, found only 1"},
	    {"q", 1, 2, "q", "expected 2 fields, q.N, found only 1"},
	    {"a", 1, 2, "a", "expected 2 fields, a.-N, found only 1"},
	    {"T", 1, 2, "T", "expected 2 fields, T.-N, found only 1"},
	    {"P.1", 1, 4, "P.1", "expected 3 fields, P.CTX.PRIO, found only 2"},
	    {"S.1", 1, 4, "S.1", "expected 3 fields, S.CTX.MASK, found only 2"},
	    {"X.1", 1, 4, "X.1", "expected 3 fields, X.CTX.US, found only 2"},
	    {"M.1", 1, 4, "M.1", "expected 3 fields, M.CTX.E[|E...], found only 2"},
	    {"B", 1, 2, "B", "expected 2 fields, B.CTX, found only 1"},
	    {"b.1.VCS", 1, 8, "b.1.VCS", "expected 4 fields, b.CTX.E[|E...].MASTER, found only 3"},
	    {"w.1", 1, 4, "w.1", "expected 3 fields, w.ID.SIZE[/SIZE...], found only 2"},
	    {"W.1", 1, 4, "W.1", "expected 3 fields, W.ID.SIZE[/SIZE...], found only 2"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, too_many_fields_are_refused_at_the_first_extra_one)
{
	static const struct refusal table[] = {
	    {"1.RCS.1.0.0.7.8", 1, 13, "1.RCS.1.0.0.7.8",
	     "expected no more than 5 fields, ctx.engine.duration.dependencies.wait, found '7.8'"},
	    {"f.1", 1, 3, "f.1", "expected no more than 1 field, f, found '1'"},
	    {"f.", 1, 3, "f.", "expected no more than 1 field, f, found nothing"},
	    {"d.1.2", 1, 5, "d.1.2", "expected no more than 2 fields, d.US"},
	    {"p.1.2", 1, 5, "p.1.2", "expected no more than 2 fields, p.US"},
	    {"s.-1.2", 1, 6, "s.-1.2", "expected no more than 2 fields, s.-N"},
	    {"t.1.2", 1, 5, "t.1.2", "expected no more than 2 fields, t.N"},
	    {"q.1.2", 1, 5, "q.1.2", "expected no more than 2 fields, q.N"},
	    {"a.-1.2", 1, 6, "a.-1.2", "expected no more than 2 fields, a.-N"},
	    {"T.-1.2", 1, 6, "T.-1.2", "expected no more than 2 fields, T.-N"},
	    {"P.1.1.1", 1, 7, "P.1.1.1", "expected no more than 3 fields, P.CTX.PRIO"},
	    {"S.1.1.1", 1, 7, "S.1.1.1", "expected no more than 3 fields, S.CTX.MASK"},
	    {"X.1.1.1", 1, 7, "X.1.1.1", "expected no more than 3 fields, X.CTX.US"},
	    {"M.1.VCS.1", 1, 9, "M.1.VCS.1", "expected no more than 3 fields, M.CTX.E[|E...]"},
	    {"B.1.1", 1, 5, "B.1.1", "expected no more than 2 fields, B.CTX"},
	    {"b.1.VCS.RCS.1", 1, 13, "b.1.VCS.RCS.1", "expected no more than 4 fields, b.CTX"},
	    {"w.1.4k.1", 1, 8, "w.1.4k.1", "expected no more than 3 fields, w.ID"},
	    {"W.1.4k.1", 1, 8, "W.1.4k.1", "expected no more than 3 fields, W.ID"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, context_numbers_out_of_range_are_refused)
{
	static const struct refusal table[] = {
	    {"-1.RCS.1.0.0", 1, 1, "-1.RCS.1.0.0",
	     "expected a context number, an integer of 0 or more, found '-1'"},
	    {"1x.RCS.1.0.0", 1, 1, "1x.RCS.1.0.0", "expected a context number"},
	    {"4294967296.RCS.1.0.0", 1, 1, "4294967296.RCS.1.0.0",
	     "expected a context number that fits 32 bits, at most 4294967295"},
	    {"P.0.1", 1, 3, "P.0.1", "expected a context number, an integer of 1 or more"},
	    {"S.0.1", 1, 3, "S.0.1", "expected a context number, an integer of 1 or more"},
	    {"X.0.1", 1, 3, "X.0.1", "expected a context number, an integer of 1 or more"},
	    {"M.0.VCS", 1, 3, "M.0.VCS", "expected a context number, an integer of 1 or more"},
	    {"B.0", 1, 3, "B.0", "expected a context number, an integer of 1 or more"},
	    {"b.0.VCS.RCS", 1, 3, "b.0.VCS.RCS",
	     "expected a context number, an integer of 1 or more"},
	    {"P..1", 1, 3, "P..1",
	     "expected a context number, an integer of 1 or more, found nothing"},
	    {"P.+1.1", 1, 3, "P.+1.1", "expected a context number"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, engine_names_that_do_not_exist_are_refused)
{
	static const struct refusal table[] = {
	    {"1.XCS.1.0.0", 1, 3, "1.XCS.1.0.0",
	     "expected an engine: DEFAULT or RCS, BCS, VCS, VECS or CCS, as in VCS2, found 'XCS'"},
	    {"1..1.0.0", 1, 3, "1..1.0.0", "expected an engine"},
	    {"1.VC.1.0.0", 1, 3, "1.VC.1.0.0", "expected an engine"},
	    {"1.VCS0.1.0.0", 1, 6, "1.VCS0.1.0.0",
	     "expected an instance of the engine, an integer of 1 or more, found '0'"},
	    {"1.RCSX.1.0.0", 1, 6, "1.RCSX.1.0.0", "expected an instance of the engine"},
	    {"1.VCS4294967296.1.0.0", 1, 6, "1.VCS4294967296.1.0.0",
	     "expected an instance of the engine that fits 32 bits"},
	    {"1.VCS1-.1.0.0", 1, 8, "1.VCS1-.1.0.0", "expected a GT number, an integer of 0"},
	    {"1.VCS-x.1.0.0", 1, 7, "1.VCS-x.1.0.0", "expected a GT number"},
	    {"1.DEFAULT1.1.0.0", 1, 3, "1.DEFAULT1.1.0.0", "expected an engine"},
	    {"1.DEFAULT-0.1.0.0", 1, 3, "1.DEFAULT-0.1.0.0", "expected an engine"},
	    {"M.1.DEFAULT", 1, 5, "M.1.DEFAULT",
	     "expected an engine: RCS, BCS, VCS, VECS or CCS, as in VCS2, found 'DEFAULT'"},
	    {"M.1.VCS|", 1, 9, "M.1.VCS|", "expected an engine"},
	    {"M.1.VCS|XCS", 1, 9, "M.1.VCS|XCS", "expected an engine"},
	    {"M.1.", 1, 5, "M.1.", "expected an engine"},
	    {"M.1.VCS,b.1.VCS1.DEFAULT", 1, 18, "b.1.VCS1.DEFAULT", "expected an engine"},
	    {"M.1.VCS,b.1.VCS1.1", 1, 18, "b.1.VCS1.1", "expected an engine"},
	    {"M.1.VCS,b.1..VCS", 1, 13, "b.1..VCS", "expected an engine"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, instances_that_the_mock_lacks_are_refused_with_the_option)
{
	static const struct refusal table[] = {
	    {"1.VCS3.1.0.0", 1, 3, "1.VCS3.1.0.0",
	     "expected an engine of the mock, which has 2 VCS (more with --engines vcs=3), found "
	     "'VCS3'"},
	    {"M.1.VCS|rcs2", 1, 9, "M.1.VCS|rcs2",
	     "expected an engine of the mock, which has 1 RCS (more with --engines rcs=2)"},
	    {"M.1.VCS,b.1.VCS4.RCS", 1, 13, "b.1.VCS4.RCS",
	     "expected an engine of the mock, which has 2 VCS (more with --engines vcs=4)"},
	    {"M.1.VCS,b.1.VCS1.VECS2", 1, 18, "b.1.VCS1.VECS2",
	     "expected an engine of the mock, which has 1 VECS (more with --engines vecs=2)"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, class_without_any_instance_is_refused)
{
	static const struct wsim_engine_counts none = {{0, 0, 0, 0, 0}};
	static const char *const texts[] = {"1.DEFAULT.1.0.0", "1.RCS.1.0.0"};

	for (size_t i = 0; i < 2; i++) {
		struct wsim_workload *workload = NULL;
		struct wsim_error err;

		cr_expect_eq(
		    wsim_parse("x", texts[i], strlen(texts[i]), true, &none, &workload, &err),
		    -EINVAL);
		cr_expect_eq(err.column, 3);
		cr_expect_not_null(strstr(err.expected, "0 RCS (more with --engines rcs=1)"));
	}
}

Test(wsim_error, durations_out_of_range_are_refused)
{
	static const struct refusal table[] = {
	    {"1.RCS.0.0.0", 1, 7, "1.RCS.0.0.0",
	     "expected a duration in us (N, MIN-MAX or *), an integer of 1 or more, found '0'"},
	    {"1.RCS..0.0", 1, 7, "1.RCS..0.0", "expected a duration"},
	    {"1.RCS.**.0.0", 1, 7, "1.RCS.**.0.0", "expected a duration"},
	    {"1.RCS.0-5.0.0", 1, 7, "1.RCS.0-5.0.0", "expected a duration"},
	    {"1.RCS.5-.0.0", 1, 9, "1.RCS.5-.0.0", "expected a duration"},
	    {"1.RCS.1-2-3.0.0", 1, 9, "1.RCS.1-2-3.0.0", "expected a duration"},
	    {"1.RCS.5-5.0.0", 1, 9, "1.RCS.5-5.0.0",
	     "expected a longest duration above the shortest one, found '5'"},
	    {"1.RCS.5-4.0.0", 1, 9, "1.RCS.5-4.0.0", "expected a longest duration"},
	    {"1.RCS.4294967296.0.0", 1, 7, "1.RCS.4294967296.0.0",
	     "expected a duration in us (N, MIN-MAX or *) that fits 32 bits, at most 4294967295"},
	    {"1.RCS.1-99999999999999999999.0.0", 1, 9, "1.RCS.1-99999999999999999999.0.0",
	     "expected a duration in us (N, MIN-MAX or *) that fits 32 bits"},
	    {"d.0", 1, 3, "d.0", "expected a delay in us, an integer of 1 or more, found '0'"},
	    {"p.0", 1, 3, "p.0", "expected a period in us, an integer of 1 or more, found '0'"},
	    {"d.1-2", 1, 3, "d.1-2", "expected a delay in us"},
	    {"d.4294967296", 1, 3, "d.4294967296", "expected a delay in us that fits 32 bits"},
	    {"d.18446744073709551617", 1, 3, "d.18446744073709551617",
	     "expected a delay in us that fits 32 bits"},
	    {"p.*", 1, 3, "p.*", "expected a period in us"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, wait_flags_but_0_and_1_are_refused)
{
	static const struct refusal table[] = {
	    {"1.RCS.1.0.2", 1, 11, "1.RCS.1.0.2", "expected a wait flag, 0 or 1, found '2'"},
	    {"1.RCS.1.0.", 1, 11, "1.RCS.1.0.", "expected a wait flag, 0 or 1, found nothing"},
	    {"1.RCS.1.0.01", 1, 11, "1.RCS.1.0.01", "expected a wait flag, 0 or 1"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, dependency_items_of_no_form_are_refused)
{
	static const char *const zero = "expected 0 for no dependencies only alone, not in a list";
	static const char *const forms = "expected 0 or dependencies of the forms -N, rW-I, "
					 "rW-A-B, wW-I, wW-A-B, f-N, s-N, found ";
	const struct refusal table[] = {
	    {"1.RCS.1.0/0.0", 1, 9, "1.RCS.1.0/0.0", zero},
	    {"1.RCS.1.0.0\n1.RCS.1.-1/0.0", 2, 12, "1.RCS.1.-1/0.0", zero},
	    {"1.RCS.1.0.0\n1.RCS.1.0/-1.0", 2, 9, "1.RCS.1.0/-1.0", zero},
	    {"1.RCS.1..0", 1, 9, "1.RCS.1..0", forms},
	    {"1.RCS.1.x.0", 1, 9, "1.RCS.1.x.0", forms},
	    {"1.RCS.1.1.0", 1, 9, "1.RCS.1.1.0", forms},
	    {"1.RCS.1.0.0,1.RCS.1.-1/.0", 1, 24, "1.RCS.1.-1/.0", forms},
	    {"1.RCS.1.0.0,1.RCS.1./-1.0", 1, 21, "1.RCS.1./-1.0", forms},
	    {"1.RCS.1.R1-0.0", 1, 9, "1.RCS.1.R1-0.0", forms},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, references_out_of_range_are_refused)
{
	static const struct refusal table[] = {
	    {"1.RCS.1.-1.0", 1, 9, "1.RCS.1.-1.0",
	     "expected a batch before this step, which has 0 steps before it, found '-1'"},
	    {"d.1\n1.RCS.1.-2.0", 2, 9, "1.RCS.1.-2.0", "expected a batch before this step"},
	    {"1.RCS.1.-0.0", 1, 9, "1.RCS.1.-0.0",
	     "expected -N with N of 1 or more, N steps back to a batch, found '-0'"},
	    {"1.RCS.1.-.0", 1, 9, "1.RCS.1.-.0", "expected -N with N of 1 or more"},
	    {"1.RCS.1.--1.0", 1, 9, "1.RCS.1.--1.0", "expected -N with N of 1 or more"},
	    {"1.RCS.1.-4294967297.0", 1, 9, "1.RCS.1.-4294967297.0",
	     "expected a batch before this step"},
	    {"1.RCS.1.f-1.0", 1, 10, "1.RCS.1.f-1.0",
	     "expected a batch or an f step before this step"},
	    {"1.RCS.1.f1.0", 1, 10, "1.RCS.1.f1.0",
	     "expected -N with N of 1 or more, N steps back to a batch or an f step, found '1'"},
	    {"1.RCS.1.f.0", 1, 10, "1.RCS.1.f.0", "expected -N with N of 1 or more"},
	    {"1.RCS.1.s-1.0", 1, 10, "1.RCS.1.s-1.0", "expected a batch before this step"},
	    {"s.-1", 1, 3, "s.-1", "expected a batch before this step"},
	    {"1.RCS.1.0.0,s.1", 1, 15, "s.1", "expected -N with N of 1 or more"},
	    {"a.-1", 1, 3, "a.-1", "expected an f step before this step"},
	    {"a.0", 1, 3, "a.0", "expected -N with N of 1 or more, N steps back to an f step"},
	    {"T.-1", 1, 3, "T.-1", "expected an endless batch before this step"},
	    {"T.*", 1, 3, "T.*",
	     "expected -N with N of 1 or more, N steps back to an endless batch"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, references_to_the_wrong_kind_of_step_are_refused)
{
	static const struct refusal table[] = {
	    {"f\n1.RCS.1.-1.0", 2, 9, "1.RCS.1.-1.0",
	     "expected a reference to a batch, but step 0 is of kind software-fence, found '-1'"},
	    {"f,1.RCS.1.s-1.0", 1, 12, "1.RCS.1.s-1.0", "expected a reference to a batch, but"},
	    {"d.1,1.RCS.1.f-1.0", 1, 14, "1.RCS.1.f-1.0",
	     "expected a reference to a batch or an f step, but step 0 is of kind delay"},
	    {"d.1,s.-1", 1, 7, "s.-1", "expected a reference to a batch, but step 0"},
	    {"f,s.-1", 1, 5, "s.-1", "expected a reference to a batch, but step 0"},
	    {"1.RCS.1.0.0,a.-1", 1, 15, "a.-1",
	     "expected a reference to an f step, but step 0 is of kind batch"},
	    {"f,T.-1", 1, 5, "T.-1", "expected a reference to an endless batch, but step 0"},
	    {"1.RCS.1.0.0,T.-1", 1, 15, "T.-1",
	     "expected a reference to an endless batch, one of duration *, but step 0 ends by "
	     "itself"},
	    {"w.1.1,1.RCS.1.-1.0", 1, 15, "1.RCS.1.-1.0",
	     "expected a reference to a batch, but step 0 is of kind working-set"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, objects_that_no_set_has_are_refused)
{
	static const struct refusal table[] = {
	    {"1.RCS.1.r1-0.0", 1, 9, "1.RCS.1.r1-0.0",
	     "expected a working set that a w.1 or W.1 step declares, found 'r1-0'"},
	    {"w.1.2n1\nd.1\n1.RCS.1.r1-1/w1-2.0", 3, 14, "1.RCS.1.r1-1/w1-2.0",
	     "expected objects of working set 1, which has 2: 0 to 1, found 'w1-2'"},
	    {" 1.RCS.1.r1-0-2.0,W.1.1/1", 1, 10, "1.RCS.1.r1-0-2.0",
	     "expected objects of working set 1, which has 2: 0 to 1, found 'r1-0-2'"},
	    {"w.1.4n1,1.RCS.1.r1-2-2.0", 1, 22, "1.RCS.1.r1-2-2.0",
	     "expected a last object above the first one, 2, found '2'"},
	    {"w.1.4n1,1.RCS.1.r1-2-1.0", 1, 22, "1.RCS.1.r1-2-1.0",
	     "expected a last object above the first one, 2"},
	    {"1.RCS.1.r1.0", 1, 9, "1.RCS.1.r1.0",
	     "expected objects of the working set, as in r1-0 or r1-0-3, found 'r1'"},
	    {"1.RCS.1.w.0", 1, 10, "1.RCS.1.w.0", "expected the id of a working set"},
	    {"1.RCS.1.r-1.0", 1, 10, "1.RCS.1.r-1.0", "expected the id of a working set"},
	    {"1.RCS.1.r1-.0", 1, 12, "1.RCS.1.r1-.0", "expected an object of the working set"},
	    {"1.RCS.1.r1-x.0", 1, 12, "1.RCS.1.r1-x.0", "expected an object of the working set"},
	    {"1.RCS.1.r1-0-.0", 1, 14, "1.RCS.1.r1-0-.0", "expected the last object of a range"},
	    {"1.RCS.1.r1-0-1-2.0", 1, 14, "1.RCS.1.r1-0-1-2.0",
	     "expected the last object of a range"},
	    {"1.RCS.1.r4294967296-0.0", 1, 10, "1.RCS.1.r4294967296-0.0",
	     "expected the id of a working set that fits 32 bits"},
	    {"1.RCS.1.r1-4294967296.0", 1, 12, "1.RCS.1.r1-4294967296.0",
	     "expected an object of the working set that fits 32 bits"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, other_numbers_out_of_range_are_refused)
{
	static const struct refusal table[] = {
	    {"t.-1", 1, 3, "t.-1", "expected a throttle (0 = off), an integer of 0 or more"},
	    {"t.4294967296", 1, 3, "t.4294967296",
	     "expected a throttle (0 = off) that fits 32 bits"},
	    {"q.4294967296", 1, 3, "q.4294967296",
	     "expected a queue depth (0 = off) that fits 32 bits"},
	    {"p.4294967296", 1, 3, "p.4294967296", "expected a period in us that fits 32 bits"},
	    {"X.1.4294967296", 1, 5, "X.1.4294967296",
	     "expected a preemption interval in us that fits 32 bits"},
	    {"S.1.4294967296", 1, 5, "S.1.4294967296", "expected a slice mask that fits 32 bits"},
	    {"1.VCS-4294967296.1.0.0", 1, 7, "1.VCS-4294967296.1.0.0",
	     "expected a GT number that fits 32 bits"},
	    {"q.x", 1, 3, "q.x", "expected a queue depth (0 = off), an integer of 0 or more"},
	    {"X.1.-1", 1, 5, "X.1.-1",
	     "expected a preemption interval in us, an integer of 0 or more"},
	    {"P.1.x", 1, 5, "P.1.x", "expected a priority, any integer, found 'x'"},
	    {"P.1.-", 1, 5, "P.1.-", "expected a priority, any integer"},
	    {"P.1.--1", 1, 5, "P.1.--1", "expected a priority, any integer"},
	    {"P.1.4294967296", 1, 5, "P.1.4294967296", "expected a priority that fits 32 bits"},
	    {"P.1.-2147483649", 1, 5, "P.1.-2147483649", "expected a priority that fits 32 bits"},
	    {"S.1.0x1", 1, 5, "S.1.0x1", "expected a slice mask, any integer"},
	    {"S.1.", 1, 5, "S.1.", "expected a slice mask, any integer, found nothing"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, balance_and_bond_without_a_map_before_are_refused)
{
	static const struct refusal table[] = {
	    {"B.1\nM.1.VCS", 1, 3, "B.1",
	     "expected a context with an engine map: M.1... before this, found '1'"},
	    {"M.1.VCS,B.2", 1, 11, "B.2", "expected a context with an engine map: M.2"},
	    {"1.RCS.1.0.0\nb.1.VCS1.VCS2", 2, 3, "b.1.VCS1.VCS2",
	     "expected a context with an engine map: M.1"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, working_sets_of_wrong_shape_are_refused)
{
	static const struct refusal table[] = {
	    {"w.x.1", 1, 3, "w.x.1", "expected the id of a working set, an integer of 0 or more"},
	    {"w.4294967296.1", 1, 3, "w.4294967296.1",
	     "expected the id of a working set that fits 32 bits"},
	    {"w.1.1\n\nw.1.1", 3, 3, "w.1.1",
	     "expected an id of its own, but line 1 has working set 1, found '1'"},
	    {"d.1\nw.1.1,W.1.1", 2, 9, "W.1.1",
	     "expected an id of its own, but line 2 has working set 1"},
	    {"w.1.0", 1, 5, "w.1.0",
	     "expected a size, 1 byte or more with k, m, g or no suffix, found '0'"},
	    {"w.1.0k", 1, 5, "w.1.0k", "expected a size, 1 byte or more"},
	    {"w.1.", 1, 5, "w.1.", "expected a size, 1 byte or more"},
	    {"w.1.k", 1, 5, "w.1.k", "expected a size, 1 byte or more"},
	    {"w.1.4K", 1, 5, "w.1.4K", "expected a size, 1 byte or more"},
	    {"w.1.4kk", 1, 5, "w.1.4kk", "expected a size, 1 byte or more"},
	    {"w.1.4k/", 1, 8, "w.1.4k/", "expected a size, 1 byte or more"},
	    {"w.1.4k-", 1, 8, "w.1.4k-", "expected a size, 1 byte or more"},
	    {"w.1.4k-8k-9k", 1, 8, "w.1.4k-8k-9k", "expected a size, 1 byte or more"},
	    {"w.1.0-5", 1, 5, "w.1.0-5", "expected a size, 1 byte or more"},
	    {"w.1.8k-4k", 1, 8, "w.1.8k-4k",
	     "expected a largest size above the smallest one, found '4k'"},
	    {"w.1.4k-4096", 1, 8, "w.1.4k-4096", "expected a largest size above the smallest"},
	    {"w.1.n4096", 1, 5, "w.1.n4096",
	     "expected a number of objects before n, an integer of 1 or more, found nothing"},
	    {"w.1.0n4096", 1, 5, "w.1.0n4096", "expected a number of objects before n"},
	    {"w.1.2n", 1, 7, "w.1.2n", "expected a size, 1 byte or more"},
	    {"w.1.2n3n4k", 1, 7, "w.1.2n3n4k", "expected a size, 1 byte or more"},
	    {"w.1.4294967296n1", 1, 5, "w.1.4294967296n1",
	     "expected a number of objects before n that fits 32 bits"},
	    {"w.1.1-4294967296", 1, 7, "w.1.1-4294967296",
	     "expected a size whose number fits 32 bits"},
	    {"W.1.1,w.1.1", 1, 9, "w.1.1", "expected an id of its own"},
	    {"w.1.4294967296", 1, 5, "w.1.4294967296",
	     "expected a size whose number fits 32 bits, at most 4294967295"},
	};

	EXPECT_REFUSALS(table);
}

Test(wsim_error, sizes_and_sums_of_a_tebibyte_are_refused)
{
	static const struct refusal table[] = {
	    {"w.1.1024g", 1, 5, "w.1.1024g", "expected a size under 2^40 bytes, found '1024g'"},
	    {"w.1.4294967295g", 1, 5, "w.1.4294967295g", "expected a size under 2^40 bytes"},
	    {"w.1.1-1048576m", 1, 7, "w.1.1-1048576m", "expected a size under 2^40 bytes"},
	    {"w.1.2n512g", 1, 5, "w.1.2n512g",
	     "expected sizes whose sum stays under 2^40 bytes, found '2n512g'"},
	    {"w.1.1023g/1g", 1, 11, "w.1.1023g/1g", "expected sizes whose sum stays under"},
	    {"w.1.1023g\nW.2.1023m/1m", 2, 11, "W.2.1023m/1m",
	     "expected sizes whose sum stays under"},
	    {"w.1.2n1k-512g", 1, 5, "w.1.2n1k-512g", "expected sizes whose sum stays under"},
	    {"w.1.4294967295n4294967295", 1, 5, "w.1.4294967295n4294967295",
	     "expected sizes whose sum stays under"},
	};

	EXPECT_REFUSALS(table);
}
