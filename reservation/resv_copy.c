/* SPDX-License-Identifier: MIT */
/*
 * What is done with references of a reservation's fences: copies of the list, waits, descriptions.
 * A copy shows the fences as they were at one moment.
 */
#include <wwresv/alloc.h>
#include <wwresv/fence_array.h>

#include "lockset/park.h"
#include "reservation/report.h"
#include "reservation/resv_read.h"

#include <errno.h>
#include <stdio.h>

/* A wait has so many references at a time. */
#define RESV_WAIT_FENCES 16

/* The pending fences of a moment, a reference each, and their words if those are wanted. */
struct resv_copy {
	uint32_t num;
	uint32_t max;
	bool has_words;
	struct wwr_fence **fences;
	uint64_t *words;
};

static void put_all(uint32_t num, struct wwr_fence **fences)
{
	for (uint32_t i = 0; i < num; i++)
		wwr_fence_put(fences[i]);
}

static void copy_fini(struct resv_copy *copy)
{
	put_all(copy->num, copy->fences);
	wwr_free(copy->fences);
	wwr_free(copy->words);
	copy->num = 0;
	copy->fences = NULL;
	copy->words = NULL;
}

static int copy_alloc(struct resv_copy *copy, uint32_t max)
{
	copy->max = max;
	if (max == 0)
		return 0;
	copy->fences = wwr_alloc_array(max, sizeof(copy->fences[0]));
	if (copy->fences != NULL && copy->has_words)
		copy->words = wwr_alloc_array(max, sizeof(copy->words[0]));
	if (copy->fences != NULL && (copy->words != NULL || !copy->has_words))
		return 0;
	copy_fini(copy);
	return -ENOMEM;
}

/* Entries that may be pending. */
static uint32_t count_pending(const struct wwr_resv *resv, enum wwr_resv_usage usage)
{
	uint32_t num_entries = resv_num_entries(resv);
	uint32_t num = 0;

	for (uint32_t i = 0; i < num_entries; i++)
		num += resv_may_be_pending(resv, i, usage);
	return num;
}

/* Fill an empty copy; it has room for min fences at least. */
static int copy_take(struct resv_copy *copy, struct wwr_resv *resv, enum wwr_resv_usage usage,
		     uint32_t min)
{
	uint32_t max = count_pending(resv, usage);

	for (;;) {
		struct resv_span span = {usage, false, 0, UINT32_MAX};
		int ret = copy_alloc(copy, max < min ? min : max);

		if (ret != 0)
			return ret;
		copy->num = resv_take(resv, &span, copy->max, copy->fences, copy->words);
		if (span.index >= span.end)
			return 0;
		copy_fini(copy);
		/* More were added meanwhile; doubling bounds how often that matters. */
		max = max < UINT32_MAX / 2 ? max * 2 + 1 : UINT32_MAX;
	}
}

int wwr_resv_get_fences(struct wwr_resv *resv, enum wwr_resv_usage usage, unsigned int *ret_num,
			struct wwr_fence ***ret_fences)
{
	struct resv_copy copy = {.has_words = false};
	int ret = copy_take(&copy, resv, usage, 0);

	if (ret != 0)
		return ret;
	if (copy.num == 0)
		copy_fini(&copy);
	*ret_num = copy.num;
	*ret_fences = copy.fences;
	return 0;
}

void wwr_resv_put_fences(unsigned int num, struct wwr_fence **fences)
{
	if (fences == NULL)
		return;
	put_all(num, fences);
	wwr_free(fences);
}

int wwr_resv_get_singleton(struct wwr_resv *resv, enum wwr_resv_usage usage,
			   struct wwr_fence **ret_fence)
{
	struct wwr_fence **fences;
	unsigned int num;
	int ret = wwr_resv_get_fences(resv, usage, &num, &fences);

	if (ret != 0)
		return ret;
	if (num > 1)
		ret = wwr_fence_array_create(num, fences, wwr_fence_context_alloc(1), 1, ret_fence);
	else
		*ret_fence = num == 1 ? wwr_fence_get(fences[0]) : NULL;
	wwr_resv_put_fences(num, fences);
	return ret;
}

/* Where it has the fence; or num. */
static uint32_t copy_find(const struct resv_copy *copy, const struct wwr_fence *fence)
{
	uint32_t i = 0;

	while (i < copy->num && copy->fences[i] != fence)
		i++;
	return i;
}

/* Each fence once, with its lowest usage, which says all that the higher ones do. */
static void copy_unify(struct resv_copy *copy)
{
	uint32_t num = copy->num;

	copy->num = 0;
	for (uint32_t i = 0; i < num; i++) {
		struct wwr_fence *fence = copy->fences[i];
		uint64_t word = copy->words[i];
		uint32_t found = copy_find(copy, fence);

		copy->fences[i] = NULL;
		copy->words[i] = RESV_WORD_EMPTY;
		if (found == copy->num) {
			copy->num++;
			copy->fences[found] = fence;
			copy->words[found] = word;
			continue;
		}
		if (resv_word_usage(word) < resv_word_usage(copy->words[found]))
			copy->words[found] = word;
		wwr_fence_put(fence);
	}
}

