/* SPDX-License-Identifier: MIT */
#include "drivers/shim/real.h"

#include "lockset/wwr_atomic.h"

#include <dlfcn.h>
#include <unistd.h>

static struct shim_real table;
static uint32_t is_found; /* atomic */

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define SHIM_REAL_ROW(type, name, parameters) {#name, offsetof(struct shim_real, name)},
    SHIM_REAL_FUNCTIONS(SHIM_REAL_ROW)
#undef SHIM_REAL_ROW
};

/* Any number of threads may do it together: each writes the same. */
static void real_find(void)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = dlsym(RTLD_NEXT, functions[i].name);

		__atomic_store_n((void **)((char *)&table + functions[i].offset), found,
				 __ATOMIC_RELAXED);
	}
	/* Pairs with the load in real(): the functions before it. */
	wwr_atomic_store(&is_found, 1, WWR_RELEASE);
}

const struct shim_real *real(void)
{
	/* Pairs with the store in real_find(). */
	if (wwr_atomic_load(&is_found, WWR_ACQUIRE) == 0)
		real_find();
	return &table;
}
