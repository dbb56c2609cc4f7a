/* SPDX-License-Identifier: MIT */
/*
 * Injection for whole test programs: with WWR_TEST_INJECT set every class, the default one too,
 * injects -EDEADLK about every so many locks.  Linked with --wrap=wwr_class_init, so that no test
 * has to know.
 */
#include <stdlib.h>

#include <wwresv/class.h>
#include <wwresv/sys/debug.h>

#include "tests/lib/test_env.h"

void __real_wwr_class_init(struct wwr_class *lock_class, const char *name,
			   enum wwr_algorithm algorithm);
void __wrap_wwr_class_init(struct wwr_class *lock_class, const char *name,
			   enum wwr_algorithm algorithm);

static void inject(struct wwr_class *lock_class)
{
	const char *interval = getenv("WWR_TEST_INJECT");

	if (interval != NULL)
		wwr_class_set_injection(lock_class, (uint32_t)strtoul(interval, NULL, 0),
					test_seed());
}

void __wrap_wwr_class_init(struct wwr_class *lock_class, const char *name,
			   enum wwr_algorithm algorithm)
{
	__real_wwr_class_init(lock_class, name, algorithm);
	inject(lock_class);
}

static __attribute__((constructor)) void inject_by_default(void)
{
	inject(wwr_default_class());
}
