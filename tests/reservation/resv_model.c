/* SPDX-License-Identifier: MIT */
/*
 * The plain list: entries in the order of their places, of which some are empty.  The one thing
 * that it does not foresee is when a reserve drops what has signalled; it then checks that nothing
 * else went, and goes on from what it sees.
 */
#include "tests/reservation/resv_model.h"

#include "tests/lib/test_env.h"
#include "tests/reservation/reservation_fixture.h"
#include "tests/reservation/starve.h"

#include <wwresv/resv.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_ENTRIES 4096
#define NUM_USAGES  4

/* A reference of the model's own: the reservation may release what the model still looks at. */
struct entry {
	struct wwr_fence *fence; /* NULL = empty */
	enum wwr_resv_usage usage;
};

static struct {
	struct wwr_resv resv;
	struct wwr_resv other;
	struct entry entries[MAX_ENTRIES];
	unsigned int num_entries;
	unsigned int num_slots;
	struct wwr_fence *places[MODEL_NUM_PLACES];
	enum resv_model_mistake mistake;
	struct resv_model_counts counts;
	char failure[200]; /* "" = none so far */
} run;

__attribute__((format(printf, 2, 3))) static void expect(bool ok, const char *format, ...)
{
	va_list args;

	if (ok || run.failure[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(run.failure, sizeof(run.failure), format, args);
	va_end(args);
}

static bool model_replaces(const struct entry *old, const struct wwr_fence *fence,
			   enum wwr_resv_usage usage)
{
	bool usage_fits = old->usage >= usage || run.mistake == RESV_MISTAKE_USAGE;

	if (wwr_fence_get_status(old->fence) != 0)
		return run.mistake != RESV_MISTAKE_SIGNAL;
	if (old->fence == fence)
		return usage_fits;
	return old->fence->context == fence->context && usage_fits &&
	       old->fence->seqno < fence->seqno;
}

static void model_set(unsigned int index, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	struct wwr_fence *old = run.entries[index].fence;

	run.entries[index] = (struct entry){wwr_fence_get(fence), usage};
	wwr_fence_put(old);
}

/* What wwr_resv_add_fence() is to return, and to do. */
static int model_add(struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	unsigned int place = run.num_entries;

	for (unsigned int i = run.num_entries; i-- > 0;) {
		if (run.entries[i].fence == NULL)
			place = i;
	}
	for (unsigned int i = 0; i < run.num_entries; i++) {
		if (run.entries[i].fence == NULL || !model_replaces(&run.entries[i], fence, usage))
			continue;
		model_set(i, fence, usage);
		run.counts.num_replaced++;
		return 0;
	}
	if (run.num_slots == 0) {
		run.counts.num_refused++;
		return -ENOSPC;
	}
	run.num_slots--;
	run.counts.num_appended++;
	expect(place < MAX_ENTRIES, "the model has no room");
	run.num_entries += place == run.num_entries;
	model_set(place, fence, usage);
	return 0;
}

static void model_replace(uint64_t context, struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	for (unsigned int i = 0; i < run.num_entries; i++) {
		if (run.entries[i].fence != NULL && run.entries[i].fence->context == context)
			model_set(i, fence, usage);
	}
}

static void model_clear(void)
{
	for (unsigned int i = 0; i < run.num_entries; i++)
		model_set(i, NULL, WWR_RESV_USAGE_KERNEL);
	run.num_entries = 0;
}

/* Only what is pending, each fence once where it has its lowest usage. */
static void model_unify(void)
{
	for (unsigned int i = 0; i < run.num_entries; i++) {
		struct wwr_fence *fence = run.entries[i].fence;
		bool goes = fence != NULL && wwr_fence_get_status(fence) != 0;

		for (unsigned int j = 0; j < run.num_entries && fence != NULL; j++) {
			if (run.entries[j].fence != fence)
				continue;
			goes |= run.entries[j].usage < run.entries[i].usage;
			/* Of several with the same usage the last one stays. */
			goes |= run.entries[j].usage == run.entries[i].usage && j > i;
		}
		if (goes)
			model_set(i, NULL, WWR_RESV_USAGE_KERNEL);
	}
}

/* After a reserve: what is missing had signalled. */
static void model_follow_drops(void)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;

	wwr_resv_iter_begin(&iter, &run.resv, WWR_RESV_USAGE_BOOKKEEP);
	fence = wwr_resv_iter_next(&iter);
	for (unsigned int i = 0; i < run.num_entries; i++) {
		const struct entry *entry = &run.entries[i];

		if (entry->fence == NULL)
			continue;
		if (fence == entry->fence && wwr_resv_iter_usage(&iter) == entry->usage) {
			fence = wwr_resv_iter_next(&iter);
			continue;
		}
		expect(wwr_fence_get_status(entry->fence) == 1, "a pending fence was dropped");
		model_set(i, NULL, WWR_RESV_USAGE_KERNEL);
		run.counts.num_dropped++;
	}
}

/* The reservation shows exactly the model's entries, in the same order. */
static void check_entries(void)
{
	struct wwr_resv_iter iter;

	wwr_resv_iter_begin(&iter, &run.resv, WWR_RESV_USAGE_BOOKKEEP);
	for (unsigned int i = 0; i < run.num_entries; i++) {
		if (run.entries[i].fence == NULL)
			continue;
		expect(wwr_resv_iter_next(&iter) == run.entries[i].fence, "entry %u is another", i);
		expect(wwr_resv_iter_usage(&iter) == run.entries[i].usage,
		       "entry %u has another usage", i);
	}
	expect(wwr_resv_iter_next(&iter) == NULL, "there are more entries than the model's");
}

/* The next pending entry of a usage from *index on, which is then behind it; or NULL. */
static const struct entry *model_next_pending(unsigned int *index, enum wwr_resv_usage usage)
{
	while (*index < run.num_entries) {
		const struct entry *entry = &run.entries[(*index)++];

		if (entry->fence != NULL && entry->usage <= usage &&
		    wwr_fence_get_status(entry->fence) == 0)
			return entry;
	}
	return NULL;
}

static void check_copy(enum wwr_resv_usage usage)
{
	const struct entry *entry;
	struct wwr_fence **copy;
	unsigned int index = 0;
	unsigned int num;
	unsigned int i;

	expect(wwr_resv_get_fences(&run.resv, usage, &num, &copy) == 0, "get_fences failed");
	for (i = 0; (entry = model_next_pending(&index, usage)) != NULL; i++)
		expect(i < num && copy[i] == entry->fence, "usage %d: copy %u is another",
		       (int)usage, i);
	expect(i == num, "usage %d: %u copies instead of %u", (int)usage, num, i);
	expect(wwr_resv_test_signaled(&run.resv, usage) == (i == 0),
	       "usage %d: test_signaled is wrong", (int)usage);
	expect(wwr_resv_wait_until(&run.resv, usage, NULL, 0) == (i == 0 ? 0 : -ETIME),
	       "usage %d: wait_until is wrong", (int)usage);
	wwr_resv_put_fences(num, copy);
}

static void check_cursor(enum wwr_resv_usage usage)
{
	struct wwr_resv_cursor cursor;
	const struct entry *entry;
	unsigned int index = 0;

	wwr_resv_cursor_begin(&cursor, &run.resv, usage);
	do {
		entry = model_next_pending(&index, usage);
		expect(wwr_resv_cursor_next(&cursor) == (entry != NULL ? entry->fence : NULL),
		       "usage %d: the cursor shows another fence before %u", (int)usage, index);
		expect(entry == NULL || wwr_resv_cursor_usage(&cursor) == entry->usage,
		       "usage %d: the cursor shows another usage before %u", (int)usage, index);
		expect(!wwr_resv_cursor_is_restarted(&cursor), "the cursor began anew");
	} while (entry != NULL);
	wwr_resv_cursor_end(&cursor);
}

static void check_readers(void)
{
	for (int usage = 0; usage < NUM_USAGES; usage++) {
		check_copy((enum wwr_resv_usage)usage);
		check_cursor((enum wwr_resv_usage)usage);
	}
}

/* How often a fence is there with a usage. */
static unsigned int model_count(const struct wwr_fence *fence, enum wwr_resv_usage usage)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < run.num_entries; i++)
		num += run.entries[i].fence == fence && run.entries[i].usage == usage;
	return num;
}

