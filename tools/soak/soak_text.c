/* SPDX-License-Identifier: MIT */
#include "tools/soak/soak_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define MAX_OBJECTS 24
#define MAX_GROUPS  20
#define MAX_DEPS    10
#define MAX_US	    400
#define PERIOD_US   2000

/* Contexts 1 and 2 have a map; 3 and 4 name their engines. */
#define NUM_CONTEXTS 4

static const char *const engine_names[] = {"RCS",  "BCS",  "VCS", "VCS1",
					   "VCS2", "VECS", "CCS", "DEFAULT"};

#define NUM_ENGINE_NAMES (sizeof(engine_names) / sizeof(engine_names[0]))

static uint64_t draw(struct soak_text *text, uint64_t min, uint64_t max)
{
	return wsim_rng_range(text->rng, min, max);
}

/* There is room for far more than the longest descriptor. */
static void __attribute__((format(printf, 2, 3)))
put(struct soak_text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->bytes + text->used, SOAK_TEXT_BYTES - text->used, format, args);
	va_end(args);
	text->used += (size_t)length;
}

static void end_step(struct soak_text *text)
{
	put(text, "\n");
	text->num_steps++;
}

static void put_step(struct soak_text *text, const char *step)
{
	put(text, "%s", step);
	end_step(text);
}

/* A private set, a shared one, and one of random sizes. */
static void put_sets(struct soak_text *text)
{
	for (uint32_t i = 0; i < SOAK_NUM_SETS; i++)
		text->num_objects[i] = (uint32_t)draw(text, 1, MAX_OBJECTS);
	put(text, "w.0.%" PRIu32 "n8k\n", text->num_objects[0]);
	put(text, "W.1.%" PRIu32 "n64k\n", text->num_objects[1]);
	put(text, "w.2.%" PRIu32 "n100-9k\n", text->num_objects[2]);
	text->num_steps += SOAK_NUM_SETS;
}

static void put_contexts(struct soak_text *text)
{
	put_step(text, "M.1.VCS");
	put_step(text, "B.1");
	put_step(text, "M.2.RCS|CCS");
	put_step(text, draw(text, 0, 1) == 0 ? "B.2" : "b.2.CCS.RCS");
	put_step(text, draw(text, 0, 1) == 0 ? "P.3.2" : "P.3.-1");
	put_step(text, draw(text, 0, 1) == 0 ? "X.4.0" : "X.4.100");
	put_step(text, "S.4.1");
	put_step(text, draw(text, 0, 1) == 0 ? "t.0" : "t.3");
	put_step(text, draw(text, 0, 1) == 0 ? "q.0" : "q.4");
}

static void put_dep(struct soak_text *text, const char *kind, uint32_t back)
{
	put(text, "%s%s-%" PRIu32, text->separator, kind, back);
	text->separator = "/";
}

static void put_object(struct soak_text *text)
{
	const uint32_t set = (uint32_t)draw(text, 0, SOAK_NUM_SETS - 1);
	const uint32_t object = (uint32_t)draw(text, 0, text->num_objects[set] - 1);
	char kind[16];

	snprintf(kind, sizeof(kind), "%c%" PRIu32, draw(text, 0, 2) == 0 ? 'w' : 'r', set);
	put_dep(text, kind, object);
}

/* duration NULL = random; fence is the in-fence's kind, or NULL, and stands one step back. */
static void put_batch(struct soak_text *text, const char *duration, const char *fence, bool wait)
{
	const uint64_t num_objects = draw(text, 1, MAX_DEPS);

	put(text, "%" PRIu64 ".%s.", draw(text, 1, NUM_CONTEXTS),
	    engine_names[draw(text, 0, NUM_ENGINE_NAMES - 1)]);
	if (duration != NULL)
		put(text, "%s.", duration);
	else
		put(text, "%" PRIu64 "-%" PRIu64 ".", draw(text, 1, MAX_US),
		    MAX_US + draw(text, 1, MAX_US));
	text->separator = "";
	if (fence != NULL)
		put_dep(text, fence, 1);
	for (uint64_t i = 0; i < num_objects; i++)
		put_object(text);
	if (text->num_batches > 0 && draw(text, 0, 2) == 0)
		put_dep(text, "", text->num_steps - text->last_batch);
	put(text, ".%d", wait);
	text->last_batch = text->num_steps;
	text->num_batches++;
	end_step(text);
}

/* A few steps that belong together; whatever they hold back they also let go. */
static void put_group(struct soak_text *text)
{
	switch (draw(text, 0, 6)) {
	case 0: /* held by a software fence */
		put_step(text, "f");
		put_batch(text, NULL, "f", false);
		put_step(text, "a.-2");
		break;
	case 1: /* endless until the next step */
		put_batch(text, "*", NULL, false);
		put_step(text, "T.-1");
		break;
	case 2: /* after the start, and after the end, of the one before */
		put_batch(text, NULL, NULL, false);
		put_batch(text, NULL, draw(text, 0, 1) == 0 ? "s" : "f", false);
		break;
	case 3: /* waited for at once, or by a step */
		put_batch(text, NULL, NULL, true);
		put_batch(text, NULL, NULL, false);
		put_step(text, "s.-1");
		break;
	case 4:
		put(text, "d.%" PRIu64, draw(text, 1, MAX_US));
		end_step(text);
		break;
	default:
		put_batch(text, NULL, NULL, false);
		break;
	}
}

void soak_text_write(struct soak_text *text)
{
	const uint64_t num_groups = draw(text, 1, MAX_GROUPS);

	put_sets(text);
	put_contexts(text);
	put_batch(text, NULL, NULL, false);
	for (uint64_t i = 0; i < num_groups; i++)
		put_group(text);
	put(text, "p.%d", PERIOD_US);
	end_step(text);
}
