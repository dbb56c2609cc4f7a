/* SPDX-License-Identifier: MIT */
#include "lex.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Where the piece that begins at pos ends: at a separator or at the end of the text. */
static size_t piece_end(const struct wsim_lexer *lexer, size_t pos, bool whole_line)
{
	while (pos < lexer->len && lexer->text[pos] != '\n' &&
	       (whole_line || lexer->text[pos] != ','))
		pos++;
	return pos;
}

/* Only a line that begins with its `#` is a comment line; blanks before it do not count. */
static bool is_comment_line(const struct wsim_lexer *lexer, size_t piece, size_t first)
{
	return lexer->from_file && piece == lexer->line_start && first < lexer->len &&
	       lexer->text[first] == '#';
}

/* Cut the piece at pos, maybe empty or a comment, and go behind its separator. */
static struct wsim_span next_piece(struct wsim_lexer *lexer)
{
	size_t first = lexer->pos, end, last;
	bool newline;

	while (first < lexer->len && is_blank(lexer->text[first]))
		first++;
	end = piece_end(lexer, first, is_comment_line(lexer, lexer->pos, first));
	newline = end < lexer->len && lexer->text[end] == '\n';
	for (last = end; last > first && is_blank(lexer->text[last - 1]); last--)
		;
	lexer->text[last] = '\0';
	lexer->pos = end + 1;
	if (newline) {
		lexer->line++;
		lexer->line_start = lexer->pos;
	}
	return (struct wsim_span){lexer->text + first, last - first};
}

bool wsim_lex_step(struct wsim_lexer *lexer, struct wsim_span *ret_step, uint32_t *ret_line,
		   uint32_t *ret_column)
{
	while (lexer->pos < lexer->len) {
		uint32_t line = lexer->line;
		size_t line_start = lexer->line_start;
		struct wsim_span piece = next_piece(lexer);

		if (piece.len == 0 || piece.ptr[0] == '#')
			continue;
		*ret_step = piece;
		*ret_line = line;
		*ret_column = (uint32_t)(piece.ptr - lexer->text - line_start) + 1;
		return true;
	}
	return false;
}

static bool is_separator(char c, const char *separators)
{
	return c != '\0' && strchr(separators, c) != NULL;
}

bool wsim_lex_cut(struct wsim_span *rest, const char *separators, struct wsim_span *ret_piece)
{
	size_t len = 0;

	while (len < rest->len && !is_separator(rest->ptr[len], separators))
		len++;
	*ret_piece = (struct wsim_span){rest->ptr, len};
	if (len == rest->len) {
		*rest = wsim_span_skip(*rest, len);
		return false;
	}
	*rest = wsim_span_skip(*rest, len + 1);
	return true;
}

size_t wsim_lex_count(struct wsim_span span, const char *separators)
{
	size_t count = 1;

	for (size_t i = 0; i < span.len; i++)
		count += is_separator(span.ptr[i], separators);
	return count;
}

bool wsim_span_is(struct wsim_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.ptr, text, span.len) == 0;
}

struct wsim_span wsim_span_skip(struct wsim_span span, size_t count)
{
	return (struct wsim_span){span.ptr + count, span.len - count};
}
