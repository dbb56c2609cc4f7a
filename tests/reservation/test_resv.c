/* SPDX-License-Identifier: MIT */
/* Reservation objects under their lock: slots, adding, replacing. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "reservation/resv_table.h"

#include <wwresv/class.h>
#include <wwresv/lock_set.h>
#include <wwresv/resv.h>

#include <errno.h>

static struct wwr_resv resv;

static void setup(void)
{
	test_alloc_install();
	wwr_resv_init(&resv, NULL);
}

/* Every test ends unlocked and with its own references given back. */
static void finish(void)
{
	wwr_resv_fini(&resv);
	cr_expect_eq(test_fences_alive(), 0);
	resv_cells_reset(true);
	cr_expect_eq(test_alloc_alive(), 0);
}

TestSuite(reservation_resv, .init = setup, .timeout = 20);

static void lock(void)
{
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
}

static void unlock(void)
{
	wwr_mutex_unlock(&resv.mutex);
}

static void reserve(unsigned int num)
{
	cr_assert_eq(wwr_resv_reserve_fences(&resv, num), 0);
}

/* A new fence, of which only the reservation has a reference. */
static struct wwr_fence *add_new(uint64_t context, uint64_t seqno, enum wwr_resv_usage usage)
{
	struct wwr_fence *fence = test_fence_create(context, seqno);

	cr_assert_eq(wwr_resv_add_fence(&resv, fence, usage), 0);
	wwr_fence_put(fence);
	return fence;
}

static unsigned int count(void)
{
	struct wwr_resv_iter iter;
	unsigned int num = 0;

	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	while (wwr_resv_iter_next(&iter) != NULL)
		num++;
	return num;
}

static void signal_all_but(const struct wwr_fence *but)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL) {
		if (fence != but)
			(void)wwr_fence_signal(fence);
	}
}

Test(reservation_resv, init_without_class_uses_the_default)
{
	cr_expect_eq(resv.mutex.lock_class, wwr_default_class());
	cr_expect_eq(wwr_default_class()->algorithm, WWR_WAIT_DIE);
	finish();
}

Test(reservation_resv, lock_in_a_set_of_another_class_returns_einval)
{
	struct wwr_class other = WWR_CLASS_INIT("other", WWR_WOUND_WAIT);
	struct wwr_acquire_ctx ctx;
	struct wwr_resv in_other;

	wwr_resv_init(&in_other, &other);
	wwr_acquire_ctx_init(&ctx, &other);
	cr_assert_eq(wwr_mutex_lock(&in_other.mutex, &ctx), 0);
	cr_expect_eq(wwr_mutex_lock(&resv.mutex, &ctx), -EINVAL);
	wwr_mutex_unlock(&in_other.mutex);
	wwr_acquire_ctx_fini(&ctx);
	wwr_resv_fini(&in_other);
	finish();
}

Test(reservation_resv, fini_drops_pending_and_signalled_fences)
{
	lock();
	reserve(2);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	(void)wwr_fence_signal(add_new(2, 1, WWR_RESV_USAGE_WRITE));
	unlock();
	finish();
}

Test(reservation_resv, reserve_0_returns_einval)
{
	lock();
	cr_expect_eq(wwr_resv_reserve_fences(&resv, 0), -EINVAL);
	unlock();
	finish();
}

Test(reservation_resv, reserve_gives_room_for_as_many_adds)
{
	for (unsigned int num = 1; num < 70; num += 3) {
		lock();
		reserve(num);
		for (unsigned int i = 0; i < num; i++)
			add_new(num * 100 + i, 1, WWR_RESV_USAGE_READ);
		unlock();
	}
	finish();
}

