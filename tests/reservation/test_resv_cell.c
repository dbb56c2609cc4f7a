/* SPDX-License-Identifier: MIT */
/*
 * Signal cells and the readers that look at them: what such a reader touches, how cells are used
 * again, and what happens without memory.
 */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/starve.h"

#include "reservation/fence_core.h"
#include "reservation/resv_read.h"

#include <wwresv/alloc.h>
#include <wwresv/resv.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#define NUM_USAGES 4

static struct wwr_resv resv;

static void setup(void)
{
	test_alloc_install();
	wwr_resv_init(&resv, NULL);
}

static void finish(void)
{
	wwr_resv_fini(&resv);
	cr_expect_eq(test_fences_alive(), 0);
	resv_cells_reset(true);
	cr_expect_eq(test_alloc_alive(), 0);
}

TestSuite(reservation_resv_cell, .init = setup, .timeout = 20);

static void add_to(struct wwr_resv *to, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	cr_assert_eq(wwr_mutex_lock(&to->mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(to, 1), 0);
	cr_assert_eq(wwr_resv_add_fence(to, fence, usage), 0);
	wwr_mutex_unlock(&to->mutex);
}

/* A new fence, of which only the reservation has a reference. */
static struct wwr_fence *add_new(uint64_t context, enum wwr_resv_usage usage)
{
	struct wwr_fence *fence = test_fence_create(context, 1);

	add_to(&resv, fence, usage);
	wwr_fence_put(fence);
	return fence;
}

static bool is_signaled(void)
{
	return wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_BOOKKEEP);
}

Test(reservation_resv_cell, test_takes_no_lock_and_no_reference)
{
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);

	/* Held by somebody who never lets go. */
	wwr_atomic_store(&resv.table_lock, 1, WWR_RELAXED);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_expect_not(is_signaled());
	cr_expect_eq(fence->refcount, 1);
	(void)wwr_fence_signal(fence);
	cr_expect(is_signaled());
	wwr_mutex_unlock(&resv.mutex);
	wwr_atomic_store(&resv.table_lock, 0, WWR_RELAXED);
	finish();
}

/* What the library allocates, and the fences: pages that can be made read-only or nothing at all.
 */
static uint8_t *arena;
static struct wwr_fence *arena_fences;
static size_t arena_used;

#define ARENA_BYTES ((size_t)1 << 20)

static void *arena_alloc(size_t size_bytes, void *data)
{
	void *block = arena + arena_used;

	(void)data;
	arena_used += (size_bytes + 63) & ~(size_t)63;
	return arena_used <= ARENA_BYTES ? block : NULL;
}

static void arena_free(void *ptr, void *data)
{
	(void)ptr;
	(void)data;
}

static void *map_pages(void)
{
	void *pages =
	    mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(pages, MAP_FAILED);
	return pages;
}

static void protect(int arena_access, int fences_access)
{
	cr_assert_eq(mprotect(arena, ARENA_BYTES, arena_access), 0);
	cr_assert_eq(mprotect(arena_fences, ARENA_BYTES, fences_access), 0);
}

/*
 * Every write but of what a reader has found, and every look at a fence, would end the process:
 * what is pending is asked for without a write, and what is known to be over.
 */
