/* SPDX-License-Identifier: MIT */
/* The steps that pace a workload: d p t q f s a T. */
#include "parser.h"

#include <errno.h>

int wsim_parse_us(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_step *step = parser->step;
	const char *what = step->kind == WSIM_STEP_DELAY ? "a delay in us" : "a period in us";

	return wsim_parse_u32(parser, fields[0], 1, what, &step->us);
}

int wsim_parse_count(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_step *step = parser->step;
	const char *what =
	    step->kind == WSIM_STEP_THROTTLE ? "a throttle (0 = off)" : "a queue depth (0 = off)";

	return wsim_parse_u32(parser, fields[0], 0, what, &step->count);
}

int wsim_parse_nothing(struct wsim_parser *parser, const struct wsim_span *fields)
{
	(void)parser;
	(void)fields;
	return 0;
}

int wsim_parse_target(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_step *step = parser->step;
	const char *what = "a batch";
	unsigned int kinds = 1u << WSIM_STEP_BATCH;
	int ret;

	if (step->kind == WSIM_STEP_SIGNAL) {
		what = "an f step";
		kinds = 1u << WSIM_STEP_SW_FENCE;
	} else if (step->kind == WSIM_STEP_TERMINATE) {
		what = "an endless batch";
	}
	ret = wsim_parse_backref(parser, fields[0], kinds, what, &step->target);
	if (ret == 0 && step->kind == WSIM_STEP_TERMINATE &&
	    !parser->workload->steps[step->target].batch.endless)
		return wsim_fail_span(parser, fields[0],
				      "expected a reference to an endless batch, one of duration "
				      "*, but step %zu ends by itself",
				      step->target);
	return ret;
}
