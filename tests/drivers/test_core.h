/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_TEST_CORE_H
#define TESTS_DRIVERS_TEST_CORE_H

/* A vgem device and two open files of it, as a client of the same process sees them. */

#include "drivers/core/core.h"
#include "drivers/core/gem.h"
#include "drivers/core/ioctl.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/vgem.h>

#include <drm.h>
#include <drm_mode.h>

/** Set by core_setup(), gone after core_teardown(), which checks that nothing is left. */
extern struct core_device *core_device;
extern struct core_file *card, *other, *render;

/** For .init; the time-out of vgem's fences is short. */
void core_setup(void);
void core_teardown(void);

/** The same with these capabilities. */
void core_setup_caps(uint32_t caps);

/** One ioctl: 0 or -errno. */
int core_do(struct core_file *file, unsigned long request, void *arg);

/** A dumb buffer of a page, and its handle. */
uint32_t core_make_buffer(struct core_file *file);

/** A syncobj, and its handle. */
uint32_t core_make_syncobj(struct core_file *file, uint32_t flags);

#endif /* TESTS_DRIVERS_TEST_CORE_H */