Test(reservation_resv_cell, test_writes_what_it_finds_alone_and_does_not_look_at_fences)
{
	static const struct wwr_allocator allocator = {arena_alloc, arena_free, NULL};
	struct wwr_resv *const apart = map_pages();

	/* The cells in the library's own memory are all taken. */
	for (int i = 0; i < CELL_FIRST_CHUNK - 1; i++)
		cr_assert_not_null(resv_cell_get());
	arena = map_pages();
	arena_fences = map_pages();
	wwr_set_allocator(&allocator);
	wwr_resv_init(apart, NULL);
	for (uint64_t i = 0; i < NUM_USAGES; i++) {
		wwr_fence_init(&arena_fences[i], &test_fence_ops, 1 + i, 1);
		add_to(apart, &arena_fences[i], (enum wwr_resv_usage)i);
		cr_assert((size_t)((uint8_t *)arena_fences[i].cell - arena) < arena_used);
	}
	for (int done = 0; done <= NUM_USAGES; done++) {
		protect(PROT_READ, PROT_NONE);
		for (int usage = 0; usage < done; usage++)
			cr_expect(wwr_resv_test_signaled(apart, (enum wwr_resv_usage)usage));
		cr_assert_eq(mprotect(apart, ARENA_BYTES, PROT_READ), 0);
		for (int usage = 0; usage < NUM_USAGES; usage++)
			cr_expect_eq(wwr_resv_test_signaled(apart, (enum wwr_resv_usage)usage),
				     usage < done);
		cr_assert_eq(mprotect(apart, ARENA_BYTES, PROT_READ | PROT_WRITE), 0);
		protect(PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
		if (done < NUM_USAGES)
			(void)wwr_fence_signal(&arena_fences[done]);
	}
}

/* What a reader found once is over with the next change, for every usage. */
Test(reservation_resv_cell, what_was_found_holds_until_the_next_change)
{
	for (int usage = 0; usage < NUM_USAGES; usage++) {
		struct wwr_fence *fence;

		cr_expect(is_signaled());
		fence = add_new(1 + (uint64_t)usage, (enum wwr_resv_usage)usage);
		for (int asked = NUM_USAGES; asked-- > 0;)
			cr_expect_eq(wwr_resv_test_signaled(&resv, (enum wwr_resv_usage)asked),
				     asked < usage);
		(void)wwr_fence_signal(fence);
	}
	cr_expect(is_signaled());
	finish();
}

Test(reservation_resv_cell, a_fence_in_many_reservations_has_one_cell)
{
	struct wwr_fence *fence = test_fence_create(1, 1);
	struct wwr_resv_cell *cell;
	struct wwr_resv many[8];

	cr_expect_null(fence->cell);
	for (int i = 0; i < 8; i++) {
		wwr_resv_init(&many[i], NULL);
		add_to(&many[i], fence, WWR_RESV_USAGE_READ);
		cell = i == 0 ? fence->cell : cell;
		cr_expect_eq(fence->cell, cell);
	}
	(void)wwr_fence_signal(fence);
	for (int i = 0; i < 8; i++) {
		cr_expect(wwr_resv_test_signaled(&many[i], WWR_RESV_USAGE_READ));
		wwr_resv_fini(&many[i]);
	}
	wwr_fence_put(fence);
	finish();
}

/* It is signalled for every reader when its callbacks are called. */
static void note_signaled(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	cb->fence = is_signaled() ? (struct wwr_fence *)cb : NULL;
}

Test(reservation_resv_cell, callbacks_find_the_reservation_signalled)
{
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);
	struct wwr_fence_cb cb;

	cr_assert_eq(wwr_fence_add_callback(fence, &cb, note_signaled), 0);
	(void)wwr_fence_signal(fence);
	cr_expect_eq((void *)cb.fence, &cb);
	finish();
}

/* What was signalled before it was added needs no cell. */
Test(reservation_resv_cell, a_signalled_fence_gets_no_cell)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	(void)wwr_fence_signal(fence);
	add_to(&resv, fence, WWR_RESV_USAGE_KERNEL);
	cr_expect_null(fence->cell);
	cr_expect(is_signaled());
	wwr_fence_put(fence);
	finish();
}

/* However many fences come and go, there are as many cells as lived at a time. */
Test(reservation_resv_cell, cells_are_used_again)
{
	for (uint64_t i = 0; i < 10000; i++)
		(void)wwr_fence_signal(add_new(i % 5, WWR_RESV_USAGE_READ));
	cr_expect_eq(resv_cells_made(), CELL_FIRST_CHUNK);
	cr_expect_leq(test_alloc_calls(), 2);
	finish();
}

/* A cell that tells of a fence gone by, as readers with an old word may find it. */
Test(reservation_resv_cell, an_old_word_finds_its_cell_in_another_generation)
{
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);
	struct wwr_resv_cell *cell = fence->cell;
	uint64_t word = resv_word(resv.table, 0);

	cr_expect_eq(resv_word_look(word), RESV_LOOK_PENDING);
	(void)wwr_fence_signal(fence);
	cr_expect_eq(resv_word_look(word), RESV_LOOK_SIGNALED);
	wwr_resv_fini(&resv);
	cr_expect_eq(resv_word_look(word), RESV_LOOK_GONE);
	/* Another fence has it now. */
	wwr_resv_init(&resv, NULL);
	do {
		fence = add_new(2, WWR_RESV_USAGE_READ);
		(void)wwr_fence_signal(fence);
	} while (fence->cell != cell);
	cr_expect_eq(resv_word_look(word), RESV_LOOK_GONE);
	finish();
}

/* The reader is in a table that was left behind, and a fence in it is released. */
Test(reservation_resv_cell, a_word_of_an_old_table_leads_to_the_new_one)
{
	struct wwr_resv_table *old;
	struct wwr_fence *fence = add_new(1, WWR_RESV_USAGE_READ);

	old = resv.table;
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, 100), 0);
	wwr_mutex_unlock(&resv.mutex);
	(void)wwr_fence_signal(fence);
	add_new(2, WWR_RESV_USAGE_READ);
	cr_expect_eq(resv_word_look(resv_word(old, 0)), RESV_LOOK_GONE);
	cr_expect_eq(resv_word_look(resv_word(resv.table, 0)), RESV_LOOK_PENDING);
	cr_expect_not(is_signaled());
	finish();
}

