/* SPDX-License-Identifier: MIT */
#include <wwresv/class.h>
#include <wwresv/sys/debug.h>

#include "lockset/wwr_atomic.h"

static struct wwr_class default_class = WWR_CLASS_INIT("wwresv", WWR_WAIT_DIE);

void wwr_class_init(struct wwr_class *lock_class, const char *name, enum wwr_algorithm algorithm)
{
	*lock_class = (struct wwr_class)WWR_CLASS_INIT(name, algorithm);
}

struct wwr_class *wwr_default_class(void)
{
	return &default_class;
}

void wwr_class_set_injection(struct wwr_class *lock_class, uint32_t interval, uint64_t seed)
{
	/* Relaxed: a context that begins meanwhile may take the old or the new setting. */
	wwr_atomic_store(&lock_class->inject_seed, seed, WWR_RELAXED);
	wwr_atomic_store(&lock_class->inject_interval, interval, WWR_RELAXED);
}
