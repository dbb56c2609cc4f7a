/* SPDX-License-Identifier: MIT */
/* State of one run of the parser, shared by the files that parse families of steps. */
#ifndef WSIM_PARSER_H
#define WSIM_PARSER_H

#include "idmap.h"
#include "lex.h"
#include "wsim.h"

/* What the steps so far have set for a context. */
struct wsim_context {
	size_t map_step;
	bool balanced;
	bool preemptible;
	uint32_t preempt_us;
};

struct wsim_parser {
	struct wsim_workload *workload;		  /* grows step by step */
	const struct wsim_engine_counts *engines; /* NULL = do not check instances */
	struct wsim_error *err;
	struct wsim_idmap context_index; /* context number -> index in contexts */
	struct wsim_context *contexts;	 /* parallel to workload->contexts */
	struct wsim_idmap set_index;	 /* id -> index in workload->sets */
	size_t context_capacity;
	size_t number_capacity;
	size_t step_capacity;
	size_t set_capacity;
	struct wsim_step *step; /* being parsed or checked */
	struct wsim_span span;	/* its text */
	size_t number;		/* its number */
};

/* A step's fields without the first one, which tells the kind; or all five of a batch. */
typedef int (*wsim_parse_fn)(struct wsim_parser *parser, const struct wsim_span *fields);

/*
 * Each returns 0, -ENOMEM, or -EINVAL after wsim_fail(). On failure too, what they have put into
 * parser->step stays there and is freed with it.
 */
int wsim_parse_batch(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_us(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_count(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_nothing(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_target(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_context_value(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_preemption(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_map(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_load_balance(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_bond(struct wsim_parser *parser, const struct wsim_span *fields);
int wsim_parse_working_set(struct wsim_parser *parser, const struct wsim_span *fields);

/* The items of a batch's dependency list. */
int wsim_parse_deps(struct wsim_parser *parser, struct wsim_span span);

/* Check what may refer to a later step, once all steps are there. */
int wsim_check_references(struct wsim_parser *parser);

/*
 * A reference "-N" to an earlier step. kinds is a mask of 1u << WSIM_STEP_...; what names them
 * for the message, as in "a batch".
 */
int wsim_parse_backref(struct wsim_parser *parser, struct wsim_span span, unsigned int kinds,
		       const char *what, size_t *ret_step);

/* The context that a field names; its index goes to parser->step, too. */
int wsim_parse_context(struct wsim_parser *parser, struct wsim_span span, uint32_t min,
		       struct wsim_context **ret_context);

/* Engine names. */
int wsim_parse_engine(struct wsim_parser *parser, struct wsim_span span, bool allow_default,
		      struct wsim_engine *ret_engine);
int wsim_parse_engine_list(struct wsim_parser *parser, struct wsim_span span,
			   struct wsim_engine **ret_engines, size_t *ret_count);
/* Is there such an engine in the mock? */
int wsim_check_engine(struct wsim_parser *parser, struct wsim_span span,
		      const struct wsim_engine *engine);

/* Numbers; what names them for the message, as in "a delay in us". */
int wsim_parse_u32(struct wsim_parser *parser, struct wsim_span span, uint32_t min,
		   const char *what, uint32_t *ret_value);
int wsim_parse_integer(struct wsim_parser *parser, struct wsim_span span, const char *what,
		       int64_t *ret_value);
/* BYTES with an optional suffix. */
int wsim_parse_bytes(struct wsim_parser *parser, struct wsim_span span, uint64_t *ret_bytes);

/* Refuse the descriptor: the trouble is at `at` in the current step. Returns -EINVAL. */
int wsim_fail(struct wsim_parser *parser, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, and the message ends with ", found '...'" and the text of the span. */
int wsim_fail_span(struct wsim_parser *parser, struct wsim_span found, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