Test(reservation_resv, add_beyond_the_slots_returns_enospc_and_loses_nothing)
{
	struct wwr_fence *fence = test_fence_create(9, 9);

	lock();
	/* The table has room; what counts is the promise. */
	reserve(2);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	add_new(2, 1, WWR_RESV_USAGE_READ);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), -ENOSPC);
	cr_expect_eq(count(), 2);
	cr_expect_eq(fence->refcount, 1);
	reserve(1);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), 0);
	cr_expect_eq(count(), 3);
	cr_expect_eq(fence->refcount, 2);
	unlock();
	wwr_fence_put(fence);
	finish();
}

Test(reservation_resv, reserve_twice_does_not_add_up)
{
	struct wwr_fence *fence = test_fence_create(9, 9);

	lock();
	reserve(1);
	reserve(2);
	reserve(1);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	add_new(2, 1, WWR_RESV_USAGE_READ);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), -ENOSPC);
	unlock();
	wwr_fence_put(fence);
	finish();
}

Test(reservation_resv, unlock_ends_unused_slots)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), -ENOSPC);
	reserve(3);
	unlock();
	lock();
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), -ENOSPC);
	unlock();
	wwr_fence_put(fence);
	finish();
}

static int lock_resv(struct wwr_lock_set *set, void *arg)
{
	return wwr_lock_set_lock(set, arg);
}

static int reserve_in_set(struct wwr_lock_set *set, void *arg)
{
	(void)set;
	(void)arg;
	return wwr_resv_reserve_fences(&resv, 1);
}

static int add_in_set(struct wwr_lock_set *set, void *arg)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	int ret = wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ);

	(void)set;
	(void)arg;
	wwr_fence_put(fence);
	return ret;
}

Test(reservation_resv, lock_set_release_ends_unused_slots)
{
	struct wwr_lock_set set;

	cr_assert_eq(wwr_lock_set_init(&set, wwr_default_class(), NULL), 0);
	cr_expect_eq(wwr_lock_set_lock_all(&set, lock_resv, reserve_in_set, &resv.mutex), 0);
	cr_expect_eq(wwr_lock_set_lock_all(&set, lock_resv, add_in_set, &resv.mutex), -ENOSPC);
	wwr_lock_set_fini(&set);
	finish();
}

Test(reservation_resv, reserve_drops_signalled_fences_when_it_grows)
{
	struct wwr_fence *pending;

	lock();
	reserve(6);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	add_new(2, 1, WWR_RESV_USAGE_KERNEL);
	pending = add_new(3, 1, WWR_RESV_USAGE_READ);
	add_new(4, 1, WWR_RESV_USAGE_BOOKKEEP);
	signal_all_but(pending);
	reserve(100);
	cr_expect_eq(count(), 1);
	cr_expect_eq(test_fences_alive(), 1, "the dropped ones are released");
	unlock();
	finish();
}

/* One table after another must not grow though few fences are pending at a time. */
Test(reservation_resv, reserve_stays_small_under_churn)
{
	for (uint64_t i = 0; i < 1000; i++) {
		lock();
		reserve(2);
		add_new(i, 1, WWR_RESV_USAGE_READ);
		add_new(i + 100000, 1, WWR_RESV_USAGE_READ);
		signal_all_but(NULL);
		cr_expect(count() <= 4);
		unlock();
	}
	cr_expect(test_alloc_calls() < 10, "%u tables for two pending fences", test_alloc_calls());
	finish();
}

static unsigned int num_tables(void)
{
	unsigned int num = 0;

	for (const struct wwr_resv_table *table = resv.table; table != NULL; table = table->older)
		num++;
	return num;
}

/* Readers may be in them; but they must not add up to more than the last one. */
Test(reservation_resv, tables_that_were_too_small_are_together_smaller_than_the_last)
{
	uint64_t sum = 0;

	lock();
	for (uint64_t i = 0; i < 1000; i++) {
		reserve(1 + i % 3);
		add_new(i, 1, WWR_RESV_USAGE_READ);
	}
	unlock();
	cr_expect(num_tables() > 5 && num_tables() < 12, "%u tables", num_tables());
	for (const struct wwr_resv_table *table = resv.table->older; table; table = table->older)
		sum += table->max_fences;
	cr_expect(sum <= resv.table->max_fences);
	finish();
}

