/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a reservation follow a plain model.  A sequence that does not is made
 * shorter until each operation that is left is needed, and printed.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/resv_model.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(reservation_resv_model, .timeout = 60);

#define NUM_RUNS 200
#define NUM_OPS	 400

/* Two fences, a slot and two adds are the least that shows a mistake. */
#define MAX_SHRUNK 20

/* In a hundred; the kinds in their order. */
static const unsigned int likings[RESV_OP_NUM_KINDS] = {22, 38, 4, 3, 8, 3, 12, 7, 1, 2};

static struct resv_op op_random(uint64_t *state)
{
	unsigned int point = (unsigned int)(test_random(state) % 100);
	struct resv_op op = {
	    .place = (unsigned int)(test_random(state) % MODEL_NUM_PLACES),
	    .context = 1 + (unsigned int)(test_random(state) % MODEL_NUM_CONTEXTS),
	    .seqno = (unsigned int)(test_random(state) % MODEL_NUM_SEQNOS),
	    .usage = (unsigned int)(test_random(state) % 4),
	    .num = 1 + (unsigned int)(test_random(state) % 12),
	};

	for (int kind = 0; point >= likings[kind]; kind++) {
		point -= likings[kind];
		op.kind = (enum resv_op_kind)(kind + 1);
	}
	return op;
}

static void op_print(FILE *log, const struct resv_op *op)
{
	static const char *const names[RESV_OP_NUM_KINDS] = {
	    "new",    "add",	"add, starved", "replace", "reserve", "reserve, starved",
	    "signal", "relock", "afresh",	"copy"};

	fprintf(log, "#   %-16s place %2u context %u seqno %u usage %u num %u\n", names[op->kind],
		op->place, op->context, op->seqno, op->usage, op->num);
}

static bool fails(const struct resv_op *ops, unsigned int num, enum resv_model_mistake mistake)
{
	struct resv_model_counts counts;
	const char *failure;

	(void)resv_model_run(ops, num, mistake, &counts, &failure);
	return failure != NULL;
}

/* The sequence without some operations in the middle still fails? */
static bool fails_without(const struct resv_op *ops, unsigned int num, unsigned int begin,
			  unsigned int num_left_out, enum resv_model_mistake mistake)
{
	static struct resv_op shorter[NUM_OPS];

	memcpy(shorter, ops, begin * sizeof(ops[0]));
	memcpy(shorter + begin, ops + begin + num_left_out,
	       (num - begin - num_left_out) * sizeof(ops[0]));
	return fails(shorter, num - num_left_out, mistake);
}

/* Leave out what is not needed to fail, in ever smaller pieces; returns the new length. */
static unsigned int shrink(struct resv_op *ops, unsigned int num, enum resv_model_mistake mistake)
{
	unsigned int piece = num / 2;

	while (piece > 0) {
		bool shorter = false;

		for (unsigned int begin = 0; begin + piece <= num;) {
			if (!fails_without(ops, num, begin, piece, mistake)) {
				begin += piece;
				continue;
			}
			memmove(ops + begin, ops + begin + piece,
				(num - begin - piece) * sizeof(ops[0]));
			num -= piece;
			shorter = true;
		}
		/* Without one, another may be needless, too. */
		if (!shorter || piece > 1)
			piece /= 2;
	}
	return num;
}

static struct resv_op ops[NUM_OPS];
static struct resv_model_counts total;

static void add_counts(const struct resv_model_counts *counts)
{
	total.num_appended += counts->num_appended;
	total.num_replaced += counts->num_replaced;
	total.num_refused += counts->num_refused;
	total.num_dropped += counts->num_dropped;
	total.num_enomem += counts->num_enomem;
	total.num_copied += counts->num_copied;
}

/* One random sequence; the number of operations that fail, made as short as it gets, or 0. */
static unsigned int run_random(uint64_t *state, enum resv_model_mistake mistake)
{
	struct resv_model_counts counts;
	const char *failure;
	unsigned int num;

	for (unsigned int i = 0; i < NUM_OPS; i++)
		ops[i] = op_random(state);
	num = resv_model_run(ops, NUM_OPS, mistake, &counts, &failure);
	add_counts(&counts);
	return failure != NULL ? shrink(ops, num, mistake) : 0;
}

/* Every refusal is reported: thousands of lines that nobody reads. */
static FILE *silence_reports(void)
{
	FILE *log = fdopen(dup(STDERR_FILENO), "w");

	cr_assert_not_null(log);
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	return log;
}

Test(reservation_resv_model, random_operations_follow_the_model)
{
	unsigned int num_runs = test_rounds(NUM_RUNS);
	uint64_t state = test_seed();
	FILE *log = silence_reports();

	test_alloc_install();
	for (unsigned int i = 0; i < num_runs; i++) {
		struct resv_model_counts counts;
		const char *failure;
		unsigned int num = run_random(&state, RESV_MISTAKE_NONE);

		if (num == 0)
			continue;
		(void)resv_model_run(ops, num, RESV_MISTAKE_NONE, &counts, &failure);
		fprintf(log, "# %s, after\n", failure);
		for (unsigned int j = 0; j < num; j++)
			op_print(log, &ops[j]);
		fflush(log);
		cr_assert_fail("run %u does not follow the model", i);
	}
	fclose(log);
	/* They came by everything that they are to check. */
	cr_expect(total.num_appended > 0 && total.num_replaced > 0 && total.num_refused > 0 &&
		      total.num_dropped > 0 && total.num_enomem > 0 && total.num_copied > 0,
		  "%u appended, %u replaced, %u refused, %u dropped, %u without memory, %u copied",
		  total.num_appended, total.num_replaced, total.num_refused, total.num_dropped,
		  total.num_enomem, total.num_copied);
}

/* A model that has a rule wrong is found out, with no operation that is not needed for it. */
static void expect_found(enum resv_model_mistake mistake)
{
	uint64_t state = test_seed();
	FILE *log = silence_reports();
	unsigned int num = 0;

	test_alloc_install();
	for (unsigned int i = 0; num == 0 && i < NUM_RUNS; i++)
		num = run_random(&state, mistake);
	for (unsigned int i = 0; i < num; i++)
		op_print(log, &ops[i]);
	fclose(log);
	cr_assert(num > 0, "the mistake is not found");
	cr_expect(num <= MAX_SHRUNK, "%u operations are left", num);
	for (unsigned int i = 0; i < num; i++)
		cr_expect_not(fails_without(ops, num, i, 1, mistake), "operation %u is needless",
			      i);
}

Test(reservation_resv_model, a_model_that_ignores_usages_is_found)
{
	expect_found(RESV_MISTAKE_USAGE);
}

Test(reservation_resv_model, a_model_that_ignores_signals_is_found)
{
	expect_found(RESV_MISTAKE_SIGNAL);
}
