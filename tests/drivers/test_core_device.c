/* SPDX-License-Identifier: MIT */
/* Devices: who they are, who is master, and the dispatch of ioctls. */
#include "tests/drivers/test_core.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

TestSuite(drivers_core_device, .init = core_setup, .fini = core_teardown, .timeout = 30);

Test(drivers_core_device, version_says_name_and_lengths)
{
	char name[16] = "";
	struct drm_version version = {.name_len = sizeof(name), .name = name};

	cr_assert_eq(core_do(card, DRM_IOCTL_VERSION, &version), 0);
	cr_expect_eq(version.version_major, 1);
	cr_expect_eq(version.name_len, 4);
	cr_expect_str_eq(name, "vgem");
	cr_expect_eq(version.desc_len, strlen("Virtual GEM provider"));
}

Test(drivers_core_device, version_fills_no_more_than_there_is_room_for)
{
	char name[4] = "....";
	struct drm_version version = {.name_len = 2, .name = name};

	cr_assert_eq(core_do(render, DRM_IOCTL_VERSION, &version), 0);
	cr_expect_eq(version.name_len, 4);
	cr_expect_arr_eq(name, "vg..", 4);
}

Test(drivers_core_device, version_with_a_bad_address_is_efault)
{
	struct drm_version version = {.name_len = 16, .name = (char *)8};

	cr_expect_eq(core_do(card, DRM_IOCTL_VERSION, &version), -EFAULT);
	cr_expect_eq(core_do(card, DRM_IOCTL_VERSION, (void *)8), -EFAULT);
}

Test(drivers_core_device, get_unique_needs_room_for_the_whole)
{
	char text[8] = "........";
	struct drm_set_version version = {1, 4, -1, -1};
	struct drm_unique unique = {.unique_len = 3, .unique = text};

	/* Nor is there one before the version is agreed on. */
	cr_assert_eq(core_do(card, DRM_IOCTL_GET_UNIQUE, &unique), 0);
	cr_expect_eq(unique.unique_len, 0);
	cr_assert_eq(core_do(card, DRM_IOCTL_SET_VERSION, &version), 0);
	unique.unique_len = 3;
	cr_assert_eq(core_do(card, DRM_IOCTL_GET_UNIQUE, &unique), 0);
	cr_expect_eq(unique.unique_len, 4);
	cr_expect_arr_eq(text, "........", 8);
	cr_assert_eq(core_do(card, DRM_IOCTL_GET_UNIQUE, &unique), 0);
	cr_expect_arr_eq(text, "vgem....", 8);
}

Test(drivers_core_device, first_file_is_master_and_authenticates_others)
{
	struct drm_auth auth = {0};
	struct drm_client client = {0};

	cr_assert_eq(core_do(other, DRM_IOCTL_GET_CLIENT, &client), 0);
	cr_expect_eq(client.auth, 0);
	cr_expect_eq(client.pid, 2);
	cr_assert_eq(core_do(other, DRM_IOCTL_GET_MAGIC, &auth), 0);
	cr_expect_neq(auth.magic, 0);
	cr_expect_eq(core_do(other, DRM_IOCTL_AUTH_MAGIC, &auth), -EACCES);
	cr_assert_eq(core_do(card, DRM_IOCTL_AUTH_MAGIC, &auth), 0);
	cr_expect_eq(core_do(card, DRM_IOCTL_AUTH_MAGIC, &auth), -EINVAL);
	cr_assert_eq(core_do(other, DRM_IOCTL_GET_CLIENT, &client), 0);
	cr_expect_eq(client.auth, 1);
	client.idx = 1;
	cr_expect_eq(core_do(other, DRM_IOCTL_GET_CLIENT, &client), -EINVAL);
}

Test(drivers_core_device, auth_magic_of_zero_is_nobodys)
{
	struct drm_auth auth = {0};

	cr_expect_eq(core_do(card, DRM_IOCTL_AUTH_MAGIC, &auth), -EINVAL);
}

