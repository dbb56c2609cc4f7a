/* SPDX-License-Identifier: MIT */
/* The dependency list of a batch. */
#include "alloc.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH	 (1u << WSIM_STEP_BATCH)
#define SW_FENCE (1u << WSIM_STEP_SW_FENCE)

/* I or A-B, behind rW- or wW-; whether the set has them is checked at the end. */
static int parse_objects(struct wsim_parser *parser, struct wsim_span span, struct wsim_dep *dep)
{
	struct wsim_span first;
	bool is_range = wsim_lex_cut(&span, "-", &first);
	int ret = wsim_parse_u32(parser, first, 0, "an object of the working set", &dep->first);

	dep->last = dep->first;
	if (ret == 0 && is_range)
		ret = wsim_parse_u32(parser, span, 0, "the last object of a range", &dep->last);
	if (ret == 0 && is_range && dep->last <= dep->first)
		return wsim_fail_span(parser, span,
				      "expected a last object above the first one, %u", dep->first);
	return ret;
}

/* rW-I, rW-A-B, wW-I, wW-A-B */
static int parse_object_dep(struct wsim_parser *parser, struct wsim_span span, struct wsim_dep *dep)
{
	struct wsim_span rest = wsim_span_skip(span, 1), set;
	bool has_object = wsim_lex_cut(&rest, "-", &set);
	int ret = wsim_parse_u32(parser, set, 0, "the id of a working set", &dep->set_id);

	if (ret != 0)
		return ret;
	if (!has_object)
		return wsim_fail_span(
		    parser, span, "expected objects of the working set, as in %c%u-0 or %c%u-0-3",
		    span.ptr[0], dep->set_id, span.ptr[0], dep->set_id);
	dep->kind = WSIM_DEP_OBJECTS;
	dep->write = span.ptr[0] == 'w';
	return parse_objects(parser, rest, dep);
}

static int parse_step_dep(struct wsim_parser *parser, struct wsim_span span,
			  enum wsim_dep_kind kind, struct wsim_dep *dep)
{
	unsigned int kinds = kind == WSIM_DEP_FENCE ? BATCH | SW_FENCE : BATCH;
	const char *what = kind == WSIM_DEP_FENCE ? "a batch or an f step" : "a batch";

	dep->kind = kind;
	return wsim_parse_backref(parser, span, kinds, what, &dep->step);
}

static int parse_item(struct wsim_parser *parser, struct wsim_span span, struct wsim_dep *dep)
{
	switch (span.len == 0 ? '\0' : span.ptr[0]) {
	case '-':
		return parse_step_dep(parser, span, WSIM_DEP_OUTPUT, dep);
	case 'r':
	case 'w':
		return parse_object_dep(parser, span, dep);
	case 'f':
		return parse_step_dep(parser, wsim_span_skip(span, 1), WSIM_DEP_FENCE, dep);
	case 's':
		return parse_step_dep(parser, wsim_span_skip(span, 1), WSIM_DEP_SUBMIT, dep);
	default:
		break;
	}
	if (wsim_span_is(span, "0"))
		return wsim_fail_span(parser, span,
				      "expected 0 for no dependencies only alone, not in a list");
	return wsim_fail_span(parser, span,
			      "expected 0 or dependencies of the forms -N, rW-I, rW-A-B, wW-I, "
			      "wW-A-B, f-N, s-N");
}

static void count_dep(struct wsim_batch *batch, enum wsim_dep_kind kind)
{
	batch->num_outputs += kind == WSIM_DEP_OUTPUT;
	batch->num_object_deps += kind == WSIM_DEP_OBJECTS;
	batch->num_fences += kind == WSIM_DEP_FENCE;
	batch->num_submits += kind == WSIM_DEP_SUBMIT;
}

int wsim_parse_deps(struct wsim_parser *parser, struct wsim_span span)
{
	struct wsim_batch *batch = &parser->step->batch;
	bool more;

	if (wsim_span_is(span, "0"))
		return 0;
	batch->deps = wsim_calloc(wsim_lex_count(span, WSIM_LIST), sizeof(*batch->deps));
	if (batch->deps == NULL)
		return -ENOMEM;
	do {
		struct wsim_dep *dep = &batch->deps[batch->num_deps];
		struct wsim_span item;
		int ret;

		more = wsim_lex_cut(&span, WSIM_LIST, &item);
		dep->column = parser->step->column + (uint32_t)(item.ptr - parser->span.ptr);
		ret = parse_item(parser, item, dep);
		if (ret != 0)
			return ret;
		count_dep(batch, dep->kind);
		batch->num_deps++;
	} while (more);
	return 0;
}
