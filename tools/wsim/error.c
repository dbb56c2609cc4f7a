/* SPDX-License-Identifier: MIT */
#include "error.h"

#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Of a long step this much is shown before the trouble; it fits even if all of it is escaped. */
#define CONTEXT_BEFORE 30
#define ELLIPSIS       "..."

/* One character as it is shown; at most 4 bytes and a NUL. */
static size_t escape(char *buf, char c)
{
	if (c >= ' ' && c <= '~') {
		buf[0] = c;
		buf[1] = '\0';
		return 1;
	}
	return (size_t)sprintf(buf, "\\x%02x", (unsigned char)c);
}

void wsim_error_quote(char *buf, size_t size, struct wsim_span span)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < span.len; i++) {
		char shown[8];
		size_t len = escape(shown, span.ptr[i]);

		if (used + len + sizeof(ELLIPSIS) > size) {
			memcpy(buf + used, ELLIPSIS, sizeof(ELLIPSIS));
			return;
		}
		memcpy(buf + used, shown, len + 1);
		used += len;
	}
}

static size_t quoted_len(struct wsim_span span)
{
	char shown[8];
	size_t len = 0;

	for (size_t i = 0; i < span.len; i++)
		len += escape(shown, span.ptr[i]);
	return len;
}

void wsim_error_set_step(struct wsim_error *err, struct wsim_span step, size_t offset)
{
	size_t skip = 0, used = 0;

	if (quoted_len(step) + sizeof(ELLIPSIS) > sizeof(err->text) && offset > CONTEXT_BEFORE) {
		skip = offset - CONTEXT_BEFORE;
		used = strlen(ELLIPSIS);
		memcpy(err->text, ELLIPSIS, used);
	}
	wsim_error_quote(err->text + used, sizeof(err->text) - used, wsim_span_skip(step, skip));
	err->caret =
	    (uint32_t)(used + quoted_len((struct wsim_span){step.ptr + skip, offset - skip}));
}

void wsim_error_set_file(struct wsim_error *err, const char *file, const char *format, ...)
{
	va_list args;

	*err = (struct wsim_error){.step = WSIM_NO_STEP};
	snprintf(err->file, sizeof(err->file), "%s", file);
	va_start(args, format);
	vsnprintf(err->expected, sizeof(err->expected), format, args);
	va_end(args);
}

static void set_place(struct wsim_parser *parser, const char *at)
{
	struct wsim_error *err = parser->err;
	size_t offset = (size_t)(at - parser->span.ptr);

	wsim_error_set_file(err, parser->workload->source, "%s", "");
	err->line = parser->step->line;
	err->column = parser->step->column + (uint32_t)offset;
	err->step = parser->number;
	wsim_error_set_step(err, parser->span, offset);
}

int wsim_fail(struct wsim_parser *parser, const char *at, const char *format, ...)
{
	va_list args;

	set_place(parser, at);
	va_start(args, format);
	vsnprintf(parser->err->expected, sizeof(parser->err->expected), format, args);
	va_end(args);
	return -EINVAL;
}

int wsim_fail_span(struct wsim_parser *parser, struct wsim_span found, const char *format, ...)
{
	char *message = parser->err->expected, quoted[48];
	size_t size = sizeof(parser->err->expected), len;
	va_list args;

	set_place(parser, found.ptr);
	va_start(args, format);
	vsnprintf(message, size, format, args);
	va_end(args);
	wsim_error_quote(quoted, sizeof(quoted), found);
	len = strlen(message);
	if (found.len == 0)
		snprintf(message + len, size - len, ", found nothing");
	else
		snprintf(message + len, size - len, ", found '%s'", quoted);
	return -EINVAL;
}

void wsim_error_print(const struct wsim_error *err, FILE *out)
{
	if (err->line == 0) {
		fprintf(out, "%s: %s\n", err->file, err->expected);
		return;
	}
	fprintf(out, "%s:%u:%u: %s\n", err->file, err->line, err->column, err->expected);
	fprintf(out, "    %s\n    %*s^\n", err->text, (int)err->caret, "");
}
