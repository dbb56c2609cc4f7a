/* SPDX-License-Identifier: MIT */
/* Cutting a descriptor into steps, a step into fields and a field into list items. */
#ifndef WSIM_LEX_H
#define WSIM_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the text; not NUL-terminated. */
struct wsim_span {
	const char *ptr;
	size_t len;
};

struct wsim_lexer {
	char *text; /* len + 1 bytes; a NUL is put behind each step that was cut */
	size_t len;
	bool from_file;
	size_t pos;
	size_t line_start;
	uint32_t line;
};

/* The next step that is neither empty nor a comment; false at the end. */
bool wsim_lex_step(struct wsim_lexer *lexer, struct wsim_span *ret_step, uint32_t *ret_line,
		   uint32_t *ret_column);

/*
 * Cut the first piece off *rest, which is then what follows the separator, one of the characters
 * of separators. Returns false when this was the last piece.
 */
bool wsim_lex_cut(struct wsim_span *rest, const char *separators, struct wsim_span *ret_piece);

/* How many pieces wsim_lex_cut() makes of it; at least 1. */
size_t wsim_lex_count(struct wsim_span span, const char *separators);

bool wsim_span_is(struct wsim_span span, const char *text);

/* Without its first count characters. */
struct wsim_span wsim_span_skip(struct wsim_span span, size_t count);

/* What separates the items of a list. */
#define WSIM_LIST "/|"

#endif
