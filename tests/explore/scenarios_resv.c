/* SPDX-License-Identifier: MIT */
/*
 * One reservation object: fibers that add fences under its lock and signal them later, one that
 * replaces, and readers without the lock.  What a reader must see: every fence whose add had
 * returned before the reader began, unless it has signalled or was replaced since.
 */
#include "tests/explore/explore.h"

#include <wwresv/fence.h>
#include <wwresv/resv.h>

#include <errno.h>

#define MAX_RECORDS	  24
#define MAX_WRITERS	  3
#define CONTEXTS_A_WRITER 3

enum resv_flag {
	RESV_FAILS = 1 << 0,	/* allocations fail */
	RESV_REPLACER = 1 << 1, /* a fiber replaces the fences of a context */
	RESV_TESTS = 1 << 3,	/* readers ask whether all have signalled, nothing else */
	RESV_LATER = 1 << 2,	/* a writer's fences are of one context: later ones replace */
};

struct resv_config {
	unsigned int num_writers;
	unsigned int num_readers;
	unsigned int num_rounds;
	unsigned int max_adds; /* the seed takes 1 up to this in a hold of the lock */
	unsigned int flags;
};

/* One fence's life, as the scenario knows it. */
struct record {
	struct wwr_fence *fence; /* compared only: it may be gone */
	uint64_t context;
	enum wwr_resv_usage usage;
	bool added;	 /* its add has returned */
	bool superseded; /* maybe replaced by a later one, which signals later */
	bool replaced;	 /* maybe replaced by one that says nothing of it */
	bool signalling; /* maybe signalled */
	bool settled;	 /* its signal has returned */
};

static struct {
	const struct resv_config *config;
	struct wwr_resv *resv;
	struct record records[MAX_RECORDS];
	unsigned int num_records;
} scene;

static const char *name_op(const struct wwr_fence *fence)
{
	(void)fence;
	return "explore";
}

static void release_op(struct wwr_fence *fence)
{
	ex_delete(fence);
}

static const struct wwr_fence_ops fence_ops = {
    .driver_name = name_op,
    .timeline_name = name_op,
    .release = release_op,
};

static bool has(enum resv_flag flag)
{
	return (scene.config->flags & (unsigned int)flag) != 0;
}

static struct record *new_record(uint64_t context, enum wwr_resv_usage usage)
{
	unsigned int number = scene.num_records++;
	struct record *record = &scene.records[number];

	*record = (struct record){.context = context, .usage = usage};
	record->fence = ex_new(EX_FENCE, number, sizeof(*record->fence));
	/* Rising numbers, whatever the context. */
	wwr_fence_init(record->fence, &fence_ops, context, number + 1);
	return record;
}

static enum wwr_resv_usage choose_usage(void)
{
	return (enum wwr_resv_usage)ex_choose(WWR_RESV_USAGE_BOOKKEEP + 1);
}

static void supersede(uint64_t context, enum wwr_resv_usage usage)
{
	for (unsigned int i = 0; i < scene.num_records; i++) {
		struct record *record = &scene.records[i];

		if (record->context == context && record->added && record->usage >= usage)
			record->superseded = true;
	}
}

/* Add some fences in one hold of the lock; returns how many, with the lock held no more. */
static unsigned int add_some(unsigned int writer, struct record **ret_records)
{
	unsigned int num = 1 + ex_choose(scene.config->max_adds);
	int ret;

	if (wwr_mutex_lock(&scene.resv->mutex, NULL) != 0)
		ex_fail("a plain lock failed");
	if (has(RESV_FAILS) && ex_choose(3) == 0)
		ex_fail_next_alloc();
	ret = wwr_resv_reserve_fences(scene.resv, num);
	EX_CHECK(ret == 0 || (ret == -ENOMEM && has(RESV_FAILS)), "reserve: %d", ret);
	if (ret != 0)
		num = 0;
	for (unsigned int i = 0; i < num; i++) {
		uint64_t context = 1 + writer * CONTEXTS_A_WRITER + (has(RESV_LATER) ? 0 : i);
		struct record *record = new_record(context, choose_usage());

		supersede(context, record->usage);
		ret = wwr_resv_add_fence(scene.resv, record->fence, record->usage);
		EX_CHECK(ret == 0, "add after reserve: %d", ret);
		record->added = true;
		ret_records[i] = record;
	}
	wwr_mutex_unlock(&scene.resv->mutex);
	return num;
}

