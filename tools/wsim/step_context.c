/* SPDX-License-Identifier: MIT */
/* The steps that change a context: P S X M B b. */
#include "alloc.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>

/* Room for one more context in both arrays. */
static int grow_contexts(struct wsim_parser *parser)
{
	struct wsim_workload *workload = parser->workload;
	uint32_t *numbers;
	struct wsim_context *contexts;

	numbers = wsim_grow(workload->contexts, workload->num_contexts, &parser->number_capacity,
			    sizeof(*numbers));
	if (numbers == NULL)
		return -ENOMEM;
	workload->contexts = numbers;
	contexts = wsim_grow(parser->contexts, workload->num_contexts, &parser->context_capacity,
			     sizeof(*contexts));
	if (contexts == NULL)
		return -ENOMEM;
	parser->contexts = contexts;
	return 0;
}

static int add_context(struct wsim_parser *parser, uint32_t number)
{
	struct wsim_workload *workload = parser->workload;
	size_t index = workload->num_contexts;
	int ret = grow_contexts(parser);

	if (ret == 0)
		ret = wsim_idmap_add(&parser->context_index, number, index);
	if (ret != 0)
		return ret;
	workload->contexts[index] = number;
	parser->contexts[index] =
	    (struct wsim_context){.map_step = WSIM_NO_STEP, .preemptible = true};
	workload->num_contexts++;
	return 0;
}

int wsim_parse_context(struct wsim_parser *parser, struct wsim_span span, uint32_t min,
		       struct wsim_context **ret_context)
{
	struct wsim_step *step = parser->step;
	int ret = wsim_parse_u32(parser, span, min, "a context number", &step->ctx);

	if (ret != 0)
		return ret;
	step->ctx_index = wsim_idmap_find(&parser->context_index, step->ctx);
	if (step->ctx_index == SIZE_MAX) {
		step->ctx_index = parser->workload->num_contexts;
		ret = add_context(parser, step->ctx);
	}
	if (ret == 0)
		*ret_context = &parser->contexts[step->ctx_index];
	return ret;
}

int wsim_parse_context_value(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_step *step = parser->step;
	const char *what = step->kind == WSIM_STEP_PRIORITY ? "a priority" : "a slice mask";
	struct wsim_context *context;
	int ret = wsim_parse_context(parser, fields[0], 1, &context);

	return ret != 0 ? ret : wsim_parse_integer(parser, fields[1], what, &step->value);
}

int wsim_parse_preemption(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_step *step = parser->step;
	struct wsim_context *context;
	int ret = wsim_parse_context(parser, fields[0], 1, &context);

	if (ret == 0)
		ret =
		    wsim_parse_u32(parser, fields[1], 0, "a preemption interval in us", &step->us);
	if (ret != 0)
		return ret;
	context->preempt_us = step->us;
	context->preemptible = step->us != 0;
	return 0;
}

int wsim_parse_map(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_engine_map *map = &parser->step->map;
	struct wsim_context *context;
	int ret = wsim_parse_context(parser, fields[0], 1, &context);

	if (ret == 0)
		ret = wsim_parse_engine_list(parser, fields[1], &map->engines, &map->num_engines);
	if (ret != 0)
		return ret;
	context->map_step = parser->workload->num_steps;
	context->balanced = false; /* a B step is about the map before it */
	return 0;
}

/* The context of a B or b step, which must have a map. */
static int parse_mapped_context(struct wsim_parser *parser, struct wsim_span span,
				struct wsim_context **ret_context)
{
	int ret = wsim_parse_context(parser, span, 1, ret_context);

	if (ret == 0 && (*ret_context)->map_step == WSIM_NO_STEP)
		return wsim_fail_span(parser, span,
				      "expected a context with an engine map: M.%u... before this",
				      parser->step->ctx);
	return ret;
}

int wsim_parse_load_balance(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_context *context;
	int ret = parse_mapped_context(parser, fields[0], &context);

	if (ret != 0)
		return ret;
	parser->step->map_step = context->map_step;
	context->balanced = true;
	return 0;
}

int wsim_parse_bond(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_bond *bond = &parser->step->bond;
	struct wsim_context *context;
	int ret = parse_mapped_context(parser, fields[0], &context);

	if (ret == 0)
		ret = wsim_parse_engine_list(parser, fields[1], &bond->engines, &bond->num_engines);
	if (ret == 0)
		ret = wsim_parse_engine(parser, fields[2], false, &bond->master);
	if (ret == 0)
		bond->map_step = context->map_step;
	return ret;
}
