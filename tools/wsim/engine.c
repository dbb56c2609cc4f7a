/* SPDX-License-Identifier: MIT */
/* Engine names: parsing, checking against the mock, and what a batch may run on. */
#include "alloc.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NO_GT UINT32_MAX

static const char *const class_names[] = {
    [WSIM_RCS] = "RCS",	  [WSIM_BCS] = "BCS", [WSIM_VCS] = "VCS",
    [WSIM_VECS] = "VECS", [WSIM_CCS] = "CCS", [WSIM_DEFAULT] = "DEFAULT",
};

const char *wsim_class_name(enum wsim_class class)
{
	return class_names[class];
}

int wsim_engine_format(const struct wsim_engine *engine, char *buf, size_t size)
{
	char instance[16] = "", gt[16] = "";

	if (engine->instance != 0)
		snprintf(instance, sizeof(instance), "%u", engine->instance);
	if (engine->gt != NO_GT)
		snprintf(gt, sizeof(gt), "-%u", engine->gt);
	return snprintf(buf, size, "%s%s%s", class_names[engine->class], instance, gt);
}

/* The class whose name the span begins with; no name begins with another one. */
static bool find_class(struct wsim_span span, enum wsim_class *ret_class)
{
	for (int i = 0; i <= WSIM_DEFAULT; i++) {
		size_t len = strlen(class_names[i]);

		if (span.len >= len && strncasecmp(span.ptr, class_names[i], len) == 0) {
			*ret_class = (enum wsim_class)i;
			return true;
		}
	}
	return false;
}

/* What stands behind the name of a class: an instance, a GT, both or nothing. */
static int parse_suffix(struct wsim_parser *parser, struct wsim_span span,
			struct wsim_engine *engine)
{
	struct wsim_span instance;
	bool has_gt = wsim_lex_cut(&span, "-", &instance);

	if (instance.len > 0 &&
	    wsim_parse_u32(parser, instance, 1, "an instance of the engine", &engine->instance))
		return -EINVAL;
	if (has_gt && wsim_parse_u32(parser, span, 0, "a GT number", &engine->gt) != 0)
		return -EINVAL;
	return 0;
}

int wsim_parse_engine(struct wsim_parser *parser, struct wsim_span span, bool allow_default,
		      struct wsim_engine *ret_engine)
{
	struct wsim_engine engine = {.gt = NO_GT};
	struct wsim_span suffix;
	bool known = find_class(span, &engine.class);

	if (!known || (engine.class == WSIM_DEFAULT &&
		       (!allow_default || span.len != strlen(class_names[WSIM_DEFAULT]))))
		return wsim_fail_span(
		    parser, span, "expected an engine: %sRCS, BCS, VCS, VECS or CCS, as in VCS2",
		    allow_default ? "DEFAULT or " : "");
	suffix = wsim_span_skip(span, strlen(class_names[engine.class]));
	if (parse_suffix(parser, suffix, &engine) != 0)
		return -EINVAL;
	*ret_engine = engine;
	/* What DEFAULT means depends on the context: wsim_parse_batch() looks after it. */
	return engine.class == WSIM_DEFAULT ? 0 : wsim_check_engine(parser, span, ret_engine);
}

int wsim_check_engine(struct wsim_parser *parser, struct wsim_span span,
		      const struct wsim_engine *engine)
{
	uint32_t want = engine->instance == 0 ? 1 : engine->instance;
	const char *name = class_names[engine->class];
	char lower[8];
	uint32_t have;

	if (parser->engines == NULL || want <= parser->engines->count[engine->class])
		return 0;
	have = parser->engines->count[engine->class];
	for (size_t i = 0; i <= strlen(name); i++)
		lower[i] = (char)(name[i] | (name[i] != '\0' ? 0x20 : 0));
	return wsim_fail_span(
	    parser, span,
	    "expected an engine of the mock, which has %u %s (more with --engines %s=%u)", have,
	    name, lower, want);
}

/* The same engine named twice in a list stands for itself once. */
static bool is_listed(const struct wsim_idmap *seen, const struct wsim_engine *engine)
{
	return wsim_idmap_find(seen, (uint64_t)engine->class << 32 | engine->instance) != SIZE_MAX;
}