Test(drivers_core_device, master_can_be_dropped_and_taken_again)
{
	cr_expect_eq(core_do(other, DRM_IOCTL_SET_MASTER, NULL), -EACCES);
	cr_expect_eq(core_do(other, DRM_IOCTL_DROP_MASTER, NULL), -EACCES);
	cr_assert_eq(core_do(card, DRM_IOCTL_DROP_MASTER, NULL), 0);
	cr_expect_eq(core_do(card, DRM_IOCTL_DROP_MASTER, NULL), -EINVAL);
	cr_expect_eq(core_do(other, DRM_IOCTL_SET_MASTER, NULL), -EACCES);
	cr_assert_eq(core_do(card, DRM_IOCTL_SET_MASTER, NULL), 0);
	cr_expect_eq(core_do(card, DRM_IOCTL_SET_MASTER, NULL), 0);
}

Test(drivers_core_device, get_cap_knows_what_is_there)
{
	static const uint64_t caps[][2] = {
	    {DRM_CAP_DUMB_BUFFER, 1},
	    {DRM_CAP_PRIME, DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT},
	    {DRM_CAP_SYNCOBJ, 1},
	    {DRM_CAP_SYNCOBJ_TIMELINE, 1},
	    {DRM_CAP_TIMESTAMP_MONOTONIC, 1},
	    {DRM_CAP_ADDFB2_MODIFIERS, 0},
	};

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct drm_get_cap cap = {.capability = caps[i][0], .value = 77};

		cr_assert_eq(core_do(render, DRM_IOCTL_GET_CAP, &cap), 0);
		cr_expect_eq(cap.value, caps[i][1], "capability %u", (unsigned int)caps[i][0]);
	}
	cr_expect_eq(
	    core_do(card, DRM_IOCTL_GET_CAP, &(struct drm_get_cap){.capability = UINT64_MAX}),
	    -EINVAL);
}

Test(drivers_core_device, set_version_takes_what_it_can)
{
	struct drm_set_version version = {1, 4, -1, -1};

	cr_assert_eq(core_do(card, DRM_IOCTL_SET_VERSION, &version), 0);
	cr_expect_eq(version.drm_dd_major, 1);
	version = (struct drm_set_version){2, 0, -1, -1};
	cr_expect_eq(core_do(card, DRM_IOCTL_SET_VERSION, &version), -EINVAL);
	cr_expect_eq(version.drm_di_major, 1);
	version = (struct drm_set_version){-1, -1, 1, 1};
	cr_expect_eq(core_do(card, DRM_IOCTL_SET_VERSION, &version), -EINVAL);
}

Test(drivers_core_device, render_node_refuses_what_is_for_cards)
{
	struct drm_auth auth;

	cr_expect_eq(core_do(render, DRM_IOCTL_GET_MAGIC, &auth), -EACCES);
	cr_expect_eq(core_do(render, DRM_IOCTL_SET_MASTER, NULL), -EACCES);
}

Test(drivers_core_device, unknown_ioctls_are_einval)
{
	uint64_t block[32] = {0};

	cr_expect_eq(core_do(card, DRM_IOWR(0xff, struct drm_version), block), -EINVAL);
	cr_expect_eq(core_do(card, DRM_IOWR(DRM_COMMAND_BASE + 0x3f, struct drm_auth), block),
		     -EINVAL);
	cr_expect_eq(core_do(card, _IOWR('x', 0, struct drm_version), block), -EINVAL);
}

/* A block that ends earlier reads as zeros there; what lies behind a longer one stays as it is. */
/* Who may ask for it is looked at first, then the block, as in the kernel. */
Test(drivers_core_device, displays_are_not_supported)
{
	static const unsigned long anybody[] = {
	    DRM_IOCTL_MODE_GETRESOURCES, DRM_IOCTL_MODE_GETPLANERESOURCES,
	    DRM_IOCTL_MODE_ADDFB2,	 DRM_IOCTL_MODE_GETCONNECTOR,
	    DRM_IOCTL_MODE_RMFB,	 DRM_IOCTL_WAIT_VBLANK,
	};
	static const unsigned long masters[] = {DRM_IOCTL_MODE_SETCRTC, DRM_IOCTL_MODE_ATOMIC,
						DRM_IOCTL_MODE_PAGE_FLIP};
	unsigned char block[256] = {0};

	for (size_t i = 0; i < sizeof(anybody) / sizeof(anybody[0]); i++) {
		cr_expect_eq(core_do(other, anybody[i], block), -EOPNOTSUPP, "%zu", i);
		cr_expect_eq(core_do(other, anybody[i], (void *)8), -EFAULT, "%zu", i);
		cr_expect_eq(core_do(render, anybody[i], block), -EACCES, "%zu", i);
	}
	for (size_t i = 0; i < sizeof(masters) / sizeof(masters[0]); i++) {
		cr_expect_eq(core_do(card, masters[i], block), -EOPNOTSUPP, "%zu", i);
		cr_expect_eq(core_do(other, masters[i], block), -EACCES, "%zu", i);
	}
	/* Dumb buffers are none of that. */
	(void)core_make_buffer(card);
}