static void writer_main(void *arg)
{
	struct record *records[CONTEXTS_A_WRITER];
	unsigned int writer = (unsigned int)(uintptr_t)arg;

	for (unsigned int round = 0; round < scene.config->num_rounds; round++) {
		unsigned int num = add_some(writer, records);

		for (unsigned int i = 0; i < num; i++) {
			records[i]->signalling = true;
			EX_CHECK(wwr_fence_signal(records[i]->fence) == 0, "signalled twice");
			records[i]->settled = true;
			wwr_fence_put(records[i]->fence);
		}
	}
}

static void replacer_main(void *arg)
{
	uint64_t context = 1 + ex_choose(scene.config->num_writers) * CONTEXTS_A_WRITER;
	struct record *record;

	(void)arg;
	if (wwr_mutex_lock(&scene.resv->mutex, NULL) != 0)
		ex_fail("a plain lock failed");
	record = new_record(99, choose_usage());
	for (unsigned int i = 0; i < scene.num_records; i++)
		scene.records[i].replaced |= scene.records[i].context == context;
	EX_CHECK(wwr_resv_replace_fences(scene.resv, context, record->fence, record->usage) == 0,
		 "replace failed");
	wwr_mutex_unlock(&scene.resv->mutex);
	record->signalling = true;
	(void)wwr_fence_signal(record->fence);
	record->settled = true;
	wwr_fence_put(record->fence);
}

/* The fences that a reader of this usage must wait for, as a mask of records. */
static uint32_t pending_mask(enum wwr_resv_usage usage)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < scene.num_records; i++) {
		const struct record *record = &scene.records[i];

		if (record->added && !record->replaced && !record->signalling &&
		    record->usage <= usage)
			mask |= 1u << i;
	}
	return mask;
}

/* Those of them that must still be there to be seen. */
static uint32_t present_mask(enum wwr_resv_usage usage)
{
	uint32_t mask = pending_mask(usage);

	for (unsigned int i = 0; i < scene.num_records; i++) {
		if (scene.records[i].superseded)
			mask &= ~(1u << i);
	}
	return mask;
}

/* How many fences of this usage there are that may be pending, in the reservation or on the way. */
static unsigned int num_unsettled(enum wwr_resv_usage usage)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < scene.num_records; i++)
		num += scene.records[i].usage <= usage && !scene.records[i].settled;
	return num;
}

static unsigned int num_of_usage(enum wwr_resv_usage usage)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < scene.num_records; i++)
		num += scene.records[i].usage <= usage;
	return num;
}

/* The fences are compared only: they may be gone. */
static void check_seen(uint32_t before, enum wwr_resv_usage usage, struct wwr_fence *const *fences,
		       unsigned int num)
{
	uint32_t must = before & present_mask(usage);

	for (unsigned int i = 0; i < num; i++) {
		for (unsigned int j = 0; j < scene.num_records; j++) {
			if (scene.records[j].fence == fences[i])
				must &= ~(1u << j);
		}
	}
	EX_CHECK(must == 0, "fence %c was added before and is not in the list",
		 'A' + __builtin_ctz(must));
}

/* With references of all. */
static void check_list(uint32_t before, enum wwr_resv_usage usage, struct wwr_fence *const *fences,
		       unsigned int num)
{
	for (unsigned int i = 0; i < num; i++)
		EX_CHECK(wwr_fence_get_status(fences[i]) >= 0, "a fence in the list is broken");
	check_seen(before, usage, fences, num);
}