/* What is dropped leaves its places to the next ones, and nobody else moves. */
Test(reservation_resv, reserve_makes_room_where_fences_have_signalled)
{
	struct wwr_fence *fences[4];
	struct wwr_resv_iter iter;

	lock();
	reserve(4);
	for (uint64_t i = 0; i < 4; i++)
		fences[i] = add_new(1 + i, 1, WWR_RESV_USAGE_READ);
	cr_assert_eq(resv.table->max_fences, 4);
	(void)wwr_fence_signal(fences[1]);
	(void)wwr_fence_signal(fences[3]);
	reserve(2);
	cr_expect_eq(resv.table->max_fences, 4);
	cr_expect_eq(count(), 2);
	cr_expect_eq(test_fences_alive(), 2);
	fences[1] = add_new(5, 1, WWR_RESV_USAGE_WRITE);
	fences[3] = add_new(6, 1, WWR_RESV_USAGE_WRITE);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_READ);
	for (int i = 0; i < 4; i++)
		cr_expect_eq(wwr_resv_iter_next(&iter), fences[i], "entry %d", i);
	unlock();
	finish();
}

/* What has signalled needs no more room than it had. */
Test(reservation_resv, reserve_keeps_the_size_when_half_of_it_is_free)
{
	uint32_t max_fences;

	lock();
	reserve(16);
	max_fences = resv.table->max_fences;
	for (uint64_t i = 0; i < max_fences; i++) {
		reserve(1);
		add_new(i, 1, WWR_RESV_USAGE_READ);
	}
	signal_all_but(NULL);
	reserve(max_fences / 2);
	cr_expect_eq(resv.table->max_fences, max_fences);
	reserve(max_fences + 1);
	cr_expect_eq(resv.table->max_fences, 2 * max_fences);
	unlock();
	finish();
}

static void expect_enomem_leaves_state(bool sticky)
{
	struct wwr_fence *fence = test_fence_create(50, 1);

	lock();
	test_alloc_fail(1, sticky);
	cr_expect_eq(wwr_resv_reserve_fences(&resv, 1), -ENOMEM);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), -ENOSPC);
	test_alloc_fail(0, false);

	reserve(4);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	test_alloc_fail(1, sticky);
	cr_expect_eq(wwr_resv_reserve_fences(&resv, 100), -ENOMEM);
	cr_expect_eq(count(), 1);
	/* The slots promised before are still there. */
	add_new(2, 1, WWR_RESV_USAGE_READ);
	add_new(3, 1, WWR_RESV_USAGE_READ);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_WRITE), 0);
	test_alloc_fail(0, false);
	unlock();
	wwr_fence_put(fence);
	finish();
}

Test(reservation_resv, reserve_without_memory_once_returns_enomem)
{
	expect_enomem_leaves_state(false);
}

Test(reservation_resv, reserve_without_memory_ever_returns_enomem)
{
	expect_enomem_leaves_state(true);
}

Test(reservation_resv, reserve_beyond_every_size_returns_enomem)
{
	lock();
	reserve(1);
	add_new(1, 1, WWR_RESV_USAGE_READ);
	/* Refused by its size, or by the allocator. */
	test_alloc_fail(1, false);
	cr_expect_eq(wwr_resv_reserve_fences(&resv, UINT32_MAX), -ENOMEM);
	test_alloc_fail(0, false);
	cr_expect_eq(count(), 1);
	unlock();
	finish();
}

