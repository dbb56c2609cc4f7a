/* SPDX-License-Identifier: MIT */
/* Filling in struct wsim_error. */
#ifndef WSIM_ERROR_H
#define WSIM_ERROR_H

#include "lex.h"
#include "wsim.h"

/* A message about a file or a text as a whole. */
void wsim_error_set_file(struct wsim_error *err, const char *file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copy of the span with anything unprintable escaped, shortened to fit. */
void wsim_error_quote(char *buf, size_t size, struct wsim_span span);

/* The step as text and caret; offset is that of the trouble within the step. */
void wsim_error_set_step(struct wsim_error *err, struct wsim_span step, size_t offset);

#endif
