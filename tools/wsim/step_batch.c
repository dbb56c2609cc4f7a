/* SPDX-License-Identifier: MIT */
/* Batches: ctx.engine.duration.dependencies.wait */
#include "parser.h"

#include <errno.h>

static int parse_duration(struct wsim_parser *parser, struct wsim_span span,
			  struct wsim_batch *batch)
{
	static const char *const what = "a duration in us (N, MIN-MAX or *)";
	struct wsim_span min;
	bool is_range;
	int ret;

	batch->endless = wsim_span_is(span, "*");
	if (batch->endless)
		return 0;
	is_range = wsim_lex_cut(&span, "-", &min);
	ret = wsim_parse_u32(parser, min, 1, what, &batch->min_us);
	batch->max_us = batch->min_us;
	if (ret == 0 && is_range)
		ret = wsim_parse_u32(parser, span, 1, what, &batch->max_us);
	if (ret == 0 && is_range && batch->max_us <= batch->min_us)
		return wsim_fail_span(parser, span,
				      "expected a longest duration above the shortest one");
	return ret;
}

static int parse_wait(struct wsim_parser *parser, struct wsim_span span, bool *ret_wait)
{
	*ret_wait = wsim_span_is(span, "1");
	if (!*ret_wait && !wsim_span_is(span, "0"))
		return wsim_fail_span(parser, span, "expected a wait flag, 0 or 1");
	return 0;
}

/* Without a map DEFAULT is RCS, which the mock may not have. */
static int check_default(struct wsim_parser *parser, struct wsim_span span)
{
	const struct wsim_batch *batch = &parser->step->batch;
	const struct wsim_engine rcs = {.class = WSIM_RCS};

	if (batch->engine.class != WSIM_DEFAULT || batch->map_step != WSIM_NO_STEP)
		return 0;
	return wsim_check_engine(parser, span, &rcs);
}

int wsim_parse_batch(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_batch *batch = &parser->step->batch;
	struct wsim_context *context;
	int ret = wsim_parse_context(parser, fields[0], 0, &context);

	if (ret != 0)
		return ret;
	batch->map_step = context->map_step;
	batch->balanced = context->balanced;
	batch->preemptible = context->preemptible;
	batch->preempt_us = context->preempt_us;
	ret = wsim_parse_engine(parser, fields[1], true, &batch->engine);
	if (ret == 0)
		ret = check_default(parser, fields[1]);
	if (ret == 0)
		ret = parse_duration(parser, fields[2], batch);
	if (ret == 0)
		ret = wsim_parse_deps(parser, fields[3]);
	if (ret == 0)
		ret = parse_wait(parser, fields[4], &batch->wait);
	return ret;
}
