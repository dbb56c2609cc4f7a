/* SPDX-License-Identifier: MIT */
/* What can only be checked once every step is known: a working set may be declared later. */
#include "parser.h"

#include <string.h>

static int check_objects(struct wsim_parser *parser, struct wsim_dep *dep)
{
	struct wsim_span rest = wsim_span_skip(parser->span, dep->column - parser->step->column);
	struct wsim_span item;
	uint64_t num_objects;

	dep->set = wsim_idmap_find(&parser->set_index, dep->set_id);
	wsim_lex_cut(&rest, WSIM_LIST ".", &item);
	if (dep->set == SIZE_MAX)
		return wsim_fail_span(parser, item,
				      "expected a working set that a w.%u or W.%u step declares",
				      dep->set_id, dep->set_id);
	num_objects = parser->workload->sets[dep->set].num_objects;
	if (dep->last >= num_objects)
		return wsim_fail_span(
		    parser, item, "expected objects of working set %u, which has %llu: 0 to %llu",
		    dep->set_id, (unsigned long long)num_objects,
		    (unsigned long long)num_objects - 1);
	return 0;
}

int wsim_check_references(struct wsim_parser *parser)
{
	struct wsim_workload *workload = parser->workload;

	for (size_t i = 0; i < workload->num_steps; i++) {
		struct wsim_step *step = &workload->steps[i];

		if (step->kind != WSIM_STEP_BATCH || step->batch.num_object_deps == 0)
			continue;
		parser->step = step;
		parser->number = i;
		parser->span = (struct wsim_span){step->text, strlen(step->text)};
		for (size_t j = 0; j < step->batch.num_deps; j++) {
			struct wsim_dep *dep = &step->batch.deps[j];
			int ret = 0;

			if (dep->kind == WSIM_DEP_OBJECTS)
				ret = check_objects(parser, dep);
			if (ret != 0)
				return ret;
		}
	}
	return 0;
}