/* No other entry of the fence has a lower usage. */
static bool resv_is_lowest(const struct wwr_resv *resv, uint32_t index)
{
	for (uint32_t i = 0; i < resv_num_entries(resv); i++) {
		if (resv_fence(resv, i) == resv_fence(resv, index) &&
		    resv_usage(resv, i) < resv_usage(resv, index))
			return false;
	}
	return true;
}

static void copy_swap(struct resv_copy *copy, uint32_t a, uint32_t b)
{
	struct wwr_fence *fence = copy->fences[a];
	uint64_t word = copy->words[a];

	copy->fences[a] = copy->fences[b];
	copy->words[a] = copy->words[b];
	copy->fences[b] = fence;
	copy->words[b] = word;
}

/*
 * As long as the table, with each fence that is there already at its index, since entries do not
 * move: where a reader of any usage that it has before and after finds it both before and after.
 */
static void copy_arrange(struct resv_copy *copy, const struct wwr_resv *resv)
{
	uint32_t num_entries = resv_num_entries(resv);

	if (copy->num < num_entries)
		copy->num = num_entries;
	for (uint32_t i = 0; i < num_entries; i++) {
		uint32_t found = copy_find(copy, resv_fence(resv, i));

		if (resv_fence(resv, i) != NULL && found < copy->num && resv_is_lowest(resv, i))
			copy_swap(copy, i, found);
	}
}

/* Put the copy in the place of all fences; what was there is in the copy then. */
static void resv_exchange(struct wwr_resv *resv, struct resv_copy *copy)
{
	wait_lock_ranked(&resv->table_lock, RANK_TABLE);
	for (uint32_t i = 0; i < copy->num; i++)
		copy->fences[i] = resv_set_entry(resv, i, copy->fences[i], copy->words[i]);
	wait_unlock(&resv->table_lock);
}

int wwr_resv_copy_fences(struct wwr_resv *resv, struct wwr_resv *from)
{
	struct resv_copy copy = {.has_words = true};
	int ret;

	ret = resv_check_held(resv, __func__);
	if (ret != 0 || resv == from)
		return ret;
	ret = copy_take(&copy, from, WWR_RESV_USAGE_BOOKKEEP, resv_num_entries(resv));
	if (ret != 0)
		return ret;
	copy_unify(&copy);
	ret = resv_make_table(resv, (uint64_t)copy.num + resv_num_slots(resv));
	if (ret == 0) {
		copy_arrange(&copy, resv);
		resv_exchange(resv, &copy);
	}
	copy_fini(&copy);
	return ret;
}

static int wait_all_until(uint32_t num, struct wwr_fence **fences,
			  struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	for (uint32_t i = 0; i < num; i++) {
		int ret = wwr_fence_wait_until(fences[i], token, deadline_ns);

		if (ret != 0)
			return ret;
	}
	return 0;
}

int wwr_resv_wait_until(struct wwr_resv *resv, enum wwr_resv_usage usage,
			struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	struct resv_span span = {usage, false, 0, resv_num_entries(resv)};
	struct wwr_fence *fences[RESV_WAIT_FENCES];
	int ret = 0;

	if (wwr_resv_test_signaled(resv, usage))
		return 0;
	/* Entries do not move: what was there at the call is found, or what took its place. */
	while (ret == 0 && span.index < span.end) {
		uint32_t num = resv_take(resv, &span, RESV_WAIT_FENCES, fences, NULL);

		ret = wait_all_until(num, fences, token, deadline_ns);
		put_all(num, fences);
	}
	return ret;
}

/* Where the text goes on, as snprintf() wants it. */
static char *text_end(char *text, size_t size_bytes, int length, size_t *ret_room)
{
	*ret_room = (size_t)length < size_bytes ? size_bytes - (size_t)length : 0;
	return *ret_room > 0 ? text + length : NULL;
}

int wwr_resv_describe(struct wwr_resv *resv, char *ret_text, size_t size_bytes)
{
	static const char *const names[] = {"kernel", "write", "read", "bookkeep"};
	struct resv_span span = {WWR_RESV_USAGE_BOOKKEEP, true, 0, resv_num_entries(resv)};
	struct wwr_fence *fence;
	uint64_t word;
	int length = 0;

	if (size_bytes > 0)
		ret_text[0] = '\0';
	while (resv_take(resv, &span, 1, &fence, &word) > 0) {
		size_t room;
		char *end = text_end(ret_text, size_bytes, length, &room);

		length += snprintf(end, room, "%s ", names[resv_word_usage(word)]);
		end = text_end(ret_text, size_bytes, length, &room);
		length += wwr_fence_describe(fence, end, room);
		end = text_end(ret_text, size_bytes, length, &room);
		length += snprintf(end, room, "\n");
		wwr_fence_put(fence);
	}
	return length;
}
