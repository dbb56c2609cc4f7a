/* SPDX-License-Identifier: MIT */
#include "tools/common/cli.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set before any thread is created, read by all. */
static const char *the_name = "wwresv";
static bool the_quiet;

/* Of the first failed write to standard output that somebody told of; 0 = none. */
static int the_stdout_error;

void cli_set_name(const char *name)
{
	the_name = name;
}

void cli_set_quiet(bool quiet)
{
	the_quiet = quiet;
}

bool cli_is_quiet(void)
{
	return the_quiet;
}

/* One stdio call a line would be better still, but messages come from one thread. */
static void print_line(const char *format, va_list args)
{
	fprintf(stderr, "%s: ", the_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void cli_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

void cli_note(const char *format, ...)
{
	va_list args;

	if (the_quiet)
		return;
	va_start(args, format);
	print_line(format, args);
	va_end(args);
}

/* strtoull() takes spaces, signs and octal numbers: none of them is meant here. */
static bool text_to_u64(const char *text, uint64_t *ret_number)
{
	int base = 10;
	char *end;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!(base == 16 ? isxdigit((unsigned char)*text) : isdigit((unsigned char)*text)))
		return false;
	errno = 0;
	*ret_number = strtoull(text, &end, base);
	return errno == 0 && *end == '\0';
}

int cli_parse_u64(const char *option, const char *value, uint64_t min, uint64_t max,
		  uint64_t *ret_number)
{
	uint64_t number;

	if (!text_to_u64(value, &number) || number < min || number > max) {
		cli_error("%s: expected a whole number from %llu to %llu, found '%s'", option,
			  (unsigned long long)min, (unsigned long long)max, value);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

/* 0 = no such suffix. */
static uint64_t suffix_factor(char suffix)
{
	switch (tolower((unsigned char)suffix)) {
	case 'k':
		return (uint64_t)1 << 10;
	case 'm':
		return (uint64_t)1 << 20;
	case 'g':
		return (uint64_t)1 << 30;
	default:
		return 0;
	}
}

int cli_parse_size(const char *option, const char *value, uint64_t min, uint64_t max,
		   uint64_t *ret_bytes)
{
	const size_t len = strlen(value);
	uint64_t factor = len > 1 ? suffix_factor(value[len - 1]) : 0, number;
	char digits[32];

	if (len < sizeof(digits)) {
		memcpy(digits, value, len + 1);
		if (factor != 0)
			digits[len - 1] = '\0';
		else
			factor = 1;
		if (text_to_u64(digits, &number) && number <= max / factor &&
		    number * factor >= min) {
			*ret_bytes = number * factor;
			return 0;
		}
	}
	cli_error("%s: expected a number of bytes from %llu to %llu, as in 384m, found '%s'",
		  option, (unsigned long long)min, (unsigned long long)max, value);
	return -EINVAL;
}

/* Decimal notation only: strtod() would take "nan", "inf" and hexadecimal fractions. */
static bool text_to_double(const char *text, double *ret_number)
{
	char *end;

	if (text[strspn(text, "0123456789.eE+-")] != '\0' ||
	    (!isdigit((unsigned char)text[0]) && text[0] != '.'))
		return false;
	errno = 0;
	*ret_number = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0 && isfinite(*ret_number);
}

int cli_parse_double(const char *option, const char *value, double min, double max,
		     double *ret_number)
{
	double number;

	if (!text_to_double(value, &number) || number < min || number > max) {
		cli_error("%s: expected a number from %g to %g, found '%s'", option, min, max,
			  value);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

int cli_parse_word(const char *option, const char *value, const char *const *words,
		   unsigned int *ret_index)
{
	char list[128] = "";
	unsigned int i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret_index = i;
			return 0;
		}
		if (i > 0)
			strncat(list, words[i + 1] != NULL ? ", " : " or ",
				sizeof(list) - strlen(list) - 1);
		strncat(list, words[i], sizeof(list) - strlen(list) - 1);
	}
	cli_error("%s: expected %s, found '%s'", option, list, value);
	return -EINVAL;
}

void cli_stdout_failed(int error)
{
	if (the_stdout_error == 0)
		the_stdout_error = error;
}

int cli_finish_stdout(void)
{
	const bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) != 0)
		cli_stdout_failed(errno != 0 ? errno : EIO);
	if (the_stdout_error != 0) {
		cli_error("standard output: %s", strerror(the_stdout_error));
		return -the_stdout_error;
	}
	if (!failed)
		return 0;
	/* It happened long ago, and stdio does not keep the reason. */
	cli_error("standard output: not all could be written");
	return -EIO;
}

bool cli_wants_color(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (no_color == NULL || no_color[0] == '\0') && isatty(fileno(stream)) &&
	       term != NULL && strcmp(term, "dumb") != 0;
}
