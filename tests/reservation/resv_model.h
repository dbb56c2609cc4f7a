/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RESERVATION_RESV_MODEL_H
#define TESTS_RESERVATION_RESV_MODEL_H

/*
 * Operations on a reservation, done to it and to a list that follows the rules in the plainest way.
 * Any part of a sequence of operations is a sequence, so that a failing one can be made shorter.
 */

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NUM_PLACES   48 /* for fences that operations name */
#define MODEL_NUM_CONTEXTS 5
#define MODEL_NUM_SEQNOS   8

enum resv_op_kind {
	RESV_OP_NEW, /* a new fence of a context and seqno at a place; the old one is given up */
	RESV_OP_ADD,
	RESV_OP_ADD_STARVED, /* the same without any memory */
	RESV_OP_REPLACE,     /* the fences of a context by one */
	RESV_OP_RESERVE,
	RESV_OP_RESERVE_STARVED,
	RESV_OP_SIGNAL,
	RESV_OP_RELOCK,
	RESV_OP_AFRESH, /* end the reservation and begin a new one */
	RESV_OP_COPY,	/* to another reservation and back */
	RESV_OP_NUM_KINDS
};

/* Each kind uses the fields that it has a use for. */
struct resv_op {
	enum resv_op_kind kind;
	unsigned int place;
	unsigned int context;
	unsigned int seqno;
	unsigned int usage;
	unsigned int num;
};

/* How often the rules were used, so that a test knows it came by everything. */
struct resv_model_counts {
	unsigned int num_appended, num_replaced, num_refused, num_dropped, num_enomem, num_copied;
};

/* What a run may be told to do wrong, to prove that this is found. */
enum resv_model_mistake {
	RESV_MISTAKE_NONE,
	RESV_MISTAKE_USAGE,  /* a fence replaces one of a lower usage, too */
	RESV_MISTAKE_SIGNAL, /* a signalled fence is not replaced */
};

/*
 * Do the operations, checking everything after each.
 *
 * @param ret_failure what was wrong, if something was
 * @return the number of operations done: @p num, or those before and with the one that failed
 */
unsigned int resv_model_run(const struct resv_op *ops, unsigned int num,
			    enum resv_model_mistake mistake, struct resv_model_counts *ret_counts,
			    const char **ret_failure);

#endif /* TESTS_RESERVATION_RESV_MODEL_H */
