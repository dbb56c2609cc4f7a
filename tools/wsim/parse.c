/* SPDX-License-Identifier: MIT */
/*
 * The parser proper: one pass over the steps, then one for what may be declared later.
 *
 * Invariant: whatever was allocated hangs on the workload, or on the step being parsed, which
 * joins the workload only when it is complete.
 */
#include "alloc.h"
#include "error.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 5

struct step_form {
	char key; /* the first field; 0 for a batch, whose first field is a number */
	enum wsim_step_kind kind;
	unsigned int num_fields; /* the first one included */
	const char *form;	 /* for messages */
	wsim_parse_fn parse;
};

static const struct step_form forms[] = {
    {'d', WSIM_STEP_DELAY, 2, "d.US", wsim_parse_us},
    {'p', WSIM_STEP_PERIOD, 2, "p.US", wsim_parse_us},
    {'s', WSIM_STEP_SYNC, 2, "s.-N", wsim_parse_target},
    {'t', WSIM_STEP_THROTTLE, 2, "t.N", wsim_parse_count},
    {'q', WSIM_STEP_QUEUE_DEPTH, 2, "q.N", wsim_parse_count},
    {'f', WSIM_STEP_SW_FENCE, 1, "f", wsim_parse_nothing},
    {'a', WSIM_STEP_SIGNAL, 2, "a.-N", wsim_parse_target},
    {'T', WSIM_STEP_TERMINATE, 2, "T.-N", wsim_parse_target},
    {'P', WSIM_STEP_PRIORITY, 3, "P.CTX.PRIO", wsim_parse_context_value},
    {'S', WSIM_STEP_SLICE_MASK, 3, "S.CTX.MASK", wsim_parse_context_value},
    {'X', WSIM_STEP_PREEMPTION, 3, "X.CTX.US", wsim_parse_preemption},
    {'M', WSIM_STEP_ENGINE_MAP, 3, "M.CTX.E[|E...]", wsim_parse_map},
    {'B', WSIM_STEP_LOAD_BALANCE, 2, "B.CTX", wsim_parse_load_balance},
    {'b', WSIM_STEP_BOND, 4, "b.CTX.E[|E...].MASTER", wsim_parse_bond},
    {'w', WSIM_STEP_WORKING_SET, 3, "w.ID.SIZE[/SIZE...]", wsim_parse_working_set},
    {'W', WSIM_STEP_WORKING_SET, 3, "W.ID.SIZE[/SIZE...]", wsim_parse_working_set},
};

static const struct step_form batch_form = {
    0, WSIM_STEP_BATCH, 5, "ctx.engine.duration.dependencies.wait", wsim_parse_batch};

const char *wsim_step_kind_name(enum wsim_step_kind kind)
{
	static const char *const names[] = {
	    [WSIM_STEP_BATCH] = "batch",
	    [WSIM_STEP_DELAY] = "delay",
	    [WSIM_STEP_PERIOD] = "period",
	    [WSIM_STEP_SYNC] = "sync",
	    [WSIM_STEP_THROTTLE] = "throttle",
	    [WSIM_STEP_QUEUE_DEPTH] = "queue-depth",
	    [WSIM_STEP_SW_FENCE] = "software-fence",
	    [WSIM_STEP_SIGNAL] = "signal",
	    [WSIM_STEP_TERMINATE] = "terminate",
	    [WSIM_STEP_PRIORITY] = "priority",
	    [WSIM_STEP_SLICE_MASK] = "slice-mask",
	    [WSIM_STEP_PREEMPTION] = "preemption",
	    [WSIM_STEP_ENGINE_MAP] = "engine-map",
	    [WSIM_STEP_LOAD_BALANCE] = "load-balance",
	    [WSIM_STEP_BOND] = "bond",
	    [WSIM_STEP_WORKING_SET] = "working-set",
	};

	return names[kind];
}

static void fini_step(struct wsim_step *step)
{
	if (step->kind == WSIM_STEP_BATCH)
		free(step->batch.deps);
	else if (step->kind == WSIM_STEP_ENGINE_MAP)
		free(step->map.engines);
	else if (step->kind == WSIM_STEP_BOND)
		free(step->bond.engines);
}

/* A first field that looks like a number, even a wrong one, is taken for a context. */
static const struct step_form *find_form(struct wsim_span key)
{
	for (size_t i = 0; key.len == 1 && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i].key == key.ptr[0])
			return &forms[i];
	}
	if (key.len > 0 && (key.ptr[0] == '-' || (key.ptr[0] >= '0' && key.ptr[0] <= '9')))
		return &batch_form;
	return NULL;
}

/* Cut the step into the fields of its form; the first one was cut off already. */
static int cut_fields(struct wsim_parser *parser, const struct step_form *form,
		      struct wsim_span rest, bool more, struct wsim_span *fields)
{
	unsigned int count = 1;

	while (more && count < form->num_fields)
		more = wsim_lex_cut(&rest, ".", &fields[count++]);
	if (count < form->num_fields)
		return wsim_fail(parser, parser->span.ptr + parser->span.len,
				 "expected %u fields, %s, found only %u", form->num_fields,
				 form->form, count);
	if (more)
		return wsim_fail_span(parser, rest, "expected no more than %u field%s, %s",
				      form->num_fields, form->num_fields == 1 ? "" : "s",
				      form->form);
	return 0;
}