Test(drivers_core_device, blocks_of_other_sizes_are_taken)
{
	struct {
		struct drm_get_cap cap;
		uint64_t more;
	} grown = {{DRM_CAP_SYNCOBJ, 77}, 5};
	uint64_t shrunk[2] = {DRM_CAP_SYNCOBJ, 77};

	cr_assert_eq(core_do(card, DRM_IOWR(0x0c, grown), &grown), 0);
	cr_expect_eq(grown.cap.value, 1);
	cr_expect_eq(grown.more, 5);
	cr_assert_eq(core_do(card, DRM_IOWR(0x0c, uint64_t), shrunk), 0);
	cr_expect_eq(shrunk[1], 77);
	/* A direction that the client did not ask for is not taken. */
	cr_assert_eq(core_do(card, DRM_IOW(0x0c, struct drm_get_cap), shrunk), 0);
	cr_expect_eq(shrunk[1], 77);
}

Test(drivers_core_device, client_name_is_shown)
{
	static const char name[] = "compositor";
	struct wwr_drm_set_client_name set = {sizeof(name) - 1, (uintptr_t)name};
	char text[512];

	cr_assert_eq(core_do(render, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), 0);
	cr_assert_gt(core_file_fdinfo(render, text, sizeof(text)), 0);
	cr_expect_not_null(strstr(text, "drm-driver:\tvgem\n"));
	cr_expect_not_null(strstr(text, "drm-client-name:\tcompositor\n"));
	set = (struct wwr_drm_set_client_name){0, 0};
	cr_assert_eq(core_do(render, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), 0);
	core_file_fdinfo(render, text, sizeof(text));
	cr_expect_null(strstr(text, "drm-client-name"));
}

Test(drivers_core_device, client_name_with_anything_odd_is_einval)
{
	static const char good[64] = "x", bad[] = "a b";
	struct wwr_drm_set_client_name set = {3, (uintptr_t)bad};

	cr_expect_eq(core_do(card, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EINVAL);
	set = (struct wwr_drm_set_client_name){64, (uintptr_t)good};
	cr_expect_eq(core_do(card, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EINVAL);
	set = (struct wwr_drm_set_client_name){UINT64_MAX, (uintptr_t)good};
	cr_expect_eq(core_do(card, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EINVAL);
	set = (struct wwr_drm_set_client_name){1, 0};
	cr_expect_eq(core_do(card, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EINVAL);
	set = (struct wwr_drm_set_client_name){1, 8};
	cr_expect_eq(core_do(card, WWR_DRM_IOCTL_SET_CLIENT_NAME, &set), -EFAULT);
}

Test(drivers_core_device, read_only_block_is_efault_and_leaves_no_descriptor)
{
	struct drm_prime_handle *prime =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_prime_handle plain;

	cr_assert_neq((void *)prime, MAP_FAILED);
	prime->handle = plain.handle = core_make_buffer(card);
	plain.flags = 0;
	cr_assert_eq(core_do(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &plain), 0);
	close(plain.fd);
	cr_assert_eq(mprotect(prime, 4096, PROT_READ), 0);
	cr_expect_eq(core_do(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), -EFAULT);
	/* The number that the other one would have had is free again. */
	cr_assert_eq(core_do(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &plain), 0);
	close(plain.fd);
	munmap(prime, 4096);
}
