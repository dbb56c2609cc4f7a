/* SPDX-License-Identifier: MIT */
/* Each capability switched off: what needs it is refused before anything is looked at. */
#include "tests/drivers/hostile.h"
#include "tests/drivers/test_core.h"

#include <errno.h>
#include <string.h>

TestSuite(drivers_core_caps, .fini = core_teardown, .timeout = 30);

struct cap {
	uint32_t bit;	  /* CORE_CAP_x */
	uint64_t drm_cap; /* DRM_CAP_x */
	uint64_t value;	  /* without it */
	const char *needed_by[8];
};

static const struct cap caps[] = {
    {CORE_CAP_DUMB, DRM_CAP_DUMB_BUFFER, 0, {"CREATE_DUMB", "MAP_DUMB", "DESTROY_DUMB"}},
    {CORE_CAP_PRIME_IMPORT, DRM_CAP_PRIME, DRM_PRIME_CAP_EXPORT, {"PRIME_FD_TO_HANDLE"}},
    {CORE_CAP_PRIME_EXPORT, DRM_CAP_PRIME, DRM_PRIME_CAP_IMPORT, {"PRIME_HANDLE_TO_FD"}},
    {CORE_CAP_SYNCOBJ,
     DRM_CAP_SYNCOBJ,
     0,
     {"SYNCOBJ_CREATE", "SYNCOBJ_DESTROY", "SYNCOBJ_HANDLE_TO_FD", "SYNCOBJ_FD_TO_HANDLE",
      "SYNCOBJ_WAIT", "SYNCOBJ_RESET", "SYNCOBJ_SIGNAL"}},
    {CORE_CAP_SYNCOBJ_TIMELINE,
     DRM_CAP_SYNCOBJ_TIMELINE,
     0,
     {"SYNCOBJ_TRANSFER", "SYNCOBJ_TIMELINE_WAIT", "SYNCOBJ_TIMELINE_SIGNAL", "SYNCOBJ_QUERY",
      "SYNCOBJ_EVENTFD"}},
};

static bool needs(const struct cap *cap, const char *name)
{
	for (size_t i = 0; i < sizeof(cap->needed_by) / sizeof(cap->needed_by[0]); i++) {
		if (cap->needed_by[i] != NULL && strcmp(cap->needed_by[i], name) == 0)
			return true;
	}
	return false;
}

/* Every ioctl with a block of ones, which is wrong in every way; what needs a display always is. */
static unsigned int expect_refused(const struct cap *cap)
{
	unsigned int num = 0;

	for (size_t i = 0; i < hostile_num_ioctls; i++) {
		const struct hostile_ioctl *ioctl = &hostile_ioctls[i];
		unsigned char block[256];
		int ret;

		if (ioctl->target != ON_VGEM || ioctl->expected == -EOPNOTSUPP)
			continue;
		memset(block, 0xff, sizeof(block));
		ret = core_do(card, ioctl->request, block);
		cr_expect_eq(ret == -EOPNOTSUPP, needs(cap, ioctl->name), "%s: %d", ioctl->name,
			     ret);
		num += ret == -EOPNOTSUPP;
	}
	return num;
}

Test(drivers_core_caps, what_needs_a_capability_is_refused_without_it)
{
	unsigned int num = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct drm_get_cap get = {.capability = caps[i].drm_cap};

		core_setup_caps(CORE_CAP_ALL & ~caps[i].bit);
		cr_assert_eq(core_do(render, DRM_IOCTL_GET_CAP, &get), 0);
		cr_expect_eq(get.value, caps[i].value);
		num += expect_refused(&caps[i]);
		core_teardown();
	}
	cr_expect_eq(num, 17, "%u", num);
	core_setup();
	cr_expect_eq(expect_refused(&(struct cap){.bit = 0}), 0);
}