/* The other reservation has what is pending here, in any order. */
static void check_other(void)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;
	unsigned int num = 0;
	unsigned int index = 0;

	wwr_resv_iter_begin(&iter, &run.other, WWR_RESV_USAGE_BOOKKEEP);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL) {
		expect(model_count(fence, wwr_resv_iter_usage(&iter)) > 0,
		       "%u in the copy is another", num);
		expect(wwr_fence_get_status(fence) == 0, "%u in the copy has signalled", num);
		num++;
	}
	while (model_next_pending(&index, WWR_RESV_USAGE_BOOKKEEP) != NULL)
		num--;
	expect(num == 0, "the copy has %d too many", (int)num);
	expect(wwr_resv_test_signaled(&run.other, WWR_RESV_USAGE_KERNEL) ==
		   wwr_resv_test_signaled(&run.resv, WWR_RESV_USAGE_KERNEL),
	       "the copy signals otherwise");
}

static void do_add(const struct resv_op *op, struct wwr_fence *fence)
{
	bool starved = op->kind == RESV_OP_ADD_STARVED;
	int expected = model_add(fence, (enum wwr_resv_usage)op->usage);
	struct wwr_resv_cell *hostages = starved ? test_starve() : NULL;
	int ret = wwr_resv_add_fence(&run.resv, fence, (enum wwr_resv_usage)op->usage);

	if (starved)
		test_feed(hostages);
	expect(ret == expected, "add_fence gave %d instead of %d", ret, expected);
}

