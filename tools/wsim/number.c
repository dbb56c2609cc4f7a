/* SPDX-License-Identifier: MIT */
/* Numbers are decimal digits without sign; every one of them is checked against its range. */
#include "parser.h"

#include <errno.h>

/* More than any number may be, so that what is larger need not be told apart. */
#define TOO_LARGE ((uint64_t)UINT32_MAX + 1)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of the digits, TOO_LARGE when it does not fit; false when they are not digits. */
static bool read_digits(struct wsim_span span, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (span.len == 0)
		return false;
	for (size_t i = 0; i < span.len; i++) {
		if (!is_digit(span.ptr[i]))
			return false;
		value = value * 10 + (uint64_t)(span.ptr[i] - '0');
		if (value > UINT32_MAX)
			value = TOO_LARGE;
	}
	*ret_value = value;
	return true;
}

int wsim_parse_u32(struct wsim_parser *parser, struct wsim_span span, uint32_t min,
		   const char *what, uint32_t *ret_value)
{
	uint64_t value;

	if (!read_digits(span, &value) || value < min)
		return wsim_fail_span(parser, span, "expected %s, an integer of %u or more", what,
				      min);
	if (value > UINT32_MAX)
		return wsim_fail_span(parser, span, "expected %s that fits 32 bits, at most %u",
				      what, UINT32_MAX);
	*ret_value = (uint32_t)value;
	return 0;
}

int wsim_parse_integer(struct wsim_parser *parser, struct wsim_span span, const char *what,
		       int64_t *ret_value)
{
	bool negative = span.len > 0 && span.ptr[0] == '-';
	uint64_t value;

	if (!read_digits(wsim_span_skip(span, negative), &value))
		return wsim_fail_span(parser, span, "expected %s, any integer", what);
	if (value > (negative ? (uint64_t)INT32_MAX + 1 : UINT32_MAX))
		return wsim_fail_span(parser, span, "expected %s that fits 32 bits", what);
	*ret_value = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

static unsigned int suffix_shift(char c)
{
	return c == 'k' ? 10 : c == 'm' ? 20 : c == 'g' ? 30 : 0;
}

int wsim_parse_bytes(struct wsim_parser *parser, struct wsim_span span, uint64_t *ret_bytes)
{
	unsigned int shift = span.len == 0 ? 0 : suffix_shift(span.ptr[span.len - 1]);
	struct wsim_span digits = {span.ptr, span.len - (shift != 0)};
	uint64_t value;

	if (!read_digits(digits, &value) || value == 0)
		return wsim_fail_span(parser, span,
				      "expected a size, 1 byte or more with k, m, g or no suffix");
	if (value > UINT32_MAX)
		return wsim_fail_span(parser, span,
				      "expected a size whose number fits 32 bits, at most %u",
				      UINT32_MAX);
	if (value << shift >= WSIM_MAX_BYTES)
		return wsim_fail_span(parser, span, "expected a size under 2^40 bytes");
	*ret_bytes = value << shift;
	return 0;
}

int wsim_parse_backref(struct wsim_parser *parser, struct wsim_span span, unsigned int kinds,
		       const char *what, size_t *ret_step)
{
	const struct wsim_workload *workload = parser->workload;
	const struct wsim_step *target;
	uint64_t back;

	if (span.len < 2 || span.ptr[0] != '-' || !read_digits(wsim_span_skip(span, 1), &back) ||
	    back == 0)
		return wsim_fail_span(parser, span,
				      "expected -N with N of 1 or more, N steps back to %s", what);
	if (back > workload->num_steps)
		return wsim_fail_span(parser, span,
				      "expected %s before this step, which has %zu steps before it",
				      what, workload->num_steps);
	target = &workload->steps[workload->num_steps - back];
	if ((kinds & 1u << target->kind) == 0)
		return wsim_fail_span(
		    parser, span, "expected a reference to %s, but step %zu is of kind %s", what,
		    workload->num_steps - (size_t)back, wsim_step_kind_name(target->kind));
	*ret_step = workload->num_steps - (size_t)back;
	return 0;
}