/* old is there; may fence take its place? */
static void expect_replaced(uint64_t old_context, uint64_t old_seqno, enum wwr_resv_usage old_usage,
			    uint64_t context, uint64_t seqno, enum wwr_resv_usage usage,
			    bool replaced)
{
	struct wwr_fence *fence = test_fence_create(context, seqno);
	struct wwr_resv_iter iter;

	wwr_resv_init(&resv, NULL);
	lock();
	reserve(1);
	add_new(old_context, old_seqno, old_usage);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, usage), replaced ? 0 : -ENOSPC);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_eq(wwr_resv_iter_next(&iter) == fence, replaced);
	cr_expect_eq(wwr_resv_iter_usage(&iter), replaced ? usage : old_usage);
	cr_expect_eq(count(), 1);
	unlock();
	wwr_fence_put(fence);
	wwr_resv_fini(&resv);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_resv, add_replaces_an_older_fence_of_a_usage_not_below)
{
	for (int old = WWR_RESV_USAGE_KERNEL; old <= WWR_RESV_USAGE_BOOKKEEP; old++) {
		for (int new = WWR_RESV_USAGE_KERNEL; new <= WWR_RESV_USAGE_BOOKKEEP; new ++) {
			enum wwr_resv_usage old_usage = (enum wwr_resv_usage)old;
			enum wwr_resv_usage usage = (enum wwr_resv_usage) new;

			expect_replaced(1, 5, old_usage, 1, 6, usage, old >= new);
			expect_replaced(1, 5, old_usage, 1, 4, usage, false);
			expect_replaced(1, 5, old_usage, 2, 6, usage, false);
			expect_replaced(1, UINT64_MAX, old_usage, 1, 0, usage, old >= new);
			expect_replaced(1, 0, old_usage, 1, UINT64_MAX, usage, false);
		}
	}
}

Test(reservation_resv, add_of_the_same_fence_replaces_it_or_lowers_its_usage)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_resv_iter iter;

	lock();
	reserve(1);
	cr_assert_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), 0);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_READ), 0);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_BOOKKEEP), -ENOSPC);
	cr_expect_eq(wwr_resv_add_fence(&resv, fence, WWR_RESV_USAGE_WRITE), 0);
	cr_expect_eq(count(), 1);
	cr_expect_eq(fence->refcount, 2);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_WRITE);
	cr_expect_eq(wwr_resv_iter_next(&iter), fence);
	unlock();
	wwr_fence_put(fence);
	finish();
}

Test(reservation_resv, add_replaces_a_signalled_fence_of_any_kind)
{
	lock();
	reserve(1);
	(void)wwr_fence_signal(add_new(1, 1, WWR_RESV_USAGE_KERNEL));
	add_new(2, 1, WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_eq(count(), 1);
	cr_expect_eq(test_fences_alive(), 1);
	unlock();
	finish();
}

Test(reservation_resv, replace_puts_a_fence_in_every_place_of_the_context)
{
	struct wwr_fence *fence = test_fence_create(3, 1);
	struct wwr_fence *other;
	struct wwr_resv_iter iter;

	lock();
	reserve(3);
	add_new(1, 2, WWR_RESV_USAGE_KERNEL);
	other = add_new(2, 1, WWR_RESV_USAGE_READ);
	add_new(1, 1, WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_eq(wwr_resv_replace_fences(&resv, 7, fence, WWR_RESV_USAGE_WRITE), 0);
	cr_expect_eq(fence->refcount, 1);
	cr_expect_eq(wwr_resv_replace_fences(&resv, 1, fence, WWR_RESV_USAGE_WRITE), 0);
	cr_expect_eq(fence->refcount, 3);
	wwr_resv_iter_begin(&iter, &resv, WWR_RESV_USAGE_BOOKKEEP);
	cr_expect_eq(wwr_resv_iter_next(&iter), fence);
	cr_expect_eq(wwr_resv_iter_usage(&iter), WWR_RESV_USAGE_WRITE);
	cr_expect_eq(wwr_resv_iter_next(&iter), other);
	cr_expect_eq(wwr_resv_iter_next(&iter), fence);
	cr_expect_null(wwr_resv_iter_next(&iter));
	unlock();
	wwr_fence_put(fence);
	finish();
}
