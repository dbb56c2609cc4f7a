/* SPDX-License-Identifier: MIT */
/* Working sets: w and W. */
#include "alloc.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>

/* SIZE without its count: BYTES or MIN-MAX. */
static int parse_range(struct wsim_parser *parser, struct wsim_span span, struct wsim_group *group)
{
	struct wsim_span min;
	bool is_range = wsim_lex_cut(&span, "-", &min);
	int ret = wsim_parse_bytes(parser, min, &group->min_bytes);

	group->max_bytes = group->min_bytes;
	if (ret == 0 && is_range)
		ret = wsim_parse_bytes(parser, span, &group->max_bytes);
	if (ret == 0 && is_range && group->max_bytes <= group->min_bytes)
		return wsim_fail_span(parser, span,
				      "expected a largest size above the smallest one");
	return ret;
}

/* One SIZE: [Nn]BYTES or [Nn]MIN-MAX. */
static int parse_group(struct wsim_parser *parser, struct wsim_span span, struct wsim_group *group)
{
	struct wsim_span rest = span, count;

	group->count = 1;
	if (wsim_lex_cut(&rest, "n", &count)) {
		int ret =
		    wsim_parse_u32(parser, count, 1, "a number of objects before n", &group->count);

		if (ret != 0)
			return ret;
		span = rest;
	}
	return parse_range(parser, span, group);
}

/* Add a group to its set and to the sums, which stay under WSIM_MAX_BYTES. */
static int add_group(struct wsim_parser *parser, struct wsim_span span, struct wsim_set *set,
		     const struct wsim_group *group)
{
	struct wsim_workload *workload = parser->workload;
	uint64_t left = WSIM_MAX_BYTES - 1 - workload->max_bytes;

	if (group->max_bytes > left / group->count)
		return wsim_fail_span(parser, span,
				      "expected sizes whose sum stays under 2^40 bytes");
	set->groups[set->num_groups] = *group;
	set->groups[set->num_groups++].first = set->num_objects;
	set->num_objects += group->count;
	set->min_bytes += group->count * group->min_bytes;
	set->max_bytes += group->count * group->max_bytes;
	workload->num_objects += group->count;
	workload->min_bytes += group->count * group->min_bytes;
	workload->max_bytes += group->count * group->max_bytes;
	return 0;
}

static int parse_groups(struct wsim_parser *parser, struct wsim_span rest, struct wsim_set *set)
{
	bool more;
	int ret;

	set->groups = wsim_calloc(wsim_lex_count(rest, WSIM_LIST), sizeof(*set->groups));
	if (set->groups == NULL)
		return -ENOMEM;
	do {
		struct wsim_span item;
		struct wsim_group group;

		more = wsim_lex_cut(&rest, WSIM_LIST, &item);
		ret = parse_group(parser, item, &group);
		if (ret == 0)
			ret = add_group(parser, item, set, &group);
	} while (ret == 0 && more);
	return ret;
}

/* Append an empty set; whatever fails later, it is the workload's to free. */
static int add_set(struct wsim_parser *parser, uint32_t id, struct wsim_set **ret_set)
{
	struct wsim_workload *workload = parser->workload;
	struct wsim_set *sets =
	    wsim_grow(workload->sets, workload->num_sets, &parser->set_capacity, sizeof(*sets));

	if (sets == NULL)
		return -ENOMEM;
	workload->sets = sets;
	if (wsim_idmap_add(&parser->set_index, id, workload->num_sets) != 0)
		return -ENOMEM;
	parser->step->set = workload->num_sets;
	*ret_set = &sets[workload->num_sets++];
	**ret_set = (struct wsim_set){
	    .id = id, .shared = parser->step->text[0] == 'W', .step = workload->num_steps};
	return 0;
}

int wsim_parse_working_set(struct wsim_parser *parser, const struct wsim_span *fields)
{
	struct wsim_set *set;
	uint32_t id;
	size_t other;
	int ret = wsim_parse_u32(parser, fields[0], 0, "the id of a working set", &id);

	if (ret != 0)
		return ret;
	other = wsim_idmap_find(&parser->set_index, id);
	if (other != SIZE_MAX)
		return wsim_fail_span(
		    parser, fields[0], "expected an id of its own, but line %u has working set %u",
		    parser->workload->steps[parser->workload->sets[other].step].line, id);
	ret = add_set(parser, id, &set);
	return ret != 0 ? ret : parse_groups(parser, fields[1], set);
}
