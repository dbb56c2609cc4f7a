/* SPDX-License-Identifier: MIT */
/*
 * What every subcommand has in common: messages on stderr, strict numbers, exit codes, and an
 * end of standard output that does not lose errors.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cli_exit {
	CLI_OK = 0,
	CLI_CHECK_FAILED = 1,  /* the work was done and something was found wrong */
	CLI_USAGE = 2,	       /* unknown option, unreadable input, unwritable output */
	CLI_UNAVAILABLE = 77,  /* not available on this machine */
	CLI_SIGNAL_BASE = 128, /* plus the signal that stopped the work */
};

/* Name that messages begin with, "wwresv submit"; kept, not copied. */
void cli_set_name(const char *name);

/* No notes from now on; errors are always printed. */
void cli_set_quiet(bool quiet);
bool cli_is_quiet(void);

/* One line on stderr: "NAME: message". */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, unless quiet. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The value of an option as a number.  Only digits (or 0x and hexadecimal digits) are a whole
 * number: no sign, space or suffix.  Returns 0, or -EINVAL after a message that names the
 * option, the value and what was expected.
 */
int cli_parse_u64(const char *option, const char *value, uint64_t min, uint64_t max,
		  uint64_t *ret_number);
int cli_parse_double(const char *option, const char *value, double min, double max,
		     double *ret_number);
/* The same with one of the suffixes k, m and g, of either case: 2^10, 2^20, 2^30. */
int cli_parse_size(const char *option, const char *value, uint64_t min, uint64_t max,
		   uint64_t *ret_bytes);

/*
 * Which of several words the value is.  words ends with NULL.  Returns 0 or -EINVAL after a
 * message that lists them.
 */
int cli_parse_word(const char *option, const char *value, const char *const *words,
		   unsigned int *ret_index);

/* A write to standard output has failed with this errno: cli_finish_stdout() will say so. */
void cli_stdout_failed(int error);

/* Flush standard output.  Returns 0, or -errno after a message: the disk is full, say. */
int cli_finish_stdout(void);

/* May this stream be coloured?  It is a terminal and the environment has no NO_COLOR. */
bool cli_wants_color(FILE *stream);

#endif
