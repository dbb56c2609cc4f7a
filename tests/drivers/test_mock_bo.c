/* SPDX-License-Identifier: MIT */
/* Buffers of the mock GPU. */
#include "drivers/mock/effect.h"
#include "tests/drivers/test_mock.h"

#include <wwresv/bo.h>
#include <wwresv/class.h>

#include <errno.h>
#include <sys/mman.h>

TestSuite(drivers_mock_bo, .timeout = 30);

#define PAGE_BYTES 4096

static size_t resident_pages(struct wwr_device_bo *bo, size_t num_pages)
{
	unsigned char pages[1024];
	size_t num = 0;

	cr_assert_leq(num_pages, sizeof(pages));
	cr_assert_eq(mincore(wwr_device_bo_map(bo), num_pages * PAGE_BYTES, pages), 0);
	for (size_t i = 0; i < num_pages; i++)
		num += pages[i] & 1;
	return num;
}

static struct wwr_device_bo *make(uint64_t size_bytes, bool touch_full)
{
	struct wwr_device_config config;
	struct wwr_device *device;
	struct wwr_device_bo *bo;

	wwr_device_config_init(&config);
	config.touch_full = touch_full;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
	cr_assert_eq(wwr_device_bo_create(device, 7, size_bytes, &bo), 0);
	/* The buffer does without it. */
	wwr_device_destroy(device);
	return bo;
}

Test(drivers_mock_bo, create_begins_with_the_content_of_its_number)
{
	struct wwr_device_bo *bo = make(1000, false);
	uint8_t wanted[WWR_TOUCH_BYTES] __attribute__((aligned(8)));

	wwr_effect_init(7, wanted, sizeof(wanted));
	cr_expect_eq(wwr_device_bo_number(bo), 7);
	cr_expect_eq(wwr_device_bo_touched_bytes(bo), WWR_TOUCH_BYTES);
	cr_expect_arr_eq(wwr_device_bo_map(bo), wanted, sizeof(wanted));
	cr_expect_eq(wwr_device_bo_map(bo)[WWR_TOUCH_BYTES], 0);
	cr_expect_eq(wwr_device_bo_base(bo)->size_bytes, 1000);
	wwr_device_bo_put(bo);
}

Test(drivers_mock_bo, create_of_a_small_one_touches_its_size)
{
	struct wwr_device_bo *bo = make(1, false);

	cr_expect_eq(wwr_device_bo_touched_bytes(bo), 1);
	cr_expect_eq(wwr_device_bo_map(bo)[1], 0);
	wwr_device_bo_put(bo);
}

Test(drivers_mock_bo, memory_is_taken_only_where_it_is_touched)
{
	struct wwr_device_bo *bo = make(UINT64_C(1) << 36, false);

	cr_expect_eq(resident_pages(bo, 1024), 1);
	wwr_device_bo_put(bo);
}

Test(drivers_mock_bo, touch_full_touches_all)
{
	struct wwr_device_bo *bo = make(10 * PAGE_BYTES + 3, true);

	cr_expect_eq(wwr_device_bo_touched_bytes(bo), 10 * PAGE_BYTES + 3);
	cr_expect_eq(resident_pages(bo, 11), 11);
	wwr_device_bo_put(bo);
}

Test(drivers_mock_bo, create_of_an_impossible_size_fails)
{
	struct mock mock;
	struct wwr_device_bo *bo;

	mock_init(&mock);
	cr_expect_eq(wwr_device_bo_create(mock.device, 1, 0, &bo), -EINVAL);
	cr_expect_eq(wwr_device_bo_create(mock.device, 1, UINT64_MAX, &bo), -ENOMEM);
	cr_expect_eq(wwr_device_bo_create(mock.device, 1, UINT64_C(1) << 62, &bo), -ENOMEM);
	mock_fini(&mock);
}

Test(drivers_mock_bo, from_mutex_finds_the_buffer)
{
	struct wwr_device_bo *bo = make(1, false);

	cr_expect_eq(wwr_device_bo_from_mutex(wwr_bo_mutex(wwr_device_bo_base(bo))), bo);
	wwr_device_bo_put(bo);
}

Test(drivers_mock_bo, put_of_one_of_two_references_keeps_it)
{
	struct wwr_device_bo *bo = make(1, false);

	cr_expect_eq(wwr_device_bo_get(bo), bo);
	wwr_device_bo_put(bo);
	cr_expect_eq(wwr_device_bo_number(bo), 7);
	wwr_device_bo_put(bo);
	wwr_device_bo_put(NULL);
}

Test(drivers_mock_bo, class_is_that_of_the_device)
{
	struct wwr_class lock_class;
	struct wwr_device_config config;
	struct wwr_device *device;
	struct wwr_device_bo *bo;

	wwr_class_init(&lock_class, "mine", WWR_WOUND_WAIT);
	wwr_device_config_init(&config);
	config.lock_class = &lock_class;
	cr_assert_eq(wwr_device_create(&config, &device), 0);
	cr_assert_eq(wwr_device_bo_create(device, 1, 1, &bo), 0);
	cr_expect_eq(wwr_bo_mutex(wwr_device_bo_base(bo))->lock_class, &lock_class);
	wwr_device_bo_put(bo);
	wwr_device_destroy(device);
	wwr_class_fini(&lock_class);
}