static void read_list(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(usage);
	struct wwr_fence **fences;
	unsigned int num;
	int ret = wwr_resv_get_fences(scene.resv, usage, &num, &fences);

	EX_CHECK(ret == 0 || (ret == -ENOMEM && has(RESV_FAILS)), "get_fences: %d", ret);
	if (ret != 0)
		return;
	check_list(before, usage, fences, num);
	wwr_resv_put_fences(num, fences);
}

static void read_signalled(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(usage);
	bool was_settled = num_unsettled(usage) == 0;
	unsigned int num_before = num_of_usage(usage);
	bool signalled = wwr_resv_test_signaled(scene.resv, usage);

	EX_CHECK(signalled || !was_settled || num_of_usage(usage) > num_before,
		 "test_signaled is false and every fence had signalled before");
	EX_CHECK(!signalled || (before & pending_mask(usage)) == 0,
		 "test_signaled is true and fence %c is pending",
		 'A' + __builtin_ctz(before & pending_mask(usage)));
}

static void read_wait(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(usage);
	int ret = wwr_resv_wait_until(scene.resv, usage, NULL, INT64_MAX);

	EX_CHECK(ret == 0 || (ret == -ENOMEM && has(RESV_FAILS)), "wait: %d", ret);
	EX_CHECK(ret != 0 || (before & pending_mask(usage)) == 0,
		 "the wait is over and fence %c is pending",
		 'A' + __builtin_ctz(before & pending_mask(usage)));
}

static void read_locked(enum wwr_resv_usage usage)
{
	struct wwr_fence *fences[MAX_RECORDS];
	struct wwr_resv_iter iter;
	unsigned int num = 0;

	if (wwr_mutex_lock(&scene.resv->mutex, NULL) != 0)
		ex_fail("a plain lock failed");
	wwr_resv_iter_begin(&iter, scene.resv, usage);
	while (num < MAX_RECORDS && (fences[num] = wwr_resv_iter_next(&iter)) != NULL) {
		EX_CHECK(wwr_resv_iter_usage(&iter) <= usage, "the iterator shows another usage");
		num++;
	}
	check_list(pending_mask(usage), usage, fences, num);
	wwr_mutex_unlock(&scene.resv->mutex);
}

/* Of what was there before, all that is still pending has been shown since the walk began anew. */
static void read_cursor(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(usage);
	struct wwr_fence *fences[MAX_RECORDS];
	struct wwr_resv_cursor cursor;
	struct wwr_fence *fence;
	unsigned int num = 0;

	wwr_resv_cursor_begin(&cursor, scene.resv, usage);
	do {
		fence = wwr_resv_cursor_next(&cursor);
		if (wwr_resv_cursor_is_restarted(&cursor))
			num = 0;
		if (fence == NULL)
			break;
		EX_CHECK(wwr_resv_cursor_usage(&cursor) <= usage, "the walk shows another usage");
		(void)wwr_fence_is_signaled(fence);
		fences[num++] = fence;
	} while (num < MAX_RECORDS);
	check_seen(before, usage, fences, num);
	wwr_resv_cursor_end(&cursor);
}

static void read_singleton(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(usage);
	struct wwr_fence *fence = NULL;
	int ret = wwr_resv_get_singleton(scene.resv, usage, &fence);

	EX_CHECK(ret == 0 || (ret == -ENOMEM && has(RESV_FAILS)), "get_singleton: %d", ret);
	if (ret != 0)
		return;
	if (fence != NULL && wwr_fence_wait_until(fence, NULL, INT64_MAX) != 0)
		ex_fail("a wait without an end ended");
	EX_CHECK((before & pending_mask(usage)) == 0, "all as one is over and fence %c is pending",
		 'A' + __builtin_ctz(before & pending_mask(usage)));
	wwr_fence_put(fence);
}