/* Then a word of it is never met again, since no other fence will ever have it. */
Test(reservation_resv_cell, a_cell_without_generations_left_is_not_used_again)
{
	struct wwr_resv_cell *worn = resv_cell_get();
	struct wwr_resv_cell *cells[2 * CELL_FIRST_CHUNK];

	/* Two more: the last one is none. */
	worn->state = CELL_GENERATION_MASK - 2 * CELL_STEP;
	resv_cell_put(worn);
	cr_assert_eq(resv_cell_get(), worn);
	cr_expect_eq(resv_cell_generation(worn), CELL_GENERATION_MASK - CELL_STEP);
	resv_cell_put(worn);
	for (int i = 0; i < 2 * CELL_FIRST_CHUNK - 2; i++) {
		cells[i] = resv_cell_get();
		cr_assert_neq(cells[i], worn);
	}
	/* All but number 0 and the one that is worn out. */
	cr_expect_eq(resv_cells_made(), 2 * CELL_FIRST_CHUNK);
	for (int i = 0; i < 2 * CELL_FIRST_CHUNK - 2; i++)
		resv_cell_put(cells[i]);
	finish();
}

/* Each index leads to its own cell, over many chunks. */
Test(reservation_resv_cell, cells_are_found_by_their_index)
{
	enum {
		NUM_CELLS = 3000
	};
	struct wwr_resv_cell *cells[NUM_CELLS];

	for (int i = 0; i < NUM_CELLS; i++) {
		cells[i] = resv_cell_get();
		cr_assert_not_null(cells[i]);
		cr_assert_eq(resv_cell_at(cells[i]->index), cells[i]);
		cr_assert_neq(cells[i]->index, 0);
	}
	for (int i = 0; i < NUM_CELLS; i++) {
		cr_assert_eq(cells[i]->pad[0], 0, "handed out twice");
		cells[i]->pad[0] = 1;
	}
	cr_expect_eq(resv_cells_made(), 4096);
	cr_expect_eq(test_alloc_alive(), 6, "chunks of 64, 128, .. 2048");
	for (int i = 0; i < NUM_CELLS; i++)
		resv_cell_put(cells[i]);
	finish();
}

static void *put_cells(void *arg)
{
	struct wwr_resv_cell **cells = arg;

	for (int i = 0; i < CELL_FIRST_CHUNK - 1; i++)
		resv_cell_put(cells[i]);
	return NULL;
}

/* One thread takes and others give back: the cells come round. */
Test(reservation_resv_cell, cells_given_back_by_other_threads_are_found)
{
	struct wwr_resv_cell *cells[CELL_FIRST_CHUNK];

	for (int round = 0; round < 50; round++) {
		pthread_t thread;

		for (int i = 0; i < CELL_FIRST_CHUNK - 1; i++)
			cells[i] = resv_cell_get();
		cr_assert_eq(pthread_create(&thread, NULL, put_cells, cells), 0);
		pthread_join(thread, NULL);
	}
	cr_expect_eq(resv_cells_made(), CELL_FIRST_CHUNK);
	finish();
}

/* Who adds without a slot, in the place of another, while there is no memory, still succeeds. */
Test(reservation_resv_cell, a_fence_added_without_memory_for_a_cell_is_asked_itself)
{
	struct wwr_fence *later = test_fence_create(1, 2);
	struct wwr_resv_cell *hostages;

	add_new(1, WWR_RESV_USAGE_READ);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	hostages = test_starve();
	cr_expect_eq(wwr_resv_add_fence(&resv, later, WWR_RESV_USAGE_READ), 0);
	test_feed(hostages);
	wwr_mutex_unlock(&resv.mutex);
	cr_expect_null(later->cell);
	cr_expect_eq(resv_word_look(resv_word(resv.table, 0)), RESV_LOOK_UNKNOWN);
	cr_expect_not(is_signaled());
	cr_expect(wwr_resv_test_signaled(&resv, WWR_RESV_USAGE_WRITE));
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, 0), -ETIME);
	(void)wwr_fence_signal(later);
	cr_expect(is_signaled());
	cr_expect_eq(wwr_resv_wait_until(&resv, WWR_RESV_USAGE_READ, NULL, 0), 0);
	wwr_fence_put(later);
	finish();
}

/* With a slot there is a cell, whatever the allocator says. */
Test(reservation_resv_cell, a_fence_added_with_a_slot_has_a_cell)
{
	struct wwr_fence *fences[3];
	struct wwr_resv_cell *hostages;

	for (uint64_t i = 0; i < 3; i++)
		fences[i] = test_fence_create(1 + i, 1);
	cr_assert_eq(wwr_mutex_lock(&resv.mutex, NULL), 0);
	cr_assert_eq(wwr_resv_reserve_fences(&resv, 3), 0);
	hostages = test_starve();
	for (int i = 0; i < 3; i++)
		cr_expect_eq(wwr_resv_add_fence(&resv, fences[i], WWR_RESV_USAGE_READ), 0);
	cr_expect_eq(wwr_resv_reserve_fences(&resv, 1), -ENOMEM, "there is a place, but no cell");
	test_feed(hostages);
	wwr_mutex_unlock(&resv.mutex);
	for (int i = 0; i < 3; i++) {
		cr_expect_not_null(fences[i]->cell);
		wwr_fence_put(fences[i]);
	}
	finish();
}