/* Parse the step at parser->step and parser->span. */
static int parse_step(struct wsim_parser *parser)
{
	struct wsim_span fields[MAX_FIELDS], rest = parser->span;
	bool more = wsim_lex_cut(&rest, ".", &fields[0]);
	const struct step_form *form = find_form(fields[0]);
	int ret;

	if (form == NULL)
		return wsim_fail_span(
		    parser, fields[0],
		    "expected a step: a batch ctx.engine.duration.dependencies.wait "
		    "or one of d p s t q f a T P S X M B b w W");
	parser->step->kind = form->kind;
	ret = cut_fields(parser, form, rest, more, fields);
	if (ret != 0)
		return ret;
	return form->parse(parser, form->key == 0 ? fields : fields + 1);
}

static int append_step(struct wsim_parser *parser, const struct wsim_step *step)
{
	struct wsim_workload *workload = parser->workload;
	size_t number = workload->num_steps;
	struct wsim_step *steps =
	    wsim_grow(workload->steps, number, &parser->step_capacity, sizeof(*steps));

	if (steps == NULL)
		return -ENOMEM;
	workload->steps = steps;
	steps[number] = *step;
	if (step->kind == WSIM_STEP_BATCH) {
		steps[number].prev_batch = number;
		workload->num_batches++;
	} else {
		steps[number].prev_batch =
		    number == 0 ? WSIM_NO_STEP : steps[number - 1].prev_batch;
	}
	workload->num_steps++;
	return 0;
}

static int parse_steps(struct wsim_parser *parser, struct wsim_lexer *lexer)
{
	struct wsim_step step = {0};
	int ret = 0;

	parser->step = &step;
	while (ret == 0 && wsim_lex_step(lexer, &parser->span, &step.line, &step.column)) {
		step.text = parser->span.ptr;
		parser->number = parser->workload->num_steps;
		ret = parse_step(parser);
		if (ret == 0)
			ret = append_step(parser, &step);
		if (ret != 0)
			fini_step(&step);
		step = (struct wsim_step){0};
	}
	parser->step = NULL;
	return ret;
}

/* Base name without .wsim. */
static char *short_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash == NULL || slash[1] == '\0' ? name : slash + 1;
	size_t len = strlen(base);

	if (len > 5 && strcmp(base + len - 5, ".wsim") == 0)
		len -= 5;
	return wsim_copy(base, len);
}

static struct wsim_workload *create_workload(const char *name, const char *text, size_t len)
{
	struct wsim_workload *workload = wsim_calloc(1, sizeof(*workload));

	if (workload == NULL)
		return NULL;
	workload->name = short_name(name);
	workload->source = wsim_copy(name, strlen(name));
	workload->text = wsim_copy(text, len);
	if (workload->name == NULL || workload->source == NULL || workload->text == NULL) {
		wsim_free(workload);
		return NULL;
	}
	return workload;
}

static int parse_text(struct wsim_parser *parser, size_t len, bool from_file)
{
	struct wsim_lexer lexer = {
	    .text = parser->workload->text, .len = len, .from_file = from_file, .line = 1};
	int ret = parse_steps(parser, &lexer);

	if (ret != 0)
		return ret;
	if (parser->workload->num_steps == 0) {
		wsim_error_set_file(parser->err, parser->workload->source,
				    "expected at least one step, found none");
		/* Where the text ends. */
		parser->err->line = lexer.line;
		parser->err->column = 1;
		return -EINVAL;
	}
	return wsim_check_references(parser);
}

int wsim_parse(const char *name, const char *text, size_t len, bool from_file,
	       const struct wsim_engine_counts *engines, struct wsim_workload **ret_workload,
	       struct wsim_error *err)
{
	struct wsim_parser parser = {.engines = engines, .err = err};
	int ret = -ENOMEM;

	if (len > WSIM_MAX_TEXT) {
		wsim_error_set_file(err, name, "expected at most 1 MiB (%zu bytes)", WSIM_MAX_TEXT);
		return -EINVAL;
	}
	parser.workload = create_workload(name, text, len);
	if (parser.workload != NULL)
		ret = parse_text(&parser, len, from_file);
	wsim_idmap_fini(&parser.context_index);
	wsim_idmap_fini(&parser.set_index);
	free(parser.contexts);
	if (ret == 0) {
		*ret_workload = parser.workload;
		return 0;
	}
	wsim_free(parser.workload);
	if (ret == -ENOMEM)
		wsim_error_set_file(err, name, "out of memory");
	return ret;
}

void wsim_free(struct wsim_workload *workload)
{
	if (workload == NULL)
		return;
	for (size_t i = 0; i < workload->num_steps; i++)
		fini_step(&workload->steps[i]);
	for (size_t i = 0; i < workload->num_sets; i++)
		free(workload->sets[i].groups);
	free(workload->steps);
	free(workload->sets);
	free(workload->contexts);
	free(workload->name);
	free(workload->source);
	free(workload->text);
	free(workload);
}