static int parse_items(struct wsim_parser *parser, struct wsim_span rest,
		       struct wsim_engine *engines, size_t *ret_count)
{
	struct wsim_idmap seen = {0};
	size_t count = 0;
	bool more;
	int ret = 0;

	do {
		struct wsim_span item;
		struct wsim_engine *engine = &engines[count];

		more = wsim_lex_cut(&rest, WSIM_LIST, &item);
		ret = wsim_parse_engine(parser, item, false, engine);
		if (ret != 0 || is_listed(&seen, engine))
			continue;
		ret = wsim_idmap_add(&seen, (uint64_t)engine->class << 32 | engine->instance,
				     count++);
	} while (ret == 0 && more);
	wsim_idmap_fini(&seen);
	*ret_count = count;
	return ret;
}

int wsim_parse_engine_list(struct wsim_parser *parser, struct wsim_span span,
			   struct wsim_engine **ret_engines, size_t *ret_count)
{
	size_t count = wsim_lex_count(span, WSIM_LIST);
	struct wsim_engine *engines = wsim_calloc(count, sizeof(*engines));
	int ret;

	if (engines == NULL)
		return -ENOMEM;
	ret = parse_items(parser, span, engines, &count);
	if (ret != 0) {
		free(engines);
		return ret;
	}
	*ret_engines = engines;
	*ret_count = count;
	return 0;
}

/* Does one of the first count entries stand for this engine? */
static bool map_covers(const struct wsim_engine_map *map, size_t count, enum wsim_class class,
		       uint32_t instance)
{
	for (size_t i = 0; i < count; i++) {
		const struct wsim_engine *entry = &map->engines[i];

		if (entry->class == class && (entry->instance == 0 || entry->instance == instance))
			return true;
	}
	return false;
}

static bool wanted(const struct wsim_engine *want, enum wsim_class class, uint32_t instance)
{
	return want->class == WSIM_DEFAULT ||
	       (want->class == class && (want->instance == 0 || want->instance == instance));
}

/* Where wsim_batch_engines() puts them; count may go beyond max. */
struct collector {
	const struct wsim_engine_counts *counts;
	struct wsim_engine *engines;
	size_t max;
	size_t count;
};

/*
 * Add what both the entry and the batch want; not again what the num_before entries of the map
 * before this one stand for.
 */
static void collect(struct collector *out, const struct wsim_engine *entry,
		    const struct wsim_engine *want, const struct wsim_engine_map *map,
		    size_t num_before)
{
	uint32_t first = entry->instance == 0 ? 1 : entry->instance;
	uint32_t last = entry->instance == 0 ? out->counts->count[entry->class] : first;

	for (uint32_t i = first; i <= last; i++) {
		if (!wanted(want, entry->class, i) || map_covers(map, num_before, entry->class, i))
			continue;
		if (out->count < out->max)
			out->engines[out->count] = (struct wsim_engine){entry->class, i, entry->gt};
		out->count++;
	}
}

size_t wsim_batch_engines(const struct wsim_workload *workload, const struct wsim_step *step,
			  const struct wsim_engine_counts *engines, struct wsim_engine *ret_engines,
			  size_t max)
{
	static const struct wsim_engine_map no_map;
	const struct wsim_batch *batch = &step->batch;
	struct collector out = {engines, ret_engines, max, 0};
	struct wsim_engine want = batch->engine;
	const struct wsim_engine_map *map = &no_map;

	if (batch->map_step != WSIM_NO_STEP)
		map = &workload->steps[batch->map_step].map;
	for (size_t i = 0; i < map->num_engines; i++)
		collect(&out, &map->engines[i], &want, map, i);
	if (want.class == WSIM_DEFAULT) {
		if (out.count > 0)
			return batch->balanced ? out.count : 1;
		want.class = WSIM_RCS;
	}
	if (out.count == 0) /* an engine outside the map is used as named */
		collect(&out, &want, &want, &no_map, 0);
	return out.count;
}
