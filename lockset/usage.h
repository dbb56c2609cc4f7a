/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_USAGE_H
#define LOCKSET_USAGE_H

#include <wwresv/macros.h>

/*
 * The caller broke the contract: say which rule, with the object, and abort.  In every build.
 *
 *	WWR_USAGE(cond, "wwr_mutex_unlock: mutex %p is not held by this thread", mutex);
 */
#define WWR_USAGE(cond, ...)                                                                       \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			wwr_usage_error(__FILE__, __LINE__, __VA_ARGS__);                          \
	} while (0)

/* Exported for the drivers' library; in no public header. */
WWR_API __attribute__((noreturn, cold, format(printf, 3, 4))) void
wwr_usage_error(const char *file, int line, const char *format, ...);

#endif /* LOCKSET_USAGE_H */
