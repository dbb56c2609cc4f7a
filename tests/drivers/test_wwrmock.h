/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_TEST_WWRMOCK_H
#define TESTS_DRIVERS_TEST_WWRMOCK_H

/* A mock GPU and two open files of it, as a client of the same process sees them. */

#include "drivers/core/core.h"
#include "drivers/core/gem.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm.h>
#include <drm_mode.h>

struct wwr_sync_timeline;

/* Set by wm_setup(), gone after wm_teardown(), which checks that nothing is left. */
extern struct core_device *wm_device;
extern struct core_file *wm_card, *wm_file;

void wm_setup(void);
void wm_teardown(void);

/* The same with these capabilities and this quota; NULL = the defaults. */
void wm_setup_with(uint32_t caps, const struct core_quota *quota);

/* One ioctl: 0 or -errno. */
int wm_do(struct core_file *file, unsigned long request, void *arg);

/* A buffer of a page, and its handle. */
uint32_t wm_make_buffer(struct core_file *file);

/* A syncobj, and its handle. */
uint32_t wm_make_syncobj(struct core_file *file, uint32_t flags);

/* A sync_file that signals with the timeline's first step. */
int wm_make_gate(struct wwr_sync_timeline **ret_timeline);
void wm_open_gate(struct wwr_sync_timeline *timeline);

/* A block for a job of one buffer and up to one sync of each kind; pointers may be NULL. */
struct wwr_drm_submit wm_block(struct wwr_drm_submit_bo *bo, struct wwr_drm_submit_sync *in,
			       struct wwr_drm_submit_sync *out);

/* Wait for the buffer, jobs with explicit sync too: as BO_WAIT returns. */
int wm_wait(struct core_file *file, uint32_t handle, uint32_t flags, int64_t timeout_ns);

/* Is it ready to read? */
bool wm_is_ready(int fd);

#endif /* TESTS_DRIVERS_TEST_WWRMOCK_H */