static void do_reserve(const struct resv_op *op)
{
	bool starved = op->kind == RESV_OP_RESERVE_STARVED;
	struct wwr_resv_cell *hostages = starved ? test_starve() : NULL;
	int ret = wwr_resv_reserve_fences(&run.resv, op->num);

	if (starved)
		test_feed(hostages);
	expect(ret == 0 || (ret == -ENOMEM && starved), "reserve_fences gave %d", ret);
	if (ret == 0 && run.num_slots < op->num)
		run.num_slots = op->num;
	run.counts.num_enomem += ret != 0;
	model_follow_drops();
}

/* Only what is pending arrives, and only that comes back: each fence once, to where it was. */
static void do_copy(void)
{
	expect(wwr_mutex_trylock(&run.other.mutex, NULL) == 0, "the other one is locked");
	expect(wwr_resv_copy_fences(&run.other, &run.resv) == 0, "copy_fences failed");
	model_unify();
	check_other();
	expect(wwr_resv_copy_fences(&run.resv, &run.other) == 0, "copy_fences back failed");
	wwr_mutex_unlock(&run.other.mutex);
	run.counts.num_copied++;
}

static void do_relock(bool afresh)
{
	wwr_mutex_unlock(&run.resv.mutex);
	if (afresh) {
		wwr_resv_fini(&run.resv);
		wwr_resv_init(&run.resv, NULL);
		model_clear();
	}
	expect(wwr_mutex_lock(&run.resv.mutex, NULL) == 0, "lock failed");
	run.num_slots = 0;
}

/* What needs a fence does nothing without one, so that any operation may be left out. */
static void do_with_fence(const struct resv_op *op, struct wwr_fence *fence)
{
	if (fence == NULL)
		return;
	if (op->kind == RESV_OP_SIGNAL) {
		(void)wwr_fence_signal(fence);
	} else if (op->kind == RESV_OP_REPLACE) {
		model_replace(op->context, fence, (enum wwr_resv_usage)op->usage);
		expect(wwr_resv_replace_fences(&run.resv, op->context, fence,
					       (enum wwr_resv_usage)op->usage) == 0,
		       "replace_fences failed");
	} else {
		do_add(op, fence);
	}
}

static void do_op(const struct resv_op *op)
{
	switch (op->kind) {
	case RESV_OP_NEW:
		wwr_fence_put(run.places[op->place]);
		run.places[op->place] = test_fence_create(op->context, op->seqno);
		break;
	case RESV_OP_RESERVE:
	case RESV_OP_RESERVE_STARVED:
		do_reserve(op);
		break;
	case RESV_OP_RELOCK:
	case RESV_OP_AFRESH:
		do_relock(op->kind == RESV_OP_AFRESH);
		break;
	case RESV_OP_COPY:
		do_copy();
		break;
	default:
		do_with_fence(op, run.places[op->place]);
		break;
	}
}

static void begin(enum resv_model_mistake mistake)
{
	memset(&run, 0, sizeof(run));
	run.mistake = mistake;
	wwr_resv_init(&run.resv, NULL);
	wwr_resv_init(&run.other, NULL);
	expect(wwr_mutex_lock(&run.resv.mutex, NULL) == 0, "lock failed");
}

static void end(void)
{
	wwr_mutex_unlock(&run.resv.mutex);
	wwr_resv_fini(&run.resv);
	wwr_resv_fini(&run.other);
	model_clear();
	for (unsigned int i = 0; i < MODEL_NUM_PLACES; i++)
		wwr_fence_put(run.places[i]);
	resv_cells_reset(true);
	expect(test_fences_alive() == 0, "%u fences are not released", test_fences_alive());
	expect(test_alloc_alive() == 0, "%u blocks are not given back", test_alloc_alive());
}

unsigned int resv_model_run(const struct resv_op *ops, unsigned int num,
			    enum resv_model_mistake mistake, struct resv_model_counts *ret_counts,
			    const char **ret_failure)
{
	unsigned int num_done = 0;

	begin(mistake);
	while (num_done < num && run.failure[0] == '\0') {
		do_op(&ops[num_done++]);
		check_entries();
		check_readers();
	}
	end();
	*ret_counts = run.counts;
	*ret_failure = run.failure[0] != '\0' ? run.failure : NULL;
	return num_done;
}
