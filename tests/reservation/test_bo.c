/* SPDX-License-Identifier: MIT */
/* Buffer objects: references, their own reservation, and a shared one. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include <wwresv/alloc.h>

#include <wwresv/bo.h>
#include <wwresv/class.h>
#include <wwresv/fence.h>
#include <wwresv/lock_set.h>

#include <errno.h>
#include <string.h>

TestSuite(reservation_bo, .timeout = 20);

struct buffer {
	struct wwr_bo bo;
	unsigned int num_released;
};

static void buffer_release(struct wwr_bo *bo)
{
	WWR_CONTAINER_OF(bo, struct buffer, bo)->num_released++;
}

static const struct wwr_bo_ops buffer_ops = {buffer_release};
static const struct wwr_bo_ops no_ops = {NULL};

static struct wwr_fence *add_new(struct wwr_bo *bo, uint64_t context)
{
	struct wwr_fence *fence = test_fence_create(context, 1);

	cr_assert_eq(wwr_mutex_lock(wwr_bo_mutex(bo), NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(bo->resv, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(bo->resv, fence, WWR_RESV_USAGE_READ), 0);
	wwr_mutex_unlock(wwr_bo_mutex(bo));
	wwr_fence_put(fence);
	return fence;
}

Test(reservation_bo, init_embeds_a_reservation)
{
	struct wwr_class lock_class = WWR_CLASS_INIT("buffers", WWR_WOUND_WAIT);
	struct buffer buffer = {.num_released = 0};

	wwr_bo_init(&buffer.bo, &buffer_ops, UINT64_C(1) << 40, &lock_class, NULL);
	cr_expect_eq(buffer.bo.size_bytes, UINT64_C(1) << 40);
	cr_expect_eq(buffer.bo.resv, &buffer.bo.own_resv);
	cr_expect_eq(wwr_bo_mutex(&buffer.bo), &buffer.bo.own_resv.mutex);
	cr_expect_eq(wwr_bo_mutex(&buffer.bo)->lock_class, &lock_class);
	wwr_bo_put(&buffer.bo);
	cr_expect_eq(buffer.num_released, 1);
}

Test(reservation_bo, init_without_class_uses_the_default)
{
	struct buffer buffer = {.num_released = 0};

	wwr_bo_init(&buffer.bo, &buffer_ops, 4096, NULL, NULL);
	cr_expect_eq(wwr_bo_mutex(&buffer.bo)->lock_class, wwr_default_class());
	wwr_bo_put(&buffer.bo);
}

Test(reservation_bo, put_of_the_last_reference_releases_and_drops_fences)
{
	struct buffer buffer = {.num_released = 0};

	test_alloc_install();
	wwr_bo_init(&buffer.bo, &buffer_ops, 4096, NULL, NULL);
	add_new(&buffer.bo, 1);
	cr_expect_eq(wwr_bo_get(&buffer.bo), &buffer.bo);
	wwr_bo_put(&buffer.bo);
	cr_expect_eq(buffer.num_released, 0);
	cr_expect_eq(test_fences_alive(), 1);
	wwr_bo_put(&buffer.bo);
	cr_expect_eq(buffer.num_released, 1);
	cr_expect_eq(test_fences_alive(), 0);
	cr_expect_eq(test_alloc_alive(), 0);
	wwr_bo_put(NULL);
	cr_expect_null(wwr_bo_get(NULL));
}

Test(reservation_bo, put_without_release_op_gives_memory_to_the_allocator)
{
	struct wwr_bo *bo;

	test_alloc_install();
	bo = wwr_alloc(sizeof(*bo));
	cr_assert_not_null(bo);
	wwr_bo_init(bo, &no_ops, 4096, NULL, NULL);
	add_new(bo, 1);
	wwr_bo_put(bo);
	cr_expect_eq(test_alloc_alive(), 0);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_bo, shared_reservation_outlives_its_buffers)
{
	struct buffer buffers[2];
	struct wwr_resv shared;

	wwr_resv_init(&shared, NULL);
	for (int i = 0; i < 2; i++) {
		/* Nobody is to look at the embedded one. */
		memset(&buffers[i].bo, 0xa5, sizeof(buffers[i].bo));
		buffers[i].num_released = 0;
		wwr_bo_init(&buffers[i].bo, &buffer_ops, 4096, NULL, &shared);
	}
	cr_expect_eq(wwr_bo_mutex(&buffers[0].bo), wwr_bo_mutex(&buffers[1].bo));
	add_new(&buffers[0].bo, 1);
	wwr_bo_put(&buffers[0].bo);
	cr_expect_eq(buffers[0].num_released, 1);
	cr_expect_not(wwr_resv_test_signaled(buffers[1].bo.resv, WWR_RESV_USAGE_READ));
	wwr_bo_put(&buffers[1].bo);
	cr_expect_eq(test_fences_alive(), 1, "the fence belongs to the shared reservation");
	wwr_resv_fini(&shared);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_bo, lock_of_buffers_that_share_is_one_lock)
{
	struct buffer buffers[2] = {{.num_released = 0}, {.num_released = 0}};
	struct wwr_lock_set set;
	struct wwr_resv shared;

	wwr_resv_init(&shared, NULL);
	for (int i = 0; i < 2; i++)
		wwr_bo_init(&buffers[i].bo, &buffer_ops, 4096, NULL, &shared);
	cr_assert_eq(wwr_lock_set_init(&set, wwr_default_class(), NULL), 0);
	cr_expect_eq(wwr_lock_set_lock(&set, wwr_bo_mutex(&buffers[0].bo)), 0);
	cr_expect_eq(wwr_lock_set_lock(&set, wwr_bo_mutex(&buffers[1].bo)), 0);
	cr_expect(wwr_lock_set_holds(&set, wwr_bo_mutex(&buffers[1].bo)));
	wwr_lock_set_fini(&set);
	cr_expect_not(wwr_mutex_is_locked(&shared.mutex));
	for (int i = 0; i < 2; i++)
		wwr_bo_put(&buffers[i].bo);
	wwr_resv_fini(&shared);
}

static void init_without_ops(void *bo)
{
	wwr_bo_init(bo, NULL, 4096, NULL, NULL);
}

static void get_released(void *bo)
{
	(void)wwr_bo_get(bo);
}

static void put_released(void *bo)
{
	wwr_bo_put(bo);
}

static void put_locked(void *bo)
{
	(void)!wwr_mutex_lock(wwr_bo_mutex(bo), NULL);
	wwr_bo_put(bo);
}

Test(reservation_bo, misuse_aborts)
{
	struct buffer buffer = {.num_released = 0};

	cr_expect(test_aborts_with(init_without_ops, &buffer.bo, "has no ops"));
	wwr_bo_init(&buffer.bo, &buffer_ops, 4096, NULL, NULL);
	cr_expect(test_aborts_with(put_locked, &buffer.bo, "is held or awaited"));
	wwr_bo_put(&buffer.bo);
	cr_expect(test_aborts_with(get_released, &buffer.bo, "wwr_bo_get"));
	cr_expect(test_aborts_with(put_released, &buffer.bo, "released before"));
}