/* Into a reservation of its own. */
static void read_copy(enum wwr_resv_usage usage)
{
	uint32_t before = pending_mask(WWR_RESV_USAGE_BOOKKEEP);
	struct wwr_resv *copy = ex_new(EX_RESV, 1 + ex_self(), sizeof(*copy));
	int ret;

	(void)usage;
	wwr_resv_init(copy, &ex_class);
	if (wwr_mutex_lock(&copy->mutex, NULL) != 0)
		ex_fail("a plain lock failed");
	ret = wwr_resv_copy_fences(copy, scene.resv);
	EX_CHECK(ret == 0 || (ret == -ENOMEM && has(RESV_FAILS)), "copy_fences: %d", ret);
	wwr_mutex_unlock(&copy->mutex);
	if (ret == 0 && wwr_resv_test_signaled(copy, WWR_RESV_USAGE_BOOKKEEP))
		EX_CHECK((before & pending_mask(WWR_RESV_USAGE_BOOKKEEP)) == 0,
			 "the copy is signalled and fence %c is pending",
			 'A' + __builtin_ctz(before & pending_mask(WWR_RESV_USAGE_BOOKKEEP)));
	wwr_resv_fini(copy);
	ex_delete(copy);
}

static void read_text(enum wwr_resv_usage usage)
{
	char text[256];

	wwr_resv_set_deadline(scene.resv, usage, EX_START_NS + ex_choose(100));
	(void)wwr_resv_describe(scene.resv, text, sizeof(text));
}

static void reader_main(void *arg)
{
	static void (*const reads[])(enum wwr_resv_usage usage) = {
	    read_list,	 read_signalled, read_signalled, read_wait, read_locked,
	    read_cursor, read_singleton, read_copy,	 read_text,
	};
	const unsigned int num_reads = sizeof(reads) / sizeof(reads[0]);

	(void)arg;
	for (unsigned int i = 0; i < 2; i++)
		reads[ex_choose(num_reads)](choose_usage());
}

static void tester_main(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 4; i++)
		read_signalled(choose_usage());
}

static void setup(const struct ex_scenario *scenario)
{
	const struct resv_config *config = scenario->config;

	scene.config = config;
	scene.num_records = 0;
	ex_max_losses = 2;
	ex_handoff_after = ex_choose(2);
	ex_spins = 1 + ex_choose(2);
	wwr_class_init(&ex_class, "explore", WWR_WAIT_DIE);
	scene.resv = ex_new(EX_RESV, 0, sizeof(*scene.resv));
	wwr_resv_init(scene.resv, &ex_class);
	for (unsigned int i = 0; i < config->num_writers; i++)
		(void)ex_spawn("adds", writer_main, (void *)(uintptr_t)i);
	for (unsigned int i = 0; i < config->num_readers; i++)
		(void)ex_spawn("reads", has(RESV_TESTS) ? tester_main : reader_main, NULL);
	if (has(RESV_REPLACER))
		(void)ex_spawn("replaces", replacer_main, NULL);
}

static void check(const struct ex_scenario *scenario)
{
	(void)scenario;
	EX_CHECK(scene.resv->mutex.owner == 0 && scene.resv->table_lock == 0,
		 "the reservation is left locked");
	EX_CHECK(wwr_resv_test_signaled(scene.resv, WWR_RESV_USAGE_BOOKKEEP),
		 "every fence has signalled and the reservation does not know");
	wwr_resv_fini(scene.resv);
	ex_delete(scene.resv);
}

#define SCENARIO(id, text, ...)                                                                    \
	static const struct resv_config id##_config = {__VA_ARGS__};                               \
	static const struct ex_scenario id = {#id, text, setup, check, &id##_config}

SCENARIO(resv_add, "a reservation: two add and signal, two read", 2, 2, 1, 2, 0);
SCENARIO(resv_growth, "a reservation: adds that make the table grow, and readers", 3, 1, 2, 3, 0);
SCENARIO(resv_replace, "a reservation: later fences and replacements beside readers", 2, 1, 2, 2,
	 RESV_REPLACER | RESV_LATER);
SCENARIO(resv_reuse, "a reservation: places and signal cells are used again under readers", 1, 2, 4,
	 1, RESV_TESTS);
SCENARIO(resv_nomem, "a reservation: allocations fail", 2, 1, 2, 3, RESV_FAILS);

const struct ex_scenario *const ex_resv_scenarios[] = {
    &resv_add, &resv_growth, &resv_replace, &resv_reuse, &resv_nomem, NULL,
};
