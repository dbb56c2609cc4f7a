/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIB_TEST_TAP_H
#define TESTS_LIB_TEST_TAP_H

/*
 * Results of a program with its own main(), in the Test Anything Protocol on stdout.  Only the
 * main thread calls these; workers store what they found.
 *
 *	int main(void)
 *	{
 *		tap_plan(2);
 *		tap_ok(run(...) == 0, "cycle of %u threads", n);
 *		tap_skip("no such CPU");
 *		return tap_exit();
 *	}
 */

#include <stdbool.h>

/** Say how many results follow; first of all. */
void tap_plan(unsigned int num_results);

/** One result; returns @p ok. */
bool tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One result that this machine cannot give, with the reason. */
void tap_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A note for the reader of the log. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The program's exit status: 0 if as many results as planned, all good. */
int tap_exit(void);

#endif /* TESTS_LIB_TEST_TAP_H */
